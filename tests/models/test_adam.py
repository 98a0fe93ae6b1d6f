import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.models.adam import Adam
from tfproductgan.models.cosine import CosineAdam

RNG = np.random.default_rng(0)
GRADIENTS = RNG.normal(size=(6, 5, 4)).astype("float32")


def learnt(optimizer, wrap):
    """A variable after some steps, and what the optimiser remembers."""
    variable = keras.Variable(np.ones((5, 4), "float32"))
    optimizer.build([variable])

    @wrap
    def step(gradient):
        optimizer.apply([gradient], [variable])

    for gradient in GRADIENTS:
        step(tf.constant(gradient))
    return [weight.numpy() for weight in (variable, *optimizer.variables)]


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"beta_1": 0.0, "beta_2": 0.9},
        {"amsgrad": True},
        {"weight_decay": 0.1, "global_clipnorm": 0.5},
        {"learning_rate": keras.optimizers.schedules.CosineDecay(0.1, 5)},
    ],
    ids=["plain", "decays", "amsgrad", "clipped", "schedule"],
)
def test_it_is_that_of_keras(options, wrap):
    pair = [learnt(make(**{"learning_rate": 0.01, **options}), wrap) for make in (Adam, keras.optimizers.Adam)]
    for mine, theirs in zip(*pair, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-7)


def test_a_decay_that_moves_counts():
    made = learnt(CosineAdam(beta_2=0.5, final_beta_2=0.99, decay_steps=4), tf.function)
    fixed = learnt(Adam(beta_2=0.5), tf.function)
    assert np.abs(made[0] - fixed[0]).max() > 1e-5


def test_one_operation_takes_a_step():
    variable = keras.Variable(np.ones((5, 4), "float32"))
    optimizer = Adam()
    optimizer.build([variable])
    graph = tf.function(lambda: optimizer.apply([tf.ones((5, 4))], [variable])).get_concrete_function().graph
    assert [op.type for op in graph.get_operations()].count("ResourceApplyAdam") == 1
