import json

import numpy as np
import pytest
from PIL import Image

from tfproductgan.cli.main import main
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.models import loading
from tfproductgan.models.translator import Translator
from tfproductgan.sampling.files import read_metadata


class Shade(Translator):
    """Paints all of a picture as dark as its category's id."""

    model_id = "shade-1"
    schema = ConditionSchema([Attribute("category", ("Ring", "Watch"))], 32, 1, source_channels=1)

    def translate_squares(self, sources, ids):
        return np.broadcast_to(ids[:, :, None, None], sources.shape).astype(np.uint8)


@pytest.fixture
def batch(painter, tmp_path, monkeypatch):
    """Runs `tfproductgan batch` in a folder of its own, with models that need no training."""
    monkeypatch.setattr(loading, "load", lambda path: painter if path == "painter" else Shade())
    monkeypatch.chdir(tmp_path)
    return lambda requests, model, *words: main(["batch", requests, "--model", model, "--out", "made", *words])


def manifest(tmp_path):
    return [json.loads(line) for line in (tmp_path / "made" / "manifest.jsonl").read_text().splitlines()]


def files(tmp_path):
    return sorted(path.name for path in (tmp_path / "made").iterdir() if path.suffix != ".jsonl")


def test_a_table_is_made_row_by_row_and_a_wrong_row_does_not_keep_the_others(batch, tmp_path, capsys):
    rows = ["category,colour,seed,name", "ring,gold,7,sku-1", "Wing,,,", "mug,,,sku-3.webp", "mug,,x,", "mug,,,sku-1"]
    (tmp_path / "requests.csv").write_text("\n".join(rows) + "\n")
    assert batch("requests.csv", "painter", "--format", "jpg") == 1
    assert files(tmp_path) == ["sku-1.jpg", "sku-3.webp"]
    said = capsys.readouterr()
    assert said.out == "2 made, 0 were there, 3 failed: made/manifest.jsonl\n"
    assert "line 3: Unknown category 'Wing': did you mean 'Ring'" in said.err
    assert "line 5: seed must be a number. Received: 'x'" in said.err
    assert "line 6: it would become made/sku-1.jpg, as line 2 does." in said.err
    assert [line["row"] for line in manifest(tmp_path) if "file" in line] == ["line 2", "line 4"]
    asked = read_metadata(tmp_path / "made" / "sku-1.jpg")
    assert (asked["conditions"]["category"], asked["conditions"]["colour"], asked["seed"]) == ("Ring", "Gold", 7)


def test_it_goes_on_where_it_stopped_and_makes_anew_what_has_changed(batch, tmp_path, capsys):
    (tmp_path / "requests.csv").write_text("category,name\nRing,a\nMug,b\n")
    assert batch("requests.csv", "painter") == 0
    (tmp_path / "made" / "b.png").unlink()
    before = (tmp_path / "made" / "a.png").stat().st_mtime_ns
    assert batch("requests.csv", "painter") == 0
    assert (tmp_path / "made" / "a.png").stat().st_mtime_ns == before and files(tmp_path) == ["a.png", "b.png"]
    assert capsys.readouterr().out.endswith("1 made, 1 were there, 0 failed: made/manifest.jsonl\n")
    (tmp_path / "requests.csv").write_text("category,name\nMug,a\nMug,b\n")
    assert batch("requests.csv", "painter") == 1  # what is there is not replaced unasked
    assert "line 2: 'made/a.png' exists already" in capsys.readouterr().err
    assert batch("requests.csv", "painter", "--overwrite") == 0
    assert read_metadata(tmp_path / "made" / "a.png")["conditions"]["category"] == "Mug"


def test_photos_of_a_folder_or_a_table_go_through_a_model_that_takes_them(batch, tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    for name, size in (("wide", (40, 20)), ("tall", (8, 16))):
        Image.new("L", size, 100).save(tmp_path / "photos" / f"{name}.png")
    (tmp_path / "photos" / "text.png").write_text("no picture")
    assert batch("photos", "shade", "--set", "category=Watch", "--shape", "1:1") == 1
    assert "text.png: " in capsys.readouterr().err and files(tmp_path) == ["tall.png", "wide.png"]
    with Image.open(tmp_path / "made" / "wide.png") as image:
        assert image.size == (40, 40) and image.getpixel((20, 20)) == 2
    assert batch("photos", "shade", "--out", "photos", "--overwrite") == 1
    assert "wide.png: 'photos/wide.png' is what is read: give another --out" in capsys.readouterr().err
    with Image.open(tmp_path / "photos" / "wide.png") as image:
        assert image.size == (40, 20)
    (tmp_path / "requests.csv").write_text("picture;category\nphotos/tall.png;Ring\nphotos/none.png;Ring\n")
    assert batch("requests.csv", "shade") == 1
    assert "line 3: 'photos/none.png' cannot be read: No such file" in capsys.readouterr().err
    assert np.asarray(Image.open(tmp_path / "made" / "00001-tall.png")).max() == 1


@pytest.mark.parametrize(
    ("table", "model", "said"),
    [
        ("category,color\nRing,Gold\n", "painter", "a column 'color', which painter cannot be asked for: did you mean"),
        ("category\nRing\n", "shade", "requests.csv has no column 'picture', and shade takes pictures"),
        (None, "painter", "'requests.csv' does not exist"),
    ],
)
def test_what_no_row_could_be_made_of_is_one_line(batch, tmp_path, capsys, table, model, said):
    if table:
        (tmp_path / "requests.csv").write_text(table)
    assert batch("requests.csv", model) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tfproductgan: error: ") and said in line
    assert not (tmp_path / "made").exists()
