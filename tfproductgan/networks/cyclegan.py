"""The CycleGAN family: residual generators between two sets of pictures, and discriminators that look at patches.

For 28 pixels and powers of two from 32 to 256. What the paper's transposed convolutions do is done by repeating pixels
and convolving, with as many weights: no checkerboards. Conditions, which the paper does not have, scale and shift what
is normalised, as in `pix2pix.py`; only the way to the photos, which the labels belong to, knows them.

References:
    Zhu et al., 2017, Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks,
    https://arxiv.org/abs/1703.10593; Johnson et al., 2016, Perceptual Losses for Real-Time Style Transfer,
    https://arxiv.org/abs/1603.08155 (the generator)
"""

from __future__ import annotations

import keras
from keras import layers, ops

from tfproductgan.layers.upsample_conv import UpsampleConv2D
from tfproductgan.networks.base import TranslatingGenerator, build, check_counts, check_image_size, modulated
from tfproductgan.networks.pix2pix import PatchGANDiscriminator

_NUM_HALVINGS = 2


@keras.saving.register_keras_serializable(package="tfproductgan")
class ResNetGenerator(TranslatingGenerator):
    """Two strided convolutions down, residual blocks, two doublings back; instance normalisation after each.

    Args:
        num_ids, channels, source_channels: See `TranslatingGenerator`.
        image_size: 28, 32, 64, 128 or 256. Defaults to 64.
        embedding_dim: Length of the condition vectors. Defaults to 16.
        width: Channels at full size; the blocks have four times as many. Defaults to 32, the paper's are 64.
        num_blocks: Number of residual blocks. Defaults to the paper's: 9 at 256 pixels, else 6.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `TranslatingGenerator`.

    Raises:
        RecipeError: If the size does not exist or a number cannot be.
    """

    def __init__(
        self,
        num_ids,
        image_size=64,
        channels=3,
        source_channels=3,
        embedding_dim=16,
        width=32,
        num_blocks=None,
        **kwargs,
    ):
        num_blocks = (9 if image_size >= 256 else 6) if num_blocks is None else num_blocks
        check_image_size("cyclegan", image_size)
        check_counts(embedding_dim=embedding_dim, width=width, num_blocks=num_blocks)
        super().__init__(num_ids, image_size, channels, source_channels, **kwargs)
        self.width, self.num_blocks, self.embedding_dim = width, num_blocks, embedding_dim
        self.embedding = self.make_embedding(embedding_dim)
        self.convs, self.norms, self.gains_and_biases = [], [], {}
        self._make_layers()
        self.built = True

    def _make_layers(self):
        size, width = self.image_size, self.width
        shape = self._add(self._conv(width, 7, 1, "first"), (None, size + 6, size + 6, self.source_channels))
        for stage in range(_NUM_HALVINGS):
            width *= 2
            shape = self._add(self._conv(width, 3, 2, f"down_{stage}"), _padded(shape, 1))
        for block in range(self.num_blocks):
            for part in "ab":
                shape = self._add(self._conv(width, 3, 1, f"block_{block}_{part}"), _padded(shape, 1), part == "a")
        for stage in range(_NUM_HALVINGS):
            width //= 2
            up = UpsampleConv2D(width, "nearest", name=f"up_{stage}", dtype=self.dtype_policy)
            shape = self._add(up, shape, True)
        # float32, for smooth colours
        self.to_picture = self._conv(self.channels, 7, 1, "to_picture", "float32")
        self.to_picture.build(_padded(shape, 3))

    def _add(self, conv, shape, conditional=False):
        """Build a convolution and what normalises it; returns the shape of what it gives."""
        norm = layers.GroupNormalization(
            groups=-1, epsilon=1e-5, center=False, scale=False, name=f"norm_{len(self.norms)}", dtype=self.dtype_policy
        )
        made = build(conv, shape)
        norm.build(made)
        if conditional and self.conditional:
            dense = layers.Dense(2 * made[-1], name=f"gain_and_bias_{len(self.norms)}", dtype=self.dtype_policy)
            dense.build((None, self.embedding_dim))
            self.gains_and_biases[str(len(self.norms))] = dense
        self.convs.append(conv)
        self.norms.append(norm)
        return made

    def _conv(self, filters, kernel, stride, name, dtype=None):
        weights = keras.initializers.RandomNormal(stddev=0.02)
        options = {"data_format": "channels_last", "kernel_initializer": weights, "name": name}
        return layers.Conv2D(filters, kernel, stride, "valid", dtype=dtype or self.dtype_policy, **options)

    def call(self, inputs, training=False):
        """Make pictures."""
        vectors = self.embedding(inputs["conditions"]) if self.conditional else None

        def step(x, at):
            x = self.norms[at](self.convs[at](x))
            if str(at) in self.gains_and_biases:
                x = modulated(x, self.gains_and_biases[str(at)](vectors)[:, None, None, :])
            return x

        x = ops.relu(step(_pad(ops.cast(inputs["source"], self.compute_dtype), 3, "reflect"), 0))
        for at in range(1, 1 + _NUM_HALVINGS):
            x = ops.relu(step(_pad(x, 1, "constant"), at))
        for at in range(1 + _NUM_HALVINGS, 1 + _NUM_HALVINGS + 2 * self.num_blocks, 2):
            inner = ops.relu(step(_pad(x, 1, "reflect"), at))
            x = x + step(_pad(inner, 1, "reflect"), at + 1)
        for at in range(len(self.convs) - _NUM_HALVINGS, len(self.convs)):
            x = ops.relu(step(x, at))
        return ops.tanh(self.to_picture(_pad(x, 3, "reflect")))


@keras.saving.register_keras_serializable(package="tfproductgan")
class BackResNetGenerator(ResNetGenerator):
    """The way back: from the photos to the set that goes in, of whose pictures nothing is asked by name.

    Args: See `ResNetGenerator`.
    """

    @classmethod
    def arguments(cls, schema):
        """What a `ConditionSchema` decides of the constructor's arguments."""
        there = super().arguments(schema)
        return {
            **there,
            "num_ids": (),
            "channels": there["source_channels"],
            "source_channels": there["channels"],
        }


@keras.saving.register_keras_serializable(package="tfproductgan")
class PicturePatchDiscriminator(PatchGANDiscriminator):
    """The discriminator of pix2pix without the picture that went in, of the photos.

    Args: See `PatchGANDiscriminator`; `source_channels` is 0.
    """

    def __init__(self, num_ids, image_size=64, channels=3, source_channels=0, width=32, **kwargs):
        super().__init__(num_ids, image_size, channels, source_channels, width=width, **kwargs)

    @classmethod
    def arguments(cls, schema):
        """What a `ConditionSchema` decides of the constructor's arguments."""
        return {**super().arguments(schema), "source_channels": 0}

    def call(self, inputs, training=False):
        """Judge pictures, patch by patch."""
        return super().call({**inputs, "source": inputs["images"][..., :0]}, training=training)


@keras.saving.register_keras_serializable(package="tfproductgan")
class BackPatchDiscriminator(PicturePatchDiscriminator):
    """The same of the set that goes in.

    Args: See `PicturePatchDiscriminator`.
    """

    @classmethod
    def arguments(cls, schema):
        """What a `ConditionSchema` decides of the constructor's arguments."""
        return {**super().arguments(schema), "num_ids": (), "channels": schema.source_channels}


def _padded(shape, by):
    return (shape[0], shape[1] + 2 * by, shape[2] + 2 * by, shape[3])


def _pad(x, by, mode):
    return ops.pad(x, [[0, 0], [by, by], [by, by], [0, 0]], mode=mode)


NETWORKS = {
    "generator": ResNetGenerator,
    "back_generator": BackResNetGenerator,
    "discriminator": PicturePatchDiscriminator,
    "back_discriminator": BackPatchDiscriminator,
}
