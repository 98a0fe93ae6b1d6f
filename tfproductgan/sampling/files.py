"""Pictures as files that know where they come from: what was asked, with which seed, of which model.

The metadata is one JSON object: in PNG files an iTXt chunk named `tfproductgan`, in GIF files the comment, in JPEG and
WebP files EXIF's image description.
Images made by `grids` and `strips` carry theirs in Pillow's `image.info` until they are written.
"""

from __future__ import annotations

import bisect
import hashlib
import io
import itertools
import json
import os
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin

import tfproductgan
from tfproductgan.errors import RunError
from tfproductgan.provenance import XMP, XMP_CHUNK, source_type
from tfproductgan.text_vectors import named
from tfproductgan.writing import refuse_to_overwrite, replace_file

if TYPE_CHECKING:
    from tfproductgan.conditions import PictureRequest

KEY = "tfproductgan"
"""Name of the metadata in a PNG file and in `image.info`."""

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP"}
"""What pictures are written as, by the extension of their names."""

_QUALITY = 92  # of JPEG and WebP: nothing to be seen of it, at a fifth of the bytes

LONGEST_STEM = 190  # bytes of a name without its extension, of the 255 that file systems take


def describe_request(request: PictureRequest) -> dict[str, Any]:
    """The JSON form of a request: conditions, seed and truncation."""
    return {
        "conditions": dict(request.conditions),
        "seed": int(request.seed),
        "truncation": float(request.truncation),
    }


def value_names(conditions: Mapping[str, str]) -> list[str]:
    """The values of conditions as people would say them: gold in colour and material is gold, once."""
    return list(dict.fromkeys(map(named, conditions.values())))


def annotate(image: Image.Image, kind: str, model_id: str, **details: Any) -> Image.Image:
    """Give an image the metadata that its file will carry.

    Args:
        image: The image; changed in place.
        kind: What it is: `"picture"`, `"grid"`, `"interpolation"`, `"translation"`, `"upscaling"`, `"edit"` or
            `"edits"`.
        model_id: Id of the model that drew it.
        **details: What was asked, JSON-ready.

    Returns:
        The same image.
    """
    image.info[KEY] = {
        "software": KEY,
        "version": tfproductgan.__version__,
        "kind": kind,
        "model_id": model_id,
        **details,
    }
    return image


def picture_name(request: PictureRequest) -> str:
    """The file name of a single picture, such as `"ring-gold-side-seed7.png"`."""
    return f"{request_slug(request)}.png"


def request_slug(request: PictureRequest, longest: int = LONGEST_STEM) -> str:
    """A request as part of a file name, such as `"ring-gold-side-seed7"`, of so many bytes at most."""
    return file_stem(value_names(request.conditions), request.seed, request.truncation, longest)


def file_stem(words: Iterable[str], seed: int, truncation: float, longest: int = LONGEST_STEM) -> str:
    """Words, a seed and a truncation as part of a file name; a truncation of 1 goes without saying."""
    end = f"-seed{seed}" if truncation == 1 else f"-seed{seed}-truncation{truncation:g}"
    return shortened(file_words(words) or "picture", longest - len(end)) + end


def file_words(words: Iterable[str]) -> str:
    """Words as part of a file name: in lower case, dashes for all that is no letter, digit or mark on one."""
    text = unicodedata.normalize("NFC", " ".join(words).lower())
    kept = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text)
    return "-".join(kept.split())


def shortened(name: str, longest: int) -> str:
    """A name of at most so many bytes: as it is, or its beginning with a hash that tells it from others so cut.

    It is cut between two characters, never between a letter and the marks on it.
    """
    sizes = [len(_bytes_of(character)) for character in name]
    if sum(sizes) <= longest:
        return name
    end = f"-{hashlib.sha256(_bytes_of(name)).hexdigest()[:8]}"
    kept = bisect.bisect_right(list(itertools.accumulate(sizes)), longest - len(end))
    while kept and unicodedata.category(name[kept]) in ("Mn", "Mc", "Me", "Cf"):  # marks, joiners
        kept -= 1
    return name[:kept].rstrip("-") + end


def _bytes_of(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")  # names of files may hold bytes that are no text


def write_png(
    path: str | os.PathLike,
    image: np.ndarray | Image.Image,
    request: PictureRequest | None = None,
    model_id: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a PNG file with its metadata; it appears under its name only when whole.

    Args:
        path: The file; missing folders above it are made.
        image: One picture, uint8 `[H, W, 3]` or `[H, W, 1]`, or a Pillow image such as a grid, which carries
            its metadata itself.
        request: What was asked, if `image` is a single picture.
        model_id: Id of the model that drew it, if `image` is a single picture.
        overwrite: Whether a file of that name may be replaced.

    Returns:
        The path.

    Raises:
        RunError: If the file exists and may not be replaced, or cannot be written.
    """
    image = image if isinstance(image, Image.Image) else to_image(image)
    if request is not None:
        annotate(image, "picture", model_id, **describe_request(request))
    chunks = PngImagePlugin.PngInfo()
    if KEY in image.info:
        chunks.add_itxt(KEY, json.dumps(image.info[KEY], ensure_ascii=False), zip=True)
        chunks.add_itxt(XMP_CHUNK, XMP)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", pnginfo=chunks, optimize=True)
    return write_whole(path, buffer.getvalue(), overwrite)


def write_picture(path: str | os.PathLike, image: Image.Image, overwrite: bool = False) -> Path:
    """Write a picture and its metadata as PNG, JPEG or WebP, as the extension says; JPEG lays transparency on white.

    Args:
        path: The file; missing folders above it are made.
        image: A Pillow image; `annotate` gives it its metadata.
        overwrite: Whether a file of that name may be replaced.

    Returns:
        The path.

    Raises:
        RunError: If the file exists and may not be replaced, or cannot be written.
    """
    path = Path(path)
    form = FORMATS[path.suffix.casefold()]
    if form == "PNG":
        return write_png(path, image, overwrite=overwrite)
    exif = Image.Exif()
    if KEY in image.info:
        exif[ExifTags.Base.ImageDescription] = json.dumps(image.info[KEY])  # EXIF's text is ASCII
    if form == "JPEG" and image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, form, quality=_QUALITY, exif=exif)
    return write_whole(path, buffer.getvalue(), overwrite)


def to_image(picture: np.ndarray) -> Image.Image:
    """One picture, uint8 `[H, W, 3]` or `[H, W, 1]`, as a Pillow image."""
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)


def read_source_type(path: str | os.PathLike) -> str | None:
    """Which IPTC `DigitalSourceType` a picture's file names, such as `"trainedAlgorithmicMedia"`, if any."""
    with Image.open(path) as image:
        return source_type(image.info.get("xmp") or image.info.get(XMP_CHUNK) or "")


def write_whole(path: str | os.PathLike, data: bytes, overwrite: bool = False) -> Path:
    """Write the content of a file, whole or not at all, to where `write_png` may write."""
    refuse_to_overwrite(path, overwrite)
    return replace_file(path, lambda part: part.write_bytes(data))


def read_metadata(path: str | os.PathLike) -> dict[str, Any]:
    """What a picture's file says about itself.

    Args:
        path: A PNG, GIF, JPEG or WebP file that this package wrote.

    Returns:
        The metadata: `software`, `version`, `kind`, `model_id` and what was asked.

    Raises:
        RunError: If there is no such file, it is no picture of these kinds, or it carries no metadata of ours.
    """
    path = Path(path)
    if not path.is_file():
        raise RunError(f"{str(path)!r} is no file." if path.exists() else f"There is no file {str(path)!r}.")
    try:
        with Image.open(path, formats=(*FORMATS.values(), "GIF")) as image:
            text = _metadata_text(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RunError(f"{str(path)!r} is no PNG, GIF, JPEG or WebP picture that can be read.") from error
    try:
        metadata = json.loads(text)
        if metadata["software"] == KEY:
            return metadata
    except (ValueError, TypeError, KeyError):
        pass
    raise RunError(
        f"{str(path)!r} carries no metadata of tfproductgan: another program saved it, or it is no drawn picture."
    )


def _metadata_text(image):
    if image.format in ("JPEG", "WEBP"):
        return image.getexif().get(ExifTags.Base.ImageDescription, "")
    return image.info.get("comment" if image.format == "GIF" else KEY, "")
