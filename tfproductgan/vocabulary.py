"""Titles as numbers: the words of the titles a model learns from, and what is made of words that are in none of them.

A text is brought into one form, in which case, spaces, accents and signs between words make no difference, numbers
stand apart from letters and each word begins with "▁". From its start on it is taken apart into the longest pieces
there are: frequent words whole, others by parts that several words share, by letters, and a letter that is in no title
by its bytes. So any text can be told, and what is told can be read again.

`export/text_inputs.py` does the same in TensorFlow, for models that are asked without this package.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tfproductgan.errors import ConditionError, Message, nearest

INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff"
"""Letters that nobody sees, as a class of regular expressions: hyphens, spaces and marks without width."""

HALVES = "\ud800-\udfff"
"""Halves of letters, as a class of regular expressions: what Python makes of bytes that are no text. Nobody sees them
either, and no file can hold them; TensorFlow's texts have none."""

START = "▁"
"""Stands before each word. It is one of `SIGNS`, so no text has it."""

NUM_BYTES = 256

FIRST_BYTE = 0xF0000
"""The code points from here on, which mean nothing, stand for bytes."""

SIGNS = (
    "\\x00-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\xa9\\xab-\\xb4\\xb6-\\xb9\\xbb-\\xbf\\xd7\\xf7\u2000-\u206f\u2100-\u2bff"
    "\u3001-\u3004\u3008-\u3020\u3030\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
    "\U000f0000-\U000f01ff"
)
"""What stands between words and means nothing, as a class of regular expressions."""

MARKS = "\u0300-\u036f"
"""Accents that follow their letter, as a class of regular expressions."""

POINT = "\U000f0200"
"""Stands for the point in a number while signs become spaces."""

STEPS = (
    (POINT, " "),
    # a point or comma in a number stays, as a point; twice, since the digit behind one is the digit before the next
    ("([0-9])[.,]([0-9])", f"\\1{POINT}\\2"),
    ("([0-9])[.,]([0-9])", f"\\1{POINT}\\2"),
    (f"[{SIGNS}]", " "),
    (POINT, "."),
    ("([0-9])([^0-9. ])", "\\1 \\2"),
    ("([^0-9. ])([0-9])", "\\1 \\2"),
)
"""Regular expressions that bring a text into its form, one after the other, and what takes their place."""

TELLING = 3
"""A part of so many letters says something of a word that is in no title."""

LONGEST_PIECE = 24
SHORTEST_LENGTH, MOST_LENGTH = 24, 64

_MOST_WORDS, _MOST_PARTS = 8000, 2000
_FEWEST = 3  # titles a word is in; rarer ones are read by parts, which are learnt so
_SHARED_BY = 4  # words that have a part
_LONGEST_PART = 8
_WHOLE_SHARE = 0.995  # of the titles are read to their end

_INVISIBLE = re.compile(f"[{INVISIBLE}{HALVES}]")
_DIGIT = re.compile("[0-9]")
_COMPILED = [(re.compile(pattern), by) for pattern, by in STEPS]
_WITHOUT_DIGITS = [step for step in _COMPILED if "[0-9]" not in step[0].pattern]
_ALL_MARKS = re.compile(f"[{MARKS}]")


@functools.cache
def plain_letters() -> Mapping[str, str]:
    """Letters with accents, and the letters without."""
    found = {}
    for letter in map(chr, range(0xC0, 0x2000)):
        parts = unicodedata.normalize("NFD", letter)
        plain = _ALL_MARKS.sub("", parts)
        if plain and plain != parts:
            found[letter] = plain
    return found


class _Plainly(dict):
    """What `str.translate` takes."""

    def __missing__(self, code):
        return chr(code)


@functools.cache
def _translation() -> dict[int, str]:
    return _Plainly({ord(letter): plain for letter, plain in plain_letters().items()})


def formed(text: str) -> str:
    """A text in the form that pieces are looked up in."""
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
    # a few scripts fold to upper case
    text = " ".join(text.split()).casefold().lower()
    if not text.isascii():
        text = _ALL_MARKS.sub("", text.translate(_translation()))
    # most titles have no number
    for pattern, by in _COMPILED if _DIGIT.search(text) else _WITHOUT_DIGITS:
        text = pattern.sub(by, text)
    return "".join(START + word for word in text.split(" ") if word)


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The pieces of the titles of some photos, by number: 0 is nothing, then 256 bytes, words and parts.

    Args:
        words: Words as wholes, without "▁", most frequent first.
        parts: Parts of words and letters; those that a word begins with start with "▁".
        length: How many pieces a text has at most.

    Raises:
        ConditionError: If a piece appears twice or is empty, or there is no length.
    """

    words: Sequence[str]
    parts: Sequence[str]
    length: int
    _ids: dict[str, int] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "words", tuple(self.words))
        object.__setattr__(self, "parts", tuple(self.parts))
        pieces = self.pieces
        ids = {piece: number for number, piece in enumerate(pieces, start=1)}
        if len(ids) != len(pieces) or not all(piece.strip(START) or piece == START for piece in pieces):
            raise ConditionError("A vocabulary has each piece once, and none is empty.")
        if not isinstance(self.length, int) or self.length < 1:
            raise ConditionError(f"The length of a vocabulary is a whole number from 1. Received: {self.length!r}")
        object.__setattr__(self, "_ids", ids)

    @classmethod
    def learn(cls, titles: Iterable[str]) -> Vocabulary:
        """The vocabulary of some titles.

        Raises:
            ConditionError: If none has a word.
        """
        texts = [formed(title) for title in titles]
        counts = Counter(word for text in texts for word in words_of(text))
        if not counts:
            raise ConditionError("Not one of the titles to learn from has a word.")
        ordered = sorted(counts, key=lambda word: (-counts[word], word))
        words = [word for word in ordered if len(word) < LONGEST_PIECE and counts[word] >= _FEWEST][:_MOST_WORDS]
        # of one title each, there would be none
        words = words or [word for word in ordered if len(word) < LONGEST_PIECE][:_MOST_WORDS]
        known = {START + word for word in words}
        of_letters: Counter[str] = Counter()
        for word, count in counts.items():
            of_letters.update(dict.fromkeys(word, count))
        # rarer ones are read by their bytes, which are learnt so
        letters = {letter for letter, count in of_letters.items() if count >= _FEWEST}.union(*words)
        parts = [START, *sorted(letters), *_shared(counts, known | letters)]
        made = cls(words, parts, MOST_LENGTH)
        memo: dict[str, list[int]] = {}
        lengths = sorted(len(made.read(text, memo)) for text in texts)
        most = lengths[math.ceil(_WHOLE_SHARE * len(lengths)) - 1]
        return dataclasses.replace(made, length=min(max(most, SHORTEST_LENGTH), MOST_LENGTH))

    @functools.cached_property
    def pieces(self) -> list[str]:
        """All pieces; the one at position `i` has number `i + 1`."""
        codes = range(FIRST_BYTE, FIRST_BYTE + NUM_BYTES)
        return [*map(chr, codes), *(START + word for word in self.words), *self.parts]

    @functools.cached_property
    def letters(self) -> frozenset[str]:
        """The letters that are read as such; all others are read by their bytes."""
        return frozenset(piece for piece in self.parts if len(piece) == 1)

    @property
    def num_ids(self) -> int:
        """Number of numbers: all pieces and "nothing"."""
        return 1 + NUM_BYTES + len(self.words) + len(self.parts)

    def read(self, text: str, memo: dict[str, list[int]] | None = None) -> list[int]:
        """All pieces of a text that is `formed`; words that were read before may be remembered."""
        memo = {} if memo is None else memo
        found = []
        for word in words_of(text):
            if word not in memo:
                memo[word] = self._take_apart(word)
            found += memo[word]
        return found

    def _take_apart(self, word: str) -> list[int]:
        symbols = [c if c in self.letters else "".join(chr(FIRST_BYTE + b) for b in c.encode()) for c in word]
        text, at, found, ids = START + "".join(symbols), 0, [], self._ids
        while at < len(text):
            size = min(LONGEST_PIECE, len(text) - at)
            while text[at : at + size] not in ids:
                size -= 1
            found.append(ids[text[at : at + size]])
            at += size
        return found

    def encode(self, text: Any) -> tuple[int, ...]:
        """What somebody asks for as numbers, then zeros; a text without a word, or `None`, is nothing but these.

        Raises:
            ConditionError: If it is longer than a text may be, or there is nothing in it that occurs in titles.
        """
        if text is None:
            return (0,) * self.length
        if not isinstance(text, str):
            raise ConditionError(
                Message("A text is words, such as 'red leather handbag'. Received: %(text)r", text=text)
            )
        form = formed(text)
        ids = self.read(form)
        if len(ids) > self.length:
            raise ConditionError(
                Message(
                    "The text is too long: it has %(count)s words and parts of words, and the model reads up to "
                    "%(most)s. Received: %(text)r",
                    count=len(ids),
                    most=self.length,
                    text=_shortened(text),
                )
            )
        if ids and not self._says_something(ids):
            words = words_of(form)
            raise ConditionError(
                Message(
                    "Not one word of the text %(text)r occurs in the titles that the model has learnt from, nor a part "
                    "of one: %(right)s",
                    text=_shortened(text),
                    right=nearest(words[0], self.words),
                )
            )
        return self._padded(ids)

    def encode_titles(self, titles: Iterable[str]) -> np.ndarray:
        """Titles of photos, int32 `[N, length]`; what is too long ends with the last whole word that fits.

        A title that could not be asked for, since nothing in it occurs in others, is not given.
        """
        memo: dict[str, list[int]] = {}
        read = (self._cut(self.read(formed(title), memo)) for title in titles)
        rows = [self._padded(ids if self._says_something(ids) else []) for ids in read]
        return np.array(rows, np.int32).reshape(len(rows), self.length)

    def _cut(self, ids: list[int]) -> list[int]:
        if len(ids) <= self.length:
            return ids
        starts = [place for place, number in enumerate(ids[: self.length + 1]) if self._begins(number)]
        return ids[: starts[-1] or self.length]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of some numbers, in its form: `encode` gives the same numbers for it again."""
        pieces = self.pieces
        symbols = "".join(pieces[number - 1] for number in ids if number)
        return _bytes_read(symbols).replace(START, " ").strip()

    def unknown(self, text: str) -> list[str]:
        """The words of a text that are read by their parts, since too few titles or none have them."""
        known = set(self.words)
        return [word for word in dict.fromkeys(words_of(formed(text))) if word not in known]

    def _says_something(self, ids: Sequence[int]) -> bool:
        """Whether there is a whole word among numbers, or a part that is long enough to say something."""
        pieces = self.pieces
        for number, after in zip(ids, [*ids, 0][1:], strict=True):
            if self._is_word(number) and (not after or self._begins(after)):
                return True
            if number > NUM_BYTES and len(pieces[number - 1].strip(START)) >= TELLING:
                return True
        return False

    def _is_word(self, number: int) -> bool:
        return NUM_BYTES < number <= NUM_BYTES + len(self.words)

    def _begins(self, number: int) -> bool:
        """Whether a word begins with a piece."""
        return self.pieces[number - 1].startswith(START)

    def _padded(self, ids: Sequence[int]) -> tuple[int, ...]:
        return (*ids, *[0] * (self.length - len(ids)))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form that `from_dict` reads."""
        return {"words": list(self.words), "parts": list(self.parts), "length": self.length}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Vocabulary:
        """The vocabulary that `to_dict` wrote."""
        return cls(data["words"], data["parts"], data["length"])

    def __hash__(self) -> int:
        return hash((self.words, self.parts, self.length))


def words_of(text: str) -> list[str]:
    """The words of a text that is `formed`."""
    return text.split(START)[1:]


def _shared(counts: Mapping[str, int], taken: Collection[str]) -> list[str]:
    """Parts that many words have, those of most words first, of equals the longer one."""
    having: Counter[str] = Counter()
    for word in counts:
        marked = START + word[: 4 * LONGEST_PIECE]
        sizes = range(2, _LONGEST_PART + 1)
        having.update({marked[at : at + size] for size in sizes for at in range(len(marked) - size + 1)})
    often = {part: count for part, count in having.items() if count >= _SHARED_BY}
    # one that is only ever seen inside a longer one says no more than that
    shorter = ((inner, count) for part, count in often.items() for inner in (part[1:], part[:-1]))
    inside = {inner for inner, count in shorter if often.get(inner) == count}
    kept = [part for part in often if part not in inside and part not in taken]
    return sorted(kept, key=lambda part: (-often[part], -len(part), part))[:_MOST_PARTS]


def _bytes_read(symbols: str) -> str:
    """A text in which bytes are letters again."""

    def letters(found):
        return bytes(ord(symbol) - FIRST_BYTE for symbol in found.group()).decode("utf-8", "replace")

    last = chr(FIRST_BYTE + NUM_BYTES - 1)
    return re.sub(f"[{chr(FIRST_BYTE)}-{last}]+", letters, symbols)


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
