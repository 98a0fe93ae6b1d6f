"""Figures against closed forms, independent implementations and common sense."""

import itertools

import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
import scipy.stats

from tfproductgan.errors import JudgementError
from tfproductgan.metrics.distances import (
    frechet_distance,
    frechet_distance_of,
    frechet_interval,
    inception_score,
    kernel_distance,
    least_pictures,
    mean_estimate,
    psnr,
    refuse_few,
    ssim,
    wilson_interval,
)


def by_general_root(mean1, cov1, mean2, cov2):
    """The textbook formula by a general matrix root."""
    root = scipy.linalg.sqrtm(cov1 @ cov2)
    return np.sum((mean1 - mean2) ** 2) + np.trace(cov1 + cov2 - 2 * np.real(root))


# === Fréchet distance ===


def test_closed_form_of_gaussians_that_share_axes():
    mean1, mean2 = np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 3.5])
    axes = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    first, second = np.array([4.0, 9.0, 0.25]), np.array([1.0, 16.0, 0.0])
    expected = 4.0 + 0.25 + np.sum((np.sqrt(first) - np.sqrt(second)) ** 2)
    covs = [axes @ np.diag(values) @ axes.T for values in (first, second)]
    assert frechet_distance(mean1, covs[0], mean2, covs[1]) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("dim", [2, 16, 64])
def test_agrees_with_a_general_matrix_root(gaussian, dim):
    first, second = gaussian(3000, dim), gaussian(2500, dim, shift=0.3, scale=1.2)
    expected = by_general_root(first.mean(0), np.cov(first.T), second.mean(0), np.cov(second.T))
    assert frechet_distance_of(first, second) == pytest.approx(expected, rel=1e-9)


def test_the_low_rank_form_is_exact(gaussian):
    first, second = gaussian(20, 300), gaussian(30, 300, shift=0.2)
    whole = frechet_distance(first.mean(0), np.cov(first.T), second.mean(0), np.cov(second.T))
    assert frechet_distance_of(first, second, force=True) == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize(("count", "dim"), [(3000, 8), (40, 100)])
def test_identical_sets_have_no_distance(gaussian, count, dim):
    features = gaussian(count, dim)
    assert frechet_distance_of(features, features, force=True) == pytest.approx(0, abs=1e-6)
    assert kernel_distance(features, features, subset_size=count, force=True).value < 0  # unbiased: 0 in the mean


def test_degenerate_covariances():
    constant = np.ones((3000, 4))
    assert frechet_distance_of(constant, constant + 2) == pytest.approx(16)


def test_features_far_from_zero_lose_no_digits(gaussian):
    first, second = gaussian(2500, 6), gaussian(2100, 6, shift=0.5)  # several blocks, the last ones uneven
    expected = by_general_root(first.mean(0), np.cov(first.T), second.mean(0), np.cov(second.T))
    # sums of squares would cancel
    assert frechet_distance_of(first + 1e4, second + 1e4) == pytest.approx(expected, rel=1e-9)


# === Kernel distance ===


def discrepancy(first, second):
    """The unbiased estimator, term by term."""

    def kernel(x, y):
        return (x @ y / len(x) + 1) ** 3

    def mean_of_pairs(rows):
        return np.mean([kernel(x, y) for x, y in itertools.permutations(rows, 2)])

    across = np.mean([kernel(x, y) for x, y in itertools.product(first, second)])
    return mean_of_pairs(first) + mean_of_pairs(second) - 2 * across


def test_kernel_distance_term_by_term(gaussian):
    first, second = gaussian(30, 5), gaussian(30, 5, shift=0.5)
    found = kernel_distance(first, second)
    assert found.value == pytest.approx(discrepancy(first, second), rel=1e-12)
    assert found.std == 0 and found.low < found.value < found.high


def test_kernel_distance_is_unbiased(gaussian):
    values = [kernel_distance(gaussian(40, 4), gaussian(40, 4)).value for _ in range(400)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))


def test_subsets_are_drawn_by_the_seed(gaussian):
    first, second = gaussian(300, 4), gaussian(200, 4, shift=0.4)
    arguments = {"subset_size": 50, "num_subsets": 20}
    found = kernel_distance(first, second, seed=3, **arguments)
    assert found == kernel_distance(first, second, seed=3, **arguments)
    assert found != kernel_distance(first, second, seed=4, **arguments)
    assert found.std > 0
    # of different sizes, the subsets of the smaller side are all of it
    assert kernel_distance(first, second).std > 0


# === Inception score ===


def test_inception_score_between_one_and_the_number_of_classes():
    sure = np.eye(4)[np.arange(1000) % 4]
    assert inception_score(sure).value == pytest.approx(4)
    assert inception_score(np.full((1000, 4), 0.25)).value == pytest.approx(1)
    collapsed = np.tile([0.9, 0.1, 0, 0], (1000, 1))
    assert inception_score(collapsed).value == pytest.approx(1)


def test_inception_score_by_hand(rng):
    rows = rng.dirichlet(np.ones(5), 1000)
    scores = []
    for part in np.split(rows, 10):
        entropy = scipy.stats.entropy
        scores.append(np.exp(np.mean([entropy(row, part.mean(0)) for row in part])))
    found = inception_score(rows)
    assert found.value == pytest.approx(np.mean(scores), rel=1e-12)
    assert found.std == pytest.approx(np.std(scores), rel=1e-9)


def test_what_are_no_probabilities_is_refused():
    with pytest.raises(JudgementError, match="sum to 1"):
        inception_score(np.ones((1000, 3)))


# === Damage ===


@pytest.mark.parametrize("worse", ["noise", "blur"])
def test_distances_grow_with_damage(rng, worse):
    photos = rng.normal(size=(600, 8, 8)).cumsum(axis=1).cumsum(axis=2)
    levels = []
    for level in range(5):
        if worse == "noise":
            damaged = photos + level * rng.normal(size=photos.shape)
        else:
            damaged = scipy.ndimage.gaussian_filter1d(photos, 0.01 + 0.7 * level, axis=1)
        real, fake = photos.reshape(len(photos), -1), damaged.reshape(len(photos), -1)
        real, fake = real / 10, fake / 10
        levels.append(
            (frechet_distance_of(real, fake, force=True), kernel_distance(real, fake, subset_size=len(real)).value)
        )
    assert levels == sorted(levels)
    assert all(first[1] < second[1] for first, second in itertools.pairwise(levels))


# === Pairs of pictures ===


def test_psnr_by_its_formula(rng):
    first = rng.integers(0, 256, (3, 16, 16, 3), np.uint8)
    second = first.copy()
    second[1] = np.where(first[1] > 127, first[1] - 10, first[1] + 10)
    found = psnr(first, second)
    assert found[0] == np.inf
    assert found[1] == pytest.approx(20 * np.log10(255 / 10))


def naive_ssim(first, second):
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for y, x in itertools.product(range(first.shape[0] - 10), range(first.shape[1] - 10)):
        a, b = first[y : y + 11, x : x + 11], second[y : y + 11, x : x + 11]
        mean_a, mean_b = (window * a).sum(), (window * b).sum()
        var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
        both = (window * (a - mean_a) * (b - mean_b)).sum()
        values.append(
            (2 * mean_a * mean_b + 6.5025)
            * (2 * both + 58.5225)
            / ((mean_a**2 + mean_b**2 + 6.5025) * (var_a + var_b + 58.5225))
        )
    return np.mean(values)


def test_ssim_window_by_window(rng):
    first = rng.integers(0, 256, (2, 14, 13, 1), np.uint8)
    second = np.clip(first + rng.normal(0, 30, first.shape), 0, 255).astype(np.uint8)
    expected = [
        naive_ssim(a[..., 0].astype(float), b[..., 0].astype(float)) for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(ssim(first, second), expected, rtol=1e-9)
    np.testing.assert_allclose(ssim(first, first), 1)


def test_ssim_agrees_with_scikit_image(rng):
    metrics = pytest.importorskip("skimage.metrics")
    first = rng.integers(0, 256, (3, 32, 40, 3), np.uint8)
    second = np.clip(first + rng.normal(0, 20, first.shape), 0, 255).astype(np.uint8)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": -1}
    expected = [metrics.structural_similarity(a, b, **options) for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(ssim(first, second), expected, atol=1e-6)


def test_small_or_unequal_pictures_are_refused():
    with pytest.raises(JudgementError, match="11 pixels"):
        ssim(np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(JudgementError, match="one shape"):
        psnr(np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 8, 8, 1), np.uint8))


# === Spread ===


def test_the_interval_of_a_mean_is_that_of_the_bootstrap(rng):
    sample = rng.normal(3, 2, 400)
    found = mean_estimate(sample)
    drawn = rng.choice(sample, (5000, 400)).mean(axis=1)
    assert found.value == sample.mean()
    assert found.std == pytest.approx(drawn.std(), rel=0.05)
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.02)


def spread_of(distance, real, fake, times):
    """The standard deviation of a figure over other samples of the same size, drawn from what they come from."""
    return np.std([distance(real(), fake()) for _ in range(times)])


@pytest.mark.parametrize(("shift", "most"), [(0.5, 1.3), (0.1, 1.6), (0.0, 2.5)])
def test_the_interval_of_a_frechet_distance_is_that_of_other_samples(gaussian, shift, most):
    real, fake = (lambda: gaussian(300, 10)), (lambda: gaussian(400, 10, shift))
    found = frechet_interval(real(), fake())
    assert 0 <= found.low < found.value < found.high
    others = spread_of(lambda a, b: frechet_distance_of(a, b, force=True), real, fake, 200)
    assert 0.7 < found.std / others < most  # too wide where there is hardly a difference


@pytest.mark.parametrize(("shift", "most"), [(0.5, 1.4), (0.0, 2.5)])
def test_the_interval_of_a_kernel_distance_is_that_of_other_samples(gaussian, shift, most):
    real, fake = (lambda: gaussian(150, 10)), (lambda: gaussian(200, 10, shift))
    drawn = {"subset_size": 100, "num_subsets": 8}
    found = kernel_distance(real(), fake(), **drawn)
    error = (found.high - found.low) / 2 / 1.96
    assert found.high - found.value == pytest.approx(found.value - found.low)
    assert 0.7 < error / spread_of(lambda a, b: kernel_distance(a, b, **drawn).value, real, fake, 60) < most


def test_an_interval_agrees_with_the_bootstrap(rng, gaussian):
    real, fake = gaussian(500, 6), gaussian(500, 6, shift=1)
    resampled = [[rows[rng.integers(500, size=500)] for rows in (real, fake)] for _ in range(300)]
    found = frechet_interval(real, fake)
    assert found.value == frechet_distance_of(real, fake, force=True)
    assert found.std == pytest.approx(np.std([frechet_distance_of(*sides, force=True) for sides in resampled]), rel=0.2)


def test_an_interval_with_dimensions_that_never_change(gaussian):
    real, fake = gaussian(500, 6), gaussian(500, 6, shift=1)
    dead = np.zeros((500, 2))
    found = frechet_interval(np.hstack([real, dead]), np.hstack([fake, dead]))
    assert (found.value, found.std) == pytest.approx(
        (frechet_interval(real, fake).value, frechet_interval(real, fake).std)
    )
    constant = frechet_interval(np.ones((50, 3)), np.ones((50, 3)) + 1)
    assert (constant.low, constant.value, constant.high) == pytest.approx((3, 3, 3))
    with pytest.raises(JudgementError, match="more pictures than dimensions"):
        frechet_interval(real[:6], fake)


# from Newcombe 1998, "Two-sided confidence intervals for the single proportion", table 1, the last four
@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(0, 0, 0, 1), (50, 100, 0.4038, 0.5962), (10, 10, 0.7225, 1), (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605),
     (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)  # fmt: skip
def test_intervals_of_shares_are_those_of_wilson(count, of, low, high):
    assert wilson_interval(count, of) == pytest.approx((low, high), abs=1e-4)


# === What means nothing ===


@pytest.mark.parametrize(("figure", "dim", "least"), [("fid", 2048, 2048), ("fid", 128, 1024), ("kid", None, 10)])
def test_least_pictures(figure, dim, least):
    assert least_pictures(figure, dim) == least
    refuse_few(figure, least, dim)
    with pytest.raises(JudgementError, match=str(least)):
        refuse_few(figure, least - 1, dim)


def test_too_few_are_refused_unless_forced(gaussian):
    few = gaussian(60, 300)
    with pytest.raises(JudgementError, match="means nothing"):
        frechet_distance_of(few, few + 1)
    assert frechet_distance_of(few, few + 1, force=True) > 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(gaussian, bad):
    features = gaussian(3000, 4)
    broken = features.copy()
    broken[2345, 1] = bad
    for figure in (frechet_distance_of, frechet_interval, kernel_distance):
        with pytest.raises(JudgementError, match="row 2345"):
            figure(features, broken)
    with pytest.raises(JudgementError, match="finite"):
        frechet_distance(np.zeros(2), np.eye(2), np.zeros(2), np.full((2, 2), bad))


def test_features_of_two_extractors_are_refused(gaussian):
    with pytest.raises(JudgementError, match="one extractor"):
        frechet_distance_of(gaussian(3000, 4), gaussian(3000, 5))


# === Independent implementations, where they are installed ===


def test_agreement_with_torch_fidelity(rng, gaussian):
    pytest.importorskip("torch_fidelity")
    import torch
    from torch_fidelity import metric_fid, metric_isc, metric_kid

    real, fake = gaussian(2200, 32), gaussian(2200, 32, shift=0.2, scale=1.1)
    statistics = [metric_fid.fid_features_to_statistics(torch.from_numpy(rows)) for rows in (real, fake)]
    theirs = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance_of(real, fake) == pytest.approx(theirs, rel=1e-9)
    # one subset of everything needs no drawing
    options = {"kid_subsets": 1, "kid_subset_size": 2200, "verbose": False, "rng_seed": 0, "kid_kernel": "poly"}
    options |= {"kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}
    theirs = metric_kid.kid_features_to_metric(torch.from_numpy(real), torch.from_numpy(fake), **options)
    ours = kernel_distance(real, fake, subset_size=2200)
    assert ours.value == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)
    logits = torch.from_numpy(rng.normal(size=(2000, 10)))
    theirs = metric_isc.isc_features_to_metric(logits, splits=10, shuffle=False)
    found = inception_score(torch.softmax(logits, 1).numpy())
    assert found.value == pytest.approx(theirs["inception_score_mean"], rel=1e-9)
    assert found.std == pytest.approx(theirs["inception_score_std"], rel=1e-9)
