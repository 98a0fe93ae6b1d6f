"""The VAE family: a convolutional encoder and decoder for 28 pixels and powers of two up to 256.

Group normalisation keeps pictures apart, so a picture does not depend on its batch. The decoder knows how far photos
scatter around what it draws: one learned scale for all pixels.

References:
    Kingma and Welling, 2014, Auto-Encoding Variational Bayes, https://arxiv.org/abs/1312.6114; Sohn et al., 2015,
    Learning Structured Output Representation using Deep Conditional Generative Models; Rybkin et al., 2021, Simple and
    Effective VAE Training with Calibrated Decoders, https://arxiv.org/abs/2006.13202 (the shared scale)
"""

from __future__ import annotations

import keras
from keras import layers, ops

from tfproductgan.layers.convolution import Conv2D
from tfproductgan.layers.upsample_conv import UpsampleConv2D
from tfproductgan.networks.base import (
    Encoder,
    Generator,
    build,
    check_counts,
    check_image_size,
    num_doublings,
    smallest_map,
)

_GROUPS = 8  # of channels that are normalised together; widths are multiples of it
_MAX_LOG_VARIANCE = 10.0


def _widths(image_size, width, max_width):
    """Channels of each halving of size, from the picture on."""
    check_image_size("vae", image_size)
    check_counts(width=width, max_width=max_width)
    return [_GROUPS * max(1, min(max_width, width * 2**k) // _GROUPS) for k in range(num_doublings(image_size))]


@keras.saving.register_keras_serializable(package="tfproductgan")
class VAEEncoder(Encoder):
    """Strided convolutions, then two dense layers beside the condition: means and variances of the latents.

    Args:
        num_ids, channels, latent_dim: See `Encoder`.
        image_size: 28, 32, 64, 128 or 256. Defaults to 64.
        embedding_dim: Length of the condition vectors. Defaults to 64.
        width: Channels of the first stage, a multiple of 8; each further one has twice as many. Defaults to 32.
        max_width: Upper limit of the channels of a stage. Defaults to 256.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output: see `Encoder`.

    Raises:
        RecipeError: If the size does not exist or a number cannot be.
    """

    def __init__(
        self, num_ids, image_size=64, channels=3, latent_dim=64, embedding_dim=64, width=32, max_width=256, **kwargs
    ):
        widths = _widths(image_size, width, max_width)
        super().__init__(num_ids, image_size, channels, latent_dim, **kwargs)
        self.embedding_dim, self.width, self.max_width = embedding_dim, width, max_width
        policy = self.dtype_policy
        shape = (None, image_size, image_size, channels)
        self.convs, self.norms = [], []
        for stage, filters in enumerate(widths):
            conv = Conv2D(
                filters,
                4,
                2,
                "same",
                data_format="channels_last",
                kernel_initializer="he_normal",
                name=f"conv_{stage}",
                dtype=policy,
            )
            norm = layers.GroupNormalization(_GROUPS, name=f"norm_{stage}", dtype=policy)
            shape = build(conv, shape)
            norm.build(shape)
            self.convs.append(conv)
            self.norms.append(norm)
        features = shape[1] * shape[2] * shape[3]
        self.embedding = self.make_embedding(embedding_dim)
        features += embedding_dim if self.conditional else 0
        self.mean = layers.Dense(latent_dim, name="mean", dtype="float32")
        # variances start near 1, those of the prior
        self.log_variance = layers.Dense(latent_dim, kernel_initializer="zeros", name="log_variance", dtype="float32")
        for head in (self.mean, self.log_variance):
            head.build((None, features))
        self.built = True

    def call(self, inputs, training=False):
        """Means and logarithms of variances."""
        x = ops.cast(inputs["images"], self.compute_dtype)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = ops.silu(norm(conv(x)))
        x = ops.reshape(x, (-1, self.mean.kernel.shape[0] - (self.embedding_dim if self.conditional else 0)))
        if self.conditional:
            x = ops.concatenate([x, self.embedding(inputs["conditions"])], axis=-1)
        log_variance = ops.clip(self.log_variance(x), -_MAX_LOG_VARIANCE, _MAX_LOG_VARIANCE)
        return self.mean(x), log_variance


@keras.saving.register_keras_serializable(package="tfproductgan")
class VAEDecoder(Generator):
    """Dense stem, then upsampling and convolution a stage.

    Args:
        num_ids, channels, latent_dim, embedding_dim: See `Generator`.
        image_size: 28, 32, 64, 128 or 256. Defaults to 64.
        width: Channels of the last stage, a multiple of 8; those before have two, four … times as many. Defaults to 32.
        max_width: Upper limit of the channels of a stage. Defaults to 256.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `Generator`.

    Attributes:
        log_scale: Logarithm of how far photos scatter around what is drawn, a scalar weight.

    Raises:
        RecipeError: If the size does not exist or a number cannot be.
    """

    def __init__(
        self, num_ids, image_size=64, channels=3, latent_dim=64, embedding_dim=64, width=32, max_width=256, **kwargs
    ):
        widths = _widths(image_size, width, max_width)[::-1]
        super().__init__(num_ids, image_size, channels, latent_dim, embedding_dim, **kwargs)
        self.width, self.max_width = width, max_width
        policy, side = self.dtype_policy, smallest_map(image_size)
        self.log_scale = self.add_weight(
            name="log_scale", shape=(), initializer=keras.initializers.Constant(-1.0), dtype="float32"
        )
        self._stem_shape = (side, side, widths[0])
        self.stem = layers.Dense(side * side * widths[0], kernel_initializer="he_normal", name="stem", dtype=policy)
        self.stem.build((None, self.style_dim))
        shape = (None, *self._stem_shape)
        self.convs, self.norms = [], []
        for stage, filters in enumerate(widths):
            norm = layers.GroupNormalization(_GROUPS, name=f"norm_{stage}", dtype=policy)
            conv = UpsampleConv2D(filters, "nearest", name=f"conv_{stage}", dtype=policy)
            norm.build(shape)
            shape = build(conv, shape)
            self.norms.append(norm)
            self.convs.append(conv)
        # float32, for smooth colours and likelihoods
        self.to_rgb = Conv2D(
            channels, 3, padding="same", data_format="channels_last", activation="tanh", name="to_rgb", dtype="float32"
        )
        self.to_rgb.build(shape)
        self.built = True

    @property
    def latent_layers(self):
        """The stem."""
        return [self.stem]

    def synthesise(self, latents, embedding, training=False):
        """Pictures from latents `[batch, latent_dim]` and condition vectors `[batch, embedding_dim]`."""
        x = ops.reshape(self.stem(self.style(latents, embedding)), (-1, *self._stem_shape))
        for norm, conv in zip(self.norms, self.convs, strict=True):
            x = conv(ops.silu(norm(x)))
        return self.to_rgb(ops.silu(x))


NETWORKS = {"encoder": VAEEncoder, "decoder": VAEDecoder}
