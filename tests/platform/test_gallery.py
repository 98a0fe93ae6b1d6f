"""Pictures are found by what they show, kept, labelled, drawn again and deleted."""

import pytest

from tfproductgan.platform.store.pictures import PictureStore


@pytest.fixture
def shop(client, as_role):
    """A client of a tenant of its own with four pictures."""
    client.headers = as_role(tenant=f"shop-{id(client)}-{shop.number}")
    shop.number += 1
    for category, colour, seed in (("Watch", "Gold", 1), ("Watch", "Weiß", 2), ("Mug", "Gold", 3), ("Ring", "Gold", 3)):
        body = {"conditions": {"category": category, "base colour": colour}, "seed": seed}
        assert client.post("/api/v1/models/shop/generate", json=body).status_code == 201
    return client


shop.number = 0


def seeds(client, **parameters):
    return [item["seed"] for item in client.get("/api/v1/pictures", params=parameters).json()["items"]]


def test_pictures_are_searched_by_all_that_is_given(shop):
    assert seeds(shop) == [3, 3, 2, 1]
    assert seeds(shop, condition="category:watch") == [2, 1]
    assert seeds(shop, condition=["category:watch", "base colour:GOLD"]) == [1]
    assert seeds(shop, seed=3) == [3, 3]
    assert seeds(shop, model="nothing") == []
    assert seeds(shop, since="2020-01-01T00:00:00Z", until="2021-01-01") == []
    assert shop.get("/api/v1/pictures", params={"condition": "watch"}).status_code == 422


def test_long_lists_come_in_pages(shop):
    first = shop.get("/api/v1/pictures", params={"limit": 3}).json()
    second = shop.get("/api/v1/pictures", params={"limit": 3, "after": first["next"]}).json()
    assert [len(first["items"]), len(second["items"]), second["next"]] == [3, 1, None]


def test_pictures_are_kept_and_labelled(shop):
    picture = shop.get("/api/v1/pictures").json()["items"][0]
    url = f"/api/v1/pictures/{picture['id']}"
    changed = shop.patch(url, json={"kept": True, "labels": ["Spring", "spring ", "jane@example.com"]}).json()
    assert changed["kept"] and changed["labels"] == ["[masked]", "Spring"]
    assert seeds(shop, label="SPRING") == seeds(shop, kept=True) == [3]
    assert shop.patch(url, json={"labels": []}).json() == {**changed, "labels": []}


def test_the_same_again_and_more_like_it(shop, engine):
    picture = shop.get("/api/v1/pictures", params={"seed": 1}).json()["items"][0]
    again = shop.post(f"/api/v1/pictures/{picture['id']}/again").json()["items"][0]
    assert (again["conditions"], again["seed"]) == (picture["conditions"], 1)
    files = [shop.get(item["file"]).content for item in (picture, again)]
    assert files[0] == files[1]
    more = shop.post(f"/api/v1/pictures/{picture['id']}/more", json={"count": 2, "seed": 70}).json()["items"]
    assert [(item["conditions"], item["seed"]) for item in more] == [(picture["conditions"], s) for s in (70, 71)]


def test_a_deleted_picture_is_gone_unless_another_is_the_same(shop):
    picture = shop.get("/api/v1/pictures", params={"seed": 1}).json()["items"][0]
    twin = shop.post(f"/api/v1/pictures/{picture['id']}/again").json()["items"][0]
    assert shop.delete(f"/api/v1/pictures/{picture['id']}").status_code == 204
    assert shop.get(picture["file"]).status_code == 404 and shop.get(twin["file"]).status_code == 200
    assert shop.delete(f"/api/v1/pictures/{picture['id']}").status_code == 404


@pytest.mark.parametrize("place", ["{folder}/pictures", "memory://pictures"])
def test_a_store_writes_once_and_forgets_what_is_deleted(tmp_path, place):
    store = PictureStore(place.format(folder=tmp_path))
    digest = store.put("shop", b"picture")
    assert store.put("shop", b"picture") == digest and store.get("shop", digest) == b"picture"
    assert store.get("other", digest) is None
    store.delete("shop", digest)
    store.delete("shop", digest)
    assert store.get("shop", digest) is None
