import argparse
import json

import numpy as np
import pytest
from PIL import Image

from tfproductgan.cli.data_options import add_data_options, catalogue_from, data_described, describe_data, source_from
from tfproductgan.errors import CatalogueError


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


def wood(folder, tmp_path, separator):
    cells = ["Pine", f"Pine{separator}white", f"white{separator} oak", f"oak{separator} pine"]
    lines = [f'{p.name},"{cells[int(p.stem) % 4]}"' for p in folder.rglob("*.png")]
    (tmp_path / "wood.csv").write_text("\n".join(["image,wood", *lines]))
    for path in [*folder.rglob("*.png")]:
        path.rename(tmp_path / path.name)
    return tmp_path / "wood.csv"


@pytest.mark.parametrize(("separator", "option"), [(",", "wood"), (";", "wood"), ("/", "WOOD=/"), ("\n", "wood=\\n")])
def test_cells_of_several_values(folder, tmp_path, separator, option):
    words = ["--data", wood(folder, tmp_path, separator), "--attributes", "wood", "--image-size", 8]
    args = parse(*words, "--multi", option)
    catalogue = catalogue_from(args)
    assert str(catalogue.schema.attribute("wood")) == "wood (3, up to 2 a picture)"
    again = data_described(json.loads(json.dumps(describe_data(args))), optional())
    assert catalogue_from(again).fingerprint == catalogue.fingerprint
    source, _ = source_from(parse(*words))
    assert ["--multi wood takes them apart" in note for note in source.notes] == [True]


def test_several_values_are_for_tables(folder):
    for data, message in (
        (folder, "--multi is for tables"),
        ("studio:20", "--multi is for tables. Received: 'studio:20'"),
    ):
        with pytest.raises(CatalogueError, match=message):
            source_from(parse("--data", data, "--multi", "class"))
    with pytest.raises(argparse.ArgumentError, match="expected an attribute, such as colour"):
        parse("--data", folder, "--multi", "=;")


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


@pytest.fixture
def drawings(folder, tmp_path):
    for path in folder.rglob("*.png"):
        drawn = tmp_path / "drawings" / path.relative_to(folder).with_suffix(".bmp")
        drawn.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).convert("L").save(drawn)
    return tmp_path / "drawings"


def test_pairs(folder, drawings):
    args = parse("--data", folder, "--sources", drawings, "--image-size", 16)
    catalogue, (source, _) = catalogue_from(args), source_from(args)
    assert catalogue.schema.source_channels == 1
    assert next(catalogue.source_batches()).shape == (catalogue.size(), 16, 16, 1)
    assert len(next(source.loads())) == 2 and len(source.items) == 8


def test_pairs_side_by_side(folder):
    args = parse("--data", folder, "--sources", "right", "--image-size", 16)
    assert catalogue_from(args).schema.source_channels == 3
    assert describe_data(args)["sources"] == "right"


@pytest.mark.parametrize("source", ["lines", "mask"])
def test_pairs_of_the_studio(source):
    args = parse("--data", "studio:6", "--sources", source, "--image-size", 28)
    assert catalogue_from(args).schema.source_channels == 1
    assert all(len(loads) == 2 for loads in source_from(args)[0].loads())


def test_another_command_finds_the_pairs_again(folder, drawings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    described = describe_data(parse("--data", "photos", "--sources", "drawings", "--image-size", 16))
    first = catalogue_from(data_described(described, optional()))
    monkeypatch.chdir(folder)
    again = catalogue_from(data_described(json.loads(json.dumps(described)), optional()), first.schema)
    assert again.fingerprint == first.fingerprint and again.schema.source_channels == 1
    # a word, even where there is a folder of that name; and a run of the time before there were pairs
    (folder / "mask").mkdir()
    assert describe_data(parse("--data", "studio", "--sources", "mask"))["sources"] == "mask"
    del described["sources"]
    assert catalogue_from(data_described(described, optional())).schema.source_channels is None
    with pytest.raises(CatalogueError, match="--sources belongs to --data"):
        data_described(described, optional("--sources", drawings))


@pytest.fixture
def others(folder, tmp_path):
    for path in folder.rglob("*.png"):
        inverse = tmp_path / "others" / path.name
        inverse.parent.mkdir(exist_ok=True)
        Image.fromarray(255 - np.asarray(Image.open(path))).save(inverse)
    return tmp_path / "others"


def test_two_sets_without_pairs_are_found_again(folder, others, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    described = describe_data(parse("--data", "photos", "--unpaired", "others", "--image-size", 16))
    first = catalogue_from(data_described(described, optional()))
    assert first.schema.names == ("class",) and not first.paired
    monkeypatch.chdir(folder)
    again = catalogue_from(data_described(json.loads(json.dumps(described)), optional()), first.schema)
    assert again.fingerprint == first.fingerprint and again.schema == first.schema


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--data photos --unpaired nowhere", "'nowhere' does not exist"),
        ("--data photos --unpaired photos", "The two sets are the same: all 8 photos"),
        ("--data photos --unpaired=", "--unpaired is empty"),
        ("--data photos --unpaired others --sources others", "--sources are pairs and --unpaired are none"),
    ],
)
def test_sets_that_cannot_be(folder, others, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CatalogueError, match=said):
        catalogue_from(parse(*words.split()))
    with pytest.raises(CatalogueError, match="check and prepare each of the two sets by itself"):
        source_from(parse(*words.split()))


def optional(*words):
    parser = argparse.ArgumentParser()
    add_data_options(parser, required=False)
    return parser.parse_args([str(word) for word in words])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--data photos --sources nowhere", "'nowhere' does not exist: give a folder or a zip of photos"),
        (
            "--data photos --sources others",
            "No picture in 'others' is called as one in 'photos'",
        ),
        ("--data photos --sources notes.txt", "'notes.txt' cannot be read as a zip"),
        ("--data photos --sources=", "--sources is empty"),
        ("--data studio:6 --sources line", "The studio draws no source 'line': did you mean 'lines'"),
        ("--data studio:6 --sources photos", "valid: 'lines', 'mask'"),
        (
            "--data table.csv --sources photos",
            "--sources is for folders and zips of photos",
        ),
        ("--data tfds:mnist --sources photos", "--sources is for folders"),
    ],
)
def test_sources_that_cannot_be(folder, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "others" / "coat").mkdir(parents=True)
    Image.new("L", (20, 20)).save(tmp_path / "others" / "coat" / "1.png")
    (tmp_path / "notes.txt").write_text("no pictures")
    (tmp_path / "table.csv").write_text("file\nphotos/mugs/0.png\n")
    for take in (catalogue_from, source_from):
        with pytest.raises(CatalogueError, match=said) as error:
            take(parse(*words.split()))
        assert "\n" not in str(error.value)


def test_names_of_columns_that_hold_commas():
    assert parse("--data", "a.csv", "--attributes", '"Tags (x,y,z...)", Name').attributes == ["Tags (x,y,z...)", "Name"]


def test_photos_with_styles_are_found_again_for_their_model(folder, tmp_path):
    Image.new("RGB", (30, 30), (10, 200, 10)).save(tmp_path / "grass.png")
    words = ["--data", folder, "--image-size", 16, "--styles", tmp_path / "grass.png"]
    catalogue = catalogue_from(parse(*words))
    assert catalogue.schema.names == ("style",) and catalogue.schema.attributes[0].values == ("grass",)
    described = json.loads(json.dumps(describe_data(parse(*words))))
    again = catalogue_from(data_described(described, optional()), catalogue.schema)
    assert (again.schema, again.fingerprint) == (catalogue.schema, catalogue.fingerprint)


def test_photos_with_masks_are_found_again_for_their_model():
    words = ["--data", "studio:12", "--image-size", 28, "--masks"]
    catalogue = catalogue_from(parse(*words))
    assert catalogue.channels == 1 and catalogue.schema.source_channels == 3 and not catalogue.schema.attributes
    described = json.loads(json.dumps(describe_data(parse(*words))))
    again = catalogue_from(data_described(described, optional()), catalogue.schema)
    assert (again.schema, again.fingerprint) == (catalogue.schema, catalogue.fingerprint)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--styles", "styles", "--sources", "drawings"], "--styles is for photos alone"),
        (["--styles", "styles"], r"'styles' does not exist\. Give a folder of style pictures"),
        (["--masks", "--sources", "drawings"], "--masks is for photos alone"),
    ],
)
def test_styles_and_masks_are_for_photos_alone(folder, words, message):
    with pytest.raises(CatalogueError, match=message):
        catalogue_from(parse("--data", folder, *words))


@pytest.mark.parametrize("words", [["--styles", "styles"], ["--masks"]])
def test_verbs_that_look_at_photos_take_neither(folder, words):
    with pytest.raises(CatalogueError, match="is for verbs that train or judge"):
        source_from(parse("--data", folder, *words))
