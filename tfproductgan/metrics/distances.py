"""Figures on features: how far generated pictures are from real ones, and how varied they are.

NumPy in float64, without TensorFlow. Features may be memory maps: they are read in blocks, so memory does not grow
with the number of pictures. Figures that count neighbours are in `neighbours`.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import rel_entr

from tfproductgan.errors import JudgementError

KID_SUBSET = 1000
KID_SUBSETS = 100

LEAST = {"fid": 2048, "kid": 10, "is": 1000, "neighbours": 100}
"""Fewer pictures than this mean nothing; see `refuse_few`, which asks less of FID where features are short."""

TITLES = {
    "fid": "Fréchet distance",
    "kid": "Kernel distance",
    "is": "Inception score",
    "neighbours": "Precision, recall, density and coverage",
}

MOST_PSNR = 99.0
"""What reports give in dB for pictures that are equal, of which it is infinite."""

_FID_PICTURES_A_DIMENSION = 8
_BLOCK = 1024
_LEAST_EIGENVALUE = 1e-12  # relative; what is smaller is rounding
_NORMAL = 1.959964  # standard deviations of 95 %


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A figure with its spread.

    Args:
        value: The figure.
        std: Standard deviation over subsets or splits, or of the resampled figure.
        low: Lower end of the confidence interval, or `None`.
        high: Upper end of the confidence interval, or `None`.
    """

    value: float
    std: float
    low: float | None = None
    high: float | None = None


def least_pictures(figure: str, dim: int | None = None) -> int:
    """How many pictures a figure needs to mean something.

    The bias of FID grows with the ratio of dimensions to pictures: 2048 is the custom for Inception's 2048
    dimensions; features of 128 need 1024.

    Args:
        figure: `"fid"`, `"kid"`, `"is"` or `"neighbours"` (precision, recall, density, coverage).
        dim: Length of the features.
    """
    least = LEAST[figure]
    return min(least, _FID_PICTURES_A_DIMENSION * dim) if figure == "fid" and dim else least


def refuse_few(figure: str, count: int, dim: int | None = None, force: bool = False) -> None:
    """Stop at a number of pictures that is too small to mean anything.

    Raises:
        JudgementError: If `count` is below `least_pictures` and `force` is false, or below 2.
    """
    least = 2 if force else least_pictures(figure, dim)
    if count < least:
        more = "" if force else ", or force it and do not trust it (force=True)"
        raise JudgementError(f"{TITLES[figure]} of {count} pictures means nothing: take {least} or more{more}.")


def check_features(features: np.ndarray, whose: str = "features") -> None:
    """Refuse what are no features.

    Raises:
        JudgementError: If it is not `[N, D]`, or holds NaN or infinity.
    """
    if features.ndim != 2 or not features.shape[1]:
        raise JudgementError(f"{whose} must have the shape [pictures, dimensions]. Received: {features.shape}")
    for place, block in row_blocks(features):
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            row = place.start + int(np.argmin(finite))
            raise JudgementError(
                f"{whose} must be finite numbers. Received: NaN or infinity in row {row}; the model or the extractor "
                "has diverged."
            )


def check_pair(real: np.ndarray, fake: np.ndarray) -> None:
    """Refuse two sets of features that cannot be compared.

    Raises:
        JudgementError: If one of them is no features, or they have not the same length.
    """
    check_features(real, "features of real pictures")
    check_features(fake, "features of generated pictures")
    if real.shape[1] != fake.shape[1]:
        raise JudgementError(
            f"Both sides need features of one extractor. Received: {real.shape[1]} and {fake.shape[1]} dimensions."
        )


def _moments(features):
    """Mean `[D]` and unbiased covariance `[D, D]`, block by block."""
    mean = np.mean(features, axis=0, dtype=np.float64)
    # centred before they are squared: sums of squares would cancel
    centred = (rows - mean for _, rows in row_blocks(features))
    return mean, sum(rows.T @ rows for rows in centred) / max(len(features) - 1, 1)


def frechet_distance(mean1: np.ndarray, cov1: np.ndarray, mean2: np.ndarray, cov2: np.ndarray) -> float:
    """Squared Fréchet distance of two Gaussians.

    The trace of the root of `cov1 @ cov2` is that of the symmetric `sqrt(cov1) @ cov2 @ sqrt(cov1)`, whose eigenvalues
    are exact where a general matrix root may not converge.

    Args:
        mean1: `[D]`.
        cov1: `[D, D]`.
        mean2: `[D]`.
        cov2: `[D, D]`.

    Raises:
        JudgementError: If a number is not finite.

    Reference:
        [GANs Trained by a Two Time-Scale Update Rule](https://arxiv.org/abs/1706.08500) (FID)
    """
    mean1, cov1, mean2, cov2 = (np.asarray(values, np.float64) for values in (mean1, cov1, mean2, cov2))
    if not all(np.isfinite(values).all() for values in (mean1, cov1, mean2, cov2)):
        raise JudgementError("Means and covariances must be finite numbers. Received: NaN or infinity.")
    values, vectors = np.linalg.eigh(cov1)
    root = vectors * np.sqrt(np.maximum(values, 0))
    inner = np.linalg.eigvalsh(root.T @ cov2 @ root)
    cross = np.sqrt(np.maximum(inner, 0)).sum()
    distance = np.square(mean1 - mean2).sum() + np.trace(cov1) + np.trace(cov2) - 2 * cross
    return max(float(distance), 0.0)


def frechet_distance_of(real: np.ndarray, fake: np.ndarray, force: bool = False) -> float:
    """Fréchet distance of the Gaussians through two sets of features (FID).

    Args:
        real: `[N, D]`.
        fake: `[M, D]`.
        force: Whether to compute it of too few pictures; see `least_pictures`.

    Raises:
        JudgementError: If there are too few pictures, or features are not finite.
    """
    check_pair(real, fake)
    refuse_few("fid", min(len(real), len(fake)), real.shape[1], force)
    if len(real) + len(fake) < real.shape[1]:
        # few pictures span few dimensions, and turning these into coordinates changes no distance
        basis, _ = np.linalg.qr(np.concatenate([real, fake]).astype(np.float64).T)
        real, fake = real @ basis, fake @ basis
    return frechet_distance(*_moments(real), *_moments(fake))


def frechet_interval(real: np.ndarray, fake: np.ndarray) -> Estimate:
    """Fréchet distance (FID) with the interval in which other samples of the same size would put it.

    The bootstrap, linearised (the infinitesimal jackknife): what each picture adds to the distance is known from its
    derivative by means and covariances, so nothing is drawn again, and a second pass over the features is enough. A
    bootstrap that draws pictures anew would be biased besides: pictures that are drawn twice make covariances
    narrower and the distance larger. The bias of the distance itself, upwards for few pictures, stays: the interval is
    for figures of the same numbers of pictures. Where the two sets are hardly different it is too wide.

    Args:
        real: `[N, D]`, more pictures than dimensions.
        fake: `[M, D]`, more pictures than dimensions.

    Raises:
        JudgementError: If there are no more pictures than dimensions, or features are not finite.
    """
    check_pair(real, fake)
    if min(len(real), len(fake)) <= real.shape[1]:
        raise JudgementError(
            f"The interval of a Fréchet distance needs more pictures than dimensions ({real.shape[1]}). "
            f"Received: {len(real)} real and {len(fake)} generated ones."
        )
    (mean1, cov1), (mean2, cov2) = _moments(real), _moments(fake)
    there, back = _transport(cov1, cov2)
    variance = _influence(real, mean1, mean1 - mean2, there) / len(real)
    variance += _influence(fake, mean2, mean2 - mean1, back) / len(fake)
    found = _estimate(frechet_distance(mean1, cov1, mean2, cov2), math.sqrt(variance))
    return dataclasses.replace(found, low=max(found.low, 0.0))


def _transport(cov1, cov2):
    """Factors A and B: `A @ A.T` takes the first Gaussian to the second, `B @ B.T` the second to the first."""
    values, vectors = np.linalg.eigh(cov1)
    kept = values > _LEAST_EIGENVALUE * values.max()
    root, vectors = np.sqrt(values[kept]), vectors[:, kept]
    inner, turned = np.linalg.eigh((vectors * root).T @ cov2 @ (vectors * root))
    kept = inner > _LEAST_EIGENVALUE * inner.max(initial=0)
    fourth, turned = inner[kept] ** 0.25, turned[:, kept]
    return (vectors / root) @ (turned * fourth), (vectors * root) @ (turned / fourth)


def _influence(features, mean, shift, factor):
    """Variance of what single pictures add to the distance."""
    added = []
    for _, block in row_blocks(features):
        rows = block - mean
        added.append(2 * rows @ shift + np.square(rows).sum(axis=1) - np.square(rows @ factor).sum(axis=1))
    return np.var(np.concatenate(added), ddof=1)


def _estimate(value, error, std=None):
    reach = _NORMAL * error
    return Estimate(float(value), float(error if std is None else std), float(value - reach), float(value + reach))


def kernel_distance(
    real: np.ndarray,
    fake: np.ndarray,
    subset_size: int = KID_SUBSET,
    num_subsets: int = KID_SUBSETS,
    seed: int = 0,
    force: bool = False,
) -> Estimate:
    """Kernel distance (KID): the squared maximum mean discrepancy under the kernel `(x · y / D + 1) ** 3`, unbiased.

    Args:
        real: `[N, D]`.
        fake: `[M, D]`.
        subset_size: Pictures of each side in a subset; all of the smaller side if that has fewer.
        num_subsets: Number of drawn subsets; one if a subset is all there is.
        seed: Decides the subsets.
        force: Whether to compute it of too few pictures.

    Returns:
        The mean over the subsets, their standard deviation (0 for one subset), and the interval in which other
        samples of the same size would put the mean: from what single pictures add (the bootstrap, linearised), which
        costs nothing more. Where the two sets are hardly different it is too wide.

    Raises:
        JudgementError: If there are too few pictures, or features are not finite.

    Reference:
        [Demystifying MMD GANs](https://arxiv.org/abs/1801.01401)
    """
    check_pair(real, fake)
    smaller = min(len(real), len(fake))
    refuse_few("kid", smaller, force=force)
    size = min(subset_size, smaller)
    if size == len(real) == len(fake):
        num_subsets = 1
    rng = np.random.default_rng(seed)
    values, variances = [], []
    for _ in range(num_subsets):
        sides = _discrepancies(_drawn(real, rng, size), _drawn(fake, rng, size))
        values.append(sum(side.mean() for side in sides))
        variances.append([np.var(side, ddof=1) for side in sides])
    std = np.std(values)
    # of a mean over pairs, each picture is in two
    variance = 4 * np.mean(variances, axis=0) @ [1 / len(real), 1 / len(fake)] + std**2 / num_subsets
    return _estimate(np.mean(values), math.sqrt(variance), std)


def kernel_mean(first: np.ndarray, second: np.ndarray, same: bool = False) -> float:
    """Mean of the kernel of `kernel_distance` over all pairs, block by block.

    Args:
        first: `[N, D]`.
        second: `[M, D]`.
        same: Whether both are the same pictures, which then make no pairs with themselves.
    """
    total = 0.0
    for _, rows in row_blocks(first):
        rows = _for_cubes(rows)
        total += sum(_cubes(rows, _for_cubes(others)).sum() for _, others in row_blocks(second))
        total -= np.sum(np.square(rows).sum(axis=1) ** 3) if same else 0
    return float(total / (len(first) * (len(second) - same)))


def _drawn(features, rng, size):
    """Some rows for `_discrepancies`."""
    return _for_cubes(features[np.sort(rng.choice(len(features), size, replace=False))])


def _for_cubes(rows):
    """Rows whose products need only be cubed."""
    rows = np.asarray(rows, np.float64)
    return np.hstack([rows / math.sqrt(rows.shape[1]), np.ones((len(rows), 1))])


def _discrepancies(real, fake):
    """What each picture adds: its mean kernel with its own side without itself, minus that with the other side."""
    across = _cubes(real, fake)
    within = []
    for rows in (real, fake):
        cubes = _cubes(rows, rows)
        np.fill_diagonal(cubes, 0)
        within.append(cubes.sum(axis=1) / (len(rows) - 1))
    return within[0] - across.mean(axis=1), within[1] - across.mean(axis=0)


def _cubes(first, second):
    values = first @ second.T
    squares = values * values  # a power takes far longer
    squares *= values
    return squares


def inception_score(probabilities: np.ndarray, num_splits: int = 10, force: bool = False) -> Estimate:
    """Inception score: how sure a classifier is of each picture, and how varied the pictures are.

    Args:
        probabilities: `[N, K]`, rows that sum to 1.
        num_splits: Consecutive stretches, each with its own score.
        force: Whether to compute it of too few pictures.

    Returns:
        Mean and standard deviation over the splits; between 1 and K.

    Raises:
        JudgementError: If there are too few pictures, or rows that are no probabilities.

    Reference:
        [Improved Techniques for Training GANs](https://arxiv.org/abs/1606.03498)
    """
    check_features(probabilities, "probabilities")
    refuse_few("is", len(probabilities), force=force)
    scores = []
    num_splits = min(num_splits, len(probabilities))
    for rows in np.split(probabilities, [len(probabilities) * i // num_splits for i in range(1, num_splits)]):
        rows = np.asarray(rows, np.float64)
        if (rows < 0).any() or np.abs(rows.sum(axis=1) - 1).max() > 1e-3:
            raise JudgementError("probabilities must be at least 0, and each row sum to 1. Received: other rows.")
        scores.append(math.exp(rel_entr(rows, rows.mean(axis=0)).sum(axis=1).mean()))
    return spread_estimate(scores)


def psnr(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of pairs of pictures in decibels; infinite for equal ones.

    Args:
        first: uint8 `[N, H, W, C]`.
        second: uint8 of the same shape.

    Returns:
        float64 `[N]`.

    Raises:
        JudgementError: If the pictures do not fit.
    """
    first, second = _picture_pairs(first, second)
    error = np.square(first - second).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(255.0**2 / error)


def ssim(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Structural similarity of pairs of pictures, -1 to 1, averaged over positions and channels.

    The original window: Gaussian, 11 pixels, standard deviation 1.5, only where it fits into the picture.

    Args:
        first: uint8 `[N, H, W, C]`, at least 11 pixels high and wide.
        second: uint8 of the same shape.

    Returns:
        float64 `[N]`.

    Raises:
        JudgementError: If the pictures do not fit, or are smaller than the window.

    Reference:
        [Image Quality Assessment](https://doi.org/10.1109/TIP.2003.819861) (Wang et al., 2004)
    """
    first, second = _picture_pairs(first, second)
    if min(first.shape[1:3]) < SSIM_WINDOW:
        raise JudgementError(
            f"Structural similarity needs pictures of {SSIM_WINDOW} pixels or more. Received: {first.shape[1:3]}"
        )
    small, large = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    # of positions where the window does not fit, what is averaged lies partly outside
    inside = slice(SSIM_WINDOW // 2, -(SSIM_WINDOW // 2))
    smooth = functools.partial(gaussian_filter, sigma=1.5, radius=SSIM_WINDOW // 2, axes=(1, 2))
    mean1, mean2, square1, square2, product = (
        smooth(values)[:, inside, inside] for values in (first, second, first**2, second**2, first * second)
    )
    similar = (2 * mean1 * mean2 + small) * (2 * (product - mean1 * mean2) + large)
    similar /= (mean1**2 + mean2**2 + small) * (square1 - mean1**2 + square2 - mean2**2 + large)
    return similar.mean(axis=(1, 2, 3))


SSIM_WINDOW = 11


def _picture_pairs(first, second):
    if first.shape != second.shape or first.ndim != 4:
        raise JudgementError(
            f"Pairs of pictures need one shape [N, H, W, C]. Received: {first.shape} and {second.shape}"
        )
    return first.astype(np.float64), second.astype(np.float64)


def mean_estimate(values: np.ndarray) -> Estimate:
    """The mean of `[N]`, with its standard error and the interval in which it would lie for other such values."""
    return _estimate(np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values)))


def spread_estimate(values: Sequence[float]) -> Estimate:
    """The mean of figures and their standard deviation."""
    return Estimate(float(np.mean(values)), float(np.std(values)))


def share_estimate(count: int, of: int) -> Estimate:
    """A share with its interval; see `wilson_interval`."""
    return Estimate(count / of, 0.0, *wilson_interval(count, of))


def wilson_interval(count: int, of: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share, which also holds for few trials and near 0 and 1.

    Args:
        count: Successes.
        of: Trials; with none the interval is all that can be, 0 to 1.

    Reference:
        Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    from scipy.stats import binomtest

    return tuple(map(float, binomtest(count, of).proportion_ci(method="wilson"))) if of else (0.0, 1.0)


def row_blocks(features: np.ndarray, size: int = _BLOCK) -> Iterator[tuple[slice, np.ndarray]]:
    """Where a block of rows stands, and its rows in float64, one block after the other."""
    for start in range(0, len(features), size):
        place = slice(start, min(start + size, len(features)))
        yield place, np.asarray(features[place], np.float64)
