"""The page: what a person in the shop sees and does, without a browser."""

import base64
import html
import io
import json
import re
from html.parser import HTMLParser

from PIL import Image

from tfproductgan.platform import ratings
from tfproductgan.platform.access import rates


class Tags(HTMLParser):
    """Which tags a page has, and that each is closed."""

    VOID = ("meta", "link", "input", "img", "br", "!doctype")

    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.names = [], [], []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag


def test_whoever_is_not_known_is_asked_to_sign_in(client):
    client.headers.pop("Authorization")
    answer = client.get("/", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert "Password" in client.get("/sign-in").text
    assert client.get("/static/htmx.min.js").headers["Content-Type"].startswith("text/javascript")
    assert client.get("/static/htmx-LICENSE.txt").status_code == 404


def test_people_sign_in_and_out(client, as_role):
    secret = as_role("maker")["Authorization"].split()[1]
    client.headers.pop("Authorization")
    wrong = client.post("/sign-in", data={"secret": "tpg_wrong"})
    assert wrong.status_code == 401 and "not known here" in wrong.text
    other = client.post("/sign-in", data={"secret": secret}, headers={"Origin": "https://elsewhere.example"})
    assert other.status_code == 403
    right = client.post("/sign-in", data={"secret": secret}, follow_redirects=False)
    cookie = right.headers["Set-Cookie"]
    assert right.status_code == 303 and "HttpOnly" in cookie and "SameSite=strict" in cookie and secret not in cookie
    page = client.get("/").text
    csrf = re.search(r'"X-CSRF-Token": "([^"]+)"', page)[1]
    assert client.post("/sign-out", headers={"X-CSRF-Token": csrf}).headers["HX-Redirect"] == "/sign-in"
    assert client.get("/").status_code == 401


def test_attempts_to_sign_in_are_counted(client, monkeypatch):
    monkeypatch.setattr(rates, "_SIGN_INS_PER_MINUTE", 2)
    client.headers.pop("Authorization")
    statuses = [client.post("/sign-in", data={"name": "mallory", "secret": "x"}).status_code for _ in range(3)]
    assert statuses[-1] == 429


def test_every_page_is_whole_and_has_no_script_or_style_of_its_own(browser):
    client = browser()
    client.post("/api/v1/models/shop/generate", json={"count": 2, "seed": 900})
    paths = (
        "/",
        "/?model=sketches",
        "/?model=larger",
        "/?model=masks&action=cutout",
        "/?model=paints&action=stylise",
        "/?action=interpolate",
        "/?action=edit",
        "/?action=explain",
        "/?model=words",
        "/?model=words&action=edit",
        "/models/words",
        "/cutout",
        "/ratings",
        "/gallery",
        "/compare",
        "/jobs",
        "/models/shop",
        "/administration",
        "/sign-in",
    )
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, path
        tags = Tags(answer.text).found
        assert [attributes["src"] for tag, attributes in tags if tag == "script"] == ["/static/htmx.min.js"]
        assert not any(tag == "style" or "style" in attributes for tag, attributes in tags)
        assert not any(name.startswith("on") for _, attributes in tags for name in attributes)
        fields = [a for tag, a in tags if tag in ("input", "select")]
        assert answer.text.count("<label") >= len(fields)


def test_pictures_are_asked_for_kept_and_deleted(browser, engine):
    client = browser("maker")
    form = client.get("/").text
    assert '<option value="Watch"></option>' in form and 'name="of base colour"' in form
    asked = {"of category": "watch", "of base colour": "", "count": "2", "seed": "5", "truncation": "1"}
    cards = client.post("/page/models/shop/generate", data=asked).text
    assert cards.count("<article") == 2 and "Watch" in cards and "seed 6" in cards and engine.drawn == [5, 6]
    Tags(cards)
    first = re.search(r"/page/pictures/(\w+)/keep", cards)[1]
    assert 'aria-pressed="true"' in client.post(f"/page/pictures/{first}/keep").text
    assert first in client.get("/gallery", params={"kept": "true", "words": "watch"}).text
    assert first not in client.get("/gallery", params={"words": "mug"}).text
    assert client.post(f"/page/pictures/{first}/more").text.count("<article") == 4
    assert client.delete(f"/page/pictures/{first}").text == ""
    assert first not in client.get("/gallery").text


def test_a_picture_leads_back_to_how_it_was_asked_for(browser):
    client = browser("maker")
    asked = {"of category": "watch", "of base colour": "Weiß", "count": "1", "seed": "31", "truncation": "0.5"}
    card = client.post("/page/models/shop/generate", data=asked).text
    form = client.get(html.unescape(re.search(r'href="(/\?model[^"]+)"', card)[1])).text
    for filled in ('value="Watch"', 'value="Weiß"', 'value="31"', 'value="0.5"'):
        assert filled in form


def test_pictures_are_compared_side_by_side(browser, client, as_role):
    browser("maker")
    made = client.post("/api/v1/models/shop/generate", json={"count": 2, "seed": 70}).json()["items"]
    page = client.get("/compare", params={"id": [item["id"] for item in made]}).text
    assert page.count("<article") == 2 and "seed 71" in page
    assert client.get("/compare", params={"id": "0"}).status_code == 404


def test_a_model_says_what_it_learnt_from(browser, platform):
    client = browser("viewer")
    page = client.get("/models/shop").text
    assert "shop-1" in page and "Watch (1)" in page and "Gold (6)" in page
    assert "Look like another one" in page  # pictures were drawn above


def test_a_model_shows_its_judgement_and_its_card_or_that_it_has_none(browser):
    client = browser("viewer")
    page = client.get("/models/shop").text
    for words in (
        "CC-BY-4.0",
        "1,234,567",
        "Photos of a shop",
        "Fewer than 50 photos show",
        "accuracy/category@catalogue",
    ):
        assert words in page
    assert "How far what is shown is from photos" in page and "<td>12.35</td>" in page
    assert "show what was asked for: category" in page and "<td>0.75</td><td>0.875</td><td>more</td>" in page
    assert "no card" in client.get("/models/words").text
    chinese = client.get("/models/shop", headers={"Accept-Language": "zh"}).text
    assert '<ul lang="en"><li>Fewer than' in chinese and "How far" not in chinese


def test_a_model_shows_what_is_recognised_in_its_pictures(browser, platform, engine):
    client = browser("maker")
    client.post("/api/v1/models/shop/generate", json={"conditions": {"category": "Ring", "base colour": "Weiß"}})
    platform.recognition.look(platform.engine)
    page = client.get("/models/shop").text
    row = page[page.index("Recognised now") :]
    assert re.search(r"category</th><td>\d+</td><td>\d+ %</td><td>75 %</td><td>88 %</td>", row)
    assert re.search(r"base colour</th><td>\d+</td><td>\d+ %</td><td></td><td></td>", row)  # by pixels is another thing


def test_an_administrator_forbids_words(browser, client):
    browser()
    shown = client.post("/page/forbidden", data={"words": "Ring\r\n\nbase colour:Gold"}).text
    assert ">Ring\nbase colour:Gold</textarea>" in shown
    client.post("/page/forbidden", data={"words": ""})


def test_photos_are_translated_and_made_larger(browser):
    client = browser("maker")
    assert '<select name="to">' in client.get("/?model=sketches").text
    file = io.BytesIO()
    Image.new("RGB", (5, 5)).save(file, "PNG")
    for model, action in (("sketches", "translate"), ("larger", "upscale")):
        assert f"/page/models/{model}/{action}" in client.get(f"/?model={model}").text
        cards = client.post(f"/page/models/{model}/{action}", files={"file": ("a.png", file.getvalue())}).text
        assert cards.count("<article") == 1
        assert "Choose a photo" in client.post(f"/page/models/{model}/{action}", data={"to": "B"}).text


def test_mistakes_are_shown_where_they_were_made(browser):
    client = browser("maker")
    asked = {"of category": "<b>Wach</b>", "count": "1", "seed": "5", "truncation": "1"}
    answer = client.post("/page/models/shop/generate", data=asked)
    assert answer.status_code == 422 and answer.text.startswith('<p class="problem">')
    assert "&lt;b&gt;" in answer.text
    answer = client.post("/page/models/shop/generate", data={**asked, "count": "many"})
    assert "count is a number" in answer.text
    right = client.post("/page/models/shop/generate", data={**asked, "of category": "watch"}).text
    assert '<div id="said" role="alert" hx-swap-oob="true"></div>' in right  # what was wrong is taken away
    assert "hx-swap-oob" not in client.get("/page/jobs").text


def test_jobs_show_how_far_they_are(browser):
    client = browser("maker")
    table = client.post("/page/jobs", data={"model": "shop"}, files={"file": ("night.csv", "category\nMug\n")}).text
    assert "night.csv" in table and "of 1" in table
    assert "<table" in client.get("/page/jobs").text
    Tags(table)


def test_a_viewer_looks_and_does_nothing(browser):
    client = browser("viewer")
    assert "Queue" not in client.get("/jobs").text
    assert client.get("/administration").status_code == 403


def test_an_administrator_lets_people_in_and_makes_keys(browser):
    client = browser()
    person = {"name": "Ada <i>", "password": "correct horse battery", "role": "maker"}
    shown = client.post("/page/people", data=person).text
    assert "Ada &lt;i&gt;" in shown
    closed = client.post(re.search(r"/page/people/\w+/close", shown)[0]).text
    assert "closed" in closed
    made = client.post("/page/keys", data={"name": "till", "scope": ["models:read"]}).text
    secret = re.search(r"tpg_[\w-]+", made)[0]
    page = client.get("/administration").text
    assert secret not in page and "POST /page/people" in page  # what was done last
    Tags(made)


def test_a_key_has_limits_and_an_end_and_is_renewed_on_the_page(browser):
    client = browser()
    limits = {"requests_per_minute": "7", "pictures_per_day": "", "queued_pictures": "9", "days": "30"}
    made = client.post("/page/keys", data={"name": "till 2", "scope": ["models:read"], **limits}).text
    row = made[made.index(">till 2<") :]
    assert "7 requests a minute" in row and "9 pictures that wait" in row and "pictures a day<br>" not in row
    renewed = client.post(re.search(r"/page/keys/\w+/rotate", row)[0]).text
    first, second = (re.search(r"tpg_[\w-]+", text)[0] for text in (made, renewed))
    assert first != second and renewed.count(">till 2<") == 2
    Tags(renewed)
    wrong = client.post("/page/keys", data={"name": "x", "scope": ["models:read"], "pictures_per_day": "0"})
    assert wrong.status_code == 422 and "pictures_per_day" in wrong.text


def test_pictures_are_changed_explained_and_gone_between(browser, engine):
    client = browser("maker")
    asked = {"of category": "ring", "of base colour": "gold", "seed": "5", "truncation": "1"}
    made = client.post("/page/models/shop/edit", data={**asked, "attribute": "category", "value": "mug", "steps": "3"})
    assert made.text.count("<article") == 3 and "Ring, Gold → Mug, 50 %" in made.text
    way = {**asked, "to category": "mug", "to seed": "6", "steps": "2"}
    made = client.post("/page/models/shop/interpolate", data=way).text
    assert made.count("<article") == 2 and "interpolation, 2/2" in made
    found = client.post("/page/models/shop/explain", data=asked).text
    assert found.count("<article") == 3 and "category Ring moved it by 0.0 of 255 levels, beside Mug, Watch" in found
    Tags(found)
    form = client.get("/", params={"action": "edit", "of category": "Ring", "seed": "5"}).text
    assert 'value="Ring"' in form and "of+category=Ring" in form  # what was filled in stays, whatever is chosen next


def test_products_are_cut_out_on_the_page(browser):
    client = browser("maker")
    file = io.BytesIO()
    image = Image.new("RGB", (40, 40), "white")
    image.paste("navy", (10, 10, 30, 30))
    image.save(file, "PNG")
    photo = {"file": ("a.png", file.getvalue())}
    assert client.post("/page/cutout", files=photo, data={"background": "#ff0000"}).text.count("<article") == 1
    assert client.post("/page/models/masks/cutout", files=photo).text.count("<article") == 1
    assert "Choose a photo first" in client.post("/page/cutout", data={"background": "#ff0000"}).text


def test_photos_are_told_from_drawn_pictures_one_after_the_other(browser):
    client = browser("maker")
    uri = "data:image/png;base64," + base64.b64encode(small_png()).decode()
    shown = {"page": "told", "kind": ratings.KIND, "pictures": [uri, uri]}
    file = {"file": ("told.html", f"<script>const shown = {json.dumps(shown)};".encode())}
    assert 'href="/ratings/told"' in client.post("/page/ratings", files=file).text
    assert "Picture 1 of 2" in client.get("/ratings/told").text
    assert "Picture 2 of 2" in client.post("/page/ratings/told/1", data={"said": "photo"}).text
    over = client.post("/page/ratings/told/2", data={"said": "generated"}).text
    Tags(over)
    assert "That was the last one" in over and "told/answers" in client.get("/ratings").text


def small_png():
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")
    return file.getvalue()
