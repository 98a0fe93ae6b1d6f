import numpy as np
import pytest
from PIL import Image

from tfproductgan.sampling.framing import framed, scaled


@pytest.mark.parametrize(
    ("size", "shape", "expected"),
    [
        ((40, 20), (1, 1), (40, 40)),
        ((40, 20), (3, 4), (42, 56)),
        ((9, 12), (3, 4), (9, 12)),
        ((1, 50), (2, 1), (100, 50)),
    ],
)
def test_a_canvas_has_its_shape_to_the_pixel_and_nothing_is_cut_off(size, shape, expected):
    image = Image.new("RGB", size, (10, 20, 30))
    image.info["kept"] = 1
    made = framed(image, shape)
    assert made.size == expected and made.info["kept"] == 1
    assert set(map(tuple, np.asarray(made).reshape(-1, 3))) == {(10, 20, 30)}  # its own background


def test_what_is_transparent_stays_so_around_and_grey_stays_grey():
    assert framed(Image.new("RGBA", (4, 2), (1, 2, 3, 255)), (1, 1)).getpixel((0, 0))[3] == 0
    assert framed(Image.new("L", (4, 2), 7), (1, 1)).getpixel((0, 0)) == 7


def test_the_longer_side_is_scaled_and_no_side_vanishes():
    assert scaled(Image.new("L", (300, 200)), 30).size == (30, 20)
    assert scaled(Image.new("L", (2000, 1)), 50).size == (50, 1)
