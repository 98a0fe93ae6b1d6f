import numpy as np
import pytest
from PIL import Image

from tfproductgan.cli.main import main
from tfproductgan.conditions import ConditionSchema
from tfproductgan.models import loading
from tfproductgan.models.upscaler import Upscaler
from tfproductgan.sampling.files import read_metadata


class Doubled(Upscaler):
    """Repeats pixels."""

    model_id = "doubled-1"
    schema = ConditionSchema([], 32, 3)
    scale = 2

    def _in_tiles(self, pixels, tile):
        return pixels.repeat(2, axis=0).repeat(2, axis=1)


@pytest.fixture
def upscale(painter, tmp_path, monkeypatch):
    """Runs `tfproductgan upscale` in a folder with two photos and a model that needs no training."""
    monkeypatch.setattr(loading, "load", lambda path: painter if path == "painter" else Doubled())
    monkeypatch.chdir(tmp_path)
    for name, size in (("wide", (40, 20)), ("tall", (8, 16))):
        Image.new("RGBA", size, (100, 50, 25, 128)).save(f"{name}.png")
    return lambda *words: main(["upscale", *words, *([] if "--model" in words else ["--model", "run"])])


def test_photos_come_out_larger_with_their_opacity_and_say_what_they_are(upscale, tmp_path, capsys):
    assert upscale("wide.png", "tall.png") == 0
    made = [Image.open(tmp_path / "pictures" / f"{name}-x2.png") for name in ("wide", "tall")]
    pixels = [np.asarray(picture) for picture in made]
    assert [picture.shape for picture in pixels] == [(40, 80, 4), (32, 16, 4)]
    assert np.abs(pixels[0][0, 0].astype(int) - (100, 50, 25, 128)).max() <= 2
    metadata = read_metadata(tmp_path / "pictures" / "wide-x2.png")
    assert {metadata[name] for name in ("kind", "model_id", "source")} == {"upscaling", "doubled-1", "wide.png"}
    assert capsys.readouterr().out == (
        "pictures/wide-x2.png  80 x 40, of wide.png\npictures/tall-x2.png  16 x 32, of tall.png\nMade by doubled-1.\n"
    )


def test_one_that_cannot_be_read_is_named_and_the_others_are_made(upscale, tmp_path, capsys):
    (tmp_path / "text.png").write_text("no picture")
    assert upscale("text.png", "wide.png") == 1
    assert "1 of 2 could not be made larger: text.png: not a JPEG" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["wide-x2.png"]


def test_folders_go_in_and_the_formats_sizes_and_shapes_of_shops_come_out(upscale, tmp_path):
    options = ("--format", "webp", "--shape", "3:4", "--longest", "40")
    assert upscale(".", "--out", "shop", *options) == 0
    assert sorted(path.name for path in (tmp_path / "shop").iterdir()) == ["tall-x2.webp", "wide-x2.webp"]
    with Image.open(tmp_path / "shop" / "wide-x2.webp") as image:
        assert image.size == (30, 40) and image.mode == "RGBA" and image.getpixel((15, 2))[3] == 0
    assert read_metadata(tmp_path / "shop" / "wide-x2.webp")["source"] == "wide.png"
    assert upscale("wide.png", "--out", "one.jpg", "--shape", "1:1") == 0
    with Image.open(tmp_path / "one.jpg") as image:
        assert image.size == (80, 80) and image.mode == "RGB" and min(image.getpixel((40, 2))) > 250
    assert read_metadata(tmp_path / "one.jpg")["kind"] == "upscaling"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["wide.png", "--model", "painter"], "painter does not make pictures larger"),
        (["wide.png", "none.png"], "'none.png' does not exist"),
        (["wide.png", "other"], "Two photos would become"),
        (["wide-x2.png", "wide.png", "--out", ".", "--overwrite"], "'wide-x2.png' is what is read"),
        (["wide.png", "--out", "."], "'wide-x2.png' exists already"),
        (["wide.png", "--out", "wide.tiff"], "--out is a .png, .jpg or .webp file or a folder"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(upscale, tmp_path, capsys, words, said):
    Image.new("RGB", (4, 4)).save(tmp_path / "wide-x2.png")
    (tmp_path / "other").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "other" / "wide.png")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.png")}
    assert upscale(*words) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tfproductgan: error: ") and said in line
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.png")} == before
