"""A served model that says what pictures show, as the classifier in it does in Python."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import JudgementError
from tfproductgan.export.saved_model import export_saved_model
from tfproductgan.metrics.classifier import ClassifierRecipe, shuffled_batches, train_classifier

COLOURS = {"Red": (220, 30, 30), "Grün": (30, 200, 40), "Blue": (40, 50, 210)}
SCHEMA = ConditionSchema(
    [Attribute("colour", tuple(COLOURS)), Attribute("tag", ("Small", "Large", "Old"), several=2)], image_size=16
).with_combinations([(1, 1, 2)] * 3 + [(2, 3, 0)] + [(3, 2, 0)])


@pytest.fixture(scope="module")
def classifier():
    """One that has learnt what colour pictures have."""
    rng = np.random.default_rng(0)
    ids = np.stack([rng.integers(1, 4, 60), np.full(60, 1), np.zeros(60, int)], axis=1).astype(np.int32)
    images = np.array(list(COLOURS.values()), np.uint8)[ids[:, 0] - 1][:, None, None].repeat(16, 1).repeat(16, 2)
    recipe = ClassifierRecipe(batch_size=20, widths=(8,))
    return train_classifier(shuffled_batches(images, ids, 20), SCHEMA, 40, recipe)


@pytest.fixture(scope="module")
def exported(small_generator, classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved_models") / "shop"
    return export_saved_model(small_generator(SCHEMA, "mlp"), folder, classifier=classifier.model)


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def test_it_recognises_what_the_classifier_does(exported, classifier):
    rng = np.random.default_rng(1)
    plain = [np.full((16, 16, 3), colour, np.uint8) for colour in COLOURS.values()]
    images = np.stack([*plain, *rng.integers(0, 256, (5, 16, 16, 3), np.uint8)])
    asked = tf.saved_model.load(str(exported)).signatures["recognise"]
    found = asked(image_bytes=tf.constant([png(image) for image in images]))["recognised"].numpy()
    named = [[value.decode() for value in row] for row in found]
    assert [row[0] for row in named[:3]] == list(COLOURS)
    ids = classifier.recognise(images)
    columns = [0, 1, 1]  # two of them of the second attribute
    assert named == [[SCHEMA.attributes[c].values[i - 1] for c, i in zip(columns, row, strict=True)] for row in ids]


def test_a_picture_of_another_size_is_fitted_and_what_is_none_fails(exported):
    asked = tf.saved_model.load(str(exported)).signatures["recognise"]
    wide = np.full((20, 50, 3), COLOURS["Blue"], np.uint8)
    assert asked(image_bytes=tf.constant([png(wide)]))["recognised"].numpy()[0, 0] == b"Blue"
    with pytest.raises(tf.errors.InvalidArgumentError):
        asked(image_bytes=tf.constant([b"no picture"]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="1 to 1024 rows"):
        asked(image_bytes=tf.constant([], tf.string))


def test_a_classifier_of_other_photos_is_refused(small_generator, classifier, tmp_path):
    other = ConditionSchema([Attribute("colour", ("Red", "Blue"))], image_size=16)
    with pytest.raises(JudgementError, match=r"knows \[3, 3\] values.* the model \[2\]"):
        export_saved_model(small_generator(other, "mlp"), tmp_path / "shop", classifier=classifier.model)
    assert not (tmp_path / "shop").exists()
