import numpy as np
import pytest

from tfproductgan.layers.self_attention import SelfAttention

INPUTS = np.random.default_rng(0).normal(size=(2, 4, 6, 16)).astype("float32")


@pytest.fixture
def layer():
    layer = SelfAttention()
    layer.build(INPUTS.shape)
    return layer


def test_starts_as_the_identity(layer):
    np.testing.assert_array_equal(layer(INPUTS, training=True), INPUTS)
    assert layer.compute_output_shape(INPUTS.shape) == INPUTS.shape


def test_has_the_papers_weights(layer):
    assert sum(np.prod(weight.shape) for weight in layer.trainable_variables) == 1.25 * 16**2 + 1


def test_adds_what_is_found_at_places_that_answer(layer):
    layer.share.assign(0.7)

    def convolved(conv, x):
        kernel = conv.layer.kernel.numpy()[0, 0]
        _, singular_values, vectors = np.linalg.svd(kernel)
        conv.vector.assign(vectors[:1])  # exact, which iterations come close to
        return x @ kernel / singular_values[0]

    def pooled(x):
        return x.reshape(2, 2, 3, 2, -1).max(axis=(1, 3))

    for picture in INPUTS:
        queries = convolved(layer.queries, picture).reshape(24, -1)
        keys, values = (pooled(convolved(conv, picture)).reshape(6, -1) for conv in (layer.keys, layer.values))
        weights = np.exp(queries @ keys.T)
        weights /= weights.sum(axis=1, keepdims=True)
        found = convolved(layer.outputs, weights @ values).reshape(picture.shape)
        np.testing.assert_allclose(layer(picture[None])[0], picture + 0.7 * found, atol=1e-4)
