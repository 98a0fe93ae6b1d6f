"""The reference pages of the site, made of what the package says of itself: its parsers, dataclasses and docstrings.

Nothing here imports TensorFlow, nor MkDocs; `hooks.py` hands the pages to it. A line `::: NAME` is where mkdocstrings
puts what the docstrings of a name say.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import html
import json
import re
from pathlib import Path
from typing import Any

import griffe

import tfproductgan
from tfproductgan import registry
from tfproductgan.cli import main as cli
from tfproductgan.recipes import RECIPES, Network, Optimizer, Recipe

PACKAGE = Path(tfproductgan.__file__).parent

# what documents name beside `tfproductgan.__all__`, by the page it stands on
MORE = {
    "compression": [f"tfproductgan.compression.portable.Portable{what}" for what in ("Generator", "Translator")],
    "catalogue": [
        "tfproductgan.catalogue.checking.looking.check",
        "tfproductgan.catalogue.checking.contact_sheet.contact_sheet",
    ],
    "serving": ["tfproductgan.serving.client.Client"],
}
# modules of which all that is public is meant for others
WHOLE = {
    "errors": ["errors"],
    "training": [
        "training.callbacks",
        "training.alarms.responding",
        "training.alarms.divergence",
        "training.alarms.collapse",
        "training.alarms.texture",
        "training.alarms.overfitting",
    ],
}


def pages() -> dict[str, str]:
    """The Markdown of every page, by its path in the site, in the order of the navigation."""
    return {
        "reference/commands/index.md": commands_page(),
        **{f"reference/commands/{verb}.md": command_page(verb) for verb in cli.VERBS},
        "reference/presets.md": presets_page(),
        "reference/recipe-fields.md": fields_page(),
        "reference/networks.md": networks_page(),
        **{f"reference/python/{part}.md": python_page(part, names) for part, names in public_names().items()},
    }


# === Commands ===


def commands_page() -> str:
    """A table of the verbs."""
    rows = [f"| [`{verb}`]({verb}.md) | {_cell(line)} |" for verb, line in cli.VERBS.items()]
    return "\n".join(["# Commands", "", "`tfproductgan VERB ...`", "", "| verb | |", "|---|---|", *rows, ""])


def command_page(verb: str) -> str:
    """What a verb does and takes, as its parser has it."""
    parser = parser_of(verb)
    lines = [f"# tfproductgan {verb}", "", "```text", (parser.description or "").strip(), "```", ""]
    formatter = parser._get_formatter()
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.help is not argparse.SUPPRESS]
        if not actions:
            continue
        lines += [f"## {(group.title or '').capitalize()}", "", "| | |", "|---|---|"]
        for action in actions:
            taken = formatter._format_action_invocation(action)
            lines.append(f"| {_code(taken)} | {_cell(formatter._expand_help(action) if action.help else '')} |")
        lines.append("")
    return "\n".join(lines)


def parser_of(verb: str) -> argparse.ArgumentParser:
    """The parser of a verb alone."""
    [verbs] = [action for action in cli._parser([verb])._actions if isinstance(action, argparse._SubParsersAction)]
    return verbs.choices[verb]


# === Recipes ===


def fields_page() -> str:
    """Every field of recipes with what it means and what it is by itself."""
    lines = [
        "# Fields of recipes",
        "",
        "`--set FIELD=VALUE` and `Recipe.replace(FIELD=VALUE)` change them. Fields of all kinds come first, then those",
        "that one kind alone has. [Presets](presets.md) say what recipes have set otherwise; options of networks, such",
        "as `--set generator.width=32`, stand with [the networks](networks.md).",
        "",
    ]
    kinds: dict[type, list[str]] = {}
    for kind in registry.KINDS.values():
        kinds.setdefault(kind.find("objective"), []).append(f"`{kind.name}`")
    parts = [(Recipe, "All kinds"), (Network, "A network"), (Optimizer, "An optimiser")]
    parts += [(objective, f"Of the kind {', '.join(names)}") for objective, names in kinds.items()]
    for part, title in parts:
        meanings = meanings_of(part)
        lines += [f"## {title}", "", (part.__doc__ or "").split("\n\n")[0].strip(), ""]
        lines += ["| field | by itself | |", "|---|---|---|"]
        for name, default in defaults_of(part).items():
            lines.append(f"| `{name}` | {_value(default)} | {_inline(meanings[name])} |")
        lines.append("")
    return "\n".join(lines)


def meanings_of(part: type) -> dict[str, str]:
    """What a dataclass's docstring says of its fields."""
    sections = griffe.Docstring(part.__doc__ or "").parse("google", warnings=False)
    [arguments] = [section.value for section in sections if section.kind is griffe.DocstringSectionKind.parameters]
    return {argument.name: " ".join(argument.description.split()) for argument in arguments}


def defaults_of(part: type) -> dict[str, Any]:
    """The fields of a dataclass with their defaults."""
    found = {}
    for field in dataclasses.fields(part):
        given = field.default is not dataclasses.MISSING
        found[field.name] = field.default if given else field.default_factory()  # type: ignore[misc]
    return found


def presets_page() -> str:
    """Every recipe that comes along, with what it sets."""
    lines = [
        "# Presets",
        "",
        "What `--recipe` takes, and what each sets otherwise than [fields are by themselves](recipe-fields.md), under",
        "the names that `--set` takes. [Recipes](../training.md#recipes) says what they are for.",
        "",
    ]
    for recipe in RECIPES.values():
        made = f"`{registry.KINDS[recipe.kind].model.partition(':')[2]}`"
        lines += [f"## {recipe.name}", "", f"Kind `{recipe.kind}`, trained by {made}.", "", "| field | |", "|---|---|"]
        lines += [f"| `{name}` | {_value(value)} |" for name, value in set_by(recipe).items()]
        lines.append("")
    return "\n".join(lines)


def set_by(recipe: Recipe) -> dict[str, Any]:
    """What a recipe sets otherwise than its fields are by themselves, by the names that `--set` takes."""
    found: dict[str, Any] = {}
    for role, network in recipe.networks.items():
        found[f"{role}.family"] = network.family
        found |= {f"{role}.{option}": value for option, value in network.options.items()}
    for role, adam in recipe.optimizers.items():
        found |= {f"{role}_{name}": value for name, value in _changed(adam).items()}
    apart = ("name", "kind", "networks", "optimizers", "objective")
    found |= {name: value for name, value in _changed(recipe).items() if name not in apart}
    return {**found, **_changed(recipe.objective)}


def _changed(part: Any) -> dict[str, Any]:
    values = {name: getattr(part, name) for name in defaults_of(type(part))}
    return {name: value for name, value in values.items() if value != defaults_of(type(part))[name]}


# === Networks and Python ===


def networks_page() -> str:
    """The networks of every family with the options of their constructors."""
    lines = [
        "# Networks",
        "",
        "The families that recipes name, each with its networks by role. What a constructor takes, but for sizes and",
        "the schema, which come from the data, is an option: `--set ROLE.OPTION=VALUE`.",
        "",
    ]
    for family in registry.families():
        lines += [f"## {family}", ""]
        for role, name in networks_of(family).items():
            lines += [f"**{role.replace('_', ' ')}**", "", f"::: tfproductgan.networks.{family}.{name}", *_ALONE]
    return "\n".join(lines)


# without methods, one heading below
_ALONE = ["    options:", "      members: false", "      inherited_members: false", "      heading_level: 3", ""]


def networks_of(family: str) -> dict[str, str]:
    """The names of a family's classes by role, read from its file: importing it would import Keras."""
    tree = ast.parse((PACKAGE / "networks" / f"{family}.py").read_text(encoding="utf-8"))
    assigned = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    table = assigned["NETWORKS"]
    assert isinstance(table, ast.Dict)
    pairs = zip(table.keys, table.values, strict=True)
    return {ast.literal_eval(role): ast.unparse(name) for role, name in pairs if role}


def public_names() -> dict[str, list[str]]:
    """What is public, in full, by the part of the package it lies in."""
    found: dict[str, list[str]] = {}
    for name, home in sorted(tfproductgan._HOMES.items()):
        found.setdefault(home.split(".")[1], []).append(f"{home}.{name}")
    for part, names in MORE.items():
        found.setdefault(part, []).extend(names)
    for part, modules in WHOLE.items():
        of_modules = [f"tfproductgan.{module}.{name}" for module in modules for name in _defined_in(module)]
        found[part] = list(dict.fromkeys([*found.get(part, []), *of_modules]))
    found["recipes"] += [f"{part.__module__}.{part.__name__}" for part in (Network, Optimizer)]
    found["recipes"] += [kind.objective.replace(":", ".") for kind in registry.KINDS.values()]
    found["recipes"] = list(dict.fromkeys(found["recipes"]))
    return dict(sorted(found.items()))


def _defined_in(module: str) -> list[str]:
    tree = ast.parse(PACKAGE.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8"))
    nodes = [node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    return [node.name for node in nodes if not node.name.startswith("_")]


def python_page(part: str, names: list[str]) -> str:
    """What a part of the package offers."""
    lines = [f"# {part}", ""]
    for name in names:
        lines += [f"::: {name}", ""]
    return "\n".join(lines)


# === Cells of tables ===


def _cell(text: str) -> str:
    """Plain text: nothing in it is Markdown."""
    return re.sub(r"([\\`*_{}\[\]|#~^])", r"\\\1", html.escape(" ".join(text.split()), quote=False))


def _inline(text: str) -> str:
    """Markdown of a docstring."""
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _value(value: Any) -> str:
    """A value as recipes write it, in JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return f"`{type(value).__name__}`, see below"
    if isinstance(value, dict) and any(map(dataclasses.is_dataclass, value.values())):
        return ", ".join(f"`{name}`" for name in value) + ", see below"
    return _code(json.dumps(value))
