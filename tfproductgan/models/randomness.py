"""Randomness without state: what is drawn depends on (seed, step, purpose, replica) and nothing else.

So a run that was stopped and resumed draws what it would have drawn, and replicas never draw the same noise.
"""

from __future__ import annotations

import enum

import tensorflow as tf


class Purpose(enum.IntEnum):
    """What random numbers are for; each has a stream of its own. Values are part of a run's meaning: append only."""

    LATENTS = 0
    LABEL_DROPOUT = 1
    AUGMENT_REAL = 2
    AUGMENT_FAKE = 3
    PENALTY = 4
    NETWORK = 5
    TEST = 6


def key(seed, step, purpose, index=0):
    """The key of one stateless draw on this replica.

    Args:
        seed: The seed of the run, a Python integer.
        step: The training step, an integer tensor.
        purpose: A `Purpose`.
        index: Tells apart draws of one purpose within a step.

    Returns:
        A `[2]` tensor for `tf.random.stateless_*`.
    """
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    drawn = tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64)])
    for part in (int(purpose) * 1024 + index, replica):
        drawn = tf.random.experimental.stateless_fold_in(drawn, tf.cast(part, tf.int64))
    return drawn
