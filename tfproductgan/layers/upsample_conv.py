"""Upsampling followed by a convolution, computed as one transposed convolution."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from tfproductgan.layers.convolution import conv_transpose

# what repeating or bilinear interpolation does to a row of pixels with zeros in between
INTERPOLATIONS = {"nearest": (1.0, 1.0), "bilinear": (0.25, 0.75, 0.75, 0.25)}


@keras.saving.register_keras_serializable(package="tfproductgan")
class UpsampleConv2D(keras.layers.Layer):
    """Doubles height and width by interpolation, then convolves with a 3x3 kernel.

    Interpolation is itself a transposed convolution with a fixed kernel, so both steps together are one
    transposed convolution whose kernel is the 3x3 kernel convolved with that one. It computes the same numbers
    and never makes the large, interpolated feature map. `fused=False` repeats pixels and convolves instead, for
    converters and runtimes in which transposed convolutions are slow; weights and numbers are the same.

    Outside the map is zero, as in a convolution with `"same"` padding.

    Args:
        filters: Number of output channels.
        interpolation: `"nearest"` or `"bilinear"`, which draws smoother textures. Defaults to `"bilinear"`.
        use_bias: Whether to add a bias. Defaults to `True`.
        fused: Whether to compute both steps as one. Defaults to `True`.
        kernel_initializer: How the 3x3 kernel, `[3, 3, out, in]`, starts. Defaults to He initialisation.
        kernel_regularizer: Regulariser of the 3x3 kernel. Defaults to `None`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, height, width, channels]`.

    Output shape: `[batch, 2 * height, 2 * width, filters]`.
    """

    def __init__(
        self,
        filters,
        interpolation="bilinear",
        use_bias=True,
        fused=True,
        kernel_initializer=None,
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if interpolation not in INTERPOLATIONS:
            raise ValueError(f"interpolation must be one of {tuple(INTERPOLATIONS)}. Received: {interpolation!r}")
        self.filters = filters
        self.interpolation = interpolation
        self.use_bias = use_bias
        self.fused = fused
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        # a transposed convolution reads its kernel backwards; a convolution does not, and the last of its two
        # steps of interpolation, repeating, is done on the pixels
        row = np.array(INTERPOLATIONS[interpolation])
        self._spread = spreading_matrix(row, backwards=True) if fused else spreading_matrix(_without_repeating(row))

    def build(self, input_shape):
        """Make kernel and bias."""
        self.kernel = self.add_weight(
            name="kernel",
            # [height, width, out, in] is what transposed convolutions read
            shape=(3, 3, self.filters, input_shape[-1]),
            # what this shape calls fan out is what goes into one output pixel
            initializer=self.kernel_initializer
            or keras.initializers.VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal"),
            regularizer=self.kernel_regularizer,
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.built = True

    def call(self, inputs):
        """Upsample and convolve."""
        if self.fused:
            outputs = conv_transpose(inputs, self._spread_kernel())
        else:
            repeated = ops.repeat(ops.repeat(inputs, 2, axis=1), 2, axis=2)
            kernel = ops.transpose(self._spread_kernel(), (0, 1, 3, 2))
            outputs = ops.conv(repeated, kernel, strides=1, padding="same", data_format="channels_last")
        return outputs + self.bias if self.use_bias else outputs

    @property
    def used_kernel(self):
        """The 3x3 kernel as it counts."""
        return ops.convert_to_tensor(self.kernel)

    def _spread_kernel(self):
        """The 3x3 kernel convolved with the kernel of the interpolation: one small matrix product."""
        kernel = self.used_kernel
        side = round(len(self._spread) ** 0.5)
        spread = ops.cast(self._spread, kernel.dtype) @ ops.reshape(kernel, (9, -1))
        return ops.reshape(spread, (side, side, *kernel.shape[2:]))

    def compute_output_shape(self, input_shape):
        """`[batch, 2 * height, 2 * width, filters]`."""
        batch, height, width, _ = input_shape
        return (batch, height and 2 * height, width and 2 * width, self.filters)

    def get_config(self):
        """Everything the constructor takes."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "interpolation": self.interpolation,
            "use_bias": self.use_bias,
            "fused": self.fused,
            "kernel_initializer": self.kernel_initializer and keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def spreading_matrix(row, backwards=False):
    """The matrix that convolves a flat 3x3 kernel with a separable filter: `[(len(row) + 2) ** 2, 9]`."""
    matrix = np.zeros((len(row) + 2, 3), np.float32)
    for tap in range(3):
        matrix[tap : tap + len(row), 2 - tap if backwards else tap] = row
    return np.kron(matrix, matrix)


def _without_repeating(row):
    """The filter that remains when repeating pixels, `(1, 1)`, is taken out of an interpolation."""
    return np.polydiv(row, np.ones(2))[0]
