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


class ReplicaStep:
    """Put before `keras.Model` among the bases of a model that is built when constructed."""

    def fit(self, *args, shuffle=False, **kwargs):
        """`keras.Model.fit`, which would warn about shuffling a stream that is shuffled already."""
        return super().fit(*args, shuffle=shuffle, **kwargs)

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

    def _replicated(self, step):
        strategy, steps = self.distribute_strategy, self.steps_per_execution
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


def _as_graph(function, **options):
    # a step needs no rewriting of its Python, which would also bury our errors under a page of its own
    return tf.function(function, reduce_retracing=True, autograph=False, **options)
