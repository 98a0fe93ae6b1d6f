"""Ids of conditions to one vector."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="tfproductgan")
class ConditionEmbedding(keras.layers.Layer):
    """Sums one learned vector an attribute, so that a partial condition is a partial sum.

    Id 0 ("not given") has a vector of its own, learned from photos that lack the attribute and through label dropout.

    Args:
        num_ids: Number of ids of each attribute, "not given" included.
        dim: Length of the vectors.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, len(num_ids)]`, integers.

    Output shape: `[batch, dim]`, of about unit variance at the start.
    """

    def __init__(self, num_ids, dim, **kwargs):
        super().__init__(**kwargs)
        self.num_ids = tuple(num_ids)
        self.dim = dim
        # all attributes share one table: one lookup, one dense gradient
        self._offsets = np.concatenate([[0], np.cumsum(self.num_ids)[:-1]]).astype("int32")

    def build(self, input_shape):
        """Make the table of all vectors."""
        self.table = self.add_weight(
            name="table",
            shape=(sum(self.num_ids), self.dim),
            initializer=keras.initializers.RandomNormal(stddev=len(self.num_ids) ** -0.5),
        )
        self.built = True

    def call(self, conditions):
        """Look the ids up and sum."""
        rows = ops.cast(conditions, "int32") + self._offsets
        return ops.sum(ops.take(self.table, rows, axis=0), axis=1)

    def compute_output_shape(self, input_shape):
        """`[batch, dim]`."""
        return (input_shape[0], self.dim)

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "num_ids": list(self.num_ids), "dim": self.dim}
