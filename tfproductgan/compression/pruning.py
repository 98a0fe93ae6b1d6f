"""Structured pruning: whole channels go, those that say least, and what is left learns on.

The pruned generator is an ordinary one with narrower layers, so everything takes it. A channel counts by how much of
the next stage's input varies with it: the variance of what it gives, over typical requests, times the squares of the
weights that read it. A constant channel is none that normalisation would miss.

Reference:
    He et al., 2017, Channel Pruning for Accelerating Very Deep Neural Networks, https://arxiv.org/abs/1707.06168
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.compression.compression import BATCHES, in_turns
from tfproductgan.compression.conversions import Conversion, network_of, pictures_of
from tfproductgan.compression.folding import Folded
from tfproductgan.compression.stages import can_be_taken_apart, chain_of, taken_apart
from tfproductgan.errors import ConversionError, RunError
from tfproductgan.layers.modulated_normalization import ModulatedNormalization
from tfproductgan.models.conditional_gan import ConditionalGAN
from tfproductgan.models.loading import load
from tfproductgan.networks.base import Generator
from tfproductgan.training.checkpoints import Checkpoints
from tfproductgan.training.run_directory import RunDirectory
from tfproductgan.training.trainer import train

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue

PRUNED = "pruned"
"""Name of the form, and of the run directory in which the generator learns on."""

_STEPS = 32  # of widths between all channels and none
_SHARE_OF_TRAINING = 5
_STATISTICS_BATCHES, _STATISTICS_BATCH = 32, 64


def pruned_conversion(
    run: str | Path,
    catalogue: Catalogue,
    out: str | Path,
    size: float | None = None,
    speed: float | None = None,
    images: int | None = None,
    data_options: Mapping[str, Any] | None = None,
) -> Conversion:
    """The form with fewer channels, for `compress`.

    Args:
        run: The run directory whose newest checkpoint knows generator and discriminator.
        catalogue: Its photos.
        out: Folder in which the run directory `pruned` is made; the same call again goes on there.
        size: Weights that are left, as a share. Defaults to 0.5 if `speed` is not given.
        speed: How many times as fast it has to be on this machine at 16 pictures at a time.
        images: Images to learn on from. Defaults to a fifth of what the run has learnt from.
        data_options: How the photos were named, JSON-ready, for `evaluate` to find them again.

    Raises:
        RunError: If the run has no checkpoint.
        ConversionError: If its generator cannot be taken apart, or no width is small or fast enough.
    """
    gan = _newest_gan(run)
    options = find_widths(gan.ema_generator, size if size or speed else 0.5, speed)
    recipe = gan.recipe.replace(
        name=f"{gan.recipe.name}-{PRUNED}",
        generator={**gan.recipe.networks["generator"].options, **options},
        images=images or max(gan.images_seen // _SHARE_OF_TRAINING, 1),
    )

    def write(model, path, typical):
        # the narrow generator learns on against the discriminator that knows it
        pruned = prune(gan.ema_generator, options, **typical)
        start = _StartFrom(pruned.get_weights(), gan.discriminator.get_weights())
        made = train(catalogue, recipe, Path(out) / PRUNED, data_options=data_options, callbacks=[start])
        made.trained().save(path)

    weights = _narrow(gan.ema_generator, options).count_params() / gan.ema_generator.count_params()
    return Conversion(PRUNED, write, (0.9 * weights, 1.1 * weights), None, kid_slack=1.25)


def find_widths(network: Generator, size: float | None = None, speed: float | None = None) -> dict[str, Any]:
    """Options of the widest generator of its kind that is small or fast enough; see `pruned_conversion`.

    Returns:
        The options of the constructor that change.

    Raises:
        ConversionError: If there is none.
    """
    candidates = [_narrower(network, step / _STEPS) for step in range(_STEPS - 1, 0, -1)]
    fits = _is_small(network, size) if size else _is_fast(network, speed)
    place = bisect.bisect_left(candidates, True, key=fits)  # from the widest to the narrowest, the first that fits
    if place == len(candidates):
        wanted = f"{size:g} of its weights" if size else f"{speed:g} times its speed"
        raise ConversionError(f"Even with the fewest channels, {candidates[-1]}, this is not reached: {wanted}.")
    return candidates[place]


def prune(network: Generator, options: Mapping[str, Any], latents: np.ndarray, conditions: np.ndarray) -> Generator:
    """A narrower copy of a generator with the channels that matter most.

    Args:
        network: A generator of a family that `stages` knows.
        options: From `find_widths`.
        latents: Typical ones, float32 `[N, latent_dim]`.
        conditions: Their condition ids, int32 `[N, attributes]`.
    """
    made = _narrow(network, options)
    old, new = chain_of(network), chain_of(made)
    if network.conditional:
        made.embedding.set_weights(network.embedding.get_weights())
    kept = None  # of the style vector everything
    for importance, before, after in zip(
        channel_importance(network, latents, conditions), old.stages, new.stages, strict=True
    ):
        outputs = np.sort(np.argsort(-importance, kind="stable")[: _num_channels(after)])
        after.producer.set_weights([_taken(weight, before, kept, outputs) for weight in before.producer.get_weights()])
        _prune_norm(before.norm, after.norm, outputs)
        kept = outputs
    kernel, bias = old.output.get_weights()
    new.output.set_weights([np.take(kernel, kept, axis=-2), bias])
    _renew_statistics(made, latents, conditions)
    return made


def channel_importance(network: Generator, latents: np.ndarray, conditions: np.ndarray) -> list[np.ndarray]:
    """How much of the next stage's input varies with each channel, one array a stage."""
    folded = Folded.of(network)
    variances = [
        np.var(found.numpy(), axis=tuple(range(found.ndim - 1)))
        for found in folded.features(tf.constant(latents), tf.constant(conditions))
    ]
    kernels = [*(step.kernel for step in folded.steps[1:]), folded.output[0]]
    readers = [np.square(k).sum(axis=tuple(axis for axis in range(k.ndim) if axis != k.ndim - 2)) for k in kernels]
    return [variance * reader for variance, reader in zip(variances, readers, strict=True)]


class _StartFrom(keras.callbacks.Callback):
    """Gives a training that begins its first weights; one that goes on has its own."""

    def __init__(self, generator: Sequence[np.ndarray], discriminator: Sequence[np.ndarray]):
        super().__init__()
        self._generator, self._discriminator = generator, discriminator

    def on_train_begin(self, logs=None):
        if not self.model.step:
            self.model.generator.set_weights(self._generator)
            self.model.ema_generator.set_weights(self._generator)
            self.model.discriminator.set_weights(self._discriminator)


def _newest_gan(run):
    files = Checkpoints(RunDirectory(run).checkpoints).files
    if not files:
        raise RunError(f"Pruning goes on with the training of a run, and {run} holds no checkpoints: give its folder.")
    gan = load(files[-1])
    if not isinstance(gan, ConditionalGAN) or not can_be_taken_apart(gan.ema_generator):
        network = type(network_of(gan)).__name__
        raise ConversionError(
            f"Channels are taken out of GANs whose generators can be taken apart: {taken_apart()}. Received: {network}"
        )
    return gan


# === Widths ===


def _narrower(network, share):
    """The width options of a generator's constructor, scaled."""
    scaled = {}
    for name, value in network.get_config().items():
        if name in ("width", "max_width"):
            scaled[name] = max(1, round(value * share))
        elif name == "widths":
            scaled[name] = [max(1, round(width * share)) for width in value]
    return scaled


def _narrow(network, options):
    return type(network).from_config({**network.get_config(), **options, "name": "generator", "dtype": "float32"})


def _is_small(network, size):
    return lambda options: _narrow(network, options).count_params() <= size * network.count_params()


def _is_fast(network, speed):
    original = pictures_of(network)
    rows = BATCHES[-1]
    inputs = {
        "latents": np.zeros((rows, network.latent_dim), np.float32),
        "conditions": np.zeros((rows, len(network.num_ids)), np.int32),
    }

    def fits(options):
        before, after = in_turns([original, pictures_of(_narrow(network, options))], inputs, BATCHES[-1])
        return before / after >= speed

    return fits


# === Taking channels out ===


def _num_channels(stage):
    norm = stage.norm.norm if isinstance(stage.norm, ModulatedNormalization) else stage.norm
    return norm.moving_mean.shape[0]


def _taken(weight, stage, inputs, outputs):
    """A kernel or bias of a producer with some of its channels; `inputs` of `None` are all."""
    if weight.ndim == 1:
        return weight[outputs]
    if weight.ndim == 4:
        # transposed convolutions and those that upsample have [height, width, out, in]
        into, out = (2, 3) if isinstance(stage.producer, keras.layers.Conv2D) else (3, 2)
        weight = np.take(weight, outputs, axis=out)
        return weight if inputs is None else np.take(weight, inputs, axis=into)
    places = max(stage.side, 1) ** 2
    weight = weight if inputs is None else weight[inputs]
    return weight.reshape(len(weight), places, -1)[:, :, outputs].reshape(len(weight), -1)


def _prune_norm(old, new, kept):
    if isinstance(old, ModulatedNormalization):
        _prune_norm(old.norm, new.norm, kept)
        both = np.concatenate([kept, old.norm.moving_mean.shape[0] + kept])
        new.to_gain_and_bias.set_weights([weight[..., both] for weight in old.to_gain_and_bias.get_weights()])
    else:
        new.set_weights([weight[kept] for weight in old.get_weights()])


def _renew_statistics(network, latents, conditions):
    """Measure what the channels that are left have as mean and variance."""
    draw = tf.function(lambda inputs: network(inputs, training=True), autograph=False)
    stream = tf.data.Dataset.from_tensor_slices({"latents": latents, "conditions": conditions})
    for batch in stream.repeat().batch(_STATISTICS_BATCH).take(_STATISTICS_BATCHES):
        draw(batch)
