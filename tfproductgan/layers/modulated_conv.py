"""Convolutions whose inputs are scaled by a style."""

from __future__ import annotations

import keras
from keras import ops

from tfproductgan.layers.equalised import EqualisedDense
from tfproductgan.layers.fir_resampling import FIRFilter2D


@keras.saving.register_keras_serializable(package="tfproductgan")
class ModulatedConv2D(keras.layers.Layer):
    """A convolution with channels scaled by a style before it and to unit spread after it.

    To scale what goes in and what comes out gives what to scale the kernel for each picture would, and needs no grouped
    convolution, which processors compute many times slower.

    Args:
        filters: Number of output channels.
        side: Of the kernel.
        upsample: Whether to double the size: by a transposed convolution, and a low-pass filter after it.
        demodulate: Whether to scale what comes out to unit spread. Defaults to `True`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `[batch, height, width, channels]`; of a single map for all pictures `batch` is 1.
        style: `[batch, style_dim]`.

    Output shape: `[batch, height, width, filters]`, twice as high and wide if upsampled.

    Reference:
        Karras et al., 2020, Analyzing and Improving the Image Quality of StyleGAN, section 2.2,
        https://arxiv.org/abs/1912.04958
    """

    def __init__(self, filters, side, upsample=False, demodulate=True, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.side = side
        self.upsample = upsample
        self.demodulate = demodulate

    def build(self, inputs_shape, style_shape):
        """Make the map from style to scales, and the kernel."""
        channels = inputs_shape[-1]
        options = {"gain": 1.0, "bias_initializer": "ones", "dtype": self.dtype_policy}
        self.to_scales = EqualisedDense(channels, name="to_scales", **options)
        self.to_scales.build(style_shape)
        ends = (self.filters, channels) if self.upsample else (channels, self.filters)
        spread = keras.initializers.RandomNormal(stddev=1.0)
        self.kernel = self.add_weight(name="kernel", shape=(self.side, self.side, *ends), initializer=spread)
        self.smooth = FIRFilter2D(1, 4.0, name="smooth", dtype=self.dtype_policy) if self.upsample else None
        self.built = True

    def call(self, inputs, style):
        """Scale, convolve, scale."""
        scales = self.to_scales(style)
        if not self.demodulate:
            scales = scales * (self.side**2 * inputs.shape[-1]) ** -0.5
        x = inputs * scales[:, None, None]
        if self.upsample:
            x = self.smooth(ops.conv_transpose(x, self.kernel, 2, "valid", None, "channels_last"))
        else:
            x = ops.conv(x, self.kernel, 1, "same", "channels_last")
        return x * self._spread(scales)[:, None, None] if self.demodulate else x

    def _spread(self, scales):
        """One over the spread of what comes out of inputs of unit spread."""
        kernel, scales = (ops.square(ops.cast(part, "float32")) for part in (self.kernel, scales))
        powers = ops.sum(kernel, axis=(0, 1))
        variances = ops.matmul(scales, ops.transpose(powers) if self.upsample else powers)
        return ops.cast(ops.rsqrt(variances + 1e-8), self.compute_dtype)

    def compute_output_shape(self, inputs_shape, style_shape):
        """The shape of the outputs."""
        factor = 2 if self.upsample else 1
        return (style_shape[0], factor * inputs_shape[1], factor * inputs_shape[2], self.filters)

    def get_config(self):
        """Everything the constructor takes."""
        own = ("filters", "side", "upsample", "demodulate")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
