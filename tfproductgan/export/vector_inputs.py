"""Vectors of texts inside a TensorFlow graph: what `TextVectors.encode` does in Python."""

from __future__ import annotations

import tensorflow as tf

from tfproductgan.text_vectors import MIDDLE, STEPS, TextVectors


class VectorInputs(tf.Module):
    """How a `TextVectors` reads, as a graph."""

    def __init__(self, vectors: TextVectors):
        super().__init__()
        self.length = vectors.length
        self._mean = tf.constant(vectors.mean, tf.float64)

    def read(self, vectors: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Vectors, float32 `[N, length]`, all zeros for not given, as numbers, int64 `[N, length]`, and which are none,
        bool `[N]`.
        """
        wrong = ~tf.reduce_all(tf.math.is_finite(vectors), axis=1)
        parts = tf.cast(vectors, tf.float64)
        parts = tf.where(wrong[:, None], tf.zeros_like(parts), parts)
        largest = tf.reduce_max(tf.abs(parts), axis=1, keepdims=True)
        # in the steps in which vectors are written down
        parts = _direction(tf.round(tf.math.divide_no_nan(parts, largest) * STEPS))
        ids = tf.cast(tf.round(_direction(parts - self._mean) * STEPS), tf.int64) + MIDDLE
        return tf.where(largest > 0, ids, tf.zeros_like(ids)), wrong


def _direction(parts: tf.Tensor) -> tf.Tensor:
    return parts / tf.maximum(tf.norm(parts, axis=1, keepdims=True), 1e-12)
