"""What a picture can be asked for by: attributes with named values, as the data has them.

The schema is the thread through the whole system: the catalogue makes it, the networks take their shape from
it, it travels inside every saved model, and it turns names into the ids the networks see and back.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import math
import numbers
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfproductgan.errors import ConditionError, Message, nearest, together
from tfproductgan.stateless_random import stateless_uniform
from tfproductgan.text_vectors import TextVectors, spell_vectors
from tfproductgan.vocabulary import HALVES, INVISIBLE, Vocabulary

NOT_GIVEN = 0
"""The id that stands for "not given" in every attribute."""

TEXT = "text"
"""What a text is asked for by, beside the names of attributes."""

TEXT_VECTOR = "text_vector"
"""What the vector of a text is asked for by, of a model that has learnt from such."""

SCHEMA_VERSION = 5
"""2 came with pictures that go in, 3 with attributes of several values, 4 with texts, 5 with their vectors; a schema
without them is written as version 1, which older packages read."""

MAX_SEED = 2**63 - 1
MAX_TRUNCATION = 2.0

SEPARATOR = ", "
"""Between the values of an attribute that takes several, where they are one text."""

SEPARATORS = ",;，；、"
"""What people write between values."""

MOST_SEVERAL = 8
"""No attribute takes more values a picture than this."""

_BETWEEN = re.compile(f"[{SEPARATORS}]")
_WHOLE_SHARE = 0.995  # of the photos keep all their values

Conditions = Mapping[str, "str | Sequence[str] | None"]
"""What is asked for: attribute name to value name, or to several of an attribute that takes several; `"text"` to words
of one's own, if the model has learnt from titles."""

_INVISIBLE = re.compile(f"[{INVISIBLE}{HALVES}]")
_SHOWN = "\u200c\u200d\ufe0e\ufe0f"  # joiners and variants: Persian, languages of India and emoji need them
_JUNK = re.compile(f"(?![{_SHOWN}])[{INVISIBLE}{HALVES}]")


def fold(name: Any) -> str:
    """The form under which names are compared.

    No difference is made by case, stray spaces and letters that nobody sees, nor by whether an accent is in its letter
    or follows it (it is, as in NFC).
    """
    return _folded(str(name))


@functools.lru_cache(2**16)  # photos are many, names few
def _folded(name: str) -> str:
    folded = " ".join(_composed(name, _INVISIBLE).split()).casefold()
    return folded if folded.isascii() else unicodedata.normalize("NFC", folded)


def tidy(name: Any) -> str:
    """A name as it is kept and shown: one space between words, accents in their letters, no invisible letters."""
    return " ".join(_composed(str(name), _JUNK).split())


def _composed(name: str, left_out: re.Pattern[str]) -> str:
    return name if name.isascii() else unicodedata.normalize("NFC", left_out.sub("", name))


def values_in(cell: Any) -> Collection[Any]:
    """The values that a photo has of an attribute: `None` is none, a tuple, list or set its parts, all else is one."""
    if isinstance(cell, tuple | list | set | frozenset):
        return [value for value in cell if value is not None]
    return () if cell is None else (cell,)


def count_values(cells: Iterable[Any]) -> dict[str, int]:
    """On how many photos each value is, most frequent first, spelt as most spell it.

    Args:
        cells: What each photo has, see `values_in`; the empty text is no value.
    """
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for cell in cells:
        values = values_in(cell)
        for value in values if len(values) < 2 else {fold(value): value for value in values}.values():
            if fold(value):
                spellings[fold(value)][tidy(value)] += 1
    # the alphabet decides between equals, so that the order of the values does not
    counts = {min(c, key=lambda s: (-c[s], s)): c.total() for c in spellings.values()}
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


@dataclasses.dataclass(frozen=True)
class Attribute:
    """One categorical attribute, such as a colour.

    Args:
        name: Its name, as people write it.
        values: The names of its values; the value at position `i` has id `i + 1`, id 0 is "not given".
        several: How many of them a picture has at most. It has as many columns of ids: ascending, then 0.

    Raises:
        ConditionError: If the name or a value is empty, two values are one to `fold`, or a value is a list of others.
    """

    name: str
    values: tuple[str, ...]
    several: int = 1
    _ids: dict[str, int] = dataclasses.field(init=False, repr=False, compare=False)  # by what `_key` makes of a name

    def __post_init__(self):
        if not fold(self.name):
            raise ConditionError("An attribute needs a name. Received an empty one.")
        if isinstance(self.values, str):  # would be taken for a list of its letters
            raise ConditionError(f"The values of {self.name!r} must be a list of names. Received: {self.values!r}")
        object.__setattr__(self, "values", tuple(self.values))
        if not self.values:
            raise ConditionError(f"Attribute {self.name!r} needs at least one value. Received none.")
        whole_number(f"several of attribute {self.name!r}", self.several, 1, len(self.values))
        ids: dict[str, int] = {}
        for number, value in enumerate(self.values, start=1):
            key = self._key(value)
            if not fold(value):
                raise ConditionError(f"Attribute {self.name!r} has an empty value at position {number - 1}.")
            if key in ids:
                twin = self.values[ids[key] - 1]
                raise ConditionError(f"Attribute {self.name!r} has {value!r} and {twin!r}, which are one value.")
            ids[key] = number
        object.__setattr__(self, "_ids", ids)
        for value in self.values if self.several > 1 else ():
            parts = _BETWEEN.split(value)
            if len(parts) > 1 and all(fold(part) in ids for part in parts):
                raise ConditionError(f"Attribute {self.name!r} has {value!r} and its parts, which read the same.")

    @property
    def num_ids(self) -> int:
        """Number of ids: the values and "not given"."""
        return len(self.values) + 1

    def id_of(self, value: str | None) -> int:
        """The id of a value name; `None` and the empty string are "not given".

        Raises:
            ConditionError: If there is no such value; the message lists the nearest ones.
        """
        if value is None or not fold(value):
            return NOT_GIVEN
        try:
            return self._ids[self._key(value)]
        except KeyError:
            several = self.several > 1 and any(map(self.knows, str(value).split("+")))
            right = Message("commas go between several values") if several else nearest(str(value), self.values)
            said = Message("Unknown %(attribute)s %(value)r: %(right)s", attribute=self.name, value=value, right=right)
            raise ConditionError(said) from None

    def encode(self, given: str | Sequence[str] | None) -> tuple[int, ...]:
        """The ids of what is given, one a column.

        Raises:
            ConditionError: If a value is unknown, or they are too many.
        """
        names = self.split(given)
        ids = sorted({self.id_of(name) for name in names} - {NOT_GIVEN})
        if len(ids) > self.several:
            said: dict[str, Any] = {"attribute": self.name, "given": together(map(repr, names))}
            if self.several == 1:
                raise ConditionError(Message("One picture has one %(attribute)s. Received: %(given)s", **said))
            said["most"] = self.several
            raise ConditionError(
                Message("One picture has at most %(most)s values of %(attribute)s. Received: %(given)s", **said)
            )
        return self._padded(ids)

    def split(self, given: str | Sequence[str] | None) -> list[str]:
        """The names in what is given: of an attribute that takes several also those in a text, between commas.

        The longest name that is a value wins, so a value that has a comma itself is found.
        """
        names = list(values_in(given))
        return names if self.several == 1 else [part for name in names for part in self._split(str(name))]

    def knows(self, name: Any) -> bool:
        """Whether a name is one of its values."""
        return self._key(name) in self._ids

    def known_ids(self, given: Any, frequencies: Any) -> tuple[int, ...]:
        """What `encode` gives, of data: unknown values are none, and of too many the most frequent by id are kept."""
        if self.several == 1 and isinstance(given, str):  # nearly always so, and photos are many
            return (self._ids.get(fold(given), NOT_GIVEN),)
        ids = {self._ids.get(self._key(name), NOT_GIVEN) for name in self.split(given)} - {NOT_GIVEN}
        kept = sorted(ids, key=lambda i: (-frequencies[i], i))[: self.several]
        return self._padded(sorted(kept))

    def _key(self, name: Any) -> str:
        """The form under which a value is looked up, whatever is written between its parts."""
        return fold(name) if self.several == 1 else SEPARATOR.join(map(fold, _BETWEEN.split(str(name))))

    def _split(self, text: str) -> Iterable[str]:
        parts, start = _BETWEEN.split(text), 0
        while start < len(parts):
            ends = range(len(parts), start, -1)
            end = next((end for end in ends if self.knows(",".join(parts[start:end]))), start + 1)
            yield ",".join(parts[start:end]).strip()
            start = end

    def _padded(self, ids: Sequence[int]) -> tuple[int, ...]:
        return (*ids, *[NOT_GIVEN] * (self.several - len(ids)))

    def __str__(self) -> str:
        return f"{self.name} ({len(self.values)}{f', up to {self.several} a picture' if self.several > 1 else ''})"


class InputSpec(NamedTuple):
    """What one input of a model holds: the shape of a row, without the batch, and the name of its type."""

    shape: tuple[int, ...]
    dtype: str


@dataclasses.dataclass(unsafe_hash=True, repr=False)
class ConditionSchema:
    """What goes into a model and what comes out: the attributes of a catalogue, how often each combination occurs,
    the size of its pictures and, for models that turn pictures into pictures, what kind of picture goes in.

    Args:
        attributes: The attributes in the order of their columns; none makes an unconditional schema.
        image_size: Height and width of the pictures in pixels.
        channels: 3 for colour, 1 for grey.
        text: Name of the free-text field (a title), or `None`.
        aspect: Width divided by height shared by the original photos, or `None` if they differ: how to crop a
            square picture back.
        combinations: Pairs of (ids of a row, number of photos with them). The distribution from which what is
            not given can be drawn.
        source_channels: Channels of the pictures that go in, 3 or 1; `None` if none do.
        vocabulary: The words of the titles, if models learn from them: then texts can be asked for, by the name `text`,
            and rows of ids have a column for each of their pieces behind those of the attributes. Or how vectors in
            their place are read, which are asked for by the name `text_vector`.

    Raises:
        ConditionError: If an attribute appears twice or a size cannot be.

    Example:
    ```python
    schema = ConditionSchema([Attribute("category", ("Ring", "Watch")), Attribute("colour", ("Gold", "Silver"))])
    schema.encode({"category": "ring"})   # (1, 0)
    schema.decode((1, 2))                 # {"category": "Ring", "colour": "Silver"}
    tags = ConditionSchema([Attribute("tags", ("New", "Sale", "Wool"), several=2)])
    tags.encode({"tags": ["wool", "new"]}), tags.encode({"tags": "wool, new"})   # (1, 3) both
    tags.decode((1, 3))                   # {"tags": "New, Wool"}
    ```
    """

    attributes: Sequence[Attribute] = ()
    image_size: int = 64
    channels: int = 3
    text: str | None = None
    aspect: float | None = None
    combinations: Sequence[tuple[Sequence[int], int]] = ()
    source_channels: int | None = None
    vocabulary: Vocabulary | TextVectors | None = None

    def __post_init__(self):
        if self.image_size < 1:
            raise ConditionError(f"image_size must be at least 1. Received: {self.image_size}")
        if self.channels not in (1, 3):
            raise ConditionError(f"channels must be 3 (colour) or 1 (grey). Received: {self.channels}")
        if self.source_channels not in (None, 1, 3):
            raise ConditionError(
                f"source_channels must be 3 (colour), 1 (grey) or None. Received: {self.source_channels}"
            )
        self.attributes = tuple(self.attributes)
        self.image_size, self.channels = int(self.image_size), int(self.channels)
        for column, name in enumerate(self.names):
            if fold(name) in map(fold, self.names[:column]):
                raise ConditionError(f"Attribute {name!r} appears twice.")
            if self.vocabulary is not None and fold(name) == self.text_name:
                raise ConditionError(f"Beside texts no attribute can be called {name!r}: give it another name.")
        end = self.text_columns.start
        self.combinations = tuple((self._checked(ids)[:end], int(count)) for ids, count in self.combinations)

    @classmethod
    def from_rows(
        cls,
        rows: Sequence[Mapping[str, Any]],
        attributes: Sequence[str],
        image_size: int = 64,
        channels: int = 3,
        min_count: int = 1,
        text: str | None = None,
        aspect: float | None = None,
        values: Mapping[str, Sequence[str]] | None = None,
        source_channels: int | None = None,
        vocabulary: Vocabulary | TextVectors | None = None,
    ) -> ConditionSchema:
        """The schema of labelled rows.

        Args:
            rows: One mapping of attribute name to value name a photo. Missing, `None` and empty mean not given. A tuple
                or list holds several values: such an attribute takes as many as nearly all photos have at most, 8 at
                the most; a photo with more keeps the most frequent.
            attributes: Which attributes to take, in this order.
            image_size: Height and width of the pictures in pixels.
            channels: 3 for colour, 1 for grey.
            min_count: A value on fewer photos than this is folded into "not given".
            text: Name of the free-text field, or `None`.
            aspect: Width divided by height shared by the photos, or `None`.
            values: Fixed value names of attributes whose order is given (class labels); the others are sorted
                by name, each spelt as most photos spell it.
            source_channels: Channels of the pictures that go in, or `None`.
            vocabulary: The words of the titles, if models learn from them.

        Raises:
            ConditionError: If an attribute has no value on `min_count` photos.
        """
        made: list[Attribute] = []
        frequencies: list[list[int]] = []
        for name in attributes:
            cells = [row.get(name) for row in rows]
            counts = count_values(cells)
            fixed = (values or {}).get(name)
            kept = fixed or sorted((value for value, count in counts.items() if count >= min_count), key=fold)
            if not kept:
                raise ConditionError(
                    f"Attribute {name!r} has no value on {min_count} photos or more "
                    f"(of {len(rows)} photos, {len(counts)} values). Lower min_count or leave it out."
                )
            made.append(Attribute(name, tuple(kept), _several(cells, kept)))
            folded = {fold(value): count for value, count in counts.items()}
            frequencies.append([0, *(folded.get(fold(value), 0) for value in kept)])
        schema = cls(made, image_size, channels, text, aspect, source_channels=source_channels, vocabulary=vocabulary)
        return schema.with_combinations(schema._encode_row(row, frequencies) for row in rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the attributes, in column order."""
        return tuple(attribute.name for attribute in self.attributes)

    @property
    def num_ids(self) -> tuple[int, ...]:
        """What an embedding needs to know: number of ids of each attribute, "not given" included.

        An attribute that takes several values has a 0 for each further column. A text comes last, with the number of
        ids of its pieces below zero, and has a 0 for each further column too.
        """
        ids = [number for a in self.attributes for number in (a.num_ids, *[0] * (a.several - 1))]
        if self.vocabulary is not None:
            ids += [-self.vocabulary.num_ids, *[0] * (self.vocabulary.length - 1)]
        return tuple(ids)

    @property
    def can_be_asked(self) -> tuple[str, ...]:
        """Names of all that conditions can have: the attributes and, if models learn from titles, `text_name`."""
        return self.names if self.vocabulary is None else (*self.names, self.text_name)

    @property
    def text_name(self) -> str:
        """What a text is asked for by: `"text"`, or `"text_vector"` of models that have learnt from vectors."""
        return TEXT if self.vocabulary is None or self.reads_words else TEXT_VECTOR

    @property
    def reads_words(self) -> bool:
        """Whether models learn from the words of titles; if not, and there is a `vocabulary`, from vectors of them."""
        return isinstance(self.vocabulary, Vocabulary)

    @functools.cached_property
    def slices(self) -> tuple[slice, ...]:
        """The columns of each attribute in rows of ids."""
        ends = list(itertools.accumulate(attribute.several for attribute in self.attributes))
        return tuple(slice(end - a.several, end) for a, end in zip(self.attributes, ends, strict=True))

    @property
    def text_columns(self) -> slice:
        """The columns of the text in rows of ids, behind those of all attributes; none if there is no text."""
        start = sum(attribute.several for attribute in self.attributes)
        return slice(start, start + (self.vocabulary.length if self.vocabulary is not None else 0))

    @property
    def asked_slices(self) -> tuple[slice, ...]:
        """The columns of all that conditions can have, in the order of `can_be_asked`."""
        return self.slices if self.vocabulary is None else (*self.slices, self.text_columns)

    @property
    def num_columns(self) -> int:
        """Length of a row of ids."""
        return self.text_columns.stop

    @functools.cached_property
    def frequencies(self) -> tuple[np.ndarray, ...]:
        """On how many photos each id of each attribute is, int64 `[ids]`; id 0 is on those that have no other."""
        ids, counts = self._observed
        pairs = zip(self.attributes, self.slices, strict=True)
        return tuple(count_ids(ids[:, columns], attribute.num_ids, counts) for attribute, columns in pairs)

    def inputs(self) -> dict[str, InputSpec]:
        """What goes into a model, by name: the batches of a stream hold these beside the `images` to learn.

        - `"conditions"`: one id an attribute, in column order; as many as it takes of one that takes several; then the
          pieces of the text, if there is one.
        - `"source"`, if pictures go in: such a picture, 0 to 255.
        """
        given = {"conditions": InputSpec((self.num_columns,), "int32")}
        if self.source_channels is not None:
            given["source"] = InputSpec((self.image_size, self.image_size, self.source_channels), "uint8")
        return given

    def with_combinations(self, rows: Iterable[Sequence[int]]) -> ConditionSchema:
        """A copy whose distribution is that of the given id rows."""
        end = self.text_columns.start
        counts = Counter(tuple(int(i) for i in row[:end]) for row in rows)
        return dataclasses.replace(self, combinations=sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def attribute(self, name: str) -> Attribute:
        """The attribute of that name.

        Raises:
            ConditionError: If there is none; the message lists the nearest names.
        """
        return self.attributes[self._place(name)]

    def encode(self, conditions: Conditions | None = None) -> tuple[int, ...]:
        """Names to ids.

        Args:
            conditions: Attribute name to value name; partial or empty is fine, what is left out is "not given". Of an
                attribute that takes several values also a list of names, or one text with commas between them.

        Returns:
            One id an attribute, in column order; of one that takes several its ids ascending, then 0. Then the pieces
            of the text, if there is one.

        Raises:
            ConditionError: If an attribute or value is unknown, the message lists the nearest valid names; if there
                are more values than a picture has; or if the text is too long, or has nothing that titles have.
        """
        if conditions is not None and not isinstance(conditions, Mapping):
            example = {attribute.name: attribute.values[0] for attribute in self.attributes[:1]}
            raise ConditionError(
                Message(
                    "Conditions map attribute names to value names, such as %(example)s. Received: %(given)r",
                    example=example,
                    given=conditions,
                )
            )
        ids = [NOT_GIVEN] * self.num_columns
        for name, value in (conditions or {}).items():
            if self.vocabulary is not None and fold(name) == self.text_name:
                ids[self.text_columns] = self.vocabulary.encode(_one_text(value))
                continue
            place = self._place(name)
            ids[self.slices[place]] = self.attributes[place].encode(value)
        return tuple(ids)

    def encode_all(self, rows: Iterable[Conditions | None]) -> np.ndarray:
        """What `encode` makes of each row, int32 `[N, columns]`, also if there are no rows or no attributes."""
        encoded = [self.encode(row) for row in rows]
        return np.array(encoded, np.int32).reshape(len(encoded), self.num_columns)

    def encode_row(self, row: Mapping[str, Any]) -> tuple[int, ...]:
        """The ids of a data row: other columns are ignored, values the schema folded away become "not given", as a text
        is.
        """
        return self._checked(self._encode_row(row, self.frequencies))

    def _encode_row(self, row: Mapping[str, Any], frequencies: Sequence[Any]) -> tuple[int, ...]:
        given = {fold(name): cell for name, cell in row.items()}
        pairs = zip(self.attributes, frequencies, strict=True)
        return tuple(i for a, counts in pairs for i in a.known_ids(given.get(fold(a.name)), counts))

    def encode_rows(self, rows: Iterable[Mapping[str, Any]], titles: Sequence[str] | None = None) -> np.ndarray:
        """What `encode_row` makes of each row, int32 `[N, columns]`; if models learn from titles, with these as texts,
        cut to what models read.
        """
        encode = functools.cache(lambda row: self.encode_row(dict(row)))  # rows are many, combinations few
        encoded = [encode(tuple(row.items())) for row in rows]
        ids = np.array(encoded, np.int32).reshape(len(encoded), self.num_columns)
        if self.vocabulary is not None and titles is not None:
            ids[:, self.text_columns] = self.vocabulary.encode_titles(titles)
        return ids

    def decode(self, ids: Sequence[int]) -> dict[str, str]:
        """Ids to names; what is not given is left out, several values are one text with commas between them.

        Raises:
            ConditionError: If there are not as many ids as columns, or one is out of range.
        """
        return {name: SEPARATOR.join(values) for name, values in self.values_of(ids).items()}

    def values_of(self, ids: Sequence[int]) -> dict[str, list[str]]:
        """Ids to names as `decode`, the values of an attribute one by one; a text is one."""
        ids = self._checked(ids)
        found = {}
        for attribute, columns in zip(self.attributes, self.slices, strict=True):
            if any(ids[columns]):
                found[attribute.name] = [attribute.values[i - 1] for i in ids[columns] if i != NOT_GIVEN]
        if self.vocabulary is not None and any(ids[self.text_columns]):
            found[self.text_name] = [self.vocabulary.decode(ids[self.text_columns])]
        return found

    def having(self, rows: np.ndarray, ids: Sequence[int]) -> np.ndarray:
        """Which rows, int `[N, columns]`, have all that some ids give: bool `[N]`."""
        wanted = [(columns, i) for columns in self.slices for i in ids[columns] if i != NOT_GIVEN]
        found = np.ones(len(rows), bool)
        for columns, i in wanted:
            found &= (rows[:, columns] == i).any(axis=1)
        return found

    def gives_all(self, ids: Sequence[int]) -> bool:
        """Whether a row of ids has at least one of each attribute."""
        return all(any(ids[columns]) for columns in self.slices)

    def complete(self, ids: Sequence[int], fraction: float) -> tuple[int, ...]:
        """Fill in what is not given by drawing from the photos that match what is.

        Beside a text nothing is filled in: the text says it, and what is drawn could say otherwise. When no photo has
        the given combination, the rest is drawn from the photos that share the most values of it; of those, from the
        ones that lack the fewest attributes.

        Args:
            ids: One id a column, some of them 0. An attribute of several values is given if one of them is.
            fraction: Where to draw among those photos, from 0 up to but not 1: a uniform random number.

        Returns:
            The ids with those of every attribute that is not given replaced, except where the drawn photo itself lacks
            the attribute.
        """
        ids = self._checked(ids)
        if self.gives_all(ids) or not self.combinations or any(ids[self.text_columns]):
            return ids
        observed, counts = self._observed
        shared, gaps = np.zeros((2, len(counts)), np.int64)
        for columns in self.slices:
            given = [i for i in ids[columns] if i != NOT_GIVEN]
            shared += np.isin(observed[:, columns], given).sum(axis=1)
            # among the photos that match best, those that know most: a gap in the data is no wish of who asks
            gaps += ~observed[:, columns].any(axis=1) & (not given)
        best = shared == shared.max()
        candidates = best & (gaps == gaps[best].min())
        # whole numbers up to here, so that a served model, which does the same, comes to the same photo
        counted = np.cumsum(np.where(candidates, counts, 0))
        drawn = observed[np.searchsorted(counted, int(fraction * counted[-1]), side="right")]
        filled = [int(i) for at in self.slices for i in (ids[at] if any(ids[at]) else drawn[at])]
        return (*filled, *ids[self.text_columns])

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form that `from_dict` reads."""
        later: dict[str, Any] = {} if self.source_channels is None else {"source_channels": self.source_channels}
        several = self.text_columns.start > len(self.attributes)
        if self.vocabulary is not None:
            later["vocabulary" if self.reads_words else "text_vectors"] = self.vocabulary.to_dict()
            version = 4 if self.reads_words else 5
        else:
            version = 3 if several else 2 if later else 1
        return {
            "version": version,
            "attributes": [
                {"name": a.name, "values": list(a.values), **({"several": a.several} if a.several > 1 else {})}
                for a in self.attributes
            ],
            "image_size": self.image_size,
            "channels": self.channels,
            "text": self.text,
            "aspect": self.aspect,
            "combinations": [[list(ids), count] for ids, count in self.combinations],
            **later,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ConditionSchema:
        """The schema that `to_dict` wrote.

        Raises:
            ConditionError: If it is no such form or was written by a newer version.
        """
        try:
            if data["version"] > SCHEMA_VERSION:
                raise ConditionError(
                    f"The schema has version {data['version']}; this tfproductgan reads up to {SCHEMA_VERSION}. "
                    "Update tfproductgan."
                )
            names = _told_apart(a["name"] for a in data["attributes"])
            attributes = [
                Attribute(name, _told_apart(a["values"]), a.get("several", 1))
                for name, a in zip(names, data["attributes"], strict=True)
            ]
            rest = {field: data[field] for field in ("image_size", "channels", "text", "aspect", "combinations")}
            vocabulary: Vocabulary | TextVectors | None = None
            if data.get("vocabulary"):
                vocabulary = Vocabulary.from_dict(data["vocabulary"])
            elif data.get("text_vectors"):
                vocabulary = TextVectors.from_dict(data["text_vectors"])
            return cls(attributes, **rest, source_channels=data.get("source_channels"), vocabulary=vocabulary)
        except ConditionError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise ConditionError(f"This is not a condition schema: {error!r}") from error

    def to_json(self) -> str:
        """The schema as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ConditionSchema:
        """The schema that `to_json` wrote.

        Raises:
            ConditionError: If the text is not JSON or not a schema.
        """
        try:
            return cls.from_dict(json.loads(text))
        except json.JSONDecodeError as error:
            raise ConditionError(f"The schema is not JSON: {error}") from error

    @functools.cached_property
    def _places(self) -> dict[str, int]:
        return {fold(name): place for place, name in enumerate(self.names)}

    @functools.cached_property
    def _observed(self) -> tuple[np.ndarray, np.ndarray]:
        """The combinations, int32 `[M, columns]`, and how often each occurs, int64 `[M]`."""
        ids = np.array([ids for ids, _ in self.combinations], np.int32)
        counts = np.array([count for _, count in self.combinations], np.int64)
        return ids.reshape(len(counts), self.text_columns.start), counts

    def __repr__(self) -> str:
        attributes = ", ".join(map(str, self.attributes)) or "no attributes"
        source = "" if self.source_channels is None else f" from pictures of {self.source_channels}"
        text = ""
        if self.vocabulary is not None:
            words, vectors = f"text of {len(self.vocabulary.words)} words", f"text vectors of {self.vocabulary.length}"
            text = f", {words if self.reads_words else vectors}"
        return f"<ConditionSchema {attributes}{text}; {self.image_size} px, {self.channels} channels{source}>"

    def _place(self, name: str) -> int:
        try:
            return self._places[fold(name)]
        except KeyError:
            if fold(name) in (TEXT, TEXT_VECTOR):
                what = Message("text") if fold(name) == TEXT else Message("vectors of texts")
                if self.vocabulary is None:
                    raise ConditionError(
                        Message("The model has learnt from no titles, so it takes no %(what)s.", what=what)
                    ) from None
                right = TEXT if self.reads_words else f"{TEXT_VECTOR}s"
                raise ConditionError(
                    Message("The model takes no %(what)s: give %(right)s.", what=what, right=right)
                ) from None
            right = nearest(str(name), self.can_be_asked)
            raise ConditionError(Message("Unknown attribute %(name)r: %(right)s", name=name, right=right)) from None

    def _checked(self, ids: Iterable[int]) -> tuple[int, ...]:
        ids = tuple(int(i) for i in ids)
        if len(ids) == self.text_columns.start:  # without a text
            ids = (*ids, *[NOT_GIVEN] * (self.num_columns - len(ids)))
        if len(ids) != self.num_columns:
            each = ", ".join(f"{a.name} {a.several}" for a in self.attributes if a.several > 1)
            raise ConditionError(
                f"Expected {self.num_columns} ids, one an attribute{f' ({each})' if each else ''}. Received: {ids}"
            )
        checked: list[int] = []
        for attribute, columns in zip(self.attributes, self.slices, strict=True):
            own = ids[columns]
            for i in own:
                if not 0 <= i < attribute.num_ids:
                    right = f"go from 0 to {attribute.num_ids - 1}"
                    raise ConditionError(f"Ids of {attribute.name!r} {right}. Received: {i}")
            checked += own if attribute.several == 1 else attribute._padded(sorted(set(own) - {NOT_GIVEN}))
        pieces = ids[self.text_columns]
        if self.vocabulary is not None and not all(0 <= i < self.vocabulary.num_ids for i in pieces):
            raise ConditionError(f"Ids of a text go from 0 to {self.vocabulary.num_ids - 1}. Received: {pieces}")
        return (*checked, *pieces)


def count_ids(ids: np.ndarray, num_ids: int, times: np.ndarray | None = None) -> np.ndarray:
    """In how many rows each id is, int64 `[num_ids]`; id 0 is in those that have no other.

    Args:
        ids: The columns of one attribute, int `[N, several]`.
        num_ids: Of the attribute.
        times: How often each row counts, int `[N]`; by default once.
    """
    times = np.ones(len(ids), np.int64) if times is None else times
    counts = np.bincount(ids.ravel(), np.repeat(times, ids.shape[1]), num_ids).astype(np.int64)
    counts[NOT_GIVEN] = times[~ids.any(axis=1)].sum()
    return counts


def _several(cells: Collection[Any], values: Sequence[str]) -> int:
    """How many of some values a photo has at most, but for a few photos with more."""
    if not any(isinstance(cell, tuple | list) for cell in cells):
        return 1
    known = set(map(fold, values))
    counts = sorted(filter(None, (len(known.intersection(map(fold, values_in(cell)))) for cell in cells)))
    if not counts:
        return 1
    most = counts[math.ceil(_WHOLE_SHARE * len(counts)) - 1]
    return min(max(most, 2), counts[-1], MOST_SEVERAL)


def _told_apart(names: Iterable[str]) -> tuple[str, ...]:
    """Names in a file: spellings that were several values once and are one now get a number, so that ids stay."""
    found: dict[str, str] = {}  # by folded name
    for name in names:
        number, called = 1, name
        while not fold(called) or fold(called) in found:
            number += 1
            called = f"{name} ({number})"
        found[fold(called)] = called
    return tuple(found.values())


@dataclasses.dataclass(frozen=True)
class PictureRequest:
    """Everything one picture depends on.

    Args:
        conditions: Attribute name to value name; several values are one text with commas between them. `"text"` to what
            else is wanted.
        seed: From 0 to 2**63 - 1.
        truncation: Scales the latents: below 1 for more typical pictures, 1 for the full variety.
    """

    conditions: Mapping[str, str]
    seed: int
    truncation: float = 1.0

    def __post_init__(self):
        # in files and on the way to a server each attribute has one text
        if isinstance(self.conditions, Mapping):
            texts = {n: SEPARATOR.join(v) if isinstance(v, list | tuple) else v for n, v in self.conditions.items()}
            object.__setattr__(self, "conditions", texts)


def plan_requests(
    schema: ConditionSchema,
    conditions: Conditions | Sequence[Conditions] | None,
    count: int | None,
    seed: int,
    truncation: float,
    complete: bool,
    most: int,
) -> list[PictureRequest]:
    """What is asked for, picture by picture: `AsksByName.plan` of a schema, for at most so many pictures.

    Raises:
        ConditionError: If an attribute, a value, the count, the seed or the truncation cannot be.
    """
    # a string too is for `encode` to refuse, not to be taken for a list of its letters
    rows: list[Any] = list(conditions) if isinstance(conditions, list | tuple) else [conditions]
    encoded = [schema.encode(row) for row in rows]
    count = len(rows) if count is None else whole_number("count", count, 1, most)
    seed = whole_number("seed", seed, 0, MAX_SEED - count)
    truncation = check_truncation(truncation)
    if not rows:
        raise ConditionError(Message("conditions is an empty list; give at least one mapping, or None."))
    planned = [encoded[i % len(encoded)] for i in range(count)]
    if complete and any(NOT_GIVEN in ids for ids in encoded):
        seeds = np.arange(count) + seed
        # the stream that a served model draws from too, see `seed_fractions`
        fractions = stateless_uniform(seeds, 1, 1)[:, 0]
        planned = [schema.complete(ids, fraction) for ids, fraction in zip(planned, fractions, strict=True)]
    pairs = zip(rows, encoded, strict=True)
    texts = [_text_in(row, schema.text_name) if any(ids[schema.text_columns]) else {} for row, ids in pairs]
    return [
        PictureRequest({**schema.decode(ids), **texts[i % len(texts)]}, seed + i, truncation)
        for i, ids in enumerate(planned)
    ]


def _text_in(conditions: Conditions, called: str) -> dict[str, str]:
    """The text of conditions as it was written."""
    return {called: next(tidy(_one_text(value)) for name, value in conditions.items() if fold(name) == called)}


def _one_text(value: Any) -> Any:
    """Several texts as one."""
    return SEPARATOR.join(map(str, value)) if isinstance(value, list | tuple) else value


def with_text(
    conditions: Conditions | Sequence[Conditions] | None,
    text: str | Sequence[str] | None,
    text_vectors: Any = None,
) -> Conditions | Sequence[Conditions] | None:
    """Conditions that a text, or one for each of several pictures, goes with; or the vector of one.

    Raises:
        ConditionError: If there are not as many texts as conditions, texts as well as vectors, or these are none.
    """
    name = TEXT
    if text_vectors is not None:
        if text is not None:
            raise ConditionError("A picture has a text or the vector of one. Received: both")
        spelt = spell_vectors(text_vectors)
        name, text = TEXT_VECTOR, spelt if len(spelt) > 1 else spelt[0]
    if text is None:
        return conditions
    given: Any = conditions
    several = given if isinstance(given, list | tuple) else None
    if isinstance(text, str) and several is None:
        return {**(given or {}), name: text}
    texts = [text] * len(several or ()) if isinstance(text, str) else list(text)
    rows: list[Any] = [given] * len(texts) if several is None else list(several)
    if len(rows) != len(texts):
        raise ConditionError(f"{len(rows)} conditions need as many texts. Received: {len(texts)}")
    return [{**(row or {}), name: each} for row, each in zip(rows, texts, strict=True)]


def encode_requests(schema: ConditionSchema, requests: Sequence[PictureRequest]) -> dict[str, np.ndarray]:
    """Requests as the rows that models take.

    Returns:
        `"seeds"` int64 `[N]`, `"conditions"` int32 `[N, columns]` and `"truncations"` float32 `[N]`.

    Raises:
        ConditionError: If a request has a condition, seed or truncation that cannot be.
    """
    return {
        "seeds": np.array([whole_number("seed", request.seed, 0, MAX_SEED) for request in requests], np.int64),
        "conditions": schema.encode_all(request.conditions for request in requests),
        "truncations": np.array([check_truncation(request.truncation) for request in requests], np.float32),
    }


class AsksByName:
    """Mixin of what holds a `schema` and draws `PictureRequest`s by its `draw`."""

    schema: ConditionSchema

    def plan(
        self,
        conditions: Conditions | Sequence[Conditions] | None = None,
        count: int | None = None,
        seed: int = 0,
        truncation: float = 1.0,
        complete: bool = True,
        text: str | Sequence[str] | None = None,
        text_vectors: Any = None,
    ) -> list[PictureRequest]:
        """The requests behind `generate`, which takes the same arguments, picture by picture.

        Unless `complete`, nothing is drawn for what is not given: the network is told that it is not given, which it
        knows from photos that lack the attribute and from label dropout.

        Raises:
            ConditionError: If an attribute, a value, the count, the seed or the truncation cannot be.
        """
        most = most_pictures(self.schema.image_size, self.schema.channels)
        given = with_text(conditions, text, text_vectors)
        return plan_requests(self.schema, given, count, seed, truncation, complete, most)

    def generate(
        self,
        conditions: Conditions | Sequence[Conditions] | None = None,
        count: int | None = None,
        seed: int = 0,
        truncation: float = 1.0,
        text: str | Sequence[str] | None = None,
        text_vectors: Any = None,
    ) -> np.ndarray:
        """Pictures of what is asked for.

        Args:
            conditions: A mapping of attribute name to value name, or to several of an attribute that takes several;
                partial or empty, or a list of them. What is not given is drawn from the data's own distribution,
                unless there is a text, which says it.
            count: Number of pictures. Defaults to one a mapping; a list is repeated from its start.
            seed: Picture `i` has seed `seed + i`: the same seed and conditions always give the same picture.
            truncation: Scales the latents, 0 to 2: below 1 for more typical pictures. Defaults to 1.
            text: Words of one's own, of a model that has learnt from titles, beside the conditions or without any; a
                list of texts goes with as many conditions.
            text_vectors: In its place, of a model that has learnt from vectors, one, numbers `[parts]`, or as many as
                conditions, `[N, parts]`.

        Returns:
            uint8 array `[count, image_size, image_size, channels]`.

        Raises:
            ConditionError: If an attribute, a value, the count, the seed or the truncation cannot be.

        Example:
        ```python
        images = gan.generate({"articleType": "Watches", "baseColour": "Gold"}, count=16, seed=7)
        ```
        """
        return self.draw(self.plan(conditions, count, seed, truncation, text=text, text_vectors=text_vectors))

    def draw(self, requests: Sequence[PictureRequest]) -> np.ndarray:
        """Draw what was planned: uint8 `[len(requests), image_size, image_size, channels]`."""
        raise NotImplementedError(f"{type(self).__name__} must implement draw.")


def most_pictures(image_size: int, channels: int) -> int:
    """How many pictures one call may ask for: what fits into 4 GiB. More are asked for in several calls."""
    return 4 * 2**30 // (image_size**2 * channels)


def whole_number(option: str, value: Any, smallest: int, largest: int) -> int:
    """`value` as an `int`.

    Raises:
        ConditionError: If it is none from `smallest` to `largest`; the message names the option.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or not smallest <= int(value) <= largest:
        raise ConditionError(
            Message(
                "%(option)s must be a whole number from %(smallest)s to %(largest)s. Received: %(value)r",
                option=option,
                smallest=smallest,
                largest=largest,
                value=value,
            )
        )
    return int(value)


def check_truncation(value: Any) -> float:
    """`value` as a `float`.

    Raises:
        ConditionError: If it is no truncation.
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not 0 <= value <= MAX_TRUNCATION:
        most = f"{MAX_TRUNCATION:g}"
        raise ConditionError(
            Message(
                "truncation must be a number from 0 to %(most)s. Received: %(value)r",
                most=most,
                value=value,
            )
        )
    return float(value)
