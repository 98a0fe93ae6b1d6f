"""The result of a big batch in the memory of a small one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf


def mean_of_microbatches(function: Callable[..., Any], batch: Mapping[str, tf.Tensor], count: int) -> Any:
    """The mean of what a function makes of each microbatch; only one of them needs memory at a time.

    Of a function that takes means over rows (losses, their gradients) that is what it makes of all rows at once.

    Args:
        function: Called as `function(rows, part)` with the rows of each tensor and `part = (i, count)`.
        batch: Tensors by name whose first axis, the same for all, is divisible by `count`.
        count: Number of microbatches. With 1 the function is called once with the batch itself.

    Returns:
        A structure of tensors like that of the function.
    """
    if count == 1:
        return function(batch, (0, 1))
    total = None
    for index in range(count):
        # taken in turns, so that a microbatch has the same rows however many replicas share the batch
        rows = {name: tensor[index::count] for name, tensor in batch.items()}
        if total is None:
            total = function(rows, (index, count))
            continue
        # nothing else keeps a graph from computing all of them at once
        with tf.control_dependencies(tf.nest.flatten(total)):
            rows = {name: tf.identity(row) for name, row in rows.items()}
        total = tf.nest.map_structure(tf.add, total, function(rows, (index, count)))
    return tf.nest.map_structure(lambda value: value / count, total)
