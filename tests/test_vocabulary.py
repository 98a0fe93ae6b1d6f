import json

import pytest

from tfproductgan.errors import ConditionError
from tfproductgan.vocabulary import MOST_LENGTH, NUM_BYTES, SHORTEST_LENGTH, Vocabulary, formed

TITLES = [
    *["Titan Women Gold Watch", "Titan Men Gold Watches", "Puma Men Red Shoes 32GB"] * 4,
    *[f"{word} bag" for word in ("redder", "redness", "reddest", "reduced")],  # "red…", each on one photo
]


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.learn(TITLES)


def pieces(vocabulary, text):
    return [vocabulary.pieces[number - 1] for number in vocabulary.encode(text) if number]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Red  LEATHER\tHandbag", "▁red▁leather▁handbag"),
        ("T-Shirt, 32GB (10x15cm)", "▁t▁shirt▁32▁gb▁10▁x▁15▁cm"),
        ("UK 9.5 / 1,5 l, 9.", "▁uk▁9.5▁1.5▁l▁9"),
        ("Écru MÜLLER e\u0301cru", "▁ecru▁muller▁ecru"),
        ("Straße ΣΟΦΟΣ Ёлка", "▁strasse▁σοφοσ▁елка"),
        ("赤い バッグ™", "▁赤い▁バッグ"),
        ("so\u00adft\u200b ▁bag \U000f0003\U000f0200", "▁soft▁bag"),
        ("b\ud800a\udcffg", "▁bag"),  # bytes that were no text
        (" - !! ", ""),
    ],
)
def test_spellings_of_a_text_are_one(text, form):
    assert formed(text) == form == formed(form.replace("▁", " "))


def test_frequent_words_come_whole_and_the_others_by_their_parts(vocabulary):
    assert pieces(vocabulary, "gold WATCH") == ["▁gold", "▁watch"]
    assert pieces(vocabulary, "watchful")[0] == "▁watch"
    assert vocabulary.unknown("Gold reddish watch, redness") == ["reddish", "redness"]
    assert pieces(vocabulary, "reddish")[0].startswith("▁red")


def test_letters_that_no_title_has_are_told_by_their_bytes(vocabulary):
    assert [ord(piece) & 0xFF for piece in pieces(vocabulary, "色 gold")[1:4]] == list("色".encode())
    assert vocabulary.decode(vocabulary.encode("色 gold")) == "色 gold"


@pytest.mark.parametrize("text", [*TITLES, "gold 色 watchstrap 9.5 xyz", ""])
def test_what_is_told_reads_the_same(vocabulary, text):
    ids = vocabulary.encode(text)
    assert len(ids) == vocabulary.length == SHORTEST_LENGTH
    assert vocabulary.encode(vocabulary.decode(ids)) == ids


def test_titles_end_with_the_last_word_that_fits(vocabulary):
    short = Vocabulary(vocabulary.words, vocabulary.parts, 4)
    [cut, whole] = short.encode_titles(["Titan gold watch redolent", "Titan"])
    assert short.decode(cut) == "titan gold watch" and short.decode(whole) == "titan"
    assert tuple(cut) == short.encode(short.decode(cut))
    [one_word, strange, empty] = short.encode_titles(["watchabcdefghij", "xqzxqz 色", ""])
    assert (one_word > 0).all() and not strange.any() and not empty.any()  # what could not be asked for is not given


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gold " * 25, "too long: it has 25 words and parts of words, and the model reads up to 24"),
        ("xqz 色", "Not one word of the text 'xqz 色' occurs in the titles"),
        ("wtach", "did you mean 'watch'"),
        (7, "Received: 7"),
    ],
)
def test_what_cannot_be_read_is_refused(vocabulary, text, said):
    with pytest.raises(ConditionError, match=said):
        vocabulary.encode(text)


@pytest.mark.parametrize("text", ["gold xqz", "redding", "32", None, ""])
def test_a_word_or_a_long_part_is_enough_and_nothing_is_not_given(vocabulary, text):
    assert any(vocabulary.encode(text)) == bool(text)


def test_titles_without_a_word_are_no_vocabulary():
    with pytest.raises(ConditionError, match="Not one of the titles"):
        Vocabulary.learn(["", "--"])


def test_it_is_kept_as_json(vocabulary):
    again = Vocabulary.from_dict(json.loads(json.dumps(vocabulary.to_dict())))
    assert again == vocabulary and hash(again) == hash(vocabulary)
    assert again.num_ids == 1 + NUM_BYTES + len(again.words) + len(again.parts)
    assert Vocabulary.learn(reversed(TITLES)) == vocabulary


def test_the_length_is_that_of_nearly_all_titles():
    assert Vocabulary.learn(["gold " * 40]).length == 40
    assert Vocabulary.learn(["gold " * 400]).length == MOST_LENGTH


def test_few_titles_keep_all_their_words():
    assert set(Vocabulary.learn(["red bag", "blue hat"]).words) == {"red", "bag", "blue", "hat"}


def test_twins_are_refused():
    with pytest.raises(ConditionError, match="each piece once"):
        Vocabulary(["red", "red"], ["a"], 4)
    with pytest.raises(ConditionError, match="length"):
        Vocabulary(["red"], ["a"], 0)
