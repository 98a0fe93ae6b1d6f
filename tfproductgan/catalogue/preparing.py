"""Every photo decoded and resized once, on all cores, and kept: in memory where it fits, else on disk."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import logging
import math
import os
import shutil
import sys
import tempfile
import time
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from tfproductgan.catalogue.cache import PhotoCache, write_about
from tfproductgan.catalogue.duplicates import near_duplicate_groups, source_hash
from tfproductgan.catalogue.photos import is_grey, place, read_item
from tfproductgan.catalogue.sources import Raw, Source
from tfproductgan.errors import CatalogueError, PhotoError

_log = logging.getLogger(__name__)

VERSION = 1
"""Part of every key: raised whenever the same photos would give other pixels."""

_PICTURES = ("pixels", "sources")
_COLUMNS = ("rows", "boxes", "aspects", "hashes")
_CHUNK = 64
_MOST_WORKERS = 16
_PATIENCE_SECONDS = 1.0


@dataclasses.dataclass
class PreparedPhotos:
    """Photos as the network will see them.

    Args:
        pixels: uint8 `[N, S, S, C]`, in memory or a memory map.
        sources: Likewise uint8 `[N, S, S, Cs]`, of pairs the pictures that go in; else `None`.
        rows: int64 `[N]`, which item of the source each is; what could not be read is missing.
        boxes: int16 `[N, 4]`, left, top, right and bottom of each photo in its square.
        aspects: float32 `[N]`, width divided by height of the photos as they came.
        hashes: bytes `[N]`, SHA-256 of each photo as it came, hexadecimal.
        pixel_hash: SHA-256 of all pixels, those of the sources among them.
        failures: What could not be read: (name, reason).
        key: Of their entry in `cache`.
        cache: Where they are kept, if they are.
        folder: Where the pixels lie if they are neither in memory nor in the cache; removed with this object.
    """

    pixels: np.ndarray
    sources: np.ndarray | None
    rows: np.ndarray
    boxes: np.ndarray
    aspects: np.ndarray
    hashes: np.ndarray
    pixel_hash: str
    failures: list[tuple[str, str]]
    key: str | None = None
    cache: PhotoCache | None = None
    folder: Path | None = None

    def __post_init__(self):
        for array in self.arrays().values():
            array.setflags(write=False)
        if self.folder is not None:
            weakref.finalize(self, shutil.rmtree, self.folder, True)

    @property
    def channels(self) -> int:
        """3 for colour, 1 for grey."""
        return self.pixels.shape[-1]

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of pictures by name: one, or of pairs two."""
        return {name: getattr(self, name) for name in _PICTURES if getattr(self, name) is not None}

    def groups(self) -> np.ndarray:
        """int64 `[N]`: photos with equal numbers are duplicates, exact or near; found once, then kept."""
        found = None
        if self.cache is not None:
            found = self.cache.array(self.key, "groups")
        if found is None or len(found) != len(self.pixels):
            found = near_duplicate_groups(self.pixels)
            if self.cache is not None:
                self.cache.add(self.key, "groups", found)
        return found


class ColourFoundError(Exception):
    """A picture in colour turned up where only grey ones had; the argument says which of its item."""


def prepare(
    source: Source,
    size: int,
    fit: str,
    channels: int | None,
    cache: PhotoCache | None,
    memory_budget: int,
    source_channels: int | None = None,
) -> PreparedPhotos:
    """Decode and resize the photos of a source, or find them in the cache.

    Args:
        source: The photos.
        size: Height and width in pixels.
        fit: `"letterbox"` or `"crop"`.
        channels: 3, 1, or `None` for 1 if every photo is grey and else 3.
        cache: Where to keep the result; `None` keeps nothing.
        memory_budget: The pixels are held in memory up to this many bytes, beyond it on disk.
        source_channels: As `channels`, of the pictures that go in, if the items are pairs.

    Raises:
        CatalogueError: If the disk has no room for what the memory has none for.
    """
    key = None
    paired = source.load_sources is not None
    if source.stamp is None:
        cache = None
    if cache is not None:
        wanted = f"{VERSION} {source.stamp} {size} {fit} {channels} {len(source.items)}"
        wanted += f" {source_channels}" if paired else ""
        key = hashlib.sha256(wanted.encode()).hexdigest()[:32]
        found = _from_cache(cache, key, memory_budget, paired)
        if found is not None:
            return found
    with warnings.catch_warnings():
        # broken metadata, thousands of times: the photos are read all the same
        warnings.filterwarnings("ignore", module="PIL")
        tried = [channels, source_channels][: 1 + paired]
        while True:
            try:
                return _decode(source, size, fit, tried, cache, key, memory_budget)
            except ColourFoundError as found:
                tried[found.args[0]] = 3


def _from_cache(cache: PhotoCache, key: str, memory_budget: int, paired: bool) -> PreparedPhotos | None:
    about = cache.read(key)
    if about is None:
        return None
    mapped, pictures = about["num_bytes"] > memory_budget, _PICTURES[: 1 + paired]
    arrays = {name: cache.array(key, name, mapped and name in pictures) for name in (*pictures, *_COLUMNS)}
    if any(array is None for array in arrays.values()):
        return None
    count = len(arrays["rows"])
    if any(len(arrays[name]) < count for name in pictures):
        return None
    arrays |= {name: arrays[name][:count] for name in pictures}
    failures = [tuple(failure) for failure in about["failures"]]
    arrays.setdefault("sources", None)
    return PreparedPhotos(**arrays, pixel_hash=about["pixel_hash"], failures=failures, key=key, cache=cache)


def _decode(
    source: Source,
    size: int,
    fit: str,
    channels: Sequence[int | None],
    cache: PhotoCache | None,
    key: str | None,
    memory_budget: int,
) -> PreparedPhotos:
    work = PhotoWork([item.name for item in source.items], size, fit, tuple(channels))
    shapes = [(len(source.items), size, size, number or 1) for number in channels]
    num_bytes = sum(map(math.prod, shapes))
    if num_bytes <= memory_budget:
        return _kept(_decode_into([np.empty(shape, np.uint8) for shape in shapes], source, work), cache, key)
    folder = _room_on_disk(cache, num_bytes)
    try:
        arrays = [
            np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, shape)
            for name, shape in zip(_PICTURES, shapes, strict=False)
        ]
        prepared = _decode_into(arrays, source, work, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return _kept(prepared, cache, key)


def _decode_into(
    arrays: Sequence[np.ndarray], source: Source, work: PhotoWork, folder: Path | None = None
) -> PreparedPhotos:
    rows, boxes, aspects, hashes, failures = [], [], [], [], []
    digest = hashlib.sha256()
    for row, outcome in with_progress(_in_threads(work, source.loads()), len(source.items)):
        if isinstance(outcome, PhotoError):
            failures.append((source.items[row].name, str(outcome).removeprefix(f"{source.items[row].name}: ")))
        else:
            squares, box, aspect, photo_hash = outcome
            for array, square in zip(arrays, squares, strict=True):
                array[len(rows)] = square
                digest.update(square)
            rows.append(row)
            boxes.append(box)
            aspects.append(aspect)
            hashes.append(photo_hash)
    pixels, sources = [*(array[: len(rows)] for array in arrays), None][:2]
    return PreparedPhotos(
        pixels,
        sources,
        np.array(rows, np.int64),
        np.array(boxes, np.int16).reshape(-1, 4),
        np.array(aspects, np.float32),
        np.array(hashes, "S64"),
        digest.hexdigest(),
        failures,
        folder=folder,
    )


@dataclasses.dataclass(frozen=True)
class PhotoWork:
    """What a thread does with a stretch of items.

    Args:
        names: What messages call them.
        size: Height and width in pixels.
        fit: `"letterbox"` or `"crop"`.
        channels: Of each picture of an item: 3, 1, or `None` for 1, and a picture in colour stops the work.
    """

    names: Sequence[str]
    size: int
    fit: str
    channels: tuple[int | None, ...]

    def __call__(self, start: int, loads: Iterable[Sequence[Callable[[], Raw]]]) -> list[tuple[int, Any]]:
        done = []
        for row, load in enumerate(loads, start):
            try:
                done.append((row, self._squares(load, self.names[row])))
            except PhotoError as error:
                done.append((row, error))
        return done

    def _squares(
        self, loads: Sequence[Callable[[], Raw]], name: str
    ) -> tuple[list[np.ndarray], tuple[int, ...], float, str]:
        """The pictures of an item, and of its photo the place in the square, the aspect and the hash."""
        read = read_item(loads, name, at_least=2 * self.size)
        aspect = read[0][1].width / read[0][1].height
        placed = []
        for number, ((_, image), channels) in enumerate(zip(read, self.channels, strict=True)):
            if channels is None and image.mode != "L":
                colour, _ = place(image, self.size, self.fit)
                if not is_grey(colour):
                    raise ColourFoundError(number)
            placed.append(place(image, self.size, self.fit, channels or 1, aspect))
        box = dataclasses.astuple(placed[0][1])
        return [square for square, _ in placed], box, aspect, source_hash(read[0][0])


def _in_threads(work: PhotoWork, loads: Iterator[Sequence[Callable[[], Raw]]]) -> Iterator[list[tuple[int, Any]]]:
    """Results in order; at most a few chunks are under way, so that neither end piles up in memory."""
    workers = min(_MOST_WORKERS, num_cores())
    pool = ThreadPoolExecutor(workers, thread_name_prefix="photos")
    under_way: deque = deque()
    start = 0
    # the workers keep the cores busy: BLAS threads of their own would only wait for each other (the studio, whose
    # photos take many small matrix products, is four times as fast without)
    with threadpool_limits(limits=1, user_api="blas"):
        try:
            while chunk := list(itertools.islice(loads, _CHUNK)):
                under_way.append(pool.submit(work, start, chunk))
                start += len(chunk)
                if len(under_way) > 2 * workers:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def num_cores() -> int:
    """Cores this process may use: a container may have fewer than the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def with_progress(chunks: Iterator[list], total: int, label: str = "Reading photos") -> Iterator[tuple[int, Any]]:
    """What is in the chunks, with a progress bar if a person is watching and it takes more than a moment."""
    if not sys.stderr.isatty():
        yield from itertools.chain.from_iterable(chunks)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("photos", total=total)
    began, shown = time.monotonic(), False
    try:
        for chunk in chunks:
            if not shown and time.monotonic() - began > _PATIENCE_SECONDS:
                bar.start()
                shown = True
            bar.advance(task, len(chunk))
            yield from chunk
    finally:
        if shown:
            bar.stop()


def _room_on_disk(cache: PhotoCache | None, num_bytes: int) -> Path:
    """A temporary folder for pixels that exceed the memory, where they will be kept if they will be."""
    where = None
    if cache is not None:
        try:
            cache.folder.mkdir(parents=True, exist_ok=True)
            where = cache.folder
        except OSError as error:
            _log.warning("Prepared photos cannot be kept in %s: %s", cache.folder, error.strerror)
    folder = Path(tempfile.mkdtemp(dir=where, prefix=".writing-"))
    free = shutil.disk_usage(folder).free
    if free < num_bytes * 1.05:
        folder.rmdir()
        raise CatalogueError(
            f"The photos need {num_bytes / 1e9:.1f} GB and {folder.parent} has {free / 1e9:.1f} GB free. Set the "
            "environment variable TFPRODUCTGAN_CACHE to a folder with more, or lower image_size."
        )
    return folder


def _kept(prepared: PreparedPhotos, cache: PhotoCache | None, key: str | None) -> PreparedPhotos:
    """Write the photos into the cache; if that fails they are used all the same."""
    if cache is None:
        return prepared
    try:
        with cache.writing(key) as entry:
            for name, pictures in prepared.arrays().items():
                if prepared.folder is None:
                    np.save(entry / f"{name}.npy", pictures)
                else:
                    pictures.flush()
                    os.replace(prepared.folder / f"{name}.npy", entry / f"{name}.npy")
            for name in _COLUMNS:
                np.save(entry / f"{name}.npy", getattr(prepared, name))
            about = {"pixel_hash": prepared.pixel_hash, "failures": prepared.failures}
            write_about(entry, {**about, "num_bytes": sum(array.nbytes for array in prepared.arrays().values())})
    except OSError as error:
        _log.warning("Prepared photos cannot be kept in %s: %s", cache.folder, error)
        return prepared
    prepared.key, prepared.cache = key, cache
    return prepared
