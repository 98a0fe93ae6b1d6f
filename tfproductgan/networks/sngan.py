"""The SNGAN family: residual networks, spectral normalisation and a projection head, for 28 to 256 pixels.

The generator's batch normalisations have gains and biases of the condition; the discriminator is spectrally normalised
throughout, the vectors of its conditions too. With attention both look around in a map of a chosen size (SAGAN).

Unlike in the authors' code, https://github.com/pfnet-research/sngan_projection, a condition may have several parts,
whose gains and biases add up, and the generator has no biases that a normalisation takes away again. Networks for 28
pixels, which the papers have none for, are those for 32 with one stage less.

References:
    Miyato et al., 2018, Spectral Normalization for Generative Adversarial Networks, https://arxiv.org/abs/1802.05957;
    Miyato and Koyama, 2018, cGANs with Projection Discriminator, https://arxiv.org/abs/1802.05637; Zhang et al.,
    2019, Self-Attention Generative Adversarial Networks, https://arxiv.org/abs/1805.08318
"""

from __future__ import annotations

import itertools
import math

import keras
from keras import layers, ops

from tfproductgan.layers.batch_normalization import BatchNormalization
from tfproductgan.layers.condition_embedding import ConditionEmbedding
from tfproductgan.layers.convolution import Conv2D
from tfproductgan.layers.self_attention import SelfAttention
from tfproductgan.layers.spectral_normalization import SpectralNormalization
from tfproductgan.layers.upsample_conv import UpsampleConv2D
from tfproductgan.networks.base import (
    Discriminator,
    Generator,
    averaged,
    build,
    check_choice,
    check_counts,
    check_image_size,
    enlarged,
    modulated,
    project,
    smallest_map,
)

# channels from the smallest map to the picture, as multiples of the width
_MULTIPLES = {
    28: (1, 1, 1),
    32: (1, 1, 1, 1),
    64: (16, 8, 4, 2, 1),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
}
# of the discriminator; its last blocks keep the size
_HALVINGS = {28: 2, 32: 2, 64: 5, 128: 5, 256: 6}


def _checked(image_size, width):
    """Refuse what neither network can be; the width, that for CPUs if none is given."""
    check_image_size("sngan", image_size)
    width = (64 if image_size <= 32 else 16) if width is None else width
    check_counts(width=width)
    return width


def _glorot(gain=1.0):
    """Glorot's uniform initialiser, of weights `gain` times as large. One a layer: used twice it repeats itself."""
    return keras.initializers.VarianceScaling(gain**2, "fan_avg", "uniform")


# === Generator ===


@keras.saving.register_keras_serializable(package="tfproductgan")
class SNGANGenerator(Generator):
    """Dense stem, then a residual block for each doubling of size.

    What a condition is turned into are the gains and biases of all normalisations of the blocks.

    Args:
        num_ids, channels, latent_dim: See `Generator`.
        image_size: 28, 32, 64, 128 or 256. Defaults to 64.
        width: Channels of the last stage; above 32 pixels the stages before have up to sixteen times as many. Defaults
            to 64 up to 32 pixels and to 16 above, for CPUs; the papers have 256 and 64.
        attention: Height of the map that attends to itself, 8, 16 … up to the picture's; 0 for none. Defaults to 0.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `Generator`.

    Raises:
        RecipeError: If the size or such a map does not exist, or a number cannot be.
    """

    def __init__(self, num_ids, image_size=64, channels=3, latent_dim=128, width=None, attention=0, **kwargs):
        width = _checked(image_size, width)
        widths = [width * multiple for multiple in _MULTIPLES[image_size]]
        side = smallest_map(image_size)
        check_choice("attention", attention, (0, *(side * 2**stage for stage in range(1, len(widths)))))
        # each block normalises what comes in and what its first convolution makes
        self._normalised = [channels for pair in itertools.pairwise(widths) for channels in pair]
        super().__init__(num_ids, image_size, channels, latent_dim, 2 * sum(self._normalised), **kwargs)
        self.width, self.attention = width, attention
        if self.conditional:
            # gains start near 1, see `modulated`: apart enough for conditions to tell in a short training
            self.embedding.scale(0.3)
        self._stem_shape = (side, side, widths[0])
        self._make_layers(widths)
        self.built = True

    @classmethod
    def argument_names(cls):
        """Names of what the constructor takes: the length of condition vectors follows from the widths."""
        return [name for name in super().argument_names() if name != "embedding_dim"]

    def _make_layers(self, widths):
        policy = self.dtype_policy
        self.stem = layers.Dense(math.prod(self._stem_shape), name="stem", dtype=policy)
        self.stem.build((None, self.latent_dim))
        shape, self.blocks, self.attend = (None, *self._stem_shape), [], None
        for stage, filters in enumerate(widths[1:]):
            self.blocks.append(_UpBlock(filters, self.conditional, name=f"block_{stage}", dtype=policy))
            shape = build(self.blocks[-1], shape)
            if shape[1] == self.attention:
                self.attend = SelfAttention(name="attention", dtype=policy)
                self.attend.build(shape)
        self.norm = _norm("norm", policy)
        self.norm.build(shape)
        # float32, for smooth colours and exact gradients
        self.to_rgb = Conv2D(
            self.channels,
            3,
            padding="same",
            activation="tanh",
            data_format="channels_last",
            name="to_rgb",
            dtype="float32",
        )
        self.to_rgb.build(shape)

    @property
    def latent_layers(self):
        """The stem."""
        return [self.stem]

    def synthesise(self, latents, embedding, training=False):
        """Pictures from latents `[batch, latent_dim]` and gains and biases `[batch, embedding_dim]`."""
        x = ops.reshape(self.stem(ops.cast(latents, self.compute_dtype)), (-1, *self._stem_shape))
        modulations = iter(self._modulations(embedding))
        for block in self.blocks:
            x = block(x, next(modulations), next(modulations), training=training)
            if x.shape[1] == self.attention:
                x = self.attend(x, training=training)
        return self.to_rgb(ops.relu(self.norm(x, training=training)))

    def _modulations(self, embedding):
        """What each normalisation is multiplied by, less 1, and what is added to it, as one tensor."""
        if not self.conditional:
            return [None] * len(self._normalised)
        embedding = ops.cast(embedding, self.compute_dtype)[:, None, None, :]
        ends = [2 * sum(self._normalised[: index + 1]) for index in range(len(self._normalised) - 1)]
        return ops.split(embedding, ends, axis=-1)


class _UpBlock(layers.Layer):
    """Normalise, activate and convolve twice, doubling the size at the first; beside it a 1x1 convolution."""

    def __init__(self, filters, conditional, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.conditional = filters, conditional

    def build(self, input_shape):
        policy = self.dtype_policy
        wide = (input_shape[0], 2 * input_shape[1], 2 * input_shape[2], self.filters)
        self.norms = [_norm(f"norm_{index}", policy, not self.conditional) for index in range(2)]
        # no biases: what is the same all over a channel the next normalisations take away, also on the way around
        options = {"use_bias": False, "dtype": policy}
        self.up = UpsampleConv2D(self.filters, "nearest", name="conv_0", **options)
        options |= {"padding": "same", "data_format": "channels_last"}
        self.conv = Conv2D(self.filters, 3, kernel_initializer=_glorot(2**0.5), name="conv_1", **options)
        self.shortcut = Conv2D(self.filters, 1, name="shortcut", **options)
        for layer, shape in zip(
            [*self.norms, self.up, self.conv, self.shortcut],
            [input_shape, wide, input_shape, wide, input_shape],
            strict=True,
        ):
            layer.build(shape)
        self.built = True

    def call(self, inputs, first, second, training=False):
        x = self.up(ops.relu(modulated(self.norms[0](inputs, training=training), first)))
        x = self.conv(ops.relu(modulated(self.norms[1](x, training=training), second)))
        # repeated pixels through a 1x1 convolution are those of the small map through it, repeated
        return x + enlarged(self.shortcut(inputs))

    def compute_output_shape(self, input_shape, *_):
        return (input_shape[0], 2 * input_shape[1], 2 * input_shape[2], self.filters)


def _norm(name, dtype, affine=True):
    return BatchNormalization(epsilon=2e-5, center=affine, scale=affine, name=name, dtype=dtype)


# === Discriminator ===


@keras.saving.register_keras_serializable(package="tfproductgan")
class SNGANDiscriminator(Discriminator):
    """Residual blocks down to a small map, the sum over it, then a projection head; all spectrally normalised.

    Args:
        num_ids, channels: See `Discriminator`.
        image_size: 28, 32, 64, 128 or 256. Defaults to 64.
        width: Channels of the first block; above 32 pixels the last have sixteen times as many. Defaults to 64 up to 32
            pixels and to 16 above, for CPUs; the papers have 128 and 64.
        attention: Height of the map that attends to itself, half the picture's, a quarter …; 0 for none. Defaults to 0.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `Discriminator`.

    Raises:
        RecipeError: If the size or such a map does not exist, or a number cannot be.
    """

    conditions_last = True

    def __init__(self, num_ids, image_size=64, channels=3, width=None, attention=0, **kwargs):
        width = _checked(image_size, width)
        halvings = _HALVINGS[image_size]
        sides = [side for side in (image_size >> stage for stage in range(1, halvings + 1)) if side % 2 == 0]
        check_choice("attention", attention, (0, *sides))
        super().__init__(num_ids, image_size, channels, **kwargs)
        self.width, self.attention = width, attention
        policy = self.dtype_policy
        shape, self.blocks, self.attend = (None, image_size, image_size, channels), [], None
        for stage, multiple in enumerate(reversed(_MULTIPLES[image_size])):
            halves = stage < halvings
            block = _DownBlock(width * multiple, stage == 0, halves, name=f"block_{stage}", dtype=policy)
            shape = build(block, shape)
            self.blocks.append(block)
            if halves and shape[1] == attention:
                self.attend = SelfAttention(name="attention", dtype=policy)
                self.attend.build(shape)
        self._make_head(shape[-1])
        self.built = True

    def _make_head(self, features):
        linear = layers.Dense(1, use_bias=False, name="linear", dtype="float32")
        self.head = SpectralNormalization(linear, name="head", dtype="float32")
        self.head.build((None, features))
        self.projection = None
        if self.conditional:
            vectors = ConditionEmbedding(self.num_ids, features, initializer=_glorot(), name="vectors", dtype="float32")
            self.projection = SpectralNormalization(vectors, use_bias=False, name="projection", dtype="float32")
            self.projection.build((None, len(self.num_ids)))

    def call(self, inputs, training=False):
        """Judge pictures."""
        x = ops.cast(inputs["images"], self.compute_dtype)
        attended = self.attend is None
        for block in self.blocks:
            x = block(x, training=training)
            if not attended and x.shape[1] == self.attention:
                x, attended = self.attend(x, training=training), True
        features = ops.sum(ops.cast(ops.relu(x), "float32"), axis=(1, 2))
        # `project` divides by this root, which spectral normalisation leaves no need for
        root = features.shape[-1] ** 0.5
        embedding = self.projection and (lambda ids: root * self.projection(ids, training=training))
        return project(features, inputs["conditions"], lambda x: self.head(x, training=training), embedding)


class _DownBlock(layers.Layer):
    """Activate and convolve twice, then average if the size is to be halved; beside it a 1x1 convolution if need be."""

    def __init__(self, filters, first, halves, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.first, self.halves = filters, first, halves

    def build(self, input_shape):
        channels = input_shape[-1]
        hidden = (*input_shape[:-1], self.filters if self.first else channels)
        self.convs = [
            self._make(hidden[-1], 3, "conv_0", input_shape),
            self._make(self.filters, 3, "conv_1", hidden),
        ]
        changes = self.halves or channels != self.filters
        self.shortcut = self._make(self.filters, 1, "shortcut", input_shape) if changes else None
        self.built = True

    def _make(self, filters, side, name, shape):
        conv = Conv2D(
            filters,
            side,
            padding="same",
            use_bias=False,
            data_format="channels_last",
            kernel_initializer=_glorot(2**0.5 if side > 1 else 1.0),
            name="conv",
            dtype=self.dtype_policy,
        )
        normalised = SpectralNormalization(conv, name=name, dtype=self.dtype_policy)
        normalised.build(shape)
        return normalised

    def call(self, inputs, training=False):
        # pixels are no features yet, which could be below zero
        x = inputs if self.first else ops.relu(inputs)
        x = self.convs[1](ops.relu(self.convs[0](x, training=training)), training=training)
        if self.shortcut is None:
            return x + inputs
        # averages of a 1x1 convolution are those of the inputs through it
        return self._pooled(x) + self.shortcut(self._pooled(inputs), training=training)

    def _pooled(self, x):
        return averaged(x) if self.halves else x

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, height // 2, width // 2, self.filters) if self.halves else (batch, height, width, self.filters)


NETWORKS = {"generator": SNGANGenerator, "discriminator": SNGANDiscriminator}
