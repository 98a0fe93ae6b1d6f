import dataclasses

import numpy as np
import pytest
from PIL import Image

from tfproductgan.errors import PhotoError, RecipeError
from tfproductgan.models import stylizing
from tfproductgan.models.stylizing import Settings, stylise
from tfproductgan.models.vgg19 import vgg19_features

QUICK = Settings(size=24, iterations=4, style_layers=("relu1_1",), content_layer="relu1_2")


@pytest.fixture(scope="module")
def features():
    return vgg19_features("random")


@pytest.fixture(scope="module")
def photo():
    pixels = np.full((40, 60, 3), 250, np.uint8)
    pixels[10:30, 20:45] = 180, 60, 40
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def style():
    stripes = np.where(np.arange(32) % 8 < 4, 240, 20).astype(np.uint8)
    return Image.fromarray(np.stack([np.tile(stripes, (24, 1))] * 2 + [np.full((24, 32), 120, np.uint8)], axis=-1))


def changed(**settings):
    return dataclasses.replace(QUICK, **settings)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_the_loss_falls_and_the_size_comes_back(photo, style, features, optimizer):
    seen = []
    found = stylise(photo, [style], features, changed(optimizer=optimizer), report=seen.append)
    assert found.picture.shape == (40, 60, 3) and found.picture.dtype == np.uint8
    assert found.after.total < found.before.total and found.after.style < found.before.style
    assert found.before.content == pytest.approx(0, abs=1e-6)
    assert found.after.total == pytest.approx(sum(found.after[1:]), rel=1e-5)
    assert [progress.iteration for progress in seen] == [1, 2, 3, 4] and seen[-1].share == 1
    assert seen[-1].size == (24, 16) and seen[-1].picture().shape == (40, 60, 3)


def test_the_same_seed_makes_the_same_picture(photo, style, features):
    made = [stylise(photo, [style], features, changed(start="noise", seed=seed)).picture for seed in (1, 1, 2)]
    np.testing.assert_array_equal(made[0], made[1])
    assert np.any(made[0] != made[2])


def test_what_a_mask_leaves_out_stays_to_the_pixel(photo, style, features):
    mask = np.zeros((40, 60), np.float32)
    mask[:, 30:] = 1
    made = stylise(photo, [style], features, QUICK, mask=mask).picture
    np.testing.assert_array_equal(made[:, :30], np.asarray(photo)[:, :30])
    assert np.any(made[:, 30:] != np.asarray(photo)[:, 30:])


def test_colours_that_are_kept_change_in_luminance_alone(photo, style, features):
    dark = Image.fromarray(np.asarray(photo) // 2 + 60)  # far from black and white, where colours are cut off
    change = stylise(dark, [style], features, changed(colours="photo")).picture.astype(int) - np.asarray(dark)
    assert np.ptp(change, axis=2).max() <= 1 and np.abs(change).max() > 5


def test_weights_move_the_aim_from_one_style_to_the_other(photo, style, features):
    other = Image.new("RGB", (32, 24), (10, 10, 200))
    alone, first = (stylise(photo, s, features, QUICK, w) for s, w in (([style], None), ([style, other], [1, 0])))
    np.testing.assert_array_equal(alone.picture, first.picture)
    second = stylise(photo, [style, other], features, QUICK, [1, 3])
    assert second.picture[..., 2].mean() > first.picture[..., 2].mean()


def test_larger_photos_are_painted_from_coarse_to_fine(style, features, monkeypatch):
    monkeypatch.setattr(stylizing, "_SMALLEST", 8)
    seen = []
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 64, 3), np.uint8))
    stylise(photo, [style], features, changed(size=256, iterations=1), report=seen.append)
    assert [progress.size for progress in seen] == [(16, 8), (32, 16), (64, 32)]


@pytest.mark.parametrize(
    ("size", "settings", "message"),
    [
        ((60, 3), {"content_layer": "relu2_1"}, r"must have 4 pixels a side .* Received: 60 x 3 pixels"),
        ((60, 40), {"content_layer": "relu4_2"}, "up to relu3_1, and relu4_2 comes later"),
        ((60, 40), {"style_layers": ("relu1_9",)}, "VGG-19 has no layer 'relu1_9'"),
    ],
)
def test_what_cannot_be_painted_is_named(style, features, size, settings, message):
    with pytest.raises((PhotoError, RecipeError), match=message):
        stylise(Image.new("RGB", size), [style], features, changed(**settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "sgd"}, "optimizer must be one of .*Received: 'sgd'"),
        ({"style_weight": -1.0}, "style_weight must be at least 0"),
        ({"iterations": 0}, "iterations must be at least 1"),
        ({"style_scale": 100.0}, "style_scale must be 0.05 to 4"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(RecipeError, match=message):
        Settings(**settings)


def test_weights_and_masks_must_fit(photo, style, features):
    with pytest.raises(RecipeError, match=r"Each of 1 styles needs a weight of at least 0. Received: \[1, 2\]"):
        stylise(photo, [style], features, QUICK, [1, 2])
    with pytest.raises(PhotoError, match=r"The mask must have the photo's 60 x 40 pixels\. Received: 5 x 4"):
        stylise(photo, [style], features, QUICK, mask=np.ones((4, 5)))
