import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.networks.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator

CASES = {"conditional": (3, 4), "unconditional": ()}
SMALL = {"image_size": 28, "width": 8, "max_width": 8, "mapping_layers": 1}


def small_generator(num_ids=(3, 4), **options):
    network = StyleGAN2Generator(num_ids, z_dim=8, embedding_dim=4, w_dim=8, **SMALL, **options)
    for layer in network.synthesis_layers:
        layer.noise_strength.assign(0.1)
    for layer in network.to_rgbs:
        # as of one that has learnt to draw within -1 to 1
        layer.conv.kernel.assign(0.3 * layer.conv.kernel)
    return network


@pytest.mark.parametrize("num_ids", CASES.values(), ids=CASES)
def test_generator(generator_check, num_ids):
    generator_check(functools.partial(small_generator, num_ids))


@pytest.mark.parametrize("num_ids", CASES.values(), ids=CASES)
def test_discriminator(discriminator_check, num_ids):
    discriminator_check(functools.partial(StyleGAN2Discriminator, num_ids, group=1, **SMALL))


PUBLISHED = {
    "auto, 64 px": (64, (), {"width": 256}, 2, (22_243_608, 23_407_361)),
    "auto, 64 px, 43 classes": (64, (44,), {"width": 256}, 2, (22_528_280, 25_793_280)),
    "paper256": (256, (), {"width": 64}, 8, (24_767_458, 24_001_089)),
}


@pytest.mark.parametrize(("image_size", "num_ids", "options", "layers", "counts"), PUBLISHED.values(), ids=PUBLISHED)
def test_there_are_as_many_weights_as_in_the_published_networks(image_size, num_ids, options, layers, counts):
    with keras.StatelessScope(initialize_variables=False):  # which takes seconds
        generator = StyleGAN2Generator(num_ids, image_size, mapping_layers=layers, **options)
        discriminator = StyleGAN2Discriminator(num_ids, image_size, **options)
        assert (generator.count_params(), discriminator.count_params()) == counts


def test_what_goes_into_a_layer_has_unit_spread():
    """At the start, whatever the widths: of pictures, of what the mapping gives, of logits."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(0)
    options = {"image_size": 32, "width": 16, "max_width": 32}
    generator = StyleGAN2Generator((10,), z_dim=32, embedding_dim=32, w_dim=32, mapping_layers=2, **options)
    discriminator = StyleGAN2Discriminator((10,), **options)
    latents = rng.normal(size=(16, generator.latent_dim)).astype("float32")
    conditions = rng.integers(0, 10, (16, 1)).astype("int32")
    styles, _ = generator.style_of(latents, generator.embed(conditions))
    assert 0.7 < np.sqrt(np.mean(np.square(styles))) < 1.3
    pictures = generator({"latents": latents, "conditions": conditions}, training=True)
    assert 0.5 < np.std(pictures) < 4
    images = rng.normal(size=(16, 32, 32, 3)).astype("float32")
    assert 0.1 < np.std(discriminator({"images": images, "conditions": conditions})) < 3


def test_a_convolution_scaled_around_equals_one_whose_kernel_is_scaled():
    """Equations 1 to 3 of the paper, and its doubling: zeros between pixels, the kernel, the filter."""
    layer = small_generator().synthesis_layers[1].conv
    rng = np.random.default_rng(0)
    x, style = rng.normal(size=(1, 7, 7, 8)).astype("float32"), rng.normal(size=(1, 8)).astype("float32")
    scales = layer.to_scales(style).numpy()[0]
    kernel = layer.kernel.numpy() * scales
    kernel /= np.sqrt(np.sum(kernel**2, axis=(0, 1, 3), keepdims=True) + 1e-8)
    spread = tf.nn.conv2d_transpose(x, kernel, (1, 15, 15, kernel.shape[2]), 2, "VALID").numpy()
    taps = np.array([1, 3, 3, 1]) / 4
    padded = np.pad(spread, ((0, 0), (1, 1), (1, 1), (0, 0)))
    expected = sum(taps[i] * taps[j] * padded[:, i : i + 14, j : j + 14] for i in range(4) for j in range(4))
    np.testing.assert_allclose(layer(x, style), expected, atol=1e-5)


def test_truncation_draws_towards_the_centre_of_what_was_asked_for():
    network = small_generator()
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(2000, network.latent_dim)).astype("float32")
    embedding = network.embed(np.full((2000, 2), [1, 2], "int32"))

    def styles(truncation):
        return network.style_of(latents, embedding, np.full(2000, truncation, "float32"))[0].numpy()[:, 0]

    whole, half, centre = styles(1.0), styles(0.5), styles(0.0)
    np.testing.assert_allclose(whole, network.style_of(latents, embedding)[0][:, 0], atol=1e-6)
    np.testing.assert_allclose(centre, centre[:1].repeat(2000, axis=0), atol=1e-6)
    np.testing.assert_allclose(half, (whole + centre) / 2, atol=1e-6)
    # as far from the mean of very many as chance has it
    assert np.abs(centre[0] - whole.mean(axis=0)).max() < 4 * whole.std() * 64**-0.5
    other = network.style_of(latents[:1], network.embed(np.array([[2, 1]], "int32")), np.zeros(1, "float32"))[0]
    assert np.abs(other[0, 0] - centre[0]).max() > 0.1 * whole.std()


def test_layers_can_take_their_styles_of_other_latents():
    network = small_generator(())
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(3, network.latent_dim)).astype("float32")
    others = rng.normal(size=(3, network.z_dim)).astype("float32")
    inputs = {"latents": latents, "conditions": np.zeros((3, 0), "int32")}
    crossover = np.array([0, 3, network.num_styles], "int32")
    mixed = network({**inputs, "other_latents": others, "crossover": crossover})
    alone = network(inputs)
    swapped = network({**inputs, "latents": np.concatenate([others, latents[:, network.z_dim :]], axis=1)})
    np.testing.assert_allclose(mixed[2], alone[2], atol=1e-6)
    np.testing.assert_allclose(mixed[0], swapped[0], atol=1e-6)
    assert np.abs(mixed[1] - alone[1]).max() > 0.01 < np.abs(mixed[1] - swapped[1]).max()


def test_the_discriminator_sees_how_much_pictures_differ():
    network = StyleGAN2Discriminator((), **SMALL)
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (8, 28, 28, 3)).astype("float32")
    conditions = np.zeros((8, 0), "int32")
    logits = network({"images": images, "conditions": conditions})
    alike = images.copy()
    alike[1:4] = images[0]
    changed = network({"images": alike, "conditions": conditions})
    assert abs(changed[0] - logits[0]) > 1e-4
    np.testing.assert_allclose(changed[4:], logits[4:], atol=1e-5)
    assert network({"images": images[:7], "conditions": conditions[:7]}).shape == (7,)


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (StyleGAN2Generator, {"image_size": 48}, "stylegan2 makes pictures of 28, 32, .* Received: image_size=48"),
        (StyleGAN2Discriminator, {"width": 0}, "width must be a whole number of at least 1. Received: 0"),
        (StyleGAN2Generator, {"z_dim": 0}, "latent_dim must be a whole number of at least 1. Received: 0"),
        (StyleGAN2Discriminator, {"group": 0}, "group must be a whole number of at least 1. Received: 0"),
    ],
)
def test_what_cannot_be_is_refused(network, options, message):
    with pytest.raises(RecipeError, match=message):
        network((), **{"image_size": 28, **options})
