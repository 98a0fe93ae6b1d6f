"""Batch normalisation as all families use it."""

from __future__ import annotations

import keras


def batch_normalization(momentum=0.9, **options):
    """A `keras.layers.BatchNormalization` by the statistics of all replicas.

    Args:
        momentum: Of the moving statistics. Defaults to 0.9, since trainings here can be short.
        **options: See `keras.layers.BatchNormalization`.
    """
    # Keras knows of replicas on TensorFlow alone
    synchronized = keras.backend.backend() == "tensorflow"
    return keras.layers.BatchNormalization(momentum=momentum, synchronized=synchronized, **options)
