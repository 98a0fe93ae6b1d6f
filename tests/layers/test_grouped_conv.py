import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import correlate2d

from tfproductgan.layers import grouped_conv
from tfproductgan.layers.grouped_conv import GroupedConv2D


def test_each_group_sees_its_own_channels():
    layer = GroupedConv2D(4, 3, padding="same", groups=2)
    images = np.random.default_rng(0).normal(size=(1, 5, 5, 6)).astype("float32")
    outputs, kernel = layer(images), layer.kernel.numpy()
    assert kernel.shape == (3, 3, 3, 4)
    for channel in range(4):
        group = images[0][..., :3] if channel < 2 else images[0][..., 3:]
        planes = [correlate2d(group[..., i], kernel[..., i, channel], mode="same") for i in range(3)]
        np.testing.assert_allclose(outputs[0, ..., channel], sum(planes), atol=1e-5)


@pytest.mark.parametrize("second", [False, True])
def test_accelerators_compute_the_same_derivatives(monkeypatch, second):
    layer = GroupedConv2D(4, 3, padding="same", groups=2)
    layer.build((None, 4, 4, 6))
    images = tf.constant(np.random.default_rng(0).normal(size=(2, 4, 4, 6)), tf.float32)
    found = []
    for accelerator in (True, False):
        monkeypatch.setattr(grouped_conv, "on_accelerator", lambda: accelerator)  # noqa: B023
        with tf.GradientTape() as tape:
            with tf.GradientTape() as inner:
                inner.watch(images)
                loss = tf.reduce_sum(layer(images) ** 3)
            slope = inner.gradient(loss, images)
            steepness = tf.reduce_sum(slope**2) if second else loss
        found.append(tape.gradient(steepness, layer.kernel.value))
    np.testing.assert_allclose(*found, rtol=1e-3)
