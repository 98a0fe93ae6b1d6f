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
from tfproductgan.training.alarms.texture import TextureAlarm

_BATCH = 256
_PHOTOS = 2048  # for the variety of conditions
_JUDGED = 512  # for r_v
_LEAST_JUDGED = 64
_LOOKED_AT = 256  # for patterns

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
    """None but that of every kind: photos bound what comes out."""
    return []


def texture_alarms(catalogue: Any, photos: Photos, on_alarm: OnAlarm) -> Alarms:
    """Whether pictures have patterns that photos do not have."""
    return [TextureAlarm(photos("train", _LOOKED_AT), on_alarm)] if catalogue.size("train") >= _LEAST_JUDGED else []


def sampler_alarms(catalogue: Any, photos: Photos, on_alarm: OnAlarm) -> Alarms:
    """And whether they differ from seed to seed."""
    alarms = texture_alarms(catalogue, photos, on_alarm)
    collapse = CollapseAlarm(photos("train", _PHOTOS), on_alarm)
    return [collapse, *alarms] if collapse.diversity_of_photos else alarms


def gan_alarms(catalogue: Any, photos: Photos, on_alarm: OnAlarm) -> Alarms:
    """And whether the discriminator knows its photos by heart."""
    alarms = sampler_alarms(catalogue, photos, on_alarm)
    if catalogue.size("validation") >= _LEAST_JUDGED:
        alarms.append(OverfittingAlarm(photos("train", _JUDGED), photos("validation", _JUDGED), on_alarm))
    return alarms
