"""Mugs and bottles."""

from __future__ import annotations

import numpy as np

from tfproductgan.studio.materials import shade
from tfproductgan.studio.products import PATTERN_NAMES, PLAIN, Category, Product
from tfproductgan.studio.shapes import box, ellipse, mirrored, moved, smooth, stroke
from tfproductgan.studio.sketch import Sketch


def _draw_mug(sketch: Sketch, product: Product) -> None:
    if product.view == "Top":
        _mug_from_above(sketch, product)
        return
    colour, material, glass = product.rgb, product.material, product.material == "Glass"
    wide, top, foot, grip = product["width"], -product["height"], product["foot"], product["grip"]
    lip = 0.17 if product.view == "Angled" else 0.065
    bottom, x = 0.66, -0.14
    handle = smooth(
        [
            (x + wide - 0.05, top + 0.22),
            (x + wide + 0.26, top + 0.20),
            (x + wide + grip, top + 0.52),
            (x + wide + 0.20, 0.40),
            (x + wide - 0.10, 0.42),
        ],
        closed=False,
    )
    sketch.part(stroke(handle, 0.13), material, colour, bulge=0.045, relief=3.4, shadow=0)
    body = smooth(
        [
            (x - wide, top, 1),
            (x, top + lip),
            (x + wide, top, 1),
            (x + wide - 0.01, 0.30),
            (x + wide - foot, bottom - 0.03),
            (x + wide * 0.5, bottom + lip * 0.6),
            (x, bottom + lip * 0.75),
            (x - wide * 0.5, bottom + lip * 0.6),
            (x - wide + foot, bottom - 0.03),
            (x - wide + 0.01, 0.30),
        ]
    )
    inside = (0.97, 0.97, 0.96) if product["lining"] > 0.6 else shade(colour, 0.72)
    if glass:
        inside = shade(colour, 1.15)
    sketch.part(ellipse(x, top, wide, lip), material if glass else "Matt", inside, bulge=0.05, relief=-2.2, shadow=0)
    if not glass:
        sketch.glow(
            ellipse(x - wide * 0.3, top - lip * 0.05, wide * 0.7, lip * 0.8), shade(inside, 0.5), 0.5, blur=0.05
        )
    sketch.part(
        body, material, colour, bulge=0.04, relief=2.2, round_about=(x, wide), pattern=product.pattern, shadow=0.2
    )
    rim = ellipse(x, top, wide + 0.012, lip + 0.012, count=56)
    hole = ellipse(x, top + 0.004, wide - 0.035, lip - 0.028, count=56)
    sketch.part(rim, material, shade(colour, 1.1), holes=hole, bulge=0.018, relief=2.6, shadow=0)
    if glass:
        base = ellipse(x, bottom - 0.02, wide - foot - 0.05, 0.06 + lip * 0.5)
        sketch.glow(base, shade(colour, 0.55), 0.55, blur=0.02)
        sketch.glow(
            stroke(np.array([(x - wide * 0.62, top + 0.22), (x - wide * 0.58, bottom - 0.14)]), 0.07),
            (1, 1, 1),
            0.85,
            blur=0.012,
        )
    sketch.stands = True


def _mug_from_above(sketch: Sketch, product: Product) -> None:
    colour, material = product.rgb, product.material
    glass = material == "Glass"
    radius, x = product["width"] + 0.06, -0.14
    handle = stroke(np.array([(x + radius * 0.8, 0.0), (x + radius + 0.36, 0.02)]), 0.17)
    end = ellipse(x + radius + 0.36, 0.02, 0.085, count=20)
    sketch.part([handle, end], material, colour, bulge=0.05, relief=3.4, shadow=0)
    sketch.part(
        ellipse(x, 0, radius, count=56), material, colour, bulge=0.05, relief=3.4, pattern=product.pattern, shadow=0.3
    )
    inner = radius - 0.09
    inside = shade(colour, 1.1) if glass else (0.97, 0.97, 0.96) if product["lining"] > 0.6 else shade(colour, 0.86)
    sketch.part(ellipse(x, 0, inner, count=56), material, inside, bulge=0.10, relief=-3.0, shadow=0)
    if not glass:
        sketch.glow(moved(ellipse(0, 0, inner * 0.78), x - 0.05, -0.05), shade(inside, 0.4), 0.45, blur=0.09)
        if product["lining"] > 0.6:
            sketch.part(
                ellipse(x, 0.0, inner * 0.86, count=48),
                "Plastic",
                (0.30, 0.17, 0.09),
                bulge=0.03,
                relief=-1.5,
                shadow=0,
            )
            sketch.glow(ellipse(x - 0.14, -0.16, 0.13, 0.06), (0.80, 0.62, 0.45), 0.6, blur=0.04)
    else:
        sketch.glow(ellipse(x, 0, inner * 0.62), shade(colour, 0.6), 0.4, blur=0.05)


def _draw_bottle(sketch: Sketch, product: Product) -> None:
    if product.material == "Glass":
        _glass_bottle(sketch, product)
    else:
        _sports_bottle(sketch, product)
    sketch.stands = product.view != "Angled"
    sketch.turn = 0.0 if sketch.stands else 20.0


def _glass_bottle(sketch: Sketch, product: Product) -> None:
    colour, wide, neck, shoulder = product.rgb, product["width"], product["neck"], product["shoulder"]
    sketch.part(box(-neck * 0.8, -0.95, neck * 0.8, -0.74, 0.02), "Matt", (0.78, 0.60, 0.40), bulge=0.04, shadow=0)
    body = mirrored(
        [
            (neck, -0.84, 1),
            (neck, -0.52),
            (neck + 0.02, shoulder - 0.16),
            (wide * 0.86, shoulder + 0.10),
            (wide, shoulder + 0.30),
            (wide, 0.84),
            (wide - 0.05, 0.90, 1),
            (0, 0.915),
        ]
    )
    sketch.part(body, "Glass", colour, bulge=0.06, relief=3.0, round_about=(0, wide * 1.02), shadow=0.2)
    sketch.part(box(-neck - 0.03, -0.86, neck + 0.03, -0.77, 0.03), "Glass", shade(colour, 0.8), bulge=0.03, shadow=0.2)
    sketch.glow(ellipse(0, 0.83, wide * 0.8, 0.05), shade(colour, 0.45), 0.7, blur=0.02)
    sketch.glow(
        stroke(
            smooth([(-wide * 0.62, shoulder + 0.30), (-wide * 0.64, 0.4), (-wide * 0.60, 0.74)], closed=False), 0.055
        ),
        (1, 1, 1),
        0.9,
        blur=0.010,
    )
    sketch.glow(
        stroke(np.array([(-neck * 0.45, -0.66), (-neck * 0.45, shoulder - 0.12)]), 0.04), (1, 1, 1), 0.8, blur=0.010
    )
    if product["label"] > 0.5:
        low = shoulder + 0.42
        label = smooth(
            [
                (-wide, low, 1),
                (0, low + 0.03),
                (wide, low, 1),
                (wide, low + 0.34, 1),
                (0, low + 0.37),
                (-wide, low + 0.34, 1),
            ]
        )
        sketch.part(label, "Matt", (0.96, 0.94, 0.88), bulge=0.012, round_about=(0, wide * 1.04), shadow=0)
        lines = [box(-wide * s, low + y, wide * s, low + y + 0.03) for s, y in ((0.5, 0.11), (0.65, 0.18), (0.4, 0.25))]
        sketch.mark(lines, shade(colour, 0.7))


def _sports_bottle(sketch: Sketch, product: Product) -> None:
    colour, wide, shoulder = product.rgb, product["width"] + 0.04, product["shoulder"]
    dark = (0.20, 0.21, 0.23) if product.colour != "Black" else (0.62, 0.63, 0.66)
    sketch.part(
        box(-0.09, -0.95, 0.09, -0.70, 0.05), "Plastic", shade(dark, 1.3), bulge=0.04, round_about=(0, 0.1), shadow=0
    )
    lid = mirrored([(0, -0.80), (0.14, -0.79), (wide * 0.84, -0.68), (wide * 0.9, -0.50, 1), (0, -0.47)])
    body = mirrored(
        [
            (0, shoulder - 0.28),
            (wide * 0.86, shoulder - 0.32, 1),
            (wide, shoulder - 0.12),
            (wide, shoulder + 0.06),
            (wide * 0.86, shoulder + 0.24),
            (wide * 0.88, shoulder + 0.42),
            (wide, shoulder + 0.58),
            (wide, 0.80),
            (wide * 0.86, 0.90),
            (0, 0.93),
        ]
    )
    sketch.part(
        body, "Plastic", colour, bulge=0.07, relief=2.6, round_about=(0, wide * 1.03), pattern=product.pattern, shadow=0
    )
    sketch.part(lid, "Plastic", dark, bulge=0.06, relief=3.0, shadow=0.4)
    ridges = [
        stroke(np.array([(x * wide * 0.8, -0.64), (x * wide * 0.86, -0.53)]), 0.018) for x in np.linspace(-0.9, 0.9, 8)
    ]
    sketch.mark(ridges, shade(dark, 0.6), 0.8)
    grips = [
        stroke(
            smooth([(-wide * 0.80, shoulder + y), (0, shoulder + y + 0.03), (wide * 0.80, shoulder + y)], closed=False),
            0.03,
        )
        for y in (0.22, 0.32, 0.42)
    ]
    sketch.mark(grips, shade(colour, 0.62), 0.8)
    sketch.glow(
        stroke(np.array([(-wide * 0.55, shoulder - 0.12), (-wide * 0.55, shoulder + 0.10)]), 0.06),
        (1, 1, 1),
        0.8,
        blur=0.012,
    )
    sketch.glow(
        stroke(np.array([(-wide * 0.55, shoulder + 0.60), (-wide * 0.55, 0.78)]), 0.06), (1, 1, 1), 0.8, blur=0.012
    )


CATEGORIES = (
    Category(
        "Mug",
        {"Ceramic": PATTERN_NAMES, "Glass": PLAIN},
        ("Side", "Angled", "Top"),
        {
            "width": (0.44, 0.54),
            "height": (0.48, 0.64),
            "foot": (0.02, 0.12),
            "grip": (0.30, 0.38),
            "lining": (0.0, 1.0),
        },
        _draw_mug,
        lambda product: (
            "with a white inside"
            if product["lining"] > 0.6 and product.material == "Ceramic"
            else "with a round handle"
        ),
    ),
    Category(
        "Bottle",
        {"Glass": PLAIN, "Plastic": ("Plain", "Dotted")},
        ("Side", "Angled"),
        {"width": (0.27, 0.34), "neck": (0.09, 0.13), "shoulder": (-0.30, -0.12), "label": (0.0, 1.0)},
        _draw_bottle,
        lambda product: (
            "with a sports lid"
            if product.material == "Plastic"
            else "with a cork and a label"
            if product["label"] > 0.5
            else "with a cork"
        ),
    ),
)
