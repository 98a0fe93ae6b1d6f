"""Runs in a process of its own, started by `test_replica_step.py`: two replicas on two logical processors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.models import randomness

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
STRATEGY = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def differing(network):
    """Weights that are not the same on both replicas."""
    return [v.path for v in network.weights if not np.array_equal(*(copy.numpy() for copy in v.value.values))]


def test_replicas_draw_apart():
    def draw():
        return randomness.key(1, tf.constant(2, tf.int64), randomness.Purpose.LATENTS)

    first, second = STRATEGY.experimental_local_results(STRATEGY.run(tf.function(draw)))
    assert np.any(first != second)


@pytest.mark.parametrize("compiled_under_the_strategy", [True, False])
def test_a_step_of_two_replicas_equals_plain_tapes_over_the_whole_batch(
    small_gan, random_batches, as_stream, plain_step, compiled_under_the_strategy
):
    sgd = None
    with STRATEGY.scope():
        gan = small_gan(label_dropout=0.0, penalties={"r1": 0.3, "r2": 0.7}, generator={"l2": 0.01})
        sgd = [keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)]
        if compiled_under_the_strategy:
            gan.compile(*sgd)
    if not compiled_under_the_strategy:
        gan.compile(*sgd)
    batches = random_batches(gan.schema, count=1)
    expected = plain_step(gan, batches[0], replicas=2)
    gan.fit(as_stream(batches), steps_per_epoch=1, verbose=0)
    for network, values in zip((gan.generator, gan.discriminator), expected, strict=True):
        assert not differing(network)
        for weight, value in zip(network.weights, values, strict=True):
            np.testing.assert_allclose(weight.numpy(), value, rtol=1e-3, atol=1e-5, err_msg=weight.path)
    assert (gan.step, gan.images_seen) == (1, 8)


def test_several_steps_at_a_time_with_everything_on(small_gan, random_batches, as_stream):
    with STRATEGY.scope():
        gan = small_gan(
            discriminator={"dropout": 0.2, "spectral_normalization": True}, augmentation=("flip",), penalty_interval=2
        )
    gan.compile(steps_per_execution=2)
    batches = random_batches(gan.schema, count=4)
    history = gan.fit(
        as_stream(batches), steps_per_epoch=4, verbose=0, validation_data=as_stream(batches, repeat=False)
    ).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert gan.step == 4
    for network in (gan.generator, gan.discriminator, gan.ema_generator):
        assert not differing(network)
    assert gan.generate(count=2).shape == (2, 6, 6, 1)
    assert gan.model_id.endswith("-32")


def test_replicas_agree_on_batch_statistics(small_gan, random_batches, as_stream):
    with STRATEGY.scope():
        gan = small_gan("dcgan", generator={"form": "classic"}, discriminator={"form": "classic"}, penalties={})
    gan.compile()
    gan.fit(as_stream(random_batches(gan.schema)), steps_per_epoch=2, verbose=0)
    for network in (gan.generator, gan.discriminator, gan.ema_generator):
        assert not differing(network)


def test_compiling_is_refused(small_gan, random_batches, as_stream):
    with STRATEGY.scope():
        gan = small_gan()
    gan.compile(jit_compile=True)
    with pytest.raises(RecipeError, match=r"jit_compile=True works on one replica. Received: 2 replicas"):
        gan.fit(as_stream(random_batches(gan.schema)), steps_per_epoch=1, verbose=0)
