import keras
import numpy as np
import tensorflow as tf

from tfproductgan.layers.condition_embedding import ConditionEmbedding

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
