"""Batch normalisation as all families use it."""

from __future__ import annotations

import keras


@keras.saving.register_keras_serializable(package="tfproductgan")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer, in TensorFlow's single operation where a training has one replica.

    Keras takes a dozen operations, whose gradients repeat the statistics all over the map: three times as slow on
    processors that are fast in bfloat16. Between replicas, and outside TensorFlow, it is Keras's.

    Args:
        momentum: Of the moving statistics. Defaults to 0.9, since trainings here can be short.
        **kwargs: See `keras.layers.BatchNormalization`.
    """

    def __init__(self, momentum=0.9, **kwargs):
        # Keras knows of replicas on TensorFlow alone
        kwargs = {"synchronized": keras.backend.backend() == "tensorflow", **kwargs}
        super().__init__(momentum=momentum, **kwargs)

    def call(self, inputs, training=None, mask=None):
        """Normalise channels, see `keras.layers.BatchNormalization`."""
        if training and self.trainable and mask is None and _is_one_map(inputs):
            return self._fused(inputs)
        return super().call(inputs, training=training, mask=mask)

    def _fused(self, inputs):
        import tensorflow as tf

        channels = inputs.shape[-1]
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma) if self.scale else tf.ones(channels),
            offset=tf.convert_to_tensor(self.beta) if self.center else tf.zeros(channels),
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=self.epsilon,
            is_training=True,
        )
        # the operation divides the sum of squares by one less than their number, Keras does not
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
        found = (self.moving_mean, mean), (self.moving_variance, variance * (1.0 - 1.0 / count))
        for moving, new in found:
            moving.assign(moving * self.momentum + new * (1.0 - self.momentum))
        return outputs


def _is_one_map(inputs):
    """Whether the operation takes this: maps of one replica, in a type that TensorFlow has it for."""
    if keras.backend.backend() != "tensorflow" or len(inputs.shape) != 4 or inputs.dtype == "float64":
        return False
    import tensorflow as tf

    replica = tf.distribute.get_replica_context()
    return tf.is_tensor(inputs) and (replica is None or replica.num_replicas_in_sync == 1)
