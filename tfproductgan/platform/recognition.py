"""Whether pictures show what was asked for, to the classifier that a model was exported with: of a sample."""

from __future__ import annotations

import collections
import dataclasses
import threading
from collections.abc import Mapping

from tfproductgan.platform.engine import Engine, Model

_AT_ONCE = 8  # pictures of a model that the engine is asked about each time
_WINDOW = 256  # values that are remembered of an attribute


@dataclasses.dataclass(frozen=True)
class Recognised:
    """How often the values of an attribute were recognised.

    Args:
        values: How many were asked for.
        share: Of these.
        card: The same of the samples that `evaluate` judged; `None` if the model tells nothing of that.
        photos: The same of photos, the best there can be; `None` likewise.
    """

    values: int
    share: float
    card: float | None
    photos: float | None


class Recognition:
    """The last pictures of each model whose engine knows a classifier."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[Model, collections.deque[tuple[Mapping[str, str], bytes]]]] = {}
        self._right: dict[str, tuple[Model, dict[str, collections.deque[bool]]]] = {}

    def add(self, model: Model, conditions: Mapping[str, str], png: bytes) -> None:
        """Remember a picture for the next look; it costs nothing yet."""
        if not model.recognises:
            return
        with self._lock:
            known, waiting = self._waiting.get(model.label, (model, collections.deque(maxlen=_AT_ONCE)))
            if known.model_id != model.model_id:  # the one before it is no longer drawn with
                waiting.clear()
            waiting.append((conditions, png))
            self._waiting[model.label] = model, waiting

    def look(self, engine: Engine) -> None:
        """Ask what the pictures since the last look show.

        Raises:
            ServingError: If the engine does not answer; these pictures are forgotten.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for label, (model, pictures) in waiting.items():
            found = engine.recognise(model, [png for _, png in pictures])
            with self._lock:
                known, right = self._right.get(label, (model, {}))
                if known.model_id != model.model_id:
                    right = {}
                self._right[label] = model, right
                for (conditions, _), seen in zip(pictures, found, strict=True):
                    for attribute in model.schema.attributes:
                        window = right.setdefault(attribute.name, collections.deque(maxlen=_WINDOW))
                        asked = attribute.split(conditions.get(attribute.name))
                        window.extend(value in seen[attribute.name] for value in asked)

    def now(self) -> dict[tuple[str, str], dict[str, Recognised]]:
        """How often each attribute is recognised, by name and id of the model."""
        with self._lock:
            windows = {
                label: (model, {a: list(w) for a, w in right.items()}) for label, (model, right) in self._right.items()
            }
        return {
            (label, model.model_id): {
                name: Recognised(len(window), sum(window) / len(window), *_told(model, name))
                for name, window in right.items()
                if window
            }
            for label, (model, right) in windows.items()
        }


def _told(model: Model, attribute: str) -> tuple[float | None, float | None]:
    """What the model's card says of an attribute: of samples, and of photos."""
    for figure in model.figures:
        # the same name is also that of a check by pixels
        if figure.get("name") == f"accuracy/{attribute}" and str(figure.get("extractor")).startswith("catalogue"):
            return figure.get("value"), figure.get("floor")
    return None, None
