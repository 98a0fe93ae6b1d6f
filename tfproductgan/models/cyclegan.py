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
        """What becomes of the pictures of both sets, and the tape that saw it made."""
        with tf.GradientTape() as tape:
            made = self._becomes(self.generator, self.back_generator, batch)
        return made, tape

    def _becomes(self, there, back, batch, training=True):
        """What both generators make of pictures of the other set, and of those that belong there already."""
        pictures = batch["source"], batch["images"]
        made, kept = [], []
        for network, given in ((there, pictures), (back, pictures[::-1])):
            one, *other = _asked(network, batch["conditions"], given if self._alike else given[:1], training)
            made.append(one)
            kept += other
        return made, kept

    def _logits(self, pictures, conditions, training=True):
        """Logits of images and of sources, some batches of each, by the discriminator of their set."""
        judges = zip((self.discriminator, self.back_discriminator), pictures, conditions, strict=True)
        return [
            tf.split(
                judge({"images": tf.concat(given, 0), "conditions": tf.concat(ids, 0)}, training=training), len(given)
            )
            for judge, given, ids in judges
        ]

    def _discriminator_gradients(self, batch, draws, scratch):
        made, tape = self._made(batch)
        scratch["made"] = made, tape
        shown, ids = [tf.stop_gradient(each) for each in made[0]], batch["conditions"]
        asked = ids
        if self._replays:
            there, back = self._replays
            remembered, asked = there.exchange(shown[0], ids, draws)
            shown = [remembered, back.exchange(shown[1], ids, draws)[0]]

        def loss_and_logs():
            pairs = zip((batch["images"], batch["source"]), shown, strict=True)
            loss, gap = self._verdicts(self._logits(pairs, ((ids, asked), (ids, ids))))
            return loss, {"d_loss": (loss, 1.0), "logit_gap": (gap, 1.0)}

        return self.gradients_of(_DISCRIMINATORS, loss_and_logs)

    def _verdicts(self, logits):
        """The discriminators' loss, and how far apart they hold real and made pictures, as a mean over both."""
        loss = tf.add_n([self._adversarial.discriminator(*each) for each in logits])
        gaps = [tf.reduce_mean(real) - tf.reduce_mean(fake) for real, fake in logits]
        return loss, tf.add_n(gaps) / 2.0

    def _generator_gradients(self, batch, draws, scratch):
        # a single microbatch still has its pictures and their tape: two forward passes less
        made, tape = scratch.pop("made") if self.microbatches == 1 else self._made(batch)
        with tape:
            loss, logs = self._generator_loss(batch, made)
            scaled = (loss + added_losses(self.generator, self.back_generator)) / num_replicas()
        return dense_gradients(tape, scaled, self._variables_of(_GENERATORS)), logs

    def _generator_loss(self, batch, made):
        objective, ids = self.recipe.objective, batch["conditions"]
        pictures = [[each] for each in made[0]]
        if self._adversarial.paired:
            real = (batch["images"], batch["source"])
            pictures = [[one, *fake] for one, fake in zip(real, pictures, strict=True)]
        logits = self._logits(pictures, [[ids] * len(each) for each in pictures])
        verdicts = [
            self._adversarial.generator(tf.stop_gradient(real[0]) if real else None, fake) for *real, fake in logits
        ]
        adversarial = tf.add_n(verdicts)
        lost = self._lost(self.generator, self.back_generator, batch, made)
        loss = adversarial + objective.cycle_weight * lost["cycle"]
        if self._alike:
            loss += objective.cycle_weight * objective.identity_weight * lost["identity"]
        return loss, {"g_loss": (adversarial, 1.0), **{name: (value, 1.0) for name, value in lost.items()}}

    def _lost(self, there, back, batch, made, training=True):
        """What is lost of pictures on the way there and back, and where they belong already; sums over both sets."""
        pictures, (crossed, kept) = (batch["images"], batch["source"]), made
        ways = zip((there, back), crossed[::-1], strict=True)
        again = [_asked(network, batch["conditions"], [each], training)[0] for network, each in ways]
        lost = {"cycle": _difference(again, pictures)}
        if kept:
            lost["identity"] = _difference(kept, pictures)
        return lost

    def test_logs(self, batch, draws):
        """Losses of the averaged generators on pictures they were not trained on."""
        networks, ids = (self.ema_generator, self.ema_back_generator), batch["conditions"]
        made = self._becomes(*networks, batch, training=False)
        pairs = zip((batch["images"], batch["source"]), made[0], strict=True)
        logits = self._logits(pairs, ((ids, ids), (ids, ids)), training=False)
        d_loss, gap = self._verdicts(logits)
        return {
            "d_loss": d_loss,
            "g_loss": tf.add_n([self._adversarial.generator(*each) for each in logits]),
            **self._lost(*networks, batch, made, training=False),
            "logit_gap": gap,
        }


def _asked(network, conditions, pictures, training):
    """What a generator makes of some batches of pictures, all at once: it takes less time, the first time above all."""
    ids = tf.tile(conditions, [len(pictures), 1])
    made = network({"source": tf.concat(pictures, 0), "conditions": ids}, training=training)
    return tf.split(made, len(pictures))


def _difference(made, wanted):
    return tf.add_n([tf.reduce_mean(tf.abs(a - b)) for a, b in zip(made, wanted, strict=True)])
