import argparse
import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tfproductgan
from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.records import dataset_folder
from tfproductgan.cli.data_options import add_data_options, catalogue_from, data_described, describe_data
from tfproductgan.cli.main import main

pytest.importorskip("tensorflow_datasets")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for i in range(40):
        path = folder / ("mug", "hat")[i % 2] / f"{i:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (32, 32, 3), np.uint8)).save(path)
    return folder


@pytest.fixture(scope="module")
def prepared(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared") / "my shop"
    assert main(["prepare", "--data", str(photos), "--image-size", "32", "--out", str(out)]) == 0
    return out


def test_says_what_it_wrote_and_what_to_do_next(photos, prepared, capsys):
    # the same again: all is done
    assert main(["prepare", "--data", str(photos), "--image-size", "32", "--out", str(prepared)]) == 0
    said = capsys.readouterr().out
    assert "photos      40 (" in said and "class       2 values" in said
    assert f"tfproductgan train --data '{prepared}' --out runs/'my shop'" in said


def test_training_on_it_is_training_on_the_photos(photos, prepared, tmp_path):
    losses = {}
    tiny = ["--recipe", "mlp", "--batch-size", "4", "--images", "24"]
    tiny += ["--set", "generator.widths=[8]", "--set", "discriminator.widths=[8]"]
    for run, data in (("disk", prepared), ("memory", photos)):
        words = ["train", "--data", str(data), "--image-size", "32", "--out", str(tmp_path / run)]
        assert main([*words, *tiny]) == 0
        lines = map(json.loads, (tmp_path / run / "metrics.jsonl").read_text("utf-8").splitlines())
        losses[run] = [{name: value for name, value in line.items() if "loss" in name} for line in lines]
    assert losses["disk"] == losses["memory"] and losses["disk"][0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--image-size 64", "--image-size is for tfproductgan prepare, and '.*' is prepared; it has --image-size 32"),
        ("--channels 1", "it has --channels 3"),
        ("--fit crop", "it has --fit letterbox"),
        ("--min-count 2", "--min-count is for tfproductgan prepare"),
        ("--text title", "--text is for tfproductgan prepare"),
        ("--attributes clas", "did you mean 'class'"),
    ],
)
def test_what_was_settled_when_preparing(prepared, tmp_path, capsys, options, message):
    words = ["train", "--data", str(prepared), "--out", str(tmp_path / "run"), "--dry-run", *options.split()]
    assert main(words) == 1
    assert re.search(message, capsys.readouterr().err)


def test_what_runs_of_before_wrote_down_finds_it_again(prepared):
    parser = argparse.ArgumentParser()
    add_data_options(parser, required=False)
    described = {**describe_data(parser.parse_args(["--data", str(prepared)])), "min_count": 1}
    assert catalogue_from(data_described(described, parser.parse_args([]))).schema.names == ("class",)


def test_check_reads_it(prepared, capsys):
    assert main(["check", str(prepared)]) == 0
    said = capsys.readouterr().out
    assert "40 readable of 40" in said and "class: 2 values" in said and "left out" not in said


def test_data_sets_of_others(tmp_path):
    """A folder that TFDS prepared, without our schema, is read like `tfds:`."""
    from tfproductgan.studio.tfds_builder import StudioConfig, StudioProducts

    StudioProducts(config=StudioConfig(name="few", image_size=28, count=20), data_dir=tmp_path).download_and_prepare()
    parser = argparse.ArgumentParser()
    add_data_options(parser)
    args = parser.parse_args(["--data", str(tmp_path), "--attributes", "category", "--image-size", "16"])
    catalogue = catalogue_from(args)
    assert catalogue.schema.names == ("category",) and catalogue.images().shape == (16, 16, 16, 3)


def test_an_unfinished_one_is_not_taken_for_whole(tmp_path, capsys):
    (tmp_path / ".preparing" / "0123").mkdir(parents=True)
    assert main(["train", "--data", str(tmp_path), "--out", str(tmp_path / "run"), "--dry-run"]) == 1
    assert "is not fully prepared: run its tfproductgan prepare once more" in capsys.readouterr().err


def test_places_that_will_not_do(photos, tmp_path, capsys):
    assert main(["prepare", "--data", str(photos), "--out", str(photos)]) == 1
    assert "is not empty (it has 'hat'): choose a new folder" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["prepare", "--data", str(photos), "--out", str(tmp_path / "file" / "below")]) == 1
    assert "Cannot write" in capsys.readouterr().err


def test_pairs_are_refused(photos, tmp_path, capsys):
    drawings = shutil.copytree(photos, tmp_path / "drawings")
    words = ["prepare", "--data", str(photos), "--sources", str(drawings), "--out", str(tmp_path / "out")]
    assert main(words) == 1
    error = capsys.readouterr().err
    assert "Pairs cannot be prepared" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def preparing(start):
    """Starts a process that prepares 1,500 products of the studio in a folder."""
    program = Path(tfproductgan.__file__).parent / "__main__.py"
    words = [program, "prepare", "--data", "studio:1500", "--image-size", "28", "--out"]
    return lambda out, said=os.devnull: start([*words, out], said=said)


def test_two_interrupts_end_it_and_it_goes_on(preparing, tmp_path):
    out, said = tmp_path / "out", tmp_path / "said"
    process = preparing(out, said)
    while process.is_alive() and not list(out.glob(".preparing/*/*")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    process.join(0.05)
    if process.is_alive():
        os.kill(process.pid, signal.SIGINT)
    process.join(20)
    assert process.exitcode == 130
    assert said.read_text() == f"\ntfproductgan: interrupted. The same command goes on in {out}\n"
    assert main(["train", "--data", str(out), "--out", str(tmp_path / "run"), "--dry-run"]) == 1  # not finished


@pytest.fixture(scope="module")
def undisturbed(preparing, tmp_path_factory):
    """What comes out without a kill, and how many seconds it takes."""
    out = tmp_path_factory.mktemp("undisturbed")
    before = time.monotonic()
    process = preparing(out)
    process.join()
    assert process.exitcode == 0
    return Catalogue.from_prepared(out), time.monotonic() - before


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(2))
def test_killed_at_any_moment(preparing, undisturbed, tmp_path, round_):
    """SIGKILL again and again, then once to the end: the same photos as without."""
    whole, seconds = undisturbed
    rng = np.random.default_rng(round_)
    for _ in range(6):
        process = preparing(tmp_path)
        process.join(rng.uniform(0, 0.8) * seconds)
        process.kill()
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        if dataset_folder(tmp_path) is not None:
            assert sum(map(Catalogue.from_prepared(tmp_path).size, ("train", "validation"))) == 1500
    process = preparing(tmp_path)
    process.join()
    assert process.exitcode == 0
    # not the bytes of the files: protobuf writes the features of a record in another order in each process
    killed = Catalogue.from_prepared(tmp_path)
    assert killed.fingerprint == whole.fingerprint and killed.captions() == whole.captions()
    assert [path.name for path in tmp_path.iterdir()] == ["product_photos"]
