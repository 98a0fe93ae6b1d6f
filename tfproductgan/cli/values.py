"""Words of the command line turned into values: the types of options."""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

Number = TypeVar("Number", int, float)

_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}
_SECONDS = {"s": 1, "min": 60, "h": 3600}


def fitting(convert: Callable[[str], Number], fits: Callable[[Number], bool], words: str) -> Callable[[str], Number]:
    """The type of an option: numbers that `convert` makes of words and that fit; `words` refuse all else."""

    def parse(text: str) -> Number:
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or not fits(value):
            raise argparse.ArgumentTypeError(words.format(text))
        return value

    return parse


def digits(text: str) -> int:
    """A whole number in ASCII digits; a `ValueError` if it is none."""
    # int() takes more, such as 1_000 and the digits of other scripts
    if not re.fullmatch(r"[+-]?[0-9]{1,40}", text.strip()):
        raise ValueError(text)
    return int(text)


whole = fitting(digits, lambda n: True, "{!r} is not a whole number")
positive = fitting(digits, lambda n: 0 < n < 10**18, "{!r} is not a whole number of at least 1")
number = fitting(float, lambda x: True, "{!r} is not a number")
share = fitting(float, lambda x: 0 <= x <= 1, "{!r} is not a share between 0 and 1")


def positive_or_auto(text: str) -> int | str:
    """A whole number of at least 1, or `auto`."""
    return text if text == "auto" else positive(text)


def parse_names(text: str, what: str = "names") -> list[str]:
    """Words separated by commas, or quoted if they have some; `what` they are is for the message if there is none."""
    names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), []) if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError(f"expected {what} separated by commas")
    return names


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
