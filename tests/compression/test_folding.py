import numpy as np
import pytest

from tfproductgan.compression.folding import Folded
from tfproductgan.errors import RecipeError
from tfproductgan.networks.base import Generator
from tfproductgan.networks.dcgan import DCGANGenerator
from tfproductgan.networks.mlp import MLPGenerator

SMALL = {"latent_dim": 6, "embedding_dim": 4}
NETWORKS = {
    "modern": lambda: DCGANGenerator((3, 4), 32, width=4, max_width=12, **SMALL),
    "nearest": lambda: DCGANGenerator((3, 4), 32, width=4, max_width=12, upsampling="nearest", **SMALL),
    "bilinear": lambda: DCGANGenerator((3, 4), 28, width=4, upsampling="bilinear", **SMALL),
    "classic": lambda: DCGANGenerator((3, 4), 32, width=4, form="classic", **SMALL),
    "inner": lambda: DCGANGenerator((3,), 28, width=4, inner_convs=2, **SMALL),
    "late": lambda: DCGANGenerator((3,), 28, width=4, latent_sizes=1, **SMALL),
    "unconditional": lambda: DCGANGenerator((), 28, 1, width=4, **SMALL),
    "mlp": lambda: MLPGenerator((3,), 6, widths=(8, 8), **SMALL),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    made = NETWORKS[request.param]()
    rng = np.random.default_rng(0)
    for weight in made.weights:
        noise = rng.normal(0, 0.2, weight.shape)
        weight.assign(weight + (np.abs(noise) if "variance" in weight.path else noise))
    return made


def inputs(network, count=5):
    rng = np.random.default_rng(1)
    columns = [rng.integers(0, ids, count) for ids in network.num_ids]
    conditions = np.array(columns, np.int32).reshape(len(columns), count).T
    return rng.normal(size=(count, network.latent_dim)).astype(np.float32), conditions


def test_it_draws_what_the_network_draws(network):
    latents, conditions = inputs(network)
    expected = network({"latents": latents, "conditions": conditions})
    drawn = Folded.of(network).images(latents, conditions)
    np.testing.assert_allclose(drawn, expected, atol=1e-4)


def test_for_integers_it_draws_the_same_up_to_a_tenth_of_a_level(network):
    latents, conditions = inputs(network)
    expected = network({"latents": latents, "conditions": conditions})
    folded = Folded.of(network).for_integers(latents, conditions)
    np.testing.assert_allclose(folded.images(latents, conditions), expected, atol=0.1 / 127.5)


def test_for_integers_channels_have_a_more_similar_range():
    network = NETWORKS["modern"]()
    # one channel of the first stage a hundred times as large as the others
    weights = network.norms[0].to_gain_and_bias.get_weights()
    weights[1][3] = 99
    network.norms[0].to_gain_and_bias.set_weights(weights)
    latents, conditions = inputs(network)
    folded = Folded.of(network)

    def spread(folded):
        first = np.asarray(folded.features(latents, conditions)[0])
        peaks = first.max(axis=(0, 1, 2))
        return peaks.max() / np.median(peaks)

    assert spread(folded.for_integers(latents, conditions)) < spread(folded) / 10


def test_a_generator_of_another_kind_is_refused():
    class Other(Generator):
        pass

    with pytest.raises(RecipeError, match="Other cannot be taken apart"):
        Folded.of(Other((), 8, 3, 4, 4))
