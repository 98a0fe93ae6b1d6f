import gzip
import io
import json
import pickle
import tarfile

import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.files import open_tars
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


def cut(path):
    path.write_bytes(path.read_bytes()[:-300])


BOMB = gzip.compress(bytes(10**7))


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


def labels_of(source):
    return {item.name: item.labels["class"] for item in source.items}


@pytest.mark.parametrize(("end", "mode"), [("tar.gz", "w:gz"), ("TGZ", "w:gz"), ("tar.bz2", "w:bz2"), ("tar", "w:xz")])
def test_compressed_tars_are_read(tmp_path, end, mode):
    for number in range(2):
        numbers = range(4 * number, 4 * number + 4)
        tar(tmp_path / f"plain-{number}.tar", samples(numbers))
        tar(tmp_path / f"packed-{number}.{end}", samples(numbers), mode)
    plain, packed = (folder_source(tmp_path / f"{name}-*.{e}") for name, e in (("plain", "tar"), ("packed", end)))
    assert labels_of(packed) == {name.replace("plain", "packed"): label for name, label in labels_of(plain).items()}
    assert [load() for load in packed.load()] == [load() for load in plain.load()] == [photo(i) for i in range(8)]
    again = pickle.loads(pickle.dumps(next(packed.load())))
    assert again() == photo(0)


@pytest.mark.parametrize("words", ["", "{train,val}/*.tar", "**/*.tar"])
def test_tars_in_folders_of_splits(tmp_path, words):
    for split, numbers in (("train", range(4)), ("val", range(4, 6))):
        (tmp_path / split).mkdir()
        tar(tmp_path / split / "0000.tar", samples(numbers))  # one name in both
        (tmp_path / split / "0000.parquet").write_bytes(b"as img2dataset writes")
        (tmp_path / split / "0000_stats.json").write_text("{}")
    source = folder_source(tmp_path / words)
    assert [(item.name, item.split) for item in source.items[3:5]] == [
        ("train/0000/0003.jpg", "train"),
        ("val/0000/0004.jpg", "validation"),
    ]
    assert [load() for load in source.load()] == [photo(i) for i in range(6)]


def test_of_several_pictures_the_photo_is_taken(tmp_path):
    members = samples(range(4))
    masks = {f"{i:04}{end}": photo(100 + i) for i in range(4) for end in (".mask.png", ".png", ".depth.npy")}
    source = folder_source(tar(tmp_path / "a.tar", members | masks), attributes=["kind", "colour", "size"])
    assert [load() for load in source.load()] == [photo(i) for i in range(4)]
    assert source.notes == [
        "8 pictures beside the photo of the same sample, left out: 0000.mask.png, 0000.png, 0001.mask.png and 5 more.",
        "Files of samples that are not read: .depth.npy (4).",
    ]


def test_all_are_taken_if_none_is_the_photo(tmp_path):
    members = {f"{i}.{side}.jpg": photo(i) for i in range(3) for side in ("front", "back")}
    members |= {f"{i}.label": b"mug" if i else b"ring" for i in range(3)}
    source = folder_source(tar(tmp_path / "a.tar", members))
    assert labels_of(source)["0.back.jpg"] == "ring" and labels_of(source)["2.front.jpg"] == "mug"
    assert source.notes == [
        "Samples of several pictures: each has the labels of its sample, such as 0.back.jpg, 0.front.jpg, 1.back.jpg "
        "and 3 more."
    ]


def test_a_table_in_a_tar_is_found(tmp_path, capsys):
    rows = ["file,colour", *(f"{i}.jpg,{COLOURS[i % 2]}" for i in range(8))]
    members = {f"images/{i}.jpg": photo(i) for i in range(8)}
    packed = tar(tmp_path / "shop.tar.gz", {"products.csv": "\n".join(rows).encode(), **members}, "w:gz")
    assert main(["check", str(packed), "--attributes", "colour", "--batch-size", "4"]) == 0
    assert "colour: 2 values" in capsys.readouterr().out
    (tmp_path / "own.csv").write_text("\n".join(rows))
    beside = Catalogue.from_table(
        tmp_path / "own.csv", tar(tmp_path / "images.tar", members), attributes="colour", image_size=8, cache=False
    )
    assert len(beside.source.items) == 8 and beside.schema.attribute("colour").values == ("Blue", "Red")


def test_links_are_files_of_two_names_or_named(tmp_path):
    path = tar(tmp_path / "a.tar", {"mugs/1.jpg": photo(1), "rings/2.jpg": photo(2), "rings/3.jpg": photo(3)})
    with tarfile.open(path, "a") as archive:
        for name, kind, target in (("mugs/4.jpg", tarfile.LNKTYPE, "mugs/1.jpg"), ("mugs/5.jpg", tarfile.SYMTYPE, "x")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
    source = folder_source(path)
    assert [item.name for item in source.items] == ["mugs/1.jpg", "mugs/4.jpg", "rings/2.jpg", "rings/3.jpg"]
    assert "Passed over, a link in an archive: mugs/5.jpg." in source.notes


def test_what_prepare_writes_of_them_trains_with_their_labels(shards, tmp_path, capsys):
    pytest.importorskip("tensorflow_datasets")
    words = ["prepare", "--data", str(shards / "shop-{0000..0002}.tar"), "--attributes", "colour,kind"]
    assert main([*words, "--image-size", "16", "--out", str(tmp_path / "out")]) == 0
    assert "kind        4 values: " in capsys.readouterr().out
    prepared = Catalogue.from_prepared(tmp_path / "out")
    original = Catalogue.from_folder(shards / "shop-*.tar", attributes=["colour", "kind"], image_size=16, cache=False)
    for split in original.splits:
        np.testing.assert_array_equal(prepared.images(split), original.images(split))
    seen = {}
    for batch in prepared.stream("train", batch_size=4, repeat=False).as_numpy_iterator():
        pairs = zip(batch["images"], batch["conditions"], strict=True)
        seen |= {pixels.tobytes(): prepared.schema.decode(ids) for pixels, ids in pairs}
    for i, pixels in enumerate(
        Catalogue.from_folder(shards / "shop-*.tar", image_size=16, splits={}, cache=False).images()
    ):
        if pixels.tobytes() in seen:
            assert seen.pop(pixels.tobytes()) == {"colour": COLOURS[i % 2], "kind": str(i % 4)}
    assert not seen


@pytest.mark.parametrize(
    ("make", "words", "said"),
    [
        (lambda folder: (folder / "a.tar").write_bytes(b"x" * 2000), "a.tar", "cannot be read as a tar .* damaged"),
        (lambda folder: cut(tar(folder / "a.tgz", samples([0]), "w:gz")), "a.tgz", "damaged, or not all of it is here"),
        (lambda folder: (folder / "a.tar").write_bytes(BOMB), "a.tar", "it unpacks to more than 100 times its size"),
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
    files = open_tars(*shard_paths(shards))
    sent = pickle.dumps(files)
    assert len(sent) < 1000 and pickle.loads(sent).read("shop-0001/0009.cls") == b"1"
