"""A generator that makes a picture of a picture, and a discriminator that looks at both."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfproductgan.losses.adversarial import adversarial_loss
from tfproductgan.models.phases import Phase, draw, gradients_through
from tfproductgan.models.translating_model import TranslatingModel, inputs_of


@keras.saving.register_keras_serializable(package="tfproductgan")
class Pix2Pix(TranslatingModel):
    """Learns from pairs of pictures to make the second of the first.

    One step takes a batch `{"images": uint8 [B, S, S, C], "source": uint8 [B, S, S, K], "conditions": int32 [B, A]}`:
    an update of the discriminator, then one of the generator. Translating uses `ema_generator`.

    Args:
        generator: A `TranslatingGenerator` network.
        discriminator: A `PatchDiscriminator` network.
        schema: The `ConditionSchema` both were made for, with pictures that go in.
        recipe: The `Recipe`. Defaults to that of the name `"pix2pix"`.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        RecipeError: If the networks do not fit the schema, or there is no way to train under the scope's strategy.

    Example:
    ```python
    pairs = tpg.Catalogue.from_pairs("sketches/", "photos/")
    model = Pix2Pix.from_recipe("pix2pix", pairs.schema)
    model.compile()
    model.fit(pairs.stream("train", batch_size=8), steps_per_epoch=500, epochs=20)
    photo = model.translate("sketch.png", {"class": "Watch"})
    ```

    Reference:
        Isola et al., 2017, Image-to-Image Translation with Conditional Adversarial Networks,
        https://arxiv.org/abs/1611.07004
    """

    kind_name = "translation"
    default_recipe = "pix2pix"

    def __init__(self, generator, discriminator, schema, recipe=None, **kwargs):
        super().__init__({"generator": generator, "discriminator": discriminator}, schema, recipe, **kwargs)

    def make_phases(self):
        """The discriminator, then the generator."""
        self._adversarial = adversarial_loss(self.recipe.objective.loss)
        return [
            Phase(("discriminator",), "discriminator", gradients=self._discriminator_gradients),
            Phase(("generator",), "generator", gradients=self._generator_gradients),
        ]

    def log_names(self):
        """Losses of both, the difference to the picture of the pair, and how far the discriminator tells them apart."""
        return ["d_loss", "g_loss", "l1", "logit_gap"]

    def _discriminator_gradients(self, batch, draws, scratch):
        drawn = scratch["drawn"] = draw(self.generator, inputs_of(batch))
        pictures = tf.stop_gradient(drawn.images)

        def loss_and_logs():
            real, fake = (self._logits(batch, images) for images in (batch["images"], pictures))
            loss, gap = self._adversarial.discriminator(real, fake), tf.reduce_mean(real) - tf.reduce_mean(fake)
            return loss, {"d_loss": (loss, 1.0), "logit_gap": (gap, 1.0)}

        return self.gradients_of(("discriminator",), loss_and_logs)

    def _generator_gradients(self, batch, draws, scratch):
        def loss_of(pictures):
            real = tf.stop_gradient(self._logits(batch, batch["images"])) if self._adversarial.paired else None
            adversarial = self._adversarial.generator(real, self._logits(batch, pictures))
            l1 = tf.reduce_mean(tf.abs(batch["images"] - pictures))
            loss = adversarial + self.recipe.objective.l1_weight * l1
            return loss, {"g_loss": (adversarial, 1.0), "l1": (l1, 1.0)}

        # a single microbatch still has its pictures and their tape: one forward pass less
        drawn = scratch["drawn"] if self.microbatches == 1 else draw(self.generator, inputs_of(batch))
        return gradients_through(drawn, self.generator, loss_of)

    def test_logs(self, batch, draws):
        """Losses of the averaged generator on pairs it was not trained on."""
        pictures = self.ema_generator(inputs_of(batch), training=False)
        real, fake = (self._logits(batch, images, training=False) for images in (batch["images"], pictures))
        return {
            "d_loss": self._adversarial.discriminator(real, fake),
            "g_loss": self._adversarial.generator(real, fake),
            "l1": tf.reduce_mean(tf.abs(batch["images"] - pictures)),
            "logit_gap": tf.reduce_mean(real) - tf.reduce_mean(fake),
        }

    def _logits(self, batch, images, training=True):
        return self.discriminator({**inputs_of(batch), "images": images}, training=training)
