import argparse

import numpy as np
import pytest
from PIL import Image

from tfproductgan.cli.data_options import add_data_options, catalogue_from, source_from


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    for number in range(8):
        path = tmp_path / "photos" / ("rings" if number % 2 else "mugs") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    return tmp_path / "photos"


def parse(*words):
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_data_options(parser)
    return parser.parse_args([str(word) for word in words])


def test_folder(folder):
    catalogue = catalogue_from(parse("--data", folder, "--image-size", 16, "--attributes", "kind"))
    assert catalogue.schema.names == ("kind",)
    assert catalogue.schema.attribute("kind").values == ("mugs", "rings")
    assert catalogue.images().shape[1:] == (16, 16, 3)


def test_table(folder, tmp_path):
    table = tmp_path / "shop.csv"
    lines = [f"{p.relative_to(folder).as_posix()},{p.parent.name},{p.name},train" for p in folder.rglob("*.png")]
    table.write_text("\n".join(["where,kind,title,part", *lines]))
    words = ["--data", table, "--images-in", folder, "--attributes", "kind", "--image-column", "where"]
    words += ["--text", "title", "--split-column", "part", "--channels", 1, "--fit", "crop", "--image-size", 8]
    catalogue = catalogue_from(parse(*words))
    assert catalogue.size("train") == 8 and catalogue.channels == 1
    assert set(catalogue.captions()) == {f"{number}.png" for number in range(8)}


def test_catalogue_and_source_speak_of_the_same_photos(folder):
    args = parse("--data", folder, "--image-size", 16)
    catalogue, (source, image_size) = catalogue_from(args), source_from(args)
    assert catalogue.image_size == image_size == 16
    assert sum(map(len, catalogue.splits.values())) == len(source.items) == 8


def test_min_count_and_max_unreadable_reach_the_catalogue(folder):
    (folder / "mugs" / "broken.png").write_bytes(b"nothing")
    (folder / "rings" / "1.png").rename(folder / "rings" / "one.png")
    Image.new("RGB", (20, 20)).save(folder.parent / "x.png")
    (folder / "bowls").mkdir()
    (folder.parent / "x.png").rename(folder / "bowls" / "x.png")
    catalogue = catalogue_from(parse("--data", folder, "--min-count", 2, "--max-unreadable", 0.5, "--image-size", 8))
    assert catalogue.schema.attribute("class").values == ("mugs", "rings")
    assert len(catalogue.skipped) == 1


def test_images_is_left_to_training():
    parser = argparse.ArgumentParser()
    add_data_options(parser)
    parser.add_argument("--images", type=int)
    assert parser.parse_args(["--data", "studio", "--images", "400"]).images == 400


def test_studio():
    catalogue = catalogue_from(parse("--data", "studio:20", "--image-size", 32, "--attributes", "colour"))
    assert catalogue.schema.names == ("colour",)
    assert sum(map(len, catalogue.splits.values())) == 20
