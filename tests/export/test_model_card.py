import json

import pytest

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import RunError
from tfproductgan.export.model_card import JSON_CARD, MARKDOWN_CARD, found_facts, model_card, write_cards

FIGURE = {"full_name": "kid@catalogue-1, n=300", "value": 0.01234567, "floor": None, "better": "lower"}
JUDGEMENT = {
    "model_id": "dcgan-32-abc-7000",
    "catalogue": "f00",
    "split": "validation",
    "figures": [FIGURE],
    "limitations": ["19 conditions have too few photos."],
    "seconds": {"samples": 3},
}


def card_of(schema, licence=None, facts=None):
    description = {
        "model_id": "dcgan-32-abc-7000",
        "provenance": {"recipe": {"name": "dcgan"}, "images_seen": 7000},
        "tfproductgan": "0.1.0",
        "asks": "sampler",
        "inputs": {name: name for name in schema.names},
        "signatures": {"serving_default": {}},
        "schema": schema.to_dict(),
    }
    return model_card(description, "shop", 3, 1234, licence, facts)


@pytest.fixture
def schema():
    schema = ConditionSchema([Attribute("category", ("Ring", "Mug")), Attribute("colour", ("L'or | Gold", "Red"))], 32)
    return schema.with_combinations([(1, 1)] * 60 + [(1, 2)] * 55 + [(2, 2)] * 3)


@pytest.fixture
def run(tmp_path):
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "judgement.json").write_text(json.dumps(JUDGEMENT))
    data = {"source": "118 photos", "fingerprint": "f00", "options": {"data": "/home/somebody/photos"}}
    (tmp_path / "data.json").write_text(json.dumps(data))
    return tmp_path


def test_a_card_says_what_is_known_and_nothing_of_where_photos_lie(schema, run, tmp_path):
    card = card_of(schema, "CC-BY-4.0", found_facts(run, run / "evaluation" / "judgement.json"))
    write_cards(tmp_path, card)
    assert json.loads((tmp_path / JSON_CARD).read_text()) == card
    assert card["data"]["photos_by_value"] == {
        "category": {"Ring": 115, "Mug": 3},
        "colour": {"L'or | Gold": 60, "Red": 58},
    }
    assert card["training"]["recipe"] == {"name": "dcgan"} and card["evaluation"]["figures"] == [FIGURE]
    assert card["limits"][-2] == "19 conditions have too few photos."
    assert "somebody" not in json.dumps(card)


def test_a_card_reads_well(schema, run, tmp_path):
    write_cards(tmp_path, card_of(schema, "CC-BY-4.0", found_facts(run, run / "evaluation" / "judgement.json")))
    text = (tmp_path / MARKDOWN_CARD).read_text()
    for words in (
        "# shop, version 3",
        "Licence: CC-BY-4.0.",
        "118 photos; 118 to train on. Fingerprint: `f00`.",
        "Recipe `dcgan`, 7,000 images seen.",
        "| colour | `colour` | L'or \\| Gold, Red |",
        "|  | kid@catalogue-1, n=300 | 0.01235 |  | lower |",
        """'{"instances": [{"category": "Ring", "colour": "L'\\''or | Gold", "seed": 7, "truncation": 1.0}]}'""",
        "- Fewer than 50 photos show: category Mug (3).",
        "- 3 combinations of values occur in the photos, 4 can be asked for",
    ):
        assert words in text


def test_a_card_has_both_views_side_by_side(schema, tmp_path):
    names = {"recall": None, "fid": "what is shown", "look": "how it looks"}
    figures = [{**FIGURE, "full_name": name, "value": 2.0, "view": view} for name, view in names.items()]
    write_cards(tmp_path, card_of(schema, facts={"evaluation": {**JUDGEMENT, "figures": figures}}))
    rows = ("| what is shown | fid |", "| how it looks | look |", "|  | recall |")
    assert "\n".join(f"{row} 2 |  | lower |" for row in rows) in (tmp_path / MARKDOWN_CARD).read_text()


def test_what_nobody_knows_is_said(schema):
    limits = " ".join(card_of(schema)["limits"])
    assert "Nobody has measured how good it is" in limits and "Nobody has said under which terms" in limits


def test_figures_of_another_state_are_told_apart(schema):
    facts = {"evaluation": {**JUDGEMENT, "model_id": "dcgan-32-abc-5000"}}
    assert any(
        "another state of the same training, dcgan-32-abc-5000" in line
        for line in card_of(schema, facts=facts)["limits"]
    )


def test_a_model_without_attributes_has_a_card(tmp_path):
    write_cards(tmp_path, card_of(ConditionSchema((), 32)))
    text = (tmp_path / MARKDOWN_CARD).read_text()
    assert "Only seeds." in text and "combinations" not in text


def test_where_nothing_is_known_there_are_no_facts(tmp_path):
    (tmp_path / "model.keras").write_text("")
    assert found_facts(tmp_path / "model.keras", tmp_path / "model.keras" / "evaluation") == {}


def test_a_damaged_file_is_named(run):
    (run / "data.json").write_text("{")
    with pytest.raises(RunError, match=r"data\.json cannot be read"):
        found_facts(run, run / "evaluation" / "judgement.json")
