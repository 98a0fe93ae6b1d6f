"""Augmentation of what the discriminator sees, differentiable and safe for photos on a plain background."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import backend, ops

from tfproductgan.errors import RecipeError, nearest

# Columns of noise each operation reads: one that decides whether it is applied, then one a parameter. A mirror
# image has no parameter. The operations are applied in this order.
COLUMNS = {"flip": 1, "translation": 3, "rotation": 2, "zoom": 2, "cutout": 3, "colour": 3}

MAX_TRANSLATION = 1 / 8  # of the height and width
MAX_ROTATION = math.radians(15)
MAX_ZOOM = 1.25
CUTOUT_SIZE = 1 / 2  # of the height and width
MAX_CONTRAST = 1.25
MAX_SATURATION = 1.25


@keras.saving.register_keras_serializable(package="tfproductgan")
class Augmentation(keras.layers.Layer):
    """Changes each image at random, in ways that leave its background as it is.

    Put real and generated images through it before the discriminator: it then sees more than the few photos
    there are, and the generator still learns to draw them as they were, provided that a photo often enough stays
    as it is. Keep `probability` at 0.8 or less, or the generator may draw changed photos.

    The background is one colour an image: the median of its border, channel by channel, which an object that
    touches the border does not shift. Whatever moves into the frame has that colour, cutouts are filled with
    it, and colours change relative to it, so white stays exactly white. It counts as a constant in derivatives:
    nothing is to be gained by steering it. In all else the output is linear in the images, so first and second
    derivatives (R1 through the augmentation) are exact, in eager and graph mode and under XLA.

    - `"flip"`: mirrored left to right. Drawn at half the probability, since a mirror image as frequent as the
      photo could not be told from it.
    - `"translation"`: by whole pixels, up to an eighth of the width and height.
    - `"rotation"`: by up to 15 degrees. Several times slower than the others: it gathers single pixels.
    - `"zoom"`: by a factor of 0.8 to 1.25.
    - `"cutout"`: a rectangle of half the width and height, its centre anywhere in the frame.
    - `"colour"`: saturation and contrast against the background, each by a factor of 0.8 to 1.25. On white,
      contrast is the brightness of the object. Never the hue, since colour may be a label; leave this out
      where shades are labels. The result is not clipped to [-1, 1], which would stop gradients.

    Args:
        operations: Which of these. Defaults to `("flip", "translation", "cutout")`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        images: Floats in [-1, 1], `[B, H, W, C]`.
        noise: Uniform in [0, 1), `[B, num_random]`, in float32 whatever the precision. It decides everything:
            row `i` is about image `i` alone. Nothing random is drawn here.
        probability: Chance in [0, 1] of each operation on each image: a scalar tensor, or a float, which Keras
            wants by keyword. At 0 the images come back bit for bit.
        background: `[B, 1, C]`, the colour to take for the background; by default that of the images.

    Output shape:
        That of `images`, and their dtype.

    Raises:
        RecipeError: If an operation is unknown or given twice, or the noise has not `num_random` columns.

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (DiffAugment);
        Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (ADA), which explains
        when augmentations leak.
    """

    def __init__(self, operations: Sequence[str] = ("flip", "translation", "cutout"), **kwargs):
        # under mixed precision Keras would round the noise to bfloat16, and with it every position
        super().__init__(autocast=False, **kwargs)
        for operation in operations:
            if operation not in COLUMNS:
                raise RecipeError(f"Unknown augmentation {operation!r}: {nearest(str(operation), COLUMNS)}")
        if len(set(operations)) < len(operations):
            raise RecipeError(f"An augmentation is given twice. Received: {tuple(operations)}")
        self.operations = tuple(operation for operation in COLUMNS if operation in operations)

    @property
    def num_random(self) -> int:
        """Number of noise values an image."""
        return sum(COLUMNS[operation] for operation in self.operations)

    def call(self, images: Any, noise: Any, probability: Any, background: Any = None) -> Any:
        """Change the images; see the class."""
        if noise.shape[-1] != self.num_random:
            raise RecipeError(f"The noise needs {self.num_random} columns. Received shape: {tuple(noise.shape)}")
        if not self.operations:
            return images
        # Images are kept as `[B, H, W * C]`: on CPUs TensorFlow broadcasts over four axes several times slower
        height, width, channels = images.shape[1:]
        dtype = backend.result_type(images.dtype, "float32")
        draws, changed = self._draws(ops.cast(noise, dtype), ops.cast(probability, dtype))
        exact = ops.cast(images, dtype)
        background = ops.tile(background_of(exact) if background is None else background, (1, 1, width))
        difference = ops.reshape(exact, (-1, height, width * channels)) - background
        if not {"flip", "translation", "rotation", "zoom"}.isdisjoint(draws):
            difference = _warp(difference, channels, draws)
        if "cutout" in draws:
            difference = _cut_out(difference, channels, *draws["cutout"])
        if "colour" in draws:
            difference = _recolour(difference, channels, *draws["colour"])
        augmented = ops.reshape(ops.cast(background + difference, images.dtype), (-1, height * width * channels))
        chosen = ops.where(changed, augmented, ops.reshape(images, (-1, height * width * channels)))
        return ops.reshape(chosen, ops.shape(images))

    def compute_output_shape(self, images_shape, noise_shape=None, probability_shape=None, background_shape=None):
        return images_shape

    def get_config(self):
        return {**super().get_config(), "operations": list(self.operations)}

    def _draws(self, noise: Any, probability: Any) -> tuple[dict[str, Any], Any]:
        """Of each operation, where it is applied and its noise, `[B, 1]` each; and which images change at all."""
        draws, changed, start = {}, False, 0
        for operation in self.operations:
            chance, *values = (noise[:, i : i + 1] for i in range(start, start + COLUMNS[operation]))
            start += COLUMNS[operation]
            applied = chance < (0.5 * probability if operation == "flip" else probability)
            changed = ops.logical_or(changed, applied)
            draws[operation] = (applied, *values)
        return draws, changed


def background_of(images: Any) -> Any:
    """The background colour of each image: the median of its border, a constant in derivatives.

    Args:
        images: `[B, H, W, C]`.

    Returns:
        `[B, 1, C]`.
    """
    border = [images[:, 0], images[:, 1:-1, -1], images[:, -1], images[:, 1:-1, 0]]
    border = ops.stop_gradient(ops.concatenate(border, axis=1))
    # every second or later pixel of a large image will do, and sorting is slow
    ordered = ops.sort(border[:, :: max(1, border.shape[1] // 63)], axis=1)
    middle = ordered.shape[1] // 2
    return ordered[:, middle : middle + 1]


def _warp(images: Any, channels: int, draws: dict[str, Any]) -> Any:
    """Move pixels: each one is looked up at a position of the image, counted from its centre; 0 is outside."""
    height, width = images.shape[1], images.shape[2] // channels
    y, x = _from_centre(height, images.dtype), _from_centre(width, images.dtype)
    if "translation" in draws:
        applied, down, right = draws["translation"]
        y = y - ops.where(applied, _whole_pixels(down, height), 0.0)
        x = x - ops.where(applied, _whole_pixels(right, width), 0.0)
    if "zoom" in draws:
        factor = _factor(*draws["zoom"], MAX_ZOOM)
        y, x = y / factor, x / factor
    mirror = ops.where(draws["flip"][0], -1.0, 1.0) if "flip" in draws else 1.0
    mirror = ops.cast(mirror, images.dtype)
    if "rotation" in draws:
        applied, turn = draws["rotation"]
        angle = ops.where(applied, (2.0 * turn - 1.0) * MAX_ROTATION, 0.0)[:, :, None]
        cos, sin, y, x = ops.cos(angle), ops.sin(angle), y[:, :, None], x[:, None, :]
        return _sample_pixels(images, channels, cos * y - sin * x, mirror[..., None] * (cos * x + sin * y))
    if "translation" in draws or "zoom" in draws:
        images = _sample_rows(images, y)
    return _swap_axes(_sample_rows(_swap_axes(images, channels), mirror * x), channels)


def _sample_rows(images: Any, positions: Any) -> Any:
    """Rows of `[B, H, N]` at positions `[B, H]`, interpolated.

    As a matrix product: that takes half the time of gathering on a CPU and, unlike the derivative of gathering
    on a GPU, always sums in the same order.
    """
    distances = positions[:, :, None] - _from_centre(images.shape[1], images.dtype)[:, None, :]
    return ops.matmul(ops.maximum(1.0 - ops.abs(distances), 0.0), images)


def _sample_pixels(images: Any, channels: int, y: Any, x: Any) -> Any:
    """Pixels of `[B, H, W * C]` at positions `[B, H, W]`, interpolated."""
    height, width = images.shape[1], images.shape[2] // channels
    padded = ops.pad(ops.reshape(images, (-1, height, width, channels)), ((0, 0), (1, 1), (1, 1), (0, 0)))
    # each pixel beside its three neighbours, so that one lookup finds all four
    corners = [padded[:, :-1, :-1], padded[:, :-1, 1:], padded[:, 1:, :-1], padded[:, 1:, 1:]]
    corners = ops.reshape(ops.concatenate(corners, axis=-1), (-1, 4 * channels))
    y = ops.clip(y + (height + 1) / 2, 0.0, height + 1.0)
    x = ops.clip(x + (width + 1) / 2, 0.0, width + 1.0)
    top, left = ops.minimum(ops.floor(y), float(height)), ops.minimum(ops.floor(x), float(width))
    first = ops.arange(ops.shape(images)[0], dtype="int32") * ((height + 1) * (width + 1))
    index = first[:, None, None] + ops.cast(top * (width + 1) + left, "int32")
    found = ops.reshape(ops.take(corners, index, axis=0), (-1, height, width, 4, channels))
    y, x = y - top, x - left
    weights = ops.stack([(1.0 - y) * (1.0 - x), (1.0 - y) * x, y * (1.0 - x), y * x], axis=-1)
    return ops.reshape(ops.sum(found * weights[..., None], axis=-2), (-1, height, width * channels))


def _cut_out(images: Any, channels: int, applied: Any, down: Any, right: Any) -> Any:
    """Zeros in a rectangle whose centre is anywhere in the frame."""
    height, width = images.shape[1], images.shape[2] // channels
    rows = ops.abs(_from_centre(height, images.dtype) - (down - 0.5) * height) < CUTOUT_SIZE / 2 * height
    columns = ops.abs(_from_centre(width, images.dtype) - (right - 0.5) * width) < CUTOUT_SIZE / 2 * width
    rows = ops.cast(ops.logical_and(rows, applied), images.dtype)
    columns = ops.cast(ops.repeat(columns, channels, axis=1), images.dtype)
    return images * (1.0 - rows[:, :, None] * columns[:, None, :])


def _recolour(images: Any, channels: int, applied: Any, contrast: Any, saturation: Any) -> Any:
    """Contrast scales all channels, saturation their distance from their mean: a matrix of colours an image."""
    height, width = images.shape[1], images.shape[2] // channels
    contrast = _factor(applied, contrast, MAX_CONTRAST)[:, :, None]
    saturation = _factor(applied, saturation, MAX_SATURATION)[:, :, None]
    matrix = contrast * (saturation * ops.eye(channels, dtype=images.dtype) + (1.0 - saturation) / channels)
    colours = ops.matmul(ops.reshape(images, (-1, height * width, channels)), matrix)
    return ops.reshape(colours, (-1, height, width * channels))


def _from_centre(size: int, dtype: str) -> Any:
    """Positions of the pixels along an axis, counted from its centre, `[1, size]`."""
    return ops.arange(size, dtype=dtype)[None, :] - (size - 1) / 2


def _whole_pixels(noise: Any, size: int) -> Any:
    """A shift of up to `MAX_TRANSLATION` of the size either way, every whole number as likely."""
    most = round(MAX_TRANSLATION * size)
    return ops.floor(noise * (2 * most + 1)) - most


def _factor(applied: Any, noise: Any, most: float) -> Any:
    """A factor between 1 / most and most, even on a logarithmic scale; 1 where it is not applied."""
    return ops.where(applied, ops.exp((2.0 * noise - 1.0) * math.log(most)), 1.0)


def _swap_axes(images: Any, channels: int) -> Any:
    """`[B, H, W * C]` to `[B, W, H * C]`."""
    _, height, features = images.shape
    pixels = ops.reshape(images, (-1, height, features // channels, channels))
    return ops.reshape(ops.transpose(pixels, (0, 2, 1, 3)), (-1, features // channels, height * channels))
