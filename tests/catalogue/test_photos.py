import io

import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.photos import Placement, background_colour, open_photo, photo_of_array, place
from tfproductgan.errors import CatalogueError, PhotoError

RED, BLUE = (220, 30, 40), (20, 40, 200)


def encoded(image, suffix="PNG", **options):
    file = io.BytesIO()
    image.save(file, suffix, **options)
    return file.getvalue()


def two_halves(width=60, height=80):
    """Red above blue."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (0, height // 2, width, height))
    return image


def close(pixel, colour, tolerance=12):
    return np.abs(np.asarray(pixel, int) - np.asarray(colour, int)).max() <= tolerance


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
    ],
)
def test_every_format_gives_the_same_picture(suffix, options):
    image = open_photo(encoded(two_halves(), suffix, **options), "a")
    assert image.mode == "RGB" and image.size == (60, 80)
    assert close(image.getpixel((30, 10)), RED) and close(image.getpixel((30, 70)), BLUE)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I", "I;16", "F"])
def test_grey_modes_stay_grey(mode):
    if mode in ("I", "I;16"):
        image = Image.fromarray(np.full((8, 8), 40_000, np.uint16))
        image = image.convert(mode) if mode == "I" else image
        expected = 40_000 / 257
    else:
        image, expected = Image.new("L", (8, 8), 255).convert(mode), 255
    image = open_photo(encoded(image, "TIFF" if mode in ("I", "F") else "PNG"), "a")
    assert image.mode == "L"
    assert image.getpixel((4, 4)) == pytest.approx(expected, abs=1)


def test_sixteen_bit_grey_keeps_its_range():
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(8, axis=0)
    pixels = np.asarray(open_photo(encoded(Image.fromarray(ramp)), "a"))
    assert pixels.min() == 0 and pixels.max() == 255
    np.testing.assert_allclose(pixels[0], np.linspace(0, 255, 64), atol=1)


def test_transparency_is_laid_on_white():
    image = Image.new("RGBA", (10, 10), (*RED, 0))
    image.paste((*BLUE, 255), (0, 0, 5, 10))
    image.putpixel((9, 9), (*BLUE, 128))
    opened = open_photo(encoded(image), "a")
    assert opened.getpixel((7, 2)) == (255, 255, 255)
    assert opened.getpixel((2, 2)) == BLUE
    assert close(opened.getpixel((9, 9)), (137, 147, 227), 2)


def test_palette_with_transparency():
    image = two_halves().convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
    red = image.getpixel((5, 5))
    for suffix in ("PNG", "GIF"):
        opened = open_photo(encoded(image, suffix, transparency=red), "a")
        assert opened.mode == "RGB"
        assert opened.getpixel((30, 10)) == (255, 255, 255)
        assert close(opened.getpixel((30, 70)), BLUE)


def test_cmyk_becomes_rgb():
    opened = open_photo(encoded(two_halves().convert("CMYK"), "JPEG", quality=95), "a")
    assert opened.mode == "RGB" and close(opened.getpixel((30, 10)), RED, 16)


def test_the_first_frame_of_an_animation_is_taken():
    data = encoded(Image.new("RGB", (8, 8), RED), "GIF", save_all=True, append_images=[Image.new("RGB", (8, 8), BLUE)])
    assert close(open_photo(data, "a").getpixel((4, 4)), RED)


@pytest.mark.parametrize("suffix", ["JPEG", "PNG", "WEBP"])
def test_exif_rotation_is_applied(suffix):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its right side: turn clockwise
    opened = open_photo(encoded(two_halves(), suffix, exif=exif), "a")
    assert opened.size == (80, 60)
    assert close(opened.getpixel((70, 30)), RED, 20) and close(opened.getpixel((10, 30)), BLUE, 20)


def test_exif_rotation_survives_the_conversion_of_the_mode():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = two_halves().convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    assert open_photo(encoded(image, exif=exif), "a").size == (80, 60)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_does_not_lose_the_photo():
    data = encoded(two_halves(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")
    assert open_photo(data, "a").size == (60, 80)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"this is text, not a photo", "not a JPEG"),
        (encoded(Image.new("RGB", (8, 8)), "PPM"), "not a JPEG"),
        (encoded(Image.new("L", (1, 1))), "a single pixel"),
        (encoded(two_halves(), "JPEG")[:400], "(?i)truncated"),
        (encoded(two_halves(), "PNG")[:60], "shop/a.jpg"),
    ],
)
def test_what_cannot_be_read_is_named(data, reason):
    with pytest.raises(PhotoError, match=reason) as caught:
        open_photo(data, "shop/a.jpg")
    assert str(caught.value).startswith("shop/a.jpg: ") and "\n" not in str(caught.value)


def test_decompression_bombs_are_refused(monkeypatch):
    data = encoded(Image.new("L", (100, 100)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(PhotoError, match="pixels, scale it down"):
        open_photo(data, "a")


def test_large_jpegs_are_shrunk_while_decoding():
    data = encoded(two_halves(1200, 1600), "JPEG")
    assert open_photo(data, "a").size == (1200, 1600)
    small = open_photo(data, "a", at_least=128)
    assert 128 <= small.width < 400 and small.height / small.width == pytest.approx(4 / 3, rel=0.02)


def test_letterbox_continues_the_background():
    image = Image.new("RGB", (60, 80), (200, 210, 220))
    image.paste(RED, (10, 20, 50, 80))  # touches the lower border
    square, placement = place(image, 64)
    assert square.shape == (64, 64, 3) and square.dtype == np.uint8
    assert placement == Placement(8, 0, 56, 64)
    assert (square[:, :8] == (200, 210, 220)).all() and (square[:, 56:] == (200, 210, 220)).all()
    assert close(square[40, 32], RED)
    assert placement.crop(square).shape == (64, 48, 3)
    assert placement.crop(np.zeros((5, 64, 64, 3))).shape == (5, 64, 48, 3)


def test_wide_photos_and_slivers_fit():
    square, placement = place(Image.new("RGB", (200, 50), RED), 32)
    assert placement == Placement(0, 12, 32, 20) and (square == RED).all()
    square, placement = place(Image.new("L", (1, 1000), 7), 32, channels=1)
    assert placement.right - placement.left == 1 and square.shape == (32, 32, 1)


def test_crop_takes_the_middle():
    image = Image.new("RGB", (40, 80), BLUE)
    image.paste(RED, (0, 20, 40, 60))
    square, placement = place(image, 32, fit="crop")
    assert placement == Placement(0, 0, 32, 32)
    assert close(square[16, 16], RED) and close(square[2, 16], RED) and close(square[29, 16], RED)


def test_resizing_is_antialiased():
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    square, _ = place(photo_of_array(stripes, "a"), 32, channels=1)
    assert np.abs(square[4:-4, 4:-4].astype(int) - 127).max() <= 2


def test_channels():
    assert place(Image.new("RGB", (8, 8), RED), 8, channels=1)[0].shape == (8, 8, 1)
    square, _ = place(Image.new("L", (8, 8), 90), 8, channels=3)
    assert square.shape == (8, 8, 3) and (square == 90).all()


def test_unknown_fit():
    with pytest.raises(CatalogueError, match="stretch"):
        place(Image.new("RGB", (8, 8)), 8, fit="stretch")


def test_background_is_the_most_common_colour_of_the_border():
    pixels = np.full((60, 60, 3), 250, np.uint8)
    pixels[:, 20:40] = (200, 0, 0)  # touches above and below
    pixels[25:35, 40:] = (0, 0, 200)
    assert background_colour(pixels).tolist() == [250, 250, 250]


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4)])
def test_arrays_are_photos_too(shape):
    image = photo_of_array(np.full(shape, 255, np.uint8), "a")
    assert image.size == (7, 5) and image.mode == ("L" if len(shape) == 2 or shape[2] == 1 else "RGB")


@pytest.mark.parametrize("array", [np.zeros((4, 4), np.float32), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8)])
def test_arrays_of_other_kinds_are_refused(array):
    with pytest.raises(PhotoError, match="uint8"):
        photo_of_array(array, "a")


@pytest.mark.parametrize("aspect", [None, 1.0, 0.75, 4.0, 0.01])
def test_placement_of_an_aspect_is_where_place_puts_it(aspect):
    placement = Placement.of_aspect(aspect, 64)
    width, height = placement.right - placement.left, placement.bottom - placement.top
    assert max(width, height) == 64 and min(width, height) >= 1
    assert width / height == pytest.approx(aspect or 1.0, rel=0.05) or min(width, height) == 1
