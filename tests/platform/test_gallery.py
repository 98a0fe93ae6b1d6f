"""Pictures are found by what they show, kept, labelled, drawn again and deleted."""

import pytest

from tfproductgan.platform import gallery
from tfproductgan.platform.store.pictures import PictureStore
from tfproductgan.platform.store.tables import Picture


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


def files_in(folder):
    return [path for path in (folder / "pictures").rglob("*") if path.is_file()]


def test_a_deleted_picture_is_gone_and_one_that_is_the_same_is_not(shop, settings):
    before = len(files_in(settings.folder))
    picture = shop.get("/api/v1/pictures", params={"seed": 1}).json()["items"][0]
    twin = shop.post(f"/api/v1/pictures/{picture['id']}/again").json()["items"][0]
    assert shop.delete(f"/api/v1/pictures/{picture['id']}").status_code == 204
    assert shop.get(picture["file"]).status_code == 404 and shop.get(twin["file"]).status_code == 200
    assert shop.delete(f"/api/v1/pictures/{picture['id']}").status_code == 404
    assert len(files_in(settings.folder)) == before


def test_a_picture_outlives_one_like_it_that_is_deleted_while_it_is_drawn(shop, platform, monkeypatch):
    picture = shop.get("/api/v1/pictures", params={"seed": 1}).json()["items"][0]
    put = PictureStore.put

    def put_and_delete_the_other(store, tenant, data):
        name = put(store, tenant, data)
        gallery.remove(platform, tenant, picture["id"])
        return name

    monkeypatch.setattr(PictureStore, "put", put_and_delete_the_other)
    twin = shop.post(f"/api/v1/pictures/{picture['id']}/again").json()["items"][0]
    assert shop.get(picture["file"]).status_code == 404 and shop.get(twin["file"]).status_code == 200


def test_pictures_of_earlier_stores_share_a_file_until_the_last_is_deleted(shop, platform, settings):
    picture = shop.get("/api/v1/pictures", params={"seed": 1}).json()["items"][0]
    twin = shop.post(f"/api/v1/pictures/{picture['id']}/again").json()["items"][0]
    with platform.database.writing() as session:  # as version 2 of the store kept them
        rows = [session.get(Picture, item["id"]) for item in (picture, twin)]
        tenant, digest = rows[0].tenant, rows[0].digest
        place = settings.folder / "pictures" / tenant
        data = platform.pictures.get(tenant, rows[0].file)
        (place / digest[:2]).mkdir(exist_ok=True)
        (place / digest[:2] / digest).write_bytes(data)
        for row in rows:
            platform.pictures.delete(tenant, row.file)
            row.own_file = ""
    assert shop.get(picture["file"]).content == data
    shop.delete(f"/api/v1/pictures/{picture['id']}")
    assert shop.get(twin["file"]).content == data
    shop.delete(f"/api/v1/pictures/{twin['id']}")
    assert not (place / digest[:2] / digest).exists()


@pytest.mark.parametrize("place", ["{folder}/pictures", "memory://pictures"])
def test_a_store_forgets_what_is_deleted_and_that_alone(tmp_path, place):
    store = PictureStore(place.format(folder=tmp_path))
    name, twin = store.put("shop", b"picture"), store.put("shop", b"picture")
    assert store.get("shop", name) == b"picture" and store.get("other", name) is None
    store.delete("shop", name)
    store.delete("shop", name)
    assert store.get("shop", name) is None and store.get("shop", twin) == b"picture"


def test_old_pictures_go_unless_somebody_keeps_them(shop, platform, settings, monkeypatch):
    monkeypatch.setattr(gallery, "_EXPIRED_AT_ONCE", 2)
    items = shop.get("/api/v1/pictures").json()["items"]
    shop.patch(f"/api/v1/pictures/{items[0]['id']}", json={"kept": True, "labels": ["best"]})
    with platform.database.writing() as session:
        for item in items[:-1]:
            session.get(Picture, item["id"]).created -= 31 * 86400
    before = len(files_in(settings.folder))
    assert gallery.expire(platform, 30) == 2
    left = shop.get("/api/v1/pictures").json()["items"]
    assert [item["id"] for item in left] == [items[0]["id"], items[-1]["id"]]
    assert len(files_in(settings.folder)) == before - 2 and seeds(shop, label="best") == [3]
    assert '"retention"' in shop.get("/api/v1/audit").text and gallery.expire(platform, 30) == 0
