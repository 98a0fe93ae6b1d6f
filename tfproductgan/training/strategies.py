"""On which devices a training runs: strategies by name, and who among several processes writes files."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Sequence

import tensorflow as tf

from tfproductgan.errors import RecipeError, RunError, nearest
from tfproductgan.models.replica_step import unequal_shares
from tfproductgan.recipes import Recipe
from tfproductgan.training import STRATEGIES

_TF_CONFIG = '{"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}}'


def make_strategy(name: str = "auto") -> tf.distribute.Strategy:
    """A strategy by name; call it before any other use of TensorFlow, as several workers need.

    - `"one"`: the first GPU, or else the processor.
    - `"mirrored"`: all GPUs of this machine (or all logical processors, if there are several: for tests).
    - `"multi-worker"`: all GPUs of each of the machines that the environment variable `TF_CONFIG` names.
    - `"tpu"`: all cores of this machine's TPU, or of the one that the environment variable `TPU_NAME` names.
    - `"auto"`: `"multi-worker"` if `TF_CONFIG` names several machines, else `"mirrored"` if there are several GPUs,
      else `"one"`.

    Raises:
        RunError: If there is no such strategy, or not the devices for it.
    """
    if name not in STRATEGIES:
        raise RunError(f"Unknown strategy {name!r}: {nearest(name, STRATEGIES)}")
    workers = _workers()
    if name == "auto":
        several_gpus = len(tf.config.list_physical_devices("GPU")) > 1
        name = "multi-worker" if len(workers) > 1 else "mirrored" if several_gpus else "one"
    if name == "multi-worker":
        return _multi_worker(workers)
    if name == "tpu":
        return _tpu()
    return _mirrored() if name == "mirrored" else tf.distribute.get_strategy()


def _workers():
    """Addresses of the machines that train together, as `TF_CONFIG` has them."""
    text = os.environ.get("TF_CONFIG", "")
    try:
        cluster = (json.loads(text) if text else {}).get("cluster", {})
        others = sorted(cluster.keys() - {"chief", "worker"})
        addresses = [address for role in ("chief", "worker") for address in cluster.get(role, [])]
    except (ValueError, AttributeError, TypeError) as error:
        raise RunError(f"The environment variable TF_CONFIG must be like {_TF_CONFIG}. Received: {text}") from error
    if others:
        raise RunError(f"TF_CONFIG names machines in the role {others[0]!r}; only 'worker' and 'chief' take part.")
    return addresses


def _multi_worker(workers):
    if not workers:
        raise RunError(
            "The strategy multi-worker needs the environment variable TF_CONFIG to name the machines and which of them "
            f"this is: {_TF_CONFIG}"
        )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        raise RunError(f"The workers {', '.join(workers)} cannot train together: {_first_line(error)}") from error


def _mirrored():
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) < 2:
        raise RunError(f"The strategy mirrored needs several GPUs. Found: {devices[0].name}. Use one or auto.")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _tpu():
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(os.environ.get("TPU_NAME", "local"))
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        raise RunError(
            f"There is no TPU to train on: {_first_line(error)}. TensorFlow can use one with the extra tpu."
        ) from error


def _first_line(error):
    return re.split(r"\n|\. ", str(error).strip())[0].rstrip(".")


def share_of_each(strategy: tf.distribute.Strategy, stream_of: Callable[[tuple[int, int]], tf.data.Dataset]):
    """What `fit` reads under a strategy, so that each process reads only the photos of its own replicas.

    Args:
        strategy: The strategy of the training.
        stream_of: Makes the stream of a part `(i, n)` of each batch; see `Catalogue.stream`.
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return stream_of((0, 1))

    def of_worker(context):
        stream = stream_of((context.input_pipeline_id, context.num_input_pipelines))
        [rows] = {spec.shape[0] for spec in tf.nest.flatten(stream.element_spec)}
        replicas = context.num_replicas_in_sync // context.num_input_pipelines
        return stream if replicas == 1 else stream.rebatch(rows // replicas, drop_remainder=True)

    return strategy.distribute_datasets_from_function(of_worker)


def check_batch(recipe: Recipe, strategy: tf.distribute.Strategy) -> None:
    """Refuse batches that the replicas cannot share.

    Raises:
        RecipeError: If replicas and microbatches do not divide the batch size.
    """
    replicas = strategy.num_replicas_in_sync
    if recipe.batch_size % replicas:
        raise RecipeError(unequal_shares(recipe.batch_size, replicas))
    share = recipe.batch_size // replicas
    if share % recipe.microbatches:
        raise RecipeError(
            f"microbatches must divide the {share} images that each replica has of a batch. "
            f"Received: {recipe.microbatches}"
        )


def is_chief(strategy: tf.distribute.Strategy | None = None) -> bool:
    """Whether this process is the one that writes files: of several workers the first, otherwise always.

    Args:
        strategy: The strategy of the training, such as `model.distribute_strategy`. Defaults to the one of the
            scope it is called in.
    """
    strategy = strategy or tf.distribute.get_strategy()
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return True
    resolver = strategy.cluster_resolver
    if resolver.task_type == "worker":
        return resolver.task_id == 0 and not resolver.cluster_spec().as_dict().get("chief")
    return resolver.task_type in (None, "", "chief")


def highest_over_processes(values: Sequence[int], strategy: tf.distribute.Strategy) -> list[int]:
    """The highest of each value over all processes of a training, which must ask for it at the same point."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return list(values)
    replicas = range(strategy.num_replicas_in_sync)
    nothing = [0] * len(values)
    # a table with a row a replica, to which each adds its own
    tables = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(
            [list(values) if replica == context.replica_id_in_sync_group else nothing for replica in replicas], tf.int64
        )
    )
    return tf.reduce_max(_sum_over_replicas(strategy)(tables), axis=0).numpy().tolist()


@functools.lru_cache(maxsize=1)
def _sum_over_replicas(strategy):
    # as one graph: asked after every step, it must not take longer than the step
    return tf.function(lambda values: strategy.reduce("SUM", values, axis=None), autograph=False)


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Return when all processes of a training have come here."""
    highest_over_processes([0], strategy)
