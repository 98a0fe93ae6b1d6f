"""Rings, necklaces, earrings, watches and glasses."""

from __future__ import annotations

import math

import numpy as np

from tfproductgan.studio.materials import COLOURS, METALS, Colour, brightness, shade, thread
from tfproductgan.studio.products import PLAIN, Category, Product
from tfproductgan.studio.shapes import between, box, dashes, ellipse, moved, smooth, stroke
from tfproductgan.studio.sketch import Sketch

ALL_METAL = {"Gold": PLAIN, "Silver": PLAIN}


def _setting(product: Product) -> str:
    """The metal that holds the stones, or the product's own."""
    if product.material in METALS:
        return product.material
    return "Gold" if product["metal"] < 0.5 else "Silver"


def _stone(sketch: Sketch, x: float, y: float, rx: float, ry: float, colour: Colour, sides: int = 12) -> None:
    """A brilliant seen from above: a crown of facets around a table, lit from the upper left."""
    turns = (np.arange(sides) + 0.5) / sides * 2 * math.pi
    rim = np.stack([x + rx * np.cos(turns), y + ry * np.sin(turns)], axis=1)
    half = turns + math.pi / sides
    star = np.stack([x + 0.60 * rx * np.cos(half), y + 0.60 * ry * np.sin(half)], axis=1)
    outlines, light = [], []
    toward = np.cos(turns - 1.25 * math.pi)
    for i in range(sides):
        j = (i + 1) % sides
        outlines.append(np.stack([rim[i], rim[j], star[i]]))
        light.append(0.46 + 0.30 * toward[i] + (0.16 if i % 2 else -0.10))
        outlines.append(np.stack([star[i - 1], rim[i], star[i]]))
        light.append(0.42 - 0.22 * toward[i] + (0.20 if i % 3 == 0 else -0.06))
    outlines.append(star)
    light.append(0.50)
    for i in range(0, sides, 2):
        outlines.append(np.stack([star[i - 1], star[i], np.array([x, y])]))
        light.append(0.50 + 0.24 * math.cos(half[i] - 0.25 * math.pi) + (0.10 if i % 4 else -0.06))
    # white stones need dark facets to look cut, dark ones light facets
    bright = brightness(colour)
    outlines.append(
        np.array([(x - 0.36 * rx, y - 0.30 * ry), (x - 0.08 * rx, y - 0.46 * ry), (x - 0.16 * rx, y - 0.14 * ry)])
    )
    light.append(0.97)
    lift = -0.08 if bright > 0.85 else 0.08 if bright < 0.2 else 0.0
    sketch.facets(outlines, [value + lift for value in light], colour)


def _draw_ring(sketch: Sketch, product: Product) -> None:
    metal, thick = _setting(product), product["thick"]
    plain, radius = COLOURS[metal], 0.56
    # turned away the circle is an ellipse, and the inside of its far edge shows
    squash, depth = (0.72, 0.17) if product.view == "Side" else (1.0, 0.0)
    rx = radius * squash
    if depth:
        far = ellipse(depth, 0.24, rx, radius, count=56)
        sketch.part(
            far,
            metal,
            plain,
            holes=ellipse(depth, 0.24, rx - 0.6 * thick, radius - 0.8 * thick, count=48),
            bulge=0.04,
            shadow=0,
        )
        sketch.part(
            moved(ellipse(0, 0, rx * 0.98, radius * 0.99, count=56), 0.5 * depth, 0.25),
            metal,
            plain,
            holes=ellipse(0.5 * depth, 0.25, rx - 0.7 * thick, radius - thick, count=48),
            bulge=0.05,
            relief=-2.4,
            shadow=0,
        )
    near = ellipse(0, 0.26, rx, radius, count=56)
    sketch.part(
        near,
        metal,
        plain,
        holes=ellipse(0, 0.26, rx - thick * (0.6 + 0.4 * squash), radius - thick, count=48),
        bulge=0.4 * thick,
        relief=3.4,
        shadow=0.3,
    )
    if product.material in METALS:
        _signet(sketch, 0.5 * depth, 0.26 - radius, metal)
    else:
        _solitaire(sketch, 0.5 * depth, 0.26 - radius, product, metal, 0.88 + 0.12 * squash)
    sketch.stands = True


def _signet(sketch: Sketch, x: float, seat: float, metal: str) -> None:
    colour = COLOURS[metal]
    plate = smooth(
        [
            (-0.37, 0.20),
            (-0.30, 0.02),
            (-0.24, -0.12),
            (0, -0.17),
            (0.24, -0.12),
            (0.30, 0.02),
            (0.37, 0.20),
            (0.2, 0.14),
            (0, 0.12),
            (-0.2, 0.14),
        ]
    )
    sketch.part(moved(plate, x, seat), metal, colour, bulge=0.06, shadow=0.3)
    sketch.part(ellipse(x, seat - 0.07, 0.25, 0.115), metal, colour, bulge=0.03, shadow=0.2)
    sketch.part(ellipse(x, seat - 0.07, 0.16, 0.065), metal, shade(colour, 0.8), bulge=0.03, relief=-3.0, shadow=0)


def _solitaire(sketch: Sketch, x: float, seat: float, product: Product, metal: str, squash: float) -> None:
    gem, colour = product["gem"], COLOURS[metal]
    prongs = [
        np.array(
            [
                (side * gem * squash + x - 0.03, seat - gem),
                (side * gem * squash + x + 0.04, seat - gem),
                (side * 0.12 + x + 0.05, seat + 0.10),
                (side * 0.12 + x - 0.05, seat + 0.10),
            ]
        )
        for side in (-0.85, -0.3, 0.3, 0.85)
    ]
    sketch.part(prongs, metal, colour, bulge=0.02, shadow=0)
    middle, ry = seat - gem * 0.70, gem * product["cut"]
    _stone(sketch, x, middle, gem * squash, ry, product.rgb)
    claws = [
        ellipse(x + sx * gem * squash * 0.74, middle + sy * ry * 0.74, 0.05, count=12)
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    sketch.part(claws, metal, colour, bulge=0.02, shadow=0.3)


def _draw_necklace(sketch: Sketch, product: Product) -> None:
    metal = _setting(product)
    plain, wide, drop = COLOURS[metal], product["width"], product["drop"]
    if product.view == "Top":
        path = smooth(
            [
                (0, -0.90),
                (0.24, -0.74),
                (wide * 0.68, -0.30),
                (0.36, 0.14),
                (0, drop),
                (-0.36, 0.14),
                (-wide * 0.68, -0.30),
                (-0.24, -0.74),
                (0, -0.90),
            ],
            closed=False,
            samples=12,
        )
    else:
        path = smooth(
            [
                (-wide + 0.14, -0.86),
                (-wide, -0.50),
                (-0.38, 0.02),
                (0, drop),
                (0.38, 0.02),
                (wide, -0.50),
                (wide - 0.14, -0.86),
            ],
            closed=False,
            samples=14,
        )
    low = path[np.argmax(path[:, 1])]
    if product.material == "Gem":
        sketch.part(stroke(path, 0.02), "Matt", plain, shadow=0)
        _beads(sketch, path, product["bead"], "Plastic", product.rgb)
    else:
        _beads(sketch, path, 0.052, metal, plain)
    sketch.part(
        ellipse(low[0], low[1] + 0.07, 0.055, count=20),
        metal,
        plain,
        holes=ellipse(low[0], low[1] + 0.07, 0.025, count=12),
        bulge=0.02,
        shadow=0.2,
    )
    size, centre = product["pendant"], low[1] + 0.11 + product["pendant"]
    if product.material == "Gem":
        sketch.part(ellipse(0, centre, size + 0.045, size * 1.15 + 0.045), metal, plain, bulge=0.03, shadow=0.3)
        _stone(sketch, 0, centre, size, size * 1.15, product.rgb)
    elif product["shape"] < 0.5:
        heart = smooth(
            [
                (0, centre - 0.5 * size, 1),
                (0.55 * size, centre - 1.0 * size),
                (1.15 * size, centre - 0.5 * size),
                (0.7 * size, centre + 0.4 * size),
                (0, centre + 1.15 * size, 1),
                (-0.7 * size, centre + 0.4 * size),
                (-1.15 * size, centre - 0.5 * size),
                (-0.55 * size, centre - 1.0 * size),
            ]
        )
        sketch.part(heart, metal, plain, bulge=0.07, relief=3.4, shadow=0.3)
    else:
        sketch.part(ellipse(0, centre, size), metal, plain, bulge=0.04, relief=3.0, shadow=0.3)
        sketch.part(ellipse(0, centre, size * 0.62), metal, plain, bulge=0.04, relief=-2.6, shadow=0)


def _beads(sketch: Sketch, path: np.ndarray, size: float, material: str, colour: Colour) -> None:
    reach = np.concatenate([[0.0], np.cumsum(np.sqrt((np.diff(path, axis=0) ** 2).sum(axis=1)))])
    count = max(8, int(reach[-1] / (1.9 * size)))
    at = np.linspace(0, reach[-1], count)
    x, y = np.interp(at, reach, path[:, 0]), np.interp(at, reach, path[:, 1])
    sketch.part(
        [ellipse(cx, cy, size, count=14) for cx, cy in zip(x, y, strict=True)],
        material,
        colour,
        bulge=0.42 * size,
        relief=3.6,
        shadow=0.2,
    )


def _draw_earrings(sketch: Sketch, product: Product) -> None:
    metal = _setting(product)
    plain, size, apart = COLOURS[metal], product["size"], product["apart"]
    for side in (-1, 1):
        x = side * apart
        hook = smooth(
            [(x + 0.10, -0.52), (x + 0.13, -0.74), (x + 0.02, -0.86), (x - 0.05, -0.74), (x, -0.52)],
            closed=False,
        )
        sketch.part(stroke(hook, 0.042), metal, plain, bulge=0.014, shadow=0)
        if product.material == "Gem":
            sketch.part(ellipse(x, -0.46, 0.085, 0.085, count=20), metal, plain, bulge=0.03, shadow=0)
            ry = size * product["cut"]
            centre = -0.36 + ry + 0.05
            drop = smooth(
                [
                    (x, centre - ry - 0.10),
                    (x + size * 0.95, centre - 0.1 * ry),
                    (x + size * 0.8, centre + ry * 0.72),
                    (x, centre + ry + 0.06),
                    (x - size * 0.8, centre + ry * 0.72),
                    (x - size * 0.95, centre - 0.1 * ry),
                ]
            )
            drop = (drop - (x, centre)) * 1.07 + (x, centre)
            sketch.part(drop, metal, plain, bulge=0.03, shadow=0.2)
            _stone(sketch, x, centre + 0.04 * ry, size * 0.88, ry * 0.92, product.rgb, sides=10)
        elif product["hoop"] < 0.5:
            y, thick = -0.50 + size * 1.45, product["thick"]
            ring = ellipse(x, y, size * 1.25, size * 1.45, count=48)
            hole = ellipse(x, y, (size * 1.25 - thick), size * 1.45 - thick, count=40)
            sketch.part(ring, metal, plain, holes=hole, bulge=0.4 * thick, relief=3.4, shadow=0.2)
        else:
            centre = -0.58 + size * 1.3
            drop = smooth(
                [
                    (x, centre - size * 1.3, 1),
                    (x + size * 0.55, centre),
                    (x + size * 0.85, centre + size * 0.75),
                    (x, centre + size * 1.45),
                    (x - size * 0.85, centre + size * 0.75),
                    (x - size * 0.55, centre),
                ]
            )
            sketch.part(drop, metal, plain, bulge=0.10, relief=3.4, shadow=0.2)
    if product.view == "Angled":
        sketch.turn_away(46)


def _draw_watch(sketch: Sketch, product: Product) -> None:
    sketch.turn = 18.0 if product.view == "Angled" else 0.0
    metal = product.material if product.material in METALS else ("Gold" if product["metal"] < 0.4 else "Silver")
    plain, radius, wide = COLOURS[metal], product["radius"], product["strap"]
    if product.material in METALS:
        _metal_strap(sketch, wide, metal)
    else:
        _strap(sketch, wide, product)
    lugs = [
        box(x - 0.05, y - 0.08, x + 0.05, y + 0.08, 0.03)
        for x in (-wide * 0.92, wide * 0.92)
        for y in (-radius * 0.86, radius * 0.86)
    ]
    sketch.part(lugs, metal, plain, bulge=0.03, shadow=0.2)
    sketch.part(box(radius - 0.02, -0.06, radius + 0.09, 0.06, 0.03), metal, plain, bulge=0.03, shadow=0)
    sketch.part(ellipse(0, 0, radius, count=56), metal, plain, bulge=0.05, relief=3.6, shadow=0.5)
    _dial(sketch, radius - 0.085, product, plain)


def _metal_strap(sketch: Sketch, wide: float, metal: str) -> None:
    for row in range(6):
        for sign in (-1, 1):
            y, w = sign * (0.36 + 0.112 * row), wide * (0.98 - 0.035 * row)
            links = [(-w, -0.38 * w), (-0.36 * w, 0.36 * w), (0.38 * w, w)]
            outlines = [box(left, y - 0.05, right, y + 0.05, 0.02) for left, right in links]
            sketch.part(outlines, metal, COLOURS[metal], bulge=0.025, relief=3.0, shadow=0.1)


def _strap(sketch: Sketch, wide: float, product: Product) -> None:
    colour, material = product.rgb, product.material
    upper = [(-wide, -0.25, 1), (-wide * 0.80, -0.70), (-wide * 0.78, -0.93, 1)]
    lower = [(-wide, 0.25, 1), (-wide * 0.78, 0.70), (-wide * 0.66, 0.92)]
    above = smooth([*upper, *((-p[0], *p[1:]) for p in reversed(upper))])
    below = smooth([*lower, (0, 0.97), *((-p[0], *p[1:]) for p in reversed(lower))])
    sketch.part([above, below], material, colour, bulge=0.06, relief=3.2, shadow=0, folds=0.3)
    signs = [(across, down) for across in (-1, 1) for down in (-1, 1)]
    if material == "Leather":
        edges = [between((x * wide * 0.80, y * 0.42), (x * wide * 0.64, y * 0.88)) for x, y in signs]
        sketch.mark([piece for path in edges for piece in dashes(path, 0.032, 0.018)], thread(material, colour))
        sketch.mark([ellipse(0, y, 0.022, count=10) for y in (0.62, 0.72, 0.82)], shade(colour, 0.35))
    else:
        ribs = [
            between((-wide * 0.45, sign * y), (wide * 0.45, sign * y), count=2)
            for y in (0.58, 0.67, 0.76)
            for sign in (-1, 1)
        ]
        sketch.mark([stroke(path, 0.026) for path in ribs], shade(colour, 0.6), 0.8)


def _dial(sketch: Sketch, radius: float, product: Product, metal: Colour) -> None:
    face = _dial_colour(product)
    sketch.part(ellipse(0, 0, radius, count=48), "Matt", face, bulge=0.03, relief=-2.0, shadow=0)
    ink = (0.12, 0.12, 0.14) if brightness(face) > 0.5 else (0.95, 0.95, 0.93)
    marks = []
    for hour in range(12):
        turn, long = hour / 12 * 2 * math.pi, hour % 3 == 0
        ray = np.array([[0.70 if long else 0.78], [0.90]]) * radius * (math.cos(turn), math.sin(turn))
        marks.append(stroke(ray, 0.035 if long else 0.022))
    sketch.mark(marks, ink)
    # the minute hand goes round twelve times as fast, so they always show a time
    turn = product["hour"] * 2 * math.pi
    hands = [
        stroke(np.array([(0.0, 0.0), (length * math.sin(angle), -length * math.cos(angle))]), [width, 0.5 * width])
        for angle, length, width in ((turn, 0.50 * radius, 0.055), (12 * turn, 0.76 * radius, 0.042))
    ]
    sketch.part(hands, "Matt", ink, bulge=0.01, shadow=0.4)
    sketch.mark(ellipse(0, 0, 0.035, count=14), metal)
    gleam = smooth([(-0.75, -0.35), (-0.2, -0.8), (0.05, -0.75), (-0.6, -0.05)])
    sketch.glow(gleam * radius, (1, 1, 1), 0.30, blur=0.015)


def _dial_colour(product: Product) -> Colour:
    if product["dial"] < 0.55 or product.material in METALS:
        return (0.96, 0.96, 0.94) if product["dial"] < 0.55 else (0.13, 0.14, 0.17)
    return shade(product.rgb, 0.85)


def _draw_glasses(sketch: Sketch, product: Product) -> None:
    colour, material, metal = product.rgb, product.material, product.material in METALS
    rx, ry = product["width"], product["height"]
    thick = product["thick"] * (0.68 if metal else 1.0)
    x = rx + 0.07 + 0.5 * thick
    lens = _lens(rx, ry, product["round"])
    rim = _lens(rx + thick, ry + thick, product["round"])
    edge = x + rx + 0.6 * thick
    if product.view == "Angled":
        arms = [
            smooth(
                [
                    (edge - 0.02, -0.5 * ry),
                    (edge * 0.80, -0.62 * ry - 0.22),
                    (edge * 0.70, -0.5 * ry - 0.30),
                    (edge * 0.66, -0.4 * ry - 0.24),
                ],
                closed=False,
            ),
            smooth(
                [
                    (-edge + 0.02, -0.5 * ry),
                    (-edge * 0.72, -0.62 * ry - 0.26),
                    (-edge * 0.60, -0.5 * ry - 0.34),
                    (-edge * 0.56, -0.4 * ry - 0.28),
                ],
                closed=False,
            ),
        ]
    else:
        arm = smooth(
            [(edge - 0.04, -ry * 0.56), (edge + 0.07, -ry * 0.52), (edge + 0.06, -ry * 0.15), (edge + 0.02, 0.05)],
            closed=False,
        )
        arms = [arm, arm * (-1, 1)]
    sketch.part([stroke(path, 0.8 * thick) for path in arms], material, shade(colour, 0.8), bulge=0.02, shadow=0)
    lenses = [moved(lens, x), moved(lens * (-1, 1), -x)]
    sketch.part(lenses, "Glass", _tint(product), bulge=0.03, relief=1.0, shadow=0)
    for middle in (-x, x):
        gleam = np.array([(-0.62, 0.30), (-0.12, -0.80), (0.14, -0.80), (-0.36, 0.45)]) * (rx, ry) + (middle, 0)
        sketch.glow(gleam, (1, 1, 1), 0.5, blur=0.008)
    bridge = smooth(
        [(-0.09 - 0.3 * thick, -ry * 0.25), (0, -ry * 0.50), (0.09 + 0.3 * thick, -ry * 0.25)], closed=False
    )
    sketch.part(stroke(bridge, thick), material, colour, bulge=0.02, relief=3.4, shadow=0)
    rims = [moved(rim, x), moved(rim * (-1, 1), -x)]
    sketch.part(rims, material, colour, holes=lenses, bulge=max(0.016, 0.35 * thick), relief=3.4, shadow=0.35)
    if product.view == "Angled":
        sketch.turn_away(34)
    sketch.stands = True


def _lens(rx: float, ry: float, roundness: float) -> np.ndarray:
    """Between a rounded box (0) and an ellipse (1), a little wider at the top."""
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    cos, sin = np.cos(turn), np.sin(turn)
    power = 0.5 + 0.5 * roundness
    x, y = np.sign(cos) * np.abs(cos) ** power, np.sign(sin) * np.abs(sin) ** power
    return np.stack([x * (1 - 0.07 * y) * rx, y * ry], axis=1)


def _tint(product: Product) -> Colour:
    colour = product.rgb
    if brightness(colour) > 0.9:
        return (0.80, 0.81, 0.83)
    return shade(colour, 0.62) if product["tint"] < 0.6 else shade(colour, 1.5)


def _stone_words(product: Product) -> str:
    return "" if product.material in METALS else f"set in {_setting(product).lower()}"


def _eyewear(product: Product) -> str:
    return "with dark lenses" if product["tint"] < 0.6 else "with light lenses"


JEWELLERY = {"Gem": PLAIN, **ALL_METAL}
CATEGORIES = (
    Category(
        "Ring",
        JEWELLERY,
        ("Front", "Side"),
        {"thick": (0.11, 0.17), "gem": (0.31, 0.39), "cut": (0.80, 1.0), "metal": (0.0, 1.0)},
        _draw_ring,
        lambda product: _stone_words(product) or "with a signet",
    ),
    Category(
        "Necklace",
        JEWELLERY,
        ("Front", "Top"),
        {
            "width": (0.60, 0.76),
            "drop": (0.30, 0.42),
            "bead": (0.065, 0.095),
            "pendant": (0.15, 0.21),
            "shape": (0.0, 1.0),
            "metal": (0.0, 1.0),
        },
        _draw_necklace,
        lambda product: _stone_words(product) or ("with a heart" if product["shape"] < 0.5 else "with a medal"),
    ),
    Category(
        "Earrings",
        JEWELLERY,
        ("Front", "Angled"),
        {
            "size": (0.26, 0.34),
            "apart": (0.38, 0.46),
            "cut": (1.25, 1.6),
            "hoop": (0.0, 1.0),
            "thick": (0.09, 0.14),
            "metal": (0.0, 1.0),
        },
        _draw_earrings,
        lambda product: _stone_words(product) or ("as hoops" if product["hoop"] < 0.5 else "as drops"),
        plural=True,
    ),
    Category(
        "Watch",
        {"Leather": PLAIN, "Plastic": PLAIN, **ALL_METAL},
        ("Front", "Angled"),
        {"radius": (0.40, 0.48), "strap": (0.24, 0.32), "dial": (0.0, 1.0), "hour": (0.0, 1.0), "metal": (0.0, 1.0)},
        _draw_watch,
        lambda product: (
            "with a dark dial"
            if brightness(_dial_colour(product)) < 0.3
            else "with a light dial"
            if brightness(_dial_colour(product)) > 0.85
            else "with a matching dial"
        ),
    ),
    Category(
        "Glasses",
        {"Plastic": PLAIN, **ALL_METAL},
        ("Front", "Angled"),
        {
            "thick": (0.07, 0.12),
            "width": (0.30, 0.35),
            "height": (0.24, 0.33),
            "round": (0.3, 1.0),
            "tint": (0.0, 1.0),
        },
        _draw_glasses,
        _eyewear,
        plural=True,
    ),
)
