"""Colours by pixels alone."""

import numpy as np
import pytest

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.metrics.colour_check import (
    FAMILIES,
    NAMES,
    colour_accuracy,
    colour_attributes,
    families_of,
    picture_families,
)
from tfproductgan.studio.materials import COLOURS as STUDIO_COLOURS


def picture(colour, background=(250, 250, 250), size=32):
    image = np.empty((size, size, 3), np.uint8)
    image[:] = background
    image[size // 4 : -size // 4, size // 4 : -size // 4] = colour
    return image


@pytest.mark.parametrize(
    ("colour", "family"),
    [
        ((10, 10, 12), "black"),
        ((120, 120, 122), "grey"),
        ((200, 20, 30), "red"),
        ((240, 130, 30), "orange"),
        ((245, 215, 50), "yellow"),
        ((40, 140, 60), "green"),
        ((40, 90, 200), "blue"),
        ((24, 34, 80), "navy"),
        ((120, 60, 160), "purple"),
        ((240, 140, 180), "pink"),
        ((110, 70, 40), "brown"),
    ],
)
@pytest.mark.parametrize("background", [(250, 250, 250), (90, 90, 90)])
def test_plain_colours(colour, family, background):
    if np.abs(np.subtract(colour, background)).max() > 40:
        assert FAMILIES[picture_families(picture(colour, background)[None])[0]] == family


def test_what_has_the_colour_of_its_background_is_found():
    white = np.full((1, 32, 32, 3), 250, np.uint8)
    assert FAMILIES[picture_families(white)[0]] == "white"


def test_every_colour_of_the_studio_passes_for_its_name():
    for name, colour in STUDIO_COLOURS.items():
        found = picture_families(picture(np.array(colour) * 255, (128, 128, 200))[None])[0]
        assert FAMILIES[found] in families_of(name), name


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Navy Blue", "navy"),
        ("navy", "navy"),
        ("Coffee Brown", "brown"),
        ("Fluorescent Green", "green"),
        ("Grey Melange", "grey"),
        ("Off-White", "white"),
        ("SILVER", "grey"),
        ("light gray", "grey"),
    ],
)
def test_names_as_shops_write_them(name, first):
    assert families_of(name)[0] == first


@pytest.mark.parametrize("name", ["Multi", "NA", "Watches", "Cotton", ""])
def test_other_names_name_no_colour(name):
    assert families_of(name) == ()


def test_every_name_stands_for_families_there_are():
    assert {family for families in NAMES.values() for family in families} <= set(FAMILIES)


def test_colour_attributes_are_found_by_their_values():
    schema = ConditionSchema(
        [
            Attribute("articleType", ("Watches", "Rings")),
            Attribute("farbe", ("Navy Blue", "Gold", "Multi")),
            Attribute("material", ("Gold", "Cotton", "Wool")),
        ]
    )
    assert colour_attributes(schema) == [1]


def test_only_values_that_name_colours_are_asked():
    attribute = Attribute("colour", ("Red", "Multi"))
    red, blue = FAMILIES.index("red"), FAMILIES.index("blue")
    found = colour_accuracy(
        attribute, np.array([1, 1, 2, 0]), np.array([red, blue, blue, red]), np.array([1, 2]), np.array([red, blue])
    )
    assert (found.asked, found.accuracy, found.real, found.real_accuracy) == (2, 0.5, 1, 1.0)
    assert found.confusion == {"Red": {"Red": 1, "blue": 1}}
    assert colour_accuracy(attribute, np.array([2]), np.array([red]), np.array([1]), np.array([red])) is None
