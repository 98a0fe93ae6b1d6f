"""Vectors that other programs make of titles, such as CLIP's, in the place of words: as text, and as whole numbers.

What a vector says is its direction, so its length does not count. Vectors of such programs have much in common, which
says nothing: they are taken apart from their mean over the photos a model learns from. What is left, at length 1, is
rounded to whole numbers, one a part, so that it goes wherever the numbers of words go; 0 is not given.

In requests, files and data sets a vector is a text, "vector:" and its parts as base64 of 16-bit numbers.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tfproductgan.errors import ConditionError

STEPS = 2**15 - 1
"""Whole numbers on either side of the middle."""

MIDDLE = STEPS + 1
"""The number that stands for 0."""

VECTOR_IDS = 2 * STEPS + 2
"""Number of numbers; that of the pieces of no vocabulary."""

MOST_PARTS = 4096

_GIVEN, _READ = "vector:", "vector=:"  # as it was given; as it was read, which has been rounded already
_LEAST = 1e-12


@dataclasses.dataclass(frozen=True)
class TextVectors:
    """How vectors are read; in a `ConditionSchema` it stands where a `Vocabulary` does, and is asked the same.

    Args:
        length: How many parts a vector has.
        mean: What those that were learnt from have in common, at length 1, `[length]`.

    Raises:
        ConditionError: If there is no such length, or the mean has another.
    """

    length: int
    mean: Sequence[float]

    num_ids = VECTOR_IDS
    words = ()  # it knows none

    def __post_init__(self):
        if not isinstance(self.length, int) or not 2 <= self.length <= MOST_PARTS:
            raise ConditionError(f"A vector has 2 to {MOST_PARTS:,} parts. Received: {self.length!r}")
        object.__setattr__(self, "mean", tuple(map(float, self.mean)))
        if len(self.mean) != self.length:
            raise ConditionError(f"The mean of vectors of {self.length} parts has as many. Received: {len(self.mean)}")

    @classmethod
    def learn(cls, spelt: Iterable[str]) -> TextVectors:
        """How to read vectors, as texts, such as these; empty ones are not given.

        Raises:
            ConditionError: If there is none.
        """
        directions = [_direction(_parts(text, _GIVEN)) for text in spelt if text]
        if not directions:
            raise ConditionError("Not one of the vectors to learn from is given.")
        mean = np.mean(directions, axis=0)
        # what is alike in all up to rounding is no mean to be apart from
        return cls(len(mean), [round(float(part), 7) for part in mean] if len(directions) > 1 else [0.0] * len(mean))

    def encode(self, text: Any) -> tuple[int, ...]:
        """A vector, as text, as numbers; `None` and an empty text are zeros.

        Raises:
            ConditionError: If it is no vector, or has another length.
        """
        if text is None or text == "":
            return (0,) * self.length
        if not is_vector(text):
            raise ConditionError(
                f"The model has learnt from vectors, not from words: give text_vectors of {self.length} numbers. "
                f"Received: {str(text)[:60]!r}"
            )
        known = text.startswith(_READ)
        parts = _parts(text, _READ if known else _GIVEN)
        if len(parts) != self.length:
            raise ConditionError(f"A vector has {self.length} parts, as those learnt from. Received: {len(parts)}")
        if not known:
            apart = _direction(parts) - np.array(self.mean)
            parts = np.round(_direction(apart) * STEPS)
        return tuple((parts.astype(np.int64) + MIDDLE).tolist())

    def encode_titles(self, spelt: Iterable[str]) -> np.ndarray:
        """Vectors of photos, as texts, int32 `[N, length]`; an empty one is not given."""
        rows = [self.encode(text) for text in spelt]
        return np.array(rows, np.int32).reshape(len(rows), self.length)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of some numbers: `encode` gives the same numbers for it again."""
        return _READ + _spelt(np.array(ids) - MIDDLE)

    def numbers(self, text: str) -> np.ndarray:
        """A vector, as text, as numbers that are read the same, float32 `[length]`; zeros if it is empty."""
        self.encode(text)  # says what cannot be
        if not text:
            return np.zeros(self.length, np.float32)
        if not text.startswith(_READ):
            return _parts(text, _GIVEN).astype(np.float32)
        # at length 1, and apart from the mean in the direction that was read
        apart, mean = _direction(_parts(text, _READ)), np.array(self.mean)
        along = mean @ apart
        return (mean + (np.sqrt(along**2 + 1 - mean @ mean) - along) * apart).astype(np.float32)

    def unknown(self, text: str) -> list[str]:
        """None: it has no words."""
        return []

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form that `from_dict` reads."""
        return {"length": self.length, "mean": list(self.mean)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TextVectors:
        """What `to_dict` wrote."""
        return cls(data["length"], data["mean"])


def is_vector(text: Any) -> bool:
    """Whether a text is a vector."""
    return isinstance(text, str) and text.startswith((_GIVEN, _READ))


@functools.lru_cache(2**10)
def named(text: str) -> str:
    """What people and files call a text: of a vector the beginning of its hash."""
    return f"vector {hashlib.sha256(text.encode()).hexdigest()[:8]}" if is_vector(text) else text


def spell_vectors(vectors: Any, what: str = "text_vectors", length: int | None = None) -> list[str]:
    """Vectors as texts.

    Args:
        vectors: Numbers `[N, parts]`; of `[parts]` it is one.
        what: What messages call them.
        length: How many parts they must have; as many as the first by default.

    Raises:
        ConditionError: If they are no such numbers; the message says which is not.
    """
    try:
        rows = np.asarray(vectors)
        if rows.dtype.kind not in "fiu" or rows.ndim not in (1, 2) or 0 in rows.shape:
            raise ValueError(f"{rows.dtype} of shape {rows.shape}")
    except ValueError as error:
        right = "must be numbers, [parts] or [vectors, parts], all of one length"
        raise ConditionError(f"{what} {right}. Received: {error}") from error
    rows = rows[None] if rows.ndim == 1 else rows
    return [spell_vector(row, f"{what}, vector {number}", length) for number, row in enumerate(rows)]


def spell_vector(vector: Any, where: str, length: int | None = None) -> str:
    """One vector as text; `where` is it for messages.

    Raises:
        ConditionError: If it is no vector, has another length, or is nothing but zeros.
    """
    try:
        parts = np.asarray(vector, np.float64)
    except (TypeError, ValueError):
        parts = np.array(vector, object)
    if parts.ndim != 1 or parts.dtype == object:
        raise ConditionError(f"{where} must be a list of numbers. Received: {str(vector)[:60]!r}")
    if length is not None and len(parts) != length:
        raise ConditionError(f"{where} has {len(parts)} parts, and {length} are expected.")
    if not np.isfinite(parts).all():
        wrong = int(np.argmin(np.isfinite(parts)))
        raise ConditionError(f"{where} has {parts[wrong]} in the place of a number, at part {wrong}.")
    largest = np.abs(parts).max(initial=0)
    if largest < _LEAST:
        raise ConditionError(f"{where} is nothing but zeros, which is no direction.")
    return _GIVEN + _spelt(np.round(parts / largest * STEPS))


def _spelt(parts: np.ndarray) -> str:
    return base64.b64encode(parts.astype("<i2").tobytes()).decode()


def _parts(text: str, prefix: str) -> np.ndarray:
    try:
        return np.frombuffer(base64.b64decode(text.removeprefix(prefix), validate=True), "<i2").astype(np.float64)
    except (ValueError, binascii.Error) as error:
        raise ConditionError(f"{text[:60]!r} is no vector: {error}") from error


def _direction(parts: np.ndarray) -> np.ndarray:
    return parts / max(float(np.linalg.norm(parts)), _LEAST)
