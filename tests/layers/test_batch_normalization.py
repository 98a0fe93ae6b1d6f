import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.layers.batch_normalization import BatchNormalization

RNG = np.random.default_rng(0)
MAPS = RNG.normal(3, 2, (4, 5, 6, 3)).astype("float32")
UPSTREAM = RNG.normal(size=MAPS.shape).astype("float32")
AFFINE = [{"center": False, "scale": False}, {}]


def both(**options):
    """Ours and Keras's, of the same weights."""
    pair = [make(momentum=0.7, **options) for make in (BatchNormalization, keras.layers.BatchNormalization)]
    for layer in pair:
        layer.build(MAPS.shape)
        for weights in layer.trainable_weights:
            weights.assign([0.5, -1.0, 2.0])
    return pair


def called(layer, inputs, wrap):
    @wrap
    def run():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
        return outputs, tape.gradient(outputs, [inputs, *layer.trainable_variables], tf.cast(UPSTREAM, outputs.dtype))

    return run()


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
@pytest.mark.parametrize("options", AFFINE, ids=["plain", "affine"])
def test_it_is_that_of_keras(options, wrap):
    pair = both(**options)
    (ours, our_gradients), (wanted, gradients) = [called(layer, tf.constant(MAPS), wrap) for layer in pair]
    np.testing.assert_allclose(ours, wanted, atol=1e-5)
    for mine, theirs in zip(our_gradients, gradients, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)
    for mine, theirs in zip(*(layer.non_trainable_variables for layer in pair), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, err_msg=mine.path)


def test_the_gradient_is_that_of_finite_differences():
    layer = both()[0]

    def loss(inputs):
        return tf.reduce_sum(layer(inputs, training=True) * UPSTREAM)

    theory, numeric = tf.test.compute_gradient(loss, [tf.constant(MAPS)], delta=1e-2)
    np.testing.assert_allclose(theory[0], numeric[0], atol=0.02)


def test_penalties_take_gradients_of_gradients():
    found = []
    for layer in both():
        inputs = tf.constant(MAPS)
        with tf.GradientTape() as outer:
            outer.watch(inputs)
            with tf.GradientTape() as inner:
                inner.watch(inputs)
                total = tf.reduce_sum(tf.square(layer(inputs, training=True)) * UPSTREAM)
            penalty = tf.reduce_sum(tf.square(inner.gradient(total, inputs)))
        found.append(outer.gradient(penalty, inputs))
    np.testing.assert_allclose(*found, atol=2e-2 * np.abs(found[1]).max())


def test_in_low_precision_statistics_are_exact():
    outputs = BatchNormalization(dtype="mixed_bfloat16")(tf.constant(MAPS), training=True)
    assert outputs.dtype == tf.bfloat16
    exact = (MAPS - MAPS.mean((0, 1, 2))) / np.sqrt(MAPS.var((0, 1, 2)) + 1e-3)
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), exact, atol=0.05)


def test_a_frozen_layer_uses_its_moving_statistics():
    layer = both()[0]
    layer.trainable = False
    np.testing.assert_allclose(layer(MAPS, training=True), layer(MAPS), atol=1e-6)
    np.testing.assert_array_equal(layer.moving_mean, 0)


@pytest.mark.parametrize("shape", [(8, 3), (8, 5, 3)])
def test_what_is_no_map_is_normalised_by_keras(shape):
    inputs = RNG.normal(3, 2, shape).astype("float32")
    axes = tuple(range(len(shape) - 1))
    exact = (inputs - inputs.mean(axes)) / np.sqrt(inputs.var(axes) + 1e-3)
    np.testing.assert_allclose(BatchNormalization()(inputs, training=True), exact, atol=1e-4)
