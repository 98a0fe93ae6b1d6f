"""The style family: a small residual network that paints a picture in one of many styles, in one pass.

All styles share the convolutions. A style is a gain and a bias for each channel of each instance normalisation, which
takes what a picture's own statistics were; a mean of two styles' numbers paints in a style between. Sides are multiples
of 4 pixels. Maps are enlarged by repetition and edges mirrored, which leaves no grid and no frame.

References:
    Johnson et al., 2016, Perceptual Losses for Real-Time Style Transfer, https://arxiv.org/abs/1603.08155; Ulyanov et
    al., 2016, Instance Normalization, https://arxiv.org/abs/1607.08022; Dumoulin et al., 2017, A Learned Representation
    for Artistic Style, https://arxiv.org/abs/1610.07629
"""

from __future__ import annotations

import itertools

import keras
from keras import layers, ops

from tfproductgan.errors import RecipeError
from tfproductgan.layers.condition_embedding import ConditionEmbedding
from tfproductgan.networks.base import TranslatingGenerator, build, check_counts, enlarged, modulated

_SMALLEST = 16  # pixels: mirrored edges need a map to mirror
_BEFORE = 3  # convolutions before the residual blocks
_SPREAD = 0.1  # of gains and biases at the start, so that styles differ


@keras.saving.register_keras_serializable(package="tfproductgan")
class StyleGenerator(TranslatingGenerator):
    """Two halvings, residual blocks and two doublings, each convolution but the last normalised picture by picture.

    The last is not, since a plain background would be blown up to blots.

    Args:
        num_ids, channels, source_channels: See `TranslatingGenerator`.
        image_size: A multiple of 4, from 16 on. Defaults to 64.
        width: Channels of the first convolution; the maps of a quarter of the size have four times as many. The paper
            has 32. Defaults to 16.
        num_blocks: Number of residual blocks. Defaults to 5.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `TranslatingGenerator`.

    Raises:
        RecipeError: If the size does not exist or a number cannot be.
    """

    def __init__(self, num_ids, image_size=64, channels=3, source_channels=3, width=16, num_blocks=5, **kwargs):
        if image_size < _SMALLEST or image_size % 4:
            raise RecipeError(
                f"style paints pictures whose sides are multiples of 4 from {_SMALLEST} on. Received: "
                f"image_size={image_size}"
            )
        check_counts(width=width, num_blocks=num_blocks)
        super().__init__(num_ids, image_size, channels, source_channels, **kwargs)
        self.width, self.num_blocks = width, num_blocks
        wide = 4 * width
        # filters, side of the kernel, and the factor of the size, of each convolution
        self._plan = [
            (width, 9, 1),
            (2 * width, 3, 0.5),
            (wide, 3, 0.5),
            *[(wide, 3, 1)] * (2 * num_blocks),
            (2 * width, 3, 2),
            (width, 3, 2),
            (channels, 9, 1),
        ]
        self.convs, self.norms = [], []
        shape = (None, image_size, image_size, source_channels)
        for number, (filters, side, factor) in enumerate(self._plan):
            last = number == len(self._plan) - 1
            # float32 at the end, for smooth colours
            policy = "float32" if last else self.dtype_policy
            conv = layers.Conv2D(
                filters,
                side,
                2 if factor == 0.5 else 1,
                "valid",
                data_format="channels_last",
                use_bias=last,  # a normalisation takes a bias away
                kernel_initializer=keras.initializers.HeNormal(),
                name=f"conv_{number}",
                dtype=policy,
            )
            grown = [size * max(factor, 1) + 2 * (side // 2) for size in shape[1:3]]
            shape = build(conv, (None, *map(int, grown), shape[-1]))
            self.convs.append(conv)
            if last:
                break
            norm = layers.GroupNormalization(
                groups=-1,
                axis=-1,
                epsilon=1e-5,
                center=not self.conditional,
                scale=not self.conditional,
                name=f"norm_{number}",
                dtype="float32",  # gains near 1 would lose their digits
            )
            norm.build(shape)
            self.norms.append(norm)
        self.styles = None
        if self.conditional:
            count = 2 * sum(filters for filters, _, _ in self._plan)
            start = keras.initializers.RandomNormal(stddev=_SPREAD)
            self.styles = ConditionEmbedding(self.num_ids, count, start, name="styles", dtype="float32")
            self.styles.build((None, len(self.num_ids)))
        self.built = True

    @classmethod
    def arguments(cls, schema):
        """What a `ConditionSchema` decides of the constructor's arguments."""
        if schema.source_channels is None:
            raise RecipeError(
                "StyleGenerator paints photos in styles, and there are none to learn: use Catalogue.with_styles "
                "(--styles)."
            )
        return super().arguments(schema)

    def embed(self, conditions):
        """Gains, less 1, and biases of all layers for condition ids: `[batch, numbers]`; `None` if unconditional."""
        return self.styles(conditions) if self.conditional else None

    def paint(self, source, style):
        """Pictures `[batch, height, width, channels]` of pictures, in styles of `embed` or between them."""
        parts = [None] * len(self._plan)
        if style is not None:
            ends = list(itertools.accumulate(2 * filters for filters, _, _ in self._plan))[:-1]
            parts = ops.split(style[:, None, None, :], ends, axis=-1)
        trunk = range(_BEFORE, _BEFORE + 2 * self.num_blocks)
        x = before = ops.cast(source, self.compute_dtype)
        for number, part in enumerate(parts[:-1]):
            before = x if number in trunk[::2] else before
            x = ops.cast(self._layer(number, x, part), self.compute_dtype)
            x = x + before if number in trunk[1::2] else ops.relu(x)
        return ops.tanh(self._layer(len(parts) - 1, x, parts[-1]))

    def _layer(self, number, x, part):
        """A convolution, normalised unless it is the last, scaled and shifted: float32."""
        _, side, factor = self._plan[number]
        x = enlarged(x, max(factor, 1))
        edge = [side // 2] * 2
        x = self.convs[number](ops.pad(x, [[0, 0], edge, edge, [0, 0]], "reflect"))
        return modulated(self.norms[number](x) if number < len(self.norms) else x, part)

    def call(self, inputs, training=False):
        """Paint pictures."""
        return self.paint(inputs["source"], self.embed(inputs["conditions"]))


NETWORKS = {"generator": StyleGenerator}
