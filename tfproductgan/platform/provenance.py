"""Pictures that say in their file that a model drew them, and what was asked for.

The chunk is the one that `tfproductgan inspect` reads; IPTC's `DigitalSourceType` says the same to others' programs.

Reference:
    IPTC, Photo Metadata Guidance for AI Generated Synthetic Media, https://iptc.org/standards/photo-metadata/
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

import tfproductgan

_KEY = "tfproductgan"
_HEADER_END = 33  # the signature of PNG and its first chunk, IHDR

_SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="{_SYNTHETIC}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def signed(png: bytes, kind: str, model_id: str, **details: Any) -> bytes:
    """A PNG file with the metadata put in, its pixels untouched.

    Args:
        png: The file.
        kind: `"picture"`, `"interpolation"` or `"translation"`.
        model_id: Id of the model that drew it.
        **details: What was asked, JSON-ready.
    """
    facts = {"software": _KEY, "version": tfproductgan.__version__, "kind": kind, "model_id": model_id, **details}
    chunks = _text(_KEY, json.dumps(facts, ensure_ascii=False)) + _text("XML:com.adobe.xmp", _XMP)
    return png[:_HEADER_END] + chunks + png[_HEADER_END:]


def _text(name: str, text: str) -> bytes:
    """An iTXt chunk, not compressed."""
    body = b"iTXt" + name.encode() + b"\0\0\0\0\0" + text.encode()
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
