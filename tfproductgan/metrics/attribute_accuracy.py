"""Whether samples look like what was asked for, to a classifier of the catalogue's own attributes.

The classifier errs on photos too, so every figure stands beside the same one of real photos.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tfproductgan.conditions import NOT_GIVEN, Attribute, ConditionSchema


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
        asked: Number of samples of which a value was asked.
        accuracy: Share of them whose value was recognised.
        balanced: Mean over the values that were asked, each weighing the same.
        real: Number of photos that have a value.
        real_accuracy: Share of the photos recognised, the best that can be expected of samples; `None` if there
            are none.
        chance: What always answering with the value most asked for would score.
        values: One a value of the attribute that was asked or that photos have.
        confusion: Value asked to value recognised to number of samples; what did not occur is left out.
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


def attribute_accuracy(
    schema: ConditionSchema,
    asked: np.ndarray,
    predicted: np.ndarray,
    real: np.ndarray,
    real_predicted: np.ndarray,
    judged_by: str,
) -> tuple[AttributeAccuracy, ...]:
    """Compare what was asked with what a classifier recognised.

    Args:
        schema: Names of attributes and values.
        asked: int `[N, A]`, the condition ids of the samples.
        predicted: int `[N, A]`, the ids the classifier recognised in them.
        real: int `[M, A]`, the condition ids of photos.
        real_predicted: int `[M, A]`, the ids recognised in those.
        judged_by: Id of the classifier.

    Returns:
        One `AttributeAccuracy` an attribute of which a value was asked.
    """
    return tuple(
        accuracy_of(attribute, *(ids[:, column] for ids in (asked, predicted, real, real_predicted)), judged_by)
        for column, attribute in enumerate(schema.attributes)
        if (asked[:, column] != NOT_GIVEN).any()
    )


def accuracy_of(
    attribute: Attribute,
    asked: np.ndarray,
    predicted: np.ndarray,
    real: np.ndarray,
    real_predicted: np.ndarray,
    judged_by: str,
) -> AttributeAccuracy:
    """`attribute_accuracy` of one attribute: all arrays are int `[N]` or `[M]`, and something must be asked."""
    confusion = _counts(attribute, asked, predicted)
    real_confusion = _counts(attribute, real, real_predicted)
    rows, real_rows = confusion.sum(axis=1), real_confusion.sum(axis=1)
    values = tuple(
        ValueAccuracy(
            value,
            int(rows[i]),
            _share(confusion[i, i], rows[i]),
            int(real_rows[i]),
            _share(real_confusion[i, i], real_rows[i]),
        )
        for i, value in enumerate(attribute.values, start=1)
        if rows[i] or real_rows[i]
    )
    return AttributeAccuracy(
        attribute=attribute.name,
        judged_by=judged_by,
        asked=int(rows.sum()),
        accuracy=float(np.trace(confusion) / rows.sum()),
        balanced=float(np.mean([value.accuracy for value in values if value.asked])),
        real=int(real_rows.sum()),
        real_accuracy=_share(np.trace(real_confusion), real_rows.sum()),
        chance=float(rows.max() / rows.sum()),
        values=values,
        confusion=_named(attribute, confusion),
    )


def _counts(attribute: Attribute, given: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """int64 `[num_ids, num_ids]`: given by predicted; rows of what is not given are 0."""
    counts = np.zeros((attribute.num_ids, attribute.num_ids), np.int64)
    kept = given != NOT_GIVEN
    np.add.at(counts, (given[kept], predicted[kept]), 1)
    return counts


def _named(attribute: Attribute, counts: np.ndarray) -> dict[str, dict[str, int]]:
    names = ("", *attribute.values)  # ids count from 1
    return {
        names[row]: {names[column]: int(counts[row, column]) for column in np.flatnonzero(counts[row])}
        for row in np.flatnonzero(counts.sum(axis=1))
    }


def _share(count: float, of: float) -> float | None:
    return float(count / of) if of else None
