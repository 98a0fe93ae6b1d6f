import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.models import randomness
from tfproductgan.models.randomness import Purpose


def draw(seed=0, step=0, purpose=Purpose.LATENTS, index=0):
    return tf.random.stateless_normal((4,), randomness.key(seed, tf.constant(step, tf.int64), purpose, index)).numpy()


def test_every_part_of_the_key_gives_another_draw():
    draws = [
        draw(seed, step, purpose, index)
        for seed in (0, 1)
        for step in (0, 1)
        for purpose in Purpose
        for index in (0, 1)
    ]
    assert len(np.unique(draws, axis=0)) == len(draws)


@pytest.mark.parametrize("seed", [0, 2**31, 2**63 - 1])
def test_the_same_key_gives_the_same_draw_in_eager_and_graph_mode(seed):
    expected = draw(seed, 5)
    tf.random.normal((3,))
    np.testing.assert_array_equal(draw(seed, 5), expected)
    in_graph = tf.function(lambda step: tf.random.stateless_normal((4,), randomness.key(seed, step, Purpose.LATENTS)))
    np.testing.assert_array_equal(in_graph(tf.constant(5)), expected)


def test_purposes_keep_their_numbers():
    # a saved run goes on drawing what it would have drawn
    assert [purpose.name for purpose in Purpose][:7] == [
        "LATENTS",
        "LABEL_DROPOUT",
        "AUGMENT_REAL",
        "AUGMENT_FAKE",
        "PENALTY",
        "NETWORK",
        "TEST",
    ]
    assert [int(purpose) for purpose in Purpose] == list(range(len(Purpose)))
