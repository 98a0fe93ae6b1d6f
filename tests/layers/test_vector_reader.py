import numpy as np
import pytest

from tfproductgan.layers.condition_embedding import ConditionEmbedding
from tfproductgan.layers.vector_reader import VectorReader
from tfproductgan.text_vectors import MIDDLE, STEPS, VECTOR_IDS


def read(*directions):
    return np.round(np.array(directions) * STEPS).astype(np.int32) + MIDDLE


def test_directions_are_told_apart():
    reader = VectorReader(4, width=6)
    found = np.array(reader(read([1, 0, 0, 0], [-1, 0, 0, 0], [0.6, 0.8, 0, 0])))
    np.testing.assert_allclose(np.mean(np.square(found), axis=1), 1, atol=1e-3)
    assert np.abs(found[0] - found[1]).max() > 1e-2 and np.abs(found[0] - found[2]).max() > 1e-2


def test_a_vector_that_is_not_given_has_one_of_its_own():
    reader = VectorReader(4, width=6)
    np.testing.assert_allclose(np.array(reader(np.zeros((1, 4), np.int32)))[0], reader.nothing, atol=1e-6)


@pytest.mark.parametrize("spreads", [False, True])
def test_conditions_end_with_a_vector(spreads):
    layer = ConditionEmbedding((3, -VECTOR_IDS, 0, 0, 0), 8, spreads=spreads)
    ids = np.concatenate(
        [[[1], [2], [2]], np.concatenate([read([1, 0, 0, 0], [1, 0, 0, 0]), np.zeros((1, 4))])], axis=1
    )
    found = np.array(layer(ids))
    assert isinstance(layer.text, VectorReader) and np.abs(found[1] - found[2]).max() > 1e-3
    np.testing.assert_allclose(found[0] - found[1], layer.table[1] - layer.table[2], atol=1e-6)
    assert spreads == np.any(np.array(layer(ids, training=True)) != found)
