"""Nearest neighbours among features, and the figures that count them: precision, recall, density and coverage.

Distances are products of matrices in float32, which is fast; whatever lies so near to a limit that rounding could
decide is looked at again in float64, so results are those of float64 throughout. Features may be memory maps: they are
read in blocks, and memory does not grow with the number of pictures.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from tfproductgan.errors import JudgementError
from tfproductgan.metrics.distances import check_pair, refuse_few

_QUERIES, _POINTS = 512, 2048  # their distances stay in the cache of a core
_SPARE = 8  # neighbours kept beyond those asked for, among which rounding may have changed the order
_UNIT = 2.0**-24  # the most that float32 rounds by, relative


@dataclasses.dataclass(frozen=True)
class PrecisionRecall:
    """Which pictures lie within the other set.

    Args:
        within_real: bool `[M]`, generated pictures that look real.
        within_fake: bool `[N]`, real pictures that the generator covers.
    """

    within_real: np.ndarray
    within_fake: np.ndarray

    @property
    def precision(self) -> float:
        """Share of the generated pictures that look real."""
        return float(self.within_real.mean())

    @property
    def recall(self) -> float:
        """Share of the real pictures that the generator covers."""
        return float(self.within_fake.mean())


@dataclasses.dataclass(frozen=True)
class DensityCoverage:
    """How the generated pictures lie among the real ones.

    Args:
        densities: float64 `[M]`, of each generated picture the number of real neighbourhoods it lies in, over k.
        covered: bool `[N]`, real pictures with a generated one in their neighbourhood.
    """

    densities: np.ndarray
    covered: np.ndarray

    @property
    def density(self) -> float:
        """Like precision, but not fooled by outliers among the real pictures; may exceed 1."""
        return float(self.densities.mean())

    @property
    def coverage(self) -> float:
        """Share of the real pictures with a generated one near them."""
        return float(self.covered.mean())


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 3, force: bool = False) -> PrecisionRecall:
    """Precision and recall of the manifolds: balls around each picture that reach to its k-th neighbour.

    Args:
        real: `[N, D]`.
        fake: `[M, D]`.
        k: Which neighbour, the picture itself not counted.
        force: Whether to compute it of too few pictures.

    Raises:
        JudgementError: If there are too few pictures, or features are not finite.

    Reference:
        [Improved Precision and Recall Metric for Assessing Generative Models](https://arxiv.org/abs/1904.06991)
    """
    return neighbours(real, fake, recall_k=k, force=force)[0]


def density_coverage(real: np.ndarray, fake: np.ndarray, k: int = 5, force: bool = False) -> DensityCoverage:
    """Density and coverage: balls around real pictures only, so that strange generated ones widen nothing.

    Args:
        real: `[N, D]`.
        fake: `[M, D]`.
        k: Which neighbour, the picture itself not counted.
        force: Whether to compute it of too few pictures.

    Raises:
        JudgementError: If there are too few pictures, or features are not finite.

    Reference:
        [Reliable Fidelity and Diversity Metrics for Generative Models](https://arxiv.org/abs/2002.09797)
    """
    return neighbours(real, fake, coverage_k=k, force=force)[1]


def neighbours(
    real: np.ndarray, fake: np.ndarray, recall_k: int = 3, coverage_k: int = 5, force: bool = False
) -> tuple[PrecisionRecall, DensityCoverage]:
    """`precision_recall` and `density_coverage` from one pass over the distances.

    Raises:
        JudgementError: If there are too few pictures, or features are not finite.
    """
    real, fake = check_pair(real, fake)
    refuse_few("neighbours", min(len(real), len(fake)), force=force)
    most = max(recall_k, coverage_k)
    if min(len(real), len(fake)) <= most:
        raise JudgementError(
            f"The {most}th neighbour needs more than {most} pictures on each side. "
            f"Received: {len(real)} real and {len(fake)} generated ones."
        )
    real_radii = neighbour_distances(real, most)
    fake_radii = neighbour_distances(fake, recall_k)[:, -1]
    within_real, within_fake = np.zeros(len(fake), bool), np.zeros(len(real), bool)
    densities, covered = np.zeros(len(fake)), np.zeros(len(real), bool)
    for pairs in _Pairs.of_blocks(real, fake):
        _, looking_real = pairs.within(real_radii[pairs.rows, recall_k - 1][:, None])
        within_real[looking_real] = True
        within_fake[pairs.within(fake_radii[pairs.columns])[0]] = True
        centres, near = pairs.within(real_radii[pairs.rows, coverage_k - 1][:, None], strictly=True)
        densities += np.bincount(near, minlength=len(fake))
        covered[centres] = True
    return PrecisionRecall(within_real, within_fake), DensityCoverage(densities / coverage_k, covered)


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
    frame = _Frame(points)
    positions, distances = np.empty((len(queries), k), np.int64), np.empty((len(queries), k))
    for start in range(0, len(queries), _QUERIES):
        part = slice(start, start + _QUERIES)
        rows = np.asarray(queries[part], np.float64)
        mine = None if itself is None else itself[part]
        found = _nearest_of_block(frame, rows, points, k, mine, np.float32)
        positions[part], distances[part], doubtful = found
        if doubtful.any():
            mine = None if mine is None else mine[doubtful]
            again = _nearest_of_block(frame, rows[doubtful], points, k, mine, np.float64)
            positions[part][doubtful], distances[part][doubtful], _ = again
    return positions, distances


class _Frame:
    """Coordinates in which products of float32 lose least: centred, and the farthest point at distance 1."""

    def __init__(self, points: np.ndarray):
        self.centre = np.mean(points, axis=0, dtype=np.float64)
        farthest = max(_squares(block - self.centre).max() for _, block in _blocks(points, _POINTS))
        self.scale = 1 / np.sqrt(farthest) if farthest else 1.0

    def queries(self, rows: np.ndarray, kind: type) -> tuple[np.ndarray, np.ndarray]:
        """A factor of the matrix of squared distances, and the squares of its rows."""
        rows = (rows - self.centre) * self.scale
        squares = _squares(rows)
        return np.hstack([-2 * rows, squares[:, None], np.ones((len(rows), 1))]).astype(kind), squares

    def points(self, rows: np.ndarray, kind: type) -> tuple[np.ndarray, np.ndarray]:
        """The other factor."""
        rows = (rows - self.centre) * self.scale
        squares = _squares(rows)
        return np.hstack([rows, np.ones((len(rows), 1)), squares[:, None]]).astype(kind), squares


def _rounding(queries: np.ndarray, points: np.ndarray, dim: int) -> np.ndarray:
    """By how much a squared distance of float32 may be wrong, `[N, 1]`: the bound of a product of such length."""
    return 2 * (dim + 8) * _UNIT * (queries + points.max())[:, None]


def _nearest_of_block(frame, rows, points, k, itself, kind):
    """Positions and distances, and where the float32 product cannot vouch for them."""
    others = len(points) - (itself is not None)
    kept = min(k + _SPARE, others)
    left, squares = frame.queries(rows, kind)
    best = _Best(len(rows), kept)
    unsure = 0.0
    for first, block in _blocks(points, _POINTS):
        right, others_squares = frame.points(block, kind)
        ranks = left @ right.T
        if itself is not None:
            mine = np.flatnonzero((itself >= first) & (itself < first + len(block)))
            ranks[mine, itself[mine] - first] = np.inf
        best.take(ranks, first)
        unsure = np.maximum(unsure, _rounding(squares, others_squares, rows.shape[1])[:, 0])
    # products lose what is small, and a copy must have distance 0
    exact = np.stack([_squares(rows - points[best.places[:, i]]) for i in range(kept)], axis=1)
    order = np.argsort(exact, axis=1)[:, :k]
    exact = np.take_along_axis(exact, order, axis=1)
    left_out = best.ranks.max(axis=1) - unsure  # nothing that is not among the best is nearer
    doubtful = exact[:, -1] * frame.scale**2 > left_out if kept < others else np.zeros(len(rows), bool)
    return np.take_along_axis(best.places, order, axis=1), np.sqrt(exact), doubtful


class _Best:
    """The lowest ranks of each row, of blocks that come one after the other."""

    def __init__(self, num_rows: int, kept: int):
        self.ranks = np.full((num_rows, kept), np.inf)
        self.places = np.zeros((num_rows, kept), np.int64)

    def take(self, ranks: np.ndarray, first: int) -> None:
        """Take in ranks `[rows, n]` of the places from `first` on."""
        kept = self.ranks.shape[1]
        if first:
            found = ranks < self.ranks.max(axis=1, keepdims=True).astype(ranks.dtype)
        else:  # the lowest of a few spare looking at most of the others
            found = ranks <= np.partition(ranks[:, : 16 * kept], kept - 1, axis=1)[:, kept - 1 : kept]
        rows, columns = np.divmod(np.flatnonzero(found), ranks.shape[1])
        if not len(rows):
            return
        counts = np.bincount(rows, minlength=len(ranks))
        # the found of each row, filled up to the same number
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        more = np.full((len(ranks), counts.max()), np.inf)
        places = np.zeros(more.shape, np.int64)
        more[rows, within], places[rows, within] = ranks[rows, columns], first + columns
        more, places = np.hstack([self.ranks, more]), np.hstack([self.places, places])
        order = np.argpartition(more, kept - 1, axis=1)[:, :kept]
        self.ranks, self.places = (np.take_along_axis(values, order, axis=1) for values in (more, places))


class _Pairs:
    """Squared distances of a block of rows to a block of columns, and which of them are within a limit."""

    def __init__(self, frame: _Frame, rows: np.ndarray, columns: np.ndarray, first_row: int, first_column: int):
        self.rows = slice(first_row, first_row + len(rows))
        self.columns = slice(first_column, first_column + len(columns))
        left, squares = frame.queries(rows, np.float32)
        right, others = frame.points(columns, np.float32)
        self._squared = left @ right.T
        self._unsure = _rounding(squares, others, rows.shape[1])
        self._scale, self._exact = frame.scale, (rows, columns)

    @classmethod
    def of_blocks(cls, rows: np.ndarray, columns: np.ndarray) -> Iterator[_Pairs]:
        """All pairs of two sets, a block at a time."""
        frame = _Frame(rows)
        for first_row, some in _blocks(rows, _QUERIES):
            for first_column, others in _blocks(columns, _POINTS):
                yield cls(frame, some, others, first_row, first_column)

    def within(self, limits: np.ndarray, strictly: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Positions, among all rows and all columns, of the pairs that are no farther apart than the limits.

        Args:
            limits: Distances, `[rows, 1]` or `[columns]`.
            strictly: Whether those at the limit are left out.
        """
        scaled = np.square(limits * self._scale)
        found = np.flatnonzero(self._squared <= (scaled + self._unsure).astype(np.float32))
        rows, columns = np.divmod(found, self._squared.shape[1])
        scaled, limits = (np.broadcast_to(values, self._squared.shape) for values in (scaled, limits))
        margin = self._unsure[rows, 0]
        doubtful = np.flatnonzero(self._squared.ravel()[found] >= scaled[rows, columns] - margin)
        if len(doubtful):
            some, others = rows[doubtful], columns[doubtful]
            distances = np.sqrt(_squares(self._exact[0][some] - self._exact[1][others]))
            compare = np.less if strictly else np.less_equal
            kept = np.ones(len(rows), bool)
            kept[doubtful] = compare(distances, limits[some, others])
            rows, columns = rows[kept], columns[kept]
        return rows + self.rows.start, columns + self.columns.start


def _squares(rows: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", rows, rows)


def _blocks(features: np.ndarray, size: int) -> Iterator[tuple[int, np.ndarray]]:
    """Rows in float64, a block at a time, with the number of the first."""
    for start in range(0, len(features), size):
        yield start, np.asarray(features[start : start + size], np.float64)
