"""`tfproductgan compress`: smaller and faster forms of a trained model, each tried before it becomes a file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.data_options import add_data_options, describe_data
from tfproductgan.cli.evaluate import facts_of, photos_of, run_of
from tfproductgan.cli.values import fitting, parse_count, parse_names
from tfproductgan.errors import CatalogueError, ConversionError, nearest
from tfproductgan.writing import refuse_to_overwrite

if TYPE_CHECKING:
    from rich.console import Console

    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.compression.compression import Outcome
    from tfproductgan.conditions import ConditionSchema

HELP = """\
Write a trained model in smaller and faster forms. Each is run and compared with the original: size, pictures,
speed on this machine and, if the photos are there, distance to them. What lost its weights or its quality is no file.

  tfproductgan compress runs/shop --out small                          all forms that need no training
  tfproductgan compress runs/shop --to litert-int8,onnx --out small    these
  tfproductgan compress runs/shop --to pruned --size 0.5 --out small   half the weights, then learns on
  tfproductgan compress studio --out small                             the generator that comes with the package"""

FORMS = ("bfloat16", "litert-float16", "litert-dynamic-int8", "litert-int8", "onnx", "pruned")

_SHIPPED = "studio"

_share = fitting(float, lambda x: 0 < x < 1, "{} is no share above 0 and below 1")
_factor = fitting(float, lambda x: 1 < x < 1000, "{} is no factor above 1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("model", metavar="RUN", help="a run directory, a .keras file, or 'studio'")
    parser.add_argument(
        "--to",
        type=_forms,
        metavar="A,B",
        help=f"of {', '.join(FORMS)} (default: all but pruned that the model's family can be)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files and the table go")
    parser.add_argument("--overwrite", action="store_true", help="replace files of the same names")
    group = parser.add_argument_group("pruning (takes a run directory with its checkpoints, and its photos)")
    goal = group.add_mutually_exclusive_group()
    goal.add_argument("--size", type=_share, metavar="S", help="share of the weights that is left (default: 0.5)")
    goal.add_argument("--speed", type=_factor, metavar="F", help="how many times as fast it is to be on this machine")
    group.add_argument(
        "--images",
        type=parse_count,
        metavar="N",
        help="images to learn on from, such as 40k (default: a fifth of the run's)",
    )
    add_data_options(parser, required=False)


def run(args: argparse.Namespace) -> int:
    """Convert, judge and show the table."""
    from rich.console import Console

    from tfproductgan.cli.quiet import import_tensorflow, quiet_converters

    console = Console(highlight=False, soft_wrap=True)
    forms = args.to or FORMS[:-1]
    with console.status("Loading the model"):
        import_tensorflow()
        from tfproductgan.compression.compression import TABLE_MARKDOWN, compress
        from tfproductgan.compression.conversions import CONVERSIONS, file_of
        from tfproductgan.models.loading import load, shipped_model_path
        from tfproductgan.training.evaluation import announced_extractor

        for form in forms:
            refuse_to_overwrite(args.out / file_of(form), args.overwrite)
        shipped = args.model == _SHIPPED and not Path(_SHIPPED).exists()
        model = load(shipped_model_path() if shipped else args.model).trained()
    run_folder = run_of(Path(args.model))
    if "pruned" in forms and run_folder is None:
        raise ConversionError(f"Pruning goes on with the training of a run, and {args.model} is in no run directory.")
    needed = args.data is not None or "pruned" in forms or model.asks != "sampler"
    catalogue = _photos(args, run_folder, model.schema, needed)
    conversions = [CONVERSIONS[form] if form in CONVERSIONS else _pruned(args, run_folder, catalogue) for form in forms]
    extractor = None
    if catalogue is not None:
        with console.status("Preparing the classifier"):
            extractor = announced_extractor(None, catalogue, console)
    with console.status("Converting") as status, quiet_converters():
        outcomes = compress(model, args.out, conversions, catalogue, extractor, status.update)
    if not args.to:  # nobody has asked for what the family cannot be
        for outcome in outcomes:
            if outcome.refused:
                print(f"Note: {outcome.error}")
        outcomes = [outcome for outcome in outcomes if not outcome.refused]
    _show(console, outcomes)
    print(f"Table: {args.out / TABLE_MARKDOWN}")
    return 1 if any(outcome.error for outcome in outcomes) else 0


def _photos(
    args: argparse.Namespace, run_folder: Path | None, schema: ConditionSchema, needed: bool
) -> Catalogue | None:
    """The photos, if there are any."""
    try:
        return photos_of(args, run_folder, schema)
    except CatalogueError as error:
        if needed:
            raise
        print(f"Note: pictures are compared with the original's alone. {error}")
        return None


def _pruned(args: argparse.Namespace, run_folder: Any, catalogue: Any) -> Any:
    from tfproductgan.compression.pruning import pruned_conversion

    options = describe_data(args) if args.data else facts_of(run_folder).get("options")
    return pruned_conversion(run_folder, catalogue, args.out, args.size, args.speed, args.images, options)


def _show(console: Console, outcomes: Sequence[Outcome]) -> None:
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    from tfproductgan.cli.main import print_error
    from tfproductgan.compression.compression import HEADINGS, table_row

    rows = [table_row(outcome) for outcome in outcomes]
    table = Table(box=SIMPLE, padding=0)
    for column, heading in enumerate(HEADINGS):
        # headings may wrap where a terminal is narrow, figures not
        widest = max(len(row[column]) for row in rows)
        table.add_column(heading, min_width=widest, justify="right" if column else "left")
    for outcome, row in zip(outcomes, rows, strict=True):
        table.add_row(*(Text(cell, "red" if outcome.error else "") for cell in row))
    console.print(table)
    for outcome in outcomes:
        if outcome.error:
            print_error(ConversionError(f"{outcome.conversion}: {outcome.error}"))


def _forms(text: str) -> list[str]:
    names = parse_names(text, "forms")
    for name in names:
        if name not in FORMS:
            raise argparse.ArgumentTypeError(f"there is no form {name!r}: {nearest(name, FORMS)}")
    return list(dict.fromkeys(names))
