import json

import pytest

from tfproductgan import errors
from tfproductgan.errors import MissingExtraError, ProductGANError, nearest, require


def test_nearest_names_come_first():
    assert nearest("Wach", ["Ring", "Watch", "Mug"]) == "did you mean 'Watch'?"
    assert nearest("navy blu", ["Navy Blue", "Blue"]).startswith("did you mean 'Navy Blue'")


def test_without_a_near_name_the_first_ones_are_shown():
    assert nearest("xyz", ["Ring", "Mug"]) == "valid: 'Ring', 'Mug'"
    assert nearest("xyz", [f"value {i}" for i in range(15)]).endswith("'value 11' and 3 more")
    assert nearest("xyz", []) == "there are none"


def test_require_gives_the_module():
    assert require("json", "table") is json


def test_require_names_the_extra_that_installs_what_is_missing():
    with pytest.raises(MissingExtraError, match=r"no_such_module.*pip install 'tfproductgan\[table\]'"):
        require("no_such_module", "table")


def test_every_error_is_one_of_ours_or_an_interrupt():
    classes = [
        value for value in vars(errors).values() if isinstance(value, type) and value.__module__ == errors.__name__
    ]
    interrupts = [value for value in classes if issubclass(value, KeyboardInterrupt)]
    assert interrupts == [errors.TrainingStopped]
    assert len(classes) >= 7 and all(issubclass(value, ProductGANError) for value in classes if value not in interrupts)
