"""Whether samples are copies of training photos.

A sample near a training photo proves nothing by itself: photos of one white mug are near each other too. So the
distance from each sample to its nearest training photo is compared with the same distance of photos the model has
not seen. A model that copies is nearer than those.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfproductgan.errors import JudgementError
from tfproductgan.metrics.distances import check_features
from tfproductgan.metrics.neighbours import nearest
from tfproductgan.sampling.grids import in_proportion

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.metrics.counterparts import Counterparts
    from tfproductgan.metrics.feature_extractor import FeatureExtractor

CLOSE_QUANTILE = 0.01
"""A sample is close if it is nearer to its training photo than this share of the held-out photos are to theirs."""

FEWEST = 20
"""Neither samples nor held-out photos may be fewer."""

NUM_PAIRS = 24

_NEAR = 6  # photos beside a picture
_MOST_COMPARED = 1024  # held-out photos with which its distance is compared


@dataclasses.dataclass(frozen=True)
class ClosePair:
    """A sample and its nearest training photo.

    Args:
        sample: Position of the sample.
        conditions: What was asked of it.
        seed: Its seed.
        photo: Position of the photo in the training split.
        distance: Between their features.
        quantile: Share of the held-out photos that are nearer to their training photo than this.
        relative: The distance over that from the training photo to its own nearest other one: 0 for a copy, about 1 for
            one more picture of its kind, however plain that is.
    """

    sample: int
    conditions: dict[str, str]
    seed: int
    photo: int
    distance: float
    quantile: float
    relative: float


@dataclasses.dataclass(frozen=True)
class MemorisationAudit:
    """Distances from samples to the training photos, against those of held-out photos.

    Args:
        extractor: Id of the network whose features were compared.
        n: Number of samples.
        heldout: Number of held-out photos.
        train: Number of training photos.
        median: Median distance from a sample to its nearest training photo.
        heldout_median: The same of the held-out photos.
        nearer: Probability that a sample is nearer to the training photos than a held-out photo is: 0.5 if they
            are alike, 1 for copies, below 0.5 where samples are far from any photo.
        z: The same as standard deviations from 0.5 (Mann-Whitney U): above 3 is hardly chance.
        close: Share of the samples nearer than 99 % of the held-out photos; 0.01 if they are alike.
        authentic: Share of the samples farther from their training photo than that is from its own nearest other
            training photo.
        heldout_authentic: The same of the held-out photos.
        distances: Deciles of the samples' distances, 0 to 100 %.
        heldout_distances: Deciles of the held-out photos' distances.
        pairs: The closest pairs relative to how near photos of their kind are, each training photo once.

    Reference:
        - [Meehan et al., 2020](https://arxiv.org/abs/2004.05675), the test behind `z`.
        - [Alaa et al., 2022](https://arxiv.org/abs/2102.08921), authenticity.
    """

    extractor: str
    n: int
    heldout: int
    train: int
    median: float
    heldout_median: float
    nearer: float
    z: float
    close: float
    authentic: float
    heldout_authentic: float
    distances: tuple[float, ...]
    heldout_distances: tuple[float, ...]
    pairs: tuple[ClosePair, ...]

    @property
    def suspicious(self) -> bool:
        """Whether samples are nearer to the training photos than held-out photos are, by more than chance."""
        return self.z > 3 or self.close > CLOSE_QUANTILE + 3 * np.sqrt(CLOSE_QUANTILE / self.n)


def audit_memorisation(
    samples: np.ndarray,
    train: np.ndarray,
    heldout: np.ndarray,
    extractor: str,
    conditions: Sequence[Mapping[str, str]],
    seeds: Sequence[int],
    num_pairs: int = NUM_PAIRS,
) -> MemorisationAudit:
    """Compare samples with the training photos they may have been copied from.

    Args:
        samples: Features of the samples, float `[N, dim]`.
        train: Features of all training photos, float `[M, dim]`.
        heldout: Features of photos the model has not seen, float `[L, dim]`.
        extractor: Id of the network they come from.
        conditions: What was asked of each sample.
        seeds: The seed of each sample.
        num_pairs: How many of the closest pairs to keep.

    Raises:
        JudgementError: If there are too few of either, or a feature is no number.
    """
    for name, features in (("samples", samples), ("held-out photos", heldout), ("training photos", train)):
        if len(features) < FEWEST:
            raise JudgementError(f"Memorisation needs {FEWEST} {name} or more. Received: {len(features)}")
        check_features(features, f"features of {name}")
    photos, distances = (places[:, 0] for places in nearest(np.concatenate([samples, heldout]), train))
    needed, place = np.unique(photos, return_inverse=True)
    own = nearest(train[needed], train, itself=needed)[1][place.reshape(-1), 0]
    authentic = distances > own
    n = len(samples)
    photo, distance, heldout_distance = photos[:n], distances[:n], distances[n:]
    # plain things are near each other: a pair stands out if it is nearer than its kind
    usual = np.where(own > 0, own, np.median(own))[:n]  # photos that are there twice have 0
    relative = distance / np.maximum(usual, 1e-12)
    ordered = np.sort(heldout_distance)
    quantile = np.searchsorted(ordered, distance) / len(ordered)
    nearer, z = _mann_whitney(distance, heldout_distance)
    order = np.argsort(relative, kind="stable")
    _, firsts = np.unique(photo[order], return_index=True)
    closest = order[np.sort(firsts)[:num_pairs]]
    figures = np.stack([distance, quantile, relative], axis=1)
    return MemorisationAudit(
        extractor=extractor,
        n=n,
        heldout=len(heldout),
        train=len(train),
        median=float(np.median(distance)),
        heldout_median=float(np.median(heldout_distance)),
        nearer=nearer,
        z=z,
        close=float(np.mean(quantile < CLOSE_QUANTILE)),
        authentic=float(authentic[:n].mean()),
        heldout_authentic=float(authentic[n:].mean()),
        distances=_deciles(distance),
        heldout_distances=_deciles(heldout_distance),
        pairs=tuple(
            ClosePair(int(i), dict(conditions[i]), int(seeds[i]), int(photo[i]), *map(float, figures[i]))
            for i in closest
        ),
    )


def close_pairs(
    audit: MemorisationAudit, counterparts: Counterparts, catalogue: Catalogue, truncation: float = 1.0
) -> np.ndarray:
    """The samples of the closest pairs, drawn again, and their training photos: uint8 `[N, 2, H, W, C]`.

    Args:
        audit: What was found.
        counterparts: The model that was audited, and what it was asked for.
        catalogue: The catalogue it was audited with.
        truncation: That of the samples.
    """
    samples = counterparts.draw([counterparts.again(pair.conditions, pair.seed, truncation) for pair in audit.pairs])
    photos = photos_at(catalogue, [pair.photo for pair in audit.pairs])
    return np.stack([in_proportion(side, catalogue.schema) for side in (samples, photos)], axis=1)


@dataclasses.dataclass(frozen=True)
class NearPhotos:
    """The training photos nearest to a picture.

    Args:
        extractor: Id of the network whose features were compared.
        photos: uint8 `[N, S, S, C]`, the nearest first.
        positions: Of the photos in the training split.
        distances: Between the features.
        quantile: Share of the held-out photos that are nearer to a training photo than the picture is; `None` if there
            are none.
    """

    extractor: str
    photos: np.ndarray
    positions: tuple[int, ...]
    distances: tuple[float, ...]
    quantile: float | None


def near_photos(
    picture: np.ndarray,
    train: np.ndarray,
    heldout: np.ndarray | None,
    extractor: FeatureExtractor,
    catalogue: Catalogue,
) -> NearPhotos:
    """Find the training photos nearest to a picture, and say how unusual that is.

    Args:
        picture: uint8 `[S, S, C]`.
        train: Features of all training photos, float `[M, dim]`.
        heldout: Features of photos the model has not seen, or `None`.
        extractor: The network they come from.
        catalogue: Where the photos are.
    """
    features = extractor.features(picture[None])
    (positions,), (distances,) = nearest(features, train, min(_NEAR, len(train) - 1))
    quantile = None
    if heldout is not None and len(heldout):
        quantile = float(np.mean(nearest(heldout[:_MOST_COMPARED], train)[1][:, 0] < distances[0]))
    places = tuple(map(int, positions))
    return NearPhotos(extractor.id, photos_at(catalogue, places), places, tuple(map(float, distances)), quantile)


def photos_at(catalogue: Catalogue, positions: Sequence[int]) -> np.ndarray:
    """Training photos at these positions; the split, which may be larger than memory, is not held as a whole."""
    wanted, found = np.asarray(positions), {}
    start = 0
    for batch in catalogue.image_batches("train"):
        found |= {position: batch[position - start] for position in wanted if start <= position < start + len(batch)}
        start += len(batch)
    return np.stack([found[position] for position in positions])


def _mann_whitney(samples: np.ndarray, heldout: np.ndarray) -> tuple[float, float]:
    """Probability that a sample's distance is less than a held-out one's, and its z score; ties count half."""
    from scipy.stats import rankdata, tiecorrect

    ranks = rankdata(np.concatenate([samples, heldout]))
    n, m = len(samples), len(heldout)
    u = n * m + n * (n + 1) / 2 - ranks[:n].sum()
    variance = n * m * (n + m + 1) / 12 * tiecorrect(ranks)
    return float(u / (n * m)), float((u - n * m / 2) / np.sqrt(variance)) if variance > 0 else 0.0


def _deciles(distances: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in np.quantile(distances, np.linspace(0, 1, 11)))
