"""Pictures in, pictures out, with nothing but TensorFlow."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfproductgan.catalogue.photos import open_photo
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.export.saved_model import export_saved_model
from tfproductgan.models.pix2pix import Pix2Pix


@pytest.fixture(scope="module")
def translator():
    schema = ConditionSchema([Attribute("category", ("Ring", "Watch"))], 32, 3, source_channels=3)
    options = {"width": 8, "max_width": 8}
    model = Pix2Pix.from_recipe("pix2pix", schema, generator=options, discriminator=options, precision="float32")
    rng = np.random.default_rng(0)
    for weight in model.ema_generator.trainable_weights:
        weight.assign(weight + rng.normal(0, 0.1, weight.shape))
    return model.trained()


@pytest.fixture(scope="module")
def served(translator, tmp_path_factory):
    folder = export_saved_model(translator, tmp_path_factory.mktemp("saved_models") / "drawings")
    return tf.saved_model.load(str(folder))


def smooth(height, width, channels=3, seed=0):
    """A product on a light background, without edges that two resizing filters would see otherwise."""
    rows, columns = np.mgrid[:height, :width]
    distance = ((rows / height - 0.5) ** 2 + (columns / width - 0.5) ** 2)[..., None]
    tints = np.random.default_rng(seed).uniform(30, 200, channels)
    return (240 - (240 - tints) * np.exp(-20 * distance)).astype(np.uint8)


def file_of(pixels, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(np.squeeze(pixels)).save(file, kind, **options)
    return file.getvalue()


def ask(served, files, categories):
    answer = served.signatures["serving_default"](image_bytes=tf.constant(files), category=tf.constant(categories))
    return [np.asarray(Image.open(io.BytesIO(file))) for file in answer["image_bytes"].numpy()]


@pytest.mark.parametrize("size", [(32, 32), (40, 90), (200, 60), (33, 7)])
def test_it_makes_what_translate_makes(served, translator, size):
    picture = smooth(*size)
    [made] = ask(served, [file_of(picture)], ["watch"])
    expected = translator.translate(picture, {"category": "Watch"})
    assert made.shape == expected.shape == (*size, 3)
    assert np.abs(made.astype(int) - expected).mean() < 2


def test_files_of_all_sizes_and_kinds_come_together(served, translator):
    clear = np.dstack([smooth(50, 40), np.full((50, 40), 255, np.uint8)])
    clear[:10, :, 3] = 0  # laid on white
    grey = smooth(30, 60, 1)
    files = [file_of(clear), file_of(grey), file_of(smooth(64, 64), "JPEG", quality=95), file_of(smooth(20, 20), "BMP")]
    made = ask(served, files, ["", "ring", "Watch", " WATCH "])
    assert [picture.shape for picture in made] == [(50, 40, 3), (30, 60, 3), (64, 64, 3), (20, 20, 3)]
    for file, category, picture in zip(files, [{}, {"category": "ring"}], made, strict=False):
        photo = open_photo(file, "file")
        expected = translator.translate(photo, category)
        assert np.abs(picture.astype(int) - expected).mean() < 2


def test_what_cannot_be_fails_the_request(served):
    file = file_of(smooth(20, 20))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unknown category 'Wach'"):
        ask(served, [file], ["Wach"])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unknown image file format"):
        ask(served, [b"no picture"], [""])
    with pytest.raises(tf.errors.InvalidArgumentError, match="All inputs need as many rows"):
        ask(served, [file, file], [""])


def test_a_grey_model_takes_colour(tmp_path):
    schema = ConditionSchema([], 28, 1, source_channels=1)
    options = {"width": 8, "max_width": 8}
    model = Pix2Pix.from_recipe("pix2pix", schema, generator=options, discriminator=options, precision="float32")
    served = tf.saved_model.load(str(export_saved_model(model, tmp_path / "grey")))
    picture = smooth(28, 28)
    [file] = served.signatures["serving_default"](image_bytes=tf.constant([file_of(picture)]))["image_bytes"].numpy()
    made = np.asarray(Image.open(io.BytesIO(file)))
    assert np.abs(made.astype(int) - model.translate(picture)[..., 0]).max() <= 1
