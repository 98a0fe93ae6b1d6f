import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.stateless_random import stateless_normal, stateless_uniform

SEEDS = [0, 1, 7, 2**32 - 1, 2**32, 2**40 + 5, 2**63 - 1, *range(1000, 1100)]


@pytest.mark.parametrize("stream", [0, 3])
@pytest.mark.parametrize("count", [1, 6, 64])
def test_numbers_are_those_of_tensorflow(stream, count):
    uniform = [tf.random.stateless_uniform([count], [seed, stream], dtype=tf.float64) for seed in SEEDS]
    np.testing.assert_array_equal(stateless_uniform(SEEDS, stream, count), uniform)
    normal = [tf.random.stateless_normal([count], [seed, stream]) for seed in SEEDS]
    np.testing.assert_allclose(stateless_normal(SEEDS, stream, count), normal, rtol=0, atol=5e-7)


def test_a_row_depends_on_its_own_seed_alone():
    together = stateless_normal([3, 4, 5], 0, 10)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(together[1:2], stateless_normal([4], 0, 10))


def test_no_seed_gives_no_row():
    assert stateless_normal([], 0, 5).shape == (0, 5)
