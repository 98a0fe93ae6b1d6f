"""Whether samples cover what photos show: each condition by itself, modes that are missing, samples that repeat.

A figure over all samples hides a category that is always drawn alike: here each value of each attribute is compared
with its own photos.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.spatial.distance import pdist

from tfproductgan.catalogue.duplicates import group_duplicates
from tfproductgan.conditions import NOT_GIVEN, ConditionSchema
from tfproductgan.metrics.distances import kernel_distance
from tfproductgan.metrics.neighbours import neighbour_distances, neighbours

NEIGHBOURS = 5
"""A photo is covered if a sample is nearer than its fifth neighbour among the photos."""

FEWEST = 20
"""A condition with fewer photos or samples is counted, not measured."""

DROPPED = 0.1
"""A condition of whose photos fewer than this share are covered is dropped."""

COLLAPSED = 0.5
"""A condition whose samples differ less than this share of what its photos do has collapsed."""

CROWDED = 0.25
"""So has one whose samples are nearer to each other than this share of the distance from photo to photo."""

_KERNEL_SUBSETS = 5
_MOST_FOR_DIVERSITY = 500


@dataclasses.dataclass(frozen=True)
class ConditionFigures:
    """One value of one attribute: its samples against its photos.

    Args:
        attribute: Name of the attribute.
        value: Name of the value.
        asked: Number of samples it was asked of.
        real: Number of photos that have it.
        coverage: Share of the photos that have a sample nearby; `None` if there are too few of either.
        kid: Kernel distance between the two (unbiased: may be below 0), or `None`.
        diversity: Mean distance between two samples, or `None`.
        real_diversity: Mean distance between two photos, or `None`.
        spacing: Median distance from a sample to the nearest other one, or `None`: small where samples crowd around a
            few pictures, however far apart those are.
        real_spacing: The same of as many photos, or `None`.
    """

    attribute: str
    value: str
    asked: int
    real: int
    coverage: float | None = None
    kid: float | None = None
    diversity: float | None = None
    real_diversity: float | None = None
    spacing: float | None = None
    real_spacing: float | None = None

    @property
    def name(self) -> str:
        """Such as `"colour Gold"`."""
        return f"{self.attribute} {self.value}".strip()

    @property
    def measured(self) -> bool:
        """Whether there were samples and photos enough."""
        return self.coverage is not None

    @property
    def dropped(self) -> bool:
        """Whether hardly any photo has a sample nearby."""
        return self.measured and self.coverage < DROPPED

    @property
    def collapsed(self) -> bool:
        """Whether samples are much more alike than photos."""
        return self.measured and (
            self.diversity < COLLAPSED * self.real_diversity or self.spacing < CROWDED * self.real_spacing
        )


@dataclasses.dataclass(frozen=True)
class ConditionCoverage:
    """How well samples cover the conditions.

    Args:
        extractor: Id of the network whose features were compared.
        neighbours: The k of coverage.
        conditions: One a value of each attribute; one for everything where there are no attributes.
        diversity: Mean distance between two samples.
        real_diversity: Mean distance between two photos.
        repeated: Share of the samples that look like another one: the same except for a shade or the noise of JPEG.
        real_repeated: The same among as many photos.
    """

    extractor: str
    neighbours: int
    conditions: tuple[ConditionFigures, ...]
    diversity: float
    real_diversity: float
    repeated: float
    real_repeated: float

    @property
    def dropped(self) -> tuple[ConditionFigures, ...]:
        """Conditions of whose photos hardly any has a sample nearby."""
        return tuple(condition for condition in self.conditions if condition.dropped)

    @property
    def collapsed(self) -> tuple[ConditionFigures, ...]:
        """Conditions whose samples are much more alike than their photos."""
        return tuple(condition for condition in self.conditions if condition.collapsed)

    @property
    def not_measured(self) -> tuple[ConditionFigures, ...]:
        """Conditions with too few photos or samples."""
        return tuple(condition for condition in self.conditions if not condition.measured)


def condition_figures(
    schema: ConditionSchema,
    asked: np.ndarray,
    samples: np.ndarray,
    real: np.ndarray,
    photos: np.ndarray,
    seed: int = 0,
) -> tuple[ConditionFigures, ...]:
    """Compare the samples of each condition with its photos.

    Args:
        schema: Names of attributes and values.
        asked: int `[N, A]`, the condition ids of the samples.
        samples: Their features, float `[N, dim]`.
        real: int `[M, A]`, the condition ids of the photos.
        photos: Their features, float `[M, dim]`.
        seed: Decides which are left out where they are too many.

    Returns:
        One `ConditionFigures` a value that was asked or that photos have; without attributes one for everything.
    """
    conditions = [
        (attribute.name, value, *((side[:, columns] == number).any(axis=1) for side in (asked, real)))
        for attribute, columns in zip(schema.attributes, schema.slices, strict=True)
        for number, value in enumerate(attribute.values, start=NOT_GIVEN + 1)
    ] or [("everything", "", np.ones(len(samples), bool), np.ones(len(photos), bool))]
    return tuple(
        _compare(name, value, samples[mine], photos[theirs], seed)
        for name, value, mine, theirs in conditions
        if mine.any() or theirs.any()
    )


def mean_distance(features: np.ndarray, seed: int = 0) -> float:
    """Mean Euclidean distance between two rows, of at most 500 drawn by the seed.

    Args:
        features: float `[N, dim]`, at least two rows.
        seed: Decides which rows.
    """
    return float(pdist(_at_most(features, _MOST_FOR_DIVERSITY, seed)).mean())


def repeated_share(hashes: np.ndarray, thumbnails: np.ndarray) -> float:
    """Share of pictures that look like another one.

    Args:
        hashes: uint64 `[N]` of `catalogue.duplicates.difference_hashes`.
        thumbnails: uint8 `[N, 16, 16, C]` of `catalogue.duplicates.thumbnails`.
    """
    groups = group_duplicates(hashes, thumbnails)
    return float(np.mean(np.bincount(groups)[groups] > 1)) if len(groups) else 0.0


def _compare(attribute: str, value: str, samples: np.ndarray, photos: np.ndarray, seed: int) -> ConditionFigures:
    few = min(len(samples), len(photos))  # among more pictures the nearest is nearer
    counts = attribute, value, len(samples), len(photos)
    if few < FEWEST:
        return ConditionFigures(*counts)
    # a condition has few photos: what its figures lack in certainty, they have in place
    return ConditionFigures(
        *counts,
        coverage=neighbours(photos, samples, coverage_k=NEIGHBOURS, force=True).coverage,
        kid=kernel_distance(photos, samples, num_subsets=_KERNEL_SUBSETS, seed=seed, force=True).value,
        diversity=mean_distance(samples, seed),
        real_diversity=mean_distance(photos, seed),
        spacing=_spacing(samples, few, seed),
        real_spacing=_spacing(photos, few, seed),
    )


def _spacing(features: np.ndarray, count: int, seed: int) -> float:
    """Median distance to the nearest other row, of `count` rows."""
    return float(np.median(neighbour_distances(_at_most(features, min(count, _MOST_FOR_DIVERSITY), seed), 1)))


def _at_most(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """float64 rows, all of them or `count` that the seed draws."""
    if len(rows) > count:
        rows = rows[np.sort(np.random.default_rng([seed, len(rows)]).choice(len(rows), count, replace=False))]
    return np.asarray(rows, np.float64)
