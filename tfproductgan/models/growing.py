"""When the pictures of a training grow, and how many photos each size learns from at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfproductgan.errors import RecipeError
from tfproductgan.recipes import Recipe


@dataclasses.dataclass(frozen=True)
class Growth:
    """The plan of a training whose pictures grow; it is in images, and the same wherever it is resumed.

    Each size after the first fades in over the first half of its time.

    Args:
        sides: Of the pictures, from the smallest to the full size.
        starts: Images after which each stage begins.
        fades: Images over which each fades in; of the first nothing.
        batches: Images of one update of each stage.
        images: Of the whole training.

    Reference:
        Karras et al., 2018, Progressive Growing of GANs for Improved Quality, Stability, and Variation,
        https://arxiv.org/abs/1710.10196
    """

    sides: tuple[int, ...]
    starts: tuple[int, ...]
    fades: tuple[int, ...]
    batches: tuple[int, ...]
    images: int

    @classmethod
    def of(cls, recipe: Recipe, sides: tuple[int, ...]) -> Growth:
        """The plan of a recipe for networks of such sizes.

        Raises:
            RecipeError: If the recipe has no entry for a size, or its batch size is no multiple of a stage's.
        """
        objective = recipe.objective
        shares = [_entry("growth", objective.growth, side) for side in sides]
        if not shares[-1] > 0:
            raise RecipeError(
                f"growth must give pictures of full size, {sides[-1]} pixels, time. Received: {shares[-1]}"
            )
        ends = np.cumsum(shares) / np.sum(shares) * recipe.images
        starts = (0, *(round(float(end)) for end in ends[:-1]))
        fades = [max(1, (end - start) // 2) for start, end in zip(starts, (*starts[1:], recipe.images), strict=True)]
        first = max(stage for stage, start in enumerate(starts) if start == 0)
        batches = [recipe.batch_size] * len(sides)
        if objective.growth_batches:
            batches = [min(recipe.batch_size, _entry("growth_batches", objective.growth_batches, s)) for s in sides]
        for side, batch in zip(sides, batches, strict=True):
            if recipe.batch_size % batch:
                raise RecipeError(
                    f"growth_batches must divide batch_size={recipe.batch_size}. Received: {batch} for {side} pixels"
                )
        return cls(sides, starts, (*[0] * (first + 1), *fades[first + 1 :]), tuple(batches), recipe.images)

    def level(self, images: int) -> float:
        """How far the networks have grown after so many images: a stage, or between two, by how far one faded in."""
        stages = zip(self.starts[1:], self.fades[1:], strict=True)
        return sum(min(max((images - start) / fade, 0.0), 1.0) if fade else 1.0 for start, fade in stages)

    def stage(self, images: int) -> int:
        """The largest stage that has begun."""
        return max(stage for stage, start in enumerate(self.starts) if start <= images)

    def turn(self, images: int) -> int:
        """How often a stage has begun or ended fading in."""
        moments = [moment for s, f in zip(self.starts, self.fades, strict=True) if f for moment in (s, s + f)]
        return sum(moment <= images for moment in moments)

    def shares(self) -> dict[int, float]:
        """What each stage takes of the training, those that take something by their number."""
        ends = zip(self.starts, (*self.starts[1:], self.images), strict=True)
        return {stage: (end - start) / self.images for stage, (start, end) in enumerate(ends) if end > start}


def _entry(field: str, values: Mapping[str, Any], side: int) -> Any:
    """The entry of pictures of a size: that of the next larger one."""
    fitting = [int(largest) for largest in values if int(largest) >= side]
    if not fitting:
        raise RecipeError(f"{field} must have an entry for {side} pixels or more. Received: {dict(values)}")
    return values[str(min(fitting))]
