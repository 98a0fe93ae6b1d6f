"""What a picture can be asked for by: attributes with named values, as the data has them.

The schema is the thread through the whole system: the catalogue makes it, the networks take their shape from
it, it travels inside every saved model, and it turns names into the ids the networks see and back.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import numbers
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfproductgan.errors import ConditionError, nearest
from tfproductgan.stateless_random import stateless_uniform

NOT_GIVEN = 0
"""The id that stands for "not given" in every attribute."""

SCHEMA_VERSION = 2
"""2 came with pictures that go in; a schema without is written as version 1, which older packages read."""

MAX_SEED = 2**63 - 1
MAX_TRUNCATION = 2.0


def fold(name: str) -> str:
    """The form under which names are compared: case and stray spaces make no difference."""
    return " ".join(str(name).split()).casefold()


def count_values(values: Iterable[Any]) -> dict[str, int]:
    """How often each value occurs, most frequent first, spelt as most spell it; `None` and empty are no values."""
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for value in values:
        if value is not None and fold(value):
            spellings[fold(value)][" ".join(str(value).split())] += 1
    # the alphabet decides between equals, so that the order of the values does not
    counts = {min(c, key=lambda s: (-c[s], s)): c.total() for c in spellings.values()}
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


@dataclasses.dataclass(frozen=True)
class Attribute:
    """One categorical attribute, such as a colour.

    Args:
        name: Its name, as people write it.
        values: The names of its values; the value at position `i` has id `i + 1`, id 0 is "not given".

    Raises:
        ConditionError: If the name or a value is empty, or two values differ only in case or spaces.
    """

    name: str
    values: tuple[str, ...]
    _ids: dict[str, int] = dataclasses.field(init=False, repr=False, compare=False)  # by folded name

    def __post_init__(self):
        if not fold(self.name):
            raise ConditionError("An attribute needs a name. Received an empty one.")
        if isinstance(self.values, str):  # would be taken for a list of its letters
            raise ConditionError(f"The values of {self.name!r} must be a list of names. Received: {self.values!r}")
        object.__setattr__(self, "values", tuple(self.values))
        if not self.values:
            raise ConditionError(f"Attribute {self.name!r} needs at least one value. Received none.")
        ids: dict[str, int] = {}
        for number, value in enumerate(self.values, start=1):
            folded = fold(value)
            if not folded:
                raise ConditionError(f"Attribute {self.name!r} has an empty value at position {number - 1}.")
            if folded in ids:
                twin = self.values[ids[folded] - 1]
                raise ConditionError(f"Attribute {self.name!r} has {value!r} and {twin!r}, which are one value.")
            ids[folded] = number
        object.__setattr__(self, "_ids", ids)

    @property
    def num_ids(self) -> int:
        """Number of ids: the values and "not given"."""
        return len(self.values) + 1

    def id_of(self, value: str | None) -> int:
        """The id of a value name; `None` and the empty string are "not given"."""
        if value is None or not fold(value):
            return NOT_GIVEN
        try:
            return self._ids[fold(value)]
        except KeyError:
            raise ConditionError(f"Unknown {self.name} {value!r}: {nearest(str(value), self.values)}") from None


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
        text: Name of the free-text field (a title), or `None`. Kept for a text encoder; the networks of today
            do not read it.
        aspect: Width divided by height shared by the original photos, or `None` if they differ: how to crop a
            square picture back.
        combinations: Pairs of (ids of a row, number of photos with them). The distribution from which what is
            not given can be drawn.
        source_channels: Channels of the pictures that go in, 3 or 1; `None` if none do.

    Raises:
        ConditionError: If an attribute appears twice or a size cannot be.

    Example:
    ```python
    schema = ConditionSchema([Attribute("category", ("Ring", "Watch")), Attribute("colour", ("Gold", "Silver"))])
    schema.encode({"category": "ring"})   # (1, 0)
    schema.decode((1, 2))                 # {"category": "Ring", "colour": "Silver"}
    ```
    """

    attributes: Sequence[Attribute] = ()
    image_size: int = 64
    channels: int = 3
    text: str | None = None
    aspect: float | None = None
    combinations: Sequence[tuple[Sequence[int], int]] = ()
    source_channels: int | None = None

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
        self.combinations = tuple((self._checked(ids), int(count)) for ids, count in self.combinations)

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
    ) -> ConditionSchema:
        """The schema of labelled rows.

        Args:
            rows: One mapping of attribute name to value name a photo. Missing, `None` and empty mean not given.
            attributes: Which attributes to take, in this order.
            image_size: Height and width of the pictures in pixels.
            channels: 3 for colour, 1 for grey.
            min_count: A value on fewer photos than this is folded into "not given".
            text: Name of the free-text field, or `None`.
            aspect: Width divided by height shared by the photos, or `None`.
            values: Fixed value names of attributes whose order is given (class labels); the others are sorted
                by name, each spelt as most photos spell it.
            source_channels: Channels of the pictures that go in, or `None`.

        Raises:
            ConditionError: If an attribute has no value on `min_count` photos.
        """
        made = []
        for name in attributes:
            if values and name in values:
                made.append(Attribute(name, tuple(values[name])))
                continue
            counts = count_values(row.get(name) for row in rows)
            kept = [value for value, count in counts.items() if count >= min_count]
            if not kept:
                raise ConditionError(
                    f"Attribute {name!r} has no value on {min_count} photos or more "
                    f"(of {len(rows)} photos, {len(counts)} values). Lower min_count or leave it out."
                )
            made.append(Attribute(name, tuple(sorted(kept, key=fold))))
        schema = cls(made, image_size, channels, text, aspect, source_channels=source_channels)
        return schema.with_combinations(map(schema.encode_row, rows))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the attributes, in column order."""
        return tuple(attribute.name for attribute in self.attributes)

    @property
    def num_ids(self) -> tuple[int, ...]:
        """Number of ids of each attribute, "not given" included: what an embedding needs to know."""
        return tuple(attribute.num_ids for attribute in self.attributes)

    @functools.cached_property
    def slices(self) -> tuple[slice, ...]:
        """The columns of each attribute in rows of ids."""
        return tuple(slice(i, i + 1) for i in range(len(self.attributes)))

    def inputs(self) -> dict[str, InputSpec]:
        """What goes into a model, by name: the batches of a stream hold these beside the `images` to learn.

        - `"conditions"`: one id an attribute, in column order.
        - `"source"`, if pictures go in: such a picture, 0 to 255.
        """
        given = {"conditions": InputSpec((len(self.attributes),), "int32")}
        if self.source_channels is not None:
            given["source"] = InputSpec((self.image_size, self.image_size, self.source_channels), "uint8")
        return given

    def with_combinations(self, rows: Iterable[Sequence[int]]) -> ConditionSchema:
        """A copy whose distribution is that of the given id rows."""
        counts = Counter(tuple(int(i) for i in row) for row in rows)
        return dataclasses.replace(self, combinations=sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def attribute(self, name: str) -> Attribute:
        """The attribute of that name.

        Raises:
            ConditionError: If there is none; the message lists the nearest names.
        """
        return self.attributes[self._column(name)]

    def encode(self, conditions: Mapping[str, str | None] | None = None) -> tuple[int, ...]:
        """Names to ids.

        Args:
            conditions: Attribute name to value name; partial or empty is fine, what is left out is "not given".

        Returns:
            One id an attribute, in column order.

        Raises:
            ConditionError: If an attribute or value is unknown; the message lists the nearest valid names.
        """
        if conditions is not None and not isinstance(conditions, Mapping):
            example = {attribute.name: attribute.values[0] for attribute in self.attributes[:1]}
            raise ConditionError(
                f"Conditions map attribute names to value names, such as {example}. Received: {conditions!r}"
            )
        ids = [NOT_GIVEN] * len(self.attributes)
        for name, value in (conditions or {}).items():
            column = self._column(name)
            ids[column] = self.attributes[column].id_of(value)
        return tuple(ids)

    def encode_all(self, rows: Iterable[Mapping[str, str | None] | None]) -> np.ndarray:
        """What `encode` makes of each row, int32 `[N, attributes]`, also if there are no rows or no attributes."""
        encoded = [self.encode(row) for row in rows]
        return np.array(encoded, np.int32).reshape(len(encoded), len(self.attributes))

    def encode_row(self, row: Mapping[str, Any]) -> tuple[int, ...]:
        """The ids of a data row: other columns are ignored, values the schema folded away become "not given"."""
        given = {fold(name): fold(value) for name, value in row.items() if value is not None}
        return tuple(a._ids.get(given.get(fold(a.name), ""), NOT_GIVEN) for a in self.attributes)

    def encode_rows(self, rows: Iterable[Mapping[str, Any]]) -> np.ndarray:
        """What `encode_row` makes of each row, int32 `[N, attributes]`."""
        encode = functools.cache(lambda row: self.encode_row(dict(row)))  # rows are many, combinations few
        encoded = [encode(tuple(row.items())) for row in rows]
        return np.array(encoded, np.int32).reshape(len(encoded), len(self.attributes))

    def decode(self, ids: Sequence[int]) -> dict[str, str]:
        """Ids to names; what is not given is left out.

        Raises:
            ConditionError: If there are not as many ids as attributes, or one is out of range.
        """
        pairs = zip(self.attributes, self._checked(ids), strict=True)
        return {a.name: a.values[i - 1] for a, i in pairs if i != NOT_GIVEN}

    def complete(self, ids: Sequence[int], fraction: float) -> tuple[int, ...]:
        """Fill in what is not given by drawing from the photos that match what is.

        When no photo has the given combination, the rest is drawn from the photos that share the most of it; of
        those, from the ones that lack the fewest attributes.

        Args:
            ids: One id an attribute, some of them 0.
            fraction: Where to draw among those photos, from 0 up to but not 1: a uniform random number.

        Returns:
            The ids with every 0 replaced, except where the drawn photo itself lacks the attribute.
        """
        ids = self._checked(ids)
        if NOT_GIVEN not in ids or not self.combinations:
            return ids
        given, (observed, counts) = np.array(ids), self._observed
        shared = ((observed == given) & (given != NOT_GIVEN)).sum(axis=1)
        # among the photos that match best, those that know most: a gap in the data is no wish of the person asking
        gaps = ((observed == NOT_GIVEN) & (given == NOT_GIVEN)).sum(axis=1)
        best = shared == shared.max()
        candidates = best & (gaps == gaps[best].min())
        # whole numbers up to here, so that a served model, which does the same, comes to the same photo
        counted = np.cumsum(np.where(candidates, counts, 0))
        drawn = observed[np.searchsorted(counted, int(fraction * counted[-1]), side="right")]
        return tuple(int(mine or theirs) for mine, theirs in zip(ids, drawn, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form that `from_dict` reads."""
        later = {} if self.source_channels is None else {"source_channels": self.source_channels}
        return {
            "version": SCHEMA_VERSION if later else 1,
            "attributes": [{"name": a.name, "values": list(a.values)} for a in self.attributes],
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
            attributes = [Attribute(a["name"], tuple(a["values"])) for a in data["attributes"]]
            rest = {field: data[field] for field in ("image_size", "channels", "text", "aspect", "combinations")}
            return cls(attributes, **rest, source_channels=data.get("source_channels"))
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
    def _columns(self) -> dict[str, int]:
        return {fold(name): column for column, name in enumerate(self.names)}

    @functools.cached_property
    def _observed(self) -> tuple[np.ndarray, np.ndarray]:
        """The combinations, int32 `[M, attributes]`, and how often each occurs, int64 `[M]`."""
        ids = np.array([ids for ids, _ in self.combinations], np.int32)
        counts = np.array([count for _, count in self.combinations], np.int64)
        return ids.reshape(len(counts), len(self.attributes)), counts

    def __repr__(self) -> str:
        attributes = ", ".join(f"{a.name} ({len(a.values)})" for a in self.attributes) or "no attributes"
        source = "" if self.source_channels is None else f" from pictures of {self.source_channels}"
        return f"<ConditionSchema {attributes}; {self.image_size} px, {self.channels} channels{source}>"

    def _column(self, name: str) -> int:
        try:
            return self._columns[fold(name)]
        except KeyError:
            raise ConditionError(f"Unknown attribute {name!r}: {nearest(str(name), self.names)}") from None

    def _checked(self, ids: Iterable[int]) -> tuple[int, ...]:
        ids = tuple(int(i) for i in ids)
        if len(ids) != len(self.attributes):
            raise ConditionError(f"Expected {len(self.attributes)} ids, one an attribute. Received: {ids}")
        for attribute, i in zip(self.attributes, ids, strict=True):
            if not 0 <= i < attribute.num_ids:
                raise ConditionError(f"Ids of {attribute.name!r} go from 0 to {attribute.num_ids - 1}. Received: {i}")
        return ids


@dataclasses.dataclass(frozen=True)
class PictureRequest:
    """Everything one picture depends on.

    Args:
        conditions: Attribute name to value name.
        seed: From 0 to 2**63 - 1.
        truncation: Scales the latents: below 1 for more typical pictures, 1 for the full variety.
    """

    conditions: Mapping[str, str]
    seed: int
    truncation: float = 1.0


def plan_requests(
    schema: ConditionSchema,
    conditions: Mapping[str, str] | Sequence[Mapping[str, str]] | None,
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
        raise ConditionError("conditions is an empty list; give at least one mapping, or None.")
    planned = [encoded[i % len(encoded)] for i in range(count)]
    if complete and any(NOT_GIVEN in ids for ids in encoded):
        seeds = np.arange(count) + seed
        # the stream that a served model draws from too, see `seed_fractions`
        fractions = stateless_uniform(seeds, 1, 1)[:, 0]
        planned = [schema.complete(ids, fraction) for ids, fraction in zip(planned, fractions, strict=True)]
    return [PictureRequest(schema.decode(ids), seed + i, truncation) for i, ids in enumerate(planned)]


def encode_requests(schema: ConditionSchema, requests: Sequence[PictureRequest]) -> dict[str, np.ndarray]:
    """Requests as the rows that models take.

    Returns:
        `"seeds"` int64 `[N]`, `"conditions"` int32 `[N, attributes]` and `"truncations"` float32 `[N]`.

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
        conditions: Mapping[str, str] | Sequence[Mapping[str, str]] | None = None,
        count: int | None = None,
        seed: int = 0,
        truncation: float = 1.0,
        complete: bool = True,
    ) -> list[PictureRequest]:
        """The requests behind `generate`, which takes the same arguments, picture by picture.

        Unless `complete`, nothing is drawn for what is not given: the network is told that it is not given, which it
        knows from photos that lack the attribute and from label dropout.

        Raises:
            ConditionError: If an attribute, a value, the count, the seed or the truncation cannot be.
        """
        most = most_pictures(self.schema.image_size, self.schema.channels)
        return plan_requests(self.schema, conditions, count, seed, truncation, complete, most)

    def generate(
        self,
        conditions: Mapping[str, str] | Sequence[Mapping[str, str]] | None = None,
        count: int | None = None,
        seed: int = 0,
        truncation: float = 1.0,
    ) -> np.ndarray:
        """Pictures of what is asked for.

        Args:
            conditions: A mapping of attribute name to value name, partial or empty, or a list of them. What is
                not given is drawn from the data's own distribution.
            count: Number of pictures. Defaults to one a mapping; a list is repeated from its start.
            seed: Picture `i` has seed `seed + i`: the same seed and conditions always give the same picture.
            truncation: Scales the latents, 0 to 2: below 1 for more typical pictures. Defaults to 1.

        Returns:
            uint8 array `[count, image_size, image_size, channels]`.

        Raises:
            ConditionError: If an attribute, a value, the count, the seed or the truncation cannot be.

        Example:
        ```python
        images = gan.generate({"articleType": "Watches", "baseColour": "Gold"}, count=16, seed=7)
        ```
        """
        return self.draw(self.plan(conditions, count, seed, truncation))

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
        raise ConditionError(f"{option} must be a whole number from {smallest} to {largest}. Received: {value!r}")
    return int(value)


def check_truncation(value: Any) -> float:
    """`value` as a `float`.

    Raises:
        ConditionError: If it is no truncation.
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not 0 <= value <= MAX_TRUNCATION:
        raise ConditionError(f"truncation must be a number from 0 to {MAX_TRUNCATION:g}. Received: {value!r}")
    return float(value)
