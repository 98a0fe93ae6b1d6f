"""A generator and a discriminator that know what a picture should show."""

from __future__ import annotations

import dataclasses
import functools

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.layers.augmentation import Augmentation, background_of
from tfproductgan.layers.condition_embedding import ConditionEmbedding
from tfproductgan.losses.adversarial import adversarial_loss
from tfproductgan.losses.matching import matching_loss, with_others
from tfproductgan.losses.penalties import Penalty, noise_shape, points
from tfproductgan.models.growing import Grows
from tfproductgan.models.phases import Phase, added_losses, dense_gradients, draw, gradients_through
from tfproductgan.models.randomness import Purpose
from tfproductgan.models.replica_step import mean_over_replicas, num_replicas
from tfproductgan.models.sampler import Sampler
from tfproductgan.models.trained import TrainedGenerator
from tfproductgan.models.training_model import TrainingModel
from tfproductgan.recipes.objectives import MAX_ADAPTIVE_PROBABILITY

# how long adaptive augmentation remembers: a few batches, as long as ADA measures between two of its adjustments
_SIGN_HALF_LIFE = 256  # images
# of a step that takes path lengths, in their running mean
_PATH_LENGTH_SHARE = 0.01
_AUGMENT = {"real": Purpose.AUGMENT_REAL, "fake": Purpose.AUGMENT_FAKE}


@keras.saving.register_keras_serializable(package="tfproductgan")
class ConditionalGAN(Sampler, Grows, TrainingModel):
    """A conditional GAN; with an empty schema an unconditional one.

    One step takes a batch `{"images": uint8 [B, S, S, C], "conditions": int32 [B, A]}`: `discriminator_steps`
    updates of the discriminator, each on its own part of the batch, then one of the generator. Sampling uses
    `ema_generator`, an average of the generator over the training.

    Args:
        generator: A `Generator` network.
        discriminator: A `Discriminator` network.
        schema: The `ConditionSchema` both were made for.
        recipe: The `Recipe` that gives what is not passed to `compile`, and label dropout, averaging and seed.
            Defaults to `Recipe()`.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        RecipeError: If the networks do not fit the schema, or there is no way to train under the scope's strategy.

    Example:
    ```python
    gan = ConditionalGAN.from_recipe("dcgan", products.schema)
    gan.compile()
    gan.fit(products.stream("train", batch_size=32), steps_per_epoch=500, epochs=20)
    images = gan.generate({"articleType": "Watches", "baseColour": "Gold"}, count=16, seed=7)
    ```
    """

    kind_name = "gan"
    default_recipe = "dcgan"
    parts_name = "discriminator_steps"
    logits_advice = "Make the gradient penalties four times as strong (--set penalties.r1=...), or lower"
    collapse_advice = (
        "Make the gradient penalties four times as strong (--set penalties.r1=...), lower both learning rates"
    )

    def __init__(self, generator, discriminator, schema, recipe=None, **kwargs):
        super().__init__({"generator": generator, "discriminator": discriminator}, schema, recipe, **kwargs)
        self._check_networks(self.recipe.objective)
        self._freeze(self.recipe.objective.frozen_layers)

    def _check_networks(self, objective):
        """Refuse an objective that these networks cannot be trained for."""
        if objective.matching and not self.discriminator.conditions_last:
            raise RecipeError(
                "matching needs a discriminator that looks at conditions last, such as 'dcgan' in its modern form. "
                f"Received: matching={objective.matching}, {type(self.discriminator).__name__}. Use matching=0."
            )
        for field in ("style_mixing", "path_length"):
            if getattr(objective, field) and not self.generator.num_styles:
                raise RecipeError(
                    f"{field} is for generators whose layers each have a style, such as stylegan2's. "
                    f"Received: {field}={getattr(objective, field)} and a {type(self.generator).__name__}"
                )

    def _freeze(self, count):
        """Leave the discriminator's lowest layers as they are.

        Mo et al. 2020, "Freeze the Discriminator: a Simple Baseline for Fine-Tuning GANs",
        https://arxiv.org/abs/2002.10964
        """
        lowest = self.discriminator.lowest_layers
        if count > len(lowest):
            raise RecipeError(
                f"A {type(self.discriminator).__name__} has {len(lowest)} layers that can be left as they are. "
                f"Received: frozen_layers={count}"
            )
        for layer in lowest[:count]:
            layer.trainable = False

    def add_state(self):
        """What adaptive augmentation remembers, and how far styles usually move pictures."""
        super().add_state()
        objective = self.recipe.objective
        start = 0.0 if objective.augmentation_warm_up else objective.augmentation_probability
        self._augmentation_probability = self.add_number("augmentation_probability", start)
        self._real_sign = self.add_number("real_sign")
        if objective.path_length:
            self._path_length = self.add_number("path_length")

    @property
    def sampling_network(self):
        """The network that `generate` draws with."""
        return self.ema_generator

    @property
    def logits_are_distances(self):
        """Whether the loss leaves logits as far apart as pictures can be."""
        return self.adversarial_loss.name == "wasserstein"

    @property
    def augmentation_probability(self):
        """With which probability each operation is applied now; it moves if the recipe has an augmentation target."""
        return float(self._augmentation_probability.numpy())

    def trained(self):
        """The averaged generator alone, ready to be saved and asked: a `TrainedGenerator`."""
        return TrainedGenerator.of(self)

    def trained_generator(self):
        """The same as `trained`."""
        return self.trained()

    @classmethod
    def from_recipe(cls, recipe, schema, **overrides):
        """See `TrainingModel.from_recipe`.

        Raises:
            RecipeError: Besides, if the discriminator makes a penalty meaningless; what was saved before is read.
        """
        gan = super().from_recipe(recipe, schema, **overrides)
        if "wgan-gp" in gan.recipe.objective.penalties and _has_synchronized_statistics(gan.discriminator):
            raise RecipeError(
                "The penalty 'wgan-gp' is of the slope at each picture, which a discriminator with batch normalisation "
                "judges by the rest of its batch: use one without (--set discriminator.form=modern)."
            )
        return gan

    # === Compile ===

    def compile(self, *args, loss=None, penalties=None, augmentation=None, discriminator_steps=None, **kwargs):
        """Say how to train; what is not passed is the recipe's.

        The recipe's schedules count optimiser steps of its `batch_size`: they end after `images` if batches hold
        `batch_size` images for each discriminator step.

        Args:
            *args: The optimisers of generator and discriminator; also by keyword, as `generator_optimizer` and
                `discriminator_optimizer`.
            loss: Name of an adversarial loss.
            penalties: A list of `Penalty`; lazy ones must share one interval.
            augmentation: An `Augmentation` layer, or `False` for none.
            discriminator_steps: Discriminator steps per generator step; must divide the batch.
            **kwargs: See `TrainingModel.compile`.

        Raises:
            RecipeError: If a name does not exist, a number cannot be or the penalties do not fit together.
        """
        objective = self.recipe.objective
        self.adversarial_loss = adversarial_loss(loss or objective.loss)
        if penalties is None:
            penalties = [Penalty(n, w, objective.penalty_interval) for n, w in objective.penalties.items()]
        self.penalties = tuple(penalties)
        intervals = {penalty.interval for penalty in self.penalties} - {1}
        if len(intervals) > 1:
            raise RecipeError(f"Lazy penalties must share one interval. Received: {sorted(intervals)}")
        self.penalty_interval = intervals.pop() if intervals else 1
        if augmentation is None:
            augmentation = Augmentation(objective.augmentation) if objective.augmentation else False
        self.augmentation = augmentation or None
        self.discriminator_steps = objective.discriminator_steps if discriminator_steps is None else discriminator_steps
        if self.discriminator_steps < 1:
            raise RecipeError(f"discriminator_steps must be at least 1. Received: {discriminator_steps}")
        if objective.weight_clip:
            self._clip_weights(objective.weight_clip)
        super().compile(*args, **kwargs)

    def _clip_weights(self, limit):
        """Have the optimiser keep the discriminator's weights within a limit.

        It is to limit how much logits change with pictures: vectors of conditions that go in beside them may be as long
        as they like, and would be as good as absent if they were short.
        """
        projection = getattr(self.discriminator, "projection", None)
        embeddings = (each for each in self.discriminator._flatten_layers() if isinstance(each, ConditionEmbedding))
        limits = {id(weight): None for embedding in embeddings for weight in embedding.trainable_variables}
        if isinstance(projection, ConditionEmbedding):
            # `project` divides by this root: what a feature counts stays within the limit
            limits[id(projection.table)] = limits[id(projection.to_text)] = limit * projection.dim**0.5
        for variable in self.discriminator.trainable_variables:
            most = limits.get(id(variable), limit)
            if most is not None:
                variable.constraint = functools.partial(tf.clip_by_value, clip_value_min=-most, clip_value_max=most)
                # gradients of the weights as they were made are a hundred times as large: optimisers would remember
                variable.assign(variable.constraint(variable.value))

    def compile_options(self):
        """What `compile` was told, JSON-ready."""
        augmentation = self.augmentation
        return {
            "loss": self.adversarial_loss.name,
            "penalties": [dataclasses.asdict(penalty) for penalty in self.penalties],
            "augmentation": keras.saving.serialize_keras_object(augmentation) if augmentation is not None else False,
            "discriminator_steps": self.discriminator_steps,
        }

    def compile_from_config(self, config):
        """Compile as `get_compile_config` says."""
        augmentation = config["augmentation"]
        if augmentation:
            augmentation = keras.saving.deserialize_keras_object(augmentation)
        penalties = [Penalty(**penalty) for penalty in config["penalties"]]
        super().compile_from_config({**config, "augmentation": augmentation, "penalties": penalties})

    def make_phases(self):
        """Discriminator steps, each on its own part of the batch, then one of the generator on the last part.

        A stage of a growth whose batches are smaller does so several times.
        """
        count, phases = self.updates_a_step * self.discriminator_steps, []
        for index in range(count):
            part = (index, count)
            phases.append(
                Phase(("discriminator",), "discriminator", gradients=self._discriminator_gradients, part=part)
            )
            if (index + 1) % self.discriminator_steps == 0:
                phases.append(Phase(("generator",), "generator", gradients=self._generator_gradients, part=part))
        return phases

    def log_names(self):
        """Losses, penalties, and what adaptive augmentation does."""
        adapting = ["r_t", "augmentation_p"] if self._adapts else []
        matching = ["matching"] if self._matching else []
        paths = ["path_length"] if self.recipe.objective.path_length else []
        penalties = [penalty.name for penalty in self.penalties]
        return ["d_loss", "g_loss", "logit_gap", *matching, *penalties, *paths, *adapting]

    @property
    def _adapts(self):
        """Whether the probability of augmentation follows the discriminator."""
        return self.augmentation is not None and self.recipe.objective.augmentation_target is not None

    @property
    def _matching(self):
        """Weight of the loss that tells what a picture shows from what others show."""
        return self.recipe.objective.matching if self.schema.can_be_asked else 0.0

    # === A step ===

    def _draw(self, conditions, draws):
        latents = draws.normal(Purpose.LATENTS, (conditions.shape[0], self.latent_dim))
        inputs = {"latents": latents, "conditions": conditions}
        if self.recipe.objective.style_mixing:
            inputs |= self._others(conditions.shape[0], draws)
        return draw(self.generator, inputs)

    def _others(self, rows, draws):
        """Latents for other styles, and from which layer on pictures have those."""
        others = draws.normal(Purpose.MIXING, (rows, self.generator.z_dim))
        chance, place = tf.unstack(draws.uniform(Purpose.CROSSOVER, (rows, 2)), axis=1)
        last = self.generator.num_styles
        crossover = 1 + tf.cast(place * (last - 1), tf.int32)
        mixed = chance < self.recipe.objective.style_mixing
        return {"other_latents": others, "crossover": tf.where(mixed, crossover, last)}

    def _discriminator_gradients(self, batch, draws, scratch):
        """Gradients of the discriminator's loss and penalties, on new pictures, and what to log."""
        drawn = scratch["drawn"] = self._draw(batch["conditions"], draws)
        fake = tf.stop_gradient(drawn.images)

        def gradients_with(penalties):
            if self._share_derivatives(penalties):
                return self._shared_gradients(batch, fake, penalties, draws)
            return self.gradients_of(
                ("discriminator",), lambda: self._discriminator_loss(batch, fake, penalties, draws)
            )

        if self.penalty_interval == 1:
            return gradients_with(self.penalties)
        if num_replicas() > 1 and _has_synchronized_statistics(self.discriminator):
            raise RecipeError(
                f"A batch-normalised discriminator on {num_replicas()} replicas needs its penalties in every step. "
                f"Received: penalty_interval={self.penalty_interval}. Use penalty_interval=1."
            )
        each_step = tuple(penalty for penalty in self.penalties if penalty.interval == 1)
        return tf.cond(
            tf.equal(self._step.value % self.penalty_interval, 0),
            lambda: gradients_with(self.penalties),
            lambda: gradients_with(each_step),
        )

    def _share_derivatives(self, penalties):
        """Whether `_shared_gradients` can take the place of `_discriminator_loss`."""
        linear = self.augmentation is None or type(self.augmentation) is Augmentation
        linear = linear and self.discriminator.piecewise_linear
        return linear and sorted(penalty.points for penalty in penalties) in (["real"], ["fake"], ["fake", "real"])

    def _shared_gradients(self, batch, fake, penalties, draws):
        """The gradients of `_discriminator_loss` from two thirds of the convolutions; differs by rounding.

        With its activations held, a discriminator D is a linear function of a picture x, of slope v. Loss and penalty
        move weights as s D(x) + c v.v / 2 does, with numbers s and c, and that as D(s x + c v) if biases count s times;
        its derivatives for what the layers give are those that v was made of. Augmentation is linear too but for the
        background, a constant.
        """
        images = {"real": batch["images"], "fake": fake}
        asked = {"real": self._asked(batch["conditions"], draws), "fake": batch["conditions"]}
        penalised = {penalty.points: images[penalty.points] for penalty in penalties}
        logits, before = {}, {}
        with tf.GradientTape() as tape:
            with tf.GradientTape(watch_accessed_variables=False) as slope_tape:
                slope_tape.watch(penalised)
                for at, pictures in images.items():
                    seen = self._augmented(pictures, _AUGMENT[at], draws)
                    inputs = {"images": seen, "conditions": asked[at]}
                    logits[at], before[at] = self.discriminator.judge(inputs, training=True)
                logits["real"], others = self._apart(logits["real"])
                total = tf.add_n([tf.reduce_sum(logits[at]) for at in penalised])
            slopes, after = slope_tape.gradient(total, [penalised, {at: before[at] for at in penalised}])
            with tf.GradientTape(watch_accessed_variables=False) as loss_tape:
                loss_tape.watch([logits, others])
                loss, logs = self._adversarial(logits, others, asked["real"])
            shares, of_others = loss_tape.gradient(loss, [logits, others])
            targets = [added_losses(self.discriminator), *(logits[at] for at in images if at not in penalised), *others]
            factors = [tf.ones(()), *(shares[at] for at in images if at not in penalised), *of_others]
            for penalty in penalties:
                at = penalty.points
                value, strength = penalty.value(slopes[at]), self._strength(penalty)
                loss += strength * value
                logs[penalty.name] = (value, 1.0)
                share = tf.stop_gradient(shares[at])
                mixed = share[:, None, None, None] * images[at] + strength / images[at].shape[0] * slopes[at]
                if self.augmentation is not None:
                    background = share[:, None, None] * background_of(images[at])
                    mixed = self._augmented(mixed, _AUGMENT[at], draws, background=background)
                with tf.name_scope("penalties"):
                    judged, found = self.discriminator.judge_linearly(
                        {**batch, "images": tf.stop_gradient(mixed)},
                        share,
                        [functools.partial(_held, self.discriminator.activate, given) for given in before[at]],
                    )
                targets += [judged, *found]
                factors += [tf.ones_like(judged), *after[at]]
        factors = [factor / num_replicas() for factor in factors]
        gradients = dense_gradients(tape, targets, self._variables_of(("discriminator",)), output_gradients=factors)
        return gradients, self._with_penalties(logs, loss)

    def _discriminator_loss(self, batch, fake, penalties, draws):
        """The loss and its penalties: adversarial and penalty terms share their forward passes."""
        real, conditions = batch["images"], batch["conditions"]
        images, asked = {"real": real, "fake": fake}, self._asked(conditions, draws)
        for penalty in penalties:
            if penalty.points not in images:
                noise = draws.uniform(Purpose.PENALTY, noise_shape(penalty.name, real.shape))
                images[penalty.points] = points(penalty.name, real, fake, noise)
        penalised = {penalty.points: images[penalty.points] for penalty in penalties}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(penalised.values()))
            logits = {}
            for at, pictures in images.items():
                judged_by = asked if at == "real" else conditions
                logits[at] = self._logits(pictures, judged_by, _AUGMENT.get(at, Purpose.AUGMENT_REAL), draws)
            logits["real"], others = self._apart(logits["real"])
            # the gradient of this sum with respect to one image is that of the image's own logit
            total = tf.add_n([tf.reduce_sum(values) for values in logits.values()])
        gradients = tape.gradient(total, penalised)
        loss, logs = self._adversarial(logits, others, asked)
        for penalty in penalties:
            value = penalty.value(gradients[penalty.points])
            loss += self._strength(penalty) * value
            logs[penalty.name] = (value, 1.0)
        return loss, self._with_penalties(logs, loss)

    def _strength(self, penalty):
        """What a penalty is multiplied by now."""
        strength, final = penalty.weight * penalty.interval, self.recipe.objective.final_penalties
        return strength if final == 1 else strength * (1.0 + (final - 1.0) * self.risen())

    def _asked(self, conditions, draws):
        """Conditions that a picture is judged by: its own, and if they are to be told from others', those as well."""
        if not self._matching:
            return conditions
        schema, others = self.schema, []
        if schema.attributes:
            photos, shares = self._photos
            drawn = draws.uniform(Purpose.MATCHING, (conditions.shape[0], len(schema.attributes)))
            rows = tf.searchsorted(shares, tf.reshape(drawn, [-1]), side="right")
            found = tf.gather(photos, tf.minimum(rows, len(photos) - 1))
            others.append(tf.reshape(found, (*drawn.shape, -1)))
        if self._num_pieces:
            others = [tf.pad(each, [[0, 0], [0, 0], [0, self._num_pieces]]) for each in others]
            # batches are shuffled: the title of the next photo is that of any other
            others.append(tf.roll(conditions, 1, axis=0)[:, None])
        return with_others(conditions, tf.concat(others, axis=1), schema.asked_slices)

    @property
    def _num_pieces(self):
        """Columns of the text."""
        return self.schema.num_columns - self.schema.text_columns.start

    @functools.cached_property
    def _photos(self):
        """What photos show, ids `[M, columns]`, and the share of photos up to each; without photos, every value."""
        most = max(attribute.num_ids for attribute in self.schema.attributes) - 1
        columns = self.schema.num_ids[: self.schema.text_columns.start]
        some = [[1 + k % (ids - 1) if ids > 1 else 0 for ids in columns] for k in range(most)]
        rows, counts = zip(*(self.schema.combinations or [(row, 1) for row in some]), strict=True)
        return np.array(rows, np.int32), (np.cumsum(counts) / np.sum(counts)).astype(np.float32)

    def _apart(self, logits):
        """Logits of `_asked` conditions: those for the own ones, and a list of all if there are others."""
        return (logits[:, 0], [logits]) if self._matching else (logits, [])

    def _told_apart(self, logits, asked, than=None):
        """How much logits lack of telling what is shown from what others show, see `matching_loss`."""
        # two titles that share a word are two titles all the same
        whole = [len(self.schema.slices)] if self._num_pieces else []
        return matching_loss(logits, asked, self.schema.asked_slices, than, whole)

    def _adversarial(self, logits, others, asked):
        """The loss without penalties, and what to log."""
        loss = self.adversarial_loss.discriminator(logits["real"], logits["fake"])
        if self.recipe.objective.drift:
            loss += self.recipe.objective.drift * tf.reduce_mean(tf.square(logits["real"]))
        logs = {"logit_gap": (tf.reduce_mean(logits["real"]) - tf.reduce_mean(logits["fake"]), 1.0)}
        if self._adapts:
            logs["r_t"] = (self.adversarial_loss.real_sign(logits["real"], logits["fake"]), 1.0)
        for several in others:
            logs["matching"] = (self._told_apart(several, asked), 1.0)
            loss += self._matching * logs["matching"][0]
        return loss, logs

    def _with_penalties(self, logs, loss):
        """Logs that also have the whole loss, and of penalties that are not due that there are none."""
        return {penalty.name: (tf.zeros(()), 0.0) for penalty in self.penalties} | logs | {"d_loss": (loss, 1.0)}

    def _generator_gradients(self, batch, draws, scratch):
        """Gradients of the generator's loss on the pictures drawn last, through the discriminator as it is now."""
        real, conditions = batch["images"], batch["conditions"]
        # a single microbatch still has its pictures and their tape: one forward pass less
        single = self.microbatches == 1
        drawn = (
            scratch["drawn"] if single else self._draw(conditions, dataclasses.replace(draws, index=draws.index - 1))
        )

        def loss_of(pictures):
            asked = self._asked(conditions, draws)
            real_logits, of_photos = None, []
            if self.adversarial_loss.paired or self._matching:
                judged = tf.stop_gradient(self._logits(real, asked, Purpose.AUGMENT_REAL, draws))
                real_logits, of_photos = self._apart(judged)
            judged = self._logits(pictures, asked, Purpose.AUGMENT_FAKE, draws, self._num_branches(pictures))
            fake_logits, others = self._apart(judged)
            loss = self.adversarial_loss.generator(real_logits, fake_logits)
            for several, than in zip(others, of_photos, strict=True):
                loss += self._matching * self._told_apart(several, asked, than)
            return loss, {"g_loss": (loss, 1.0)}

        gradients, logs = gradients_through(drawn, self.generator, loss_of)
        if self.recipe.objective.path_length:
            more, logs["path_length"] = self._path_length_gradients(conditions, draws)
            gradients = [gradient + other for gradient, other in zip(gradients, more, strict=True)]
        return gradients, logs

    def _path_length_gradients(self, conditions, draws):
        """Gradients of the penalty on path lengths in steps that take it, and what to log.

        Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", section 3.2; of the whole batch,
        half as often as of half of it there.
        """
        objective, generator = self.recipe.objective, self.generator
        variables = self._variables_of(("generator",))
        rows, interval = conditions.shape[0], objective.path_length_interval

        def taken():
            size, channels = self.schema.image_size, self.schema.channels
            drawn = draws.normal(Purpose.PATH_LENGTH, (rows, self.latent_dim + size * size * channels))
            latents, directions = tf.split(drawn, [self.latent_dim, -1], axis=1)
            directions = tf.reshape(directions, (rows, size, size, channels)) / size
            with tf.GradientTape() as tape:
                styles, *others = generator.style_of(latents, generator.embed(conditions))
                with tf.GradientTape(watch_accessed_variables=False) as slope_tape:
                    slope_tape.watch(styles)
                    moved = tf.reduce_sum(generator.synthesise(styles, *others, training=True) * directions)
                slopes = slope_tape.gradient(moved, styles)
                lengths = tf.sqrt(tf.reduce_mean(tf.reduce_sum(tf.square(slopes), axis=2), axis=1))
                penalty = tf.reduce_mean(tf.square(lengths - self._path_length.value))
                loss = objective.path_length * interval * penalty / num_replicas()
            return dense_gradients(tape, loss, variables), (tf.reduce_mean(lengths), tf.ones(()))

        def left():
            return [tf.zeros_like(variable.value) for variable in variables], (tf.zeros(()), tf.zeros(()))

        return tf.cond(tf.equal(self._step.value % interval, 0), taken, left)

    def _num_branches(self, images):
        """In how many parts to judge a batch that nothing else is judged beside.

        Two keep two cores busy that give each operation one thread: a discriminator is a chain of them.
        """
        one_thread = tf.config.threading.get_intra_op_parallelism_threads() == 1
        return 2 if one_thread and self.discriminator.piecewise_linear and images.shape[0] % 2 == 0 else 1

    def _logits(self, images, conditions, purpose, draws, branches=1):
        """Logits of pictures as the discriminator sees them, that is augmented; of so many parts of the batch apart."""
        images = self._augmented(images, purpose, draws)
        parts = zip(tf.split(images, branches), tf.split(conditions, branches), strict=True)
        return tf.concat([self.discriminator({"images": i, "conditions": c}, training=True) for i, c in parts], 0)

    def _augmented(self, images, purpose, draws, **options):
        if self.augmentation is None:
            return images
        noise = draws.uniform(purpose, (images.shape[0], self.augmentation.num_random))
        return self.augmentation(images, noise, probability=self._augmentation_probability.value, **options)

    def after_step(self, logs, images):
        """Let the probability of augmentation warm up, or adapt, and the mean path length follow.

        It adapts by rising while the discriminator is surer of real photos than the recipe wants, and falling else.

        Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (ADA), section 3.2; with a
        running mean and a small change each step, in place of a mean over four batches and a change after them.
        """
        objective = self.recipe.objective
        if objective.augmentation_warm_up:
            risen = self.risen(objective.augmentation_warm_up)
            self._augmentation_probability.assign(objective.augmentation_probability * risen)
        if objective.path_length:
            length, share = (mean_over_replicas(value) for value in logs["path_length"])
            change = _PATH_LENGTH_SHARE * share * (length - self._path_length.value)
            self._path_length.assign_add(change)
        if not self._adapts:
            return {}
        # of all replicas, or each would augment with a probability of its own
        now = mean_over_replicas(logs["r_t"][0])
        keep = 0.5 ** (images / _SIGN_HALF_LIFE)
        mean = keep * self._real_sign.value + (1.0 - keep) * now
        change = tf.sign(mean - objective.augmentation_target) * images / objective.augmentation_images
        probability = self._augmentation_probability.value + change
        self._real_sign.assign(mean)
        self._augmentation_probability.assign(tf.clip_by_value(probability, 0.0, MAX_ADAPTIVE_PROBABILITY))
        return {"augmentation_p": (self._augmentation_probability.value, 1.0)}

    def test_logs(self, batch, draws):
        """Losses of the averaged generator against the discriminator on photos it was not trained on."""
        images, conditions = batch["images"], batch["conditions"]
        latents = draws.normal(Purpose.TEST, (images.shape[0], self.latent_dim))
        fake = self.ema_generator({"latents": latents, "conditions": conditions}, training=False)
        real_logits = self.discriminator({"images": images, "conditions": conditions}, training=False)
        fake_logits = self.discriminator({"images": fake, "conditions": conditions}, training=False)
        return {
            "d_loss": self.adversarial_loss.discriminator(real_logits, fake_logits),
            "g_loss": self.adversarial_loss.generator(real_logits, fake_logits),
            "logit_gap": tf.reduce_mean(real_logits) - tf.reduce_mean(fake_logits),
        }


def _held(activate, given, other):
    """What an activation makes of something other on the side of its kink on which it is for what was given."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(given)
        made = activate(given)
    return tape.gradient(made, given, output_gradients=other)


def _has_synchronized_statistics(network):
    """Whether a layer talks to its copies on other replicas."""
    return any(getattr(layer, "synchronized", False) for layer in network._flatten_layers())
