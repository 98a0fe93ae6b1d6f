"""What benchmarks of models that make pictures of pictures share: trainings for a time that go on, tables, grids.

Importing it starts TensorFlow with one thread an operation, so that core-seconds mean the same as a peer's.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the command line does

import keras
import numpy as np
import tensorflow as tf
from recipes import SHARE, core_seconds_of_a_step, digest

import tfproductgan as tpg
from tfproductgan.errors import TrainingStopped
from tfproductgan.recipes import Recipe, get_recipe
from tfproductgan.sampling.grids import contact_grid
from tfproductgan.writing import append_json_line, read_json, read_json_lines, write_json, write_text

tf.config.threading.set_intra_op_parallelism_threads(1)

SHOWN = 8  # pictures in a row of a grid
_CHECKPOINTS = 8  # of a run, besides those where it is stopped


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


def learnt(
    catalogue, recipe: Recipe, core_seconds: float, out: Path, parts: Sequence[tuple[float, Mapping]] = ((1.0, {}),)
) -> tuple:
    """What a recipe has learnt in so many core-seconds, in a run directory of its own in `out`; it goes on there.

    How long the run is, is decided by how fast its first steps are, once. What is counted leaves the making of graphs
    out and has the validation in.

    Args:
        catalogue: What to learn from.
        recipe: How; its `images` do not count.
        core_seconds: How long.
        out: A folder.
        parts: Shares of the training that differ in speed, and what of the recipe makes each of them.

    Returns:
        The trained model, and how many images and core-seconds it took.
    """
    recipe = recipe.for_size(catalogue.image_size)
    folder = out / f"{recipe.name}-{catalogue.image_size}-{core_seconds:g}-{digest(recipe)}"
    folder.mkdir(parents=True, exist_ok=True)
    length, spent = folder / "length.json", folder / "spent.jsonl"
    if not length.is_file():
        each = sum(
            share * core_seconds_of_a_step(catalogue, recipe.replace(**changes), SHARE * share * core_seconds)
            for share, changes in parts
        )
        write_json(length, {"images": max(2, round(core_seconds / each)) * recipe.step_images})
    recipe = recipe.replace(**read_json(length))
    begin: dict[str, float] = {}

    def first(batch, logs=None):  # its graph is made
        if not begin:
            seen = counter.model.images_seen
            before = [line["cpu"] for line in read_json_lines(spent) if line["images"] <= seen]
            begin["cpu"] = time.process_time() - max(before, default=0.0)

    def note(*_):
        if begin:
            found = {"images": int(counter.model.images_seen), "cpu": round(time.process_time() - begin["cpu"], 1)}
            append_json_line(spent, found)

    counter = keras.callbacks.LambdaCallback(on_train_batch_end=first, on_epoch_end=note)
    try:
        model = tpg.train(
            catalogue, recipe, folder / "run", every=-(-recipe.images // _CHECKPOINTS), callbacks=[counter]
        )
    except TrainingStopped as stopped:
        note()
        raise SystemExit("Stopped: the same command goes on.") from stopped
    return model.trained(), read_json_lines(spent)[-1]


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
