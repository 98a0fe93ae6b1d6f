"""Sneakers, boots and high heels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tfproductgan.studio.materials import brightness, shade, thread
from tfproductgan.studio.products import PLAIN, Category, Product
from tfproductgan.studio.shapes import between, box, dashes, ellipse, moved, smooth, stroke
from tfproductgan.studio.sketch import Sketch

RUBBER = (0.95, 0.95, 0.93)
GUM = (0.74, 0.52, 0.30)
DARK = (0.16, 0.15, 0.15)


def _sole_of(product: Product) -> tuple[float, float, float]:
    if brightness(product.rgb) > 0.85:
        return GUM
    return RUBBER


def _draw_sneaker(sketch: Sketch, product: Product) -> None:
    return _sneaker_from_above(sketch, product) if product.view == "Top" else _sneaker_from_the_side(sketch, product)


def _sneaker_from_the_side(sketch: Sketch, product: Product) -> None:
    colour, material = product.rgb, product.material
    high, toe, sole = product["ankle"], product["toe"], product["sole"]
    rubber, tone = _sole_of(product), shade(colour, 0.70)
    trim = tone if brightness(colour) > 0.3 else RUBBER
    lace = (0.97, 0.97, 0.96) if brightness(colour) < 0.8 else shade(colour, 0.55)
    lining = smooth(
        [(-0.74, -high - 0.02, 1), (-0.45, -high - 0.03), (-0.14, -high - 0.10, 1), (-0.2, 0.0), (-0.66, 0.0)]
    )
    sketch.part(lining, "Matt", shade(colour, 0.42), shadow=0)
    tongue = smooth(
        [(-0.16, -high + 0.10), (-0.16, -high - 0.16, 1), (0.0, -high - 0.13, 1), (0.22, 0.02), (0.0, 0.10)]
    )
    sketch.part(tongue, material, tone, bulge=0.04, shadow=0.2, folds=0)
    upper = smooth(
        [
            (-0.80, -high - 0.08),
            (-0.72, -high - 0.06),
            (-0.58, -high + 0.09),
            (-0.30, -high + 0.10),
            (-0.10, -high - 0.02, 1),
            (0.12, -high + 0.16),
            (0.36, 0.04),
            (0.58, 0.14),
            (0.80, 0.22),
            (0.91, 0.34),
            (0.90, 0.44, 1),
            (-0.80, 0.44, 1),
            (-0.84, 0.24),
            (-0.78, 0.0),
        ]
    )
    sketch.part(upper, material, colour, bulge=0.09, relief=3.2, pattern=product.pattern, shadow=0.3, folds=0.6)
    heel = smooth(
        [(-0.80, -high + 0.06), (-0.66, -high + 0.17), (-0.62, 0.16), (-0.52, 0.44), (-0.80, 0.44), (-0.84, 0.24)]
    )
    sketch.part(heel, material, trim, bulge=0.04, shadow=0.3, folds=0.3)
    cap = smooth([(toe, 0.44, 1), (toe + 0.04, 0.25), (toe + 0.14, 0.14), (0.80, 0.22), (0.915, 0.34), (0.91, 0.44, 1)])
    canvas = material == "Cotton"
    sketch.part(cap, "Matt" if canvas else material, rubber if canvas else tone, bulge=0.06, shadow=0.25, folds=0.3)
    if not canvas:
        band = RUBBER if brightness(colour) < 0.75 else shade(colour, 0.5)
        bands = [
            smooth([(x - 0.02, 0.42, 1), (x + 0.22, 0.02, 1), (x + 0.32, 0.04, 1), (x + 0.09, 0.42, 1)])
            for x in (-0.42, -0.22)
        ]
        sketch.part(bands, material, band, bulge=0.03, shadow=0.2, folds=0)
    # laces climb the throat from the toe to the ankle
    low, up = np.array([0.40, 0.08]), np.array([0.02, -high + 0.09])
    across = np.array([-0.13, 0.07])
    rows = [
        between(low + t * (up - low) + (0.05, -0.05), low + t * (up - low) + across, bend=0.12)
        for t in (0.06, 0.36, 0.66, 0.96)
    ]
    sketch.part([stroke(path, 0.058) for path in rows], "Matt", lace, bulge=0.02, shadow=0.5)
    base = smooth(
        [
            (-0.87, 0.36, 1),
            (-0.4, 0.42),
            (0.4, 0.43),
            (0.96, 0.35, 1),
            (0.985, 0.43),
            (0.86, 0.42 + sole, 1),
            (0.2, 0.44 + sole),
            (-0.78, 0.44 + sole, 1),
            (-0.89, 0.46),
        ]
    )
    sketch.part(base, "Matt", rubber, bulge=0.06, relief=3.4, shadow=0.4)
    line = between((-0.85, 0.43 + sole * 0.45), (0.92, 0.41 + sole * 0.45), bend=-0.01)
    sketch.mark(stroke(line, 0.03), tone if brightness(colour) < 0.85 else DARK)
    seam = smooth([(-0.62, -high + 0.24), (-0.57, 0.16), (-0.47, 0.40)], closed=False)
    sketch.mark(dashes(seam, 0.03, 0.014), thread(material, colour), 0.8)
    sketch.stands = True


def _sneaker_from_above(sketch: Sketch, product: Product) -> None:
    colour, material = product.rgb, product.material
    rubber, tone = _sole_of(product), shade(colour, 0.72)
    lace = (0.97, 0.97, 0.96) if brightness(colour) < 0.8 else shade(colour, 0.5)
    for side in (-1, 1):

        def place(points, side=side):
            return points * (side, 1) + (side * 0.40, 0)

        sole = smooth(
            [
                (0.03, -0.92),
                (0.27, -0.74),
                (0.33, -0.42),
                (0.26, 0.1),
                (0.27, 0.55),
                (0.16, 0.86),
                (-0.05, 0.91),
                (-0.22, 0.76),
                (-0.25, 0.4),
                (-0.26, 0.0),
                (-0.33, -0.45),
                (-0.23, -0.80),
            ]
        )
        sketch.part(place(sole), "Matt", rubber, bulge=0.04, shadow=0.1)
        upper = moved(sole * (0.86, 0.94), 0, 0.0)
        sketch.part(
            place(upper), material, colour, bulge=0.11, relief=3.4, pattern=product.pattern, shadow=0.25, folds=0.7
        )
        if material == "Cotton":
            toe = smooth([(0.0, -0.865), (0.23, -0.69), (0.25, -0.52), (0, -0.60), (-0.25, -0.52), (-0.21, -0.73)])
            sketch.part(place(toe), "Matt", rubber, bulge=0.06, shadow=0.2)
        opening = smooth([(0.0, 0.06), (0.16, 0.22), (0.17, 0.55), (0, 0.76), (-0.16, 0.55), (-0.16, 0.22)])
        sketch.part(place(opening), "Matt", shade(colour, 0.36), bulge=0.05, relief=-3, shadow=0)
        sketch.part(place(ellipse(0, 0.56, 0.12, 0.15)), "Matt", shade(colour, 0.52), bulge=0.04, shadow=0)
        tongue = smooth([(-0.12, -0.42), (0.12, -0.42), (0.14, 0.16), (-0.14, 0.16)])
        sketch.part(place(tongue), material, tone, bulge=0.04, shadow=0.3, folds=0)
        rows = [
            place(stroke(between((-0.17, y + 0.03), (0.17, y - 0.01), bend=-0.06), 0.055))
            for y in (-0.36, -0.22, -0.08, 0.06)
        ]
        sketch.part(rows, "Matt", lace, bulge=0.02, shadow=0.5)


def _pair(sketch: Sketch, product: Product, draw_one: Callable[[Sketch, Product], None]) -> None:
    """Both shoes, the far one behind the near one."""
    if product.view == "Angled":
        draw_one(sketch, product)
        sketch.move(0.34, -0.13, 0.93)
    draw_one(sketch, product)
    sketch.stands = True


def _draw_boot(sketch: Sketch, product: Product) -> None:
    _pair(sketch, product, _boot)


def _draw_heel(sketch: Sketch, product: Product) -> None:
    _pair(sketch, product, _heel)


def _boot(sketch: Sketch, product: Product) -> None:
    colour, material = product.rgb, product.material
    top, wide, heel = -product["shaft"], product["width"], product["heel"]
    rubber = material == "Plastic"
    tone = shade(colour, 0.72)
    sole = shade(colour, 0.55) if rubber else DARK if brightness(colour) > 0.2 else (0.42, 0.30, 0.20)
    sketch.part(ellipse(-0.28, top, wide, 0.075), "Matt", shade(colour, 0.42), shadow=0, bulge=0.03)
    shaft = smooth(
        [
            (-0.28 - wide, top, 1),
            (-0.28, top + 0.075),
            (-0.28 + wide, top, 1),
            (-0.32 + wide, -0.25),
            (-0.30 + wide, 0.10),
            (0.05, 0.27),
            (0.42, 0.33),
            (0.66, 0.47),
            (0.72, 0.66),
            (0.70, 0.72, 1),
            (0.1, 0.70),
            (-0.62, 0.70, 1),
            (-0.64, 0.45),
            (-0.27 - wide, 0.1),
            (-0.26 - wide, -0.3),
        ]
    )
    sketch.part(shaft, material, colour, bulge=0.13, relief=3.4, shadow=0.2, folds=0.9)
    base = smooth(
        [
            (-0.66, 0.67, 1),
            (0.1, 0.68),
            (0.74, 0.66, 1),
            (0.76, 0.76),
            (0.70, 0.80, 1),
            (0.1, 0.79),
            (-0.16, 0.78, 1),
            (-0.20, 0.80 + heel, 1),
            (-0.64, 0.80 + heel, 1),
        ]
    )
    sketch.part(base, "Matt", sole, bulge=0.04, shadow=0.35)
    if rubber:
        band = smooth(
            [
                (-0.29 - wide, top - 0.01, 1),
                (-0.28, top + 0.065),
                (-0.27 + wide, top - 0.01, 1),
                (-0.275 + wide, top + 0.10, 1),
                (-0.28, top + 0.18),
                (-0.285 - wide, top + 0.10, 1),
            ]
        )
        sketch.part(band, material, tone, bulge=0.03, shadow=0.25)
        shine = stroke(
            smooth(
                [(-0.24 - wide * 0.5, top + 0.26), (-0.25 - wide * 0.5, 0.0), (-0.34 - wide * 0.3, 0.3)], closed=False
            ),
            0.06,
        )
        sketch.glow(shine, (1, 1, 1), 0.75, blur=0.012)
        sketch.glow(ellipse(0.36, 0.46, 0.14, 0.035), (1, 1, 1), 0.8, blur=0.015)
    else:
        sewn = thread(material, colour)
        sketch.mark(
            dashes(
                smooth([(-0.22 - wide, top + 0.13), (-0.28, top + 0.19), (-0.33 + wide, top + 0.13)], closed=False),
                0.03,
                0.016,
            ),
            sewn,
        )
        if product["laces"] > 0.5:
            rows = [
                between(
                    (-0.42 + wide + 0.03 * i, -0.42 + 0.145 * i),
                    (-0.29 + wide + 0.035 * i * (i > 3), -0.47 + 0.145 * i),
                    bend=0.05,
                )
                for i in range(5)
            ]
            sketch.part(
                [stroke(path, 0.045) for path in rows],
                "Matt",
                shade(colour, 0.5) if brightness(colour) > 0.4 else (0.86, 0.80, 0.66),
                bulge=0.02,
                shadow=0.45,
            )
        else:
            strap = smooth(
                [(-0.27 - wide, 0.12), (-0.15, 0.22), (0.02, 0.26), (-0.02, 0.15), (-0.14, 0.11), (-0.265 - wide, 0.02)]
            )
            sketch.part(strap, material, tone, bulge=0.03, shadow=0.4, folds=0)
            sketch.part(
                box(-0.20, 0.10, -0.07, 0.24, 0.03),
                "Gold",
                colour,
                holes=box(-0.17, 0.13, -0.10, 0.21, 0.01),
                bulge=0.015,
                shadow=0.3,
            )
        toe = smooth([(0.36, 0.69), (0.40, 0.50), (0.52, 0.40)], closed=False)
        sketch.mark(dashes(toe, 0.03, 0.015), sewn)
    sketch.stands = True


def _heel(sketch: Sketch, product: Product) -> None:
    colour, material = product.rgb, product.material
    high, thin = product["height"], product["stiletto"]
    back = 0.46 - high
    sketch.part(
        smooth(
            [(-0.60, back - 0.10), (-0.42, back + 0.02), (0.1, 0.20), (0.34, 0.33), (-0.1, 0.42), (-0.55, back + 0.24)]
        ),
        "Matt",
        shade(colour, 0.40),
        shadow=0,
    )
    sketch.part(
        smooth(
            [(-0.55, back + 0.14), (-0.35, back + 0.16), (0.2, 0.42), (0.34, 0.45), (0.1, 0.50), (-0.4, back + 0.30)]
        ),
        "Leather",
        (0.80, 0.66, 0.50),
        bulge=0.03,
        shadow=0,
    )
    post = smooth(
        [
            (-0.70, back + 0.14),
            (-0.30, back + 0.30, 1),
            (-0.50, back + 0.52),
            (-0.63 + thin, 0.80, 1),
            (-0.70 - thin * 0.3, 0.80, 1),
            (-0.72, back + 0.45),
        ]
    )
    sketch.part(post, material, shade(colour, 0.8), bulge=0.05, shadow=0, folds=0)
    upper = smooth(
        [
            (-0.66, back - 0.12, 1),
            (-0.52, back + 0.04),
            (-0.20, back + 0.30),
            (0.10, 0.40),
            (0.26, 0.30),
            (0.36, 0.28, 1),
            (0.62, 0.46),
            (0.86, 0.68),
            (0.92, 0.77, 1),
            (0.40, 0.76),
            (0.14, 0.68),
            (-0.22, back + 0.40),
            (-0.48, back + 0.34),
            (-0.70, back + 0.24),
            (-0.73, back + 0.05),
        ]
    )
    sketch.part(upper, material, colour, bulge=0.07, relief=3.6, shadow=0.3, folds=0.5)
    sole = smooth(
        [
            (-0.30, back + 0.38, 1),
            (0.12, 0.66),
            (0.40, 0.75),
            (0.93, 0.76, 1),
            (0.92, 0.80, 1),
            (0.38, 0.80),
            (0.08, 0.71),
        ]
    )
    sketch.part(sole, "Matt", (0.72, 0.50, 0.34) if brightness(colour) < 0.25 else DARK, bulge=0.02, shadow=0)
    sketch.glow(
        stroke(smooth([(0.40, 0.40), (0.58, 0.52), (0.74, 0.66)], closed=False), 0.05), (1, 1, 1), 0.5, blur=0.02
    )


CATEGORIES = (
    Category(
        "Sneaker",
        {"Cotton": ("Plain", "Checked", "Striped"), "Leather": PLAIN},
        ("Side", "Top"),
        {"ankle": (0.26, 0.50), "toe": (0.44, 0.56), "sole": (0.13, 0.20)},
        _draw_sneaker,
        lambda product: "with laces",
    ),
    Category(
        "Boot",
        {"Leather": PLAIN, "Plastic": PLAIN},
        ("Side", "Angled"),
        {"shaft": (0.66, 0.86), "width": (0.26, 0.32), "heel": (0.03, 0.10), "laces": (0.0, 1.0)},
        _draw_boot,
        lambda product: (
            "for rain" if product.material == "Plastic" else "with laces" if product["laces"] > 0.5 else "with a buckle"
        ),
    ),
    Category(
        "High heel",
        {"Leather": PLAIN, "Silk": PLAIN},
        ("Side", "Angled"),
        {"height": (0.62, 0.86), "stiletto": (0.02, 0.10)},
        _draw_heel,
        lambda product: "with a stiletto" if product["stiletto"] < 0.05 else "with a block heel",
    ),
)
