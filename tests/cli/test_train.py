import argparse
import json
import os

import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue import label_notes
from tfproductgan.cli.main import main
from tfproductgan.cli.train import add_arguments, example_request, resolve_recipe
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.writing import locked

TINY = ["--recipe", "mlp", "--image-size", "16", "--images", "16", "--batch-size", "8", "--precision", "float32"]
TINY += ["--set", "generator.widths=[8]", "--set", "discriminator.widths=[8]"]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder of twenty photos; the current folder is the one above."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for name in ("mugs", "rings"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(10):
            pixels = rng.integers(0, 256, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    return tmp_path / "photos"


def train(*words):
    return main(["train", "--data", "photos", "--out", "run", *map(str, words)])


def test_a_training_says_how_to_ask_for_pictures(photos, capsys):
    assert train(*TINY) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "images are a short run" in lines[-5]
    assert "Trained mlp-16-" in lines[-4]
    assert lines[-3].strip().startswith("tfproductgan generate --model run ")
    assert lines[-1].strip() == "tfproductgan evaluate run"
    assert (photos.parent / "run" / "generator.keras").is_file()


def test_a_column_of_vectors_is_learnt_from_and_asked_for(photos, capsys):
    pyarrow, parquet = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.parquet"))
    made = np.random.default_rng(0).normal(size=(20, 4))
    files = sorted(str(path.relative_to(photos)) for path in photos.rglob("*.png"))
    parquet.write_table(pyarrow.table({"file": files, "clip": made.tolist()}), photos / "shop.parquet")
    words = ["--data", "photos/shop.parquet", "--text-vectors", "clip"]
    assert train(*TINY, *words) == 0
    assert "generate --model run --text-vectors vectors.npy" in capsys.readouterr().out
    np.save("vectors.npy", made[:2])
    assert main(["generate", "--model", "run", "--text-vectors", "vectors.npy"]) == 0
    assert len(list((photos.parent / "pictures").iterdir())) == 2
    assert main(["train", *words, "--text", "clip", "--out", "other"]) == 1
    assert "from titles or from vectors of them" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(photos, capsys, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("tfproductgan.training.trainer.train", interrupted)
    assert train(*TINY) == 130
    assert capsys.readouterr().err.strip() == "tfproductgan: interrupted. The same command starts again in run"


@pytest.mark.parametrize(
    "words, said",
    [
        (["--set", "loss=hing"], "did you mean 'hinge'?"),
        (["--set", 'penalties={"r3": 1}'], "Unknown penalty 'r3'"),
        (["--set", "penalties.r1=much"], "much"),
        (["--set", 'augmentation=["flop"]'], "did you mean 'flip'?"),
        (["--set", "family=gan"], "Unknown network family 'gan'"),
        (["--set", "generator.width=3"], "no option 'width': did you mean 'widths'"),
        (["--recipe", "dcgan", "--set", "generator={}", "--set", "discriminator={}", "--image-size", 48], "28, 32, 64"),
    ],
)
def test_mistakes_in_the_recipe_come_before_the_photos(photos, capsys, monkeypatch, words, said):
    monkeypatch.setattr("tfproductgan.cli.train.catalogue_from", lambda args: pytest.fail("photos were read"))
    assert train(*TINY, *words) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tfproductgan: error: ") and said in line
    assert not (photos.parent / "run").exists()


def test_options_of_networks_and_penalties_are_set_one_by_one():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    words = ["--set", "penalties.r2=2", "--set", "generator.widths=[8]", "--set", "generator.latent_dim=4"]
    recipe = resolve_recipe(parser.parse_args(["--data", "photos", "--out", "run", *words]))
    assert recipe.objective.penalties == {"r1": 1.0, "r2": 2}
    assert recipe.networks["generator"].options.items() >= {"latent_dim": 4, "upsampling": "nearest"}.items()
    assert recipe.networks["generator"].options["widths"] == [8]


@pytest.mark.parametrize("attributes, words", [([Attribute("kind", ("Side bag",))], " 'Side bag'"), ([], "")])
def test_the_example_is_made_of_the_commonest_photo(attributes, words):
    schema = ConditionSchema(attributes, 32).with_combinations([(1,) * len(attributes)])
    assert example_request(schema) == words


def test_a_folder_that_is_no_run_comes_before_the_photos(photos, capsys):
    (photos.parent / "run").mkdir()
    (photos.parent / "run" / "thesis.txt").write_text("years of work")
    (photos.parent / "empty").mkdir()
    assert main(["train", "--data", "empty", "--out", "run"]) == 1
    assert "run exists and is no run directory" in capsys.readouterr().err


def test_a_run_keeps_the_number_that_auto_was(photos, capsys, monkeypatch):
    (photos / "caps").mkdir()
    Image.new("RGB", (20, 20), "red").save(photos / "caps" / "1.png")
    assert train(*TINY) == 0
    assert "class: 1 of 3 values are on fewer than 2 training photos and become 'not given': 'caps'." in (
        capsys.readouterr().out
    )
    assert json.loads((photos.parent / "run" / "data.json").read_text("utf-8"))["options"]["min_count"] == 2
    monkeypatch.setattr(label_notes, "_LEAST", 1)  # another rule, as of a later version
    assert train(*TINY) == 0
    assert "Finished before" in capsys.readouterr().out


def test_a_run_that_another_process_trains_comes_before_the_photos(photos, capsys, monkeypatch):
    monkeypatch.setattr("tfproductgan.cli.train.catalogue_from", lambda args: pytest.fail("photos were read"))
    with locked(photos.parent / "run"):
        assert train(*TINY) == 1
    assert f"'run' is in use by process {os.getpid()} on " in capsys.readouterr().err
