"""The model that `fit` trains: a generator and a discriminator that know what a picture should show."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import tempfile
import zipfile
from collections.abc import Mapping
from typing import NamedTuple

import keras
import tensorflow as tf

from tfproductgan.conditions import ConditionSchema
from tfproductgan.errors import RecipeError, RunError, nearest
from tfproductgan.layers.augmentation import Augmentation
from tfproductgan.losses.adversarial import adversarial_loss
from tfproductgan.losses.penalties import Penalty, noise_shape, points
from tfproductgan.models import randomness
from tfproductgan.models.generation import GeneratesByName, to_float
from tfproductgan.models.microbatches import mean_of_microbatches
from tfproductgan.models.precision import dtype_policy
from tfproductgan.models.randomness import Draws, Purpose
from tfproductgan.models.replica_step import (
    ReplicaStep,
    apply_gradients,
    check_strategy,
    mean_over_replicas,
    num_replicas,
    replica_index,
    sum_over_replicas,
)
from tfproductgan.models.scaled_schedule import follow
from tfproductgan.models.trained_generator import TrainedGenerator
from tfproductgan.recipes import MAX_ADAPTIVE_PROBABILITY, Recipe, get_recipe
from tfproductgan.registry import import_families, network_class

# how long adaptive augmentation remembers: a few batches, as long as ADA measures between two of its adjustments
_SIGN_HALF_LIFE = 256  # images


@keras.saving.register_keras_serializable(package="tfproductgan")
class ConditionalGAN(ReplicaStep, GeneratesByName, keras.Model):
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

    def __init__(self, generator, discriminator, schema, recipe=None, **kwargs):
        check_strategy()
        super().__init__(**kwargs)
        for network in (generator, discriminator):
            made_for = (network.num_ids, network.image_size, network.channels)
            if made_for != (schema.num_ids, schema.image_size, schema.channels):
                raise RecipeError(
                    f"{type(network).__name__} was made for {made_for} (ids, image size, channels), "
                    f"the schema has {(schema.num_ids, schema.image_size, schema.channels)}."
                )
        self.generator = generator
        self.discriminator = discriminator
        self.schema = schema
        self.recipe = (recipe or Recipe()).for_size(schema.image_size)
        # float32, so that pictures do not depend on the machine's number format more than they must
        self.ema_generator = type(generator).from_config(
            {**generator.get_config(), "name": "ema_generator", "dtype": "float32"}
        )
        self.ema_generator.trainable = False
        self.ema_generator.set_weights(generator.get_weights())
        counter = {"shape": (), "dtype": "int64", "initializer": "zeros", "trainable": False}
        self._step = self.add_weight(name="step", aggregation="only_first_replica", **counter)
        self._images_seen = self.add_weight(name="images_seen", aggregation="only_first_replica", **counter)
        number = {"shape": (), "dtype": "float32", "trainable": False, "aggregation": "only_first_replica"}
        start = keras.initializers.Constant(self.recipe.augmentation_probability)
        self._augmentation_probability = self.add_weight(name="augmentation_probability", initializer=start, **number)
        self._real_sign = self.add_weight(name="real_sign", initializer="zeros", **number)
        self._learning_rate_factor = self.add_weight(name="learning_rate_factor", initializer="ones", **number)
        self.built = True

    @classmethod
    def from_recipe(cls, recipe, schema, **overrides):
        """The model a recipe describes, for the conditions and picture size of a schema.

        The first weights follow from the recipe's seed: it is set as Keras's, NumPy's and Python's global seed.

        Args:
            recipe: A `Recipe` or the name of one.
            schema: A `ConditionSchema`.
            **overrides: Fields of the recipe to change, such as `batch_size=64`.

        Raises:
            RecipeError: If the recipe, a field or a network option does not exist.
        """
        if not isinstance(schema, ConditionSchema):
            raise RecipeError(f"schema is a ConditionSchema, such as catalogue.schema. Received: {schema!r}")
        recipe = recipe.replace(**overrides) if isinstance(recipe, Recipe) else get_recipe(recipe, **overrides)
        check_strategy()
        networks = []
        keras.utils.set_random_seed(recipe.seed % 2**32)  # NumPy takes no more
        for role in ("generator", "discriminator"):
            options = getattr(recipe, role)
            network = network_class(recipe.family, role)
            _check_options(network, role, options)
            try:
                networks.append(
                    network(
                        schema.num_ids,
                        schema.image_size,
                        schema.channels,
                        name=role,
                        dtype=dtype_policy(recipe.precision),
                        **options,
                    )
                )
            except RecipeError:
                raise
            except (TypeError, ValueError) as error:
                message = f"The {role} cannot be made with the options {options}: {error}"
                raise RecipeError(message.splitlines()[0]) from error
        return cls(*networks, schema, recipe)

    @property
    def sampling_network(self):
        """The network that `generate` draws with."""
        return self.ema_generator

    @property
    def step(self):
        """Number of training steps taken."""
        return int(self._step.numpy())

    @property
    def images_seen(self):
        """Number of real images the discriminator has learnt from."""
        return int(self._images_seen.numpy())

    @property
    def augmentation_probability(self):
        """With which probability each operation is applied now; it moves if the recipe has an augmentation target."""
        return float(self._augmentation_probability.numpy())

    @property
    def learning_rate_factor(self):
        """What the learning rates are multiplied by: 1, or less after `roll_back`."""
        return float(self._learning_rate_factor.numpy())

    @property
    def model_id(self):
        """Names the model in the files it writes: recipe, size, a digest of recipe and schema, images seen."""
        digest = hashlib.sha256((self.recipe.to_json() + self.schema.to_json()).encode()).hexdigest()[:8]
        return f"{self.recipe.name}-{self.schema.image_size}-{digest}-{self.images_seen}"

    # === Compile ===

    def compile(
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        loss=None,
        penalties=None,
        augmentation=None,
        discriminator_steps=None,
        microbatches=None,
        **kwargs,
    ):
        """Say how to train; what is not passed is the recipe's.

        The recipe's schedules count optimiser steps of its `batch_size`: they end after `images` if batches hold
        `batch_size` images for each discriminator step.

        Args:
            generator_optimizer: A Keras optimiser.
            discriminator_optimizer: A Keras optimiser.
            loss: Name of an adversarial loss.
            penalties: A list of `Penalty`; lazy ones must share one interval.
            augmentation: An `Augmentation` layer, or `False` for none.
            discriminator_steps: Discriminator steps per generator step; must divide the batch.
            microbatches: In how many parts each replica takes its batch; must divide it. See `Recipe`.
            **kwargs: `run_eagerly`, `steps_per_execution`, `jit_compile` of `keras.Model.compile`.

        Raises:
            RecipeError: If a name does not exist, a number cannot be or the penalties do not fit together.
        """
        kwargs.setdefault("jit_compile", False)
        super().compile(optimizer=None, **kwargs)
        # Keras would add a tracker for a loss this model does not have
        self._loss_tracker = None
        recipe = self.recipe
        self.adversarial_loss = adversarial_loss(loss or recipe.loss)
        if penalties is None:
            penalties = [Penalty(n, w, recipe.penalty_interval) for n, w in recipe.penalties.items()]
        self.penalties = tuple(penalties)
        intervals = {penalty.interval for penalty in self.penalties} - {1}
        if len(intervals) > 1:
            raise RecipeError(f"Lazy penalties must share one interval. Received: {sorted(intervals)}")
        self.penalty_interval = intervals.pop() if intervals else 1
        if augmentation is None:
            augmentation = Augmentation(recipe.augmentation) if recipe.augmentation else False
        self.augmentation = augmentation or None
        self.discriminator_steps = recipe.discriminator_steps if discriminator_steps is None else discriminator_steps
        if self.discriminator_steps < 1:
            raise RecipeError(f"discriminator_steps must be at least 1. Received: {discriminator_steps}")
        self.microbatches = recipe.microbatches if microbatches is None else microbatches
        if self.microbatches < 1:
            raise RecipeError(f"microbatches must be at least 1. Received: {microbatches}")
        names = ["d_loss", "g_loss", "logit_gap", *(penalty.name for penalty in self.penalties)]
        if self._adapts:
            names += ["r_t", "augmentation_p"]
        # optimisers and metrics belong to the strategy they are made under: made elsewhere, replicas drift apart
        with self.distribute_strategy.scope():
            self._set_optimizers(generator_optimizer, discriminator_optimizer)
            self._trackers = {name: keras.metrics.Mean(name=name) for name in names}

    def _set_optimizers(self, generator_optimizer, discriminator_optimizer):
        recipe = self.recipe
        steps = max(1, recipe.images // (recipe.batch_size * self.discriminator_steps))
        self.generator_optimizer = generator_optimizer or self._optimizer(recipe.generator_learning_rate, steps)
        # it takes more steps, and its schedule must last as many images
        self.discriminator_optimizer = discriminator_optimizer or self._optimizer(
            recipe.discriminator_learning_rate, steps * self.discriminator_steps
        )
        for optimizer, network in (
            (self.generator_optimizer, self.generator),
            (self.discriminator_optimizer, self.discriminator),
        ):
            follow(optimizer, self._learning_rate_factor)
            optimizer.build(network.trainable_variables)
        # callbacks of W&B and MLflow ask a model for one optimiser: its settings, steps and learning rate
        self.optimizer = self.generator_optimizer

    def _optimizer(self, learning_rate, steps):
        recipe = self.recipe
        if recipe.schedule == "cosine":
            learning_rate = keras.optimizers.schedules.CosineDecay(
                learning_rate, decay_steps=steps, alpha=recipe.final_learning_rate
            )
        return keras.optimizers.Adam(
            learning_rate,
            recipe.beta_1,
            recipe.beta_2,
            epsilon=1e-8,
            global_clipnorm=recipe.gradient_clip or None,
        )

    @property
    def _adapts(self):
        """Whether the probability of augmentation follows the discriminator."""
        return self.augmentation is not None and self.recipe.augmentation_target is not None

    @property
    def metrics(self):
        """What `fit` and `evaluate` reset between epochs."""
        return list(self._trackers.values()) if self.compiled else []

    # === Training ===

    def train_step(self, data):
        """One step, as one replica sees it."""
        _check_batch(data)
        images, conditions = to_float(data["images"]), data["conditions"]
        batch = images.shape[0]
        self._check_batch_size(batch)
        self._seed_networks()
        conditions = self._drop_labels(conditions)
        for index in range(self.discriminator_steps):
            # taken in turns, so that each step sees the same images however many replicas share the batch
            rows = [tensor[index :: self.discriminator_steps] for tensor in (images, conditions)]
            gradients, logs, drawn = self._discriminator_step(rows, index)
            apply_gradients(self.discriminator_optimizer, gradients, self.discriminator.trainable_variables)
        gradients, g_loss = self._generator_step(rows, drawn)
        apply_gradients(self.generator_optimizer, gradients, self.generator.trainable_variables)
        self._step.assign_add(1)
        self._images_seen.assign_add(batch * num_replicas())
        self._update_ema(batch * num_replicas())
        if self._adapts:
            self._adapt_augmentation(logs["r_t"][0], batch * num_replicas())
            logs["augmentation_p"] = (self._augmentation_probability.value, 1.0)
        return self._track({**logs, "g_loss": (g_loss, 1.0)})

    def _check_batch_size(self, batch):
        if batch is None or batch % (self.discriminator_steps * self.microbatches):
            raise RecipeError(
                "Each replica's batch must have a fixed size that discriminator steps and microbatches divide. "
                f"Received: batch of {batch}, discriminator_steps={self.discriminator_steps}, "
                f"microbatches={self.microbatches}"
            )

    def _discriminator_step(self, rows, index):
        """Gradients of the discriminator, what to log, and the pictures drawn last."""
        drawn = None

        def gradients_of(real, conditions, part):
            nonlocal drawn
            draws = self._draws(index, part)
            drawn = self._draw(conditions, draws)
            return self._discriminator_gradients(real, tf.stop_gradient(drawn.images), conditions, draws)

        gradients, logs = mean_of_microbatches(gradients_of, rows, self.microbatches)
        return gradients, logs, drawn

    def _generator_step(self, rows, drawn):
        """Gradients of the generator and its loss, on the pictures of the last discriminator step."""
        index = self.discriminator_steps

        def gradients_of(real, conditions, part):
            # a single microbatch still has its pictures and their tape: one forward pass less
            again = drawn if self.microbatches == 1 else self._draw(conditions, self._draws(index - 1, part))
            return self._generator_gradients(again, real, conditions, self._draws(index, part))

        return mean_of_microbatches(gradients_of, rows, self.microbatches)

    def _draw(self, conditions, draws):
        latents = draws.normal(Purpose.LATENTS, (conditions.shape[0], self.latent_dim))
        with tf.GradientTape() as tape:
            images = self.generator({"latents": latents, "conditions": conditions}, training=True)
            regularisation = _sum(self.generator.losses)
        return _Drawn(images, regularisation, tape)

    def _discriminator_gradients(self, real, fake, conditions, draws):
        """Gradients of the discriminator's loss and penalties, and what to log."""

        def gradients_with(penalties):
            with tf.GradientTape() as tape:
                loss, logs = self._discriminator_loss(real, fake, conditions, penalties, draws)
                scaled = loss / num_replicas()
            return _dense_gradients(tape, scaled, self.discriminator.trainable_variables), logs

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

    def _discriminator_loss(self, real, fake, conditions, penalties, draws):
        """The loss and its penalties: adversarial and penalty terms share their forward passes."""
        images = {"real": real, "fake": fake}
        for penalty in penalties:
            if penalty.points not in images:
                noise = draws.uniform(Purpose.PENALTY, noise_shape(penalty.name, real.shape))
                images[penalty.points] = points(penalty.name, real, fake, noise)
        penalised = {penalty.points: images[penalty.points] for penalty in penalties}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(penalised.values()))
            logits = {}
            for at, batch in images.items():
                purpose = Purpose.AUGMENT_FAKE if at == "fake" else Purpose.AUGMENT_REAL
                logits[at] = self._logits(batch, conditions, purpose, draws)
            # the gradient of this sum with respect to one image is that of the image's own logit
            total = tf.add_n([tf.reduce_sum(values) for values in logits.values()])
        gradients = tape.gradient(total, penalised)
        loss = self.adversarial_loss.discriminator(logits["real"], logits["fake"])
        gap = tf.reduce_mean(logits["real"]) - tf.reduce_mean(logits["fake"])
        logs = {"d_loss": (loss, 1.0), "logit_gap": (gap, 1.0)}
        if self._adapts:
            logs["r_t"] = (self.adversarial_loss.real_sign(logits["real"], logits["fake"]), 1.0)
        for penalty in self.penalties:
            if penalty in penalties:
                value = penalty.value(gradients[penalty.points])
                loss += penalty.weight * penalty.interval * value
                logs[penalty.name] = (value, 1.0)
            else:
                logs[penalty.name] = (tf.zeros(()), 0.0)
        return loss + _sum(self.discriminator.losses), logs

    def _generator_gradients(self, drawn, real, conditions, draws):
        """Gradients of the generator's loss, through the discriminator as it is now, and that loss."""
        real_logits = None
        if self.adversarial_loss.paired:
            real_logits = tf.stop_gradient(self._logits(real, conditions, Purpose.AUGMENT_REAL, draws))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(drawn.images)
            fake_logits = self._logits(drawn.images, conditions, Purpose.AUGMENT_FAKE, draws)
            loss = self.adversarial_loss.generator(real_logits, fake_logits)
            scaled = loss / num_replicas()
        image_gradients = tape.gradient(scaled, drawn.images)
        gradients = _dense_gradients(
            drawn.tape,
            [drawn.images, drawn.regularisation],
            self.generator.trainable_variables,
            output_gradients=[image_gradients, tf.ones(()) / num_replicas()],
        )
        return gradients, loss

    def _logits(self, images, conditions, purpose, draws):
        """Logits of pictures as the discriminator sees them, that is augmented."""
        if self.augmentation is not None:
            noise = draws.uniform(purpose, (images.shape[0], self.augmentation.num_random))
            images = self.augmentation(images, noise, probability=self._augmentation_probability.value)
        return self.discriminator({"images": images, "conditions": conditions}, training=True)

    def _drop_labels(self, conditions):
        # who does not name the only attribute gets a value of it all the same, see ConditionSchema.complete
        if len(self.schema.attributes) < 2 or not self.recipe.label_dropout:
            return conditions
        drawn = self._draws().uniform(Purpose.LABEL_DROPOUT, conditions.shape)
        return tf.where(drawn < self.recipe.label_dropout, 0, conditions)

    def _seed_networks(self):
        # dropout inside the networks draws from Keras seed generators: make their state a function of the step
        for index, generator in enumerate(_seed_generators(self.generator, self.discriminator)):
            drawn = randomness.key(self.recipe.seed, self._step.value, Purpose.NETWORK, index, replica_index())
            generator.state.assign(tf.cast(drawn % 2**31, generator.state.dtype))

    def _update_ema(self, batch):
        seen = tf.cast(self._images_seen.value, tf.float32)
        half_life = tf.minimum(float(self.recipe.ema_half_life), tf.maximum(seen * self.recipe.ema_ramp, 1.0))
        keep = tf.pow(0.5, batch / half_life)
        # weights are equal on all replicas after `apply`, so each averages for itself
        for average, variable in zip(self.ema_generator.variables, self.generator.variables, strict=True):
            average.assign(average.value + (1.0 - keep) * (variable.value - average.value))

    def _adapt_augmentation(self, sign, batch):
        """Raise the probability while the discriminator is surer of real photos than the recipe wants, else lower it.

        Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (ADA), section 3.2; with a
        running mean and a small change each step, in place of a mean over four batches and a change after them.
        """
        # of all replicas, or each would augment with a probability of its own
        now = mean_over_replicas(sign)
        keep = 0.5 ** (batch / _SIGN_HALF_LIFE)
        mean = keep * self._real_sign.value + (1.0 - keep) * now
        change = tf.sign(mean - self.recipe.augmentation_target) * batch / self.recipe.augmentation_images
        probability = self._augmentation_probability.value + change
        self._real_sign.assign(mean)
        self._augmentation_probability.assign(tf.clip_by_value(probability, 0.0, MAX_ADAPTIVE_PROBABILITY))

    def _track(self, logs):
        for name, tracker in self._trackers.items():
            value, weight = logs[name]
            tracker.update_state(value, sample_weight=weight)
        return {name: tracker.result() for name, tracker in self._trackers.items()}

    def _draws(self, index=0, part=(0, 1)):
        return Draws(self.recipe.seed, self._step.value, index, part)

    def roll_back(self, path, factor=0.5):
        """Take the weights and optimisers of an earlier file of this model, and go on with lower learning rates.

        The clock goes on: steps, images seen and schedules stay where they are, so that the same photos do not come
        again, a run keeps its length and a stream its place. The learning rates stay lowered in files saved later.
        One that is neither a number nor a schedule but a function of your own stays as it is.

        Args:
            path: A `.keras` file that `save` of this model wrote.
            factor: What both learning rates are multiplied by.

        Raises:
            RunError: If the file cannot be read.
        """
        optimizers = (self.generator_optimizer, self.discriminator_optimizer)
        clock = [self._step, self._images_seen, *(optimizer.iterations for optimizer in optimizers)]
        times = [variable.numpy() for variable in clock]
        wanted = factor * self.learning_rate_factor
        try:
            # Keras reads weights inside a .keras file by seeking back and forth in the zip: that takes seconds
            with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
                self.load_weights(archive.extract("model.weights.h5", folder))
        except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
            raise RunError(f"Cannot roll back to {str(path)!r}: {error}".splitlines()[0]) from error
        for variable, time in zip(clock, times, strict=True):
            variable.assign(time)
        for optimizer in optimizers:
            if isinstance(optimizer._learning_rate, keras.Variable):
                optimizer.learning_rate = optimizer.learning_rate * (wanted / self.learning_rate_factor)
        self._learning_rate_factor.assign(wanted)
        self.reset_metrics()

    # === Evaluation ===

    def test_step(self, data):
        """Losses of the averaged generator against the discriminator on photos it was not trained on."""
        _check_batch(data)
        images, conditions = to_float(data["images"]), data["conditions"]
        # the noise depends on the batch itself: the same data give the same losses, in any order
        content = sum_over_replicas(tf.reduce_sum(tf.cast(data["images"], tf.int64)))
        latents = Draws(self.recipe.seed, content).normal(Purpose.TEST, (images.shape[0], self.latent_dim))
        fake = self.ema_generator({"latents": latents, "conditions": conditions}, training=False)
        real_logits = self.discriminator({"images": images, "conditions": conditions}, training=False)
        fake_logits = self.discriminator({"images": fake, "conditions": conditions}, training=False)
        losses = {
            "d_loss": self.adversarial_loss.discriminator(real_logits, fake_logits),
            "g_loss": self.adversarial_loss.generator(real_logits, fake_logits),
            "logit_gap": tf.reduce_mean(real_logits) - tf.reduce_mean(fake_logits),
        }
        for name, value in losses.items():
            self._trackers[name].update_state(value)
        return {name: self._trackers[name].result() for name in losses}

    def call(self, inputs, training=False):
        """Pictures of the averaged generator, float32 in -1 to 1; see `Generator` for the inputs."""
        return self.ema_generator(inputs, training=training)

    def summary(self, **kwargs):
        """Print both networks layer by layer, then what the model holds besides."""
        self.generator.summary(**kwargs)
        self.discriminator.summary(**kwargs)
        print_line = kwargs.get("print_fn") or print
        print_line(
            f"{self.recipe.name}: {self.schema!r}; generator {self.generator.count_params():,} and discriminator "
            f"{self.discriminator.count_params():,} parameters; ema_generator has the generator's."
        )

    # === Saving ===

    def trained_generator(self):
        """The averaged generator alone, ready to be saved and asked: a `TrainedGenerator`."""
        return TrainedGenerator.from_network(
            self.ema_generator,
            self.schema,
            self.model_id,
            {"recipe": self.recipe.to_dict(), "images_seen": self.images_seen},
        )

    def get_config(self):
        """Everything the constructor takes."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "generator": serialize(self.generator),
            "discriminator": serialize(self.discriminator),
            "schema": self.schema.to_dict(),
            "recipe": self.recipe.to_dict(),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model `get_config` describes."""
        import_families()
        config = dict(config)
        for role in ("generator", "discriminator"):
            config[role] = keras.saving.deserialize_keras_object(config[role], custom_objects=custom_objects)
        config["schema"] = ConditionSchema.from_dict(config["schema"])
        config["recipe"] = Recipe.from_dict(config["recipe"])
        return cls(**config)

    def get_compile_config(self):
        """How `compile` was called, for `.keras` files; `None` if it was not."""
        if not self.compiled:
            return None
        serialize = keras.saving.serialize_keras_object
        return {
            "generator_optimizer": serialize(self.generator_optimizer),
            "discriminator_optimizer": serialize(self.discriminator_optimizer),
            "loss": self.adversarial_loss.name,
            "penalties": [dataclasses.asdict(penalty) for penalty in self.penalties],
            "augmentation": serialize(self.augmentation) if self.augmentation is not None else False,
            "discriminator_steps": self.discriminator_steps,
            "microbatches": self.microbatches,
            "steps_per_execution": self.steps_per_execution,
            "jit_compile": self.jit_compile,
        }

    def compile_from_config(self, config):
        """Compile as `get_compile_config` says."""
        config = dict(config)
        for name in ("generator_optimizer", "discriminator_optimizer", "augmentation"):
            config[name] = keras.saving.deserialize_keras_object(config[name]) if config[name] else config[name]
        config["penalties"] = [Penalty(**penalty) for penalty in config["penalties"]]
        self.compile(**config)


class _Drawn(NamedTuple):
    """Pictures and the tape that saw them drawn."""

    images: tf.Tensor
    regularisation: tf.Tensor
    tape: tf.GradientTape


def _check_batch(data):
    """Refuse data that are no batches of a catalogue's stream."""
    if not isinstance(data, Mapping) or not {"images", "conditions"} <= data.keys():
        raise RecipeError(
            'A batch is {"images": uint8 [B, S, S, C], "conditions": int32 [B, A]}, as catalogue.stream() gives them. '
            f"Received: {type(data).__name__}"
        )


def _check_options(network, role, options):
    """Refuse options that the constructor of a network does not have."""
    given = {"self", "num_ids", "image_size", "channels", "kwargs"}
    valid = [name for name in inspect.signature(network.__init__).parameters if name not in given]
    for name in options:
        if name not in valid:
            raise RecipeError(f"The {role} has no option {name!r}: {nearest(name, valid)}")


def _dense_gradients(tape, target, variables, output_gradients=None):
    """Gradients as dense tensors: sparse ones of lookups cannot be reduced over all kinds of replicas."""
    gradients = tape.gradient(
        target,
        [variable.value for variable in variables],
        output_gradients=output_gradients,
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    return [tf.convert_to_tensor(gradient) for gradient in gradients]


def _seed_generators(*networks):
    """The Keras seed generators of all layers, in order."""
    return [
        layer.seed_generator
        for network in networks
        for layer in network._flatten_layers()
        if getattr(layer, "seed_generator", None) is not None
    ]


def _has_synchronized_statistics(network):
    """Whether a layer talks to its copies on other replicas."""
    return any(getattr(layer, "synchronized", False) for layer in network._flatten_layers())


def _sum(losses):
    return tf.add_n(losses) if losses else tf.zeros(())
