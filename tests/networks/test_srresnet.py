import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.networks.srresnet import SRResNetGenerator, _shuffled


def small(scale=4, **options):
    return SRResNetGenerator((), 28, 1, scale=scale, width=4, num_blocks=1, **options)


@pytest.mark.parametrize(
    ("scale", "width", "num_blocks", "weights"),
    [(4, 64, 16, 1_517_571), (2, 64, 16, 1_369_859), (4, 32, 8, 232_963), (2, 32, 8, 195_971)],
)
def test_it_has_as_many_weights_as_basicsr(scale, width, num_blocks, weights):
    assert SRResNetGenerator(scale=scale, width=width, num_blocks=num_blocks).count_params() == weights


@pytest.mark.parametrize("scale", [2, 4])
def test_pictures_of_any_size_become_larger(scale):
    network = small(scale)
    for height, width in ((7, 7), (5, 12)):
        source = tf.random.stateless_uniform((2, height, width, 1), (1, 2), -1, 1)
        assert network({"source": source}).shape == (2, scale * height, scale * width, 1)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_network_that_adds_nothing_interpolates(scale):
    network = small(scale)
    network.to_picture.kernel.assign(tf.zeros_like(network.to_picture.kernel))
    source = tf.random.stateless_uniform((1, 6, 8, 1), (1, 2), -1, 1)
    wanted = tf.image.resize(source, (6 * scale, 8 * scale), "bilinear")
    np.testing.assert_allclose(network({"source": source}), wanted, atol=1e-6)


def test_four_channels_become_four_pixels_as_depth_to_space_has_them():
    x = tf.random.stateless_normal((2, 3, 5, 12), (1, 2))
    np.testing.assert_array_equal(_shuffled(x, 3), tf.nn.depth_to_space(x, 2))


def test_a_pixel_reaches_no_further_than_it_says():
    network = small(2)
    source = np.zeros((1, 31, 31, 1), np.float32)
    before = network({"source": source}).numpy()
    source[0, 15, 15] = 1.0
    changed = np.argwhere(network({"source": source}).numpy() != before)[:, 1]
    assert 2 * (15 - network.reach) <= changed.min() and changed.max() < 2 * (15 + network.reach + 1)


def test_generator(upscaling_generator_check):
    upscaling_generator_check(small)


def test_sizes_that_cannot_be():
    with pytest.raises(RecipeError, match=r"scale must be one of 2, 4. Received: 3"):
        SRResNetGenerator(scale=3)
    with pytest.raises(RecipeError, match=r"image_size must be a multiple of scale=4. Received: image_size=30"):
        SRResNetGenerator(image_size=30)
