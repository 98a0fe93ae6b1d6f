"""Recipes: everything a training run needs, as plain data with names.

A recipe holds no objects: it is what `recipe.json` holds, what `--dry-run` prints, and what `--set` and Python
override one field at a time.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

from tfproductgan.errors import RecipeError, nearest

PRECISIONS = ("auto", "float32", "mixed_bfloat16")
SCHEDULES = ("cosine", "constant")

_RATES = ("generator_learning_rate", "discriminator_learning_rate")

MAX_ADAPTIVE_PROBABILITY = 0.8
"""Where adaptive augmentation stops: beyond it the generator may learn to draw changed photos."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train one model. Durations are counted in images, so they do not depend on the batch size.

    Args:
        name: What the recipe is called.
        family: Network family, see `tfproductgan.registry.FAMILIES`.
        generator: Options of the generator's constructor.
        discriminator: Options of the discriminator's constructor.
        loss: Name of the adversarial loss.
        penalties: Weight of each gradient penalty, by name.
        penalty_interval: The penalties are taken every so many steps, and weigh as many times more then.
        augmentation: Operations of the differentiable augmentation; empty for none.
        augmentation_probability: With which probability each operation is applied to a picture; with a target,
            at the start.
        augmentation_target: How sure of real photos the discriminator should be, above 0 and below 1: while it is
            surer, the probability rises, else it falls, between 0 and 0.8. `None` leaves it as it is.
        augmentation_images: Images over which an adapting probability can go from 0 to 1.
        label_dropout: With which probability an attribute is hidden in training, so that partial conditions work. The
            only attribute of a schema is never hidden: a request without it draws its value too.
        balance: 0 draws photos as often as they are; 1 draws every value of an attribute equally often; 0.5
            lies between.
        batch_size: Real images of one discriminator step, over all replicas.
        discriminator_steps: Discriminator steps per generator step.
        microbatches: In how many parts each replica takes its share of `batch_size`, one after the other, penalties
            included: about a third less memory with two, half with four. The result is that of the whole share, up to
            rounding, if each picture counts by itself. Batch normalisation and `"dragan"` take a part's statistics
            instead, spectral normalisation iterates once a part, and dropout draws anew.
        images: Length of the training in real images seen by the discriminator.
        generator_learning_rate: Adam's learning rate of the generator. `None` takes what suits the size of the
            pictures, see `for_size`.
        discriminator_learning_rate: Adam's learning rate of the discriminator; `None` as above.
        beta_1: Adam's first decay.
        beta_2: Adam's second decay.
        gradient_clip: Gradients of a larger global norm are scaled down to it; 0 for no limit. Penalised
            discriminators now and then meet a photo whose gradient is ten times the usual one.
        schedule: `"cosine"` lets both learning rates fall to `final_learning_rate` of themselves at the end of
            `images`, `"constant"` leaves them.
        final_learning_rate: Share of the learning rates left at the end.
        ema_half_life: Half-life of the averaged generator in images, once the ramp is over.
        ema_ramp: The half-life is at most this share of the images seen so far.
        precision: `"auto"` computes in bfloat16 where the machine is faster so, `"float32"`, `"mixed_bfloat16"`.
        seed: Seed of everything random, 0 to 2**63 - 1.

    Raises:
        RecipeError: If a value cannot be; the message names the field and what would be right.
    """

    name: str = "dcgan"
    family: str = "dcgan"
    generator: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    discriminator: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    loss: str = "relativistic"
    penalties: Mapping[str, float] = dataclasses.field(default_factory=lambda: {"r1": 1.0, "r2": 1.0})
    penalty_interval: int = 1
    augmentation: tuple[str, ...] = ()
    augmentation_probability: float = 0.3
    augmentation_target: float | None = None
    augmentation_images: int = 100_000
    label_dropout: float = 0.1
    balance: float = 0.0
    batch_size: int = 32
    discriminator_steps: int = 1
    microbatches: int = 1
    images: int = 400_000
    generator_learning_rate: float | None = None
    discriminator_learning_rate: float | None = None
    beta_1: float = 0.0
    beta_2: float = 0.9
    gradient_clip: float = 10.0
    schedule: str = "cosine"
    final_learning_rate: float = 0.1
    ema_half_life: int = 10_000
    ema_ramp: float = 0.05
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self):
        for field in ("name", "family", "loss"):
            self._check(field, lambda v: isinstance(v, str), "be a name")
        for field in ("generator", "discriminator", "penalties"):
            self._check(field, lambda v: isinstance(v, Mapping), "map names to values")
            object.__setattr__(self, field, dict(getattr(self, field)))
        # a string would be taken for a list of its letters
        self._check("augmentation", lambda v: isinstance(v, list | tuple), "be a list of names")
        object.__setattr__(self, "augmentation", tuple(self.augmentation))
        counts = (
            "batch_size",
            "discriminator_steps",
            "microbatches",
            "penalty_interval",
            "images",
            "ema_half_life",
        )
        for field in (*counts, "augmentation_images"):
            self._check(field, lambda v: _is_whole(v) and 1 <= v < 2**63, "be a whole number of at least 1")
        for field in _RATES:
            self._check(field, lambda v: v is None or (_is_finite(v) and v > 0), "be above 0")
        self._check("gradient_clip", lambda v: _is_finite(v) and v >= 0, "be at least 0")
        for field in ("beta_1", "beta_2"):
            self._check(field, lambda v: _is_finite(v) and 0 <= v < 1, "be at least 0 and below 1")
        shares = ("label_dropout", "augmentation_probability", "balance", "final_learning_rate", "ema_ramp")
        for field in shares:
            self._check(field, lambda v: _is_finite(v) and 0 <= v <= 1, "be between 0 and 1")
        self._check("augmentation_target", lambda v: v is None or 0 < v < 1, "be above 0 and below 1, or null")
        if self.augmentation_target is not None:
            self._check("augmentation", len, "name operations for augmentation_target to adapt, such as ['flip']")
            most = MAX_ADAPTIVE_PROBABILITY
            self._check("augmentation_probability", lambda v: v <= most, f"be at most {most} with augmentation_target")
        self._check("seed", lambda v: _is_whole(v) and 0 <= v < 2**63, "be a whole number from 0 to 2**63 - 1")
        self._check("schedule", lambda v: v in SCHEDULES, f"be one of {SCHEDULES}")
        self._check("precision", lambda v: v in PRECISIONS, f"be one of {PRECISIONS}")

    def _check(self, field, accepts, right):
        value = getattr(self, field)
        try:
            fine = accepts(value)
        except (TypeError, OverflowError):
            fine = False
        if not fine:
            raise RecipeError(f"{field} must {right}. Received: {value!r}")

    def replace(self, **overrides: Any) -> Recipe:
        """A copy with some fields changed.

        Raises:
            RecipeError: If there is no such field; the message lists the nearest names.
        """
        fields = [field.name for field in dataclasses.fields(self)]
        for name in overrides:
            if name not in fields:
                raise RecipeError(f"A recipe has no field {name!r}: {nearest(name, fields)}")
        return dataclasses.replace(self, **overrides)

    def for_size(self, image_size: int) -> Recipe:
        """The recipe for pictures of one size: learning rates of `None` become 2e-3 up to 32 pixels, 8e-4 above.

        Small pictures learn fastest so; larger ones, drawn by wider networks, get grain and tints at that rate.

        Args:
            image_size: Height and width in pixels.
        """
        rate = 2e-3 if image_size <= 32 else 8e-4
        return self.replace(**{field: rate for field in _RATES if getattr(self, field) is None})

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form that `from_dict` reads."""
        return {**dataclasses.asdict(self), "augmentation": list(self.augmentation)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_dict` wrote.

        Raises:
            RecipeError: If a field is unknown or its value cannot be.
        """
        if not isinstance(data, Mapping):
            raise RecipeError(f"A recipe maps field names to values. Received: {data!r}")
        return cls().replace(**data)

    def to_json(self) -> str:
        """The recipe as indented JSON text."""
        return json.dumps(self.to_dict(), indent=2)


def _is_finite(value):
    return not isinstance(value, bool) and math.isfinite(value) and abs(value) < 2**53


def _is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


_CLASSIC = {"form": "classic"}
# how the first GANs were trained: loss of Goodfellow et al., Adam of Radford et al.
_TEXTBOOK = {
    "loss": "non-saturating",
    "penalties": {},
    "generator_learning_rate": 2e-4,
    "discriminator_learning_rate": 2e-4,
    "beta_1": 0.5,
    "beta_2": 0.999,
    "gradient_clip": 0.0,
    "schedule": "constant",
}

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(),
        # some minutes at 32 pixels on two cores: narrow networks take more and larger steps in that time, and so
        # short a run gains by averaging over more of it
        Recipe(
            name="quickstart",
            generator={"width": 16, "inner_convs": 0},
            discriminator={"width": 32, "inner_convs": 0},
            images=100_000,
            beta_2=0.95,
            ema_ramp=0.2,
        ),
        Recipe(
            name="dcgan-classic",
            generator={**_CLASSIC, "latent_dim": 100},
            discriminator=_CLASSIC,
            **_TEXTBOOK,
        ),
        Recipe(
            name="mlp",
            family="mlp",
            discriminator={**_CLASSIC, "dropout": 0.3},
            **_TEXTBOOK,
        ),
    )
}
"""The recipes that come with the package, by name."""


def get_recipe(name: str, /, **overrides: Any) -> Recipe:
    """A recipe by name, some fields changed.

    Raises:
        RecipeError: If there is no such recipe or field; the message lists the nearest names.
    """
    if name not in RECIPES:
        raise RecipeError(f"Unknown recipe {name!r}: {nearest(name, RECIPES)}")
    return RECIPES[name].replace(**overrides)
