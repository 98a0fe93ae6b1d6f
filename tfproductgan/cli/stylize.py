"""`tfproductgan stylize`: photos in the style of pictures, by neural style transfer."""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.photo_files import (
    add_output_options,
    each_photo,
    note_failure,
    outputs_for,
    photos_in,
    read_photo,
    with_alpha,
    write_as_asked,
)
from tfproductgan.cli.values import number, parse_names, positive, whole
from tfproductgan.errors import PhotoError, ProductGANError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

HELP = """\
Paint photos in the style of other pictures, by optimising their pixels (Gatys et al. 2016).

  tfproductgan stylize mug.jpg --style waves.png --out mug-waves.png
  tfproductgan stylize mug.jpg --style waves.png mosaic.png --weights 2,1
  tfproductgan stylize photos/ --style waves.png --only product --out painted/   the surface, not the background
  tfproductgan stylize mug.jpg --style waves.png --keep-colours --features-file vgg19.npz

A network trained on your photos paints in one pass what this takes minutes for: tfproductgan train --recipe style."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="photos, or folders of photos")
    parser.add_argument(
        "--style", nargs="+", required=True, type=Path, metavar="PICTURE", help="pictures whose style is taken"
    )
    parser.add_argument(
        "--weights", type=_numbers, metavar="W,W", help="what each of several styles counts (default: all the same)"
    )
    add_output_options(parser)
    what = parser.add_argument_group("what changes").add_mutually_exclusive_group()
    what.add_argument("--mask", type=Path, metavar="PICTURE", help="white where the photo changes, black where not")
    what.add_argument(
        "--only",
        choices=("product", "background"),
        help="what of the photo changes: told by its transparency, or by a background of one colour",
    )
    parser.add_argument(
        "--keep-colours",
        action="store_true",
        help="change the luminance only, so that colours stay the photo's (Gatys et al. 2016, Preserving Color)",
    )
    _add_features(parser)
    group = parser.add_argument_group("how")
    group.add_argument(
        "--size",
        type=positive,
        default=256,
        metavar="N",
        help="pixels of the longer side that are painted; the result is scaled to the photo's size (default: 256)",
    )
    group.add_argument("--iterations", type=positive, default=60, metavar="N", help="steps at each size (default: 60)")
    group.add_argument("--optimizer", choices=("lbfgs", "adam"), default="lbfgs", help="default: lbfgs")
    group.add_argument("--content-layer", metavar="LAYER", help="what the content is taken from, such as relu4_2")
    group.add_argument(
        "--style-layers", type=parse_names, metavar="A,B", help="what styles are taken from, such as relu1_1,relu2_1"
    )
    group.add_argument("--content-weight", type=number, default=1.0, metavar="X", help="default: 1")
    group.add_argument(
        "--style-weight", type=number, metavar="X", help="default: 2e4, or 2e5 with a content layer before relu4_2"
    )
    group.add_argument("--variation-weight", type=number, default=1e-3, metavar="X", help="smoothness (default: 0.001)")
    group.add_argument(
        "--style-scale",
        type=number,
        default=1.0,
        metavar="X",
        help="size of the strokes (default: 1, the picture as large as the photo)",
    )
    group.add_argument("--start", choices=("photo", "noise"), default="photo", help="default: photo")
    group.add_argument("--seed", type=whole, default=0, metavar="N", help="of the noise (default: 0)")
    group.add_argument("--every", type=positive, metavar="N", help="also write the picture every N steps")


def _add_features(parser: argparse.ArgumentParser) -> None:
    given = parser.add_argument_group("what compares pictures").add_mutually_exclusive_group()
    given.add_argument(
        "--features",
        choices=("vgg19", "random"),
        default="vgg19",
        help="VGG-19 of keras.applications, downloaded once (default), or random filters: no download, rougher",
    )
    given.add_argument(
        "--features-file",
        metavar="PATH",
        help="weights of VGG-19 or of its first layers: .npz, .h5 or .keras",
    )


def run(args: argparse.Namespace) -> int:
    """Paint each photo; of several those that cannot be painted are named at the end."""
    from rich.console import Console

    from tfproductgan.cli.quiet import import_tensorflow

    console = Console()
    photos = photos_in(args.photos)
    outputs = outputs_for(photos, args, "-stylized", [*args.style, *filter(None, [args.mask])])
    styles = [read_photo(path)[0] for path in args.style]
    with console.status("Loading VGG-19"):
        import_tensorflow()
        from tfproductgan.models.stylizing import stylise
        from tfproductgan.models.vgg19 import vgg19_features
        from tfproductgan.sampling.files import annotate

        settings = _settings(args)
        features = vgg19_features(args.features_file or args.features)
        settings = settings.for_features(features)
    print(
        f"Features of {features.name}, up to {features.layers[-1]}: content of {settings.content_layer}, style of "
        f"{', '.join(settings.style_layers)}."
    )
    failures: list[Path] = []
    for path, photo, alpha, output in each_photo(photos, outputs, failures):
        try:
            mask = _mask(args, path, photo, alpha)
            with console.status(path.name) as status:
                shown = _Shown(args, path, output, alpha, status)
                found = stylise(photo, styles, features, settings, args.weights, mask, shown)
        except ProductGANError as error:
            note_failure(error, path, photos, failures)
            continue
        facts = {
            "source": path.name,
            "styles": [style.name for style in args.style],
            "weights": args.weights,
            "only": args.only or (args.mask and f"mask {args.mask.name}"),
            **dataclasses.asdict(settings),
            "losses": found.after._asdict(),
        }
        picture = annotate(with_alpha(found.picture, alpha), "stylization", features.name, **facts)
        write_as_asked(output, picture, args)
        print(f"{output}  of {path.name}: total loss {found.before.total:.4g} -> {found.after.total:.4g}")
    if failures:
        print(f"{len(failures)} of {len(photos)} photos could not be painted: {', '.join(f.name for f in failures)}")
    return 1 if failures else 0


def _settings(args: argparse.Namespace) -> Any:
    from tfproductgan.models.stylizing import Settings

    return Settings(
        content_layer=args.content_layer,
        style_layers=tuple(args.style_layers) if args.style_layers else None,
        content_weight=args.content_weight,
        style_weight=args.style_weight,
        variation_weight=args.variation_weight,
        optimizer=args.optimizer,
        iterations=args.iterations,
        size=args.size,
        style_scale=args.style_scale,
        colours="photo" if args.keep_colours else "style",
        start=args.start,
        seed=args.seed,
    )


def _mask(args: argparse.Namespace, path: Path, photo: Image.Image, alpha: Image.Image | None) -> np.ndarray | None:
    """What changes, float `[H, W]`; `None` for all.

    Raises:
        PhotoError: If the mask has another size, or the product cannot be told from its background.
    """
    import numpy as np

    from tfproductgan.catalogue.masks import product_mask

    if args.mask is not None:
        mask = read_photo(args.mask)[0].convert("L")
        if mask.size != photo.size:
            raise PhotoError(
                f"{str(args.mask)!r} has {mask.width} x {mask.height} pixels, and {path.name} {photo.width} x "
                f"{photo.height}: a mask has those of its photo."
            )
        return np.asarray(mask, np.float32) / 255
    if args.only is None:
        return None
    product = product_mask(np.asarray(photo.convert("RGB"))) if alpha is None else np.asarray(alpha, np.float32) / 255
    if product is None:
        raise PhotoError(f"{path}: the background has no one colour to tell the product from. Give a --mask.")
    return product if args.only == "product" else 1 - product


class _Shown:
    """Says how far a photo is, and writes what it looks like on the way."""

    def __init__(self, args, path, output, alpha, status):
        self.args, self.path, self.output, self.alpha, self.status = args, path, output, alpha, status
        self.began = time.monotonic()

    def __call__(self, progress: Any) -> None:
        from tfproductgan.sampling.files import write_png
        from tfproductgan.training.callbacks import duration

        size = "x".join(map(str, progress.size))
        passed = time.monotonic() - self.began
        left = duration(passed * (1 - progress.share) / progress.share)
        parts = ", ".join(f"{name} {value:.4g}" for name, value in progress.losses._asdict().items())
        said = f"{self.path.name} {size}, step {progress.iteration} of {self.args.iterations}: {parts}; {left} left"
        self.status.update(said)
        if progress.iteration % max(1, self.args.iterations // 3) == 0:
            print(said)
        if self.args.every and progress.iteration % self.args.every == 0:
            place = self.output.with_name(f"{self.output.stem}-{size}-{progress.iteration:04d}.png")
            write_png(place, with_alpha(progress.picture(), self.alpha), overwrite=True)


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected numbers separated by commas, such as 2,1. Received: {text!r}"
        ) from None
