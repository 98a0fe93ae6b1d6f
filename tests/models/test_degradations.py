import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfproductgan.models.degradations import degraded, smaller
from tfproductgan.models.pictures import to_float, to_uint8
from tfproductgan.models.randomness import Draws
from tfproductgan.recipes import UpscalingObjective

PLAIN = {"kernels": ("bicubic",), "blur": 0.0, "noise": 0.0, "jpeg": 100}


def smooth(count=4, size=24, channels=3):
    cells = np.random.default_rng(0).integers(0, 256, (count, 4, 4, channels))
    return tf.cast(tf.round(tf.image.resize(cells, (size, size), "bilinear")), tf.uint8)


def made(images, step=0, **options):
    objective = UpscalingObjective(**{**PLAIN, **options})
    return to_uint8(degraded(to_float(images), 2, objective, Draws(1, tf.constant(step, tf.int64)))).numpy()


def test_nothing_but_smaller_is_what_pillow_does():
    images = smooth()
    found = made(images)
    np.testing.assert_array_equal(found, smaller(images, 2))
    for mine, photo in zip(found, images.numpy(), strict=True):
        theirs = Image.fromarray(photo).resize((12, 12), Image.Resampling.BICUBIC)
        assert np.abs(mine.astype(int) - np.asarray(theirs)).max() <= 1


@pytest.mark.parametrize(
    "options", [{"blur": 2.0}, {"noise": 8.0}, {"jpeg": 10}, {"kernels": ("area", "bilinear", "bicubic")}], ids=str
)
def test_each_photo_has_its_own_and_each_step_others(options):
    noise = np.random.default_rng(0).integers(0, 256, (1, 24, 24, 3), np.uint8)
    images = tf.tile(noise, (4, 1, 1, 1))
    first, second = made(images, 1, **options), made(images, 2, **options)
    assert len({row.tobytes() for row in (*first, *second)}) > 1
    np.testing.assert_array_equal(made(images, 1, **options), first)


def test_blur_keeps_a_plain_photo_and_spreads_a_spot():
    plain = np.full((2, 24, 24, 1), 77, np.uint8)
    np.testing.assert_array_equal(made(plain, blur=9.0), plain[:, ::2, ::2])
    spot = np.zeros((1, 24, 24, 1), np.uint8)
    spot[0, 12, 12] = 255
    assert made(spot, blur=3.0).max() < made(spot).max()


def test_grey_photos_are_saved_too():
    assert made(smooth(channels=1), jpeg=20).shape == (4, 12, 12, 1)
