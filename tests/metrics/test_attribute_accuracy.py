"""What was asked against what was recognised."""

import numpy as np
import pytest

from tfproductgan.conditions import Attribute
from tfproductgan.metrics.attribute_accuracy import accuracy_of

ATTRIBUTES = Attribute("category", ("Ring", "Mug", "Bag")), Attribute("colour", ("Gold", "Blue"))


def accuracy(asked, predicted, real=((1, 1),), real_predicted=((1, 1),)):
    sides = [np.array(ids, np.int32).reshape(-1, 2) for ids in (asked, predicted, real, real_predicted)]
    return [accuracy_of(each, *(ids[:, i] for ids in sides), "judge-1") for i, each in enumerate(ATTRIBUTES)]


def test_counts_by_hand():
    asked = [(1, 1), (1, 1), (1, 2), (2, 0)]
    predicted = [(1, 1), (2, 2), (1, 2), (2, 1)]
    category, colour = accuracy(asked, predicted, [(1, 1), (3, 2)], [(1, 2), (1, 2)])
    assert (category.asked, category.accuracy, category.chance) == (4, 0.75, 0.75)
    assert category.balanced == pytest.approx((2 / 3 + 1) / 2)
    assert category.confusion == {"Ring": {"Ring": 2, "Mug": 1}, "Mug": {"Mug": 1}}
    assert category.real_accuracy == 0.5
    assert [(v.value, v.asked, v.accuracy, v.real, v.real_accuracy) for v in category.values] == [
        ("Ring", 3, 2 / 3, 1, 1.0),
        ("Mug", 1, 1.0, 0, None),
        ("Bag", 0, None, 1, 0.0),
    ]
    assert category.most_confused() == [("Ring", "Mug", 1)]
    assert colour.asked == 3  # what was not asked is not judged


def test_each_of_several_values_counts():
    tags = Attribute("tag", ("New", "Sale", "Wool", "Kids"), several=2)
    asked = np.array([(1, 2), (1, 3), (2, 0), (0, 0)])
    seen = np.array([(2, 1), (3, 4), (4, 2), (1, 2)])  # the likeliest first
    found = accuracy_of(tags, asked, seen, asked[:1], seen[:1], "judge-1")
    assert (found.asked, found.accuracy, found.real_accuracy) == (5, 3 / 5, 1.0)
    assert found.confusion == {"New": {"New": 1, "Kids": 1}, "Sale": {"Sale": 1, "Kids": 1}, "Wool": {"Wool": 1}}
    assert [(v.value, v.asked, v.accuracy) for v in found.values] == [
        ("New", 2, 0.5),
        ("Sale", 2, 0.5),
        ("Wool", 1, 1.0),
    ]
    assert found.chance == 3 / 5  # always New and Sale: of the third picture only the first counts


def test_an_attribute_nobody_asked_for_is_left_out():
    category, colour = accuracy([(1, 0), (2, 0)], [(1, 1), (2, 1)])
    assert category.attribute == "category" and category.accuracy == 1
    assert colour is None


def test_without_photos_there_is_nothing_to_compare_with():
    category, _ = accuracy([(1, 1)], [(1, 1)], [(0, 0)], [(1, 1)])
    assert category.real == 0 and category.real_accuracy is None
