"""An exported generator behind the server: our client and one by others get what the generator itself draws."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tfproductgan.conditions import ConditionSchema
from tfproductgan.errors import ConditionError, ServingError
from tfproductgan.serving import Client


@pytest.fixture(params=["grpc", "http"])
def url(request, shop_server):
    return shop_server.grpc_url if request.param == "grpc" else shop_server.url


@pytest.fixture
def client(url):
    with Client(url, "shop", batch_size=8, timeout=30) as client:
        yield client


def assert_alike(served, local):
    """Equal but for sums that another batch size takes in another order."""
    assert served.shape == local.shape and served.dtype == local.dtype
    difference = np.abs(served.astype(int) - local)
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"conditions": {"category": "ring"}, "seed": 5},
        {"conditions": [{"Category": "Mug", "base colour": "WEISS"}, {}], "count": 19, "seed": 7},
        {"count": 3, "truncation": 0.5},
        {"conditions": {"category": "Watch"}, "count": 4, "seed": 2**62},
    ],
    ids=str,
)
def test_pictures_are_those_of_the_generator(client, shop_generator, request_):
    local = shop_generator.generate(**request_)
    assert local.std() > 5  # not all of one shade
    assert_alike(client.generate(**request_), local)
    assert_alike(np.stack([np.asarray(Image.open(io.BytesIO(png))) for png in client.generate_png(**request_)]), local)


def test_interpolations_are_those_of_the_generator(client, shop_generator):
    [first] = shop_generator.plan({"category": "Ring"}, seed=3)
    [second] = shop_generator.plan({"category": "Mug"}, seed=4, truncation=0.7)
    assert_alike(client.interpolate(first, second, steps=5), shop_generator.interpolate(first, second, steps=5))


def test_the_model_describes_itself(client, shop_generator):
    described = client.describe()
    assert described["model_id"] == shop_generator.model_id
    assert ConditionSchema.from_dict(described["schema"]).to_dict() == shop_generator.schema.to_dict()


def test_status(client):
    assert [(status.version, status.state, status.error) for status in client.status()] == [(1, "AVAILABLE", "")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "shpo"}, "has no model 'shpo'"),
        ({"model": "shop", "version": 9}, "has no model 'shop', version 9"),
        ({"model": "shop", "label": "canary"}, "does not describe itself.* label 'canary'"),
    ],
    ids=str,
)
def test_unknown_models_and_versions(url, options, words):
    with Client(url, timeout=5, **options) as client, pytest.raises(ServingError, match=words):
        client.generate()


def test_the_model_refuses_in_its_own_words(client):
    # past the client's own look at the request: what a client by others would see
    inputs = client._inputs({"category": "Ring"}, 1, 0, 1.0)
    inputs["category"][0] = "Rnig"
    with pytest.raises(ConditionError) as caught:
        client._predict("generate", inputs, "images")
    assert str(caught.value).startswith("Unknown category 'Rnig': ")
    assert "'Ring'" in str(caught.value) and "{{" not in str(caught.value)


# === A client by others, whose default version 0 is no version of TensorFlow Serving


@pytest.fixture(params=["grpc", "http"])
def foreign(request, shop_server):
    ovms = pytest.importorskip("ovmsclient")
    if request.param == "grpc":
        return ovms.make_grpc_client(shop_server.grpc_url.removeprefix("grpc://"))
    return ovms.make_http_client(shop_server.url.removeprefix("http://"))


REQUEST = {
    "category": np.array(["Mug", ""], object),
    "base_colour": np.array(["gold", "Weiß"], object),
    "seed": np.array([3, 4], np.int64),
    "truncation": np.array([1.0, 0.5], np.float32),
}


def test_others_see_the_status(foreign):
    assert foreign.get_model_status("shop", 1)[1]["state"] == "AVAILABLE"


def test_others_see_the_signature(foreign):
    metadata = foreign.get_model_metadata("shop", 1)
    if "metadata" in metadata:  # over HTTP it leaves TensorFlow Serving's JSON as it is
        metadata = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert metadata["inputs"].keys() == REQUEST.keys()
    assert metadata["inputs"]["seed"]["dtype"] == "DT_INT64"
    assert metadata["outputs"].keys() == {"image_bytes"}


def test_others_get_the_pictures(foreign, shop_generator):
    inputs = {k: [v.encode() for v in a] if a.dtype == object else a for k, a in REQUEST.items()}
    files = foreign.predict(inputs, "shop", 1)
    files = [base64.b64decode(file["b64"]) if isinstance(file, dict) else file for file in files]
    conditions = [{"category": "Mug", "base colour": "Gold"}, {"base colour": "Weiß"}]
    local = [
        shop_generator.generate(conditions[0], seed=3),
        shop_generator.generate(conditions[1], seed=4, truncation=0.5),
    ]
    assert_alike(np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files]), np.concatenate(local))
