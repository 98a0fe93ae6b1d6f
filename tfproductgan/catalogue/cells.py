"""A cell of a table, an array or a data set as text: what labels are made of, wherever they come from."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

import numpy as np


def cell_text(value: Any) -> str:
    """A cell of one value as text, "" if there is nothing in it: `None`, NaN, NaT, pandas' NA, a masked number.

    Gaps turn whole numbers into floats, so 2012.0 reads 2012; bytes are UTF-8; a time at midnight is a date.
    """
    if _is_missing(value):
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if isinstance(value, float | np.floating | decimal.Decimal):
        whole = math.isfinite(value) and value == int(value)
        return str(int(value)) if whole else str(value)
    if isinstance(value, np.datetime64) and np.datetime_data(value)[0] not in ("Y", "M", "W", "D"):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value).strip()


def cell_texts(value: Any) -> str | tuple[str, ...]:
    """A cell as text, or if it holds several values as a tuple of theirs; `()` is "not given" as well."""
    for method in ("numpy", "as_py"):  # scalars of tensors and of Arrow
        if hasattr(value, method):
            value = getattr(value, method)()
    if value is np.ma.masked:
        return ""
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value.item()
    if isinstance(value, set | frozenset):
        value = sorted(value, key=cell_text)
    if isinstance(value, list | tuple | np.ndarray):
        return tuple(text for cell in value if (text := cell_text(cell)))
    return cell_text(value)


def _is_missing(value: Any) -> bool:
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas' NA does not say whether it equals itself
        return type(value).__name__ == "NAType"
