import json

import pytest
from PIL import Image

from tfproductgan.cli.main import main


def make_run(path, **more):
    path.mkdir()
    (path / "recipe.json").write_text("{}")
    lines = [{"images_seen": seen, "time": 1, "d_loss": 1 / seen, **more} for seen in (100, 200)]
    (path / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The current folder with two runs and a folder that is none."""
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "a", val_fid=20.0)
    make_run(tmp_path / "b")
    (tmp_path / "empty").mkdir()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "recipe.json").write_text("{}")
    return tmp_path


def test_curves_of_a_run_are_a_picture(runs, capsys):
    assert main(["plot", "a"]) == 0
    assert capsys.readouterr().out == "Written: curves.png\n"
    with Image.open("curves.png") as picture:
        assert min(picture.size) > 300


@pytest.mark.parametrize("name, start", [("c.svg", b"<?xml"), ("c.PDF", b"%PDF"), ("new/c.png", b"\x89PNG")])
def test_the_suffix_says_what_is_written(runs, name, start):
    assert main(["plot", "a", "b", "--metric", "d_loss", "val_fid", "--out", name]) == 0
    assert (runs / name).read_bytes().startswith(start)


def test_a_picture_is_replaced_only_if_that_is_allowed(runs, capsys):
    assert main(["plot", "a"]) == 0
    before = (runs / "curves.png").read_bytes()
    assert main(["plot", "b"]) == 1
    assert "exists already" in capsys.readouterr().err and (runs / "curves.png").read_bytes() == before
    assert main(["plot", "b", "--overwrite"]) == 0
    assert (runs / "curves.png").read_bytes() != before


@pytest.mark.parametrize(
    "words, said",
    [
        (["nowhere"], "'nowhere' is no run directory: it holds no recipe.json"),
        (["a", "empty"], "'empty' is no run directory"),
        (["new"], "'new' has no curves"),
        (["a", "--metric", "d_los"], "Unknown metric 'd_los': did you mean 'd_loss'"),
        (["b", "--metric", "val_d_loss"], "Unknown metric 'val_d_loss'"),
        (["a", "--out", "curves.jpg"], "'curves.jpg' names no format: the suffix must be .png, .svg, .pdf"),
        (["a", "--out", "a/recipe.json/curves.png"], "is no folder that can be written"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(runs, capsys, words, said):
    assert main(["plot", *words]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tfproductgan: error: ") and said in line
