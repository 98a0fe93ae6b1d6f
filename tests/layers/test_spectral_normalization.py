import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfproductgan.layers.condition_embedding import ConditionEmbedding
from tfproductgan.layers.spectral_normalization import SpectralNormalization


def dense(**options):
    layer = SpectralNormalization(layers.Dense(6, use_bias=False), **options)
    layer.build((None, 4))
    return layer


def largest_singular_value(kernel):
    return np.linalg.svd(np.reshape(kernel, (-1, kernel.shape[-1])), compute_uv=False)[0]


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: layers.Dense(6, use_bias=False), (3, 4)),
        (lambda: layers.Conv2D(6, 4, 2, "same", use_bias=False), (3, 8, 8, 2)),
    ],
    ids=["dense", "conv"],
)
def test_divides_by_the_largest_singular_value_and_adds_a_bias(make, shape):
    inner = make()
    layer = SpectralNormalization(inner)
    inputs = np.random.default_rng(0).normal(size=shape).astype("float32")
    layer(inputs)
    layer.bias.assign(np.arange(6) / 6)
    for _ in range(60):
        outputs = layer(inputs, training=True)
    expected = inner(inputs) / largest_singular_value(inner.kernel.numpy()) + np.arange(6) / 6
    np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(layer(inputs), outputs)
    assert layer.compute_output_shape(shape) == outputs.shape


def test_starts_close_to_its_goal():
    layer = dense()
    scaled = np.linalg.norm(layer(np.eye(4, dtype="float32")), ord=2)
    assert 0.98 < scaled < 1.1


def test_training_leaves_the_kernel_to_the_optimiser():
    layer = dense(dtype="mixed_bfloat16")
    kernel = layer.layer.kernel.numpy()
    vector = layer.vector.numpy()
    layer(np.ones((1, 4)), training=True)
    np.testing.assert_array_equal(layer.layer.kernel, kernel)
    assert layer.vector.dtype == "float32" and np.any(layer.vector != vector)
    assert layer(np.ones((1, 4))).dtype == tf.bfloat16


def test_follows_a_kernel_that_changes():
    layer = dense()
    rng = np.random.default_rng(1)
    for _ in range(100):
        layer.layer.kernel.assign_add(0.02 * rng.normal(size=(4, 6)))
        layer(np.ones((1, 4)), training=True)
    assert abs(np.linalg.norm(layer(np.eye(4, dtype="float32")), ord=2) - 1) < 0.05


def test_derivatives_count_that_the_singular_value_depends_on_the_kernel():
    layer = dense()
    inputs = np.random.default_rng(2).normal(size=(3, 4)).astype("float32")
    kernel, target = layer.layer.kernel, np.random.default_rng(3).normal(size=(3, 6)).astype("float32")

    def loss():
        return np.sum(inputs @ kernel.numpy() / largest_singular_value(kernel.numpy()) * target)

    for _ in range(60):  # until the singular value is exact
        layer(inputs, training=True)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer(inputs) * target)
    gradient = tape.gradient(value, kernel.value).numpy()
    # scaling the kernel changes nothing
    assert abs(np.vdot(gradient, kernel)) < 1e-4 * np.linalg.norm(gradient)
    start = kernel.numpy()
    for index in ((0, 0), (3, 5), (1, 2)):
        step = np.zeros_like(start)
        step[index] = 1e-2
        kernel.assign(start + step)
        above = loss()
        kernel.assign(start - step)
        np.testing.assert_allclose((above - loss()) / 2e-2, gradient[index], rtol=1e-2, atol=1e-3)
        kernel.assign(start)


def test_the_vectors_of_conditions_are_normalised_all_together():
    embedding = ConditionEmbedding((3, 4), 5)
    layer = SpectralNormalization(embedding, use_bias=False)
    ids = np.array([[0, 3], [2, 1]])
    layer.build(ids.shape)
    for _ in range(60):
        outputs = layer(ids, training=True)
    np.testing.assert_allclose(outputs, embedding(ids) / largest_singular_value(embedding.table), rtol=1e-3)
    assert [weight.name for weight in layer.trainable_variables] == ["table"]


def test_a_kernel_of_zeros_gives_the_bias():
    layer = SpectralNormalization(layers.Dense(6, use_bias=False, kernel_initializer="zeros"))
    np.testing.assert_array_equal(layer(np.ones((2, 4), "float32"), training=True), np.zeros((2, 6)))


def test_config_describes_the_layer():
    layer = SpectralNormalization(layers.Conv2D(6, 4, 2, use_bias=False, kernel_regularizer=keras.regularizers.L2(0.1)))
    again = SpectralNormalization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.layer.filters == 6 and again(np.ones((1, 8, 8, 2))).shape == (1, 3, 3, 6) and len(again.losses) == 1
