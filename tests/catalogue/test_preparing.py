import functools
import io
import json
import os
import pwd
import time

import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue import preparing
from tfproductgan.catalogue.cache import PhotoCache, default_folder, say_not_kept
from tfproductgan.catalogue.colour_profiles import matrix_profile
from tfproductgan.catalogue.preparation import Preparation
from tfproductgan.catalogue.sources import Item, Source
from tfproductgan.errors import CatalogueError, PhotoError

GIB = 2**30
WIDE = matrix_profile("wide", (0.7, 0.3, 0.2, 0.7, 0.15, 0.06, 0.3127, 0.329), 1 / 2.2)


def encoded(pixels, suffix="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, suffix, **options)
    return file.getvalue()


def colours(count=10):
    rng = np.random.default_rng(0)
    return [encoded(rng.integers(0, 256, (12, 16, 3), np.uint8)) for _ in range(count)]


def source_of(files, stamp="a"):
    def load():
        return (functools.partial(_read, data) for data in files)

    return Source([Item(f"{i}.png", {}) for i in range(len(files))], [], load, stamp)


def _read(data):
    if isinstance(data, Exception):
        raise data
    return data


def prepare(source, size=8, channels=None, cache=False, memory_budget=GIB, fit="letterbox"):
    options = {"cache": cache and cache.folder.parent, "memory_budget": memory_budget}
    return preparing.prepare(source, Preparation(size, fit, channels, **options))


@pytest.fixture
def cache(tmp_path):
    return PhotoCache(tmp_path)


def test_photos_are_in_order_and_failures_are_left_out():
    files = colours(200)
    files[3], files[150] = b"text", PhotoError("150.png: gone")
    photos = prepare(source_of(files))
    assert photos.pixels.shape == (198, 8, 8, 3)
    assert photos.rows.tolist() == [i for i in range(200) if i not in (3, 150)]
    assert photos.failures == [("3.png", "not a JPEG, PNG, WebP, GIF, BMP or TIFF photo"), ("150.png", "gone")]
    single = prepare(source_of(files[4:5]))
    np.testing.assert_array_equal(single.pixels[0], photos.pixels[3])
    assert photos.boxes[0].tolist() == [0, 1, 8, 7]
    np.testing.assert_allclose(photos.aspects, 16 / 12)


def test_a_grey_catalogue_has_one_channel():
    grey = np.random.default_rng(0).integers(0, 256, (20, 8, 8), np.uint8)
    files = [encoded(pixels) for pixels in grey]
    files[7] = encoded(grey[7][:, :, None].repeat(3, axis=2), "WEBP", lossless=True)  # grey stored as colour
    photos = prepare(source_of(files))
    np.testing.assert_array_equal(photos.pixels[..., 0], grey)
    assert prepare(source_of(files), channels=3).pixels.shape[-1] == 3
    assert prepare(source_of([*files, *colours(1)])).pixels.shape == (21, 8, 8, 3)
    assert prepare(source_of(colours()), channels=1).pixels.shape[-1] == 1


def test_the_second_start_reads_no_photo(cache, monkeypatch):
    files = [*colours(), b"text"]
    first = prepare(source_of(files), cache=cache)
    groups = first.groups()
    monkeypatch.setattr(preparing, "_decode", None)
    monkeypatch.setattr(preparing, "near_duplicate_groups", None)
    again = prepare(source_of(files), cache=cache)
    np.testing.assert_array_equal(again.pixels, first.pixels)
    np.testing.assert_array_equal(again.groups(), groups)
    assert (again.pixel_hash, again.failures) == (first.pixel_hash, first.failures)
    np.testing.assert_array_equal(again.hashes, first.hashes)


@pytest.mark.parametrize("change", [{"stamp": "b"}, {"size": 9}, {"fit": "crop"}, {"channels": 1}])
def test_another_preparation_is_another_entry(cache, change):
    options = {"stamp": "a", "size": 8, "fit": "letterbox", "channels": None} | change
    first = prepare(source_of(colours()), cache=cache)
    stamp = options.pop("stamp")
    assert prepare(source_of(colours(), stamp), **options, cache=cache).key != first.key


def test_more_than_the_memory_lies_on_disk(cache):
    in_memory = prepare(source_of(colours()), channels=3)
    for use in (cache, cache, False):  # written, found again, not kept at all
        photos = prepare(source_of(colours()), channels=3, cache=use, memory_budget=100)
        assert isinstance(photos.pixels, np.memmap) and not photos.pixels.flags.writeable
        np.testing.assert_array_equal(photos.pixels, in_memory.pixels)
        assert photos.pixel_hash == in_memory.pixel_hash
    folder = photos.folder
    assert folder.exists()
    del photos
    assert not folder.exists()


def test_a_full_disk_is_said_before_it_is_full(cache, monkeypatch):
    monkeypatch.setattr(preparing.shutil, "disk_usage", lambda path: _Usage)
    with pytest.raises(CatalogueError, match="free"):
        prepare(source_of(colours()), channels=3, cache=cache, memory_budget=100)


class _Usage:
    free = 10


def test_damaged_entries_are_made_again(cache):
    first = prepare(source_of(colours()), cache=cache)
    entry = cache.path(first.key)
    for name, content in [("pixels.npy", b"\x93NUMPY"), ("about.json", b"{"), ("rows.npy", None)]:
        if content is None:
            (entry / name).unlink()
        else:
            (entry / name).write_bytes(content)
        again = prepare(source_of(colours()), cache=cache)
        np.testing.assert_array_equal(again.pixels, first.pixels)
    data = (entry / "pixels.npy").read_bytes()
    (entry / "pixels.npy").write_bytes(data[:-100])
    for budget in (100, GIB):
        again = prepare(source_of(colours()), cache=cache, memory_budget=budget)
        np.testing.assert_array_equal(again.pixels, first.pixels)


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    for budget in (GIB, 100):
        photos = prepare(source_of(colours()), cache=PhotoCache(tmp_path / "file"), memory_budget=budget)
        assert len(photos.pixels) == 10 and len(photos.groups()) == 10
    [line] = caplog.messages  # once, not each time
    assert line.startswith(f"Nothing is kept for the next time: '{tmp_path}/file' cannot be written (")


def test_an_interrupted_write_leaves_nothing_behind(cache, monkeypatch):
    monkeypatch.setattr(preparing, "write_about", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepare(source_of(colours()), cache=cache)
    assert list(cache.folder.iterdir()) == []


def _interrupt(*args):
    raise KeyboardInterrupt


def test_what_killed_processes_left_is_removed(cache):
    old, new = cache.folder / ".writing-old", cache.folder / ".writing-new"
    old.mkdir(parents=True)
    new.mkdir()
    os.utime(old, (time.time() - 10**6,) * 2)
    prepare(source_of(colours()), cache=cache)
    assert new.exists() and not old.exists()


def test_the_cache_lies_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv("TFPRODUCTGAN_CACHE")
    assert default_folder().parts[-2:] == (".cache", "tfproductgan")


@pytest.mark.parametrize("named", [None, "~nobody_here/cache"])
def test_without_a_home_folder_work_goes_on_without_a_cache(monkeypatch, caplog, named):
    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    say_not_kept.cache_clear()
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.delenv("HOME")
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", named or "")
    assert default_folder() is None and default_folder() is None
    assert Preparation().photo_cache() is None
    [line] = caplog.messages
    assert line.startswith("Nothing is kept for the next time") and "there is no home folder" in line
    assert len(preparing.prepare(source_of(colours()), Preparation(8)).pixels) == 10


def test_broken_metadata_is_not_warned_about():
    data = encoded(np.zeros((8, 8, 3), np.uint8), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")
    assert not prepare(source_of([data])).failures


@pytest.mark.parametrize(
    ("files", "edit", "decoded"),
    [
        # written when profiles were not converted: served if no photo has one
        ([{}, {}], lambda about: about.pop("reads"), False),
        ([{}, {"icc_profile": WIDE}], lambda about: about.pop("reads"), True),
        ([{}, {"icc_profile": WIDE}], lambda about: None, False),
        # written where fewer formats are read: what failed there may not fail here
        ([{}, None], lambda about: about.update(reads=["none"]), True),
        ([{}, {}], lambda about: about.update(reads=["none"]), False),
    ],
)
def test_entries_that_others_would_write_otherwise(cache, monkeypatch, files, edit, decoded):
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    source = source_of([b"HEIC" if options is None else encoded(pixels, **options) for options in files])
    first = prepare(source, cache=cache)
    about = cache.read(first.key)
    edit(about)
    (cache.path(first.key) / "about.json").write_text(json.dumps(about))
    calls, read_item = [], preparing.read_item
    monkeypatch.setattr(preparing, "read_item", lambda *args, **options: calls.append(0) or read_item(*args, **options))
    for again in (True, False):
        found = prepare(source, cache=cache)
        assert bool(calls) == (decoded and again) and found.pixel_hash == first.pixel_hash and found.key == first.key
        calls.clear()
