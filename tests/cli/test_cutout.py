import numpy as np
import pytest
from PIL import Image

from tfproductgan.cli.main import main
from tfproductgan.conditions import ConditionSchema
from tfproductgan.models import loading
from tfproductgan.models.translator import Translator
from tfproductgan.sampling.files import read_metadata


class LeftHalf(Translator):
    """Takes the left half of every picture for the product."""

    model_id = "left-1"
    schema = ConditionSchema([], 32, 1, source_channels=3)

    def translate_squares(self, sources, ids):
        made = np.zeros((*sources.shape[:3], 1), np.uint8)
        made[:, :, :16] = 255
        return made


def opened(path):
    with Image.open(path) as image:
        image.load()
    return np.asarray(image)


@pytest.fixture
def cutout(painter, tmp_path, monkeypatch):
    """Runs `tfproductgan cutout` in a folder with a red spot on white and a photo without a plain background."""
    monkeypatch.setattr(loading, "load", lambda path: painter if path == "painter" else LeftHalf())
    monkeypatch.chdir(tmp_path)
    pixels = np.full((60, 80, 3), 255, np.uint8)
    pixels[20:40, 30:60] = 200, 30, 30
    Image.fromarray(pixels).save("spot.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)).save("busy.png")
    return lambda *words: main(["cutout", *words])


def test_a_product_is_cut_out_without_a_white_edge(cutout):
    assert cutout("spot.png", "--out", "cut.png") == 0
    made = opened("cut.png")
    assert made.shape == (60, 80, 4) and made[5, 5, 3] == 0 and made[30, 45].tolist() == [200, 30, 30, 255]
    edge = (made[..., 3] > 100) & (made[..., 3] < 255)
    assert edge.any() and made[edge][:, 1].max() < 100  # the photo has white there
    metadata = read_metadata("cut.png")
    assert (metadata["kind"], metadata["model_id"], metadata["source"]) == ("cutout", "plain background", "spot.png")


def test_it_is_put_before_another_background_with_a_shadow(cutout):
    assert cutout("spot.png", "--background", "#6080a0", "--shadow", "0.5", "--out", "placed.png") == 0
    made = opened("placed.png")
    assert (
        made.shape == (60, 80, 3) and made[30, 45].tolist() == [200, 30, 30] and made[2, 2].tolist() == [96, 128, 160]
    )
    below = made[42, 45].astype(int)
    assert (below < [90, 120, 150]).all() and below[0] < below[1] < below[2]
    assert cutout("spot.png", "--background", "busy.png", "--shadow", "0", "--out", "busy-placed.png") == 0
    assert np.std(opened("busy-placed.png")[:15]) > 20


def test_a_model_tells_what_no_plain_background_does(cutout):
    assert cutout("busy.png", "--model", "run") == 0
    made = opened("pictures/busy-cutout.png")
    assert (made[:, :16, 3] > 250).all() and (made[:, 24:, 3] < 5).all()
    assert read_metadata("pictures/busy-cutout.png")["model_id"] == "left-1"


def test_transparency_is_a_mask(cutout):
    cutout("spot.png", "--out", "cut.png")
    assert cutout("cut.png", "--out", "again.png") == 0
    np.testing.assert_array_equal(opened("again.png")[..., 3], opened("cut.png")[..., 3])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["busy.png"], "no one colour to tell the product from. Give a --model"),
        (["spot.png", "--model", "painter"], "painter makes no masks: give a run of"),
        (["spot.png", "--background", "none.png"], "'none.png' cannot be read: No such file"),
        (["spot.png", "--background", "busy.png", "--out", "busy.png", "--overwrite"], "is what is read"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(cutout, tmp_path, capsys, words, said):
    before = sorted(tmp_path.rglob("*"))
    assert cutout(*words) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tfproductgan: error: ") and said in line
    assert sorted(tmp_path.rglob("*")) == before


def test_of_several_photos_one_that_cannot_be_does_not_keep_the_rest(cutout, capsys):
    assert cutout("busy.png", "spot.png", "--out", "cut") == 1
    assert "1 of 2 products could not be cut out: busy.png" in capsys.readouterr().out
    assert opened("cut/spot-cutout.png").shape == (60, 80, 4)


def test_a_network_learns_masks_and_refuses_anything_else(cutout, capsys):
    words = ["--recipe", "cutout", "--image-size", "28", "--images", "16", "--batch-size", "8"]
    words += ["--set", "generator.width=4", "--set", "generator.max_width=4"]
    assert main(["train", "--data", "studio:80", *words, "--masks", "--out", "run"]) == 0
    assert cutout("busy.png", "--model", "run", "--out", "cut.png") == 0
    assert main(["train", "--data", "studio:80", "--sources", "lines", *words, "--out", "other"]) == 1
    assert "'cutout' makes masks, of one channel: train it on masks (--masks)" in " ".join(
        capsys.readouterr().err.split()
    )
