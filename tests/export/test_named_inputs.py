import itertools
import re
import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.conditions import Attribute, ConditionSchema, fold
from tfproductgan.export.named_inputs import NamedInputs, input_names, inputs_of
from tfproductgan.export.spellings import folded
from tfproductgan.models.sampler import seed_fractions
from tfproductgan.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("names", "inputs"),
    [
        (["articleType", "base_colour", "size2"], ["articleType", "base_colour", "size2"]),
        (["base colour", "base-colour"], ["base_colour", "base_colour_2"]),
        (["catégorie", "色", "!"], ["categorie", "attribute_2", "attribute_3"]),
        (["2nd colour", "_hidden"], ["attribute_2nd_colour", "hidden"]),
        (["class", "seed", "truncation", "fraction"], ["class_", "seed_", "truncation_", "fraction_"]),
    ],
)
def test_inputs_are_named_like_attributes_where_that_is_possible(names, inputs):
    assert input_names(names) == dict(zip(names, inputs, strict=True))


@pytest.mark.parametrize("value", ["Navy Blue", "Écru", "ΣΟΦΟΣ", "Ёлка", "İstanbul", "色", "T-shirt"])
def test_names_are_folded_as_they_are_in_python(value):
    spellings = [value, value.lower(), f" \t{value}\n", f"\u3000{value}\xa0"]
    if " " in value:
        spellings.append(value.replace(" ", " \x1c \u2003 "))
    found = {text.decode() for text in folded(tf.constant(spellings)).numpy()}
    assert len(found) == 1 and fold(found.pop()) == fold(value)


def test_names_are_one_where_they_are_one_in_python():
    # beyond these scripts TensorFlow lacks a few letters that Unicode has had since 2021
    cased = [
        letter for letter in map(chr, range(0x2C00)) if {letter} != {letter.lower(), letter.upper(), letter.casefold()}
    ]
    names = [name for letter in cased for name in (letter, f"a{letter}", f"{letter}b")]
    here = dict(zip(names, folded(tf.constant(names)).numpy(), strict=True))
    pairs = {(fold(name), there) for name, there in here.items()}
    assert len(pairs) == len({mine for mine, _ in pairs}) == len({there for _, there in pairs})


VALUES = ("Weiß", "Σοφός", "Navy Blue", "10 µm", "ﬁn", "Rosé", "Tiếng Việt", "가방", "ΐ", "Ångström")


def apart(name):
    return unicodedata.normalize("NFD", name)


def marks_swapped(name):
    return re.sub("([\u0323])([\u0302])", r"\2\1", apart(name))


def with_invisible_letters(name):
    return f"\ufeff{name[0]}\u200b{name[1:]}\u200d\u00ad".replace(" ", "\u00a0")


CHANGES = [str, str.upper, str.lower, str.casefold, str.swapcase, apart, marks_swapped, with_invisible_letters]


@pytest.mark.parametrize("change", CHANGES)
def test_every_spelling_that_the_schema_knows_is_found(change):
    schema = ConditionSchema([Attribute("name", VALUES)])
    spellings = [change(value) for value in VALUES]
    [asked] = NamedInputs(schema).asked({"name": tf.constant([*spellings, "", "  ", "?"])})
    assert asked.ids[:, 0].numpy().tolist() == [*(schema.encode({"name": text})[0] for text in spellings), 0, 0, -1]


def test_what_is_not_given_is_drawn_as_the_schema_draws_it(served_schema):
    schema = served_schema()
    asked = list(itertools.product(range(4), (0, 1, 2, 3, 4, 7), range(3)))
    seeds = [0, 1, 2, 3, 12345, 2**63 - 1]
    ids = tf.constant([row for row in asked for _ in seeds], tf.int32)
    rows = tf.constant(seeds * len(asked), tf.int64)
    fractions = seed_fractions(rows).numpy()
    wanted = [schema.complete(row, fraction) for row, fraction in zip(ids.numpy(), fractions, strict=True)]
    np.testing.assert_array_equal(NamedInputs(schema).complete(ids, rows), wanted)


WOODS = Attribute("wood", ("Oak", "Pine", "White, matt", "Rose\u0301", "C++; \\1"), several=3)


@pytest.mark.parametrize(
    "text",
    [
        "Pine",
        "pine, OAK",
        "oak;pine ; oak",
        "rose\u0301、White, matt",
        "Ros\u00e9, pine, white ,matt",
        "white, matt, White,matt",
        "C++; \\1, oak",
        "",
        " , ",
    ],
)
def test_several_values_are_read_as_in_python(text):
    schema = ConditionSchema([WOODS])
    [asked] = NamedInputs(schema).asked({"wood": tf.constant([text, "oak"])})
    assert asked.ids.numpy().tolist() == [list(schema.encode({"wood": text})), [1, 0, 0]]
    assert not asked.too_many


def test_several_values_that_cannot_be_are_told():
    names = NamedInputs(ConditionSchema([WOODS]))
    asked = names.asked({"wood": tf.constant(["oak, elm", "oak, pine, ros\u00e9, white, matt"])})
    assert [bool(wrong) for wrong, _ in names.unknown(asked)] == [True, True]
    first, second = (words().numpy().decode() for _, words in names.unknown(asked))
    assert first.startswith("Unknown wood 'elm': valid: 'Oak', 'Pine'")
    assert second == "One picture has at most 3 values of wood."


def test_what_is_not_given_is_drawn_as_the_schema_draws_it_where_values_are_several():
    schema = ConditionSchema([Attribute("type", ("a", "b")), Attribute("tag", ("x", "y", "z"), several=2)])
    rows = [(1, 1, 2)] * 3 + [(2, 2, 3)] * 2 + [(1, 3, 0), (0, 1, 3), (2, 0, 0)]
    schema = schema.with_combinations(rows)
    asked = [(a, *tags) for a in range(3) for tags in ((0, 0), (1, 0), (2, 0), (3, 0), (1, 2), (1, 3), (2, 3))]
    seeds = [0, 1, 2, 3, 4]
    ids = tf.constant([row for row in asked for _ in seeds], tf.int32)
    rows = tf.constant(seeds * len(asked), tf.int64)
    fractions = seed_fractions(rows).numpy()
    wanted = [schema.complete(row, fraction) for row, fraction in zip(ids.numpy(), fractions, strict=True)]
    np.testing.assert_array_equal(NamedInputs(schema).complete(ids, rows), wanted)


TITLED = ConditionSchema(
    [Attribute("type", ("a", "b")), Attribute("tag", ("x", "y"))],
    vocabulary=Vocabulary.learn(["Gold watch for men", "Red shoes"] * 3),
).with_combinations([(1, 1), (1, 2), (2, 2)])


def test_beside_a_text_nothing_is_filled_in():
    names = NamedInputs(TITLED)
    given = {"type": ["", "a", "", "b"], "tag": ["", "", "y", "x"], "text": ["", "Gold  WATCH", "shoes", ""]}
    asked = names.asked({name: tf.constant(column) for name, column in given.items()})
    ids = tf.cast(tf.concat([each.ids for each in asked], axis=1), tf.int32)
    rows = [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]
    np.testing.assert_array_equal(ids, TITLED.encode_all(rows))
    seeds = tf.range(4, dtype="int64")
    fractions = seed_fractions(seeds).numpy()
    wanted = [TITLED.complete(row, fraction) for row, fraction in zip(ids.numpy(), fractions, strict=True)]
    np.testing.assert_array_equal(names.complete(ids, seeds), wanted)
    assert not any(bool(wrong) for wrong, _ in names.unknown(asked))
    assert list(names.specs("first_")) == ["first_type", "first_tag", "first_text"]
    assert inputs_of(TITLED) == {"type": "type", "tag": "tag", "text": "text"}
    assert input_names(["text"]) == {"text": "text"}  # an attribute may be called so where there are no texts


@pytest.mark.parametrize(("text", "said"), [("xqz", "Not one word of the text 'xqz'"), ("a " * 30, "at most 24 words")])
def test_texts_that_cannot_be_read_are_named(text, said):
    names = NamedInputs(TITLED)
    asked = names.asked({"type": tf.constant([""]), "tag": tf.constant([""]), "text": tf.constant([text])})
    [words] = [words().numpy().decode() for wrong, words in names.unknown(asked) if bool(wrong)]
    assert said in words


@pytest.mark.parametrize("attributes", [[], [Attribute("view", ("Front",))]])
def test_without_photos_nothing_is_filled_in(attributes):
    ids = tf.zeros((3, len(attributes)), tf.int32)
    np.testing.assert_array_equal(
        NamedInputs(ConditionSchema(attributes)).complete(ids, tf.range(3, dtype="int64")), ids
    )
