"""Resampling with a low-pass filter, so that neither lattices nor aliases appear."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

_FILTER = np.array([1.0, 3.0, 3.0, 1.0]) / 8
DIRECTIONS = ("up", "down")


class _AlongAxes(keras.layers.Layer):
    """A product with a small fixed matrix an axis: exactly linear, so penalties can be derived through it.

    Up to 64 pixels nothing measured on processors was much faster (depthwise and transposed convolutions; slices take
    five to ten times as long).
    """

    def call(self, inputs):
        """Take rows together, then columns."""
        _, height, width, channels = inputs.shape
        _, new_height, new_width, _ = self.compute_output_shape(inputs.shape)
        x = ops.reshape(inputs, (-1, height, width * channels))
        rows, columns = (ops.convert_to_tensor(self.matrix(size), self.compute_dtype) for size in (height, width))
        x = ops.reshape(ops.matmul(rows, x), (-1, width, channels))
        x = ops.matmul(columns, x)
        return ops.reshape(x, (-1, new_height, new_width, channels))

    def compute_output_shape(self, input_shape):
        """The shape of the map that is made."""
        batch, height, width, channels = input_shape
        return (batch, len(self.matrix(height)), len(self.matrix(width)), channels)

    def matrix(self, size):
        """What an axis of a size is multiplied by: `[new size, size]`."""
        raise NotImplementedError(f"{type(self).__name__} must say what it multiplies by.")


@keras.saving.register_keras_serializable(package="tfproductgan")
class FIRResampling2D(_AlongAxes):
    """Doubles or halves height and width, filtered by `[1, 3, 3, 1]` along both; outside the map is zero.

    Args:
        direction: `"up"` or `"down"`; one is four times the transpose of the other.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, height, width, channels]`, height and width known and, on the way down, even.

    Output shape: `[batch, 2 * height, 2 * width, channels]` or `[batch, height // 2, width // 2, channels]`.

    Reference:
        Karras et al., 2019, A Style-Based Generator Architecture for Generative Adversarial Networks (its blur, after
        Zhang, 2019, https://arxiv.org/abs/1904.11486), https://arxiv.org/abs/1812.04948
    """

    def __init__(self, direction, **kwargs):
        super().__init__(**kwargs)
        if direction not in DIRECTIONS:
            raise ValueError(f"direction must be one of {DIRECTIONS}. Received: {direction!r}")
        self.direction = direction

    def matrix(self, size):
        """What an axis of a size is multiplied by."""
        smaller = size if self.direction == "up" else size // 2
        # row i of the way down reads from one pixel before the pair that it replaces to one after
        down = _filter_rows(smaller, 2 * smaller, 2)
        return down if self.direction == "down" else 2 * down.T

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "direction": self.direction}


@keras.saving.register_keras_serializable(package="tfproductgan")
class FIRFilter2D(_AlongAxes):
    """Filters by `[1, 3, 3, 1]` along height and width, on either side of a convolution that resamples.

    Args:
        padding: How many zeros lie around the map: with 1 it shrinks by a pixel, with 2 it grows by one.
        gain: Multiplies the outputs: 4 after zeros were put between pixels. Defaults to 1.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, height, width, channels]`, height and width known.

    Output shape: `[batch, height + 2 * padding - 3, width + 2 * padding - 3, channels]`.
    """

    def __init__(self, padding, gain=1.0, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding
        self.gain = gain

    def matrix(self, size):
        """What an axis of a size is multiplied by."""
        return self.gain**0.5 * _filter_rows(size + 2 * self.padding - 3, size, 1, self.padding)

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "padding": self.padding, "gain": self.gain}


def _filter_rows(count, size, stride, padding=1):
    """Rows of which each is the filter, a stride after the one before."""
    rows = np.zeros((count, size + 2 * padding))
    for row in range(count):
        rows[row, stride * row : stride * row + len(_FILTER)] = _FILTER
    return rows[:, padding : padding + size]
