"""The documentation site: what is made for it is whole, and it is built without a warning."""

import argparse
import dataclasses
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tfproductgan
from tfproductgan import registry
from tfproductgan.cli import main as cli
from tfproductgan.recipes import RECIPES, Network, Optimizer, Recipe

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def reference():
    pytest.importorskip("griffe", reason="part of the extra docs")
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "building" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(reference):
    return reference.pages()


@pytest.mark.parametrize("verb", cli.VERBS)
def test_the_page_of_a_verb_has_every_option_of_its_parser(reference, pages, verb):
    page = pages[f"reference/commands/{verb}.md"]
    for action in reference.parser_of(verb)._actions:
        assert action.help != argparse.SUPPRESS
        for option in action.option_strings or action.choices or [action.metavar or action.dest]:
            assert option in page, option
    assert f"[`{verb}`]({verb}.md)" in pages["reference/commands/index.md"]


PARTS = [Recipe, Network, Optimizer, *(kind.find("objective") for kind in registry.KINDS.values())]


@pytest.mark.parametrize("part", dict.fromkeys(PARTS), ids=lambda part: part.__name__)
def test_every_field_of_recipes_says_what_it_means(reference, pages, part):
    meanings = reference.meanings_of(part)
    assert list(meanings) == [field.name for field in dataclasses.fields(part)]
    assert all(meanings.values())
    assert all(f"| `{name}` |" in pages["reference/recipe-fields.md"] for name in meanings)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_what_a_preset_sets_makes_it_of_its_kind_as_it_is(reference, pages, recipe):
    changes = reference.set_by(recipe)
    networks, optimizers = dict.fromkeys(recipe.networks, Network()), dict.fromkeys(recipe.optimizers, Optimizer())
    families = {role: Network(changes.pop(f"{role}.family")) for role in networks}
    plain = Recipe(recipe.name, recipe.kind, families, optimizers, type(recipe.objective)())
    made = plain.change([(tuple(name.split(".")), value) for name, value in changes.items()])
    assert made.to_dict() == recipe.to_dict()
    assert f"## {recipe.name}\n" in pages["reference/presets.md"]


def test_every_public_name_and_network_has_its_place(reference, pages):
    text = "\n".join(pages.values())
    for name, home in tfproductgan._HOMES.items():
        assert f"::: {home}.{name}\n" in text
    for family in registry.families():
        names = reference.networks_of(family).values()
        assert names and all(f"::: tfproductgan.networks.{family}.{name}\n" in text for name in names)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(pages, tmp_path):
    pytest.importorskip("mkdocs", reason="part of the extra docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    # the theme warns of a version of MkDocs that the extra does not take
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    for path in (*pages, "how-to/few-photos.md", "tutorials/quickstart.md", "training.md", "changelog.md"):
        assert (tmp_path / "site" / re.sub(r"(/index)?\.md$", "", path) / "index.html").is_file(), path
    shown = (tmp_path / "site" / "reference" / "python" / "catalogue" / "index.html").read_text(encoding="utf-8")
    assert "from_table" in shown
    # nothing is asked of other hosts by who reads it
    assert not re.search(r'(src|href)="https?://[^"]*\.(js|css|woff2?)"', shown)
