"""The R3GAN family: residual networks without normalisation, for 28 pixels and powers of two from 32 to 256.

Both networks are stacks of bottleneck blocks that start as the identity, joined by FIR resampling. The weights scale
themselves to the depth (fix-up initialisation), so that neither normalisation nor equalised rates are needed; the only
biases are those before activations; pictures are the plain sum of the last features, without tanh.

Inside a block the 3x3 convolution is published with twice as many channels, in groups of 16. So it is made on a GPU or
TPU. On processors it is by default one dense convolution of as many channels as come in, which from 16 pixels on is two
to three times as fast as the fastest form of groups (`GroupedConv2D`). What was chosen is in the network's
configuration, so a file is the same network everywhere.

The published networks, as options of both, with two blocks a size and `expansion` 2:

| | width | max_width | group_width |
|---|---|---|---|
| CIFAR-10 | 768 | 768 | 16 |
| FFHQ 64 | 384 | 768 | 16 |
| FFHQ 256 | 96 | 768 | 16 |
| ImageNet 32, 64 | 1536 | 1536 | 32 |

Unlike there, the condition is a sum of vectors, one an attribute, and the discriminator's projection has an
unconditional term, which costs no weights. Vectors of conditions start as long as latents: there they start the shorter
the more values there are, and in runs of minutes shapes then follow the seed.

Reference:
    Huang et al., 2024, The GAN is dead; long live the GAN! A Modern GAN Baseline, https://arxiv.org/abs/2501.05441, and
    its code, https://github.com/brownvc/R3GAN
"""

from __future__ import annotations

import math

import keras
from keras import layers, ops

from tfproductgan.errors import RecipeError
from tfproductgan.layers.condition_embedding import multiply
from tfproductgan.layers.fir_resampling import FIRResampling2D
from tfproductgan.layers.grouped_conv import GroupedConv2D, on_accelerator
from tfproductgan.networks.base import (
    Discriminator,
    Generator,
    Stages,
    build,
    check_counts,
    check_image_size,
    smallest_map,
)

_SLOPE = 0.2
_GAIN = math.sqrt(2 / (1 + _SLOPE**2))  # keeps the spread of what a leaky rectifier lets through


def _activate(x):
    return ops.leaky_relu(x, _SLOPE)


def _initialiser(gain):
    """One a layer: a Keras initialiser used twice gives the same numbers twice."""
    return keras.initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal") if gain else "zeros"


def _conv(filters, side=1, groups=1, gain=1.0, use_bias=False, **options):
    return GroupedConv2D(
        filters,
        side,
        padding="same",
        groups=groups,
        data_format="channels_last",
        use_bias=use_bias,
        kernel_initializer=_initialiser(gain),
        **options,
    )


class _Sizes(Stages):
    """The options that both networks share."""

    def set_sizes(self, width, max_width, blocks, group_width, expansion):
        """Keep the options, those not given as numbers too."""
        check_image_size("r3gan", self.image_size)
        self.width = min(768, 24576 // self.image_size) if width is None else width
        self.max_width, self.blocks = max_width, blocks
        grouped = on_accelerator()
        self.group_width = (16 if grouped else 0) if group_width is None else group_width
        self.expansion = (2 if grouped else 1) if expansion is None else expansion
        check_counts(width=self.width, max_width=max_width, blocks=blocks, expansion=self.expansion)
        check_counts(0, group_width=self.group_width)

    def make_blocks(self, stage, shape):
        """The blocks of a stage, counted from the smallest map, built."""
        scale = len(self.stage_widths) * self.blocks
        made = []
        for number in range(self.blocks):
            block = ResidualBlock(
                self.expansion,
                self.group_width,
                # three layers, of which the last starts at zero
                _GAIN * scale**-0.25,
                name=f"block_{stage}_{number}",
                dtype=self.stage_policy(stage),
            )
            block.build(shape)
            made.append(block)
        return made


@keras.saving.register_keras_serializable(package="tfproductgan")
class ResidualBlock(layers.Layer):
    """`x + contract(activate(mix(activate(expand(x)))))`: 1x1, grouped 3x3 and 1x1; the identity at the start.

    Args:
        expansion: How many times as many channels lie inside.
        group_width: Channels a group of the 3x3 convolution; 0 for no groups.
        gain: Scale of the first weights.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input and output shape: `[batch, height, width, channels]`.

    Raises:
        RecipeError: If the groups do not divide the channels inside.
    """

    def __init__(self, expansion, group_width, gain, **kwargs):
        super().__init__(**kwargs)
        self.expansion, self.group_width, self.gain = expansion, group_width, gain

    def build(self, input_shape):
        """Make the three convolutions."""
        channels = input_shape[-1]
        inside = channels * self.expansion
        if self.group_width and inside % self.group_width:
            raise RecipeError(
                f"group_width must divide the {inside} channels inside a block (width times expansion), or be 0. "
                f"Received: group_width={self.group_width}"
            )
        groups = inside // self.group_width if self.group_width else 1
        options = {"use_bias": True, "gain": self.gain, "dtype": self.dtype_policy}
        self.expand = _conv(inside, name="expand", **options)
        self.mix = _conv(inside, 3, groups, name="mix", **options)
        self.contract = _conv(channels, gain=0.0, name="contract", dtype=self.dtype_policy)
        for layer in (self.expand, self.mix):
            input_shape = build(layer, input_shape)
        self.contract.build(input_shape)
        self.built = True

    def call(self, inputs):
        """Add what the convolutions make of the inputs."""
        return self.through(inputs, lambda layer, x: layer(x), _activate)

    def through(self, x, linear, activate):
        """The same with each layer applied by `linear(layer, x)` and each activation by `activate(x)`."""
        inside = activate(linear(self.mix, activate(linear(self.expand, x))))
        return x + linear(self.contract, inside)

    def get_config(self):
        """Everything the constructor takes."""
        return {
            **super().get_config(),
            "expansion": self.expansion,
            "group_width": self.group_width,
            "gain": self.gain,
        }


# === Generator ===


@keras.saving.register_keras_serializable(package="tfproductgan")
class Basis(layers.Layer):
    """A learned map, each channel times one of the inputs.

    Args:
        side: Height and width of the map.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, channels]`.

    Output shape: `[batch, side, side, channels]`.
    """

    def __init__(self, side, **kwargs):
        super().__init__(**kwargs)
        self.side = side

    def build(self, input_shape):
        """Make the map."""
        spread = keras.initializers.RandomNormal(stddev=1.0)
        self.kernel = self.add_weight(name="kernel", shape=(self.side, self.side, input_shape[-1]), initializer=spread)
        self.built = True

    def call(self, inputs):
        """Scale it."""
        return inputs[:, None, None] * self.kernel

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "side": self.side}


@keras.saving.register_keras_serializable(package="tfproductgan")
class R3GANGenerator(_Sizes, Generator):
    """A learned map scaled channel by channel by latents and condition, then blocks and one doubling a stage.

    Args:
        num_ids, channels, latent_dim, embedding_dim: See `Generator`.
        image_size: 28, 32, 64, 128 or 256. Defaults to 64.
        width: Channels of the last stage; the stages before have two, four … times as many. By default as published,
            768 up to 32 pixels and half as many at each doubling beyond.
        max_width: Upper limit of the channels of a stage. Defaults to 768.
        blocks: Residual blocks a stage. Defaults to 2.
        group_width: Channels a group of the 3x3 convolutions; 0 for no groups. Defaults to 16 on GPUs and TPUs, else
            to 0.
        expansion: How many times as many channels lie inside a block. Defaults to 2 on GPUs and TPUs, else to 1.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `Generator`; in training pictures are not clipped to -1 to 1.

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
        width=None,
        max_width=768,
        blocks=2,
        group_width=None,
        expansion=None,
        **kwargs,
    ):
        super().__init__(num_ids, image_size, channels, latent_dim, embedding_dim, **kwargs)
        self.set_sizes(width, max_width, blocks, group_width, expansion)
        self._make_basis()
        self._make_stages()
        self.built = True

    def _make_basis(self):
        side, widths = smallest_map(self.image_size), self.stage_widths
        options = {"dtype": self.stage_policy(0)}
        self.to_basis = layers.Dense(
            widths[0], use_bias=False, kernel_initializer=_initialiser(1.0), name="to_basis", **options
        )
        self.basis = Basis(side, name="basis", **options)
        self.basis.build(build(self.to_basis, (None, self.style_dim)))

    def _make_stages(self):
        shape = (None, smallest_map(self.image_size), smallest_map(self.image_size), self.stage_widths[0])
        self.residual_blocks, self.transitions, self.resamplings = [], [], []
        for stage, width in enumerate(self.stage_widths):
            policy = self.stage_policy(stage)
            if stage:
                resampling = FIRResampling2D("up", name=f"up_{stage}", dtype=policy)
                transition = _conv(width, name=f"transition_{stage}", dtype=policy) if width != shape[-1] else None
                shape = build(transition, shape) if transition is not None else shape
                shape = build(resampling, shape)
                self.transitions.append(transition)
                self.resamplings.append(resampling)
            self.residual_blocks += self.make_blocks(stage, shape)
        # float32, for smooth colours and exact gradients
        self.to_rgb = _conv(self.channels, name="to_rgb", dtype="float32")
        self.to_rgb.build(shape)

    @property
    def latent_layers(self):
        """What scales the learned map."""
        return [self.to_basis]

    def synthesise(self, latents, embedding, training=False):
        """Pictures from latents `[batch, latent_dim]` and condition vectors `[batch, embedding_dim]`."""
        x = self.basis(self.to_basis(self.style(latents, embedding)))
        for number, block in enumerate(self.residual_blocks):
            stage, first = divmod(number, self.blocks)
            if stage and not first:
                transition = self.transitions[stage - 1]
                x = self.resamplings[stage - 1](x if transition is None else transition(x))
            x = block(x)
        pictures = self.to_rgb(x)
        return pictures if training else ops.clip(pictures, -1.0, 1.0)


# === Discriminator ===


@keras.saving.register_keras_serializable(package="tfproductgan")
class R3GANDiscriminator(_Sizes, Discriminator):
    """Blocks and one halving a stage, a learned map that sums up each channel, and a projection of the condition.

    Args:
        num_ids, channels: See `Discriminator`.
        image_size: 28, 32, 64, 128 or 256. Defaults to 64.
        width: Channels of the first stage; those that follow have two, four … times as many.
        max_width, blocks, group_width, expansion: See `R3GANGenerator`.
        **kwargs: Arguments of `keras.Model`.

    Call arguments and output shape: see `Discriminator`.

    Raises:
        RecipeError: If the size does not exist, or a number cannot be.
    """

    piecewise_linear = True
    conditions_last = True

    def __init__(
        self,
        num_ids,
        image_size=64,
        channels=3,
        width=None,
        max_width=768,
        blocks=2,
        group_width=None,
        expansion=None,
        **kwargs,
    ):
        super().__init__(num_ids, image_size, channels, **kwargs)
        self.set_sizes(width, max_width, blocks, group_width, expansion)
        self._make_stages()
        self._make_head()
        self.built = True

    def _make_stages(self):
        widths = self.stage_widths
        shape = (None, self.image_size, self.image_size, self.channels)
        last = len(widths) - 1
        self.from_rgb = _conv(widths[last], name="from_rgb", dtype=self.stage_policy(last))
        shape = build(self.from_rgb, shape)
        self.residual_blocks, self.transitions, self.resamplings = [], [], []
        for stage in range(last, -1, -1):
            policy = self.stage_policy(stage)
            self.residual_blocks += self.make_blocks(stage, shape)
            if stage:
                resampling = FIRResampling2D("down", name=f"down_{stage}", dtype=policy)
                width = widths[stage - 1]
                transition = _conv(width, name=f"transition_{stage}", dtype=policy) if width != shape[-1] else None
                shape = build(resampling, shape)
                shape = build(transition, shape) if transition is not None else shape
                self.transitions.append(transition)
                self.resamplings.append(resampling)
        side, width = shape[2:]
        self.basis = layers.EinsumDense(
            "bhwc,hwc->bc",
            (width,),
            kernel_initializer=keras.initializers.RandomNormal(stddev=1 / side),
            name="basis",
            dtype="float32",
        )
        self.basis.build(shape)

    def _make_head(self):
        width = self.stage_widths[0]
        units = width if self.conditional else 1
        self.head = layers.Dense(
            units, use_bias=False, kernel_initializer=_initialiser(1.0), name="head", dtype="float32"
        )
        self.head.build((None, width))
        # as much at the start as the term that knows no condition
        small = keras.initializers.RandomNormal(stddev=(width * max(1, len(self.num_ids))) ** -0.5)
        self.projection = self.make_embedding(width, "projection", initializer=small, dtype="float32")

    @property
    def lowest_layers(self):
        """Colours, then blocks."""
        return [self.from_rgb, *self.residual_blocks]

    def call(self, inputs, training=False):
        """Judge pictures."""
        return self.judge(inputs, training)[0]

    def judge(self, inputs, training=False):
        """Logits, and what each layer that has weights gave on the way to them."""
        given = []

        def linear(layer, x):
            given.append(layer(x))
            return given[-1]

        return self._logits(self._through(inputs["images"], linear, self.activate), inputs["conditions"]), given

    def activate(self, x):
        """The activation."""
        return _activate(x)

    def judge_linearly(self, inputs, shares, activations):
        """What `judge` would make of pictures if activations stayed on the sides on which other pictures put them.

        Args:
            inputs: As of a call.
            shares: `[batch]`, by which constants, that is biases, are multiplied.
            activations: For each layer that has weights, a function that does as the activation after it did for
                those; not asked where there is none.

        Returns:
            Logits, and what each layer gave; derivatives of each reach the weights of one layer.
        """
        found = []

        def linear(layer, x):
            x = ops.stop_gradient(x)
            if layer.bias is None:
                made = layer(x)
            else:
                # multiplied at once, since what the layer adds and a correction of it would nearly cancel
                parts = (x, layer.kernel, shares[:, None, None, None], layer.bias)
                x, kernel, share, bias = (ops.cast(part, layer.compute_dtype) for part in parts)
                made = layer.convolution_op(x, kernel) + share * bias
            found.append(made)
            return made

        summed = self._through(inputs["images"], linear, lambda x: activations[len(found) - 1](x))
        return self._logits(ops.stop_gradient(summed), inputs["conditions"]), found

    def _through(self, x, linear, activate):
        """Each channel summed up, each layer applied by `linear(layer, x)` and each activation by `activate(x)`."""
        x = linear(self.from_rgb, x)
        for number, block in enumerate(self.residual_blocks):
            step, first = divmod(number, self.blocks)
            if step and not first:
                x = self.resamplings[step - 1](x)
                transition = self.transitions[step - 1]
                x = x if transition is None else linear(transition, x)
            x = block.through(ops.cast(x, block.compute_dtype), linear, activate)
        return linear(self.basis, x)

    def _logits(self, summed, conditions):
        features = self.head(summed)
        if self.projection is None:
            return features[:, 0]
        # the term that knows no condition sums features up, which is as free as weights of its own after the head's
        free = features.shape[-1] ** -0.5 * ops.sum(features, axis=-1)
        products = multiply(features, conditions, self.projection)
        return products + (free if len(products.shape) == 1 else free[:, None])


NETWORKS = {"generator": R3GANGenerator, "discriminator": R3GANDiscriminator}
