"""Products by number and their pictures."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from tfproductgan.errors import CatalogueError, ConditionError, nearest
from tfproductgan.studio import bags, garments, headwear, jewellery, shoes, tableware
from tfproductgan.studio.materials import COLOURS, COLOURS_OF, METALS
from tfproductgan.studio.pens import Painter, Silhouette, Tracer
from tfproductgan.studio.products import PATTERN_NAMES, VIEWS, Category, Product
from tfproductgan.studio.sketch import Sketch

CATEGORIES: dict[str, Category] = {
    category.name: category
    for module in (garments, headwear, shoes, bags, jewellery, tableware)
    for category in module.CATEGORIES
}

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "category": tuple(CATEGORIES),
    "colour": tuple(COLOURS),
    "material": tuple(COLOURS_OF),
    "pattern": PATTERN_NAMES,
    "view": VIEWS,
}
"""The names of each attribute's values."""

SMALLEST, LARGEST = 28, 256

# streams of random numbers of one product: what it is, and its folds and grain
_LABELS, _TEXTURE = 0, 1

# of what comes in patterns too
_PLAIN_SHARE = 0.7
# of the photos show a category's first view, as shops' main pictures do; the other views share the rest
_MAIN_VIEW_SHARE = 0.6
# jeans are blue more often than not
_BLUE_DENIM_SHARE = 0.3


@dataclasses.dataclass(frozen=True)
class Rendering:
    """The pictures of one product.

    Args:
        image: The photo, uint8 [size, size, 3].
        mask: What the product covers, uint8 [size, size]: 255 on it, 0 off it, between at its edge.
        lines: Its line drawing, uint8 [size, size], dark lines on white.
    """

    image: np.ndarray
    mask: np.ndarray
    lines: np.ndarray


def product(
    seed: int,
    index: int,
    *,
    category: str | None = None,
    colour: str | None = None,
    material: str | None = None,
    pattern: str | None = None,
    view: str | None = None,
) -> Product:
    """The product with a number; the same number is the same product at every size, in every process.

    Labels that are given hold; the others are drawn so that the whole is something one can buy.

    Args:
        seed: The studio's seed, 0 or more.
        index: The product's number, 0 or more.
        category: A value of `ATTRIBUTES["category"]`, in any case. Default: drawn.
        colour: Likewise.
        material: Likewise.
        pattern: Likewise.
        view: Likewise.

    Returns:
        The product.

    Raises:
        CatalogueError: If the seed or the index is negative.
        ConditionError: If a name is unknown, or the studio makes no such combination.
    """
    if seed < 0 or index < 0:
        raise CatalogueError(f"The studio's seed and index are 0 or more. Received: {seed}, {index}")
    random = _random(seed, index, _LABELS)
    draws = random.random(13).tolist()
    wanted = {
        name: _value(name, given)
        for name, given in zip(ATTRIBUTES, (category, colour, material, pattern, view), strict=True)
        if given is not None
    }
    labels = _complete(wanted, draws)
    spec = CATEGORIES[labels["category"]]
    traits = {"tone": 2 * draws[8] - 1, "angle": 2 * draws[9] - 1, "scale": draws[10]}
    traits |= {"right": 2 * draws[11] - 1, "down": 2 * draws[12] - 1}
    for name, (low, high) in spec.traits.items():
        traits[name] = low + (high - low) * random.random()
    made = Product(**labels, description="", seed=seed, index=index, traits=traits)
    return dataclasses.replace(made, description=_describe(made, spec))


def render(product: Product, size: int = 64) -> Rendering:
    """The photo of a product, its mask and its line drawing.

    Args:
        product: What `product()` returned.
        size: Pixels along the edge, 28 to 256. Default: 64.

    Raises:
        CatalogueError: If the size is out of range.
    """
    return Rendering(render_image(product, size), render_mask(product, size), render_lines(product, size))


def render_image(product: Product, size: int = 64) -> np.ndarray:
    """The photo alone, uint8 [size, size, 3]; see `render`."""
    sketch, frame = _place(product, size)
    pen = Painter(frame.size, frame.pose, frame.shift, _random(product.seed, product.index, _TEXTURE))
    sketch.draw(pen)
    return pen.finish(frame.ground)


def render_mask(product: Product, size: int = 64) -> np.ndarray:
    """The mask alone, uint8 [size, size]; see `render`."""
    sketch, frame = _place(product, size)
    pen = Silhouette(frame.size, frame.pose, frame.shift)
    sketch.draw(pen)
    return pen.finish()


def render_lines(product: Product, size: int = 64) -> np.ndarray:
    """The line drawing alone, uint8 [size, size]; see `render`."""
    sketch, frame = _place(product, size)
    pen = Tracer(frame.size, frame.pose, frame.shift)
    sketch.draw(pen)
    return pen.finish()


def _random(seed: int, index: int, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, index, stream])))


@dataclasses.dataclass(frozen=True)
class _Frame:
    # how the product's coordinates lie in the picture: times `pose`, plus `shift`, in half pictures;
    # `ground` is the middle and half width of the place it stands on
    size: int
    pose: np.ndarray
    shift: np.ndarray
    ground: tuple[float, float, float] | None


def _place(product: Product, size: int) -> tuple[Sketch, _Frame]:
    """Sketch a product, turn it as its view says and fit it into the picture."""
    if not SMALLEST <= size <= LARGEST:
        raise CatalogueError(f"The studio's pictures are {SMALLEST} to {LARGEST} pixels wide. Received: {size}")
    sketch = Sketch()
    CATEGORIES[product.category].draw(sketch, product)
    # as in one shop's photos, which all face the same way
    turn = math.radians(sketch.turn + (1.0 if sketch.stands else 3.0) * product["angle"])
    cos, sin = math.cos(turn), math.sin(turn)
    pose = np.array([[cos, sin], [-sin, cos]])
    points = sketch.solid_points() @ pose
    low, high = points.min(axis=0), points.max(axis=0)
    scale = 2 * (0.80 + 0.11 * product["scale"]) / max(high - low)
    # half of what room is left may be used for standing off the middle
    room = np.maximum(0.94 - 0.5 * scale * (high - low), 0) * (0.5, 0.25)
    shift = room * (product["right"], product["down"]) - 0.5 * scale * (low + high)
    ground = None
    if sketch.stands:
        feet = points[points[:, 1] > high[1] - 0.12 * (high[1] - low[1]), 0] * scale + shift[0]
        ground = (0.5 * (feet.min() + feet.max()), high[1] * scale + shift[1], 0.5 * (feet.max() - feet.min()))
    return sketch, _Frame(size, scale * pose, shift, ground)


def _value(attribute: str, given: str) -> str:
    for name in ATTRIBUTES[attribute]:
        if name.casefold() == " ".join(str(given).split()).casefold():
            return name
    raise ConditionError(f"The studio has no {attribute} {given!r}: {nearest(str(given), ATTRIBUTES[attribute])}")


def _pick(options: Sequence[str], draw: float) -> str:
    return options[min(int(draw * len(options)), len(options) - 1)]


def _complete(wanted: dict[str, str], draws: list[float]) -> dict[str, str]:
    """Labels for every attribute that agree with those wanted."""
    categories = [wanted["category"]] if "category" in wanted else list(CATEGORIES)
    possible = {name: made for name in categories if (made := _makes(CATEGORIES[name], wanted))}
    if not possible:
        raise ConditionError(_impossible(wanted))
    category = _pick(list(possible), draws[0])
    spec = CATEGORIES[category]
    # what comes in every colour comes twice as often as what is all metal
    material = _pick([name for name in possible[category] for _ in range(1 if name in METALS else 2)], draws[1])
    colours = COLOURS_OF[material]
    colour = wanted.get("colour") or _pick(colours, draws[2])
    if "colour" not in wanted and material == "Denim" and draws[3] < _BLUE_DENIM_SHARE:
        colour = "Blue"
    patterns = spec.materials[material]
    pattern = wanted.get("pattern")
    if pattern is None:
        plain = draws[4] < _PLAIN_SHARE or len(patterns) == 1
        pattern = "Plain" if plain else _pick(patterns[1:], draws[5])
    view = wanted.get("view")
    if view is None:
        main = draws[6] < _MAIN_VIEW_SHARE or len(spec.views) == 1
        view = spec.views[0] if main else _pick(spec.views[1:], draws[7])
    return {"category": category, "colour": colour, "material": material, "pattern": pattern, "view": view}


def _makes(spec: Category, wanted: dict[str, str]) -> list[str]:
    """The materials in which a category can be had with the labels wanted."""
    if "view" in wanted and wanted["view"] not in spec.views:
        return []
    return [
        material
        for material, patterns in spec.materials.items()
        if wanted.get("material", material) == material
        and ("colour" not in wanted or wanted["colour"] in COLOURS_OF[material])
        and ("pattern" not in wanted or wanted["pattern"] in patterns)
    ]


def _impossible(wanted: dict[str, str]) -> str:
    said = ", ".join(f"{name} {value!r}" for name, value in wanted.items())
    if "category" not in wanted:
        return f"The studio makes nothing with {said}"
    spec = CATEGORIES[wanted["category"]]
    made = "; ".join(
        f"{material} ({', '.join(patterns)}; {_few(COLOURS_OF[material])})"
        for material, patterns in spec.materials.items()
    )
    return f"The studio makes nothing with {said}. {spec.name} comes in {made}, seen from {', '.join(spec.views)}"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) < 12 else "any dye"


def _describe(product: Product, spec: Category) -> str:
    words = [product.colour.lower()]
    if product.pattern != "Plain":
        words.append(product.pattern.lower())
    if product.material != product.colour:
        words.append({"Wool": "woollen", "Gem": "gemstone"}.get(product.material, product.material.lower()))
    noun = product.category if product.category == "T-shirt" else product.category.lower()
    words.append(noun)
    phrase = " ".join(words)
    article = "A pair of" if spec.plural else "An" if phrase[0] in "aeiou" else "A"
    detail = spec.detail(product)
    return f"{article} {phrase}{' ' + detail if detail else ''}, {product.view.lower()} view"
