"""What is nobody's business: metadata of photos, addresses and numbers in texts."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageOps

from tfproductgan.conditions import TEXT, fold
from tfproductgan.errors import Message, PhotoError

_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
_MOST_PIXELS = 40_000_000

_MASKED, _UNREAD = "[masked]", "***"
_KEY = re.compile(r"\b(?:tpg_|sk-|ghp_|xox[abp]-|AKIA)[\w-]{12,}|(?i:bearer)\s+[\w.~+/-]{12,}=*")
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_CARD = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?!\w|\.\d)")
# with a plus or a zero before them, or grouped: numbers that stand alone may be anything
_TELEPHONE = re.compile(
    r"(?<![\w.])(?:\+|00)\d(?:[ ()/.-]{0,2}\d){6,14}(?!\w)|(?<![\w.-])\(?0\d{2,4}[) /-]+\d(?:[ -]?\d){4,9}(?![\w-])"
)


def mask_text(text: str, by: str = _MASKED) -> str:
    """A text with `by` in the place of e-mail addresses, telephone numbers, keys and card numbers."""
    masked = _ADDRESS.sub(by, _KEY.sub(by, text))
    masked = _CARD.sub(lambda found: by if _is_card(found[0]) else found[0], masked)
    return _TELEPHONE.sub(by, masked)


def mask(value: Any, by: str = _MASKED) -> Any:
    """JSON-ready values with every text in them masked, names of fields too."""
    if isinstance(value, str):
        return mask_text(value, by)
    if isinstance(value, Mapping):
        return {mask_text(str(name), by): mask(part, by) for name, part in value.items()}
    return [mask(part, by) for part in value] if isinstance(value, list | tuple) else value


def mask_asked(conditions: Any) -> Any:
    """What is asked for, a mapping or a list of them, with its text masked, by signs that no model reads as a word."""
    if isinstance(conditions, list | tuple):
        return [mask_asked(row) for row in conditions]
    if not isinstance(conditions, Mapping):
        return conditions
    return {name: mask(value, _UNREAD) if fold(name) == TEXT else value for name, value in conditions.items()}


def clean_photo(data: bytes, name: str, most: int = _MOST_PIXELS) -> bytes:
    """An upload as a PNG of nothing but its pixels, upright, and what its colours mean.

    Args:
        data: The file.
        name: Of the file, for errors.
        most: Pixels that it may have.

    Raises:
        PhotoError: If it is no photo of a usual format, or too large.
    """
    shown = mask_text(name)[:100]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                if image.width * image.height > most:
                    size = {"width": image.width, "height": image.height, "most": f"{most:,}"}
                    raise PhotoError(
                        Message("%(name)r has %(width)s x %(height)s pixels; %(most)s is the most.", name=shown, **size)
                    )
                upright = ImageOps.exif_transpose(image)
                profile = image.info.get("icc_profile")
                kept = "transparency" in upright.info or upright.mode in ("RGBA", "LA", "PA")
                clean = upright.convert("RGBA" if kept else "L" if upright.mode in ("1", "L") else "RGB")
        clean.info.clear()
        file = io.BytesIO()
        clean.save(file, "PNG", compress_level=1, icc_profile=profile if image.mode not in ("CMYK", "P") else None)
    except PhotoError:
        raise
    except Exception as error:  # Pillow raises whatever its decoders do with hostile files
        values = {"name": shown, "kinds": ", ".join(_FORMATS), "why": mask_text(str(error))}
        raise PhotoError(Message("%(name)r is no photo of a usual kind (%(kinds)s): %(why)s", **values)) from error
    return file.getvalue()


def _is_card(text: str) -> bool:
    """Whether the digits have the check digit of cards (Luhn)."""
    digits = [int(c) for c in reversed(text) if c.isdigit()]
    return sum(digits[0::2]) % 10 == -sum(sum(divmod(2 * d, 10)) for d in digits[1::2]) % 10
