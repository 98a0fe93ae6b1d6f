"""Vectors of titles to vectors of conditions."""

from __future__ import annotations

import keras
from keras import ops

from tfproductgan.layers.text_encoder import WIDTH
from tfproductgan.text_vectors import MIDDLE, STEPS


@keras.saving.register_keras_serializable(package="tfproductgan")
class VectorReader(keras.layers.Layer):
    """What the vector of another program says of a picture: one hidden layer; one that is not given has its own.

    Args:
        length: How many parts a vector has.
        width: Length of the output. Defaults to 96.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, length]`, integers, see `tfproductgan.text_vectors`; all 0 is not given.

    Output shape: `[batch, width]`, of about unit variance.
    """

    def __init__(self, length, width=WIDTH, **kwargs):
        super().__init__(**kwargs)
        self.length, self.width = length, width

    def build(self, input_shape):
        """Make both layers, and what is said by nothing."""
        he = keras.initializers.HeNormal()
        self.kernel = self.add_weight(name="kernel", shape=(self.length, self.width), initializer=he)
        self.bias = self.add_weight(name="bias", shape=(self.width,), initializer="zeros")
        self.output_kernel = self.add_weight(name="output_kernel", shape=(self.width, self.width), initializer=he)
        self.nothing = self.add_weight(
            name="nothing", shape=(self.width,), initializer=keras.initializers.RandomNormal(stddev=1.0)
        )
        self.built = True

    def call(self, ids):
        """Whole numbers to a vector of about unit variance, and through the layers."""
        ids = ops.cast(ids, "int32")
        given = ops.cast(ops.minimum(ops.max(ids, axis=1, keepdims=True), 1), "float32")
        parts = ops.cast(ids - MIDDLE, "float32") * (self.length**0.5 / STEPS)
        x = ops.matmul(ops.cast(parts, self.compute_dtype), self.kernel) + self.bias
        said = ops.cast(ops.matmul(ops.leaky_relu(x, 0.2), self.output_kernel), "float32")
        said = said * ops.rsqrt(ops.mean(ops.square(said), axis=-1, keepdims=True) + 1e-6)
        return ops.cast(given * said + (1.0 - given) * ops.cast(self.nothing, "float32"), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """`[batch, width]`."""
        return (input_shape[0], self.width)

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "length": self.length, "width": self.width}
