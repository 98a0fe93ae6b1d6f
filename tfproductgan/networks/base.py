"""What every generator and every discriminator has in common."""

from __future__ import annotations

import keras
from keras import ops

from tfproductgan.errors import RecipeError
from tfproductgan.layers.condition_embedding import ConditionEmbedding


class _Network(keras.Model):
    def __init__(self, num_ids, image_size, channels, **kwargs):
        super().__init__(**kwargs)
        self.num_ids = tuple(num_ids)
        self.image_size = image_size
        self.channels = channels

    @property
    def conditional(self):
        """Whether there is anything to be conditioned on."""
        return bool(self.num_ids)

    def get_config(self):
        """Everything the constructor takes."""
        return {
            **super().get_config(),
            "num_ids": list(self.num_ids),
            "image_size": self.image_size,
            "channels": self.channels,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }


class Generator(_Network):
    """Base of the generators: latents and condition ids in, pictures out.

    A subclass makes and builds its layers in `__init__`, then implements `synthesise`.

    Args:
        num_ids: Number of ids of each attribute, "not given" included; empty for an unconditional network.
        image_size: Height and width of the pictures in pixels.
        channels: 3 for colour, 1 for grey.
        latent_dim: Length of the latent vectors.
        embedding_dim: Length of the condition vectors.
        **kwargs: Arguments of `keras.Model`, such as `dtype="mixed_bfloat16"`.

    Call arguments:
        inputs: `{"latents": [batch, latent_dim], "conditions": [batch, len(num_ids)]}`.
        training: Whether to normalise by the statistics of the batch.

    Output shape: `[batch, image_size, image_size, channels]`, float32 in -1 to 1.
    """

    def __init__(self, num_ids, image_size, channels, latent_dim, embedding_dim, **kwargs):
        super().__init__(num_ids, image_size, channels, **kwargs)
        check_counts(latent_dim=latent_dim, embedding_dim=embedding_dim)
        self.latent_dim = latent_dim
        self.embedding_dim = embedding_dim
        if self.conditional:
            self.embedding = ConditionEmbedding(num_ids, embedding_dim, name="embedding", dtype=self.dtype_policy)
            self.embedding.build((None, len(self.num_ids)))

    @property
    def style_dim(self):
        """Length of latents and condition vector together."""
        return self.latent_dim + (self.embedding_dim if self.conditional else 0)

    def embed(self, conditions):
        """Condition ids `[batch, attributes]` to vectors `[batch, embedding_dim]` (width 0 if unconditional)."""
        if not self.conditional:
            return ops.zeros((ops.shape(conditions)[0], 0), self.compute_dtype)
        return self.embedding(conditions)

    def call(self, inputs, training=False):
        """Draw pictures."""
        return self.synthesise(inputs["latents"], self.embed(inputs["conditions"]), training=training)

    def synthesise(self, latents, embedding, training=False):
        """Pictures from latents `[batch, latent_dim]` and condition vectors, which may lie between two ids."""
        raise NotImplementedError(f"{type(self).__name__} must implement synthesise.")

    def style(self, latents, embedding):
        """Latents and condition vector as one vector `[batch, style_dim]`, in the compute type."""
        latents = ops.cast(latents, self.compute_dtype)
        if not self.conditional:
            return latents
        return ops.concatenate([latents, ops.cast(embedding, self.compute_dtype)], axis=-1)

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "latent_dim": self.latent_dim, "embedding_dim": self.embedding_dim}


class Discriminator(_Network):
    """Base of the discriminators: pictures and condition ids in, one logit a picture out.

    Args:
        num_ids: Number of ids of each attribute, "not given" included; empty for an unconditional network.
        image_size: Height and width of the pictures in pixels.
        channels: 3 for colour, 1 for grey.
        **kwargs: Arguments of `keras.Model`, such as `dtype="mixed_bfloat16"`.

    Call arguments:
        inputs: `{"images": [batch, image_size, image_size, channels], "conditions": [batch, len(num_ids)]}`,
            images in -1 to 1.
        training: Whether dropout, batch normalisation and spectral normalisation are in training mode.

    Output shape: `[batch]`, float32; the larger, the more real.
    """


def check_image_size(family, image_size, smallest, largest, also=()):
    """Refuse a size the family cannot make.

    Raises:
        RecipeError: If `image_size` is neither a power of two between `smallest` and `largest` nor in `also`.
    """
    power_of_two = image_size & (image_size - 1) == 0
    if not (image_size in also or (power_of_two and smallest <= image_size <= largest)):
        sizes = [*also, *(2**k for k in range(smallest.bit_length() - 1, largest.bit_length()))]
        raise RecipeError(
            f"{family} makes pictures of {', '.join(map(str, sizes))} pixels. Received: image_size={image_size}"
        )


def check_choice(option, value, choices):
    """Refuse an option value that does not exist.

    Raises:
        RecipeError: If `value` is not in `choices`.
    """
    if value not in choices:
        raise RecipeError(f"{option} must be one of {', '.join(map(repr, choices))}. Received: {value!r}")


def check_counts(least=1, **options):
    """Refuse options that count something and are no whole numbers of at least `least`.

    Raises:
        RecipeError: If one is not.
    """
    for option, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise RecipeError(f"{option} must be a whole number of at least {least}. Received: {value!r}")


def make_head(num_ids, features):
    """The layers of a projection head, built: see `project`."""
    linear = keras.layers.Dense(1, name="head", dtype="float32")
    linear.build((None, features))
    if not num_ids:
        return linear, None
    embedding = ConditionEmbedding(num_ids, features, name="projection", dtype="float32")
    embedding.build((None, len(num_ids)))
    return linear, embedding


def project(features, conditions, linear, embedding):
    """One logit a picture: a linear, unconditional term and the inner product with the condition's vector.

    Args:
        features: `[batch, features]`.
        conditions: `[batch, attributes]` ids.
        linear: Dense layer of one unit.
        embedding: `ConditionEmbedding` of as many dimensions as features, or `None` if unconditional.

    Returns:
        Logits `[batch]`, float32.

    Reference:
        Miyato and Koyama, 2018, cGANs with Projection Discriminator, https://arxiv.org/abs/1802.05637
    """
    features = ops.cast(features, "float32")
    logits = linear(features)[:, 0]
    if embedding is None:
        return logits
    scale = features.shape[-1] ** -0.5
    return logits + scale * ops.sum(features * embedding(conditions), axis=-1)
