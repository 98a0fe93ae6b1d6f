"""Attention of a feature map to itself."""

from __future__ import annotations

import keras
from keras import ops

from tfproductgan.layers.spectral_normalization import SpectralNormalization


@keras.saving.register_keras_serializable(package="tfproductgan")
class SelfAttention(keras.layers.Layer):
    """Adds to each place of a feature map what it finds at all others, weighed by how well they answer to it.

    It starts as the identity. Its 1x1 convolutions are spectrally normalised.

    Call arguments:
        inputs: `[batch, height, width, channels]`, of even height and width.
        training: Whether spectral normalisation is in training mode.

    Output shape: that of `inputs`.

    Reference:
        Zhang et al., 2019, Self-Attention Generative Adversarial Networks, https://arxiv.org/abs/1805.08318
    """

    def build(self, input_shape):
        """Make the convolutions and the share of what they find."""
        channels = input_shape[-1]
        few, half = max(1, channels // 8), max(1, channels // 2)
        self.queries, self.keys, self.values = (
            self._make(filters, name, input_shape)
            for filters, name in ((few, "queries"), (few, "keys"), (half, "values"))
        )
        self.outputs = self._make(channels, "outputs", (*input_shape[:-1], half))
        self.share = self.add_weight(name="share", shape=(), initializer="zeros")
        self.built = True

    def _make(self, filters, name, shape):
        conv = keras.layers.Conv2D(
            filters, 1, use_bias=False, data_format="channels_last", name="conv", dtype=self.dtype_policy
        )
        normalised = SpectralNormalization(conv, use_bias=False, name=name, dtype=self.dtype_policy)
        normalised.build(shape)
        return normalised

    def call(self, inputs, training=False):
        """Look around and add."""
        queries = _places(self.queries(inputs, training=training))
        keys = _places(_halved(self.keys(inputs, training=training)))
        values = _places(_halved(self.values(inputs, training=training)))
        answers = ops.cast(ops.matmul(queries, ops.transpose(keys, (0, 2, 1))), "float32")
        found = ops.matmul(ops.cast(ops.softmax(answers), values.dtype), values)
        found = ops.reshape(found, (-1, *inputs.shape[1:3], found.shape[-1]))
        return inputs + self.share * self.outputs(found, training=training)

    def compute_output_shape(self, input_shape):
        """The shape of `inputs`."""
        return input_shape


def _halved(x):
    return ops.max_pool(x, 2, 2, "valid", data_format="channels_last")


def _places(x):
    """A map as a list of its places: `[batch, height * width, channels]`."""
    return ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))
