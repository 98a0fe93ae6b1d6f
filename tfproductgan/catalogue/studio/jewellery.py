"""Rings, necklaces, earrings, watches and glasses."""

from __future__ import annotations

import math

import numpy as np

from tfproductgan.catalogue.studio.materials import COLOURS, METALS, Colour, brightness, shade, thread
from tfproductgan.catalogue.studio.pens import Pen
from tfproductgan.catalogue.studio.products import PLAIN, Category, Ground, Product
from tfproductgan.catalogue.studio.shapes import between, box, dashes, ellipse, flipped, moved, smooth, stroke

ALL_METAL = {"Gold": PLAIN, "Silver": PLAIN}


def _setting(product: Product) -> str:
    """The metal that holds the stones, or the product's own."""
    if product.material in METALS:
        return product.material
    return "Gold" if product["metal"] < 0.5 else "Silver"


def _stone(pen: Pen, x: float, y: float, rx: float, ry: float, colour: Colour, sides: int = 12) -> None:
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
    pen.facets(outlines, [value + lift for value in light], colour)


def _draw_ring(pen: Pen, product: Product) -> Ground | None:
    metal, thick = _setting(product), product["thick"]
    plain, top = COLOURS[metal], product.material in METALS
    radius = 0.56
    gem = product["gem"]
    if product.view == "Angled":
        y, flat = 0.18, 0.50
        back = ellipse(0, y - 0.06, radius, radius * flat)
        pen.part(
            back,
            metal,
            shade(plain, 0.6),
            holes=ellipse(0, y - 0.02, radius - 0.5 * thick, radius * flat - 0.03),
            bulge=0.03,
            shadow=0,
        )
        band = [
            ellipse(0, y, radius + 0.02, radius * flat + 0.02),
            ellipse(0, y + thick, radius + 0.02, radius * flat + 0.02),
        ]
        lower = np.concatenate(
            [
                ellipse(0, y, radius + 0.02, radius * flat + 0.02, start=0.5, turn=-0.5),
                ellipse(0, y + thick * 1.1, radius + 0.02, radius * flat + 0.02, start=0.0, turn=0.5),
            ]
        )
        del band
        rim = ellipse(0, y, radius + 0.02, radius * flat + 0.02)
        pen.part(
            rim, metal, plain, holes=ellipse(0, y + 0.015, radius - 0.05, radius * flat - 0.045), bulge=0.02, shadow=0
        )
        pen.part(lower, metal, plain, bulge=0.06, relief=3.2, shadow=0.2)
        front = y + radius * flat + 0.45 * thick
        if top:
            pen.part(ellipse(0, front - 0.04, 0.24, 0.20), metal, plain, bulge=0.06, shadow=0.5)
            pen.part(ellipse(0, front - 0.05, 0.15, 0.12), metal, shade(plain, 0.8), bulge=0.04, relief=-3, shadow=0)
        else:
            pen.part(ellipse(0, front - 0.08, gem + 0.05, gem * 0.9 + 0.05), metal, plain, bulge=0.03, shadow=0.5)
            _stone(pen, 0, front - 0.09, gem, gem * 0.9, product.rgb)
        return (0.0, front + 0.10, 0.66, 0.07)
    y = 0.26
    pen.part(
        ellipse(0, y, radius, count=56),
        metal,
        plain,
        holes=ellipse(0, y, radius - thick, count=48),
        bulge=0.4 * thick,
        relief=3.4,
        shadow=0,
    )
    if top:
        seat = y - radius + 0.3 * thick
        pen.part(
            smooth(
                [
                    (-0.36, seat + 0.12),
                    (-0.24, seat - 0.10),
                    (0, seat - 0.16),
                    (0.24, seat - 0.10),
                    (0.36, seat + 0.12),
                    (0, seat + 0.10),
                ]
            ),
            metal,
            plain,
            bulge=0.06,
            shadow=0.3,
        )
        pen.part(ellipse(0, seat - 0.03, 0.17, 0.09), metal, plain, bulge=0.035, relief=-3.0, shadow=0)
    else:
        seat = y - radius
        prongs = [
            np.array(
                [
                    (x * gem, seat - gem * 0.9),
                    (x * gem * 1.0 + 0.035, seat - gem * 0.9),
                    (x * 0.3 * gem + 0.05, seat + 0.10),
                    (x * 0.3 * gem - 0.03, seat + 0.10),
                ]
            )
            for x in (-0.9, -0.3, 0.3, 0.9)
        ]
        pen.part(prongs, metal, plain, bulge=0.02, shadow=0)
        middle = seat - gem * 0.62
        _stone(pen, 0, middle, gem, gem * product["cut"], product.rgb)
        claws = [
            ellipse(sx * gem * 0.72, middle + sy * gem * product["cut"] * 0.72, 0.045, count=12)
            for sx in (-1, 1)
            for sy in (-1, 1)
        ]
        pen.part(claws, metal, plain, bulge=0.02, shadow=0.3)
    return (0.0, y + radius, 0.40, 0.035)


def _draw_necklace(pen: Pen, product: Product) -> None:
    metal = _setting(product)
    plain, wide, drop = COLOURS[metal], product["width"], product["drop"]
    if product.view == "Top":
        path = ellipse(0, -0.12, wide, 0.56 + 0.1 * drop, start=0.25, count=80)
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
        pen.part(stroke(path, 0.02), "Matt", plain, shadow=0)
        _beads(pen, path, product["bead"], "Plastic", product.rgb)
    else:
        _beads(pen, path, 0.052, metal, plain)
    pen.part(
        ellipse(low[0], low[1] + 0.07, 0.055, count=20),
        metal,
        plain,
        holes=ellipse(low[0], low[1] + 0.07, 0.025, count=12),
        bulge=0.02,
        shadow=0.2,
    )
    size, centre = product["pendant"], low[1] + 0.11 + product["pendant"]
    if product.material == "Gem":
        pen.part(ellipse(0, centre, size + 0.045, size * 1.15 + 0.045), metal, plain, bulge=0.03, shadow=0.3)
        _stone(pen, 0, centre, size, size * 1.15, product.rgb)
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
        pen.part(heart, metal, plain, bulge=0.07, relief=3.4, shadow=0.3)
    else:
        pen.part(ellipse(0, centre, size), metal, plain, bulge=0.04, relief=3.0, shadow=0.3)
        pen.part(ellipse(0, centre, size * 0.62), metal, plain, bulge=0.04, relief=-2.6, shadow=0)


def _beads(pen: Pen, path: np.ndarray, size: float, material: str, colour: Colour) -> None:
    reach = np.concatenate([[0.0], np.cumsum(np.sqrt((np.diff(path, axis=0) ** 2).sum(axis=1)))])
    count = max(8, int(reach[-1] / (1.9 * size)))
    at = np.linspace(0, reach[-1], count)
    x, y = np.interp(at, reach, path[:, 0]), np.interp(at, reach, path[:, 1])
    pen.part(
        [ellipse(cx, cy, size, count=14) for cx, cy in zip(x, y, strict=True)],
        material,
        colour,
        bulge=0.42 * size,
        relief=3.6,
        shadow=0.2,
    )


def _draw_earrings(pen: Pen, product: Product) -> None:
    metal = _setting(product)
    plain, size, apart = COLOURS[metal], product["size"], product["apart"]
    tilt = 0.62 if product.view == "Angled" else 1.0
    for side in (-1, 1):
        x = side * apart
        hook = smooth(
            [(x + 0.10 * tilt, -0.52), (x + 0.13 * tilt, -0.74), (x + 0.02, -0.86), (x - 0.05, -0.74), (x, -0.52)],
            closed=False,
        )
        pen.part(stroke(hook, 0.042), metal, plain, bulge=0.014, shadow=0)
        if product.material == "Gem":
            pen.part(ellipse(x, -0.46, 0.085 * tilt, 0.085, count=20), metal, plain, bulge=0.03, shadow=0)
            ry = size * product["cut"]
            centre = -0.36 + ry + 0.05
            drop = smooth(
                [
                    (x, centre - ry - 0.10),
                    (x + tilt * size * 0.95, centre - 0.1 * ry),
                    (x + tilt * size * 0.8, centre + ry * 0.72),
                    (x, centre + ry + 0.06),
                    (x - tilt * size * 0.8, centre + ry * 0.72),
                    (x - tilt * size * 0.95, centre - 0.1 * ry),
                ]
            )
            drop = (drop - (x, centre)) * 1.07 + (x, centre)
            pen.part(drop, metal, plain, bulge=0.03, shadow=0.2)
            _stone(pen, x, centre + 0.04 * ry, size * tilt * 0.88, ry * 0.92, product.rgb, sides=10)
        elif product["hoop"] < 0.5:
            y, thick = -0.50 + size * 1.45, product["thick"]
            ring = ellipse(x, y, size * 1.25 * tilt, size * 1.45, count=48)
            hole = ellipse(x, y, (size * 1.25 - thick) * tilt, size * 1.45 - thick, count=40)
            pen.part(ring, metal, plain, holes=hole, bulge=0.4 * thick, relief=3.4, shadow=0.2)
        else:
            centre = -0.42 + size * 1.3
            drop = smooth(
                [
                    (x, centre - size * 1.3, 1),
                    (x + tilt * size * 0.55, centre),
                    (x + tilt * size * 0.85, centre + size * 0.75),
                    (x, centre + size * 1.45),
                    (x - tilt * size * 0.85, centre + size * 0.75),
                    (x - tilt * size * 0.55, centre),
                ]
            )
            pen.part(drop, metal, plain, bulge=0.10, relief=3.4, shadow=0.2)


def _draw_watch(pen: Pen, product: Product) -> None:
    colour, material = product.rgb, product.material
    metal = material if material in METALS else ("Gold" if product["metal"] < 0.4 else "Silver")
    plain, radius, wide = COLOURS[metal], product["radius"], product["strap"]
    upper = smooth(
        [
            (-wide, -0.25, 1),
            (-wide * 0.80, -0.70),
            (-wide * 0.78, -0.93, 1),
            (wide * 0.78, -0.93, 1),
            (wide * 0.80, -0.70),
            (wide, -0.25, 1),
        ]
    )
    lower = smooth(
        [
            (-wide, 0.25, 1),
            (-wide * 0.78, 0.70),
            (-wide * 0.66, 0.92),
            (0, 0.97),
            (wide * 0.66, 0.92),
            (wide * 0.78, 0.70),
            (wide, 0.25, 1),
        ]
    )
    if material in METALS:
        for row in range(6):
            for sign in (-1, 1):
                y, w = sign * (0.36 + 0.112 * row), wide * (0.98 - 0.035 * row)
                pen.part(
                    [
                        box(-w, y - 0.05, -0.38 * w, y + 0.05, 0.02),
                        box(-0.36 * w, y - 0.05, 0.36 * w, y + 0.05, 0.02),
                        box(0.38 * w, y - 0.05, w, y + 0.05, 0.02),
                    ],
                    metal,
                    plain,
                    bulge=0.025,
                    relief=3.0,
                    shadow=0.1,
                )
    else:
        pen.part([upper, lower], material, colour, bulge=0.06, relief=3.2, shadow=0, folds=0.3)
        if material == "Leather":
            edge = [
                stroke(between((x * wide * 0.80, -0.42), (x * wide * 0.66, -0.88), count=3), 0.001) for x in (-1, 1)
            ]
            paths = [
                between((x * wide * 0.80, s * 0.42), (x * wide * 0.64, s * 0.88)) for x in (-1, 1) for s in (-1, 1)
            ]
            del edge
            pen.mark([piece for path in paths for piece in dashes(path, 0.032, 0.018)], thread(material, colour))
        else:
            ribs = [
                between((-wide * 0.45, s * y), (wide * 0.45, s * y), count=2)
                for y in (0.58, 0.67, 0.76)
                for s in (-1, 1)
            ]
            pen.mark([stroke(path, 0.026) for path in ribs], shade(colour, 0.6), 0.8)
        pen.mark(
            [ellipse(0, y, 0.022, count=10) for y in (0.62, 0.72, 0.82)] if material == "Leather" else [],
            shade(colour, 0.35),
        ) if material == "Leather" else None
    lugs = [
        box(x - 0.05, y - 0.08, x + 0.05, y + 0.08, 0.03)
        for x in (-wide * 0.92, wide * 0.92)
        for y in (-radius * 0.86, radius * 0.86)
    ]
    pen.part(lugs, metal, plain, bulge=0.03, shadow=0.2)
    pen.part(box(radius - 0.02, -0.06, radius + 0.09, 0.06, 0.03), metal, plain, bulge=0.03, shadow=0)
    pen.part(ellipse(0, 0, radius, count=56), metal, plain, bulge=0.05, relief=3.6, shadow=0.5)
    face = _dial_colour(product)
    inner = radius - 0.085
    pen.part(ellipse(0, 0, inner, count=48), "Matt", face, bulge=0.03, relief=-2.0, shadow=0)
    ink = (0.12, 0.12, 0.14) if brightness(face) > 0.5 else (0.95, 0.95, 0.93)
    marks = []
    for hour in range(12):
        turn = hour / 12 * 2 * math.pi
        far, near = inner * 0.90, inner * (0.70 if hour % 3 == 0 else 0.78)
        direction = np.array([math.cos(turn), math.sin(turn)])
        marks.append(stroke(np.stack([direction * near, direction * far]), 0.035 if hour % 3 == 0 else 0.022))
    pen.mark(marks, ink)
    hour, minute = product["hour"] * 2 * math.pi, product["hour"] * 24 * math.pi
    hands = [
        stroke(
            np.array(
                [
                    (0.0, 0.0),
                    (length * math.sin(turn), -length * math.cos(turn)),
                ]
            ),
            [width, width * 0.5],
        )
        for turn, length, width in ((hour, inner * 0.50, 0.055), (minute, inner * 0.76, 0.042))
    ]
    pen.part(hands, "Matt", ink, bulge=0.01, shadow=0.4)
    pen.mark(ellipse(0, 0, 0.035, count=14), plain)
    pen.glow(
        smooth(
            [
                (-inner * 0.75, -inner * 0.35),
                (-inner * 0.2, -inner * 0.8),
                (inner * 0.05, -inner * 0.75),
                (-inner * 0.6, -inner * 0.05),
            ]
        ),
        (1, 1, 1),
        0.30,
        blur=0.015,
    )


def _dial_colour(product: Product) -> Colour:
    if product["dial"] < 0.55 or product.material in METALS:
        return (0.96, 0.96, 0.94) if product["dial"] < 0.55 else (0.13, 0.14, 0.17)
    return shade(product.rgb, 0.85)


def _draw_glasses(pen: Pen, product: Product) -> Ground | None:
    colour, material = product.rgb, product.material
    thick, rx, ry, round_ness = product["thick"], product["width"], product["height"], product["round"]
    if material in METALS:
        thick *= 0.62
        colour = COLOURS[material]
    angled = product.view == "Angled"
    x, y = rx + 0.09, 0.0
    power = 0.5 + 0.5 * round_ness
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)

    def lens(grow: float) -> np.ndarray:
        cos, sin = np.cos(turn), np.sin(turn)
        px = np.sign(cos) * np.abs(cos) ** power * (rx + grow)
        py = np.sign(sin) * np.abs(sin) ** power * (ry + grow)
        return np.stack([px * (1 + 0.06 * (py < 0)), py], axis=1)

    temples = []
    if angled:
        temples = [
            stroke(
                smooth(
                    [
                        (s * (x + rx * 0.98), -ry * 0.5),
                        (s * (x + rx * 0.98) * 0.86 + 0.24, -ry - 0.30),
                        (s * (x + rx) * 0.80 + 0.30, -ry - 0.36),
                        (s * (x + rx) * 0.80 + 0.35, -ry - 0.28),
                    ],
                    closed=False,
                ),
                thick * 0.8,
            )
            for s in (-1, 1)
        ]
    else:
        hinge = smooth(
            [
                (x + rx - 0.02, -ry * 0.55),
                (x + rx + 0.07, -ry * 0.50),
                (x + rx + 0.055, -ry * 0.1),
                (x + rx + 0.02, 0.04),
            ],
            closed=False,
        )
        temples = [stroke(hinge, thick * 0.9), *flipped([stroke(hinge, thick * 0.9)])]
    pen.part(temples, material, shade(colour, 0.8), bulge=0.02, shadow=0)
    tint = shade(colour, 0.62) if product["tint"] < 0.6 else shade(colour, 1.5)
    if brightness(colour) > 0.9:
        tint = (0.80, 0.81, 0.83)
    lenses = [moved(lens(0.0), x, y), moved(lens(0.0) * (-1, 1), -x, y)]
    pen.part(lenses, "Glass", tint, bulge=0.03, relief=1.0, shadow=0)
    for side in (-1, 1):
        gleam = np.array([(-0.55, 0.30), (-0.10, -0.80), (0.14, -0.80), (-0.32, 0.42)]) * (rx, ry) + (side * x, y)
        pen.glow(gleam, (1, 1, 1), 0.45, blur=0.008)
    rims = [moved(lens(thick), x, y), moved(lens(thick) * (-1, 1), -x, y)]
    bridge = stroke(smooth([(-0.13, -ry * 0.28), (0, -ry * 0.52), (0.13, -ry * 0.28)], closed=False), thick)
    pen.part([bridge], material, colour, bulge=0.02, relief=3.4, shadow=0)
    pen.part(rims, material, colour, holes=lenses, bulge=max(0.018, 0.4 * thick), relief=3.4, shadow=0.35)
    return (0.0, ry + thick + 0.10, 0.86, 0.05)


def _stone_words(product: Product) -> str:
    return "" if product.material in METALS else f"set in {_setting(product).lower()}"


def _eyewear(product: Product) -> str:
    return "with dark lenses" if product["tint"] < 0.6 else "with light lenses"


JEWELLERY = {"Gem": PLAIN, **ALL_METAL}
CATEGORIES = (
    Category(
        "Ring",
        JEWELLERY,
        ("Front", "Angled"),
        {"thick": (0.10, 0.16), "gem": (0.26, 0.34), "cut": (0.80, 1.0), "metal": (0.0, 1.0)},
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
            "thick": (0.06, 0.11),
            "width": (0.30, 0.35),
            "height": (0.24, 0.33),
            "round": (0.35, 1.0),
            "tint": (0.0, 1.0),
        },
        _draw_glasses,
        _eyewear,
        plural=True,
    ),
)
