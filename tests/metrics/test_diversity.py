"""Perceptual distances of pairs, and the diversity of pictures of one request."""

import keras
import numpy as np
import pytest

from tfproductgan.errors import JudgementError
from tfproductgan.metrics.distances import frechet_distance_of
from tfproductgan.metrics.diversity import diversity, perceptual_distances
from tfproductgan.metrics.extractors import KerasExtractor


@pytest.fixture(scope="module")
def extractor():
    layers = [keras.layers.Conv2D(width, 3, 2, "same", activation="relu") for width in (6, 8)]
    return KerasExtractor(keras.Sequential([keras.Input((16, 16, 3)), *layers]), "small", "-1..1")


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (140, 16, 16, 3), np.uint8)


def test_distances_position_by_position(extractor, images):
    found = perceptual_distances(extractor, images[:130], images[10:])
    maps = extractor.feature_maps(images)
    expected = 0
    for part in maps:
        a, b = part[0].reshape(-1, part.shape[-1]), part[10].reshape(-1, part.shape[-1])
        a, b = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-10) for rows in (a, b))
        expected += ((a - b) ** 2).sum() / len(a)
    assert found.shape == (130,)
    assert found[0] == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(perceptual_distances(extractor, images, images), 0)


def test_collapse_within_a_request_is_seen(extractor, images):
    groups = np.arange(140) % 7
    collapsed = images[groups]  # one picture a request
    assert diversity(extractor, collapsed, groups).value == 0
    assert diversity(extractor, collapsed).value > 0  # between requests they do differ
    found = diversity(extractor, images, groups, num_pairs=50, seed=3)
    assert found.value > 4 * found.std > 0
    assert found == diversity(extractor, images, groups[:, None], num_pairs=50, seed=3)


def test_requests_of_one_picture_have_no_diversity(extractor, images):
    with pytest.raises(JudgementError, match="two pictures of one request"):
        diversity(extractor, images, np.arange(140))


def test_pairs_need_one_shape(extractor, images):
    with pytest.raises(JudgementError, match="one shape"):
        perceptual_distances(extractor, images, images[:3])


def test_pictures_grow_apart_with_damage(extractor):
    """Noise and blur of the pictures themselves, seen by a network."""
    y, x = np.mgrid[:16, :16]
    rng = np.random.default_rng(1)
    waves = np.sin(x * rng.uniform(0.3, 1.5, (300, 1, 1)) + y * rng.uniform(0.3, 1.5, (300, 1, 1)))
    photos = np.repeat((127 + 100 * waves)[..., None], 3, axis=-1).astype(np.uint8)
    clean = extractor.features(photos)
    levels = []
    for noise in (0, 20, 60, 120):
        noisy = np.clip(photos + rng.normal(0, 1, photos.shape) * noise, 0, 255).astype(np.uint8)
        levels.append(
            (
                frechet_distance_of(clean, extractor.features(noisy), force=True),
                perceptual_distances(extractor, photos, noisy).mean(),
            )
        )
    assert levels[0] == pytest.approx((0, 0), abs=1e-6)
    assert [first for first, _ in levels] == sorted(first for first, _ in levels)
    assert [second for _, second in levels] == sorted(second for _, second in levels)
