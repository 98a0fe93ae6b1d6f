"""Adam as all families use it."""

from __future__ import annotations

import keras


@keras.saving.register_keras_serializable(package="tfproductgan")
class Adam(keras.optimizers.Adam):
    """Keras's Adam, in TensorFlow's single operation where a training has one replica.

    Keras takes a dozen operations, each of which reads and writes as much as a network has weights. Between replicas,
    and outside TensorFlow, it is Keras's.
    """

    def update_step(self, gradient, variable, learning_rate):
        """Move one variable, see `keras.optimizers.Adam`."""
        if self.amsgrad or not _is_one_replicas(variable):
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        index = self._get_variable_index(variable)
        kind = variable.dtype
        beta_1, beta_2 = (tf.cast(beta, kind) for beta in (self.beta_1, self.beta_2))
        steps = tf.cast(self.iterations + 1, kind)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=beta_1**steps,
            beta2_power=beta_2**steps,
            lr=tf.cast(learning_rate, kind),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, kind),
            grad=tf.cast(gradient, kind),
        )


def _is_one_replicas(variable):
    """Whether the operation takes this: a variable of TensorFlow's that lies in one place."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return isinstance(variable, tf.Variable) and not isinstance(variable, tf.distribute.DistributedValues)
