import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.losses.adversarial import ADVERSARIAL_LOSSES, adversarial_loss

REAL = np.array([2.0, -1.5, 0.3, 1.2])
FAKE = np.array([-0.7, 0.4, 3.0, -2.0])


def log_sigmoid(x):
    return -np.log1p(np.exp(-x))


def hinge(x):
    return np.where(x > 0, x, 0.0)


# the losses as the papers write them: (discriminator, generator)
EXPECTED = {
    "minimax": (
        -log_sigmoid(REAL).mean() - np.log(1 - 1 / (1 + np.exp(-FAKE))).mean(),
        np.log(1 - 1 / (1 + np.exp(-FAKE))).mean(),
    ),
    "non-saturating": (
        -log_sigmoid(REAL).mean() - np.log(1 - 1 / (1 + np.exp(-FAKE))).mean(),
        -log_sigmoid(FAKE).mean(),
    ),
    "hinge": (hinge(1 - REAL).mean() + hinge(1 + FAKE).mean(), -FAKE.mean()),
    "least-squares": (((REAL - 1) ** 2).mean() / 2 + (FAKE**2).mean() / 2, ((FAKE - 1) ** 2).mean() / 2),
    "wasserstein": (FAKE.mean() - REAL.mean(), -FAKE.mean()),
    "relativistic": (-log_sigmoid(REAL - FAKE).mean(), -log_sigmoid(FAKE - REAL).mean()),
}


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_equals_the_papers_formula(name, player):
    value = getattr(adversarial_loss(name), player)(REAL.astype("float32"), FAKE.astype("float32"))
    assert value.dtype == tf.float32 and value.shape == ()
    np.testing.assert_allclose(value, EXPECTED[name][player == "generator"], rtol=1e-6)


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_derivatives_equal_finite_differences(name, player):
    loss = getattr(adversarial_loss(name), player)
    logits = tf.Variable(np.stack([REAL, FAKE]))
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            value = loss(logits[0], logits[1])
        slope = tf.convert_to_tensor(inner.gradient(value, logits))
        steepness = tf.reduce_sum(slope**2)
    curvature = outer.gradient(steepness, logits, unconnected_gradients="zero")

    def value_and_steepness(point):
        with tf.GradientTape() as tape:
            tape.watch(point)
            value = loss(point[0], point[1])
        return value, tf.reduce_sum(tf.convert_to_tensor(tape.gradient(value, point)) ** 2)

    for index in np.ndindex(2, 4):
        step = np.zeros((2, 4))
        step[index] = 1e-5
        above = value_and_steepness(tf.constant(logits.numpy() + step))
        below = value_and_steepness(tf.constant(logits.numpy() - step))
        np.testing.assert_allclose(slope[index], (above[0] - below[0]) / 2e-5, atol=1e-8)
        np.testing.assert_allclose(curvature[index], (above[1] - below[1]) / 2e-5, atol=1e-8)


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_is_finite_for_huge_logits(name):
    loss = adversarial_loss(name)
    logits = tf.Variable([[1e4, -1e4, 1e4, -1e4], [1e4, 1e4, -1e4, -1e4]])
    for player in (loss.discriminator, loss.generator):
        with tf.GradientTape() as tape:
            value = player(logits[0], logits[1])
        assert np.isfinite(value)
        assert np.isfinite(tf.convert_to_tensor(tape.gradient(value, logits))).all()


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_only_a_paired_generator_needs_the_real_logits(name):
    loss = adversarial_loss(name)
    assert loss.paired == (name == "relativistic")
    if not loss.paired:
        assert loss.generator(None, FAKE) == loss.generator(REAL, FAKE)


def test_a_sure_discriminator_starves_the_minimax_generator_only():
    logits = tf.Variable([-30.0])
    for name, expected in (("minimax", 0.0), ("non-saturating", -1.0)):
        with tf.GradientTape() as tape:
            value = adversarial_loss(name).generator(None, logits)
        np.testing.assert_allclose(tape.gradient(value, logits), [expected], atol=1e-6)


def test_a_column_of_logits_pairs_with_a_row():
    loss = adversarial_loss("relativistic")
    np.testing.assert_allclose(loss.discriminator(REAL[:, None], FAKE), EXPECTED["relativistic"][0])


def test_low_precision_logits_give_a_float32_loss():
    value = adversarial_loss("relativistic").discriminator(tf.cast(REAL, "bfloat16"), tf.cast(FAKE, "bfloat16"))
    assert value.dtype == tf.float32
    np.testing.assert_allclose(value, EXPECTED["relativistic"][0], rtol=1e-2)


def test_an_unknown_name_names_the_nearest():
    with pytest.raises(RecipeError, match="'wasserstien': did you mean 'wasserstein'"):
        adversarial_loss("wasserstien")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("non-saturating", 0.5),  # three of four real logits lie above 0
        ("hinge", 0.5),
        ("least-squares", 0.0),  # two above 0.5
        ("relativistic", 0.0),  # two above their partners
        ("wasserstein", 0.0),
    ],
)
def test_how_sure_the_discriminator_is_of_real_images(name, expected):
    assert float(adversarial_loss(name).real_sign(REAL, FAKE)) == expected


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_what_knows_no_zero_is_measured_without_one(name):
    loss = adversarial_loss(name)
    shifted = float(loss.discriminator(REAL + 5.0, FAKE + 5.0)) == pytest.approx(float(loss.discriminator(REAL, FAKE)))
    assert shifted == (loss.boundary is None)
    if shifted:
        assert float(loss.real_sign(REAL + 5.0, FAKE + 5.0)) == float(loss.real_sign(REAL, FAKE))
