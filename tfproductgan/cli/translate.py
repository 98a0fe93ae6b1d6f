"""`tfproductgan translate`: pictures of pictures, as PNG files that know where they come from."""

from __future__ import annotations

import argparse
from pathlib import Path

from tfproductgan.cli.generate import add_conditions, assignment, conditions_set
from tfproductgan.cli.photo_files import add_output_options, outputs_for, photos_in, write_as_asked
from tfproductgan.cli.values import share
from tfproductgan.errors import ConditionError

HELP = """\
Make pictures of pictures, with a model that was trained on pairs (tfproductgan train --sources), on two sets
(--unpaired), which goes both ways, or paints in styles (--styles).

  tfproductgan translate sketch.png --model runs/sketches
  tfproductgan translate sketches/ --model runs/sketches --set category=Watch --out photos/
  tfproductgan translate photo.png --model runs/both-ways --to A
  tfproductgan translate mug.jpg --model runs/style --set style=waves --blend style=mosaic --share 0.3

Each comes out in its own size. What --set leaves out is left to the picture."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE", help="pictures, or folders of them")
    parser.add_argument("--model", required=True, metavar="PATH", help="run directory or .keras file")
    add_conditions(parser, "what the pictures show; can be given several times")
    parser.add_argument(
        "--to",
        choices=("A", "B"),
        help="of models that go both ways: B for the photos of --data (default), A for those of --unpaired",
    )
    parser.add_argument(
        "--tiles",
        action="store_true",
        help="make large pictures with all their pixels, in tiles that fade into each other, each as large as what was "
        "learnt (default: as a whole, made smaller and scaled back)",
    )
    parser.add_argument(
        "--blend",
        action="append",
        default=[],
        type=assignment,
        metavar="ATTRIBUTE=VALUE",
        help="of a model that paints in styles: go from the style of --set towards this one",
    )
    parser.add_argument(
        "--share", type=share, default=0.5, metavar="S", help="how far --blend goes, 0 to 1 (default: 0.5)"
    )
    add_output_options(parser)


def run(args: argparse.Namespace) -> int:
    """Make the pictures; the first that cannot be read ends it before any is written."""
    from rich.console import Console

    from tfproductgan.cli.quiet import import_tensorflow

    console = Console()
    pictures = photos_in(args.pictures)
    paths = outputs_for(pictures, args, "-translated")
    with console.status("Loading the model"):
        import_tensorflow()
        from tfproductgan.models.loading import load
        from tfproductgan.sampling.files import annotate, to_image

        model = load(args.model)
    if model.asks == "upscaler":
        raise ConditionError(f"{args.model} makes pictures larger: use tfproductgan upscale.")
    if model.asks != "translator":
        raise ConditionError(f"{args.model} is asked by name and takes no pictures: use tfproductgan generate.")
    if args.to is not None and len(model.directions) == 1:
        raise ConditionError(f"--to is for models that go both ways, and {args.model} knows one. Leave it out.")
    way = {} if args.to is None else {"to": args.to}
    conditions = conditions_set(args, model.schema)
    blended = {}
    if args.blend:
        if not hasattr(model, "between"):
            raise ConditionError(f"{args.model} paints in no styles: --blend is for models of the recipe style.")
        other = conditions_set(argparse.Namespace(set=args.blend), model.schema)
        model, blended = model.between(conditions, other, args.share), {"blend": other, "share": args.share}
    with console.status("Translating"):
        if args.tiles:
            one_way = model.way_back() if args.to == "A" else model
            made = [one_way.translate_in_tiles(picture, conditions) for picture in pictures]
        else:
            made = model.translate(pictures, conditions, **way)
    for path, picture, source in zip(paths, made, pictures, strict=True):
        facts = {"source": source.name, "conditions": conditions, **way, **blended}
        write_as_asked(path, annotate(to_image(picture), "translation", model.model_id, **facts), args)
        print(f"{path}  {', '.join([f'of {source.name}', *conditions.values()])}")
    print(f"Made by {model.model_id}.")
    return 0
