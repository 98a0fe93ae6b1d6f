"""The pens that draw a product: in colour, as a mask, as a line drawing.

A category describes its product once, part by part from back to front, to whichever pen it is handed. `Painter`
shades each part from a height field (its blurred outline) and composites it; `Silhouette` fills it; `Tracer`
outlines it. All geometry is drawn by Pillow at four times the picture's resolution and averaged down.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from tfproductgan.studio import materials
from tfproductgan.studio.materials import STEEPEST, STEPS, Colour
from tfproductgan.studio.shapes import Outline
from tfproductgan.studio.sketch import Outlines, as_list

Box = tuple[slice, slice]

FINER = 2
"""Samples a pixel in each direction at which colour is computed; edges have twice as many again."""


@functools.lru_cache(maxsize=64)
def _blur_matrix(samples: int, sigma: float) -> np.ndarray:
    # Gaussian blur as a banded matrix: two small products are faster than any filter NumPy has
    reach = np.arange(samples)
    weights = np.exp(-0.5 * ((reach[:, None] - reach[None, :]) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
    return np.ascontiguousarray(weights, dtype=np.float32)


@functools.lru_cache(maxsize=32)
def _spline_matrix(samples: int, knots: int) -> np.ndarray:
    # cubic B-spline basis: smooth noise is this matrix around a small grid of random numbers
    at = (np.arange(samples) + 0.5) / samples * (knots - 3)
    distance = np.abs(at[:, None] + 1 - np.arange(knots)[None, :])
    inner = 2 / 3 - distance**2 * (1 - distance / 2)
    outer = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.where(distance < 1, inner, outer).astype(np.float32)


class Pen:
    """Where the product lies in the picture. Pens answer the calls of `Sketch`.

    Args:
        size: Pixels along the picture's edge.
        pose: Float [2, 2]; row vectors times it go from the product's coordinates to half pictures.
        shift: Position of its origin, in half pictures from the centre.
    """

    def __init__(self, size: int, pose: np.ndarray, shift: Sequence[float] | np.ndarray):
        self.size = size
        self.samples = size * FINER
        half = self.samples / 2
        self._matrix = pose * half
        self._origin = np.array([half * (1 + shift[0]), half * (1 + shift[1])])
        self.unit = half * math.sqrt(abs(pose[0, 0] * pose[1, 1] - pose[0, 1] * pose[1, 0]))

    def glow(self, outlines: Sequence[Outline], colour: Colour, opacity: float, blur: float = 0.0) -> None:
        """Light and shade are only seen by the pen that draws in colour."""

    def _pixels(self, outline: Outline) -> np.ndarray:
        return outline @ self._matrix + self._origin

    def _cover(
        self, outlines: Sequence[Outline], holes: Sequence[Outline], pad: int, fills: Sequence[int] | None = None
    ) -> tuple[Box, np.ndarray] | None:
        """The box the outlines lie in and how much of each sample they cover, float32 from 0 to 1."""
        points = self._pixels(np.concatenate(outlines) if len(outlines) > 1 else outlines[0])
        left, top = (max(0, math.floor(v) - pad) for v in points.min(axis=0).tolist())
        right, bottom = (min(self.samples, math.ceil(v) + 1 + pad) for v in points.max(axis=0).tolist())
        if right <= left or bottom <= top:
            return None
        image = Image.new("L", (2 * (right - left), 2 * (bottom - top)))
        draw = ImageDraw.Draw(image)
        offset = (left + 0.25, top + 0.25)
        flat = ((points - offset) * 2).ravel().tolist()
        start = 0
        for number, outline in enumerate(outlines):
            end = start + 2 * len(outline)
            draw.polygon(flat[start:end], fill=255 if fills is None else fills[number])
            start = end
        for hole in holes:
            draw.polygon(((self._pixels(hole) - offset) * 2).ravel().tolist(), fill=0)
        # not np.asarray(image): Pillow would copy the bytes several times over
        levels = np.frombuffer(image.reduce(2).tobytes(), np.uint8).reshape(bottom - top, right - left)
        return (slice(top, bottom), slice(left, right)), levels * np.float32(1 / 255)


class Painter(Pen):
    """Draws in colour.

    Args:
        size: Pixels along the picture's edge.
        pose: See `Pen`.
        shift: See `Pen`.
        random: Source of folds and grain.
    """

    def __init__(self, size: int, pose: np.ndarray, shift: Sequence[float] | np.ndarray, random: np.random.Generator):
        super().__init__(size, pose, shift)
        self._random = random
        self._rgb = np.ones((3, self.samples, self.samples), dtype=np.float32)
        self._alpha = np.zeros((self.samples, self.samples), dtype=np.float32)
        grid = np.arange(self.samples) + 0.5
        x, y = grid - self._origin[0], grid - self._origin[1]
        inverse = np.linalg.inv(self._matrix)
        self._u = (x * inverse[0, 0]).astype(np.float32)[None, :] + (y * inverse[1, 0]).astype(np.float32)[:, None]
        self._v = (x * inverse[0, 1]).astype(np.float32)[None, :] + (y * inverse[1, 1]).astype(np.float32)[:, None]

    def part(
        self,
        outlines: Sequence[Outline],
        material: str,
        colour: Colour,
        *,
        holes: Outlines = (),
        bulge: float = 0.05,
        relief: float = 3.0,
        round_about: tuple[float, float] | None = None,
        pattern: str = "Plain",
        accent: Colour | None = None,
        shadow: float = 0.35,
        folds: float = 1.0,
    ) -> None:
        """Draw one solid part of the product.

        Args:
            outlines: Its outline or outlines.
            material: A material's name, or `"Matt"`.
            colour: Display RGB from 0 to 1.
            holes: Outlines cut out of it.
            bulge: How far from its edge it is rounded, in the product's units.
            relief: How steep it is at the edge.
            round_about: `(x, radius)` of the upright axis it is turned about (mugs, bottles), if it is.
            pattern: A pattern's name.
            accent: The pattern's second colour; default: what contrasts.
            shadow: Darkness of the shadow it casts on what lies behind.
            folds: Factor on how much the cloth creases.
        """
        found = self._cover(outlines, as_list(holes), pad=max(2, round(0.06 * self.unit)))
        if found is None:
            return
        box, cover = found
        soft = self._blurred(cover, bulge)
        if shadow:
            self._cast(box, soft, shadow)
        slope_x, slope_y = self._slopes(soft, relief * bulge * self.unit)
        if round_about is not None:
            across = np.clip((self._u[box] - round_about[0]) / round_about[1], -0.97, 0.97)
            slope_x += 0.9 * across / np.sqrt(1 - across * across)
        grain = self._texture(material, box, slope_x, slope_y, folds)
        at = _table_index(slope_x, slope_y)
        look = materials.surface(material)
        light = look.diffuse.take(at, axis=-1)
        if grain is not None:
            light *= grain
        if material not in materials.METALS:
            if material != "Glass":  # whose edge is dark, or it would not be seen
                light += (1 - light) * np.float32(materials.softness(colour))
            light = self._dyed(box, colour, pattern, accent) * light
        light += look.specular.take(at)
        self._cover_alpha(box, cover)
        if look.opacity is not None:
            cover = cover * look.opacity.take(at)
        self._composite(box, light, cover)

    def mark(self, outlines, colour, opacity=1.0):
        found = self._cover(outlines, (), pad=0)
        if found is not None:
            box, cover = found
            cover *= self._alpha[box]
            self._composite(box, _planes(colour), cover * np.float32(opacity))

    def facets(self, outlines, light, colour):
        fills = [1 + round(254 * min(max(value, 0.0), 1.0)) for value in light]
        found, whole = self._cover(outlines, (), pad=1, fills=fills), self._cover(outlines, (), pad=1)
        if found is None or whole is None:
            return
        (box, value), (_, cover) = found, whole
        value /= np.maximum(cover, np.float32(0.02))
        deep, base, pale = _planes(materials.shade(colour, 0.42)), _planes(colour), _planes((1.0, 1.0, 1.0))
        dark = np.minimum(value * 2, 1)
        bright = np.maximum(value * 2 - 1, 0)
        paint = deep + (base - deep) * dark
        paint += (pale - paint) * bright
        self._cover_alpha(box, cover)
        self._composite(box, paint, cover)

    def glow(self, outlines, colour, opacity, blur=0.0):
        found = self._cover(outlines, (), pad=round(2.5 * blur * self.unit) + 1)
        if found is None:
            return
        box, cover = found
        if blur:
            cover = self._blurred(cover, blur)
        self._composite(box, _planes(colour), cover * self._alpha[box] * np.float32(opacity))

    def finish(self, ground: tuple[float, float, float] | None) -> np.ndarray:
        """The picture on white, with the product's own shadow.

        Args:
            ground: `(x, y, half width)` of the place it stands on, in half pictures from the centre, or `None`
                for something that lies, whose shadow falls all around it.

        Returns:
            uint8 [size, size, 3].
        """
        n = self.samples
        if ground is None:
            matrix = _blur_matrix(n, max(0.6, 0.045 * n))
            soft = matrix @ self._alpha @ matrix
            shade = np.zeros_like(soft)
            drop = round(0.028 * n)
            shade[drop:, drop // 2 :] = soft[:-drop, : n - drop // 2]
            shade *= np.float32(0.34)
        else:
            half = n / 2
            x, y, wide = half * (1 + ground[0]), half * (1 + ground[1]), half * (ground[2] + 0.08)
            grid = np.arange(n, dtype=np.float32) + np.float32(0.5)
            across = np.exp(-(np.abs((grid - x) / wide) ** np.float32(3)))
            down = np.exp(-0.5 * ((grid - y) / (0.034 * half)) ** 2)
            shade = np.float32(0.46) * down[:, None] * across[None, :]
        shade *= 1 - self._alpha
        grid = np.arange(n, dtype=np.float32)
        # the sheet under the product is white to its edges
        edge = np.minimum(np.minimum(grid, n - 1 - grid) * np.float32(12.0 / n), 1)
        shade *= edge[:, None]
        shade *= edge[None, :]
        rgb = self._rgb
        rgb -= shade
        total = rgb[:, 0::2, 0::2] + rgb[:, 1::2, 0::2]
        total += rgb[:, 0::2, 1::2]
        total += rgb[:, 1::2, 1::2]
        total *= np.float32(255 / FINER**2)
        total += np.float32(0.5)
        np.clip(total, 0, 255, out=total)
        return np.ascontiguousarray(total.transpose(1, 2, 0), dtype=np.float32).astype(np.uint8)

    def _blurred(self, cover: np.ndarray, sigma: float) -> np.ndarray:
        matrix = _blur_matrix(self.samples, max(0.7, round(sigma * self.unit, 1)))
        height, width = cover.shape
        return matrix[:height, :height] @ cover @ matrix[:width, :width]

    def _slopes(self, soft: np.ndarray, gain: float) -> tuple[np.ndarray, np.ndarray]:
        half = np.float32(0.5 * gain)
        across, down = np.zeros_like(soft), np.zeros_like(soft)
        np.subtract(soft[:, 2:], soft[:, :-2], out=across[:, 1:-1])
        np.subtract(soft[2:], soft[:-2], out=down[1:-1])
        across *= -half
        down *= -half
        return across, down

    def _cast(self, box: Box, soft: np.ndarray, shadow: float) -> None:
        drop = max(1, round(0.02 * self.unit))
        shade = np.zeros_like(soft)
        np.multiply(soft[:-drop, :-drop], np.float32(shadow), out=shade[drop:, drop:])
        shade *= self._alpha[box]
        self._rgb[:, box[0], box[1]] *= 1 - shade

    def _noise(self, box: Box, knots: int) -> np.ndarray:
        grid = self._random.random((knots, knots), dtype=np.float32) - np.float32(0.5)
        matrix = _spline_matrix(self.samples, knots)
        return matrix[box[0]] @ grid @ matrix[box[1]].T

    def _texture(
        self, material: str, box: Box, slope_x: np.ndarray, slope_y: np.ndarray, folds: float
    ) -> np.ndarray | None:
        """Roughen the slopes in place; returns the factor on the colour, if there is one."""
        texture = TEXTURES.get(material)
        return None if texture is None else texture(self, box, slope_x, slope_y, folds)

    def _dyed(self, box: Box, colour: Colour, pattern: str, accent: Colour | None) -> np.ndarray:
        base = _planes(colour)
        if pattern == "Plain":
            return base
        share = PATTERNS[pattern](self._u[box], self._v[box], np.float32(self.unit))
        return base + (_planes(materials.contrast(colour) if accent is None else accent) - base) * share

    def _cover_alpha(self, box: Box, cover: np.ndarray) -> None:
        alpha = self._alpha[box]
        alpha += (1 - alpha) * cover

    def _composite(self, box: Box, paint: np.ndarray, cover: np.ndarray) -> None:
        rgb = self._rgb[:, box[0], box[1]]
        rgb += (paint - rgb) * cover


def _planes(colour: Colour) -> np.ndarray:
    return np.array(colour, dtype=np.float32).reshape(3, 1, 1)


def _table_index(slope_x: np.ndarray, slope_y: np.ndarray) -> np.ndarray:
    to_step = np.float32(STEPS / (2 * STEEPEST))
    middle = np.float32(STEPS / 2)

    def step(slope):
        at = slope * to_step
        at += middle
        np.clip(at, 0, STEPS - 1, out=at)
        return at.astype(np.intp)

    at = step(slope_y)
    at *= STEPS
    at += step(slope_x)
    return at


# === Textures: change the slopes, return a factor on the colour ===


def _crease(pen: Painter, box: Box, slope_x: np.ndarray, slope_y: np.ndarray, knots: int, strength: float) -> None:
    if strength:
        slope_x += np.float32(strength) * pen._noise(box, knots)
        slope_y += np.float32(strength) * pen._noise(box, knots)


def _cotton(pen, box, slope_x, slope_y, folds):
    _crease(pen, box, slope_x, slope_y, 10, 0.9 * folds)


def _silk(pen, box, slope_x, slope_y, folds):
    # drapes: a few long waves that wander and fade in and out
    sway, strength = pen._noise(box, 7), pen._noise(box, 8)
    strength += np.float32(0.55)
    strength *= np.sin(pen._u[box] * 9 + pen._v[box] * 1.5 + sway * 9)
    slope_x += np.float32(1.15 * folds) * strength
    slope_y += np.float32(0.5 * folds) * sway


def _denim(pen, box, slope_x, slope_y, folds):
    _crease(pen, box, slope_x, slope_y, 9, 0.9 * folds)
    twill = np.sin((pen._u[box] * np.float32(0.9) + pen._v[box]) * np.float32(92))
    twill *= np.float32(0.15)
    twill += np.float32(0.75) * pen._noise(box, 34) + np.float32(1.02)
    return twill


def _wool(pen, box, slope_x, slope_y, folds):
    _crease(pen, box, slope_x, slope_y, 8, 0.6 * folds)
    column = pen._u[box] * np.float32(7.5)
    within = column - np.floor(column) - np.float32(0.5)
    vee = np.abs(within)
    stitch = np.sin((pen._v[box] * np.float32(8.5) - vee * np.float32(1.1)) * np.float32(2 * np.pi))
    stitch *= np.float32(0.12)
    stitch += np.float32(1.16) - np.float32(1.4) * vee * vee * vee * 4
    slope_x += np.float32(0.5) * within
    return stitch


def _leather(pen, box, slope_x, slope_y, folds):
    _crease(pen, box, slope_x, slope_y, 9, 0.55 * folds)
    _crease(pen, box, slope_x, slope_y, 40, 0.4)


TEXTURES: dict[str, Callable] = {
    "Cotton": _cotton,
    "Silk": _silk,
    "Denim": _denim,
    "Wool": _wool,
    "Leather": _leather,
}


# === Patterns: the share of the second colour, from the product's coordinates ===


def _soft_step(value: np.ndarray, unit: np.float32) -> np.ndarray:
    # value is a distance in the product's units, positive inside: antialias over about a sample
    return np.clip(value * unit + np.float32(0.5), 0, 1)


def _striped(u, v, unit):
    period = np.float32(0.26)
    phase = v / period
    return _soft_step((np.float32(0.19) - np.abs(phase - np.floor(phase) - np.float32(0.5))) * period, unit)


def _dotted(u, v, unit):
    period = np.float32(0.27)
    across, down = u / period, v / period
    row = np.floor(down)
    across = across + np.float32(0.5) * (row - 2 * np.floor(row / 2))
    dx = across - np.floor(across) - np.float32(0.5)
    dy = down - row - np.float32(0.5)
    return _soft_step((np.float32(0.30) - np.sqrt(dx * dx + dy * dy)) * period, unit)


def _checked(u, v, unit):
    period = np.float32(0.34)
    across, down = u / period, v / period
    bars = _soft_step((np.float32(0.20) - np.abs(across - np.floor(across) - np.float32(0.5))) * period, unit)
    rows = _soft_step((np.float32(0.20) - np.abs(down - np.floor(down) - np.float32(0.5))) * period, unit)
    return np.float32(0.42) * (bars + rows)


PATTERNS: dict[str, Callable] = {"Striped": _striped, "Dotted": _dotted, "Checked": _checked}


class Silhouette(Pen):
    """Draws the mask: what of the picture the product covers."""

    def __init__(self, size: int, pose: np.ndarray, shift: Sequence[float] | np.ndarray):
        super().__init__(size, pose, shift)
        self._alpha = np.zeros((self.samples, self.samples), dtype=np.float32)

    def part(self, outlines, material, colour, *, holes=(), **look):
        found = self._cover(outlines, as_list(holes), pad=1)
        if found is not None:
            box, cover = found
            self._alpha[box] += (1 - self._alpha[box]) * cover

    def mark(self, outlines, colour, opacity=1.0):
        pass

    def facets(self, outlines, light, colour):
        self.part(outlines, "Gem", colour)

    def finish(self) -> np.ndarray:
        """The mask: uint8 [size, size], 255 on the product, 0 on the background, between at the edges."""
        alpha = self._alpha.reshape(self.size, FINER, self.size, FINER).mean(axis=(1, 3))
        return (np.clip(alpha, 0, 1) * 255 + 0.5).astype(np.uint8)


class Tracer(Pen):
    """Draws the lines a draughtsman would: the outline of each part, its seams thinner."""

    def __init__(self, size: int, pose: np.ndarray, shift: Sequence[float] | np.ndarray):
        super().__init__(size, pose, shift)
        self._finer = 2 * FINER
        self._image = Image.new("L", (size * self._finer,) * 2, 255)
        self._draw = ImageDraw.Draw(self._image)
        # a pixel wide on small pictures, finer in proportion on large ones
        self._width = max(1, round(self._finer * (0.55 + size / 110)))

    def part(self, outlines, material, colour, *, holes=(), **look):
        holes = as_list(holes)
        if not holes:
            for outline in outlines:
                points = self._points(outline)
                self._draw.polygon(points, fill=255)
                self._trace(points, 25, self._width)
            return
        before = self._image.copy()
        for outline in outlines:
            self._draw.polygon(self._points(outline), fill=255)
        inside = Image.new("L", self._image.size)
        cut = ImageDraw.Draw(inside)
        for hole in holes:
            cut.polygon(self._points(hole), fill=255)
        self._image.paste(before, (0, 0), inside)
        for outline in [*outlines, *holes]:
            self._trace(self._points(outline), 25, self._width)

    def mark(self, outlines, colour, opacity=1.0):
        grey = 90
        for outline in outlines:
            self._draw.polygon(self._points(outline), fill=grey, outline=grey)

    def facets(self, outlines, light, colour):
        for outline in outlines:
            points = self._points(outline)
            self._draw.polygon(points, fill=255)
        for outline in outlines:
            self._trace(self._points(outline), 60, max(1, self._width // 2))

    def finish(self) -> np.ndarray:
        """The line drawing: uint8 [size, size], dark lines on white."""
        return np.array(self._image.reduce(self._finer))

    def _points(self, outline: Outline) -> list[tuple[float, float]]:
        scaled = self._pixels(outline) * (self._finer / FINER) - 0.5
        return [tuple(point) for point in scaled.tolist()]

    def _trace(self, points: list[tuple[float, float]], ink: int, width: int) -> None:
        self._draw.line([*points, *points[:2]], fill=ink, width=width, joint="curve")
