"""`tfproductgan check`: look through photos and labels, report what is wrong."""

from __future__ import annotations

import argparse
from pathlib import Path

from tfproductgan.cli.data_options import add_data_options, source_from
from tfproductgan.cli.values import positive
from tfproductgan.recipes import Recipe
from tfproductgan.writing import refuse_to_overwrite

HELP = """\
Look once through your photos and labels: what cannot be read, is too small, occurs twice, is labelled wrongly or
is grey among colour; how often each label occurs; and what training would do about it.

  tfproductgan check photos/
  tfproductgan check products.csv --images photos/ --attributes category,colour --sheet check.png

The exit code is 1 if training would stop, else 0."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    add_data_options(parser, positional=True)
    group = parser.add_argument_group("report")
    group.add_argument(
        "--min-size",
        type=positive,
        metavar="PIXELS",
        help="photos with a side shorter than this are too small (default: half of --image-size)",
    )
    group.add_argument(
        "--batch-size",
        type=positive,
        default=Recipe().batch_size,
        metavar="N",
        help="photos a batch of training will take: with fewer it stops (default: %(default)s)",
    )
    group.add_argument("--json", type=Path, metavar="FILE", help="write everything that was found as JSON")
    group.add_argument("--sheet", type=Path, metavar="FILE", help="write a contact sheet of it as PNG")
    group.add_argument("--overwrite", action="store_true", help="replace files of the same name")


def run(args: argparse.Namespace) -> int:
    """Look through the data, print the report, write what was asked for."""
    from rich.console import Console

    from tfproductgan.catalogue.checking.contact_sheet import write_contact_sheet
    from tfproductgan.catalogue.checking.looking import check
    from tfproductgan.catalogue.label_notes import label_notes, notes_of_few

    for path in filter(None, (args.json, args.sheet)):
        refuse_to_overwrite(path, args.overwrite)
    source, image_size = source_from(args)
    report = check(
        source,
        name=Path(args.data).name or args.data,
        image_size=image_size,
        min_count=args.min_count,
        max_unreadable=args.max_unreadable,
        min_size=args.min_size,
        batch_size=args.batch_size,
    )
    Console(highlight=False).print(report.to_table())
    few = [] if args.sources or report.would_stop else notes_of_few(report.num_train)
    for line in [*label_notes(source, report.min_count), *few]:
        print(line)
    if args.json:
        report.write_json(args.json)
        print(f"Everything found: {args.json}")
    if args.sheet:
        write_contact_sheet(report, args.sheet)
        print(f"Contact sheet: {args.sheet}")
    return 1 if report.would_stop else 0
