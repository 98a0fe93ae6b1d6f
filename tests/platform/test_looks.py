"""How pictures look: figures that are right, drift and collapse that show in metrics."""

import io

import numpy as np
import pytest
from PIL import Image

from tfproductgan.platform import audit, watching
from tfproductgan.platform.looks import Looks, look_of
from tfproductgan.platform.store.tables import AuditEntry


def png(colour):
    file = io.BytesIO()
    Image.new("RGB", (16, 16), colour).save(file, "PNG")
    return file.getvalue()


def test_brightness_saturation_and_duplicates():
    look = look_of([("a", png((255, 0, 0))), ("b", png((0, 0, 0))), ("c", png((1, 1, 0))), ("b", png((0, 0, 0)))])
    assert (look.pictures, round(look.brightness, 3)) == (4, round((255 + 0 + 1 + 0) / 4 / 255, 3))
    assert look.saturation == pytest.approx(0.5)  # red and the dark yellow are pure, black is not
    assert look.brightness_deviation == pytest.approx(np.std([1, 0, 1 / 255, 0]))
    assert look.duplicates == pytest.approx(2 / 3)  # the same request twice counts once


def test_one_picture_is_like_no_other():
    assert look_of([("a", png((9, 9, 9)))]).duplicates == 0


def test_a_sample_of_a_second_is_enough_and_a_new_version_begins_anew():
    now = [0.0]
    looks = Looks(lambda: now[0])
    for seed in range(50):
        looks.add("shop", "one", str(seed), png((seed, 0, 0)))
    assert looks.now()["shop", "one"].pictures == 10
    now[0] = 1.0
    looks.add("shop", "one", "x", png((1, 2, 3)))
    assert looks.now()["shop", "one"].pictures == 11
    looks.add("shop", "two", "x", png((1, 2, 3)))
    assert {key: look.pictures for key, look in looks.now().items()} == {("shop", "two"): 1}


def test_what_is_drawn_is_beside_what_was_drawn_when_the_model_was_new(client, platform, engine, monkeypatch):
    monkeypatch.setattr(platform.settings, "reference_pictures", 8)
    watch = watching.Watch(platform)
    watch.look()
    watch.look()
    assert engine.drawn == 2 * list(range(8))  # once of each model that draws
    client.post("/api/v1/models/shop/generate", json={"count": 3, "seed": 50})
    text = client.get("/metrics").text
    assert 'platform_output_pictures{kind="now",model="shop"} 3.0' in text
    assert 'platform_output_pictures{kind="reference",model="shop"} 8.0' in text
    assert 'platform_model{model="shop",model_id="shop-1"} 1.0' in text
    assert 'platform_output_duplicates{kind="now",model="shop"} 0.0' in text


def test_a_model_that_draws_one_picture_whatever_is_asked_shows(client, platform, fake_engine, monkeypatch):
    monkeypatch.setattr(platform.looks, "_seen", {})
    monkeypatch.setattr(fake_engine, "colour_of", lambda seed: (9, 9, 9))
    client.post("/api/v1/models/shop/generate", json={"count": 5, "seed": 500})
    assert platform.looks.now()["shop", "shop-1"].duplicates == 1


def test_an_audit_log_that_was_changed_is_a_metric(client, platform):
    with platform.database.writing() as session:
        audit.append(session, "shop", "eve", "x", "", "200", {})
    watching.Watch(platform).look()
    assert "platform_audit_wrong 0.0" in client.get("/metrics").text
    with platform.database.writing() as session:
        session.query(AuditEntry).filter_by(who="eve").update({"who": "ada"})
    watching.Watch(platform).look()
    assert "platform_audit_wrong 1.0" in client.get("/metrics").text
