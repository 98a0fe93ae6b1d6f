"""How weights start."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from tfproductgan.layers.upsample_conv import INTERPOLATIONS, spreading_matrix


@keras.saving.register_keras_serializable(package="tfproductgan")
class UpsamplingKernel(keras.initializers.Initializer):
    """Lets a transposed convolution start as repeating pixels, then a convolution with a He-normal 3x3 kernel.

    So a network has no checkerboard patterns at the start, and stays free to learn an upsampling of its own, with
    16 weights instead of 9 for a pair of channels. For `Conv2DTranspose` with kernel size 4, strides 2 and
    `"same"` padding.

    Args:
        seed: An integer, or `None`.

    Reference:
        Aitken et al., 2017, Checkerboard artifact free sub-pixel convolution, https://arxiv.org/abs/1707.02937
    """

    def __init__(self, seed=None):
        self.seed = seed

    def __call__(self, shape, dtype=None):
        """A kernel of shape `(4, 4, out, in)`.

        Raises:
            ValueError: If the shape is another.
        """
        if tuple(shape[:2]) != (4, 4) or len(shape) != 4:
            raise ValueError(f"UpsamplingKernel makes kernels of shape (4, 4, out, in). Received: {tuple(shape)}")
        # what this layout calls fan out is what goes into one output pixel
        he_normal = keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal", seed=self.seed)
        small = ops.reshape(he_normal((3, 3, *shape[2:]), dtype="float32"), (9, -1))
        spread = spreading_matrix(np.array(INTERPOLATIONS["nearest"]), backwards=True) @ small
        return ops.cast(ops.reshape(spread, shape), dtype or keras.config.floatx())

    def get_config(self):
        """Everything the constructor takes."""
        return {"seed": self.seed}
