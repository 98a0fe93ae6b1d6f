"""Neighbours against all distances at once, and the figures that count them against common sense."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tfproductgan.errors import JudgementError
from tfproductgan.metrics import neighbours as module
from tfproductgan.metrics.neighbours import nearest, neighbour_distances, neighbours


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


def shares(found):
    return found.precision, found.recall, found.density, found.coverage


@pytest.mark.parametrize(("recall_k", "coverage_k"), [(3, 5), (1, 1), (7, 2)])
def test_neighbours_agree_with_all_distances_at_once(gaussian, monkeypatch, recall_k, coverage_k):
    monkeypatch.setattr(module, "_QUERIES", 64)  # several blocks, the last ones uneven
    monkeypatch.setattr(module, "_POINTS", 90)
    real, fake = gaussian(300, 6), gaussian(210, 6, shift=0.3, scale=0.9)
    assert shares(neighbours(real, fake, recall_k, coverage_k)) == pytest.approx(
        naive_figures(real, fake, recall_k, coverage_k), rel=1e-12
    )


@pytest.mark.parametrize("case", ["same", "copies", "far", "tiny", "outlier", "crowded"])
def test_what_rounding_could_decide_is_decided_in_float64(rng, gaussian, case):
    real = np.maximum(gaussian(400, 12), 0).astype(np.float32)
    fake = {
        "same": real,  # every neighbour lies on the edge of a ball
        "copies": np.repeat(real[:3], 90, axis=0),
        "far": real[:200] + 0.01,
        "tiny": real * np.float32(1 + 1e-6),
        "outlier": np.vstack([real[:200], real[:1] * 1e6]),
        "crowded": real[:1] + rng.normal(0, 1e-7, (200, 12)),
    }[case]
    real, fake = (rows + 3000 * (case == "far") for rows in (real, fake))
    assert shares(neighbours(real, fake)) == pytest.approx(
        naive_figures(np.float64(real), np.float64(fake), 3, 5), rel=1e-12
    )


def test_neighbour_distances_leave_the_row_itself_out():
    rows = np.array([[0.0], [1.0], [3.0], [3.0]])
    np.testing.assert_allclose(neighbour_distances(rows, 2), [[1, 3], [1, 2], [0, 2], [0, 2]])


@pytest.mark.parametrize("scale", [1e-25, 1.0, 1e25])
def test_the_nearest_are_exact(gaussian, scale):
    points = gaussian(3000, 20) * scale
    itself = np.arange(100, 700)
    positions, distances = nearest(points[itself], points, 4, itself)
    every = cdist(points[itself], points)
    every[np.arange(600), itself] = np.inf
    np.testing.assert_array_equal(positions, np.argsort(every, axis=1)[:, :4])
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :4], rtol=1e-12)
    far = points + 1e3 * scale
    assert (nearest(far[:20], far)[1] == 0).all()  # where products of float32 would lose it


def test_precision_and_recall_are_not_swapped(rng):
    real = rng.normal(size=(500, 4))
    collapsed = rng.normal(size=(500, 4)) * 0.02
    noisy = rng.normal(size=(500, 4)) * 6
    few, wild = neighbours(real, collapsed), neighbours(real, noisy)
    assert few.precision > 0.9 and few.recall < 0.1 and few.coverage < 0.1
    assert wild.precision < 0.2 and wild.recall > 0.9 and wild.density < 0.2


def clusters(rng, classes, count):
    centres = 10 * np.eye(8)[list(classes)]
    return np.concatenate([centre + rng.normal(size=(count // len(centres), 8)) for centre in centres])


def test_a_dropped_class_lowers_recall_and_coverage_but_not_precision(rng):
    real = clusters(rng, range(5), 1000)
    figures = [neighbours(real, clusters(rng, range(kept), 1000)) for kept in (5, 4, 2)]
    assert figures[0].precision > 0.85
    assert min(each.precision for each in figures[1:]) > figures[0].precision - 0.05
    for values in ([each.recall for each in figures], [each.coverage for each in figures]):
        assert values[0] - 0.15 > values[1] > values[2] + 0.15
    np.testing.assert_allclose(figures[2].covered[400:], False)  # whose class is gone


# === What means nothing ===


def test_too_few_are_refused_unless_forced(gaussian):
    few = gaussian(60, 300)
    with pytest.raises(JudgementError, match="means nothing"):
        neighbours(few, few + 1)
    assert neighbours(few, few + 1, force=True) is not None
    with pytest.raises(JudgementError, match="5th neighbour"):
        neighbours(few[:4], few, force=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(gaussian, bad):
    features = gaussian(300, 4)
    broken = features.copy()
    broken[234, 1] = bad
    with pytest.raises(JudgementError, match="row 234"):
        neighbours(features, broken)


# === An independent implementation, where it is installed ===


def test_agreement_with_prdc(gaussian):
    prdc = pytest.importorskip("prdc")
    real, fake = gaussian(800, 16), gaussian(700, 16, shift=0.2)
    theirs = prdc.compute_prdc(real, fake, nearest_k=5)
    found = neighbours(real, fake, recall_k=5, coverage_k=5)
    ours = {name: getattr(found, name) for name in ("precision", "recall", "density", "coverage")}
    assert ours == pytest.approx(theirs, rel=1e-12)
