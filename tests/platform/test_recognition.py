"""Whether pictures show what was asked for, as the engine's classifier sees them."""

import base64

import pytest

from tfproductgan.platform import recognition, watching
from tfproductgan.platform.recognition import Recognition


def ask(client, category, count=1, seed=0):
    client.post(
        "/api/v1/models/shop/generate",
        json={"conditions": {"category": category, "base colour": "Gold"}, "count": count, "seed": seed},
    )


@pytest.fixture
def watched(platform, monkeypatch):
    """A recognition that has seen nothing yet."""
    for name, empty in vars(Recognition()).items():
        monkeypatch.setattr(platform.recognition, name, empty)
    return platform.recognition


def test_it_is_a_metric_beside_what_the_card_says(client, platform, watched):
    for category in ("Ring", "Mug", "Mug", "Mug"):
        ask(client, category)
    watching.Watch(platform).look()
    text = client.get("/metrics").text
    for kind, share in (("now", 0.25), ("card", 0.75)):
        assert f'platform_output_recognised{{attribute="category",kind="{kind}",model="shop"}} {share}' in text
    assert 'platform_output_values{attribute="category",model="shop"} 4.0' in text
    assert 'platform_output_recognised{attribute="base colour",kind="now",model="shop"} 1.0' in text
    assert 'attribute="base colour",kind="card"' not in text  # the card knows it by pixels alone
    assert watched.now()["shop", "shop-1"]["category"].photos == 0.875


def test_a_sample_is_enough_and_the_last_count(client, platform, watched, engine, monkeypatch):
    monkeypatch.setattr(recognition, "_WINDOW", 10)
    ask(client, "Ring", count=20)
    watched.look(platform.engine)
    assert watched.now()["shop", "shop-1"]["category"].values == 8
    ask(client, "Mug", count=5)
    watched.look(platform.engine)
    found = watched.now()["shop", "shop-1"]["category"]
    assert (found.values, found.share) == (10, 0.5)
    watched.look(platform.engine)  # nothing was drawn since
    assert watched.now()["shop", "shop-1"]["category"] == found


def test_another_version_begins_anew_and_models_without_a_classifier_are_not_asked(
    client, platform, watched, fake_engine
):
    png = base64.b64decode(fake_engine.png((1, 2, 3))["b64"])
    ask(client, "Ring")
    watched.look(platform.engine)
    other = platform.engine.model("shop", 2)
    watched.add(other, {"category": "Mug"}, png)
    client.post("/api/v1/models/words/generate", json={"count": 2})
    watched.look(platform.engine)
    assert {key: sorted(found) for key, found in watched.now().items()} == {
        ("shop", "shop-1"): ["base colour", "category"],
        ("shop@2", "shop-2"): ["category"],
    }
    renamed = type(other)("shop", {**other.description, "model_id": "shop-3"}, 2)
    watched.add(renamed, {"category": "Ring"}, png)
    watched.look(platform.engine)
    assert [key for key in watched.now() if key[0] == "shop@2"] == [("shop@2", "shop-3")]
    assert watched.now()["shop@2", "shop-3"]["category"].share == 1
