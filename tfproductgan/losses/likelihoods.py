"""How likely photos are by what a decoder draws, and how far latents are from their prior."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

_HALF_LEVEL = 1.0 / 255.0  # of values in -1 to 1, which have 255 steps between them
# a scale below these is finer than a grey level: the density would grow without bound
_LEAST_LOG_SCALE = -7.0
# probabilities below this are taken from the density, which float32 still has digits for
_LEAST_PROBABILITY = 1e-5


def gaussian(images: Any, means: Any, log_scale: Any) -> Any:
    """Negative logarithm of the normal density of photos, summed over pixels.

    Args:
        images: Photos, float32 `[B, H, W, C]` in -1 to 1.
        means: What the decoder draws, of the same shape.
        log_scale: Logarithm of the standard deviation, of a shape that broadcasts.

    Returns:
        Nats, float32 `[B]`.
    """
    log_scale = ops.maximum(log_scale, _LEAST_LOG_SCALE)
    errors = ops.square((images - means) * ops.exp(-log_scale))
    return _per_picture(0.5 * errors + log_scale + 0.5 * math.log(2 * math.pi))


def discretised_logistic(images: Any, means: Any, log_scale: Any) -> Any:
    """Negative logarithm of the probability of 8-bit photos, summed over pixels.

    A value has the probability that a logistic distribution gives to its bin; the outermost bins are open.
    Kingma et al. 2016, "Improved Variational Inference with Inverse Autoregressive Flow".

    Args:
        images: Photos, float32 `[B, H, W, C]` in -1 to 1, on the 256 levels.
        means: What the decoder draws, of the same shape.
        log_scale: Logarithm of the distribution's scale, of a shape that broadcasts.

    Returns:
        Nats, float32 `[B]`.
    """
    log_scale = ops.maximum(log_scale, _LEAST_LOG_SCALE)
    inverse = ops.exp(-log_scale)
    centred = images - means
    upper, lower = (centred + _HALF_LEVEL) * inverse, (centred - _HALF_LEVEL) * inverse
    inside = ops.sigmoid(upper) - ops.sigmoid(lower)
    # of a bin far out, whose ends have the same float32: its middle's density times its width
    middle = centred * inverse
    density = middle - log_scale - 2.0 * ops.softplus(middle) + math.log(2 * _HALF_LEVEL)
    likely = inside > _LEAST_PROBABILITY
    logarithm = ops.where(likely, ops.log(ops.where(likely, inside, 1.0)), density)
    # log sigmoid(upper) and log(1 - sigmoid(lower))
    logarithm = ops.where(images < -1 + _HALF_LEVEL, -ops.softplus(-upper), logarithm)
    logarithm = ops.where(images > 1 - _HALF_LEVEL, -ops.softplus(lower), logarithm)
    return _per_picture(-logarithm)


def kl_to_standard_normal(mean: Any, log_variance: Any) -> Any:
    """KL divergence of independent normal latents to the standard normal, in nats, a value a latent.

    Args:
        mean: `[B, L]`.
        log_variance: `[B, L]`.

    Returns:
        `[B, L]`.
    """
    return 0.5 * (ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance)


LIKELIHOODS = {"gaussian": gaussian, "discretised-logistic": discretised_logistic}
"""The likelihoods by name."""


def nats_of_levels(likelihood: str) -> float:
    """What to add to a value's negative logarithm to count as that of one of 256 levels: a density knows no levels."""
    return -math.log(2 * _HALF_LEVEL) if likelihood == "gaussian" else 0.0


def _per_picture(values):
    return ops.sum(values, axis=(1, 2, 3))
