"""A generator of few whole numbers: rewritten so that int8 holds what it computes; the pictures are the same.

- Normalisation is folded into the kernel before it, and transposed convolutions are rewritten as in `own_graph`.
- Channels are scaled to one range, which ReLU lets through to the next kernel, and the last convolution is clipped
  where `tanh` is flat, so that few of the 256 levels are wasted.

References:
    Nagel et al., 2019, Data-Free Quantization Through Weight Equalization and Bias Correction,
    https://arxiv.org/abs/1906.04721
"""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.compression.own_graph import Graph, array_of, interpolated_conv, sub_pixel, sub_pixel_kernel
from tfproductgan.compression.stages import Stage, chain_of
from tfproductgan.layers.condition_embedding import table_rows
from tfproductgan.layers.modulated_normalization import ModulatedNormalization
from tfproductgan.layers.upsample_conv import UpsampleConv2D
from tfproductgan.networks.base import Generator

_BALANCE = 0.75
_FLAT = np.float32(4)  # tanh(4) is 0.9993: a tenth of a level of 8 bits below 1


@dataclasses.dataclass(frozen=True)
class _Step:
    """A stage as arrays; all but `kernel` end in the channels.

    Args:
        kernel: `[in, side * side * channels]`, `[3, 3, in, channels]` or, of a learned doubling of size,
            `[2, 2, in, 4 * channels]`.
        bias: `[channels]`.
        modulation: `None`, or kernel `[style, 2 * channels]` and bias of gain and shift.
        slope: Of the leaky ReLU.
        side: Height and width to which vectors are folded, or 0.
        interpolation: Of an `UpsampleConv2D`, or empty.
    """

    kernel: np.ndarray
    bias: np.ndarray
    modulation: tuple[np.ndarray, np.ndarray] | None
    slope: float
    side: int
    interpolation: str

    def __call__(self, x, style):
        """The stage's features from those before and the style vectors."""
        return self._parts(x, style)[-1]

    def _parts(self, x, style):
        """What comes up on the way: as produced, modulated by the gain, shifted and activated."""
        produced = modulated = shifted = self._produce(x)
        if self.modulation is not None:
            # two products: gains and shifts have a range of their own each
            pairs = zip(*(np.split(part, 2, axis=-1) for part in self.modulation), strict=True)
            gain, shift = (tf.nn.bias_add(tf.matmul(style, kernel), bias) for kernel, bias in pairs)
            if produced.shape.rank == 4:
                gain, shift = gain[:, None, None, :], shift[:, None, None, :]
            modulated = produced * gain
            shifted = modulated + shift
        return produced, modulated, tf.nn.leaky_relu(shifted, self.slope) if self.slope else tf.nn.relu(shifted)

    def _produce(self, x):
        if self.interpolation:
            return interpolated_conv(x, self.kernel, self.bias, self.interpolation)
        if self.kernel.ndim == 4 and len(self.kernel) == 2:
            return sub_pixel(x, self.kernel, self.bias)
        if self.kernel.ndim == 4:
            return tf.nn.bias_add(tf.nn.conv2d(x, self.kernel, 1, "SAME"), self.bias)
        x = tf.matmul(x, self.kernel)
        if self.side:
            x = tf.reshape(x, (-1, self.side, self.side, len(self.bias)))
        return tf.nn.bias_add(x, self.bias)

    def balanced(self, x, style, before: np.ndarray) -> tuple[_Step, np.ndarray]:
        """The step with channels of similar range, when its inputs are divided by `before`; and what it divides by.

        Args:
            x: Typical inputs, not divided.
            style: Their style vectors.
            before: One number an input channel.
        """
        produced, modulated, activated = map(_peaks, self._parts(x, style))
        peaks = np.maximum(modulated, activated)
        # all the way would move the range into the next kernel, whose numbers are rounded too
        after = (peaks / peaks.max()) ** _BALANCE
        # LiteRT rounds what a gain is multiplied with by the levels of the product
        inner = after if self.modulation is None else produced / peaks.max()
        kernel = self.kernel * before[:, None] / np.tile(inner, self.kernel.shape[-1] // len(inner))
        modulation = None
        if self.modulation is not None:
            scale = np.concatenate([inner / after, 1 / after])
            modulation = tuple((part * scale).astype(np.float32) for part in self.modulation)
        bias = (self.bias / inner).astype(np.float32)
        return dataclasses.replace(self, kernel=kernel.astype(np.float32), bias=bias, modulation=modulation), after


def _peaks(values):
    """The largest size of each channel."""
    peaks = np.abs(values.numpy()).max(axis=tuple(range(values.ndim - 1)))
    return np.where(peaks > 0, peaks, np.float32(1))


@dataclasses.dataclass(frozen=True)
class Folded:
    """A generator with its normalisations folded into kernels, made by `of`.

    Args:
        name: Of the class of the network.
        num_ids: Number of ids of each attribute, as of a `ConditionEmbedding`.
        picture: Height, width and channels of the pictures.
        table: Vectors of all ids, `[sum(num_ids), embedding_dim]`; `None` if unconditional.
        steps: From the style vector to the last features.
        output: Kernel and bias of what draws the picture.
        clipped: Whether the picture is clipped before `tanh`.
    """

    name: str
    num_ids: tuple[int, ...]
    picture: tuple[int, int, int]
    table: np.ndarray | None
    steps: tuple[_Step, ...]
    output: tuple[np.ndarray, np.ndarray]
    clipped: bool = False

    @classmethod
    def of(cls, network: Generator) -> Folded:
        """A built `Generator`, folded.

        Raises:
            RecipeError: If this kind of generator cannot be taken apart, see `stages`.
        """
        chain = chain_of(network)
        return cls(
            type(network).__name__,
            network.num_ids,
            (network.image_size, network.image_size, network.channels),
            array_of(network.embedding.table) if network.conditional else None,
            tuple(_fold(stage, network.style_dim) for stage in chain.stages),
            (array_of(chain.output.kernel), array_of(chain.output.bias)),
        )

    def graph(self) -> Graph:
        """What a converter reads."""
        return Graph(self.name, lambda inputs: self.images(inputs["latents"], inputs["conditions"]))

    def images(self, latents, conditions):
        """Pictures, float32 in -1 to 1, of latents `[N, latent_dim]` and condition ids `[N, columns]`."""
        x = self.features(latents, conditions)[-1]
        kernel, bias = self.output
        if not self.clipped:
            return tf.tanh(self._draw(x, kernel, bias))
        # converters make one operation of a convolution and a limit of -1 to 1
        drawn = self._draw(x, kernel / _FLAT, bias / _FLAT)
        return tf.tanh(_FLAT * tf.maximum(tf.minimum(drawn, 1.0), -1.0))

    def features(self, latents, conditions):
        """What the stages give, in order: `[N, H, W, channels]` or `[N, channels]` each."""
        style = self._style(latents, conditions)
        found = [style]
        for step in self.steps:
            found.append(step(found[-1], style))
        return found[1:]

    def for_integers(self, latents: np.ndarray, conditions: np.ndarray) -> Folded:
        """A copy whose numbers fit into few levels; it draws the same pictures up to a tenth of a level.

        The latents and conditions are typical ones, as `images` takes them.
        """
        x = style = self._style(tf.constant(latents), tf.constant(conditions))
        scale, steps = np.ones(style.shape[-1], np.float32), []
        for step in self.steps:
            balanced, scale = step.balanced(x, style, scale)
            steps.append(balanced)
            x = step(x, style)
        kernel, bias = self.output
        output = ((kernel * scale[:, None]).astype(np.float32), bias)
        return dataclasses.replace(self, steps=tuple(steps), output=output, clipped=True)

    def _style(self, latents, conditions):
        if self.table is None:
            return latents
        rows, weights = table_rows(conditions, self.num_ids)
        vectors = tf.gather(self.table, rows)
        if weights is not None:
            vectors = vectors * weights[:, :, None]
        return tf.concat([latents, tf.reduce_sum(vectors, axis=1)], axis=-1)

    def _draw(self, x, kernel, bias):
        if kernel.ndim == 4:
            return tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias)
        return tf.reshape(tf.matmul(x, kernel) + bias, (-1, *self.picture))


def _fold(stage: Stage, style_dim: int) -> _Step:
    """The stage with its normalisation inside the kernel."""
    modulated = isinstance(stage.norm, ModulatedNormalization)
    norm = stage.norm.norm if modulated else stage.norm
    mean, variance = (array_of(weight) for weight in (norm.moving_mean, norm.moving_variance))
    scale = 1 / np.sqrt(variance + norm.epsilon)
    bias = array_of(stage.producer.bias) if stage.producer.use_bias else np.zeros_like(mean)
    bias = (bias - mean) * scale
    modulation = None
    if modulated:
        to_both, gain_and_shift = (array_of(weight) for weight in stage.norm.to_gain_and_bias.weights)
        gain_and_shift[: len(mean)] += 1
        # latents come first, and have no say where the condition modulates alone
        to_both = np.pad(to_both, ((style_dim - len(to_both), 0), (0, 0)))
        modulation = (to_both, gain_and_shift)
    else:
        scale = scale * array_of(norm.gamma)
        bias = bias * array_of(norm.gamma) + array_of(norm.beta)
    kernel, interpolation = array_of(stage.producer.kernel), ""
    if isinstance(stage.producer, UpsampleConv2D):
        kernel, interpolation = kernel.transpose(0, 1, 3, 2), stage.producer.interpolation
    elif isinstance(stage.producer, keras.layers.Conv2DTranspose):
        kernel = sub_pixel_kernel(kernel)
    kernel = (kernel * np.tile(scale, kernel.shape[-1] // len(scale))).astype(np.float32)
    return _Step(kernel, bias.astype(np.float32), modulation, stage.slope, stage.side, interpolation)
