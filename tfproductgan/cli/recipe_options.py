"""Words of the command line that say how to train, turned into values."""

from __future__ import annotations

import argparse
import datetime
import json
import re
from typing import Any

_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}
_SECONDS = {"s": 1, "min": 60, "h": 3600}


def parse_count(text: str) -> int:
    """A number of images: `400000`, `400k` or `1.5M`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKmM]?)", text.strip())
    count = round(float(match[1]) * _FACTORS[match[2].lower()]) if match else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of images; write 400000, 400k or 1.5M")
    return count


def parse_interval(text: str) -> int | datetime.timedelta:
    """A number of images, as `parse_count` reads it, or a time: `90s`, `5min` or `1.5h`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|h)", text.strip())
    if not match:
        try:
            return parse_count(text)
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentTypeError(f"{error}; or a time: 90s, 5min, 1.5h") from None
    interval = datetime.timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    if not interval:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 90s, 5min or 1.5h")
    return interval


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
