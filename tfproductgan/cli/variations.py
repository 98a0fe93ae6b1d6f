"""`tfproductgan variations`: the product of a photo in every colour or material that a model knows."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.generate import add_conditions, conditions_set
from tfproductgan.cli.photo_files import (
    add_output_options,
    each_photo,
    note_failure,
    outputs_for,
    photos_in,
    write_as_asked,
)
from tfproductgan.cli.values import parse_names
from tfproductgan.errors import ConditionError, PhotoError, ProductGANError, RunError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

Draw = Callable[[str], "np.ndarray"]
"""Draws a product with a value."""

HELP = """\
Show the product of a photo in every colour, material … that a model knows.

  tfproductgan variations mug.jpg --model runs/mugs --of colour
  tfproductgan variations photos/ --model runs/shoes --of colour --values Gold,Silver --set category=Sandal
  tfproductgan variations mug.jpg --model runs/drawings --of colour --by lines    the model takes drawings

Models that take pictures (pix2pix, cyclegan) are given the photo, or what --by makes of it; an autoencoder (vae) is
asked what it makes of the photo. Others look for the picture nearest to it, which takes a while, and move that."""


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

    console, photos = Console(), photos_in(args.photos)
    with console.status("Loading the model"):
        import_tensorflow()
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
            note_failure(error, path, photos, failures)
            continue
        with console.status(path.name):
            draw = made_of(source, common)
        for value, place in zip(values, places, strict=True):
            facts = {"source": path.name, "by": args.by, "conditions": {**common, args.of: value}}
            image = annotate(to_image(draw(value)), "variation", model.model_id, **facts)
            write_as_asked(place, image, args)
            print(f"{place}  of {path.name}, {value}")
    if failures:
        print(f"{len(failures)} of {len(photos)} photos have no variations: {', '.join(f.name for f in failures)}")
    return 1 if failures else 0


def _maker(args: argparse.Namespace, model: Any) -> Callable[[Image.Image, dict[str, str]], Draw]:
    """What makes, of a photo and of what else it shows, a function that draws its product with a value.

    Raises:
        ConditionError: If the model makes no pictures of products.
    """
    if model.asks == "translator":
        return lambda photo, common: lambda value: model.translate(photo, {**common, args.of: value})
    if model.asks != "sampler":
        raise ConditionError(f"{args.model} makes pictures larger and no variations.")
    if args.by != "photo":
        raise ConditionError(f"{args.model} takes no {args.by}: --by is for models that learnt from such pictures.")
    found = _by_reconstruction if hasattr(model, "reconstruct") else _by_projection

    def maker(photo: Image.Image, common: dict[str, str]) -> Draw:
        from tfproductgan.catalogue.photos import place
        from tfproductgan.models.translator import scaled_back

        square, placement = place(photo, model.schema.image_size, channels=model.schema.channels)
        draw = found(model, square, common, args.of)
        return lambda value: scaled_back(draw(value), placement, photo.size)

    return maker


def _by_reconstruction(model: Any, square: np.ndarray, common: dict[str, str], of: str) -> Draw:
    """What an autoencoder makes of a photo that is said to have the value."""
    return lambda value: model.reconstruct(square[None], {**common, of: value})[0]


def _by_projection(model: Any, square: np.ndarray, common: dict[str, str], of: str) -> Draw:
    """The picture nearest to a photo, moved all the way towards the value."""
    from tfproductgan.models import projection
    from tfproductgan.models.editing import Editor, Towards

    editor, start = Editor(model), projection.project(model, square, common).drawing

    def draw(value: str) -> np.ndarray:
        known = common.get(of) == value
        return editor.draw([start if known else start.after(Towards(of, value, 1.0))])[0]

    return draw


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
