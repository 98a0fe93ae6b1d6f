"""Editing by styles: mixing two pictures, directions in which all move alike, and the style of a photo.

Of generators whose layers each have a style, such as StyleGAN2's. What is asked for by name moves by
`Sampler.interpolate`, which goes from the style of one condition to that of another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.conditions import Conditions, PictureRequest, whole_number
from tfproductgan.errors import ConditionError, RecipeError
from tfproductgan.models.pictures import to_float

_STEPS = 300
_LEARNING_RATE = 0.1
# of the search: so long as rates rise, and as they fall; and so long as styles are shaken, and how far at first
_WARM_UP, _SHAKEN, _SHAKE = 0.05, 0.75, 0.05
_TYPICAL = 256
# a photo and its picture are compared at its size, at half of it, …
_SCALES = 4


def mix(model: Any, first: PictureRequest, second: PictureRequest, layer: int) -> np.ndarray:
    """A picture with the coarse traits of one request and the fine traits of another.

    Args:
        model: A `Sampler`.
        first: What is drawn up to a layer, and whose noise it has.
        second: What is drawn from there on.
        layer: The first that has the second's style, 0 to the number of styles; each size but the smallest has two.

    Returns:
        uint8 `[image_size, image_size, channels]`.

    Raises:
        ConditionError: If a request or the layer cannot be.
        RecipeError: If the generator has no styles.
    """
    layer = whole_number("layer", layer, 0, _num_styles(model))
    styles, noise = model.styles_of([first, second])
    mixed = np.concatenate([styles[:1, :layer], styles[1:, layer:]], axis=1)
    return model.draw_styles(mixed, noise[:1])[0]


def directions(model: Any, count: int) -> np.ndarray:
    """Directions in which styles change pictures most, found from the weights alone.

    Args:
        model: A `Sampler`.
        count: How many, the most effective first.

    Returns:
        float32 `[count, length of a style]`, of length 1 each.

    Raises:
        ConditionError: If there are not so many.
        RecipeError: If the generator has no styles.

    Reference:
        Shen and Zhou, 2021, Closed-Form Factorization of Latent Semantics in GANs, https://arxiv.org/abs/2007.06600
    """
    _num_styles(model)
    kernels = [np.asarray(kernel, np.float64).T for kernel in model.sampling_network.style_kernels]
    count = whole_number("count", count, 1, kernels[0].shape[1])
    rows = np.concatenate(kernels)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(rows.T @ rows)
    return vectors[:, ::-1].T[:count].astype(np.float32)


def move(model: Any, request: PictureRequest, direction: np.ndarray, amounts: Sequence[float]) -> np.ndarray:
    """Pictures of a request moved along a direction.

    Args:
        model: A `Sampler`.
        request: What is drawn.
        direction: Of `directions`, or any other of the length of a style.
        amounts: How far, a picture each; styles lie about 1 from their centre in each of their numbers.

    Returns:
        uint8 `[len(amounts), image_size, image_size, channels]`.

    Raises:
        ConditionError: If the request cannot be.
        RecipeError: If the generator has no styles.
    """
    _num_styles(model)
    styles, noise = model.styles_of([request])
    moved = styles + np.asarray(amounts, np.float32)[:, None, None] * direction
    return model.draw_styles(moved, np.repeat(noise, len(amounts), axis=0))


@dataclasses.dataclass(frozen=True)
class Projection:
    """The style nearest to a photo.

    Args:
        styles: `[1, number of styles, length]`, for `Sampler.draw_styles`.
        noise: `[1, numbers]`, for the same.
        picture: What is drawn from them, uint8 `[image_size, image_size, channels]`.
        error: Root of the mean square difference to the photo, in levels of 0 to 255.
    """

    styles: np.ndarray
    noise: np.ndarray
    picture: np.ndarray
    error: float


def project(model: Any, photo: np.ndarray, conditions: Conditions | None = None, steps: int = _STEPS) -> Projection:
    """Find the style of which a generator draws a photo best.

    One style for all layers is looked for, from the centre of those of the conditions. Photo and picture are compared
    pixel by pixel, at several sizes.

    Args:
        model: A `Sampler`.
        photo: uint8 `[image_size, image_size, channels]`.
        conditions: What the photo shows, by name.
        steps: Of the search.

    Raises:
        ConditionError: If the photo has another size, or the conditions or steps cannot be.
        RecipeError: If the generator has no styles.

    Reference:
        Karras et al., 2020, Analyzing and Improving the Image Quality of StyleGAN, section 5; without its perceptual
        distance, and with the noise of a seed.
    """
    count = _num_styles(model)
    steps = whole_number("steps", steps, 1, 100_000)
    schema = model.schema
    shape, photo = (schema.image_size, schema.image_size, schema.channels), np.asarray(photo)
    if photo.shape != shape or photo.dtype != np.uint8:
        raise ConditionError(f"A photo to project is uint8 {list(shape)}. Received: {photo.dtype} {list(photo.shape)}")
    typical, noise = model.styles_of(model.plan(conditions, count=_TYPICAL, complete=False))
    spread = float(np.sqrt(np.mean(np.square(typical[:, 0] - typical[:, 0].mean(axis=0)))))
    style = tf.Variable(typical[:, 0].mean(axis=0)[None])
    optimizer = keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(
            0.0, steps, warmup_target=_LEARNING_RATE, warmup_steps=max(1, int(_WARM_UP * steps))
        )
    )
    optimizer.build([style])
    wanted, noise = to_float(tf.constant(photo[None])), tf.constant(noise[:1])
    network = model.sampling_network

    @tf.function(autograph=False)
    def step(number):
        left = tf.maximum(0.0, 1.0 - tf.cast(number, tf.float32) / (_SHAKEN * steps))
        shake = tf.random.stateless_normal(style.shape, tf.stack([number, 0])) * spread * _SHAKE * left**2
        with tf.GradientTape() as tape:
            styles = tf.repeat((style + shake)[:, None], count, axis=1)
            distance = _distance(network.synthesise(styles, noise, training=True), wanted)
        optimizer.apply(tape.gradient(distance, [style]), [style])

    for number in range(steps):
        step(tf.constant(number))
    styles = np.repeat(style.numpy()[:, None], count, axis=1)
    [picture] = model.draw_styles(styles, noise.numpy())
    error = np.sqrt(np.mean(np.square(picture.astype(float) - photo)))
    return Projection(styles, noise.numpy(), picture, float(error))


def _distance(picture, photo):
    """The mean square difference at several sizes, added."""
    total = tf.zeros(())
    for scale in range(_SCALES):
        if scale:
            picture, photo = (tf.nn.avg_pool2d(each, 2, 2, "VALID") for each in (picture, photo))
        total += tf.reduce_mean(tf.square(picture - photo))
    return total


def _num_styles(model):
    network = model.sampling_network
    if not network.num_styles:
        raise RecipeError(
            f"Styles are edited of generators whose layers each have one, such as stylegan2's. "
            f"Received: a {type(network).__name__}"
        )
    return network.num_styles
