import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.losses.penalties import PENALTIES, Penalty, noise_shape, points

SHAPE = (3, 4, 4, 2)


def images(seed, shape=SHAPE):
    return np.random.default_rng(seed).uniform(-1, 1, shape)


def penalty_of(name, discriminator, at):
    """The penalty as the model takes it: the gradient of each logit with respect to its image."""
    at = tf.convert_to_tensor(at)
    with tf.GradientTape() as tape:
        tape.watch(at)
        logits = tf.reduce_sum(discriminator(at))
    return Penalty(name, 1.0).value(tape.gradient(logits, at))


@pytest.mark.parametrize("name", PENALTIES)
def test_a_linear_discriminator_has_its_weights_as_slope(name):
    weights = images(0, SHAPE[1:])
    norm = np.sqrt((weights**2).sum())
    expected = norm**2 / 2 if name in ("r1", "r2") else (norm - 1) ** 2
    value = penalty_of(name, lambda x: tf.reduce_sum(x * weights, axis=(1, 2, 3)) + 5.0, images(1))
    np.testing.assert_allclose(value, expected, rtol=1e-12)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_quadratic_discriminator_has_its_image_as_slope(name):
    at = images(2)
    norms = np.sqrt((at**2).sum(axis=(1, 2, 3)))
    expected = (norms**2).mean() / 2 if name in ("r1", "r2") else ((norms - 1) ** 2).mean()
    value = penalty_of(name, lambda x: tf.reduce_sum(x**2, axis=(1, 2, 3)) / 2, at)
    np.testing.assert_allclose(value, expected, rtol=1e-12)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("name", PENALTIES)
def test_its_gradient_reaches_every_weight_and_equals_finite_differences(name, jit):
    rng = np.random.default_rng(3)
    kernel = tf.Variable(rng.normal(size=(3, 3, 2, 4)) * 0.4)
    head = tf.Variable(rng.normal(size=(4 * 4 * 4,)) * 0.4)
    at = images(4)

    def discriminator(x):
        hidden = tf.tanh(tf.nn.conv2d(x, kernel, strides=1, padding="SAME"))
        return tf.linalg.matvec(tf.reshape(hidden, (3, -1)), head)

    @tf.function(jit_compile=jit)
    def value_and_gradients():
        with tf.GradientTape() as tape:
            value = penalty_of(name, discriminator, at)
        return value, tape.gradient(value, [kernel, head])

    _, gradients = value_and_gradients()
    for weight, gradient in zip((kernel, head), gradients, strict=True):
        assert np.abs(gradient).min() > 0
        start = weight.numpy()
        for index in [tuple(rng.integers(start.shape)) for _ in range(4)]:
            step = np.zeros(start.shape)
            step[index] = 1e-5
            weight.assign(start + step)
            above = value_and_gradients()[0]
            weight.assign(start - step)
            below = value_and_gradients()[0]
            weight.assign(start)
            np.testing.assert_allclose(gradient[index], (above - below) / 2e-5, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_flat_discriminator_has_a_finite_gradient(name):
    gradients = tf.Variable(np.zeros(SHAPE, "float32"))
    with tf.GradientTape() as tape:
        value = Penalty(name, 1.0).value(gradients)
    assert value == (0.0 if name in ("r1", "r2") else 1.0)
    np.testing.assert_array_equal(tape.gradient(value, gradients), np.zeros(SHAPE))


@pytest.mark.parametrize("name", PENALTIES)
def test_low_precision_gradients_give_a_float32_value(name):
    value = Penalty(name, 1.0).value(tf.cast(images(5), "bfloat16"))
    assert value.dtype == tf.float32
    np.testing.assert_allclose(value, Penalty(name, 1.0).value(images(5)), rtol=2e-2)


def test_points_are_where_the_papers_take_the_gradient():
    real, fake = images(6), images(7)
    assert points("r1", real, None) is real
    assert points("r2", None, fake) is fake
    share = np.array([0.0, 0.25, 0.5]).reshape(3, 1, 1, 1)
    between = points("wgan-gp", real, fake, share)
    np.testing.assert_allclose(between, (1 - share) * real + share * fake)
    noise = np.random.default_rng(8).uniform(size=SHAPE)
    np.testing.assert_allclose(points("dragan", real, None, noise), real + 0.5 * real.std() * noise)


def test_noise_shapes():
    assert [noise_shape(name, SHAPE) for name in PENALTIES] == [None, None, (3, 1, 1, 1), SHAPE]


@pytest.mark.parametrize("name", PENALTIES)
def test_survives_json(name):
    penalty = Penalty(name, weight=0.5, interval=4)
    assert Penalty(**json.loads(json.dumps(dataclasses.asdict(penalty)))) == penalty
    assert penalty.points == PENALTIES[name]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("wgangp", 1.0), "Unknown penalty 'wgangp': did you mean 'wgan-gp'"),
        (("r1", -1.0), "weight of penalty 'r1' must be 0 or more. Received: -1.0"),
        (("r1", float("nan")), "weight .* Received: nan"),
        (("r1", "1"), "weight .* Received: '1'"),
        (("r1", 1.0, 0), "interval of penalty 'r1' must be 1 step or more. Received: 0"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(RecipeError, match=message):
        Penalty(*arguments)


def test_points_of_an_unknown_penalty_are_refused():
    with pytest.raises(RecipeError, match="Unknown penalty"):
        points("r3", images(9), images(9))
