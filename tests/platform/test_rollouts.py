"""Which version of a model draws: decided by an administrator, for their shop alone."""

import re

import pytest

from tfproductgan.platform import rollouts
from tfproductgan.platform.store.tables import ModelLook
from tfproductgan.platform.watching import Watch

URL = "/api/v1/models/shop"


@pytest.fixture
def chosen(client):
    """Says which version draws, until the test is over."""

    def choose(**body):
        return client.put(f"{URL}/versions", json=body)

    headers = dict(client.headers)
    yield choose
    client.headers = headers
    choose()


def ids(client, count=1, **body):
    made = client.post(f"{URL}/generate", json={"count": count, **body}).json()["items"]
    return {item["model_id"] for item in made}


def test_a_version_is_held_and_its_pictures_say_so(client, chosen, platform):
    shown = client.get(f"{URL}/versions").json()
    assert [each["version"] for each in shown["items"]] == [2, 1] and shown["version"] is None
    assert chosen(version=2).json()["version"] == 2
    assert client.get(URL).json()["model_id"] == "shop-2"
    [made] = client.post(f"{URL}/generate", json={}).json()["items"]
    assert (made["model_id"], made["details"]) == ("shop-2", {"version": 2})
    assert 'model="shop@2"' in client.get("/metrics").text
    refused = chosen(version=3)
    assert refused.status_code == 422 and "the engine has 2, 1" in refused.json()["detail"]
    assert "PUT /api/v1/models/{model}/versions" in client.get("/api/v1/audit").text


def test_a_canary_gets_its_share_and_the_same_request_the_same_version(client, chosen):
    chosen(version=1, canary=2, percent=30)
    found = [ids(client, seed=seed) for seed in range(40)]
    assert found == [ids(client, seed=seed) for seed in range(40)]
    assert all(len(each) == 1 for each in found)
    assert 3 <= sum(each == {"shop-2"} for each in found) <= 22
    chosen(version=1, canary=2, percent=100)
    assert ids(client, count=3) == {"shop-2"}


def test_a_canary_that_is_away_is_not_asked(client, chosen, platform, engine, monkeypatch):
    chosen(version=1, canary=2, percent=100)
    monkeypatch.setattr(
        platform.rollouts, "of", lambda tenant, name: rollouts.Versions(version=1, canary=7, percent=100)
    )
    assert ids(client) == {"shop-1"}


def test_other_tenants_and_roles_choose_nothing_here(client, chosen, as_role):
    chosen(version=2)
    assert client.put(f"{URL}/versions", json={}, headers=as_role("maker")).status_code == 403
    other = as_role(tenant="elsewhere")
    assert client.get(URL, headers=other).json()["model_id"] == "shop-1"
    assert client.get(f"{URL}/versions", headers=other).json()["version"] is None


def test_how_a_canary_draws_is_watched_apart(client, chosen, platform, monkeypatch):
    monkeypatch.setattr(platform.settings, "reference_pictures", 2)
    chosen(version=1, canary=2, percent=100)
    ids(client)
    Watch(platform).look()
    page = client.get("/models/shop").text
    assert "version 2, when it was new" in page and "version 2, now" in page
    with platform.database.reading() as session:
        assert session.get(ModelLook, ("shop@2", "shop-2")) is not None
    assert ("shop@2", "shop-2") in platform.looks.now()


def test_an_administrator_chooses_on_the_page(browser, chosen):
    client = browser()
    form = client.get("/administration").text
    assert "2: AVAILABLE<br>1: AVAILABLE" in form
    shown = client.post("/page/models/shop/versions", data={"version": "1", "canary": "2", "percent": "25"}).text
    assert re.search(r'<option value="2" selected>2</option>.*?value="25"', shown, re.S)
    assert "100 or less" in client.post("/page/models/shop/versions", data={"percent": "101"}).text
    assert "whole number" in client.post("/page/models/shop/versions", data={"percent": "x"}).text
