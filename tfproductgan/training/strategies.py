"""On which devices a training runs: strategies by name, and who among several processes writes files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

# TensorFlow is imported inside functions: the command line lists the names at once


def is_chief(strategy: tf.distribute.Strategy | None = None) -> bool:
    """Whether this process is the one that writes files: of several workers the first, otherwise always.

    Args:
        strategy: The strategy of the training, such as `model.distribute_strategy`. Defaults to the one of the
            scope it is called in.
    """
    import tensorflow as tf

    strategy = strategy or tf.distribute.get_strategy()
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return True
    resolver = strategy.cluster_resolver
    if resolver.task_type == "worker":
        return resolver.task_id == 0 and not resolver.cluster_spec().as_dict().get("chief")
    return resolver.task_type in (None, "", "chief")


def highest_over_processes(values: Sequence[int], strategy: tf.distribute.Strategy) -> list[int]:
    """The highest of each value over all processes of a training, which must ask for it at the same point.

    Args:
        values: This process's values.
        strategy: The strategy of the training.
    """
    import tensorflow as tf

    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return list(values)
    mine = strategy.experimental_distribute_values_from_function(lambda context: tf.constant([values], tf.int64))
    return tf.reduce_max(strategy.gather(mine, axis=0), axis=0).numpy().tolist()
