import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from tfproductgan.cli.main import main
from tfproductgan.sampling.files import read_metadata

HOW = ["--features", "random", "--size", "16", "--iterations", "2", "--style-layers", "relu1_1"]
GPS, ORIENTATION = 0x8825, 0x0112


def opened(path):
    with Image.open(path) as image:
        image.load()
    return image


@pytest.fixture
def stylize(tmp_path, monkeypatch):
    """Runs `tfproductgan stylize` in a folder with photos and a style."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    pixels = np.full((20, 30, 3), 255, np.uint8)
    pixels[6:14, 8:22] = 200, 30, 30
    photo = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # a quarter turn
    exif[GPS] = {1: "N", 2: (TiffImagePlugin.IFDRational(52),) * 3}
    photo.save("photos/turned.jpg", exif=exif, quality=95)
    photo.save("photos/plain.png")
    photo.putalpha(Image.fromarray(np.where(pixels[..., 1] < 100, 255, 0).astype(np.uint8)))
    photo.save("cut.png")
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    Image.fromarray(noise).save("style.png")
    Image.fromarray(noise).resize((30, 20)).save("busy.png")
    (tmp_path / "text.png").write_text("no picture")
    return lambda *words: main(["stylize", *map(str, words), *HOW])


def test_a_folder_is_painted_upright_and_without_its_place(stylize, tmp_path, capsys):
    assert stylize("photos", "--style", "style.png", "--out", "painted") == 0
    made = {path.name: opened(path) for path in sorted((tmp_path / "painted").iterdir())}
    assert {name: image.size for name, image in made.items()} == {
        "plain-stylized.png": (30, 20),
        "turned-stylized.png": (20, 30),
    }
    assert not any(image.getexif() for image in made.values())
    metadata = read_metadata("painted/plain-stylized.png")
    assert (metadata["kind"], metadata["source"], metadata["styles"]) == ("stylization", "plain.png", ["style.png"])
    assert metadata["seed"] == 0 and metadata["losses"]["total"] > 0 and metadata["content_layer"] == "relu3_1"
    said = capsys.readouterr().out
    assert "Features of random filters, up to relu3_1: content of relu3_1, style of relu1_1." in said
    assert "plain.png 16x11, step 1 of 2: total" in said and "painted/plain-stylized.png  of plain.png" in said


def test_transparency_is_kept_and_tells_the_product(stylize):
    assert stylize("cut.png", "--style", "style.png", "--only", "product", "--out", "made.png", "--every", "1") == 0
    made, given = np.asarray(opened("made.png")), np.asarray(opened("cut.png"))
    np.testing.assert_array_equal(made[..., 3], given[..., 3])
    inside = given[..., 3] == 255
    assert np.any(made[inside] != given[inside])
    assert opened("made-16x11-0001.png").size == (30, 20)


def test_a_plain_background_stays_or_changes_as_asked(stylize):
    given = np.asarray(opened("photos/plain.png"))
    for only, place in (("product", (2, 2)), ("background", (10, 15))):
        assert stylize("photos/plain.png", "--style", "style.png", "--only", only, "--out", f"{only}.png") == 0
        made = np.asarray(opened(f"{only}.png"))
        np.testing.assert_array_equal(made[place], given[place])
        assert np.any(made != given)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["photos/plain.png", "--style", "text.png"], "text.png: not a JPEG, PNG, WebP"),
        (["none.png", "--style", "style.png"], "'none.png' does not exist"),
        (["busy.png", "--style", "style.png", "--only", "product"], "no one colour to tell the product from"),
        (["photos/plain.png", "--style", "style.png", "--mask", "style.png"], "a mask has those of its photo"),
        (["photos/plain.png", "--style", "style.png", "--out", "photos/plain.png"], "is what is read"),
        (["photos/plain.png", "--style", "style.png", "--out", "style.png", "--overwrite"], "is what is read"),
        (["photos", "--style", "style.png", "--out", "one.png"], "2 photos do not go into one file"),
        (["photos/plain.png", "--style", "style.png", "--out", "one.bmp"], "a .png, .jpg or .webp file"),
        (["photos/plain.png", "--style", "style.png", "--weights", "1,2"], "Each of 1 styles needs a weight"),
        (["photos/plain.png", "--style", "style.png", "--content-layer", "relu9"], "VGG-19 has no layer 'relu9'"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(stylize, tmp_path, capsys, words, said):
    before = sorted(tmp_path.rglob("*"))
    assert stylize(*words) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tfproductgan: error: ") and said in line
    assert sorted(tmp_path.rglob("*")) == before


def test_of_several_photos_one_that_cannot_be_read_does_not_keep_the_rest(stylize, capsys):
    assert stylize("text.png", "photos/plain.png", "--style", "style.png", "--out", "painted") == 1
    said = capsys.readouterr()
    assert "text.png: not a JPEG" in said.err and "1 of 2 photos could not be painted: text.png" in said.out
    assert opened("painted/plain-stylized.png").size == (30, 20)
