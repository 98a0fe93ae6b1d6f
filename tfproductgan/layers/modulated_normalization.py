"""Batch normalisation whose gain and bias depend on what is to be drawn."""

from __future__ import annotations

import keras
from keras import ops

from tfproductgan.layers.batch_normalization import BatchNormalization


@keras.saving.register_keras_serializable(package="tfproductgan")
class ModulatedNormalization(keras.layers.Layer):
    """Batch normalisation with gain and bias computed from a vector (latents and condition).

    Args:
        momentum: Momentum of the moving statistics. Defaults to 0.9, since trainings here can be short.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `[batch, height, width, channels]`.
        style: `[batch, dim]`, what gain and bias are computed from.
        training: Whether to normalise by the statistics of the batch (synchronised over replicas).

    Reference:
        Chen et al., 2019, On Self Modulation for Generative Adversarial Networks, https://arxiv.org/abs/1810.01365
    """

    def __init__(self, momentum=0.9, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.norm = BatchNormalization(momentum, center=False, scale=False, name="norm", dtype=self.dtype_policy)

    def build(self, inputs_shape, style_shape):
        """Make the statistics and the map from style to gain and bias."""
        channels = inputs_shape[-1]
        self.norm.build(inputs_shape)
        # starts as plain normalisation: gain 1, bias 0
        self.to_gain_and_bias = keras.layers.Dense(
            2 * channels, kernel_initializer="zeros", name="to_gain_and_bias", dtype=self.dtype_policy
        )
        self.to_gain_and_bias.build(style_shape)
        self.built = True

    def call(self, inputs, style, training=False):
        """Normalise, scale and shift."""
        gain, bias = ops.split(self.to_gain_and_bias(style)[:, None, None, :], 2, axis=-1)
        return self.norm(inputs, training=training) * (1 + gain) + bias

    def compute_output_shape(self, inputs_shape, style_shape):
        """The shape of `inputs`."""
        return inputs_shape

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "momentum": self.momentum}
