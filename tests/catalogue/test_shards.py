import io
import json
import pickle
import tarfile

import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.files import PhotoTar
from tfproductgan.catalogue.folder_source import folder_source
from tfproductgan.catalogue.shards import shard_paths
from tfproductgan.cli.main import main
from tfproductgan.errors import CatalogueError

COLOURS = ("Red", "Blue")


def photo(seed):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20, 3), np.uint8)).save(file, "JPEG")
    return file.getvalue()


def tar(path, members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def samples(numbers):
    members = {}
    for i in numbers:
        facts = {"colour": COLOURS[i % 2], "Size": i % 3 or None, "more": {"a": 1}}
        members |= {f"{i:04}.jpg": photo(i), f"{i:04}.cls": str(i % 4).encode(), f"{i:04}.txt": f"Mug {i}".encode()}
        members[f"{i:04}.json"] = json.dumps(facts).encode()
    return members


@pytest.fixture
def shards(tmp_path):
    for number in range(3):
        tar(tmp_path / f"shop-{number:04}.tar", samples(range(8 * number, 8 * number + 8)))
    return tmp_path


@pytest.mark.parametrize("words", ["", "shop-{0000..0002}.tar", "shop-*.tar"])
def test_shards_are_read(shards, words):
    (shards / "sizes.json").write_text("{}")
    catalogue = Catalogue.from_folder(shards / words, image_size=16, splits={"validation": 0}, cache=False)
    assert catalogue.schema.names == ("class",) and catalogue.schema.attributes[0].values == ("0", "1", "2", "3")
    assert catalogue.conditions()[:, 0].tolist() == [i % 4 + 1 for i in range(24)]
    assert catalogue.captions()[:2] == ["Mug 0", "Mug 1"]
    one = Catalogue.from_folder(shards / "shop-0001.tar", image_size=16, splits={"validation": 0}, cache=False)
    np.testing.assert_array_equal(one.images(), catalogue.images()[8:16])


def test_fields_of_json(shards):
    source = folder_source(shards, attributes=["Colour", "size", "kind"])
    assert source.attributes == ["Colour", "size", "kind"]
    assert source.items[4].labels == {"Colour": "Red", "size": "1", "kind": "0"}
    assert source.items[3].labels == {"Colour": "Blue", "size": "", "kind": "3"}
    assert not source.notes and source.stamp == folder_source(shards).stamp
    assert folder_source(shards).notes == ["Fields that are no attributes: colour, size; --attributes A,B takes some."]
    with pytest.raises(CatalogueError, match="has no field 'color': did you mean 'colour'"):
        folder_source(shards, attributes=["color", "kind"])


def test_splits_by_the_names_of_shards(tmp_path):
    for split in ("train", "val"):
        tar(tmp_path / f"shop-{split}-000.tar", samples(range(4)))
    source = folder_source(tmp_path)
    assert [item.split for item in source.items] == ["train"] * 4 + ["validation"] * 4


def test_tars_of_class_folders_are_folders(tmp_path):
    classes = {f"shop/{kind}/{i}.jpg": photo(i) for kind in ("mugs", "rings") for i in range(3)}
    source = folder_source(tar(tmp_path / "shop.tar", classes | {"shop/cover.jpg": photo(9)}))
    assert [item.labels["class"] for item in source.items] == ["mugs"] * 3 + ["rings"] * 3


def test_what_is_left_out(tmp_path):
    members = samples(range(6)) | {"0002.json": b"{", "0007.jpg": photo(7), "0008.cls": b"1"}
    source = folder_source(tar(tmp_path / "a.tar", members), attributes=["colour"])
    assert [name for name, _ in source.skipped] == ["0002.jpg"]
    assert source.items[-1].labels == {"colour": ""} and len(source.items) == 6


@pytest.mark.parametrize(
    ("make", "words", "said"),
    [
        (lambda folder: tar(folder / "a.tar", samples([0]), "w:gz"), "a.tar", "cannot be read as a tar .* compressed"),
        (lambda folder: tar(folder / "a.tar", {"../a.jpg": b"x"}), "a.tar", "leads out of the tar 'a.tar'"),
        (lambda folder: tar(folder / "a-0.tar", samples([0])), "a-{0..1}.tar", "a-1.tar' does not exist"),
        (lambda folder: tar(folder / "a.tar", {"a.cls": b"0"}), "a.tar", "has no photos"),
    ],
)
def test_tars_that_cannot_be_used(tmp_path, make, words, said):
    make(tmp_path)
    with pytest.raises(CatalogueError, match=said):
        folder_source(tmp_path / words)


def test_a_folder_with_more_than_shards_is_a_folder(tmp_path):
    tar(tmp_path / "old.tar", {"a.jpg": b"x"})
    (tmp_path / "mugs").mkdir()
    assert shard_paths(tmp_path) == []


def test_the_command_line_takes_patterns(shards, capsys):
    words = ["check", str(shards / "shop-{0000..0002}.tar"), "--attributes", "colour", "--batch-size", "8"]
    assert main(words) == 0
    assert "colour: 2 values" in capsys.readouterr().out


def test_another_process_is_sent_no_list_of_photos(shards):
    files = PhotoTar(*shard_paths(shards))
    sent = pickle.dumps(files)
    assert len(sent) < 1000 and pickle.loads(sent).read("shop-0001/0009.cls") == b"1"
