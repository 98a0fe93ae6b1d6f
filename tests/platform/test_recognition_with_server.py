"""A small model with a classifier, exported, behind our server and the gateway: from picture to metric."""

import contextlib

import numpy as np
import pytest
from starlette.testclient import TestClient

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.platform import watching
from tfproductgan.platform.app import create_app, open_platform
from tfproductgan.platform.running import first_key
from tfproductgan.platform.settings import Settings
from tfproductgan.serving import Client

pytest.importorskip("aiohttp", reason="part of the extra serving")

CATEGORIES = ("Ring", "Mug", "Watch")
JUDGEMENT = {
    "model_id": "another-1",
    "figures": [
        {"name": "accuracy/category", "extractor": "catalogue-1", "full_name": "accuracy/category@catalogue-1"}
        | {"value": 0.9, "floor": 0.95, "better": "higher", "view": None}
    ],
}


@pytest.fixture(scope="module")
def drawn(small_generator):
    """A generator and a classifier of its pictures, neither trained."""
    from tfproductgan.metrics.classifier import ClassifierRecipe, shuffled_batches, train_classifier

    schema = ConditionSchema([Attribute("category", CATEGORIES), Attribute("tag", ("A", "B", "C"), several=2)], 16)
    schema = schema.with_combinations([(1, 1, 2), (2, 3, 0), (3, 2, 0)])
    generator = small_generator(schema, "mlp")
    images = generator.generate(count=6, seed=100)
    batches = shuffled_batches(images, np.array([[1, 1, 2], [2, 3, 0], [3, 2, 0]] * 2, np.int32), 6)
    return generator, train_classifier(batches, schema, 2, ClassifierRecipe(batch_size=6, widths=(4,)))


@pytest.fixture(scope="module")
def server(drawn, tmp_path_factory):
    from tfproductgan.export.saved_model import export_saved_model
    from tfproductgan.serving.server.running import Server

    generator, classifier = drawn
    folder = tmp_path_factory.mktemp("saved_models")
    export_saved_model(generator, folder / "shop", "MIT", {"evaluation": JUDGEMENT}, classifier.model)
    with Server(folder) as server:
        yield server


@pytest.mark.parametrize("way", ["url", "grpc_url"])
def test_the_client_hears_what_the_classifier_sees(drawn, server, way):
    generator, classifier = drawn
    images = generator.generate(count=5, seed=3)
    expected = [
        {"category": [CATEGORIES[row[0] - 1]], "tag": ["ABC"[i - 1] for i in row[1:]]}
        for row in classifier.recognise(images)
    ]
    with Client(getattr(server, way), "shop", batch_size=2, timeout=30) as client:
        assert client.recognise(list(images)) == expected
        assert client.recognise([]) == []


def test_the_gateway_watches_by_it_and_shows_the_card(drawn, server, tmp_path):
    generator, classifier = drawn
    platform = open_platform(Settings(folder=tmp_path, engine=server.url, models=("shop",), reference_pictures=0))
    asked = [{"category": "Ring"}, {"category": "Mug"}, {"category": "Watch"}] * 2
    recognised = classifier.recognise(generator.generate(asked, seed=40))[:, 0] - 1
    share = np.mean([CATEGORIES[i] == row["category"] for i, row in zip(recognised, asked, strict=True)])
    with TestClient(create_app(platform)) as client, contextlib.closing(client):
        client.headers = {"Authorization": f"Bearer {first_key(platform, 'shop')}"}
        client.post("/api/v1/models/shop/generate", json={"conditions": asked, "seed": 40}).raise_for_status()
        watching.Watch(platform).look()
        text = client.get("/metrics").text
        assert f'recognised{{attribute="category",kind="now",model="shop"}} {float(share)}' in text
        assert 'recognised{attribute="category",kind="card",model="shop"} 0.9' in text
        assert 'platform_output_values{attribute="tag",model="shop"} ' in text
        card = client.get("/api/v1/models/shop").json()["card"]
    assert (card["licence"], card["judged"], card["figures"][0]["value"]) == ("MIT", "another-1", 0.9)
    assert "The figures are those of another state" in " ".join(card["limits"])
