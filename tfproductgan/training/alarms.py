"""What watches over a training: divergence, collapse, a discriminator that knows its photos by heart.

Keras callbacks for `ConditionalGAN.fit`. Each measures at the end of every epoch, adds its numbers to the epoch's logs
(so put them before what writes logs or checkpoints) and, when something is wrong, says so and what to do; see `OnAlarm`
for what happens then.

```python
photos = products.stream("train", batch_size=256).take(8)
gan.fit(stream, ..., callbacks=[tpg.alarms.DivergenceAlarm(), tpg.alarms.CollapseAlarm(photos), ...])
```
They hold nothing that a training depends on: what lasts, the factor of the learning rates, is part of the model.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from rich.console import Console

from tfproductgan.errors import AlarmError, RecipeError, RunError, nearest
from tfproductgan.models.pictures import to_float
from tfproductgan.training.strategies import highest_over_processes, is_chief
from tfproductgan.writing import append_json_line

ACTIONS = ("warn", "stop", "rollback")

_ROLLBACK_FACTOR = 0.5


class Finding(NamedTuple):
    """What is wrong, and what can be done: whole sentences."""

    what: str
    advice: str


@dataclasses.dataclass(frozen=True)
class OnAlarm:
    """What happens when an alarm goes off.

    - `"warn"`: it is said once and written down; the training goes on.
    - `"stop"`: `fit` ends with an `AlarmError`; nothing is saved any more.
    - `"rollback"`: the model goes back to the newest checkpoint whose weights are sound, and on from there with half
      the learning rates. The clock goes on, so the run keeps its length. A run that has gone back `max_rollbacks`
      times, or has no checkpoint yet, stops.

    Args:
        action: One of `ACTIONS`.
        checkpoints: Where to go back to: a `.keras` file, or a function that lists such files, newest last.
        log: File to which every alarm is appended, one JSON object a line; `None` for none.
        console: A rich `Console` to write to. Defaults to standard output.
        max_rollbacks: How often a model may go back, counted over its whole life.

    Raises:
        RecipeError: If the action does not exist, or there is nothing to go back to.
    """

    action: str = "warn"
    checkpoints: str | os.PathLike | Callable[[], Sequence[str | os.PathLike]] | None = None
    log: str | os.PathLike | None = None
    console: Console | None = None
    max_rollbacks: int = 3

    def __post_init__(self):
        if self.action not in ACTIONS:
            raise RecipeError(f"Unknown action on an alarm {self.action!r}: {nearest(str(self.action), ACTIONS)}")
        if self.action == "rollback" and self.checkpoints is None:
            raise RecipeError("The action 'rollback' needs checkpoints to go back to. Received: None")

    def respond(self, name: str, model: Any, finding: Finding) -> None:
        """Do what is to be done.

        Args:
            name: Which alarm it is.
            model: The model; rolled back if so desired.
            finding: What it found.

        Raises:
            AlarmError: If the training is to stop.
        """
        seen = int(model.images_seen)
        said = f"{name} at {seen:,} images: {finding.what}"
        outcome = self._roll_back(model) if self.action == "rollback" else None
        if self.action == "warn":
            action, line = "warn", f"Alarm, {said} {finding.advice}"
        elif outcome:
            action, line = "rollback", f"Alarm, {said} {outcome} If this comes again: {_lower_first(finding.advice)}"
        else:
            action = "stop"
            why = self._why_not_back(model) if self.action == "rollback" else ""
            line = f"Stopped by an alarm, {said} {finding.advice}{why}"
        if is_chief(model.distribute_strategy):
            self._write(name, seen, action, line)
            if action != "stop":
                (self.console or Console(highlight=False, soft_wrap=True)).print(line, markup=False)
        if action == "stop":
            raise AlarmError(line)

    def _roll_back(self, model):
        """Go back, and words that say so; `None` if that is not possible."""
        if _rollbacks(model) >= self.max_rollbacks:
            return None
        factor = _ROLLBACK_FACTOR * model.learning_rate_factor
        for path in reversed(self._files()):
            try:
                model.roll_back(path, factor / model.learning_rate_factor)
            except RunError:
                continue
            if not broken_weights(model):
                return (
                    f"Went back to {path.name} and goes on with half the learning rates, now "
                    f"{model.learning_rate_factor:g} of the recipe's (rollback {_rollbacks(model)} of "
                    f"{self.max_rollbacks})."
                )
        return None

    def _why_not_back(self, model):
        if _rollbacks(model) >= self.max_rollbacks:
            return f" It went back {self.max_rollbacks} times already."
        return " There is no sound checkpoint to go back to."

    def _files(self):
        if callable(self.checkpoints):
            return [Path(path) for path in self.checkpoints()]
        return [path for path in [Path(self.checkpoints)] if path.is_file()]

    def _write(self, name, images_seen, action, line):
        if self.log is None:
            return
        fact = {"images_seen": images_seen, "time": round(time.time(), 3), "alarm": name, "action": action}
        append_json_line(self.log, {**fact, "message": line})


class _Alarm(keras.callbacks.Callback):
    """Measures at every epoch's end and goes off if something was found."""

    name = "alarm"

    def __init__(self, on_alarm: OnAlarm | str):
        super().__init__()
        self.on_alarm = OnAlarm(on_alarm) if isinstance(on_alarm, str) else on_alarm
        self._rings = False

    def measure(self, logs: dict[str, Any]) -> Finding | None:
        """What is wrong, if anything; numbers of its own go into the logs."""
        raise NotImplementedError

    def on_epoch_end(self, epoch, logs=None):
        """Measure."""
        self._rings = self._settle(self.measure({} if logs is None else logs))

    def _settle(self, finding: Finding | None) -> bool:
        """Go off if something was found; whether that is so."""
        # all processes have to go back, or end, after the same step
        [found] = highest_over_processes([int(finding is not None)], self.model.distribute_strategy)
        if found and not (self._rings and self.on_alarm.action == "warn"):
            self._rings = True
            self.on_alarm.respond(self.name, self.model, finding or Finding("another worker found it.", ""))
        return bool(found)


# === Divergence ===


class DivergenceAlarm(_Alarm):
    """Goes off when a training breaks down.

    After every step: a loss that is not finite. At every epoch's end: weights or optimiser states that are not finite,
    logits that explode, a gradient penalty that has vanished or exploded.

    Args:
        on_alarm: An `OnAlarm`, or its action.
    """

    name = "divergence"

    # A discriminator this sure of its verdict, on average over an epoch, learns no more: e^-50 of a sigmoid's gradient
    # is left. Healthy trainings stay below 5.
    MAX_GAP = 50.0
    # The penalty, times its weight, against an adversarial loss of about 1: healthy trainings stay below 1
    MAX_PENALTY = 1000.0
    # Logits: a discriminator whose verdict on any two pictures there are differs by less than this is flat
    MIN_RANGE = 0.01

    def __init__(self, on_alarm: OnAlarm | str = "warn"):
        super().__init__(on_alarm)
        self._batches = 0

    def on_epoch_begin(self, epoch, logs=None):
        """Start counting: a lazy penalty may not have been due in a short epoch."""
        self._batches = 0

    def on_train_batch_end(self, batch, logs=None):
        """Look for what is not finite: from one such step on nothing is learnt."""
        self._batches += 1
        if self._settle(self._not_finite(logs or {})):
            self._batches = 0  # after a rollback the means of the epoch start again

    def measure(self, logs: dict[str, Any]) -> Finding | None:
        """See the class."""
        return (
            self._not_finite(logs)
            or self._broken_weights()
            or self._exploding_logits(logs)
            or next(filter(None, (self._penalty(penalty, logs) for penalty in self.model.penalties)), None)
        )

    def _not_finite(self, logs):
        names = [name for name, value in logs.items() if not math.isfinite(value)]
        return Finding(f"{', '.join(names)} is not a finite number.", _CALM_DOWN) if names else None

    def _broken_weights(self):
        names = broken_weights(self.model)
        if not names:
            return None
        some = ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
        return Finding(f"{some} holds numbers that are not finite.", _CALM_DOWN)

    def _exploding_logits(self, logs):
        gap, limit = abs(logs.get("logit_gap", 0.0)), self.MAX_GAP
        if self.model.adversarial_loss.name == "wasserstein":
            limit = max(limit, _diameter(self.model.schema))  # the most that slopes of 1 can come to
        if gap <= limit:
            return None
        return Finding(
            f"the logits explode: those of photos and of generated pictures lie {gap:,.0f} apart, more than "
            f"{limit:.0f}.",
            "Make the gradient penalties four times as strong (--set penalties.r1=... and r2), or lower "
            "discriminator_learning_rate.",
        )

    def _penalty(self, penalty, logs):
        value = logs.get(penalty.name)
        if value is None or not penalty.weight or self._batches < penalty.interval:
            return None
        if penalty.weight * value > self.MAX_PENALTY:
            return Finding(
                f"the penalty {penalty.name} explodes: it is {value:,.0f}, and outweighs the loss a thousand times.",
                "Lower discriminator_learning_rate, or set gradient_clip=10.",
            )
        if penalty.points in ("real", "fake"):
            # a slope of sqrt(2 value) everywhere could not change the logit by more
            flat = math.sqrt(2 * value) * _diameter(self.model.schema) < self.MIN_RANGE
        else:
            flat = abs(value - 1.0) < self.MIN_RANGE and abs(logs.get("logit_gap", 1.0)) < self.MIN_RANGE
        if not flat:
            return None
        return Finding(
            f"the penalty {penalty.name} has vanished: whatever the picture shows, the discriminator says the same.",
            "Weaken the penalties or lower discriminator_learning_rate; a discriminator of your own must not resize "
            "with operations that have no second derivative.",
        )


_CALM_DOWN = (
    "Halve both learning rates (--set generator_learning_rate=... and discriminator_learning_rate), keep "
    "gradient_clip=10, or compute with --precision float32."
)


def broken_weights(model: Any) -> list[str]:
    """Paths of the weights and optimiser states of a `ConditionalGAN` that are not finite."""
    parts = (
        model.generator,
        model.discriminator,
        model.ema_generator,
        model.generator_optimizer,
        model.discriminator_optimizer,
    )
    return [v.path for part in parts for v in part.variables if not np.isfinite(v.numpy()).all()]


def _diameter(schema):
    """The largest distance between two pictures of values in -1 to 1."""
    return 2.0 * math.sqrt(schema.image_size**2 * schema.channels)


# === Collapse ===


class CollapseAlarm(_Alarm):
    """Goes off when the generator draws the same picture whatever the seed.

    For each of the most frequent conditions it compares how much pictures of `num_seeds` fixed seeds differ with how
    much photos with these conditions do: the mean distance of pairs, on pictures made 8 pixels wide and high, so that
    noise does not count as variety. Logged as `diversity`, the median of the ratios, and `diversity_lowest`. About 1
    is right. It is measured on the generator itself: the averaged one would follow too late to go back in time.

    Args:
        photos: Batches `{"images": uint8 [B, S, S, C], "conditions": int32 [B, A]}`, such as
            `products.stream("train", batch_size=256).take(8)`; read once.
        on_alarm: An `OnAlarm`, or its action.
        num_conditions: How many conditions are watched.
        min_photos: A condition with fewer photos is not watched, since their variety is not known.
        num_seeds: Number of seeds.
        after_images: Images before which it does not go off: a new generator has yet to learn what latents are for.

    Raises:
        RecipeError: When training begins, if no condition has enough photos.
    """

    name = "collapse"

    # k pictures drawn equally often are 1 - 1/k as diverse as the photos they were drawn from: one picture gives 0, two
    # give 1/2. Halfway between is far below what healthy trainings show (0.6 to 1 from the first epoch on) and what
    # chance does to it (0.1).
    THRESHOLD = 0.25
    # One condition alone is measured less surely: 0.2 was seen in passing in a healthy training
    LOWEST = 0.1
    # Photos that differ by less than a grey level are one photo: there is no variety to lose
    MIN_REAL = 1 / 255

    def __init__(
        self,
        photos: Iterable[Mapping[str, Any]],
        on_alarm: OnAlarm | str = "warn",
        num_conditions: int = 12,
        min_photos: int = 8,
        num_seeds: int = 32,
        after_images: int = 10_000,
    ):
        super().__init__(on_alarm)
        self.photos = photos
        self.num_conditions = num_conditions
        self.min_photos = min_photos
        self.num_seeds = num_seeds
        self.after_images = after_images

    def on_train_begin(self, logs=None):
        """Measure the photos, the first time."""
        if not self.diversity_of_photos:
            raise RecipeError(
                f"The alarm for collapse found no condition with {self.min_photos} different photos or more. Give it "
                "more photos or lower min_photos."
            )

    @functools.cached_property
    def diversity_of_photos(self) -> dict[tuple[int, ...], float]:
        """Of each watched condition, how much its photos differ; the most frequent conditions first."""
        features: dict[tuple[int, ...], list[np.ndarray]] = collections.defaultdict(list)
        for batch in self.photos:
            coarse = _coarse(np.asarray(batch["images"], np.float32) / 255.0)
            for row, feature in zip(np.asarray(batch["conditions"]), coarse, strict=True):
                features[tuple(int(i) for i in row)].append(feature)
        frequent = sorted(features.items(), key=lambda item: (-len(item[1]), item[0]))[: self.num_conditions]
        # 64 photos tell enough, and pairs grow with their square
        measured = {ids: _diversity(np.stack(rows[:64])) for ids, rows in frequent if len(rows) >= self.min_photos}
        return {ids: value for ids, value in measured.items() if value >= self.MIN_REAL}

    def measure(self, logs: dict[str, Any]) -> Finding | None:
        """See the class."""
        latents = self.model.draw_latents(range(self.num_seeds))
        photos = self.diversity_of_photos
        ratios = {ids: self._diversity_of_pictures(latents, ids) / photos[ids] for ids in photos}
        worst = min(ratios, key=ratios.get)
        logs["diversity"], logs["diversity_lowest"] = float(np.median(list(ratios.values()))), ratios[worst]
        if int(self.model.images_seen) < self.after_images or not math.isfinite(logs["diversity"]):
            return None  # of what is not finite the alarm for divergence tells more
        if logs["diversity"] < self.THRESHOLD:
            what = f"the generator draws nearly the same picture whatever the seed, {logs['diversity']:.2f} times as"
        elif ratios[worst] < self.LOWEST:
            what = f"of {self._name(worst)} the generator draws nearly one picture only, {ratios[worst]:.2f} times as"
        else:
            return None
        return Finding(
            f"{what} diverse as the photos.",
            "Make the gradient penalties four times as strong (--set penalties.r1=... and r2), lower both learning "
            "rates, or give it more photos of each condition.",
        )

    def _diversity_of_pictures(self, latents, ids):
        rows = np.tile(np.array(ids, np.int32), (self.num_seeds, 1))
        pictures = self.model.generator({"latents": latents, "conditions": rows}, training=False)
        return _diversity(_coarse(np.clip(keras.ops.convert_to_numpy(pictures).astype(np.float32) / 2 + 0.5, 0, 1)))

    def _name(self, ids):
        return ", ".join(self.model.schema.decode(ids).values()) or "everything"


def _coarse(images):
    """`[N, H, W, C]` averaged to 8 rows and columns at most, `[N, values]`."""
    rows, columns = (_averaging(size, min(size, 8)) for size in images.shape[1:3])
    return np.einsum("ih,nhwc,jw->nijc", rows, images, columns, optimize=True).reshape(len(images), -1)


def _averaging(size, cells):
    """A matrix that averages `size` pixels in equal cells; pixels on an edge count in both by their shares."""
    edges = np.linspace(0, size, cells + 1)
    pixels = np.arange(size)
    overlap = np.minimum(pixels + 1, edges[1:, None]) - np.maximum(pixels, edges[:-1, None])
    return (np.maximum(overlap, 0.0) * cells / size).astype(np.float32)


def _diversity(features):
    """The mean distance between two of `[N, values]`: the root of the mean square of their differences."""
    differences = features[:, None] - features[None]
    distances = np.sqrt(np.mean(np.square(differences), axis=-1))
    return float(distances.sum() / (len(features) * (len(features) - 1)))


# === Overfitting ===


class OverfittingAlarm(_Alarm):
    """Goes off when the discriminator knows the photos it is trained on by heart.

    Then it takes photos it has never seen for generated ones, and what it teaches the generator is no longer what
    products look like. Measured is by how much photos are ahead of pictures of the generator with the same conditions:
    r_v = 1 - (lead of validation photos) / (lead of training photos), 0 if it rates both alike, 1 if unseen photos are
    no better than generated ones. Logged as `overfitting`. A lead does not change when all logits are shifted, so
    relativistic losses can be measured too.

    Args:
        train: Batches of photos that are trained on, such as `products.stream("train", batch_size=256).take(2)`;
            read once.
        validation: Batches of photos that are not.
        on_alarm: An `OnAlarm`, or its action.

    Reference:
        Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", equation 1.
    """

    name = "overfitting"

    # The paper adapts augmentation best to r_v = 0.5: a training at that value is not yet sick. Measured with some
    # hundred photos it wavers by 0.1.
    THRESHOLD = 0.6
    # Leads must stand out from chance by so many standard errors
    CERTAINTY = 3.0

    def __init__(
        self,
        train: Iterable[Mapping[str, Any]],
        validation: Iterable[Mapping[str, Any]],
        on_alarm: OnAlarm | str = "warn",
    ):
        super().__init__(on_alarm)
        self.train = train
        self.validation = validation
        self._photos: list[list[Mapping[str, np.ndarray]]] | None = None

    def on_train_begin(self, logs=None):
        """Read the photos, the first time."""
        if self._photos is None:
            self._photos = [
                [{name: np.asarray(values) for name, values in batch.items()} for batch in batches]
                for batches in (self.train, self.validation)
            ]

    def measure(self, logs: dict[str, Any]) -> Finding | None:
        """See the class."""
        trained, unseen = (self._leads(batches) for batches in self._photos)
        ahead, difference = trained.mean(), trained.mean() - unseen.mean()
        error = math.sqrt(trained.var() / len(trained) + unseen.var() / len(unseen))
        # one that cannot tell its own photos from generated ones knows none by heart
        logs["overfitting"] = float(difference / ahead) if ahead > self.CERTAINTY * error else 0.0
        if not (logs["overfitting"] > self.THRESHOLD and difference > self.CERTAINTY * error):
            return None
        # see the documentation: pairs are told apart more surely than a zero is passed
        target = 0.6 if self.model.adversarial_loss.boundary is not None else 0.9
        return Finding(
            "the discriminator knows its photos by heart: photos it has not seen are hardly ahead of generated ones "
            f"(r_v {logs['overfitting']:.2f}).",
            'More photos help most. Otherwise let augmentation adapt (--set \'augmentation=["flip","translation",'
            f'"cutout"]\' --set augmentation_target={target}), or end here.',
        )

    def _leads(self, batches):
        """By how much the logit of each photo is above that of a generated picture with the same conditions."""
        leads, first = [], 0
        for batch in batches:
            rows = batch["conditions"]
            latents = self.model.draw_latents(range(first, first + len(rows)))
            first += len(rows)
            pictures = self.model.generator({"latents": latents, "conditions": rows}, training=False)
            real, fake = (
                keras.ops.convert_to_numpy(self.model.discriminator({"images": i, "conditions": rows}, training=False))
                for i in (to_float(batch["images"]), pictures)
            )
            leads.append((real.astype(np.float64) - fake).ravel())
        return np.concatenate(leads)


# === All of them ===

_BATCH = 256
_PHOTOS = 2048  # for the variety of conditions
_JUDGED = 512  # for r_v
_LEAST_JUDGED = 64


def watch(
    catalogue: Any,
    action: str | None = None,
    seed: int = 0,
    **options: Any,
) -> list[keras.callbacks.Callback]:
    """The alarms for a training on a catalogue, those that its photos are enough for.

    Args:
        catalogue: A `Catalogue`.
        action: What happens when one goes off. By default a training that breaks down is rolled back and the other
            alarms warn: few photos overfit any discriminator, and pictures may still get better for long.
        seed: Decides which photos are looked at.
        **options: `checkpoints`, `log`, `console` and `max_rollbacks` of `OnAlarm`.

    Returns:
        Callbacks, to be put before those that write logs or checkpoints.
    """
    strict, mild = (OnAlarm(action or default, **options) for default in ("rollback", "warn"))

    def photos(split, count):
        size = catalogue.size(split)
        batch = min(_BATCH, size)
        return catalogue.stream(split, batch_size=batch, seed=seed).take(min(count, size) // batch)

    alarms: list[keras.callbacks.Callback] = [DivergenceAlarm(strict)]
    collapse = CollapseAlarm(photos("train", _PHOTOS), mild)
    if collapse.diversity_of_photos:
        alarms.append(collapse)
    if catalogue.size("validation") >= _LEAST_JUDGED:
        alarms.append(OverfittingAlarm(photos("train", _JUDGED), photos("validation", _JUDGED), mild))
    return alarms


def _rollbacks(model):
    """How often a model has gone back: its factor of the learning rates knows."""
    return round(math.log(model.learning_rate_factor, _ROLLBACK_FACTOR))


def _lower_first(text):
    return text[:1].lower() + text[1:]
