import keras
import numpy as np
import pytest

from tfproductgan.errors import RecipeError

OPERATIONS = ("flip", "cutout")


@pytest.fixture
def adaptive(small_gan):
    """A GAN whose probability takes 800 images from 0 to 1."""

    def adaptive(learning_rates=(0.0, 0.0), eager=True, **overrides):
        gan = small_gan(
            **{"augmentation": OPERATIONS, "augmentation_target": 0.5, "augmentation_images": 800, **overrides}
        )
        gan.compile(*(keras.optimizers.Adam(rate, beta_1=0.0) for rate in learning_rates), run_eagerly=eager)
        return gan

    return adaptive


@pytest.fixture
def fit(random_batches, as_stream):
    def fit(gan, steps, batches=None):
        stream = as_stream(batches or random_batches(gan.schema, count=2))
        return gan.fit(stream, steps_per_epoch=steps, verbose=0).history

    return fit


def test_it_rises_while_the_discriminator_knows_its_few_photos(adaptive, fit):
    gan = adaptive((0.0, 0.02), eager=False, augmentation_probability=0.1)
    fit(gan, 40)
    history = fit(gan, 40)
    assert history["r_t"][0] > 0.5
    assert 0.1 < history["augmentation_p"][0] < gan.augmentation_probability


def test_it_falls_while_the_discriminator_cannot_tell(adaptive, fit):
    gan = adaptive(augmentation_probability=0.3, augmentation_target=0.9)
    history = fit(gan, 5)
    assert history["r_t"][0] < 0.9
    assert gan.augmentation_probability == pytest.approx(0.3 - 5 * 8 / 800, abs=1e-5)


@pytest.mark.parametrize(("target", "start", "end"), [(0.99, 0.1, 0.0), (0.01, 0.7, 0.8)])
def test_it_stays_between_none_and_where_augmentation_would_leak(adaptive, fit, target, start, end):
    gan = adaptive((0.0, 0.02), augmentation_target=target, augmentation_probability=start, augmentation_images=64)
    if end:
        gan._real_sign.assign(1.0)
    fit(gan, 6)
    assert gan.augmentation_probability == pytest.approx(end)


def test_it_changes_without_a_new_graph(adaptive, fit, monkeypatch):
    gan = adaptive(eager=False, augmentation_probability=0.3)
    traced, step = [], gan.train_step

    def counting(data):
        traced.append(data)
        return step(data)

    monkeypatch.setattr(gan, "train_step", counting)
    fit(gan, 3)
    once, before = len(traced), gan.augmentation_probability
    fit(gan, 5)
    assert len(traced) == once and gan.augmentation_probability != before


def test_it_is_the_probability_that_pictures_are_augmented_with(adaptive, random_batches, monkeypatch):
    gan = adaptive()
    seen, call = [], gan.augmentation.call

    def listening(images, noise, probability):
        seen.append(float(probability))
        return call(images, noise, probability)

    monkeypatch.setattr(gan.augmentation, "call", listening)
    gan._augmentation_probability.assign(0.625)
    gan.train_step(random_batches(gan.schema)[0])
    assert set(seen) == {0.625}


def test_a_stopped_training_goes_on_with_it(adaptive, fit, random_batches, tmp_path):
    rates, batches = (0.01, 0.01), random_batches(adaptive().schema, count=8)
    whole, half = adaptive(rates), adaptive(rates)
    fit(whole, 8, batches)
    fit(half, 3, batches)
    half.save(tmp_path / "half.keras")
    resumed = keras.saving.load_model(tmp_path / "half.keras")
    resumed.run_eagerly = True  # files do not say so
    assert resumed.augmentation_probability == half.augmentation_probability
    fit(resumed, 5, batches[3:])
    assert len(resumed.variables) == len(whole.variables)
    for mine, theirs in zip(resumed.variables, whole.variables, strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=theirs.path)


def test_without_a_target_nothing_adapts(small_gan, fit):
    gan = small_gan(augmentation=OPERATIONS, augmentation_probability=0.4)
    gan.compile(run_eagerly=True)
    history = fit(gan, 1)
    assert gan.augmentation_probability == pytest.approx(0.4)
    assert "augmentation_p" not in history and "r_t" not in history


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"augmentation_target": 1.0}, "augmentation_target must be above 0 and below 1"),
        ({"augmentation": ()}, r"augmentation must name operations for augmentation_target .* Received: \(\)"),
        ({"augmentation_probability": 0.9}, "augmentation_probability must be at most 0.8"),
        ({"augmentation_images": 0}, "augmentation_images must be a whole number of at least 1"),
    ],
)
def test_a_recipe_that_cannot_adapt_is_refused(adaptive, overrides, message):
    with pytest.raises(RecipeError, match=message):
        adaptive(**overrides)
