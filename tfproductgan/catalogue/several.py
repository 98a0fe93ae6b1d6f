"""Cells that hold several values, such as "Pine, white": taken apart where that is asked for, said where it is not."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tfproductgan.catalogue.gaps import is_gap
from tfproductgan.catalogue.sources import Item, Source
from tfproductgan.conditions import ConditionSchema, fold, tidy
from tfproductgan.errors import CatalogueError, nearest

CANDIDATES = ("\n", ";", "|", ",", "，", "；", "、", "/", "+", "&")
"""What is looked for between values, in this order where several are there as often."""

_BRACKETS = ("[]", "()", "{}")  # lists that some program has written as text
_LIKELY_SHARE = 0.6  # of the cells with a separator must have nothing but values between

# prices and measures with a comma for a point
_OF_ONE = re.compile(r"\D*\d+,\d+\D*")

Multi = str | Iterable[str] | Mapping[str, str | None] | None
"""Attributes that hold several values, or a mapping of these to what is between, `None` for what is found there."""


def taken_apart(source: Source, multi: Multi = None) -> Source:
    """A source whose photos have several values of some attributes.

    Args:
        source: The photos.
        multi: Which attributes. Their labels become tuples; of others that look as if they held several values too, the
            notes of the source say so.

    Raises:
        CatalogueError: If there is no such attribute.
    """
    separators = _separators(source, multi)
    items = [_taken_apart(item, separators) for item in source.items] if separators else source.items
    fixed = {name: values for name, values in source.values.items() if name not in separators}
    others = [name for name in source.attributes if name not in separators]
    notes = [note for note in (looks_several(source, name) for name in others) if note]
    return dataclasses.replace(source, items=items, values=fixed, notes=[*source.notes, *notes])


def likely_separator(counts: Mapping[str, int]) -> str | None:
    """What is between the values of cells that look as if they held several, or `None` if they do not.

    At least half the parts of such a cell are cells by themselves or come in other cells too, and they are no numbers
    or prices.

    Args:
        counts: How often each cell occurs.
    """
    alone, found = {fold(cell) for cell in counts}, {}
    for separator in CANDIDATES:
        cells = {cell: {fold(part) for part in split_cell(cell, separator)} for cell in counts if separator in cell}
        cells = {cell: parts for cell, parts in cells.items() if len(parts) > 1}
        often = Counter(part for parts in cells.values() for part in parts)
        likely = sum(
            counts[cell]
            for cell, parts in cells.items()
            if 2 * sum(part in alone or often[part] > 1 for part in parts) >= len(parts)
            and not all(map(_is_number, parts))
            and not _OF_ONE.fullmatch(cell)
            and not is_gap(cell)
        )
        if likely and likely >= _LIKELY_SHARE * sum(counts[cell] for cell in cells):
            found[separator] = likely
    return max(found, key=lambda separator: found[separator], default=None)


def looks_several(source: Source, name: str) -> str | None:
    """What to say of an attribute that looks as if it held several values, or `None` if it does not."""
    counts = _counts(source, name)
    separator = None if name in source.values else likely_separator(counts)
    if separator is None:
        return None
    first = next(cell for cell in counts if len(split_cell(cell, separator)) > 1)
    return (
        f"{name} looks as if it held several values in one cell, such as {first!r}: --multi {shlex.quote(name)} takes "
        "them apart."
    )


def split_cell(cell: str, separator: str) -> tuple[str, ...]:
    """The values in a cell, in the form in which they are kept."""
    text = cell.strip()
    listed = text[:1] + text[-1:] in _BRACKETS
    parts = (text[1:-1] if listed else text).split(separator)
    return tuple(kept for part in parts if (kept := tidy(part.strip(" '\"") if listed else part)))


def too_many(schema: ConditionSchema, items: Iterable[Item]) -> list[str]:
    """What is left out of photos with more values than their attribute takes, a line an attribute."""
    notes = []
    for attribute in (each for each in schema.attributes if each.several > 1):
        cells = (next((v for n, v in item.labels.items() if fold(n) == fold(attribute.name)), None) for item in items)
        known = [len({fold(name) for name in attribute.split(cell) if attribute.knows(name)}) for cell in cells]
        more = sum(count > attribute.several for count in known)
        if more:
            notes.append(
                f"{more:,} of {len(known):,} photos have more than {attribute.several} values of {attribute.name}: "
                "they keep the most frequent."
            )
    return notes


def _separators(source: Source, multi: Multi) -> dict[str, str]:
    """What is between the values of each attribute that holds several."""
    if isinstance(multi, str):
        multi = (multi,)
    given = dict(multi) if isinstance(multi, Mapping) else dict.fromkeys(multi or ())
    names = {fold(name): name for name in source.attributes}
    found = {}
    for name, separator in given.items():
        if fold(name) not in names:
            raise CatalogueError(
                f"multi (--multi) names {name!r}, which is no attribute: {nearest(name, source.attributes)}"
            )
        name = names[fold(name)]
        found[name] = (separator.strip() or separator) if separator else _most_frequent(source, name)
    return found


def _most_frequent(source: Source, name: str) -> str:
    counts = _counts(source, name)
    cells = {separator: sum(counts[cell] for cell in counts if separator in cell) for separator in CANDIDATES}
    return likely_separator(counts) or max(cells, key=lambda separator: cells[separator])


def _taken_apart(item: Item, separators: Mapping[str, str]) -> Item:
    labels: dict[str, Any] = dict(item.labels)
    for name, separator in separators.items():
        if isinstance(labels.get(name), str):
            cell = labels[name].strip()
            labels[name] = (cell,) if is_gap(cell) else split_cell(cell, separator)
    return dataclasses.replace(item, labels=labels)


def _counts(source: Source, name: str) -> Counter[str]:
    """How often each cell occurs, as it is written."""
    cells = (item.labels.get(name) for item in source.items)
    return Counter(cell.strip() for cell in cells if isinstance(cell, str) and cell.strip())


def _is_number(text: str) -> bool:
    return text.replace(".", "").replace("-", "").replace(" ", "").isdigit()
