"""Classifiers trained on samples, tested on photos."""

import functools
import itertools
import json

import numpy as np
import pytest

from tfproductgan.conditions import Attribute
from tfproductgan.errors import CatalogueError, JudgementError
from tfproductgan.metrics import classifier
from tfproductgan.metrics.classification_accuracy import _score, classification_accuracy
from tfproductgan.metrics.classifier import ClassifierRecipe

TINY = ClassifierRecipe(images=6_000, batch_size=64, widths=(8, 16, 16))


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path_factory.getbasetemp() / "classification"))


class NearestMean:
    """A classifier quicker than a network: the mean of each value's pictures, weighed by nothing."""

    def __init__(self, batches, schema, steps):
        shown = list(itertools.islice(batches, min(steps, 12)))
        self.sizes = {len(batch["images"]) for batch in shown}
        looks = self.look(np.concatenate([batch["images"] for batch in shown]))
        ids = np.concatenate([batch["conditions"] for batch in shown])
        self.means = [
            np.stack([looks[ids[:, column] == value].mean(axis=0) for value in range(1, number)])
            for column, number in enumerate(schema.num_ids)
        ]

    def look(self, images):
        return images.reshape(len(images), 8, 4, 8, 4, 3).mean(axis=(2, 4)).reshape(len(images), -1) / 255

    def recognise(self, images):
        looks = self.look(images)[:, None]
        return np.stack([np.square(looks - means).sum(axis=-1).argmin(axis=1) + 1 for means in self.means], axis=1)


@pytest.fixture
def trained(monkeypatch):
    """Classifiers by nearest mean in place of networks, kept in memory; the list of what was trained."""
    made, kept = [], {}

    def train(batches, schema, steps, recipe, progress=None):
        made.append((NearestMean(batches, schema, steps), steps, recipe))
        if progress:
            progress(steps, steps)
        return made[-1][0]

    def keep(key, schema, train, folder=None):
        name = json.dumps(key)
        if name not in kept:
            kept[name] = train()
        return kept[name]

    monkeypatch.setattr(classifier, "train_classifier", train)
    monkeypatch.setattr(classifier, "kept_classifier", keep)
    return made


def test_samples_with_wrong_colours_teach_wrong_colours(shop, stubs, trained):
    told = []
    found = classification_accuracy(
        stubs.SwapsColours(shop.schema), shop, seeds=(0, 4), recipe=TINY, progress=lambda *now: told.append(now)
    )
    assert (found.train, found.test, found.split) == (540, 180, "test")
    _, colour = found.attributes
    assert colour.real[0] > 0.8 and colour.generated[0] < 0.5 and colour.gan_test[0] < 0.5
    assert colour.gap == pytest.approx(np.mean(colour.real) - np.mean(colour.generated))
    recalls = {value.value: value for value in colour.values}
    assert recalls["Gold"].generated < 0.2 < 0.8 < recalls["Green"].generated
    assert recalls["Gold"].photos == 60 and recalls["Gold"].samples == 180
    assert colour.generated[0] == pytest.approx(np.mean([value.generated for value in colour.values]), abs=0.05)
    assert not found.limitations
    assert told[0][0] == "Drawing a training set"
    assert {now[0] for now in told[1:] if now[0] != "Drawing a training set"} == {
        f"Classifier of {what}, seed {seed}" for what in ("photos", "samples", "both") for seed in (0, 4)
    }


def test_all_classifiers_are_trained_alike(shop, stubs, trained):
    classification_accuracy(stubs.Perfect(shop.schema), shop, seeds=(0, 4), recipe=TINY)
    assert len(trained) == 6
    assert len({steps for _, steps, _ in trained}) == 1
    assert [recipe.seed for _, _, recipe in trained] == [0, 0, 0, 4, 4, 4]
    assert all(made.sizes == {TINY.batch_size} for made, _, _ in trained)


def test_what_was_interrupted_goes_on_where_it_was(shop, stubs, trained, monkeypatch):
    train = classifier.train_classifier

    def until_the_fifth(*args):
        if len(trained) == 4:
            raise KeyboardInterrupt
        return train(*args)

    judge = functools.partial(classification_accuracy, stubs.Perfect(shop.schema), shop, recipe=TINY)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(classifier, "train_classifier", until_the_fifth)
        judge(seeds=(0, 4))
    found = judge(seeds=(0, 4))
    assert len(trained) == 6
    # other samples are another training set, the photos are what they were
    judge(seeds=(0, 4), seed=1000)
    assert len(trained) == 10
    monkeypatch.setattr(classifier, "kept_classifier", lambda key, schema, train, folder=None: train())
    assert judge(seeds=(0, 4)) == found


def test_each_training_photo_has_a_sample_of_its_conditions(shop, stubs, trained):
    generator = stubs.Perfect(shop.schema)
    asked = []
    draw = generator.draw
    generator.draw = lambda requests: (asked.extend(requests), draw(requests))[1]
    found = classification_accuracy(generator, shop, seed=11, seeds=(0,), recipe=TINY)
    np.testing.assert_array_equal([shop.schema.encode(each.conditions) for each in asked], shop.conditions("train"))
    assert [each.seed for each in asked] == list(range(11, 11 + 540))
    assert any("one seed" in sentence for sentence in found.limitations)


def test_without_a_test_split_the_validation_photos_are_named(stubs, trained):
    shop = stubs.catalogue(train=270, validation=90, test=0)
    found = classification_accuracy(stubs.Perfect(shop.schema), shop, seeds=(0, 1), recipe=TINY)
    assert found.split == "validation" and "no test split" in found.limitations[0]


@pytest.mark.slow
def test_networks_find_wrong_colours(shop, stubs):
    found = classification_accuracy(stubs.SwapsColours(shop.schema), shop, seeds=(0,), recipe=TINY)
    category, colour = found.attributes
    assert category.gap < 0.2 and category.gan_test[0] > 0.7
    assert colour.real[0] > 0.8 and colour.generated[0] < 0.5 and colour.gan_test[0] < 0.5


@pytest.mark.slow
def test_samples_as_good_as_photos_teach_as_much(shop, stubs):
    found = classification_accuracy(stubs.Perfect(shop.schema), shop, seeds=(0, 1), recipe=TINY)
    for score in found.attributes:
        assert abs(score.gap) < 0.1 and score.gain > -0.05
        assert score.gan_test == pytest.approx(score.real, abs=0.1)
    assert not found.limitations


def test_what_cannot_be_scored_is_refused(stubs, shop):
    with pytest.raises(JudgementError, match="seed"):
        classification_accuracy(stubs.Perfect(shop.schema), shop, seeds=())
    with pytest.raises(CatalogueError, match="did you mean"):
        classification_accuracy(stubs.Perfect(shop.schema), shop, split="tset", recipe=TINY)
    nameless = type(shop).from_arrays(shop.images("train"), None, {"test": 0.2}, cache=False)
    with pytest.raises(JudgementError, match="needs attributes"):
        classification_accuracy(stubs.Perfect(nameless.schema), nameless)


def test_of_several_values_each_has_a_recall():
    tags = Attribute("tag", ("New", "Sale", "Wool"), several=2)
    truth, asked = np.array([(1, 3), (2, 0), (0, 0)]), np.array([(1, 3), (1, 0), (2, 3)])
    seen = {"real": [np.array([(3, 1), (1, 2), (1, 2)])], "samples": [np.array([(1, 2), (1, 2), (3, 2)])]}
    seen |= {kind: [np.array([(1, 2), (2, 1), (1, 2)])] for kind in ("generated", "mixed")}
    score = _score(tags, slice(0, 2), truth, asked, seen)
    assert (score.real, score.generated, score.gan_test) == ((2 / 3,), (2 / 3,), (4 / 5,))
    found = [(value.value, value.photos, value.samples, value.real, value.generated) for value in score.values]
    assert found == [("New", 1, 2, 1, 1), ("Sale", 1, 1, 0, 1), ("Wool", 1, 2, 1, 0)]
    assert score.chance == 2 / 3  # New and Wool are asked most
