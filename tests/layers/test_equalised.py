import numpy as np
import pytest
from keras import layers

from tfproductgan.layers.equalised import EqualisedConv2D, EqualisedDense, EqualisedUpsampleConv2D
from tfproductgan.layers.upsample_conv import UpsampleConv2D

PAIRS = {
    "dense": (EqualisedDense(5, gain=0.7), layers.Dense(5), (2, 9), 9),
    "conv": (EqualisedConv2D(5, 3, gain=0.7), layers.Conv2D(5, 3), (2, 4, 4, 3), 27),
    "up": (EqualisedUpsampleConv2D(5, "nearest", gain=0.7), UpsampleConv2D(5, "nearest"), (2, 4, 4, 3), 27),
}


@pytest.mark.parametrize(("layer", "plain", "shape", "fan_in"), PAIRS.values(), ids=PAIRS)
def test_weights_of_variance_one_count_by_their_number(layer, plain, shape, fan_in):
    inputs = np.random.default_rng(0).normal(size=shape).astype("float32")
    outputs = layer(inputs)
    kernel, bias = layer.get_weights()
    assert 0.7 < kernel.std() < 1.3 and not bias.any()
    plain.build(shape)
    plain.set_weights([kernel * 0.7 / fan_in**0.5, bias])
    np.testing.assert_allclose(outputs, plain(inputs), atol=1e-5)


@pytest.mark.parametrize("layer", [pair[0] for pair in PAIRS.values()], ids=PAIRS)
def test_its_config_makes_it_again(layer):
    again = type(layer).from_config(layer.get_config())
    assert (again.gain, again.get_config()) == (0.7, layer.get_config())


def test_a_slow_layer_starts_alike_and_moves_less():
    layer = EqualisedDense(50, gain=1.0, rate=0.01)
    inputs = np.random.default_rng(0).normal(size=(64, 100)).astype("float32")
    assert np.std(layer(inputs)) == pytest.approx(1, rel=0.1)
    assert np.std(layer.kernel) == pytest.approx(100, rel=0.1)
    before = layer(inputs)
    layer.bias.assign(layer.bias + 2.0)
    np.testing.assert_allclose(layer(inputs) - before, 0.02, rtol=1e-3)
    assert EqualisedDense.from_config(layer.get_config()).rate == 0.01
