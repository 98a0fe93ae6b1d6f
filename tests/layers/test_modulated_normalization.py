import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.layers.modulated_normalization import ModulatedNormalization

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(3, 2, (4, 5, 6, 3)).astype("float32")
STYLE = RNG.normal(size=(4, 7)).astype("float32")
NORMALISED = (INPUTS - INPUTS.mean((0, 1, 2))) / np.sqrt(INPUTS.var((0, 1, 2)) + 1e-3)


def test_starts_as_batch_normalisation():
    outputs = ModulatedNormalization()(INPUTS, STYLE, training=True)
    np.testing.assert_allclose(outputs, NORMALISED, atol=1e-4)


def test_style_sets_gain_and_bias_of_each_picture():
    layer = ModulatedNormalization()
    layer(INPUTS, STYLE)
    kernel = np.random.default_rng(1).normal(size=(7, 6))
    layer.to_gain_and_bias.kernel.assign(kernel)
    gain, bias = np.split((STYLE @ kernel)[:, None, None, :], 2, axis=-1)
    np.testing.assert_allclose(layer(INPUTS, STYLE, training=True), NORMALISED * (1 + gain) + bias, atol=1e-3)


def test_inference_uses_the_moving_statistics():
    layer = ModulatedNormalization(momentum=0.5)
    np.testing.assert_allclose(layer(INPUTS, STYLE), INPUTS, rtol=1e-2)
    for _ in range(30):
        layer(INPUTS, STYLE, training=True)
    np.testing.assert_allclose(layer(INPUTS, STYLE), NORMALISED, atol=1e-3)
    np.testing.assert_allclose(layer(INPUTS[:1], STYLE[:1]), NORMALISED[:1], atol=1e-3)


def test_a_large_mean_does_not_spoil_low_precision():
    outputs = ModulatedNormalization(dtype="mixed_bfloat16")(INPUTS, STYLE, training=True)
    assert outputs.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), NORMALISED, atol=0.05)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_config_describes_the_layer(dtype):
    layer = ModulatedNormalization(momentum=0.5, dtype=dtype)
    again = ModulatedNormalization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.norm.momentum == 0.5
    assert layer.compute_output_shape((None, 5, 6, 3), (None, 7)) == (None, 5, 6, 3)
