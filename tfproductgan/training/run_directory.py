"""The folder of one training run: what it was told, what it measured, what it drew, how to go on.

```
recipe.json       the resolved recipe
schema.json       the conditions
data.json         what the photos were: source and fingerprint, and the options that `evaluate` finds them by
environment.json  versions and machine, one entry a start
metrics.jsonl     one line an interval
alarms.jsonl      one line an alarm, if there was one
warm_start.json   whose weights it began with, if any
evaluation.json   what is evaluated while training, and how often, if anything is
evaluation/       what `evaluate` found out
grids/            sample pictures with fixed seeds
checkpoints/      everything needed to go on, see `checkpoints.py`
generator.keras   the averaged generator alone, for `generate`
.lock             which process trains, while one does
```
Every file is written beside its place and then moved there: a crash leaves the old one.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tfproductgan.conditions import ConditionSchema
from tfproductgan.errors import RecipeError, RunError
from tfproductgan.machine import num_cores, processor_name
from tfproductgan.recipes import Recipe
from tfproductgan.writing import LOCK, locked, read_json, refuse_locked, refuse_unwritable, remove_parts, write_json

_START_ANEW = "Start anew with another --out."
_SHOWN = 3  # values that a message lists


class RunDirectory:
    """A run directory, made or found.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.metrics = self.path / "metrics.jsonl"
        self.evaluation = self.path / "evaluation.json"
        self.warm_start = self.path / "warm_start.json"
        self.grids = self.path / "grids"
        self.checkpoints = self.path / "checkpoints"

    @property
    def started(self) -> bool:
        """Whether a run was started here before."""
        return (self.path / "recipe.json").is_file()

    def accept(self, recipe: Recipe) -> None:
        """Make sure, before the photos are read, that a run can start here or go on, perhaps for longer.

        Raises:
            RunError: If the folder cannot be made, holds something else, or holds a run with another recipe.
        """
        if self.started:
            stored = self._read_recipe()
            # of another family nearly every field differs
            for of in (_kind, _families):
                self._check_same("family", of(stored), of(recipe))
            size = ConditionSchema.from_dict(self._read("schema.json")).image_size
            longer = stored.replace(images=max(stored.images, recipe.images))
            self._check_same("recipe", longer.settings(), recipe.for_size(size).settings())
            return
        self._check_free()
        refuse_unwritable(self.path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Have the folder to this process while it trains.

        Raises:
            RunError: If it holds something else or cannot be written, or another process trains there.
        """
        refuse_locked(self.path)
        if not self.started:
            self._check_free()  # before there is a file of ours in it
        with locked(self.path):
            yield

    def start(self, recipe: Recipe, schema: ConditionSchema, data: Mapping[str, Any]) -> int:
        """Write down a new run, or make sure that it is the same run that goes on.

        Args:
            recipe: The recipe; what it leaves to the size of the pictures is filled in.
            schema: The conditions.
            data: JSON-ready facts of the photos. `options` among them, how the photos were named, may change: the
                fingerprint says whether they are the same.

        Returns:
            Images the run was made for so far.

        Raises:
            RunError: If the folder cannot be written, holds something else, or holds a run with another recipe
                or other data; the message says which fields differ.
        """
        described = {"data.json": dict(data), "schema.json": schema.to_dict()}
        images = recipe.images
        if self.started:
            self.accept(recipe)
            images = self._read_recipe().images
            changed = schema_changes(ConditionSchema.from_dict(self._read("schema.json")), schema)
            if changed:
                raise RunError(
                    f"{self.path} holds a run with another schema: {changed}. Repeat its command to go on, or choose "
                    f"another --out, where --from {self.path} begins with what it has learnt."
                )
            for name, mine in described.items():
                theirs, mine = (
                    {**facts, "options": None} for facts in (self._read(name), json.loads(json.dumps(mine)))
                )
                self._check_same(name.removesuffix(".json"), theirs, mine)
            remove_parts(self.path)
            remove_parts(self.grids)
            remove_parts(self.checkpoints)
            self._write_recipe(recipe, schema)  # it may have become longer
            if "options" in data:
                write_json(self.path / "data.json", described["data.json"])
        else:
            self._check_free()
            try:
                self.grids.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise RunError(f"Cannot make the run directory {self.path}: {error.strerror}") from error
            for name, facts in described.items():
                write_json(self.path / name, facts)
            self._write_recipe(recipe, schema)  # last: its presence says that the run has started
        path = self.path / "environment.json"
        write_json(path, [*(read_json(path, _START_ANEW) or []), describe_environment()])
        return images

    def _write_recipe(self, recipe, schema):
        write_json(self.path / "recipe.json", recipe.for_size(schema.image_size).to_dict())

    def _check_free(self):
        if self.path.exists() and (
            not self.path.is_dir() or any(not path.name.startswith(LOCK) for path in self.path.iterdir())
        ):
            raise RunError(f"{self.path} exists and is no run directory. Choose another folder with --out.")

    def _check_same(self, what, theirs, mine):
        changed = changes(theirs, mine)
        if changed:
            raise RunError(
                f"{self.path} holds a run with another {what}: {changed}. "
                "Repeat its command to go on, or choose another --out."
            )

    def _read_recipe(self):
        try:
            return Recipe.from_dict(self._read("recipe.json"))
        except RecipeError as error:
            raise RunError(f"{self.path / 'recipe.json'} cannot be read: {error} {_START_ANEW}") from error

    def _read(self, name):
        found = read_json(self.path / name, _START_ANEW)
        if found is None:
            raise RunError(f"{self.path / name} is missing. {_START_ANEW}")
        return found


def describe_environment() -> dict[str, Any]:
    """Versions and machine, JSON-ready."""
    import keras
    import tensorflow as tf

    import tfproductgan

    return {
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "tfproductgan": tfproductgan.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor_name(),
        "cores": num_cores(),
        "gpus": [device.name for device in tf.config.list_physical_devices("GPU")],
    }


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Words for the fields of two JSON-ready mappings that differ; empty if none does."""
    return ", ".join(
        f"{field} was {_short(before.get(field))}, now {_short(now.get(field))}"
        for field in sorted(before.keys() | now.keys())
        if before.get(field) != now.get(field)
    )


def schema_changes(before: ConditionSchema, now: ConditionSchema) -> str:
    """Words for what differs between two schemas and matters to weights; empty if nothing does."""
    fields = ("image_size", "channels", "source_channels")
    changed = [changes(*({field: getattr(schema, field) for field in fields} for schema in (before, now)))]
    old, new = ({attribute.name: attribute for attribute in schema.attributes} for schema in (before, now))
    for these, those, said in ((old, new, "is gone"), (new, old, "is new")):
        changed += [f"attribute {name} {said}" for name in these if name not in those]
    for name in (name for name in old if name in new):
        was, given = old[name].values, new[name].values
        for these, those, said in ((was, given, "gone"), (given, was, "new")):
            values = [value for value in these if value not in those]
            more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
            changed += [f"of {name} {', '.join(values[:_SHOWN])}{more} {said}"] if values else []
        if sorted(was) == sorted(given) and old[name] != new[name]:
            changed.append(f"values of {name} are in another order or number")
    if before.vocabulary != now.vocabulary:
        gone, new_one = before.vocabulary is not None, now.vocabulary is not None
        changed.append("the words of titles are others" if gone and new_one else f"text is {'gone' if gone else 'new'}")
    if not any(changed) and list(old) != list(new):
        changed.append("attributes are in another order")
    return ", ".join(filter(None, changed))


def _kind(recipe):
    return {"kind": recipe.kind}


def _families(recipe):
    return {role: network.family for role, network in recipe.networks.items()}


def _short(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."
