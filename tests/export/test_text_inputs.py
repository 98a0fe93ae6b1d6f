import random

import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import ConditionError
from tfproductgan.export.text_inputs import TextInputs
from tfproductgan.vocabulary import Vocabulary

VOCABULARY = Vocabulary.learn(
    [*["Titan Women Gold Watch", "Puma Men Red Shoes 32GB", "Écru バッグ 9.5"] * 4, *[f"red{i} bag" for i in "abcde"]]
)
TEXTS = [
    "Gold WATCH",
    "reddish watchstrap 9.5 32GB",
    "1.2.3,4 a1b2c3 9. x.5 10×15cm ½",
    "XL",
    "",
    "!!!",
    "xqzv",
    "色",
    "a " * 50,
    "a" * 200,
    "İSTANBUL ΣΟΦΟΣ ß ŉ Ǆ ﬁ \u212a \u212b \u2126",
    "e\u0301cru ecru ÉCRU",
    "が か\u3099 한국 バッグ",
    "\U000f0003\U000f0200 red",
    "so\u00adft\u200b tab\tred\x1fblue\u3000gold",
    "Ꭰ Ёлка red",
]


@pytest.fixture(scope="module")
def reader():
    return TextInputs(VOCABULARY)


def letters(seed):
    rng = random.Random(seed)
    most = rng.choice([0x80, 0x250, 0x600, 0x3000, 0x20000])
    codes = [rng.randrange(1, most) for _ in range(rng.randrange(1, 12))]
    return "".join(map(chr, (code for code in codes if not 0xD800 <= code < 0xE000)))


def read_here(text):
    """Its numbers, or what is wrong with it."""
    try:
        return VOCABULARY.encode(text)
    except ConditionError as error:
        return "too long" if "too long" in str(error) else "unknown"


def test_texts_are_read_as_they_are_in_python(reader):
    texts = TEXTS + [letters(seed) for seed in range(300)]
    ids, too_long, unknown = (part.numpy() for part in reader.read(tf.constant(texts)))
    for text, numbers, cut, strange in zip(texts, ids, too_long, unknown, strict=True):
        there = "too long" if cut else "unknown" if strange else tuple(numbers.tolist())
        assert there == read_here(text), ascii(text)


def test_bytes_that_are_no_text_are_read(reader):
    assert np.any(reader.read(tf.constant([b"red \xff\xfe"])).ids)
