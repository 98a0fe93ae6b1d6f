"""The fully connected family: the first GAN and conditional GAN.

References:
    Goodfellow et al., 2014, Generative Adversarial Nets, https://arxiv.org/abs/1406.2661; Mirza and Osindero,
    2014, Conditional Generative Adversarial Nets, https://arxiv.org/abs/1411.1784
"""

from __future__ import annotations

import keras
from keras import layers, ops

from tfproductgan.layers.batch_normalization import BatchNormalization
from tfproductgan.layers.spectral_normalization import SpectralNormalization
from tfproductgan.networks.base import (
    Discriminator,
    Generator,
    check_choice,
    make_head,
    project,
)

FORMS = ("modern", "classic")


# === Generator ===


@keras.saving.register_keras_serializable(package="tfproductgan")
class MLPGenerator(Generator):
    """Dense layers with batch normalisation and leaky ReLU, then one that draws all pixels.

    Args:
        num_ids, channels, latent_dim, embedding_dim: See `Generator`.
        image_size: Height and width of the pictures in pixels. Defaults to 28.
        widths: Units of the layers. Defaults to `(256, 512, 1024)`.
        l2: Weight of an L2 regulariser on the kernels. Defaults to 0.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `Generator`.
    """

    def __init__(
        self,
        num_ids,
        image_size=28,
        channels=3,
        latent_dim=64,
        embedding_dim=64,
        widths=(256, 512, 1024),
        l2=0.0,
        **kwargs,
    ):
        super().__init__(num_ids, image_size, channels, latent_dim, embedding_dim, **kwargs)
        self.widths, self.l2 = tuple(widths), l2
        regulariser = keras.regularizers.L2(l2) if l2 else None
        shape = (None, self.style_dim)
        self.hidden, self.norms = [], []
        for stage, units in enumerate(self.widths):
            dense = layers.Dense(units, kernel_regularizer=regulariser, name=f"dense_{stage}", dtype=self.dtype_policy)
            norm = BatchNormalization(name=f"norm_{stage}", dtype=self.dtype_policy)
            dense.build(shape)
            shape = (None, units)
            norm.build(shape)
            self.hidden.append(dense)
            self.norms.append(norm)
        self.to_pixels = layers.Dense(
            image_size * image_size * channels, activation="tanh", name="to_pixels", dtype="float32"
        )
        self.to_pixels.build(shape)
        self.built = True

    @property
    def latent_layers(self):
        """The first."""
        return self.hidden[:1] or [self.to_pixels]

    def synthesise(self, latents, embedding, training=False):
        """Pictures from latents `[batch, latent_dim]` and condition vectors `[batch, embedding_dim]`."""
        x = self.style(latents, embedding)
        for dense, norm in zip(self.hidden, self.norms, strict=True):
            x = ops.leaky_relu(norm(dense(x), training=training), 0.2)
        return ops.reshape(self.to_pixels(x), (-1, self.image_size, self.image_size, self.channels))


# === Discriminator ===


@keras.saving.register_keras_serializable(package="tfproductgan")
class MLPDiscriminator(Discriminator):
    """Dense layers with leaky ReLU over all pixels, then one logit.

    Args:
        num_ids, channels: See `Discriminator`.
        image_size: Height and width of the pictures in pixels. Defaults to 28.
        widths: Units of the layers. Defaults to `(1024, 512, 256)`.
        form: `"modern"` (projection head) or `"classic"` (condition beside the pixels). Defaults to `"modern"`.
        spectral_normalization: Whether to normalise the kernels spectrally. Defaults to `False`.
        dropout: Share of features dropped after each layer. Defaults to 0.
        l2: Weight of an L2 regulariser on the kernels. Defaults to 0.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `Discriminator`.

    Raises:
        RecipeError: If the form does not exist.
    """

    def __init__(
        self,
        num_ids,
        image_size=28,
        channels=3,
        widths=(1024, 512, 256),
        form="modern",
        spectral_normalization=False,
        dropout=0.0,
        l2=0.0,
        **kwargs,
    ):
        check_choice("form", form, FORMS)
        super().__init__(num_ids, image_size, channels, **kwargs)
        self.widths, self.form = tuple(widths), form
        self.spectral_normalization, self.dropout, self.l2 = spectral_normalization, dropout, l2
        features = image_size * image_size * channels
        self.embedding = self.make_embedding(64) if form == "classic" else None
        features += 64 if self.embedding is not None else 0
        self.hidden, self.dropouts = [], []
        for stage, units in enumerate(self.widths):
            self._add_stage(stage, units, features)
            features = units
        head_ids = self.num_ids if form == "modern" else ()
        self.head, self.projection = make_head(head_ids, features)
        self.built = True

    def _add_stage(self, stage, units, features):
        dense = layers.Dense(
            units,
            use_bias=not self.spectral_normalization,
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.L2(self.l2) if self.l2 else None,
            name=f"dense_{stage}",
            dtype=self.dtype_policy,
        )
        if self.spectral_normalization:
            dense = SpectralNormalization(dense, name=f"spectral_{stage}", dtype=self.dtype_policy)
        dense.build((None, features))
        self.hidden.append(dense)
        self.dropouts.append(
            layers.Dropout(self.dropout, name=f"dropout_{stage}", dtype=self.dtype_policy) if self.dropout else None
        )

    @property
    def conditions_last(self):
        """Whether conditions come in at the head alone."""
        return self.form == "modern"

    def call(self, inputs, training=False):
        """Judge pictures."""
        pixels = self.image_size * self.image_size * self.channels
        x = ops.cast(ops.reshape(inputs["images"], (-1, pixels)), self.compute_dtype)
        if self.embedding is not None:
            x = ops.concatenate([x, self.embedding(inputs["conditions"])], axis=-1)
        for dense, dropout in zip(self.hidden, self.dropouts, strict=True):
            x = dense(x, training=training) if self.spectral_normalization else dense(x)
            x = ops.leaky_relu(x, 0.2)
            x = dropout(x, training=training) if dropout is not None else x
        return project(x, inputs["conditions"], self.head, self.projection)


NETWORKS = {"generator": MLPGenerator, "discriminator": MLPDiscriminator}
