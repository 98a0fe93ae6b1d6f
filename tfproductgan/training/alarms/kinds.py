"""Which alarms watch over which kind of model; `tfproductgan.registry` names these functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from tfproductgan.registry import Kind
from tfproductgan.training.alarms.collapse import CollapseAlarm
from tfproductgan.training.alarms.divergence import DivergenceAlarm
from tfproductgan.training.alarms.overfitting import OverfittingAlarm
from tfproductgan.training.alarms.responding import OnAlarm

_BATCH = 256
_PHOTOS = 2048  # for the variety of conditions
_JUDGED = 512  # for r_v
_LEAST_JUDGED = 64

Alarms = list[keras.callbacks.Callback]
Photos = Callable[[str, int], Any]


def alarms_of(kind: Kind, catalogue: Any, action: str | None = None, seed: int = 0, **options: Any) -> Alarms:
    """The alarms for a training on a catalogue, those that its photos are enough for.

    Args:
        kind: Kind of the model.
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

    return [DivergenceAlarm(strict), *kind.find("alarms")(catalogue, photos, mild)]


def no_more_alarms(catalogue: Any, photos: Photos, on_alarm: OnAlarm) -> Alarms:
    """None but those that every kind has."""
    return []


def sampler_alarms(catalogue: Any, photos: Photos, on_alarm: OnAlarm) -> Alarms:
    """Whether pictures differ from seed to seed."""
    collapse = CollapseAlarm(photos("train", _PHOTOS), on_alarm)
    return [collapse] if collapse.diversity_of_photos else []


def gan_alarms(catalogue: Any, photos: Photos, on_alarm: OnAlarm) -> Alarms:
    """And whether the discriminator knows its photos by heart."""
    alarms = sampler_alarms(catalogue, photos, on_alarm)
    if catalogue.size("validation") >= _LEAST_JUDGED:
        alarms.append(OverfittingAlarm(photos("train", _JUDGED), photos("validation", _JUDGED), on_alarm))
    return alarms
