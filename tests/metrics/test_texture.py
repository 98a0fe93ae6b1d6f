"""How pictures look: faults are seen and ranked, whatever the size and the colours."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tfproductgan.metrics.distances import frechet_distance_of
from tfproductgan.metrics.extractors import NAMES, get_extractor
from tfproductgan.metrics.texture import TextureExtractor, texture_extractor

SIZE = 32


def photos(count=64, size=SIZE, seed=0, bends=0.0):
    """Discs with a little grain on white; their outlines go in and out by so large a part of the radius."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    centres, radii = rng.uniform(-0.3, 0.3, (2, count, 1, 1)), rng.uniform(0.3, 0.7, (count, 1, 1))
    x, y = x - centres[0], y - centres[1]
    inside = np.hypot(x, y) < radii * (1 + bends * np.sin(9 * np.arctan2(y, x)))
    pictures = np.where(inside[..., None], rng.uniform(0, 200, (count, 1, 1, 3)), 245)
    return pixels(pictures + rng.normal(0, 2, pictures.shape))


def pixels(pictures):
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8)


def blurred(images, sigma):
    return pixels(gaussian_filter(images.astype(float), (0, sigma, sigma, 0)))


def noisy(images, sigma):
    return pixels(images + np.random.default_rng(1).normal(0, sigma, images.shape))


def in_blocks(images, size):
    count, height, width, channels = images.shape
    blocks = images.reshape(count, height // size, size, width // size, size, channels).mean((2, 4))
    return pixels(blocks.repeat(size, 1).repeat(size, 2))


def chequered(images, amplitude):
    return pixels(images + amplitude * (-1.0) ** np.indices(images.shape[1:3]).sum(0)[..., None])


def tinted(images, amount):
    return pixels(images + amount * np.array([1, 0, -1]))


@pytest.fixture(scope="module")
def distance():
    def measure(first, second):
        return frechet_distance_of(*map(texture_extractor().features, (first, second)), force=True)

    return measure


def test_its_name_and_hash_are_the_same_everywhere():
    assert "texture" in NAMES
    assert get_extractor("texture") is get_extractor("texture")
    assert get_extractor("texture").id == TextureExtractor().id == "texture-e593a9"


def test_the_same_pictures_have_no_distance(distance):
    assert distance(photos(), photos()) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(
    ("fault", "amounts"),
    [
        (blurred, (0.5, 1, 2)),
        (noisy, (4, 12, 36)),
        (in_blocks, (2, 4, 8)),
        (chequered, (4, 12, 36)),
        (tinted, (4, 12, 36)),
    ],
)
def test_more_of_a_fault_is_farther_away(distance, fault, amounts):
    found = [distance(photos(), fault(photos(), amount)) for amount in amounts]
    assert found[0] > 0.002
    assert found[1] > 1.3 * found[0]
    assert found[2] > 1.3 * found[1]


def test_bent_outlines_are_farther_away_than_slight_blur_and_grain(distance):
    bent = distance(photos(), photos(bends=0.1))
    assert bent > 2 * distance(photos(), blurred(photos(), 0.7))
    assert bent > 4 * distance(photos(), noisy(photos(), 4))


def test_the_place_in_the_picture_does_not_count():
    picture = np.full((1, 96, 96, 3), 255, np.uint8)
    picture[:, 36:48, 34:51] = np.random.default_rng(0).integers(0, 200, (12, 17, 3))
    moved = np.roll(picture, (16, 8), (1, 2))
    np.testing.assert_allclose(*map(texture_extractor().features, (picture, moved)), atol=0.02)


@pytest.mark.parametrize("size", [8, 16, 28, 33, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_and_grey(size, channels):
    images = photos(3, size)[..., :channels]
    features = texture_extractor().features(images)
    assert features.shape == (3, texture_extractor().dim)
    np.testing.assert_allclose(texture_extractor().features(images, batch_size=1), features, atol=1e-5)
    if channels == 1:
        np.testing.assert_allclose(texture_extractor().features(images.repeat(3, -1)), features, atol=1e-6)


def test_known_values():
    flat = texture_extractor().features(np.full((1, 16, 16, 3), 100, np.uint8))[0]
    np.testing.assert_allclose(flat[:-3], 0, atol=0.01)  # nothing but a colour
    np.testing.assert_allclose(flat[-3:], [100 * 3**0.5 * 0.012, 0, 0], atol=1e-4)
    lines = np.zeros((1, 64, 64, 1), np.uint8)
    lines[:, :, 8::8] = 100
    steps = texture_extractor().features(lines)[0][-11:-3]  # between columns
    assert set(np.argsort(steps)[-2:]) == {7, 0}  # up to a line's column, and down again
