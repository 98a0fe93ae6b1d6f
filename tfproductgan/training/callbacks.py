"""What watches a `fit`: sample grids, the pace with the time left, and a file of numbers.

Keras callbacks for models that count `images_seen`. Intervals are counted in images, so that they mean the same
whatever the batch size.
"""

from __future__ import annotations

import collections
import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as ProgressDisplay
from rich.table import Column

from tfproductgan.errors import RecipeError, require
from tfproductgan.models.degradations import larger
from tfproductgan.sampling.files import write_png
from tfproductgan.sampling.grids import condition_rows, contact_grid, seed_grid, typical_conditions
from tfproductgan.writing import append_json_line, read_json_lines, write_text

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue


def check_interval(every_images: int | None) -> None:
    """Refuse an interval below one image; `None` stands for ends of epochs."""
    if every_images is not None and every_images < 1:
        raise RecipeError(f"every_images is a number of images from 1. Received: {every_images}")


class _AtIntervals(keras.callbacks.Callback):
    """Calls `report` at every epoch's end, or whenever another `every_images` images have been seen."""

    def __init__(self, every_images: int | None):
        super().__init__()
        check_interval(every_images)
        self.every_images = every_images
        self._reported = 0

    def report(self, images_seen: int, logs: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def on_train_begin(self, logs=None):
        self._reported = int(self.model.images_seen)

    def on_train_batch_end(self, batch, logs=None):
        if self.every_images is not None:
            seen = int(self.model.images_seen)
            if seen // self.every_images > self._reported // self.every_images:
                self._report(seen, logs)

    def on_epoch_end(self, epoch, logs=None):
        if self.every_images is None:
            self._report(int(self.model.images_seen), logs)

    def on_train_end(self, logs=None):
        seen = int(self.model.images_seen)
        if seen > self._reported:
            self._report(seen, logs)

    def _report(self, seen: int, logs: Mapping[str, Any] | None) -> None:
        self._reported = seen
        self.report(seen, logs or {})


class _Grid(_AtIntervals):
    """Writes a picture of what the model can, named by the images seen: `images-000040000.png`."""

    def __init__(self, directory: str | os.PathLike, every_images: int | None, log_dir: str | os.PathLike | None):
        super().__init__(every_images)
        self.directory = Path(directory)
        self.log_dir = log_dir
        if log_dir is not None:
            require("tensorboard", "tensorboard")

    def grid(self) -> Image.Image:
        raise NotImplementedError

    def report(self, images_seen: int, logs: Mapping[str, Any]) -> None:
        """Draw and write a grid."""
        grid = self.grid()
        write_png(self.directory / f"images-{images_seen:09d}.png", grid, overwrite=True)
        if self.log_dir is not None:
            writer = tf.summary.create_file_writer(os.fspath(self.log_dir))
            with writer.as_default(step=images_seen):
                tf.summary.image("samples", np.asarray(grid).reshape(1, grid.height, grid.width, -1))
            writer.close()


class SampleGrid(_Grid):
    """Draws the same requests again and again while the model learns: a row a condition, a column a seed.

    Writes `images-000040000.png`, named by the images seen, at every epoch's end or every so many images,
    and at the end of the training.

    Args:
        directory: Where the files go; it is made if missing.
        conditions: The rows. By default eight typical ones: the most frequent combinations of the catalogue.
        columns: Number of seeds.
        seed: The first seed.
        every_images: Images between two grids; `None` draws at every epoch's end.
        log_dir: Directory of TensorBoard logs, to see the grids there too; `None` writes the files only.

    Raises:
        RecipeError: If `every_images` is less than 1.
        MissingExtraError: If `log_dir` is given and TensorBoard is not installed.
        ConditionError: When training begins, if the model does not know a condition.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        conditions: Sequence[Mapping[str, str]] | None = None,
        columns: int = 8,
        seed: int = 0,
        every_images: int | None = None,
        log_dir: str | os.PathLike | None = None,
    ):
        super().__init__(directory, every_images, log_dir)
        self.conditions = conditions
        self.columns = columns
        self.seed = seed

    def on_train_begin(self, logs=None):
        """Find the rows, and mistakes in them before hours have passed."""
        super().on_train_begin(logs)
        schema = self.model.schema
        if self.conditions is None:
            self.conditions = typical_conditions(schema)
        self.model.plan(list(self.conditions) or None, seed=self.seed)

    def grid(self) -> Image.Image:
        """The requests, drawn."""
        if self.conditions:
            return condition_rows(self.model, self.conditions, self.columns, self.seed)
        return seed_grid(self.model, 4 * self.columns, self.columns, self.seed)


class TranslationGrid(_Grid):
    """Translates the same pictures again and again while the model learns: what went in, what came out, the photo.

    Args:
        directory: See `SampleGrid`, as `every_images`, `log_dir` and what is raised.
        catalogue: A `Catalogue` of pairs; the first of its validation, or of its training if there is none, are taken.
        count: Number of pairs, a row each.
        every_images: Images between two grids.
        log_dir: Directory of TensorBoard logs.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        catalogue: Catalogue,
        count: int = 8,
        every_images: int | None = None,
        log_dir: str | os.PathLike | None = None,
    ):
        super().__init__(directory, every_images, log_dir)
        split = "validation" if catalogue.size("validation") else "train"
        self.conditions = catalogue.conditions(split)[:count]
        self.sources = next(iter(catalogue.source_batches(split, count)))
        self.photos = next(iter(catalogue.image_batches(split, count)))

    def grid(self) -> Image.Image:
        """The pairs, with what was made of their first pictures between them."""
        made = self.model.translate_squares(self.sources, self.conditions)
        channels = max(pictures.shape[-1] for pictures in (self.sources, made))
        shape = (len(made), *made.shape[1:3], channels)
        rows = np.stack([np.broadcast_to(p, shape) for p in (self.sources, made, self.photos)], axis=1)
        return contact_grid(rows.reshape(-1, *shape[1:]), columns=3, column_labels=("source", "made", "photo"))


class UpscalingGrid(_Grid):
    """Enlarges the same photos, made small before, again and again: by a bicubic filter, by the model, the photo.

    Args: See `TranslationGrid`, but for the catalogue, which need not hold pairs.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        catalogue: Catalogue,
        count: int = 8,
        every_images: int | None = None,
        log_dir: str | os.PathLike | None = None,
    ):
        super().__init__(directory, every_images, log_dir)
        split = "validation" if catalogue.size("validation") else "train"
        self.photos = next(iter(catalogue.image_batches(split, count)))

    def grid(self) -> Image.Image:
        """The photos, and before each what was made of it."""
        small = self.model.shrunk(self.photos)
        filtered = larger(small, self.model.scale).numpy()
        rows = np.stack([filtered, self.model.upscale_squares(small), self.photos], axis=1)
        return contact_grid(rows.reshape(-1, *rows.shape[2:]), columns=3, column_labels=("bicubic", "made", "photo"))


class JsonLines(_AtIntervals):
    """Appends what the training logs to a file, one JSON object a line: `images_seen`, `time` and all logs.

    `time` is in seconds since 1970; a value that is not finite is `null`. When a run resumes from an earlier
    point, the lines beyond that point are dropped first.

    Args:
        path: The file.
        every_images: Images between two lines; `None` writes at every epoch's end, with the validation's values.

    Raises:
        RecipeError: If `every_images` is less than 1.
    """

    def __init__(self, path: str | os.PathLike, every_images: int | None = None):
        super().__init__(every_images)
        self.path = Path(path)

    def on_train_begin(self, logs=None):
        """Drop what the resumed run will write again."""
        super().on_train_begin(logs)
        if self.path.exists():
            seen = int(self.model.images_seen)
            past = [line for line in read_json_lines(self.path) if line.get("images_seen", seen + 1) <= seen]
            write_text(self.path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in past))

    def report(self, images_seen: int, logs: Mapping[str, Any]) -> None:
        """Append a line."""
        values = {name: float(value) for name, value in logs.items()}
        finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
        append_json_line(self.path, {"images_seen": images_seen, "time": round(time.time(), 3), **finite})


class Progress(keras.callbacks.Callback):
    """Shows how far the training is, how fast, how long it will still take, and the means of its epoch.

    On a terminal one line with a bar; elsewhere a plain line every so many seconds. Meant for
    `fit(verbose=0)`, whose own bar counts steps.

    Args:
        total_images: Images the model will have seen at the end. By default worked out from the steps and epochs
            of `fit`.
        every_seconds: Seconds between two plain lines.
        console: A rich `Console` to write to. Defaults to standard output.
    """

    _REFRESH = 0.5  # seconds between two looks at the counter
    _WINDOW = 120  # looks over which the pace is taken: a minute
    _SETTLED = 8  # steps of an epoch: means of fewer jump, and a penalty of every few steps may not have been due

    def __init__(self, total_images: int | None = None, every_seconds: float = 10.0, console: Console | None = None):
        super().__init__()
        self.total_images = total_images
        self.every_seconds = every_seconds
        self.console = console or Console()
        self._display: ProgressDisplay | None = None

    def on_train_begin(self, logs=None):
        """Start the line."""
        self._begun = time.monotonic()
        self._begun_images = int(self.model.images_seen)
        self._looks: collections.deque[tuple[float, int]] = collections.deque(maxlen=self._WINDOW)
        self._last_line = self._begun
        self._logs: Mapping[str, Any] | None = None
        if self.console.is_terminal:
            # the text takes what the bar leaves, so that a narrow terminal cuts the text
            text = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, ratio=1))
            # no thread and no redirection: an exception in `fit` leaves nothing to clean up
            self._display = ProgressDisplay(
                BarColumn(20, table_column=Column(min_width=20)),
                text,
                expand=True,
                console=self.console,
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._display.start()
            self.console.show_cursor(True)
            self._display.add_task("the first steps take longer", total=None)
            self._display.refresh()

    def on_epoch_begin(self, epoch, logs=None):
        """Remember where the epoch starts: the steps left depend on it."""
        self._epoch = epoch
        self._epoch_images = int(self.model.images_seen)

    def on_train_batch_end(self, batch, logs=None):
        """Show the state, now and then."""
        now = time.monotonic()
        if self._looks and now - self._looks[-1][0] < self._REFRESH:
            return
        self._looks.append((now, int(self.model.images_seen)))
        if batch >= self._SETTLED or not self._logs:
            self._logs = logs
        if self._display is not None:
            [task] = self._display.task_ids
            state = {"total": self._total(batch), "completed": int(self.model.images_seen)}
            self._display.update(task, **state, description=self._state(batch))
            self._display.refresh()
        elif now - self._last_line >= self.every_seconds:
            self._last_line = now
            self._print(self._state(batch))

    def on_train_end(self, logs=None):
        """Close the line and say what the whole training took."""
        if self._display is not None:
            self._display.update(self._display.task_ids[0], visible=False)
            self._display.stop()
            self._display = None
        seconds = time.monotonic() - self._begun
        images = int(self.model.images_seen) - self._begun_images
        if not images:
            self._print("Nothing left to train.")
            return
        self._print(f"{images:,} images in {duration(seconds)}, {images / max(seconds, 1e-9):,.1f} images/s")

    def _state(self, batch: int) -> str:
        (then, images_then), (now, seen) = self._looks[0], self._looks[-1]
        total = self._total(batch)
        parts = [f"{seen:,} images" if total is None else f"{seen:,} of {total:,} images"]
        if seen > images_then:
            pace = (seen - images_then) / (now - then)
            parts.append(f"{pace:,.1f} images/s")
            if total is not None:
                parts.append(f"{duration(max(total - seen, 0) / pace)} left")
        return ", ".join([*parts, *(f"{name} {float(value):.3g}" for name, value in (self._logs or {}).items())])

    def _total(self, batch: int) -> int | None:
        """Images at the end of the training, `None` if nobody knows."""
        steps, epochs = self.params.get("steps"), self.params.get("epochs")
        if self.total_images is not None or not steps or not epochs:
            return self.total_images
        seen = self._looks[-1][1]
        step_images = (seen - self._epoch_images) / (batch + 1)
        return seen + round(step_images * (steps * (epochs - self._epoch) - batch - 1))

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """A time span in the two units that matter, such as `"1 h 29 min"`."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours < 1:
        return f"{minutes} min {seconds % 60} s" if minutes < 10 else f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if days < 1 else f"{days} d {hours % 24} h"
