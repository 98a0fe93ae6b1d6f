"""Photos that a verb takes, one by one or by the folder, and where what it makes of them goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.errors import PhotoError, ProductGANError, RunError
from tfproductgan.writing import refuse_to_overwrite

if TYPE_CHECKING:
    from PIL import Image


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
    photos: Sequence[Path], out: Path, ending: str, overwrite: bool, inputs: Iterable[Path] = ()
) -> list[Path]:
    """Where the PNG file of each photo goes.

    Args:
        photos: The photos.
        out: A `.png` file for one photo; else a folder.
        ending: Of the names in a folder.
        overwrite: Whether files may be replaced; inputs never are.
        inputs: Files beside the photos that are read.

    Raises:
        RunError: If a file exists, is an input, or two photos have one name.
    """
    from tfproductgan.sampling.files import LONGEST_STEM, shortened

    if out.suffix and not out.is_dir():
        if out.suffix.casefold() != ".png":
            raise RunError(
                f"--out is a .png file or a folder: what is made is kept without loss. Received: {str(out)!r}"
            )
        if len(photos) > 1:
            raise RunError(
                f"{len(photos)} photos do not go into one file: give a folder as --out. Received: {str(out)!r}"
            )
        paths = [out]
    else:
        paths = [out / f"{shortened(photo.stem, LONGEST_STEM - len(ending))}{ending}.png" for photo in photos]
    read = {path.resolve() for path in (*photos, *inputs)}
    for number, path in enumerate(paths):
        if path.resolve() in read:
            raise RunError(f"{str(path)!r} is what is read: give another --out.")
        refuse_to_overwrite(path, overwrite)
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


def each_photo(photos: Sequence[Path], outputs: Sequence[Path], failures: list[Path]) -> Iterator[Any]:
    """Each photo, opened, with its output: `(path, photo, alpha, output)`.

    One that cannot be read is an error if it is alone; of several it is said and noted in `failures`.
    """
    from tfproductgan.cli.main import print_error

    for path, output in zip(photos, outputs, strict=True):
        try:
            photo, alpha = read_photo(path)
        except ProductGANError as error:
            if len(photos) == 1:
                raise
            print_error(error)
            failures.append(path)
            continue
        yield path, photo, alpha, output
