"""How surfaces look: colours, and for each material its answer to the studio's lights and its texture.

Light is a table looked up by the slope of the surface (a "matcap"): one softbox high on the left, a fill on the
right, and for metals a whole mirrored room. That costs the same for cotton as for gold.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

Colour = tuple[float, float, float]

COLOURS: dict[str, Colour] = {
    "Black": (0.115, 0.115, 0.125),
    "White": (0.955, 0.955, 0.95),
    "Grey": (0.54, 0.55, 0.56),
    "Red": (0.83, 0.10, 0.12),
    "Orange": (0.97, 0.50, 0.07),
    "Yellow": (0.98, 0.85, 0.14),
    "Green": (0.16, 0.58, 0.24),
    "Teal": (0.08, 0.64, 0.64),
    "Blue": (0.13, 0.33, 0.80),
    "Purple": (0.50, 0.21, 0.68),
    "Pink": (0.97, 0.54, 0.70),
    "Brown": (0.47, 0.29, 0.17),
    "Gold": (0.83, 0.64, 0.24),
    "Silver": (0.74, 0.75, 0.77),
}
"""Every colour by name, as display RGB from 0 to 1."""

METALS = ("Gold", "Silver")
DYES = tuple(name for name in COLOURS if name not in METALS)
GEMSTONES = ("White", "Red", "Orange", "Yellow", "Green", "Teal", "Blue", "Purple", "Pink", "Black")

COLOURS_OF = {
    "Cotton": DYES,
    "Denim": DYES,
    "Wool": DYES,
    "Silk": DYES,
    "Leather": DYES,
    "Plastic": DYES,
    "Ceramic": DYES,
    "Glass": DYES,
    "Gold": ("Gold",),
    "Silver": ("Silver",),
    "Gem": GEMSTONES,
}
"""The colours each material comes in; what is all metal has the metal's own colour."""

STEPS = 96
STEEPEST = 3.0


@dataclasses.dataclass(frozen=True)
class Surface:
    """Look-up tables over the slopes of a surface, flat [STEPS * STEPS].

    Args:
        diffuse: Factor on the colour; float32, or [3, STEPS * STEPS] where it carries the colour (metals).
        specular: Light added on top.
        opacity: Share of the light that does not pass through, or `None` for an opaque material.
    """

    diffuse: np.ndarray
    specular: np.ndarray
    opacity: np.ndarray | None = None


def shade(colour: Colour, factor: float) -> Colour:
    """The colour darker (factor below 1) or lighter (above 1, towards white)."""
    red, green, blue = (c * factor if factor <= 1 else 1 - (1 - c) / factor for c in colour)
    return red, green, blue


def dyed(material: str, colour: Colour) -> Colour:
    """What a dye looks like on a material: faded on denim, muted on wool; white glass is clear, with a cold edge."""
    if material == "Glass" and brightness(colour) > 0.85:
        return (0.80, 0.85, 0.88)
    towards, share = {"Denim": ((0.46, 0.48, 0.54), 0.20), "Wool": ((0.60, 0.58, 0.56), 0.10)}.get(
        material, (colour, 0)
    )
    red, green, blue = (c + (t - c) * share for c, t in zip(colour, towards, strict=True))
    return red, green, blue


def softness(colour: Colour) -> float:
    """How much of its shading a colour is spared: yellow in full shade would be brown, white grey."""
    return 0.55 * (max(colour) - min(colour)) * brightness(colour) + 0.28 * brightness(colour) ** 6


def brightness(colour: Colour) -> float:
    """Perceived brightness from 0 to 1."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


def contrast(colour: Colour) -> Colour:
    """What a pattern is printed in on that colour: white, or a dark grey blue on what is nearly white."""
    return (0.97, 0.97, 0.95) if brightness(colour) < 0.72 else (0.25, 0.29, 0.40)


def thread(material: str, colour: Colour) -> Colour:
    """The colour of the stitches on a material: orange on denim, a lighter or darker tone elsewhere."""
    if material == "Denim":
        return (0.95, 0.68, 0.30)
    return shade(colour, 1.9) if brightness(colour) < 0.5 else shade(colour, 0.62)


def _step(edge: float, width: float, x: np.ndarray) -> np.ndarray:
    t = np.clip((x - edge) / width + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def _ramp(stops: list[tuple[float, Colour]], x: np.ndarray) -> np.ndarray:
    at = [stop for stop, _ in stops]
    return np.stack([np.interp(x, at, [c[i] for _, c in stops]) for i in range(3)])


GOLD_RAMP = [
    (0.0, (0.36, 0.21, 0.04)),
    (0.35, (0.70, 0.48, 0.12)),
    (0.6, (0.90, 0.71, 0.28)),
    (0.82, (1.0, 0.87, 0.50)),
    (1.0, (1.0, 0.98, 0.88)),
]
SILVER_RAMP = [
    (0.0, (0.22, 0.23, 0.26)),
    (0.35, (0.53, 0.54, 0.57)),
    (0.6, (0.76, 0.77, 0.79)),
    (0.82, (0.92, 0.93, 0.94)),
    (1.0, (1.0, 1.0, 1.0)),
]


@functools.cache
def surface(material: str) -> Surface:
    """The look-up tables of a material."""
    slope = (np.arange(STEPS) + 0.5) / STEPS * 2 * STEEPEST - STEEPEST
    sy, sx = np.meshgrid(slope, slope, indexing="ij")
    nz = 1 / np.sqrt(1 + sx * sx + sy * sy)
    nx, ny = sx * nz, sy * nz
    key = np.clip(nx * -0.42 + ny * -0.58 + nz * 0.70, 0, 1)
    fill = np.clip(nx * 0.75 + ny * 0.05 + nz * 0.66, 0, 1)
    rim = np.clip(nz, 0, 1)

    def lit(ambient: float, edge: float) -> np.ndarray:
        light = ambient + (1 - ambient) * (key / 0.70) * 0.82 + (1 - ambient) * 0.18 * fill / 0.66
        return light * (edge + (1 - edge) * rim**0.7)

    def gleam(x: float, y: float, power: float) -> np.ndarray:
        z = np.sqrt(1 - x * x - y * y)
        return np.clip(nx * x + ny * y + nz * z, 0, 1) ** power

    nothing = np.zeros_like(nx)
    opacity = None
    if material in METALS:
        up = -2 * ny * nz
        across = 2 * nx * nz
        room = 0.60 + 0.18 * up - 0.10 * across
        room += 0.45 * _step(0.38, 0.22, up - 0.35 * across) * (1 - _step(0.86, 0.2, up - 0.35 * across))
        room -= 0.55 * _step(-0.30, 0.22, -up + 0.1) * (1 - _step(0.30, 0.3, -up)) * _step(0.12, 0.2, np.abs(up))
        room += 0.35 * _step(0.55, 0.2, -up) * (1 - _step(0.9, 0.2, -up))
        room -= 0.35 * _step(0.62, 0.25, across) - 0.22 * _step(0.86, 0.12, across)
        room *= 0.55 + 0.45 * _step(0.30, 0.4, nz)
        diffuse = _ramp(GOLD_RAMP if material == "Gold" else SILVER_RAMP, np.clip(room, 0, 1))
        specular = 0.5 * gleam(-0.34, -0.44, 90)
    elif material == "Cotton":
        diffuse, specular = lit(0.35, 0.62), nothing
    elif material == "Denim":
        diffuse, specular = lit(0.32, 0.58), nothing
    elif material == "Wool":
        # fibres catch light from behind: wool is soft at the edges, not dark
        diffuse, specular = lit(0.45, 0.66), 0.05 * (1 - rim)
    elif material == "Silk":
        diffuse = lit(0.25, 0.5)
        specular = 0.40 * gleam(-0.24, -0.28, 16) + 0.10 * gleam(0.5, 0.1, 12)
    elif material == "Leather":
        diffuse = lit(0.28, 0.5)
        specular = 0.34 * gleam(-0.32, -0.46, 14) + 0.08 * gleam(0.6, 0.1, 10)
    elif material == "Plastic":
        diffuse = lit(0.36, 0.55)
        specular = 0.95 * gleam(-0.36, -0.46, 70) + 0.16 * gleam(-0.3, -0.45, 12) + 0.22 * gleam(0.72, 0.2, 24)
    elif material == "Ceramic":
        diffuse = lit(0.50, 0.62)
        window = _step(0.20, 0.10, -nx) * (1 - _step(0.62, 0.10, -nx)) * (1 - _step(0.55, 0.2, np.abs(ny)))
        specular = 0.50 * window + 0.08 * _step(0.70, 0.1, nx) * (1 - _step(0.86, 0.1, nx))
    elif material == "Glass":
        diffuse = 0.50 + 0.54 * rim + 0.10 * fill
        streak = _step(0.30, 0.12, -nx) * (1 - _step(0.62, 0.10, -nx))
        specular = 0.75 * streak + 0.40 * _step(0.62, 0.1, nx) * (1 - _step(0.8, 0.1, nx)) + 0.4 * gleam(-0.3, -0.6, 60)
        opacity = np.clip(0.60 + 0.95 * (1 - rim) ** 1.1 + 0.4 * streak, 0, 1)
    elif material == "Gem":
        diffuse, specular = lit(0.2, 0.6), 0.9 * gleam(-0.34, -0.44, 40)
    else:
        # skin of soles, linings, dials: matt
        diffuse, specular = lit(0.4, 0.7), nothing

    def flat(table: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(table.reshape(*table.shape[:-2], -1), dtype=np.float32)

    return Surface(flat(diffuse), flat(specular), None if opacity is None else flat(opacity))
