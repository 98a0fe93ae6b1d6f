"""One spelling of names inside a TensorFlow graph: what `fold` does in Python."""

from __future__ import annotations

import functools
import itertools
import unicodedata
from collections.abc import Sequence

import tensorflow as tf

from tfproductgan.conditions import INVISIBLE, fold

# what str.split takes for space, which is more than \\s of regular expressions
_SPACE = r"[\s\x{b}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+"


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
