"""A photo in the style of pictures, found by optimising its pixels: neural style transfer.

Pixels move until what VGG-19 sees in them is the photo's content and, wherever it is, the style's textures. Work goes
from a small picture to the full one, since a network that looks at 24 pixels only would leave larger strokes out.

References:
    Gatys et al., 2016, Image Style Transfer Using Convolutional Neural Networks; Gatys et al., 2016, Preserving Color
    in Neural Artistic Style Transfer, https://arxiv.org/abs/1606.05897 (luminance); Gatys et al., 2017, Controlling
    Perceptual Factors in Neural Style Transfer, https://arxiv.org/abs/1611.07865 (masks, coarse to fine)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import scipy.optimize
import tensorflow as tf
from PIL import Image

from tfproductgan.errors import PhotoError, RecipeError
from tfproductgan.losses.perceptual import content_loss, gram, style_loss, total_variation
from tfproductgan.models.vgg19 import Features

OPTIMIZERS = ("lbfgs", "adam")
STARTS = ("photo", "noise")

_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
_SMALLEST = 64  # pixels of the shorter side, where work begins
_NOISE = 30.0  # levels of 255
_ADAM_RATE = 4.0  # levels of 255
_CORRECTIONS = 20


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a photo is stylised.

    Args:
        content_layer: Layer of VGG-19 whose features are to stay the photo's. By default `relu4_2`, or the last that
            the features have.
        style_layers: Layers whose Gram matrices are to become the style's. By default `relu1_1` to `relu5_1`, as far as
            the features have them.
        content_weight: Weight of the content.
        style_weight: Weight of the style, the mean over its layers. By default 2e4, or 2e5 where the content is taken
            before `relu4_2`: such layers hold on to every edge.
        variation_weight: Weight of the total variation, per level of 255.
        optimizer: `"lbfgs"` or `"adam"`.
        iterations: Steps at each size.
        size: Longer side in pixels that is worked at; smaller photos at their own.
        style_scale: Longer side of the style pictures, as a share of the photo's: how large strokes are.
        colours: `"style"`, or `"photo"` to keep the photo's: the style then changes its luminance only.
        start: `"photo"`, or `"noise"`.
        seed: Of the noise.

    Raises:
        RecipeError: If a value cannot be.
    """

    content_layer: str | None = None
    style_layers: tuple[str, ...] | None = None
    content_weight: float = 1.0
    style_weight: float | None = None
    variation_weight: float = 1e-3
    optimizer: str = "lbfgs"
    iterations: int = 60
    size: int = 256
    style_scale: float = 1.0
    colours: str = "style"
    start: str = "photo"
    seed: int = 0

    def __post_init__(self):
        for name, choices in (("optimizer", OPTIMIZERS), ("colours", ("style", "photo")), ("start", STARTS)):
            if getattr(self, name) not in choices:
                raise RecipeError(f"{name} must be one of {choices}. Received: {getattr(self, name)!r}")
        for name in ("content_weight", "style_weight", "variation_weight"):
            if getattr(self, name) is not None and not 0 <= getattr(self, name) < float("inf"):
                raise RecipeError(f"{name} must be at least 0. Received: {getattr(self, name)!r}")
        for name, least in (("iterations", 1), ("size", 16)):
            if getattr(self, name) < least:
                raise RecipeError(f"{name} must be at least {least}. Received: {getattr(self, name)!r}")
        if not 0.05 <= self.style_scale <= 4:
            raise RecipeError(f"style_scale must be 0.05 to 4. Received: {self.style_scale!r}")

    def for_features(self, features: Features) -> Settings:
        """The same with all that depends on the features filled in.

        Raises:
            RecipeError: If the features do not have a layer.
        """
        content, style = features.chosen(self.content_layer, self.style_layers)
        weight = features.style_weight(content) if self.style_weight is None else self.style_weight
        return dataclasses.replace(self, content_layer=content, style_layers=style, style_weight=weight)


class Losses(NamedTuple):
    """What is minimised, weighted, and its parts."""

    total: float
    content: float
    style: float
    variation: float


class Progress(NamedTuple):
    """How far a stylisation is.

    `picture` makes the picture as it is, uint8 `[H, W, 3]` of the photo's size.
    """

    size: tuple[int, int]
    iteration: int
    share: float
    losses: Losses
    picture: Callable[[], np.ndarray]


class Stylised(NamedTuple):
    """A picture, uint8 `[H, W, 3]` of the photo's size; the losses of photo and picture, at the size worked at."""

    picture: np.ndarray
    before: Losses
    after: Losses


def stylise(
    photo: Image.Image,
    styles: Sequence[Image.Image],
    features: Features,
    settings: Settings | None = None,
    weights: Sequence[float] | None = None,
    mask: np.ndarray | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Stylised:
    """A photo in the style of pictures.

    Args:
        photo: As `catalogue.photos.open_photo` returns it.
        styles: Pictures, likewise. Of several the mean of their Gram matrices is the aim.
        features: What is compared.
        settings: How; by default `Settings()`.
        weights: What each style counts; by default all the same.
        mask: float `[H, W]`, 1 where the photo may change and 0 where it stays as it is. Styles are taken whole.
        report: Called after each step.

    Raises:
        PhotoError: If the photo or a style is too small for the layers, or the mask has another size.
        RecipeError: If a layer does not exist, or the weights do not fit.
    """
    settings = (settings or Settings()).for_features(features)
    shares = _shares(weights, len(styles))
    layers = tuple(dict.fromkeys((settings.content_layer, *settings.style_layers)))
    least = features.least_side(layers)
    sizes = _sizes(photo.size, settings.size, least)
    if mask is not None and mask.shape != (photo.height, photo.width):
        raise PhotoError(
            f"The mask must have the photo's {photo.width} x {photo.height} pixels. Received: {mask.shape[1]} x "
            f"{mask.shape[0]}"
        )
    made, before = None, None
    for number, size in enumerate(sizes):
        task = _Task(photo, styles, shares, mask, features, settings, size, least)
        pixels = task.start(number) if made is None else task.enlarged(made)

        def step(iteration, pixels, losses, task=task, number=number):
            share = (number + iteration / settings.iterations) / len(sizes)
            report(Progress(task.size, iteration, share, losses, lambda: task.picture(pixels)))

        before = task.evaluate(task.photo)[0]
        made, after = _MINIMISE[settings.optimizer](task, pixels, settings.iterations, step)
    return Stylised(task.picture(made), before, after)


def losses_of(
    picture: np.ndarray,
    photo: Image.Image,
    styles: Sequence[Image.Image],
    features: Features,
    settings: Settings | None = None,
) -> Losses:
    """What a picture of a photo, uint8 `[H, W, 3]`, however it was made, loses by the measure of `stylise`.

    Raises:
        PhotoError: If the photo is too small for the layers.
        RecipeError: If a layer does not exist.
    """
    settings = (settings or Settings()).for_features(features)
    least = features.least_side((settings.content_layer, *settings.style_layers))
    [size] = _sizes(photo.size, max(photo.size), least)[-1:]
    task = _Task(photo, styles, _shares(None, len(styles)), None, features, settings, size, least)
    return task.evaluate(np.asarray(picture, np.float32))[0]


def _shares(weights, count):
    weights = [1.0] * count if weights is None else list(weights)
    if len(weights) != count or not count or min(weights) < 0 or not sum(weights):
        raise RecipeError(f"Each of {count} styles needs a weight of at least 0. Received: {weights}")
    return [weight / sum(weights) for weight in weights]


def _sizes(size, longest, least):
    """Widths and heights to work at, from the smallest on."""
    if min(size) < least:
        raise PhotoError(
            f"A photo must have {least} pixels a side for these layers. Received: {size[0]} x {size[1]} pixels"
        )
    found = [_scaled(size, min(longest, max(size)), least)]
    while min(found[0]) >= 2 * max(_SMALLEST, least) and len(found) < 3:
        found.insert(0, tuple(side // 2 for side in found[0]))
    return found


def _scaled(size, longest, least):
    factor = max(longest / max(size), least / min(size))
    return tuple(max(1, round(side * factor)) for side in size)


class _Task:
    """One size: what is to be kept and reached, and the loss of pixels, float32 `[h, w, 3 or, of luminance, 1]`.

    Pixels go from 0 to 255 and are not held there: they would stick to the bounds.
    """

    def __init__(self, photo, styles, shares, mask, features, settings, size, least):
        self.size, self.settings, self.features = size, settings, features
        self.whole, self.whole_mask = np.asarray(photo.convert("RGB"), np.float32), mask
        colours = _pixels(photo, size)
        self.grey = settings.colours == "photo"
        self.photo = _luminance(colours) if self.grey else colours
        self.mask = None
        if mask is not None:
            scaled = Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BOX)
            self.mask = tf.constant(np.asarray(scaled)[None, :, :, None])
        given = tf.constant(self.photo[None])
        self.content = features(given, [settings.content_layer])[settings.content_layer]
        wanted = dict.fromkeys(settings.style_layers, 0.0)
        for style, share in zip(styles, shares, strict=True):
            texture = _pixels(style, _scaled(style.size, round(max(size) * settings.style_scale), least))
            if self.grey:
                texture = _matched(_luminance(texture), self.photo)
            for layer, found in features(tf.constant(texture[None]), settings.style_layers).items():
                wanted[layer] += share * gram(found)
        self.grams = wanted
        self._gradients = tf.function(self._gradients_of, autograph=False)

    def start(self, number):
        """Where pixels begin."""
        if self.settings.start == "photo":
            return self.photo
        noise = np.random.default_rng([number, self.settings.seed]).normal(128, _NOISE, self.photo.shape)
        return noise.astype(np.float32)

    def enlarged(self, pixels):
        """Pixels of a smaller size at this one."""
        channels = [
            Image.fromarray(pixels[..., k]).resize(self.size, Image.Resampling.BICUBIC) for k in range(pixels.shape[-1])
        ]
        return np.stack([np.asarray(channel) for channel in channels], axis=-1)

    def evaluate(self, pixels):
        """The `Losses` of pixels, and the gradient of their total."""
        losses, gradient = self._gradients(tf.constant(pixels[None], tf.float32))
        return Losses(*losses.numpy().tolist()), gradient[0].numpy()

    def picture(self, pixels):
        """What pixels look like at the photo's size, uint8 `[H, W, 3]`."""
        height, width = self.whole.shape[:2]
        change = pixels - self.photo if self.grey else pixels
        whole = [
            np.asarray(
                Image.fromarray(np.ascontiguousarray(change[..., k])).resize((width, height), Image.Resampling.LANCZOS)
            )
            for k in range(change.shape[-1])
        ]
        made = np.stack(whole, axis=-1)
        made = self.whole + made if self.grey else made
        if self.whole_mask is not None:
            mask = self.whole_mask[..., None]
            made = mask * made + (1 - mask) * self.whole
        return np.clip(np.rint(made), 0, 255).astype(np.uint8)

    def _gradients_of(self, pixels):
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            losses = self._losses(pixels)
            total = losses[0]
        return losses, tape.gradient(total, pixels)

    def _losses(self, pixels):
        settings = self.settings
        picture = pixels if self.mask is None else self.mask * pixels + (1 - self.mask) * self.photo[None]
        maps = self.features(picture, (settings.content_layer, *settings.style_layers))
        content = settings.content_weight * content_loss(maps[settings.content_layer], self.content)[0]
        distances = [
            style_loss(gram(maps[layer], _pooled(self.mask, layer)), self.grams[layer])[0]
            for layer in settings.style_layers
        ]
        style = settings.style_weight * tf.add_n(distances) / len(distances)
        variation = settings.variation_weight * total_variation(picture)[0]
        return tf.stack([content + style + variation, content, style, variation])


def _pixels(image, size):
    return np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS), np.float32)


def _luminance(pixels):
    return pixels @ _LUMINANCE[:, None]


def _matched(style, photo):
    """The luminance of a style with the mean and the spread of the photo's."""
    return (style - style.mean()) * (photo.std() / max(style.std(), 1e-6)) + photo.mean()


def _pooled(mask, layer):
    """A mask at the size of a layer's map."""
    for _ in range(int(layer[4]) - 1) if mask is not None else ():
        mask = tf.nn.avg_pool2d(mask, 2, 2, "VALID")
    return mask


# === Optimisers ===


def _by_lbfgs(task, pixels, iterations, step):
    """Zhu et al., 1997, L-BFGS-B; vectors in float64 around a graph in float32."""
    known: dict[str, Any] = {}

    def loss_and_gradient(vector):
        known["losses"], gradient = task.evaluate(vector.reshape(pixels.shape).astype(np.float32))
        return known["losses"].total, gradient.ravel().astype(np.float64)

    count = [0]

    def after(vector):
        count[0] += 1
        step(count[0], vector.reshape(pixels.shape).astype(np.float32), known["losses"])

    found = scipy.optimize.minimize(
        loss_and_gradient,
        pixels.ravel().astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        callback=after,
        options={"maxiter": iterations, "maxfun": 2 * iterations + 20, "maxcor": _CORRECTIONS, "ftol": 0, "gtol": 0},
    )
    made = found.x.reshape(pixels.shape).astype(np.float32)
    return made, task.evaluate(made)[0]


def _by_adam(task, pixels, iterations, step):
    variable = keras.Variable(pixels)
    adam = keras.optimizers.Adam(_ADAM_RATE, epsilon=1e-8)
    adam.build([variable])
    for iteration in range(1, iterations + 1):
        losses, gradient = task.evaluate(variable.numpy())
        adam.apply([tf.constant(gradient)])
        step(iteration, variable.numpy(), losses)
    made = variable.numpy()
    return made, task.evaluate(made)[0]


_MINIMISE = {"lbfgs": _by_lbfgs, "adam": _by_adam}
