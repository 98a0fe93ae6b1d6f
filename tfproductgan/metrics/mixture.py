"""Which shares of several models are together most like photos."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfproductgan.metrics.distances import check_pair, kernel_mean

Terms = tuple[np.ndarray, np.ndarray, float]
"""What `kernel_terms` gives."""


def kernel_terms(photos: np.ndarray, samples: Sequence[np.ndarray]) -> Terms:
    """What the kernel distance of every mixture of models is made of, see `mixture_distance`.

    Args:
        photos: Features `[N, D]`.
        samples: Features of the samples of each model, `[M, D]`.

    Returns:
        Mean kernels of each model with each other one `[models, models]`, of each with the photos `[models]`, and of
        the photos with themselves; no picture with itself, so the distance is unbiased.

    Raises:
        JudgementError: If features are not finite, or not of one extractor.
    """
    for each in samples:
        check_pair(photos, each)
    count = len(samples)
    within = np.empty((count, count))
    for row in range(count):
        for column in range(row, count):
            within[row, column] = within[column, row] = kernel_mean(samples[row], samples[column], row == column)
    across = np.array([kernel_mean(each, photos) for each in samples])
    return within, across, kernel_mean(photos, photos, same=True)


def mixture_distance(terms: Terms, shares: np.ndarray) -> float:
    """Kernel distance (KID) of the mixture of models in which each has its share."""
    within, across, own = terms
    return float(shares @ within @ shares - 2 * shares @ across + own)


def best_shares(views: Sequence[Terms]) -> np.ndarray:
    """The shares with the least kernel distance: a quadratic programme on the simplex.

    Args:
        views: `kernel_terms` of each view of the pictures. They count alike: each is in units of the mean distance of
            the models alone.

    Returns:
        A share a model, float64 `[models]`, of sum 1; of less than a hundredth none.
    """
    from scipy.optimize import minimize  # takes a moment to import

    within, across = 0.0, 0.0
    for terms in views:
        inner, outer, _ = terms
        unit = max(float(np.mean([mixture_distance(terms, alone) for alone in np.eye(len(outer))])), 1e-12)
        within, across = within + inner / unit, across + outer / unit
    start = np.full(len(across), 1 / len(across))
    found = minimize(
        lambda shares: shares @ within @ shares - 2 * shares @ across,
        start,
        jac=lambda shares: 2 * (within @ shares - across),
        bounds=[(0, 1)] * len(start),
        constraints={"type": "eq", "fun": lambda shares: shares.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-12},
    )
    shares = np.where(found.x < 0.01, 0, found.x)
    return shares / shares.sum()
