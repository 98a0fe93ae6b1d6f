"""The catalogue's own classifier: trained from scratch on its photos, so that judging needs no download.

Its features measure distances (`catalogue` among the extractors), its answers measure whether pictures show what was
asked for. One head an attribute shares one small convolutional network. It is trained once a catalogue and kept in the
cache under the hash of the photos, the conditions and the recipe.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import logging
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.catalogue.cache import default_folder, say_not_kept
from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.conditions import NOT_GIVEN, ConditionSchema
from tfproductgan.errors import JudgementError, WriteError
from tfproductgan.metrics.attribute_accuracy import value_by_value
from tfproductgan.metrics.feature_extractor import FeatureExtractor, weights_hash
from tfproductgan.models.precision import dtype_policy
from tfproductgan.writing import replace_file

_log = logging.getLogger(__name__)

LARGEST_INPUT = 128
"""Larger pictures are averaged down to this size first."""

_VERSION = 1  # part of every key: raised whenever the same recipe would train another network
_STEM_FROM = 48  # pictures of this size and more are halved at once
_SMALLEST_MAP = 4
_ORDER = "channels_last"  # of pictures here, whatever Keras is set to


@dataclasses.dataclass(frozen=True)
class ClassifierRecipe:
    """How a classifier is trained: fixed, so that figures of different models can be compared.

    Args:
        images: Photos seen. `None` takes 6 epochs, but at least 150,000 and at most 360,000.
        batch_size: Photos a step.
        learning_rate: Highest rate of AdamW; it rises for a tenth of the steps and falls along a cosine.
        weight_decay: Of AdamW.
        widths: Filters of the stages, halved in size one after the other; the last is repeated.
        seed: Of the first weights and the order of the photos.
    """

    images: int | None = None
    batch_size: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    widths: tuple[int, ...] = (32, 64, 128)
    seed: int = 0

    def num_steps(self, photos: int) -> int:
        """Number of steps on a set of so many photos."""
        images = min(max(6 * photos, 150_000), 360_000) if self.images is None else self.images
        return max(1, images // self.batch_size)


class CatalogueClassifier(FeatureExtractor):
    """A trained classifier of a schema's attributes, and the extractor named `catalogue`.

    Args:
        model: Keras model of pictures, float32 0 to 255 `[N, S, S, C]`, to features and one logit a value for each
            attribute: of a softmax, or of a sigmoid each if a picture has several values.
        schema: Whose attributes it knows.
        accuracy: Attribute name to accuracy on photos it has not learnt from; empty if there were none.
    """

    def __init__(self, model: keras.Model, schema: ConditionSchema, accuracy: Mapping[str, float] | None = None):
        self.model = model
        self.schema = schema
        self.accuracy = dict(accuracy or {})
        size = min(schema.image_size, LARGEST_INPUT)
        super().__init__(
            name="catalogue",
            sha256=weights_hash(model),
            dim=model.outputs[0].shape[-1],
            preprocessing=f"{schema.channels} channels at {size} px",
            num_classes=len(schema.attributes[0].values),
            image_shape=(schema.image_size, schema.image_size, schema.channels),
        )

    def predict(self, images: np.ndarray, batch_size: int = 256) -> list[np.ndarray]:
        """Probabilities of the values, one array an attribute.

        Args:
            images: uint8 `[N, S, S, C]`.
            batch_size: Pictures at a time.

        Returns:
            float32 `[N, number of values]` an attribute; the value of id `i` is at `i - 1`. They sum to 1 unless the
            attribute takes several values.
        """
        return self.features_and_predictions(images, batch_size)[1]

    def recognise(self, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
        """Ids of the likeliest values, see `likeliest`."""
        return likeliest(self.predict(images, batch_size), self.schema)

    def features_and_predictions(
        self, images: np.ndarray, batch_size: int = 256
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Both from one pass: features float32 `[N, dim]`, and what `predict` returns."""
        features, *predictions = self._in_batches(self._heads, images, batch_size)
        return features, predictions

    def log_odds(self, images: tf.Tensor, ids: Sequence[int]) -> dict[str, tf.Tensor]:
        """How likely pictures show some values: logarithms of odds, through which gradients flow.

        Args:
            images: float32 `[N, S, S, C]`, 0 to 255.
            ids: Condition ids, one a column. Attributes that are not given or have a single value are left out.

        Returns:
            Attribute name to float32 `[N]`; of several values the mean.
        """
        _, *logits = self.model(images, training=False)
        found = {}
        for attribute, columns, values in zip(self.schema.attributes, self.schema.slices, logits, strict=True):
            given = [i - 1 for i in ids[columns] if i != NOT_GIVEN]
            if not given or len(attribute.values) < 2:
                continue
            odds = values
            if attribute.several == 1:  # against all other values together
                own = np.eye(len(attribute.values), dtype=bool)
                odds = values - tf.reduce_logsumexp(tf.where(own, -np.inf, values[:, None]), axis=-1)
            found[attribute.name] = tf.reduce_mean(tf.gather(odds, given, axis=1), axis=1)
        return found

    def _forward(self, images):
        return self._heads(images)[:2]

    def _heads(self, images):
        features, *logits = self.model(tf.cast(images, tf.float32), training=False)
        pairs = zip(self.schema.attributes, logits, strict=True)
        return features, *((tf.nn.softmax if a.several == 1 else tf.nn.sigmoid)(values) for a, values in pairs)

    def maps_of(self, images):
        """See `FeatureExtractor.maps_of`."""
        return self._map_model(tf.cast(images, tf.float32), training=False)

    @functools.cached_property
    def _map_model(self):
        stages = [layer.output for layer in self.model.layers if layer.name.startswith("stage")]
        return keras.Model(self.model.input, stages)


def likeliest(predictions: Iterable[np.ndarray], schema: ConditionSchema) -> np.ndarray:
    """Ids of the likeliest values of each attribute, of what `CatalogueClassifier.predict` returns.

    Returns:
        int32 `[N, columns]`, never "not given"; of an attribute that takes several values as many, the likeliest first.
    """
    pairs = zip(schema.attributes, predictions, strict=True)
    orders = [np.argsort(-values, axis=1, kind="stable")[:, : attribute.several] for attribute, values in pairs]
    return np.concatenate(orders, axis=1).astype(np.int32) + 1


def accuracies(recognised: np.ndarray, conditions: np.ndarray, schema: ConditionSchema) -> dict[str, float]:
    """Attribute name to the share of values that are recognised, over the photos where it is given."""
    found = {}
    for name, columns in zip(schema.names, schema.slices, strict=True):
        ids, seen = value_by_value(conditions[:, columns], recognised[:, columns])
        if len(ids):
            found[name] = float(np.mean(ids == seen))
    return found


def catalogue_classifier(
    catalogue: Catalogue,
    recipe: ClassifierRecipe | None = None,
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CatalogueClassifier:
    """The classifier of a catalogue: from the cache, or trained on its training photos.

    Args:
        catalogue: With at least one attribute.
        recipe: How to train it.
        folder: Of the cache; by default `$TFPRODUCTGAN_CACHE` or `~/.cache/tfproductgan`.
        progress: Called after every step with the number of steps done and of all.

    Raises:
        JudgementError: If the catalogue has no attributes to learn.
    """
    recipe = recipe or ClassifierRecipe()

    def train() -> CatalogueClassifier:
        size = catalogue.size("train")
        steps = recipe.num_steps(size)
        _log.info("training the catalogue's classifier on %d photos, %d steps", size, steps)
        batches = catalogue.stream("train", min(recipe.batch_size, size), recipe.seed)
        classifier = train_classifier(batches, catalogue.schema, steps, recipe, progress)
        held_out = next((split for split in ("validation", "test") if catalogue.size(split)), None)
        if held_out:
            recognised = classifier.recognise(catalogue.images(held_out))
            classifier.accuracy = accuracies(recognised, catalogue.conditions(held_out), catalogue.schema)
        return classifier

    return kept_classifier([catalogue.label_fingerprint, dataclasses.asdict(recipe)], catalogue.schema, train, folder)


def kept_classifier(
    key: Sequence[Any],
    schema: ConditionSchema,
    train: Callable[[], CatalogueClassifier],
    folder: str | Path | None = None,
) -> CatalogueClassifier:
    """A classifier from the cache, or trained now and kept there.

    Args:
        key: All that decides what the training gives, JSON-ready.
        schema: Whose attributes it knows.
        train: Trains it.
        folder: Of the cache; by default `$TFPRODUCTGAN_CACHE` or `~/.cache/tfproductgan`.
    """
    digest = hashlib.sha256(json.dumps([_VERSION, *key]).encode()).hexdigest()[:32]
    folder = folder or default_folder()
    if folder is None:
        return train()
    path = Path(folder) / "classifiers" / f"{digest}.keras"
    classifier = _read(path, schema)
    if classifier is None:
        classifier = train()
        try:
            replace_file(path, lambda file: _write(file, classifier))
        except WriteError as error:
            say_not_kept(folder, str(error.__cause__.strerror or error))
    return classifier


def train_classifier(
    batches: Iterable[Mapping[str, Any]],
    schema: ConditionSchema,
    steps: int,
    recipe: ClassifierRecipe | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CatalogueClassifier:
    """Train a classifier from scratch.

    Args:
        batches: `{"images": uint8 [B, S, S, C], "conditions": int32 [B, A]}`, at least `steps` of them: a catalogue's
            stream, or `shuffled_batches`. Attributes that are not given teach nothing.
        schema: Whose attributes to learn.
        steps: Number of batches to take.
        recipe: Everything else.
        progress: Called after every step with the number of steps done and of all.

    Raises:
        JudgementError: If the schema has no attributes.
    """
    if not schema.attributes:
        raise JudgementError(
            "A catalogue without attributes has nothing to train a classifier on: choose another extractor, such as "
            "texture, efficientnet-lite0, inception, keras:<application> or file."
        )
    recipe = recipe or ClassifierRecipe()
    model = _network(schema, recipe, dtype_policy("auto"))
    rising = max(1, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 10, max(1, steps - rising), warmup_target=recipe.learning_rate, warmup_steps=rising
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    optimizer.build(model.trainable_variables)
    step = tf.function(lambda batch: _step(model, optimizer, batch, schema), autograph=False)
    loss = tf.constant(0.0)
    for number, batch in zip(range(steps), batches, strict=False):
        loss = step(batch)
        if progress:
            progress(number + 1, steps)
    if not np.isfinite(float(loss)):
        raise JudgementError("The classifier's training diverged: its loss is no number. Lower its learning rate.")
    # features in float32, whatever this machine trains in
    judge = _network(schema, recipe, "float32")
    judge.set_weights(model.get_weights())
    return CatalogueClassifier(judge, schema)


def shuffled_batches(
    images: np.ndarray, conditions: np.ndarray, batch_size: int = 128, seed: int = 0
) -> Iterator[dict[str, np.ndarray]]:
    """Endless batches of arrays, shuffled each epoch anew, for `train_classifier`.

    Args:
        images: uint8 `[N, S, S, C]`.
        conditions: int32 `[N, A]`.
        batch_size: At most N are taken.
        seed: Decides the order.
    """
    rng = np.random.default_rng(seed)
    batch_size = min(batch_size, len(images))
    while True:
        order = rng.permutation(len(images))
        for start in range(0, len(order) - batch_size + 1, batch_size):
            rows = order[start : start + batch_size]
            yield {"images": images[rows], "conditions": conditions[rows]}


# === Network ===


def _network(schema, recipe, policy):
    seeds = iter(range(recipe.seed * 1000, recipe.seed * 1000 + 1000))

    layers, initializers = keras.layers, keras.initializers

    def stage(x, number, kernel=3, strides=1):
        filters = recipe.widths[min(number, len(recipe.widths) - 1)]
        initial = initializers.HeNormal(seed=next(seeds))
        x = layers.Conv2D(
            filters, kernel, strides, "same", _ORDER, use_bias=False, kernel_initializer=initial, dtype=policy
        )(x)
        # a step without it takes half the time, but teaches far less
        x = layers.BatchNormalization(momentum=0.95, dtype=policy)(x)
        return layers.ReLU(name=f"stage{number}", dtype=policy)(x)

    x = inputs = keras.Input((schema.image_size, schema.image_size, schema.channels), name="pictures")
    if schema.image_size > LARGEST_INPUT:
        factor = math.ceil(schema.image_size / LARGEST_INPUT)
        x = layers.AveragePooling2D(factor, padding="same", data_format=_ORDER, dtype="float32")(x)
    x = layers.Rescaling(1 / 127.5, -1, dtype=policy)(x)
    x = stage(x, 0, 5, 2) if x.shape[1] >= _STEM_FROM else stage(x, 0)
    number = 1
    while x.shape[1] >= 2 * _SMALLEST_MAP - 1:
        x = stage(layers.MaxPooling2D(data_format=_ORDER, dtype=policy)(x), number)
        number += 1
    features = layers.GlobalAveragePooling2D(_ORDER, name="features", dtype="float32")(x)
    heads = []
    for column, attribute in enumerate(schema.attributes):
        initial = initializers.GlorotUniform(seed=next(seeds))
        head = layers.Dense(
            len(attribute.values), kernel_initializer=initial, name=f"attribute{column}", dtype="float32"
        )
        heads.append(head(features))
    return keras.Model(inputs, [features, *heads], name="catalogue_classifier")


# === Training ===


def _step(model, optimizer, batch, schema):
    variables = model.trainable_variables
    with tf.GradientTape() as tape:
        _, *logits = model(tf.cast(batch["images"], tf.float32), training=True)
        pairs = zip(schema.slices, logits, strict=True)
        loss = tf.add_n([_loss(batch["conditions"][:, columns], values) for columns, values in pairs])
    optimizer.apply(tape.gradient(loss, variables), variables)
    return loss


def _loss(ids, logits):
    """Mean cross-entropy over the photos where the attribute, of ids `[B, several]`, is given."""
    given = tf.cast(ids[:, 0] != NOT_GIVEN, tf.float32)
    if ids.shape[1] == 1:
        errors = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(ids[:, 0] - 1, 0), logits)
    else:
        has = tf.reduce_max(tf.one_hot(ids - 1, logits.shape[1]), axis=1)  # of what is not given all are 0
        errors = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(has, logits), axis=1)
    return tf.reduce_sum(errors * given) / tf.maximum(tf.reduce_sum(given), 1.0)


# === Files ===


def _write(path, classifier):
    classifier.model.save(path)
    # beside Keras's own files in the same zip: one file that is there whole or not at all
    with zipfile.ZipFile(path, "a") as archive:
        about = {"schema": classifier.schema.to_dict(), "accuracy": classifier.accuracy}
        archive.writestr("classifier.json", json.dumps(about))


def _read(path, schema):
    """The classifier in a file of the cache, or `None` if it is not there or damaged."""
    if not path.is_file():
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read("classifier.json"))
        return CatalogueClassifier(keras.saving.load_model(path, compile=False), schema, about["accuracy"])
    except Exception as error:  # damaged files raise nearly anything
        _log.warning("%s is damaged (%s) and will be made anew", path, error)
        return None
