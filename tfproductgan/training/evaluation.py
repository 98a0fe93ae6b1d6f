"""Judging the averaged generator while it trains: figures on photos held out, at a cost that is measured and bounded.

A Keras callback. What it finds goes into the epoch's logs as `val_fid`, `val_kid` and `val_attribute_accuracy`, so that
every callback after it sees them: `JsonLines`, `TensorBoard`, `EarlyStopping`, `ModelCheckpoint`.

```python
gan.fit(stream, ..., callbacks=[Evaluation(products), keras.callbacks.EarlyStopping("val_fid", mode="min", patience=5)])
```
It holds nothing that a training depends on: weights are the same with and without it.
"""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
from rich.console import Console

from tfproductgan.errors import JudgementError, RecipeError, RunError
from tfproductgan.metrics.attribute_accuracy import value_by_value
from tfproductgan.metrics.classifier import CatalogueClassifier, catalogue_classifier
from tfproductgan.metrics.counterparts import Counterparts
from tfproductgan.metrics.distances import frechet_distance_of, kernel_distance, least_pictures
from tfproductgan.metrics.extractors import get_extractor
from tfproductgan.metrics.judge import Judge, blas_threads
from tfproductgan.training.callbacks import check_interval, duration
from tfproductgan.training.strategies import is_chief
from tfproductgan.writing import read_json, read_json_lines, write_json

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.metrics.feature_extractor import FeatureExtractor

SHARE = 0.1
"""Share of the training's time that evaluations may take, unless it is said how often they come."""

NUM_SAMPLES = 1024
FEWEST = 100
"""With fewer photos held out there is nothing to evaluate on."""

EVALUATED = ("val_fid", "val_kid", "val_attribute_accuracy")
"""What an evaluation finds; the last only if the extractor knows the catalogue's attributes."""

_KID_SUBSETS = 10
_ANNOUNCED_AFTER = 20  # steps; the first is much longer than the others


class Evaluation(keras.callbacks.Callback):
    """Evaluates at ends of epochs: figures of the averaged generator on photos held out.

    Put it before those that write logs or checkpoints. Samples are asked for with the labels of photos held out and
    have the same seeds each time, so figures of one training can be compared with each other; they are those
    that `judge` gives for as many samples.

    Args:
        catalogue: A `Catalogue` with photos to validate on.
        every_images: Images between two evaluations, which come at the ends of epochs. By default at every epoch's
            end, or as often as keeps them within a tenth of the training's time: measured by the first one.
        extractor: Whose features are compared; see `tfproductgan.metrics.extractors`.
        n: Number of samples. Defaults to 1024, or as many as there are photos if these are fewer.
        seed: Seed of the first sample, and decides whose labels are taken.
        record: JSON file of what is measured and how often; a training that goes on reads it and keeps to it.
        history: The training's `metrics.jsonl`, to know of evaluations before it was stopped.
        console: A rich `Console` to write to. Defaults to standard output.

    Raises:
        RecipeError: If `every_images` is less than 1.
        JudgementError: If too few photos are held out, or the extractor cannot be had.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        every_images: int | None = None,
        extractor: str | FeatureExtractor = "catalogue",
        n: int | None = None,
        seed: int = 0,
        record: str | os.PathLike | None = None,
        history: str | os.PathLike | None = None,
        console: Console | None = None,
    ):
        super().__init__()
        check_interval(every_images)
        check_photos(catalogue, extractor)
        size = catalogue.size("validation")
        self.catalogue = catalogue
        self.seed = seed
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.record = Path(record) if record else None
        self.history = Path(history) if history else None
        self.n = min(n or NUM_SAMPLES, size)
        self._is_bounded = every_images is None
        self._every = every_images
        begun = time.monotonic()
        self.extractor = announced_extractor(extractor, catalogue, self.console)
        self._readied = time.monotonic() - begun
        # what knows the attributes recognises them in the same pass
        knows = isinstance(self.extractor, CatalogueClassifier)
        self._parts = frozenset({"distances", "attributes"} if knows else {"distances"})
        self._judge = Judge(catalogue, self.extractor, "validation")
        self._photos: np.ndarray | None = None
        protocol = f"{self.extractor.id}, n={self.n}, split=validation, seed={seed}"
        # name in logs to full name
        self.figures = {"val_fid": f"fid@{protocol}", "val_kid": f"kid@{protocol}"}
        if knows:
            self.figures["val_attribute_accuracy"] = f"attribute accuracy@{protocol}"

    # === When ===

    def on_train_begin(self, logs=None):
        """Find out what was evaluated before, and prepare what all evaluations share."""
        self._spent, self._count, self._begun, self._first_seen = 0.0, 0, None, 0
        if not is_chief(self.model.distribute_strategy):
            return
        past = past_values(self.history, "val_kid", int(self.model.images_seen))
        self._last = past[-1][0] if past else None
        self._every = self._every or self._recorded_interval()
        if self._photos is None:
            self._prepare()
        self._write_record()
        few = min(self.n, len(self._photos)) < least_pictures("fid", self.extractor.dim)
        self._say(
            f"Evaluates on {len(self._photos):,} validation photos: {'; '.join(self.figures.values())}."
            + few * " With so few, fid can be compared within this training only."
        )

    def on_train_batch_end(self, batch, logs=None):
        """Start the clock after the first step, which takes much longer than the others."""
        if self._begun is None:
            self._begun, self._first_seen = time.monotonic(), int(self.model.images_seen)

    def on_epoch_end(self, epoch, logs=None):
        """Evaluate, if it is time to."""
        seen = int(self.model.images_seen)
        is_last = epoch + 1 == self.params.get("epochs")
        if not is_chief(self.model.distribute_strategy) or not (self._is_due(seen) or is_last):
            return
        begun = time.monotonic()
        logs.update(self._measure())
        seconds = time.monotonic() - begun
        trained = begun - self._begun - self._spent
        self._spent += seconds
        self._count += 1
        self._last = seen
        if self._every is None:
            self._choose_interval(seconds, trained, seen)

    def on_train_end(self, logs=None):
        """Say what it cost."""
        if self._count:
            share = self._spent / max(time.monotonic() - self._begun, 1e-9)
            self._say(
                f"{self._count} evaluation{'s' * (self._count > 1)} took {duration(self._spent)}, "
                f"{100 * share:.0f} % of the time; to get {self.extractor.id} ready took {duration(self._readied)} "
                "before, which is not in it."
            )

    def _is_due(self, seen):
        if self._is_bounded and self._last is None:
            return True  # the first says what they cost
        return self._every is None or seen - (self._last or 0) >= self._every

    def _choose_interval(self, seconds, trained, seen):
        """So many images between evaluations that they stay within their share of the time; chosen once."""
        steps = self.params.get("steps") or 1
        images = max(seen - self._first_seen, 1)
        # nothing was trained between the first step and the end of an epoch of one step
        needed = seconds / SHARE / max(trained / images, 1e-9) if trained > 0 else 0
        epoch = max(steps * self.model.images_seen // max(self.model.step, 1), 1)
        self._every = int(epoch * max(1, math.ceil(needed / epoch)))
        self._write_record()
        said = f"An evaluation takes {seconds:.1f} s"
        if self._every > epoch:
            said += f", so they come every {self._every:,} images to stay within {100 * SHARE:.0f} % of the time"
        self._say(f"{said}.")

    def _recorded_interval(self):
        try:
            return read_json(self.record)["every_images"] if self.record else None
        except (RunError, KeyError, TypeError):
            return None

    def _write_record(self):
        if self.record is not None:
            data = {"every_images": self._every, "figures": self.figures}
            data |= {"extractor_sha256": self.extractor.sha256, "catalogue": self.catalogue.fingerprint}
            write_json(self.record, data)

    def _say(self, line):
        self.console.print(line, markup=False)

    # === What ===

    def _prepare(self):
        """Everything that does not change: features of the photos, and what samples are asked for."""
        self._photos = self._judge.photos(self._parts).features
        rows = self._judge.rows(self.n, self.seed)
        self._counterparts = Counterparts(self.model, self.catalogue, "validation")
        self._asked, self._requests = self._judge.conditions[rows], self._counterparts.requests(rows, self.seed)
        self._counterparts.draw(self._requests[:1])  # makes the graph, which is no part of what an evaluation costs

    def _measure(self) -> dict[str, float]:
        looks = self._judge.look([self._counterparts.draw(self._requests)], self._asked, self._parts)
        sides = self._photos, looks.features
        with blas_threads(self.extractor.dim):
            found = {
                "val_fid": frechet_distance_of(*sides, force=True),
                "val_kid": kernel_distance(*sides, num_subsets=_KID_SUBSETS, seed=self.seed).value,
            }
        if "attributes" in self._parts:
            slices = self.catalogue.schema.slices
            pairs = [value_by_value(self._asked[:, each], looks.recognised[:, each]) for each in slices]
            right = np.concatenate([ids == seen for ids, seen in pairs])
            found["val_attribute_accuracy"] = float(np.mean(right)) if len(right) else 0.0
        return found


class StopWithoutProgress(keras.callbacks.EarlyStopping):
    """Keras's `EarlyStopping` on `val_fid` for runs: it counts evaluations, those before a stop of the run included.

    `history` is the training's `metrics.jsonl`.

    Raises:
        RecipeError: If `patience` is less than 1.
    """

    def __init__(self, patience: int, history: str | os.PathLike, console: Console):
        if patience < 1:
            raise RecipeError(f"patience is a number of evaluations from 1. Received: {patience}")
        super().__init__("val_fid", mode="min", patience=patience)
        self.history, self.console = Path(history), console

    def has_run_out(self, images_seen: int) -> bool:
        """Whether a training that has seen so many images had stopped."""
        return _without_progress(self._past(images_seen)) >= self.patience

    def on_train_begin(self, logs=None):
        """Count on from where a run was stopped."""
        super().on_train_begin(logs)
        past = self._past(int(self.model.images_seen))
        if past:
            self.best, self.wait = min(past), _without_progress(past)

    def on_epoch_end(self, epoch, logs=None):
        """Count, if there was an evaluation."""
        if self.monitor in (logs or {}):
            super().on_epoch_end(epoch, logs)
            if self.wait >= self.patience:
                self.console.print(self.verdict, markup=False)

    @property
    def verdict(self) -> str:
        """Why there is nothing more to train."""
        return f"Stopped: the last {self.patience} evaluations brought no lower val_fid (patience {self.patience})."

    def _past(self, images_seen):
        return [value for _, value in past_values(self.history, self.monitor, images_seen)]


def _without_progress(values):
    """How many values have come since the lowest."""
    return len(values) - 1 - int(np.argmin(values)) if values else 0


def check_photos(catalogue: Catalogue, extractor: str | FeatureExtractor = "catalogue") -> None:
    """Refuse a catalogue that cannot be evaluated on.

    Raises:
        JudgementError: If fewer than 100 photos are held out for validation, or a classifier has no labels to learn.
    """
    size = catalogue.size("validation")
    if size < FEWEST:
        raise JudgementError(
            f"Evaluating while training needs {FEWEST} or more photos held out for validation. Received: {size}"
        )
    if extractor == "catalogue" and not catalogue.schema.attributes:
        raise JudgementError(
            "These photos have no labels for a classifier to learn, and it is what judges pictures while training. "
            "Train without, and evaluate with another extractor afterwards."
        )


def past_values(path: Path | None, name: str, at_most: int) -> list[tuple[int, float]]:
    """What a `metrics.jsonl` says of one value, up to so many images seen: (images seen, value), oldest first."""
    lines = read_json_lines(path) if path else []
    seen = [(line["images_seen"], line.get(name)) for line in lines if "images_seen" in line]
    return [(int(images), float(value)) for images, value in seen if images <= at_most and value is not None]


def announced_extractor(
    extractor: str | FeatureExtractor,
    catalogue: Catalogue,
    console: Console,
    path: str | None = None,
    sha256: str | None = None,
) -> FeatureExtractor:
    """An extractor, as `get_extractor` has it; how long it takes to train the catalogue's classifier is said."""
    if not isinstance(extractor, str):
        return extractor
    if extractor == "catalogue":
        return catalogue_classifier(catalogue, progress=_announcement(console))
    return get_extractor(extractor, catalogue, path, sha256)


def _announcement(console):
    """What says once, after a few steps, how long the classifier will take; nothing if it was kept from before."""
    begun = 0.0

    def progress(done, total):
        nonlocal begun
        if done == 1:
            begun = time.monotonic()
        elif done == _ANNOUNCED_AFTER:
            left = duration((time.monotonic() - begun) / (done - 1) * (total - done))
            said = f"Trains the classifier that judges pictures, once for these photos: about {left}."
            console.print(said, markup=False)

    return progress
