import keras
import numpy as np
import pytest

from tfproductgan.layers.condition_embedding import ConditionEmbedding
from tfproductgan.layers.text_encoder import TextEncoder


@pytest.fixture
def encoder():
    return TextEncoder(9, width=6)


def test_what_is_behind_a_text_does_not_count(encoder):
    short = np.array(encoder(np.array([[3, 4, 0]])))
    np.testing.assert_allclose(encoder(np.array([[3, 4, 0, 0, 0]])), short, atol=1e-6)
    assert np.mean(np.square(short)) == pytest.approx(1, abs=1e-3)


def test_neighbours_count(encoder):
    pink_strap, strap_pink = np.array(encoder(np.array([[1, 2, 3, 4], [1, 4, 3, 2]])))
    assert np.abs(pink_strap - strap_pink).max() > 1e-3


def test_a_text_that_is_not_given_has_a_vector_of_its_own(encoder):
    found = np.array(encoder(np.array([[0, 0, 0], [1, 0, 0]])))
    np.testing.assert_allclose(found[0], encoder.nothing, atol=1e-6)
    assert np.abs(found[1] - found[0]).max() > 1e-3


def test_pieces_that_say_more_can_count_more(encoder):
    encoder.build((None, 3))
    encoder.kernel.assign(0 * encoder.kernel)
    encoder.weighing.assign(100 * encoder.table[2][:, None])  # of piece 2
    found = np.array(encoder(np.array([[1, 2, 3], [2, 0, 0]])))
    np.testing.assert_allclose(found[0], found[1], atol=0.1)


def test_a_text_adds_its_vector_to_those_of_the_attributes():
    keras.utils.set_random_seed(0)
    layer = ConditionEmbedding((3, 4, -9, 0, 0), 64)
    ids = np.array([[1, 2, 5, 6, 0], [0, 0, 5, 6, 0], [1, 2, 0, 0, 0], [0, 0, 0, 0, 0]])
    vectors = np.array(layer(ids))
    np.testing.assert_allclose(vectors[0] - vectors[1], vectors[2] - vectors[3], atol=1e-5)
    rng = np.random.default_rng(0)
    many = np.concatenate([rng.integers(0, 3, (200, 2)), rng.integers(1, 9, (200, 3))], axis=1)
    assert abs(np.std(np.array(layer(many))) - 1) < 0.3


def test_texts_can_be_all_there_is():
    layer = ConditionEmbedding((-9, 0, 0), 5)
    assert np.array(layer(np.array([[1, 2, 0]]))).shape == (1, 5)
    assert layer.table is None and layer.vectors.shape == (layer.text.width, 5)


def test_in_training_a_text_is_drawn_from_around_what_it_says():
    layer = ConditionEmbedding((3, -9, 0), 8, spreads=True)
    ids = np.array([[1, 2, 3]] * 2)
    still = np.array(layer(ids))
    np.testing.assert_array_equal(layer(ids), still)
    assert not layer.losses
    moved = np.array(layer(ids, training=True))
    assert np.abs(moved - still).max() > 1e-3 and np.abs(moved[0] - moved[1]).max() > 1e-3
    mean = np.array(layer.text(ids[:, 1:])) @ np.array(layer.to_text)
    divergence = 0.5 * np.mean(np.square(mean) + np.exp(-4) - 1 + 4)
    np.testing.assert_allclose(layer.losses, [0.1 * divergence], rtol=1e-5)


def test_configs_make_the_same_layer():
    layer = ConditionEmbedding((3, -9, 0), 8, spreads=True)
    again = ConditionEmbedding.from_config(layer.get_config())
    assert again.get_config() == layer.get_config() and again.spreads
    encoder = TextEncoder(9, 4)
    assert TextEncoder.from_config(encoder.get_config()).get_config() == encoder.get_config()
