"""Which layers latents go into, of every family."""

import keras
import numpy as np
import pytest

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.networks.base import Generator
from tfproductgan.registry import network_class

SCHEMA = ConditionSchema([Attribute("shade", ("Dark", "Light"))], 28, 1)


def test_latents_go_into_the_layers_that_are_said(smallest):
    """Without them pictures of all latents are the same."""
    recipe = smallest()
    role = "decoder" if "decoder" in recipe.networks else "generator"
    spec = recipe.networks[role]
    made = network_class(spec.family, role)
    if not issubclass(made, Generator) or made.num_styles:
        pytest.skip("no latents")
    network = made(**made.arguments(SCHEMA), **spec.options)
    assert network.latent_layers
    rng = np.random.default_rng(0)
    for layer in network.latent_layers:
        kernel = rng.normal(0, 0.1, layer.kernel.shape)
        kernel[: network.latent_dim] = 0
        layer.kernel.assign(kernel)
    latents = rng.normal(0, 1, (2, network.latent_dim)).astype("float32")
    first, second = keras.ops.convert_to_numpy(network({"latents": latents, "conditions": np.ones((2, 1), "int32")}))
    np.testing.assert_allclose(first, second, atol=1e-5)
