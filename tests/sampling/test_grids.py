import numpy as np
import pytest

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import ConditionError
from tfproductgan.sampling.files import read_metadata, write_png
from tfproductgan.sampling.grids import (
    attribute_grid,
    condition_rows,
    contact_grid,
    frequent_values,
    seed_grid,
    typical_conditions,
)


def find(sheet, picture):
    """Positions (left, top) at which a picture stands in a sheet, pixel for pixel."""
    sheet, height, width = np.asarray(sheet), *picture.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(sheet, (height, width), axis=(0, 1))
    corners = (windows[..., 0, 0] == picture[0, 0]).all(axis=-1) & (windows[..., -1, -1] == picture[-1, -1]).all(
        axis=-1
    )
    return [
        (left, top)
        for top, left in np.argwhere(corners)
        if (sheet[top : top + height, left : left + width] == picture).all()
    ]


def noise(count, size, channels=3):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, channels), np.uint8)


def test_pictures_stand_row_by_row_and_keep_their_pixels():
    pictures = noise(5, 96)
    [places] = zip(*[find(contact_grid(pictures, columns=3), picture) for picture in pictures], strict=True)
    lefts, tops = zip(*places, strict=True)
    assert lefts[0] == lefts[3] < lefts[1] == lefts[4] < lefts[2]
    assert tops[0] == tops[1] == tops[2] < tops[3] == tops[4]


@pytest.mark.parametrize("size, shown", [(28, 112), (64, 128), (128, 128)])
def test_small_pictures_are_enlarged_by_a_whole_factor(size, shown):
    sheet = contact_grid(noise(1, size), columns=1)
    assert shown <= sheet.width <= shown + 10


def test_grey_pictures_make_a_grey_sheet():
    assert contact_grid(noise(2, 28, channels=1), columns=2).mode == "L"


def test_labels_add_room_and_leave_the_pictures_whole():
    pictures = noise(4, 96)
    plain = contact_grid(pictures, columns=2)
    labelled = contact_grid(pictures, 2, ["Fluorescent Green", "Accessory Gift Set, Boys and Girls"], ["a", ""])
    assert labelled.width > plain.width and labelled.height > plain.height
    assert all(len(find(labelled, picture)) == 1 for picture in pictures)


def test_labels_without_room_are_cut_and_those_beyond_ascii_drawn():
    labels = ["x" * 300, "Rosé " * 80]
    sheet = contact_grid(noise(2, 96), 1, labels, ["很长的标签" * 30])
    assert sheet.width < 400


def test_an_attribute_grid_changes_nothing_but_the_conditions(painter, tmp_path):
    grid = attribute_grid(painter, "Category", "colour", seed=5, given={"view": "front"})
    pictures = read_metadata(write_png(tmp_path / "grid.png", grid))["pictures"]
    assert [p["conditions"] for p in pictures] == [
        {"category": category, "colour": colour, "view": "Front"}
        for category in ("Ring", "Mug", "Sports Shoes")
        for colour in ("Gold", "Navy Blue", "Fluorescent Green")
    ]
    assert {(p["seed"], p["truncation"]) for p in pictures} == {(5, 1.0)}


def test_a_grid_of_one_attribute_has_its_values_by_seeds(painter, tmp_path):
    grid = attribute_grid(painter, "colour", seed=5, given={"view": "side"}, row_values=["gold", "navy blue"])
    metadata = read_metadata(write_png(tmp_path / "grid.png", grid))
    assert metadata["rows"] == ["Gold", "Navy Blue"]
    assert metadata["columns"] == [f"seed {seed}" for seed in range(5, 13)]
    asked = [(p["conditions"]["colour"], p["conditions"]["view"], p["seed"]) for p in metadata["pictures"]]
    assert asked == [(colour, "Side", seed) for colour in ("Gold", "Navy Blue") for seed in range(5, 13)]


def test_an_attribute_grid_shows_the_values_asked_for_in_their_order(painter):
    grid = attribute_grid(painter, "colour", "category", row_values=["navy blue", "gold"], column_values=["mug"])
    assert grid.info["tfproductgan"]["rows"] == ["Navy Blue", "Gold"]
    assert grid.info["tfproductgan"]["columns"] == ["Mug"]
    assert grid.height > grid.width


def test_of_many_values_an_attribute_grid_shows_the_most_frequent(painter):
    values = tuple(f"v{i:02d}" for i in range(40))
    schema = ConditionSchema([Attribute("kind", values), Attribute("colour", ("Gold",))], 64)
    painter.schema = schema.with_combinations([(i, 1) for i in range(1, 41) for _ in range(i)])
    shown = attribute_grid(painter, "kind", "colour").info["tfproductgan"]["rows"]
    assert shown == [f"v{i:02d}" for i in range(39, 19, -1)]
    assert frequent_values(schema, "kind", 2) == ("v00", "v01")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"rows": "kategory"}, "Unknown attribute 'kategory': did you mean 'category'"),
        ({"rows": "colour"}, "different attributes. Received: rows 'colour', columns 'colour'"),
        ({"given": {"colour": "Gold"}}, "different attributes"),
        ({"row_values": ["Ringg"]}, "Unknown category 'Ringg'"),
        ({"row_values": []}, "needs values of 'category'"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(painter, options, message):
    with pytest.raises(ConditionError, match=message):
        attribute_grid(painter, **{"rows": "category", "columns": "colour", **options})


def test_condition_rows_have_a_condition_each_and_columns_a_seed(painter, tmp_path):
    rows = [{"category": "Ring", "view": "Side"}, {"category": "Mug", "view": "Front"}]
    grid = condition_rows(painter, rows, count=3, seed=4)
    metadata = read_metadata(write_png(tmp_path / "rows.png", grid))
    assert metadata["rows"] == ["Ring, Side", "Mug, Front"]
    assert metadata["columns"] == ["seed 4", "seed 5", "seed 6"]
    assert [p["seed"] for p in metadata["pictures"]] == [4, 5, 6] * 2
    assert [p["conditions"]["category"] for p in metadata["pictures"]] == ["Ring"] * 3 + ["Mug"] * 3


def test_a_grid_of_seeds_asks_for_nothing(painter):
    grid = seed_grid(painter, count=6, columns=3, seed=2)
    assert [p["seed"] for p in grid.info["tfproductgan"]["pictures"]] == [2, 3, 4, 5, 6, 7]
    assert grid.width > grid.height


def test_typical_conditions_are_the_most_frequent_of_each_first_value():
    schema = ConditionSchema([Attribute("kind", ("Ring", "Mug")), Attribute("colour", ("Gold", "Red"))])
    rows = [(1, 1)] * 5 + [(1, 2)] * 3 + [(2, 2)] * 2 + [(2, 0)] * 9
    assert typical_conditions(schema.with_combinations(rows), 3) == [
        {"kind": "Ring", "colour": "Gold"},
        {"kind": "Mug", "colour": "Red"},
        {"kind": "Ring", "colour": "Red"},
    ]
    assert typical_conditions(schema) == [{"kind": "Ring"}, {"kind": "Mug"}]


def test_typical_conditions_of_several_values_show_each_of_them_once():
    schema = ConditionSchema([Attribute("tag", ("x", "y", "z"), several=2)])
    schema = schema.with_combinations([(1, 2)] * 3 + [(3, 0)] * 2 + [(2, 0)])
    assert typical_conditions(schema) == [{"tag": "x, y"}, {"tag": "z"}, {"tag": "y"}]
    assert frequent_values(schema, "tag", 2) == ("y", "x")


def test_pictures_stand_in_the_proportions_of_the_photos(painter):
    square = seed_grid(painter, count=4, columns=2)
    painter.schema.aspect = 0.5
    upright = seed_grid(painter, count=4, columns=2)
    assert upright.width / upright.height == pytest.approx(0.5, abs=0.03)
    assert square.width == square.height
