"""Pictures that carry what was asked for and that a model drew them: in their file, and visibly if that is wanted.

The chunk of our own is the one that `tfproductgan inspect` reads.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import Any

from PIL import Image, ImageDraw, ImageFont

import tfproductgan
from tfproductgan.provenance import XMP, XMP_CHUNK

_KEY = "tfproductgan"
_HEADER_END = 33  # the signature of PNG and its first chunk, IHDR

_MARK_HEIGHT = 1 / 14  # of the picture's
_SMALLEST_MARK = 10


def signed(png: bytes, kind: str, model_id: str, **details: Any) -> bytes:
    """A PNG file with the metadata put in, its pixels untouched.

    Args:
        png: The file.
        kind: `"picture"`, `"interpolation"` or `"translation"`.
        model_id: Id of the model that drew it.
        **details: What was asked, JSON-ready.
    """
    facts = {"software": _KEY, "version": tfproductgan.__version__, "kind": kind, "model_id": model_id, **details}
    chunks = _text(_KEY, json.dumps(facts, ensure_ascii=False)) + _text(XMP_CHUNK, XMP)
    return png[:_HEADER_END] + chunks + png[_HEADER_END:]


def marked(png: bytes, mark: str) -> bytes:
    """A PNG file with some words in its lower right corner, as they are, on a plate that is always legible."""
    with Image.open(io.BytesIO(png)) as image:
        picture = image.convert("RGB") if image.mode not in ("RGB", "RGBA") else image.copy()
    font = ImageFont.load_default(max(_SMALLEST_MARK, picture.height * _MARK_HEIGHT))
    draw = ImageDraw.Draw(picture)
    left, top, right, bottom = draw.textbbox((0, 0), mark, font=font)
    margin = max(1, round((bottom - top) / 4))
    corner = (picture.width - (right - left) - 2 * margin, picture.height - (bottom - top) - 2 * margin)
    draw.rectangle((*corner, picture.width, picture.height), fill="black")
    draw.text((corner[0] + margin - left, corner[1] + margin - top), mark, fill="white", font=font)
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _text(name: str, text: str) -> bytes:
    """An iTXt chunk, not compressed."""
    body = b"iTXt" + name.encode() + b"\0\0\0\0\0" + text.encode()
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
