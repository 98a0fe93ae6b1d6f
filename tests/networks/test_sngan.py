import functools

import numpy as np
import pytest

from tfproductgan.errors import RecipeError
from tfproductgan.networks.sngan import SNGANDiscriminator, SNGANGenerator

CASES = {"conditional, with attention": ((3, 4), {"attention": 14}), "unconditional": ((), {})}


def awake(kind, num_ids, **options):
    """A network in which attention does something, which it starts without."""
    network = kind(num_ids, image_size=28, width=8, **options)
    if network.attend is not None:
        network.attend.share.assign(0.5)
    return network


@pytest.mark.parametrize(("num_ids", "options"), CASES.values(), ids=CASES)
def test_generator(generator_check, num_ids, options):
    generator_check(functools.partial(awake, SNGANGenerator, num_ids, channels=3, latent_dim=8, **options))


def test_discriminator(discriminator_check):
    discriminator_check(functools.partial(awake, SNGANDiscriminator, (3, 4), channels=1, attention=14))


@pytest.mark.parametrize(
    ("image_size", "widths", "num_classes", "published"),
    [(32, (256, 128), 10, (4_304_387, 1_055_104)), (64, (16, 16), 43, (1_222_531, 646_337))],
)
def test_there_are_as_many_parameters_as_in_the_authors_code(image_size, widths, num_classes, published):
    generator, discriminator = (
        sum(
            int(np.prod(variable.shape))
            for variable in network((num_classes,), image_size, width=width).trainable_variables
        )
        for network, width in zip((SNGANGenerator, SNGANDiscriminator), widths, strict=True)
    )
    # three convolutions a block, whose biases a normalisation takes away again
    without_effect = 3 * widths[0] * {32: 1 + 1 + 1, 64: 8 + 4 + 2 + 1}[image_size]
    # at 32 pixels theirs has no bias at the end
    assert (generator + without_effect, discriminator - (image_size == 32)) == published


@pytest.mark.parametrize(
    ("image_size", "sides", "smallest"),
    [
        (32, [8, 16, 32], 8),
        (64, [8, 16, 32, 64], 2),
        (128, [8, 16, 32, 64, 128], 4),
        (256, [8, 16, 32, 64, 128, 256], 4),
    ],
)
def test_blocks_double_and_halve(image_size, sides, smallest):
    generator, discriminator = SNGANGenerator((), image_size, width=1), SNGANDiscriminator((), image_size, width=1)
    shape, found = (None, 4, 4, 16), []
    for block in generator.blocks:
        shape = block.compute_output_shape(shape)
        found.append(shape[1])
    assert found == sides
    for block in discriminator.blocks:
        shape = block.compute_output_shape(shape)
    assert (shape[1], shape[3]) == (smallest, 1 if image_size == 32 else 16)


def test_conditions_become_gains_near_one_and_biases():
    network = SNGANGenerator((3,), 28, width=2, latent_dim=4)
    # four normalisations of two channels, a gain and a bias each
    assert network.embedding.table.shape == (3, 16)
    assert 0.15 < np.std(network.embedding.table) < 0.45
    latents = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    # gains of 0 and biases of -1: nothing passes the blocks but what goes around them
    gains_and_biases = np.tile(np.repeat([-1.0, -1.0], 2), (2, 4)).astype("float32")
    around = network.synthesise(latents, gains_and_biases)
    for block in network.blocks:
        block.conv.kernel.assign(np.zeros(block.conv.kernel.shape))
    np.testing.assert_allclose(network.synthesise(latents, np.zeros((2, 16), "float32")), around, atol=1e-6)


@pytest.mark.parametrize("num_ids", [(), (4,)])
def test_logits_start_near_the_hinge(num_ids):
    network = SNGANDiscriminator(num_ids, 32)
    conditions = np.ones((8, len(num_ids)), "int32")
    noise = np.random.default_rng(0).uniform(-1, 1, (8, 32, 32, 3)).astype("float32")
    for images in (noise, np.ones_like(noise)):
        assert np.abs(network({"images": images, "conditions": conditions})).max() < 10


@pytest.mark.parametrize("network", [SNGANGenerator, SNGANDiscriminator])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 48}, "sngan makes pictures of 28, 32, 64, 128, 256 pixels. Received: image_size=48"),
        ({"width": 0}, "width must be a whole number of at least 1"),
        ({"image_size": 32, "attention": 12}, "attention must be one of 0, .*16.* Received: 12"),
    ],
)
def test_what_cannot_be_is_refused(network, options, message):
    with pytest.raises(RecipeError, match=message):
        network((), **options)
