"""One training run from a catalogue, a recipe and a folder: the same call again goes on where it stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from tfproductgan.conditions import ConditionSchema, InputSpec
from tfproductgan.errors import RecipeError, nearest
from tfproductgan.models.loading import GENERATOR_FILE
from tfproductgan.models.training_model import TrainingModel
from tfproductgan.recipes import Recipe
from tfproductgan.registry import kind_named
from tfproductgan.training.alarms.kinds import alarms_of
from tfproductgan.training.callbacks import JsonLines, Progress, SampleGrid, TranslationGrid, UpscalingGrid
from tfproductgan.training.checkpoints import Best, Checkpoints, Note, SaveCheckpoints, check_same_step
from tfproductgan.training.evaluation import Evaluation, StopWithoutProgress, check_photos, evaluated, ranked_by
from tfproductgan.training.run_directory import RunDirectory
from tfproductgan.training.stopping import StopSignals
from tfproductgan.training.strategies import check_batch, is_chief, share_of_each, wait_for_all
from tfproductgan.training.warm_start import check_fits, open_start, take_weights
from tfproductgan.writing import read_json, write_json

# one sample grid, checkpoint and line of metrics each twentieth of a run, but in short runs no more often than it
# takes to learn something: drawing and saving take seconds
_INTERVALS = 20
_LEAST_INTERVAL = 1000
_VALIDATION_STEPS = 16


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A recipe's durations in steps.

    Args:
        batch: Images a step takes.
        steps: Steps of the whole run.
        interval: Steps between two lines of metrics: an epoch of `fit`. The last one may be shorter.
    """

    batch: int
    steps: int
    interval: int

    @classmethod
    def of(cls, recipe: Recipe, every: int | None = None) -> Schedule:
        """The schedule of a recipe; an interval of `every` images is by default a twentieth of the run."""
        batch = recipe.step_images
        steps = max(1, recipe.images // batch)
        every = every or max(recipe.images // _INTERVALS, _LEAST_INTERVAL)
        return cls(batch, steps, min(steps, -(-every // batch)))

    @property
    def images(self) -> int:
        """Images of the whole run."""
        return self.steps * self.batch

    @property
    def epochs(self) -> int:
        """Number of intervals."""
        return -(-self.steps // self.interval)


class _Intervals(keras.callbacks.Callback):
    """Ends epochs where intervals end, wherever a run was resumed and whatever its interval was before.

    The first epoch goes on with the means of its first part. Has to come first: others may end the training.
    """

    def __init__(self, schedule, running_means):
        super().__init__()
        self.schedule = schedule
        self.running_means = running_means

    def on_epoch_begin(self, epoch, logs=None):
        step, interval = self.model.step, self.schedule.interval
        end = min((step // interval + 1) * interval, self.schedule.steps)
        self._steps, self._is_last = end - step, end == self.schedule.steps
        for metric in self.model.metrics:
            for variable, value in zip(metric.variables, self.running_means.get(metric.name, ()), strict=False):
                variable.assign(value)
        self.running_means = {}

    def on_train_batch_end(self, batch, logs=None):
        self._ends_epoch = batch + 1 == self._steps and not self.model.stop_training
        if self._ends_epoch:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if self._ends_epoch:
            self.model.stop_training = self._is_last


def train(
    catalogue: Any,
    recipe: Recipe,
    out: str | Path,
    every: int | datetime.timedelta | None = None,
    tensorboard: bool = False,
    keep: int = 2,
    best: str | None = None,
    on_alarm: str | None = None,
    evaluate: bool | int = False,
    patience: int | None = None,
    data_options: Mapping[str, Any] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    strategy: tf.distribute.Strategy | None = None,
    warm_start: str | Path | None = None,
) -> TrainingModel:
    """Train, or go on training.

    Ctrl-C and SIGTERM finish the step and write a checkpoint; the same call again goes on as if nothing had been.

    Args:
        catalogue: A `Catalogue` whose photos have the size the recipe's networks make.
        recipe: How to train.
        out: The run directory. If it holds this very run, unfinished, training goes on from its newest checkpoint.
            A run may be made longer: `images` is the one field in which the recipe may differ.
        every: Images between checkpoints, sample grids and lines of metrics. Defaults to a twentieth of the run,
            at least 1,000. A time adds checkpoints: never longer without one.
        tensorboard: Whether to write TensorBoard logs (needs the extra `tensorboard`).
        keep: How many of the newest checkpoints stay.
        best: A validation value such as `"val_logit_gap"` or `"max:val_d_loss"`: the checkpoint with the lowest
            (highest) stays besides. Defaults to `val_distance` if pictures are evaluated.
        on_alarm: What happens when the training goes wrong: `"warn"`, `"stop"` or `"rollback"`, see
            `tfproductgan.training.alarms`. By default a training that breaks down is rolled back, all else warns.
        evaluate: Whether to evaluate the averaged generator on validation photos, see
            `tfproductgan.training.evaluation`: `True` as often as it takes no more than a tenth of the time, a number
            every so many images. By default not: it needs a classifier, which is trained first.
        patience: After how many evaluations in a row without a lower `val_distance` the training ends. By default it
            does not end early.
        data_options: How the photos were named, JSON-ready, for `tfproductgan evaluate` to find them again.
        callbacks: Further Keras callbacks.
        strategy: On which devices; see `make_strategy`. Of several processes the first writes and shows, all need to
            see the folder. Defaults to the strategy of the scope this is called in.
        warm_start: A run directory or `.keras` file whose weights a new run begins with, see
            `tfproductgan.training.warm_start`. When the run goes on it plays no part any more.

    Returns:
        The trained model.

    Raises:
        RunError: If the folder holds something else or another run, cannot be written, or another process trains
            there; or there is no such start.
        AlarmError: If an alarm stops the training.
        RecipeError: If the recipe does not fit the photos or the start, or `keep`, `best` or `on_alarm` cannot be.
        CatalogueError: If there are too few photos.
        TrainingStopped: After Ctrl-C or SIGTERM; a `KeyboardInterrupt`.
    """
    run = RunDirectory(out)
    every, longest = (None, every) if isinstance(every, datetime.timedelta) else (every, None)
    schedule = Schedule.of(recipe, every)
    wanted = Best.parse(best) if best else Best(ranked_by(run.metrics)) if evaluate else None
    checkpoints = Checkpoints(run.checkpoints, keep, wanted)
    console = Console(highlight=False, soft_wrap=True)
    strategy = strategy or tf.distribute.get_strategy()
    check_batch(recipe, strategy)
    with strategy.scope():
        model = make_model(recipe, catalogue.schema)
    validation = _validation(catalogue, recipe.batch_size)
    stream = functools.partial(
        catalogue.stream, "train", batch_size=schedule.batch, seed=recipe.seed, balance=recipe.balance
    )
    stream()  # there may be too few photos: said before anything is written
    start = open_start(warm_start, run.path, recipe, catalogue.image_size)
    if start is not None:
        check_fits(model, start, warm_start)
    if evaluate:
        check_photos(catalogue)
    stops = _early_stopping(patience, evaluate, strategy, run, console)
    if wanted:
        _check_best(wanted, model, validation, evaluated(catalogue.schema) if evaluate else ())
    alarms = alarms_of(
        model.kind,
        catalogue,
        on_alarm,
        recipe.seed,
        checkpoints=lambda: checkpoints.files,
        log=run.path / "alarms.jsonl",
        console=console,
    )
    chief = is_chief(strategy)
    with run.locked() if chief else contextlib.nullcontext():
        if chief:
            data = {"fingerprint": catalogue.fingerprint, "source": repr(catalogue)}
            options = {} if data_options is None else {"options": dict(data_options)}
            before = run.start(recipe, catalogue.schema, {**data, **options})
        restored = checkpoints.restore(model)
        check_same_step(model, run.path)
        lines = _begin(model, start, warm_start, run, checkpoints, chief)
        if restored and chief:
            checkpoints.discard_after(restored.note.step)
            lines += [*restored.remarks, *_lengthened(before, recipe), *_ranked_as_before(best, wanted)]
        over = _over(model, schedule, stops)
        for line in (*lines, *over) if chief else ():
            console.print(line, markup=False)
        if over:
            return model
        with StopSignals() as signals, checkpoints.told_when_writing_fails():
            model.fit(
                share_of_each(strategy, lambda part: stream(start_step=model.step, part=part)),
                steps_per_epoch=schedule.interval,
                initial_epoch=model.step // schedule.interval,
                epochs=schedule.epochs,
                validation_data=validation,
                callbacks=[
                    _Intervals(schedule, restored.note.running_means if restored else {}),
                    # before those that write: they add to the logs, and what they find broken must not be saved
                    *alarms,
                    *(_evaluations(catalogue, evaluate, run, console) if evaluate and chief else []),
                    # before the checkpoint: what is told twice after a crash is dropped, what was never told is lost
                    *(_reports(model, catalogue, run, schedule, console, tensorboard) if chief else []),
                    SaveCheckpoints(checkpoints, run.path / GENERATOR_FILE, longest, lambda: signals.received),
                    *([keras.callbacks.TensorBoard(run.path / "logs")] if tensorboard and chief else []),
                    *stops,
                    *callbacks,
                ],
                verbose=0,
            )
            # the first process still saves: the others would take its devices away by leaving
            wait_for_all(strategy)
        return model


def _begin(model, start, path, run, checkpoints, chief):
    """Give a new run the weights it starts with and note where they are from, or find that noted; lines for people."""
    if start is None:
        model.warm_start = read_json(run.warm_start)
        return []
    lines = take_weights(model, start, path)
    note = Note.of(model, epoch_is_over=True)
    if not chief:
        return []
    # from here on the old run plays no part: it may go on, or be removed
    write_json(run.warm_start, model.warm_start)
    checkpoints.save(model, note)
    return lines


def _over(model, schedule, stops):
    """Why there is nothing left to train, in a line; none if there is."""
    if model.step >= schedule.steps:
        return [f"Finished before, after {model.images_seen:,} images: nothing left to train."]
    ended = [stop.verdict for stop in stops if stop.has_run_out(model.images_seen)]
    return [f"{verdict} More patience, or none, goes on." for verdict in ended]


def make_model(recipe: Recipe, schema: ConditionSchema) -> TrainingModel:
    """The compiled model that a recipe describes, of whatever kind.

    Raises:
        RecipeError: If a name or an option does not exist, or the networks cannot be made for the schema.
    """
    model = kind_named(recipe.kind).find("model").from_recipe(recipe, schema)
    model.compile()
    return model


def _reports(model, catalogue, run, schedule, console, tensorboard):
    logs = run.path / "logs" if tensorboard else None
    grid = SampleGrid(run.grids, log_dir=logs)
    if model.asks == "translator":
        grid = TranslationGrid(run.grids, catalogue, log_dir=logs)
    if model.asks == "upscaler":
        grid = UpscalingGrid(run.grids, catalogue, log_dir=logs)
    return [Progress(schedule.images, console=console), grid, JsonLines(run.metrics)]


def _evaluations(catalogue, evaluate, run, console):
    interval = None if evaluate is True else evaluate
    return [Evaluation(catalogue, interval, record=run.evaluation, history=run.metrics, console=console)]


def _early_stopping(patience, evaluate, strategy, run, console):
    if patience is None:
        return []
    if not evaluate:
        raise RecipeError("Patience counts evaluations: it needs --evaluate (evaluate=True).")
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        raise RecipeError("Patience is for one process: of several only the first evaluates, and the others wait.")
    return [StopWithoutProgress(patience, run.metrics, console)]


def _check_best(best, model, validation, evaluated):
    """Refuse a metric that neither the validation of the model has nor an evaluation."""
    if validation is None and best.metric not in evaluated:
        raise RecipeError(
            f"There is no validation to find the best checkpoint by {best.metric}: fewer photos are held out "
            f"than one batch of {model.recipe.batch_size} takes."
        )
    valid = [*evaluated, *(f"val_{metric.name}" for metric in model.metrics)]
    if best.metric not in valid:
        raise RecipeError(f"The validation has no value {best.metric!r}: {nearest(best.metric, valid)}")


def _lengthened(before, recipe):
    rates = (
        ", with the learning rates of the longer schedule from here on: not what a run of that length from the start "
        "would give"
    )
    if before < recipe.images:
        shown = "" if recipe.schedule == "constant" else rates
        yield f"This run was made for {before:,} images and goes on to {recipe.images:,}{shown}."


def _ranked_as_before(best, wanted):
    if best is None and wanted == Best("val_fid"):
        yield (
            "This run was evaluated before there was val_distance: val_fid goes on to say which checkpoint is best "
            "(--best val_distance chooses among those to come)."
        )


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
        parameters: Number of weights by role.
    """

    images_per_second: float
    seconds: float
    memory: int
    parameters: Mapping[str, int]


def estimate(recipe: Recipe, schema: ConditionSchema, steps: int = 8) -> Estimate:
    """Measure a few steps of a recipe on this machine, on random pictures.

    Raises:
        RecipeError: If the recipe's networks do not exist or cannot make the schema's picture size.
    """
    schedule = Schedule.of(recipe)
    model = make_model(recipe, schema)
    rng = np.random.default_rng(0)
    pictures = InputSpec((schema.image_size, schema.image_size, schema.channels), "uint8")
    batch = {
        name: tf.constant(
            rng.integers(0, 256 if spec.dtype == "uint8" else 1, (schedule.batch, *spec.shape)), spec.dtype
        )
        for name, spec in {"images": pictures, **schema.inputs()}.items()
    }
    seconds = 0.0
    for stage, share in model.stages().items():
        model.enter(stage)
        step = tf.function(model.train_step, autograph=False)
        for _ in range(2):  # trace, then let the libraries choose their kernels
            step(batch)
        start = time.perf_counter()
        for _ in range(steps):
            step(batch)
        seconds += share * schedule.steps * (time.perf_counter() - start) / steps
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Estimate(schedule.images / seconds, seconds, memory, model.parameters())
