"""Trainings whose pictures grow: when, and how many photos each size learns from at once."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

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


class Grows:
    """Put before `TrainingModel` among the bases of a kind whose recipes can have a `growth`; others stay as they are.

    Networks are computed up to the largest size that has begun. Each size has a graph of its own, made when it begins:
    small ones cost little, and none holds a branch.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.growth is not None:
            for network in self._growing():
                network.level.assign(self.growth.level(0))

    def add_state(self):
        """Make the plan, and a variable for how far it has been followed."""
        super().add_state()
        self.growth = None
        if self.recipe.objective.growth:
            self.growth = Growth.of(self.recipe, self._sides())
            self._turn = self.add_number("growth_turn")

    def _sides(self):
        sides = [network.sides if hasattr(network, "level") else None for network in self.networks().values()]
        if None in sides or len(set(sides)) > 1:
            families = " and ".join(network.family for network in self.recipe.networks.values())
            raise RecipeError(
                f"growth needs two networks that grow alike, such as those of progan. Received: {families}"
            )
        return sides[0]

    def _growing(self):
        return (*self.networks().values(), *self.averages().values())

    def compile(self, *args, **kwargs):
        """See `TrainingModel.compile`.

        Raises:
            RecipeError: Also if replicas cannot share the batch of a size, or rates were to follow a schedule.
        """
        super().compile(*args, **kwargs)
        if self.growth is None:
            return
        replicas = self.distribute_strategy.num_replicas_in_sync
        for side, batch in zip(self.growth.sides, self.growth.batches, strict=True):
            if batch % (replicas * self.microbatches):
                raise RecipeError(
                    f"A batch of {batch} at {side} pixels cannot be shared by {replicas} replicas with "
                    f"{self.microbatches} microbatches each: change growth_batches."
                )
        final = {name: adam.final_beta_2 for name, adam in self.recipe.optimizers.items()}
        if self.recipe.schedule != "constant" or any(final.values()):
            raise RecipeError(
                "Optimisers of a growth start anew with each size, and so would what they follow: use "
                f"schedule=constant and no final_beta_2. Received: {self.recipe.schedule!r}, {final}"
            )

    @property
    def updates_a_step(self):
        """In how many parts of a size of its own a stage takes what would be one update."""
        return 1 if self.growth is None else self.recipe.batch_size // self.growth.batches[self.learning_network.stage]

    @property
    def is_growing(self):
        """Whether pictures are coarser yet than they can be."""
        return self.growth is not None and self.learning_network.level.numpy() < len(self.growth.sides) - 1

    def stages(self):
        """See `TrainingModel.stages`."""
        return super().stages() if self.growth is None else self.growth.shares()

    def enter(self, stage):
        """Compute what a stage of the growth needs from here on, and nothing larger."""
        if self.growth is None:
            return
        for network in self._growing():
            network.stage = stage
        self._phases = tuple(self.make_phases())
        self.test_function = None  # its graph is that of another stage

    def _grow(self):
        """Bring networks and optimisers to where the images seen have them be; returns the stage."""
        images = self.images_seen
        # a run that is made longer, or began with weights of another, stays as far as it was
        level = max(float(self.learning_network.level.numpy()), self.growth.level(images))
        for network in self._growing():
            network.level.assign(level)
        turn = self.growth.turn(images)
        if turn > self._turn.numpy():
            self._turn.assign(turn)
            self._start_optimizers_anew()
        return max(math.ceil(level), self.growth.stage(images))

    def _start_optimizers_anew(self):
        """As the authors' code does: what they know is of other networks."""
        for optimizer in self.optimizers().values():
            for variable in optimizer.variables:
                if variable is not optimizer._learning_rate:
                    variable.assign(tf.zeros(variable.shape, variable.dtype))

    def make_train_function(self, force=False):
        """See `ReplicaStep`."""
        if self.growth is None or not (force or self.train_function is None):
            super().make_train_function(force)
            return
        graphs = {}

        def function(iterator):
            for _ in range(self.steps_per_execution):
                stage = self._grow()
                if stage != self.learning_network.stage or stage not in graphs:
                    self.enter(stage)
                if stage not in graphs:
                    graphs[stage] = self._replicated(self.train_step, steps=1)
                logs = graphs[stage](iterator)
            return logs

        self.train_function = function

    def _received(self, data):
        batch = super()._received(data)
        if self.growth is not None:
            batch["images"] = self.discriminator.at_level(batch["images"])
        return batch
