"""Words of the command line that say how to train, turned into values."""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}


def parse_count(text: str) -> int:
    """A number of images: `400000`, `400k` or `1.5M`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKmM]?)", text.strip())
    count = round(float(match[1]) * _FACTORS[match[2].lower()]) if match else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of images; write 400000, 400k or 1.5M")
    return count


def parse_override(text: str) -> tuple[list[str], Any]:
    """`field=value` or `field.option=value`; the value is JSON where it can be read so, else a word."""
    path, separator, value = text.partition("=")
    if not separator or not path.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form FIELD=VALUE")
    try:
        parsed = json.loads(value)
    except json.JSONDecodeError:
        parsed = value
    return path.strip().split("."), parsed
