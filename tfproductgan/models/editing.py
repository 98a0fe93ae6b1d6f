"""Editing: a picture moved along directions of its latents or styles, towards another value, or mixed with another.

What a generator draws a picture from is a row of `Sampler.styles_of`: latents and a condition vector, or, of
`stylegan2`, a style for each layer and noise. Directions that change pictures most are found from the weights alone;
those towards a value of an attribute are differences of means. A `Drawing` says all that a picture depends on, so it
can be told again.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfproductgan.conditions import NOT_GIVEN, PictureRequest, fold, whole_number
from tfproductgan.errors import ConditionError, RecipeError

_TYPICAL = 256  # styles of which the spread is known
_SEEDS = 32  # of which the mean of a condition is taken
_MOST_OTHERS = 8  # values that a picture moves away from if it has the one it is to move towards


@dataclasses.dataclass(frozen=True)
class Along:
    """A step along a direction that was found from the weights.

    Args:
        direction: Its number, from 1 for the one that changes pictures most.
        strength: How far, in standard deviations of what the model draws from.
        layers: First and last layer, from 0, of which the direction is found and which are changed; `None` is all.
    """

    direction: int
    strength: float
    layers: tuple[int, int] | None = None

    def move(self, editor: Editor, request: PictureRequest, parts: list[np.ndarray]) -> list[np.ndarray]:
        """The parts of a style, moved."""
        vectors, spreads = editor.axes(self.layers)
        number = whole_number("direction", self.direction, 1, len(vectors)) - 1
        changed = parts[0].copy()
        changed[..., editor.slice_of(self.layers), :] += _finite(self.strength) * spreads[number] * vectors[number]
        return [changed, *parts[1:]]


@dataclasses.dataclass(frozen=True)
class Towards:
    """A step towards a value of an attribute, everything else that was asked for held.

    Args:
        attribute: Its name.
        value: The value; of an attribute that takes several also several, with commas between.
        strength: How far: 0 stays, 1 goes by the whole difference between the means of the two values. Of a picture
            that has the value already it is the difference from the mean of the other values.
        layers: First and last layer that are changed, from 0; `None` is all.
    """

    attribute: str
    value: str
    strength: float
    layers: tuple[int, int] | None = None

    def move(self, editor: Editor, request: PictureRequest, parts: list[np.ndarray]) -> list[np.ndarray]:
        """The parts of a style, moved."""
        strength, way = _finite(self.strength), self._way(editor, request)
        moved = [(part + strength * step).astype(part.dtype) for part, step in zip(parts, way, strict=True)]
        if self.layers is not None:
            kept = np.ones(parts[0].shape[1], bool)
            kept[editor.slice_of(self.layers)] = False
            moved[0][:, kept] = parts[0][:, kept]
        return moved

    def _way(self, editor, request):
        wanted = editor.model.schema.decode(editor.model.schema.encode({self.attribute: self.value}))
        if not wanted:
            raise ConditionError(f"A direction leads towards a value of {self.attribute!r}. Received: {self.value!r}")
        [(name, value)] = wanted.items()
        ends = [(request.conditions.get(name), 1.0)]
        if ends[0][0] is not None and fold(ends[0][0]) == fold(value):
            ends = editor.others(name, value)
        held = {key: given for key, given in request.conditions.items() if key != name}
        target = editor.mean_of({**held, name: value})
        starts = [(editor.mean_of(held if other is None else {**held, name: other}), share) for other, share in ends]
        return [part - sum(share * start[place] for start, share in starts) for place, part in enumerate(target)]


@dataclasses.dataclass(frozen=True)
class Mixed:
    """The fine traits of another picture: its styles from a layer on.

    Args:
        request: The other picture.
        layer: The first layer that has its style, 0 to the number of styles; each size but the smallest has two.
    """

    request: PictureRequest
    layer: int

    def move(self, editor: Editor, request: PictureRequest, parts: list[np.ndarray]) -> list[np.ndarray]:
        """The parts of a style, the first from a layer on the other's."""
        layer = whole_number("layer", self.layer, 0, editor.num_styles())
        other = editor.model.styles_of([self.request])[0]
        return [np.concatenate([parts[0][:, :layer], other[:, layer:]], axis=1), *parts[1:]]


Edit = Along | Towards | Mixed


@dataclasses.dataclass(frozen=True)
class Drawing:
    """All that an edited picture depends on.

    Args:
        request: What is asked for.
        edits: What is done to it, in this order.
        found: Latents or a style in the place of those of the seed, see `project`: float32 `[length]`.
    """

    request: PictureRequest
    edits: tuple[Edit, ...] = ()
    found: np.ndarray | None = None

    def after(self, edit: Edit) -> Drawing:
        """The same, edited once more."""
        return dataclasses.replace(self, edits=(*self.edits, edit))


class Editor:
    """Draws `Drawing`s by a model.

    Args:
        model: A `Sampler`.

    Example:
    ```python
    editor = Editor(tfproductgan.load("runs/shop"))
    [request] = editor.model.plan({"category": "Ring", "colour": "Gold"}, seed=7)
    steps = [Drawing(request).after(Along(1, strength)) for strength in (-2, 0, 2)]
    pictures = editor.draw(steps)
    ```
    """

    def __init__(self, model: Any):
        self.model = model
        self._axes: dict[tuple[int, int] | None, tuple[np.ndarray, np.ndarray]] = {}
        self._means: dict[tuple[int, ...], list[np.ndarray]] = {}

    def draw(self, drawings: Sequence[Drawing]) -> np.ndarray:
        """Draw.

        Returns:
            uint8 `[len(drawings), image_size, image_size, channels]`. Each depends on itself alone.

        Raises:
            ConditionError: If a request, direction, value, strength or layer cannot be.
            RecipeError: If the generator has no styles, or nobody has said what its directions are.
        """
        rows = [self.styles_of(drawing) for drawing in drawings]
        return self.model.draw_styles(*(np.concatenate(parts) for parts in zip(*rows, strict=True)))

    def styles_of(self, drawing: Drawing) -> list[np.ndarray]:
        """What a picture is drawn from, a row for each part: see `Sampler.draw_styles`."""
        parts = list(self.model.styles_of([drawing.request]))
        if drawing.found is not None:
            if drawing.found.shape != parts[0].shape[-1:]:
                raise ConditionError(
                    f"What was found of a photo has {parts[0].shape[-1]} numbers with this model. "
                    f"Received: {drawing.found.size}"
                )
            parts[0] = np.broadcast_to(drawing.found, parts[0].shape).copy()
        for edit in drawing.edits:
            parts = edit.move(self, drawing.request, parts)
        return parts

    def directions(self, count: int, layers: tuple[int, int] | None = None) -> np.ndarray:
        """The directions in which pictures change most, the most effective first, of length 1 each.

        Args:
            count: How many.
            layers: First and last layer, from 0, of a generator whose layers have styles; `None` is all.

        Returns:
            float32 `[count, length of latents or of a style]`.

        Raises:
            ConditionError: If there are not so many, or no such layers.
            RecipeError: If nobody has said which layers of the generator latents go into.
        """
        vectors, _ = self.axes(layers)
        return vectors[: whole_number("count", count, 1, len(vectors))]

    def axes(self, layers: tuple[int, int] | None) -> tuple[np.ndarray, np.ndarray]:
        """All directions, and how far pictures are spread along each.

        Reference:
            Shen and Zhou, 2021, Closed-Form Factorization of Latent Semantics in GANs,
            https://arxiv.org/abs/2007.06600
        """
        if layers not in self._axes:
            kernels = [np.asarray(kernel, np.float64).T for kernel in kernels_of(self.model.sampling_network)]
            rows = np.concatenate(kernels[self.slice_of(layers)] if layers is not None else kernels)
            rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
            _, vectors = np.linalg.eigh(rows.T @ rows)
            vectors = vectors[:, ::-1].T
            # of two opposite ones the one whose largest number is positive, whatever the library takes
            largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
            vectors = (vectors * np.sign(largest)).astype(np.float32)
            self._axes[layers] = vectors, np.std(self._typical @ vectors.T, axis=0)
        return self._axes[layers]

    def mean_of(self, conditions: Mapping[str, str]) -> list[np.ndarray]:
        """The mean of each part of what pictures of some conditions are drawn from."""
        ids = self.model.schema.encode(conditions)
        if ids not in self._means:
            parts = self.model.styles_of(self.model.plan(conditions, count=_SEEDS, complete=False))
            self._means[ids] = [np.mean(part, axis=0, dtype=np.float64, keepdims=True) for part in parts]
        return self._means[ids]

    def others(self, attribute: str, value: str) -> list[tuple[str | None, float]]:
        """The most frequent other values of an attribute, each with its share of their photos."""
        schema = self.model.schema
        place = schema.names.index(attribute)
        counts = schema.frequencies[place].astype(float)
        counts[[NOT_GIVEN, *schema.attributes[place].encode(value)]] = 0
        chosen = [i for i in np.argsort(-counts, kind="stable")[:_MOST_OTHERS] if counts[i]]
        if not chosen:
            return [(None, 1.0)]
        return [(schema.attributes[place].values[i - 1], counts[i] / counts[chosen].sum()) for i in chosen]

    def slice_of(self, layers: tuple[int, int] | None) -> slice:
        """Which styles layers have.

        Raises:
            ConditionError: If there are no such layers.
            RecipeError: If the generator's layers have no styles of their own.
        """
        if layers is None:
            return slice(None)
        last = self.num_styles() - 1
        first, end = (whole_number("layer", layer, 0, last) for layer in layers)
        if first > end:
            raise ConditionError(f"Layers go from the first to the last, such as 4-7. Received: {first}-{end}")
        return slice(first, end + 1)

    def num_styles(self) -> int:
        """How many layers have a style of their own.

        Raises:
            RecipeError: If none has.
        """
        network = self.model.sampling_network
        if not network.num_styles:
            raise RecipeError(
                "Layers are told apart, and styles mixed, of generators whose layers each have one, such as "
                f"stylegan2's. Received: a {type(network).__name__}"
            )
        return network.num_styles

    @functools.cached_property
    def _typical(self):
        """Latents or styles of some pictures that the photos suggest, `[N, length]`."""
        part = self.model.styles_of(self.model.plan(count=_TYPICAL))[0]
        return part if part.ndim == 2 else part[:, 0]


def kernels_of(network: Any) -> list[Any]:
    """What multiplies latents, or styles, where a generator's layers read them: see `Generator.style_kernels`.

    Raises:
        RecipeError: If nobody has said so, as of an ensemble, which has none of its own.
    """
    kernels = network.style_kernels
    if not kernels:
        raise RecipeError(
            "Directions by number, and pictures nearest to photos, are found of generators that say which layers their "
            f"latents go into (latent_layers). Received: a {type(network).__name__}"
        )
    return kernels


def _finite(strength: Any) -> float:
    if isinstance(strength, bool) or not isinstance(strength, int | float) or not math.isfinite(strength):
        raise ConditionError(f"strength must be a finite number. Received: {strength!r}")
    return float(strength)
