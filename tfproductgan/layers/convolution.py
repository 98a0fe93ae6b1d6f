"""Convolutions whose gradient by kernel is quick at small maps on processors."""

from __future__ import annotations

import keras
from keras import ops

_SMALL = 16
"""Places of a map up to which products of matrices are quicker, see docs/performance.md."""

_FEW = 4
"""Channels, as of colours, up to which a gradient by kernel is quicker the other way round."""


def on_accelerator() -> bool:
    """Whether Keras computes on a GPU or TPU."""
    return any(not device.startswith("cpu") for device in keras.distribution.list_devices())


@keras.saving.register_keras_serializable(package="tfproductgan")
class Conv2D(keras.layers.Conv2D):
    """A `keras.layers.Conv2D` that computes by `conv`, where that computes the same."""

    def convolution_op(self, inputs, kernel):
        """The convolution without its bias."""
        plain = inputs.shape[-1] == kernel.shape[2] and set(self.dilation_rate) == {1} and len(set(self.strides)) == 1
        if plain and self.padding == "same" and self.data_format == "channels_last":
            return conv(inputs, kernel, self.strides[0])
        return super().convolution_op(inputs, kernel)


def conv(inputs, kernel, strides=1):
    """A convolution with `"same"` padding.

    oneDNN's gradient by kernel takes two to four times as long as the forward pass where the map that is made has 4x4
    places or fewer; there it is one product of matrices, of patches and what comes back. Where colours are made it is
    that of a convolution from colours to channels. A gradient of a gradient is as well. Batches of unknown size, as
    exports have, get the operation alone.

    Args:
        inputs: `[batch, height, width, in]`.
        kernel: `[height, width, in, out]`.
        strides: Of both sides.

    Returns:
        `[batch, height / strides, width / strides, out]`, rounded up.
    """
    if _is_known(inputs):
        sides = [-(-side // strides) for side in inputs.shape[1:3]]
        if _is_small(sides) or _makes_colours(kernel.shape, strides):
            return _forward(inputs, kernel, strides)
    return ops.conv(inputs, kernel, strides, "same", "channels_last")


def conv_transpose(inputs, kernel, strides=2):
    """What `conv` is the gradient of: a transposed convolution with `"same"` padding.

    Args:
        inputs: `[batch, height, width, in]`.
        kernel: `[height, width, out, in]`.
        strides: By which both sides grow.

    Returns:
        `[batch, strides * height, strides * width, out]`.
    """
    if not (_is_known(inputs) and _is_small(inputs.shape[1:3])):
        return ops.conv_transpose(inputs, kernel, strides, "same", data_format="channels_last")
    batch, height, width, _ = inputs.shape
    return _backward(inputs, kernel, strides, (batch, strides * height, strides * width, kernel.shape[2]))


def _is_known(inputs):
    """Whether TensorFlow computes on processors, and of which size."""
    if keras.backend.backend() != "tensorflow" or on_accelerator():
        return False
    import tensorflow as tf

    return tf.is_tensor(inputs) and None not in inputs.shape


def _is_small(sides):
    return sides[0] * sides[1] <= _SMALL


def _makes_colours(shape, strides):
    height, width, channels, filters = shape
    return strides == 1 and height % 2 == width % 2 == 1 and filters <= _FEW < channels


def _forward(inputs, kernel, strides):
    import tensorflow as tf

    @tf.custom_gradient
    def convolve(inputs, kernel):
        def gradients(upstream):
            by_inputs = _backward(upstream, kernel, strides, tuple(inputs.shape))
            return by_inputs, _by_kernel(inputs, upstream, kernel.shape, strides)

        return tf.nn.conv2d(inputs, kernel, strides, "SAME"), gradients

    return convolve(inputs, tf.convert_to_tensor(kernel))


def _backward(inputs, kernel, strides, shape):
    import tensorflow as tf

    @tf.custom_gradient
    def convolve(inputs, kernel):
        def gradients(upstream):
            by_inputs = _forward(upstream, kernel, strides)
            return by_inputs, _by_kernel(upstream, inputs, kernel.shape, strides)

        return tf.nn.conv2d_transpose(inputs, kernel, shape, strides, "SAME"), gradients

    return convolve(inputs, tf.convert_to_tensor(kernel))


def _by_kernel(large, small, shape, strides):
    """The gradient `[height, width, channels of large, of small]` by a kernel that leads from one map to another."""
    import tensorflow as tf

    if not _is_small(small.shape[1:3]):  # colours are made: as of the convolution the other way round
        turned = tf.raw_ops.Conv2DBackpropFilter(
            input=small,
            filter_sizes=(*shape[:2], shape[3], shape[2]),
            out_backprop=large,
            strides=(1, 1, 1, 1),
            padding="SAME",
        )
        return tf.transpose(turned[::-1, ::-1], (0, 1, 3, 2))
    batch, rows, columns, filters = small.shape
    channels = large.shape[3]
    taps = [-(-side // strides) for side in shape[:2]]
    blocks = (rows + taps[0] - 1, columns + taps[1] - 1)
    around = [[0, 0]]
    for side, made, tap, count in zip(large.shape[1:3], (rows, columns), shape[:2], blocks, strict=True):
        before = max((made - 1) * strides + tap - side, 0) // 2
        around.append([before, count * strides - side - before])
    # blocks of as many places as a stride leaves out become channels, so that patches are plain cuts
    large = tf.pad(large, [*around, [0, 0]])
    if strides > 1:
        large = tf.reshape(large, (batch, blocks[0], strides, blocks[1], strides, channels))
        large = tf.reshape(tf.transpose(large, (0, 1, 3, 2, 4, 5)), (batch, *blocks, strides**2 * channels))
    cuts = [large[:, i : i + rows, j : j + columns] for i in range(taps[0]) for j in range(taps[1])]
    patches = tf.reshape(tf.concat(cuts, axis=-1), (batch * rows * columns, -1))
    found = tf.matmul(patches, tf.reshape(small, (-1, filters)), transpose_a=True)
    if strides > 1:
        found = tf.reshape(found, (*taps, strides, strides, channels, filters))
        found = tf.transpose(found, (0, 2, 1, 3, 4, 5))
    found = tf.reshape(found, (taps[0] * strides, taps[1] * strides, channels, filters))
    return found[: shape[0], : shape[1]]
