"""T-shirts, sweaters, dresses and trousers: laid flat, or turned a little."""

from __future__ import annotations

import numpy as np

from tfproductgan.studio.materials import shade, thread
from tfproductgan.studio.products import PATTERN_NAMES, PLAIN, Category, Product
from tfproductgan.studio.shapes import between, box, dashes, ellipse, flipped, mirrored, moved, smooth, stroke
from tfproductgan.studio.sketch import Sketch

VIEWS = ("Front", "Back", "Angled")


def _both(outline: np.ndarray) -> list[np.ndarray]:
    return [outline, *flipped([outline])]


def _lay(sketch: Sketch, product: Product) -> None:
    sketch.turn = 12.0 if product.view == "Angled" else 0.0


def _neck_depth(product: Product) -> float:
    return 0.05 if product.view == "Back" else product["neck"]


def _draw_t_shirt(sketch: Sketch, product: Product) -> None:
    _lay(sketch, product)
    colour, material, sleeve = product.rgb, product.material, product["sleeve"]
    depth, wide = _neck_depth(product), product["width"]
    dark = shade(colour, 0.66)
    sketch.part(ellipse(0, -0.70, 0.25, 0.09), material, dark, shadow=0, bulge=0.02, folds=0)
    cuff_top, cuff_bottom = (0.66 + sleeve, -0.10 - sleeve), (0.44 + sleeve * 0.8, 0.05 - 0.5 * sleeve)
    arm = smooth([(0.50, -0.70, 1), (0.70, -0.50), (*cuff_top, 1), (*cuff_bottom, 1), (wide - 0.06, -0.32, 1)])
    sketch.part(_both(arm), material, colour, bulge=0.07, relief=2.6, pattern=product.pattern, shadow=0.2)
    body = mirrored(
        [
            (0, -0.74 + depth),
            (0.15, -0.77 + depth * 0.62),
            (0.24, -0.80, 1),
            (0.54, -0.69),
            (wide - 0.01, -0.34),
            (wide, 0.2),
            (wide + product["flare"], 0.80, 1),
            (0, 0.835),
        ]
    )
    sketch.part(body, material, colour, bulge=0.09, relief=2.8, pattern=product.pattern, shadow=0.22, folds=1.2)
    collar = smooth(
        [
            (-0.245, -0.79),
            (-0.15, -0.755 + depth * 0.62),
            (0, -0.72 + depth),
            (0.15, -0.755 + depth * 0.62),
            (0.245, -0.79),
        ],
        closed=False,
    )
    sketch.part(stroke(collar, 0.065), material, shade(colour, 0.86), bulge=0.02, shadow=0.25, folds=0)
    hem = between((-wide - product["flare"], 0.745), (wide + product["flare"], 0.745), bend=0.012)
    cuff = between((cuff_top[0] - 0.045, cuff_top[1] - 0.055), (cuff_bottom[0] - 0.02, cuff_bottom[1] - 0.07))
    tone = shade(colour, 0.72)
    sketch.mark(stroke(hem, 0.014), tone, 0.8)
    sketch.mark([stroke(path, 0.014) for path in _both(cuff)], tone, 0.8)


def _draw_sweater(sketch: Sketch, product: Product) -> None:
    _lay(sketch, product)
    colour, material, wide = product.rgb, product.material, product["width"]
    depth = _neck_depth(product)
    ribbed = shade(colour, 0.86)
    spread = product["sleeve"]
    sketch.part(ellipse(0, -0.72, 0.24, 0.09), material, shade(colour, 0.6), shadow=0, bulge=0.02, folds=0)
    hand = (0.74 + spread, 0.56)
    arm = smooth(
        [
            (0.44, -0.73, 1),
            (0.63, -0.58),
            (0.80 + 0.5 * spread, 0.0),
            (hand[0] + 0.11, hand[1] - 0.03, 1),
            (hand[0] - 0.10, hand[1] + 0.02, 1),
            (0.56 + 0.4 * spread, 0.10),
            (wide - 0.08, -0.30, 1),
        ]
    )
    cuff = smooth(
        [
            (hand[0] + 0.105, hand[1] - 0.05, 1),
            (hand[0] + 0.095, hand[1] + 0.13, 1),
            (hand[0] - 0.075, hand[1] + 0.16, 1),
            (hand[0] - 0.10, hand[1], 1),
        ]
    )
    sketch.part(_both(arm), material, colour, bulge=0.09, relief=3.0, pattern=product.pattern, shadow=0.2)
    sketch.part(_both(cuff), material, ribbed, bulge=0.04, shadow=0.3)
    body = mirrored(
        [
            (0, -0.75 + depth),
            (0.15, -0.77 + depth * 0.6),
            (0.24, -0.81, 1),
            (0.50, -0.70),
            (wide - 0.03, -0.34),
            (wide, 0.25),
            (wide - 0.02, 0.66, 1),
            (0, 0.69),
        ]
    )
    sketch.part(body, material, colour, bulge=0.11, relief=3.0, pattern=product.pattern, shadow=0.28)
    waist = mirrored([(0, 0.665), (wide - 0.03, 0.64, 1), (wide - 0.07, 0.82, 1), (0, 0.85)])
    sketch.part(waist, material, ribbed, bulge=0.05, shadow=0.3)
    collar = smooth(
        [
            (-0.235, -0.80),
            (-0.15, -0.76 + depth * 0.6),
            (0, -0.735 + depth),
            (0.15, -0.76 + depth * 0.6),
            (0.235, -0.80),
        ],
        closed=False,
    )
    sketch.part(stroke(collar, 0.105), material, ribbed, bulge=0.035, shadow=0.35)
    ribs = [between((x, 0.69), (x, 0.83), count=2) for x in np.linspace(-wide + 0.12, wide - 0.12, 13)]
    cuffs = [
        between((hand[0] + x, hand[1] + 0.01), (hand[0] + x + 0.01, hand[1] + 0.13), count=2) for x in (-0.05, 0, 0.05)
    ]
    sketch.mark([stroke(path, 0.016) for path in [*ribs, *cuffs, *flipped(cuffs)]], shade(colour, 0.6), 0.7)


def _draw_dress(sketch: Sketch, product: Product) -> None:
    _lay(sketch, product)
    colour, material = product.rgb, product.material
    depth, waist, hem, length = _neck_depth(product), product["waist"], product["flare"], product["length"]
    strap = product["strap"]
    sketch.part(
        smooth([(-0.21, -0.83), (0, -0.74), (0.21, -0.83), (0.24, -0.66), (0, -0.52), (-0.24, -0.66)]),
        material,
        shade(colour, 0.62),
        shadow=0,
        bulge=0.02,
        folds=0,
    )
    skirt = mirrored(
        [
            (0, -0.12),
            (waist, -0.12, 1),
            (waist + 0.12, 0.06),
            ((waist + hem) / 2 + 0.06, 0.38),
            (hem, length, 1),
            (hem * 0.55, length + 0.045),
            (0, length + 0.06),
        ]
    )
    sketch.part(skirt, material, colour, bulge=0.09, relief=2.6, pattern=product.pattern, shadow=0.2, folds=1.3)
    pleats = [
        stroke(between((x * waist, -0.05), (x * hem, length - 0.02), bend=0.03 * x), np.linspace(0.006, 0.055, 12))
        for x in (-0.72, -0.36, 0.02, 0.38, 0.74)
    ]
    sketch.glow(pleats, shade(colour, 0.45), 0.75, blur=0.018)
    sketch.mark(
        [stroke(between((x * waist, -0.03), (x * hem, length), bend=0.03 * x), 0.01) for x in (-0.36, 0.38)],
        shade(colour, 0.66),
        0.5,
    )
    bodice = mirrored(
        [
            (0, -0.73 + depth),
            (0.16, -0.78 + depth * 0.7),
            (0.22, -0.86, 1),
            (0.22 + strap, -0.83, 1),
            (0.27 + strap * 0.6, -0.60),
            (0.40, -0.44, 1),
            (waist + 0.03, -0.24),
            (waist, -0.09, 1),
            (0, -0.07),
        ]
    )
    sketch.part(bodice, material, colour, bulge=0.09, relief=2.8, pattern=product.pattern, shadow=0.3)
    belt = mirrored([(0, -0.14), (waist + 0.008, -0.155, 1), (waist + 0.01, -0.07, 1), (0, -0.05)])
    sketch.part(belt, material, shade(colour, 0.72), bulge=0.025, shadow=0.3, folds=0)
    if material == "Denim":
        buttons = [ellipse(0, y, 0.022, count=12) for y in (-0.45, -0.28, 0.05, 0.22)]
        sketch.mark(buttons, thread(material, colour))
    if product.view == "Back":
        sketch.mark(stroke(between((0, -0.66), (0, 0.12), count=2), 0.016), shade(colour, 0.55), 0.9)


def _draw_trousers(sketch: Sketch, product: Product) -> None:
    _lay(sketch, product)
    colour, material = product.rgb, product.material
    waist, hip, ankle, gap = product["waist"], product["waist"] + 0.07, product["ankle"], product["gap"]
    tone = shade(colour, 0.62)
    inner = ankle * 0.16 + gap
    leg = smooth(
        [
            (-0.03, -0.80, 1),
            (waist, -0.82, 1),
            (hip, -0.45),
            ((hip + inner + ankle) / 2 + 0.0, 0.15),
            (inner + ankle, 0.88, 1),
            (inner, 0.90, 1),
            (0.06 + gap * 0.5, 0.2),
            (0.0, -0.26, 1),
        ]
    )
    sketch.part(ellipse(0, -0.80, waist - 0.02, 0.045), material, shade(colour, 0.5), shadow=0, bulge=0.02, folds=0)
    sketch.part(flipped([leg]), material, colour, bulge=0.08, relief=3.0, pattern=product.pattern, shadow=0)
    sketch.part(leg, material, colour, bulge=0.08, relief=3.0, pattern=product.pattern, shadow=0.3)
    band = mirrored([(0, -0.775), (waist + 0.01, -0.845, 1), (waist + 0.03, -0.72, 1), (0, -0.655)])
    sketch.part(band, material, shade(colour, 0.9), bulge=0.025, shadow=0.25, folds=0)
    sewn = thread(material, colour)
    loops = [box(x - 0.018, -0.80, x + 0.018, -0.675) for x in (-waist * 0.62, waist * 0.62)]
    sketch.mark(loops, tone)
    if product.view == "Back":
        for side in (-1, 1):
            pocket = np.array([(0.08, -0.52), (0.31, -0.55), (0.31, -0.33), (0.2, -0.25), (0.09, -0.31)]) * (side, 1)
            sketch.part(pocket, material, colour, bulge=0.02, relief=2.0, pattern=product.pattern, shadow=0.4, folds=0)
            sketch.mark(dashes(np.concatenate([pocket, pocket[:1]]), 0.03, 0.016), sewn)
    else:
        pockets = _both(smooth([(waist * 0.52, -0.70), (waist * 0.66, -0.57), (hip, -0.50)], closed=False))
        sketch.mark([stroke(path, 0.022) for path in pockets], tone)
        fly = smooth([(0.09, -0.70), (0.09, -0.45), (0.0, -0.33)], closed=False)
        if material == "Denim":
            sketch.mark(
                [piece for path in (*pockets, fly) for piece in dashes(moved(path, 0, 0.03), 0.03, 0.018)], sewn
            )
        else:
            sketch.mark(stroke(fly, 0.012), tone)
            crease = between((hip * 0.55, -0.40), (inner + ankle * 0.5, 0.84), bend=0.02)
            sketch.glow([stroke(path, 0.03) for path in _both(crease)], shade(colour, 1.5), 0.5, blur=0.012)
        sketch.part(ellipse(0.0, -0.715, 0.030, count=14), "Gold" if material == "Denim" else "Matt", tone, bulge=0.015)
    if material == "Denim":
        faded = [ellipse(side * (hip * 0.62 + gap * 0.3), 0.0, 0.09, 0.36) for side in (-1, 1)]
        sketch.glow(faded, shade(colour, 1.9), 0.5, blur=0.06)
        sides = between((hip - 0.035, -0.40), (inner + ankle - 0.035, 0.86), bend=-0.012)
        sketch.mark([piece for path in _both(sides) for piece in dashes(path, 0.035, 0.014)], sewn, 0.85)
    cuffs = [between((inner, 0.835), (inner + ankle, 0.815), count=2)]
    if material == "Denim":
        sketch.mark([piece for path in [*cuffs, *flipped(cuffs)] for piece in dashes(path, 0.03, 0.016)], sewn)
    else:
        sketch.mark([stroke(path, 0.012) for path in [*cuffs, *flipped(cuffs)]], tone, 0.8)


def _neckline(product: Product) -> str:
    if product.view == "Back":
        return ""
    return "with a deep neckline" if product["neck"] > 0.22 else "with a round neck"


def _hem(product: Product) -> str:
    return "with a wide skirt" if product["flare"] > 0.62 else "with a narrow skirt"


def _legs(product: Product) -> str:
    return "with wide legs" if product["ankle"] > 0.29 else "with slim legs"


CATEGORIES = (
    Category(
        "T-shirt",
        {"Cotton": PATTERN_NAMES, "Silk": ("Plain", "Dotted")},
        VIEWS,
        {"sleeve": (0.10, 0.24), "neck": (0.12, 0.28), "width": (0.46, 0.56), "flare": (-0.02, 0.05)},
        _draw_t_shirt,
        _neckline,
    ),
    Category(
        "Sweater",
        {"Wool": ("Plain", "Striped", "Dotted"), "Cotton": ("Plain", "Striped")},
        VIEWS,
        {"sleeve": (-0.04, 0.08), "neck": (0.11, 0.20), "width": (0.48, 0.56)},
        _draw_sweater,
        lambda product: "with ribbed cuffs",
    ),
    Category(
        "Dress",
        {"Cotton": PATTERN_NAMES, "Silk": ("Plain", "Dotted"), "Denim": PLAIN},
        VIEWS,
        {
            "neck": (0.12, 0.30),
            "waist": (0.23, 0.31),
            "flare": (0.46, 0.76),
            "length": (0.72, 0.86),
            "strap": (0.08, 0.20),
        },
        _draw_dress,
        _hem,
    ),
    Category(
        "Trousers",
        {"Denim": PLAIN, "Cotton": ("Plain", "Striped", "Checked"), "Leather": PLAIN},
        VIEWS,
        {"waist": (0.34, 0.40), "ankle": (0.21, 0.36), "gap": (0.0, 0.10)},
        _draw_trousers,
        _legs,
        plural=True,
    ),
)
