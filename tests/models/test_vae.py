import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from keras import ops

import tfproductgan as tpg
from tfproductgan.errors import ConditionError, RecipeError
from tfproductgan.models.vae import VAE
from tfproductgan.networks.base import Encoder, Generator
from tfproductgan.recipes import get_recipe

SIZE, LATENTS = 2, 2


@pytest.fixture(scope="module")
def schema(small_schema):
    return small_schema(image_size=28)


def small_vae(schema, **overrides):
    options = {"latent_dim": 6, "embedding_dim": 4, "width": 8, "max_width": 8}
    overrides = {"precision": "float32", "images": 640, "batch_size": 8, **overrides}
    model = VAE.from_recipe("vae", schema, encoder=options, decoder=options, **overrides)
    model.compile()
    return model


@pytest.fixture(scope="module")
def vae(schema):
    return small_vae(schema)


# === The bound ===


@keras.saving.register_keras_serializable(package="tests")
class LinearDecoder(Generator):
    """x = Wz + b."""

    def __init__(self, num_ids, image_size, channels, latent_dim, embedding_dim=1, **kwargs):
        super().__init__(num_ids, image_size, channels, latent_dim, embedding_dim, **kwargs)
        values = image_size * image_size * channels
        self.kernel = self.add_weight(name="kernel", shape=(latent_dim, values))
        self.bias = self.add_weight(name="bias", shape=(values,))
        self.log_scale = self.add_weight(name="log_scale", shape=(), initializer="zeros")
        self.built = True

    def synthesise(self, latents, embedding, training=False):
        x = ops.matmul(latents, self.kernel) + self.bias
        return ops.reshape(x, (-1, self.image_size, self.image_size, self.channels))


@keras.saving.register_keras_serializable(package="tests")
class LinearEncoder(Encoder):
    """Mean A(x - b), one variance a latent for all pictures."""

    def __init__(self, num_ids, image_size, channels, latent_dim, **kwargs):
        super().__init__(num_ids, image_size, channels, latent_dim, **kwargs)
        values = image_size * image_size * channels
        self.kernel = self.add_weight(name="kernel", shape=(values, latent_dim))
        self.bias = self.add_weight(name="bias", shape=(values,))
        self.log_variance = self.add_weight(name="log_variance", shape=(latent_dim,))
        self.built = True

    def call(self, inputs, training=False):
        flat = ops.reshape(inputs["images"], (-1, self.bias.shape[0])) - self.bias
        mean = ops.matmul(flat, self.kernel)
        return mean, ops.zeros_like(mean) + self.log_variance


def linear_vae(encoder_is_right):
    """A VAE whose evidence is a normal density, and that density."""
    schema = tpg.ConditionSchema([], SIZE, 1)
    rng = np.random.default_rng(3)
    values = SIZE * SIZE
    # orthogonal columns, so that the posterior has independent latents
    columns = np.linalg.qr(rng.normal(size=(values, LATENTS)))[0] * [0.5, 0.3]
    bias, deviation = rng.normal(size=values) * 0.1, 0.2
    precision = np.eye(LATENTS) + columns.T @ columns / deviation**2
    encoder = LinearEncoder((), SIZE, 1, LATENTS)
    decoder = LinearDecoder((), SIZE, 1, LATENTS)
    decoder.set_weights([columns.T, bias, np.log(deviation)])
    posterior = np.linalg.inv(precision) @ columns.T / deviation**2
    variances = np.diag(np.linalg.inv(precision))
    shift = np.zeros(values) if encoder_is_right else rng.normal(size=values) * 0.5
    encoder.set_weights([posterior.T, bias + shift, np.log(variances)])
    model = VAE(encoder, decoder, schema, get_recipe("vae", batch_size=4, kl_warm_up=0.0))
    model.compile()
    return model, scipy.stats.multivariate_normal(bias, columns @ columns.T + deviation**2 * np.eye(values))


def elbo_and_evidence(encoder_is_right, draws=400):
    model, evidence = linear_vae(encoder_is_right)
    photo = np.random.default_rng(1).integers(90, 170, (1, SIZE, SIZE, 1)).astype(np.uint8)
    batch = {"images": np.repeat(photo, draws, axis=0), "conditions": np.zeros((draws, 0), np.int32)}
    found = model.evaluate(tf.data.Dataset.from_tensors(batch), return_dict=True, verbose=0)
    return found, evidence.logpdf(photo.ravel() / 127.5 - 1)


def test_with_the_right_posterior_the_bound_is_the_evidence():
    found, evidence = elbo_and_evidence(encoder_is_right=True)
    # the latents are drawn: the bound has an error of a few hundredths of a nat
    assert found["elbo"] == pytest.approx(evidence, abs=0.1)
    assert found["bits_per_dim"] == pytest.approx((np.log(127.5) - evidence / 4) / np.log(2), abs=0.05)


def test_with_another_posterior_the_bound_lies_below_the_evidence():
    found, evidence = elbo_and_evidence(encoder_is_right=False)
    assert found["elbo"] < evidence - 0.2
    assert found["elbo"] == pytest.approx(-found["reconstruction"] - found["kl"], rel=1e-5)


# === Training ===


def dark_and_light():
    """Two pictures, told apart by their conditions."""
    images = np.repeat(np.stack([np.full((28, 28, 1), 40), np.full((28, 28, 1), 220)]), 4, axis=0).astype(np.uint8)
    return {"images": images, "conditions": np.repeat([[1, 1], [2, 3]], 4, axis=0).astype(np.int32)}


def test_it_learns_to_reconstruct(schema, as_stream):
    model, batch = small_vae(schema, images=4_000), dark_and_light()
    history = model.fit(as_stream([batch]), steps_per_epoch=60, epochs=3, verbose=0).history
    assert history["elbo"][-1] > history["elbo"][0] + 100
    again = model.reconstruct(batch["images"][::4])
    assert np.abs(again.astype(int) - batch["images"][::4]).mean() < 40  # they lie 180 apart


def test_it_learns_to_draw_what_is_asked_for(schema, as_stream):
    # what the condition says already need not go through latents, which are dear here
    model = small_vae(schema, images=4_000, kl_warm_up=0.0, kl_weight=50.0, label_dropout=0.0)
    model.fit(as_stream([dark_and_light()]), steps_per_epoch=180, epochs=1, verbose=0)
    dark, light = model.generate([{"shade": "dark"}, {"shade": "light"}]).reshape(2, -1).mean(axis=1)
    assert dark + 60 < light


def test_the_weight_of_the_prior_warms_up(schema, random_batches, as_stream):
    model = small_vae(schema, images=64, kl_warm_up=0.5, kl_weight=2.0)
    [batch] = random_batches(schema, count=1)
    weights = [model.fit(as_stream([batch]), steps_per_epoch=1, verbose=0).history["kl_weight"][0] for _ in range(6)]
    assert weights == pytest.approx([0, 0.5, 1, 1.5, 2, 2])


def test_free_bits_leave_latents_alone_that_cost_less(schema, random_batches):
    [batch] = random_batches(schema, count=1)

    def kernel_after_a_step(free_bits):
        model = small_vae(schema, kl_warm_up=0.0, kl_weight=1e4, free_bits=free_bits, schedule="constant")
        model.compile(vae_optimizer=keras.optimizers.SGD(1e-6))
        before = model.encoder.mean.kernel.numpy()
        model.train_step({name: tf.constant(value) for name, value in batch.items()})
        return model.encoder.mean.kernel.numpy() - before

    # with a heavy prior alone it would move far
    assert np.abs(kernel_after_a_step(100.0)).max() < 0.1 * np.abs(kernel_after_a_step(0.0)).max()


@pytest.mark.parametrize("likelihood", ["gaussian", "discretised-logistic"])
def test_a_step_moves_every_weight(schema, random_batches, likelihood):
    model = small_vae(schema, likelihood=likelihood, kl_warm_up=0.0)
    before = [v.numpy() for network in model.networks().values() for v in network.trainable_variables]
    [batch] = random_batches(schema, count=1)
    logs = model.train_step({name: tf.constant(value) for name, value in batch.items()})
    after = [v for network in model.networks().values() for v in network.trainable_variables]
    assert not [v.path for v, old in zip(after, before, strict=True) if np.array_equal(v.numpy(), old)]
    assert set(logs) == {"elbo", "reconstruction", "kl", "bits_per_dim", "kl_weight"}


# === Asking ===


def test_a_saved_model_reconstructs_draws_and_goes_between(vae, tmp_path):
    vae.trained().save(tmp_path / "vae.keras")
    again = tpg.load(tmp_path / "vae.keras")
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), np.uint8)
    first, second = vae.plan({"shade": "dark"}, count=2)
    for model in (vae, again):
        assert model.generate({"side": "left"}, count=2, seed=5).shape == (2, 28, 28, 1)
    np.testing.assert_array_equal(
        again.reconstruct(images, {"shade": "light"}), vae.reconstruct(images, {"shade": "light"})
    )
    np.testing.assert_array_equal(again.draw([first]), vae.draw([first]))
    between = again.interpolate(first, second, 3)
    np.testing.assert_array_equal(between[[0, 2]], again.draw([first, second]))
    assert again.parameters() == vae.parameters()


def test_what_is_reconstructed_must_be_known(vae):
    with pytest.raises(ConditionError, match="Unknown shade"):
        vae.reconstruct(np.zeros((1, 28, 28, 1), np.uint8), {"shade": "pink"})


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"likelihood": "bernoulli"}, "likelihood must be one of .*'gaussian'.* Received: 'bernoulli'"),
        ({"free_bits": -1}, "free_bits must be at least 0. Received: -1"),
        ({"kl_warm_up": 2}, "kl_warm_up must be between 0 and 1. Received: 2"),
        ({"loss": "hinge"}, "A recipe of kind 'vae' has no field 'loss': recipes of kind 'gan'.* have it"),
    ],
)
def test_an_objective_that_cannot_be_is_refused(overrides, message):
    with pytest.raises(RecipeError, match=message):
        get_recipe("vae", **overrides)


def test_a_recipe_of_another_kind_names_the_class_that_takes_it(schema):
    with pytest.raises(RecipeError, match=r"A VAE takes recipes of the kind 'vae'; 'dcgan' is .* which ConditionalGAN"):
        VAE.from_recipe("dcgan", schema)
