"""Pictures moved towards a value, explained, painted and cut out: what any engine can, by what the model says."""

import io

import numpy as np
import pytest
from PIL import Image

from tfproductgan.platform import forbidden

URL = "/api/v1/models"
ASKED = {"conditions": {"category": "Ring", "base colour": "Gold"}, "seed": 7}


def file_of(pixels, mode="RGB", **options):
    file = io.BytesIO()
    Image.fromarray(pixels, mode).save(file, "PNG", **options)
    return file.getvalue()


def opened(client, item):
    return Image.open(io.BytesIO(client.get(item["file"]).content))


@pytest.fixture
def product():
    """A dark square on white, with a camera's words in its file."""
    pixels = np.full((40, 60, 3), 255, np.uint8)
    pixels[10:30, 20:40] = 60, 20, 20
    exif = Image.Exif()
    exif[0x010F] = "Camera of Jane"
    return file_of(pixels, exif=exif)


def test_an_edit_is_the_way_to_a_value_all_else_held(client, engine, monkeypatch):
    asked = []
    predict = engine.predict
    monkeypatch.setattr(engine, "predict", lambda *words: asked.append(words) or predict(*words))
    answer = client.post(f"{URL}/shop/edit", json={**ASKED, "towards": {"base colour": "weiß"}, "steps": 3})
    assert answer.status_code == 201, answer.text
    items = answer.json()["items"]
    assert [item["details"]["strength"] for item in items] == [0, 0.5, 1]
    assert {item["kind"] for item in items} == {"edit"} and items[0]["details"]["towards"] == {"base colour": "Weiß"}
    [(_, _, inputs)] = [words for words in asked if words[1] == "interpolate"]
    assert inputs["first_base_colour"] == ["Gold"] * 3 and inputs["second_base_colour"] == ["Weiß"] * 3
    assert inputs["first_category"] == inputs["second_category"] == ["Ring"] * 3
    assert inputs["first_seed"] == inputs["second_seed"] == [7] * 3
    again = client.post(f"{URL}/shop/edit", json={**ASKED, "towards": {"base colour": "Gold"}})
    assert again.status_code == 422 and "shows Gold already" in again.json()["detail"]


def test_an_explanation_says_what_moves_a_picture_most(client, fake_engine, engine, monkeypatch):
    def predict(name, signature, inputs):  # colour makes it brighter by 9, category by 30 or 60
        if signature == "describe":
            return describe(name, signature, inputs)
        pairs = zip(inputs["category"], inputs["base_colour"], strict=True)
        shades = [{"Ring": 0, "Mug": 30, "Watch": 60}[c] + {"Gold": 0, "Weiß": 9}[b] for c, b in pairs]
        return 200, {"outputs": [fake_engine.png((shade,) * 3) for shade in shades]}

    describe = engine.predict
    monkeypatch.setattr(engine, "predict", predict)
    found = client.post(f"{URL}/shop/explain", json=ASKED, headers={"Idempotency-Key": "why"}).json()
    assert [(m["attribute"], m["value"], m["instead"], m["levels"]) for m in found["moved"]] == [
        ("category", "Ring", ["Mug", "Watch"], 45.0),
        ("base colour", "Gold", ["Weiß"], 9.0),
    ]
    other = found["moved"][0]["picture"]
    assert (other["conditions"]["category"], other["seed"]) == ("Mug", 7)
    assert opened(client, other).getpixel((0, 0)) == (30, 30, 30)
    again = client.post(f"{URL}/shop/explain", json=ASKED, headers={"Idempotency-Key": "why"})
    assert again.json() == found and again.headers["Idempotent-Replayed"] == "true"


def test_what_nobody_may_ask_for_explains_nothing(client, platform, as_role, engine):
    client.headers = as_role(tenant="prudent")
    with platform.database.writing() as session:
        forbidden.set_words(session, "prudent", ["Mug"])
    found = client.post(f"{URL}/shop/explain", json=ASKED).json()
    assert [m["instead"] for m in found["moved"] if m["attribute"] == "category"] == [["Watch"]]


def test_a_photo_is_painted_by_a_model_of_styles_alone(client, engine):
    photo = {"file": ("a.png", file_of(np.zeros((8, 8, 3), np.uint8)))}
    made = client.post(f"{URL}/paints/stylise", files=photo, data={"conditions": '{"base colour": "gold"}'})
    assert made.json()["items"][0]["conditions"] == {"base colour": "Gold"}
    assert "cannot stylise" in client.post(f"{URL}/sketches/stylise", files=photo).json()["detail"]


def test_a_product_is_cut_out_of_a_plain_background_without_an_engine(client, product, engine):
    answer = client.post("/api/v1/cutout", files={"file": ("jane.png", product)})
    assert answer.status_code == 201, answer.text
    [item] = answer.json()["items"]
    assert (item["kind"], item["model_id"]) == ("cutout", "plain background") and engine.received == []
    image = opened(client, item)
    assert (image.mode, image.size) == ("RGBA", (60, 40))
    alpha = np.asarray(image.getchannel("A"))
    assert alpha[20, 30] == 255 and alpha[2, 2] == 0
    assert b"Jane" not in client.get(item["file"]).content


def test_a_product_is_put_before_another_background(client, product):
    form = {"background": "#00ff00", "shadow": "0"}
    [item] = client.post("/api/v1/cutout", files={"file": ("a.png", product)}, data=form).json()["items"]
    assert opened(client, item).getpixel((2, 2)) == (0, 255, 0)
    ground = file_of(np.full((4, 4, 3), (0, 0, 200), np.uint8))
    files = {"file": ("a.png", product), "behind": ("b.png", ground)}
    [item] = client.post("/api/v1/cutout", files=files, data={"shadow": "0"}).json()["items"]
    assert opened(client, item).getpixel((2, 2)) == (0, 0, 200)
    wrong = client.post("/api/v1/cutout", files={"file": ("a.png", product)}, data={"background": "green"})
    assert wrong.status_code == 422 and "#f4f0e8" in wrong.json()["detail"]


def test_a_product_is_cut_out_by_a_model_that_makes_masks(client, engine):
    busy = file_of(np.random.default_rng(0).integers(0, 256, (10, 20, 3), np.uint8))
    refused = client.post("/api/v1/cutout", files={"file": ("a.png", busy)})
    assert refused.status_code == 422 and "no one colour" in refused.json()["detail"]
    [item] = client.post(f"{URL}/masks/cutout", files={"file": ("a.png", busy)}).json()["items"]
    alpha = np.asarray(opened(client, item).getchannel("A"))
    assert (alpha[:, :10] == 255).all() and (alpha[:, 10:] == 0).all()
    assert item["model_id"] == "masks-1" and item["details"]["product"] == 0.5


def test_models_say_what_takes_their_weights(client):
    said = {item["name"]: " ".join(item["not_here"]) for item in client.get(URL).json()["items"]}
    assert "tfproductgan edit" in said["shop"] and "tfproductgan explain" in said["shop"]
    assert "--blend" in said["paints"] and "--blend" not in said["sketches"]
