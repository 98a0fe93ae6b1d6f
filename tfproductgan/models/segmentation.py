"""A network that makes masks of photos: no game, since each photo has one right mask."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.models.phases import Phase
from tfproductgan.models.translating_model import TranslatingModel, inputs_of

_LEAST = 1e-6  # of a probability, for its logarithm


@keras.saving.register_keras_serializable(package="tfproductgan")
class Segmentation(TranslatingModel):
    """Learns from photos and their masks to make masks.

    One step takes a batch `{"images": uint8 [B, S, S, 1], "source": uint8 [B, S, S, K], "conditions": int32 [B, A]}`.
    The loss is the cross-entropy of the pixels plus, with a weight, one minus the soft intersection over union, which
    counts a small product as much as a large one. Translating uses `ema_generator`.

    Logged are `loss`, its `cross_entropy`, and `iou`: what mask and truth share at half opacity, of what either has.

    Args:
        generator: A `TranslatingGenerator` network.
        schema: The `ConditionSchema` it was made for, with pictures that go in and grey ones that come out.
        recipe: The `Recipe`. Defaults to that of the name `"cutout"`.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        RecipeError: If pictures to be made have more than one channel, the network does not fit the schema, or there is
            no way to train under the scope's strategy.

    Example:
    ```python
    photos = tpg.Catalogue.studio(5000, image_size=128, source="mask").with_masks()
    model = Segmentation.from_recipe("cutout", photos.schema)
    model.compile()
    model.fit(photos.stream("train", batch_size=8), steps_per_epoch=500, epochs=20)
    mask = model.translate("cluttered.jpg")
    ```

    Reference:
        Rahman and Wang, 2016, Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation,
        https://doi.org/10.1007/978-3-319-50835-1_22
    """

    kind_name = "segmentation"
    default_recipe = "cutout"
    most_channels = 1

    def __init__(self, generator, schema, recipe=None, **kwargs):
        super().__init__({"generator": generator}, schema, recipe, **kwargs)

    def make_phases(self):
        """One: the generator."""
        if self.schema.channels > self.most_channels:
            raise RecipeError(
                f"The recipe {self.recipe.name!r} makes masks, of one channel: train it on masks (--masks). Received: "
                f"pictures of {self.schema.channels} channels to be made"
            )
        return [Phase(("generator",), "generator", loss=self._loss)]

    def log_names(self):
        """The loss, its part of single pixels, and the intersection over union."""
        return ["loss", "cross_entropy", "iou"]

    def _loss(self, batch, draws, scratch):
        found = self._measured(self.generator(inputs_of(batch), training=True), batch["images"])
        return found["loss"], {name: (value, 1.0) for name, value in found.items()}

    def test_logs(self, batch, draws):
        """The same of the averaged generator, of photos it was not trained on."""
        return self._measured(self.ema_generator(inputs_of(batch), training=False), batch["images"])

    def _measured(self, made, wanted):
        """Of masks with values in -1 to 1."""
        made, wanted = ((masks + 1.0) / 2.0 for masks in (made, wanted))
        clipped = tf.clip_by_value(made, _LEAST, 1.0 - _LEAST)
        entropy = -tf.reduce_mean(wanted * tf.math.log(clipped) + (1.0 - wanted) * tf.math.log(1.0 - clipped))
        loss = entropy + self.recipe.objective.iou_weight * (1.0 - tf.reduce_mean(_iou(made, wanted)))
        halves = (tf.cast(masks > 0.5, tf.float32) for masks in (made, wanted))
        return {"loss": loss, "cross_entropy": entropy, "iou": tf.reduce_mean(_iou(*halves))}


def _iou(one, other):
    """Intersection over union of masks with values in 0 to 1, `[B]`; 1 where both are empty."""
    shared = tf.reduce_sum(one * other, axis=(1, 2, 3))
    either = tf.reduce_sum(one + other, axis=(1, 2, 3)) - shared
    return (shared + 1.0) / (either + 1.0)
