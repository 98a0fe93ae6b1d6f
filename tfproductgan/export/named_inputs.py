"""Requests by name inside a TensorFlow graph: names become ids, what is not given is drawn, what cannot be fails.

Everything here is plain TensorFlow and ends up in the SavedModel: whoever serves it has no Python of ours. It does in
the graph what `ConditionSchema.encode` and `ConditionSchema.complete` do in Python.
"""

from __future__ import annotations

import functools
import itertools
import keyword
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfproductgan.conditions import (
    INVISIBLE,
    MAX_TRUNCATION,
    NOT_GIVEN,
    SEPARATORS,
    ConditionSchema,
    fold,
)
from tfproductgan.models.sampler import seed_fractions

MAX_ROWS = 1024
"""Pictures one request may ask for: a server must not run out of memory because somebody asks for more."""

OTHER_INPUTS = ("seed", "truncation", "latents", "fraction", "request")

# what str.split takes for space, which is more than \\s of regular expressions
_SPACE = r"[\s\x{b}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+"
_UNKNOWN = -1
_JOINT = "\x01"  # in the place of a comma that is part of a value
_BETWEEN = f" ?[{SEPARATORS}] ?"
_LONGEST_ECHO = 64  # letters of a wrong value that a message repeats
_MOST_LISTED, _NEAREST = 12, 3  # values a message lists; of longer lists it gives the nearest


def input_names(names: Sequence[str]) -> dict[str, str]:
    """Names of attributes to names of inputs, the same where possible: letters, digits and `_`, for every client."""
    taken: dict[str, str] = {}
    for number, name in enumerate(names, start=1):
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        made = re.sub(r"[^A-Za-z0-9_]+", "_", plain).strip("_") or f"attribute_{number}"
        if made[0].isdigit():
            made = f"attribute_{made}"
        # TensorFlow makes Python parameters of them
        if keyword.iskeyword(made) or made in OTHER_INPUTS:
            made = f"{made}_"
        while made in taken.values():
            made = f"{made}_{number}"
        taken[name] = made
    return taken


class Asked(NamedTuple):
    """What an input asks for: ids, int64 `[N, several]`, -1 for values that do not exist.

    `texts`, string `[M]`, and `found`, int64 `[M]`, are its values one by one; `too_many`, a boolean scalar, says that
    a row has more of them than a picture, and is `None` for attributes of one value.
    """

    ids: Any
    texts: Any
    found: Any
    too_many: Any = None


class NamedInputs(tf.Module):
    """The vocabularies and the distribution of a schema as tables of a graph."""

    def __init__(self, schema: ConditionSchema):
        super().__init__()
        self._schema = schema
        self._inputs = input_names(schema.names)
        self._spellings = Spellings([value for attribute in schema.attributes for value in attribute.values])
        self._tables, self._readers = [], []
        for attribute in schema.attributes:
            keys = [key.decode() for key in self._spellings.one(tf.constant(attribute.values)).numpy()]
            self._tables.append(_table(keys, attribute.several))
            self._readers.append(_reader(keys, attribute.several, self._tables[-1]))
        shape = (len(schema.combinations), schema.num_columns)
        observed = np.array([ids for ids, _ in schema.combinations], np.int32).reshape(shape)
        # tensors that functions capture are saved once; arrays would be in every function anew
        self._names = [tf.constant(attribute.values) for attribute in schema.attributes]
        self._observed = tf.constant(observed)
        self._counts = tf.constant([count for _, count in schema.combinations], tf.int64)

    def specs(self, prefix: str = "") -> dict[str, tf.TensorSpec]:
        """One string input an attribute."""
        names = [prefix + name for name in self._inputs.values()]
        return {name: tf.TensorSpec([None], tf.string, name) for name in names}

    def asked(self, inputs: Mapping[str, tf.Tensor], prefix: str = "") -> list[Asked]:
        """What each attribute is asked for."""
        values = [inputs[prefix + name] for name in self._inputs.values()]
        if not values:
            return []
        texts = tf.split(self._spellings.one(tf.concat(values, 0)), [tf.shape(column)[0] for column in values])
        found = []
        for table, reader, given, text in zip(self._tables, self._readers, values, texts, strict=True):
            if reader is None:
                ids = table.lookup(text)
                found.append(Asked(ids[:, None], given, ids))
            else:
                found.append(Asked(*reader(text)))
        return found

    def unknown(self, asked: Sequence[Asked]):
        """Pairs of (whether an attribute is asked for what cannot be, function that makes words for it)."""
        for attribute, each, names in zip(self._schema.attributes, asked, self._names, strict=True):
            wrong = each.found == _UNKNOWN
            yield (
                tf.reduce_any(wrong),
                lambda name=attribute.name, texts=each.texts, wrong=wrong, names=names: _unknown_words(
                    tf.constant(name), tf.boolean_mask(texts, wrong), names
                ),
            )
            if each.too_many is not None:
                said = f"One picture has at most {attribute.several} values of {attribute.name}."
                yield each.too_many, lambda said=said: tf.constant(said)

    def complete(self, ids: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
        """Fill in what is not given in ids, int32 `[N, columns]`, as the schema does, by seeds, int64 `[N]`."""
        if not self._inputs or not self._counts.shape[0]:
            return ids
        shared = gaps = tf.zeros((1, 1), tf.int32)
        given = []
        for columns in self._schema.slices:
            observed = self._observed[None, :, columns]
            for column in range(columns.start, columns.stop):
                wanted = ids[:, column, None, None]
                shared += tf.cast(tf.reduce_any((wanted == observed) & (wanted != NOT_GIVEN), axis=2), tf.int32)
            given.append(tf.reduce_any(ids[:, columns] != NOT_GIVEN, axis=1))
            known = tf.reduce_any(observed != NOT_GIVEN, axis=2)
            gaps += tf.cast(~(given[-1][:, None] | known), tf.int32)
        # most shared first, then fewest gaps: one number that orders both
        fit = shared * (len(self._inputs) + 1) - gaps
        candidates = fit == tf.reduce_max(fit, axis=1, keepdims=True)
        counted = tf.cumsum(tf.where(candidates, self._counts, tf.zeros((), tf.int64)), axis=1)
        place = tf.cast(seed_fractions(seeds) * tf.cast(counted[:, -1], tf.float64), tf.int64)
        drawn = tf.searchsorted(counted, place[:, None], side="right")[:, 0]
        kept = tf.repeat(tf.stack(given, axis=1), [attribute.several for attribute in self._schema.attributes], axis=1)
        return tf.where(kept, ids, tf.gather(self._observed, drawn))


def _table(keys: Sequence[str], several: int) -> tf.lookup.StaticHashTable:
    keys = [re.sub(_BETWEEN, _JOINT, key) for key in keys] if several > 1 else keys
    ids = tf.range(NOT_GIVEN, len(keys) + 1, dtype=tf.int64)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["", *keys], ids), _UNKNOWN)


def _reader(keys: Sequence[str], several: int, table: tf.lookup.StaticHashTable) -> Any:
    """What reads texts of several values, as the fields of `Asked`: traced once and called from everywhere."""
    if several == 1:
        return None
    text = [tf.TensorSpec([None], tf.string)]
    return tf.function(lambda text: _several(_separated(text, keys), table, several), text, autograph=False)


def _separated(text: tf.Tensor, keys: Sequence[str]) -> tf.Tensor:
    """Texts with commas between their values alone; a value that has a comma itself gets `_JOINT` in its place."""
    text = tf.strings.regex_replace(text, _BETWEEN, ",")
    whole = [key for key in (re.sub(_BETWEEN, ",", key) for key in keys) if "," in key]
    if whole:
        # each value gets commas of its own, so that two beside each other do not share one
        text = tf.strings.join([",", tf.strings.regex_replace(text, ",", ",,"), ","])
    for value in sorted(whole, key=len, reverse=True):
        apart, joined = f",{value.replace(',', ',,')},", f",{value.replace(',', _JOINT)},"
        text = tf.strings.regex_replace(text, re.escape(apart), joined.replace("\\", r"\\"))
    return text


def _several(text: tf.Tensor, table: tf.lookup.StaticHashTable, several: int) -> tuple[Any, ...]:
    """What is asked for by texts with commas: ids ascending, each once, then zeros; the fields of `Asked`."""
    # a ragged tensor would be ten times as many operations
    places, parts, shape = tf.raw_ops.StringSplitV2(input=text, sep=",")
    found = table.lookup(parts)
    ids = tf.scatter_nd(places, found, shape)
    last = tf.constant(ids.dtype.max, ids.dtype)
    ids = tf.sort(tf.where(ids == NOT_GIVEN, last, ids), axis=1)
    first = ids[:, :1]
    ids = tf.concat([first, tf.where(ids[:, 1:] == ids[:, :-1], last, ids[:, 1:])], axis=1)
    ids = tf.pad(tf.sort(ids, axis=1), [[0, 0], [0, several + 1]], constant_values=last)
    too_many = tf.reduce_any(ids[:, several] != last)
    ids = ids[:, :several]
    return tf.where(ids == last, tf.zeros_like(ids), ids), parts, found, too_many


class Spellings(tf.Module):
    """Makes the spellings of some names one, as `fold` does: TensorFlow knows case, but not that é can be two letters.

    Accents are taken out of the letters that the names have and put into one order (NFD); other letters make no name.
    """

    def __init__(self, names: Sequence[str]):
        super().__init__()
        used = {letter for name in names for letter in unicodedata.normalize("NFD", fold(name))}
        parts = {letter: written for letter, written in _decompositions().items() if used.issuperset(written)}
        self._parts = None
        if parts:
            pairs = tf.lookup.KeyValueTensorInitializer(list(parts), list(parts.values()))
            self._parts = tf.lookup.StaticHashTable(pairs, "")
        marks: dict[int, str] = {}
        for letter in sorted(used):
            marks[unicodedata.combining(letter)] = marks.get(unicodedata.combining(letter), "") + letter
        marks.pop(0, None)
        self._disorders = [
            f"([{marks[later]}])([{marks[earlier]}])" for earlier, later in itertools.combinations(sorted(marks), 2)
        ]

    def one(self, values: tf.Tensor) -> tf.Tensor:
        """Strings `[N]`, of which those are equal that `fold` makes equal to the same name."""
        text = folded(values)
        if self._parts is None:
            return text
        letters = tf.strings.unicode_split(text, "UTF-8")
        written = self._parts.lookup(letters.flat_values)
        written = letters.with_flat_values(tf.where(written == "", letters.flat_values, written))
        text = tf.strings.reduce_join(written.to_tensor(""), axis=1)
        for disorder in self._disorders:
            text = tf.strings.regex_replace(text, disorder, r"\2\1")
        return text


@functools.cache
def _decompositions() -> dict[str, str]:
    """All letters that are written in several ways, and the longest of them."""
    parts = {letter: unicodedata.normalize("NFD", letter) for letter in map(chr, range(0xA0, 0x30000))}
    return {letter: written for letter, written in parts.items() if letter != written}


# traced once and called from everywhere
@tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
def folded(values):
    """Names without differences of case, spaces and invisible letters: what `fold` does besides composing accents."""
    # bytes that are no text would fail in the middle of TensorFlow
    text = tf.strings.unicode_transcode(values, "UTF-8", "UTF-8")
    text = tf.strings.regex_replace(text, f"[{INVISIBLE}]", "")
    text = tf.strings.strip(tf.strings.regex_replace(text, _SPACE, " "))
    text = tf.strings.lower(text, encoding="utf-8")
    special = _special_folds()

    def fold_the_rest():
        rest = text
        for letter, written in special.items():
            rest = tf.strings.regex_replace(rest, letter, written)
        return rest

    found = tf.strings.regex_full_match(text, f".*[{''.join(special)}].*")
    return tf.cond(tf.reduce_any(found), fold_the_rest, lambda: text)


def _special_folds() -> dict[str, str]:
    """Letters that lower case leaves, but not case folding, such as ß and the micro sign, or that NFC replaces."""
    lower = [letter for letter in map(chr, range(0x20000)) if letter == letter.lower()]
    cased = [letter for letter in lower if {letter} != {letter.upper(), letter.casefold()}]
    folds = {letter: unicodedata.normalize("NFC", letter).casefold() for letter in cased}
    # the lower case of a few scripts folds to upper case: they are one already
    return {letter: written for letter, written in folds.items() if written.lower() != letter}


def zero_unless(problems) -> tf.Tensor:
    """A zero that everything else adds to its inputs, so that nothing is computed before the request is found good.

    Args:
        problems: Pairs of (boolean scalar, function that makes words); the words of those that are true fail the
            request.

    Returns:
        int64 scalar.
    """
    problems = list(problems)

    def words():
        each = tf.stack([tf.cond(wrong, words, lambda: tf.constant("")) for wrong, words in problems])
        return tf.strings.reduce_join(tf.boolean_mask(each, each != ""), separator="; ")

    verdict = tf.cond(tf.reduce_any(tf.stack([wrong for wrong, _ in problems])), words, lambda: tf.constant("0"))
    # of all operations that fail with INVALID_ARGUMENT this one repeats words as they are: Assert would put
    # backslashes before quotes and numbers in the place of letters beyond ASCII
    return tf.strings.to_number(tf.ensure_shape(verdict, []), tf.int64)


def row_problems(inputs: Mapping[str, tf.Tensor]):
    """What is wrong with the number of rows of a request's inputs."""
    rows = [tf.shape(value)[0] for value in inputs.values()]
    described = [tf.strings.join([name, tf.strings.as_string(n)], " ") for name, n in zip(inputs, rows, strict=True)]
    yield (
        tf.reduce_any(tf.stack(rows) != rows[0]),
        lambda: _words("All inputs need as many rows. Received: ", tf.strings.reduce_join(described, separator=", ")),
    )
    yield (
        (rows[0] < 1) | (rows[0] > MAX_ROWS),
        lambda: _words(f"A request has 1 to {MAX_ROWS} rows. Received: ", tf.strings.as_string(rows[0])),
    )


def seed_problem(name: str, seeds: tf.Tensor):
    """What is wrong with seeds."""
    return tf.reduce_any(seeds < 0), lambda: _words(
        f"{name} must be a whole number from 0 to 2**63 - 1. Received: ", tf.strings.as_string(tf.reduce_min(seeds))
    )


def range_problem(name: str, values: tf.Tensor, largest: float = MAX_TRUNCATION):
    """What is wrong with numbers that go from 0 to `largest`."""
    wrong = ~((values >= 0) & (values <= largest))  # NaN is neither
    return tf.reduce_any(wrong), lambda: _words(
        f"{name} must be a number from 0 to {largest:g}. Received: ",
        tf.strings.as_string(tf.boolean_mask(values, wrong)[0], shortest=True),
    )


# traced once, too: half of a small model's file would be copies of it
@tf.function(
    input_signature=[tf.TensorSpec([], tf.string), tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.string)],
    autograph=False,
)
def _unknown_words(attribute, unknown, names):
    """Words for values that do not exist: the first of them, and those that do, or the nearest if they are many."""
    text = tf.strings.unicode_transcode(unknown[0], "UTF-8", "UTF-8")
    value = tf.strings.substr(text, 0, _LONGEST_ECHO, unit="UTF8_CHAR")
    count = tf.size(names)
    asked, known = (tf.strings.substr(folded(each), 0, _LONGEST_ECHO, unit="UTF8_CHAR") for each in ([value], names))
    distances = tf.edit_distance(_letters(tf.tile(asked, [count])), _letters(known), normalize=False)
    _, nearest = tf.math.top_k(-distances, k=tf.minimum(count, _NEAREST))
    few = count <= _MOST_LISTED
    listed = tf.cond(few, lambda: names, lambda: tf.gather(names, nearest))
    introduced = tf.where(few, "valid: ", _words("the nearest of ", tf.strings.as_string(count), " values are "))
    listed = tf.strings.reduce_join(_words("'", listed, "'"), separator=", ")
    return _words("Unknown ", attribute, " '", value, "': ", introduced, listed)


def _letters(texts: tf.Tensor) -> tf.SparseTensor:
    return tf.strings.unicode_split(texts, "UTF-8").to_sparse()


def _words(*parts) -> tf.Tensor:
    return tf.strings.join([tf.constant(part) if isinstance(part, str) else part for part in parts])
