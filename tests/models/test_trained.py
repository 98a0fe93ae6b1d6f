import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.models.trained import TrainedGenerator, copy_of


@pytest.fixture(scope="module")
def gan(small_gan):
    return small_gan()


@pytest.fixture
def trained(gan):
    network = copy_of(gan.ema_generator, name="generator")
    return TrainedGenerator(network, gan.schema, "sketch-1", {"images_seen": 7}, trainable=False)


def test_survives_a_file(trained, tmp_path):
    trained.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    requests = trained.plan({"shade": "Light"}, count=3, seed=2)
    np.testing.assert_array_equal(loaded.draw(requests), trained.draw(requests))
    assert loaded.schema == trained.schema
    assert loaded.model_id == "sketch-1" and loaded.provenance == {"images_seen": 7}
    assert loaded.plan(count=9) == trained.plan(count=9)


def test_is_a_copy_that_training_on_leaves_alone(gan, trained):
    before = trained.generate(count=2)
    weight = gan.ema_generator.to_pixels.bias
    weight.assign(weight + 1.0)
    np.testing.assert_array_equal(trained.generate(count=2), before)
    weight.assign(weight - 1.0)


def test_has_nothing_to_train(trained):
    assert trained.trainable_weights == [] and trained.count_params() > 0


def test_calling_it_gives_floats(trained):
    pictures = trained({"latents": tf.zeros((2, 6)), "conditions": tf.zeros((2, 2), tf.int32)})
    assert pictures.shape == (2, 6, 6, 1) and pictures.dtype == tf.float32


def test_its_config_is_plain_data(trained):
    assert json.loads(json.dumps(trained.get_config())) == trained.get_config()
