"""The ProGAN family: networks that start with small pictures and grow, for 28 pixels and powers of two from 32 to 1024.

Each size has layers of its own between features and pictures, so a generator can draw, and a discriminator judge, at
any of them, and halfway between two: pictures of the smaller one, repeated, fade into those of the larger. Pictures are
of full size all the time. How far the networks have grown is their weight `level`; a training moves it, see
`models/growing.py`.

Unlike in the authors' code, https://github.com/tkarras/progressive_growing_of_gans, conditions go in as vectors, which
may be partial, and the discriminator has a projection head in the place of a classifier.

Reference:
    Karras et al., 2018, Progressive Growing of GANs for Improved Quality, Stability, and Variation,
    https://arxiv.org/abs/1710.10196
"""

from __future__ import annotations

import keras
from keras import ops

from tfproductgan.layers.equalised import EqualisedConv2D, EqualisedDense, EqualisedUpsampleConv2D
from tfproductgan.layers.minibatch_deviation import MinibatchDeviation
from tfproductgan.networks.base import (
    Discriminator,
    Generator,
    Stages,
    averaged,
    build,
    check_counts,
    check_image_size,
    enlarged,
    normalised,
    project,
)

_CONV = {"padding": "same", "data_format": "channels_last"}


class _Growing(Stages):
    """Put before a base of networks: what both know of their sizes.

    Attributes:
        level: A weight: the number of the size that pictures have, or between two how far the larger has faded in.
        stage: Number of the largest size that is computed in training: what is beyond the level costs nothing.
    """

    def _make_level(self):
        self.stage = len(self.sides) - 1
        # of an average, too, it is what it is: no mean of what it has been
        self.level = self.add_weight(
            name="level",
            shape=(),
            initializer=keras.initializers.Constant(self.stage),
            dtype="float32",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    def _mixed(self, stage, coarser, finer):
        """What belongs to a stage: the finer as far as it has faded in, and the coarser."""
        share = ops.clip(ops.convert_to_tensor(self.level) - (stage - 1.0), 0.0, 1.0)
        share = ops.cast(share, finer.dtype)
        return share * finer + (1.0 - share) * coarser

    def _conv(self, filters, side, shape, name, gain=2**0.5, dtype=None):
        conv = EqualisedConv2D(filters, side, gain=gain, name=name, dtype=dtype or self.dtype_policy, **_CONV)
        return conv, build(conv, shape)


def _checked(image_size, width, max_width):
    check_image_size("progan", image_size, largest=1024)
    check_counts(width=width, max_width=max_width)


# === Generator ===


@keras.saving.register_keras_serializable(package="tfproductgan")
class ProGANGenerator(_Growing, Generator):
    """Dense stem and a convolution, then upsampling and two convolutions a stage; each pixel's features are normalised.

    Latents are brought to one length before truncation.

    Args:
        num_ids, channels, latent_dim, embedding_dim: See `Generator`.
        image_size: 28, 32, 64 … 1024. Defaults to 64.
        width: Channels of the last stage; the stages before have two, four … times as many. Defaults to 32; the paper
            has 512 up to 32 pixels, then 256, 128 …
        max_width: Upper limit of the channels of a stage. Defaults to 128, for CPUs; the paper has 512.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `Generator`; in training pictures may go beyond -1 to 1.

    Raises:
        RecipeError: If the size does not exist, or a number cannot be.
    """

    def __init__(
        self,
        num_ids,
        image_size=64,
        channels=3,
        latent_dim=64,
        embedding_dim=64,
        width=32,
        max_width=128,
        **kwargs,
    ):
        _checked(image_size, width, max_width)
        super().__init__(num_ids, image_size, channels, latent_dim, embedding_dim, **kwargs)
        self.width, self.max_width = width, max_width
        self._make_level()
        self._make_layers()
        self.built = True

    def _make_layers(self):
        side, channels = self.sides[0], self.stage_widths[0]
        # as if it were a convolution of one pixel, whose gain is shared by all it makes
        self.stem = EqualisedDense(
            side * side * channels, use_bias=False, gain=2**0.5 / side, name="stem", dtype=self.dtype_policy
        )
        self.stem.build((None, self.style_dim))
        self.stem_bias = self.add_weight(name="stem_bias", shape=(channels,), initializer="zeros")
        shape, self.convs, self.to_rgb = (None, side, side, channels), [], []
        for stage, filters in enumerate(self.stage_widths):
            convs = []
            if stage:
                convs.append(EqualisedUpsampleConv2D(filters, "nearest", name=f"up_{stage}", dtype=self.dtype_policy))
                shape = build(convs[0], shape)
            conv, shape = self._conv(filters, 3, shape, f"conv_{stage}")
            self.convs.append([*convs, conv])
            # float32, for smooth colours and exact gradients
            self.to_rgb.append(self._conv(self.channels, 1, shape, f"to_rgb_{stage}", 1.0, "float32")[0])

    @property
    def latent_layers(self):
        """The stem."""
        return [self.stem]

    def style_of(self, latents, embedding, truncation=None):
        """See `Generator.style_of`."""
        return super().style_of(normalised(latents), embedding, truncation)

    def synthesise(self, latents, embedding, training=False):
        """Pictures from latents `[batch, latent_dim]` of one length and condition vectors `[batch, embedding_dim]`."""
        x = self.stem(self.style(latents, embedding))
        x = ops.reshape(x, (-1, self.sides[0], self.sides[0], self.stage_widths[0])) + self.stem_bias
        x = _activated(x)
        last, pictures = self.stage if training else len(self.sides) - 1, None
        for stage in range(last + 1):
            for conv in self.convs[stage]:
                x = _activated(conv(x))
            drawn = self.to_rgb[stage](x)
            pictures = drawn if pictures is None else self._mixed(stage, enlarged(pictures), drawn)
        pictures = enlarged(pictures, self.image_size // self.sides[last])
        return pictures if training else ops.clip(pictures, -1.0, 1.0)


def _activated(x):
    return normalised(ops.leaky_relu(x, 0.2))


# === Discriminator ===


@keras.saving.register_keras_serializable(package="tfproductgan")
class ProGANDiscriminator(_Growing, Discriminator):
    """The generator's mirror: two convolutions and an average a stage, at last the deviation within the batch.

    Args:
        num_ids, channels: See `Discriminator`.
        image_size, width, max_width: See `ProGANGenerator`.
        group: Pictures of which the deviation is taken, see `MinibatchDeviation`; 1 for none. Defaults to 4.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `Discriminator`.

    Raises:
        RecipeError: If the size does not exist, or a number cannot be.
    """

    conditions_last = True

    def __init__(self, num_ids, image_size=64, channels=3, width=32, max_width=128, group=4, **kwargs):
        _checked(image_size, width, max_width)
        check_counts(group=group)
        super().__init__(num_ids, image_size, channels, **kwargs)
        self.width, self.max_width, self.group = width, max_width, group
        self._make_level()
        self._make_layers()
        self.built = True

    def _make_layers(self):
        self.convs, self.from_rgb = [], []
        for stage, (side, filters) in enumerate(zip(self.sides, self.stage_widths, strict=True)):
            from_rgb, shape = self._conv(filters, 1, (None, side, side, self.channels), f"from_rgb_{stage}")
            self.from_rgb.append(from_rgb)
            if stage:
                first, shape = self._conv(filters, 3, shape, f"conv_{stage}")
                self.convs.append([first, self._conv(self.stage_widths[stage - 1], 3, shape, f"down_{stage}")[0]])
                continue
            self.deviation = MinibatchDeviation(self.group, name="deviation", dtype=self.dtype_policy)
            conv, shape = self._conv(filters, 3, build(self.deviation, shape), "conv_0")
            self.convs.append([conv])
            self.dense = EqualisedDense(filters, name="dense", dtype=self.dtype_policy)
            self.dense.build((None, side * side * filters))
        features = self.stage_widths[0]
        self.head = EqualisedDense(1, gain=1.0, name="head", dtype="float32")
        self.head.build((None, features))
        self.projection = self.make_embedding(features, "projection", dtype="float32")

    def call(self, inputs, training=False):
        """Judge pictures."""
        last = self.stage if training else len(self.sides) - 1
        pictures = averaged(inputs["images"], self.image_size // self.sides[last])
        x = self._features(last, pictures)
        for stage in range(last, 0, -1):
            for conv in self.convs[stage]:
                x = ops.leaky_relu(conv(x), 0.2)
            pictures = averaged(pictures)
            x = self._mixed(stage, self._features(stage - 1, pictures), averaged(x))
        x = ops.leaky_relu(self.convs[0][0](self.deviation(x)), 0.2)
        x = ops.reshape(x, (-1, x.shape[1] * x.shape[2] * x.shape[3]))
        features = ops.leaky_relu(self.dense(x), 0.2)
        return project(features, inputs["conditions"], self.head, self.projection)

    def _features(self, stage, pictures):
        return ops.leaky_relu(self.from_rgb[stage](ops.cast(pictures, self.compute_dtype)), 0.2)

    def at_level(self, images):
        """Photos as coarse as the generator draws now."""
        levels = [averaged(images, self.image_size // side) for side in self.sides[: self.stage + 1]]
        pictures = levels[0]
        for stage, finer in enumerate(levels[1:], 1):
            pictures = self._mixed(stage, enlarged(pictures), finer)
        return enlarged(pictures, self.image_size // self.sides[self.stage])


NETWORKS = {"generator": ProGANGenerator, "discriminator": ProGANDiscriminator}
