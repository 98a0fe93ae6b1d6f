"""Features on disk: found again by content and network, whole or not at all, memory flat."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.duplicates import content_hash
from tfproductgan.errors import JudgementError
from tfproductgan.metrics.extractors import FeatureExtractor
from tfproductgan.metrics.features import FeatureCache


class Means(FeatureExtractor):
    """Mean colours, and how much of them is red, green and blue."""

    def __init__(self, name="means", sha256="ab" * 32, preprocessing="none", num_classes=3):
        super().__init__(name, sha256, 3, preprocessing, num_classes)
        self.seen = 0

    def outputs(self, images, batch_size=64):
        self.seen += len(images)
        return super().outputs(images, batch_size)

    def _forward(self, images):
        features = tf.reduce_mean(tf.cast(images, tf.float32), axis=(1, 2)) + 1.0
        shares = [features / tf.reduce_sum(features, axis=1, keepdims=True)] if self.num_classes else []
        return [features, *shares]


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (600, 8, 8, 3), np.uint8)


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path)


def of_images(cache, extractor, images):
    """Features of pictures in memory, known by their content."""
    batches = np.array_split(images, -(-len(images) // 256))
    return cache.of_batches(extractor, f"images {content_hash(images)}", len(images), lambda: batches)


def test_features_are_kept_and_found_again(cache, images, tmp_path):
    extractor = Means()
    found = of_images(cache, extractor, images)
    np.testing.assert_allclose(found.features, images.mean(axis=(1, 2)) + 1, rtol=1e-5)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert isinstance(found.features, np.memmap)
    assert len(found) == extractor.seen == 600
    again = of_images(FeatureCache(tmp_path), extractor, images.copy())
    assert extractor.seen == 600
    np.testing.assert_array_equal(again.features, found.features)


def test_other_pictures_or_networks_have_other_entries(cache, images):
    changed = images.copy()
    changed[599, 7, 7, 2] ^= 1
    extractors = [Means(), Means(sha256="cd" * 32), Means(preprocessing="halved"), Means(name="other")]
    for extractor in extractors:
        of_images(cache, extractor, images)
        assert extractor.seen == 600
    of_images(cache, extractors[0], changed)
    assert extractors[0].seen == 1200


def test_networks_without_classes_keep_features_only(cache, images):
    extractor = Means(num_classes=0)
    assert of_images(cache, extractor, images).probabilities is None
    assert of_images(cache, extractor, images).probabilities is None
    assert extractor.seen == 600


def test_photos_of_a_split(cache, images):
    catalogue = Catalogue.from_arrays(images, splits=["train"] * 500 + ["test"] * 100, cache=False)
    extractor = Means()
    train, test = (cache.of_split(extractor, catalogue, split) for split in ("train", "test"))
    np.testing.assert_array_equal(test.features, extractor.features(catalogue.images("test")))
    assert (len(train), len(test)) == (500, 100)
    seen = extractor.seen
    cache.of_split(extractor, catalogue, "test")
    assert extractor.seen == seen


def test_pictures_are_drawn_only_if_they_must_be(cache, images):
    drawn = []

    def batches():
        for start in range(0, 600, 100):
            drawn.append(start)
            yield images[start : start + 100]

    extractor = Means()
    for _ in range(2):
        cache.of_batches(extractor, "model x, seeds 0 to 599", 600, batches)
    assert drawn == list(range(0, 600, 100))


@pytest.mark.parametrize(("count", "word"), [(601, "fewer"), (599, "more")])
def test_another_number_of_pictures_is_refused(cache, images, count, word):
    with pytest.raises(JudgementError, match=f"{count} pictures.*{word}"):
        cache.of_batches(Means(), "x", count, lambda: [images])


def test_an_interrupted_pass_leaves_no_entry(cache, images, tmp_path):
    def interrupted():
        yield images[:300]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.of_batches(Means(), "x", 600, interrupted)
    assert list((tmp_path / "features").iterdir()) == []
    assert len(cache.of_batches(Means(), "x", 600, lambda: [images])) == 600


@pytest.mark.parametrize("damage", ["features", "probabilities", "about"])
def test_a_damaged_entry_is_made_anew(cache, images, tmp_path, damage):
    extractor = Means()
    of_images(cache, extractor, images)
    [entry] = (tmp_path / "features").iterdir()
    [path] = entry.glob(f"{damage}.*")
    path.write_bytes(path.read_bytes()[:20])
    assert len(of_images(cache, extractor, images)) == 600
    assert extractor.seen == 1200
    assert json.loads((entry / "about.json").read_text())["extractor"] == extractor.id


def test_a_cache_that_cannot_be_written_costs_only_the_next_time(images, tmp_path):
    (tmp_path / "features").write_text("a file where the folder would be")
    extractor = Means()
    found = of_images(FeatureCache(tmp_path), extractor, images)
    np.testing.assert_allclose(found.features, images.mean(axis=(1, 2)) + 1, rtol=1e-5)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)


def test_nan_features_are_refused_and_not_kept(cache, images, tmp_path):
    class Broken(Means):
        def _forward(self, images):
            return [part * float("nan") for part in super()._forward(images)]

    with pytest.raises(JudgementError, match="no numbers"):
        of_images(cache, Broken(), images)
    assert list((tmp_path / "features").iterdir()) == []


def test_an_entry_may_be_deleted_while_it_is_read(cache, images, tmp_path):
    found = of_images(cache, Means(), images)
    shutil.rmtree(tmp_path)
    np.testing.assert_allclose(found.features, images.mean(axis=(1, 2)) + 1, rtol=1e-5)
