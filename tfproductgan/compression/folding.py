"""A generator as constants and few operations that every runtime is fast at; the pictures are the same.

- Normalisation is folded into the kernel before it.
- A doubling of size by transposed convolution becomes a convolution that makes the four pixels of each as channels, and
  `depth_to_space`: the same products, but transposed convolutions are many times slower in LiteRT. One by interpolation
  becomes that and a convolution.
- For whole numbers (int8) channels are scaled to one range, which ReLU lets through to the next kernel, and the last
  convolution is clipped where `tanh` is flat, so that few of the 256 levels are wasted.

References:
    Shi et al., 2016, Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
    Neural Network, https://arxiv.org/abs/1609.05158; Nagel et al., 2019, Data-Free Quantization Through Weight
    Equalization and Bias Correction, https://arxiv.org/abs/1906.04721
"""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.compression.stages import Stage, array_of, chain_of
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
            kernel, bias = self.modulation
            both = tf.nn.bias_add(tf.matmul(style, kernel), bias)
            if produced.shape.rank == 4:
                both = both[:, None, None, :]
            gain, shift = tf.split(both, 2, axis=-1)
            modulated = produced * gain
            shifted = modulated + shift
        return produced, modulated, tf.nn.leaky_relu(shifted, self.slope) if self.slope else tf.nn.relu(shifted)

    def _produce(self, x):
        if self.interpolation:
            return tf.nn.bias_add(
                tf.nn.conv2d(_interpolated(x, self.interpolation), self.kernel, 1, "VALID"), self.bias
            )
        if self.kernel.ndim == 4 and len(self.kernel) == 2:
            return _sub_pixel(x, self.kernel, self.bias)
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
        after = np.maximum(modulated, activated)
        # all the way would move the range into the next kernel, whose numbers are rounded too
        after = (after / after.max()) ** _BALANCE
        inner = after if self.modulation is None else produced / produced.max()
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
class InferenceForm:
    """A generator rewritten for inference, made by `of`.

    Args:
        latent_dim: Length of the latent vectors.
        num_ids: Number of ids of each attribute.
        picture: Height, width and channels of the pictures.
        table: Vectors of all ids, `[sum(num_ids), embedding_dim]`; `None` if unconditional.
        steps: From the style vector to the last features.
        output: Kernel and bias of what draws the picture.
        clipped: Whether the picture is clipped before `tanh`.
    """

    latent_dim: int
    num_ids: tuple[int, ...]
    picture: tuple[int, int, int]
    table: np.ndarray | None
    steps: tuple[_Step, ...]
    output: tuple[np.ndarray, np.ndarray]
    clipped: bool = False

    @classmethod
    def of(cls, network: Generator) -> InferenceForm:
        """The form of a built `Generator`.

        Raises:
            RecipeError: If this kind of generator cannot be taken apart, see `stages`.
        """
        chain = chain_of(network)
        return cls(
            network.latent_dim,
            network.num_ids,
            (network.image_size, network.image_size, network.channels),
            array_of(network.embedding.table) if network.conditional else None,
            tuple(_fold(stage) for stage in chain.stages),
            (array_of(chain.output.kernel), array_of(chain.output.bias)),
        )

    @property
    def signature(self) -> dict[str, tf.TensorSpec]:
        """What `images` takes."""
        return {
            "latents": tf.TensorSpec([None, self.latent_dim], tf.float32, "latents"),
            "conditions": tf.TensorSpec([None, len(self.num_ids)], tf.int32, "conditions"),
        }

    def images(self, latents, conditions):
        """Pictures, float32 in -1 to 1, of latents `[N, latent_dim]` and condition ids `[N, attributes]`."""
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

    def for_integers(self, latents: np.ndarray, conditions: np.ndarray) -> InferenceForm:
        """A copy whose numbers fit into few levels; it draws the same pictures up to a tenth of a level.

        Args:
            latents: float32 `[N, latent_dim]`, typical ones.
            conditions: Their condition ids, int32 `[N, attributes]`.
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
        offsets = np.cumsum([0, *self.num_ids[:-1]]).astype(np.int32)
        vectors = tf.reduce_sum(tf.gather(self.table, conditions + offsets), axis=1)
        return tf.concat([latents, vectors], axis=-1)

    def _draw(self, x, kernel, bias):
        if kernel.ndim == 4:
            return tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias)
        return tf.reshape(tf.matmul(x, kernel) + bias, (-1, *self.picture))


def _fold(stage: Stage) -> _Step:
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
        modulation = (to_both, gain_and_shift)
    else:
        scale = scale * array_of(norm.gamma)
        bias = bias * array_of(norm.gamma) + array_of(norm.beta)
    kernel, interpolation = array_of(stage.producer.kernel), ""
    if isinstance(stage.producer, UpsampleConv2D):
        kernel, interpolation = kernel.transpose(0, 1, 3, 2), stage.producer.interpolation
    elif isinstance(stage.producer, keras.layers.Conv2DTranspose):
        kernel = _sub_pixel_kernel(kernel)
    kernel = (kernel * np.tile(scale, kernel.shape[-1] // len(scale))).astype(np.float32)
    return _Step(kernel, bias.astype(np.float32), modulation, stage.slope, stage.side, interpolation)


def _sub_pixel_kernel(kernel) -> np.ndarray:
    """The kernel of a transposed convolution `[4, 4, out, in]` as that of a convolution: `[2, 2, in, 4 * out]`."""
    # along a side, each of two pixels sees every other tap; transposed convolutions read kernels backwards
    halves = ([2, 0], [3, 1])
    parts = [kernel[np.ix_(rows, columns)].transpose(0, 1, 3, 2) for rows in halves for columns in halves]
    return np.stack(parts, axis=3).reshape(2, 2, kernel.shape[3], -1)


def _sub_pixel(x, kernel, bias):
    """What the transposed convolution with stride 2 and `"same"` padding gives."""
    # the second pixel of a place and the first of the next one see the same inputs: pairs lie half a place further
    x = tf.pad(x, _around(1))
    x = tf.nn.depth_to_space(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "VALID"), np.tile(bias, 4)), 2)
    side = x.shape[1]
    return x[:, 1 : side - 1, 1 : side - 1, :]


def _interpolated(x, interpolation):
    """Twice as high and wide, and one pixel more around for the convolution."""
    x = tf.image.resize(x, (2 * x.shape[1], 2 * x.shape[2]), "nearest")
    if interpolation == "nearest":
        return tf.pad(x, _around(1))
    row = np.array([0.25, 0.5, 0.25], np.float32)  # repeating and this is bilinear, with zeros outside
    blur = np.tile(np.outer(row, row)[:, :, None, None], (1, 1, x.shape[3], 1))
    return tf.nn.depthwise_conv2d(tf.pad(x, _around(2)), blur, [1, 1, 1, 1], "VALID")


def _around(width):
    return [[0, 0], [width, width], [width, width], [0, 0]]
