import functools
import io
import pickle
import zipfile

import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue import chunks
from tfproductgan.catalogue.array_source import array_source
from tfproductgan.catalogue.duplicates import near_duplicate_groups
from tfproductgan.catalogue.folder_source import folder_source
from tfproductgan.catalogue.preparation import Preparation
from tfproductgan.catalogue.preparing import prepare

COUNT = 11


@pytest.fixture(autouse=True)
def four_photos_a_chunk(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 4)
    monkeypatch.setattr(chunks, "num_cores", lambda: 1)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos" / "class"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(COUNT):
        pixels = rng.integers(0, 256, (20, 14, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    (folder / "03.png").write_bytes(b"no photo")
    (folder / "08.png").write_bytes((folder / "01.png").read_bytes())
    return folder.parent


def here(done, tasks):
    """Do tasks in this process, and note them."""
    for task in tasks:
        done.append(task.batch.start)
        yield chunks.write_chunk(task)


def pictures(prepared):
    found = [picture for path in prepared.paths for picture in chunks.read_pictures(path)]
    return [np.asarray(Image.open(io.BytesIO(picture))) for picture in found]


@pytest.mark.parametrize("cores", [1, 2])
def test_as_all_at_once(photos, tmp_path, monkeypatch, cores):
    monkeypatch.setattr(chunks, "num_cores", lambda: cores)  # two: other processes
    source = folder_source(photos, "class")
    expected = prepare(source, Preparation(10, cache=False))
    found = chunks.prepare_chunks(source, Preparation(10), tmp_path / "work")
    assert found.channels == 3 and found.failures == expected.failures
    for name in ("rows", "boxes", "aspects", "hashes"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    np.testing.assert_array_equal(pictures(found), expected.pixels)
    np.testing.assert_array_equal(found.groups(), near_duplicate_groups(expected.pixels))
    assert found.chunks.tolist() == [0] * 3 + [1] * 4 + [2] * 3


def test_only_what_is_missing_is_done(photos, tmp_path):
    run = functools.partial(
        chunks.prepare_chunks, folder_source(photos, "class"), Preparation(10, "crop", 3), tmp_path / "work"
    )
    done = []
    first = run(functools.partial(here, done))
    assert done == [0, 4, 8]
    before = [path.read_bytes() for path in first.paths]
    first.paths[2].write_bytes(before[2][:-100])  # a disk that was full
    first.paths[0].unlink()
    done.clear()
    again = run(functools.partial(here, done))
    assert done == [0, 8] and [path.read_bytes() for path in again.paths] == before


def test_colour_among_grey(tmp_path):
    images = np.repeat(np.random.default_rng(0).integers(0, 256, (9, 8, 8, 1), np.uint8), 3, axis=3)
    grey = chunks.prepare_chunks(array_source(images, {}), Preparation(8, "crop"), tmp_path / "grey")
    assert grey.channels == 1
    np.testing.assert_array_equal(pictures(grey), images[..., 0])
    images[6, 2, 2] = 0, 100, 200
    done = []
    run = functools.partial(
        chunks.prepare_chunks, array_source(images, {}), Preparation(8, "crop"), tmp_path / "colour"
    )
    assert run(functools.partial(here, done)).channels == 3 and done == [0, 4, 0, 4, 8]
    done.clear()
    assert run(functools.partial(here, done)).channels == 3 and done == []  # nor are the grey ones tried again


def test_a_chunk_of_unreadable_photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(5):
        (folder / f"{i}.jpg").write_bytes(b"")
    Image.new("RGB", (8, 8), "red").save(folder / "4.jpg")
    found = chunks.prepare_chunks(folder_source(folder, "class"), Preparation(8, "crop", 3), tmp_path / "work")
    assert found.rows.tolist() == [4] and len(found.failures) == 4
    assert found.failures[0] == ("0.jpg", "the file is empty")


def test_a_task_describes_its_own_photos_alone(photos, tmp_path):
    """Other processes get what they need and no more."""
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in sorted(photos.rglob("*.png")):
            archive.write(path, path.relative_to(photos))
    images = np.zeros((400, 16, 16, 3), np.uint8)
    sources = (
        folder_source(photos, "class"),
        folder_source(tmp_path / "photos.zip", "class"),
        array_source(images, {}),
    )
    for number, source in enumerate(sources):
        found = chunks.prepare_chunks(source, Preparation(8, channels=3), tmp_path / str(number), sent)
        expected = prepare(source, Preparation(8, channels=3, cache=False))
        np.testing.assert_array_equal(pictures(found), expected.pixels)


def sent(tasks):
    """Do tasks as another process would."""
    for task in tasks:
        message = pickle.dumps(task)
        assert len(message) < 8000
        yield chunks.write_chunk(pickle.loads(message))
