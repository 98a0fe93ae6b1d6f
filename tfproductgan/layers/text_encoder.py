"""Texts to vectors: what a text says, as one vector of its pieces."""

from __future__ import annotations

import keras
from keras import ops

WIDTH = 96
"""Length of the vectors of pieces and texts."""

_REACH = 3  # pieces that are looked at together, so that "pink strap" is no "pink watch"
_MASKED = -1e9


@keras.saving.register_keras_serializable(package="tfproductgan")
class TextEncoder(keras.layers.Layer):
    """A small encoder of titles: vectors of pieces, each with its neighbours, and the mean of those that count.

    How much a piece counts is learnt, since a brand says less of a picture than a colour. A text that is not given has
    a vector of its own.

    Args:
        num_ids: Number of ids of pieces, 0 for nothing included.
        width: Length of the vectors. Defaults to 96.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, length]`, integers; 0 is no piece.

    Output shape: `[batch, width]`, of about unit variance.
    """

    def __init__(self, num_ids, width=WIDTH, **kwargs):
        super().__init__(**kwargs)
        self.num_ids, self.width = num_ids, width

    def build(self, input_shape):
        """Make the vectors of all pieces, and what looks at neighbours and weighs."""
        small = keras.initializers.RandomNormal(stddev=0.1)
        self.table = self.add_weight(name="table", shape=(self.num_ids, self.width), initializer=small)
        self.kernel = self.add_weight(
            name="kernel", shape=(_REACH * self.width, self.width), initializer=keras.initializers.GlorotNormal()
        )
        self.bias = self.add_weight(name="bias", shape=(self.width,), initializer="zeros")
        self.weighing = self.add_weight(name="weighing", shape=(self.width, 1), initializer="zeros")
        self.nothing = self.add_weight(
            name="nothing", shape=(self.width,), initializer=keras.initializers.RandomNormal(stddev=1.0)
        )
        self.built = True

    def call(self, ids):
        """Look the pieces up, look at neighbours, weigh and sum."""
        ids = ops.cast(ids, "int32")
        there = ops.cast(ops.minimum(ids, 1), self.compute_dtype)[:, :, None]
        x = ops.take(self.table, ids, axis=0) * there
        before = ops.pad(x[:, :-1], [[0, 0], [1, 0], [0, 0]])
        after = ops.pad(x[:, 1:], [[0, 0], [0, 1], [0, 0]])
        around = ops.concatenate([before, x, after], axis=-1)
        x = x + ops.leaky_relu(ops.matmul(around, self.kernel) + self.bias, 0.2)
        counts = ops.cast(ops.matmul(x, self.weighing), "float32")
        counts = ops.softmax(counts + _MASKED * (1.0 - ops.cast(there, "float32")), axis=1)
        said = ops.sum(ops.cast(x, "float32") * counts, axis=1)
        said = said * ops.rsqrt(ops.mean(ops.square(said), axis=-1, keepdims=True) + 1e-6)
        given = ops.cast(ops.max(there, axis=1), "float32")
        return ops.cast(given * said + (1.0 - given) * ops.cast(self.nothing, "float32"), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """`[batch, width]`."""
        return (input_shape[0], self.width)

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "num_ids": self.num_ids, "width": self.width}
