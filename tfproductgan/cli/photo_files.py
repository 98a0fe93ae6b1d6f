"""Photos that a verb takes, one by one or by the folder, and where what it makes of them goes."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.cli.values import positive
from tfproductgan.errors import PhotoError, ProductGANError, RunError
from tfproductgan.writing import refuse_to_overwrite, refuse_unwritable

if TYPE_CHECKING:
    from PIL import Image


FORMATS = ("png", "jpg", "webp")
_MOST_PARTS = 100  # of a side of a shape: what is more, photos have no pixels for


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Declare where pictures go, and in which format, shape and size."""
    group = parser.add_argument_group("what is written")
    group.add_argument(
        "--out", type=Path, default=Path("pictures"), metavar="PATH", help="a file or a folder (default: pictures)"
    )
    group.add_argument("--overwrite", action="store_true", help="replace files of the same name; inputs never are")
    group.add_argument("--format", choices=FORMATS, default="png", help="of files in a folder (default: png)")
    group.add_argument(
        "--shape",
        type=_shape,
        metavar="W:H",
        help="put each picture onto a canvas of that shape, such as 1:1 or 3:4, its own background continued",
    )
    group.add_argument("--longest", type=positive, metavar="N", help="scale the longer side to so many pixels")


def write_as_asked(path: Path, picture: Image.Image, args: argparse.Namespace) -> Image.Image:
    """Write a picture as the options say; returns it as it was written."""
    from tfproductgan.sampling.files import write_picture
    from tfproductgan.sampling.framing import framed, scaled

    made = picture if args.shape is None else framed(picture, args.shape)
    made = made if args.longest is None else scaled(made, args.longest)
    write_picture(path, made, args.overwrite)
    return made


def _shape(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,3}):([0-9]{1,3})", text)
    if not found or not all(0 < int(part) <= _MOST_PARTS for part in found.groups()):
        raise argparse.ArgumentTypeError(f"expected width:height, such as 1:1 or 3:4. Received: {text!r}")
    return int(found[1]), int(found[2])


def photos_in(paths: Iterable[Path]) -> list[Path]:
    """The files, and of folders the photos in them, by name.

    Raises:
        PhotoError: If there is no such file or folder, or no photo in a folder.
    """
    from tfproductgan.catalogue.photos import EXTENSIONS

    found = []
    for path in paths:
        if not path.exists():
            raise PhotoError(f"{str(path)!r} does not exist. Give photos, or folders of photos.")
        files = [path]
        if path.is_dir():
            files = sorted(f for f in path.iterdir() if f.suffix.casefold() in EXTENSIONS and f.is_file())
            if not files:
                raise PhotoError(f"{str(path)!r} holds no photos. Give photos, or folders of photos.")
        found += files
    return found


def outputs_for(
    photos: Sequence[Path], args: argparse.Namespace, ending: str, inputs: Iterable[Path] = ()
) -> list[Path]:
    """Where the picture made of each photo goes.

    Args:
        photos: The photos.
        args: What `add_output_options` declares.
        ending: Of the names in a folder.
        inputs: Files beside the photos that are read.

    Raises:
        RunError: If a file exists, is an input, or two photos have one name.
    """
    from tfproductgan.sampling.files import LONGEST_STEM, shortened

    out = args.out
    if out.suffix and not out.is_dir():
        if out.suffix.casefold()[1:] not in FORMATS:
            raise RunError(f"--out is a .png, .jpg or .webp file or a folder. Received: {str(out)!r}")
        if len(photos) > 1:
            raise RunError(
                f"{len(photos)} photos do not go into one file: give a folder as --out. Received: {str(out)!r}"
            )
        paths = [out]
    else:
        refuse_unwritable(out)
        stems = [shortened(photo.stem, LONGEST_STEM - len(ending)) for photo in photos]
        paths = [out / f"{stem}{ending}.{args.format}" for stem in stems]
    read = {path.resolve() for path in (*photos, *inputs)}
    for number, path in enumerate(paths):
        if path.resolve() in read:
            raise RunError(f"{str(path)!r} is what is read: give another --out.")
        refuse_to_overwrite(path, args.overwrite)
        if path in paths[:number]:
            raise RunError(f"Two photos would become {path}: give those of one name in calls of their own.")
    return paths


def read_photo(path: Path) -> tuple[Image.Image, Image.Image | None]:
    """A photo, upright and in sRGB, and its opacity if it has any; see `open_with_alpha`.

    Raises:
        PhotoError: If it cannot be read.
    """
    from tfproductgan.catalogue.photos import open_with_alpha

    try:
        return open_with_alpha(path.read_bytes(), str(path))
    except OSError as error:
        raise PhotoError(f"{str(path)!r} cannot be read: {error.strerror}") from error


def with_alpha(picture: Any, alpha: Image.Image | None) -> Image.Image:
    """A picture that was made of a photo laid on white, uint8 `[H, W, 3]`, as transparent as the photo was."""
    import numpy as np
    from PIL import Image

    if alpha is None:
        return Image.fromarray(picture)
    opacity = np.asarray(alpha, np.float32)[..., None] / 255
    # the white that was laid below is taken away again
    colours = (picture - 255 * (1 - opacity)) / np.maximum(opacity, 1 / 255)
    made = Image.fromarray(np.clip(np.rint(colours), 0, 255).astype(np.uint8))
    made.putalpha(alpha)
    return made


def each_photo(photos: Sequence[Path], outputs: Sequence[Any], failures: list[Path]) -> Iterator[Any]:
    """Each photo, opened, with its output: `(path, photo, alpha, output)`.

    One that cannot be read is an error if it is alone, see `note_failure`.
    """
    for path, output in zip(photos, outputs, strict=True):
        try:
            photo, alpha = read_photo(path)
        except ProductGANError as error:
            note_failure(error, path, photos, failures)
            continue
        yield path, photo, alpha, output


def note_failure(error: ProductGANError, path: Path, photos: Sequence[Path], failures: list[Path]) -> None:
    """Say what went wrong with one of several photos and note it in `failures`; with a photo alone it is raised."""
    from tfproductgan.cli.main import print_error

    if len(photos) == 1:
        raise error
    print_error(error)
    failures.append(path)
