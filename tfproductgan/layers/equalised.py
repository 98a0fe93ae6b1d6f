"""Layers whose weights all start as large and are scaled as they are used, so that Adam moves all at one rate."""

from __future__ import annotations

import keras
from keras import ops


class _Equalised(keras.layers.Layer):
    """Keeps a kernel of a spread of 1 and multiplies it by the root of one over what goes into an output."""

    def make_kernel(self, shape, fan_in, rate=1.0):
        """The kernel; `rate` times as large steps are taken with it."""
        spread = keras.initializers.RandomNormal(stddev=1 / rate)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=spread)
        self.scale = rate * fan_in**-0.5


@keras.saving.register_keras_serializable(package="tfproductgan")
class EqualisedDense(_Equalised):
    """A dense layer with an equalised learning rate.

    Args:
        units: Number of outputs.
        rate: Multiplies the learning rate of kernel and bias. Defaults to 1.
        bias: What each bias adds at the start. Defaults to 0.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[..., features]`.

    Output shape: `[..., units]`.

    Reference:
        Karras et al., 2018, Progressive Growing of GANs for Improved Quality, Stability, and Variation, section 4.1,
        https://arxiv.org/abs/1710.10196
    """

    def __init__(self, units, rate=1.0, bias=0.0, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.rate = rate
        self.bias_start = bias

    def build(self, input_shape):
        """Make kernel and bias."""
        self.make_kernel((input_shape[-1], self.units), input_shape[-1], self.rate)
        start = keras.initializers.Constant(self.bias_start / self.rate)
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer=start)
        self.built = True

    def call(self, inputs):
        """Multiply and add."""
        return ops.matmul(inputs, self.kernel * self.scale) + self.bias * self.rate

    def compute_output_shape(self, input_shape):
        """The shape of the outputs."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "units": self.units, "rate": self.rate, "bias": self.bias_start}


@keras.saving.register_keras_serializable(package="tfproductgan")
class EqualisedConv2D(_Equalised):
    """A convolution with an equalised learning rate; see `EqualisedDense`.

    Args:
        filters: Number of output channels.
        side: Of the kernel.
        strides: Pixels from one output to the next. Defaults to 1.
        padding: `"same"` or `"valid"`. Defaults to `"same"`.
        use_bias: Whether to add a bias. Defaults to `True`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, height, width, channels]`.
    """

    def __init__(self, filters, side, strides=1, padding="same", use_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.side = side
        self.strides = strides
        self.padding = padding
        self.use_bias = use_bias

    def build(self, input_shape):
        """Make kernel and bias."""
        channels = input_shape[-1]
        self.make_kernel((self.side, self.side, channels, self.filters), self.side**2 * channels)
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros") if self.use_bias else None
        self.built = True

    def call(self, inputs):
        """Convolve."""
        made = ops.conv(inputs, self.kernel * self.scale, self.strides, self.padding, "channels_last")
        return made if self.bias is None else made + self.bias

    def compute_output_shape(self, input_shape):
        """The shape of the outputs."""
        batch, height, width, _ = input_shape
        lost = 0 if self.padding == "same" else self.side - 1
        height, width = (-(-(size - lost) // self.strides) for size in (height, width))
        return (batch, height, width, self.filters)

    def get_config(self):
        """Everything the constructor takes."""
        own = ("filters", "side", "strides", "padding", "use_bias")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
