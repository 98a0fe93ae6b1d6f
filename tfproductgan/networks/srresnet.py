"""The SRResNet family: residual blocks at the size of what comes in, then sub-pixel convolutions up.

Without batch normalisation, and with the enlarged picture itself added at the end, as BasicSR builds it: the network
learns what is missing. The discriminator is that of pix2pix without a picture that went in, which looks at patches of
pictures of any size, in the place of SRGAN's, which is made for one.

References:
    Ledig et al., 2017, Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network,
    https://arxiv.org/abs/1609.04802; Lim et al., 2017, Enhanced Deep Residual Networks for Single Image
    Super-Resolution, https://arxiv.org/abs/1707.02921 (no normalisation); Shi et al., 2016, Real-Time Single Image and
    Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network, https://arxiv.org/abs/1609.05158
"""

from __future__ import annotations

import keras
from keras import layers, ops

from tfproductgan.errors import RecipeError
from tfproductgan.networks.base import UpscalingGenerator, check_choice, check_counts
from tfproductgan.networks.cyclegan import PicturePatchDiscriminator

SCALES = (2, 4)


@keras.saving.register_keras_serializable(package="tfproductgan")
class SRResNetGenerator(UpscalingGenerator):
    """3x3 convolutions: one, residual blocks of two, one that doubles the size for each factor of two, two more.

    Args:
        num_ids, image_size, channels: See `UpscalingGenerator`; `image_size` defaults to 64.
        scale: 2 or 4. Defaults to 4.
        width: Channels. Defaults to 32, those of the papers are 64.
        num_blocks: Number of residual blocks. Defaults to 8, those of the papers are 16.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `UpscalingGenerator`.

    Raises:
        RecipeError: If the scale does not exist or does not divide the size, or a number cannot be.
    """

    def __init__(self, num_ids=(), image_size=64, channels=3, scale=4, width=32, num_blocks=8, **kwargs):
        check_choice("scale", scale, SCALES)
        check_counts(width=width, num_blocks=num_blocks)
        if image_size % scale:
            raise RecipeError(f"image_size must be a multiple of scale={scale}. Received: image_size={image_size}")
        super().__init__(num_ids, image_size, channels, scale, **kwargs)
        self.width, self.num_blocks = width, num_blocks
        shape = (None, None, None, width)
        self.first = self._conv(width, "first")
        self.first.build((None, None, None, channels))
        self.blocks = [[self._conv(width, f"block_{n}_{part}") for part in "ab"] for n in range(num_blocks)]
        self.up = [self._conv(4 * width, f"up_{stage}") for stage in range(SCALES.index(scale) + 1)]
        self.last = self._conv(width, "last")
        for conv in (*(conv for block in self.blocks for conv in block), *self.up, self.last):
            conv.build(shape)
        # float32, for smooth colours
        self.to_picture = self._conv(channels, "to_picture", "float32")
        self.to_picture.build(shape)
        self.built = True

    def _conv(self, filters, name, dtype=None):
        # a tenth of He's: what is added to the enlarged picture starts small
        weights = keras.initializers.VarianceScaling(0.02, "fan_in", "untruncated_normal")
        options = {"data_format": "channels_last", "kernel_initializer": weights, "name": name}
        return layers.Conv2D(filters, 3, padding="same", dtype=dtype or self.dtype_policy, **options)

    @property
    def reach(self):
        """How many pixels of the source away a pixel can still have a say: one a convolution, less once enlarged."""
        return 2 * self.num_blocks + 3

    def call(self, inputs, training=False):
        """Make pictures larger."""
        source = ops.cast(inputs["source"], "float32")
        x = ops.leaky_relu(self.first(ops.cast(source, self.compute_dtype)), 0.1)
        for first, second in self.blocks:
            x = x + second(ops.relu(first(x)))
        for up in self.up:
            x = ops.leaky_relu(_shuffled(up(x), self.width), 0.1)
        return self.to_picture(ops.leaky_relu(self.last(x), 0.1)) + _interpolated(source, self.scale)


def _shuffled(x, channels):
    """Channels `[2, 2, channels]` of each pixel as four pixels."""
    _, height, width, _ = ops.shape(x)
    # no array of more than four axes, which not all converters know
    x = ops.reshape(x, (-1, width, 2, 2 * channels))
    return ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, 2 * height, 2 * width, channels))


def _interpolated(x, scale):
    """Pictures `scale` times as large by bilinear interpolation, of a size that need not be known."""
    channels = x.shape[-1]
    for axis in (1, 2):
        around = [[1, 1] if each == axis else [0, 0] for each in range(4)]
        padded, (_, height, width, _) = ops.pad(x, around, mode="symmetric"), ops.shape(x)
        before, after = (padded[:, :-2], padded[:, 2:]) if axis == 1 else (padded[:, :, :-2], padded[:, :, 2:])
        # how far the centre of each new pixel lies from that of the old one it is part of
        offsets = [(2 * part + 1) / (2 * scale) - 0.5 for part in range(scale)]
        parts = [x + abs(offset) * ((before if offset < 0 else after) - x) for offset in offsets]
        size = (scale * height, width) if axis == 1 else (height, scale * width)
        x = ops.reshape(ops.stack(parts, axis=axis + 1), (-1, *size, channels))
    return x


@keras.saving.register_keras_serializable(package="tfproductgan")
class UpscaledDiscriminator(PicturePatchDiscriminator):
    """Patches of pictures that were enlarged, told from those of photos.

    Args: See `PicturePatchDiscriminator`.
    """

    @classmethod
    def arguments(cls, schema):
        """What a `ConditionSchema` decides of the constructor's arguments."""
        channels = schema.channels
        return {"num_ids": (), "image_size": schema.image_size, "channels": channels, "source_channels": 0}


NETWORKS = {"generator": SRResNetGenerator, "discriminator": UpscaledDiscriminator}
