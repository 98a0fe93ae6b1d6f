"""Adversarial losses by name: what the discriminator's verdicts cost it and the generator."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from keras import backend, ops

from tfproductgan.errors import RecipeError, nearest


@dataclasses.dataclass(frozen=True)
class AdversarialLoss:
    """What each player pays, as functions of logits (no sigmoid before them).

    Both functions take `(real_logits, fake_logits)`, each of shape `[B]`, and return the mean over the batch:
    a scalar of float32, or of float64 for float64 logits. They are finite in float32 for logits up to ±1e4.

    Args:
        name: The name it is asked for by.
        discriminator: The discriminator's loss.
        generator: The generator's loss. Unless `paired`, it reads the fake logits only and takes `None` for
            the real ones.
        paired: Whether the generator's loss needs the real logits too. If so, logit `i` of one batch is
            compared with logit `i` of the other: image `i` of both should have the same conditions.
        boundary: The logit above which the discriminator takes an image for real; `None` if its logits have no
            zero of their own, since the loss does not change when all are shifted.
    """

    name: str
    discriminator: Callable[[Any, Any], Any]
    generator: Callable[[Any, Any], Any]
    paired: bool = False
    boundary: float | None = 0.0

    def real_sign(self, real_logits: Any, fake_logits: Any) -> Any:
        """How sure the discriminator is of real images: E sign(D(x) - boundary), from -1 to 1.

        Karras et al. 2020 (ADA) call it r_t and take 0 for the boundary. Without a boundary it is
        E sign(D(x) - D(G(z))) over pairs: what a relativistic discriminator says of a real image is its lead over
        the generated one (Jolicoeur-Martineau 2019). Both are 0 where the discriminator cannot tell them apart
        and 1 where it always can. A running midpoint of all logits would not do: these losses leave logits free
        to drift apart between conditions, and only pairs of the same condition compare.
        """
        other = _logits(fake_logits) if self.boundary is None else self.boundary
        return ops.mean(ops.sign(_logits(real_logits) - other))


def adversarial_loss(name: str) -> AdversarialLoss:
    """The adversarial loss of a name, one of `ADVERSARIAL_LOSSES`.

    Raises:
        RecipeError: If there is none; the message lists the nearest names.
    """
    if name not in ADVERSARIAL_LOSSES:
        raise RecipeError(f"Unknown adversarial loss {name!r}: {nearest(str(name), ADVERSARIAL_LOSSES)}")
    return ADVERSARIAL_LOSSES[name]


def minimax_discriminator(real_logits: Any, fake_logits: Any) -> Any:
    """-E log s(D(x)) - E log(1 - s(D(G(z)))), with the sigmoid s: the cross-entropy of telling them apart."""
    return ops.mean(ops.softplus(-_logits(real_logits))) + ops.mean(ops.softplus(_logits(fake_logits)))


def minimax_generator(real_logits: Any, fake_logits: Any) -> Any:
    """E log(1 - s(D(G(z)))): saturates, that is its gradient vanishes where the discriminator is sure."""
    return -ops.mean(ops.softplus(_logits(fake_logits)))


def non_saturating_generator(real_logits: Any, fake_logits: Any) -> Any:
    """-E log s(D(G(z))): the same fixed point as minimax, with a gradient where the discriminator is sure."""
    return ops.mean(ops.softplus(-_logits(fake_logits)))


def hinge_discriminator(real_logits: Any, fake_logits: Any) -> Any:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z)))."""
    return ops.mean(ops.relu(1.0 - _logits(real_logits))) + ops.mean(ops.relu(1.0 + _logits(fake_logits)))


def least_squares_discriminator(real_logits: Any, fake_logits: Any) -> Any:
    """E (D(x) - 1)^2 / 2 + E D(G(z))^2 / 2."""
    return 0.5 * (ops.mean(ops.square(_logits(real_logits) - 1.0)) + ops.mean(ops.square(_logits(fake_logits))))


def least_squares_generator(real_logits: Any, fake_logits: Any) -> Any:
    """E (D(G(z)) - 1)^2 / 2."""
    return 0.5 * ops.mean(ops.square(_logits(fake_logits) - 1.0))


def wasserstein_discriminator(real_logits: Any, fake_logits: Any) -> Any:
    """E D(G(z)) - E D(x): needs a gradient penalty or spectral normalisation."""
    return ops.mean(_logits(fake_logits)) - ops.mean(_logits(real_logits))


def wasserstein_generator(real_logits: Any, fake_logits: Any) -> Any:
    """-E D(G(z)); also the generator's side of the hinge loss."""
    return -ops.mean(_logits(fake_logits))


def relativistic_discriminator(real_logits: Any, fake_logits: Any) -> Any:
    """E -log s(D(x) - D(G(z))) over pairs: real images should look more real than the generated ones."""
    return ops.mean(ops.softplus(_logits(fake_logits) - _logits(real_logits)))


def relativistic_generator(real_logits: Any, fake_logits: Any) -> Any:
    """E -log s(D(G(z)) - D(x)) over pairs."""
    return ops.mean(ops.softplus(_logits(real_logits) - _logits(fake_logits)))


ADVERSARIAL_LOSSES = {
    loss.name: loss
    for loss in (
        # Goodfellow et al. 2014, "Generative Adversarial Nets": the game as stated, and the generator's loss
        # that section 3 advises
        AdversarialLoss("minimax", minimax_discriminator, minimax_generator),
        AdversarialLoss("non-saturating", minimax_discriminator, non_saturating_generator),
        # Lim and Ye 2017, "Geometric GAN"; Miyato et al. 2018
        AdversarialLoss("hinge", hinge_discriminator, wasserstein_generator),
        # Mao et al. 2017, "Least Squares Generative Adversarial Networks", with targets 0 and 1
        AdversarialLoss("least-squares", least_squares_discriminator, least_squares_generator, boundary=0.5),
        # Arjovsky et al. 2017, "Wasserstein GAN"
        AdversarialLoss("wasserstein", wasserstein_discriminator, wasserstein_generator, boundary=None),
        # Jolicoeur-Martineau 2019, "The relativistic discriminator" (the paired RpGAN); Huang et al. 2025,
        # "The GAN is dead; long live the GAN!" (R3GAN)
        AdversarialLoss("relativistic", relativistic_discriminator, relativistic_generator, paired=True, boundary=None),
    )
}
"""The adversarial losses by name."""


def _logits(logits: Any) -> Any:
    # flat, so that [B] beside [B, 1] cannot broadcast to [B, B]; bfloat16 is too coarse for a loss
    logits = ops.convert_to_tensor(logits)
    return ops.reshape(ops.cast(logits, backend.result_type(logits.dtype, "float32")), (-1,))
