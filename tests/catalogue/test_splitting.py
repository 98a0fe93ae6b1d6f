import hashlib

import numpy as np
import pytest

from tfproductgan.catalogue.splitting import drawn_splits, given_splits, split_name
from tfproductgan.errors import CatalogueError

HASHES = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(5000)]
ALONE = np.arange(5000)


def test_spellings():
    for name in ("train", "Train", "TRAINING "):
        assert split_name(name) == "train"
    for name in ("validation", "val", "valid", "Dev"):
        assert split_name(name) == "validation"
    assert split_name("test") == split_name("test2017") == "test"
    assert split_name("shirts") is None


def test_given():
    splits = given_splits(["test", "train", "test"])
    assert {name: indices.tolist() for name, indices in splits.items()} == {"train": [1], "test": [0, 2]}


def test_shares_are_met_and_splits_are_disjoint():
    splits = drawn_splits(HASHES, ALONE, {"validation": 0.1, "test": 0.2})
    assert len(splits["validation"]) == pytest.approx(500, abs=75)
    assert len(splits["test"]) == pytest.approx(1000, abs=100)
    assert sorted(np.concatenate(list(splits.values()))) == list(range(5000))


def test_photos_keep_their_side_when_others_come_and_go():
    def sides(order, shares):
        splits = drawn_splits([HASHES[i] for i in order], np.arange(len(order)), shares)
        return {HASHES[order[i]]: split for split, indices in splits.items() for i in indices}

    few = sides(range(1000), {"validation": 0.1})
    many = sides(range(4999, -1, -1), {"validation": 0.1})
    assert all(many[digest] == split for digest, split in few.items())
    with_test = sides(range(1000), {"validation": 0.1, "test": 0.1})
    assert all(with_test[digest] == split for digest, split in few.items() if split == "validation")


def test_duplicates_stay_together():
    groups = np.arange(5000) // 4
    splits = drawn_splits(HASHES, groups, {"val": 0.3})
    assert not set(groups[splits["train"]]) & set(groups[splits["validation"]])
    assert len(splits["validation"]) == pytest.approx(1500, abs=200)


def test_something_is_left_to_train_on():
    unlucky = drawn_splits(HASHES, ALONE, {"validation": 0.1})["validation"][0]
    assert list(drawn_splits([HASHES[unlucky]], np.zeros(1), {"validation": 0.1})) == ["train"]


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"train": 0.5}, "train"),
        ({"vlidation": 0.1}, "did you mean 'validation'"),
        ({"test": 1.0}, "less than 1"),
        ({"test": -0.1}, "at least 0"),
        ({"test": "10%"}, "10%"),
        ({"test": 0.5, "validation": 0.5}, "nothing to train"),
    ],
)
def test_wrong_shares(shares, message):
    with pytest.raises(CatalogueError, match=message):
        drawn_splits(HASHES, ALONE, shares)
