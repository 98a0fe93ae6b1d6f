"""Pixels as networks see them and as people do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

# Always the same batch shape: libraries may sum in another order for another shape, and then a picture would
# depend on how many were asked for.
_AT_ONCE = 16


def to_uint8(images):
    """Images in -1 to 1 as uint8, rounded to the nearest."""
    return tf.cast(tf.clip_by_value(tf.round((images + 1.0) * 127.5), 0, 255), tf.uint8)


def to_float(images):
    """uint8 images as float32 in -1 to 1."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def in_chunks(
    function: Callable[..., tf.Tensor], arrays: Sequence[np.ndarray], shape: Sequence[int], at_once: int = _AT_ONCE
) -> np.ndarray:
    """What a function makes of rows, asked for some at a time.

    Args:
        function: Maps tensors of equally many rows to uint8 pictures, each of which depends on its own row alone.
        arrays: Its arguments, `[N, ...]` each.
        shape: Of a picture.
        at_once: Rows at a time, also where fewer are left: small networks are quicker for several. Defaults to 16.

    Returns:
        uint8 `[N, *shape]`.
    """
    made = [np.zeros((0, *shape), np.uint8)]
    for start in range(0, len(arrays[0]), at_once):
        chunk = [array[start : start + at_once] for array in arrays]
        missing = at_once - len(chunk[0])
        padded = [np.pad(a, [(0, missing)] + [(0, 0)] * (a.ndim - 1), mode="edge") for a in chunk]
        made.append(function(*map(tf.convert_to_tensor, padded)).numpy()[: at_once - missing])
    return np.concatenate(made)
