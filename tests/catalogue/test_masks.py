import numpy as np

from tfproductgan.catalogue.masks import line_drawing, product_mask
from tfproductgan.studio.rendering import product, render


def test_a_product_on_a_plain_background_is_found():
    photo = np.full((40, 60, 3), 250, np.uint8)
    photo[10:30, 20:50] = 200, 30, 30
    mask = product_mask(photo)
    assert mask.shape == (40, 60) and mask.dtype == np.float32
    assert (mask[12:28, 22:48] > 0.99).all() and mask[:8].max() == 0


def test_a_large_hole_is_background_and_a_glint_is_not():
    photo = np.full((40, 40, 3), 255, np.uint8)
    photo[4:36, 4:36] = 0, 60, 120
    photo[16:24, 16:24] = 255
    photo[8:10, 8:10] = 255
    mask = product_mask(photo)
    assert mask[18:22, 18:22].max() < 0.01 and mask[8:10, 8:10].min() > 0.99


def test_a_soft_shadow_is_background():
    photo = np.full((64, 64, 3), 240, np.uint8)
    photo[44:60, :] = np.interp(np.arange(44, 60), [44, 50, 60], [240, 200, 240]).astype(np.uint8)[:, None, None]
    photo[10:40, 20:44] = 180, 40, 40
    assert product_mask(photo)[46:].max() < 0.01


def test_the_studio_agrees():
    made = render(product(0, 3, category="Mug"), 128)
    found, known = product_mask(made.image) > 0.5, made.mask > 127
    assert (found & known).sum() / (found | known).sum() > 0.85


def test_without_a_plain_background_or_a_product_there_is_no_mask():
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    assert product_mask(noise) is None
    assert product_mask(np.full((32, 32, 3), 255, np.uint8)) is None


def test_lines_lie_where_brightness_changes_whatever_the_size():
    for scale in (1, 4):
        photo = np.full((40 * scale, 60 * scale, 3), 250, np.uint8)
        photo[10 * scale : 30 * scale, 20 * scale : 50 * scale] = 200, 30, 30
        lines = line_drawing(photo)
        assert lines.shape == photo.shape[:2] and lines.dtype == np.uint8
        near = slice(20 * scale - 2, 20 * scale + 2)
        assert lines[20 * scale, near].min() < 50
        assert lines[20 * scale, 25 * scale : 45 * scale].min() == 255 and lines[: 5 * scale].min() == 255
