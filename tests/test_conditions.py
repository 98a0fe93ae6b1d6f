from collections import Counter

import numpy as np
import pytest

from tfproductgan.conditions import (
    MAX_SEED,
    AsksByName,
    Attribute,
    ConditionSchema,
    PictureRequest,
    count_values,
    encode_requests,
    fold,
    tidy,
    with_text,
)
from tfproductgan.errors import ConditionError
from tfproductgan.vocabulary import Vocabulary

SCHEMA = ConditionSchema([Attribute("category", ("Ring", "Watch")), Attribute("baseColour", ("Gold", "Navy Blue"))])


# === Names and ids ===


@pytest.mark.parametrize(
    ("conditions", "ids"),
    [
        (None, (0, 0)),
        ({}, (0, 0)),
        ({"category": "Watch"}, (2, 0)),
        ({"baseColour": "Navy Blue", "category": "Ring"}, (1, 2)),
        ({"category": None, "baseColour": ""}, (0, 0)),
        ({" BASECOLOUR": "  navy   BLUE "}, (0, 2)),
    ],
)
def test_names_become_ids(conditions, ids):
    assert SCHEMA.encode(conditions) == ids


@pytest.mark.parametrize("ids", [(a, b) for a in range(3) for b in range(3)])
def test_decoding_undoes_encoding(ids):
    assert SCHEMA.encode(SCHEMA.decode(ids)) == ids


def test_what_is_not_given_is_left_out_of_the_names():
    assert SCHEMA.decode(np.array([0, 2])) == {"baseColour": "Navy Blue"}


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"categry": "Ring"}, "Unknown attribute 'categry': did you mean 'category'"),
        ({"category": "Wach"}, "Unknown category 'Wach': did you mean 'Watch'"),
        ({"category": "xyz"}, "Unknown category 'xyz': valid: 'Ring', 'Watch'"),
        ({"category": 7}, "Unknown category 7"),
        ("Ring", "map attribute names to value names, such as {'category': 'Ring'}. Received: 'Ring'"),
    ],
)
def test_names_that_do_not_exist_are_refused(conditions, message):
    with pytest.raises(ConditionError, match=message):
        SCHEMA.encode(conditions)


@pytest.mark.parametrize(
    ("ids", "message"), [((1,), "Expected 2 ids"), ((3, 0), "go from 0 to 2. Received: 3"), ((0, -1), "Received: -1")]
)
def test_ids_that_do_not_exist_are_refused(ids, message):
    with pytest.raises(ConditionError, match=message):
        SCHEMA.decode(ids)


def test_an_unconditional_schema_takes_no_conditions():
    schema = ConditionSchema()
    assert schema.encode({}) == () and schema.decode(()) == {} and schema.complete((), 0.5) == ()
    with pytest.raises(ConditionError, match="Unknown attribute 'colour': there are none"):
        schema.encode({"colour": "Gold"})


def test_folding_ignores_case_and_stray_spaces_only():
    assert fold("  Navy\t BLUE ") == fold("navy blue") != fold("navyblue")


# "é" as one letter, and as a letter and its accent
ROSE, APART = "Ros\u00e9", "Rose\u0301"
LOOK_ALIKE = [
    (APART, ROSE),
    ("ROSE\u0301", ROSE),
    ("Ro\u200bs\u00e9", ROSE),  # a space without width
    ("\ufeffRos\u00e9\u2060", ROSE),
    ("Ro\u00ads\u00e9", ROSE),  # a soft hyphen
    ("\u200eRos\u00e9", ROSE),  # a mark of direction
    ("Ro\udcffs\u00e9", ROSE),  # half a letter: a byte that was no text
    ("Navy\u00a0Blue", "Navy Blue"),
    ("\u212b", "\u00c5"),  # the sign of the unit and the letter
    ("\u1100\u1161\u1107\u1161\u11bc", "가방"),
    ("u\u0302\u0323", "u\u0323\u0302"),  # two accents in either order
]


@pytest.mark.parametrize(("spelling", "name"), LOOK_ALIKE)
def test_names_that_look_alike_are_one(spelling, name):
    assert fold(spelling) == fold(name)
    schema = ConditionSchema([Attribute("colour", ("Blue", name))])
    assert schema.encode({"colour": spelling}) == schema.encode_row({"colour": spelling}) == (2,)
    assert count_values([spelling, name, name]) == {tidy(name): 3}
    assert tidy(spelling) in {tidy(name), tidy(name).upper()}


def test_letters_that_nobody_sees_are_kept_where_they_show():
    persian = "می\u200cخواهم"
    assert tidy(f" {persian}\u200b ") == persian and fold(persian) == fold("میخواهم")


# === Several values ===

TAGS = ConditionSchema(
    [Attribute("category", ("Chair", "Table")), Attribute("wood", ("Oak", "Pine", "White, matt", "Teak"), several=3)]
)


@pytest.mark.parametrize(
    ("wood", "ids"),
    [
        (["Pine", "Oak"], (1, 2, 0)),
        (("teak", "oak", "pine"), (1, 2, 4)),
        ({"Teak"}, (4, 0, 0)),
        ("pine, OAK", (1, 2, 0)),
        (" Oak;;pine ,", (1, 2, 0)),
        ("Oak、teak", (1, 4, 0)),
        ("white, matt", (3, 0, 0)),  # a value that has a comma wins
        ("oak, White ,matt, teak", (1, 3, 4)),
        (["White, matt", "pine"], (2, 3, 0)),
        ("pine, Pine", (2, 0, 0)),
        ("Pine", (2, 0, 0)),
        ("", (0, 0, 0)),
        (None, (0, 0, 0)),
        ([], (0, 0, 0)),
        ([None, ""], (0, 0, 0)),
    ],
)
def test_several_values_are_given_in_a_list_or_a_text(wood, ids):
    assert TAGS.encode({"wood": wood}) == (0, *ids)
    assert TAGS.encode_row({"wood": wood}) == (0, *ids)
    assert TAGS.encode(TAGS.decode((0, *ids))) == (0, *ids)


@pytest.mark.parametrize("ids", [(2, 1, 2, 0), (2, 2, 1, 1), (2, 0, 2, 1)])
def test_ids_have_one_order(ids):
    assert TAGS.decode(ids) == {"category": "Table", "wood": "Oak, Pine"}
    assert TAGS.values_of(ids) == {"category": ["Table"], "wood": ["Oak", "Pine"]}
    assert TAGS.with_combinations([ids]).combinations == (((2, 1, 2, 0), 1),)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"wood": "oak, pin"}, "Unknown wood 'pin': did you mean 'Pine'"),
        ({"wood": "oak + pine"}, "Unknown wood 'oak . pine': commas go between several values"),
        ({"wood": ["Oak", "White"]}, "Unknown wood 'White': did you mean 'White, matt'"),
        ({"wood": "oak, pine, teak, White, matt"}, "One picture has at most 3 values of wood. Received: 'oak' and"),
        ({"category": ["Chair", "table"]}, "One picture has one category. Received: 'Chair' and 'table'"),
    ],
)
def test_several_values_that_cannot_be_are_refused(conditions, message):
    with pytest.raises(ConditionError, match=message):
        TAGS.encode(conditions)


def test_one_value_may_come_in_a_list():
    assert TAGS.encode({"category": ["table"]}) == (2, 0, 0, 0)


def test_a_schema_of_several_values_says_its_columns():
    assert TAGS.num_ids == (3, 5, 0, 0) and TAGS.num_columns == 4
    assert TAGS.slices == (slice(0, 1), slice(1, 4))
    assert TAGS.inputs() == {"conditions": ((4,), "int32")}
    assert TAGS.encode_all([{"wood": "oak"}]).tolist() == [[0, 1, 0, 0]]
    assert repr(TAGS) == "<ConditionSchema category (2), wood (4, up to 3 a picture); 64 px, 3 channels>"
    with pytest.raises(ConditionError, match=r"Expected 4 ids, one an attribute \(wood 3\)"):
        TAGS.decode((1, 2))


def test_several_values_survive_json_as_a_version_of_their_own():
    schema = TAGS.with_combinations([(1, 2, 3, 0)])
    assert schema.to_dict()["version"] == 3 and schema.to_dict()["attributes"][1]["several"] == 3
    assert "several" not in schema.to_dict()["attributes"][0]
    assert ConditionSchema.from_json(schema.to_json()) == schema


def test_a_request_of_several_values_is_text_everywhere():
    request = PictureRequest({"wood": ["Pine", "Oak"]}, 7)
    assert request.conditions == {"wood": "Pine, Oak"}
    assert encode_requests(TAGS, [request])["conditions"].tolist() == [[0, 1, 2, 0]]


def test_rows_of_several_values_make_a_schema():
    rows = [{"tag": ("new", "Wool")}] * 3 + [{"tag": ["wool"]}] * 2 + [{"tag": "sale"}, {"tag": ()}, {"tag": None}]
    schema = ConditionSchema.from_rows(rows, ["tag"])
    assert schema.attribute("tag").values == ("new", "sale", "Wool") and schema.attribute("tag").several == 2
    assert schema.combinations == (((1, 3), 3), ((0, 0), 2), ((3, 0), 2), ((2, 0), 1))
    assert schema.frequencies[0].tolist() == [2, 3, 1, 5]
    rare = ConditionSchema.from_rows(rows, ["tag"], min_count=2)
    assert rare.attribute("tag").values == ("new", "Wool")
    assert rare.combinations == (((0, 0), 3), ((1, 2), 3), ((2, 0), 2))


@pytest.mark.parametrize(
    ("sizes", "several"),
    [
        ([1] * 10, 1),
        ([1] * 999 + [2], 2),
        ([2] * 996 + [5] * 4, 2),
        ([2] * 900 + [5] * 100, 5),
        ([12] * 10, 8),
        ([0], 1),
    ],
)
def test_as_many_values_as_nearly_all_photos_have(sizes, several):
    rows = [{"tag": tuple("abcdefghijkl"[:size])} for size in [*sizes, 1]]
    assert ConditionSchema.from_rows(rows, ["tag"]).attribute("tag").several == several


def test_an_attribute_of_several_is_given_if_one_value_is():
    schema = TAGS.with_combinations([(1, 1, 2, 0)] * 3 + [(2, 2, 4, 0)] + [(1, 4, 0, 0)] * 2)
    drawn = {schema.complete(schema.encode({"wood": "pine"}), fraction) for fraction in np.linspace(0, 0.99, 50)}
    assert drawn == {(1, 2, 0, 0), (2, 2, 0, 0)}
    assert schema.complete(schema.encode({"wood": "pine, teak"}), 0.1) == (2, 2, 4, 0)  # who shares both comes first
    assert schema.complete(schema.encode({"category": "table"}), 0.1) == (2, 2, 4, 0)
    assert schema.complete((1, 3, 0, 0), 0.5) == (1, 3, 0, 0)


# === What cannot be a schema ===


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Attribute(" ", ("a",)), "needs a name"),
        (lambda: Attribute("colour", ()), "at least one value"),
        (lambda: Attribute("colour", ("Gold", "")), "empty value at position 1"),
        (lambda: Attribute("colour", ("Gold", "Red", " gold")), "' gold' and 'Gold', which are one value"),
        (lambda: Attribute("colour", "Gold"), "values of 'colour' must be a list of names. Received: 'Gold'"),
        (lambda: ConditionSchema([Attribute("a", ("x",)), Attribute("A", ("y",))]), "'A' appears twice"),
        (lambda: Attribute("colour", (ROSE, APART)), "which are one value"),
        (lambda: Attribute("a", ("x", "y"), several=3), "several of attribute 'a' must be a whole number from 1 to 2"),
        (lambda: Attribute("a", ("x, y", "y", "x"), several=2), "has 'x, y' and its parts, which read the same"),
        (lambda: Attribute("a", ("x, y", "x;y"), several=2), "which are one value"),
        (lambda: ConditionSchema(image_size=0), "image_size must be at least 1. Received: 0"),
        (lambda: ConditionSchema(channels=4), "channels must be 3 .* or 1 .* Received: 4"),
        (lambda: ConditionSchema([Attribute("a", ("x",))], combinations=[((2,), 1)]), "Received: 2"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ConditionError, match=message):
        make()


# === From rows ===

ROWS = [
    {"category": "ring", "colour": "Gold", "price": 3},
    {"category": "Ring ", "colour": "gold"},
    {"category": "Ring", "colour": None},
    {"category": "Watch", "colour": "GOLD"},
    {"category": "Mug"},
    {"category": "", "colour": "Gold"},
]


def test_values_differing_in_case_or_spaces_are_one_spelt_as_most_spell_it():
    schema = ConditionSchema.from_rows(ROWS, ["category", "colour"], image_size=32, channels=1)
    assert schema.names == ("category", "colour") and schema.num_ids == (4, 2)
    assert schema.attribute("category").values == ("Mug", "Ring", "Watch")
    assert schema.attribute("colour").values == ("Gold",)
    assert (schema.image_size, schema.channels) == (32, 1)


def test_the_order_of_rows_does_not_matter():
    assert ConditionSchema.from_rows(ROWS, ["category"]) == ConditionSchema.from_rows(ROWS[::-1], ["category"])


def test_rare_values_are_folded_into_not_given():
    schema = ConditionSchema.from_rows(ROWS, ["category", "colour"], min_count=2)
    assert schema.attribute("category").values == ("Ring",)
    assert [schema.encode_row(row) for row in ROWS] == [(1, 1), (1, 1), (1, 0), (0, 1), (0, 0), (0, 1)]
    assert schema.combinations == (((0, 1), 2), ((1, 1), 2), ((0, 0), 1), ((1, 0), 1))


def test_given_values_keep_their_order():
    schema = ConditionSchema.from_rows(ROWS, ["category"], values={"category": ["Watch", "Ring", "Mug", "Hat"]})
    assert schema.attribute("category").values == ("Watch", "Ring", "Mug", "Hat")
    assert schema.encode_row({"category": "RING"}) == (2,)


def test_numbers_are_labels_too():
    rows = [{"digit": digit} for digit in (0, 1, 1)]
    schema = ConditionSchema.from_rows(rows, ["digit"])
    assert schema.combinations == (((2,), 2), ((1,), 1))
    assert schema.encode({"digit": 0}) == schema.encode({"digit": "0"}) == (1,)


def test_an_attribute_without_frequent_values_is_refused():
    with pytest.raises(ConditionError, match=r"'colour' has no value on 9 photos or more \(of 6 photos, 1 values\)"):
        ConditionSchema.from_rows(ROWS, ["colour"], min_count=9)


# === The distribution ===

WITH_ROWS = SCHEMA.with_combinations([(1, 1)] * 30 + [(1, 2)] * 10 + [(2, 2)] * 5 + [(2, 0)] * 50)


def completed(ids, draws=2000):
    counts = Counter(WITH_ROWS.complete(ids, draw / draws) for draw in range(draws))
    return {row: count / draws for row, count in counts.items()}


def test_what_is_given_is_kept_and_the_rest_drawn_from_photos_that_match():
    drawn = completed((1, 0))
    assert set(drawn) == {(1, 1), (1, 2)}
    assert abs(drawn[1, 1] - 0.75) < 0.002


def test_nothing_given_draws_from_all_photos_with_every_attribute():
    drawn = completed((0, 0))
    assert set(drawn) == {(1, 1), (1, 2), (2, 2)}
    assert abs(drawn[1, 1] - 30 / 45) < 0.002


def test_complete_conditions_stay_even_if_no_photo_has_them():
    assert WITH_ROWS.complete((2, 1), 0.5) == (2, 1)


def test_an_unseen_combination_is_completed_from_photos_that_share_the_most():
    attributes = [Attribute(name, ("x", "y")) for name in "abc"]
    schema = ConditionSchema(attributes).with_combinations([(1, 1, 1)] * 3 + [(2, 2, 2)])
    assert schema.complete((2, 1, 0), 0.5) in {(2, 1, 1), (2, 1, 2)}
    assert schema.complete((2, 2, 0), 0.5) == (2, 2, 2)


def test_photos_that_match_come_before_photos_without_gaps():
    attributes = [Attribute(name, ("x", "y")) for name in "abc"]
    # no photo of a=x has c: its b must still be that of its own kind
    schema = ConditionSchema(attributes).with_combinations([(1, 1, 0), (1, 0, 0), (2, 2, 2)])
    assert {schema.complete((1, 0, 0), fraction) for fraction in (0, 0.4, 0.999)} == {(1, 1, 0)}


def test_a_gap_of_the_data_stays_only_if_no_photo_is_without_it():
    schema = SCHEMA.with_combinations([(1, 0), (2, 0)])
    assert schema.complete((1, 0), 0.5) == (1, 0)


def test_without_photos_nothing_is_filled_in():
    assert SCHEMA.complete((0, 1), 0.5) == (0, 1)


@pytest.mark.parametrize(
    ("fraction", "drawn"),
    [(0, (1, 1)), (0.7499, (1, 1)), (0.75, (1, 2)), (np.nextafter(1, 0), (1, 2))],
)
def test_the_fraction_says_which_photo_is_drawn(fraction, drawn):
    assert WITH_ROWS.complete((1, 0), fraction) == drawn


# === JSON ===


def test_survives_json():
    schema = ConditionSchema(
        [Attribute("catégorie", ("Bague « or »",))], 28, 1, text="title", aspect=0.75, combinations=[((1,), 3)]
    )
    again = ConditionSchema.from_json(schema.to_json())
    assert again == schema and hash(again) == hash(schema)
    assert again.text == "title" and again.aspect == 0.75 and again.combinations == (((1,), 3),)
    assert again != SCHEMA and SCHEMA != "schema"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "The schema is not JSON"),
        ("{}", "not a condition schema"),
        ("[]", "not a condition schema"),
        ('{"version": 99}', "version 99; this tfproductgan reads up to 5"),
        (SCHEMA.to_json().replace('"combinations": []', '"combinations": [3]'), "not a condition schema"),
        (SCHEMA.to_json().replace('"combinations": []', '"combinations": [[1, 2, 3]]'), "not a condition schema"),
    ],
)
def test_what_is_no_schema_is_refused(text, message):
    with pytest.raises(ConditionError, match=message):
        ConditionSchema.from_json(text)


def test_a_file_whose_values_are_one_by_now_keeps_its_ids():
    text = ConditionSchema([Attribute("colour", (ROSE, "Rose 2", "Red"))]).to_json()
    schema = ConditionSchema.from_json(text.replace("Rose 2", APART))
    assert schema.attribute("colour").values == (ROSE, f"{APART} (2)", "Red")
    assert [schema.encode({"colour": value}) for value in (APART, f"{ROSE} (2)", "red")] == [(1,), (2,), (3,)]
    assert ConditionSchema.from_json(schema.to_json()) == schema


def test_says_what_it_holds():
    assert repr(SCHEMA) == "<ConditionSchema category (2), baseColour (2); 64 px, 3 channels>"
    assert "no attributes" in repr(ConditionSchema())


def test_a_schema_says_what_goes_into_a_model():
    schema = ConditionSchema([Attribute("colour", ("Red", "Gold"))], 32, 3, source_channels=1)
    assert schema.inputs() == {"conditions": ((1,), "int32"), "source": ((32, 32, 1), "uint8")}
    assert ConditionSchema.from_json(schema.to_json()) == schema
    assert ConditionSchema(image_size=32).inputs() == {"conditions": ((0,), "int32")}


def test_a_schema_without_pictures_that_go_in_is_written_as_before():
    assert ConditionSchema().to_dict()["version"] == 1
    assert "source_channels" not in ConditionSchema().to_dict()


# === Requests as rows ===


def test_requests_become_rows():
    requests = [PictureRequest({"category": "watch"}, MAX_SEED, 0.5), PictureRequest({"baseColour": "Gold"}, 0)]
    rows = encode_requests(SCHEMA, requests)
    assert {name: (values.dtype.name, values.tolist()) for name, values in rows.items()} == {
        "seeds": ("int64", [MAX_SEED, 0]),
        "conditions": ("int32", [[2, 0], [0, 1]]),
        "truncations": ("float32", [0.5, 1.0]),
    }


@pytest.mark.parametrize("schema", [SCHEMA, ConditionSchema()])
def test_no_requests_become_no_rows(schema):
    rows = encode_requests(schema, [])
    assert rows["conditions"].shape == (0, len(schema.attributes))
    assert rows["seeds"].shape == rows["truncations"].shape == (0,)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (PictureRequest({"category": "Wach"}, 0), "Unknown category 'Wach'"),
        (PictureRequest({}, -1), "seed must be a whole number from 0 to"),
        (PictureRequest({}, MAX_SEED + 1), "seed must be a whole number from 0 to"),
        (PictureRequest({}, True), "seed must be a whole number from 0 to"),
        (PictureRequest({}, 0, 2.5), "truncation must be a number from 0 to 2"),
        (PictureRequest({}, 0, float("nan")), "truncation must be a number from 0 to 2"),
    ],
)
def test_requests_that_cannot_be_are_refused(request_, message):
    with pytest.raises(ConditionError, match=message):
        encode_requests(SCHEMA, [request_])


# === Texts ===

WORDS = Vocabulary.learn(["Titan Women Gold Watch", "Puma Men Red Shoes"] * 3)
TITLED = ConditionSchema(SCHEMA.attributes, 64, text="title", vocabulary=WORDS).with_combinations([(1, 1), (2, 2)])


class Titled(AsksByName):
    schema = TITLED


def test_a_text_is_asked_for_beside_attributes_or_alone():
    ids = TITLED.encode({"category": "Ring", "Text": "gold WATCH"})
    assert ids[:2] == (1, 0) and len(ids) == TITLED.num_columns == 2 + WORDS.length
    assert TITLED.decode(ids) == {"category": "Ring", "text": "gold watch"}
    assert TITLED.encode(TITLED.decode(ids)) == ids
    assert TITLED.encode({"text": ""}) == TITLED.encode({"text": None}) == TITLED.encode() == (0,) * len(ids)
    assert TITLED.encode({"text": ["gold", "watch"]}) == TITLED.encode({"text": "gold watch"})
    assert TITLED.decode((1, 2)) == {"category": "Ring", "baseColour": "Navy Blue"}  # rows without a text
    assert TITLED.num_ids == (3, 3, -WORDS.num_ids, *[0] * (WORDS.length - 1))
    assert TITLED.inputs()["conditions"].shape == (len(ids),)


def test_photos_are_counted_by_their_attributes():
    rows = TITLED.encode_rows([{"category": "Ring", "text": "no column"}] * 2, ["Gold watch", "red shoes " * 30])
    assert TITLED.decode(rows[0]) == {"category": "Ring", "text": "gold watch"}
    assert TITLED.decode(rows[1])["text"] == " ".join(["red shoes"] * (WORDS.length // 2))
    assert TITLED.with_combinations(rows).combinations == (((1, 0), 2),)


def test_beside_a_text_nothing_is_drawn():
    asked = [r.conditions for r in Titled().plan({"category": "Ring"}, count=2, text="  Gold WATCH ")]
    assert asked == [{"category": "Ring", "text": "Gold WATCH"}] * 2
    assert [r.conditions for r in Titled().plan({"category": "Ring"}, text="")] == [TITLED.decode((1, 1))]
    several = Titled().plan([{}, {"category": "Ring"}], text=["red", "gold"])
    assert [r.conditions for r in several] == [{"text": "red"}, {"category": "Ring", "text": "gold"}]


def test_as_many_texts_as_conditions_are_needed():
    assert with_text({"a": "b"}, ["x", "y"]) == [{"a": "b", "text": "x"}, {"a": "b", "text": "y"}]
    assert with_text([{}, None], "x") == [{"text": "x"}] * 2
    assert with_text([{}], None) == [{}]
    with pytest.raises(ConditionError, match="2 conditions need as many texts"):
        with_text([{}, {}], ["x", "y", "z"])


def test_schemas_keep_their_words():
    again = ConditionSchema.from_json(TITLED.to_json())
    assert again == TITLED and TITLED.to_dict()["version"] == 4
    assert "vocabulary" not in SCHEMA.to_dict() and SCHEMA.to_dict()["version"] == 1
    assert "text of 8 words" in repr(TITLED)


def test_texts_that_cannot_be_are_refused():
    with pytest.raises(ConditionError, match="learnt from no titles"):
        SCHEMA.encode({"text": "gold"})
    with pytest.raises(ConditionError, match="no attribute can be called 'TEXT'"):
        ConditionSchema([Attribute("TEXT", ("a",))], vocabulary=WORDS)
    with pytest.raises(ConditionError, match="Ids of a text"):
        TITLED.decode((0, 0, WORDS.num_ids, *[0] * (WORDS.length - 1)))
    assert ConditionSchema([Attribute("text", ("a",))]).encode({"text": "a"}) == (1,)
