"""Whether samples look like what was asked for, to a classifier of the catalogue's own attributes.

The classifier errs on photos too, so every figure stands beside the same one of real photos.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfproductgan.conditions import NOT_GIVEN, Attribute


@dataclasses.dataclass(frozen=True)
class ValueAccuracy:
    """How often one value was recognised.

    Args:
        value: Its name.
        asked: Number of samples it was asked of.
        accuracy: Share of them that were recognised; `None` if it was never asked.
        real: Number of photos that have it.
        real_accuracy: Share of them that were recognised; `None` if there are none.
    """

    value: str
    asked: int
    accuracy: float | None
    real: int
    real_accuracy: float | None


@dataclasses.dataclass(frozen=True)
class AttributeAccuracy:
    """How often the values of one attribute were recognised.

    Args:
        attribute: Its name.
        judged_by: Id of the classifier, or `"pixels"`.
        asked: Number of samples of which a value was asked; of an attribute that takes several, number of values.
        accuracy: Share of them whose value was recognised.
        balanced: Mean over the values that were asked, each weighing the same.
        real: Number of photos that have a value.
        real_accuracy: Share of the photos recognised, the best that can be expected of samples; `None` if there
            are none.
        chance: What always answering with the value most asked for would score.
        values: One a value of the attribute that was asked or that photos have.
        confusion: Value asked to value recognised to number of samples; what passes for the value that was asked has
            that one's name, and what did not occur is left out.
    """

    attribute: str
    judged_by: str
    asked: int
    accuracy: float
    balanced: float
    real: int
    real_accuracy: float | None
    chance: float
    values: tuple[ValueAccuracy, ...]
    confusion: dict[str, dict[str, int]]

    def most_confused(self, count: int = 10) -> list[tuple[str, str, int]]:
        """The most frequent mistakes: (asked, recognised, number of samples)."""
        mistakes = [
            (asked, seen, number)
            for asked, row in self.confusion.items()
            for seen, number in row.items()
            if asked != seen
        ]
        return sorted(mistakes, key=lambda mistake: (-mistake[2], mistake))[:count]


def accuracy_of(
    attribute: Attribute,
    asked: np.ndarray,
    predicted: np.ndarray,
    real: np.ndarray,
    real_predicted: np.ndarray,
    judged_by: str,
    passes: np.ndarray | None = None,
    names: Sequence[str] = (),
) -> AttributeAccuracy | None:
    """Compare what was asked with what was recognised.

    Args:
        attribute: The attribute.
        asked: int `[N]`, the ids asked of the samples, or `[N, several]`, see `value_by_value`.
        predicted: int of the same shape, what was recognised in them: ids, or numbers of `names`; the likeliest first.
        real: Likewise, the ids of photos.
        real_predicted: Likewise, what was recognised in those.
        judged_by: Id of what recognises.
        passes: Which names pass for each id, bool `[num_ids, len(names)]`; ids for which none does are left out. By
            default each id passes for itself.
        names: What can be recognised, if it is not the attribute's values.

    Returns:
        An `AttributeAccuracy`, or `None` if no such value was asked.
    """
    if passes is None:
        passes, names = np.eye(attribute.num_ids, dtype=bool), ("", *attribute.values)
        passes[NOT_GIVEN] = False
    asked, predicted, real, real_predicted = (
        ids[:, None] if ids.ndim == 1 else ids for ids in (asked, predicted, real, real_predicted)
    )
    confusion, real_confusion = (
        np.bincount(ids * len(names) + found, minlength=passes.size).reshape(passes.shape) * passes.any(axis=1)[:, None]
        for ids, found in (value_by_value(asked, predicted, passes), value_by_value(real, real_predicted, passes))
    )
    rows, real_rows = confusion.sum(axis=1), real_confusion.sum(axis=1)
    if not rows.any():
        return None
    right, real_right = (confusion * passes).sum(axis=1), (real_confusion * passes).sum(axis=1)
    frequent = np.argsort(-(rows @ passes), kind="stable")[: asked.shape[1]]
    ids, found = value_by_value(asked, np.tile(frequent, (len(asked), 1)), passes)
    counts = zip(attribute.values, right[1:], rows[1:], real_right[1:], real_rows[1:], strict=True)
    values = tuple(
        ValueAccuracy(value, int(asked), _share(right, asked), int(real), _share(real_right, real))
        for value, right, asked, real_right, real in counts
        if asked or real
    )
    return AttributeAccuracy(
        attribute=attribute.name,
        judged_by=judged_by,
        asked=int(rows.sum()),
        accuracy=float(right.sum() / rows.sum()),
        balanced=float(np.mean([value.accuracy for value in values if value.asked])),
        real=int(real_rows.sum()),
        real_accuracy=_share(real_right.sum(), real_rows.sum()),
        chance=float(passes[ids, found].sum() / rows.sum()),
        values=values,
        confusion={
            value: ({value: int(right[row])} if right[row] else {})
            | {names[seen]: int(confusion[row, seen]) for seen in np.flatnonzero(confusion[row] * ~passes[row])}
            for row, value in enumerate(attribute.values, start=1)
            if rows[row]
        },
    )


def value_by_value(
    asked: np.ndarray, seen: np.ndarray, passes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """What was recognised in the place of each value that was asked, whatever the number of values a picture.

    Of a picture with n values the n likeliest count as recognised: each value asked that is among them is right, any
    other was taken for the likeliest of them that nobody asked for.

    Args:
        asked: int `[N, several]`, ids; 0 is none.
        seen: int `[N, several]`, ids or other numbers, the likeliest first.
        passes: Which numbers pass for each id, bool; by default each id for itself.

    Returns:
        int `[P]` each: the ids that were asked, and what was recognised.
    """
    rows, places = np.nonzero(asked)
    ids, found = asked[rows, places], seen[rows]
    counted = np.arange(asked.shape[1]) < (asked != NOT_GIVEN).sum(axis=1)[rows, None]

    def right(wanted):
        same = wanted == found if passes is None else passes[wanted, found]
        return same & counted & (wanted != NOT_GIVEN)

    mine = right(ids[:, None])
    others = ~np.any([right(column[:, None]) for column in asked[rows].T], axis=0) & counted
    place = np.where(mine.any(axis=1), mine.argmax(axis=1), others.argmax(axis=1))
    return ids, found[np.arange(len(ids)), place]


def _share(count: float, of: float) -> float | None:
    return float(count / of) if of else None
