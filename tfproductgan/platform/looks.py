"""How pictures look as they are drawn, beside how the model drew when it was new: drift and collapse show in it."""

from __future__ import annotations

import collections
import dataclasses
import io
import threading
import time
from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image

_WINDOW = 256  # pictures that are remembered of a model
_MOST_A_SECOND = 10  # looked at of a model: a sample is enough, and costs little
_SIDE = 8
_SAME = 2.0  # of 255, on average over a picture made small: what is nearer is the same picture


@dataclasses.dataclass(frozen=True)
class Look:
    """How some pictures look; brightness and saturation from 0 to 1.

    Args:
        pictures: How many.
        brightness: Their mean.
        brightness_deviation: Of one picture from another.
        saturation: Their mean.
        saturation_deviation: Of one picture from another.
        duplicates: Share of those that look like another one, though something else was asked for.
    """

    pictures: int
    brightness: float
    brightness_deviation: float
    saturation: float
    saturation_deviation: float
    duplicates: float


@dataclasses.dataclass(frozen=True)
class _Seen:
    asked: str
    brightness: float
    saturation: float
    small: np.ndarray

    @classmethod
    def of(cls, asked: str, png: bytes) -> _Seen:
        with Image.open(io.BytesIO(png)) as image:
            small = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
        _, saturation, value = np.asarray(small.convert("HSV"), np.float32).reshape(-1, 3).T / 255
        return cls(asked, float(value.mean()), float(saturation.mean()), np.asarray(small, np.int16).ravel())


def look_of(pictures: Iterable[tuple[str, bytes]]) -> Look:
    """How pictures look.

    Args:
        pictures: What was asked for, and the PNG file.
    """
    return _look([_Seen.of(asked, png) for asked, png in pictures])


class Looks:
    """The last pictures of each model.

    Args:
        clock: Seconds that only ever grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], collections.deque[_Seen]] = {}
        self._counted: dict[str, tuple[int, int]] = {}

    def add(self, name: str, model_id: str, asked: str, png: bytes) -> None:
        """Look at a picture, unless many were looked at within this second."""
        now = int(self._clock())
        with self._lock:
            second, count = self._counted.get(name, (now, 0))
            count = count + 1 if second == now else 1
            self._counted[name] = (now, count)
        if count > _MOST_A_SECOND:
            return
        seen = _Seen.of(asked, png)
        with self._lock:
            # another version is another model, and the one before it is no longer drawn with
            if (name, model_id) not in self._seen:
                self._seen = {key: window for key, window in self._seen.items() if key[0] != name}
                self._seen[name, model_id] = collections.deque(maxlen=_WINDOW)
            self._seen[name, model_id].append(seen)

    def now(self) -> dict[tuple[str, str], Look]:
        """How the last pictures look, by name and id of the model."""
        with self._lock:
            windows = {key: list(window) for key, window in self._seen.items()}
        return {key: _look(window) for key, window in windows.items()}


def _look(seen: list[_Seen]) -> Look:
    brightness = np.array([each.brightness for each in seen])
    saturation = np.array([each.saturation for each in seen])
    different = list({each.asked: each for each in seen}.values())  # the same request gives the same picture
    small = np.stack([each.small for each in different])
    nearest = np.array([_nearest(small, index) for index in range(len(small))])
    return Look(
        len(seen),
        float(brightness.mean()),
        float(brightness.std()),
        float(saturation.mean()),
        float(saturation.std()),
        float((nearest < _SAME).mean()),
    )


def _nearest(small: np.ndarray, index: int) -> float:
    distances = np.abs(small - small[index]).mean(axis=1)
    distances[index] = np.inf
    return float(distances.min())
