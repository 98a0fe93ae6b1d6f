import json
import re

import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.compression import compression
from tfproductgan.compression.compression import Compressor, compress
from tfproductgan.compression.conversions import CONVERSIONS, Conversion
from tfproductgan.metrics.extractors import FeatureExtractor
from tfproductgan.models.loading import load
from tfproductgan.models.trained import TrainedGenerator, copy_of


@pytest.fixture(scope="module")
def compressor(generator):
    return Compressor(generator)


def copy_with(change):
    """A conversion that writes the model with changed weights."""

    def write(model, path, typical):
        made = TrainedGenerator(copy_of(model.sampling_network), model.schema, model.model_id)
        for weight in made.sampling_network.weights:
            weight.assign(change(weight.numpy()))
        made.save(path)

    return write


def form(write, shares=(0.9, 1.1), least_psnr=40.0, name="copy"):
    return Conversion(name, write, shares, least_psnr)


def test_what_is_as_good_becomes_a_file(compressor, tmp_path):
    found = compressor.convert(form(copy_with(lambda weight: weight)), tmp_path)
    assert found.error is None
    assert [path.name for path in tmp_path.iterdir()] == [found.file] == ["generator-copy.keras"]
    assert found.psnr == found.worst_psnr == 99
    assert found.kid is None
    assert found.bytes == (tmp_path / found.file).stat().st_size
    assert set(found.milliseconds) == set(found.speed) == set(compression.BATCHES)


def failing(model, path, typical):
    raise ValueError("no such operation\nand a page of hints")


@pytest.mark.parametrize(
    ("conversion", "message"),
    [
        (form(lambda model, path, typical: path.write_bytes(b"little")), "has lost weights: 6 bytes"),
        (form(copy_with(lambda weight: weight), shares=(0.0, 0.1)), "too large"),
        (form(copy_with(lambda weight: weight * 0.5)), "differ too much"),
        (form(copy_with(lambda weight: weight * np.nan)), "differ too much"),
        (form(failing), "^no such operation$"),
        (form(lambda model, path, typical: path.write_bytes(bytes(10**5)), (0, 9)), "cannot be loaded as a model"),
    ],
    ids=["lost weights", "too large", "other pictures", "no numbers", "fails", "not loadable"],
)
def test_what_is_not_is_an_error_and_no_file(compressor, tmp_path, monkeypatch, conversion, message):
    monkeypatch.setattr(compression, "_STRUCTURE", 0 if "large" in message else 10**6)
    with np.errstate(invalid="ignore"):
        found = compressor.convert(conversion, tmp_path)
    assert found.file is None
    assert list(tmp_path.iterdir()) == []
    assert re.search(message, found.error)


def test_what_is_far_slower_here_is_refused(compressor, tmp_path, monkeypatch):
    monkeypatch.setattr(compression, "in_turns", lambda draws, inputs, batch: [1.0, 2.0 + batch])
    found = compressor.convert(form(copy_with(lambda weight: weight)), tmp_path)
    assert (found.file, list(tmp_path.iterdir())) == (None, [])
    assert found.error == "Too slow on this machine: 0.33 times the original's speed at best."


def test_one_that_fails_does_not_keep_the_others_from_it(generator, tmp_path):
    found = compress(generator, tmp_path, [form(failing, name="bad"), form(copy_with(lambda weight: weight))])
    assert [outcome.conversion for outcome in found] == ["original", "bad", "copy"]
    assert [bool(outcome.error) for outcome in found] == [False, True, False]
    facts = json.loads((tmp_path / "compression.json").read_text())
    assert [entry["file"] for entry in facts["forms"]] == [None, None, "generator-copy.keras"]
    assert facts["model_id"] == generator.model_id
    table = (tmp_path / "compression.md").read_text()
    assert "- bad: no such operation" in table
    assert table.count("| copy |") == 1


def test_bfloat16_weights_are_an_ordinary_model_of_half_the_size(compressor, tmp_path):
    conversion = CONVERSIONS["bfloat16"]
    found = compressor.convert(conversion, tmp_path)
    assert found.error is None, found.error
    model = load(tmp_path / found.file)
    assert model.model_id.endswith("-bfloat16")
    assert model.generate({"class": "Mug"}, count=2).shape == (2, 32, 32, 3)


class MeanColours(FeatureExtractor):
    """In the place of a network."""

    def __init__(self):
        super().__init__("colours", "0" * 64, 3, "none")

    def _forward(self, images):
        return [tf.reduce_mean(tf.cast(images, tf.float32), axis=(1, 2)) / 255]


@pytest.mark.parametrize(("extractor", "views"), [(MeanColours(), {"kid", "look_kid"}), ("texture", {"look_kid"})])
def test_pictures_further_from_the_photos_are_refused(generator, tmp_path, monkeypatch, extractor, views):
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    photos = generator.generate({"class": "Ring"}, count=60)
    products = Catalogue.from_arrays(
        photos, {"class": ["Ring"] * 60}, ["train"] * 30 + ["validation"] * 30, schema=generator.schema
    )
    compressor = Compressor(generator, products, extractor)
    assert compressor.num_photos == compressor.num_pictures == 30
    out = tmp_path / "small"
    good = compressor.convert(form(copy_with(lambda weight: weight), least_psnr=None), out)
    assert good.error is None
    assert {name for name in ("kid", "look_kid") if getattr(good, name)} == views
    assert (good.kid, good.look_kid) == (compressor.original.kid, compressor.original.look_kid)
    bad = compressor.convert(form(copy_with(lambda weight: weight * 0 + 9), least_psnr=None, name="white"), out)
    assert f"Too far from the photos: {min(views)} " in bad.error
    assert bad.file is None
