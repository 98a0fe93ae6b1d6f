import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tfproductgan.losses.likelihoods import (
    LIKELIHOODS,
    discretised_logistic,
    gaussian,
    kl_to_standard_normal,
    nats_of_levels,
)

LEVELS = np.arange(256, dtype=np.float32) / 127.5 - 1


def test_the_normal_density_is_scipys():
    rng = np.random.default_rng(0)
    images, means = rng.uniform(-1, 1, (2, 3, 4, 4, 2)).astype(np.float32)
    expected = -scipy.stats.norm.logpdf(images, means, np.exp(-1.3)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(gaussian(images, means, -1.3), expected, rtol=1e-5)


@pytest.mark.parametrize("mean", [-1.0, -0.3, 0.004, 1.0])
@pytest.mark.parametrize("log_scale", [-6.5, -3.0, 0.0, 2.0])
def test_probabilities_of_all_levels_sum_to_one(mean, log_scale):
    images = LEVELS.reshape(256, 1, 1, 1)
    nats = discretised_logistic(images, np.full_like(images, mean), log_scale)
    assert np.exp(-np.float64(nats)).sum() == pytest.approx(1, abs=2e-3)


def test_a_level_has_the_probability_of_its_bin():
    values = LEVELS[[0, 1, 100, 254, 255]].reshape(5, 1, 1, 1)
    edges = np.float64(LEVELS[:-1] + 1 / 255)
    distribution = scipy.stats.logistic(0.1, np.exp(-1.5))
    bins = np.diff([0.0, *distribution.cdf(edges), 1.0])
    nats = discretised_logistic(values, np.full_like(values, 0.1), -1.5)
    np.testing.assert_allclose(nats, -np.log(bins[[0, 1, 100, 254, 255]]), rtol=1e-3)


@pytest.mark.parametrize("likelihood", LIKELIHOODS.values(), ids=LIKELIHOODS)
def test_gradients_are_finite_and_right_however_far_out(likelihood):
    images = tf.constant(LEVELS[[0, 0, 128, 255, 255]].reshape(5, 1, 1, 1))
    means = tf.constant([1.0, -1.0, 0.5, -1.0, 1.0], shape=(5, 1, 1, 1))
    log_scale = tf.constant(-5.0)
    with tf.GradientTape() as tape:
        tape.watch([means, log_scale])
        nats = tf.reduce_sum(likelihood(images, means, log_scale))
    by_means, by_scale = tape.gradient(nats, [means, log_scale])
    assert np.isfinite(by_means).all() and np.isfinite(by_scale)
    assert (np.sign(by_means)[[0, 2, 3], 0, 0, 0] == [1, 1, -1]).all()  # towards the photo is cheaper


def test_a_scale_finer_than_a_grey_level_brings_nothing():
    images = np.zeros((1, 2, 2, 1), np.float32)
    assert gaussian(images, images, -30.0) == gaussian(images, images, -7.0)


def test_the_kl_divergence_is_that_of_a_long_draw():
    mean, log_variance = np.float32([[0.7, -1.2]]), np.float32([[0.4, -1.0]])
    rng = np.random.default_rng(0)
    drawn = mean + np.exp(log_variance / 2) * rng.normal(size=(400_000, 2))
    ours = scipy.stats.norm.logpdf(drawn, mean, np.exp(log_variance / 2)) - scipy.stats.norm.logpdf(drawn)
    np.testing.assert_allclose(kl_to_standard_normal(mean, log_variance)[0], ours.mean(axis=0), atol=0.01)
    assert not np.any(kl_to_standard_normal(np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32)))


def test_a_density_counts_as_many_levels_as_it_has_units():
    # a uniform density over -1 to 1 is one of 256 levels, 8 bits; the outer half bins make the small difference
    nats = np.log(2) + nats_of_levels("gaussian")
    assert nats / np.log(2) == pytest.approx(8, abs=0.01)
    assert nats_of_levels("discretised-logistic") == 0
