"""`tfproductgan variations`: the product of a photo in every colour or material that a model knows."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.generate import add_conditions, conditions_set
from tfproductgan.cli.photo_files import add_output_options, each_photo, outputs_for, photos_in, write_as_asked
from tfproductgan.cli.values import parse_names
from tfproductgan.errors import ConditionError, PhotoError, ProductGANError, RunError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

HELP = """\
Show the product of a photo in every colour, material … that a model knows.

  tfproductgan variations mug.jpg --model runs/mugs --of colour
  tfproductgan variations photos/ --model runs/shoes --of colour --values Gold,Silver --set category=Sandal
  tfproductgan variations mug.jpg --model runs/drawings --of colour --by lines    the model takes drawings

Models that take pictures (pix2pix, cyclegan) are given the photo, or what --by makes of it; an autoencoder (vae) is
asked what it makes of the photo."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="photos, or folders of photos")
    parser.add_argument("--model", required=True, metavar="PATH", help="run directory or .keras file")
    parser.add_argument("--of", required=True, metavar="ATTRIBUTE", help="what changes, such as colour")
    parser.add_argument("--values", type=parse_names, metavar="A,B", help="to what (default: all values there are)")
    add_conditions(parser, "what else the photos show; can be given several times")
    parser.add_argument(
        "--by",
        choices=("photo", "mask", "lines"),
        default="photo",
        help="what the model is given: the photo, its product's mask or its lines, whichever it learnt from "
        "(default: photo)",
    )
    add_output_options(parser)


def run(args: argparse.Namespace) -> int:
    """Make each variation of each photo; photos that cannot be read are named at the end."""
    from rich.console import Console

    from tfproductgan.cli.quiet import import_tensorflow

    photos = photos_in(args.photos)
    with Console().status("Loading the model"):
        import_tensorflow()
        from tfproductgan.cli.main import print_error
        from tfproductgan.models.loading import load
        from tfproductgan.sampling.files import annotate, file_words, to_image

        model = load(args.model)
    made_of = _maker(args, model)
    attribute = model.schema.attribute(args.of)
    common = conditions_set(args, model.schema)
    failures: list[Path] = []
    values = [model.schema.decode(model.schema.encode({args.of: v}))[args.of] for v in args.values or attribute.values]
    values = list(dict.fromkeys(values))
    outputs = [outputs_for(photos, args, f"-{file_words([value])}") for value in values]
    if len({path for paths in outputs for path in paths}) < len(values) * len(photos):
        raise RunError(f"{len(values)} variations do not go into {str(args.out)!r}: give a folder as --out.")
    for path, photo, _, places in each_photo(photos, list(zip(*outputs, strict=True)), failures):
        try:
            source = _source(args.by, path, photo)
        except ProductGANError as error:
            if len(photos) == 1:
                raise
            print_error(error)
            failures.append(path)
            continue
        for value, place in zip(values, places, strict=True):
            conditions = {**common, args.of: value}
            facts = {"source": path.name, "by": args.by, "conditions": conditions}
            image = annotate(to_image(made_of(source, conditions)), "variation", model.model_id, **facts)
            write_as_asked(place, image, args)
            print(f"{place}  of {path.name}, {value}")
    if failures:
        print(f"{len(failures)} of {len(photos)} photos have no variations: {', '.join(f.name for f in failures)}")
    return 1 if failures else 0


def _maker(args: argparse.Namespace, model: Any) -> Callable[[Image.Image, dict[str, str]], np.ndarray]:
    """What makes a picture of a photo and conditions.

    Raises:
        ConditionError: If the model takes no photos.
    """
    if model.asks == "translator":
        return model.translate
    if model.asks == "sampler" and hasattr(model, "reconstruct"):
        return lambda photo, conditions: _reconstructed(model, photo, conditions)
    raise ConditionError(
        f"{args.model} takes no photos of products: models of the recipes pix2pix, cyclegan and vae make variations."
    )


def _reconstructed(model: Any, photo: Image.Image, conditions: dict[str, str]) -> np.ndarray:
    from tfproductgan.catalogue.photos import place
    from tfproductgan.models.translator import scaled_back

    square, placement = place(photo, model.schema.image_size, channels=model.schema.channels)
    return scaled_back(model.reconstruct(square[None], conditions)[0], placement, photo.size)


def _source(by: str, path: Path, photo: Image.Image) -> Image.Image:
    """What the model is given of a photo.

    Raises:
        PhotoError: If its product cannot be told from its background.
    """
    import numpy as np
    from PIL import Image

    from tfproductgan.catalogue.masks import line_drawing, product_mask

    if by == "photo":
        return photo
    pixels = np.asarray(photo.convert("RGB"))
    if by == "lines":
        return Image.fromarray(line_drawing(pixels))
    mask = product_mask(pixels)
    if mask is None:
        raise PhotoError(f"{path}: the background has no one colour to tell the product from.")
    return Image.fromarray(np.rint(255 * mask).astype(np.uint8))
