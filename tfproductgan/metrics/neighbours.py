"""Nearest neighbours among features, and the figures that count them: precision, recall, density and coverage.

Distances are products of matrices, in float64; where their rounding could decide, the difference of the two features
does. Features may be memory maps: they are read in blocks, and memory does not grow with the number of pictures.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tfproductgan.errors import JudgementError
from tfproductgan.metrics.distances import check_pair, refuse_few, row_blocks

_QUERIES, _POINTS = 512, 2048  # their distances stay in the cache of a core
_AT_ONCE = 4096  # queries: of fewer scikit-learn is slow
_SPARE = 3  # neighbours kept beyond those asked for, among which rounding may have changed the order


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """Which pictures lie among those of the other side.

    Args:
        within_real: bool `[M]`, generated pictures in the neighbourhood of a real one.
        within_fake: bool `[N]`, real pictures in the neighbourhood of a generated one.
        densities: float64 `[M]`, of each generated picture the number of real neighbourhoods it lies in, over k.
        covered: bool `[N]`, real pictures with a generated one in their neighbourhood.
    """

    within_real: np.ndarray
    within_fake: np.ndarray
    densities: np.ndarray
    covered: np.ndarray

    @property
    def precision(self) -> float:
        """Share of the generated pictures that look real."""
        return float(self.within_real.mean())

    @property
    def recall(self) -> float:
        """Share of the real pictures that the generator covers."""
        return float(self.within_fake.mean())

    @property
    def density(self) -> float:
        """Like precision, but not fooled by outliers among the real pictures; may exceed 1."""
        return float(self.densities.mean())

    @property
    def coverage(self) -> float:
        """Share of the real pictures with a generated one near them, which strange generated ones do not widen."""
        return float(self.covered.mean())


def neighbours(
    real: np.ndarray, fake: np.ndarray, recall_k: int = 3, coverage_k: int = 5, force: bool = False
) -> Neighbours:
    """Count who lies in the balls around each picture that reach to its k-th neighbour.

    Args:
        real: `[N, D]`.
        fake: `[M, D]`.
        recall_k: Which neighbour, the picture itself not counted, for precision and recall.
        coverage_k: The same for density and coverage.
        force: Whether to compute it of too few pictures.

    Raises:
        JudgementError: If there are too few pictures, or features are not finite.

    Reference:
        - [Improved Precision and Recall Metric for Assessing Generative Models](https://arxiv.org/abs/1904.06991)
        - [Reliable Fidelity and Diversity Metrics for Generative Models](https://arxiv.org/abs/2002.09797)
    """
    check_pair(real, fake)
    refuse_few("neighbours", min(len(real), len(fake)), force=force)
    most = max(recall_k, coverage_k)
    if min(len(real), len(fake)) <= most:
        raise JudgementError(
            f"The {most}th neighbour needs more than {most} pictures on each side. "
            f"Received: {len(real)} real and {len(fake)} generated ones."
        )
    radii = neighbour_distances(real, most)
    recall_radii, coverage_radii = radii[:, recall_k - 1, None], radii[:, coverage_k - 1, None]
    fake_radii = neighbour_distances(fake, recall_k)[None, :, -1]
    within_real, within_fake = np.zeros(len(fake), bool), np.zeros(len(real), bool)
    densities, covered = np.zeros(len(fake)), np.zeros(len(real), bool)
    centre = np.mean(real, axis=0, dtype=np.float64)
    for some, rows in row_blocks(real, _QUERIES):
        for others, columns in row_blocks(fake, _POINTS):
            limits = recall_radii[some], coverage_radii[some], fake_radii[:, others]
            distances = _distances(rows, columns, centre, limits)
            within_real[others] |= (distances <= limits[0]).any(axis=0)
            within_fake[some] |= (distances <= limits[2]).any(axis=1)
            near = distances < limits[1]
            densities[others] += near.sum(axis=0)
            covered[some] |= near.any(axis=1)
    return Neighbours(within_real, within_fake, densities / coverage_k, covered)


def neighbour_distances(features: np.ndarray, k: int) -> np.ndarray:
    """Distances from each row to its nearest others, the nearest first.

    Args:
        features: `[N, D]`.
        k: How many, the row itself not counted.

    Returns:
        float64 `[N, k]`.
    """
    return nearest(features, features, k, np.arange(len(features)))[1]


def nearest(
    queries: np.ndarray, points: np.ndarray, k: int = 1, itself: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest points of each query, the nearest first.

    Args:
        queries: float `[N, D]`.
        points: float `[M, D]`, more than `k`.
        k: How many.
        itself: Where each query is among the points, to leave it out: int `[N]`, or `None`.

    Returns:
        Positions, int64 `[N, k]`, and distances, float64 `[N, k]`.
    """
    from sklearn.neighbors import NearestNeighbors

    kept = min(k + _SPARE + (itself is not None), len(points))
    index = NearestNeighbors(n_neighbors=kept, algorithm="brute").fit(points)
    positions, distances = np.empty((len(queries), k), np.int64), np.empty((len(queries), k))
    for some, rows in row_blocks(queries, _AT_ONCE):
        places = index.kneighbors(np.asarray(queries[some], points.dtype), return_distance=False)
        exact = np.stack([_squares(rows - points[places[:, i]]) for i in range(kept)], axis=1)
        if itself is not None:
            exact[places == itself[some, None]] = np.inf
        order = np.argsort(exact, axis=1)[:, :k]
        positions[some] = np.take_along_axis(places, order, axis=1)
        distances[some] = np.sqrt(np.take_along_axis(exact, order, axis=1))
    return positions, distances


def _distances(rows, columns, centre, limits):
    """All distances `[N, M]`, by products of centred rows, and by differences where rounding could decide a limit."""
    first, second = rows - centre, columns - centre
    squares, others = _squares(first), _squares(second)
    squared = first @ (-2 * second.T)
    squared += squares[:, None]
    squared += others
    rounding = 2 * (len(centre) + 8) * np.finfo(np.float64).eps * (squares.max() + others.max())
    doubtful = np.zeros(squared.shape, bool)
    for limit in limits:
        doubtful |= np.abs(squared - np.square(limit)) <= rounding
    near, far = np.nonzero(doubtful)
    distances = np.sqrt(np.maximum(squared, 0, out=squared), out=squared)
    distances[near, far] = np.sqrt(_squares(rows[near] - columns[far]))
    return distances


def _squares(rows: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", rows, rows)
