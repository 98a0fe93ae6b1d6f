"""The StyleGAN2 family: styles scale what each convolution reads, for 28 pixels and powers of two from 32 to 256.

A mapping network makes a style vector of latents and condition; every convolution of the generator has a map of its own
from it to a scale for each channel. Pictures are the sum of what each size adds, without tanh. The discriminator is
residual. All weights start equally large and are scaled as they are used, so that Adam moves all at one rate.

The published networks, as options of the generator (and of the discriminator those that it has):

| | width | mapping_layers |
|---|---|---|
| configuration `auto`, 64 pixels | 256 | 2 |
| configuration `auto`, 32 pixels | 512 | 2 |
| `paper256` | 64 | 8 |

with what else is by default. Noise is part of the latents, so a picture depends on its seed alone, wherever and beside
what it is drawn. Unlike there, the condition is a sum of vectors, one an attribute, and truncation draws styles towards
the centre of those of the condition that was asked for.

Reference:
    Karras et al., 2020, Analyzing and Improving the Image Quality of StyleGAN, https://arxiv.org/abs/1912.04958;
    Karras et al., 2020, Training Generative Adversarial Networks with Limited Data,
    https://arxiv.org/abs/2006.06676, and its code, https://github.com/NVlabs/stylegan2-ada-pytorch
"""

from __future__ import annotations

import math

import keras
import numpy as np
from keras import layers, ops

from tfproductgan.layers.condition_embedding import multiply
from tfproductgan.layers.equalised import EqualisedConv2D, EqualisedDense
from tfproductgan.layers.fir_resampling import FIRFilter2D, FIRResampling2D
from tfproductgan.layers.minibatch_deviation import MinibatchDeviation
from tfproductgan.layers.modulated_conv import ModulatedConv2D
from tfproductgan.networks.base import (
    Discriminator,
    Generator,
    Stages,
    build,
    check_counts,
    check_image_size,
    normalised,
    slerp,
)
from tfproductgan.stateless_random import stateless_normal

_SLOPE = 0.2
# mapping networks learn a hundred times as slowly as all else
_MAPPING_RATE = 0.01
# latents and their opposites by which the centre of a condition's styles is found
_TYPICAL = 32


def _activate(x):
    return ops.leaky_relu(x, _SLOPE) * math.sqrt(2)


def _conv(filters, side, padding="same", **options):
    # what activations take away they give back
    return EqualisedConv2D(filters, side, gain=1.0, padding=padding, data_format="channels_last", **options)


class _Sizes(Stages):
    """The options that both networks share."""

    def set_sizes(self, width, max_width):
        """Keep the options, those not given as numbers too."""
        check_image_size("stylegan2", self.image_size)
        self.width = 32768 // self.image_size if width is None else width
        self.max_width = max_width
        check_counts(width=self.width, max_width=max_width)


@keras.saving.register_keras_serializable(package="tfproductgan")
class Mapping(layers.Layer):
    """Vectors, each of unit spread, through dense layers.

    Args:
        units: Of each layer.
        num_layers: How many there are.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, features]`, vectors side by side.

    Output shape: `[batch, units]`.
    """

    def __init__(self, units, num_layers, **kwargs):
        super().__init__(**kwargs)
        self.units, self.num_layers = units, num_layers

    def build(self, input_shape):
        """Make the dense layers."""
        self.dense = []
        for number in range(self.num_layers):
            layer = EqualisedDense(
                self.units, gain=1.0, rate=_MAPPING_RATE, name=f"dense_{number}", dtype=self.dtype_policy
            )
            input_shape = build(layer, input_shape)
            self.dense.append(layer)
        self.built = True

    def call(self, inputs):
        """Map them."""
        for layer in self.dense:
            inputs = _activate(layer(inputs))
        return inputs

    def compute_output_shape(self, input_shape):
        """The shape of the outputs."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "units": self.units, "num_layers": self.num_layers}


# === Generator ===


@keras.saving.register_keras_serializable(package="tfproductgan")
class SynthesisLayer(layers.Layer):
    """A modulated 3x3 convolution, noise, a bias and the activation.

    Args:
        filters: Number of output channels.
        upsample: Whether to double the size first.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `[batch, height, width, channels]`.
        style: `[batch, style_dim]`.
        noise: `[batch, height, width, 1]`, of the outputs' height and width.
    """

    def __init__(self, filters, upsample, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.upsample = filters, upsample

    def build(self, inputs_shape, style_shape, noise_shape):
        """Make the convolution, how strong the noise is, and the bias."""
        self.conv = ModulatedConv2D(self.filters, 3, self.upsample, name="conv", dtype=self.dtype_policy)
        self.conv.build(inputs_shape, style_shape)
        self.noise_strength = self.add_weight(name="noise_strength", shape=(), initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.built = True

    def call(self, inputs, style, noise):
        """Draw the next map."""
        return _activate(self.conv(inputs, style) + noise * self.noise_strength + self.bias)

    def compute_output_shape(self, inputs_shape, style_shape, noise_shape):
        """The shape of the outputs."""
        return self.conv.compute_output_shape(inputs_shape, style_shape)

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "filters": self.filters, "upsample": self.upsample}


@keras.saving.register_keras_serializable(package="tfproductgan")
class ToRGB(layers.Layer):
    """What a map adds to the picture: a modulated 1x1 convolution and a bias, in float32 for smooth colours.

    Args:
        channels: Of the picture.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, inputs_shape, style_shape):
        """Make convolution and bias."""
        self.conv = ModulatedConv2D(self.channels, 1, demodulate=False, name="conv", dtype=self.dtype_policy)
        self.conv.build(inputs_shape, style_shape)
        self.bias = self.add_weight(name="bias", shape=(self.channels,), initializer="zeros")
        self.built = True

    def call(self, inputs, style):
        """Draw."""
        return self.conv(inputs, style) + self.bias

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "channels": self.channels}


@keras.saving.register_keras_serializable(package="tfproductgan")
class StyleGAN2Generator(_Sizes, Generator):
    """A mapping network, and convolutions scaled by styles that draw on a learned map.

    Args:
        num_ids, channels: See `Generator`.
        image_size: 28, 32, 64, 128 or 256. Defaults to 64.
        z_dim: Length of the vectors that styles are made of; noise follows them in the latents. Defaults to 512.
        embedding_dim: Length of the condition vectors. Defaults to 512.
        w_dim: Length of the styles. Defaults to 512.
        mapping_layers: Dense layers between latents and styles. Defaults to 8.
        width: Channels of the last stage; the stages before have two, four … times as many. Defaults to 32,768 divided
            by the size.
        max_width: Upper limit of the channels of a stage. Defaults to 512.
        **kwargs: Arguments of `keras.Model`.

    Call arguments:
        inputs: As of a `Generator`. Besides, of training: `"other_latents"` `[batch, z_dim]` and `"crossover"`
            `[batch]`, from which layer on the style is that of the others.
        training: Whether pictures are left as they are; else they are clipped to -1 to 1.

    Raises:
        RecipeError: If the size does not exist, or a number cannot be.
    """

    truncates_latents = False

    def __init__(
        self,
        num_ids,
        image_size=64,
        channels=3,
        z_dim=512,
        embedding_dim=512,
        w_dim=512,
        mapping_layers=8,
        width=None,
        max_width=512,
        **kwargs,
    ):
        # latents stay float32: mapping them is not where time goes
        super().__init__(num_ids, image_size, channels, z_dim, embedding_dim, autocast=False, **kwargs)
        self.set_sizes(width, max_width)
        check_counts(z_dim=z_dim, w_dim=w_dim, mapping_layers=mapping_layers)
        self.z_dim = z_dim
        self.w_dim = w_dim
        self.mapping_layers = mapping_layers
        # of the smallest map one, of each other two
        self.noise_sides = [self.sides[0], *(side for side in self.sides[1:] for _ in range(2))]
        self.latent_dim = z_dim + sum(side**2 for side in self.noise_sides)
        self.mapping = Mapping(w_dim, mapping_layers, name="mapping", dtype="float32")
        self.mapping.build((None, z_dim + (embedding_dim if self.conditional else 0)))
        self._make_synthesis()
        self.built = True

    @classmethod
    def argument_names(cls):
        """Names of what the constructor takes: `z_dim`, of which the length of latents follows."""
        return [name for name in super().argument_names() if name != "latent_dim"]

    def make_embedding(self, dim, **options):
        """A built `ConditionEmbedding` in float32, as the mapping network."""
        return super().make_embedding(dim, **{**options, "dtype": "float32"})

    @property
    def num_styles(self):
        """How many styles a picture has: one for each convolution that reads its own, and for the last colours."""
        return 2 * len(self.sides)

    @property
    def style_kernels(self):
        """What each style is multiplied by, a kernel a style: `[w_dim, channels]` each."""
        return [layer.conv.to_scales.kernel for layer in (*self.synthesis_layers, self.to_rgbs[-1])]

    def _make_synthesis(self):
        sides, style = self.sides, (None, self.w_dim)
        shape = (1, sides[0], sides[0], self.stage_widths[0])
        spread = keras.initializers.RandomNormal(stddev=1.0)
        self.constant = self.add_weight(name="constant", shape=shape, initializer=spread)
        self.synthesis_layers, self.to_rgbs = [], []
        for number, side in enumerate(self.noise_sides):
            stage = (number + 1) // 2
            layer = SynthesisLayer(
                self.stage_widths[stage], bool(number % 2), name=f"layer_{number}", dtype=self.stage_policy(stage)
            )
            layer.build(shape, style, (None, side, side, 1))
            shape = layer.compute_output_shape(shape, style, (None, side, side, 1))
            self.synthesis_layers.append(layer)
            if not number % 2:
                to_rgb = ToRGB(self.channels, name=f"to_rgb_{stage}", dtype="float32")
                to_rgb.build(shape, style)
                self.to_rgbs.append(to_rgb)
        self.resampling = FIRResampling2D("up", name="up", dtype="float32")

    def call(self, inputs, training=False):
        """Draw pictures."""
        embedding = self.embed(inputs["conditions"])
        styles, noise = self.style_of(inputs["latents"], embedding, inputs.get("truncation"))
        if "crossover" in inputs:
            others = self._map(inputs["other_latents"], embedding)
            changed = ops.arange(self.num_styles)[None] >= inputs["crossover"][:, None]
            styles = ops.where(changed[..., None], others[:, None], styles)
        return self.synthesise(styles, noise, training=training)

    def style_of(self, latents, embedding, truncation=None):
        """Styles, a row for each layer that reads one, and noise.

        Args:
            latents: `[batch, latent_dim]`: what styles are made of, then noise.
            embedding: `[batch, embedding_dim]`, see `embed`.
            truncation: `[batch]`, how far styles are from the centre of those of their condition; by default 1.

        Returns:
            Styles `[batch, num_styles, w_dim]` and noise `[batch, latent_dim - z_dim]`.
        """
        latents = ops.cast(latents, "float32")
        vectors = latents[:, : self.z_dim]
        if truncation is None:
            style = self._map(vectors, embedding)
        else:
            style, centre = self._map_with_centre(vectors, embedding)
            style = centre + ops.cast(truncation, "float32")[:, None] * (style - centre)
        return ops.repeat(style[:, None], self.num_styles, axis=1), latents[:, self.z_dim :]

    def between(self, first, second, fraction):
        """A style between two of `style_of`: styles move in a straight line, noise along the sphere."""
        (start, first_noise), (end, second_noise) = first, second
        fraction = ops.cast(fraction, "float32")
        return start + fraction[:, None, None] * (end - start), slerp(first_noise, second_noise, fraction[:, None])

    def _map(self, vectors, embedding):
        parts = [vectors, embedding] if self.conditional else [vectors]
        return self.mapping(ops.concatenate([normalised(ops.cast(part, "float32")) for part in parts], axis=-1))

    def _map_with_centre(self, vectors, embedding):
        """Styles, and the mean style of each condition vector: of some latents and their opposites, always the same."""
        drawn = ops.convert_to_tensor(stateless_normal(np.arange(_TYPICAL), 0, self.z_dim)[None], "float32")
        drawn = drawn + ops.zeros_like(vectors[:, :1, None])
        count = 1 + 2 * _TYPICAL
        # all at once: converted files hold weights as often as they are used
        rows = ops.concatenate([vectors[:, None], drawn, -drawn], axis=1)
        if self.conditional:
            embedding = ops.reshape(ops.repeat(embedding[:, None], count, axis=1), (-1, self.embedding_dim))
        styles = self._map(ops.reshape(rows, (-1, self.z_dim)), embedding)
        styles = ops.reshape(styles, (-1, count, self.w_dim))
        return styles[:, 0], ops.mean(styles[:, 1:], axis=1)

    def synthesise(self, styles, noise, training=False):
        """Pictures from styles `[batch, num_styles, w_dim]` and noise, as `style_of` gives them."""
        x, picture, start = self.constant, None, 0
        for number, (layer, side) in enumerate(zip(self.synthesis_layers, self.noise_sides, strict=True)):
            own = ops.reshape(noise[:, start : start + side**2], (-1, side, side, 1))
            start += side**2
            x = layer(x, styles[:, number], own)
            if not number % 2:
                drawn = self.to_rgbs[number // 2](x, styles[:, number + 1])
                picture = drawn if picture is None else self.resampling(picture) + drawn
        return picture if training else ops.clip(picture, -1.0, 1.0)


# === Discriminator ===


@keras.saving.register_keras_serializable(package="tfproductgan")
class DownBlock(layers.Layer):
    """Halves a map: two 3x3 convolutions beside a 1x1 convolution, added.

    Args:
        filters: Number of output channels.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, height, width, channels]`.
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters

    def build(self, input_shape):
        """Make the convolutions and what filters before them."""
        policy = {"dtype": self.dtype_policy}
        self.first = _conv(input_shape[-1], 3, name="first", **policy)
        self.smooth = FIRFilter2D(2, name="smooth", **policy)
        self.second = _conv(self.filters, 3, "valid", strides=2, name="second", **policy)
        self.resampling = FIRResampling2D("down", name="down", **policy)
        self.skip = _conv(self.filters, 1, use_bias=False, name="skip", **policy)
        self.skip.build(input_shape)
        for layer in (self.first, self.smooth, self.second):
            input_shape = build(layer, input_shape)
        self.built = True

    def call(self, inputs):
        """Halve it."""
        x = _activate(self.second(self.smooth(_activate(self.first(inputs)))))
        return (x + self.skip(self.resampling(inputs))) * math.sqrt(0.5)

    def compute_output_shape(self, input_shape):
        """The shape of the outputs."""
        batch, height, width, _ = input_shape
        return (batch, height // 2, width // 2, self.filters)

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable(package="tfproductgan")
class StyleGAN2Discriminator(_Sizes, Discriminator):
    """Residual blocks, how much the pictures of a batch differ, and the product with a mapped condition.

    Args:
        num_ids, channels: See `Discriminator`.
        image_size: 28, 32, 64, 128 or 256. Defaults to 64.
        width: Channels of the first stage; those that follow have two, four … times as many. Defaults to 32,768 divided
            by the size.
        max_width: Upper limit of the channels of a stage. Defaults to 512.
        mapping_layers: Dense layers between the condition and what features are multiplied by. Defaults to 8.
        group: Pictures of which the deviation is taken, see `MinibatchDeviation`; 1 for none. Defaults to 4.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `Discriminator`.

    Raises:
        RecipeError: If the size does not exist, or a number cannot be.
    """

    conditions_last = True

    def __init__(
        self,
        num_ids,
        image_size=64,
        channels=3,
        width=None,
        max_width=512,
        mapping_layers=8,
        group=4,
        **kwargs,
    ):
        super().__init__(num_ids, image_size, channels, **kwargs)
        self.set_sizes(width, max_width)
        check_counts(mapping_layers=mapping_layers, group=group)
        self.mapping_layers, self.group = mapping_layers, group
        self._make_stages()
        self._make_head()
        self.built = True

    def _make_stages(self):
        widths, last = self.stage_widths, len(self.stage_widths) - 1
        shape = (None, self.image_size, self.image_size, self.channels)
        self.from_rgb = _conv(widths[last], 1, name="from_rgb", dtype=self.stage_policy(last))
        shape = build(self.from_rgb, shape)
        self.blocks = []
        for stage in range(last, 0, -1):
            block = DownBlock(widths[stage - 1], name=f"block_{stage}", dtype=self.stage_policy(stage))
            shape = build(block, shape)
            self.blocks.append(block)
        self.deviation = MinibatchDeviation(self.group, name="deviation", dtype="float32")
        self.conv = _conv(widths[0], 3, name="conv", dtype="float32")
        self.conv.build(build(self.deviation, shape))

    def _make_head(self):
        width, side = self.stage_widths[0], self.sides[0]
        self.dense = EqualisedDense(width, gain=1.0, name="dense", dtype="float32")
        self.dense.build((None, side**2 * width))
        self.head = EqualisedDense(width if self.conditional else 1, gain=1.0, name="head", dtype="float32")
        self.head.build((None, width))
        self.embedding = self.make_embedding(width, dtype="float32")
        self.mapping = None
        if self.conditional:
            self.mapping = Mapping(width, self.mapping_layers, name="mapping", dtype="float32")
            self.mapping.build((None, width))

    @property
    def lowest_layers(self):
        """Colours, then three of each block."""
        return [self.from_rgb, *(layer for block in self.blocks for layer in (block.first, block.second, block.skip))]

    def call(self, inputs, training=False):
        """Judge pictures."""
        x = _activate(self.from_rgb(inputs["images"]))
        for block in self.blocks:
            x = block(x)
        x = _activate(self.conv(self.deviation(ops.cast(x, "float32"))))
        x = _activate(self.dense(ops.reshape(x, (-1, x.shape[1] * x.shape[2] * x.shape[3]))))
        features = self.head(x)
        if self.mapping is None:
            return features[:, 0]
        products = multiply(features, inputs["conditions"], lambda ids: self.mapping(normalised(self.embedding(ids))))
        return products * features.shape[-1] ** -0.5


NETWORKS = {"generator": StyleGAN2Generator, "discriminator": StyleGAN2Discriminator}
