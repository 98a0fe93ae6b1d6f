"""Upsampling followed by a convolution, computed as one transposed convolution."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfproductgan")
class UpsampleConv2D(keras.layers.Layer):
    """Doubles height and width by repeating pixels, then convolves with a 3x3 kernel.

    Repeating pixels is itself a transposed convolution with a 2x2 kernel of ones, so both steps together are
    one transposed convolution whose 4x4 kernel is the 3x3 kernel convolved with those ones. It computes the
    same numbers with 4/9 of the multiplications. `fused=False` computes the two steps one after the other,
    for converters and runtimes in which transposed convolutions are slow; the weights are the same.

    Args:
        filters: Number of output channels.
        use_bias: Whether to add a bias. Defaults to `True`.
        fused: Whether to compute both steps as one. Defaults to `True`.
        kernel_initializer: Initialiser of the 3x3 kernel. Defaults to `"he_normal"`.
        kernel_regularizer: Regulariser of the 3x3 kernel. Defaults to `None`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `[batch, height, width, channels]`.

    Output shape: `[batch, 2 * height, 2 * width, filters]`.
    """

    def __init__(
        self,
        filters,
        use_bias=True,
        fused=True,
        kernel_initializer="he_normal",
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.use_bias = use_bias
        self.fused = fused
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape):
        """Make kernel and bias."""
        self.kernel = self.add_weight(
            name="kernel",
            shape=(3, 3, input_shape[-1], self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.built = True

    def call(self, inputs):
        """Upsample and convolve."""
        if self.fused:
            outputs = ops.conv_transpose(inputs, self._fused_kernel(), strides=2, padding="same")
        else:
            repeated = ops.repeat(ops.repeat(inputs, 2, axis=1), 2, axis=2)
            outputs = ops.conv(repeated, ops.convert_to_tensor(self.kernel), strides=1, padding="same")
        return outputs + self.bias if self.use_bias else outputs

    def _fused_kernel(self):
        # transposed convolution reads the kernel backwards and wants [height, width, out, in]
        kernel = ops.transpose(ops.flip(ops.convert_to_tensor(self.kernel), axis=(0, 1)), (0, 1, 3, 2))
        shifts = [
            ops.pad(kernel, ((down, 1 - down), (right, 1 - right), (0, 0), (0, 0)))
            for down in (0, 1)
            for right in (0, 1)
        ]
        return shifts[0] + shifts[1] + shifts[2] + shifts[3]

    def compute_output_shape(self, input_shape):
        """`[batch, 2 * height, 2 * width, filters]`."""
        batch, height, width, _ = input_shape
        return (batch, height and 2 * height, width and 2 * width, self.filters)

    def get_config(self):
        """Everything the constructor takes."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "use_bias": self.use_bias,
            "fused": self.fused,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }
