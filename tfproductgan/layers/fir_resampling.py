"""Resampling with a low-pass filter, so that neither lattices nor aliases appear."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

_FILTER = np.array([1.0, 3.0, 3.0, 1.0]) / 8
DIRECTIONS = ("up", "down")


@keras.saving.register_keras_serializable(package="tfproductgan")
class FIRResampling2D(keras.layers.Layer):
    """Doubles or halves height and width, filtered by `[1, 3, 3, 1]` along both; outside the map is zero.

    Each direction is one product with a small fixed matrix an axis: exactly linear, so that penalties can be derived
    through it any number of times. Up to 64 pixels nothing measured on processors was much faster (depthwise and
    transposed convolutions; slices take five to ten times as long).

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

    def call(self, inputs):
        """Resample rows, then columns."""
        _, height, width, channels = inputs.shape
        new_height, new_width = self._size(height), self._size(width)
        x = ops.reshape(inputs, (-1, height, width * channels))
        x = ops.reshape(ops.matmul(self._matrix(height), x), (-1, width, channels))
        x = ops.matmul(self._matrix(width), x)
        return ops.reshape(x, (-1, new_height, new_width, channels))

    def _size(self, size):
        return 2 * size if self.direction == "up" else size // 2

    def _matrix(self, size):
        """What filters an axis: `[new size, size]`."""
        smaller = min(size, self._size(size))
        # row i of the way down reads from one pixel before the pair that it replaces to one after
        rows = np.zeros((smaller, 2 * smaller + 2))
        for row in range(smaller):
            rows[row, 2 * row : 2 * row + 4] = _FILTER
        down = rows[:, 1:-1]
        return ops.convert_to_tensor(down if self.direction == "down" else 2 * down.T, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """The shape of the resampled map."""
        batch, height, width, channels = input_shape
        return (batch, self._size(height), self._size(width), channels)

    def get_config(self):
        """Everything the constructor takes."""
        return {**super().get_config(), "direction": self.direction}
