"""`tfproductgan cutout`: products without their background, or before another one."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.photo_files import (
    add_output_options,
    each_photo,
    note_failure,
    outputs_for,
    photos_in,
    read_photo,
    write_as_asked,
)
from tfproductgan.cli.values import share
from tfproductgan.errors import ConditionError, PhotoError, ProductGANError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

HELP = """\
Cut products out of photos: RGBA for try-on and overlays, or before another background with a soft shadow.

  tfproductgan cutout mug.jpg --out mug.png
  tfproductgan cutout photos/ --background table.jpg --shadow 0.4 --out placed/
  tfproductgan cutout photos/ --model runs/cutout --out cut/        masks of a network

Without a model the product is told from a background of one colour. A network that also takes others is trained by
tfproductgan train --recipe cutout --masks."""

_PLAIN = "plain background"  # what told the product, in the metadata


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="photos, or folders of photos")
    parser.add_argument("--model", metavar="PATH", help="run directory or .keras file of the recipe cutout")
    parser.add_argument(
        "--background",
        metavar="PICTURE",
        help="what the product is put before: a picture, whose middle is taken, or a colour such as #f4f0e8",
    )
    parser.add_argument(
        "--shadow", type=share, default=0.3, metavar="S", help="how dark its soft shadow is, 0 to 1 (default: 0.3)"
    )
    add_output_options(parser)


def run(args: argparse.Namespace) -> int:
    """Cut each product out; of several photos those that cannot be are named at the end."""
    from tfproductgan.catalogue.cutting import cut, placed
    from tfproductgan.sampling.files import annotate

    photos = photos_in(args.photos)
    ground, beside = _ground(args.background)
    outputs = outputs_for(photos, args, "-cutout", beside)
    model = None if args.model is None else _model(args.model)
    teller = _PLAIN if model is None else model.model_id
    failures: list[Path] = []
    for path, photo, alpha, output in each_photo(photos, outputs, failures):
        try:
            mask = _mask(path, photo, alpha, model)
        except ProductGANError as error:
            note_failure(error, path, photos, failures)
            continue
        made = cut(photo, mask, plain=model is None)
        made = made if ground is None else placed(made, ground, args.shadow)
        facts = {"source": path.name, "background": args.background, "shadow": args.shadow if ground else None}
        write_as_asked(output, annotate(made, "cutout", teller, **facts), args)
        print(f"{output}  of {path.name}: {100 * mask.mean():.0f} % product")
    if failures:
        print(f"{len(failures)} of {len(photos)} products could not be cut out: {', '.join(f.name for f in failures)}")
    return 1 if failures else 0


def _model(path: str) -> Any:
    from tfproductgan.cli.quiet import import_tensorflow

    import_tensorflow()
    from tfproductgan.models.loading import load

    model = load(path)
    if model.asks != "translator" or model.schema.channels != 1:
        raise ConditionError(f"{path} makes no masks: give a run of tfproductgan train --recipe cutout --masks.")
    return model


def _ground(background: str | None) -> tuple[Image.Image | None, list[Path]]:
    """The background, and the file it is read from, if any."""
    from PIL import Image

    if background is None:
        return None, []
    if re.fullmatch(r"#[0-9a-fA-F]{6}", background):
        return Image.new("RGB", (1, 1), background), []
    return read_photo(Path(background))[0].convert("RGB"), [Path(background)]


def _mask(path: Path, photo: Image.Image, alpha: Image.Image | None, model: Any) -> np.ndarray:
    """Where the product is, float `[H, W]`.

    Raises:
        PhotoError: If it cannot be told.
    """
    import numpy as np

    from tfproductgan.catalogue.masks import product_mask

    if alpha is not None:
        return np.asarray(alpha, np.float32) / 255
    if model is not None:
        return model.translate(photo)[..., 0].astype(np.float32) / 255
    mask = product_mask(np.asarray(photo.convert("RGB")))
    if mask is None:
        raise PhotoError(
            f"{path}: the background has no one colour to tell the product from. Give a --model of the recipe cutout."
        )
    return mask
