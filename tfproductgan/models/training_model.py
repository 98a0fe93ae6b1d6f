"""What every kind of model that `fit` trains has in common: everything but its mathematics."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import zipfile
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.conditions import ConditionSchema
from tfproductgan.errors import RecipeError, RunError, nearest
from tfproductgan.layers.condition_embedding import ConditionEmbedding
from tfproductgan.models import randomness
from tfproductgan.models.adam import Adam
from tfproductgan.models.batches import TakesInputs, batches_of, check_batch, input_specs, reading, refuse_options
from tfproductgan.models.cosine import CosineAdam, rise
from tfproductgan.models.linear_schedule import HoldThenLinear
from tfproductgan.models.microbatches import mean_of_microbatches
from tfproductgan.models.phases import Batch, Logs, Phase, added_losses, dense_gradients
from tfproductgan.models.pictures import to_float
from tfproductgan.models.precision import dtype_policy
from tfproductgan.models.randomness import Draws, Purpose
from tfproductgan.models.replica_step import (
    ReplicaStep,
    apply_gradients,
    check_strategy,
    num_replicas,
    replica_index,
    sum_over_replicas,
)
from tfproductgan.models.scaled_schedule import follow
from tfproductgan.models.trained import copy_of
from tfproductgan.recipes import Recipe, get_recipe
from tfproductgan.registry import Kind, import_all, kind_named, network_class

# share of the photos that are given by their title alone, and share that are by their labels alone
_ALONE = 0.25

# of `keras.Model.compile`
_COMPILE_OPTIONS = ("run_eagerly", "steps_per_execution", "jit_compile")


class TrainingModel(TakesInputs, ReplicaStep, keras.Model):
    """Base of the kinds of models; a kind says what its step is made of.

    A step takes a batch `{"images": uint8 [B, S, S, C], ...}` with the inputs that the schema declares. Networks are
    attributes by role, such as `generator`; those of `averaged` also as `ema_generator`, an average over the training;
    optimisers as `generator_optimizer`.

    A subclass names its `kind_name`, `averaged` and `output_role`, and implements `make_phases`, `log_names`,
    `test_logs` and `trained`; see `vae.py` for the shortest.

    Args:
        networks: A network for each role of the kind.
        schema: The `ConditionSchema` all were made for.
        recipe: The `Recipe`. Defaults to the kind's first.
        warm_start: JSON-ready facts of the run whose weights it started from, for the files it writes.
        **kwargs: Arguments of `keras.Model`.

    Raises:
        RecipeError: If the networks do not fit the schema, the recipe is of another kind, or there is no way to train
            under the scope's strategy.
    """

    kind_name: ClassVar[str]
    default_recipe: ClassVar[str]
    averaged: ClassVar[tuple[str, ...]] = ("generator",)
    output_role: ClassVar[str] = "generator"
    # of what is made: those of colours
    most_channels: ClassVar[int] = 3
    # who does not name the only attribute gets a value of it all the same, see ConditionSchema.complete
    hides_only_attribute: ClassVar[bool] = False
    # what people call the parts that phases take a batch in
    parts_name: ClassVar[str] = "parts"
    # of what alarms look at: gradient penalties, how far logits may lie apart, and what to do then
    penalties: Sequence[Any] = ()
    logits_are_distances: bool = False
    logits_advice: ClassVar[str] = "Lower"
    collapse_advice: ClassVar[str] = "Lower the learning rates"

    def __init__(self, networks, schema, recipe=None, warm_start=None, **kwargs):
        check_strategy()
        super().__init__(**kwargs)
        self.schema = schema
        self.warm_start = warm_start
        self.recipe = (recipe or get_recipe(self.default_recipe)).for_size(schema.image_size)
        self._check_kind(self.recipe)
        for role in self.kind.roles:
            networks[role].check_fits(schema)
            setattr(self, role, networks[role])
        for role in self.averaged:
            # float32, so that pictures do not depend on the machine's number format more than they must
            average = copy_of(networks[role], name=f"ema_{role}", dtype="float32")
            average.trainable = False
            setattr(self, f"ema_{role}", average)
        self._step = self._add_counter("step")
        self._images_seen = self._add_counter("images_seen")
        self.add_state()
        self._learning_rate_factor = self.add_number("learning_rate_factor", 1.0)
        if self.recipe.fade_conditions:
            self._given = self.add_number("given")
        self.built = True

    @classmethod
    def from_recipe(cls, recipe, schema, **overrides):
        """The model a recipe describes, for the inputs and the picture size of a schema.

        The first weights follow from the recipe's seed: it is set as Keras's, NumPy's and Python's global seed.

        Args:
            recipe: A `Recipe` or the name of one.
            schema: A `ConditionSchema`.
            **overrides: Fields of the recipe to change, such as `batch_size=64`.

        Raises:
            RecipeError: If the recipe, a field or a network option does not exist, or the recipe is of another kind.
        """
        if not isinstance(schema, ConditionSchema):
            raise RecipeError(f"schema is a ConditionSchema, such as catalogue.schema. Received: {schema!r}")
        recipe = recipe.replace(**overrides) if isinstance(recipe, Recipe) else get_recipe(recipe, **overrides)
        cls._check_kind(recipe)
        check_strategy()
        keras.utils.set_random_seed(recipe.seed % 2**32)  # NumPy takes no more
        policy = dtype_policy(recipe.precision)
        networks = {role: _make_network(role, spec, schema, policy) for role, spec in recipe.networks.items()}
        return cls(**networks, schema=schema, recipe=recipe)

    @classmethod
    def _check_kind(cls, recipe):
        if recipe.kind != cls.kind_name:
            right = kind_named(recipe.kind).model.split(":")[1]
            raise RecipeError(
                f"A {cls.__name__} takes recipes of the kind {cls.kind_name!r}; {recipe.name!r} is one of the kind "
                f"{recipe.kind!r}, which {right} takes."
            )

    # === What a kind says ===

    def make_phases(self) -> Sequence[Phase]:
        """The updates of a step, in order; called by `compile`."""
        raise NotImplementedError(f"{type(self).__name__} must say which phases it has.")

    def log_names(self) -> Sequence[str]:
        """Names of all that the phases and `after_step` log; called by `compile`."""
        raise NotImplementedError(f"{type(self).__name__} must say what it logs.")

    def test_logs(self, batch: Batch, draws: Draws) -> dict[str, Any]:
        """What is measured on photos that were not trained on: values by names among `log_names()`."""
        raise NotImplementedError(f"{type(self).__name__} must say what it tests.")

    def trained(self) -> keras.Model:
        """What has been learnt so far, ready to be saved and asked."""
        raise NotImplementedError(f"{type(self).__name__} must say what comes of it.")

    def add_state(self) -> None:
        """Make variables that a kind keeps besides its networks, with `add_number`."""

    def after_step(self, logs: Logs, images: int) -> Logs:
        """What is to happen once all phases are over: `images` were seen by all replicas. Returns more to log."""
        return {}

    # whether pictures are coarser yet than they can be
    is_growing = False

    def stages(self):
        """Shares of a training whose steps take different time, by what `enter` takes to get there."""
        return {0: 1.0}

    def enter(self, stage):
        """Make ready for the steps of a stage."""

    # === What is there ===

    @property
    def kind(self) -> Kind:
        """The kind of model."""
        return kind_named(self.kind_name)

    # a method, and so are its like: Keras would save what a property returns once more
    def networks(self):
        """The networks by role."""
        return {role: getattr(self, role) for role in self.kind.roles}

    def averages(self):
        """The averaged networks by role."""
        return {role: getattr(self, f"ema_{role}") for role in self.averaged}

    def optimizers(self):
        """The optimisers by name; once compiled."""
        return {name: getattr(self, f"{name}_optimizer") for name in self.kind.optimizers}

    @property
    def learning_network(self):
        """The network that makes pictures, as it is now and not averaged."""
        return self.networks()[self.output_role]

    @property
    def step(self):
        """Number of training steps taken."""
        return int(self._step.numpy())

    @property
    def images_seen(self):
        """Number of real images that were learnt from."""
        return int(self._images_seen.numpy())

    @property
    def learning_rate_factor(self):
        """What the learning rates are multiplied by: 1, or less after `roll_back`."""
        return float(self._learning_rate_factor.numpy())

    @property
    def model_id(self):
        """Names the model in the files it writes: recipe, size, a digest of recipe and schema, images seen."""
        digest = hashlib.sha256((self.recipe.to_json() + self.schema.to_json()).encode()).hexdigest()[:8]
        return f"{self.recipe.name}-{self.schema.image_size}-{digest}-{self.images_seen}"

    @property
    def provenance(self):
        """JSON-ready facts of how the model came to be, for the files it writes."""
        return {"recipe": self.recipe.to_dict(), "images_seen": self.images_seen, **self._started_from()}

    def _started_from(self):
        return {"warm_start": dict(self.warm_start)} if self.warm_start else {}

    def give_conditions(self):
        """Give conditions from now on, whether or not they were to fade in."""
        if self.recipe.fade_conditions:
            self._given.assign(1.0)

    def parameters(self):
        """Number of weights by role."""
        return {role: network.count_params() for role, network in self.networks().items()}

    def risen(self, share=1.0):
        """How far what rises over a share of the training has come, along a cosine from 0 to 1."""
        return rise(tf.cast(self._images_seen.value, tf.float32) / (share * self.recipe.images))

    def add_number(self, name, start=0.0):
        """A scalar float32 variable that is saved with the model."""
        return self._add_scalar(name, "float32", keras.initializers.Constant(start))

    def _add_counter(self, name):
        return self._add_scalar(name, "int64", "zeros")

    def _add_scalar(self, name, dtype, initializer):
        return self.add_weight(
            name=name,
            shape=(),
            dtype=dtype,
            initializer=initializer,
            trainable=False,
            aggregation="only_first_replica",
        )

    # === Compile ===

    def compile(self, *optimizers, microbatches=None, **kwargs):
        """Say how to train; what is not passed is the recipe's.

        The recipe's schedules count optimiser steps of its `batch_size`: they end after `images` if batches hold
        `recipe.step_images` images.

        Args:
            *optimizers: Keras optimisers or their names, in the order of the kind's; also by keyword, as
                `generator_optimizer`.
            microbatches: In how many parts each replica takes its batch; must divide it. See `Recipe`.
            **kwargs: `run_eagerly`, `steps_per_execution`, `jit_compile` of `keras.Model.compile`.

        Raises:
            RecipeError: If a name does not exist or a number cannot be.
        """
        given = {name: kwargs.pop(f"{name}_optimizer", None) for name in self.kind.optimizers}
        self._check_options(optimizers, kwargs)
        given |= zip(given, optimizers, strict=False)
        given = {name: _as_optimizer(f"{name}_optimizer", each) for name, each in given.items()}
        if None not in given.values() and len({id(each) for each in given.values()}) < len(given):
            raise RecipeError("Each optimiser keeps what it learns of its own networks: make one for each.")
        kwargs.setdefault("jit_compile", False)
        super().compile(optimizer=None, **kwargs)
        # Keras would add a tracker for a loss this model does not have
        self._loss_tracker = None
        self.microbatches = self.recipe.microbatches if microbatches is None else microbatches
        if self.microbatches < 1:
            raise RecipeError(f"microbatches must be at least 1. Received: {microbatches}")
        self._phases = tuple(self.make_phases())
        # optimisers and metrics belong to the strategy they are made under: made elsewhere, replicas drift apart
        with self.distribute_strategy.scope():
            for name, optimizer in given.items():
                self._set_optimizer(name, optimizer or self._make_optimizer(name))
            self._trackers = {name: keras.metrics.Mean(name=name) for name in self.log_names()}
        # callbacks of W&B and MLflow ask a model for one optimiser: its settings, steps and learning rate
        self.optimizer = next(iter(self.optimizers().values()))

    def _check_options(self, optimizers, options):
        unknown = [name for name in options if name not in _COMPILE_OPTIONS]
        if len(optimizers) > len(self.kind.optimizers):
            unknown.append(f"{optimizers[len(self.kind.optimizers)]!r}")
        if unknown:
            takes = " and ".join(f"{name}_optimizer" for name in self.kind.optimizers)
            raise RecipeError(
                f"compile takes no {unknown[0]}, but {takes}; what is minimised and logged is the recipe's."
            )

    def _make_optimizer(self, name):
        recipe, adam = self.recipe, self.recipe.optimizers[name]
        learning_rate = adam.learning_rate
        # one that takes several steps in each of the model's must last as many images
        turns = sum(phase.optimizer == name for phase in self._phases)
        steps = max(1, recipe.images // (recipe.batch_size * self._num_parts())) * turns
        if recipe.schedule != "constant":
            made = {"cosine": keras.optimizers.schedules.CosineDecay, "linear": HoldThenLinear}[recipe.schedule]
            learning_rate = made(learning_rate, decay_steps=steps, alpha=recipe.final_learning_rate)
        options = {"beta_1": adam.beta_1, "beta_2": adam.beta_2, "epsilon": 1e-8}
        options |= {"learning_rate": learning_rate, "global_clipnorm": recipe.gradient_clip or None}
        if adam.final_beta_2 is None:
            return Adam(**options)
        return CosineAdam(final_beta_2=adam.final_beta_2, decay_steps=steps, **options)

    def _set_optimizer(self, name, optimizer):
        setattr(self, f"{name}_optimizer", optimizer)
        follow(optimizer, self._learning_rate_factor)
        roles = {role: None for phase in self._phases if phase.optimizer == name for role in phase.roles}
        optimizer.build(self._variables_of(roles))

    @property
    def metrics(self):
        """What `fit` and `evaluate` reset between epochs."""
        return list(self._trackers.values()) if self.compiled else []

    # === Training ===

    def fit(self, x=None, y=None, batch_size=None, epochs=1, **kwargs):
        """`keras.Model.fit` of batches that fit the schema.

        Args:
            x: A `tf.data.Dataset` of batches, such as `catalogue.stream()`; or, shuffled anew each epoch, a mapping of
                whole arrays; or an iterator of batches. A last batch that is not full is left out.
            y: Refused: what is asked for is among the batches, as `"conditions"`.
            batch_size: Images a step, of arrays. Defaults to `recipe.step_images`.
            epochs: How often to go through them.
            **kwargs: Further arguments of `keras.Model.fit`; `validation_data` as `x`.

        Raises:
            RecipeError: If names, types, shapes or ids are not those of the schema.
        """
        refuse_options("fit", y=y, **kwargs)
        size = batch_size or self.recipe.step_images
        shuffled = kwargs.pop("shuffle", None) is not False
        x, steps = batches_of(x, self.schema, size, self.recipe.seed, self.step, shuffled)
        held_out = kwargs.pop("validation_data", None)
        if held_out is not None:
            held_out, _ = batches_of(held_out, self.schema, kwargs.pop("validation_batch_size", None) or size)
        kwargs["steps_per_epoch"] = kwargs.get("steps_per_epoch") or steps
        with reading(self.schema, kwargs["steps_per_epoch"]):
            return super().fit(x, epochs=epochs, validation_data=held_out, **kwargs)

    def train_step(self, data):
        """One step, as one replica sees it."""
        batch = self._received(data)
        size = batch["images"].shape[0]
        self._check_batch_size(size)
        self._seed_networks()
        batch["conditions"] = self._hide_labels(batch["conditions"])
        scratch, logs = {}, {}
        for number, phase in enumerate(self._phases):
            gradients, found = self._phase_gradients(phase, number, batch, scratch)
            apply_gradients(self.optimizers()[phase.optimizer], gradients, self._variables_of(phase.roles))
            logs |= found
        images = size * num_replicas()
        self._step.assign_add(1)
        self._images_seen.assign_add(images)
        if self.recipe.fade_conditions:
            self._fade_in()
        self._update_averages(images)
        return self._track({**logs, **self.after_step(logs, images)})

    def _received(self, data):
        """A batch with its pictures as float32 in -1 to 1."""
        check_batch(data, self.schema)
        names = input_specs(self.schema)
        return {name: data[name] if name == "conditions" else to_float(data[name]) for name in names}

    def _num_parts(self):
        """In how many parts the phases take a batch."""
        return max(phase.part[1] for phase in self._phases)

    def _check_batch_size(self, size):
        parts = self._num_parts()
        if size is None or size % (parts * self.microbatches):
            raise RecipeError(
                f"Each replica's batch must have a fixed size that {self.parts_name} and microbatches divide. "
                f"Received: batch of {size}, {self.parts_name}={parts}, microbatches={self.microbatches}"
            )

    def _phase_gradients(self, phase, number, batch, scratch):
        index, count = phase.part
        # taken in turns, so that each part has the same images however many replicas share the batch
        rows = {name: tensor[index::count] for name, tensor in batch.items()}

        def of_microbatch(rows, part):
            draws = Draws(self.recipe.seed, self._step.value, number, part)
            if phase.gradients is not None:
                return phase.gradients(rows, draws, scratch)
            return self.gradients_of(phase.roles, lambda: phase.loss(rows, draws, scratch))

        return mean_of_microbatches(of_microbatch, rows, self.microbatches)

    def gradients_of(self, roles, loss_and_logs):
        """Gradients of this replica's share of a loss for the weights of some networks, and what to log."""
        with tf.GradientTape() as tape:
            loss, logs = loss_and_logs()
            scaled = (loss + added_losses(*(self.networks()[role] for role in roles))) / num_replicas()
        return dense_gradients(tape, scaled, self._variables_of(roles)), logs

    def _variables_of(self, roles):
        return [variable for role in roles for variable in self.networks()[role].trainable_variables]

    def _hide_labels(self, conditions):
        slices, text = self.schema.asked_slices, self.schema.vocabulary is not None
        fewest = 1 if self.hides_only_attribute or text else 2
        hidden = self.recipe.label_dropout if len(slices) >= fewest else 0.0
        if text and hidden:
            conditions = self._hide_text_or_labels(conditions)
        if self.recipe.fade_conditions:
            hidden = 1.0 - self._given.value * (1.0 - hidden)
        elif not hidden:
            return conditions
        drawn = Draws(self.recipe.seed, self._step.value).uniform(
            Purpose.LABEL_DROPOUT, (conditions.shape[0], len(slices))
        )
        if self.schema.num_columns > len(slices):
            # all values of an attribute at once; tf.repeat would leave the size unknown
            columns = [at for at, columns in enumerate(slices) for _ in range(columns.start, columns.stop)]
            drawn = tf.gather(drawn, columns, axis=1)
        return tf.where(drawn < hidden, 0, conditions)

    def _hide_text_or_labels(self, conditions):
        """Of some photos leave the title alone, of as many the labels: people ask by the one or by the others."""
        if not self.schema.attributes:
            return conditions
        way = Draws(self.recipe.seed, self._step.value).uniform(Purpose.TEXT_ALONE, (conditions.shape[0], 1))
        is_text = np.arange(self.schema.num_columns) >= self.schema.text_columns.start
        return tf.where(tf.where(is_text, way >= 1.0 - _ALONE, way < _ALONE), 0, conditions)

    def _fade_in(self):
        """Let more conditions be given, never fewer: a run that is made longer knows them already.

        As long as none is, the vector of each value is that of "not given", which alone is learnt: whatever is asked
        for, pictures are those of the unconditional model, and a value begins from there.
        """
        until = self.recipe.fade_conditions * self.recipe.images
        done = 2.0 * tf.cast(self._images_seen.value, tf.float32) / until - 1.0
        self._given.assign(tf.maximum(self._given.value, tf.clip_by_value(done, 0.0, 1.0)))
        for network in self.networks().values():
            for layer in network._flatten_layers():
                if isinstance(layer, ConditionEmbedding) and layer.table is not None:
                    nothing = tf.gather(layer.table.value, layer.rows_not_given)
                    layer.table.assign(tf.where(self._given.value > 0, layer.table.value, nothing))

    def _seed_networks(self):
        # dropout inside the networks draws from Keras seed generators: make their state a function of the step
        for index, generator in enumerate(_seed_generators(self.networks().values())):
            drawn = randomness.key(self.recipe.seed, self._step.value, Purpose.NETWORK, index, replica_index())
            generator.state.assign(tf.cast(drawn % 2**31, generator.state.dtype))

    def _update_averages(self, images):
        seen = tf.cast(self._images_seen.value, tf.float32)
        half_life = float(self.recipe.ema_half_life)
        if self.recipe.ema_warm_up:
            half_life *= self.risen(self.recipe.ema_warm_up)
        half_life = tf.maximum(tf.minimum(half_life, seen * self.recipe.ema_ramp), 1.0)
        keep = tf.pow(0.5, images / half_life)
        # weights are equal on all replicas after `apply`, so each averages for itself
        with tf.name_scope("averages"):
            for role, network in self.averages().items():
                for average, variable in zip(network.weights, self.networks()[role].weights, strict=True):
                    average.assign(average.value + (1.0 - keep) * (variable.value - average.value))

    def _track(self, logs):
        for name, tracker in self._trackers.items():
            value, weight = logs[name]
            tracker.update_state(value, sample_weight=weight)
        return {name: tracker.result() for name, tracker in self._trackers.items()}

    # === Evaluation ===

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """`keras.Model.evaluate` of what `fit` takes."""
        if not kwargs.get("_use_cached_eval_dataset"):  # what `fit` has made batches of
            refuse_options("evaluate", y=y, **kwargs)
            x, _ = batches_of(x, self.schema, batch_size or self.recipe.step_images)
        with reading(self.schema, kwargs.get("steps")):
            return super().evaluate(x, **kwargs)

    def test_step(self, data):
        """What `test_logs` measures."""
        batch = self._received(data)
        # the noise depends on the batch itself: the same data give the same values, in any order
        content = sum_over_replicas(tf.reduce_sum(tf.cast(data["images"], tf.int64)))
        measured = self.test_logs(batch, Draws(self.recipe.seed, content))
        for name, value in measured.items():
            self._trackers[name].update_state(value)
        return {name: self._trackers[name].result() for name in measured}

    def call(self, inputs, training=False):
        """What the averaged network makes of its inputs, float32 in -1 to 1."""
        return self.averages()[self.output_role](inputs, training=training)

    def summary(self, **kwargs):
        """Print the networks layer by layer, then what the model holds besides."""
        for network in self.networks().values():
            network.summary(**kwargs)
        counts = " and ".join(f"{role} {count:,}" for role, count in self.parameters().items())
        averages = " and ".join(f"ema_{role} has the {role}'s" for role in self.averaged)
        print_line = kwargs.get("print_fn") or print
        print_line(f"{self.recipe.name}: {self.schema!r}; {counts} parameters; {averages}.")

    # === Going back ===

    def roll_back(self, path, factor=0.5):
        """Take the weights and optimisers of an earlier file of this model, and go on with lower learning rates.

        The clock goes on: steps, images seen and schedules stay where they are, so that the same photos do not come
        again, a run keeps its length and a stream its place. The learning rates stay lowered in files saved later.
        One that is neither a number nor a schedule but a function of your own stays as it is.

        Args:
            path: A `.keras` file that `save` of this model wrote.
            factor: What all learning rates are multiplied by.

        Raises:
            RunError: If the file cannot be read.
        """
        optimizers = self.optimizers().values()
        clock = [self._step, self._images_seen, *(optimizer.iterations for optimizer in optimizers)]
        times = [variable.numpy() for variable in clock]
        wanted = factor * self.learning_rate_factor
        try:
            self.load_weights(path)
        except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
            raise RunError(f"Cannot roll back to {str(path)!r}: {error}".splitlines()[0]) from error
        for variable, time in zip(clock, times, strict=True):
            variable.assign(time)
        for optimizer in optimizers:
            if isinstance(optimizer._learning_rate, keras.Variable):
                optimizer.learning_rate = optimizer.learning_rate * (wanted / self.learning_rate_factor)
        self._learning_rate_factor.assign(wanted)
        self.reset_metrics()

    # === Saving ===

    def load_weights(self, filepath, **kwargs):
        """`keras.Model.load_weights`, which takes seconds to seek back and forth in the zip that a `.keras` file is."""
        with tempfile.TemporaryDirectory() as folder:
            if zipfile.is_zipfile(filepath):
                with contextlib.suppress(OSError), zipfile.ZipFile(filepath) as archive:  # if there is room
                    filepath = archive.extract("model.weights.h5", folder)
            super().load_weights(filepath, **kwargs)

    def get_config(self):
        """Everything the constructor takes."""
        networks = {role: keras.saving.serialize_keras_object(network) for role, network in self.networks().items()}
        return {
            **super().get_config(),
            **networks,
            "schema": self.schema.to_dict(),
            "recipe": self.recipe.to_dict(),
            **self._started_from(),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model `get_config` describes."""
        import_all()
        config = dict(config)
        for role in kind_named(cls.kind_name).roles:
            config[role] = keras.saving.deserialize_keras_object(config[role], custom_objects=custom_objects)
        config["schema"] = ConditionSchema.from_dict(config["schema"])
        config["recipe"] = Recipe.from_dict(config["recipe"])
        return cls(**config)

    def compile_options(self):
        """What a kind's own `compile` was told, JSON-ready, for `.keras` files."""
        return {}

    def get_compile_config(self):
        """How `compile` was called, for `.keras` files; `None` if it was not."""
        if not self.compiled:
            return None
        serialize = keras.saving.serialize_keras_object
        return {
            **{f"{name}_optimizer": serialize(optimizer) for name, optimizer in self.optimizers().items()},
            **self.compile_options(),
            "microbatches": self.microbatches,
            "steps_per_execution": self.steps_per_execution,
            "jit_compile": self.jit_compile,
        }

    def compile_from_config(self, config):
        """Compile as `get_compile_config` says."""
        read = keras.saving.deserialize_keras_object
        optimizers = {key: read(config[key]) for key in (f"{name}_optimizer" for name in self.kind.optimizers)}
        self.compile(**{**config, **optimizers})


def _as_optimizer(name, given):
    """A Keras optimiser, also by its name; `None` stays."""
    try:
        return keras.optimizers.get(given)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{name} must be a Keras optimiser or the name of one. Received: {given!r}") from error


def _make_network(role, spec, schema, policy):
    network = network_class(spec.family, role)
    given = network.arguments(schema)
    valid = [name for name in network.argument_names() if name not in given]
    for name in spec.options:
        if name not in valid:
            raise RecipeError(f"The {role} has no option {name!r}: {nearest(name, valid)}")
    try:
        return network(**given, name=role, dtype=policy, **spec.options)
    except RecipeError:
        raise
    except (TypeError, ValueError) as error:
        message = f"The {role} cannot be made with the options {dict(spec.options)}: {error}"
        raise RecipeError(message.splitlines()[0]) from error


def _seed_generators(networks):
    """The Keras seed generators of all layers, in order."""
    return [
        layer.seed_generator
        for network in networks
        for layer in network._flatten_layers()
        if getattr(layer, "seed_generator", None) is not None
    ]
