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
    is_whole,
)

MAX_ADAPTIVE_PROBABILITY = 0.8
"""Where adaptive augmentation stops: beyond it the generator may learn to draw changed photos."""

LIKELIHOODS = ("gaussian", "discretised-logistic")


@dataclasses.dataclass(frozen=True)
class GANObjective:
    """What a generator and a discriminator play for.

    Args:
        loss: Name of the adversarial loss.
        penalties: Weight of each gradient penalty, by name. `None` takes what suits the size of the pictures, see
            `Recipe.for_size`.
        final_penalties: Share of the penalties' weights left at the end of the training, to which they move along a
            cosine.
        penalty_interval: The penalties are taken every so many steps, and weigh as many times more then.
        discriminator_steps: Discriminator steps per generator step, each on images of its own.
        matching: Weight of a loss that tells what a picture shows from what others show, see
            `tfproductgan.losses.matching`: the discriminator's on photos, the generator's where its pictures show less
            surely than photos what is asked for. The discriminator must look at conditions last.
        weight_clip: Weights of the discriminator are kept between minus this and this, all but vectors of conditions
            that go in beside pictures; 0 for no limit.
        drift: Weight of the mean square of the logits of photos, which keeps those of losses without a zero near it.
        growth: How much of the training pictures of each size take, in relation to each other, by their side in
            pixels; a size without an entry has that of the next larger one, and 0 passes it over. Networks then have to
            grow, as those of `progan` do. Empty for pictures that are of full size from the start.
        growth_batches: Images of one update at each size, likewise, `batch_size` at most, which they must divide: a
            step is of several updates then. Empty for `batch_size` at all sizes.
        augmentation: Operations of the differentiable augmentation; empty for none.
        augmentation_probability: With which probability each operation is applied to a picture; with a target,
            at the start.
        augmentation_warm_up: Share of the training over which that probability rises from 0 along a cosine.
        augmentation_target: How sure of real photos the discriminator should be, above 0 and below 1: while it is
            surer, the probability rises, else it falls, between 0 and 0.8. `None` leaves it as it is.
        augmentation_images: Images over which an adapting probability can go from 0 to 1.
        style_mixing: Which share of drawn pictures have, from some layer on, the style of other latents.
        path_length: Weight of the generator's penalty on styles that move pictures more or less than they usually do;
            0 for none.
        path_length_interval: It is taken every so many steps, and weighs as many times more then.
        frozen_layers: How many of the discriminator's layers, from the picture on, stay as they are: for a training
            that begins with the weights of another.

    Raises:
        RecipeError: If a value cannot be; the message names the field and what would be right.
    """

    loss: str = "relativistic"
    penalties: Mapping[str, float | None] = dataclasses.field(default_factory=lambda: {"r1": 1.0, "r2": 1.0})
    final_penalties: float = 1.0
    penalty_interval: int = 1
    discriminator_steps: int = 1
    matching: float = 0.0
    weight_clip: float = 0.0
    drift: float = 0.0
    growth: Mapping[str, float] = dataclasses.field(default_factory=dict)
    growth_batches: Mapping[str, int] = dataclasses.field(default_factory=dict)
    augmentation: tuple[str, ...] = ()
    augmentation_probability: float = 0.3
    augmentation_warm_up: float = 0.0
    augmentation_target: float | None = None
    augmentation_images: int = 100_000
    style_mixing: float = 0.0
    path_length: float = 0.0
    path_length_interval: int = 8
    frozen_layers: int = 0

    def __post_init__(self):
        check_name("loss", self.loss)
        object.__setattr__(self, "penalties", check_mapping("penalties", self.penalties))
        # a string would be taken for a list of its letters
        check("augmentation", self.augmentation, lambda v: isinstance(v, list | tuple), "be a list of names")
        object.__setattr__(self, "augmentation", tuple(self.augmentation))
        for field in ("penalty_interval", "discriminator_steps", "augmentation_images", "path_length_interval"):
            check_count(field, getattr(self, field))
        check("frozen_layers", self.frozen_layers, lambda v: is_whole(v) and v >= 0, "be a whole number of at least 0")
        for field in ("final_penalties", "matching", "weight_clip", "drift", "path_length"):
            check_least(field, getattr(self, field))
        for field, check_entry in (("growth", check_least), ("growth_batches", check_count)):
            entries = check_mapping(field, getattr(self, field))
            for side, value in entries.items():
                right = "have sides of pictures as names, such as 64"
                check(field, side, lambda v: isinstance(v, str) and v.isdecimal(), right)
                check_entry(f"{field}.{side}", value)
            object.__setattr__(self, field, entries)
        for field in ("augmentation_probability", "augmentation_warm_up", "style_mixing"):
            check_share(field, getattr(self, field))
        target, most = self.augmentation_target, MAX_ADAPTIVE_PROBABILITY
        check("augmentation_target", target, lambda v: v is None or 0 < v < 1, "be above 0 and below 1, or null")
        if target is not None:
            words = "name operations for augmentation_target to adapt, such as ['flip']"
            check("augmentation", self.augmentation, len, words)
            words = "be 0 with augmentation_target, which moves the probability itself"
            check("augmentation_warm_up", self.augmentation_warm_up, lambda v: v == 0, words)
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
class SegmentationObjective:
    """What a generator of masks learns: the probability of each pixel, and the whole of each mask.

    Args:
        iou_weight: Weight of one minus the soft intersection over union, beside the cross-entropy of the pixels.

    Raises:
        RecipeError: If the value cannot be; the message says what would be right.
    """

    iou_weight: float = 1.0

    parts = 1

    def __post_init__(self):
        check_least("iou_weight", self.iou_weight)


@dataclasses.dataclass(frozen=True)
class CycleObjective:
    """What generators between two sets learn: to be taken for the other set, and to come back.

    Args:
        loss: Name of the adversarial loss, taken of every patch.
        cycle_weight: Weight of the mean absolute difference of a picture to what comes back of it, both ways.
        identity_weight: Weight of the difference of a picture to what is made of it where it belongs already, as a
            share of `cycle_weight`; it keeps colours. Only of sets that are both grey or both in colour.
        replay: How many generated pictures each discriminator remembers; 0 for none.

    Raises:
        RecipeError: If a value cannot be; the message names the field and what would be right.
    """

    loss: str = "least-squares"
    cycle_weight: float = 10.0
    identity_weight: float = 0.5
    replay: int = 50

    parts = 1

    def __post_init__(self):
        check_name("loss", self.loss)
        for field in ("cycle_weight", "identity_weight"):
            check_least(field, getattr(self, field))
        check("replay", self.replay, lambda v: is_whole(v) and 0 <= v < 2**31, "be a whole number of at least 0")


KERNELS = ("area", "bilinear", "bicubic")
"""Ways to make a photo smaller, all of them antialiased."""


@dataclasses.dataclass(frozen=True)
class UpscalingObjective:
    """What a generator of larger pictures learns: to undo what happens to photos on their way into a shop.

    Each photo is blurred, made smaller, given noise and saved as a JPEG, by amounts drawn anew for each.

    Args:
        crop: Height and width of the part of a photo that a step looks at, in pixels; `None` takes all of it.
        kernels: Ways to make it smaller, of `"area"`, `"bilinear"` and `"bicubic"`; each is drawn as often.
        blur: Largest standard deviation of the blur, in pixels of the photo; 0 for none.
        noise: Largest standard deviation of the noise, in levels of 255; 0 for none.
        jpeg: Lowest JPEG quality, 1 to 100; 100 saves no JPEG.

    Raises:
        RecipeError: If a value cannot be; the message names the field and what would be right.
    """

    crop: int | None = 96
    kernels: tuple[str, ...] = KERNELS
    blur: float = 1.0
    noise: float = 4.0
    jpeg: int = 50

    parts = 1

    def __post_init__(self):
        if self.crop is not None:
            check_count("crop", self.crop)
        right = f"list some of {KERNELS}"
        check("kernels", self.kernels, lambda v: isinstance(v, list | tuple) and v and set(v) <= set(KERNELS), right)
        object.__setattr__(self, "kernels", tuple(self.kernels))
        for field in ("blur", "noise"):
            check_least(field, getattr(self, field))
        check("jpeg", self.jpeg, lambda v: is_whole(v) and 1 <= v <= 100, "be a whole number from 1 to 100")


@dataclasses.dataclass(frozen=True)
class UpscalingGANObjective(UpscalingObjective):
    """The same, and after a while to be taken for a photo, in what a network sees and to a discriminator.

    Args:
        crop: As of `UpscalingObjective`.
        kernels: Likewise.
        blur: Likewise.
        noise: Likewise.
        jpeg: Likewise.
        loss: Name of the adversarial loss, taken of every patch.
        start: Share of the training after which it is a game; before, only pixels count.
        pixel_weight: Weight of the mean absolute difference of pixels from then on.
        adversarial_weight: Weight of the adversarial loss.
        features: What compares pictures by what it sees: `"vgg19"`, whose weights Keras downloads, or the path of a
            file of them; `None` for nothing.
        feature_layer: Its layer, such as `"relu5_4"`; `None` takes the last there is.
        feature_weight: Weight of the mean absolute difference in that layer.

    Raises:
        RecipeError: If a value cannot be; the message names the field and what would be right.
    """

    loss: str = "relativistic"
    start: float = 0.5
    pixel_weight: float = 1.0
    adversarial_weight: float = 0.005
    features: str | None = None
    feature_layer: str | None = None
    feature_weight: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        check_name("loss", self.loss)
        check_share("start", self.start)
        for field in ("pixel_weight", "adversarial_weight", "feature_weight"):
            check_least(field, getattr(self, field))
        for field in ("features", "feature_layer"):
            if getattr(self, field) is not None:
                check_name(field, getattr(self, field))


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
