"""Ids of conditions to one vector."""

from __future__ import annotations

import itertools

import keras
import numpy as np
from keras import ops

from tfproductgan.layers.text_encoder import TextEncoder
from tfproductgan.layers.vector_reader import VectorReader
from tfproductgan.text_vectors import VECTOR_IDS

# of conditioning augmentation: how far vectors of texts are spread at first and how far they can be, as logarithms, and
# what it costs to be spread otherwise than a normal distribution
_FIRST_SPREAD, _SPREADS, _SPREAD_WEIGHT = -2.0, (-5.0, 1.0), 0.1

_FEW_IDS = 512  # of a table that is multiplied by whole


@keras.saving.register_keras_serializable(package="tfproductgan")
class ConditionEmbedding(keras.layers.Layer):
    """Sums one learned vector an attribute, so that a partial condition is a partial sum, and one of the text, if any.

    Id 0 ("not given") has a vector of its own, learned from photos that lack the attribute and through label dropout.
    Of an attribute that takes several values it is the mean of theirs.

    Args:
        num_ids: Number of ids of each attribute, "not given" included; one that takes several values has a 0 for each
            further column. Last, below zero, the number of ids of the pieces of a text, or of the parts of a vector,
            with a 0 for each further column as well.
        dim: Length of the vectors.
        initializer: How the table of vectors starts. Defaults to a normal distribution of which outputs have about unit
            variance.
        spreads: Whether in training the vector of a text is drawn from around what it says, as generators want it,
            which else know a few points of a large space (conditioning augmentation). Defaults to `False`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, len(num_ids)]`, integers.

    Output shape: `[batch, dim]`.

    Reference:
        Zhang et al., 2017, StackGAN, https://arxiv.org/abs/1612.03242, section 3.2
    """

    def __init__(self, num_ids, dim, initializer=None, spreads=False, **kwargs):
        super().__init__(**kwargs)
        self.num_ids = tuple(num_ids)
        self.dim = dim
        self.initializer = keras.initializers.get(initializer)
        self.spreads = spreads
        self.label_ids, self.piece_ids = split_ids(self.num_ids)
        self.text = None
        if self.piece_ids:
            if -self.piece_ids[0] == VECTOR_IDS:
                self.text = VectorReader(len(self.piece_ids), name="text", dtype=self.dtype_policy)
            else:
                self.text = TextEncoder(-self.piece_ids[0], name="text", dtype=self.dtype_policy)
            self.seed_generator = keras.random.SeedGenerator(0) if spreads else None

    def build(self, input_shape):
        """Make the table of all vectors, and what reads texts."""
        several = len(_widths(self.label_ids)) + bool(self.piece_ids)
        start = self.initializer or keras.initializers.RandomNormal(stddev=several**-0.5)
        # all attributes share one table: one lookup, one dense gradient
        self.table = self.to_text = None
        if self.label_ids or self.text is None:
            self.table = self.add_weight(name="table", shape=(sum(self.label_ids), self.dim), initializer=start)
        if self.text is not None:
            self.text.build((None, len(self.piece_ids)))
            shape = (self.text.width, self.dim)
            # sums over so many parts are as large as a vector of the table then
            less = self.text.width**-0.5
            self.to_text = self.add_weight(
                name="to_text", shape=shape, initializer=lambda shape, dtype: less * start(shape, dtype)
            )
            if self.spreads:
                self.to_spread = self.add_weight(name="to_spread", shape=shape, initializer="zeros")
        self.built = True

    @property
    def vectors(self):
        """What outputs are sums of, `[rows, dim]`: those of all ids, and what the vector of a text is made of."""
        rows = [each for each in (self.table, self.to_text) if each is not None]
        return rows[0] if len(rows) == 1 else ops.concatenate(rows, axis=0)

    def scale(self, factor):
        """Multiply all vectors."""
        for rows in (self.table, self.to_text):
            if rows is not None:
                rows.assign(factor * rows)

    @property
    def rows_not_given(self):
        """For each row of the table that of "not given" of its attribute."""
        sizes = [number for number in self.label_ids if number]
        return np.repeat(np.cumsum([0, *sizes[:-1]]), sizes)

    def call(self, conditions, training=False):
        """Look the ids up, average those of an attribute and sum; read the text."""
        conditions = ops.cast(conditions, "int32")
        if not self.label_ids:
            return self._read(conditions, training)
        rows, weights = table_rows(conditions[:, : len(self.label_ids)], self.label_ids)
        vectors = ops.take(self.table, rows, axis=0)
        if weights is not None:
            vectors = vectors * ops.cast(weights, vectors.dtype)[:, :, None]
        labels = ops.sum(vectors, axis=1)
        return labels if self.text is None else labels + self._read(conditions[:, len(self.label_ids) :], training)

    @property
    def has_few_vectors(self):
        """Whether all vectors at once are quickly multiplied by."""
        return self.text is None and self.table.shape[0] <= _FEW_IDS

    def products(self, features, conditions):
        """What `multiply` computes: one product of matrices with all vectors, whose gradient is one as well."""
        ids = ops.cast(conditions, "int32")
        rows, weights = table_rows(ops.reshape(ids, (-1, ids.shape[-1])), self.label_ids)
        counts = ops.one_hot(rows, self.table.shape[0], dtype=features.dtype)
        if weights is not None:
            counts = counts * ops.cast(weights, features.dtype)[:, :, None]
        counts = ops.reshape(ops.sum(counts, axis=1), (-1, *ids.shape[1:-1], self.table.shape[0]))
        every = ops.matmul(features, ops.transpose(ops.cast(self.table, features.dtype)))
        return ops.sum(counts * (every if len(ids.shape) == 2 else every[:, None]), axis=-1)

    def _read(self, pieces, training):
        """The vector of a text, in training one from around it."""
        said = self.text(pieces)
        mean = ops.matmul(said, self.to_text)
        if not (training and self.spreads):
            return mean
        spread = _FIRST_SPREAD + ops.cast(ops.matmul(said, self.to_spread), "float32")
        spread = ops.clip(spread, *_SPREADS)
        squares = ops.square(ops.cast(mean, "float32")) + ops.exp(2.0 * spread)
        # the divergence from a normal distribution, as a mean over vectors and their parts
        self.add_loss(_SPREAD_WEIGHT * 0.5 * ops.mean(squares - 1.0 - 2.0 * spread))
        noise = keras.random.normal(ops.shape(mean), dtype="float32", seed=self.seed_generator)
        return mean + ops.cast(ops.exp(spread) * noise, mean.dtype)

    def compute_output_shape(self, input_shape):
        """`[batch, dim]`."""
        return (input_shape[0], self.dim)

    def get_config(self):
        """Everything the constructor takes."""
        initializer = keras.initializers.serialize(self.initializer) if self.initializer else None
        config = {**super().get_config(), "num_ids": list(self.num_ids), "dim": self.dim, "initializer": initializer}
        return {**config, "spreads": True} if self.spreads else config


def split_ids(num_ids):
    """What `num_ids` of a `ConditionEmbedding` says of attributes, and what of a text."""
    num_ids = tuple(num_ids)
    start = next((column for column, number in enumerate(num_ids) if number < 0), len(num_ids))
    return num_ids[:start], num_ids[start:]


def multiply(features, conditions, vectors_of):
    """Inner products of features with the vectors of conditions.

    Args:
        features: `[batch, features]`.
        conditions: `[batch, attributes]` ids, or `[batch, several, attributes]`.
        vectors_of: Maps ids `[rows, attributes]` to vectors `[rows, features]`, as a `ConditionEmbedding` does.

    Returns:
        `[batch]`, or `[batch, several]`.
    """
    if isinstance(vectors_of, ConditionEmbedding) and vectors_of.has_few_vectors:
        return vectors_of.products(features, conditions)
    if len(conditions.shape) == 2:
        return ops.sum(features * vectors_of(conditions), axis=-1)
    several, columns = conditions.shape[1:]
    vectors = vectors_of(ops.reshape(conditions, (-1, columns)))
    return ops.sum(features[:, None] * ops.reshape(vectors, (-1, several, features.shape[-1])), axis=-1)


def table_rows(ids, num_ids):
    """Which vectors of a `ConditionEmbedding` make up the one of a condition.

    Args:
        ids: int32 `[batch, len(num_ids)]`.
        num_ids: As of the layer, without a text.

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
