"""A variational autoencoder that knows what a picture should show."""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.losses.likelihoods import LIKELIHOODS, kl_to_standard_normal, nats_of_levels
from tfproductgan.models.phases import Phase
from tfproductgan.models.pictures import in_chunks, to_float, to_uint8
from tfproductgan.models.randomness import Purpose
from tfproductgan.models.sampler import Sampler
from tfproductgan.models.trained import TrainedModel
from tfproductgan.models.training_model import TrainingModel


class Autoencoder(Sampler):
    """Mixin of models that hold, besides what a `Sampler` does, an `encoding_network`."""

    def reconstruct(self, images, conditions=None):
        """What is left of pictures that went through the latents.

        Args:
            images: uint8 `[N, image_size, image_size, channels]`.
            conditions: A mapping of attribute name to value name, partial or empty, for all, or a list of them with
                one for each. What is left out is not given.

        Returns:
            uint8 of the same shape.

        Raises:
            ConditionError: If an attribute or a value cannot be.
        """
        images = np.asarray(images, np.uint8)
        asked = conditions if isinstance(conditions, list | tuple) else [conditions] * len(images)
        return in_chunks(self._reconstruct_rows, (images, self.schema.encode_all(asked)), images.shape[1:])

    @tf.function(autograph=False, reduce_retracing=True)
    def _reconstruct_rows(self, images, ids):
        mean, _ = self.encoding_network({"images": to_float(images), "conditions": ids}, training=False)
        return to_uint8(self.sampling_network({"latents": mean, "conditions": ids}, training=False))


@keras.saving.register_keras_serializable(package="tfproductgan")
class TrainedAutoencoder(Autoencoder, TrainedModel):
    """A trained encoder and decoder. See `TrainedModel` for the arguments."""

    kind_name = "vae"
    attribute = "sampling_network"
    role = "decoder"
    other_roles = ("encoder",)

    @property
    def encoding_network(self):
        """The network that `reconstruct` encodes with."""
        return self.encoder


@keras.saving.register_keras_serializable(package="tfproductgan")
class VAE(Autoencoder, TrainingModel):
    """A variational autoencoder; with attributes in its schema a conditional one (CVAE).

    The prior of the latents is the standard normal, whatever the condition, so that pictures are asked for by name as
    those of a GAN are. What is shown is the mean of the decoder's distribution, not a draw from it.

    Logged are, in nats a picture, `elbo` (the bound itself, with full weight and without free bits), `reconstruction`
    and `kl`, its parts; `bits_per_dim`, the same as `elbo` for 8-bit values; and `kl_weight`, which warms up.

    Args:
        encoder: An `Encoder` network.
        decoder: A `Generator` network with a `log_scale`.
        schema: The `ConditionSchema` both were made for.
        recipe: The `Recipe`. Defaults to that of the name `"vae"`.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        RecipeError: If the networks do not fit the schema, or there is no way to train under the scope's strategy.

    References:
        Kingma and Welling, 2014, Auto-Encoding Variational Bayes, https://arxiv.org/abs/1312.6114; Sohn et al., 2015
        (conditions); Bowman et al., 2016 (warm-up); Kingma et al., 2016 (free bits)
    """

    kind_name = "vae"
    default_recipe = "vae"
    averaged = ("encoder", "decoder")
    output_role = "decoder"
    collapse_advice = "Lower the weight of the prior (--set kl_weight=...), raise free_bits"

    def __init__(self, encoder, decoder, schema, recipe=None, **kwargs):
        super().__init__({"encoder": encoder, "decoder": decoder}, schema, recipe, **kwargs)

    @property
    def sampling_network(self):
        """The network that `generate` draws with."""
        return self.ema_decoder

    @property
    def encoding_network(self):
        """The network that `reconstruct` encodes with."""
        return self.ema_encoder

    def trained(self):
        """The averaged networks, ready to be saved and asked: a `TrainedAutoencoder`."""
        return TrainedAutoencoder.of(self)

    def make_phases(self):
        """One: both networks together."""
        return [Phase(("encoder", "decoder"), "vae", loss=self._loss)]

    def log_names(self):
        """The bound, its parts, and the weight of one of them."""
        return ["elbo", "reconstruction", "kl", "bits_per_dim", "kl_weight"]

    def _loss(self, batch, draws, scratch):
        objective = self.recipe.objective
        reconstruction, kl = self._parts(self.encoder, self.decoder, batch, draws, Purpose.LATENTS, training=True)
        clamped = tf.maximum(tf.reduce_mean(kl, axis=0), objective.free_bits)
        warm = objective.kl_warm_up * self.recipe.images
        seen = tf.cast(self._images_seen.value, tf.float32)
        weight = objective.kl_weight * (tf.minimum(seen / warm, 1.0) if warm else tf.ones(()))
        loss = tf.reduce_mean(reconstruction) + weight * tf.reduce_sum(clamped)
        measured = self._measured(reconstruction, kl)
        return loss, {name: (value, 1.0) for name, value in {**measured, "kl_weight": weight}.items()}

    def test_logs(self, batch, draws):
        """The bound of the averaged networks, estimated with one draw of the latents."""
        return self._measured(*self._parts(self.ema_encoder, self.ema_decoder, batch, draws, Purpose.TEST))

    def _parts(self, encoder, decoder, batch, draws, purpose, training=False):
        """Nats that a picture costs given its latents, `[B]`, and that each latent costs, `[B, L]`."""
        images, conditions = batch["images"], batch["conditions"]
        mean, log_variance = encoder({"images": images, "conditions": conditions}, training=training)
        latents = mean + tf.exp(0.5 * log_variance) * draws.normal(purpose, mean.shape)
        pictures = decoder({"latents": latents, "conditions": conditions}, training=training)
        likelihood = LIKELIHOODS[self.recipe.objective.likelihood]
        return likelihood(images, pictures, decoder.log_scale), kl_to_standard_normal(mean, log_variance)

    def _measured(self, reconstruction, kl):
        reconstruction, kl = tf.reduce_mean(reconstruction), tf.reduce_mean(tf.reduce_sum(kl, axis=1))
        values = self.schema.image_size**2 * self.schema.channels
        bits = (reconstruction + kl) / values + nats_of_levels(self.recipe.objective.likelihood)
        return {
            "elbo": -(reconstruction + kl),
            "reconstruction": reconstruction,
            "kl": kl,
            "bits_per_dim": bits / math.log(2.0),
        }
