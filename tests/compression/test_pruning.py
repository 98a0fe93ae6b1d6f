import keras
import numpy as np
import pytest

import tfproductgan
from tfproductgan.compression import pruning
from tfproductgan.compression.compression import compress
from tfproductgan.compression.pruning import channel_importance, find_widths, prune, pruned_conversion
from tfproductgan.compression.stages import chain_of
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import ConversionError, RunError
from tfproductgan.models.trained import TrainedGenerator
from tfproductgan.networks.dcgan import DCGANGenerator
from tfproductgan.networks.mlp import MLPGenerator
from tfproductgan.networks.vae import VAEDecoder

SMALL = {"latent_dim": 6, "embedding_dim": 4}
NETWORKS = {
    "modern": lambda: DCGANGenerator((3, 4), 32, width=8, max_width=8, **SMALL),
    "bilinear": lambda: DCGANGenerator((3, 4), 28, width=8, max_width=8, upsampling="bilinear", **SMALL),
    "classic": lambda: DCGANGenerator((), 28, width=8, max_width=8, form="classic", **SMALL),
    "inner": lambda: DCGANGenerator((3,), 28, width=8, max_width=8, inner_convs=1, **SMALL),
    "mlp": lambda: MLPGenerator((3,), 6, widths=(8, 12), **SMALL),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    """With weights that are not those of the start, and statistics that are true."""
    keras.utils.set_random_seed(0)
    made = NETWORKS[request.param]()
    rng = np.random.default_rng(0)
    for weight in made.trainable_weights:
        weight.assign(weight + rng.normal(0, 0.3, weight.shape))
    pruning._renew_statistics(made, *inputs(made))
    return made


def inputs(network, count=64):
    rng = np.random.default_rng(1)
    columns = [rng.integers(0, ids, count) for ids in network.num_ids]
    conditions = np.array(columns, np.int32).reshape(len(columns), count).T
    return rng.normal(size=(count, network.latent_dim)).astype(np.float32), conditions


def silence(network, channels):
    """Let nothing read some channels of the last stage."""
    output = chain_of(network).output
    kernel, bias = output.get_weights()
    kernel[..., list(channels), :] = 0
    output.set_weights([kernel, bias])


def last_width(network):
    return chain_of(network).output.kernel.shape[-2]


def test_a_channel_that_nothing_reads_is_of_no_importance(network):
    silence(network, [1, 3])
    *_, importance = channel_importance(network, *inputs(network))
    assert len(importance) == last_width(network)
    assert [int(channel) for channel in np.flatnonzero(importance == 0)] == [1, 3]


def test_the_pruned_network_draws_the_same_without_channels_of_no_importance(network):
    options = {"widths": [8, 6]} if "widths" in network.get_config() else {"width": 6, "max_width": 8}
    silence(network, range(6, last_width(network)))
    latents, conditions = inputs(network)
    made = prune(network, options, latents, conditions)
    assert last_width(made) == 6
    given = {"latents": latents, "conditions": conditions}
    # the statistics are measured anew: up to 0.025 over several seeds, and 0.05 to 0.4 without what matters
    assert np.abs(np.asarray(made(given)) - np.asarray(network(given))).mean() < 0.035


def test_all_stages_of_a_pruned_network_are_narrower(network):
    options = find_widths(network, size=0.5)
    made = prune(network, options, *inputs(network))
    assert type(made) is type(network)
    assert made.count_params() <= 0.5 * network.count_params()
    for before, after in zip(chain_of(network).stages, chain_of(made).stages, strict=True):
        assert pruning._num_channels(after) < pruning._num_channels(before)
    latents, conditions = inputs(network)
    drawn = np.asarray(made({"latents": latents, "conditions": conditions}))
    assert np.isfinite(drawn).all()
    # it is no noise: pictures go up and down with the original's
    original = np.asarray(network({"latents": latents, "conditions": conditions}))
    assert np.corrcoef(drawn.ravel(), original.ravel())[0, 1] > 0.3


def test_the_widest_that_fits_is_taken():
    network = NETWORKS["modern"]()
    sizes = [pruning._narrow(network, find_widths(network, size=size)).count_params() for size in (0.9, 0.6, 0.3)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


def test_the_widest_that_is_fast_enough_is_taken(monkeypatch):
    network = MLPGenerator((3,), 6, widths=(64, 64), **SMALL)
    monkeypatch.setattr(pruning, "pictures_of", lambda network: network.get_config()["widths"][0])
    monkeypatch.setattr(pruning, "in_turns", lambda widths, inputs, batch: widths)
    assert find_widths(network, speed=4) == {"widths": [16, 16]}


def test_what_no_width_reaches_is_an_error():
    network = NETWORKS["modern"]()
    with pytest.raises(ConversionError, match="this is not reached"):
        find_widths(network, size=0.001)


def test_a_run_without_checkpoints_cannot_be_pruned(tmp_path):
    with pytest.raises(RunError, match="holds no checkpoints"):
        pruned_conversion(tmp_path, None, tmp_path)


def test_what_cannot_be_taken_apart_cannot_be_pruned(tmp_path, monkeypatch):
    schema = ConditionSchema([Attribute("class", ("Ring", "Mug"))], 32)
    other = TrainedGenerator(VAEDecoder((3,), 32, width=8, **SMALL), schema, "other-1")
    monkeypatch.setattr(pruning.Checkpoints, "files", [tmp_path])
    monkeypatch.setattr(pruning, "load", lambda path: other)
    with pytest.raises(ConversionError, match=r"can be taken apart: .*Received: VAEDecoder"):
        pruned_conversion(tmp_path, None, tmp_path)


@pytest.mark.slow
def test_a_run_is_pruned_and_learns_on(tmp_path, capsys):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (96, 8, 8, 3)).astype(np.uint8)
    products = tfproductgan.Catalogue.from_arrays(images, {"shade": ["Dark", "Light"] * 48})
    recipe = tfproductgan.get_recipe(
        "mlp", images=96, batch_size=16, generator={"widths": [16, 16]}, discriminator={"widths": [8]}
    )
    gan = tfproductgan.train(products, recipe, tmp_path / "run")
    out = tmp_path / "small"
    conversion = pruned_conversion(tmp_path / "run", products, out, size=0.6, images=32)
    _, found = compress(gan.trained(), out, [conversion])
    assert found.error is None, found.error
    model = tfproductgan.load(out / "generator-pruned.keras")
    assert model.sampling_network.count_params() <= 0.6 * gan.generator.count_params()
    assert model.provenance["images_seen"] == 32
    again = tfproductgan.load(out / "pruned")
    requests = model.plan(count=4)
    np.testing.assert_array_equal(model.draw(requests), again.draw(requests))
    # repeated, the finished training is taken as it is
    _, repeated = compress(gan.trained(), out, [conversion])
    assert repeated.bytes == found.bytes
    assert "Finished before" in capsys.readouterr().out
