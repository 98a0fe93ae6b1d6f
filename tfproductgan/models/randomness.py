"""Randomness without state: what is drawn depends on (seed, step, purpose) and a row's place in the whole batch.

So a run that was stopped and resumed draws what it would have drawn, and so does one whose batch is spread over more
replicas or microbatches: each takes its rows of one draw.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

import tensorflow as tf

from tfproductgan.models.replica_step import num_replicas, replica_index


class Purpose(enum.IntEnum):
    """What random numbers are for; each has a stream of its own. Values are part of a run's meaning: append only."""

    LATENTS = 0
    LABEL_DROPOUT = 1
    AUGMENT_REAL = 2
    AUGMENT_FAKE = 3
    PENALTY = 4
    NETWORK = 5
    TEST = 6
    MATCHING = 7
    MIXING = 8
    CROSSOVER = 9
    PATH_LENGTH = 10
    REPLAY = 11
    REPLAY_COIN = 12
    CROP = 13
    DEGRADATION = 14
    NOISE = 15
    TEXT_ALONE = 16


def key(seed, step, purpose, index=0, owner=0):
    """The key of one stateless draw.

    Args:
        seed: The seed of the run, a Python integer.
        step: The training step, an integer tensor.
        purpose: A `Purpose`.
        index: Tells apart draws of one purpose within a step.
        owner: Tells apart who draws, such as `replica_index()`; by default all replicas draw alike.

    Returns:
        A `[2]` tensor for `tf.random.stateless_*`.
    """
    drawn = tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64)])
    for part in (int(purpose) * 1024 + index, owner):
        drawn = tf.random.experimental.stateless_fold_in(drawn, tf.cast(part, tf.int64))
    return drawn


@dataclasses.dataclass(frozen=True)
class Draws:
    """Random numbers for some rows of a step's batch: those of this replica, or of one part of them.

    Each draw is made for the rows of all replicas, which costs little, and all rows but the own ones are dropped.

    Args:
        seed: The seed of the run, a Python integer.
        step: The training step, an integer tensor.
        index: Tells apart draws of one purpose within a step.
        part: `(i, n)` for every n-th of this replica's rows from the i-th on.
    """

    seed: int
    step: Any
    index: int = 0
    part: tuple[int, int] = (0, 1)

    def normal(self, purpose, shape):
        """Standard normal numbers of a shape whose first axis counts the rows."""
        return self._rows(tf.random.stateless_normal, purpose, shape)

    def uniform(self, purpose, shape):
        """Numbers uniform in [0, 1) of a shape whose first axis counts the rows."""
        return self._rows(tf.random.stateless_uniform, purpose, shape)

    def places(self, purpose, rows, count, index):
        """A place for each row, int32 `[rows]`, no two alike in the whole batch: 0 to `count` - 1, or higher if it has
        more rows. `index` tells apart draws of a purpose.
        """

        def draw(shape, of_step):
            lots = tf.random.stateless_uniform((max(count, shape[0]), 2), of_step)[:, index]
            return tf.argsort(lots, stable=True)[: shape[0]]

        return self._rows(draw, purpose, (rows,))

    def _rows(self, draw, purpose, shape):
        rows, *others = shape
        part, parts = self.part
        whole = draw((rows * parts * num_replicas(), *others), key(self.seed, self.step, purpose, self.index))
        if parts * num_replicas() == 1:
            return whole
        share = rows * parts
        mine = tf.slice(whole, [replica_index() * share, *[0] * len(others)], [share, *others])
        return mine[part::parts]
