"""Rating pages: taken as `evaluate --rate` writes them, answered on the page, read again by `evaluate --ratings`."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from tfproductgan.metrics.rating import ANSWERS_KIND, RatingKey, read_ratings
from tfproductgan.platform import ratings
from tfproductgan.reports.pages import picture_uri, render

URL = "/api/v1/ratings"


def page(name="abc123", count=3):
    pictures = [picture_uri(np.full((8, 8, 3), 40 * number, np.uint8)) for number in range(count)]
    html = render("rating", shown={"page": name, "kind": ANSWERS_KIND, "pictures": pictures})
    return {"file": (f"rating-{name}.html", html.encode())}


def shown(**change):
    return "const shown = " + json.dumps({"kind": ratings.KIND, "page": "x", "pictures": [], **change})


@pytest.fixture
def shop(client, as_role):
    client.headers = as_role(tenant=f"rating-{shop.number}")
    shop.number += 1
    return client


shop.number = 0


def test_people_answer_and_evaluate_reads_it(shop, tmp_path):
    made = shop.post(URL, files=page())
    assert made.status_code == 201 and made.json()["pictures"] == 3, made.text
    assert shop.post(URL, files=page()).status_code == 409
    picture = shop.get(f"{URL}/abc123/pictures/2")
    assert Image.open(io.BytesIO(picture.content)).getpixel((0, 0)) == (40, 40, 40)
    for number, said in ((1, "photo"), (2, "photo"), (2, "generated"), (3, "photo")):
        assert shop.put(f"{URL}/abc123/pictures/{number}", json={"said": said}).status_code == 204
    assert shop.put(f"{URL}/abc123/pictures/4", json={"said": "photo"}).status_code == 404
    assert shop.put(f"{URL}/abc123/pictures/1", json={"said": "neither"}).status_code == 422
    assert shop.get(URL).json()["items"][0]["raters"] == 1
    archive = zipfile.ZipFile(io.BytesIO(shop.get(f"{URL}/abc123/answers").content))
    [name] = archive.namelist()
    archive.extract(name, tmp_path)
    facts = {str(number): {"generated": number == 2, "conditions": {}} for number in (1, 2, 3)}
    result = read_ratings([tmp_path / name], RatingKey("abc123", "shop-1", "", "validation", 0, facts))
    assert (result.raters, result.missing, result.told_apart.count) == (1, 0, 3)


def test_a_rating_page_is_of_one_tenant_and_goes_with_its_answers(shop, as_role):
    shop.post(URL, files=page())
    assert shop.get(f"{URL}/abc123/pictures/1", headers=as_role(tenant="elsewhere")).status_code == 404
    assert shop.post(URL, files=page(), headers=as_role("viewer")).status_code == 403
    shop.put(f"{URL}/abc123/pictures/1", json={"said": "photo"})
    assert shop.delete(f"{URL}/abc123").status_code == 204
    assert shop.get(f"{URL}/abc123/answers").status_code == 404 and shop.get(URL).json()["items"] == []


@pytest.mark.parametrize(
    "text",
    [
        "<html>",
        "const shown = ",
        "const shown = []",
        shown(kind="other"),
        shown(page="../x", pictures=["data:image/png;base64,AAAA"]),
        shown(),
        shown(pictures=["javascript:x"]),
        shown(pictures=["data:image/png;base64,AAAA"]),
        "const shown = " + "[" * 100_000,
    ],
    ids=range(9),
)
def test_what_is_no_rating_page_is_refused(shop, text):
    answer = shop.post(URL, files={"file": ("a.html", text.encode())})
    assert answer.status_code == 422 and "no rating page" in answer.json()["detail"]
