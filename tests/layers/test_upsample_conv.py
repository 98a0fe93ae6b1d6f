import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import correlate2d

from tfproductgan.layers.upsample_conv import UpsampleConv2D


def pictures(shape=(2, 5, 4, 3), seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def twins(**options):
    """The same layer computed as one convolution and as two steps."""
    fused, plain = UpsampleConv2D(6, **options), UpsampleConv2D(6, fused=False, **options)
    for layer in (fused, plain):
        layer.build((None, 5, 4, 3))
    fused.bias.assign(np.arange(6) / 6)
    plain.set_weights(fused.get_weights())
    return fused, plain


def upsampled(image, interpolation):
    """An image in a frame of zeros at double size, with a margin of one pixel for the convolution."""
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)))
    for axis in (0, 1):
        before, after = np.roll(padded, 1, axis), np.roll(padded, -1, axis)
        if interpolation == "nearest":
            before = after = padded
        pairs = np.stack([0.75 * padded + 0.25 * before, 0.75 * padded + 0.25 * after], axis + 1)
        shape = list(padded.shape)
        shape[axis] *= 2
        padded = pairs.reshape(shape)
    return padded[3:-3, 3:-3]


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_interpolates_then_convolves(interpolation, fused):
    layer = UpsampleConv2D(2, interpolation, use_bias=False, fused=fused)
    images = pictures()
    outputs = layer(images)
    kernel = layer.kernel.numpy()  # [height, width, out, in]
    for image, output in zip(images, outputs, strict=True):
        frame = upsampled(image, interpolation)
        for channel in range(2):
            planes = [correlate2d(frame[..., i], kernel[..., channel, i], mode="valid") for i in range(3)]
            np.testing.assert_allclose(output[..., channel], sum(planes), atol=1e-5)


def test_keeps_the_spread_of_what_a_rectifier_lets_through():
    inputs = np.maximum(pictures((8, 16, 16, 64)), 0)
    outputs = UpsampleConv2D(64, "nearest")(inputs)[:, 2:-2, 2:-2]
    assert 0.85 < np.std(outputs) < 1.15


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_both_ways_give_the_same_derivatives(interpolation):
    slopes = []
    for layer in twins(interpolation=interpolation):
        images = tf.constant(pictures())
        with tf.GradientTape() as outer:
            outer.watch(images)
            with tf.GradientTape() as inner:
                inner.watch(images)
                loss = tf.reduce_sum(layer(images) ** 3)
            slope = inner.gradient(loss, images)
            steepness = tf.reduce_sum(slope**2)
        slopes.append([slope, *outer.gradient(steepness, [images, layer.kernel.value, layer.bias.value])])
    for fused, plain in zip(*slopes, strict=True):
        np.testing.assert_allclose(fused, plain, rtol=1e-3, atol=1e-3 * np.abs(plain).max())


def test_mixed_precision_computes_in_bfloat16():
    fused, plain = twins(dtype="mixed_bfloat16")
    assert fused(pictures()).dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(fused(pictures()), tf.float32), tf.cast(plain(pictures()), tf.float32), atol=0.1)


def test_config_describes_the_layer():
    layer = UpsampleConv2D(6, "nearest", use_bias=False, fused=False, kernel_regularizer=keras.regularizers.L2(0.1))
    again = UpsampleConv2D.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again(pictures()).shape == (2, 10, 8, 6) and len(again.weights) == len(again.losses) == 1
    assert again.compute_output_shape((None, None, 4, 3)) == (None, None, 8, 6)


def test_known_shapes_stay_known_in_a_graph():
    fused, plain = twins()
    for layer in (fused, plain):
        function = tf.function(layer).get_concrete_function(tf.TensorSpec([None, 5, 4, 3]))
        assert function.output_shapes.as_list()[1:] == [10, 8, 6]


def test_an_unknown_interpolation_is_refused():
    with pytest.raises(ValueError, match=r"interpolation must be one of \('nearest', 'bilinear'\). Received: 'cubic'"):
        UpsampleConv2D(6, "cubic")
