"""Runs in a process of its own, started by `test_replica_step.py`: two replicas on two logical processors."""

import contextlib
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import RecipeError
from tfproductgan.models.randomness import Draws, Purpose
from tfproductgan.registry import KINDS

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
STRATEGY = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def differing(network):
    """Weights that are not the same on both replicas."""
    return [v.path for v in network.weights if not np.array_equal(*(copy.numpy() for copy in v.value.values))]


def weights_of(model):
    """All weights of networks and averages."""
    return [
        w.numpy().astype(float)
        for each in (model.networks(), model.averages())
        for n in each.values()
        for w in n.weights
    ]


def networks(gan):
    return gan.generator, gan.discriminator, gan.ema_generator


@pytest.mark.parametrize("part", [(0, 1), (1, 2)])
def test_each_replica_takes_its_rows_of_one_draw(part):
    def draw():
        return Draws(1, tf.constant(2, tf.int64), part=part).uniform(Purpose.LATENTS, (4, 3))

    drawn = np.split(draw_alone(rows=4 * 2 * part[1]), 2)
    for replica, rows in enumerate(STRATEGY.experimental_local_results(STRATEGY.run(tf.function(draw)))):
        np.testing.assert_array_equal(rows, drawn[replica][part[0] :: part[1]])


def draw_alone(rows):
    return Draws(1, tf.constant(2, tf.int64)).uniform(Purpose.LATENTS, (rows, 3)).numpy()


@pytest.mark.parametrize(("family", "compiled_under_the_strategy"), [("mlp", True), ("mlp", False), ("dcgan", True)])
def test_a_step_of_two_replicas_equals_plain_tapes_over_the_whole_batch(
    small_gan, random_batches, as_stream, plain_step, family, compiled_under_the_strategy
):
    sgd = None
    with STRATEGY.scope():
        gan = small_gan(
            family, label_dropout=0.0, penalties={"r1": 0.3, "r2": 0.7}, penalty_interval=1, generator={"l2": 0.01}
        )
        sgd = [keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)]
        if compiled_under_the_strategy:
            gan.compile(*sgd)
    if not compiled_under_the_strategy:
        gan.compile(*sgd)
    batches = random_batches(gan.schema, count=1)
    expected = plain_step(gan, batches[0])
    gan.fit(as_stream(batches), steps_per_epoch=1, verbose=0)
    for network, values in zip((gan.generator, gan.discriminator), expected, strict=True):
        assert not differing(network)
        for weight, value in zip(network.weights, values, strict=True):
            np.testing.assert_allclose(weight.numpy(), value, rtol=1e-3, atol=1e-5, err_msg=weight.path)
    assert (gan.step, gan.images_seen) == (1, 8)


CASES = {
    "mlp": ("mlp", {"penalties": {"r1": 0.1, "wgan-gp": 1.0}, "penalty_interval": 2}),
    "dcgan, normalised by the whole batch": ("dcgan", {}),
    "two discriminator steps of two microbatches": (
        "mlp",
        {"discriminator_steps": 2, "microbatches": 2, "weight_clip": 0.2, "fade_conditions": 0.5, "images": 64},
    ),
    "growing": (
        "progan",
        {
            "discriminator": {"group": 1},
            "penalties": {},
            "growth": {"7": 0, "28": 1},
            "images": 48,
            "batch_size": 16,
            "schedule": "constant",
        },
    ),
}


@pytest.mark.parametrize(("family", "options"), CASES.values(), ids=CASES)
def test_two_replicas_learn_what_one_with_the_whole_batch_learns(small_gan, random_batches, as_stream, family, options):
    learnt, seen = [], []
    for scope in (contextlib.nullcontext(), STRATEGY.scope()):
        with scope:
            gan = small_gan(family, label_dropout=0.3, augmentation=("flip", "colour"), **options)
            # clipped, since a limit must hold for the sum over the replicas
            gan.compile(*(keras.optimizers.SGD(0.05, global_clipnorm=0.5) for _ in range(2)))
        seen.append(gan.fit(as_stream(random_batches(gan.schema, 16)), steps_per_epoch=3, verbose=0).history)
        learnt.append(weights_of(gan))
    for one, two in zip(*learnt, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-3, atol=1e-5)
    for name, values in seen[0].items():
        np.testing.assert_allclose(seen[1][name], values, rtol=1e-3, atol=1e-5, err_msg=name)


def test_two_replicas_of_any_family_learn_what_one_learns(smallest, as_stream):
    recipe = smallest(without=["dropout", "group"], batch_size=8, images=64, precision="float32")
    kind = KINDS[recipe.kind]
    attributes = [Attribute("category", ("Ring", "Watch")), Attribute("colour", ("Red", "Gold"))]
    schema = ConditionSchema(attributes, 28, 1, source_channels=1 if kind.asks == "translator" else None)
    rng = np.random.default_rng(3)
    pictures = {"images": (28, 28, 1), "source": (28, 28, 1)}
    shapes = {name: pictures[name] for name in ("images", *schema.inputs()) if name in pictures}
    batches = {name: rng.integers(0, 256, (2, 8, *shape)).astype(np.uint8) for name, shape in shapes.items()}
    batches["conditions"] = rng.integers(0, 3, (2, 8, 2)).astype(np.int32)
    began, learnt, seen = [], [], []
    for scope in (contextlib.nullcontext(), STRATEGY.scope()):
        with scope:
            model = kind.find("model").from_recipe(recipe, schema)
            model.compile(**{f"{name}_optimizer": keras.optimizers.SGD(1e-3) for name in kind.optimizers})
        began.append(weights_of(model))
        stream = tf.data.Dataset.from_tensor_slices(batches).repeat()
        seen.append(model.fit(stream, steps_per_epoch=2, validation_data=stream.take(1), verbose=0).history)
        learnt.append(weights_of(model))
    for start, one, two in zip(began[0], *learnt, strict=True):
        # a share of the step: where a loss has kinks, as absolute differences do, rounding turns single gradients over
        allowed = 0.15 * np.linalg.norm(one - start) + 1e-6 * (np.linalg.norm(start) + 1)
        assert np.linalg.norm(two - one) <= allowed
    for name, values in seen[0].items():
        np.testing.assert_allclose(seen[1][name], values, rtol=5e-3, atol=1e-5, err_msg=name)
    assert not [path for network in model.networks().values() for path in differing(network)]


def test_several_steps_at_a_time_with_everything_on(small_gan, random_batches, as_stream):
    with STRATEGY.scope():
        gan = small_gan(
            discriminator={"dropout": 0.2, "spectral_normalization": True},
            augmentation=("flip",),
            penalties={"r1": 0.1},  # one is enough: steps, microbatches and replicas multiply what is traced
            penalty_interval=2,
        )
    gan.compile(steps_per_execution=2, microbatches=2)
    batches = random_batches(gan.schema, count=4)
    history = gan.fit(
        as_stream(batches), steps_per_epoch=4, verbose=0, validation_data=as_stream(batches, repeat=False)
    ).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert gan.step == 4
    for network in networks(gan):
        assert not differing(network)
    assert gan.generate(count=2).shape == (2, 6, 6, 1)
    assert gan.model_id.endswith("-32")
    # dropout of replicas differs
    layer = next(layer for layer in gan.discriminator._flatten_layers() if isinstance(layer, keras.layers.Dropout))
    first, second = (copy.numpy() for copy in layer.seed_generator.state.value.values)
    assert np.any(first != second)


def test_replicas_agree_on_batch_statistics(small_gan, random_batches, as_stream):
    with STRATEGY.scope():
        gan = small_gan("dcgan", generator={"form": "classic"}, discriminator={"form": "classic"}, penalties={})
    gan.compile(microbatches=2)
    gan.fit(as_stream(random_batches(gan.schema)), steps_per_epoch=2, verbose=0)
    for network in networks(gan):
        assert not differing(network)


def test_a_model_is_saved_and_goes_on(small_gan, random_batches, as_stream, tmp_path):
    with STRATEGY.scope():
        whole = small_gan()
        whole.compile()
    batches = random_batches(whole.schema, count=4)
    save = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: whole.save(tmp_path / "half.keras") if batch == 1 else None
    )
    whole.fit(as_stream(batches), steps_per_epoch=4, verbose=0, callbacks=[save])
    with STRATEGY.scope():
        resumed = keras.saving.load_model(tmp_path / "half.keras")
    resumed.fit(as_stream(batches[2:]), steps_per_epoch=2, verbose=0)
    for network, expected in zip(networks(resumed), networks(whole), strict=True):
        assert not differing(network)
        for weight, value in zip(network.weights, expected.weights, strict=True):
            np.testing.assert_array_equal(weight.numpy(), value.numpy())


@pytest.mark.parametrize(
    ("how", "batch", "message"),
    [
        (
            {"jit_compile": True},
            8,
            "jit_compile=True works on one replica. Received: 2 replicas. Use",
        ),
        ({"microbatches": 3}, 8, "Received: batch of 4, discriminator_steps=1, microbatches=3"),
        ({}, 7, "A batch of 7 images cannot be shared equally by 2 replicas"),
        ({"generator_optimizer": "accumulating"}, 8, "gradient_accumulation_steps=2 works on one replica."),
    ],
)
def test_what_two_replicas_cannot_do_is_refused(small_gan, random_batches, as_stream, how, batch, message):
    with STRATEGY.scope():
        gan = small_gan()
        if "generator_optimizer" in how:
            how = {"generator_optimizer": keras.optimizers.SGD(gradient_accumulation_steps=2)}
    with pytest.raises(RecipeError) as raised:
        gan.compile(**how)
        gan.fit(as_stream(random_batches(gan.schema, batch)), steps_per_epoch=1, verbose=0)
    assert message in str(raised.value) and "\n" not in str(raised.value)


def test_lazy_penalties_of_a_normalised_discriminator_are_refused(small_gan, random_batches, as_stream):
    with STRATEGY.scope():
        gan = small_gan("dcgan", discriminator={"form": "classic"}, penalty_interval=2)
    gan.compile()
    with pytest.raises(RecipeError, match=r"needs its penalties in every step\. Received: penalty_interval=2"):
        gan.fit(as_stream(random_batches(gan.schema)), steps_per_epoch=1, verbose=0)


def test_other_strategies_are_refused(small_gan):
    with (
        tf.distribute.experimental.CentralStorageStrategy(["CPU:0", "CPU:1"]).scope(),
        pytest.raises(RecipeError, match="CentralStorageStrategy is not supported"),
    ):
        small_gan()


def test_replicas_augment_with_one_probability(small_gan, random_batches, as_stream, tmp_path):
    options = {
        "augmentation": ("flip",),
        "augmentation_target": 0.5,
        "augmentation_images": 200,
    }
    with STRATEGY.scope():
        gan = small_gan(**options)
        gan.compile()
    # each replica alone would find another sign
    stream = as_stream(random_batches(gan.schema, batch=6, count=4))
    history = gan.fit(stream, steps_per_epoch=4, verbose=0).history
    for variable in (gan._augmentation_probability, gan._real_sign):
        first, second = (copy.numpy() for copy in variable.value.values)
        assert first == second
    assert history["augmentation_p"][0] != pytest.approx(gan.recipe.objective.augmentation_probability)
    gan.save(tmp_path / "gan.keras")
    before = gan.augmentation_probability
    gan._augmentation_probability.assign(0.0)
    gan.roll_back(tmp_path / "gan.keras")
    assert [copy.numpy() for copy in gan._augmentation_probability.value.values] == [np.float32(before)] * 2
    assert [copy.numpy() for copy in gan._learning_rate_factor.value.values] == [0.5] * 2
    assert float(gan.generator_optimizer.learning_rate) < 0.51 * gan.recipe.optimizers["generator"].learning_rate
    gan.fit(stream, steps_per_epoch=2, verbose=0)
    assert not differing(gan.generator) and not differing(gan.discriminator)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-n", "0", "-p", "no:cacheprovider", *sys.argv[1:]]))
