"""Figures against closed forms, independent implementations and common sense."""

import itertools

import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
import scipy.stats
from scipy.spatial.distance import cdist

from tfproductgan.errors import JudgementError
from tfproductgan.metrics import distances
from tfproductgan.metrics.distances import (
    Moments,
    bootstrap,
    density_coverage,
    floor,
    frechet_distance,
    frechet_distance_of,
    inception_score,
    kernel_distance,
    least_pictures,
    neighbour_distances,
    neighbours,
    precision_recall,
    psnr,
    refuse_few,
    ssim,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def gaussian(rng, count, dim, shift=0.0, scale=1.0):
    mixing = np.random.default_rng(5).normal(size=(dim, dim)) / np.sqrt(dim)
    return shift + scale * rng.normal(size=(count, dim)) @ mixing


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
def test_agrees_with_a_general_matrix_root(rng, dim):
    first, second = gaussian(rng, 3000, dim), gaussian(rng, 2500, dim, shift=0.3, scale=1.2)
    expected = by_general_root(first.mean(0), np.cov(first.T), second.mean(0), np.cov(second.T))
    assert frechet_distance_of(first, second) == pytest.approx(expected, rel=1e-9)


def test_the_low_rank_form_is_exact(rng):
    first, second = gaussian(rng, 20, 300), gaussian(rng, 30, 300, shift=0.2)
    whole = frechet_distance(first.mean(0), np.cov(first.T), second.mean(0), np.cov(second.T))
    assert frechet_distance_of(first, second, force=True) == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize(("count", "dim"), [(3000, 8), (40, 100)])
def test_identical_sets_have_no_distance(rng, count, dim):
    features = gaussian(rng, count, dim)
    assert frechet_distance_of(features, features, force=True) == pytest.approx(0, abs=1e-6)
    assert kernel_distance(features, features, subset_size=count, force=True).value < 0  # unbiased: 0 in the mean


def test_degenerate_covariances():
    constant = np.ones((3000, 4))
    assert frechet_distance_of(constant, constant + 2) == pytest.approx(16)


def test_moments_of_blocks_are_those_of_all(rng):
    rows = gaussian(rng, 1000, 6) + 1e4  # far from zero, where sums of squares would cancel
    moments = Moments(6)
    for block in np.array_split(rows, [1, 17, 17, 600]):
        moments.update(block)
    np.testing.assert_allclose(moments.mean, rows.mean(0), rtol=1e-14)
    np.testing.assert_allclose(moments.covariance, np.cov(rows.T), rtol=1e-9, atol=1e-9)
    assert moments.count == 1000


# === Kernel distance ===


def discrepancy(first, second):
    """The unbiased estimator, term by term."""

    def kernel(x, y):
        return (x @ y / len(x) + 1) ** 3

    def mean_of_pairs(rows):
        return np.mean([kernel(x, y) for x, y in itertools.permutations(rows, 2)])

    across = np.mean([kernel(x, y) for x, y in itertools.product(first, second)])
    return mean_of_pairs(first) + mean_of_pairs(second) - 2 * across


def test_kernel_distance_term_by_term(rng):
    first, second = gaussian(rng, 30, 5), gaussian(rng, 30, 5, shift=0.5)
    found = kernel_distance(first, second)
    assert found.value == pytest.approx(discrepancy(first, second), rel=1e-12)
    assert found.std == 0


def test_kernel_distance_is_unbiased(rng):
    values = [kernel_distance(gaussian(rng, 40, 4), gaussian(rng, 40, 4)).value for _ in range(400)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))


def test_subsets_are_drawn_by_the_seed(rng):
    first, second = gaussian(rng, 300, 4), gaussian(rng, 200, 4, shift=0.4)
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


# === Neighbours ===


def naive_figures(real, fake, recall_k, coverage_k):
    def radii(rows, k):
        return np.sort(cdist(rows, rows), axis=1)[:, k]

    across = cdist(real, fake)
    return (
        (across <= radii(real, recall_k)[:, None]).any(0).mean(),
        (across <= radii(fake, recall_k)).any(1).mean(),
        (across < radii(real, coverage_k)[:, None]).sum(0).mean() / coverage_k,
        (across < radii(real, coverage_k)[:, None]).any(1).mean(),
    )


@pytest.mark.parametrize(("recall_k", "coverage_k"), [(3, 5), (1, 1), (7, 2)])
def test_neighbours_agree_with_all_distances_at_once(rng, monkeypatch, recall_k, coverage_k):
    monkeypatch.setattr(distances, "_BLOCK", 64)  # several blocks, the last ones uneven
    real, fake = gaussian(rng, 300, 6), gaussian(rng, 210, 6, shift=0.3, scale=0.9)
    first, second = neighbours(real, fake, recall_k, coverage_k)
    found = (first.precision, first.recall, second.density, second.coverage)
    assert found == pytest.approx(naive_figures(real, fake, recall_k, coverage_k), rel=1e-12)


def test_neighbour_distances_leave_the_row_itself_out():
    rows = np.array([[0.0], [1.0], [3.0], [3.0]])
    np.testing.assert_allclose(neighbour_distances(rows, (1, 2)), [[1, 9], [1, 4], [0, 4], [0, 4]])


def test_precision_and_recall_are_not_swapped(rng):
    real = rng.normal(size=(500, 4))
    collapsed = rng.normal(size=(500, 4)) * 0.02
    noisy = rng.normal(size=(500, 4)) * 6
    assert precision_recall(real, collapsed).precision > 0.9
    assert precision_recall(real, collapsed).recall < 0.1
    assert precision_recall(real, noisy).precision < 0.2
    assert precision_recall(real, noisy).recall > 0.9
    assert density_coverage(real, collapsed).coverage < 0.1
    assert density_coverage(real, noisy).density < 0.2


def clusters(rng, classes, count):
    centres = 10 * np.eye(8)[list(classes)]
    return np.concatenate([centre + rng.normal(size=(count // len(centres), 8)) for centre in centres])


def test_a_dropped_class_lowers_recall_and_coverage_but_not_precision(rng):
    real = clusters(rng, range(5), 1000)
    figures = [neighbours(real, clusters(rng, range(kept), 1000)) for kept in (5, 4, 2)]
    assert figures[0][0].precision > 0.85
    assert min(one.precision for one, _ in figures[1:]) > figures[0][0].precision - 0.05
    recalls = [one.recall for one, _ in figures]
    coverages = [other.coverage for _, other in figures]
    for values in (recalls, coverages):
        assert values[0] - 0.15 > values[1] > values[2] + 0.15
    np.testing.assert_allclose(figures[2][1].covered[400:], False)  # whose class is gone


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


def test_bootstrap_finds_the_standard_error_of_a_mean(rng):
    sample = rng.normal(3, 2, 400)
    found = bootstrap(np.mean, sample, num_resamples=1000)
    assert found.value == sample.mean()
    assert found.std == pytest.approx(2 / np.sqrt(400), rel=0.15)
    assert found.low == pytest.approx(found.value - 1.96 * 0.1, abs=0.03)
    assert found.high == pytest.approx(found.value + 1.96 * 0.1, abs=0.03)


def test_the_interval_of_a_biased_distance_holds_what_other_samples_give(rng):
    def distance(first, second):
        return frechet_distance_of(first, second, force=True)

    real, fake = gaussian(rng, 300, 10), gaussian(rng, 300, 10, shift=0.3)
    found = bootstrap(distance, real, fake, num_resamples=100)
    assert found.low < found.value < found.high
    others = [distance(gaussian(rng, 300, 10), gaussian(rng, 300, 10, shift=0.3)) for _ in range(50)]
    assert found.std == pytest.approx(np.std(others), rel=0.5)


def test_floor_is_small_and_known_by_its_seed(rng):
    real = gaussian(rng, 5000, 8)
    assert floor(frechet_distance_of, real) == floor(frechet_distance_of, real)
    assert 0 < floor(frechet_distance_of, real) < 0.1 < frechet_distance_of(real, real + 0.5)


# === What means nothing ===


@pytest.mark.parametrize(("figure", "dim", "least"), [("fid", 2048, 2048), ("fid", 128, 1024), ("kid", None, 10)])
def test_least_pictures(figure, dim, least):
    assert least_pictures(figure, dim) == least
    refuse_few(figure, least, dim)
    with pytest.raises(JudgementError, match=str(least)):
        refuse_few(figure, least - 1, dim)


def test_too_few_are_refused_unless_forced(rng):
    few = gaussian(rng, 60, 300)
    for figure in (frechet_distance_of, precision_recall, density_coverage):
        with pytest.raises(JudgementError, match="means nothing"):
            figure(few, few + 1)
        assert figure(few, few + 1, force=True) is not None
    with pytest.raises(JudgementError, match="5th neighbour"):
        neighbours(few[:4], few, force=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(rng, bad):
    features = gaussian(rng, 3000, 4)
    broken = features.copy()
    broken[2345, 1] = bad
    for figure in (frechet_distance_of, kernel_distance, precision_recall, density_coverage):
        with pytest.raises(JudgementError, match="row 2345"):
            figure(features, broken)
    with pytest.raises(JudgementError, match="finite"):
        frechet_distance(np.zeros(2), np.eye(2), np.zeros(2), np.full((2, 2), bad))


def test_features_of_two_extractors_are_refused(rng):
    with pytest.raises(JudgementError, match="one extractor"):
        frechet_distance_of(gaussian(rng, 3000, 4), gaussian(rng, 3000, 5))


# === Independent implementations, where they are installed ===


def test_agreement_with_torch_fidelity(rng):
    pytest.importorskip("torch_fidelity")
    import torch
    from torch_fidelity import metric_fid, metric_isc, metric_kid

    real, fake = gaussian(rng, 2200, 32), gaussian(rng, 2200, 32, shift=0.2, scale=1.1)
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


def test_agreement_with_prdc(rng):
    prdc = pytest.importorskip("prdc")
    real, fake = gaussian(rng, 800, 16), gaussian(rng, 700, 16, shift=0.2)
    theirs = prdc.compute_prdc(real, fake, nearest_k=5)
    first, second = neighbours(real, fake, recall_k=5, coverage_k=5)
    ours = {
        "precision": first.precision,
        "recall": first.recall,
        "density": second.density,
        "coverage": second.coverage,
    }
    # they leave out of the ball what lies exactly on it
    assert ours == pytest.approx(theirs, abs=2e-3)
