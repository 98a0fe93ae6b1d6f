"""Handbags and backpacks."""

from __future__ import annotations

import numpy as np

from tfproductgan.studio.materials import COLOURS, shade, thread
from tfproductgan.studio.products import PATTERN_NAMES, PLAIN, Category, Product
from tfproductgan.studio.shapes import between, box, dashes, ellipse, flipped, moved, smooth, stroke
from tfproductgan.studio.sketch import Sketch


def _metal(product: Product) -> str:
    return "Gold" if product["metal"] < 0.6 else "Silver"


def _draw_handbag(sketch: Sketch, product: Product) -> None:
    colour, material, metal = product.rgb, product.material, _metal(product)
    wide, top, flare, handle = product["width"], product["top"], product["flare"], product["handle"]
    tone, sewn = shade(colour, 0.70), thread(material, colour)
    bottom = 0.80
    back = smooth(
        [
            (-0.30, top + 0.1),
            (-0.31, top - handle * 0.72),
            (0, top - handle - 0.02),
            (0.31, top - handle * 0.72),
            (0.30, top + 0.1),
        ],
        closed=False,
    )
    sketch.part(stroke(moved(back, 0.03, -0.05), 0.06), material, shade(colour, 0.6), bulge=0.02, shadow=0, folds=0)
    if product.view == "Angled":
        gusset = smooth(
            [
                (wide - 0.18, top + 0.02, 1),
                (wide + 0.09, top - 0.05, 1),
                (wide + flare + 0.20, bottom - 0.14, 1),
                (wide + flare - 0.20, bottom, 1),
            ]
        )
        sketch.part(gusset, material, shade(colour, 0.66), bulge=0.05, shadow=0, folds=0.6)
    body = smooth(
        [
            (-wide, top, 1),
            (wide, top, 1),
            (wide + flare * 0.7, 0.40),
            (wide + flare, bottom - 0.10),
            (wide + flare - 0.08, bottom, 1),
            (-wide - flare + 0.08, bottom, 1),
            (-wide - flare, bottom - 0.10),
            (-wide - flare * 0.7, 0.40),
        ]
    )
    sketch.part(body, material, colour, bulge=0.09, relief=3.2, pattern=product.pattern, shadow=0.3, folds=0.8)
    if product["flap"] < 0.5:
        drop = top + 0.52
        flap = smooth(
            [
                (-wide - 0.01, top - 0.04, 1),
                (wide + 0.01, top - 0.04, 1),
                (wide + flare * 0.4, top + 0.26),
                (0.30, drop - 0.02),
                (0, drop),
                (-0.30, drop - 0.02),
                (-wide - flare * 0.4, top + 0.26),
            ]
        )
        sketch.part(
            flap, material, shade(colour, 1.04), bulge=0.06, relief=3.0, pattern=product.pattern, shadow=0.6, folds=0.6
        )
        rim = smooth(
            [
                (-wide - flare * 0.4 + 0.06, top + 0.25),
                (-0.29, drop - 0.08),
                (0, drop - 0.06),
                (0.29, drop - 0.08),
                (wide + flare * 0.4 - 0.06, top + 0.25),
            ],
            closed=False,
        )
        sketch.mark(dashes(rim, 0.03, 0.017), sewn)
        sketch.part(box(-0.085, drop - 0.11, 0.085, drop + 0.06, 0.03), metal, COLOURS[metal], bulge=0.025, shadow=0.5)
        sketch.mark(box(-0.02, drop - 0.05, 0.02, drop + 0.01, 0.01), (0.2, 0.16, 0.1), 0.8)
    else:
        sketch.part(
            box(-wide - 0.005, top - 0.03, wide + 0.005, top + 0.10, 0.03),
            material,
            tone,
            bulge=0.03,
            shadow=0.35,
            folds=0,
        )
        sketch.mark(dashes(between((-wide + 0.03, top + 0.14), (wide - 0.03, top + 0.14)), 0.03, 0.017), sewn)
        low = between((-wide - flare + 0.05, bottom - 0.16), (wide + flare - 0.05, bottom - 0.16))
        sketch.part(stroke(low, 0.02), material, tone, bulge=0.012, shadow=0.3, folds=0)
        sketch.part(ellipse(0, top + 0.035, 0.05, count=20), metal, COLOURS[metal], bulge=0.02, shadow=0.4)
    front = smooth(
        [
            (-0.30, top + 0.10),
            (-0.30, top - handle * 0.66),
            (0, top - handle + 0.03),
            (0.30, top - handle * 0.66),
            (0.30, top + 0.10),
        ],
        closed=False,
    )
    sketch.part(stroke(front, 0.075), material, tone, bulge=0.025, relief=3.5, shadow=0.4, folds=0)
    rings = [ellipse(x, top + 0.11, 0.062, count=20) for x in (-0.30, 0.30)]
    holes = [ellipse(x, top + 0.115, 0.03, count=14) for x in (-0.30, 0.30)]
    sketch.part(rings, metal, COLOURS[metal], holes=holes, bulge=0.018, shadow=0.4)
    sketch.stands = True


def _draw_backpack(sketch: Sketch, product: Product) -> None:
    return (
        _backpack_from_the_side(sketch, product)
        if product.view == "Side"
        else _backpack_from_the_front(sketch, product)
    )


def _backpack_from_the_front(sketch: Sketch, product: Product) -> None:
    colour, material, metal = product.rgb, product.material, _metal(product)
    wide, tall, pocket = product["width"], -product["height"], product["pocket"]
    tone, sewn = shade(colour, 0.66), thread(material, colour)
    loop = smooth(
        [(-0.13, tall + 0.08), (-0.12, tall - 0.10), (0, tall - 0.13), (0.12, tall - 0.10), (0.13, tall + 0.08)],
        closed=False,
    )
    sketch.part(stroke(loop, 0.06), material, tone, bulge=0.02, shadow=0, folds=0)
    strap = smooth([(wide - 0.08, -0.35), (wide + 0.17, 0.0), (wide + 0.12, 0.45), (wide - 0.06, 0.66)], closed=False)
    straps = [stroke(strap, 0.10), *flipped([stroke(strap, 0.10)])]
    sketch.part(straps, material, shade(colour, 0.58), bulge=0.03, shadow=0, folds=0)
    sides = smooth([(wide - 0.1, 0.15, 1), (wide + 0.10, 0.22), (wide + 0.11, 0.68), (wide - 0.1, 0.76, 1)])
    sketch.part([sides, *flipped([sides])], material, tone, bulge=0.05, shadow=0)
    body = smooth(
        [
            (0, tall),
            (wide * 0.62, tall + 0.05),
            (wide * 0.97, tall + 0.40),
            (wide + 0.03, 0.2),
            (wide, 0.70),
            (wide - 0.10, 0.82),
            (0, 0.84),
            (-wide + 0.10, 0.82),
            (-wide, 0.70),
            (-wide - 0.03, 0.2),
            (-wide * 0.97, tall + 0.40),
            (-wide * 0.62, tall + 0.05),
        ]
    )
    sketch.part(body, material, colour, bulge=0.12, relief=3.4, pattern=product.pattern, shadow=0.3, folds=0.9)
    zip_path = smooth(
        [
            (-wide + 0.07, 0.02),
            (-wide * 0.84, tall + 0.44),
            (-wide * 0.5, tall + 0.15),
            (0, tall + 0.11),
            (wide * 0.5, tall + 0.15),
            (wide * 0.84, tall + 0.44),
            (wide - 0.07, 0.02),
        ],
        closed=False,
    )
    sketch.mark(stroke(zip_path, 0.034), shade(colour, 0.40))
    sketch.mark(dashes(zip_path, 0.02, 0.02), (0.80, 0.78, 0.72) if metal == "Silver" else COLOURS["Gold"], 0.9)
    low = smooth(
        [
            (-wide + 0.09, pocket, 1),
            (wide - 0.09, pocket, 1),
            (wide - 0.06, 0.5),
            (wide - 0.12, 0.75),
            (0, 0.78),
            (-wide + 0.12, 0.75),
            (-wide + 0.06, 0.5),
        ]
    )
    sketch.part(low, material, colour, bulge=0.07, relief=3.2, pattern=product.pattern, shadow=0.6, folds=0.7)
    sketch.part(
        box(-wide + 0.07, pocket - 0.05, wide - 0.07, pocket + 0.11, 0.04),
        material,
        tone,
        bulge=0.03,
        shadow=0.5,
        folds=0,
    )
    sketch.mark(dashes(between((-wide + 0.12, pocket + 0.145), (wide - 0.12, pocket + 0.145)), 0.03, 0.017), sewn)
    sketch.mark(
        dashes(
            smooth(
                [(-wide + 0.14, 0.45), (-wide + 0.19, 0.70), (0, 0.73), (wide - 0.19, 0.70), (wide - 0.14, 0.45)],
                closed=False,
            ),
            0.03,
            0.016,
        ),
        sewn,
        0.9,
    )
    sketch.part(box(-0.04, pocket - 0.01, 0.04, pocket + 0.15, 0.02), metal, COLOURS[metal], bulge=0.02, shadow=0.4)
    if product["patch"] > 0.5:
        sketch.part(
            box(-0.13, -0.26, 0.13, -0.10, 0.03), "Leather", (0.55, 0.34, 0.18), bulge=0.02, shadow=0.35, folds=0
        )
    sketch.stands = True


def _backpack_from_the_side(sketch: Sketch, product: Product) -> None:
    colour, material = product.rgb, product.material
    tall, pocket = -product["height"], product["pocket"]
    tone, sewn = shade(colour, 0.64), thread(material, colour)
    loop = smooth(
        [(-0.22, tall + 0.10), (-0.22, tall - 0.10), (-0.08, tall - 0.10), (-0.04, tall + 0.08)], closed=False
    )
    sketch.part(stroke(loop, 0.055), material, tone, bulge=0.02, shadow=0, folds=0)
    strap = smooth([(-0.28, tall + 0.14), (-0.56, -0.34), (-0.62, 0.15), (-0.50, 0.52), (-0.28, 0.68)], closed=False)
    sketch.part(
        stroke(strap, np.interp(np.linspace(0, 1, len(strap)), [0, 0.3, 0.7, 1], [0.12, 0.15, 0.10, 0.06])),
        material,
        tone,
        bulge=0.035,
        shadow=0,
        folds=0,
    )
    front = smooth([(0.22, pocket - 0.10), (0.48, pocket), (0.56, 0.5), (0.48, 0.76), (0.2, 0.80)])
    sketch.part(front, material, shade(colour, 0.92), bulge=0.08, pattern=product.pattern, shadow=0, folds=0.7)
    body = smooth(
        [
            (-0.30, tall + 0.20),
            (-0.20, tall + 0.04),
            (0.0, tall),
            (0.20, tall + 0.14),
            (0.33, -0.2),
            (0.36, 0.4),
            (0.30, 0.78),
            (0.1, 0.84),
            (-0.22, 0.82),
            (-0.34, 0.70),
            (-0.34, 0.0),
        ]
    )
    sketch.part(body, material, colour, bulge=0.12, relief=3.4, pattern=product.pattern, shadow=0.4, folds=0.9)
    zip_path = smooth([(0.06, tall + 0.10), (0.17, tall + 0.34), (0.21, 0.1), (0.20, 0.3)], closed=False)
    sketch.mark(stroke(zip_path, 0.034), shade(colour, 0.40))
    sketch.mark(dashes(zip_path, 0.02, 0.02), (0.82, 0.80, 0.74), 0.9)
    net = smooth([(-0.27, 0.26, 1), (0.25, 0.20, 1), (0.25, 0.70), (0.15, 0.78), (-0.18, 0.77), (-0.27, 0.68)])
    sketch.part(net, material, tone, bulge=0.05, shadow=0.5, folds=0.6)
    sketch.mark(dashes(between((-0.24, 0.31), (0.22, 0.255)), 0.03, 0.017), sewn)
    sketch.stands = True


CATEGORIES = (
    Category(
        "Handbag",
        {"Leather": PLAIN, "Cotton": PATTERN_NAMES, "Denim": PLAIN},
        ("Front", "Angled"),
        {
            "width": (0.50, 0.64),
            "top": (-0.26, -0.10),
            "flare": (0.0, 0.16),
            "handle": (0.42, 0.62),
            "flap": (0.0, 1.0),
            "metal": (0.0, 1.0),
        },
        _draw_handbag,
        lambda product: f"with {_metal(product).lower()} hardware",
    ),
    Category(
        "Backpack",
        {"Cotton": PATTERN_NAMES, "Leather": PLAIN, "Denim": PLAIN},
        ("Front", "Side"),
        {
            "width": (0.46, 0.56),
            "height": (0.72, 0.80),
            "pocket": (0.14, 0.24),
            "patch": (0.0, 1.0),
            "metal": (0.0, 1.0),
        },
        _draw_backpack,
        lambda product: "with a side pocket" if product.view == "Side" else "with a front pocket",
    ),
)
