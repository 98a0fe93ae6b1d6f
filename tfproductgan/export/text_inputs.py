"""Texts inside a TensorFlow graph: what `Vocabulary.encode` does in Python, for those who serve a model without it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfproductgan.export.spellings import folded
from tfproductgan.vocabulary import (
    FIRST_BYTE,
    LONGEST_PIECE,
    MARKS,
    NUM_BYTES,
    START,
    STEPS,
    TELLING,
    Vocabulary,
    plain_letters,
)


class ReadTexts(NamedTuple):
    """Texts as numbers, int64 `[N, length]`, and, bool `[N]`, which are too long and have nothing that titles have."""

    ids: Any
    too_long: Any
    unknown: Any


class TextInputs(tf.Module):
    """The pieces of a `Vocabulary` as tables of a graph."""

    def __init__(self, vocabulary: Vocabulary):
        super().__init__()
        pieces = vocabulary.pieces
        self.length = vocabulary.length
        self._numbers = _table(pieces, np.arange(1, len(pieces) + 1), 0)
        self._plain = _table(list(plain_letters()), list(plain_letters().values()), "")
        # letters stand for themselves, all others for their bytes
        letters = sorted(vocabulary.letters)
        self._letters = _table(letters, letters, "")
        singles = [bytes([number]) for number in range(NUM_BYTES)]
        self._bytes = _table(singles, [chr(FIRST_BYTE + number) for number in range(NUM_BYTES)], "")
        self._sizes = tf.range(1, min(LONGEST_PIECE, max(map(len, pieces))) + 1)
        begins = [piece.startswith(START) for piece in pieces]
        long_enough = [at >= NUM_BYTES and len(piece.strip(START)) >= TELLING for at, piece in enumerate(pieces)]
        words = np.arange(len(pieces)) >= NUM_BYTES
        words &= np.arange(len(pieces)) < NUM_BYTES + len(vocabulary.words)
        # nothing ends a word as well
        self._begins = tf.constant([True, *begins])
        self._long_enough = tf.constant([False, *long_enough])
        self._words = tf.constant([False, *words])
        self.read = tf.function(self._read, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)

    def _read(self, texts):
        rest = self._symbols(texts)
        ids = tf.zeros((tf.shape(rest)[0], 0), tf.int64)
        rounds = tf.constant(0)

        def goes_on(rounds, rest, ids):
            return (rounds < self.length) & tf.reduce_any(rest != "")

        def take(rounds, rest, ids):
            # all beginnings, the longest last
            sizes = tf.tile(self._sizes[None, :], [tf.shape(rest)[0], 1])
            starts = tf.strings.substr(rest[:, None], tf.zeros_like(sizes), sizes, unit="UTF8_CHAR")
            found = self._numbers.lookup(starts)
            best = tf.reduce_max(tf.where(found > 0, self._sizes[None, :], 0), axis=1)
            number = tf.gather(found, tf.maximum(best - 1, 0), batch_dims=1)
            left = tf.strings.length(rest, unit="UTF8_CHAR")
            size = tf.minimum(best, left)
            rest = tf.strings.substr(rest, size, left - size, unit="UTF8_CHAR")
            return rounds + 1, rest, tf.concat([ids, number[:, None]], axis=1)

        shapes = [tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape([None, None])]
        _, rest, ids = tf.while_loop(goes_on, take, [rounds, rest, ids], shape_invariants=shapes)
        ids = tf.pad(ids, [[0, 0], [0, self.length - tf.shape(ids)[1]]])
        ids = tf.ensure_shape(ids, [None, self.length])
        after = tf.pad(ids[:, 1:], [[0, 0], [0, 1]])
        whole = tf.gather(self._words, ids) & tf.gather(self._begins, after)
        telling = tf.reduce_any(whole | tf.gather(self._long_enough, ids), axis=1)
        too_long = rest != ""
        return ReadTexts(ids, too_long, (ids[:, 0] > 0) & ~telling & ~too_long)

    def _symbols(self, texts):
        """Texts in the form that pieces are looked up in, letters that are in no piece as bytes."""
        text = tf.strings.lower(folded(texts), encoding="utf-8")
        text = self._exchanged(text, lambda letters: _or(self._plain.lookup(letters), letters))
        text = tf.strings.regex_replace(text, f"[{MARKS}]", "")
        for pattern, by in STEPS:
            text = tf.strings.regex_replace(text, pattern, by)
        text = tf.strings.strip(tf.strings.regex_replace(text, " +", " "))
        text = tf.where(text == "", "", tf.strings.regex_replace(tf.strings.join([" ", text]), " ", START))
        return self._exchanged(text, lambda letters: _or(self._letters.lookup(letters), self._in_bytes(letters)))

    def _exchanged(self, text, exchange):
        letters = tf.strings.unicode_split(text, "UTF-8")
        return tf.strings.reduce_join(letters.with_flat_values(exchange(letters.flat_values)).to_tensor(""), axis=1)

    def _in_bytes(self, letters):
        parts = tf.strings.bytes_split(letters)
        symbols = parts.with_flat_values(self._bytes.lookup(parts.flat_values))
        return tf.strings.reduce_join(symbols.to_tensor(""), axis=1)


def _or(first, second):
    return tf.where(first == "", second, first)


def _table(keys, values, default):
    values = np.asarray(values, np.int64) if isinstance(default, int) else tf.constant(values)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(tf.constant(keys), values), default)
