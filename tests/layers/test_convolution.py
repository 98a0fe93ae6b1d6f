import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tfproductgan.layers import convolution
from tfproductgan.layers.convolution import Conv2D, conv, conv_transpose

RNG = np.random.default_rng(0)
# side, channels in and out, kernel, strides: small maps, odd ones, large ones, colours
CONVS = [
    ((4, 4), 6, 5, (3, 3), 1),
    ((8, 8), 6, 5, (4, 4), 2),
    ((7, 8), 6, 5, (3, 3), 2),
    ((7, 5), 6, 5, (5, 3), 2),
    ((8, 8), 6, 5, (1, 1), 2),
    ((9, 7), 6, 5, (4, 4), 3),
    ((12, 10), 6, 5, (4, 4), 2),
    ((9, 12), 6, 3, (3, 5), 1),
    ((9, 12), 6, 3, (2, 3), 1),
    ((1, 1), 6, 5, (4, 4), 2),
]
IDS = [f"{'x'.join(map(str, c[0]))}-{c[2]}-{'x'.join(map(str, c[3]))}-{c[4]}" for c in CONVS]


def derivatives(function, inputs, kernel):
    """What it makes, its gradients, and those of how large the gradients are."""
    with tf.GradientTape() as outer:
        outer.watch([inputs, kernel])
        with tf.GradientTape() as tape:
            tape.watch([inputs, kernel])
            made = function(inputs, kernel)
            loss = tf.reduce_sum(tf.sin(made))
        first = tape.gradient(loss, [inputs, kernel])
        size = tf.add_n([tf.reduce_sum(tf.square(gradient)) for gradient in first])
    return [made, *first, *outer.gradient(size, [inputs, kernel])]


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
@pytest.mark.parametrize(("sides", "channels", "filters", "kernel", "strides"), CONVS, ids=IDS)
def test_it_is_that_of_keras(sides, channels, filters, kernel, strides, wrap):
    inputs = tf.constant(RNG.normal(size=(3, *sides, channels)))
    weights = tf.constant(RNG.normal(size=(*kernel, channels, filters)))
    ours = wrap(lambda i, k: derivatives(lambda x, w: conv(x, w, strides), i, k))(inputs, weights)
    keras_s = derivatives(lambda x, w: ops.conv(x, w, strides, "same", "channels_last"), inputs, weights)
    for mine, theirs in zip(ours, keras_s, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("side", [2, 4, 6])
@pytest.mark.parametrize("kernel", [3, 4, 6])
def test_a_transposed_one_is_that_of_keras(side, kernel):
    inputs = tf.constant(RNG.normal(size=(3, side, side, 5)))
    weights = tf.constant(RNG.normal(size=(kernel, kernel, 4, 5)))
    keras_s = derivatives(
        lambda x, w: ops.conv_transpose(x, w, 2, "same", data_format="channels_last"), inputs, weights
    )
    for mine, theirs in zip(derivatives(conv_transpose, inputs, weights), keras_s, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "options",
    [{}, {"dilation_rate": 2}, {"groups": 2}, {"padding": "valid"}, {"strides": (1, 2)}, {"dtype": "bfloat16"}],
)
def test_the_layer_is_that_of_keras(options):
    pair = [make(6, 3, **{"padding": "same", **options}) for make in (Conv2D, keras.layers.Conv2D)]
    inputs = tf.constant(RNG.normal(size=(2, 4, 4, 4)).astype("float32"))
    for layer in pair:
        layer.build(inputs.shape)
    pair[1].set_weights(pair[0].get_weights())
    found = []
    for layer in pair:
        with tf.GradientTape() as tape:
            made = layer(inputs)
        found.append([made, *tape.gradient(made, layer.trainable_variables)])
    for mine, theirs in zip(*found, strict=True):
        rounded = 0.03 if mine.dtype == tf.bfloat16 else 1e-5  # processors sum bfloat16 up in their own ways
        np.testing.assert_allclose(*(tf.cast(each, tf.float32) for each in (mine, theirs)), rtol=rounded, atol=rounded)


@pytest.mark.parametrize("sides", [(4, 4), (9, 9)], ids=["small", "colours"])
@pytest.mark.parametrize("where", ["unknown_batch", "accelerator"])
def test_exports_and_accelerators_have_the_operation_alone(sides, where, monkeypatch):
    monkeypatch.setattr(convolution, "on_accelerator", lambda: where == "accelerator")
    batch = None if where == "unknown_batch" else 2
    graph = tf.function(lambda x: conv(x, tf.zeros((3, 3, 6, 3)))).get_concrete_function(
        tf.TensorSpec((batch, *sides, 6), tf.float32)
    )
    assert {op.type for op in graph.graph.get_operations()} <= {"Placeholder", "Const", "Conv2D", "Identity"}
