"""Projection: the picture nearest to a photo that a generator can draw, and what it is drawn from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.conditions import Conditions, whole_number
from tfproductgan.errors import ConditionError
from tfproductgan.losses.perceptual import maps_distance
from tfproductgan.models.editing import Drawing, Editor, kernels_of
from tfproductgan.models.pictures import to_float

STEPS = 300
"""Of the search, unless told otherwise."""

_LEARNING_RATE = 0.1
# of the search: so long as rates rise, and as they fall; and so long as styles are shaken, and how far at first
_WARM_UP, _SHAKEN, _SHAKE = 0.05, 0.75, 0.05
_CANDIDATES = 256  # pictures among which the search starts at the nearest
_AT_ONCE = 16
# a photo and its picture are compared at its size, at half of it, …
_SCALES = 4

Maps = Callable[[tf.Tensor], Sequence[tf.Tensor]]
"""Feature maps `[N, h, w, c]` of pictures `[N, H, W, C]` of values 0 to 255, through which gradients flow."""


@dataclasses.dataclass(frozen=True)
class Projection:
    """The picture nearest to a photo.

    Args:
        drawing: What it is drawn from, for `Editor.draw`.
        picture: uint8 `[image_size, image_size, channels]`.
        error: Root of the mean square difference to the photo, in levels of 0 to 255.
        start_error: The same of the nearest of 256 pictures that were drawn, where the search began.
    """

    drawing: Drawing
    picture: np.ndarray
    error: float
    start_error: float


def project(
    model: Any,
    photo: np.ndarray,
    conditions: Conditions | None = None,
    seed: int = 0,
    steps: int = STEPS,
    maps: Maps | None = None,
) -> Projection:
    """Find the latents, or the style, of which a generator draws a photo best.

    One style for all layers is looked for. Latents stay among those that the generator has learnt to draw from. Photo
    and picture are compared pixel by pixel, at several sizes, and, if there are feature maps, by these.

    Args:
        model: A `Sampler`.
        photo: uint8 `[image_size, image_size, channels]`.
        conditions: What the photo shows, by name; what is left out is not given.
        seed: Of the noise, where there is any.
        steps: Of the search.
        maps: What else photo and picture are compared by, such as `FeatureExtractor.maps_of`.

    Raises:
        ConditionError: If the photo has another size, or the conditions, seed or steps cannot be.
        RecipeError: If nobody has said which layers of the generator latents go into.

    Reference:
        Karras et al., 2020, Analyzing and Improving the Image Quality of StyleGAN, section 5, with the noise of a seed;
        for `maps` see `maps_distance`
    """
    steps = whole_number("steps", steps, 1, 100_000)
    schema, network = model.schema, model.sampling_network
    kernels_of(network)  # or it has no latents of its own
    shape, photo = (schema.image_size, schema.image_size, schema.channels), np.asarray(photo)
    if photo.shape != shape or photo.dtype != np.uint8:
        raise ConditionError(f"A photo to project is uint8 {list(shape)}. Received: {photo.dtype} {list(photo.shape)}")
    [request] = model.plan(conditions, count=1, seed=seed, complete=False)
    _, *rest = (tf.constant(part) for part in model.styles_of([request]))
    wanted = to_float(tf.constant(photo[None]))
    wanted_maps = None if maps is None else maps(_levels(wanted))
    rank = 3 if network.num_styles else 2

    def drawn(vectors, training=False):
        first = tf.repeat(vectors[:, None], network.num_styles, axis=1) if rank == 3 else vectors
        others = [tf.repeat(part, tf.shape(vectors)[0], axis=0) for part in rest]
        return network.synthesise(first, *others, training=training)

    def distances(pictures):
        found = _pixel_distances(pictures, wanted)
        if wanted_maps is not None:
            found += maps_distance(maps(_levels(pictures)), wanted_maps)
        return found

    candidates = _candidates(model, conditions)
    compare = tf.function(lambda vectors: distances(drawn(vectors)), autograph=False, reduce_retracing=True)
    parts = [compare(candidates[i : i + _AT_ONCE]).numpy() for i in range(0, len(candidates), _AT_ONCE)]
    nearest = candidates[np.concatenate(parts).argmin()]
    found = _search(
        # as in training, styles draw what may lie beyond black and white; others are not to see one batch alone
        lambda vectors: distances(drawn(vectors, training=rank == 3)),
        nearest,
        float(candidates.std(axis=0).mean()),
        steps,
        longest=None if rank == 3 else float(np.sqrt(nearest.size)),
    )
    ends = np.stack([nearest, found])
    best = int(compare(tf.constant(ends)).numpy().argmin())  # a search may lead astray
    drawings = [Drawing(request, found=each) for each in ends]
    pictures = Editor(model).draw(drawings)
    errors = np.sqrt(np.mean(np.square(pictures.astype(float) - photo), axis=(1, 2, 3)))
    return Projection(drawings[best], pictures[best], float(errors[best]), float(errors[0]))


def _search(distances, start, spread, steps, longest):
    """Where distances of vectors `[N, length]` are least, near a start `[length]`; no vector is longer than that."""
    vector = tf.Variable(start[None])
    rate, warm_up = _LEARNING_RATE * spread, max(1, int(_WARM_UP * steps))
    schedule = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=rate, warmup_steps=warm_up)
    optimizer = keras.optimizers.Adam(schedule)
    optimizer.build([vector])

    @tf.function(autograph=False)
    def step(number):
        left = tf.maximum(0.0, 1.0 - tf.cast(number, tf.float32) / (_SHAKEN * steps))
        shake = tf.random.stateless_normal(vector.shape, tf.stack([number, 0])) * spread * _SHAKE * left**2
        with tf.GradientTape() as tape:
            [distance] = tf.unstack(distances(vector + shake), 1)
        optimizer.apply(tape.gradient(distance, [vector]), [vector])
        if longest is not None:  # longer latents are as good as never drawn
            vector.assign(vector * tf.minimum(1.0, longest / tf.maximum(tf.norm(vector), 1e-12)))

    for number in range(steps):
        step(tf.constant(number))
    return vector.numpy()[0]


def _candidates(model, conditions):
    """Where the search may start, `[N, length]`: the middle of what pictures are drawn from, and these."""
    drawn = model.styles_of(model.plan(conditions, count=_CANDIDATES - 1, complete=False))[0]
    drawn = drawn if drawn.ndim == 2 else drawn[:, 0]
    return np.concatenate([drawn.mean(axis=0, keepdims=True), drawn])


def _levels(pictures):
    """From -1 to 1 to 0 to 255."""
    return (pictures + 1.0) * 127.5


def _pixel_distances(pictures, photo):
    """The mean square differences at several sizes, added: `[N]`."""
    total = tf.zeros(())
    for scale in range(_SCALES):
        if min(photo.shape[1:3]) < 2:
            break
        if scale:
            pictures, photo = (tf.nn.avg_pool2d(each, 2, 2, "VALID") for each in (pictures, photo))
        total += tf.reduce_mean(tf.square(pictures - photo), (1, 2, 3))
    return total
