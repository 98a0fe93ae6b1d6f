import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.models.conditional_gan import ConditionalGAN
from tfproductgan.models.growing import Growth
from tfproductgan.recipes import get_recipe
from tfproductgan.training.trainer import estimate

BATCH = 4
enter = ConditionalGAN.enter
# 7 pixels until 16 images, 14 until 32, 28 until 64
GROWTH = {"growth": {"7": 1, "14": 1, "28": 2}, "images": 64, "batch_size": BATCH, "schedule": "constant"}
SIDES = (7, 14, 28)


@pytest.fixture(scope="module")
def growing(small_gan):
    def make(**options):
        gan = small_gan("progan", penalties={}, **{**GROWTH, **options})
        gan.compile(run_eagerly=True)  # graphs of all sizes would take most of the time
        return gan

    return make


@pytest.fixture(scope="module")
def batches(random_batches, small_schema):
    return random_batches(small_schema(image_size=28), BATCH, 12)


@pytest.fixture(scope="module")
def train(batches, as_stream):
    """As many steps of the training as wanted, the next of it."""

    def more(gan, steps):
        return gan.fit(as_stream(batches[gan.step : gan.step + steps]), steps_per_epoch=steps, verbose=0).history

    return more


def plan(**options):
    return Growth.of(get_recipe("progan", **{**GROWTH, **options}), SIDES)


def test_sizes_fade_in_for_half_of_their_time():
    growth = plan()
    assert growth.shares() == {0: 0.25, 1: 0.25, 2: 0.5}
    found = {images: (growth.stage(images), growth.level(images)) for images in (0, 15, 16, 20, 24, 31, 32, 40, 48, 99)}
    assert found == {
        0: (0, 0), 15: (0, 0), 16: (1, 0), 20: (1, 0.5), 24: (1, 1), 31: (1, 1), 32: (2, 1), 40: (2, 1.5), 48: (2, 2),
        99: (2, 2),
    }  # fmt: skip
    assert [growth.turn(images) for images in (0, 15, 16, 23, 24, 32, 47, 48, 99)] == [0, 0, 1, 1, 2, 3, 3, 4, 4]


def test_sizes_that_get_no_time_are_passed_over():
    growth = plan(growth={"8": 0, "16": 1, "64": 1})
    assert [(growth.stage(images), growth.level(images)) for images in (0, 31, 40)] == [(1, 1), (1, 1), (2, 1.5)]
    assert growth.turn(0) == 0 and growth.shares() == {1: 0.5, 2: 0.5}


def test_batches_are_those_of_the_next_larger_size():
    assert plan(batch_size=32, growth_batches={"16": 64, "32": 16}).batches == (32, 32, 16)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"growth": {"14": 1}}, "growth must have an entry for 28 pixels or more"),
        ({"growth": {"14": 1, "28": 0}}, "growth must give pictures of full size, 28 pixels, time. Received: 0"),
        ({"growth": {"small": 1}}, "growth must have sides of pictures as names, such as 64. Received: 'small'"),
        ({"growth": {"28": -1}}, "growth.28 must be at least 0. Received: -1"),
        ({"growth_batches": {"28": 3}}, "growth_batches must divide batch_size=4. Received: 3 for 7 pixels"),
        ({"growth_batches": {"28": 0}}, "growth_batches.28 must be a whole number of at least 1. Received: 0"),
    ],
)
def test_plans_that_cannot_be_are_refused(options, message):
    with pytest.raises(RecipeError, match=message):
        plan(**options)


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        ("mlp", {}, "growth needs two networks that grow alike, such as those of progan. Received: mlp and mlp"),
        ("r3gan", {}, "growth needs two networks that grow alike, such as those of progan. Received: r3gan and r3gan"),
        ("progan", {"microbatches": 2, "growth_batches": {"14": 4, "28": 1}}, "A batch of 1 at 28 pixels cannot be"),
        ("progan", {"schedule": "cosine"}, "use schedule=constant and no final_beta_2. Received: 'cosine'"),
    ],
)
def test_models_that_cannot_grow_are_refused(small_gan, family, options, message):
    with pytest.raises(RecipeError, match=message):
        small_gan(family, **{**GROWTH, **options}).compile()


def test_a_training_grows_and_is_asked_at_any_time(growing, train):
    gan = growing(growth_batches={"7": 4, "28": 2})
    assert gan.is_growing and gan.generator.level == 0
    start = [weight.numpy() for weight in gan.trainable_weights]
    train(gan, 5)  # four at 7 pixels, and one at 14, which has not faded in yet
    assert gan.ema_generator.level == gan.discriminator.level == 0
    # fifteen updates of a half batch count from where the size began
    assert [int(optimizer.iterations) for optimizer in gan.optimizers().values()] == [2, 2]
    assert float(gan.generator_optimizer.learning_rate) == np.float32(gan.recipe.optimizers["generator"].learning_rate)
    changed = {w.path for w, old in zip(gan.trainable_weights, start, strict=True) if np.any(w.numpy() != old)}
    assert changed and not any(layer.endswith(("_1", "_2")) for path in changed for layer in path.split("/"))
    drawn = gan.generate({"shade": "Dark"}, count=2, seed=1)
    np.testing.assert_array_equal(drawn, np.repeat(np.repeat(drawn[:, ::4, ::4], 4, 1), 4, 2))
    train(gan, 4)
    assert gan.ema_generator.level == 1 and gan.generator.stage == 2
    drawn = gan.trained().generate({"shade": "Dark"}, count=2, seed=1)
    np.testing.assert_array_equal(drawn, np.repeat(np.repeat(drawn[:, ::2, ::2], 2, 1), 2, 2))


@pytest.fixture(scope="module")
def half_faded(growing, train, tmp_path_factory):
    """A model in the middle of a fade, and its file."""
    gan = growing()
    train(gan, 6)
    assert gan.generator.level == 0.5
    path = tmp_path_factory.mktemp("models") / "gan.keras"
    gan.save(path)
    return gan, path


def test_steps_at_once_are_those_one_by_one(growing, train, half_faded):
    gan = growing()
    gan.compile(steps_per_execution=6, run_eagerly=True)
    train(gan, 6)
    assert_same(gan, half_faded[0])


def test_in_the_middle_of_a_fade_it_is_saved_and_goes_on_to_the_same_bits(train, half_faded):
    whole, path = half_faded
    resumed = keras.saving.load_model(path)
    resumed.run_eagerly = True
    for gan in (whole, resumed):
        train(gan, 1)
    assert_same(resumed, whole)


def assert_same(gan, other):
    pairs = [*zip(gan.weights, other.weights, strict=True)]
    for optimizer, theirs in zip(gan.optimizers().values(), other.optimizers().values(), strict=True):
        pairs += zip(optimizer.variables, theirs.variables, strict=True)
    for mine, theirs in pairs:
        np.testing.assert_array_equal(mine, theirs, err_msg=mine.path)


def test_what_has_grown_stays_so_when_the_training_becomes_longer(growing, train):
    gan = growing()
    for network in gan._growing():
        network.level.assign(2)
    train(gan, 1)
    assert gan.generator.level == gan.generator.stage == 2 and not gan.is_growing


def test_the_time_a_training_takes_is_that_of_all_its_sizes(growing, monkeypatch):
    gan, taken = growing(), []
    monkeypatch.setattr(ConditionalGAN, "enter", lambda self, stage: taken.append(stage) or enter(self, stage))
    tf.config.run_functions_eagerly(True)
    try:
        assert estimate(gan.recipe, gan.schema, steps=1).seconds > 0
    finally:
        tf.config.run_functions_eagerly(False)
    assert taken == [0, 1, 2]
