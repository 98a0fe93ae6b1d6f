from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.models.replica_step import num_replicas


def test_without_a_strategy_there_is_one_replica():
    assert num_replicas() == 1
    assert tf.function(num_replicas)() == 1


@pytest.mark.parametrize("steps_per_execution", [1, 3])
def test_fit_takes_every_batch_once_and_in_order(small_gan, random_batches, as_stream, steps_per_execution):
    gan = small_gan()
    seen = []

    def listen(batch):
        seen.append(int(batch["images"][0, 0, 0, 0]))
        return gan.__class__.train_step(gan, batch)

    gan.compile(run_eagerly=True, steps_per_execution=steps_per_execution)
    gan.train_step = listen
    batches = random_batches(gan.schema, count=6)
    gan.fit(as_stream(batches), steps_per_epoch=6, verbose=0)
    assert seen == [int(batch["images"][0, 0, 0, 0]) for batch in batches]


def test_fit_reports_the_mean_over_the_epoch(small_gan, random_batches, as_stream):
    gan = small_gan()
    gan.compile(run_eagerly=True)
    batches = random_batches(gan.schema)
    history = gan.fit(as_stream(batches), steps_per_epoch=3, verbose=0).history
    again = small_gan()
    again.compile()
    losses = []
    for batch in batches:
        losses.append(float(again.train_step(batch)["d_loss"]))
        again.reset_metrics()
    np.testing.assert_allclose(history["d_loss"], [np.mean(losses)], rtol=1e-4)


def test_an_error_of_ours_comes_through_a_graph_as_it_is(small_gan, random_batches, as_stream):
    gan = small_gan()
    gan.compile(discriminator_steps=3)
    with pytest.raises(RecipeError) as raised:
        gan.fit(as_stream(random_batches(gan.schema)), steps_per_epoch=1, verbose=0)
    assert "\n" not in str(raised.value)


def is_for_gpus(output):
    """Whether it is what normalisation keeps for its gradient on GPUs, empty elsewhere."""
    return output.op.type == "FusedBatchNormV3" and output.value_index == 5


@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("dcgan", {"augmentation": ("flip", "colour"), "penalty_interval": 2, "microbatches": 2}),
        ("mlp", {"discriminator": {"dropout": 0.2, "spectral_normalization": True}, "penalties": {"wgan-gp": 10.0}}),
    ],
)
def test_a_step_has_only_what_a_tpu_can_compute(small_gan, random_batches, family, options):
    gan = small_gan(family, **options)
    gan.compile()
    batch = {name: tf.TensorSpec(value.shape, value.dtype) for name, value in random_batches(gan.schema)[0].items()}
    graph = tf.function(gan.train_step, autograph=False).get_concrete_function(batch).graph
    of_unknown_size = [
        f"{output.name} {output.shape}"
        for operation in graph.get_operations()
        for output in operation.outputs
        if output.dtype not in (tf.resource, tf.variant) and not output.shape.is_fully_defined()
        if not is_for_gpus(operation.inputs[0] if operation.type == "ZerosLike" else output)
    ]
    assert not of_unknown_size
    definition = graph.as_graph_def()
    nodes = [*definition.node, *(node for function in definition.library.function for node in function.node_def)]
    assert not [node.name for node in nodes if "PyFunc" in node.op or "String" in node.op or "Unique" in node.op]


@pytest.fixture
def run_with_two_replicas(start, tmp_path):
    def run(expression):
        process = start([Path(__file__).with_name("two_replicas.py"), "-k", expression], said=tmp_path / "said.log")
        process.join()
        assert process.exitcode == 0, (tmp_path / "said.log").read_text()

    return run


IN_SHORT = "whole_batch_learns and steps or rows_of_one_draw or strategies_are_refused"


def test_two_replicas_in_short(run_with_two_replicas):
    run_with_two_replicas(IN_SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["whole_batch_learns or any_family", "not (whole_batch_learns or any_family)"])
def test_what_else_two_replicas_do(run_with_two_replicas, part):
    run_with_two_replicas(f"not ({IN_SHORT}) and ({part})")
