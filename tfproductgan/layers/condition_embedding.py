"""Ids of conditions to one vector."""

from __future__ import annotations

import itertools

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="tfproductgan")
class ConditionEmbedding(keras.layers.Layer):
    """Sums one learned vector an attribute, so that a partial condition is a partial sum.

    Id 0 ("not given") has a vector of its own, learned from photos that lack the attribute and through label dropout.
    Of an attribute that takes several values it is the mean of theirs.

    Args:
        num_ids: Number of ids of each attribute, "not given" included; one that takes several values has a 0 for each
            further column.
        dim: Length of the vectors.
        initializer: How the table of vectors starts. Defaults to a normal distribution of which outputs have about unit
            variance.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, len(num_ids)]`, integers.

    Output shape: `[batch, dim]`.
    """

    def __init__(self, num_ids, dim, initializer=None, **kwargs):
        super().__init__(**kwargs)
        self.num_ids = tuple(num_ids)
        self.dim = dim
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape):
        """Make the table of all vectors."""
        # all attributes share one table: one lookup, one dense gradient
        self.table = self.add_weight(
            name="table",
            shape=(sum(self.num_ids), self.dim),
            initializer=self.initializer or keras.initializers.RandomNormal(stddev=len(_widths(self.num_ids)) ** -0.5),
        )
        self.built = True

    @property
    def rows_not_given(self):
        """For each row of the table that of "not given" of its attribute."""
        sizes = [number for number in self.num_ids if number]
        return np.repeat(np.cumsum([0, *sizes[:-1]]), sizes)

    def call(self, conditions):
        """Look the ids up, average those of an attribute and sum."""
        rows, weights = table_rows(ops.cast(conditions, "int32"), self.num_ids)
        vectors = ops.take(self.table, rows, axis=0)
        if weights is not None:
            vectors = vectors * ops.cast(weights, vectors.dtype)[:, :, None]
        return ops.sum(vectors, axis=1)

    def compute_output_shape(self, input_shape):
        """`[batch, dim]`."""
        return (input_shape[0], self.dim)

    def get_config(self):
        """Everything the constructor takes."""
        initializer = keras.initializers.serialize(self.initializer) if self.initializer else None
        return {**super().get_config(), "num_ids": list(self.num_ids), "dim": self.dim, "initializer": initializer}


def table_rows(ids, num_ids):
    """Which vectors of a `ConditionEmbedding` make up the one of a condition.

    Args:
        ids: int32 `[batch, len(num_ids)]`.
        num_ids: As of the layer.

    Returns:
        Rows of its table, int32 `[batch, len(num_ids)]`, and what each counts in the sum, float32 of the same shape, or
        `None` if each counts once.
    """
    widths = _widths(num_ids)
    firsts = np.cumsum([0, *(number for number in num_ids if number)])[:-1]
    rows = ids + np.repeat(firsts, widths).astype("int32")
    if max(widths, default=1) == 1:
        return rows, None
    # whole numbers up to the last lookup, so that converters to whole numbers round nothing on the way
    shares = []
    for end, width in zip(itertools.accumulate(widths), widths, strict=True):
        given = ops.minimum(ids[:, end - width : end], 1)
        count = ops.sum(given, axis=1, keepdims=True)
        # where nothing is given the vector of "not given" counts, once
        shares.append(given * count + (1 - ops.minimum(count, 1)) * np.eye(1, width, dtype="int32"))
    fractions = np.array([0, *(1 / count for count in range(1, max(widths) + 1))], "float32")
    return rows, ops.take(ops.convert_to_tensor(fractions), ops.concatenate(shares, axis=1), axis=0)


def _widths(num_ids):
    """Number of columns of each attribute."""
    starts = [column for column, number in enumerate(num_ids) if number]
    return np.diff([*starts, len(num_ids)]).tolist()
