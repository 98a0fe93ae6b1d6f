"""Requests by name inside a TensorFlow graph: names become ids, what is not given is drawn, what cannot be fails.

Everything here is plain TensorFlow and ends up in the SavedModel: whoever serves it has no Python of ours. It does in
the graph what `ConditionSchema.encode` and `ConditionSchema.complete` do in Python.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfproductgan.conditions import (
    MAX_TRUNCATION,
    NOT_GIVEN,
    SEPARATORS,
    ConditionSchema,
)
from tfproductgan.export.spellings import Spellings, folded
from tfproductgan.export.text_inputs import TextInputs
from tfproductgan.export.vector_inputs import VectorInputs
from tfproductgan.models.sampler import seed_fractions

MAX_ROWS = 1024
"""Pictures one request may ask for: a server must not run out of memory because somebody asks for more."""

OTHER_INPUTS = ("seed", "truncation", "latents", "fraction", "request")

_UNKNOWN = -1
_JOINT = "\x01"  # in the place of a comma that is part of a value
_BETWEEN = f" ?[{SEPARATORS}] ?"
_LONGEST_ECHO = 64  # letters of a wrong value that a message repeats
_MOST_LISTED, _NEAREST = 12, 3  # values a message lists; of longer lists it gives the nearest


def input_names(names: Sequence[str], reserved: Sequence[str] = OTHER_INPUTS) -> dict[str, str]:
    """Names of attributes to names of inputs, the same where possible: letters, digits and `_`, for every client."""
    taken: dict[str, str] = {}
    for number, name in enumerate(names, start=1):
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        made = re.sub(r"[^A-Za-z0-9_]+", "_", plain).strip("_") or f"attribute_{number}"
        if made[0].isdigit():
            made = f"attribute_{made}"
        # TensorFlow makes Python parameters of them
        if keyword.iskeyword(made) or made in reserved:
            made = f"{made}_"
        while made in taken.values():
            made = f"{made}_{number}"
        taken[name] = made
    return taken


def inputs_of(schema: ConditionSchema) -> dict[str, str]:
    """Names of all that can be asked for to names of inputs."""
    if schema.vocabulary is None:
        return input_names(schema.names)
    return {**input_names(schema.names, (*OTHER_INPUTS, schema.text_name)), schema.text_name: schema.text_name}


class Asked(NamedTuple):
    """What an input asks for: ids, int64 `[N, several]`, -1 for values that do not exist.

    `texts`, string `[M]`, and `found`, int64 `[M]`, are its values one by one; `too_many`, a boolean scalar, says that
    a row has more of them than a picture, and is `None` for attributes of one value. Of a text `ids` are its pieces,
    `found` says which rows have nothing that titles have, and `too_many`, `[N]`, which are too long; of the vector of
    one `too_many` says which are no numbers.
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
        inputs = inputs_of(schema)
        self._inputs = {name: inputs[name] for name in schema.names}
        self._spellings = Spellings([value for attribute in schema.attributes for value in attribute.values])
        self._tables, self._readers = [], []
        for attribute in schema.attributes:
            keys = [key.decode() for key in self._spellings.one(tf.constant(attribute.values)).numpy()]
            self._tables.append(_table(keys, attribute.several))
            self._readers.append(_reader(keys, attribute.several, self._tables[-1]))
        shape = (len(schema.combinations), schema.text_columns.start)
        observed = np.array([ids for ids, _ in schema.combinations], np.int32).reshape(shape)
        # tensors that functions capture are saved once; arrays would be in every function anew
        self._names = [tf.constant(attribute.values) for attribute in schema.attributes]
        self._text: TextInputs | VectorInputs | None = None
        if schema.vocabulary is not None:
            self._text = (TextInputs if schema.reads_words else VectorInputs)(schema.vocabulary)
        self._observed = tf.constant(observed)
        self._counts = tf.constant([count for _, count in schema.combinations], tf.int64)

    def specs(self, prefix: str = "") -> dict[str, tf.TensorSpec]:
        """One string input an attribute, and one for the text, if models have learnt from titles, or for its vector."""
        strings, text = tf.TensorSpec([None], tf.string), prefix + self._schema.text_name
        specs = {prefix + name: strings for name in self._inputs.values()}
        if self._text is not None:
            vectors = tf.TensorSpec([None, self._text.length], tf.float32)
            specs[text] = strings if self._schema.reads_words else vectors
        return {name: tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in specs.items()}

    def asked(self, inputs: Mapping[str, tf.Tensor], prefix: str = "") -> list[Asked]:
        """What each attribute is asked for, and last the text, if there is one."""
        values = [inputs[prefix + name] for name in self._inputs.values()]
        texts_asked = []
        if self._text is not None:
            texts_asked = [_asked_text(self._text, inputs[prefix + self._schema.text_name])]
        if not values:
            return texts_asked
        texts = tf.split(self._spellings.one(tf.concat(values, 0)), [tf.shape(column)[0] for column in values])
        found = []
        for table, reader, given, text in zip(self._tables, self._readers, values, texts, strict=True):
            if reader is None:
                ids = table.lookup(text)
                found.append(Asked(ids[:, None], given, ids))
            else:
                found.append(Asked(*reader(text)))
        return [*found, *texts_asked]

    def unknown(self, asked: Sequence[Asked]):
        """Pairs of (whether an attribute is asked for what cannot be, function that makes words for it)."""
        attributes = self._schema.attributes
        if isinstance(self._text, VectorInputs):
            said = "text_vector must be finite numbers. Received: NaN or infinity"
            yield tf.reduce_any(asked[len(attributes)].too_many), lambda: tf.constant(said)
        elif self._text is not None:
            yield from _text_problems(asked[len(attributes)], self._text.length)
        for attribute, each, names in zip(attributes, asked[: len(attributes)], self._names, strict=True):
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
        text, ids = ids[:, self._schema.text_columns], ids[:, : self._schema.text_columns.start]
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
        if self._text is None:
            return tf.where(kept, ids, tf.gather(self._observed, drawn))
        kept |= tf.reduce_any(text != NOT_GIVEN, axis=1, keepdims=True)
        return tf.concat([tf.where(kept, ids, tf.gather(self._observed, drawn)), text], axis=1)


def _asked_text(reader: TextInputs | VectorInputs, texts: tf.Tensor) -> Asked:
    if isinstance(reader, VectorInputs):
        ids, wrong = reader.read(texts)
        return Asked(ids, None, None, wrong)
    read = reader.read(texts)
    return Asked(read.ids, texts, tf.where(read.unknown, _UNKNOWN, 0), read.too_long)


def _text_problems(asked: Asked, length: int):
    """What can be wrong with texts."""
    unknown = asked.found == _UNKNOWN
    yield (
        tf.reduce_any(asked.too_many),
        lambda: _words(
            f"A text has at most {length} words and parts of words that the model reads. Received: '",
            _echo(tf.boolean_mask(asked.texts, asked.too_many)[0]),
            "'",
        ),
    )
    yield (
        tf.reduce_any(unknown),
        lambda: _words(
            "Not one word of the text '",
            _echo(tf.boolean_mask(asked.texts, unknown)[0]),
            "' occurs in the titles that the model has learnt from, nor a part of one.",
        ),
    )


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


def held_back(files: tf.Tensor, zero: tf.Tensor) -> tf.Tensor:
    """Files, strings, of which none is decoded before the request is found good; see `zero_unless`."""
    return tf.strings.join([files, tf.strings.substr(tf.strings.as_string(zero), 0, 0)])


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
    value = _echo(unknown[0])
    count = tf.size(names)
    asked, known = (tf.strings.substr(folded(each), 0, _LONGEST_ECHO, unit="UTF8_CHAR") for each in ([value], names))
    distances = tf.edit_distance(_letters(tf.tile(asked, [count])), _letters(known), normalize=False)
    _, nearest = tf.math.top_k(-distances, k=tf.minimum(count, _NEAREST))
    few = count <= _MOST_LISTED
    listed = tf.cond(few, lambda: names, lambda: tf.gather(names, nearest))
    introduced = tf.where(few, "valid: ", _words("the nearest of ", tf.strings.as_string(count), " values are "))
    listed = tf.strings.reduce_join(_words("'", listed, "'"), separator=", ")
    return _words("Unknown ", attribute, " '", value, "': ", introduced, listed)


def _echo(text: tf.Tensor) -> tf.Tensor:
    """The beginning of what was received."""
    return tf.strings.substr(tf.strings.unicode_transcode(text, "UTF-8", "UTF-8"), 0, _LONGEST_ECHO, unit="UTF8_CHAR")


def _letters(texts: tf.Tensor) -> tf.SparseTensor:
    return tf.strings.unicode_split(texts, "UTF-8").to_sparse()


def _words(*parts) -> tf.Tensor:
    return tf.strings.join([tf.constant(part) if isinstance(part, str) else part for part in parts])
