"""Judging the averaged generator while it trains: figures on photos held out, at a cost that is measured and bounded.

A Keras callback. What it finds goes into the epoch's logs under the names in `EVALUATED`, so that every callback after
it sees them: `JsonLines`, `TensorBoard`, `EarlyStopping`, `ModelCheckpoint`.

```python
stop = keras.callbacks.EarlyStopping("val_distance", mode="min", patience=5)
gan.fit(stream, ..., callbacks=[Evaluation(products), stop])
```
It holds nothing that a training depends on: weights are the same with and without it.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
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
from tfproductgan.metrics.extractors import default_extractor, get_extractor
from tfproductgan.metrics.judge import Judge, Observations, blas_threads
from tfproductgan.metrics.views import both_views, contradiction
from tfproductgan.training.callbacks import check_interval, duration
from tfproductgan.training.strategies import is_chief
from tfproductgan.writing import read_json, read_json_lines, write_json

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.conditions import ConditionSchema
    from tfproductgan.metrics.feature_extractor import FeatureExtractor

SHARE = 0.1
"""Share of the training's time that evaluations may take, unless it is said how often they come."""

NUM_SAMPLES = 1024
FEWEST = 100
"""With fewer photos held out there is nothing to evaluate on."""

EVALUATED = ("val_fid", "val_look", "val_distance", "val_kid", "val_attribute_accuracy")
"""What an evaluation finds: the distance of either view and their geometric mean; the last only if the extractor knows
the catalogue's attributes. Photos without labels have `val_look`, and it is the distance."""

_KID_SUBSETS = 10
_MARGIN = 1.05  # either way: two distances of one training that differ by less say nothing
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
        extractor: Whose features are compared; by default `default_extractor` says. `texture` looks beside it.
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
        extractor: str | FeatureExtractor | None = None,
        n: int | None = None,
        seed: int = 0,
        record: str | os.PathLike | None = None,
        history: str | os.PathLike | None = None,
        console: Console | None = None,
    ):
        super().__init__()
        check_interval(every_images)
        check_photos(catalogue)
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
        self._judge = Judge(catalogue, self.extractor, "validation")
        parts = {"look"}
        if self._judge.texture is not self.extractor:
            parts.add("distances")
        if isinstance(self.extractor, CatalogueClassifier):
            parts.add("attributes")  # recognised in the same pass
        self._parts = frozenset(parts)
        self._photos: Observations | None = None
        self.figures = self._full_names()

    def _full_names(self) -> dict[str, str]:
        """Name in logs to the name that says how it was measured."""
        first, second = self.extractor.id, self._judge.texture.id
        measured = {"val_look": f"look@{second}", "val_distance": f"look@{second}"}
        if "distances" in self._parts:
            measured |= {"val_fid": f"fid@{first}", "val_kid": f"kid@{first}"}
            measured["val_distance"] = f"distance@{first}+{second}"
        if "attributes" in self._parts:
            measured["val_attribute_accuracy"] = f"attribute accuracy@{first}"
        return {name: f"{measured[name]}, {self._protocol}" for name in EVALUATED if name in measured}

    @property
    def _protocol(self):
        return f"n={self.n}, split=validation, seed={self.seed}"

    # === When ===

    def on_train_begin(self, logs=None):
        """Find out what was evaluated before, and prepare what all evaluations share."""
        self._spent, self._count, self._begun, self._first_seen = 0.0, 0, None, 0
        if not is_chief(self.model.distribute_strategy):
            return
        past = past_evaluations(self.history, int(self.model.images_seen))
        self._last = int(past[-1]["images_seen"]) if past else None
        every, recorded = self._recorded()
        others = [
            (recorded[name], now) for name, now in self.figures.items() if past and recorded.get(name, now) != now
        ]
        seen_twice = [values for values in past if _has_both_views(values) and not others]
        self._best = min(seen_twice, key=lambda values: values["val_distance"], default=None)
        self._disagreed = False
        # other figures take another time
        self._every = self._every or (every if recorded.keys() == self.figures.keys() else None)
        if self._photos is None:
            self._prepare()
        self._write_record()
        for before, now in others:
            self._say(
                f"Before this stop {before} was measured, from now on {now}: the two cannot be compared, and the best "
                "checkpoint and --patience may hold on to what came before."
            )
        size = len(self._photos.features)
        dims = self.extractor.dim, self._judge.texture.dim
        few = min(self.n, size) < max(least_pictures("fid", dim) for dim in dims)
        unlabelled = not self.catalogue.schema.attributes
        named = dict.fromkeys(name.removesuffix(f", {self._protocol}") for name in self.figures.values())
        self._say(
            f"Evaluates on {size:,} validation photos: {'; '.join(named)}, {self._protocol}."
            + few * " With so few, distances can be compared within this training only."
            + unlabelled * " These photos have no labels, so only how pictures look is seen."
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
        found = self._measure()
        logs.update(found)
        seconds = time.monotonic() - begun
        trained = begun - self._begun - self._spent
        self._spent += seconds
        self._count += 1
        self._last = seen
        if self._every is None:
            self._choose_interval(seconds, trained, seen)
        if _has_both_views(found):
            self._compare_views({"images_seen": seen, **found})

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

    def _recorded(self):
        """The interval that was chosen before, and how each figure was measured; nothing where that cannot be read."""
        try:
            record = read_json(self.record) if self.record else {}
            return record["every_images"], dict(record["figures"])
        except (RunError, KeyError, TypeError, ValueError):
            return None, {}

    def _write_record(self):
        if self.record is not None:
            data = {"every_images": self._every, "figures": self.figures}
            data |= {"extractor_sha256": self.extractor.sha256, "catalogue": self.catalogue.fingerprint}
            write_json(self.record, data)

    def _say(self, line):
        self.console.print(line, markup=False)

    def _compare_views(self, now):
        """Say where the views disagree about this generator and the best before, once until they agree again."""
        best = self._best
        if best is not None:
            shown, look = ([_around(each[name]) for each in (best, now)] for name in ("val_fid", "val_look"))
            better = contradiction(shown, look)
            if better is not None and not self._disagreed:
                verdicts = ("worse", "better")[better], ("better", "worse")[better]
                fid, look = (f"{best[name]:.4g} to {now[name]:.4g}" for name in ("val_fid", "val_look"))
                self._say(
                    f"The two views disagree about this generator and the best before, of {best['images_seen']:,} "
                    f"images: it is {verdicts[0]} in what is shown (val_fid {fid}) and {verdicts[1]} in how it looks "
                    f"(val_look {look}). val_distance weighs both alike; look at the grids."
                )
            self._disagreed = better is not None
        if best is None or now["val_distance"] < best["val_distance"]:
            self._best = now

    # === What ===

    def _prepare(self):
        """Everything that does not change: features of the photos, and what samples are asked for."""
        self._photos = self._judge.photos(self._parts)
        rows = self._judge.rows(self.n, self.seed)
        self._counterparts = Counterparts(self.model, self.catalogue, "validation")
        self._asked, self._requests = self._judge.conditions[rows], self._counterparts.requests(rows, self.seed)
        self._counterparts.draw(self._requests[:1])  # makes the graph, which is no part of what an evaluation costs

    def _measure(self) -> dict[str, float]:
        looks = self._judge.look([self._counterparts.draw(self._requests)], self._asked, self._parts)
        with blas_threads(self._judge.texture.dim):
            look = frechet_distance_of(self._photos.textures, looks.textures, force=True)
        found = {"val_look": look, "val_distance": look}
        if "distances" in self._parts:
            sides = self._photos.features, looks.features
            with blas_threads(self.extractor.dim):
                found["val_fid"] = frechet_distance_of(*sides, force=True)
                found["val_kid"] = kernel_distance(*sides, num_subsets=_KID_SUBSETS, seed=self.seed).value
            found["val_distance"] = both_views(found["val_fid"], look)
        if "attributes" in self._parts:
            slices = self.catalogue.schema.slices
            pairs = [value_by_value(self._asked[:, each], looks.recognised[:, each]) for each in slices]
            right = np.concatenate([ids == seen for ids, seen in pairs])
            found["val_attribute_accuracy"] = float(np.mean(right)) if len(right) else 0.0
        return {name: found[name] for name in self.figures}


class StopWithoutProgress(keras.callbacks.EarlyStopping):
    """Keras's `EarlyStopping` on `ranked_by` for runs: it counts evaluations, those before a stop of the run included.

    `history` is the training's `metrics.jsonl`.

    Raises:
        RecipeError: If `patience` is less than 1.
    """

    def __init__(self, patience: int, history: str | os.PathLike, console: Console):
        if patience < 1:
            raise RecipeError(f"patience is a number of evaluations from 1. Received: {patience}")
        super().__init__(ranked_by(Path(history)), mode="min", patience=patience)
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
        return (
            f"Stopped: the last {self.patience} evaluations brought no lower {self.monitor} (patience {self.patience})."
        )

    def _past(self, images_seen):
        past = past_evaluations(self.history, images_seen)
        return [values[self.monitor] for values in past if values.get(self.monitor) is not None]


def _without_progress(values):
    """How many values have come since the lowest."""
    return len(values) - 1 - int(np.argmin(values)) if values else 0


def check_photos(catalogue: Catalogue) -> None:
    """Refuse a catalogue that cannot be evaluated on.

    Raises:
        JudgementError: If fewer than 100 photos are held out for validation.
    """
    size = catalogue.size("validation")
    if size < FEWEST:
        raise JudgementError(
            f"Evaluating while training needs {FEWEST} or more photos held out for validation. Received: {size}"
        )


def evaluated(schema: ConditionSchema) -> tuple[str, ...]:
    """What an evaluation of photos finds by their default extractor."""
    return EVALUATED if schema.attributes else ("val_look", "val_distance")


def past_evaluations(path: Path | None, at_most: float = math.inf) -> list[Mapping[str, float]]:
    """Lines of a `metrics.jsonl` with an evaluation, up to so many images seen, oldest first."""
    lines = read_json_lines(path) if path else []
    known = [line for line in lines if any(line.get(name) is not None for name in EVALUATED)]
    return [line for line in known if line.get("images_seen", math.inf) <= at_most]


def ranked_by(history: Path) -> str:
    """What tells the checkpoints of a run apart unless told otherwise: `val_distance`.

    A run that was evaluated before there was a second view goes on by `val_fid`, which all its evaluations have.
    """
    return "val_fid" if any("val_distance" not in values for values in past_evaluations(history)) else "val_distance"


def _has_both_views(values):
    return all(values.get(name) is not None for name in ("val_fid", "val_look", "val_distance"))


def _around(value):
    return value / _MARGIN, value * _MARGIN


def announced_extractor(
    extractor: str | FeatureExtractor | None,
    catalogue: Catalogue,
    console: Console,
    path: str | None = None,
    sha256: str | None = None,
) -> FeatureExtractor:
    """An extractor, as `get_extractor` has it, or the default; how long its classifier takes to train is said."""
    extractor = extractor or default_extractor(catalogue)
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
