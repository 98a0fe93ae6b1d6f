"""`tfproductgan upscale`: photos two or four times as large, as PNG files that know where they come from."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from tfproductgan.errors import ConditionError, RunError
from tfproductgan.writing import refuse_to_overwrite, refuse_unwritable

HELP = """\
Make photos two or four times as large, with a model that was trained for it
(tfproductgan train --recipe srresnet or srgan).

  tfproductgan upscale small.jpg --model runs/sharp
  tfproductgan upscale photos/*.jpg --model runs/sharp --out large/

Photos come out upright, in sRGB, with their transparency and without what cameras
write into them, such as places. Large ones are taken in tiles, which leaves no seams."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="files of photos")
    parser.add_argument("--model", required=True, metavar="PATH", help="run directory or .keras file")
    parser.add_argument("--out", default="pictures", metavar="FOLDER", help="where the files go (default: pictures)")
    parser.add_argument("--overwrite", action="store_true", help="replace files of the same name, but for those given")


def run(args: argparse.Namespace) -> int:
    """Make the pictures one by one; one that cannot be read is named, and the others are made."""
    from rich.console import Console
    from rich.progress import track

    from tfproductgan.cli.quiet import import_tensorflow

    console = Console()
    refuse_unwritable(args.out)
    with console.status("Loading the model"):
        import_tensorflow()
        from tfproductgan.errors import PhotoError
        from tfproductgan.models.loading import load
        from tfproductgan.sampling.files import annotate, to_image, write_png

        model = load(args.model)
    if model.asks != "upscaler":
        raise ConditionError(f"{args.model} does not make pictures larger: train --recipe srresnet or srgan does.")
    paths = _paths(args, model.scale)
    failed = []
    watched = len(paths) > 1 and sys.stderr.isatty()
    bar: dict[str, Any] = {"console": Console(stderr=True), "transient": True, "disable": not watched}
    for photo, path in track(list(zip(args.photos, paths, strict=True)), "Upscaling", **bar):
        try:
            made = model.upscale(photo)
        except PhotoError as error:
            failed.append(str(error))
            continue
        facts = {"source": photo.name, "scale": model.scale}
        image = annotate(to_image(made), "upscaling", model.model_id, **facts)
        write_png(path, image, overwrite=args.overwrite)
        print(f"{path}  {image.width} x {image.height}, of {photo.name}")
    if failed:
        raise RunError(f"{len(failed)} of {len(paths)} could not be made larger: {'; '.join(failed)}")
    print(f"Made by {model.model_id}.")
    return 0


def _paths(args: argparse.Namespace, scale: int) -> list[Path]:
    """Where the pictures go; refuses what would replace a file that is there or given, before anything is made."""
    from tfproductgan.sampling.files import LONGEST_STEM, shortened

    ending = f"-x{scale}"
    paths = [
        Path(args.out, f"{shortened(photo.stem, LONGEST_STEM - len(ending))}{ending}.png") for photo in args.photos
    ]
    given = {photo.resolve() for photo in args.photos}
    for number, path in enumerate(paths):
        if path.resolve() in given:
            raise RunError(f"{path} would replace a photo that is given: choose another --out.")
        refuse_to_overwrite(path, args.overwrite)
        if path in paths[:number]:
            raise RunError(f"Two pictures would become {path}: give those of one name in calls of their own.")
    return paths
