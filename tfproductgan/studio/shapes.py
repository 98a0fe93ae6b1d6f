"""Outlines of things: smooth curves, ellipses, rounded boxes, strokes, as arrays of points.

Coordinates are the studio's: x to the right, y downwards, the picture reaches from -1 to 1 in both.
An outline is a float64 array [N, 2]; a closed one does not repeat its first point.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence

import numpy as np

Outline = np.ndarray
SAMPLES = 8


@functools.lru_cache(maxsize=1024)
def _curve_matrix(sharp: tuple[bool, ...], closed: bool, samples: int) -> np.ndarray:
    # the curve is linear in the given points: this matrix times them, kept because categories repeat themselves
    count = len(sharp)
    corner = np.array(sharp)[:, None]
    here = np.eye(count)
    after = np.roll(here, -1, axis=0)
    step = after - here
    before = np.roll(step, 1, axis=0)
    tangent = 0.5 * (step + before)
    leaving = np.where(corner, step, tangent)
    arriving = np.roll(np.where(corner, before, tangent), -1, axis=0)
    t = np.arange(samples) / samples
    hermite = np.stack([2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t, 3 * t**2 - 2 * t**3, t**3 - t**2], axis=1)
    curve = np.einsum("sk,knd->nsd", hermite, np.stack([here, leaving, after, arriving]))
    if not closed:
        return np.concatenate([curve[:-1].reshape(-1, count), here[-1:]])
    return curve.reshape(-1, count)


def smooth(points: Sequence[Sequence[float]], closed: bool = True, samples: int = SAMPLES) -> Outline:
    """A smooth curve through points (Catmull-Rom).

    Args:
        points: `(x, y)` for a smooth point, `(x, y, 1)` for a sharp corner.
        closed: Whether the last point joins the first. Default: `True`.
        samples: Points of the outline for each given point. Default: 8.
    """
    sharp = [len(p) > 2 for p in points]
    if not closed:
        sharp[0] = sharp[-1] = True
    return _curve_matrix(tuple(sharp), closed, samples) @ np.array([(p[0], p[1]) for p in points])


def mirrored(half: Sequence[Sequence[float]]) -> Outline:
    """A closed outline symmetric about x = 0 from its right half, given from top to bottom."""
    left = [(-p[0], *p[1:]) for p in reversed(half) if abs(p[0]) > 1e-9]
    return smooth([*half, *left])


@functools.lru_cache(maxsize=256)
def _arc(start: float, turn: float, count: int) -> np.ndarray:
    angle = 2 * math.pi * (start + turn * np.linspace(0, 1, count, endpoint=abs(turn) < 1))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def ellipse(
    x: float, y: float, rx: float, ry: float | None = None, start: float = 0.0, turn: float = 1.0, count: int = 40
) -> Outline:
    """An ellipse or a part of one.

    Args:
        x: Centre.
        y: Centre.
        rx: Half width.
        ry: Half height. Default: `rx`.
        start: Where it starts, in turns clockwise from the right. Default: 0.
        turn: How much of it, in turns. Default: 1, all of it.
        count: Number of points. Default: 40.
    """
    return _arc(start, turn, count) * (rx, rx if ry is None else ry) + (x, y)


def box(left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> Outline:
    """A rectangle with rounded corners."""
    if radius <= 0:
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    radius = min(radius, (right - left) / 2, (bottom - top) / 2)
    corners = [
        (right - radius, bottom - radius, 0.0),
        (left + radius, bottom - radius, 0.25),
        (left + radius, top + radius, 0.5),
        (right - radius, top + radius, 0.75),
    ]
    return np.concatenate([ellipse(x, y, radius, start=s, turn=0.25, count=6) for x, y, s in corners])


def stroke(path: Outline, width: float | Sequence[float] | np.ndarray) -> Outline:
    """The outline of a line drawn along an open path.

    Args:
        path: The path, [N, 2].
        width: Its width, or one width a point.
    """
    path = np.asarray(path, dtype=np.float64)
    along = np.empty_like(path)
    along[1:-1] = path[2:] - path[:-2]
    along[0], along[-1] = path[1] - path[0], path[-1] - path[-2]
    along /= np.maximum(np.sqrt((along * along).sum(axis=1, keepdims=True)), 1e-9)
    side = np.stack([-along[:, 1], along[:, 0]], axis=1) * (0.5 * np.reshape(width, (-1, 1)))
    return np.concatenate([path + side, (path - side)[::-1]])


def dashes(path: Outline, length: float, width: float) -> list[Outline]:
    """Stitches: short strokes along a path, as long as the gaps between them."""
    path = np.asarray(path, dtype=np.float64)
    reach = np.concatenate([[0.0], np.cumsum(np.sqrt((np.diff(path, axis=0) ** 2).sum(axis=1)))])
    count = max(1, round(reach[-1] / (2 * length)))
    ends = (np.arange(count)[:, None] + np.array([0.25, 0.75])) * (reach[-1] / count)
    x, y = np.interp(ends, reach, path[:, 0]), np.interp(ends, reach, path[:, 1])
    along = np.stack([x[:, 1] - x[:, 0], y[:, 1] - y[:, 0]], axis=1)
    along /= np.maximum(np.sqrt((along * along).sum(axis=1, keepdims=True)), 1e-9)
    side = np.stack([-along[:, 1], along[:, 0]], axis=1) * (0.5 * width)
    first, last = np.stack([x[:, 0], y[:, 0]], axis=1), np.stack([x[:, 1], y[:, 1]], axis=1)
    return list(np.stack([first + side, last + side, last - side, first - side], axis=1))


def between(first: Sequence[float], second: Sequence[float], bend: float = 0.0, count: int = 12) -> Outline:
    """A path from one point to another, bent sideways by a share of its length."""
    start, way = np.asarray(first, dtype=np.float64), np.subtract(second, first, dtype=np.float64)
    t = np.linspace(0, 1, count)[:, None]
    normal = np.array([-way[1], way[0]])
    return start + t * way + 4 * bend * t * (1 - t) * normal


def moved(outline: Outline, dx: float = 0.0, dy: float = 0.0, scale: float = 1.0, angle: float = 0.0) -> Outline:
    """The outline scaled and rotated (radians, clockwise) about the origin, then shifted."""
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    return outline @ np.array([[cos, sin], [-sin, cos]]) + (dx, dy)


def flipped(outlines: Iterable[Outline]) -> list[Outline]:
    """Mirror images about x = 0."""
    return [outline * (-1.0, 1.0) for outline in outlines]
