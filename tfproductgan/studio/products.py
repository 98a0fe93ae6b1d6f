"""What the studio can make: the labels of one product, and the description of one category."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from tfproductgan.studio.materials import COLOURS, Colour, dyed
from tfproductgan.studio.sketch import Sketch

VIEWS = ("Front", "Back", "Side", "Top", "Angled")
PATTERN_NAMES = ("Plain", "Striped", "Dotted", "Checked")
PLAIN = ("Plain",)


@dataclasses.dataclass(frozen=True)
class Product:
    """One product of the studio: its labels and everything its picture depends on.

    Args:
        category: Such as `"Mug"`.
        colour: Such as `"Red"`.
        material: Such as `"Ceramic"`.
        pattern: Such as `"Plain"`.
        view: Where it is seen from, such as `"Side"`.
        description: One line of words.
        seed: The studio's seed.
        index: The product's number under that seed.
        traits: Proportions of the category and pose in the picture, by name.
    """

    category: str
    colour: str
    material: str
    pattern: str
    view: str
    description: str
    seed: int
    index: int
    traits: Mapping[str, float] = dataclasses.field(hash=False, repr=False)

    @property
    def rgb(self) -> Colour:
        """The colour as display RGB from 0 to 1, a little lighter or darker from product to product."""
        shift = self.traits["tone"]
        low, high = 0.035 * shift, 0.05 * shift
        dye = dyed(self.material, COLOURS[self.colour])
        red, green, blue = (min(max(c + (low if c < 0.5 else high * (1 - c) * 2), 0.0), 1.0) for c in dye)
        return red, green, blue

    def __getitem__(self, trait: str) -> float:
        return self.traits[trait]


@dataclasses.dataclass(frozen=True)
class Category:
    """One kind of product.

    Args:
        name: Its name.
        materials: The patterns it comes in, by material.
        views: Where it is photographed from.
        traits: Lowest and highest value of each proportion.
        draw: Puts a product down on a sketch, in coordinates from about -1 to 1.
        detail: What the description says besides the labels.
        plural: Whether the noun is a plural, such as `"a pair of trousers"`.
    """

    name: str
    materials: Mapping[str, tuple[str, ...]]
    views: tuple[str, ...]
    traits: Mapping[str, tuple[float, float]]
    draw: Callable[[Sketch, Product], None]
    detail: Callable[[Product], str]
    plural: bool = False
