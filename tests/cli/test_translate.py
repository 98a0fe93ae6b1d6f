import numpy as np
import pytest
from PIL import Image

from tfproductgan.cli.main import main
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.models import loading
from tfproductgan.models.translator import Translator
from tfproductgan.sampling.files import read_metadata


class Negative(Translator):
    """Makes negatives, brighter for watches."""

    model_id = "negative-1"
    schema = ConditionSchema([Attribute("category", ("Ring", "Watch"))], 32, 1, source_channels=1)

    def translate_squares(self, sources, ids):
        return np.where(ids[:, :, None, None] == 2, 255 - sources // 2, 255 - sources).astype(np.uint8)


@pytest.fixture
def translate(painter, tmp_path, monkeypatch):
    """Runs `tfproductgan translate` in a folder with two drawings and a model that needs no training."""
    monkeypatch.setattr(loading, "load", lambda path: painter if path == "painter" else Negative())
    monkeypatch.chdir(tmp_path)
    for name, size in (("wide", (40, 20)), ("tall", (8, 16))):
        Image.new("L", size, 100).save(f"{name}.png")
    return lambda *words: main(["translate", *words, *([] if "--model" in words else ["--model", "run"])])


def test_each_picture_comes_out_in_its_own_size_and_says_what_it_is(translate, tmp_path, capsys):
    assert translate("wide.png", "tall.png", "--set", "category=Watch") == 0
    made = [Image.open(tmp_path / "pictures" / f"{name}-translated.png") for name in ("wide", "tall")]
    assert [picture.size for picture in made] == [(40, 20), (8, 16)]
    assert {tuple(np.unique(np.asarray(picture))) for picture in made} == {(205,)}
    metadata = read_metadata(tmp_path / "pictures" / "wide-translated.png")
    assert (metadata["kind"], metadata["model_id"], metadata["source"]) == ("translation", "negative-1", "wide.png")
    assert metadata["conditions"] == {"category": "Watch"}
    assert capsys.readouterr().out == (
        "pictures/wide-translated.png  of wide.png, Watch\npictures/tall-translated.png  of tall.png, Watch\n"
        "Made by negative-1.\n"
    )


def test_a_model_that_goes_both_ways_is_told_which(translate, tmp_path, monkeypatch):
    class BothWays(Negative):
        directions = ("B", "A")

        def translate(self, pictures, conditions=None, to="B"):
            made = super().translate(pictures, conditions)
            return made if to == "B" else [picture // 5 for picture in made]

    monkeypatch.setattr(loading, "load", lambda path: BothWays())
    assert translate("wide.png", "--to", "A") == 0
    made = tmp_path / "pictures" / "wide-translated.png"
    assert np.unique(np.asarray(Image.open(made))) == [31] and read_metadata(made)["to"] == "A"


def test_large_pictures_are_made_in_tiles_with_all_their_pixels(translate, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 90), np.uint8)).save("large.png")
    assert translate("large.png", "--tiles") == 0
    made, given = (np.asarray(Image.open(tmp_path / name)) for name in ("pictures/large-translated.png", "large.png"))
    np.testing.assert_array_equal(made, 255 - given)


def test_files_are_not_replaced_unasked(translate, capsys):
    assert translate("wide.png") == 0
    assert translate("wide.png") == 1
    assert "exists" in capsys.readouterr().err
    assert translate("wide.png", "--overwrite") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.png"], "'none.png' does not exist"),
        (["wide.png", "--set", "category=Wach"], "Unknown category 'Wach': did you mean 'Watch'"),
        (["wide.png", "--set", "colour=Red"], "Unknown attribute 'colour'"),
        (
            ["wide.png", "--model", "painter"],
            "painter is asked by name and takes no pictures: use",
        ),
        (["wide.png", "wide.png"], "Two photos would become"),
        (["wide.png", "--to", "A"], "--to is for models that go both ways, and run knows one"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(translate, tmp_path, capsys, words, said):
    assert translate(*words) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tfproductgan: error: ") and said in line
    assert not (tmp_path / "pictures").exists()


def test_a_model_that_takes_pictures_is_not_asked_by_name(translate, capsys):
    assert main(["generate", "ring", "--model", "run"]) == 1
    assert "run makes pictures of pictures: use tfproductgan translate" in capsys.readouterr().err


def test_a_blend_needs_a_model_that_paints_in_styles(translate, capsys):
    assert translate("wide.png", "--set", "category=Watch", "--blend", "category=Ring") == 1
    assert "run paints in no styles: --blend is for models of the recipe style" in capsys.readouterr().err


def test_a_blend_goes_as_far_as_asked(translate, monkeypatch):
    asked = []

    def between(self, first, second, share):
        asked.append((first, second, share))
        return self

    monkeypatch.setattr(Negative, "between", between, raising=False)
    assert translate("wide.png", "--set", "category=Watch", "--blend", "category=Ring", "--share", "0.3") == 0
    assert asked == [({"category": "Watch"}, {"category": "Ring"}, 0.3)]
    metadata = read_metadata("pictures/wide-translated.png")
    assert (metadata["blend"], metadata["share"]) == ({"category": "Ring"}, 0.3)
