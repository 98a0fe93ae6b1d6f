"""Checkpoints: everything a training needs to go on as if nothing had happened, several of them, each whole.

```
checkpoints/step-000001234.keras   the model with optimisers and counters, and a note on how it came about
checkpoints/best.json              which of them was best, and by what
```
A checkpoint is a `.keras` file: `tfproductgan.load` and `keras.saving.load_model` read it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import os
import re
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import tfproductgan
from tfproductgan.conditions import ConditionSchema
from tfproductgan.errors import RecipeError, RunError, TrainingStopped, WriteError
from tfproductgan.models.training_model import TrainingModel
from tfproductgan.recipes import Recipe
from tfproductgan.training.run_directory import changes, describe_environment, schema_changes
from tfproductgan.training.strategies import highest_over_processes, is_chief
from tfproductgan.writing import read_json, replace_file, write_json

FORMAT = 2
"""Goes up when an older package could not go on from what this one writes."""

_NOTE_FILE = "tfproductgan.json"  # inside the .keras file, which is a zip
_BEST_FILE = "best.json"
_NAME = re.compile(r"step-(\d{9,})\.keras")


@dataclasses.dataclass(frozen=True)
class Note:
    """What a checkpoint says of itself.

    Args:
        step: Training steps taken.
        images_seen: Images learnt from.
        recipe: The recipe, as `Recipe.to_dict` gives it.
        written_by: Version of the package.
        computed_with: What has to be equal at resume for equal bits: threads, oneDNN, replicas, versions, processor.
        running_means: State of the metrics of an epoch that is not over, by name; empty between two epochs.
    """

    step: int
    images_seen: int
    recipe: Mapping[str, Any]
    written_by: str
    computed_with: Mapping[str, Any]
    running_means: Mapping[str, list[float]]

    @classmethod
    def of(cls, model: TrainingModel, epoch_is_over: bool) -> Note:
        """What is to be noted now; every process of a training has to ask, since metrics are summed over them."""
        trackers = [] if epoch_is_over else model.metrics
        return cls(
            step=model.step,
            images_seen=model.images_seen,
            recipe=model.recipe.to_dict(),
            written_by=tfproductgan.__version__,
            computed_with=computed_with(model.distribute_strategy),
            running_means={m.name: [float(v.numpy()) for v in m.variables] for m in trackers},
        )


@dataclasses.dataclass(frozen=True)
class Restored:
    """From where a training goes on, with lines for people: damaged checkpoints passed over, what is not as it was."""

    note: Note
    remarks: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Best:
    """What the best checkpoint is best by.

    Args:
        metric: A value of the validation, such as `"val_logit_gap"`.
        highest: Whether more is better.
    """

    metric: str
    highest: bool = False

    @classmethod
    def parse(cls, text: str) -> Best:
        """`"val_logit_gap"` or `"min:val_logit_gap"`: the lowest; `"max:val_d_loss"`: the highest."""
        direction, separator, metric = text.rpartition(":")
        if separator and direction not in ("min", "max"):
            raise RecipeError(f"The best checkpoint is min:METRIC or max:METRIC. Received: {text!r}")
        return cls(metric, direction == "max")

    def beats(self, value: float, other: float | None) -> bool:
        """Whether a value is better than the best so far; NaN never is."""
        if other is None:
            return value == value
        return value > other if self.highest else value < other


class Checkpoints:
    """The checkpoints of one run.

    Args:
        path: Their folder; it is made when the first is written.
        keep: How many of the newest stay; the best stays besides.
        best: What the best is best by; `None` keeps only the newest.

    Raises:
        RecipeError: If `keep` is less than 1.
    """

    def __init__(self, path: str | os.PathLike, keep: int = 2, best: Best | None = None):
        if keep < 1:
            raise RecipeError(f"At least 1 checkpoint must be kept. Received: {keep}")
        self.path = Path(path)
        self.keep = keep
        self.best = best

    @property
    def files(self) -> list[Path]:
        """The checkpoints, oldest first."""
        return sorted((path for path in self.path.glob("*") if _NAME.fullmatch(path.name)), key=step_of)

    def save(self, model: TrainingModel, note: Note, logs: Mapping[str, float] | None = None) -> Path:
        """Write a checkpoint, with the validation's values if there was one, and remove those no longer kept.

        Raises:
            RunError: If it cannot be written; no other checkpoint is touched then.
        """
        path = self.path / f"step-{note.step:09d}.keras"

        def write(part):
            model.save(part)
            with zipfile.ZipFile(part, "a") as archive:
                archive.writestr(_NOTE_FILE, json.dumps({"format": FORMAT, **dataclasses.asdict(note)}))

        replace_file(path, write)
        # evaluations need not come at every epoch's end
        if self.best is not None and logs is not None and self.best.metric in logs:
            self._note_best(path, logs)
        best = self._read_best()
        for old in self.files[: -self.keep]:
            if best is None or old.name != best["file"]:
                old.unlink(missing_ok=True)
        return path

    def restore(self, model: TrainingModel) -> Restored | None:
        """Give a compiled model of the same recipe, but perhaps longer, the state of the newest sound checkpoint.

        Returns:
            From where it goes on, or `None` if there is no checkpoint.

        Raises:
            RunError: If all checkpoints are damaged, or the newest is of another recipe or schema, of a newer version
                of this package, or does not fit.
        """
        damaged = []
        for path in reversed(self.files):
            try:
                note = read_note(path)
            except _DamagedError as error:
                damaged.append(f"{path.name} is damaged ({error})")
                continue
            _check_recipe(path, note, model)
            _check_schema(path, model)
            _load_weights(model, path, note)
            remarks = [f"{what}: going on from {path.name}, the one before." for what in damaged]
            changed = changes(note.computed_with, computed_with(model.distribute_strategy))
            if changed:
                remarks.append(
                    f"Not computed as before ({changed}): weights will not equal those of an undisturbed run to the "
                    "last bit."
                )
            return Restored(note, tuple(remarks))
        if damaged:
            raise RunError(
                f"No checkpoint in {self.path} can be read: {'; '.join(damaged)}. "
                "Choose another --out, or remove that folder to start this run again."
            )
        return None

    def newest_sound(self) -> Path | None:
        """The newest checkpoint that is not damaged, or `None`.

        Raises:
            RunError: If it is of a newer version of this package.
        """
        for path in reversed(self.files):
            with contextlib.suppress(_DamagedError):
                read_note(path)
                return path
        return None

    def discard_after(self, step: int) -> None:
        """Remove the checkpoints of a future that is trained again: damaged ones, and those beyond a rollback."""
        for path in self.files:
            if step_of(path) > step:
                path.unlink(missing_ok=True)
        best = self._read_best()
        if best and not (self.path / best["file"]).is_file():
            (self.path / _BEST_FILE).unlink(missing_ok=True)

    @contextlib.contextmanager
    def told_when_writing_fails(self) -> Iterator[None]:
        """Whatever file of a run could not be written in here: the error says from where the run can go on."""
        try:
            yield
        except (WriteError, OSError) as error:
            files = self.files
            kept = f"{files[-1].name} is kept: the same command goes on from it" if files else "Nothing was saved yet"
            if not isinstance(error, WriteError):
                what = repr(error.filename) if error.filename else f"in {str(self.path.parent)!r}"
                error = f"Cannot write {what}: {error.strerror or error}"
            raise RunError(f"{str(error).rstrip('.')}. {kept}.") from None

    def _note_best(self, path, logs):
        value, before = float(logs[self.best.metric]), self._read_best()
        comparable = before if before and before["by"] == dataclasses.asdict(self.best) else None
        if self.best.beats(value, comparable and comparable["value"]):
            fact = {"file": path.name, "step": step_of(path), "value": value, "by": dataclasses.asdict(self.best)}
            write_json(self.path / _BEST_FILE, fact)

    def _read_best(self):
        with contextlib.suppress(RunError):
            return read_json(self.path / _BEST_FILE)


class SaveCheckpoints(keras.callbacks.Callback):
    """Saves at the end of each epoch, after some time, and when the training is told to stop.

    With several processes all must have this callback; the first writes.

    Args:
        checkpoints: Where to.
        generator: File of what has been learnt so far alone, written with each checkpoint.
        every: Longest time without a checkpoint; `None` saves at the end of epochs only.
        stop: Asked after each step; the number of a signal ends the training with a checkpoint.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        generator: Path,
        every: datetime.timedelta | None = None,
        stop: Callable[[], int | None] = lambda: None,
    ):
        super().__init__()
        self.checkpoints = checkpoints
        self.generator = generator
        self.every = every
        self.stop = stop

    def on_train_begin(self, logs=None):
        """Start the clock."""
        self._saved_at = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        """Save if it is time to, and end if told so."""
        if self.model.stop_training or batch + 1 == self.params.get("steps"):
            return  # the end of the epoch follows, with values of its own to write down first
        waited = self.every is not None and time.monotonic() - self._saved_at >= self.every.total_seconds()
        # clocks and signals differ between processes: all have to save, or end, after the same step
        found = [self.stop() or 0, int(waited)]
        signal_number, waited = highest_over_processes(found, self.model.distribute_strategy)
        if signal_number or waited:
            self._save(epoch_is_over=False)
        if signal_number:
            raise TrainingStopped(signal_number, self.model.images_seen)

    def on_epoch_end(self, epoch, logs=None):
        """Save, and end if told so."""
        self._save(epoch_is_over=True, logs=logs)
        [signal_number] = highest_over_processes([self.stop() or 0], self.model.distribute_strategy)
        if signal_number and not self.model.stop_training:
            raise TrainingStopped(signal_number, self.model.images_seen)

    def _save(self, epoch_is_over, logs=None):
        note = Note.of(self.model, epoch_is_over)
        if is_chief(self.model.distribute_strategy):
            # the checkpoint last: a run that is stopped in between goes on before both, and writes both
            replace_file(self.generator, self.model.trained().save)
            self.checkpoints.save(self.model, note, logs)
        self._saved_at = time.monotonic()


def step_of(path: Path) -> int:
    """The step that the name of a checkpoint says."""
    return int(_NAME.fullmatch(path.name)[1])


class _DamagedError(Exception):
    """A checkpoint that is not whole."""


def read_note(path: Path) -> Note:
    """What a checkpoint says of itself, once all of it was found to be as it was written.

    Raises:
        RunError: If a newer version of the package wrote it, or something else did.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise _DamagedError(f"{damaged} was changed")
            data = json.loads(archive.read(_NOTE_FILE)) if _NOTE_FILE in archive.namelist() else None
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, zlib.error) as error:
        raise _DamagedError("cut short" if isinstance(error, zipfile.BadZipFile) else str(error)) from error
    if data is None:
        raise RunError(f"{path} is a .keras file, but no checkpoint of a training. Remove it to go on without.")
    if data.pop("format", 0) > FORMAT:
        raise RunError(
            f"{path} was written by tfproductgan {data.get('written_by')}, and this is {tfproductgan.__version__}: "
            "go on with that version, or with a newer one."
        )
    return Note(**data)


def check_same_step(model: TrainingModel, path: Path) -> None:
    """Make sure that all processes of a training go on from the same checkpoint.

    Raises:
        RunError: If they do not.
    """
    highest, lowest = highest_over_processes([model.step, -model.step], model.distribute_strategy)
    if highest != -lowest:
        raise RunError(
            f"The workers found different checkpoints, of step {highest} and of step {-lowest}: {path} must be one "
            "folder that all of them see."
        )


def computed_with(strategy: tf.distribute.Strategy) -> dict[str, Any]:
    """What bits depend on besides recipe, data and step; JSON-ready."""
    environment = describe_environment()
    names = ("tfproductgan", "tensorflow", "keras", "processor", "gpus")
    set_threads = tf.config.threading.get_intra_op_parallelism_threads()  # 0 if nobody has
    return {
        "threads": set_threads or int(os.environ.get("TF_NUM_INTRAOP_THREADS") or 0) or environment["cores"],
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "as TensorFlow decides"),
        "replicas": strategy.num_replicas_in_sync,
        **{name: environment[name] for name in names},
    }


def _check_recipe(path, note, model):
    theirs = Recipe.from_dict(note.recipe)
    changed = changes(theirs.settings(), model.recipe.replace(images=theirs.images).settings())
    if changed:
        raise RunError(f"{path} is a checkpoint of another recipe: {changed}. Remove it to go on without.")


def _check_schema(path, model):
    """Ids of others might mean something else, and weights fit all the same."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))["config"]
    changed = schema_changes(ConditionSchema.from_dict(config["schema"]), model.schema)
    if changed:
        raise RunError(f"{path} is a checkpoint of another schema: {changed}. Remove it to go on without.")


def _load_weights(model, path, note):
    try:
        model.load_weights(path)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error}") from error
    except (KeyError, ValueError, RuntimeError) as error:
        raise RunError(
            f"{path} does not fit the networks of this version: it was written by tfproductgan {note.written_by}, "
            f"this is {tfproductgan.__version__}."
        ) from error
