"""`tfproductgan plot`: the curves of one or several runs as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from tfproductgan.errors import RunError
from tfproductgan.writing import refuse_to_overwrite

HELP = """\
Draw the curves of runs, finished or not: losses, figures of validation photos, alarms.

  tfproductgan plot runs/shop
  tfproductgan plot runs/small runs/large --metric val_fid val_look --out curves.pdf

A panel a value, the images seen from left to right; runs have colours of their own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run directories")
    parser.add_argument(
        "--metric",
        nargs="+",
        metavar="NAME",
        help="only these values, such as d_loss or val_distance (default: all there are)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("curves.png"),
        metavar="FILE",
        help="a .png, .svg or .pdf file (default: curves.png)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file of that name")


def run(args: argparse.Namespace) -> int:
    """Read, draw, write."""
    from tfproductgan.reports.charts import check_format, curves, save

    refuse_to_overwrite(check_format(args.out), args.overwrite)
    for path in args.runs:
        if not (path / "recipe.json").is_file():
            raise RunError(f"{str(path)!r} is no run directory: it holds no recipe.json.")
    save(curves(*args.runs, metrics=args.metric), args.out)
    print(f"Written: {args.out}")
    return 0
