"""Models as they describe themselves, and asking them."""

import io
import json

from PIL import Image
from sqlalchemy.exc import OperationalError

from tfproductgan.platform import audit, signing
from tfproductgan.platform.access import keys
from tfproductgan.provenance import SYNTHETIC, source_type

URL = "/api/v1/models"


def photo(width=12, height=8):
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


def test_models_say_what_they_know_and_can(client):
    shop, sketches, *_ = client.get(URL).json()["items"]
    assert shop["attributes"][0] == {"name": "category", "values": ["Ring", "Mug", "Watch"], "several": 1}
    assert "interpolate" in shop["actions"] and "translate" in sketches["actions"]
    assert client.get(f"{URL}/shop").json() == shop


def test_pictures_are_drawn_by_name_and_kept_with_what_was_asked(client, fake_engine):
    asked = {"conditions": {"category": "watch"}, "count": 2, "seed": 7}
    answer = client.post(f"{URL}/shop/generate", json=asked)
    assert answer.status_code == 201
    first, second = answer.json()["items"]
    assert first["conditions"]["category"] == "Watch" and first["conditions"]["base colour"]
    assert [first["seed"], second["seed"]] == [7, 8]
    file = client.get(second["file"])
    image = Image.open(io.BytesIO(file.content))
    assert image.getpixel((0, 0)) == fake_engine.colour_of(8)
    facts = json.loads(image.info["tfproductgan"])
    assert (facts["kind"], facts["model_id"], facts["seed"]) == ("picture", "shop-1", 8)
    assert "trainedAlgorithmicMedia" in image.info["XML:com.adobe.xmp"]
    again = client.get(second["file"], headers={"If-None-Match": file.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_mistakes_are_problems_that_name_what_would_be_right(client):
    wrong = [
        ("/nowhere/generate", {}, 404, "There is no model 'nowhere'"),
        ("/shop/generate", {"conditions": {"category": "Wach"}}, 422, "did you mean 'Watch'?"),
        ("/shop/generate", {"conditions": {"colour": "Gold"}}, 422, "did you mean 'base colour'?"),
        ("/shop/generate", {"count": 65}, 422, "from 1 to 64"),
        ("/shop/generate", {"cuont": 1}, 422, "cuont"),
        ("/sketches/generate", {}, 422, "Model 'sketches' cannot generate"),
    ]
    for path, body, status, detail in wrong:
        answer = client.post(URL + path, json=body)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (answer.status_code, answer.json()["status"]) == (status, status), answer.text
        assert detail in answer.json()["detail"]


def test_an_engine_that_is_busy_is_said_and_one_that_is_gone_too(client, engine):
    client.get(URL)
    engine.refuses = (500, "out of memory")
    assert client.post(f"{URL}/shop/generate", json={}).status_code == 502
    engine.refuses = (504, "too slow")
    assert client.post(f"{URL}/shop/generate", json={}).status_code == 504


def test_the_way_between_two_pictures(client):
    answer = client.post(f"{URL}/shop/interpolate", json={"first": {"seed": 1}, "second": {"seed": 2}, "steps": 3})
    items = answer.json()["items"]
    assert [item["details"]["step"] for item in items] == [0, 1, 2]
    shades = [Image.open(io.BytesIO(client.get(item["file"]).content)).getpixel((0, 0))[0] for item in items]
    assert shades == [0, 127, 255]


def test_a_photo_is_translated_without_what_it_told_of_who_took_it(client, engine):
    photo, file = Image.new("RGB", (20, 10), "red"), io.BytesIO()
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Camera of Jane", 6
    exif.get_ifd(0x8825)[1] = "N"
    photo.save(file, "JPEG", exif=exif)
    given = {"conditions": '{"category": "Mug"}'}
    answer = client.post(f"{URL}/sketches/translate", data=given, files={"file": ("me.jpg", file.getvalue())})
    assert answer.status_code == 201, answer.text
    assert answer.json()["items"][0]["conditions"] == {"category": "Mug"}
    [seen] = engine.received
    image = Image.open(io.BytesIO(seen))
    assert image.size == (10, 20) and not image.getexif() and b"Jane" not in seen
    answer = client.post(f"{URL}/sketches/translate", files={"file": ("a.svg", b"<svg/>")})
    assert answer.status_code == 422 and "no photo of a usual kind" in answer.json()["detail"]


def test_a_request_that_arrives_twice_is_done_once(client, engine):
    body, headers = {"count": 1, "seed": 3}, {"Idempotency-Key": "order-1"}
    first = client.post(f"{URL}/shop/generate", json=body, headers=headers)
    second = client.post(f"{URL}/shop/generate", json=body, headers=headers)
    assert first.json() == second.json() and engine.drawn == [3]
    assert second.headers["Idempotent-Replayed"] == "true"
    other = client.post(f"{URL}/shop/generate", json={"seed": 4}, headers=headers)
    assert other.status_code == 422 and "was used for another request" in other.json()["detail"]


def test_a_request_that_failed_may_be_tried_again_with_its_key(client, engine):
    headers = {"Idempotency-Key": "order-2"}
    engine.refuses = (500, "no")
    assert client.post(f"{URL}/shop/generate", json={}, headers=headers).status_code == 502
    engine.refuses = None
    assert client.post(f"{URL}/shop/generate", json={}, headers=headers).status_code == 201


def test_nothing_is_kept_that_the_audit_log_does_not_know_of(client, platform, monkeypatch):
    def full(*entry):
        raise OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr(audit, "append", full)
    headers = {"Idempotency-Key": "order-3"}
    answer = client.post(f"{URL}/shop/generate", json={"seed": 4321}, headers=headers)
    assert answer.status_code == 503
    monkeypatch.undo()
    assert client.get("/api/v1/pictures", params={"seed": 4321}).json()["items"] == []
    assert client.post(f"{URL}/shop/generate", json={"seed": 4321}, headers=headers).status_code == 201


def test_the_document_of_the_api_is_openapi_3_1(client):
    document = client.get("/api/v1/openapi.json", headers={"Authorization": ""}).json()
    assert document["openapi"].startswith("3.1")
    assert "/api/v1/models/{model}/generate" in document["paths"]
    assert document["paths"]["/api/v1/pictures"]["get"]["responses"]["429"]["content"]["application/problem+json"]


def test_keys_begin_with_what_scanners_look_for():
    assert keys.PREFIX == "tpg_"


def test_pictures_say_to_others_too_that_a_model_drew_them(client, platform, monkeypatch):
    monkeypatch.setattr(platform.settings, "visible_mark", "AI")
    item = client.post(f"{URL}/shop/generate", json={"seed": 77}).json()["items"][0]
    image = Image.open(io.BytesIO(client.get(item["file"]).content))
    assert source_type(image.info["XML:com.adobe.xmp"]) == SYNTHETIC
    assert json.loads(image.info["tfproductgan"])["seed"] == 77


def test_a_mark_is_legible_and_hides_only_a_corner():
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (10, 200, 30)).save(file, "PNG")
    image = Image.open(io.BytesIO(signing.marked(file.getvalue(), "AI")))
    assert image.size == (64, 64)
    colours = {colour: count for count, colour in image.getcolors()}
    assert sum(count for colour, count in colours.items() if min(colour) > 200) >= 8  # letters
    assert colours[0, 0, 0] >= 30  # on a plate
    assert colours[10, 200, 30] > 0.9 * 64 * 64


def test_what_can_be_asked_is_what_the_model_says_of_itself(client):
    found = {item["name"]: (item["actions"], item["translates_to"]) for item in client.get(URL).json()["items"]}
    assert found == {
        "shop": (["generate", "interpolate", "edit", "explain"], []),
        "sketches": (["translate"], ["B", "A"]),
        "larger": (["upscale"], []),
        "masks": (["translate", "cutout"], ["B"]),
        "paints": (["translate", "stylise"], ["B"]),
        "words": (["generate", "interpolate", "edit", "explain"], []),
    }
    for model, action in (("shop", "upscale"), ("larger", "translate"), ("sketches", "cutout"), ("masks", "stylise")):
        answer = client.post(f"{URL}/{model}/{action}", files={"file": ("a.png", photo())})
        assert answer.status_code == 422 and f"cannot {action}" in answer.json()["detail"]


def test_a_model_that_goes_both_ways_is_asked_which(client, engine):
    def made(**form):
        return client.post(f"{URL}/sketches/translate", files={"file": ("a.png", photo())}, data=form).json()

    there, back = made()["items"][0], made(to="A")["items"][0]
    assert (there["details"], back["details"]) == ({"to": "B"}, {"to": "A"})
    colours = [Image.open(io.BytesIO(client.get(item["file"]).content)).getpixel((0, 0)) for item in (there, back)]
    assert colours == [(1, 2, 3), (3, 2, 1)]
    assert "does not translate to 'C'" in made(to="C")["detail"]
    assert "takes no conditions" in made(to="A", conditions='{"category": "Mug"}')["detail"]


def test_a_photo_is_made_larger_unless_it_is_large(client, engine):
    item = client.post(f"{URL}/larger/upscale", files={"file": ("a.png", photo())}).json()["items"][0]
    assert (item["kind"], item["conditions"], item["seed"]) == ("upscaling", {}, None)
    [seen] = engine.received
    assert Image.open(io.BytesIO(seen)).size == (12, 8)
    answer = client.post(f"{URL}/larger/upscale", files={"file": ("a.png", photo(1001, 1000))})
    assert answer.status_code == 422 and "1,000,000 is the most" in answer.json()["detail"]
