"""What happens to photos on their way into a shop, so that a model can learn to undo it."""

from __future__ import annotations

import math

import tensorflow as tf

from tfproductgan.models.pictures import to_float, to_uint8
from tfproductgan.models.randomness import Purpose


def degraded(images, scale, objective, draws):
    """Photos blurred, made smaller, with noise and as JPEG, by amounts that a step draws for each.

    Args:
        images: float32 `[B, H, W, C]` in -1 to 1; `scale` divides height and width.
        scale: How many times smaller they become.
        objective: An `UpscalingObjective`.
        draws: The step's `Draws`.

    Returns:
        float32 `[B, H / scale, W / scale, C]` in -1 to 1, of whole levels as files hold them.

    Reference:
        Wang et al., 2021, Real-ESRGAN, https://arxiv.org/abs/2107.10833 (one of its two rounds)
    """
    rows, height, width, channels = images.shape
    amounts = draws.uniform(Purpose.DEGRADATION, (rows, 4))
    x = _blurred(images, objective.blur * amounts[:, 0], objective.blur) if objective.blur else images
    x = _smaller(x, (height // scale, width // scale), objective.kernels, amounts[:, 1])
    if objective.noise:
        noise = draws.normal(Purpose.NOISE, (rows, height // scale, width // scale, channels))
        x += noise * (objective.noise / 127.5 * amounts[:, 2])[:, None, None, None]
    pixels = to_uint8(x)
    if objective.jpeg < 100:
        quality = objective.jpeg + tf.cast(tf.floor(amounts[:, 3] * (101 - objective.jpeg)), tf.int32)
        pixels = tf.map_fn(_saved, (pixels, quality), fn_output_signature=tf.TensorSpec(pixels.shape[1:], tf.uint8))
    return to_float(pixels)


def smaller(images, scale):
    """Photos made smaller and nothing else, by an antialiased bicubic filter: uint8 `[B, H, W, C]` of either size."""
    return _resized(images, [side // scale for side in images.shape[1:3]], antialias=True)


def larger(images, scale):
    """Photos made larger by a bicubic filter, as a network is to do better: uint8 `[B, H, W, C]` of either size."""
    return _resized(images, [scale * side for side in images.shape[1:3]])


def _resized(images, size, antialias=False):
    resized = tf.image.resize(tf.cast(images, tf.float32), size, "bicubic", antialias=antialias)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def _blurred(images, sigmas, most):
    """Gaussian blur, each picture with a standard deviation of its own, by sums of shifted pictures."""
    reach = math.ceil(3 * most)
    taps = tf.range(-reach, reach + 1, dtype=tf.float32)
    weights = tf.exp(-0.5 * tf.square(taps / tf.maximum(sigmas, 1e-3)[:, None]))
    weights = (weights / tf.reduce_sum(weights, axis=1, keepdims=True))[:, :, None, None, None]
    height, width = images.shape[1:3]
    for axis, length in ((1, height), (2, width)):
        around = [[reach, reach] if each == axis else [0, 0] for each in range(4)]
        # in parts, since no more than the picture can be mirrored at once
        padded = images
        for start in range(0, reach, length):
            step = min(length, reach - start)
            padded = tf.pad(padded, [[step * (pad > 0) for pad in each] for each in around], "SYMMETRIC")
        shifted = [tf.gather(padded, tf.range(tap, tap + length), axis=axis) for tap in range(2 * reach + 1)]
        images = tf.add_n([weights[:, tap] * each for tap, each in enumerate(shifted)])
    return images


def _smaller(images, size, kernels, lot):
    """Each picture by a filter of its own, drawn by lot."""
    # averages over areas need no smoothing before
    made = [tf.image.resize(images, size, kernel, antialias=kernel != "area") for kernel in kernels]
    which = tf.cast(tf.floor(lot * len(kernels)), tf.int32)
    return tf.gather(tf.stack(made, axis=1), which, axis=1, batch_dims=1)


def _saved(row):
    """A picture as it comes back from a JPEG file."""
    pixels, quality = row
    return tf.image.adjust_jpeg_quality(pixels, quality)
