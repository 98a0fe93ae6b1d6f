"""Words of one's own, wherever the platform takes them: models read what is kept, and what is forbidden is found."""

import html
import json
import re

import pytest

from tfproductgan.platform import forbidden
from tfproductgan.platform.forbidden import broken

URL = "/api/v1/models/words"


def asked(client, path="generate", **body):
    answer = client.post(f"{URL}/{path}", json=body)
    return answer.status_code, answer.json()


def drawn(client, text, **conditions):
    status, answer = asked(client, conditions={**conditions, "text": text})
    assert status == 201, answer
    return answer["items"][0]


def test_a_model_says_what_texts_it_takes(client):
    assert client.get(URL).json()["text"] == {"titles": "title", "words": 10, "longest": 24}
    assert client.get("/api/v1/models/shop").json()["text"] is None
    refused = client.post("/api/v1/models/shop/generate", json={"conditions": {"text": "red"}})
    assert refused.status_code == 422 and "has learnt from no titles" in refused.json()["detail"]


def test_beside_a_text_nothing_is_drawn_and_it_is_kept_as_it_was_written(client, engine):
    item = drawn(client, "Red  LEATHER handbag")
    assert item["conditions"] == {"text": "Red LEATHER handbag"} and engine.read == ["Red LEATHER handbag"]
    assert "guessed" not in item["details"]
    assert drawn(client, "red", category="mug")["conditions"] == {"category": "Mug", "text": "red"}
    again = client.post(f"/api/v1/pictures/{item['id']}/again").json()["items"][0]
    assert again["conditions"] == item["conditions"] and engine.read[-1] == "Red LEATHER handbag"


@pytest.mark.parametrize("text", ["", " ", "!!!", None])
def test_an_empty_text_is_none(client, text):
    assert "text" not in drawn(client, text)["conditions"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("red " * 30, "The text is too long: it has 30 words and parts of words, and the model reads up to 24"),
        ("xqzv", "Not one word of the text 'xqzv' occurs in the titles"),
        ("red" * 1000, "2000 letters or less"),
        ("red\0", "letters that cannot be kept"),
        ({"a": "b"}, "valid string"),
    ],
)
def test_texts_that_cannot_be_read_are_refused(client, engine, text, said):
    status, answer = asked(client, conditions={"text": text})
    assert status == 422 and said in answer["detail"] and engine.drawn == []


def test_which_words_are_guessed_is_said(client):
    assert drawn(client, "purplish red watch")["details"] == {"guessed": ["purplish"]}


def test_nobody_is_named_in_what_is_drawn_and_kept(client, engine):
    item = drawn(client, "red handbag for jane@example.com, call +49 170 1234567")
    assert item["conditions"]["text"] == "red handbag for ***, call ***"
    assert engine.read == ["red handbag for ***, call ***"]
    assert "jane" not in client.get("/api/v1/audit").text
    said = client.post(f"{URL}/generate", json={"conditions": {"text": "jane@example.com xqzv"}}).json()["detail"]
    assert "***" in said and "jane" not in said


def test_pictures_are_found_by_the_words_of_their_text(client, as_role):
    client.headers = as_role(tenant="reader")
    long = "red leather handbag " + "." * 300  # more than a database keeps of a word
    ids = [drawn(client, text)["id"] for text in ("Gold watch, round dial", "gold handbag", long)]

    def found(**parameters):
        return [item["id"] for item in client.get("/api/v1/pictures", params=parameters).json()["items"]]

    assert found(condition="text:GOLD") == ids[1::-1]
    assert found(condition="text:dial gold") == ids[:1]
    assert found(condition="text:leather") == ids[2:]
    assert found(condition="text:old") == found(condition="category:gold") == []


def test_a_table_has_a_column_of_texts(client, engine):
    table = 'category,Text\nMug,red\n,"gold, round"\n'
    form = {"data": {"model": "words"}, "files": {"file": ("a.csv", table)}}
    assert client.post("/api/v1/jobs/csv", **form).json()["total"] == 2
    form = {"data": {"model": "words"}, "files": {"file": ("a.csv", "text\nred\nxqzv\n")}}
    assert "Row 2: Not one word" in client.post("/api/v1/jobs/csv", **form).json()["detail"]
    form = {"data": {"model": "shop"}, "files": {"file": ("a.csv", "text\nred\n")}}
    assert "Column 'text' is no attribute" in client.post("/api/v1/jobs/csv", **form).json()["detail"]


def test_the_way_to_other_words(client):
    status, answer = asked(client, "edit", conditions={"text": "red handbag"}, towards={"text": "Gold watch"}, steps=2)
    assert status == 201 and answer["items"][0]["details"]["towards"] == {"text": "Gold watch"}
    status, answer = asked(client, "edit", conditions={"text": "red handbag"}, towards={"text": "RED, handbag"})
    assert status == 422 and "already" in answer["detail"]


def test_an_explanation_leaves_out_each_word(client, engine):
    _, found = asked(client, "explain", conditions={"category": "Mug", "text": "red leather red"})
    moved = {m["value"]: (m["attribute"], m["instead"], m["levels"]) for m in found["moved"]}
    assert moved == {
        "leather": ("text", [], 8.0),
        "red": ("text", [], 8.0),
        "Mug": ("category", ["Ring", "Watch"], 0.0),
    }
    assert engine.read[-2:] == ["leather", "red red"]
    # without its only word the model would draw a category
    _, found = asked(client, "explain", conditions={"text": "red"})
    assert found["moved"] == []


@pytest.mark.parametrize("conditions", ['{"text": "\\ud800"}', '{"text": ["red"]}'])
def test_halves_of_letters_are_no_text(client, conditions):
    files = {"file": ("a.png", b"")}
    answer = client.post("/api/v1/models/sketches/translate", files=files, data={"conditions": conditions})
    assert answer.status_code == 422 and "are a JSON object" in answer.json()["detail"]


# === What is forbidden ===


def says(word, text):
    attribute, value = forbidden._key(word)
    return broken([forbidden._rule(attribute, value, word)], "Text", text) is not None


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("gun", "a red GUN, please"),
        ("gun", "two guns"),
        ("Guns", "a gun"),
        ("watch", "gold watches"),
        ("knives", "one knife"),
        ("glove", "GLOVES"),
        ("woman", "for women"),
        ("child", "children's"),
        ("berry", "berries"),
        ("café", "cafe\u0301"),
        ("gun", "ｇｕｎ"),
        ("gun", "g\u00adun"),
        ("gun", "gun32"),
        ("t-shirt", "red T Shirts"),
        ("weiss", "WEIẞ"),
        ("colour:Gold", "gold ring"),
        ("red ring", "a red ring"),
        ("戒指", "红色戒指"),
        ("リング", "金のリング"),
    ],
)
def test_a_forbidden_word_is_found_in_a_text(word, text):
    assert says(word, text)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("ring", "earrings"),
        ("ring", "a string"),
        ("gun", "gunmetal"),
        ("red ring", "ring, red"),
        ("red ring", "red"),
        ("!!!", "red!!!"),
        ("glass", "glance"),
        ("リング", "イヤリング"),
    ],
)
def test_other_words_are_not(word, text):
    assert not says(word, text)


def test_forbidden_words_are_refused_on_every_way_a_text_takes(client, engine):
    assert client.put("/api/v1/forbidden", json={"words": ["handbag", "red dial"]}).status_code == 200
    try:
        status, answer = asked(client, conditions={"text": "two red Handbags"})
        assert status == 403
        assert answer["detail"] == "'handbag' may not be asked for here, and the text says it."
        assert asked(client, "edit", conditions={"text": "red"}, towards={"text": "red handbag"})[0] == 403
        assert asked(client, "explain", conditions={"text": "red handbag"})[0] == 403
        form = {"data": {"model": "words"}, "files": {"file": ("a.csv", "text\nhandbag\n")}}
        assert client.post("/api/v1/jobs/csv", **form).status_code == 403 and engine.drawn == []
        # nor is what would come of leaving out a word
        _, found = asked(client, "explain", conditions={"text": "red round dial"})
        assert [m["value"] for m in found["moved"]] == ["dial", "red"]
    finally:
        client.put("/api/v1/forbidden", json={"words": []})
    entries = [json.loads(line) for line in client.get("/api/v1/audit").text.splitlines()]
    assert any("the text says it" in entry["details"].get("refused", "") for entry in entries)


# === The page ===


def test_the_page_takes_words(browser, engine):
    client = browser("maker")
    form = client.get("/", params={"model": "words", "of text": 'red "mug"'}).text
    assert re.search(r'<input name="of text"[^>]* value="red &#34;mug&#34;"', form)
    assert 'name="of text"' not in client.get("/").text
    values = {"of category": "", "of text": "purplish red", "seed": "3", "truncation": "1"}
    card = client.post("/page/models/words/generate", data={**values, "count": "1"}).text
    assert "purplish red" in card and "Guessed, for hardly any title has it: purplish" in card
    assert "of+text=purplish+red" in html.unescape(card)
    change = {**values, "attribute": "text", "value": "gold", "steps": "2"}
    assert client.post("/page/models/words/edit", data=change).text.count("<article") == 2
    explained = client.post("/page/models/words/explain", data={**values, "of category": "mug"}).text
    assert "The word purplish moved it by 9.0 of 255 levels." in explained
    wrong = client.post("/page/models/words/generate", data={**values, "of text": "<b>xqzv", "count": "1"})
    assert wrong.status_code == 422 and "&lt;b&gt;" in wrong.text
    assert "dial, gold" in client.get("/models/words").text
