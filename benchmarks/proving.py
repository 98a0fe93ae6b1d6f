"""What benchmarks of models that make pictures of pictures share: trainings for a time that go on, tables, grids.

Importing it starts TensorFlow with one thread an operation, so that core-seconds mean the same as a peer's.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the command line does

import numpy as np
import tensorflow as tf
from learning import WHOLE, digest, learnt

from tfproductgan.recipes import Recipe, get_recipe
from tfproductgan.sampling.grids import contact_grid
from tfproductgan.writing import write_text

tf.config.threading.set_intra_op_parallelism_threads(1)

SHOWN = 8  # pictures in a row of a grid


def parser_of(doc: str, out: str, judge: bool = True) -> argparse.ArgumentParser:
    """The words that all proofs take."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core-seconds", type=int, default=3600, help="of each training (default: 3600)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=JSON", help="what is changed of the recipe"
    )
    parser.add_argument("--out", type=Path, default=Path("proofs") / out, metavar="FOLDER")
    if judge:
        parser.add_argument("--judge", metavar="FILE", help="weights of a network to measure distances by")
    return parser


def recipe_of(args: argparse.Namespace, name: str, **more) -> Recipe:
    """A recipe with what `--set` changes."""
    changes = {field: json.loads(value) for field, value in (each.split("=", 1) for each in args.set)}
    return get_recipe(name, **more, **changes)


def proved(
    catalogue, recipe: Recipe, core_seconds: float, out: Path, parts: Sequence[tuple[float, Mapping]] = WHOLE
) -> tuple:
    """The trained model of a recipe in a folder of its own in `out`, see `learning.learnt`."""
    recipe = recipe.for_size(catalogue.image_size)
    folder = out / f"{recipe.name}-{catalogue.image_size}-{core_seconds:g}-{digest(recipe)}"
    model, found = learnt(catalogue, recipe, core_seconds, folder, parts)
    return model.trained(), found


def told(name: str, found: Mapping) -> None:
    """Say how fast a training was."""
    pace = found["images"] / max(found["cpu"], 1e-9)
    print(f"{name}: {found['images']:,} pictures in {found['cpu']:,.0f} core-seconds, {pace:.2f} a core-second")


def show_table(heads: Sequence[str], rows: Sequence[Sequence], path: Path) -> None:
    """Print rows of texts and numbers as Markdown, and write it to a file."""
    lines = [list(heads), ["---"] * len(heads), *([_cell(value) for value in row] for row in rows)]
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    print(text, end="")
    write_text(path, text)


def _cell(value) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def show_grid(rows: Mapping[str, Sequence], path: Path) -> None:
    """Write pictures, uint8 `[N, H, W, 1 or 3]` of each row's name, N the same for all, to a PNG file."""
    pictures = [np.broadcast_to(picture, (*picture.shape[:2], 3)) for row in rows.values() for picture in row]
    path.parent.mkdir(parents=True, exist_ok=True)
    contact_grid(np.stack(pictures), len(pictures) // len(rows), list(rows)).save(path)
    print(path)


def slug(text: str) -> str:
    """A name as that of a file."""
    return re.sub("[^a-z0-9]+", "-", text.casefold()).strip("-")
