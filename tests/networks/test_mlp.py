import functools

import pytest

from tfproductgan.errors import RecipeError
from tfproductgan.networks.mlp import MLPDiscriminator, MLPGenerator

IDS = {"conditional": (3, 4), "unconditional": ()}


@pytest.mark.parametrize("num_ids", IDS.values(), ids=IDS)
def test_generator(generator_check, num_ids):
    small = {"latent_dim": 8, "embedding_dim": 4, "widths": (12, 16)}
    generator_check(functools.partial(MLPGenerator, num_ids, image_size=6, channels=3, **small))


@pytest.mark.parametrize("num_ids", IDS.values(), ids=IDS)
@pytest.mark.parametrize(
    "options",
    [{}, {"form": "classic", "dropout": 0.3}, {"spectral_normalization": True}],
    ids=["modern", "classic", "spectral"],
)
def test_discriminator(discriminator_check, num_ids, options):
    small = {"widths": (16, 12), **options}
    discriminator_check(functools.partial(MLPDiscriminator, num_ids, image_size=6, channels=1, **small))


def test_the_papers_sizes_are_the_defaults():
    assert [dense.units for dense in MLPGenerator((), 4).hidden] == [256, 512, 1024]
    assert [dense.units for dense in MLPDiscriminator((), 4).hidden] == [1024, 512, 256]


def test_an_unknown_form_is_refused():
    with pytest.raises(RecipeError, match="form must be one of 'modern', 'classic'"):
        MLPDiscriminator((), form="new")
