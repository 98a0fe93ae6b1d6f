"""Grouped convolutions that processors can train."""

from __future__ import annotations

import keras
from keras import ops

from tfproductgan.layers.convolution import Conv2D, on_accelerator


@keras.saving.register_keras_serializable(package="tfproductgan")
class GroupedConv2D(Conv2D):
    """A `keras.layers.Conv2D` that on processors is computed group by group.

    The weights, and all numbers up to rounding, are the same. TensorFlow's derivatives of grouped convolutions take
    twenty to a hundred times as long there as those of a convolution a group.

    Args: See `keras.layers.Conv2D`; channels come last.
    """

    def convolution_op(self, inputs, kernel):
        """The convolution without its bias."""
        convolve = super().convolution_op
        if self.groups == 1 or on_accelerator():
            return convolve(inputs, kernel)
        pairs = zip(ops.split(inputs, self.groups, -1), ops.split(kernel, self.groups, -1), strict=True)
        return ops.concatenate([convolve(part, weights) for part, weights in pairs], axis=-1)
