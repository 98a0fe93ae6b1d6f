"""A model that has learnt from vectors, asked as a SavedModel and by both of the client's ways."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.conditions import Attribute, ConditionSchema, PictureRequest
from tfproductgan.errors import ConditionError
from tfproductgan.export.model_card import JSON_CARD, MARKDOWN_CARD
from tfproductgan.export.saved_model import export_saved_model
from tfproductgan.export.vector_inputs import VectorInputs
from tfproductgan.serving.client import Client
from tfproductgan.serving.server.running import Server
from tfproductgan.text_vectors import TextVectors, spell_vectors

VECTORS = (np.random.default_rng(0).normal(size=(40, 7)) + 1).astype(np.float32)
READER = TextVectors.learn(spell_vectors(VECTORS))


@pytest.fixture(scope="module")
def generator(small_generator):
    attributes = [Attribute("category", ("Ring", "Mug"))]
    schema = ConditionSchema(attributes, 16, text="clip", vocabulary=READER).with_combinations([(1,), (2,)])
    return small_generator(schema, "mlp")


@pytest.fixture(scope="module")
def exported(generator, tmp_path_factory):
    return export_saved_model(generator, tmp_path_factory.mktemp("saved_models") / "clip")


def test_vectors_are_read_as_they_are_in_python():
    ids, wrong = VectorInputs(READER).read(tf.constant([*VECTORS, np.zeros(7), [np.nan] * 7], tf.float32))
    expected = READER.encode_titles([*spell_vectors(VECTORS), "", ""])
    np.testing.assert_array_equal(ids.numpy(), expected)
    assert wrong.numpy().tolist() == [False] * 41 + [True]


def test_a_saved_model_has_an_input_of_numbers(generator, exported):
    signature = tf.saved_model.load(str(exported)).signatures["generate"]
    vectors = np.stack([VECTORS[0], np.zeros(7, np.float32)])
    inputs = {
        "category": tf.constant(["Ring", "Mug"]),
        "text_vector": tf.constant(vectors),
        "seed": tf.constant([3, 4], tf.int64),
        "truncation": tf.constant([1.0, 1.0]),
    }
    found = signature(**inputs)["images"].numpy()
    [text] = spell_vectors(VECTORS[0])
    asked = [PictureRequest({"category": "Ring", "text_vector": text}, 3), PictureRequest({"category": "Mug"}, 4)]
    np.testing.assert_allclose(found.astype(int), generator.draw(asked), atol=1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="text_vector must be finite numbers"):
        signature(**{**inputs, "text_vector": tf.constant(vectors * np.nan)})
    card = json.loads((exported / JSON_CARD).read_text())
    assert card["text_vector"] == {"column": "clip", "numbers": 7} and card["inputs"]["text_vector"] == "text_vector"
    assert "`text_vector` takes what the program that made the column `clip`" in (exported / MARKDOWN_CARD).read_text()


def test_the_client_sends_vectors(generator, exported):
    with Server(exported.parent.parent) as server:
        for url in (server.url, server.grpc_url):
            with Client(url, "clip") as client:
                images = client.generate({"category": "Mug"}, text_vectors=VECTORS[:2], seed=5)
                expected = generator.generate({"category": "Mug"}, text_vectors=VECTORS[:2], seed=5)
                np.testing.assert_allclose(images.astype(int), expected, atol=1)
                assert client.generate(seed=5, count=2).shape == (2, 16, 16, 3)
                first = PictureRequest({"text_vector": spell_vectors(VECTORS[0])[0]}, 1)
                assert len(client.interpolate(first, PictureRequest({"category": "Mug"}, 2), 3)) == 3
                with pytest.raises(ConditionError, match="A vector has 7 parts"):
                    client.generate(text_vectors=VECTORS[:2, :4])
