"""Cells in which a program wrote that there is nothing, such as `nan` and `#N/A`: not given, as empty ones are."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tfproductgan.catalogue.kinds import count_of
from tfproductgan.catalogue.sources import Item, Source
from tfproductgan.conditions import Attribute, ConditionSchema, fold

# as NumPy, pandas, R, databases and spreadsheets spell them, to the letter: Nan, Null and NAN are names
_GAPS = {"nan", "NaN", "NaT", "<NA>", "NA", "N/A", "n/a", "#N/A", "#NA", "#NV", "#N/D", "NULL", "null", "\\N"}
_GAPS |= {"-", "--", "–", "—"}
_FORMULA_ERROR = re.compile(r"#¡?[^\W\da-z_][^\sa-z]*[!?]")  # of a spreadsheet in any language: #REF!, #DIV/0!, #NAME?
_MAY_BE_GAP = "none"  # Python writes it where it has nothing, people for a pattern or a sleeve that is not there


def is_gap(text: str) -> bool:
    """Whether a cell says that there is nothing in it, though it is not empty."""
    return text in _GAPS or (text[:1] == "#" and _FORMULA_ERROR.fullmatch(text) is not None)


def without_gaps(source: Source, schema: ConditionSchema | None = None) -> Source:
    """A source in whose labels such cells are "not given", which its notes say.

    Args:
        source: The photos. Attributes whose values are fixed, as those of class labels are, stay as they are.
        schema: Of a model, a run or a data set that was made of them: what it has for a value is one.
    """
    known = {fold(attribute.name): attribute for attribute in (schema.attributes if schema else ())}
    names = [name for name in source.attributes if name not in source.values]
    found: dict[str, Counter[str]] = {name: Counter() for name in names}
    items = [_without_gaps(item, found, known) for item in source.items]
    notes = [_gap_note(name, counts) for name, counts in found.items() if counts]
    for name in names:
        labels = (item.labels.get(name) for item in items)
        unsure = sum(isinstance(label, str) and fold(label) == _MAY_BE_GAP for label in labels)
        if unsure:
            notes.append(
                f"{name}: 'None' on {count_of(unsure, 'photo')} is a value like others; if it means that nothing is "
                "known, empty those cells."
            )
    return dataclasses.replace(source, items=items, notes=[*source.notes, *notes]) if notes else source


def _without_gaps(item: Item, found: Mapping[str, Counter[str]], known: Mapping[str, Attribute]) -> Item:
    """A photo whose labels have no gaps; those that it had are counted."""
    changed: dict[str, Any] = {}
    for name, counts in found.items():
        label = item.labels.get(name)
        if not label:
            continue
        gaps = [text for text in ((label,) if isinstance(label, str) else label) if is_gap(text)]
        attribute = known.get(fold(name)) if gaps else None
        gaps = [text for text in gaps if attribute is None or not attribute.knows(text)]
        if gaps:
            counts.update(set(gaps))
            changed[name] = "" if isinstance(label, str) else tuple(text for text in label if text not in gaps)
    return dataclasses.replace(item, labels={**item.labels, **changed}) if changed else item


def _gap_note(name: str, counts: Counter[str]) -> str:
    listed = ", ".join(f"{text!r} ({count_of(count, 'photo')})" for text, count in counts.most_common())
    return f"{name}: {listed} taken for 'not given', as an empty cell is."
