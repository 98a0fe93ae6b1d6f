"""What `import tfproductgan as tpg` offers."""

import ast
import importlib
from pathlib import Path

import pytest

import tfproductgan as tpg

MODULES = ("alarms", "callbacks")


@pytest.mark.parametrize("name", tpg.__all__)
def test_a_public_name_leads_to_what_it_says(name):
    thing = getattr(tpg, name)
    assert thing.__doc__
    if name not in MODULES:
        assert thing.__name__ == name
        assert getattr(importlib.import_module(thing.__module__), name) is thing
    assert name in dir(tpg)


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(tpg.__file__).read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    homes = {alias.name: node.module for node in block.body for alias in node.names}
    assert homes == {**tpg._HOMES, **dict.fromkeys(MODULES, "tfproductgan.training")}
    assert set(homes) == set(tpg.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'generate'"):
        _ = tpg.generate
