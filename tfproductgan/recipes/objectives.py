"""What one kind of model alone can be told: losses, their weights, and what belongs to them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tfproductgan.recipes.checks import (
    check,
    check_choice,
    check_count,
    check_least,
    check_mapping,
    check_name,
    check_share,
)

MAX_ADAPTIVE_PROBABILITY = 0.8
"""Where adaptive augmentation stops: beyond it the generator may learn to draw changed photos."""

LIKELIHOODS = ("gaussian", "discretised-logistic")


@dataclasses.dataclass(frozen=True)
class GANObjective:
    """What a generator and a discriminator play for.

    Args:
        loss: Name of the adversarial loss.
        penalties: Weight of each gradient penalty, by name.
        penalty_interval: The penalties are taken every so many steps, and weigh as many times more then.
        discriminator_steps: Discriminator steps per generator step, each on images of its own.
        matching: Weight of a loss that tells what a picture shows from what others show, see
            `tfproductgan.losses.matching`: the discriminator's on photos, the generator's on its pictures. Pictures
            then show more surely what is asked for, and vary less. The discriminator must look at conditions last.
        weight_clip: Weights of the discriminator are kept between minus this and this, all but vectors of conditions
            that go in beside pictures; 0 for no limit.
        drift: Weight of the mean square of the logits of photos, which keeps those of losses without a zero near it.
        augmentation: Operations of the differentiable augmentation; empty for none.
        augmentation_probability: With which probability each operation is applied to a picture; with a target,
            at the start.
        augmentation_target: How sure of real photos the discriminator should be, above 0 and below 1: while it is
            surer, the probability rises, else it falls, between 0 and 0.8. `None` leaves it as it is.
        augmentation_images: Images over which an adapting probability can go from 0 to 1.

    Raises:
        RecipeError: If a value cannot be; the message names the field and what would be right.
    """

    loss: str = "relativistic"
    penalties: Mapping[str, float] = dataclasses.field(default_factory=lambda: {"r1": 1.0, "r2": 1.0})
    penalty_interval: int = 1
    discriminator_steps: int = 1
    matching: float = 0.0
    weight_clip: float = 0.0
    drift: float = 0.0
    augmentation: tuple[str, ...] = ()
    augmentation_probability: float = 0.3
    augmentation_target: float | None = None
    augmentation_images: int = 100_000

    def __post_init__(self):
        check_name("loss", self.loss)
        object.__setattr__(self, "penalties", check_mapping("penalties", self.penalties))
        # a string would be taken for a list of its letters
        check("augmentation", self.augmentation, lambda v: isinstance(v, list | tuple), "be a list of names")
        object.__setattr__(self, "augmentation", tuple(self.augmentation))
        for field in ("penalty_interval", "discriminator_steps", "augmentation_images"):
            check_count(field, getattr(self, field))
        for field in ("matching", "weight_clip", "drift"):
            check_least(field, getattr(self, field))
        check_share("augmentation_probability", self.augmentation_probability)
        target, most = self.augmentation_target, MAX_ADAPTIVE_PROBABILITY
        check("augmentation_target", target, lambda v: v is None or 0 < v < 1, "be above 0 and below 1, or null")
        if target is not None:
            words = "name operations for augmentation_target to adapt, such as ['flip']"
            check("augmentation", self.augmentation, len, words)
            words = f"be at most {most} with augmentation_target"
            check("augmentation_probability", self.augmentation_probability, lambda v: v <= most, words)

    @property
    def parts(self) -> int:
        """In how many parts of `batch_size` images a step takes its batch."""
        return self.discriminator_steps


@dataclasses.dataclass(frozen=True)
class VAEObjective:
    """What an encoder and a decoder learn together: the evidence lower bound.

    Args:
        likelihood: `"gaussian"` or `"discretised-logistic"`, the distribution of a value of a pixel around what the
            decoder draws. Its scale is learnt, one for all pixels.
        kl_weight: Weight of the KL divergence to the prior; 1 gives the bound itself.
        kl_warm_up: Share of the training over which that weight rises from 0.
        free_bits: Nats of each latent that cost nothing, as a mean over the batch of a replica or microbatch.

    Raises:
        RecipeError: If a value cannot be; the message names the field and what would be right.
    """

    likelihood: str = "gaussian"
    kl_weight: float = 1.0
    kl_warm_up: float = 0.2
    free_bits: float = 0.0

    parts = 1

    def __post_init__(self):
        check_choice("likelihood", self.likelihood, LIKELIHOODS)
        check_share("kl_warm_up", self.kl_warm_up)
        for field in ("kl_weight", "free_bits"):
            check_least(field, getattr(self, field))


@dataclasses.dataclass(frozen=True)
class TranslationObjective:
    """What a generator of pictures from pictures learns: the picture of the pair, and to be taken for one.

    Args:
        loss: Name of the adversarial loss, taken of every patch.
        l1_weight: Weight of the mean absolute difference to the picture of the pair, values in -1 to 1.

    Raises:
        RecipeError: If a value cannot be; the message names the field and what would be right.
    """

    loss: str = "non-saturating"
    l1_weight: float = 100.0

    parts = 1

    def __post_init__(self):
        check_name("loss", self.loss)
        check_least("l1_weight", self.l1_weight)


@dataclasses.dataclass(frozen=True)
class StyleObjective:
    """What a generator that paints photos in styles learns: their content and the styles' textures.

    Args:
        features: What VGG-19's weights are taken from: `"vgg19"` (of `keras.applications`, downloaded), a file, or
            `"random"`; see `tfproductgan.models.vgg19`.
        content_layer: Layer whose features are to stay those of the photo; `null` for `relu4_2`, or the last there is.
        style_layers: Layers whose Gram matrices are to become those of the style; empty for `relu1_1` to `relu5_1`, as
            far as there are weights for them.
        content_weight: Weight of the content.
        style_weight: Weight of the style, the mean over its layers; `null` for 2e4, or 2e5 where the content is taken
            before `relu4_2`.
        variation_weight: Weight of the total variation, per level of 255.

    Raises:
        RecipeError: If a value cannot be; the message names the field and what would be right.
    """

    features: str = "vgg19"
    content_layer: str | None = None
    style_layers: tuple[str, ...] = ()
    content_weight: float = 1.0
    style_weight: float | None = None
    variation_weight: float = 1e-3

    parts = 1

    def __post_init__(self):
        check_name("features", self.features)
        check("content_layer", self.content_layer, lambda v: v is None or isinstance(v, str), "be a name, or null")
        check("style_layers", self.style_layers, lambda v: isinstance(v, list | tuple), "be a list of names")
        object.__setattr__(self, "style_layers", tuple(self.style_layers))
        for field in ("content_weight", "style_weight", "variation_weight"):
            if field != "style_weight" or self.style_weight is not None:
                check_least(field, getattr(self, field))
