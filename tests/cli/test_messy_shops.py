"""What shops have goes from `check` to a trained grid as it is: see `messy_shops.py`."""

import re
import runpy
from pathlib import Path

import pytest

from tfproductgan.cli.main import main

SHOPS = runpy.run_path(str(Path(__file__).with_name("messy_shops.py")))["SHOPS"]

TINY = ["--recipe", "mlp", "--image-size", "16", "--images", "32", "--batch-size", "16", "--precision", "float32"]
TINY += ["--set", "generator.widths=[8]", "--set", "discriminator.widths=[8]"]

SAID = {
    "jewellery": (
        ["jewellery"],
        [
            "123 readable of 125",
            "18 files read as photos by content",
            "Passed over, a system folder: __MACOSX",
            "'Jewellery (new)' lies around everything and is no class",
            "1 photo without a class, left out: Jewellery (new)/banner.jpg",
            "Exact duplicates 6",
            "class: 3 values",
            "earrings 41",
            "use the other 123",
        ],
    ),
    "furniture": (
        ["furniture", "--attributes", "Type,Color"],
        [
            "1,500 readable of 1,500",
            "'00000' is images/00000.jpg",
            "Color looks as if it held several values in one cell",
            "--multi Color takes them apart",
            "Type: 676 values",
        ],
    ),
    "groceries": (
        ["groceries"],
        [
            "train (63 %), validation (21 %), test (16 %)",
            "an attribute a level ('class', 3 values",
            "class 3: 7 values",
            "No label 19",
        ],
    ),
}


@pytest.fixture(params=SHOPS)
def shop(request, tmp_path, monkeypatch):
    """The words that name its data; the current folder is the one above."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    SHOPS[request.param](tmp_path / request.param)
    return SAID[request.param]


def test_check_says_what_is_done_to_them(shop, capsys):
    words, said = shop
    assert main(["check", *words]) == 0
    shown = " ".join(re.sub("[━─•]", " ", capsys.readouterr().out).split())
    for each in said:
        assert each in shown


@pytest.mark.slow
def test_they_train_as_they_are(shop, tmp_path):
    words, _ = shop
    assert main(["train", "--data", *words, *TINY, "--out", "run"]) == 0
    assert (tmp_path / "run" / "grids" / "images-000000032.png").is_file()
