import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfproductgan as tpg
from tfproductgan.errors import PhotoError, RecipeError
from tfproductgan.models.randomness import Draws
from tfproductgan.models.upscaler import _off_white, spans
from tfproductgan.models.upscaling import SRGAN, Upscaling

SMALL = {"width": 4, "num_blocks": 1, "scale": 2}


def small_model(kind=Upscaling, channels=3, image_size=28, **overrides):
    schema = tpg.ConditionSchema([tpg.Attribute("shade", ("Dark", "Light"))], image_size, channels)
    networks = {"generator": SMALL}
    if kind is SRGAN:
        networks["discriminator"] = {"width": 4, "max_width": 4}
    model = kind.from_recipe(kind.default_recipe, schema, **networks, precision="float32", **overrides)
    model.compile()
    return model


def batch_for(model, seed=0, count=4):
    schema = model.schema
    cells = np.random.default_rng(seed).integers(0, 256, (count, 5, 5, schema.channels))
    images = tf.image.resize(cells, [schema.image_size] * 2, "bilinear")
    return {"images": tf.cast(images, tf.uint8), "conditions": tf.ones((count, 1), tf.int32)}


@pytest.fixture(scope="module")
def model(shake):
    made = small_model()
    shake(made)
    return made


def test_it_learns_and_says_what_a_bicubic_filter_does():
    model = small_model(images=400, batch_size=4, generator_learning_rate=1e-2)
    stream = tf.data.Dataset.from_tensors(batch_for(model)).repeat()
    history = model.fit(stream, steps_per_epoch=15, epochs=2, verbose=0).history
    assert history["pixels"][1] < history["pixels"][0]
    tested = model.evaluate(stream.take(1), return_dict=True, verbose=0)
    assert set(tested) == {"pixels", "psnr", "bicubic"} and 10 < tested["bicubic"] < 60


def test_a_part_of_each_photo_is_learnt_from():
    model = small_model(crop=8)
    batch = model._received(batch_for(model))
    photos, sources = model._pairs(batch, Draws(0, tf.constant(3, tf.int64)))
    assert photos.shape == (4, 8, 8, 3) and sources.shape == (4, 4, 4, 3)
    for photo, part in zip(batch["images"].numpy(), photos.numpy(), strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(photo, (8, 8), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
        assert any((windows == each).all(axis=(2, 3, 4)).any() for each in (part, part[:, ::-1]))
    with pytest.raises(RecipeError, match=r"crop must be a multiple of scale=2. Received: crop=9"):
        small_model(crop=9)


def test_the_game_begins_when_it_should():
    model = small_model(SRGAN, images=16, start=0.5)
    batch = batch_for(model)
    seen = []
    for _ in range(3):
        before = [weight.numpy() for weight in model.discriminator.trainable_variables]
        logs = model.train_step(batch)
        after = model.discriminator.trainable_variables
        seen.append((any(np.any(a != b) for a, b in zip(before, after, strict=True)), float(logs["d_loss"]) != 0))
    assert seen == [(False, False), (False, False), (True, True)]


def test_what_a_network_sees_counts():
    model = small_model(SRGAN, start=0.0, features="random", image_size=32)
    logs = model.train_step(batch_for(model))
    assert float(logs["features"]) > 0
    with pytest.raises(RecipeError, match=r"There is no file 'none\.npz'"):
        small_model(SRGAN, features="none.npz")


# === Asking ===


@pytest.mark.parametrize(
    ("length", "tile", "margin"), [(10, 12, 2), (12, 12, 2), (13, 12, 2), (100, 12, 3), (37, 9, 3)]
)
def test_tiles_cover_a_side_without_what_margins_hide(length, tile, margin):
    end = 0
    for start, kept in spans(length, tile, margin):
        assert kept.start == end < kept.stop
        assert kept.start >= start + (margin if start else 0)
        last = start + tile >= length
        assert kept.stop <= (length if last else start + tile - margin)
        end = kept.stop
    assert end == length


def test_tiles_leave_no_seams(model):
    photo = np.random.default_rng(0).integers(0, 256, (50, 43, 3), np.uint8)
    whole = model.upscale(photo, tile=64)
    tiled = model.upscale(photo, tile=16)
    assert whole.shape == (100, 86, 3)
    assert np.abs(whole.astype(int) - tiled).max() <= 1 and (whole != tiled).mean() < 1e-3


def test_photos_keep_transparency_grey_and_the_way_up(model, tmp_path):
    pixels = np.full((12, 8, 4), (200, 30, 60, 255), np.uint8)
    pixels[:6, :, 3] = 0
    made = model.upscale(pixels)
    assert made.shape == (24, 16, 4) and made[0, 0, 3] == 0 and made[-1, 0, 3] == 255
    Image.fromarray(pixels).save(tmp_path / "clear.png")
    for same in (tmp_path / "clear.png", Image.open(tmp_path / "clear.png")):
        np.testing.assert_array_equal(model.upscale(same), made)
    assert model.upscale(pixels[..., 0]).shape == (24, 16, 1)
    exif = Image.Exif()
    exif[0x112] = 6
    Image.fromarray(pixels[..., :3]).save(tmp_path / "turned.jpg", exif=exif)
    assert model.upscale([tmp_path / "turned.jpg"])[0].shape == (16, 24, 3)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(PhotoError, match=r"text\.png: not a JPEG"):
        model.upscale(tmp_path / "text.png")


def test_half_transparent_colours_stay_what_they_are():
    colours = np.array([[[200.0, 30.0, 60.0]]])
    opacity = np.array([[[128]]], np.uint8)
    on_white = colours * 128 / 255 + 255 * (1 - 128 / 255)
    assert np.abs(_off_white(on_white, opacity) - colours).max() <= 1


def test_a_grey_model_takes_each_colour_by_itself():
    model = small_model(channels=1)
    photo = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    made = model.upscale(photo)
    assert made.shape == (12, 18, 3)
    np.testing.assert_array_equal(made[..., :1], model.upscale(photo[..., 0]))


def test_a_trained_model_is_asked_for_nothing_by_name(model, tmp_path):
    model.trained().save(tmp_path / "model.keras")
    again = tpg.load(tmp_path / "model.keras")
    photo = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    np.testing.assert_array_equal(again.upscale(photo), model.upscale(photo))
    assert again.schema.names == () and (again.asks, again.scale) == ("upscaler", 2)
