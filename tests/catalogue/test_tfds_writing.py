import dataclasses

import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue import chunks
from tfproductgan.catalogue.array_source import array_source
from tfproductgan.catalogue.catalogue import Catalogue, Preparation
from tfproductgan.catalogue.gaps import without_gaps
from tfproductgan.catalogue.records import INDEX, dataset_folder, schema_of
from tfproductgan.catalogue.several import taken_apart
from tfproductgan.catalogue.table_source import table_source
from tfproductgan.errors import CatalogueError, RunError

tfds = pytest.importorskip("tensorflow_datasets")
tfds_writing = pytest.importorskip("tfproductgan.catalogue.tfds_writing")

COUNT = 30
PREPARATION = Preparation(image_size=12, splits={"validation": 0.2})
CHOICE = {"attributes": ["kind", "image"], "text": "title"}


@pytest.fixture(scope="module", autouse=True)
def few_photos_a_chunk():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK", 8)
        patch.setattr(chunks, "num_cores", lambda: 1)
        yield


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A table with gaps, an attribute called like a feature of ours, a broken photo and two equal ones."""
    folder = tmp_path_factory.mktemp("shop")
    rng = np.random.default_rng(0)
    rows = ["file,kind,image,title"]
    for i in range(COUNT):
        pixels = rng.integers(0, 256, (14, 10 if i % 3 else 14, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
        rows.append(f"{i:02}.png,{('shoe', 'hat', '')[i % 3]},{('front', 'side')[i % 2]},Number {i}")
    (folder / "05.png").write_bytes(b"no photo")
    (folder / "11.png").write_bytes((folder / "12.png").read_bytes())
    (folder / "shop.csv").write_text("\n".join(rows), "utf-8")
    return folder / "shop.csv"


def source(shop):
    return table_source(shop, image="file", **CHOICE, find_split=False)


@pytest.fixture(scope="module")
def prepared(shop, tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared") / "out"
    tfds_writing.write_dataset(source(shop), PREPARATION, out, "title")
    return out


@pytest.fixture(scope="module")
def original(shop):
    return Catalogue.from_table(
        shop, image="file", **CHOICE, image_size=12, splits=PREPARATION.splits, cache=False, max_unreadable=0.05
    )


def test_the_prepared_catalogue_is_the_original(original, prepared):
    catalogue = Catalogue.from_prepared(prepared)
    assert catalogue.schema == original.schema
    assert list(catalogue.splits) == list(original.splits)
    assert catalogue.placements == original.placements
    for split in original.splits:
        np.testing.assert_array_equal(catalogue.splits[split], original.splits[split])
        np.testing.assert_array_equal(catalogue.images(split), original.images(split))
        np.testing.assert_array_equal(catalogue.conditions(split), original.conditions(split))
        assert catalogue.captions(split) == original.captions(split)
    assert "on disk" in catalogue.summary()


def test_several_values_are_kept(tmp_path):
    photos = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), np.uint8)
    labels = {"kind": ["hat", "shoe"] * 6, "tags": ["new, wool", "sale", "", "wool,sale"] * 3}
    shop = taken_apart(array_source(photos, labels), "tags")
    tfds_writing.write_dataset(shop, PREPARATION, tmp_path / "out")
    original = Catalogue.from_source(shop, PREPARATION)
    catalogue = Catalogue.from_prepared(tmp_path / "out")
    assert catalogue.schema == original.schema and catalogue.schema.attribute("tags").several == 2
    for split in original.splits:
        np.testing.assert_array_equal(catalogue.conditions(split), original.conditions(split))


@pytest.mark.parametrize(
    "options",
    [{}, {"balance": 0.5}, {"repeat": False}, {"start_step": 10**6}, {"part": (1, 3)}, {"split": "validation"}],
    ids=str,
)
def test_it_streams_the_same_batches(original, prepared, options):
    options = {"batch_size": 3, "seed": 4} | options
    one, other = original.stream(**options), Catalogue.from_prepared(prepared).stream(**options)
    assert one.element_spec == other.element_spec and one.cardinality() == other.cardinality()
    for expected, batch in zip(one.take(20), other.take(20), strict=True):
        np.testing.assert_array_equal(batch["images"], expected["images"])
        np.testing.assert_array_equal(batch["conditions"], expected["conditions"])


def test_tensorflow_datasets_reads_it(original, prepared):
    loaded, info = tfds.load("product_photos", data_dir=prepared, with_info=True)
    assert info.features["kind"].names == ["hat", "shoe"]
    assert info.features["image_"].names == ["front", "side"]  # "image" is the picture
    assert info.supervised_keys == ("image", "kind")
    for split in original.splits:
        found = {int(example["number"]): example for example in tfds.as_numpy(loaded[split])}
        assert sorted(found) == original.splits[split].tolist()
        for i, picture, ids in zip(sorted(found), original.images(split), original.conditions(split), strict=True):
            np.testing.assert_array_equal(found[i]["image"], picture)
            assert [found[i]["kind"] + 1, found[i]["image_"] + 1] == ids[:2].tolist()


def test_the_same_again_finds_it_done(shop, prepared, monkeypatch):
    monkeypatch.setattr(chunks, "write_chunk", None)
    (prepared / "product_photos/1.0.0" / INDEX).unlink()
    folder = tfds_writing.write_dataset(source(shop), PREPARATION, prepared, "title")
    assert folder == dataset_folder(prepared)
    assert (folder / INDEX).is_file() and [path.name for path in prepared.iterdir()] == ["product_photos"]


def test_it_never_mixes_with_anything_else(shop, prepared):
    other = dataclasses.replace(PREPARATION, image_size=8)
    with pytest.raises(RunError, match="holds a data set of other photos, labels or options"):
        tfds_writing.write_dataset(source(shop), other, prepared, "title")
    with pytest.raises(RunError, match="is not empty"):
        tfds_writing.write_dataset(source(shop), PREPARATION, shop.parent, "title")


@pytest.mark.parametrize("phase", ["chunks", "records"])
def test_what_was_stopped_goes_on(shop, prepared, tmp_path, monkeypatch, phase):
    owner, name = (chunks, "write_chunk") if phase == "chunks" else (tfds_writing, "read_pictures")
    real, calls = getattr(owner, name), []

    def stopped(argument):
        calls.append(argument)
        if len(calls) == 3:  # chunks: colour is found, one is done
            raise KeyboardInterrupt
        return real(argument)

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, stopped)
        with pytest.raises(KeyboardInterrupt):
            tfds_writing.write_dataset(source(shop), PREPARATION, out, "title")
    assert dataset_folder(out) is None
    with pytest.raises(CatalogueError, match="holds no data set that tfproductgan prepare has finished"):
        Catalogue.from_prepared(out)
    with monkeypatch.context() as patch:
        done = []
        patch.setattr(chunks, "write_chunk", lambda task: done.append(task) or chunks_write(task))
        chunks_write = real if phase == "chunks" else WRITE_CHUNK
        tfds_writing.write_dataset(source(shop), PREPARATION, out, "title")
    assert len(done) == (3 if phase == "chunks" else 0)  # of four
    assert Catalogue.from_prepared(out).fingerprint == Catalogue.from_prepared(prepared).fingerprint
    assert [path.name for path in (out / "product_photos").iterdir()] == ["1.0.0"]


WRITE_CHUNK = chunks.write_chunk


def test_what_kept_rare_values_by_the_default_of_before_goes_on(tmp_path):
    photos = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), np.uint8)
    shop = dataclasses.replace(array_source(photos, {"kind": [*["hat", "shoe"] * 5, "bag", "NA"]}), stamp="shop")
    kept = dataclasses.replace(PREPARATION, splits={})
    folder = tfds_writing.write_dataset(shop, kept, tmp_path / "out")
    auto = dataclasses.replace(kept, min_count="auto")
    with pytest.raises(RunError, match="other photos, labels or options"):
        tfds_writing.write_dataset(shop, auto, tmp_path / "out")
    before = tfds_writing.as_before(shop, auto, tmp_path / "out")
    assert before == kept
    assert tfds_writing.write_dataset(shop, before, tmp_path / "out") == folder
    assert tfds_writing.as_before(shop, auto, tmp_path / "new") == auto
    assert without_gaps(shop, schema_of(tmp_path / "out")) is shop and without_gaps(shop) is not shop
    assert schema_of(tmp_path / "new") is None


def test_too_many_unreadable_photos(shop, tmp_path):
    strict = dataclasses.replace(PREPARATION, max_unreadable=0.0)
    with pytest.raises(CatalogueError, match=r"1 of 30 photos cannot be used \(05.png"):
        tfds_writing.write_dataset(source(shop), strict, tmp_path / "out", "title")
    assert dataset_folder(tmp_path / "out") is None


def test_a_name_that_is_no_utf8(tmp_path):
    one = array_source(np.zeros((1, 8, 8, 3), np.uint8), {})
    odd = dataclasses.replace(one, items=[dataclasses.replace(one.items[0], name="caf\udce9.png")])
    tfds_writing.write_dataset(odd, Preparation(8), tmp_path / "out")
    [example] = tfds.as_numpy(tfds.load("product_photos", data_dir=tmp_path / "out", split="train"))
    assert example["name"] == b"caf\xe9.png"


def test_grey_photos_without_labels(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (10, 8, 8), np.uint8)
    tfds_writing.write_dataset(array_source(grey, {}), Preparation(8, splits={}), tmp_path / "out")
    catalogue = Catalogue.from_prepared(tmp_path / "out")
    assert catalogue.channels == 1 and list(catalogue.splits) == ["train"]
    np.testing.assert_array_equal(catalogue.images()[..., 0], grey)
    batch = next(iter(catalogue.stream(batch_size=4)))
    assert batch["images"].shape == (4, 8, 8, 1) and batch["conditions"].shape == (4, 0)


def test_apache_beam_writes_the_same_photos(shop, prepared, tmp_path):
    pytest.importorskip("apache_beam")
    tfds_writing.write_dataset(source(shop), PREPARATION, tmp_path / "out", "title", ["runner=DirectRunner"])
    beamed, local = Catalogue.from_prepared(tmp_path / "out"), Catalogue.from_prepared(prepared)
    assert beamed.fingerprint == local.fingerprint
    with pytest.raises(CatalogueError, match="knows no option 'runer'"):
        tfds_writing.write_dataset(source(shop), PREPARATION, tmp_path / "other", "title", ["runer=DirectRunner"])
