"""The catalogue's own classifier, on squares and discs in three colours."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import JudgementError
from tfproductgan.metrics import classifier as module
from tfproductgan.metrics.classifier import (
    ClassifierRecipe,
    accuracies,
    catalogue_classifier,
    likeliest,
    shuffled_batches,
    train_classifier,
)
from tfproductgan.metrics.extractors import get_extractor

RECIPE = ClassifierRecipe(images=4_000, batch_size=32, widths=(8, 16))
COLOURS = {"Red": (220, 30, 30), "Green": (30, 200, 40), "Blue": (40, 50, 210)}


def drawn(count, seed=0, size=16):
    """Pictures of shapes, and what they show; one in ten does not say its colour."""
    rng = np.random.default_rng(seed)
    images = np.full((count, size, size, 3), 255, np.uint8)
    shapes, colours = rng.choice(["Disc", "Square"], count), rng.choice(list(COLOURS), count)
    y, x = np.mgrid[:size, :size] - size / 2
    for image, shape, colour in zip(images, shapes, colours, strict=True):
        top, left = rng.integers(-2, 3, 2)
        distance = np.hypot(y - top, x - left) if shape == "Disc" else np.maximum(abs(y - top), abs(x - left))
        image[distance < 5] = COLOURS[colour]
    given = [None if hidden else colour for colour, hidden in zip(colours, rng.random(count) < 0.1, strict=True)]
    return images, {"shape": list(shapes), "colour": given}


@pytest.fixture(scope="module")
def catalogue():
    images, labels = drawn(500)
    return Catalogue.from_arrays(images, labels, splits={"validation": 0.2}, cache=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def classifier(catalogue, folder):
    return catalogue_classifier(catalogue, RECIPE, folder)


def test_it_learns_every_attribute(classifier, catalogue):
    assert min(classifier.accuracy.values()) > 0.95
    recognised = classifier.recognise(catalogue.images("validation"))
    assert recognised.dtype == np.int32
    assert accuracies(recognised, catalogue.conditions("validation"), catalogue.schema) == classifier.accuracy
    assert (recognised > 0).all()  # never "not given"


def test_probabilities_are_one_array_an_attribute(classifier, catalogue):
    images = catalogue.images("validation")
    predictions = classifier.predict(images)
    assert [part.shape for part in predictions] == [(len(images), 2), (len(images), 3)]
    for part in predictions:
        np.testing.assert_allclose(part.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(classifier.probabilities(images), predictions[0], rtol=1e-6)
    features, again = classifier.features_and_predictions(images)
    assert features.shape == (len(images), classifier.dim)
    np.testing.assert_array_equal(features, classifier.features(images, batch_size=256))
    np.testing.assert_array_equal(again[1], predictions[1])
    assert [part.shape[0] for part in classifier.maps_of(images)] == [len(images)] * 3


def test_it_is_trained_once(classifier, catalogue, folder, monkeypatch):
    monkeypatch.setattr(module, "train_classifier", lambda *args: pytest.fail("trained again"))
    again = catalogue_classifier(catalogue, RECIPE, folder)
    assert (again.id, again.sha256, again.accuracy) == (classifier.id, classifier.sha256, classifier.accuracy)
    assert again.id == f"catalogue-{again.sha256[:6]}"
    images = catalogue.images("validation")
    np.testing.assert_array_equal(again.features(images), classifier.features(images))


@pytest.fixture
def trainings(classifier, monkeypatch):
    """Training takes no time; the recipes that were asked for."""
    asked = []

    def train(batches, schema, steps, recipe, progress):
        asked.append(recipe)
        return module.CatalogueClassifier(classifier.model, schema)

    monkeypatch.setattr(module, "train_classifier", train)
    return asked


def test_other_photos_or_another_recipe_train_another(catalogue, tmp_path, trainings):
    images, labels = drawn(100, seed=1)
    other = Catalogue.from_arrays(images, labels, splits={"validation": 0.2}, cache=False)
    short = ClassifierRecipe(images=64)
    for _ in range(2):
        for photos, recipe in ((catalogue, RECIPE), (other, RECIPE), (other, short)):
            catalogue_classifier(photos, recipe, tmp_path)
    assert trainings == [RECIPE, RECIPE, short]
    assert len(list((tmp_path / "classifiers").iterdir())) == 3


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half of a file"])
def test_a_damaged_file_is_made_anew(catalogue, tmp_path, damage, caplog, trainings):
    catalogue_classifier(catalogue, RECIPE, tmp_path)
    [path] = (tmp_path / "classifiers").iterdir()
    path.write_bytes(damage)
    catalogue_classifier(catalogue, RECIPE, tmp_path)
    assert "damaged" in caplog.text
    assert len(trainings) == 2


def test_an_interrupted_write_leaves_nothing(catalogue, tmp_path, trainings, monkeypatch):
    def write(path, classifier):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_write", write)
    with pytest.raises(KeyboardInterrupt):
        catalogue_classifier(catalogue, RECIPE, tmp_path)
    assert not list(tmp_path.rglob("*.*"))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(catalogue):
    short = ClassifierRecipe(images=640, batch_size=32, widths=(8,))

    def weights(recipe):
        return train_classifier(catalogue.stream("train", 32, recipe.seed), catalogue.schema, 20, recipe).sha256

    assert weights(short) == weights(short) != weights(dataclasses.replace(short, seed=1))


def test_arrays_of_samples_teach_too():
    images, labels = drawn(300, seed=3)
    catalogue = Catalogue.from_arrays(images, labels, splits={"validation": 0}, cache=False)
    done = []
    trained = train_classifier(
        shuffled_batches(catalogue.images(), catalogue.conditions(), 32),
        catalogue.schema,
        steps=40,
        recipe=RECIPE,
        progress=lambda step, steps: done.append((step, steps)),
    )
    assert done == [(step, 40) for step in range(1, 41)]
    recognised = trained.recognise(images)
    assert accuracies(recognised, catalogue.conditions(), catalogue.schema)["colour"] > 0.8


def test_shuffled_batches_deliver_each_picture_once_an_epoch():
    images, ids = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1), np.arange(10, dtype=np.int32)[:, None]
    batches = shuffled_batches(images, ids, 5, seed=1)
    for _ in range(2):
        epoch = [next(batches) for _ in range(2)]
        assert sorted(np.concatenate([b["conditions"][:, 0] for b in epoch])) == list(range(10))
        for batch in epoch:
            np.testing.assert_array_equal(batch["images"].ravel(), batch["conditions"].ravel())
    assert len(next(shuffled_batches(images, ids, 64))["images"]) == 10


def test_what_is_not_given_teaches_nothing():
    logits = np.array([[5.0, 0.0], [0.0, 5.0]], np.float32)
    both = module._loss(np.array([[1], [0]], np.int32), logits)
    only = module._loss(np.array([[1]], np.int32), logits[:1])
    assert float(both) == pytest.approx(float(only))
    assert float(module._loss(np.array([[0], [0]], np.int32), logits)) == 0


def test_of_several_values_each_is_learnt_by_itself():
    logits = np.array([[5.0, 0.0, -5.0], [9.0, 9.0, 9.0]], np.float32)
    loss = module._loss(tf.constant([[1, 2], [0, 0]]), tf.constant(logits))
    right = np.array([1, 1, -1]) * logits[0]
    assert float(loss) == pytest.approx(np.log1p(np.exp(-right)).sum(), rel=1e-5)


def test_as_many_values_are_recognised_as_a_picture_has():
    schema = ConditionSchema([Attribute("kind", ("a", "b")), Attribute("tag", ("x", "y", "z"), several=2)])
    predictions = [np.array([[0.2, 0.8]]), np.array([[0.1, 0.9, 0.4]])]
    np.testing.assert_array_equal(likeliest(predictions, schema), [[2, 2, 3]])
    assert accuracies(np.array([[2, 2, 3]]), np.array([[1, 2, 0]]), schema) == {"kind": 0.0, "tag": 1.0}
    assert accuracies(np.array([[2, 2, 3]]), np.array([[2, 1, 3]]), schema) == {"kind": 1.0, "tag": 0.5}


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (64, 3), (200, 3), (1024, 1)])
def test_networks_fit_the_pictures(size, channels, catalogue):
    schema = ConditionSchema(catalogue.schema.attributes, size, channels)
    model = module._network(schema, ClassifierRecipe(), "float32")
    assert model.outputs[0].shape == (None, 128)
    last = [layer for layer in model.layers if layer.name.startswith("stage")][-1].output
    assert 3 <= last.shape[1] <= 7
    assert isinstance(model, keras.Model)
    assert model.count_params() < 700_000


def test_steps_follow_the_number_of_photos():
    recipe = ClassifierRecipe()
    assert recipe.num_steps(500) == 150_000 // 128
    assert recipe.num_steps(40_000) == 240_000 // 128
    assert recipe.num_steps(10**7) == 360_000 // 128


def test_without_attributes_there_is_nothing_to_learn(tmp_path):
    images, _ = drawn(40)
    catalogue = Catalogue.from_arrays(images, splits={"validation": 0}, cache=False)
    with pytest.raises(JudgementError, match="choose another extractor"):
        catalogue_classifier(catalogue, folder=tmp_path)


def test_pictures_of_another_size_are_refused(classifier):
    with pytest.raises(JudgementError, match=r"\(16, 16, 3\)"):
        classifier.features(np.zeros((1, 32, 32, 3), np.uint8))


def test_it_is_the_extractor_named_catalogue(catalogue, folder, monkeypatch):
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(folder))
    monkeypatch.setattr(module, "ClassifierRecipe", lambda: RECIPE)
    assert get_extractor("catalogue", catalogue).accuracy["shape"] > 0.95
