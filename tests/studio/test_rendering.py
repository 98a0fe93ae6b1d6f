"""The studio: the same number is the same product, and its pictures show what its labels say."""

import numpy as np
import pytest

from tfproductgan import studio
from tfproductgan.errors import CatalogueError, ConditionError
from tfproductgan.studio.materials import COLOURS, COLOURS_OF


def every_combination():
    for name, category in studio.CATEGORIES.items():
        for material, patterns in category.materials.items():
            for pattern in patterns:
                for view in category.views:
                    yield {"category": name, "material": material, "pattern": pattern, "view": view}


def test_the_same_number_is_the_same_product_whatever_was_drawn_before():
    first = studio.product(3, 17)
    picture = studio.render_image(first)
    studio.render(studio.product(3, 18), 48)
    again = studio.product(3, 17)
    assert again == first
    np.testing.assert_array_equal(studio.render_image(again), picture)
    assert studio.product(4, 17) != first


def test_numbers_and_seeds_give_different_pictures():
    pictures = {studio.render_image(studio.product(seed, i), 32).tobytes() for seed in (0, 1) for i in range(40)}
    assert len(pictures) == 80


@pytest.mark.parametrize("size", [28, 64, 100])
def test_pictures_have_the_size_asked_for(size):
    made = studio.render(studio.product(0, 5), size)
    assert made.image.shape == (size, size, 3) and made.image.dtype == np.uint8
    assert made.mask.shape == made.lines.shape == (size, size)
    assert made.mask.dtype == made.lines.dtype == np.uint8


@pytest.mark.parametrize("size", [27, 257])
def test_sizes_out_of_range_are_refused(size):
    with pytest.raises(CatalogueError, match=f"28 to 256 pixels wide. Received: {size}"):
        studio.render_image(studio.product(0, 0), size)


def test_a_small_picture_is_the_large_one_seen_from_afar():
    for index in range(12):
        item = studio.product(11, index)
        small, large = studio.render(item, 32), studio.render(item, 128)
        for a, b in ((small.image, large.image), (small.mask, large.mask)):
            reduced = b.reshape(32, 4, 32, 4, -1).mean(axis=(1, 3)).reshape(a.shape)
            assert np.abs(a - reduced).mean() < 7, item


def test_every_combination_fills_a_sensible_part_of_a_white_picture():
    for number, labels in enumerate(every_combination()):
        item = studio.product(5, number, **labels)
        assert {name: getattr(item, name) for name in labels} == labels
        made = studio.render(item, 40)
        covered = (made.mask > 127).mean()
        assert 0.06 < covered < 0.75, item
        corners = made.image[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert corners.min() >= 250, item
        # the drawing has lines, but is mostly paper
        assert 0.01 < (made.lines < 128).mean() < 0.35, item


def test_the_mask_is_where_the_product_is():
    for index in range(40):
        made = studio.render(studio.product(6, index), 64)
        background = made.mask == 0
        # off the product there is paper and its soft shadow only: grey, and never dark
        outside = made.image[background].astype(int)
        assert (outside.max(axis=1) - outside.min(axis=1)).max() <= 12
        assert outside.min() > 110
        far = made.lines[background]
        assert (far > 200).mean() > 0.9


def hue_and_light(rgb):
    # opponent colours, with lightness counting half: a person sees through shade and highlights
    red, green, blue = np.moveaxis(np.asarray(rgb, dtype=np.float32), -1, 0)
    return np.stack([red - green, 0.5 * (red + green) - blue, 0.25 * (red + green + blue)], axis=-1)


def test_most_of_the_product_has_the_colour_it_is_named_after():
    names = list(COLOURS)
    palette = hue_and_light([COLOURS[name] for name in names])
    right, count = 0, 150
    for index in range(count):
        item = studio.product(7, index)
        pixels = studio.render_image(item, 40)[studio.render_mask(item, 40) > 200] / 255
        nearest = ((hue_and_light(pixels)[:, None] - palette) ** 2).sum(axis=-1).argmin(axis=1)
        votes = np.bincount(nearest, minlength=len(names))
        # white laces, a steel case or a dark sole may come first
        right += item.colour in [names[i] for i in votes.argsort()[-2:]]
    assert right / count > 0.9


def test_labels_are_spread_out():
    items = [studio.product(0, index) for index in range(2000)]
    categories = [item.category for item in items]
    even = len(items) / len(studio.CATEGORIES)
    assert all(0.6 * even < categories.count(name) < 1.5 * even for name in studio.CATEGORIES)
    for name, values in studio.ATTRIBUTES.items():
        counts = [sum(getattr(item, name) == value for item in items) for value in values]
        assert min(counts) > 0.015 * len(items), dict(zip(values, counts, strict=True))


def test_materials_come_in_their_colours_only():
    for index in range(300):
        item = studio.product(2, index)
        assert item.colour in COLOURS_OF[item.material]


def test_negative_numbers_are_refused():
    with pytest.raises(CatalogueError, match=r"0 or more. Received: 0, -1"):
        studio.product(0, -1)


def test_labels_can_be_asked_for_in_any_case():
    item = studio.product(0, 0, category="mug", colour=" RED ", view="side")
    assert (item.category, item.colour, item.view) == ("Mug", "Red", "Side")
    assert studio.product(0, 9, colour="Gold").material == "Gold"


def test_a_description_says_what_it_is():
    item = studio.product(0, 0, category="Handbag", colour="Orange", material="Leather", view="Angled")
    assert item.description.startswith("An orange leather handbag")
    assert item.description.endswith("angled view")
    trousers = studio.product(0, 0, category="Trousers", colour="Blue", material="Denim", view="Back")
    assert trousers.description.startswith("A pair of blue denim trousers")
    assert "gold gold" not in studio.product(0, 0, category="Ring", material="Gold").description


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ConditionError, match="no category 'Sneeker': did you mean 'Sneaker'"):
        studio.product(0, 0, category="Sneeker")
    with pytest.raises(ConditionError, match="no colour 'Bleu'"):
        studio.product(0, 0, colour="Bleu")


def test_what_nobody_makes_is_refused_with_what_there_is():
    with pytest.raises(ConditionError, match="Mug comes in Ceramic"):
        studio.product(0, 0, category="Mug", material="Denim")
    with pytest.raises(ConditionError, match="makes nothing with colour 'Gold', material 'Wool'"):
        studio.product(0, 0, colour="Gold", material="Wool")
