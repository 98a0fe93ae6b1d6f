"""One training run from a catalogue, a recipe and a folder: the same call again goes on where it stopped."""

from __future__ import annotations

import dataclasses
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.conditions import ConditionSchema
from tfproductgan.errors import RunError
from tfproductgan.models.conditional_gan import ConditionalGAN
from tfproductgan.models.loading import GENERATOR_FILE, load
from tfproductgan.recipes import Recipe
from tfproductgan.training.callbacks import JsonLines, Progress, SampleGrid
from tfproductgan.training.run_directory import RunDirectory
from tfproductgan.writing import replace_file

# one sample grid, checkpoint and line of metrics each twentieth of a run, but in short runs no more often than it
# takes to learn something: drawing and saving take seconds
_INTERVALS = 20
_LEAST_INTERVAL = 1000
_VALIDATION_STEPS = 16


class Checkpoint(keras.callbacks.Callback):
    """Writes everything needed to go on, and the averaged generator alone, at the end of each epoch.

    Args:
        run: The `RunDirectory`.
    """

    def __init__(self, run: RunDirectory):
        super().__init__()
        self.run = run

    def on_epoch_end(self, epoch, logs=None):
        """Save."""
        # the checkpoint last: a run that is stopped in between goes on before both, and writes both
        replace_file(self.run.path / GENERATOR_FILE, self.model.trained_generator().save)
        replace_file(self.run.checkpoint, self.model.save)


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A recipe's durations in steps.

    Args:
        batch: Images a step takes.
        interval: Steps between checkpoints: an epoch of `fit`.
        epochs: Number of intervals. They are equally long, so the last may end the run a few steps late.
    """

    batch: int
    interval: int
    epochs: int

    @classmethod
    def of(cls, recipe: Recipe, every: int | None = None) -> Schedule:
        """The schedule of a recipe.

        Args:
            recipe: The recipe.
            every: Images between checkpoints. Defaults to a twentieth of the run, at least 1,000.
        """
        batch = recipe.batch_size * recipe.discriminator_steps
        steps = max(1, recipe.images // batch)
        every = every or max(recipe.images // _INTERVALS, _LEAST_INTERVAL)
        epochs = min(steps, max(1, round(recipe.images / every)))
        return cls(batch, -(-steps // epochs), epochs)

    @property
    def images(self) -> int:
        """Images of the whole run."""
        return self.epochs * self.interval * self.batch


def train(
    catalogue: Any,
    recipe: Recipe,
    out: str | Path,
    every: int | None = None,
    tensorboard: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> ConditionalGAN:
    """Train, or go on training.

    Args:
        catalogue: A `Catalogue` whose photos have the size the recipe's networks make.
        recipe: How to train.
        out: The run directory. If it holds this very run, unfinished, training goes on from its checkpoint.
        every: Images between checkpoints, sample grids and lines of metrics. Defaults to a twentieth of the run,
            at least 1,000.
        tensorboard: Whether to write TensorBoard logs (needs the extra `tensorboard`).
        callbacks: Further Keras callbacks.

    Returns:
        The trained model.

    Raises:
        RunError: If the folder holds something else or another run, or cannot be written.
        RecipeError: If the recipe does not fit the photos.
        CatalogueError: If there are too few photos.
    """
    run = RunDirectory(out)
    schedule = Schedule.of(recipe, every)
    if run.started and run.checkpoint.is_file():
        gan = _resume(run)
    else:
        gan = ConditionalGAN.from_recipe(recipe, catalogue.schema)
        gan.compile()
    done = gan.step
    stream = catalogue.stream(
        "train", batch_size=schedule.batch, seed=recipe.seed, start_step=done, balance=recipe.balance
    )
    run.start(recipe, catalogue.schema, {"fingerprint": catalogue.fingerprint, "source": repr(catalogue)})
    gan.fit(
        stream,
        steps_per_epoch=schedule.interval,
        initial_epoch=done // schedule.interval,
        epochs=schedule.epochs,
        validation_data=_validation(catalogue, recipe.batch_size),
        callbacks=[
            Progress(schedule.images),
            SampleGrid(run.grids, log_dir=run.path / "logs" if tensorboard else None),
            # before the checkpoint: what is told twice after a crash is dropped, what was never told is lost
            JsonLines(run.metrics),
            Checkpoint(run),
            *([keras.callbacks.TensorBoard(run.path / "logs")] if tensorboard else []),
            *callbacks,
        ],
        verbose=0,
    )
    return gan


def _resume(run):
    gan = load(run.checkpoint)
    if not isinstance(gan, ConditionalGAN):
        raise RunError(f"{run.checkpoint} is no checkpoint of a training.")
    return gan


def _validation(catalogue, batch_size):
    """A few fixed batches of photos held out, or `None` if there are not enough."""
    if catalogue.size("validation") < batch_size:
        return None
    return catalogue.stream("validation", batch_size=batch_size, repeat=False).take(_VALIDATION_STEPS)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What a run will take on this machine.

    Args:
        images_per_second: Measured over a few steps on random pictures.
        seconds: Of the whole run, without loading the photos.
        memory: Largest resident memory of the process so far, in bytes.
        generator_parameters: Number of weights.
        discriminator_parameters: Number of weights.
    """

    images_per_second: float
    seconds: float
    memory: int
    generator_parameters: int
    discriminator_parameters: int


def estimate(recipe: Recipe, schema: ConditionSchema, steps: int = 8) -> Estimate:
    """Measure a few steps of a recipe on this machine, on random pictures.

    Raises:
        RecipeError: If the recipe's networks do not exist or cannot make the schema's picture size.
    """
    schedule = Schedule.of(recipe)
    gan = ConditionalGAN.from_recipe(recipe, schema)
    gan.compile()
    rng = np.random.default_rng(0)
    shape = (schedule.batch, schema.image_size, schema.image_size, schema.channels)
    batch = {
        "images": tf.constant(rng.integers(0, 256, shape, np.uint8)),
        "conditions": tf.zeros((schedule.batch, len(schema.attributes)), tf.int32),
    }
    step = tf.function(gan.train_step)
    for _ in range(2):  # trace, then let the libraries choose their kernels
        step(batch)
    start = time.perf_counter()
    for _ in range(steps):
        step(batch)
    speed = steps * schedule.batch / (time.perf_counter() - start)
    return Estimate(
        images_per_second=speed,
        seconds=schedule.images / speed,
        memory=_peak_memory(),
        generator_parameters=gan.generator.count_params(),
        discriminator_parameters=gan.discriminator.count_params(),
    )


def _peak_memory():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
