import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.networks import r3gan
from tfproductgan.networks.r3gan import R3GANDiscriminator, R3GANGenerator

CASES = {
    "dense": ((3, 4), {}),
    "groups, unconditional": ((), {"group_width": 8, "expansion": 2}),
}


def off_identity(network, num_ids, **options):
    """A network whose blocks do something, as after some training."""
    made = network(num_ids, 28, width=4, max_width=8, blocks=1, **options)
    rng = np.random.default_rng(1)
    for block in made.residual_blocks:
        block.contract.kernel.assign(rng.normal(0, 0.3, block.contract.kernel.shape))
    return made


@pytest.mark.parametrize(("num_ids", "options"), CASES.values(), ids=CASES)
def test_generator(generator_check, num_ids, options):
    generator_check(functools.partial(off_identity, R3GANGenerator, num_ids, latent_dim=8, embedding_dim=4, **options))


@pytest.mark.parametrize(("num_ids", "options"), CASES.values(), ids=CASES)
def test_discriminator(discriminator_check, num_ids, options):
    discriminator_check(functools.partial(off_identity, R3GANDiscriminator, num_ids, **options))


PUBLISHED = {
    "CIFAR-10": (32, (10,), {}, (20_781_952, 21_280_512)),
    "FFHQ 64": (64, (), {}, (22_429_824, 22_381_440)),
    "FFHQ 256": (256, (), {}, (23_057_952, 23_009_568)),
    "ImageNet 32": (32, (1000,), {"width": 1536, "max_width": 1536, "group_width": 32}, (82_914_304, 86_548_992)),
    "ImageNet 64": (64, (1000,), {"width": 1536, "max_width": 1536, "group_width": 32}, (103_570_432, 107_205_120)),
}


@pytest.mark.parametrize(("image_size", "num_ids", "options", "counts"), PUBLISHED.values(), ids=PUBLISHED)
def test_there_are_as_many_weights_as_in_the_published_networks(image_size, num_ids, options, counts):
    options = {"group_width": 16, "expansion": 2, **options}
    with keras.StatelessScope(initialize_variables=False):  # which takes seconds
        networks = [make(num_ids, image_size, **options) for make in (R3GANGenerator, R3GANDiscriminator)]
        assert tuple(network.count_params() for network in networks) == counts


@pytest.mark.parametrize(("accelerator", "inside"), [(True, (16, 2)), (False, (0, 1))])
def test_blocks_follow_the_device_and_stay_in_the_configuration(monkeypatch, accelerator, inside):
    monkeypatch.setattr(r3gan, "on_accelerator", lambda: accelerator)
    with keras.StatelessScope(initialize_variables=False):
        config = R3GANGenerator((), 128).get_config()
        monkeypatch.setattr(r3gan, "on_accelerator", lambda: not accelerator)
        assert R3GANGenerator.from_config(config).get_config() == config
    assert (config["group_width"], config["expansion"]) == inside
    assert (config["width"], config["max_width"], config["blocks"]) == (192, 768, 2)


@pytest.mark.parametrize(("image_size", "widths"), [(28, [8, 6, 3]), (32, [8, 8, 6, 3]), (256, [8, 8, 8, 8, 8, 6, 3])])
def test_widths_double_from_the_picture_inwards(image_size, widths):
    generator, discriminator = (
        network((3,), image_size, width=3, max_width=8, blocks=1) for network in (R3GANGenerator, R3GANDiscriminator)
    )
    assert [block.contract.filters for block in generator.residual_blocks] == widths
    assert [block.contract.filters for block in discriminator.residual_blocks] == widths[::-1]
    latents = np.zeros((1, 64), "float32")
    assert generator({"latents": latents, "conditions": np.ones((1, 1), "int32")}).shape[1] == image_size


def test_weights_start_as_deep_as_the_network_is():
    """Scales of the paper's fix-up initialisation, and what is left of them at the ends."""
    keras.utils.set_random_seed(1)
    options = {"width": 32, "max_width": 32, "blocks": 2, "group_width": 32, "expansion": 2}
    generator, discriminator = R3GANGenerator((10,), 32, **options), R3GANDiscriminator((10,), 32, **options)
    gain = (2 / 1.04) ** 0.5 * 8**-0.25
    for network in (generator, discriminator):
        for block in network.residual_blocks:
            assert np.std(block.expand.kernel) == pytest.approx(gain / 32**0.5, rel=0.1)
            assert np.std(block.mix.kernel) == pytest.approx(gain / (9 * 32) ** 0.5, rel=0.1)
            assert not np.any(block.contract.kernel) and not np.any(block.mix.bias)
    assert np.std(generator.basis.kernel) == pytest.approx(1, rel=0.1)
    assert np.std(discriminator.basis.kernel) == pytest.approx(1 / 4, rel=0.1)
    assert np.std(generator.embedding.table) == pytest.approx(1, rel=0.1)
    assert np.std(discriminator.projection.table) == pytest.approx(32**-0.5, rel=0.1)
    rng = np.random.default_rng(0)
    conditions = rng.integers(0, 10, (16, 1)).astype("int32")
    latents = rng.normal(size=(16, 64)).astype("float32")
    pictures = generator({"latents": latents, "conditions": conditions}, training=True)
    # blocks change nothing, each filter of noise takes some away
    assert 0.3 < np.std(pictures) < 1.2
    smooth = np.broadcast_to(rng.normal(size=(16, 1, 1, 3)), (16, 32, 32, 3)).astype("float32")
    assert 0.3 < np.std(discriminator({"images": smooth, "conditions": conditions})) < 3


def test_pictures_are_clipped_once_they_are_asked_for():
    network = R3GANGenerator((), 28, width=4, max_width=8, latent_dim=8)
    inputs = {"latents": 9 * np.random.default_rng(0).normal(size=(4, 8)).astype("float32")}
    inputs["conditions"] = np.zeros((4, 0), "int32")
    drawn = network(inputs, training=True)
    assert np.abs(drawn).max() > 1
    np.testing.assert_array_equal(network(inputs), tf.clip_by_value(drawn, -1, 1))


@pytest.mark.parametrize("network", [R3GANGenerator, R3GANDiscriminator])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_size": 48}, "r3gan makes pictures of 28, 32, 64, 128, 256 pixels. Received: image_size=48"),
        ({"width": 0}, "width must be a whole number of at least 1. Received: 0"),
        ({"group_width": -1}, "group_width must be a whole number of at least 0. Received: -1"),
        (
            {"width": 24, "max_width": 48, "group_width": 16},
            "group_width must divide the 24 channels inside a block .* Received: group_width=16",
        ),
    ],
)
def test_what_cannot_be_is_refused(network, options, message):
    with pytest.raises(RecipeError, match=message):
        network((), **{"image_size": 28, **options})
