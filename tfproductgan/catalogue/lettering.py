"""Texts that Pillow's own font can draw."""

from __future__ import annotations

import unicodedata


def drawable(text: str) -> str:
    """A text in ASCII, all that Pillow's own font has: letters without their accents, `?` for other scripts."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).encode("ascii", "replace").decode()
