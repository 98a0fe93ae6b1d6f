"""Layers whose weights all learn at one rate, whatever their number of inputs."""

from __future__ import annotations

import math

import keras
from keras import layers, ops

from tfproductgan.layers.convolution import Conv2D
from tfproductgan.layers.upsample_conv import UpsampleConv2D


class _Equalised:
    """Put before a Keras layer: weights of variance 1, which count `gain / sqrt(inputs)` each.

    They start as He initialisation would have them, but optimisers that move all weights alike, as Adam does, then move
    what they do alike too.

    Args:
        gain: Standard deviation of the outputs of inputs of variance 1. Defaults to the square root of 2, which
            rectifiers take away again.
        *args, **kwargs: As of the layer.

    Reference:
        Karras et al., 2018, Progressive Growing of GANs for Improved Quality, Stability, and Variation, section 4.1,
        https://arxiv.org/abs/1710.10196
    """

    def __init__(self, *args, gain=2**0.5, **kwargs):
        if "kernel_initializer" not in kwargs:
            # one of its own: used twice it would repeat itself
            kwargs["kernel_initializer"] = keras.initializers.RandomNormal(stddev=1.0)
        super().__init__(*args, **kwargs)
        self.gain = gain

    def get_config(self):
        """Everything the constructor takes."""
        config = {**super().get_config(), "gain": self.gain}
        del config["kernel_initializer"]
        return config


@keras.saving.register_keras_serializable(package="tfproductgan")
class EqualisedDense(_Equalised, layers.Dense):
    """A dense layer with an equalised learning rate, see `_Equalised`.

    Args:
        rate: Multiplies the learning rate: weights are larger and count less. Defaults to 1.
    """

    def __init__(self, *args, rate=1.0, **kwargs):
        spread = keras.initializers.RandomNormal(stddev=1 / rate)
        super().__init__(*args, kernel_initializer=spread, **kwargs)
        self.rate = rate

    def call(self, inputs, training=None):
        """Apply the layer."""
        made = super().call(inputs * (self.gain / inputs.shape[-1] ** 0.5), training=training)
        return made if self.rate == 1 else made * self.rate

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable(package="tfproductgan")
class EqualisedConv2D(_Equalised, Conv2D):
    """A convolution with an equalised learning rate, see `_Equalised`."""

    def convolution_op(self, inputs, kernel):
        """Convolve."""
        return super().convolution_op(inputs, kernel * (self.gain / math.prod(kernel.shape[:-1]) ** 0.5))


@keras.saving.register_keras_serializable(package="tfproductgan")
class EqualisedUpsampleConv2D(_Equalised, UpsampleConv2D):
    """Upsampling and convolution with an equalised learning rate, see `_Equalised`."""

    @property
    def used_kernel(self):
        """The 3x3 kernel as it counts."""
        kernel = ops.convert_to_tensor(self.kernel)
        return kernel * (self.gain / (9 * kernel.shape[-1]) ** 0.5)
