"""Caps and knitted beanies."""

from __future__ import annotations

import numpy as np

from tfproductgan.studio.materials import shade, thread
from tfproductgan.studio.products import PLAIN, Category, Product
from tfproductgan.studio.shapes import between, dashes, ellipse, mirrored, moved, smooth, stroke
from tfproductgan.studio.sketch import Sketch


def _draw_cap(sketch: Sketch, product: Product) -> None:
    return _cap_from_the_front(sketch, product) if product.view == "Front" else _cap_from_the_side(sketch, product)


def _cap_from_the_side(sketch: Sketch, product: Product) -> None:
    colour, material = product.rgb, product.material
    top, brim, dip = -product["height"], product["brim"], product["dip"]
    sewn = thread(material, colour)
    under = smooth([(0.20, 0.34), (0.55, 0.34), (brim, 0.44 + dip, 1), (0.6, 0.46), (0.2, 0.46)])
    sketch.part(under, "Matt", shade(colour, 0.45), shadow=0, bulge=0.02)
    crown = smooth(
        [
            (-0.74, 0.38, 1),
            (-0.73, 0.0),
            (-0.52, top + 0.20),
            (-0.15, top),
            (0.22, top + 0.14),
            (0.40, 0.08),
            (0.42, 0.36, 1),
            (-0.15, 0.42),
        ]
    )
    sketch.part(crown, material, colour, bulge=0.16, relief=3.6, pattern=product.pattern, shadow=0, folds=0.7)
    visor = smooth(
        [
            (0.10, 0.40, 1),
            (0.38, 0.24),
            (0.62, 0.26),
            (brim - 0.03, 0.37 + dip),
            (brim, 0.44 + dip),
            (0.62, 0.37),
            (0.35, 0.40),
        ]
    )
    sketch.part(visor, material, shade(colour, 0.90), bulge=0.05, relief=3.0, shadow=0.4, folds=0.3)
    seams = [
        smooth([(-0.15, top), (-0.42, top + 0.35), (-0.50, 0.38)], closed=False),
        smooth([(-0.15, top), (0.10, top + 0.36), (0.13, 0.38)], closed=False),
    ]
    sketch.mark([stroke(path, 0.014) for path in seams], shade(colour, 0.6), 0.9)
    sketch.mark([piece for path in seams for piece in dashes(moved(path, 0.035), 0.03, 0.014)], sewn, 0.9)
    sketch.mark(
        dashes(smooth([(0.30, 0.345), (0.60, 0.315), (brim - 0.06, 0.39 + dip)], closed=False), 0.03, 0.014), sewn, 0.9
    )
    sketch.mark(dashes(smooth([(-0.72, 0.30), (-0.2, 0.345), (0.1, 0.33)], closed=False), 0.03, 0.014), sewn, 0.8)
    sketch.mark([ellipse(-0.22, top + 0.34, 0.026, count=12)], shade(colour, 0.4))
    sketch.part(
        ellipse(-0.15, top, 0.06, 0.035, count=20), material, shade(colour, 0.85), bulge=0.02, shadow=0.3, folds=0
    )
    sketch.stands = True


def _cap_from_the_front(sketch: Sketch, product: Product) -> None:
    colour, material = product.rgb, product.material
    top, brim = -product["height"], product["brim"] * 0.78
    sewn = thread(material, colour)
    crown = mirrored([(0, top), (0.36, top + 0.10), (0.57, top + 0.46), (0.60, 0.30, 1), (0, 0.30)])
    sketch.part(crown, material, colour, bulge=0.16, relief=3.6, pattern=product.pattern, shadow=0, folds=0.7)
    seams = [between((0, top), (0, 0.22), count=2), smooth([(0, top), (0.34, top + 0.34), (0.42, 0.25)], closed=False)]
    seams.append(seams[1] * (-1, 1))
    sketch.mark([stroke(path, 0.014) for path in seams], shade(colour, 0.6), 0.9)
    sketch.mark([piece for path in seams[1:] for piece in dashes(path * (0.93, 1), 0.03, 0.014)], sewn, 0.9)
    sketch.mark([ellipse(x, top + 0.30, 0.024, count=12) for x in (-0.17, 0.17)], shade(colour, 0.4))
    under = mirrored([(0, 0.42), (brim - 0.06, 0.52), (brim, 0.60, 1), (0.4, 0.52), (0, 0.50)])
    sketch.part(under, "Matt", shade(colour, 0.4), shadow=0, bulge=0.02)
    visor = mirrored(
        [
            (0, 0.12),
            (0.38, 0.17),
            (0.61, 0.27),
            (brim - 0.04, 0.46),
            (brim, 0.60, 1),
            (brim - 0.2, 0.53),
            (0.3, 0.46),
            (0, 0.44),
        ]
    )
    sketch.part(visor, material, shade(colour, 0.92), bulge=0.07, relief=3.2, shadow=0.5, folds=0.3)
    for lift in (0.0, 0.07):
        row = smooth(
            [
                (-brim + 0.08, 0.50 - lift),
                (-0.3, 0.40 - lift),
                (0, 0.385 - lift),
                (0.3, 0.40 - lift),
                (brim - 0.08, 0.50 - lift),
            ],
            closed=False,
        )
        sketch.mark(dashes(row, 0.03, 0.013), sewn, 0.85)
    sketch.part(ellipse(0, top, 0.06, 0.035, count=20), material, shade(colour, 0.85), bulge=0.02, shadow=0.3, folds=0)
    sketch.stands = True


def _draw_beanie(sketch: Sketch, product: Product) -> None:
    colour, material = product.rgb, product.material
    top, wide, pompom = -product["height"], product["width"], product["pompom"]
    ribbed = shade(colour, 0.84)
    sketch.turn = 10.0 if product.view == "Angled" else 0.0
    if pompom > 0.4:
        turn = np.linspace(0, 2 * np.pi, 36, endpoint=False)
        radius = 0.19 + 0.018 * np.cos(12 * turn)
        ball = np.stack([radius * np.cos(turn), top - 0.06 + radius * np.sin(turn)], axis=1)
        sketch.part(
            ball,
            "Wool",
            shade(colour, 1.25) if product["tassel"] < 0.5 else (0.96, 0.95, 0.92),
            bulge=0.08,
            relief=3.2,
            shadow=0,
        )
    crown = mirrored([(0, top), (wide * 0.55, top + 0.12), (wide * 0.95, top + 0.55), (wide, 0.40, 1), (0, 0.44)])
    sketch.part(crown, material, colour, bulge=0.17, relief=3.6, pattern=product.pattern, shadow=0.35)
    fold = mirrored(
        [
            (0, 0.26),
            (wide * 0.6, 0.245),
            (wide + 0.035, 0.20, 1),
            (wide + 0.055, 0.40),
            (wide + 0.01, 0.62, 1),
            (wide * 0.55, 0.66),
            (0, 0.67),
        ]
    )
    sketch.part(fold, material, ribbed, bulge=0.08, relief=3.4, shadow=0.55)
    ribs = [
        between((x * wide, 0.27 - 0.05 * abs(x)), (x * wide * 0.985, 0.65 - 0.03 * abs(x)), count=2)
        for x in np.linspace(-0.92, 0.92, 15)
    ]
    sketch.mark([stroke(path, 0.022) for path in ribs], shade(colour, 0.58), 0.6)
    sketch.stands = True


CATEGORIES = (
    Category(
        "Cap",
        {"Cotton": ("Plain", "Checked", "Striped"), "Denim": PLAIN, "Leather": PLAIN},
        ("Side", "Front"),
        {"height": (0.42, 0.56), "brim": (0.84, 0.94), "dip": (-0.02, 0.07)},
        _draw_cap,
        lambda product: "with a curved peak",
    ),
    Category(
        "Beanie",
        {"Wool": ("Plain", "Striped", "Dotted"), "Cotton": ("Plain", "Striped")},
        ("Front", "Angled"),
        {"height": (0.48, 0.62), "width": (0.54, 0.64), "pompom": (0.0, 1.0), "tassel": (0.0, 1.0)},
        _draw_beanie,
        lambda product: "with a pompom" if product["pompom"] > 0.4 else "with a folded brim",
    ),
)
