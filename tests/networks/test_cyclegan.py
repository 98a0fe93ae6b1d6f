import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import RecipeError
from tfproductgan.networks.cyclegan import NETWORKS, PicturePatchDiscriminator, ResNetGenerator

IDS = {"conditional": (3, 4), "unconditional": ()}
SMALL = {"embedding_dim": 3, "width": 4, "num_blocks": 1}


@pytest.mark.parametrize("num_ids", IDS.values(), ids=IDS)
def test_generator(translating_generator_check, num_ids):
    translating_generator_check(functools.partial(ResNetGenerator, num_ids, image_size=28, source_channels=1, **SMALL))


@pytest.mark.parametrize(
    ("image_size", "width", "weights"), [(64, 32, 1_965_059), (128, 64, 7_837_699), (256, 64, 11_378_179)]
)
def test_it_has_as_many_weights_as_the_authors(image_size, width, weights):
    assert ResNetGenerator((), image_size, width=width).count_params() == weights


def test_each_side_is_made_for_its_own_pictures():
    schema = ConditionSchema([Attribute("kind", ("Boot", "Sandal"))], 28, 3, source_channels=1)
    found = {role: network.arguments(schema) for role, network in NETWORKS.items()}
    assert {role: (a["num_ids"], a["channels"], a["source_channels"]) for role, a in found.items()} == {
        "generator": ((3,), 3, 1),
        "back_generator": ((), 1, 3),
        "discriminator": ((3,), 3, 0),
        "back_discriminator": ((), 1, 0),
    }


@pytest.mark.parametrize("num_ids", IDS.values(), ids=IDS)
def test_the_discriminator_sees_pictures_alone(num_ids):
    network = PicturePatchDiscriminator(num_ids, 28, 3, width=4, max_width=4, embedding_dim=3)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 28, 28, 3)).astype(np.float32)
    inputs = {"images": tf.constant(images), "conditions": tf.ones((2, len(num_ids)), tf.int32)}
    logits = network(inputs)
    assert logits.shape == (2, 7, 7) and np.any(network({**inputs, "images": -inputs["images"]}) != logits)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
    again.set_weights(network.get_weights())
    np.testing.assert_array_equal(again(inputs), logits)


def test_a_size_that_cannot_be_is_refused():
    with pytest.raises(RecipeError, match=r"cyclegan makes pictures of 28, 32, 64, 128, 256 pixels. Received"):
        ResNetGenerator((), 48)
