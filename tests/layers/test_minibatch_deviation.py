import numpy as np
import pytest

from tfproductgan.layers.minibatch_deviation import MinibatchDeviation

INPUTS = np.random.default_rng(0).normal(size=(6, 2, 3, 4)).astype("float32")


# the largest number up to four that divides six, and none at all
@pytest.mark.parametrize(("group", "size"), [(4, 3), (2, 2), (1, 1)])
def test_adds_the_mean_deviation_of_a_group(group, size):
    outputs = MinibatchDeviation(group)(INPUTS).numpy()
    assert outputs.shape == (6, 2, 3, 5)
    np.testing.assert_array_equal(outputs[..., :4], INPUTS)
    for first in range(6 // size):
        neighbours = slice(first * size, (first + 1) * size)
        deviation = np.sqrt(INPUTS[neighbours].var(axis=0) + 1e-8).mean()
        np.testing.assert_allclose(outputs[neighbours, ..., 4], deviation, rtol=1e-5)
