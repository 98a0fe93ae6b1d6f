"""One photo, as it comes, to one square of pixels: whatever the format, the mode and the proportions."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError, features

from tfproductgan.catalogue.colour_profiles import foreign_profile, in_srgb
from tfproductgan.catalogue.kinds import HEAD, KINDS, UNKNOWN, kind_of
from tfproductgan.errors import CatalogueError, PhotoError

EXTENSIONS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
"""What the names of photos end in."""

# and no other of Pillow's formats, whatever the name: some of them hand the file to another program
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
_PLAIN_FORMATS = ("BMP", "JPEG", "PNG")  # which all programs read

FITS = ("letterbox", "crop")

# modes whose pixels have one value; "P" may hold colours
_GREY_MODES = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
# levels of 255 by which the channels of a grey photo differ after a JPEG decoder or a WebP encoder
_GREY_TOLERANCE = 2
_BORDER_SAMPLES = 64
_BACKGROUND_TOLERANCE = 16


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where a photo lies inside its square, in pixels: the way back to its own proportions.

    `left` and `top` are its first column and row, `right` and `bottom` one past its last.
    """

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of_aspect(cls, aspect: float | None, size: int) -> Placement:
        """The box of a letterboxed photo of that width divided by height; `None` fills the square."""
        aspect = aspect or 1.0
        width = max(1, round(size * min(1.0, aspect)))
        height = max(1, round(size * min(1.0, 1.0 / aspect)))
        left, top = (size - width) // 2, (size - height) // 2
        return cls(left, top, left + width, top + height)

    def crop(self, pictures: np.ndarray) -> np.ndarray:
        """Cut the photo out of its square: a view of `[..., S, S, C]`, with any number of leading dimensions."""
        return pictures[..., self.top : self.bottom, self.left : self.right, :]


def open_photo(data: bytes, name: str, at_least: int | None = None) -> Image.Image:
    """Decode a photo.

    The first frame of animations is taken, the EXIF rotation is applied, colours of another profile, CMYK and 16-bit
    values are converted to sRGB, transparency is laid on white.

    Args:
        data: The bytes of its file.
        name: What error messages call it.
        at_least: Sides of at least this many pixels will do, which makes large JPEGs several times faster. By
            default the photo has all its pixels.

    Returns:
        The photo in mode `"L"` if it is stored as grey, else `"RGB"`.

    Raises:
        PhotoError: If it is empty, no photo, damaged, of a single pixel, or larger than Pillow's limit against
            decompression bombs.
    """
    if not data:
        raise PhotoError(f"{name}: the file is empty")
    try:
        image = _identified(data)
        if image.size == (1, 1):
            raise PhotoError(f"{name}: a single pixel is no photo")
        if at_least is not None and image.format == "JPEG":
            # draft scales both sides alike and stays above what it is asked for: ask for the shorter side
            shrink = at_least / min(image.size)
            if shrink < 0.5:
                image.draft(None, (int(image.width * shrink), int(image.height * shrink)))
        image.load()
        return _finished(image)
    except PhotoError:
        raise
    except Image.DecompressionBombError as error:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 10**6
        raise PhotoError(f"{name}: more than {most} million pixels, scale it down") from error
    except UnidentifiedImageError as error:
        raise PhotoError(f"{name}: not a JPEG, PNG, WebP, GIF, BMP or TIFF photo{_instead(data)}") from error
    except Exception as error:  # damaged files raise nearly anything, from struct.error to SyntaxError
        raise PhotoError(f"{name}: damaged ({error})") from error


def _finished(image: Image.Image) -> Image.Image:
    """A picture that was read: upright, in sRGB, in mode RGB or L."""
    upright = _upright(image)
    return _flat(in_srgb(_eight_bits(upright) if _is_deep(upright) else upright, image.info))


def open_with_alpha(data: bytes, name: str) -> tuple[Image.Image, Image.Image | None]:
    """A photo as `open_photo` returns it, and how opaque it is.

    Returns:
        The photo, transparency laid on white, and its opacity in mode `"L"`; `None` if it is opaque all over.

    Raises:
        PhotoError: As `open_photo`.
    """
    photo = open_photo(data, name)
    with _identified(data) as image:
        if not image.has_transparency_data:
            return photo, None
        alpha = _upright(image).convert("RGBA").getchannel("A")
    return photo, None if alpha.getextrema() == (255, 255) else alpha


def photo_of_pillow(image: Image.Image, name: str) -> Image.Image:
    """A photo that Pillow holds, as `open_photo` returns it.

    Args:
        image: Of any mode, opened or made.
        name: What error messages call it.

    Raises:
        PhotoError: If its file is damaged.
    """
    try:
        image.load()
        return _finished(image)
    except Exception as error:  # its file may be read only now
        raise PhotoError(f"{name}: damaged ({error})") from error


@functools.cache
def extra_formats() -> dict[str, str]:
    """Kinds of photos that this installation reads beside the usual ones, and what Pillow calls their formats."""
    avif = "avif" in features.modules and features.check("avif")
    heif = importlib.util.find_spec("pillow_heif") is not None
    return {**({"AVIF": "AVIF"} if avif else {}), **({"HEIC": "HEIF"} if heif else {})}


def is_readable(kind: str) -> bool:
    """Whether files of a kind, as `kind_of` tells it, are photos that `open_photo` reads."""
    return kind in _FORMATS or kind in extra_formats()


def header_of(data: bytes) -> tuple[tuple[int, int], str, str | None]:
    """Of a photo's file, without decoding it: width and height in pixels, the format, and what its colours are called
    if `open_photo` converts them to sRGB.
    """
    with _identified(data) as image:
        return image.size, image.format or "unknown", foreign_profile(image.mode, image.info)


def plain_file(data: bytes, name: str) -> bytes:
    """A photo's file from which any decoder makes what `open_photo` does: itself if it is one, else as PNG.

    Args:
        data: The bytes of its file.
        name: What error messages call it.

    Raises:
        PhotoError: If it cannot be read.
    """
    try:
        with _identified(data) as image:
            plain = image.format in _PLAIN_FORMATS and image.mode in ("L", "RGB") and not image.has_transparency_data
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
            if plain and not turned and foreign_profile(image.mode, image.info) is None:
                return data
    except Exception:  # what it is, it says when it is decoded
        pass
    return png_file(open_photo(data, name))


def png_file(image: Image.Image) -> bytes:
    """A picture as the bytes of a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _identified(data: bytes) -> Image.Image:
    extra = extra_formats().get(kind_of(data[:HEAD]))
    if extra == "HEIF":
        _register_heif()
    return Image.open(io.BytesIO(data), formats=_FORMATS if extra is None else (extra,))


@functools.cache
def _register_heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()


def _instead(data: bytes) -> str:
    """What a file is that is no photo, if anybody can tell."""
    kind = KINDS.get(kind_of(data[:HEAD]), KINDS[UNKNOWN])
    return "" if kind is KINDS[UNKNOWN] else f" ({kind.noun}: {kind.remedy})"


def photo_of_array(array: np.ndarray, name: str) -> Image.Image:
    """A photo from pixels, as `open_photo` returns it.

    Args:
        array: uint8 `[H, W]` or `[H, W, C]` with 1 (grey), 3 (RGB) or 4 (RGBA) channels.
        name: What error messages call it.

    Raises:
        PhotoError: If the array has another type or shape.
    """
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    whole = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if array.dtype != np.uint8 or not whole or 0 in array.shape:
        raise PhotoError(
            f"{name}: pixels must be uint8 [H, W] or [H, W, 1, 3 or 4]. Received: {array.dtype} {list(array.shape)}"
        )
    return _flat(Image.fromarray(array))


def decode(raw: bytes | np.ndarray, name: str, at_least: int | None = None) -> Image.Image:
    """A photo from what a source loads: the bytes of its file, as `open_photo`, or its pixels, as `photo_of_array`."""
    return photo_of_array(raw, name) if isinstance(raw, np.ndarray) else open_photo(raw, name, at_least)


def read_item(
    loads: Sequence[Callable[[], bytes | np.ndarray]], name: str, at_least: int | None = None
) -> list[tuple[bytes | np.ndarray, Image.Image]]:
    """Load and decode the pictures of one item: its photo and, in pairs, its source.

    Args:
        loads: What loads them.
        name: What error messages call the item.
        at_least: As `open_photo`.

    Raises:
        PhotoError: If one cannot be read, or they have other proportions.
    """
    raw = loads[0]()
    read = [(raw, decode(raw, name, at_least))]
    for load in loads[1:]:
        try:
            raw = load()
            read.append((raw, decode(raw, name, at_least)))
        except PhotoError as error:
            reason = str(error).removeprefix(f"{name}: ")
            raise PhotoError(f"{name}: its source cannot be used: {reason}") from error
        if not _in_proportion(read[0][1].size, read[-1][1].size):
            # JPEGs are decoded in part: the whole decides
            size, other = (decode(raw, name).size for raw, _ in (read[0], read[-1]))
            if not _in_proportion(size, other):
                raise PhotoError(
                    f"{name}: its source has {other[0]} x {other[1]} pixels and the picture {size[0]} x {size[1]}: "
                    "they need the same proportions"
                )
    return read


def _in_proportion(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether one size is the other scaled, up to a pixel of the larger."""
    return abs(size[0] * other[1] - size[1] * other[0]) <= max(*size, *other)


def place(
    image: Image.Image, size: int, fit: str = "letterbox", channels: int = 3, aspect: float | None = None
) -> tuple[np.ndarray, Placement]:
    """Resize a photo into a square, antialiased.

    Args:
        image: As `open_photo` returns it.
        size: Height and width of the square in pixels.
        fit: `"letterbox"` keeps the whole photo and continues its own background; `"crop"` fills the square with
            the middle of the photo.
        channels: 3 for colour, 1 for grey.
        aspect: Width divided by height to give the whole photo; by default its own.

    Returns:
        uint8 `[size, size, channels]`, and where the photo lies in it.

    Raises:
        CatalogueError: If `fit` is neither.
    """
    if fit not in FITS:
        raise CatalogueError(f"fit must be 'letterbox' or 'crop'. Received: {fit!r}")
    if channels == 1 and image.mode != "L":
        image = image.convert("L")
    if fit == "crop":
        side = min(image.size)
        left, top = (image.width - side) / 2, (image.height - side) / 2
        square = _resized(image, (size, size), (left, top, left + side, top + side))
        return _pixels(square, channels), Placement(0, 0, size, size)
    placement = Placement.of_aspect(aspect or image.width / image.height, size)
    inner = _resized(image, (placement.right - placement.left, placement.bottom - placement.top))
    pixels = _pixels(inner, channels)
    if inner.size == (size, size):
        return pixels, placement
    padded = np.empty((size, size, channels), np.uint8)
    padded[:] = background_colour(pixels)
    placement.crop(padded)[:] = pixels
    return padded, placement


def is_grey(pixels: np.ndarray) -> bool:
    """Whether a photo, uint8 `[H, W, C]`, has no colour, even if it is saved as one that has."""
    return int(np.ptp(pixels, axis=2).max()) <= _GREY_TOLERANCE


def background_colour(pixels: np.ndarray) -> np.ndarray:
    """The colour that most of a photo's border has, uint8 `[H, W, C]` to `[C]`, whatever touches it elsewhere."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]]).astype(np.int16)
    border = border[:: max(1, len(border) // _BORDER_SAMPLES)]
    middle = _median(border)
    if np.abs(border - middle).max() > _BACKGROUND_TOLERANCE:
        # the colour with the most alike, and the median of those: a median over all would mix object and background
        alike = (np.abs(border[:, None] - border[None]) <= _BACKGROUND_TOLERANCE).all(axis=2)
        middle = _median(border[alike[alike.sum(axis=1).argmax()]])
    return middle.astype(np.uint8)


def _median(colours: np.ndarray) -> np.ndarray:
    # np.median takes several times as long, which 40,000 photos feel
    return np.sort(colours, axis=0)[len(colours) // 2]


def _flat(image: Image.Image) -> Image.Image:
    """The first frame in mode RGB or L, without transparency."""
    if _is_deep(image):
        return _eight_bits(image)
    mode = "L" if image.mode in _GREY_MODES else "RGB"
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image if image.mode == mode else image.convert(mode)


def _is_deep(image: Image.Image) -> bool:
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    highest = values.max(initial=0.0)
    if image.mode.startswith("I;16") or highest > 255:
        values = values / 257.0
    elif image.mode == "F" and highest <= 1.0:
        values = values * 255.0
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _upright(image: Image.Image) -> Image.Image:
    if "exif" not in image.info:
        return image
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a camera's broken metadata is no reason to lose its photo
        return image


def _resized(image: Image.Image, size: tuple[int, int], box: Any = None) -> Image.Image:
    if image.size == size and (box is None or box == (0, 0, *size)):
        return image
    # the gap reduces by whole factors first, three times the target or more: fast, and no difference to be seen
    return image.resize(size, Image.Resampling.LANCZOS, box, reducing_gap=3.0)


def _pixels(image: Image.Image, channels: int) -> np.ndarray:
    array = np.asarray(image)
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], channels, axis=2)
    return array
