import pytest

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import ConditionError
from tfproductgan.sampling.requests import parse_request

SCHEMA = ConditionSchema(
    [
        Attribute("category", ("Ring", "Shoes", "Sports Shoes", "Wash, Care", "Seed Packet")),
        Attribute("colour", ("Gold", "Navy Blue", "Black")),
        Attribute("strap", ("Black", "Brown")),
        Attribute("view", ("Front", "Side")),
    ]
)


@pytest.mark.parametrize(
    "text, conditions, seed",
    [
        ("", {}, None),
        ("ring, gold, side view, seed 7", {"category": "Ring", "colour": "Gold", "view": "Side"}, 7),
        ("ring gold", {"category": "Ring", "colour": "Gold"}, None),
        ("GOLD ring", {"category": "Ring", "colour": "Gold"}, None),
        ("sports shoes navy  blue", {"category": "Sports Shoes", "colour": "Navy Blue"}, None),
        ("shoes", {"category": "Shoes"}, None),
        ("gold colour; side", {"colour": "Gold", "view": "Side"}, None),
        ("wash, care, gold", {"category": "Wash, Care", "colour": "Gold"}, None),
        ("colour=black strap = brown", {"colour": "Black", "strap": "Brown"}, None),
        ("black strap, ring", {"strap": "Black", "category": "Ring"}, None),
        ("ring ring", {"category": "Ring"}, None),
        ("seed=12", {}, 12),
        ("seed packet seed 3", {"category": "Seed Packet"}, 3),
    ],
)
def test_words_become_conditions_and_seed(text, conditions, seed):
    assert parse_request(text, SCHEMA) == (conditions, seed)


@pytest.mark.parametrize(
    "text, message",
    [
        ("rng", "'rng' is no value of category, colour, strap, view: did you mean 'Ring'?"),
        ("gold sprots shoos, ring", "'sprots shoos' is no value of .*'Sports Shoes'"),
        ("sports, gold", "'sports' is no value"),
        ("ring view", "'view' is no value"),
        ("ring black", "'black' is a value of 'colour' and 'strap'. Say which one, such as 'colour=Black'"),
        ("ring shoes", "One picture has one category. Received: 'Ring' and 'Shoes'"),
        ("ring seed", "whole number from 0, such as 'seed 7'. Received: 'nothing'"),
        ("seed gold", "Received: 'gold'"),
        ("seed -1", "Received: '-1'"),
        ("colour=purple", "Unknown colour 'purple'"),
        ("color=gold", "Unknown attribute 'color': did you mean 'colour'"),
    ],
)
def test_words_that_mean_nothing_or_too_much_are_refused(text, message):
    with pytest.raises(ConditionError, match=message):
        parse_request(text, SCHEMA)


@pytest.mark.parametrize("text", ["Kleider fu\u0308r Ma\u0308dchen", "KLEIDER\u00a0FÜR MÄD\u200bCHEN, rosé"])
def test_names_are_found_however_their_accents_are_written(text):
    schema = ConditionSchema(
        [Attribute("class", ("Kleider für Mädchen", "Hosen")), Attribute("colour", ("Rose\u0301",))]
    )
    conditions, _ = parse_request(text, schema)
    assert conditions["class"] == "Kleider für Mädchen"


FURNITURE = ConditionSchema(
    [Attribute("type", ("Table", "Chair")), Attribute("material", ("Pine", "White", "Oak, oiled"), several=2)]
)


@pytest.mark.parametrize(
    "text",
    ["table, pine + white", "pine+white table", "white pine, table", "table material=Pine, white", "table pine、white"],
)
def test_words_may_give_several_values(text):
    conditions, _ = parse_request(text, FURNITURE)
    assert FURNITURE.encode(conditions) == FURNITURE.encode({"type": "Table", "material": ["Pine", "White"]})


def test_several_words_add_to_what_is_given_until_it_is_too_much():
    assert parse_request("oak, oiled", FURNITURE, {"material": "pine"})[0] == {"material": "Pine, Oak, oiled"}
    with pytest.raises(ConditionError, match="at most 2 values of material"):
        parse_request("oak, oiled", FURNITURE, {"material": ["pine", "white"]})
    with pytest.raises(ConditionError, match="One picture has one type"):
        parse_request("table + chair", FURNITURE)


def test_a_model_without_attributes_takes_seeds_only():
    assert parse_request("seed 4", ConditionSchema()) == ({}, 4)
    with pytest.raises(ConditionError, match="no attributes to ask for, only seeds"):
        parse_request("ring", ConditionSchema())


@pytest.fixture
def goldsmith():
    """Builds a schema in which gold is a colour and a material, from photos of (colour, material)."""

    def build(*photos):
        schema = ConditionSchema(
            [Attribute("colour", ("Gold", "Brown")), Attribute("material", ("Gold", "Leather"))],
        )
        return schema.with_combinations([schema.encode({"colour": c, "material": m}) for c, m in photos])

    return build


def test_a_shared_value_means_what_holds_whichever_was_meant(goldsmith):
    both = {"colour": "Gold", "material": "Gold"}
    same = goldsmith(("Gold", "Gold"), ("Brown", "Leather"))
    assert parse_request("gold", same)[0] == both
    wider = goldsmith(("Gold", "Gold"), ("Gold", "Leather"), ("Brown", "Leather"))
    assert parse_request("gold", wider)[0] == {"colour": "Gold"}
    assert parse_request("gold material", wider)[0] == {"material": "Gold"}
    crossed = goldsmith(("Gold", "Leather"), ("Brown", "Gold"))
    with pytest.raises(ConditionError, match="'gold' is a value of 'colour' and 'material'"):
        parse_request("gold", crossed)


@pytest.mark.parametrize("text", ["gold leather", "leather gold", "material=leather, gold"])
def test_a_shared_value_goes_to_the_attribute_that_has_none(goldsmith, text):
    crossed = goldsmith(("Gold", "Leather"), ("Brown", "Gold"))
    assert parse_request(text, crossed)[0] == {"colour": "Gold", "material": "Leather"}


def test_words_add_to_what_is_given(goldsmith):
    schema = goldsmith(("Gold", "Gold"), ("Brown", "Leather"))
    assert parse_request("gold", schema, {"Material": "leather"})[0] == {"colour": "Gold", "material": "Leather"}
    with pytest.raises(ConditionError, match="Received: 'Brown' and 'Gold'"):
        parse_request("gold colour", schema, {"colour": "Brown"})
