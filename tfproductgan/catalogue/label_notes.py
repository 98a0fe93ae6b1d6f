"""What people most likely did not mean with their labels, in lines to read before a training costs hours."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from tfproductgan.catalogue.gaps import is_gap
from tfproductgan.conditions import count_values, fold

if TYPE_CHECKING:
    from tfproductgan.catalogue.sources import Source
    from tfproductgan.conditions import ConditionSchema

AUTO = "auto"
"""The `min_count` that `fitting_min_count` decides."""

_SHARE, _LEAST, _MOST = 1 / 1000, 2, 100  # of the training photos: what a value needs to be more than an exception
_MOST_NUMBERS = 20  # different ones that are still labels, such as sizes, and no prices
_PHOTOS_A_VALUE = 3
_SHOWN = 6
_FEW = 1000  # photos


def resolve_min_count(source: Source, min_count: int | str) -> int:
    """`min_count`, or the number that `AUTO` is for these photos."""
    return fitting_min_count(source) if isinstance(min_count, str) else min_count


def fitting_min_count(source: Source) -> int:
    """On how many training photos a value has to be, or else is better taken for "not given".

    A thousandth of the photos, 2 to 100: a value on one photo is learnt by heart, and one that a training sees less
    than once in a thousand photos is hardly learnt at all, but some hundred photos are enough in any number. It is
    lowered so that every attribute keeps two values, and is 1 if no value is that rare.
    """
    counts = [counts for name, counts in training_counts(source).items() if name not in source.values]
    wanted = min(max(_LEAST, int(_SHARE * len(_training(source)))), _MOST)
    wanted = min([wanted, *(sorted(of_value.values())[-2:][0] for of_value in counts if of_value)])
    return wanted if any(n < wanted for of_value in counts for n in of_value.values()) else 1


def label_notes(source: Source, min_count: int, schema: ConditionSchema | None = None) -> list[str]:
    """Lines about attributes that were forgotten or say nothing, and about values too rare to be kept.

    Args:
        source: The photos.
        min_count: A value on fewer training photos is not kept.
        schema: What was made of them, if it has been.
    """
    if not source.attributes:
        return [_without_attributes(source.candidates)]
    lines = []
    for attribute, counts in training_counts(source).items():
        kept = source.values.get(attribute) or [value for value, n in counts.items() if n >= min_count]
        kept = schema.attribute(attribute).values if schema else kept
        known = set(map(fold, kept))
        rare = [value for value in counts if fold(value) not in known] if min_count > 1 else []
        if rare:
            lines.append(
                f"{attribute}: {len(rare):,} of {len(counts):,} values are on fewer than {min_count} training photos "
                f"and become 'not given': {_listed(map(repr, rare), len(rare))}. --min-count 1 keeps them."
            )
        if len(kept) == 1:
            lines.append(f"{attribute} has a single value, {kept[0]!r}: there is nothing to choose from.")
    return lines


def notes_of_few(num_train: int) -> list[str]:
    """A line for whoever trains a GAN from scratch on so many photos, if they are few."""
    if not 0 < num_train < _FEW:
        return []
    return [
        f"{num_train:,} photos to train on are few: expect new combinations of what they show. --recipe few-photos is "
        "for so many, best begun with a run on other photos (--from); see docs/how-to/few-photos.md."
    ]


def likely_attributes(columns: Iterable[tuple[str, Sequence[str]]], taken: Iterable[str | None]) -> dict[str, int]:
    """Columns of a table that could be attributes, with their number of values: few, and each on several photos.

    Args:
        columns: The name and the texts of each.
        taken: Names of columns that have another use.
    """
    used = {fold(name) for name in taken if name is not None}
    found = {}
    for name, texts in columns:
        given = sum(map(bool, texts))
        values = {fold(text) for text in set(texts) if not is_gap(text)} - {""}
        recurring = 2 <= len(values) <= given / _PHOTOS_A_VALUE and 2 * given >= len(texts)
        if fold(name) not in used and recurring and not _measures(values):
            found[name] = len(values)
    return found


def _measures(values: set[str]) -> bool:
    """Whether these are numbers of which there are too many for labels, such as prices."""
    return len(values) > _MOST_NUMBERS and all(
        value.replace(",", ".").replace(".", "").lstrip("+-").isdigit() for value in values
    )


def _without_attributes(candidates: Mapping[str, int]) -> str:
    if not candidates:
        return (
            "No attributes: the model will have nothing to be asked for but seeds. Put the photos of each class in a "
            "folder, or name columns of a table with --attributes."
        )
    counted = [f"{count:,}" for count in candidates.values()]
    counted[0] += " values"
    shown = [f"{name} ({count})" for name, count in zip(candidates, counted, strict=True)]
    names = shlex.quote(",".join(f'"{name}"' if "," in name else name for name in islice(candidates, _SHOWN)))
    return (
        "No attributes: the model will have nothing to be asked for but seeds. Columns that could be some are "
        f"{_listed(shown, len(shown))}: --attributes {names} takes them."
    )


def _listed(words: Iterable[str], total: int) -> str:
    return ", ".join(islice(words, _SHOWN)) + (f" and {total - _SHOWN:,} more" if total > _SHOWN else "")


def _training(source: Source) -> list:
    return [item for item in source.items if item.split in (None, "train")]


def training_counts(source: Source) -> dict[str, dict[str, int]]:
    """Attribute to value to number of training photos."""
    items = _training(source)
    return {name: count_values(item.labels.get(name) for item in items) for name in source.attributes}
