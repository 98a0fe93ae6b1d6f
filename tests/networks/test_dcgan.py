import functools

import pytest

from tfproductgan.errors import RecipeError
from tfproductgan.networks.dcgan import DCGANDiscriminator, DCGANGenerator

CASES = {
    "modern": ((3, 4), {}),
    "modern unconditional": ((), {}),
    "classic": ((3, 4), {"form": "classic"}),
    "classic unconditional": ((), {"form": "classic"}),
    "inner convolutions": ((3, 4), {"inner_convs": 2}),
}
LATE = {"late conditions": ((3, 4), {"latent_sizes": 1}), "late, unconditional": ((), {"latent_sizes": 1})}


@pytest.mark.parametrize(("num_ids", "options"), (CASES | LATE).values(), ids=CASES | LATE)
def test_generator(generator_check, num_ids, options):
    small = {"latent_dim": 8, "embedding_dim": 4, "width": 4, "max_width": 8, **options}
    generator_check(functools.partial(DCGANGenerator, num_ids, image_size=28, channels=3, **small))


@pytest.mark.parametrize(
    ("num_ids", "options"),
    [*CASES.values(), ((3, 4), {"spectral_normalization": True, "dropout": 0.2, "inner_convs": 2})],
    ids=[*CASES, "spectral with dropout"],
)
def test_discriminator(discriminator_check, num_ids, options):
    small = {"width": 4, "max_width": 8, **options}
    discriminator_check(functools.partial(DCGANDiscriminator, num_ids, image_size=28, channels=1, **small))


@pytest.mark.parametrize(
    ("image_size", "widths"),
    [(28, [8, 4, 2]), (32, [10, 8, 4, 2]), (64, [10, 10, 8, 4, 2]), (256, [10, 10, 10, 10, 8, 4, 2])],
)
def test_widths_double_from_the_picture_inwards(image_size, widths):
    generator = DCGANGenerator((), image_size, width=2, max_width=10)
    assert [norm.norm.moving_mean.shape[0] for norm in generator.norms] == [widths[0], *widths]
    assert generator.to_rgb.compute_output_shape((1, image_size, image_size, 2)) == (1, image_size, image_size, 3)
    discriminator = DCGANDiscriminator((), image_size, width=3, max_width=10)
    assert [conv.filters for conv in discriminator.convs] == [3, 6, 10, 10, 10, 10][: len(widths) - 1]


@pytest.mark.parametrize("sizes", [0, 2, None])
def test_latents_modulate_the_smallest_maps_alone(sizes):
    generator = DCGANGenerator((3,), 32, width=2, latent_dim=5, embedding_dim=4, latent_sizes=sizes)
    lengths = [norm.to_gain_and_bias.kernel.shape[0] for norm in generator.norms]
    # the inner convolution keeps the size of the stem's map
    together = {0: 0, 2: 3, None: 5}[sizes]
    assert lengths == [9] * together + [4] * (5 - together)


@pytest.mark.parametrize("network", [DCGANGenerator, DCGANDiscriminator])
def test_inner_convolutions_come_at_the_smallest_map(network):
    counts = {number: len(network((), 32, width=2, inner_convs=number).weights) for number in (0, 1, 3)}
    each = counts[1] - counts[0]
    assert each > 0 and counts[3] == counts[0] + 3 * each
    assert len(network((), 32, width=2).weights) == counts[1]
    classic = [len(network((), 32, width=2, form="classic", **more).weights) for more in ({}, {"inner_convs": 0})]
    assert classic[0] == classic[1]


@pytest.mark.parametrize("network", [DCGANGenerator, DCGANDiscriminator])
def test_files_from_before_there_were_inner_convolutions_can_be_read(network):
    config = network((), 32, width=2, inner_convs=0).get_config()
    del config["inner_convs"]
    assert network.from_config(config).inner_convs == 0


@pytest.mark.parametrize("image_size", [0, 4, 30, 48, 512])
@pytest.mark.parametrize("network", [DCGANGenerator, DCGANDiscriminator])
def test_a_size_it_cannot_make_is_refused(network, image_size):
    message = f"dcgan makes pictures of 28, 32, 64, 128, 256 pixels. Received: image_size={image_size}"
    with pytest.raises(RecipeError, match=message):
        network((), image_size)


@pytest.mark.parametrize("network", [DCGANGenerator, DCGANDiscriminator])
def test_an_unknown_form_is_refused(network):
    with pytest.raises(RecipeError, match="form must be one of 'modern', 'classic'"):
        network((), form="new")


@pytest.mark.parametrize("network", [DCGANGenerator, DCGANDiscriminator])
@pytest.mark.parametrize("options", [{"width": 0}, {"width": float("nan")}, {"max_width": 2.5}, {"inner_convs": -1}])
def test_a_number_that_cannot_be_is_refused(network, options):
    [name] = options
    with pytest.raises(RecipeError, match=f"{name} must be a whole number of at least"):
        network((), **options)
