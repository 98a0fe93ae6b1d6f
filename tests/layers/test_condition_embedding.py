import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.layers.condition_embedding import ConditionEmbedding, multiply

IDS = np.array([[0, 0], [2, 3], [1, 0], [2, 3]], "int32")


def test_sums_one_vector_an_attribute():
    layer = ConditionEmbedding((3, 4), 5)
    vectors = layer(IDS)
    table = layer.table.numpy()
    assert table.shape == (7, 5)
    np.testing.assert_allclose(vectors, table[IDS[:, 0]] + table[3 + IDS[:, 1]])


def test_several_values_are_averaged():
    layer = ConditionEmbedding((3, 5, 0, 0), 6)
    ids = np.array([[1, 2, 4, 0], [2, 3, 0, 0], [0, 0, 0, 0], [1, 1, 2, 3], [1, 0, 2, 0]], "int32")
    vectors = layer(ids)
    table = layer.table.numpy()
    one, several = table[:3], table[3:]
    assert len(several) == 5
    expected = [
        one[1] + (several[2] + several[4]) / 2,
        one[2] + several[3],
        one[0] + several[0],  # the vector of "not given"
        one[1] + (several[1] + several[2] + several[3]) / 3,
        one[1] + several[2],  # whatever the order
    ]
    np.testing.assert_allclose(vectors, expected, rtol=1e-5, atol=1e-6)


def test_starts_with_unit_variance_whatever_the_number_of_attributes():
    for num_ids in ((50,), (50, 50, 50, 50)):
        ids = np.random.default_rng(0).integers(0, 50, (400, len(num_ids)))
        assert abs(np.std(ConditionEmbedding(num_ids, 64)(ids)) - 1) < 0.1


def test_only_the_vectors_that_were_looked_up_learn():
    layer = ConditionEmbedding((3, 4), 5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(IDS))
    gradient = tf.convert_to_tensor(tape.gradient(loss, layer.table.value)).numpy()
    np.testing.assert_array_equal(gradient[:, 0], [1, 1, 2, 2, 0, 0, 2])


def test_config_describes_the_layer():
    layer = ConditionEmbedding((3, 4), 5, name="colours", dtype="mixed_bfloat16")
    again = ConditionEmbedding.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again(IDS).dtype == tf.bfloat16
    assert layer.compute_output_shape((None, 2)) == (None, 5)
    assert layer(keras.KerasTensor((None, 2), "int32")).shape == (None, 5)


@pytest.mark.parametrize("several", [None, 1, 3])
@pytest.mark.parametrize("num_ids", [(4,), (3, 5), (3, 4, 0, 0), (700, 3)], ids=["one", "two", "multi-valued", "many"])
def test_products_are_those_with_its_vectors(num_ids, several):
    layer = ConditionEmbedding(num_ids, 6)
    layer.build((None, len(num_ids)))
    rng = np.random.default_rng(0)
    shape = (5, len(num_ids)) if several is None else (5, several, len(num_ids))
    conditions = rng.integers(0, 3, shape).astype("int32")
    features = tf.constant(rng.normal(size=(5, 6)).astype("float32"))
    found = []
    for vectors_of in (layer, lambda ids: layer(ids)):  # of a mere function nothing is known
        with tf.GradientTape() as tape:
            tape.watch(features)
            made = multiply(features, conditions, vectors_of)
            size = tf.reduce_sum(tf.square(made))
        found.append([made, *map(tf.convert_to_tensor, tape.gradient(size, [features, layer.table.value]))])
    assert found[0][0].shape == shape[:-1]
    for mine, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)
