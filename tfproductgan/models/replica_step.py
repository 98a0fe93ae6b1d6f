"""The one place that knows `tf.distribute`: a model's step is written as one replica sees it.

Stock Keras 3 fails under several strategies (`steps_per_execution` under MirroredStrategy, everything under
MultiWorkerMirroredStrategy). This mixin replaces how `fit` and `evaluate` turn a step into a function.
"""

from __future__ import annotations

import tensorflow as tf

from tfproductgan.errors import RecipeError


def num_replicas():
    """Number of replicas in sync; callable inside and outside a replica."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def sum_over_replicas(value):
    """The sum of a tensor over all replicas, the same on each of them; callable inside a replica."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)


def mean_over_replicas(value):
    """The mean of a tensor over all replicas, the same on each of them; callable inside a replica."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, value)


def check_strategy():
    """Refuse to make a model under a strategy that Keras 3 cannot train it with.

    Raises:
        RecipeError: If the scope's strategy is none of those that work; the message names them.
    """
    names = ("OneDeviceStrategy", "MirroredStrategy", "MultiWorkerMirroredStrategy", "TPUStrategy")
    strategy = tf.distribute.get_strategy()
    if tf.distribute.has_strategy() and not isinstance(strategy, tuple(getattr(tf.distribute, n) for n in names)):
        raise RecipeError(f"{type(strategy).__name__} is not supported. Use one of {', '.join(names)}.")


def replica_index():
    """Number of this replica among all, counted from 0: the place of its rows in the batch."""
    return tf.distribute.get_replica_context().replica_id_in_sync_group


def apply_gradients(optimizer, gradients, variables):
    """`optimizer.apply` of gradients of this replica's share of the loss, which are summed over the replicas.

    Keras clips before it sums; a limit would then hold for each replica's share alone.
    """
    if num_replicas() > 1:
        if optimizer.gradient_accumulation_steps:
            raise RecipeError(
                f"gradient_accumulation_steps={optimizer.gradient_accumulation_steps} works on one replica. "
                f"Received: {num_replicas()} replicas. Use microbatches."
            )
        gradients = sum_over_replicas(gradients)
        # they are summed: Keras shall take the pairs of gradient and variable as they are
        optimizer._all_reduce_sum_gradients = list
    optimizer.apply(gradients, variables)


class ReplicaStep:
    """Put before `keras.Model` among the bases of a model that is built when constructed."""

    def fit(self, x=None, *args, shuffle=False, **kwargs):
        """`keras.Model.fit`, which would warn about shuffling a stream that is shuffled already."""
        x, kwargs["steps_per_epoch"] = self._shared(x, kwargs.get("steps_per_epoch"))
        validation, kwargs["validation_steps"] = self._shared(
            kwargs.get("validation_data"), kwargs.get("validation_steps")
        )
        return super().fit(x, *args, shuffle=shuffle, **{**kwargs, "validation_data": validation})

    def evaluate(self, x=None, *args, steps=None, **kwargs):
        """`keras.Model.evaluate`, whatever the strategy."""
        x, steps = self._shared(x, steps)
        return super().evaluate(x, *args, steps=steps, **kwargs)

    def _shared(self, stream, steps):
        """A stream that replicas can share and how many steps of it to take: several workers need one without end.

        Of a dataset that ends, each of them would get batches of unknown size, the last perhaps empty.
        """
        replicas = self.distribute_strategy.num_replicas_in_sync
        if replicas == 1 or not isinstance(stream, tf.data.Dataset):
            return stream, steps
        _check_shares(stream, replicas)
        count = int(stream.cardinality())
        return (stream, steps) if count < 0 else (stream.repeat(), steps or count)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # the model is built already; a symbolic build fails under MultiWorkerMirroredStrategy
        pass

    def make_train_function(self, force=False):
        """What `fit` calls for every execution."""
        if self.train_function is None or force:
            self.train_function = self._replicated(self.train_step)

    def make_test_function(self, force=False):
        """What `evaluate` calls for every execution."""
        if self.test_function is None or force:
            self.test_function = self._replicated(self.test_step)

    def _get_metrics_result_or_logs(self, logs):
        # `logs` are one replica's; the metrics are those of all. A test step measures only some of them
        results = self.get_metrics_result()
        return {name: results[name] for name in logs}

    def _replicated(self, step, steps=None):
        strategy, steps = self.distribute_strategy, steps or self.steps_per_execution
        if self.jit_compile:
            if strategy.num_replicas_in_sync > 1 and not isinstance(strategy, tf.distribute.TPUStrategy):
                raise RecipeError(
                    "jit_compile=True works on one replica. "
                    f"Received: {strategy.num_replicas_in_sync} replicas. Use jit_compile=False."
                )
            step = _as_graph(step, jit_compile=True)

        def run_one(iterator):
            logs = strategy.run(step, args=(next(iterator),))
            # `fit` reads the metrics themselves, which are those of all replicas
            return {name: strategy.experimental_local_results(value)[0] for name, value in logs.items()}

        def run_and_count(count, iterator):
            strategy.run(step, args=(next(iterator),))
            return [count + 1]

        def run_many(iterator):
            tf.while_loop(lambda count: count < steps - 1, lambda count: run_and_count(count, iterator), [0])
            return run_one(iterator)

        function = run_one if steps == 1 else run_many
        return function if self.run_eagerly else _as_graph(function)


def unequal_shares(size, replicas):
    """Words for an error message."""
    return f"A batch of {size} images cannot be shared equally by {replicas} replicas: use a multiple of {replicas}."


def _check_shares(stream, replicas):
    """Refuse batches that the replicas cannot share equally."""
    sizes = {spec.shape[:1].as_list()[0] for spec in tf.nest.flatten(stream.element_spec) if spec.shape.rank}
    for size in sizes:
        if size is None:
            raise RecipeError(f"{replicas} replicas need batches of a fixed size: use drop_remainder=True.")
        if size % replicas:
            raise RecipeError(unequal_shares(size, replicas))


def _as_graph(function, **options):
    # a step needs no rewriting of its Python, which would also bury our errors under a page of its own; and it needs
    # batches of a known size, so another size is another graph
    return tf.function(function, autograph=False, **options)
