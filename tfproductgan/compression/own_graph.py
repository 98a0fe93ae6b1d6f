"""A network's own graph in float32, as converters read it; pictures are the same, many runtimes draw them faster.

Transposed convolutions are many times slower than convolutions in LiteRT. So a doubling of size by one becomes a
convolution that makes the four pixels of each as channels, and `depth_to_space`: the same products. One by
interpolation becomes that and a convolution.

Reference:
    Shi et al., 2016, Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
    Neural Network, https://arxiv.org/abs/1609.05158
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.layers.upsample_conv import UpsampleConv2D
from tfproductgan.models.trained import copy_of


@dataclasses.dataclass(frozen=True)
class Graph:
    """What a converter reads.

    Args:
        name: Of the class of the network, for messages.
        draw: Maps tensors by input name to pictures, float32 in -1 to 1.
        variables: TensorFlow variables that `draw` reads.
    """

    name: str
    draw: Callable[[Mapping[str, Any]], Any]
    variables: tuple[tf.Variable, ...] = ()


def own_graph(network: Any) -> Graph:
    """The graph of a network's own `call`, whatever it is made of."""
    copy = copy_of(network, dtype="float32")
    for layer in copy._flatten_layers():
        if isinstance(layer, UpsampleConv2D):
            layer.call = _upsampling(layer)
        elif isinstance(layer, keras.layers.Conv2DTranspose) and _doubles(layer):
            layer.call = _doubling(layer)
    variables = tuple(variable.value for variable in copy.variables)
    return Graph(type(network).__name__, lambda inputs: copy(inputs, training=False), variables)


def _doubles(layer):
    return (
        (layer.kernel_size, layer.strides, layer.padding) == ((4, 4), (2, 2), "same")
        and layer.dilation_rate == (1, 1)
        and layer.output_padding is None
        and layer.data_format == "channels_last"
    )


def _doubling(layer):
    kernel, bias = sub_pixel_kernel(array_of(layer.kernel)), _bias(layer)
    return lambda inputs: layer.activation(sub_pixel(inputs, kernel, bias))


def _upsampling(layer):
    kernel, bias = array_of(layer.used_kernel).transpose(0, 1, 3, 2), _bias(layer)
    return lambda inputs: interpolated_conv(inputs, kernel, bias, layer.interpolation)


def _bias(layer):
    return array_of(layer.bias) if layer.use_bias else np.zeros(layer.filters, np.float32)


# === Doubling of size without transposed convolutions ===


def array_of(weight: Any) -> np.ndarray:
    """A weight as a float32 array of its own."""
    return np.array(keras.ops.convert_to_numpy(weight), np.float32)


def sub_pixel_kernel(kernel: np.ndarray) -> np.ndarray:
    """The kernel of a transposed convolution `[4, 4, out, in]` as that of a convolution: `[2, 2, in, 4 * out]`."""
    # along a side, each of two pixels sees every other tap; transposed convolutions read kernels backwards
    halves = ([2, 0], [3, 1])
    parts = [kernel[np.ix_(rows, columns)].transpose(0, 1, 3, 2) for rows in halves for columns in halves]
    return np.stack(parts, axis=3).reshape(2, 2, kernel.shape[3], -1)


def sub_pixel(x, kernel, bias):
    """What the transposed convolution with stride 2 and `"same"` padding gives, by a kernel of `sub_pixel_kernel`."""
    # the second pixel of a place and the first of the next one see the same inputs: pairs lie half a place further
    x = tf.pad(x, _around(1))
    x = tf.nn.depth_to_space(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "VALID"), np.tile(bias, 4)), 2)
    return x[:, 1 : x.shape[1] - 1, 1 : x.shape[2] - 1, :]


def interpolated_conv(x, kernel, bias, interpolation):
    """What `UpsampleConv2D` gives, by a kernel `[3, 3, in, out]`."""
    # one pixel more around than it has: the convolution takes them off
    x = tf.image.resize(x, (2 * x.shape[1], 2 * x.shape[2]), "nearest")
    if interpolation == "nearest":
        x = tf.pad(x, _around(1))
    else:
        row = np.array([0.25, 0.5, 0.25], np.float32)  # repeating and this is bilinear, with zeros outside
        blur = np.tile(np.outer(row, row)[:, :, None, None], (1, 1, x.shape[3], 1))
        x = tf.nn.depthwise_conv2d(tf.pad(x, _around(2)), blur, [1, 1, 1, 1], "VALID")
    return tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "VALID"), bias)


def _around(width):
    return [[0, 0], [width, width], [width, width], [0, 0]]
