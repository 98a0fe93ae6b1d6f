"""A generator that makes photos larger, and a discriminator that tells what it makes from photos."""

from __future__ import annotations

import dataclasses

import keras
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.losses.adversarial import adversarial_loss
from tfproductgan.models.degradations import degraded
from tfproductgan.models.phases import Phase, draw, gradients_through
from tfproductgan.models.randomness import Purpose
from tfproductgan.models.trained import TrainedModel
from tfproductgan.models.training_model import TrainingModel
from tfproductgan.models.upscaler import Upscaler
from tfproductgan.models.vgg19 import vgg19_features

_MOST_PSNR = 99.0  # of pictures that are equal


@keras.saving.register_keras_serializable(package="tfproductgan")
class TrainedUpscaler(Upscaler, TrainedModel):
    """A trained `UpscalingGenerator`: larger pictures. See `TrainedModel` for the arguments."""

    kind_name = "upscaling"
    attribute = "upscaling_network"

    @classmethod
    def of(cls, model):
        """A copy of what a `TrainingModel` has learnt; nothing can be asked of it by name."""
        made = super().of(model)
        made.schema = dataclasses.replace(model.schema, attributes=(), combinations=())
        return made


@keras.saving.register_keras_serializable(package="tfproductgan")
class Upscaling(Upscaler, TrainingModel):
    """Learns from photos alone to make small ones larger.

    One step takes a batch `{"images": uint8 [B, S, S, C], ...}`, cuts a part of each photo out, mirrors half of them,
    and lets happen to them what `degradations.py` says: what comes out is what goes in, the part what is wanted.
    Upscaling uses `ema_generator`.

    Logged are `pixels`, the mean absolute difference for values in -1 to 1, and in decibels over the values of all
    channels `psnr` and, beside it, `bicubic`: what a bicubic filter makes of the same.

    Args:
        generator: An `UpscalingGenerator` network.
        schema: The `ConditionSchema` it was made for.
        recipe: The `Recipe`. Defaults to that of the name `"srresnet"`.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        RecipeError: If the network does not fit the schema, or there is no way to train under the scope's strategy.

    Example:
    ```python
    products = tpg.Catalogue.from_folder("photos/", image_size=256)
    model = Upscaling.from_recipe("srresnet", products.schema, generator={"scale": 2})
    model.compile()
    model.fit(products.stream("train", batch_size=16), steps_per_epoch=500, epochs=20)
    large = model.upscale("small.jpg")
    ```

    Reference:
        Ledig et al., 2017, https://arxiv.org/abs/1609.04802 (SRResNet)
    """

    kind_name = "upscaling"
    default_recipe = "srresnet"

    def __init__(self, generator, schema, recipe=None, **kwargs):
        super().__init__({"generator": generator}, schema, recipe, **kwargs)

    @property
    def upscaling_network(self):
        """The network that `upscale` asks."""
        return self.ema_generator

    def trained(self):
        """The averaged generator alone, ready to be saved and asked: a `TrainedUpscaler`."""
        return TrainedUpscaler.of(self)

    def make_phases(self):
        """One: pixels."""
        self._check_crop()
        return [Phase(("generator",), "generator", loss=self._loss)]

    def log_names(self):
        """How far pixels are off, and the same of a bicubic filter."""
        return ["pixels", "psnr", "bicubic"]

    def _check_crop(self):
        crop, scale = self._crop, self.generator.scale
        if crop % scale:
            raise RecipeError(f"crop must be a multiple of scale={scale}. Received: crop={crop}")

    @property
    def _crop(self):
        """Side of the part of a photo that a step looks at."""
        crop, size = self.recipe.objective.crop, self.schema.image_size
        return size if crop is None else min(crop, size)

    def _pairs(self, batch, draws):
        """Parts of photos, and what has become of them: the same in all phases of a step."""
        draws = dataclasses.replace(draws, index=0)
        images, side = batch["images"], self._crop
        lots = draws.uniform(Purpose.CROP, (images.shape[0], 3))
        room = images.shape[1] - side + 1
        for axis in (1, 2):
            first = tf.cast(tf.floor(lots[:, axis - 1] * room), tf.int32)
            images = tf.gather(images, first[:, None] + tf.range(side), axis=axis, batch_dims=1)
        images = tf.where(lots[:, 2, None, None, None] < 0.5, images[:, :, ::-1], images)
        return images, degraded(images, self.generator.scale, self.recipe.objective, draws)

    def _loss(self, batch, draws, scratch):
        photos, sources = self._pairs(batch, draws)
        made = self.generator({"source": sources}, training=True)
        logs = _compared(photos, sources, made)
        return logs["pixels"], {name: (value, 1.0) for name, value in logs.items()}

    def test_logs(self, batch, draws):
        """What the averaged generator makes of whole photos that it was not trained on."""
        sources = degraded(batch["images"], self.generator.scale, self.recipe.objective, draws)
        return _compared(batch["images"], sources, self.ema_generator({"source": sources}, training=False))


@keras.saving.register_keras_serializable(package="tfproductgan")
class SRGAN(Upscaling):
    """The same, and from a share of the training on a game: what is made should be taken for a photo.

    Args:
        generator: An `UpscalingGenerator` network.
        discriminator: A `PatchDiscriminator` of pictures alone.
        schema: The `ConditionSchema` both were made for.
        recipe: The `Recipe`. Defaults to that of the name `"srgan"`.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        RecipeError: If the networks do not fit the schema, the features cannot be read, or there is no way to train
            under the scope's strategy.

    Reference:
        Ledig et al., 2017, https://arxiv.org/abs/1609.04802
    """

    kind_name = "upscaling-gan"
    default_recipe = "srgan"

    def __init__(self, generator, discriminator, schema, recipe=None, **kwargs):
        networks = {"generator": generator, "discriminator": discriminator}
        TrainingModel.__init__(self, networks, schema, recipe, **kwargs)

    def make_phases(self):
        """The discriminator, then the generator."""
        self._check_crop()
        objective = self.recipe.objective
        self._adversarial = adversarial_loss(objective.loss)
        self._seen_by = None
        if objective.features is not None:
            features = vgg19_features(objective.features)
            layer, _ = features.chosen(content=objective.feature_layer or features.layers[-1])
            # a function, since Keras would save what an attribute holds
            self._seen_by = lambda images: features((images + 1.0) * 127.5, [layer])[layer]
        return [
            Phase(("discriminator",), "discriminator", gradients=self._discriminator_gradients),
            Phase(("generator",), "generator", gradients=self._generator_gradients),
        ]

    def log_names(self):
        """Pixels, losses of both players, and how far the discriminator tells them apart."""
        features = ["features"] if self.recipe.objective.features is not None else []
        return [*super().log_names(), "d_loss", "g_loss", *features, "logit_gap"]

    def _plays(self):
        """Whether the game has begun."""
        return self._images_seen.value >= round(self.recipe.objective.start * self.recipe.images)

    def _made(self, batch, draws):
        photos, sources = self._pairs(batch, draws)
        return photos, sources, draw(self.generator, {"source": sources})

    def _logits(self, pictures, training=True):
        conditions = tf.zeros((pictures.shape[0], 0), tf.int32)
        return self.discriminator({"images": pictures, "conditions": conditions}, training=training)

    def _discriminator_gradients(self, batch, draws, scratch):
        photos, _, drawn = scratch["made"] = self._made(batch, draws)
        pictures = tf.stop_gradient(drawn.images)

        def loss_and_logs():
            real, fake = self._logits(photos), self._logits(pictures)
            loss, gap = self._adversarial.discriminator(real, fake), tf.reduce_mean(real) - tf.reduce_mean(fake)
            return loss, {"d_loss": (loss, tf.ones(())), "logit_gap": (gap, tf.ones(()))}

        def rest():
            nothing = (tf.zeros(()), tf.zeros(()))
            weights = self.discriminator.trainable_variables
            return [tf.zeros(weight.shape, weight.dtype) for weight in weights], {
                "d_loss": nothing,
                "logit_gap": nothing,
            }

        return tf.cond(self._plays(), lambda: self.gradients_of(("discriminator",), loss_and_logs), rest)

    def _generator_gradients(self, batch, draws, scratch):
        # a single microbatch still has its pictures and their tape: one forward pass less
        photos, sources, drawn = scratch["made"] if self.microbatches == 1 else self._made(batch, draws)

        def loss_of(pictures):
            plays = self._plays()
            compared = _compared(photos, sources, pictures)
            played, parts = tf.cond(
                plays,
                lambda: self._game(photos, pictures),
                lambda: (tf.zeros(()), {name: tf.zeros(()) for name in self._game_parts()}),
            )
            weight = tf.where(plays, self.recipe.objective.pixel_weight, 1.0)
            logs = {name: (value, 1.0) for name, value in compared.items()}
            logs |= {name: (value, tf.cast(plays, tf.float32)) for name, value in parts.items()}
            return weight * compared["pixels"] + played, logs

        return gradients_through(drawn, self.generator, loss_of)

    def _game_parts(self):
        return ["g_loss", *(["features"] if self._seen_by is not None else [])]

    def _game(self, photos, pictures):
        """The loss beside that of pixels, and its parts without their weights."""
        objective = self.recipe.objective
        real = tf.stop_gradient(self._logits(photos)) if self._adversarial.paired else None
        parts = {"g_loss": self._adversarial.generator(real, self._logits(pictures))}
        loss = objective.adversarial_weight * parts["g_loss"]
        if self._seen_by is not None:
            parts["features"] = tf.reduce_mean(tf.abs(self._seen_by(photos) - self._seen_by(pictures)))
            loss += objective.feature_weight * parts["features"]
        return loss, parts


def _compared(photos, sources, made):
    """How far what was made is from photos, and in decibels also what a bicubic filter makes."""
    bicubic = tf.image.resize(sources, photos.shape[1:3], "bicubic")
    return {
        "pixels": tf.reduce_mean(tf.abs(photos - made)),
        "psnr": _psnr(photos, made),
        "bicubic": _psnr(photos, bicubic),
    }


def _psnr(photos, pictures):
    error = tf.reduce_mean(tf.square((photos - tf.clip_by_value(pictures, -1.0, 1.0)) / 2.0), axis=(1, 2, 3))
    return tf.reduce_mean(tf.minimum(-10.0 * tf.math.log(error + 1e-12) / tf.math.log(10.0), _MOST_PSNR))
