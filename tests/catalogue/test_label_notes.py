"""What is said of labels before a training, and the number of photos below which a value is folded."""

import dataclasses

import pytest

from tfproductgan.catalogue.label_notes import fitting_min_count, label_notes, likely_attributes, notes_of_few
from tfproductgan.catalogue.sources import Item, Source


def source(values=None, **columns):
    """Photos with so many of each value: `colour={"Red": 3}`."""
    spread = {name: [value for value, n in counts.items() for _ in range(n)] for name, counts in columns.items()}
    total = max(map(len, spread.values()), default=4)
    rows = [{name: labels[i] if i < len(labels) else "" for name, labels in spread.items()} for i in range(total)]
    return Source(
        [Item(str(i), row) for i, row in enumerate(rows)], list(columns), lambda: iter(()), values=values or {}
    )


@pytest.mark.parametrize(
    ("counts", "number"),
    [
        ({"Red": 40, "Blue": 30}, 1),  # all frequent
        ({"Red": 40, "Blue": 30, "Rare": 1}, 2),
        ({"Red": 40, "Rare": 1}, 1),  # would leave one value
        ({"A": 1, "B": 1, "C": 1}, 1),  # would leave none
        ({"A": 2, "B": 2, "C": 1}, 2),
        ({"Red": 4000, "Blue": 3000, "Rare": 6}, 7),  # a thousandth
        ({"Red": 4000, "Blue": 3000, "Seldom": 7}, 1),
        ({"Red": 400_000, "Blue": 101, "Rare": 99}, 100),  # some hundred are enough
    ],
)
def test_how_many_photos_a_value_needs(counts, number):
    assert fitting_min_count(source(colour=counts)) == number


def test_one_number_leaves_every_attribute_two_values():
    assert fitting_min_count(source(colour={"Red": 40, "Rare": 1}, title={"a": 1, "b": 1})) == 1


def test_values_that_a_data_set_declares_are_never_rare():
    assert fitting_min_count(source({"label": ["a", "b", "c"]}, label={"a": 40, "b": 30, "c": 1})) == 1


def test_photos_of_other_splits_do_not_count():
    photos = source(colour={"Red": 40, "Blue": 30, "Rare": 5})
    moved = [Item(i.name, i.labels, "test" if i.labels["colour"] == "Rare" else "train") for i in photos.items]
    assert fitting_min_count(Source(moved, ["colour"], photos.load)) == 1
    assert label_notes(Source(moved, ["colour"], photos.load), 1) == []


def test_rare_values_are_counted_and_named():
    rare = {f"v{i}": 1 for i in range(8)}
    [line] = label_notes(source(kind={"Mug": 40, "Ring": 30, **rare}), 2)
    assert line == (
        "kind: 8 of 10 values are on fewer than 2 training photos and become 'not given': "
        "'v0', 'v1', 'v2', 'v3', 'v4', 'v5' and 2 more. --min-count 1 keeps them."
    )


def test_nothing_is_said_of_labels_as_they_should_be():
    assert label_notes(source(kind={"Mug": 40, "Ring": 30, "Rare": 1}), 1) == []


def test_a_single_value_is_said():
    assert label_notes(source(colour={"Red": 40}), 1) == [
        "colour has a single value, 'Red': there is nothing to choose from."
    ]


COLUMNS = {
    "file": lambda i: f"{i}.jpg",
    "category": lambda i: ("Watch", "Mug", "Ring")[i % 3],
    "Colour": lambda i: ("Red", "red ", "Blue")[i % 3],
    "title": lambda i: f"Retro mug {i}",
    "price": lambda i: f"{5 + i % 25},99",
    "size": lambda i: str(36 + i % 8),
    "brand": lambda i: "ours",
    "season": lambda i: "Summer" if i % 4 == 0 else "Winter" if i % 4 == 1 else "",
    "remark": lambda i: "sold" if i % 30 == 0 else "new" if i % 30 == 1 else "",
}


def test_columns_that_could_be_attributes_are_few_values_that_recur():
    columns = [(name, [make(i) for i in range(90)]) for name, make in COLUMNS.items()]
    found = likely_attributes(columns, ["file", None])
    assert found == {"category": 3, "Colour": 2, "size": 8, "season": 2}
    assert likely_attributes(columns, ["FILE", "colour", "size", "season"]) == {"category": 3}


def test_proposed_columns_are_quoted_for_a_shell():
    shop = dataclasses.replace(source(), candidates={"Option1 Value": 3, "colour": 2})
    assert label_notes(shop, 1)[0].endswith("--attributes 'Option1 Value,colour' takes them.")


def test_few_photos_are_told_to_whoever_trains_on_them():
    assert notes_of_few(999)[0].startswith("999 photos to train on are few")
    assert "--recipe few-photos" in notes_of_few(999)[0]
    assert notes_of_few(1000) == notes_of_few(0) == []
