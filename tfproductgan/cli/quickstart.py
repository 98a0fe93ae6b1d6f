"""`tfproductgan quickstart`: from nothing to pictures by name in a few minutes."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from tfproductgan.cli.train import check_first, train_or_say_how
from tfproductgan.cli.values import parse_count
from tfproductgan.recipes import get_recipe

HELP = """\
Train on the built-in studio for a few minutes, then draw a grid of categories and colours. The studio is a program
that draws product photos, so nothing is downloaded. The same command again continues a run that was stopped."""

_PHOTOS = 10_000
_IMAGE_SIZE = 32
# the view is not in the grid, but told what it is, the networks need not mix front and side
_ATTRIBUTES = ("category", "colour", "view")
_GRID = _ATTRIBUTES[:2]
_GRID_FILE = "quickstart.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.add_argument("--out", type=Path, default=Path("runs/quickstart"), metavar="DIR", help="the run directory")
    parser.add_argument(
        "--images", type=parse_count, metavar="N", help="length in images, such as 20k (default: the recipe's)"
    )
    parser.add_argument("--photos", type=parse_count, default=_PHOTOS, metavar="N", help="photos the studio draws")


def run(args: argparse.Namespace) -> int:
    """Train on the studio and draw a grid."""
    overrides = {"images": args.images} if args.images else {}
    recipe = get_recipe("quickstart", **overrides)
    check_first(recipe, args.out, _IMAGE_SIZE)

    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.sampling.files import write_png
    from tfproductgan.sampling.grids import attribute_grid

    catalogue = Catalogue.studio(count=args.photos, image_size=_IMAGE_SIZE, attributes=_ATTRIBUTES)
    print(catalogue.summary())
    options = {"data": f"studio:{args.photos}", "image_size": _IMAGE_SIZE, "attributes": list(_ATTRIBUTES)}
    gan = train_or_say_how(catalogue, recipe, args.out, data_options=options)
    path = args.out / _GRID_FILE
    write_png(path, attribute_grid(gan, *_GRID), overwrite=True)
    print(
        f"\nTrained {gan.model_id} on {gan.images_seen:,} pictures. Look at {path}:\n"
        "rows are categories, columns are colours, all drawn by the new generator.\n\n"
        "Next:\n" + _next_steps(args.out)
    )
    return 0


def _next_steps(out: Path) -> str:
    steps = {
        f'generate --model {shlex.quote(str(out))} "watch, red, seed 7"': "ask your generator by name",
        'generate "ring, gold, side view, seed 7"': "ask the one that comes along",
        "check FOLDER": "look through your own photos",
        "train --data FOLDER --out runs/mine": "train on them",
    }
    width = max(map(len, steps))
    return "".join(f"  tfproductgan {command:<{width}}   {what}\n" for command, what in steps.items())
