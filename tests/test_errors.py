import json
import pickle

import pytest

from tfproductgan import errors
from tfproductgan.errors import (
    ConditionError,
    Message,
    MissingExtraError,
    ProductGANError,
    listed,
    message_of,
    nearest,
    require,
)


def test_nearest_names_come_first():
    assert nearest("Wach", ["Ring", "Watch", "Mug"]) == "did you mean 'Watch'?"
    assert nearest("navy blu", ["Navy Blue", "Blue"]).startswith("did you mean 'Navy Blue'")


def test_without_a_near_name_the_first_ones_are_shown():
    # what has little in common is not meant
    assert nearest("red", ["dress", "hat"]) == "valid: 'dress', 'hat'"
    assert nearest("xyz", ["Ring", "Mug"]) == "valid: 'Ring', 'Mug'"
    assert nearest("xyz", [f"value {i}" for i in range(15)]).endswith("'value 11' and 3 more")
    assert nearest("xyz", []) == "there are none"


def test_require_gives_the_module():
    assert require("json", "table") is json


def test_require_names_the_extra_that_installs_what_is_missing():
    with pytest.raises(MissingExtraError, match=r"no_such_module.*pip install 'tfproductgan\[table\]'"):
        require("no_such_module", "table")


def test_every_error_is_one_of_ours_or_an_interrupt():
    found = [each for each in vars(errors).values() if isinstance(each, type) and each.__module__ == errors.__name__]
    classes = [each for each in found if issubclass(each, BaseException)]
    interrupts = [value for value in classes if issubclass(value, KeyboardInterrupt)]
    assert interrupts == [errors.TrainingStopped]
    assert len(classes) >= 7 and all(issubclass(value, ProductGANError) for value in classes if value not in interrupts)


GERMAN = {
    "Unknown %(what)s %(name)r: %(right)s": "%(what)s %(name)r gibt es nicht: %(right)s",
    "did you mean %(names)s?": "%(names)s?",
}


def test_a_message_is_its_english_and_is_said_in_another_language_with_what_it_is_made_of():
    right = nearest("Wach 100%", ["Watch 100%"])
    said = Message("Unknown %(what)s %(name)r: %(right)s", what="colour", name="100%d", right=right)
    assert said == "Unknown colour '100%d': did you mean 'Watch 100%'?"
    assert said.by(lambda text: GERMAN.get(text, text)) == "colour '100%d' gibt es nicht: 'Watch 100%'?"
    assert Message("100 %").by(str.upper) == "100 %"


def test_a_message_survives_other_processes_and_errors():
    said = Message("%(share)s of 100", share="5 %")
    copied = pickle.loads(pickle.dumps(ConditionError(said))).args[0]
    assert copied == said and copied.by(lambda text: f"{text}!") == "5 % of 100!"
    assert message_of(ConditionError(said)) is said and message_of(ValueError(1)) == "1"
    assert listed(["a", said, "b"]).by(lambda text: text.replace(" of ", " von ")) == "a; 5 % von 100; b"
