"""How different pictures of the same request look: distances of feature maps, as LPIPS takes them.

Named after the extractor whose maps are compared (`diversity@catalogue-…`): the layers are weighted alike, where LPIPS
learns weights from people's answers, so its published figures are another scale.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfproductgan.errors import JudgementError
from tfproductgan.metrics.distances import Estimate
from tfproductgan.metrics.feature_extractor import FeatureExtractor

_PAIRS_AT_A_TIME = 128


def perceptual_distances(extractor: FeatureExtractor, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distances of pairs of pictures by their feature maps.

    Of each layer, channels are scaled to length 1 at each position; their squared differences are averaged over
    positions; layers are summed.

    Args:
        extractor: One that shows its maps.
        first: uint8 `[N, H, W, C]`.
        second: uint8 of the same shape.

    Returns:
        float64 `[N]`; 0 for equal pictures.

    Raises:
        JudgementError: If the extractor shows no maps, or the pictures do not fit.

    Reference:
        [The Unreasonable Effectiveness of Deep Features as a Perceptual Metric](https://arxiv.org/abs/1801.03924)
    """
    if first.shape != second.shape:
        raise JudgementError(f"Pairs of pictures need one shape. Received: {first.shape} and {second.shape}")
    found = []
    for start in range(0, len(first), _PAIRS_AT_A_TIME):
        rows = slice(start, start + _PAIRS_AT_A_TIME)
        maps = zip(extractor.feature_maps(first[rows]), extractor.feature_maps(second[rows]), strict=True)
        found.append(sum(np.square(_unit(a) - _unit(b)).sum(axis=-1).mean(axis=(1, 2)) for a, b in maps))
    return np.concatenate(found)


def _unit(maps):
    maps = maps.astype(np.float64)
    return maps / np.maximum(np.linalg.norm(maps, axis=-1, keepdims=True), 1e-10)


def diversity(
    extractor: FeatureExtractor,
    images: np.ndarray,
    groups: Sequence | np.ndarray | None = None,
    num_pairs: int = 500,
    seed: int = 0,
) -> Estimate:
    """Mean perceptual distance of random pairs of pictures: near 0 where a generator has collapsed.

    Args:
        extractor: One that shows its maps.
        images: uint8 `[N, H, W, C]`.
        groups: What each picture was asked to show, `[N]` or `[N, A]`: pairs are drawn within a group. By default any
            two pictures may be a pair.
        num_pairs: Number of pairs.
        seed: Decides the pairs.

    Returns:
        The mean, and its standard error.

    Raises:
        JudgementError: If no group has two pictures, or the extractor shows no maps.
    """
    asked = np.zeros((len(images), 1)) if groups is None else np.asarray(groups).reshape(len(images), -1)
    _, group_of = np.unique(asked, axis=0, return_inverse=True)
    members = [np.flatnonzero(group_of == group) for group in range(group_of.max(initial=-1) + 1)]
    members = [group for group in members if len(group) > 1]
    if not members:
        raise JudgementError("Diversity needs two pictures of one request. Received: none asked for the same.")
    rng = np.random.default_rng(seed)
    sizes = np.array([len(group) for group in members])
    chosen = rng.choice(len(members), num_pairs, p=sizes / sizes.sum())
    pairs = np.array([rng.choice(members[group], 2, replace=False) for group in chosen])
    values = perceptual_distances(extractor, images[pairs[:, 0]], images[pairs[:, 1]])
    return Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(num_pairs)) if num_pairs > 1 else 0.0)
