"""Whether samples have the colour that was asked for, by their pixels alone.

No network is asked, so none can be fooled. Colours are coarse: each pixel of what stands out from the background gets
the nearest of some shades, and the family with most pixels is the colour of the picture. Models who wear the product,
prints and shadows make this err on photos as well, so every figure stands beside the same one of photos.
"""

from __future__ import annotations

import functools

import numpy as np

from tfproductgan.conditions import Attribute, ConditionSchema, fold
from tfproductgan.metrics.attribute_accuracy import AttributeAccuracy, accuracy_of

SHADES = {
    "black": ("#111114", "#2b2b30"),
    "grey": ("#505054", "#78787c", "#a0a0a4"),
    "white": ("#c8c8ca", "#e4e4e4", "#f8f8f8"),
    "red": ("#c8102e", "#e0303a", "#8a1020", "#b85058"),
    "maroon": ("#5a1622",),
    "orange": ("#f07c1c", "#e85a20", "#e09868"),
    "brown": ("#5c3a22", "#8a5a36", "#3c2a20", "#6a5648", "#342c28"),
    "beige": ("#d8c0a0", "#c0a078", "#ecdcc0", "#b0a090"),
    "yellow": ("#f4d428", "#d8a820", "#f0e080"),
    "olive": ("#6c6c34", "#8c8458"),
    "green": ("#2c8c3c", "#1c4c30", "#88c858", "#56705c", "#a0b890"),
    "teal": ("#149c9c", "#60c4c4"),
    "blue": ("#2454c0", "#4c8cd8", "#6880a8", "#a8c8ec", "#48546c", "#80909c"),
    "navy": ("#1c2850", "#303c60", "#20242e", "#3a4256"),
    "purple": ("#70349c", "#9c70b8", "#402050", "#685878", "#b8a4c0"),
    "pink": ("#f088b0", "#d83080", "#f4c0cc", "#c08490"),
}
"""Shades of each family of colours, chosen by eye."""

FAMILIES = tuple(SHADES)

_PASSES = {
    "red, crimson": "red, maroon",
    "maroon": "maroon, red, brown",
    "orange": "orange, red",
    "beige": "beige, brown, white",
    "olive": "olive, green, brown",
    "green": "green, olive",
    "teal": "teal, green, blue",
    "blue, denim": "blue, navy",
    "navy": "navy, blue, black",
    "purple, lavender, mauve": "purple, pink",
    "pink, rose": "pink, red",
    "gray": "grey",
    "indigo": "navy, blue, purple",
    "turquoise": "teal, blue, green",
    "cyan, aqua": "teal, blue",
    "khaki": "olive, beige, brown",
    "lime": "green, yellow",
    "mint": "green, teal",
    "burgundy, wine": "maroon, red, purple",
    "scarlet": "red",
    "rust": "brown, orange, red, maroon",
    "copper": "brown, orange, beige",
    "bronze": "brown, olive, beige",
    "coffee, chocolate": "brown",
    "tan": "brown, beige, orange",
    "camel": "brown, beige",
    "taupe, mushroom": "brown, beige, grey, olive",
    "cream": "beige, white, yellow",
    "ivory, off white": "white, beige",
    "nude": "beige, pink",
    "skin": "beige, pink, brown",
    "peach": "pink, orange, beige",
    "coral": "orange, red, pink",
    "salmon": "orange, pink",
    "mustard": "yellow, orange, brown",
    "gold": "yellow, beige, brown, olive, orange",
    "silver, steel, platinum": "grey, white",
    "charcoal": "grey, black",
    "violet": "purple",
    "magenta": "pink, purple, red",
    "fuchsia": "pink, purple",
}
NAMES = {family: (family,) for family in FAMILIES} | {
    name: tuple(families.split(", ")) for names, families in _PASSES.items() for name in names.split(", ")
}
"""Colour names as shops use them, and the families that pass for each."""

_OUTSTANDING = 5.0  # distance in Lab from which a pixel is no background
_LEAST_SHARE = 0.04  # of the picture: what stands out less is the shadow of something as bright as the background
_CLEAR_SHARE = 0.5  # of the values of an attribute must name colours
_NEUTRAL_WEIGHT = 0.75  # a red shoe in its shadow is red
_WEIGHTS = np.array([_NEUTRAL_WEIGHT if family in ("black", "grey", "white") else 1.0 for family in FAMILIES])
_LIGHTNESS = np.float32([0.6, 1, 1])
_BITS = 6
_DROPPED_BITS = 8 - _BITS
_BLOCK = 64  # what is made of so many small pictures stays in the cache of a core
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def families_of(name: str) -> tuple[str, ...]:
    """The families that pass for a colour name; none if it names no colour.

    The whole name is looked up first, then its words from the last: navy blue is navy, coffee brown is brown.
    """
    words = fold(name).replace("-", " ").split()
    if " ".join(words) in NAMES:
        return NAMES[" ".join(words)]
    if "navy" in words:
        return NAMES["navy"]
    return next((NAMES[word] for word in reversed(words) if word in NAMES), ())


def colour_attributes(schema: ConditionSchema) -> list[int]:
    """Places of the attributes most of whose values name colours."""
    return [
        place
        for place, attribute in enumerate(schema.attributes)
        if np.mean([bool(families_of(value)) for value in attribute.values]) > _CLEAR_SHARE
    ]


def picture_families(images: np.ndarray, count: int | None = None) -> np.ndarray:
    """The family of colours that most of each picture's foreground has, or the `count` first of them.

    The background is the median of the outermost pixels. Where hardly anything stands out from it, the product has
    its colour, and the middle of the picture decides.

    Args:
        images: uint8 `[N, H, W, 3]`.
        count: How many.

    Returns:
        int64 `[N]`, or `[N, count]`, positions in `FAMILIES`.
    """
    found = np.empty((len(images), 1 if count is None else count), np.int64)
    labs, families = _palette()
    for start in range(0, len(images), _BLOCK):
        levels = images[start : start + _BLOCK] >> _DROPPED_BITS
        red, green, blue = (levels[..., channel].astype(np.int64) for channel in range(3))
        places = (red << 2 * _BITS) | (green << _BITS) | blue
        picture = np.arange(len(places))[:, None, None] * len(FAMILIES)
        owners = picture + families.take(places)
        counts = np.bincount(owners.ravel(), _foreground(labs, places).ravel(), len(places) * len(FAMILIES))
        order = np.argsort(-counts.reshape(len(places), -1) * _WEIGHTS, axis=1, kind="stable")
        found[start : start + _BLOCK] = order[:, : found.shape[1]]
    return found[:, 0] if count is None else found


def colour_accuracy(
    attribute: Attribute, asked: np.ndarray, found: np.ndarray, real: np.ndarray, real_found: np.ndarray
) -> AttributeAccuracy | None:
    """`accuracy_of` an attribute that names colours: ids against families, of `picture_families`.

    Values that name no colour are left out. Of pictures that have several values as many families count.
    """
    if found.ndim == 2:
        found, real_found = (families[:, : attribute.several] for families in (found, real_found))
    passes = np.zeros((attribute.num_ids, len(FAMILIES)), bool)
    for number, value in enumerate(attribute.values, start=1):
        passes[number, [FAMILIES.index(family) for family in families_of(value)]] = True
    return accuracy_of(attribute, asked, found, real, real_found, "pixels", passes, FAMILIES)


@functools.cache
def _palette() -> tuple[np.ndarray, np.ndarray]:
    """Of every colour of 6 bits a channel, its Lab, float32 `[3, 2**18]`, and its family, int8 `[2**18]`."""
    shades = [[int(shade[i : i + 2], 16) for i in (1, 3, 5)] for shades in SHADES.values() for shade in shades]
    owner = np.array([number for number, shades in enumerate(SHADES.values()) for _ in shades], np.int8)
    centres = (np.indices((2**_BITS,) * 3).reshape(3, -1).T << _DROPPED_BITS) + (1 << _DROPPED_BITS >> 1)
    labs = _to_lab(centres)
    # hue tells colours apart more than lightness does
    squeezed, targets = labs * _LIGHTNESS, _to_lab(np.array(shades)) * _LIGHTNESS
    return np.ascontiguousarray(labs.T), owner[np.argmin((targets**2).sum(axis=1) - 2 * squeezed @ targets.T, axis=1)]


def _to_lab(colours: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of sRGB levels `[N, 3]`, 0 to 255: float32."""
    levels = colours / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    relative = linear @ (_TO_XYZ / _TO_XYZ.sum(axis=1, keepdims=True)).T
    root = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116)
    x, y, z = root.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1).astype(np.float32)


def _foreground(labs: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Weights of what stands out from the background; more in the middle, where products are.

    Args:
        labs: Of `_palette`.
        places: The colours of the pixels there, int `[N, H, W]`.

    Returns:
        float32 `[N, H, W]`.
    """
    height, width = places.shape[1:]
    border = np.concatenate([places[:, 0], places[:, -1], places[:, 1:-1, 0], places[:, 1:-1, -1]], axis=1)
    squares = np.zeros(places.shape, np.float32)
    for lab in labs:  # one after the other: three values a pixel would be gathered and added far more slowly
        difference = lab.take(places)
        difference -= np.median(lab.take(border), axis=1)[:, None, None]
        squares += np.square(difference, out=difference)
    outstanding = squares > _OUTSTANDING**2
    middle = np.zeros((height, width), np.float32)
    middle[height // 4 : -(height // 4), width // 4 : -(width // 4)] = 1
    enough = outstanding.mean(axis=(1, 2)) >= _LEAST_SHARE
    return np.where(enough[:, None, None], outstanding * (1 + 2 * middle), middle)
