"""A network that paints photos in styles, taught by what VGG-19 sees in its pictures."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfproductgan.conditions import Conditions
from tfproductgan.errors import RecipeError
from tfproductgan.losses.perceptual import content_loss, gram, style_loss, total_variation
from tfproductgan.models.phases import Phase
from tfproductgan.models.trained import TrainedTranslator
from tfproductgan.models.translating_model import TranslatingModel, inputs_of
from tfproductgan.models.translator import Translator
from tfproductgan.models.vgg19 import vgg19_features


class Painter(Translator):
    """Mixin of translators whose `translating_network` is a `StyleGenerator`."""

    def between(self, first: Conditions, second: Conditions, share: float = 0.5) -> Blend:
        """What paints in a style between two.

        Args:
            first: Such as `{"style": "Waves"}`.
            second: Likewise.
            share: 0 for the first, 1 for the second.

        Returns:
            A `Translator`, for pictures alone.

        Raises:
            ConditionError: If an attribute or a value cannot be.
            RecipeError: If the share is not from 0 to 1, or the model has one style only.
        """
        return Blend(self, first, second, share)


class Blend(Translator):
    """A `Painter` in a style between two; see `Painter.between`."""

    def __init__(self, model: Painter, first: Conditions, second: Conditions, share: float):
        if not 0 <= share <= 1:
            raise RecipeError(f"The share of the second style must be 0 to 1. Received: {share}")
        network = model.translating_network
        if not network.conditional:
            raise RecipeError(f"{model.model_id} has one style only, and so none between two.")
        self.schema, self.model_id = model.schema, model.model_id
        ends = network.embed(tf.constant(model.schema.encode_all([first, second])))
        style = (1 - share) * ends[:1] + share * ends[1:]
        self._network, self._style = network, tf.constant(style)

    def translating_network(self, inputs: dict[str, Any], training: bool = False) -> Any:
        """What the network makes of `source`, whatever the conditions."""
        style = tf.repeat(self._style, tf.shape(inputs["source"])[0], axis=0)
        return self._network.paint(inputs["source"], style)


@keras.saving.register_keras_serializable(package="tfproductgan")
class TrainedPainter(Painter, TrainedTranslator):
    """A trained `StyleGenerator`: photos in styles by name. See `TrainedModel` for the arguments."""

    kind_name = "style"


@keras.saving.register_keras_serializable(package="tfproductgan")
class StyleModel(Painter, TranslatingModel):
    """Learns to paint photos in the style of pictures, one for each name or a mean of several.

    One step takes a batch `{"images": uint8 [B, S, S, C], "source": uint8 [B, S, S, K], "conditions": int32 [B, A]}` of
    style pictures, photos and the styles' ids: what is painted of a photo is to keep the photo's content and to have
    the textures of the style picture. Who names no style gets a mean of all.

    Logged are the `total` loss and its weighted parts `content`, `style` and `variation`, which are those of
    `tfproductgan.models.stylizing`, so both can be compared.

    Args:
        generator: A `StyleGenerator` network.
        schema: The `ConditionSchema` it was made for, with pictures that go in.
        recipe: The `Recipe`. Defaults to that of the name `"style"`.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        RecipeError: If the network does not fit the schema, the features have no such layers, or there is no way to
            train under the scope's strategy.

    References:
        Johnson et al., 2016, Perceptual Losses for Real-Time Style Transfer, https://arxiv.org/abs/1603.08155; Dumoulin
        et al., 2017, A Learned Representation for Artistic Style, https://arxiv.org/abs/1610.07629
    """

    kind_name = "style"
    default_recipe = "style"
    trained_class = TrainedPainter

    def __init__(self, generator, schema, recipe=None, **kwargs):
        super().__init__({"generator": generator}, schema, recipe, **kwargs)

    def make_phases(self):
        """One: the generator."""
        objective = self.recipe.objective
        self._features = vgg19_features(objective.features)
        self._compared = self._features.chosen(objective.content_layer, objective.style_layers)
        given = objective.style_weight
        self._style_weight = self._features.style_weight(self._compared[0]) if given is None else given
        least = self._features.least_side([self._compared[0], *self._compared[1]])
        if self.schema.image_size < least:
            raise RecipeError(
                f"For layers up to {max(*self._compared[1], self._compared[0])} pictures need {least} pixels a side. "
                f"Received: image_size={self.schema.image_size}"
            )
        return [Phase(("generator",), "generator", loss=self._loss)]

    def log_names(self):
        """The loss and its parts."""
        return ["total", "content", "style", "variation"]

    def _loss(self, batch, draws, scratch):
        losses = self._measured(self.generator(inputs_of(batch), training=True), batch)
        return losses["total"], {name: (value, 1.0) for name, value in losses.items()}

    def test_logs(self, batch, draws):
        """Losses of the averaged generator on photos it was not trained on."""
        return self._measured(self.ema_generator(inputs_of(batch), training=False), batch)

    def _measured(self, pictures, batch):
        objective, (content_layer, style_layers) = self.recipe.objective, self._compared
        painted = (pictures + 1.0) * 127.5
        seen = self._features(painted, [content_layer, *style_layers])
        wanted = self._features((batch["source"] + 1.0) * 127.5, [content_layer])[content_layer]
        styles = self._features((batch["images"] + 1.0) * 127.5, style_layers)
        content = content_loss(seen[content_layer], wanted)
        distances = [style_loss(gram(seen[layer]), gram(styles[layer])) for layer in style_layers]
        parts = {
            "content": objective.content_weight * tf.reduce_mean(content),
            "style": self._style_weight * tf.reduce_mean(tf.add_n(distances)) / len(distances),
            "variation": objective.variation_weight * tf.reduce_mean(total_variation(painted)),
        }
        return {"total": tf.add_n(list(parts.values())), **parts}
