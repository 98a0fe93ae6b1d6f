"""Files of pictures that say that a model drew them, to other people's programs too: IPTC's `DigitalSourceType`.

Reference:
    IPTC, Photo Metadata Guidance for AI Generated Synthetic Media, https://iptc.org/standards/photo-metadata/
"""

from __future__ import annotations

import re

XMP_CHUNK = "XML:com.adobe.xmp"
"""Name of the chunk of PNG that holds XMP."""

SYNTHETIC = "trainedAlgorithmicMedia"
"""What IPTC calls media that a trained model made."""

_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SYNTHETIC_URL = _TYPES + SYNTHETIC
"""The same in full, as C2PA has it too."""

XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="{SYNTHETIC_URL}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
"""Metadata that says so."""

# as an attribute of an element, or as an element of its own
_FOUND = re.compile(rf"DigitalSourceType\W{{1,40}}?(?:rdf:resource=\W)?\s*{re.escape(_TYPES)}(\w+)")


def source_type(xmp: str | bytes) -> str | None:
    """Which `DigitalSourceType` some XMP names, such as `"trainedAlgorithmicMedia"`; `None` if it names none."""
    found = _FOUND.search(xmp if isinstance(xmp, str) else xmp.decode("utf-8", "replace"))
    return found[1] if found else None
