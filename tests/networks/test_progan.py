import functools

import numpy as np
import pytest

from tfproductgan.errors import RecipeError
from tfproductgan.networks import progan
from tfproductgan.networks.base import averaged, enlarged
from tfproductgan.networks.progan import ProGANDiscriminator, ProGANGenerator

SIDES = (7, 14, 28)
SMALL = {"image_size": 28, "width": 8, "max_width": 16}
GENERATOR = {**SMALL, "channels": 3, "latent_dim": 8, "embedding_dim": 4}
DISCRIMINATOR = {**SMALL, "channels": 1, "group": 1}


@pytest.fixture
def all_sizes_at_once(monkeypatch):
    """No level has all weights play a part."""
    monkeypatch.setattr(progan._Growing, "_mixed", lambda self, stage, coarser, finer: 0.5 * (coarser + finer))


@pytest.mark.usefixtures("all_sizes_at_once")
@pytest.mark.parametrize("num_ids", [(3, 4), ()])
def test_generator(generator_check, num_ids):
    generator_check(functools.partial(ProGANGenerator, num_ids, **GENERATOR))


@pytest.mark.usefixtures("all_sizes_at_once")
def test_discriminator(discriminator_check):
    discriminator_check(functools.partial(ProGANDiscriminator, (3, 4), **DISCRIMINATOR))


@pytest.fixture(scope="module")
def generator():
    network = ProGANGenerator((3,), **GENERATOR)
    network.to_rgb[0].bias.assign([0.1, 0.2, -0.3])
    rng = np.random.default_rng(0)
    inputs = {"latents": rng.normal(size=(2, 8)).astype("float32"), "conditions": np.array([[1], [2]])}

    def draw(level, training=True, stage=2):
        network.level.assign(level)
        network.stage = stage
        return network(inputs, training=training).numpy()

    return draw


@pytest.fixture(scope="module")
def discriminator():
    network = ProGANDiscriminator((3,), **DISCRIMINATOR)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 28, 28, 1)).astype("float32")

    def judge(level, images=images, stage=2, method=None):
        network.level.assign(level)
        network.stage = stage
        if method:
            return network.at_level(images).numpy()
        return network({"images": images, "conditions": np.array([[1], [2]])}, training=True).numpy()

    return judge


def coarsened(images, stage):
    factor = 28 // SIDES[stage]
    return np.array(enlarged(averaged(images, factor), factor))


def test_pictures_are_those_of_their_level(generator):
    drawn = [generator(level) for level in range(3)]
    for stage, pictures in enumerate(drawn):
        np.testing.assert_allclose(coarsened(pictures, stage), pictures, atol=1e-6)
        assert stage == 0 or np.abs(coarsened(pictures, stage - 1) - pictures).max() > 0.01
    # 0 has not faded in at all, 1 altogether
    np.testing.assert_allclose(generator(1.25), 0.75 * drawn[1] + 0.25 * drawn[2], atol=1e-6)


def test_what_is_seen_is_what_is_trained_but_in_range(generator):
    for level in (0, 0.5, 2):
        np.testing.assert_array_equal(generator(level, training=False), np.clip(generator(level), -1, 1))


@pytest.mark.parametrize(("level", "stage"), [(0, 0), (0, 1), (0.5, 1), (1, 1), (1, 2)])
def test_what_is_beyond_a_stage_is_not_computed_and_changes_nothing(generator, discriminator, level, stage):
    np.testing.assert_array_equal(generator(level, stage=stage), generator(level))
    np.testing.assert_allclose(discriminator(level, stage=stage), discriminator(level), atol=1e-6)


def test_logits_see_no_finer_than_their_level_and_fade(discriminator):
    images = np.random.default_rng(1).uniform(-1, 1, (2, 28, 28, 1)).astype("float32")
    for stage in (0, 1):
        np.testing.assert_allclose(
            discriminator(stage, images), discriminator(stage, coarsened(images, stage)), atol=1e-5
        )
        before, after = discriminator(stage + 1e-3, images), discriminator(stage, images)
        assert np.any(before != after)
        np.testing.assert_allclose(before, after, atol=0.02)


def test_photos_fade_with_the_pictures(discriminator):
    images = np.random.default_rng(1).uniform(-1, 1, (2, 28, 28, 1)).astype("float32")
    for stage in range(3):
        np.testing.assert_allclose(discriminator(stage, images, method="at"), coarsened(images, stage), atol=1e-6)
    half = 0.5 * (coarsened(images, 0) + coarsened(images, 1))
    for stage in (1, 2):
        np.testing.assert_allclose(discriminator(0.5, images, stage, "at"), half, atol=1e-6)


def test_there_are_as_many_parameters_as_in_the_authors_code():
    paper = {"image_size": 64, "width": 256, "max_width": 512}
    networks = ProGANGenerator((), latent_dim=512, **paper), ProGANDiscriminator((), **paper)
    counts = [sum(int(np.prod(v.shape)) for v in network.trainable_variables) for network in networks]
    assert counts == [22_490_383, 22_498_049]


def test_truncation_shortens_latents_of_one_length():
    network = ProGANGenerator((), **GENERATOR)
    latents = np.array([[3.0] * 8, [0.5] * 8], "float32")
    long, short = network.style_of(latents, np.zeros((2, 0)), np.array([1.0, 0.5], "float32"))[0].numpy()
    np.testing.assert_allclose([long, short], [[1.0] * 8, [0.5] * 8], rtol=1e-4)


@pytest.mark.parametrize("network", [ProGANGenerator, ProGANDiscriminator])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"image_size": 48},
            "progan makes pictures of 28, 32, 64, 128, 256, 512, 1024 pixels. Received: image_size=48",
        ),
        ({"width": 0}, "width must be a whole number of at least 1"),
    ],
)
def test_what_cannot_be_is_refused(network, options, message):
    with pytest.raises(RecipeError, match=message):
        network((), **options)
