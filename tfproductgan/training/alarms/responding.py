"""What an alarm is, and what happens when one goes off."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from rich.console import Console

from tfproductgan.errors import AlarmError, RecipeError, RunError, nearest
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
        """Do what is to be done about what the alarm of that name has found in a model.

        Raises:
            AlarmError: If the training is to stop.
        """
        seen = int(model.images_seen)
        said = f"{name} at {seen:,} images: {finding.what}"
        action, line, why = self.action, f"Alarm, {said} {finding.advice}", ""
        if action == "rollback":
            action, why = self._roll_back(model)
            advice = finding.advice[:1].lower() + finding.advice[1:]
            line = f"Alarm, {said} {why} If this comes again: {advice}"
        if action == "stop":
            line = f"Stopped by an alarm, {said} {finding.advice} {why}".rstrip()
        if is_chief(model.distribute_strategy):
            if self.log is not None:
                fact = {"images_seen": seen, "time": round(time.time(), 3), "alarm": name, "action": action}
                append_json_line(self.log, {**fact, "message": line})
            if action != "stop":
                (self.console or Console(highlight=False, soft_wrap=True)).print(line, markup=False)
        if action == "stop":
            raise AlarmError(line)

    def _roll_back(self, model: Any) -> tuple[str, str]:
        """Go back if that is possible; what is to be done now, and words for it."""
        if _rollbacks(model) >= self.max_rollbacks:
            return "stop", f"It went back {self.max_rollbacks} times already."
        factor = _ROLLBACK_FACTOR * model.learning_rate_factor
        files = self.checkpoints() if callable(self.checkpoints) else [self.checkpoints]
        for path in reversed([Path(file) for file in files]):
            try:
                model.roll_back(path, factor / model.learning_rate_factor)
            except RunError:
                continue
            if not broken_weights(model):
                return "rollback", (
                    f"Went back to {path.name} and goes on with half the learning rates, now "
                    f"{model.learning_rate_factor:g} of the recipe's (rollback {_rollbacks(model)} of "
                    f"{self.max_rollbacks})."
                )
        return "stop", "There is no sound checkpoint to go back to."


class Alarm(keras.callbacks.Callback):
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


def broken_weights(model: Any) -> list[str]:
    """Paths of the weights and optimiser states of a `TrainingModel` that are not finite."""
    parts = (*model.networks().values(), *model.averages().values(), *model.optimizers().values())
    return [v.path for part in parts for v in part.variables if not np.isfinite(v.numpy()).all()]


def _rollbacks(model):
    """How often a model has gone back: its factor of the learning rates knows."""
    return round(math.log(model.learning_rate_factor, _ROLLBACK_FACTOR))
