"""How much pictures of a batch differ, as one more channel."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfproductgan")
class MinibatchDeviation(keras.layers.Layer):
    """Adds a channel that holds the mean standard deviation of features within a group of pictures.

    A discriminator sees by it when pictures are more alike than photos.

    Args:
        group: Pictures a group; the largest number up to this that divides the batch is taken. Defaults to 4.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, height, width, channels]`.

    Output shape: `[batch, height, width, channels + 1]`.

    Reference:
        Karras et al., 2018, Progressive Growing of GANs for Improved Quality, Stability, and Variation, section 3,
        https://arxiv.org/abs/1710.10196
    """

    def __init__(self, group=4, **kwargs):
        super().__init__(**kwargs)
        self.group = group

    def call(self, inputs):
        """Add the channel."""
        batch = inputs.shape[0] or self.group
        group = max(size for size in range(1, self.group + 1) if batch % size == 0)
        # neighbours are of one group, so that replicas that share a batch make the same groups
        grouped = ops.reshape(ops.cast(inputs, "float32"), (-1, group, *inputs.shape[1:]))
        deviations = ops.mean(ops.sqrt(ops.var(grouped, axis=1) + 1e-8), axis=(1, 2, 3))
        channel = ops.reshape(ops.cast(ops.repeat(deviations, group), inputs.dtype), (-1, 1, 1, 1))
        return ops.concatenate([inputs, ops.zeros_like(inputs[..., :1]) + channel], axis=-1)

    def compute_output_shape(self, input_shape):
        """One channel more."""
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "group": self.group}
