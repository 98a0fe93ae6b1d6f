import functools

import keras
import numpy as np
import pytest

from tfproductgan.errors import RecipeError
from tfproductgan.networks.pix2pix import PatchGANDiscriminator, UNetGenerator

IDS = {"conditional": (3, 4), "unconditional": ()}
SMALL = {"embedding_dim": 3, "width": 8, "max_width": 16}


@pytest.mark.parametrize("num_ids", IDS.values(), ids=IDS)
def test_generator(translating_generator_check, num_ids):
    translating_generator_check(functools.partial(UNetGenerator, num_ids, image_size=28, source_channels=1, **SMALL))


def test_generator_with_the_picture_beside_its_last_map(translating_generator_check):
    options = {"image_size": 28, "source_channels": 1, "source_skip": True, **SMALL}
    translating_generator_check(functools.partial(UNetGenerator, (), **options))


def test_edges_can_follow_the_picture_pixel_by_pixel():
    network = UNetGenerator((), 28, channels=1, source_skip=True, width=2, max_width=2)
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 28, 28, 1)).astype(np.float32)
    for weights in network.up_to_source.weights:
        weights.assign(np.zeros(weights.shape))
    made = network({"source": picture, "conditions": np.zeros((1, 0), np.int32)}).numpy()
    assert np.ptp(made) > 0


@pytest.mark.parametrize("num_ids", IDS.values(), ids=IDS)
def test_discriminator(patch_discriminator_check, num_ids):
    patch_discriminator_check(
        functools.partial(PatchGANDiscriminator, num_ids, image_size=28, source_channels=3, **SMALL)
    )


@pytest.mark.parametrize(("image_size", "patches"), [(64, 16), (128, 16), (256, 32)])
def test_patches_grow_with_the_picture(image_size, patches):
    network = PatchGANDiscriminator((), image_size, source_channels=1, width=1, max_width=1)
    symbols = {
        "source": keras.KerasTensor((1, image_size, image_size, 1)),
        "images": keras.KerasTensor((1, image_size, image_size, 3)),
        "conditions": keras.KerasTensor((1, 0), "int32"),
    }
    assert network(symbols).shape == (1, patches, patches)


def test_features_of_the_smallest_maps_alone_are_dropped():
    network = UNetGenerator((), 64, width=1, max_width=1)
    assert [layer is not None for layer in network.dropouts] == [True, False, False]


def test_a_size_that_cannot_be_is_refused():
    with pytest.raises(RecipeError, match=r"pix2pix makes pictures of 28, 32, 64, 128, 256 pixels. Received"):
        UNetGenerator((), 48)
