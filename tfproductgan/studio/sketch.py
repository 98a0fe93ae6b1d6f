"""A product put down part by part, before it is known how large it will be or with which pen it is drawn."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfproductgan.studio.materials import Colour
from tfproductgan.studio.shapes import Outline

if TYPE_CHECKING:
    from tfproductgan.studio.pens import Pen

Outlines = Outline | Sequence[Outline]


def as_list(outlines: Outlines) -> list[Outline]:
    """One outline or several as a list."""
    return [outlines] if isinstance(outlines, np.ndarray) else list(outlines)


@dataclasses.dataclass
class Sketch:
    """The parts of a product from back to front, in the product's own coordinates.

    A category fills it; any pen can then draw it, in any pose. What stands on the ground says so, the rest lies
    flat; `turn` is in degrees clockwise.
    """

    steps: list[tuple[str, list[Outline], tuple, dict[str, Any]]] = dataclasses.field(default_factory=list)
    stands: bool = False
    turn: float = 0.0

    def part(self, outlines: Outlines, material: str, colour: Colour, **look: Any) -> None:
        """One solid part of the product; see `Painter.part`."""
        self.steps.append(("part", as_list(outlines), (material, colour), look))

    def mark(self, outlines: Outlines, colour: Colour, opacity: float = 1.0) -> None:
        """Flat marks on what is there already: seams, stitches, print."""
        self.steps.append(("mark", as_list(outlines), (colour, opacity), {}))

    def facets(self, outlines: Outlines, light: Sequence[float], colour: Colour) -> None:
        """The facets of a cut stone, each with its brightness from 0 to 1."""
        self.steps.append(("facets", as_list(outlines), (light, colour), {}))

    def glow(self, outlines: Outlines, colour: Colour, opacity: float, blur: float = 0.0) -> None:
        """Light or shade on what is there already, with soft edges; only seen in colour."""
        self.steps.append(("glow", as_list(outlines), (colour, opacity), {"blur": blur}))

    def move(self, dx: float, dy: float, scale: float) -> None:
        """Scale everything sketched so far about the origin, then shift it."""
        self._map(lambda outline: outline * scale + (dx, dy))

    def turn_away(self, degrees: float) -> None:
        """Turn everything sketched so far about its upright axis, the right side away, as seen from nearby."""
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        self._map(lambda outline: outline * (cos, 1.0) / (1 + 0.28 * sin * outline[:, :1]))

    def _map(self, change: Callable[[Outline], Outline]) -> None:
        for _, outlines, _, look in self.steps:
            outlines[:] = [change(outline) for outline in outlines]
            if "holes" in look:
                look["holes"] = [change(hole) for hole in as_list(look["holes"])]

    def solid_points(self) -> np.ndarray:
        """The points of all outlines of what is solid, [N, 2]."""
        solid = [outline for name, outlines, _, _ in self.steps if name in ("part", "facets") for outline in outlines]
        return np.concatenate(solid)

    def draw(self, pen: Pen) -> None:
        """Draw every part with a pen."""
        for name, outlines, labels, look in self.steps:
            getattr(pen, name)(outlines, *labels, **look)
