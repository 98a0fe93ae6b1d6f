"""`tfproductgan upscale`: photos two or four times as large, as PNG files that know where they come from."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from tfproductgan.cli.photo_files import add_output_options, outputs_for, photos_in, write_as_asked
from tfproductgan.errors import ConditionError, RunError

HELP = """\
Make photos two or four times as large, with a model that was trained for it
(tfproductgan train --recipe srresnet or srgan).

  tfproductgan upscale small.jpg --model runs/sharp
  tfproductgan upscale photos/ --model runs/sharp --out large/ --format webp

Photos come out upright, in sRGB, with their transparency and without what cameras
write into them, such as places. Large ones are taken in tiles, which leaves no seams."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="photos, or folders of photos")
    parser.add_argument("--model", required=True, metavar="PATH", help="run directory or .keras file")
    add_output_options(parser)


def run(args: argparse.Namespace) -> int:
    """Make the pictures one by one; one that cannot be read is named, and the others are made."""
    from rich.console import Console
    from rich.progress import track

    from tfproductgan.cli.quiet import import_tensorflow

    console = Console()
    photos = photos_in(args.photos)
    with console.status("Loading the model"):
        import_tensorflow()
        from tfproductgan.errors import PhotoError
        from tfproductgan.models.loading import load
        from tfproductgan.sampling.files import annotate, to_image

        model = load(args.model)
    if model.asks != "upscaler":
        raise ConditionError(f"{args.model} does not make pictures larger: train --recipe srresnet or srgan does.")
    paths = outputs_for(photos, args, f"-x{model.scale}")
    failed = []
    watched = len(paths) > 1 and sys.stderr.isatty()
    bar: dict[str, Any] = {"console": Console(stderr=True), "transient": True, "disable": not watched}
    for photo, path in track(list(zip(photos, paths, strict=True)), "Upscaling", **bar):
        try:
            made = model.upscale(photo)
        except PhotoError as error:
            failed.append(str(error))
            continue
        facts = {"source": photo.name, "scale": model.scale}
        image = write_as_asked(path, annotate(to_image(made), "upscaling", model.model_id, **facts), args)
        print(f"{path}  {image.width} x {image.height}, of {photo.name}")
    if failed:
        raise RunError(f"{len(failed)} of {len(paths)} could not be made larger: {'; '.join(failed)}")
    print(f"Made by {model.model_id}.")
    return 0
