import keras
import numpy as np
import pytest

from tfproductgan.layers.equalised import EqualisedConv2D, EqualisedDense


def test_outputs_have_the_spread_of_inputs_whatever_the_rate():
    rng = np.random.default_rng(0)
    vectors, maps = rng.normal(size=(64, 100)).astype("float32"), rng.normal(size=(4, 8, 8, 32)).astype("float32")
    for rate in (1.0, 0.01):
        layer = EqualisedDense(50, rate)
        assert np.std(layer(vectors)) == pytest.approx(1, rel=0.1)
        assert np.std(layer.kernel) == pytest.approx(1 / rate, rel=0.1)
    assert np.std(EqualisedConv2D(16, 3, padding="valid")(maps)) == pytest.approx(1, rel=0.1)


def test_biases_start_as_told_and_move_at_the_rate():
    layer = EqualisedDense(3, rate=0.1, bias=1.0)
    start = layer(np.zeros((1, 4), "float32"))
    np.testing.assert_allclose(start, 1, rtol=1e-6)
    layer.bias.assign(layer.bias + 2.0)
    np.testing.assert_allclose(layer(np.zeros((1, 4), "float32")), 1.2, rtol=1e-6)


@pytest.mark.parametrize("layer", [EqualisedDense(3, 0.5, 1.0), EqualisedConv2D(3, 3, 2, "valid", use_bias=False)])
def test_shapes_and_configurations_are_told(layer):
    inputs = np.ones((2, 9, 8, 4), "float32")
    assert layer.compute_output_shape(inputs.shape) == tuple(layer(inputs).shape)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
