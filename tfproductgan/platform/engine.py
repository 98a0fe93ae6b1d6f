"""The engine behind the gateway, as its models describe themselves: TensorFlow Serving or what speaks its API."""

from __future__ import annotations

import dataclasses
import functools
import io
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from tfproductgan.conditions import TEXT, Conditions, ConditionSchema, PictureRequest, plan_requests
from tfproductgan.errors import ConditionError, Message, ServingError, nearest
from tfproductgan.platform.masking import mask_asked
from tfproductgan.serving.client import Client, VersionStatus

# how long a model is taken to be what it was; a request that it refuses asks it anew at once
_KNOWN_SECONDS = 10.0
_READY_SECONDS = 1.0
_LATE_SECONDS = 3600.0


ACTIONS = ("generate", "interpolate", "edit", "explain", "translate", "stylise", "cutout", "upscale")
"""What the gateway can ask models to do."""

ONLY_WITH_ITS_WEIGHTS = {
    "generate": (
        "directions found from its weights, and the picture nearest to a photo: tfproductgan edit",
        "the pixels that judges look at, and the training photos nearest to a picture: tfproductgan explain",
    ),
    "translate": ("all pixels of large photos, in tiles: tfproductgan translate --tiles",),
    "stylise": ("a style between two: tfproductgan translate --blend",),
    "upscale": ("photos of more than a million pixels, in tiles: tfproductgan upscale",),
}
"""What else the package can do with a model that has an action, and by which command, but no served model."""


class UnknownModelError(ServingError):
    """A model that the engine does not have."""


@dataclasses.dataclass(frozen=True)
class Model:
    """A served model, in its own words.

    Args:
        name: What it is called at the engine.
        description: What its signature `describe` answers.
        version: Its number there. Defaults to whichever is the newest.
    """

    name: str
    description: dict[str, Any]
    version: int | None = None

    @property
    def label(self) -> str:
        """By what its pictures are counted: those of a version that was chosen apart from others."""
        return self.name if self.version is None else f"{self.name}@{self.version}"

    @functools.cached_property
    def schema(self) -> ConditionSchema:
        """What it can be asked for."""
        return ConditionSchema.from_dict(self.description["schema"])

    @property
    def model_id(self) -> str:
        """Which weights these are."""
        return str(self.description["model_id"])

    @functools.cached_property
    def actions(self) -> tuple[str, ...]:
        """What it can be asked here: what its signatures, its schema and its recipe make possible."""
        signatures, named = self.description["signatures"], bool(self.schema.can_be_asked)
        recipe = (self.description.get("provenance") or {}).get("recipe") or {}
        needed = {  # a signature, and what else has to be so
            "generate": ("generate", True),
            "interpolate": ("interpolate", True),
            "edit": ("interpolate", named),
            "explain": ("generate", named),
            "translate": ("translate", True),
            "stylise": ("translate", recipe.get("kind") == "style"),
            "cutout": ("translate", self.schema.channels == 1),  # it makes masks
            "upscale": ("upscale", True),
        }
        return tuple(action for action in ACTIONS if needed[action][0] in signatures and needed[action][1])

    @property
    def not_here(self) -> tuple[str, ...]:
        """What the package can do with such a model only where its weights are, and by which command."""
        return tuple(words for action in self.actions for words in ONLY_WITH_ITS_WEIGHTS.get(action, ()))

    def guessed(self, conditions: Mapping[str, str]) -> list[str]:
        """The words of a text that it reads by their parts alone: what these do not say is a guess."""
        text = conditions.get(TEXT, "")
        vocabulary = self.schema.vocabulary if text else None
        return vocabulary.unknown(text) if vocabulary is not None else []

    @property
    def recognises(self) -> bool:
        """Whether a classifier was exported with it, that says what pictures show."""
        return "recognise" in self.description["signatures"]

    @property
    def card(self) -> dict[str, Any]:
        """What people have to know of it, as `export.model_card.told_card` wrote it; empty if it tells nothing."""
        return self.description.get("card") or {}

    @property
    def figures(self) -> list[dict[str, Any]]:
        """What `evaluate` found out about it, as far as it was exported with that."""
        return (self.card.get("evaluation") or {}).get("figures") or []

    @property
    def ways(self) -> tuple[str, ...]:
        """Where it can translate to: `"B"`, and `"A"` if it goes back too."""
        found = {"B": "translate", "A": "to_a"}
        return tuple(way for way, signature in found.items() if signature in self.description["signatures"])


class Engine:
    """Asks models by name.

    Args:
        url: The engine's address.
        names: The models it has.
        timeout: Seconds a request may take, its retries included. Defaults to 60.
    """

    def __init__(self, url: str, names: Sequence[str], timeout: float = 60.0):
        self.names = tuple(names)
        self._url, self._timeout = url, timeout
        self._clients: dict[tuple[str, int | None], Client] = {}
        self._watchers = [Client(url, name, timeout=_READY_SECONDS) for name in names]
        self._ready = (-_READY_SECONDS, False)
        self._known: dict[tuple[str, int | None], tuple[float, Model]] = {}
        self._lock = threading.Lock()

    def model(self, name: str, version: int | None = None) -> Model:
        """What a model is, in a version or the newest.

        Raises:
            UnknownModelError: If there is none of that name; the message says the nearest.
            ServingError: If the engine does not answer, or has no such version.
        """
        which = name, version
        with self._lock:
            told, model = self._known.get(which, (-_KNOWN_SECONDS, None))
        if model is None or time.monotonic() - told > _KNOWN_SECONDS:
            model = Model(name, self._client(name, version).describe(), version)
            with self._lock:
                self._known[which] = (time.monotonic(), model)
        return model

    def _client(self, name: str, version: int | None) -> Client:
        if name not in self.names:
            right = nearest(name, self.names)
            raise UnknownModelError(Message("There is no model %(name)r: %(right)s", name=name, right=right))
        with self._lock:
            if (name, version) not in self._clients:
                self._clients[name, version] = Client(self._url, name, version, timeout=self._timeout)
            return self._clients[name, version]

    def _of(self, model: Model) -> Client:
        return self._client(model.name, model.version)

    def versions(self, name: str) -> list[VersionStatus]:
        """The versions of a model that the engine knows, the newest first.

        Raises:
            UnknownModelError: If there is none of that name.
            ServingError: If the engine does not answer.
        """
        return sorted(self._client(name, None).status(), key=lambda status: -status.version)

    def known_ids(self) -> dict[str, str]:
        """The ids of the models that were asked for of late, by their labels."""
        now = time.monotonic()
        with self._lock:
            return {model.label: model.model_id for told, model in self._known.values() if now - told < _LATE_SECONDS}

    def able(self, name: str, action: str, version: int | None = None) -> Model:
        """A model that can do something.

        Raises:
            ConditionError: If it cannot; the message says what it can.
        """
        model = self.model(name, version)
        if action not in model.actions:
            raise ConditionError(
                Message(
                    "Model %(name)r cannot %(action)s: %(right)s",
                    name=name,
                    action=action,
                    right=nearest(action, model.actions),
                )
            )
        return model

    def is_ready(self) -> bool:
        """Whether every model has a version that answers."""
        asked, ready = self._ready
        if time.monotonic() - asked < _READY_SECONDS:
            return ready
        try:
            ready = all(any(s.state == "AVAILABLE" for s in client.status()) for client in self._watchers)
        except ServingError:
            ready = False
        self._ready = (time.monotonic(), ready)
        return ready

    def plan(self, model: Model, conditions: Any, count: int | None, seed: int, truncation: float, most: int) -> list:
        """The requests for some pictures, one each; what is not given is drawn by its seed, as the model itself would.

        Texts are masked: a model reads what is kept, or a picture could not be drawn again.

        Raises:
            ConditionError: If they cannot be.
        """
        return plan_requests(model.schema, mask_asked(conditions), count, seed, truncation, complete=True, most=most)

    def told(self, model: Model, conditions: Any) -> dict[str, str]:
        """Conditions in the words of a model, nothing added, and their text masked.

        Raises:
            ConditionError: If they cannot be.
        """
        [request] = plan_requests(model.schema, mask_asked(conditions), 1, 0, 1.0, complete=False, most=1)
        return dict(request.conditions)

    def draw(self, model: Model, requests: Sequence[PictureRequest]) -> list[bytes]:
        """PNG files of requests that have following seeds and one truncation, as `plan` makes them."""
        first = requests[0]
        conditions: list[Conditions] = [request.conditions for request in requests]
        return self._of(model).generate_png(conditions, seed=first.seed, truncation=first.truncation)

    def interpolate(self, model: Model, first: PictureRequest, second: PictureRequest, steps: int) -> list[bytes]:
        """PNG files on the way from one request to another."""
        return [png_of(picture) for picture in self._of(model).interpolate(first, second, steps)]

    def translate(self, model: Model, pictures: Sequence[bytes], conditions: Conditions, to: str) -> list[bytes]:
        """PNG files of what a model makes of photos."""
        return [png_of(picture) for picture in self._of(model).translate(pictures, conditions, to)]

    def upscale(self, model: Model, pictures: Sequence[bytes]) -> list[bytes]:
        """PNG files of photos, larger."""
        return [png_of(picture) for picture in self._of(model).upscale(pictures)]

    def recognise(self, model: Model, pictures: Sequence[bytes]) -> list[dict[str, list[str]]]:
        """What the model's classifier sees in pictures: attribute to values each."""
        return self._of(model).recognise(pictures)

    def close(self) -> None:
        """Close the connections."""
        for client in (*self._clients.values(), *self._watchers):
            client.close()


def png_of(picture: np.ndarray) -> bytes:
    """A picture, uint8 `[H, W, C]`, as the bytes of a PNG file; packed quickly rather than small."""
    file = io.BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(file, "PNG", compress_level=1)
    return file.getvalue()
