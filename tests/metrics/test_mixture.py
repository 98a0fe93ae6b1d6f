import numpy as np
import pytest

from tfproductgan.metrics.distances import kernel_distance, kernel_mean
from tfproductgan.metrics.mixture import best_shares, kernel_terms

RNG = np.random.default_rng(0)


def cloud(centre, count=400):
    return RNG.normal(centre, 1, (count, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def photos():
    return np.concatenate([cloud(-2, 300), cloud(2, 100)])


def test_terms_make_up_the_kernel_distance(photos):
    samples = [cloud(-2), cloud(2)]
    within, across, own = kernel_terms(photos, samples)
    for number, each in enumerate(samples):
        whole = kernel_distance(photos, each, subset_size=400).value
        assert within[number, number] - 2 * across[number] + own == pytest.approx(whole, rel=1e-9)


def test_the_mean_kernel_is_that_of_all_pairs():
    first, second = cloud(0, 1100), cloud(1, 30)  # of more than one block
    kernel = (first.astype(np.float64) @ second.T / 4 + 1) ** 3
    assert kernel_mean(first, second) == pytest.approx(kernel.mean())


def test_shares_are_those_of_what_photos_hold(photos):
    shares = best_shares([kernel_terms(photos, [cloud(-2), cloud(2), cloud(9)])])
    np.testing.assert_allclose(shares, [0.75, 0.25, 0], atol=0.05)
    assert shares[2] == 0 and shares.sum() == pytest.approx(1)


def test_every_view_counts_alike(photos):
    """The second view has the numbers of the first, far larger, and says the opposite."""
    samples = [cloud(-2), cloud(2)]
    mirrored = kernel_terms(-photos, samples)
    huge = tuple(1e6 * np.asarray(part) for part in mirrored)
    shares = best_shares([kernel_terms(photos, samples), huge])
    np.testing.assert_allclose(shares, best_shares([kernel_terms(photos, samples), mirrored]), atol=1e-3)
