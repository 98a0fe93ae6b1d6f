"""What values of a recipe can be; errors name the field, what was received and what would be right."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tfproductgan.errors import RecipeError


def check(name: str, value: Any, accepts: Callable[[Any], Any], right: str) -> None:
    """Refuse a value.

    Args:
        name: The field, as people write it.
        value: What was received.
        accepts: Whether a value can be; what it raises for values of another type means no.
        right: What would be right, after "must".

    Raises:
        RecipeError: If the value cannot be.
    """
    try:
        fine = accepts(value)
    except (TypeError, OverflowError):
        fine = False
    if not fine:
        raise RecipeError(f"{name} must {right}. Received: {value!r}")


def check_count(name: str, value: Any) -> None:
    """A whole number of at least 1."""
    check(name, value, lambda v: is_whole(v) and 1 <= v < 2**63, "be a whole number of at least 1")


def check_share(name: str, value: Any) -> None:
    """A number from 0 to 1."""
    check(name, value, lambda v: is_finite(v) and 0 <= v <= 1, "be between 0 and 1")


def check_least(name: str, value: Any, least: float = 0) -> None:
    """A number of at least `least`."""
    check(name, value, lambda v: is_finite(v) and v >= least, f"be at least {least:g}")


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """One of some words."""
    check(name, value, lambda v: v in choices, f"be one of {tuple(choices)}")


def check_name(name: str, value: Any) -> None:
    """A word."""
    check(name, value, lambda v: isinstance(v, str), "be a name")


def check_mapping(name: str, value: Any) -> dict[str, Any]:
    """A copy of a mapping of names to values."""
    check(name, value, lambda v: isinstance(v, Mapping), "map names to values")
    return dict(value)


def is_finite(value: Any) -> bool:
    """Whether a number is one to compute with."""
    return not isinstance(value, bool) and math.isfinite(value) and abs(value) < 2**53


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)
