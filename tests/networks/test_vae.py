import functools

import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.networks.vae import VAEDecoder, VAEEncoder

IDS = {"conditional": (3, 4), "unconditional": ()}
SMALL = {"latent_dim": 6, "embedding_dim": 4, "width": 8, "max_width": 16}


@pytest.mark.parametrize("num_ids", IDS.values(), ids=IDS)
def test_decoder(generator_check, num_ids):
    generator_check(functools.partial(VAEDecoder, num_ids, image_size=28, channels=3, **SMALL))


@pytest.mark.parametrize("num_ids", IDS.values(), ids=IDS)
def test_encoder(encoder_check, num_ids):
    encoder_check(functools.partial(VAEEncoder, num_ids, image_size=28, channels=3, **SMALL))


def test_variances_start_as_the_priors_and_stay_in_bounds():
    encoder = VAEEncoder((), image_size=32, channels=1, **SMALL)
    inputs = {"images": tf.random.stateless_normal((2, 32, 32, 1), (0, 1)), "conditions": tf.zeros((2, 0), tf.int32)}
    assert not np.any(encoder(inputs)[1])
    encoder.log_variance.bias.assign([1e3] * 6)
    assert np.all(encoder(inputs)[1] == 10)


@pytest.mark.parametrize("network", [VAEDecoder, VAEEncoder])
def test_a_size_that_cannot_be_is_refused(network):
    with pytest.raises(RecipeError, match=r"vae makes pictures of 28, 32, 64, 128, 256 pixels. Received: image_size"):
        network((), 30)
