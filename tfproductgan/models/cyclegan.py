"""Two generators between two sets of pictures that come without pairs, and a discriminator for each set."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfproductgan.conditions import ConditionSchema
from tfproductgan.errors import ConditionError, nearest
from tfproductgan.losses.adversarial import adversarial_loss
from tfproductgan.models.phases import Phase, added_losses, dense_gradients
from tfproductgan.models.replay import Replay
from tfproductgan.models.replica_step import num_replicas
from tfproductgan.models.trained import TrainedModel
from tfproductgan.models.training_model import TrainingModel
from tfproductgan.models.translator import Translator

_GENERATORS = ("generator", "back_generator")
_DISCRIMINATORS = ("discriminator", "back_discriminator")


class WayBack(Translator):
    """What makes pictures of the set that goes in, `"A"`, of photos, `"B"`; nothing is asked of them by name.

    Args:
        model: The model with both ways.
        network: The generator of this one.
    """

    role = "back_generator"

    def __init__(self, model, network):
        schema = model.schema
        self.schema = ConditionSchema([], schema.image_size, schema.source_channels, source_channels=schema.channels)
        self._model, self.translating_network = model, network

    @property
    def model_id(self):
        """That of the model, which changes while it learns."""
        return self._model.model_id

    @property
    def provenance(self):
        """That of the model."""
        return self._model.provenance

    def networks(self):
        """The network by its role."""
        return {self.role: self.translating_network}

    def signatures(self, served):
        """What it can be asked beyond what every translator can be: nothing."""
        return {}


class TwoWayTranslator(Translator):
    """Mixin of models that also hold a `back_network`, the generator of the way back."""

    directions = ("B", "A")
    _way_back = None

    def translate(self, pictures, conditions=None, to="B"):
        """What is made of a picture, or of each of several.

        Args:
            pictures: As of `Translator.translate`.
            conditions: Likewise; only of the way to `"B"`.
            to: `"B"`, the photos that were learnt, or `"A"`, the set that went in.

        Returns:
            uint8 `[H, W, C]` of each picture's own height and width; a list of them for a list.

        Raises:
            ConditionError: If there is no such way, or an attribute or a value cannot be.
            PhotoError: If a picture cannot be read.
        """
        if to not in self.directions:
            raise ConditionError(f"to names a way of the model: {nearest(str(to), self.directions)}")
        return super().translate(pictures, conditions) if to == "B" else self.way_back().translate(pictures, conditions)

    # a method: Keras would save what a property returns once more
    def way_back(self):
        """The `Translator` to `"A"`."""
        if self._way_back is None:  # one for all, since its graph takes seconds to make
            self._way_back = WayBack(self, self.back_network)
        return self._way_back

    def signatures(self, served):
        """The way back, asked as the way there but without conditions."""
        back = type(served)(self.way_back())
        served.module.back = back.module
        return {"to_a": back.signatures["serving_default"], "translate_to_a": back.signatures["translate"]}


@keras.saving.register_keras_serializable(package="tfproductgan")
class TrainedCycle(TwoWayTranslator, TrainedModel):
    """Two trained generators between two sets. See `TrainedModel` for the arguments."""

    kind_name = "cycle"
    attribute = "translating_network"
    other_roles = ("back_generator",)

    @property
    def back_network(self):
        """The network that `translate` asks on the way back."""
        return self.back_generator


@keras.saving.register_keras_serializable(package="tfproductgan")
class CycleGAN(TwoWayTranslator, TrainingModel):
    """Learns from two sets of pictures, without pairs, to make one of the other, both ways.

    One step takes a batch `{"images": uint8 [B, S, S, C], "source": uint8 [B, S, S, K], "conditions": int32 [B, A]}`,
    in which pictures and sources of a row have nothing to do with each other: an update of both discriminators, then
    one of both generators. Conditions are those of the images; the generator is asked with them, whatever the source.
    Translating uses the averages.

    Args:
        generator: A `TranslatingGenerator` of sources, the way to `"B"`.
        back_generator: One of images, the way to `"A"`.
        discriminator: A `PatchDiscriminator` of images alone.
        back_discriminator: One of sources alone.
        schema: The `ConditionSchema` all were made for, with pictures that go in.
        recipe: The `Recipe`. Defaults to that of the name `"cyclegan"`.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        RecipeError: If the networks do not fit the schema, or there is no way to train under the scope's strategy.

    Example:
    ```python
    sets = tpg.Catalogue.from_unpaired("boots/", "sandals/")
    model = CycleGAN.from_recipe("cyclegan", sets.schema)
    model.compile()
    model.fit(sets.stream("train", batch_size=4), steps_per_epoch=500, epochs=20)
    sandal = model.translate("boot.png")
    boot = model.translate("sandal.png", to="A")
    ```

    Reference:
        Zhu et al., 2017, Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks,
        https://arxiv.org/abs/1703.10593
    """

    kind_name = "cycle"
    default_recipe = "cyclegan"
    averaged = _GENERATORS
    # what is not given is left to the picture, so the network must know that too
    hides_only_attribute = True

    def __init__(self, generator, back_generator, discriminator, back_discriminator, schema, recipe=None, **kwargs):
        networks = {
            "generator": generator,
            "back_generator": back_generator,
            "discriminator": discriminator,
            "back_discriminator": back_discriminator,
        }
        super().__init__(networks, schema, recipe, **kwargs)

    @property
    def translating_network(self):
        """The network that `translate` asks."""
        return self.ema_generator

    @property
    def back_network(self):
        """The network that `translate` asks on the way back."""
        return self.ema_back_generator

    def trained(self):
        """The averaged generators alone, ready to be saved and asked: a `TrainedCycle`."""
        return TrainedCycle.of(self)

    def add_state(self):
        """The pictures that the discriminators remember."""
        schema, count = self.schema, self.recipe.objective.replay
        self._replays = ()
        if count:
            size, columns = schema.image_size, schema.num_columns
            self._replays = (
                Replay(self, "replay", count, (size, size, schema.channels), columns, 0),
                Replay(self, "back_replay", count, (size, size, schema.source_channels), 0, 1),
            )

    def make_phases(self):
        """The discriminators, then the generators."""
        self._adversarial = adversarial_loss(self.recipe.objective.loss)
        return [
            Phase(_DISCRIMINATORS, "discriminator", gradients=self._discriminator_gradients),
            Phase(_GENERATORS, "generator", gradients=self._generator_gradients),
        ]

    def log_names(self):
        """Losses of the players, what is lost on the way there and back, and how surely pictures are told apart."""
        return ["d_loss", "g_loss", "cycle", *(["identity"] if self._alike else []), "logit_gap"]

    @property
    def _alike(self):
        """Whether pictures of either set can go either way."""
        return self.schema.channels == self.schema.source_channels

    def _made(self, batch):
        """The pictures of both ways, and the tape that saw them made."""
        with tf.GradientTape() as tape:
            made = self._both_ways(self.generator, self.back_generator, batch, batch["source"], batch["images"])
        return made, tape

    @staticmethod
    def _both_ways(there, back, batch, sources, images, training=True):
        """What becomes of sources and of images."""
        conditions = batch["conditions"]
        return (
            there({"source": sources, "conditions": conditions}, training=training),
            back({"source": images, "conditions": conditions}, training=training),
        )

    def _logits(self, batch, pictures, conditions=None, training=True):
        """Logits of images and of sources, each of its own discriminator."""
        asked = batch["conditions"] if conditions is None else conditions
        judges = (self.discriminator, self.back_discriminator)
        rows = zip(judges, pictures, (asked, batch["conditions"]), strict=True)
        return [judge({"images": each, "conditions": ids}, training=training) for judge, each, ids in rows]

    def _discriminator_gradients(self, batch, draws, scratch):
        made, tape = self._made(batch)
        scratch["made"] = made, tape
        shown, asked = [tf.stop_gradient(each) for each in made], batch["conditions"]
        if self._replays:
            there, back = self._replays
            remembered, asked = there.exchange(shown[0], asked, draws)
            shown = [remembered, back.exchange(shown[1], batch["conditions"], draws)[0]]

        def loss_and_logs():
            real = self._logits(batch, (batch["images"], batch["source"]))
            fake = self._logits(batch, shown, asked)
            loss, gap = self._verdicts(real, fake)
            return loss, {"d_loss": (loss, 1.0), "logit_gap": (gap, 1.0)}

        return self.gradients_of(_DISCRIMINATORS, loss_and_logs)

    def _verdicts(self, real, fake):
        """The discriminators' loss, and how far apart they hold real and made pictures, as a mean over both."""
        loss = tf.add_n([self._adversarial.discriminator(*each) for each in zip(real, fake, strict=True)])
        gaps = [tf.reduce_mean(a) - tf.reduce_mean(b) for a, b in zip(real, fake, strict=True)]
        return loss, tf.add_n(gaps) / 2.0

    def _generator_gradients(self, batch, draws, scratch):
        # a single microbatch still has its pictures and their tape: two forward passes less
        made, tape = scratch.pop("made") if self.microbatches == 1 else self._made(batch)
        with tape:
            loss, logs = self._generator_loss(batch, made)
            scaled = (loss + added_losses(self.generator, self.back_generator)) / num_replicas()
        return dense_gradients(tape, scaled, self._variables_of(_GENERATORS)), logs

    def _generator_loss(self, batch, made):
        objective, pictures = self.recipe.objective, (batch["images"], batch["source"])
        real = [None, None]
        if self._adversarial.paired:
            real = [tf.stop_gradient(each) for each in self._logits(batch, pictures)]
        verdicts = zip(real, self._logits(batch, made), strict=True)
        adversarial = tf.add_n([self._adversarial.generator(*each) for each in verdicts])
        lost = self._lost(self.generator, self.back_generator, batch, made)
        loss = adversarial + objective.cycle_weight * lost["cycle"]
        if self._alike:
            loss += objective.cycle_weight * objective.identity_weight * lost["identity"]
        return loss, {"g_loss": (adversarial, 1.0), **{name: (value, 1.0) for name, value in lost.items()}}

    def _lost(self, there, back, batch, made, training=True):
        """What is lost of pictures on the way there and back, and where they belong already; sums over both sets."""
        images, sources = batch["images"], batch["source"]
        again = self._both_ways(there, back, batch, made[1], made[0], training)
        lost = {"cycle": _difference(again, (images, sources))}
        if self._alike:
            kept = self._both_ways(there, back, batch, images, sources, training)
            lost["identity"] = _difference(kept, (images, sources))
        return lost

    def test_logs(self, batch, draws):
        """Losses of the averaged generators on pictures they were not trained on."""
        networks, pictures = (self.ema_generator, self.ema_back_generator), (batch["images"], batch["source"])
        made = self._both_ways(*networks, batch, batch["source"], batch["images"], training=False)
        real, fake = (self._logits(batch, each, training=False) for each in (pictures, made))
        d_loss, gap = self._verdicts(real, fake)
        return {
            "d_loss": d_loss,
            "g_loss": tf.add_n([self._adversarial.generator(*each) for each in zip(real, fake, strict=True)]),
            **self._lost(*networks, batch, made, training=False),
            "logit_gap": gap,
        }


def _difference(made, wanted):
    return tf.add_n([tf.reduce_mean(tf.abs(a - b)) for a, b in zip(made, wanted, strict=True)])
