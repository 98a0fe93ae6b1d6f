"""Photos with an embedded profile become sRGB: measured, a green of (20, 160, 70) is (92, 159, 79) in Adobe RGB."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.checking.looking import check
from tfproductgan.catalogue.colour_profiles import in_srgb, matrix_profile
from tfproductgan.catalogue.photos import open_photo, photo_of_pillow, plain_file
from tfproductgan.errors import PhotoError

GREEN, ADOBE_GREEN = (20, 160, 70), (92, 159, 79)
ADOBE = matrix_profile("Adobe RGB (1998)", (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290), 1 / 2.19921875)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def profile(space, connection, tags):
    """An ICC profile of a printer or a grey device."""
    start, index, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for key, data in tags.items():
        data += bytes(-len(data) % 4)
        index += key + struct.pack(">II", start + len(body), len(data))
        body += data
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(">I4xI4s4s4s12x4s28x", start + len(body), 0x02100000, kind, space, connection, b"acsp")
    return head + struct.pack(">3i", 63190, 65536, 54061) + bytes(48) + index + body


def grey_profile(gamma):
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    return profile(b"GRAY", b"XYZ ", {b"wtpt": white, b"kTRC": b"curv" + struct.pack(">4xIH", 1, round(256 * gamma))})


def cmyk_profile():
    """A table of two steps an ink: paper is white, cyan with yellow is our green, all else black."""
    colours = np.zeros((2, 2, 2, 2, 3), np.uint8)
    colours[..., 1:] = 128
    colours[0, 0, 0, 0] = 255, 128, 128
    colours[1, 0, 1, 0] = 147, 77, 164  # L 57.8, a -50.8, b 36.1 under D50
    ramp = np.arange(256, dtype=np.uint8).tobytes()
    table = b"mft1" + struct.pack(">4xBBBx9i", 4, 3, 2, 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    return profile(b"CMYK", b"Lab ", {b"A2B0": table + 4 * ramp + colours.tobytes() + 3 * ramp})


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened(image, kind="PNG", **options):
    return open_photo(encoded(image, kind, **options), "a")


def close(image, colour, by=3):
    return np.abs(np.asarray(image, int) - np.asarray(colour)).max() <= by


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 97, "subsampling": 0}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_a_profile_is_converted_in_every_format_that_holds_one(kind, options):
    image = Image.new("RGB", (40, 40), ADOBE_GREEN)
    made = opened(image, kind, icc_profile=ADOBE, **options)
    assert made.mode == "RGB" and close(made, GREEN)
    # large JPEGs are decoded in part
    assert close(open_photo(encoded(image, kind, icc_profile=ADOBE, **options), "a", at_least=10), GREEN)
    assert close(
        photo_of_pillow(Image.open(io.BytesIO(encoded(image, kind, icc_profile=ADOBE, **options))), "a"), GREEN
    )


@pytest.mark.parametrize("mode", ["P", "RGBA", "PA"])
def test_palettes_and_transparency_are_kept(mode):
    image = Image.new("RGBA", (10, 10), (*ADOBE_GREEN, 255))
    if mode != "P":
        image.paste((*ADOBE_GREEN, 0), (0, 0, 5, 10))
    image = image.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE) if mode == "P" else image
    image = image.quantize() if mode == "PA" else image
    made = opened(image, icc_profile=ADOBE)
    assert close(made.getpixel((7, 5)), GREEN)
    assert mode == "P" or made.getpixel((2, 5)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
@pytest.mark.parametrize(
    "icc", [grey_profile(1.0), matrix_profile("linear", (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329), 1.0)]
)
def test_grey_photos_stay_grey(mode, icc):
    value = 64 * 257 if mode == "I;16" else 64  # a quarter of the light is 137 in sRGB
    image = (
        Image.fromarray(np.full((8, 8), value, np.uint16))
        if mode == "I;16"
        else Image.new("L", (8, 8), 64).convert(mode)
    )
    made = opened(image, icc_profile=icc)
    assert made.mode == "L" and close(made, 137, 1)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks(kind):
    image = Image.new("CMYK", (16, 16), (255, 0, 255, 0))
    image.paste((0, 0, 0, 0), (0, 0, 8, 16))
    made = opened(
        image, kind, icc_profile=cmyk_profile(), **({"quality": 97, "subsampling": 0} if kind == "JPEG" else {})
    )
    assert close(made.getpixel((13, 8)), GREEN, 6) and close(made.getpixel((2, 8)), 255)


def test_a_png_that_says_it_by_chunks():
    def png(image, **numbers):
        chunks = PngImagePlugin.PngInfo()
        for name, values in numbers.items():
            chunks.add(name.encode(), struct.pack(f">{len(values)}I", *(round(1e5 * value) for value in values)))
        return opened(image, pnginfo=chunks)

    srgb, adobe = ((0.3127, 0.329, 0.64, 0.33, *green, 0.15, 0.06) for green in ((0.3, 0.6), (0.21, 0.71)))
    image = Image.new("RGB", (8, 8), ADOBE_GREEN)
    assert close(png(image, gAMA=[1 / 2.2], cHRM=adobe), GREEN)
    assert close(png(Image.new("L", (8, 8), 64), gAMA=[1.0]), 137, 1)
    # as half of all programs write it beside sRGB, and nonsense
    for numbers in (
        {"gAMA": [0.45455]},
        {"gAMA": [0.45455], "cHRM": srgb},
        {"cHRM": srgb},
        {"gAMA": [0.0]},
        {"cHRM": [0] * 8},
    ):
        assert close(png(image, **numbers), ADOBE_GREEN, 0)


def test_a_camera_that_says_it_by_its_exif_data():
    image = Image.new("RGB", (8, 8), ADOBE_GREEN)
    assert close(in_srgb(image, {"exif": b"Exif\0\0..R03\0.."}), GREEN)
    assert in_srgb(image, {"exif": b"Exif\0\0..R98\0.."}) is image


@pytest.mark.parametrize(
    ("mode", "icc"),
    [
        ("RGB", SRGB),
        ("L", SRGB),
        ("RGB", b"no profile"),
        ("RGB", SRGB[:200]),
        ("RGB", cmyk_profile()),
        ("RGB", grey_profile(1.0)),
        ("CMYK", ADOBE),
    ],
)
def test_a_profile_that_changes_nothing_or_cannot_be_used(mode, icc):
    """To the last bit, and no photo is lost."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)).convert(mode)
    np.testing.assert_array_equal(opened(noise, "TIFF", icc_profile=icc), opened(noise, "TIFF", icc_profile=None))


def test_check_says_what_was_converted(tmp_path):
    for number in range(4):
        (tmp_path / "mugs").mkdir(exist_ok=True)
        image = Image.new("RGB", (24, 24), ADOBE_GREEN)
        image.putpixel((0, 0), (number, 0, 0))
        options = {"icc_profile": ADOBE} if number else {}
        (tmp_path / "mugs" / f"{number}.png").write_bytes(encoded(image, **options))
    catalogue = Catalogue.from_folder(tmp_path, image_size=24, cache=False)
    middle = sorted(tuple(map(int, photo[12, 12])) for s in catalogue.splits for photo in catalogue.images(s))
    assert close(middle[:3], GREEN) and middle[3] == ADOBE_GREEN
    report = check(catalogue)
    assert report.profiles == {"Adobe RGB (1998)": 3}
    assert report.notes == ["3 photos converted from 'Adobe RGB (1998)' to sRGB."]


def test_a_file_for_programs_that_know_no_profiles():
    flat = Image.new("RGB", (8, 6), GREEN)
    turned = Image.Exif()
    turned[0x0112] = 6
    for kind, options in (("JPEG", {}), ("PNG", {"icc_profile": SRGB}), ("BMP", {})):
        assert plain_file(data := encoded(flat, kind, **options), "a") is data
    adobe = Image.new("RGB", (8, 6), ADOBE_GREEN)
    for data, size in (
        (encoded(adobe, "JPEG", icc_profile=ADOBE, quality=95), (8, 6)),
        (encoded(flat, "JPEG", exif=turned, quality=95), (6, 8)),
        (encoded(flat.convert("RGBA"), "WEBP", lossless=True), (8, 6)),
        (encoded(flat.convert("CMYK"), "TIFF"), (8, 6)),
    ):
        made = Image.open(io.BytesIO(plain_file(data, "a")))
        assert (made.format, made.mode, made.size) == ("PNG", "RGB", size) and close(made, GREEN)
    with pytest.raises(PhotoError, match="a: not a JPEG"):
        plain_file(b"no photo", "a")
