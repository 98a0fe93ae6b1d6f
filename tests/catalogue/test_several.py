import numpy as np
import pytest

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.several import likely_separator, split_cell, taken_apart
from tfproductgan.catalogue.sources import Item, Source
from tfproductgan.errors import CatalogueError


def source(cells, attribute="colour"):
    items = [Item(f"{i}.png", {attribute: cell}) for i, cell in enumerate(cells)]
    return Source(items, [attribute], lambda: iter(()))


def cells_of(source, attribute="colour"):
    return [item.labels[attribute] for item in source.items]


@pytest.mark.parametrize(
    ("cell", "separator", "values"),
    [
        ("Pine, white", ",", ("Pine", "white")),
        (" Pine ;; Navy  Blue;", ";", ("Pine", "Navy Blue")),
        ("Pine", ",", ("Pine",)),
        ("", ",", ()),
        (" , ", ",", ()),
        ("['Pine', 'Navy Blue']", ",", ("Pine", "Navy Blue")),  # as pandas writes lists
        ("Pine\nwhite", "\n", ("Pine", "white")),
        ("Rose\u0301, Pine", ",", ("Ros\u00e9", "Pine")),
    ],
)
def test_a_cell_is_taken_apart(cell, separator, values):
    assert split_cell(cell, separator) == values


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["Pine", "White", "Pine, white"], ","),
        (["Pine, white", "white, oak", "oak, Pine"], ","),
        (["Pine;White", "White;Oak", "Oak;Pine", "Oak"], ";"),
        (["new|sale", "sale|wool", "wool|new"], "|"),
        (["Black", "White", "Black / White"], "/"),
        (["Black", "White", "Black & White"], "&"),
        (["new\nsale", "sale\nwool", "wool\nnew"], "\n"),
        (["松木、白", "白", "松木"], "、"),
        (["Red", "Blue"], None),
        (["T-shirt/top", "Ankle boot", "Bag"], None),
        (["Oak table, round", "Chair, red, with arms", "Lamp"], None),  # titles
        (["1,5", "2,5", "1", "2"], None),  # numbers
        (["0,90 €", "1,90 €", "12,50 €", "EUR 3,90"], None),  # prices
        (["N/A", "#N/A", "Red"], None),
        (["01/02/2024", "02/01/2024"], None),
        ([], None),
    ],
)
def test_separators_are_found_where_parts_come_again(cells, separator):
    assert likely_separator(dict.fromkeys(cells, 10)) == separator


@pytest.mark.parametrize("multi", ["colour", ["Colour"], {"colour": ";"}, {"COLOUR": " ; "}, {"colour": None}])
def test_labels_of_an_attribute_become_tuples(multi):
    taken = taken_apart(source(["Pine; white", "Pine", "", ("oak", "Pine"), "oak"]), multi)
    assert cells_of(taken) == [("Pine", "white"), ("Pine",), (), ("oak", "Pine"), ("oak",)]
    assert not taken.notes


def test_what_looks_as_if_it_held_several_is_said():
    cells = ["Pine", "White", "Pine, white"]
    taken = taken_apart(source(cells, "wood hue"))
    assert cells_of(taken, "wood hue") == cells
    assert taken.notes == [
        "wood hue looks as if it held several values in one cell, such as 'Pine, white': --multi 'wood hue' takes them "
        "apart."
    ]


def test_an_attribute_that_is_not_there_is_refused():
    with pytest.raises(CatalogueError, match="'color', which is no attribute: did you mean 'colour'"):
        taken_apart(source(["Pine"]), "color")


CELLS = ["Pine, White", "white", "Oak; Pine", "", "pine,white", "Oak"] * 5


def pixels(count):
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), np.uint8)


def test_a_catalogue_of_several_values():
    cells = [cell.replace(";", ",") for cell in CELLS]
    catalogue = Catalogue.from_arrays(pixels(30), {"wood": cells}, ["train"] * 30, cache=False, multi="wood")
    [wood] = catalogue.schema.attributes
    assert (wood.values, wood.several) == (("Oak", "Pine", "white"), 2)
    np.testing.assert_array_equal(catalogue.conditions()[:6], [(2, 3), (3, 0), (1, 2), (0, 0), (2, 3), (1, 0)])
    assert "wood        3 values, up to 2 a photo: Pine 15, white 15, Oak 10; not given 5" in catalogue.summary()
    assert "wood (3, up to 2 a picture)" in repr(catalogue)
    [batch] = catalogue.stream(batch_size=4, balance=0.5).take(1)
    assert batch["conditions"].shape == (4, 2)


def test_an_attribute_of_one_value_has_the_fingerprint_it_had():
    one, several = (
        Catalogue.from_arrays(pixels(4), {"wood": cells}, ["train"] * 4, cache=False, multi="wood")
        for cells in (["Oak", "Pine"] * 2, ["Oak, Pine", "Pine"] * 2)
    )
    plain = Catalogue.from_arrays(pixels(4), {"wood": ["Oak", "Pine"] * 2}, ["train"] * 4, cache=False)
    assert one.schema == plain.schema and one.fingerprint == plain.fingerprint != several.fingerprint


def test_a_photo_with_too_many_values_keeps_the_most_frequent_and_that_is_said(caplog):
    cells = ["a, b"] * 300 + ["c, d"] * 100 + ["d, a, c"]
    catalogue = Catalogue.from_arrays(pixels(401), {"tag": cells}, ["train"] * 401, cache=False, multi="tag")
    assert catalogue.schema.attribute("tag").several == 2
    np.testing.assert_array_equal(catalogue.conditions()[-1], (1, 3))  # c and d are as frequent: the first in order
    assert "1 of 401 photos have more than 2 values of tag: they keep the most frequent" in caplog.text


def test_photos_for_a_model_of_several_values(caplog):
    cells = [cell.replace(";", ",") for cell in CELLS]
    schema = Catalogue.from_arrays(pixels(30), {"wood": cells}, ["train"] * 30, cache=False, multi="wood").schema
    labels = {"Wood": ["oak, Teak", "White", "teak", ""] * 5}
    bound = Catalogue.from_arrays(pixels(20), labels, ["train"] * 20, cache=False, schema=schema)
    np.testing.assert_array_equal(bound.conditions()[:4], [(1, 0), (3, 0), (0, 0), (0, 0)])
    assert "10 of 20 photos have a wood that the model has not learnt ('Teak', 'teak')" in caplog.text


def test_a_number_of_values_that_looks_like_a_title_may_be_a_list():
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(30)]
    cells = [", ".join(rng.choice(words, 4, replace=False)) for _ in range(150)]
    with pytest.raises(CatalogueError, match=r"leave it out .*--multi tag takes them apart"):
        Catalogue.from_arrays(pixels(150), {"tag": cells}, ["train"] * 150, cache=False)
    schema = Catalogue.from_arrays(pixels(150), {"tag": cells}, ["train"] * 150, cache=False, multi="tag").schema
    assert len(schema.attribute("tag").values) == 30 and schema.attribute("tag").several == 4
