import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import upfirdn

from tfproductgan.layers.fir_resampling import FIRFilter2D, FIRResampling2D

FILTER = np.array([1, 3, 3, 1]) / 8


def pictures(height=6, width=4):
    return np.random.default_rng(0).normal(size=(2, height, width, 3)).astype("float32")


def expected(images, direction):
    """The same by scipy: zeros in between, filter, every second value; cut to the size."""
    up, down = (2, 1) if direction == "up" else (1, 2)
    for axis in (1, 2):
        size = images.shape[axis] * up // down
        images = upfirdn(FILTER * up, images, up, 1, axis=axis)
        images = np.take(images, np.arange(1, 1 + size * down, down) + (direction == "down"), axis=axis)
    return images


@pytest.mark.parametrize("direction", ["up", "down"])
def test_filters_as_scipy_does(direction):
    layer = FIRResampling2D(direction)
    outputs = layer(pictures())
    np.testing.assert_allclose(outputs, expected(pictures(), direction), atol=1e-6)
    assert tuple(layer.compute_output_shape((2, 6, 4, 3))) == outputs.shape
    assert FIRResampling2D.from_config(layer.get_config()).get_config() == layer.get_config()
    assert FIRResampling2D(direction, dtype="mixed_bfloat16")(pictures()).dtype == tf.bfloat16


@pytest.mark.parametrize("padding", [1, 2])
def test_filters_without_resampling(padding):
    layer, images = FIRFilter2D(padding, gain=4.0), pictures()
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    wanted = upfirdn(2 * FILTER, upfirdn(2 * FILTER, padded, axis=1), axis=2)[:, 3:-3, 3:-3]
    np.testing.assert_allclose(layer(images), wanted, atol=1e-6)
    assert layer.compute_output_shape(images.shape) == wanted.shape
    assert FIRFilter2D.from_config(layer.get_config()).get_config() == layer.get_config()


def test_flat_areas_stay_as_they_are():
    flat = np.ones((1, 8, 8, 1), "float32")
    for direction in ("up", "down"):
        np.testing.assert_allclose(FIRResampling2D(direction)(flat)[:, 1:-1, 1:-1], 1, atol=1e-6)


def test_an_unknown_direction_is_refused():
    with pytest.raises(ValueError, match=r"direction must be one of \('up', 'down'\). Received: 'out'"):
        FIRResampling2D("out")
