import logging
import shutil

import numpy as np
import pytest

from tfproductgan.catalogue.array_source import array_source
from tfproductgan.catalogue.catalogue import Catalogue, Preparation
from tfproductgan.catalogue.records import INDEX, dataset_folder
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import CatalogueError

pytest.importorskip("tensorflow_datasets")

COUNT = 24


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Photo `i` is filled with `i`."""
    from tfproductgan.catalogue.tfds_writing import write_dataset

    pixels = np.broadcast_to(np.arange(COUNT, dtype=np.uint8)[:, None, None, None], (COUNT, 6, 6, 3))
    labels = {
        "kind": [("shoe", "hat", "bag")[i % 3] for i in range(COUNT)],
        "side": [("left", None)[i % 2] for i in range(COUNT)],
    }
    splits = ["train"] * 20 + ["test"] * 4
    out = tmp_path_factory.mktemp("records") / "out"
    write_dataset(array_source(pixels, labels, splits), Preparation(6, channels=3), out)
    return out


@pytest.fixture
def prepared(whole, tmp_path):
    """A copy to damage."""
    return shutil.copytree(whole, tmp_path / "out")


def shard(out, split="train"):
    return next(dataset_folder(out).glob(f"*-{split}.tfrecord-*"))


def test_found_wherever_it_is_named(whole):
    folder = dataset_folder(whole)
    assert folder == whole / "product_photos" / "1.0.0"
    assert dataset_folder(folder) == dataset_folder(folder.parent) == dataset_folder(whole.parent) == folder
    assert dataset_folder(whole / "nowhere") is None


def test_two_data_sets_in_a_folder(prepared):
    shutil.copytree(prepared, prepared.parent / "other")
    with pytest.raises(CatalogueError, match="holds 2 data sets; name one of them"):
        dataset_folder(prepared.parent)


def test_any_photo_can_be_read(whole):
    catalogue = Catalogue.from_prepared(whole)
    assert (catalogue.size("train"), catalogue.size("validation"), catalogue.size("test")) == (20, 0, 4)
    assert catalogue.images("test")[:, 0, 0, 0].tolist() == [20, 21, 22, 23]
    assert catalogue.conditions("train")[:4].tolist() == [[3, 1], [2, 0], [1, 1], [3, 0]]
    assert catalogue.source.items[0].labels == {"kind": "shoe", "side": "left"}


@pytest.mark.parametrize("damage", ["removed", "cut", "of other files"])
def test_the_index_is_made_anew(prepared, damage):
    fingerprint, index = Catalogue.from_prepared(prepared).fingerprint, dataset_folder(prepared) / INDEX
    if damage == "removed":
        index.unlink()
    elif damage == "cut":
        index.write_bytes(index.read_bytes()[:-40])
    else:
        with np.load(index) as saved:
            columns = dict(saved)
        columns["about"] = np.array(str(columns["about"]).replace("product_photos-train", "product_photos-trian"))
        columns["offset"] = columns["offset"] + 1
        np.savez(index, **columns)
    catalogue = Catalogue.from_prepared(prepared)
    assert catalogue.fingerprint == fingerprint and index.is_file()
    assert catalogue.images()[:, 0, 0, 0].tolist() == list(range(20))


def test_a_folder_that_cannot_be_written(prepared, monkeypatch, caplog):
    (dataset_folder(prepared) / INDEX).unlink()
    monkeypatch.setattr("os.replace", lambda *paths: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with caplog.at_level(logging.WARNING):
        assert Catalogue.from_prepared(prepared).size() == 20
    assert "made anew each time" in caplog.text


def test_damaged_records_are_found(prepared):
    (dataset_folder(prepared) / INDEX).unlink()
    data = bytearray(shard(prepared).read_bytes())
    data[len(data) // 2] ^= 1
    shard(prepared).write_bytes(data)
    with pytest.raises(CatalogueError, match=r"train.tfrecord-00000-of-00001' is damaged"):
        Catalogue.from_prepared(prepared)


def test_missing_files_are_found(prepared):
    shard(prepared, "test").unlink()
    with pytest.raises(CatalogueError, match="has 0 of the 1 files of its split 'test'"):
        Catalogue.from_prepared(prepared)


def test_some_attributes(whole):
    catalogue = Catalogue.from_prepared(whole, attributes="side")
    assert catalogue.schema.names == ("side",) and catalogue.schema.combinations == (((0,), 10), ((1,), 10))
    assert catalogue.conditions()[:3].tolist() == [[1], [0], [1]]
    with pytest.raises(CatalogueError, match="did you mean 'kind'"):
        Catalogue.from_prepared(whole, attributes=["knid"])


def test_binding_to_the_schema_of_a_model(whole):
    schema = ConditionSchema([Attribute("colour", ("Red",)), Attribute("Kind", ("BAG", "Sock", "Shoe"))], 6)
    catalogue = Catalogue.from_prepared(whole, schema=schema)
    assert catalogue.schema == schema
    assert catalogue.conditions()[:3].tolist() == [[0, 3], [0, 0], [0, 1]]
    with pytest.raises(CatalogueError, match="image_size=6, and 8 is asked for"):
        Catalogue.from_prepared(whole, schema=ConditionSchema((), 8))


def test_the_fingerprint_tells_data_sets_apart(whole):
    every = Catalogue.from_prepared(whole).fingerprint
    assert every == Catalogue.from_prepared(dataset_folder(whole)).fingerprint
    assert every != Catalogue.from_prepared(whole, attributes=["kind"]).fingerprint
