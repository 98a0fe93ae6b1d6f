"""Every photo decoded and resized once, on all cores, and kept: in memory where it fits, else on disk."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
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
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from tfproductgan.catalogue.cache import PhotoCache, say_not_kept, write_about
from tfproductgan.catalogue.duplicates import near_duplicate_groups, source_hash
from tfproductgan.catalogue.photos import extra_formats, header_of, is_grey, place, read_item
from tfproductgan.catalogue.preparation import Preparation
from tfproductgan.catalogue.sources import Batch, Raw, Source
from tfproductgan.errors import CatalogueError, PhotoError
from tfproductgan.machine import num_cores

T = TypeVar("T")
R = TypeVar("R")

VERSION = 1
"""Part of every key: raised whenever the same photos would give other pixels."""

COLUMNS = ("rows", "boxes", "aspects", "hashes")

_PICTURES = ("pixels", "sources")
_BATCH = 64
_MOST_WORKERS = 16
_PATIENCE_SECONDS = 1.0


@dataclasses.dataclass
class PhotoFacts:
    """What is known of photos that have been read.

    Args:
        rows: int64 `[N]`, which item of the source each is; what could not be read is missing.
        boxes: int16 `[N, 4]`, left, top, right and bottom of each photo in its square.
        aspects: float32 `[N]`, width divided by height of the photos as they came.
        hashes: bytes `[N]`, SHA-256 of each photo as it came, hexadecimal.
        failures: What could not be read: (name, reason).
    """

    rows: np.ndarray
    boxes: np.ndarray
    aspects: np.ndarray
    hashes: np.ndarray
    failures: list[tuple[str, str]]

    def columns(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        return {name: getattr(self, name) for name in COLUMNS}


def joined(parts: Sequence[PhotoFacts]) -> dict[str, Any]:
    """The facts of parts as those of the whole, by name."""
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS}
    return {**columns, "failures": [failure for part in parts for failure in part.failures]}


@dataclasses.dataclass
class PreparedPhotos(PhotoFacts):
    """Photos as the network will see them.

    Args:
        pixels: uint8 `[N, S, S, C]`, in memory or a memory map.
        sources: Likewise uint8 `[N, S, S, Cs]`, of pairs the pictures that go in; else `None`.
        pixel_hash: SHA-256 of all pixels, those of the sources among them.
        key: Of their entry in `cache`.
        cache: Where they are kept, if they are.
        folder: Where the pixels lie if they are neither in memory nor in the cache; removed with this object.
    """

    pixels: np.ndarray
    sources: np.ndarray | None
    pixel_hash: str
    key: str
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
        found = None if self.cache is None else self.cache.array(self.key, "groups")
        if found is None or len(found) != len(self.pixels):
            found = near_duplicate_groups(self.pixels)
            if self.cache is not None:
                self.cache.add(self.key, "groups", found)
        return found


class ColourFoundError(Exception):
    """A picture in colour turned up where only grey ones had; the argument says which of its item."""


@dataclasses.dataclass(frozen=True)
class Squaring:
    """How photos become squares: what a thread or process does with some of them.

    Args:
        size: Height and width in pixels.
        fit: `"letterbox"` or `"crop"`.
        channels: Of each picture of an item: 3, 1, or `None` for 1, and a picture in colour stops the work.
    """

    size: int
    fit: str
    channels: tuple[int | None, ...]

    @classmethod
    def wanted(cls, source: Source, preparation: Preparation) -> Squaring:
        """What the options ask for."""
        schema = preparation.schema
        channels = (preparation.channels, schema.source_channels if schema else None)
        return cls(preparation.image_size, preparation.fit, channels if source.load_sources else channels[:1])

    def coloured(self, number: int) -> Squaring:
        """The same with three channels for one picture of each item."""
        return dataclasses.replace(self, channels=(*self.channels[:number], 3, *self.channels[number + 1 :]))

    def shapes(self, count: int) -> list[tuple[int, int, int, int]]:
        """Of the pictures of so many items."""
        return [(count, self.size, self.size, channels or 1) for channels in self.channels]

    def __call__(self, batch: Batch) -> tuple[PhotoFacts, list[np.ndarray]]:
        """What is known of some photos, and their pictures: one array, or of pairs two."""
        pictures = [np.empty(shape, np.uint8) for shape in self.shapes(len(batch.names))]
        read: list[tuple] = []
        failures = []
        for row, (name, loads) in enumerate(zip(batch.names, batch.loads, strict=True), batch.start):
            try:
                squares, *known = self._read(loads, name)
            except PhotoError as error:
                failures.append((name, str(error).removeprefix(f"{name}: ")))
                continue
            for array, square in zip(pictures, squares, strict=True):
                array[len(read)] = square
            read.append((row, *known))
        rows, boxes, aspects, hashes = zip(*read, strict=True) if read else [()] * 4
        facts = PhotoFacts(
            np.array(rows, np.int64),
            np.array(boxes, np.int16).reshape(-1, 4),
            np.array(aspects, np.float32),
            np.array(hashes, "S64"),
            failures,
        )
        return facts, [array[: len(read)] for array in pictures]

    def _read(
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


@contextlib.contextmanager
def decoding() -> Iterator[None]:
    """What decoding on all cores needs, around it."""
    # the workers keep the cores busy: BLAS threads of their own would only wait for each other (the studio, whose
    # photos take many small matrix products, is four times as fast without)
    with warnings.catch_warnings(), threadpool_limits(limits=1, user_api="blas"):
        # broken metadata and very large photos, thousands of times: they are read all the same
        warnings.filterwarnings("ignore", module="PIL")
        yield


def in_threads(work: Callable[[Batch], R], source: Source) -> Iterator[tuple[int, R]]:
    """What `work` makes of the photos, some at a time and in order, each with their number."""
    workers = min(_MOST_WORKERS, num_cores())
    pool = ThreadPoolExecutor(workers, thread_name_prefix="photos")
    return in_order(pool, lambda batch: (len(batch.names), work(batch)), source.batches(_BATCH), 2 * workers)


def in_order(pool: Executor, work: Callable[[T], R], tasks: Iterable[T], most: int) -> Iterator[R]:
    """Results in the order of the tasks; few are under way at once, so that neither end piles up in memory.

    After Ctrl-C, or when nobody takes the results any more, what is under way is not waited for.
    """
    under_way: deque = deque()
    wait = True
    try:
        for task in tasks:
            under_way.append(pool.submit(work, task))
            if len(under_way) > most:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    except (KeyboardInterrupt, GeneratorExit):
        wait = False
        raise
    finally:
        pool.shutdown(wait, cancel_futures=True)


def with_progress(parts: Iterable[tuple[int, T]], total: int, label: str = "Reading photos") -> Iterator[T]:
    """Parts that come with their sizes, with a progress bar if a person is watching and it takes more than a moment."""
    if not sys.stderr.isatty():
        yield from (part for _, part in parts)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("photos", total=total)
    began = time.monotonic()
    try:
        for size, part in parts:
            if time.monotonic() - began > _PATIENCE_SECONDS:
                bar.start()
            bar.advance(task, size)
            yield part
    finally:
        if bar.live.is_started:
            bar.stop()


def prepare(source: Source, preparation: Preparation) -> PreparedPhotos:
    """Decode and resize the photos of a source, or find them in the cache.

    Raises:
        CatalogueError: If the disk has no room for what the memory has none for.
    """
    cache = None if source.stamp is None else preparation.photo_cache()
    squaring = Squaring.wanted(source, preparation)
    channels, *of_sources = squaring.channels
    wanted = [VERSION, source.stamp, squaring.size, squaring.fit, channels, len(source.items), *of_sources]
    key = hashlib.sha256(" ".join(map(str, wanted)).encode()).hexdigest()[:32]
    found = None
    if cache is not None and _is_current(cache, key, source):
        found = _from_cache(cache, key, preparation.memory_budget, len(squaring.channels))
    while not found:
        try:
            found = _decode(source, squaring, cache, key, preparation.memory_budget)
        except ColourFoundError as colour:
            squaring = squaring.coloured(colour.args[0])
    return found


def _is_current(cache: PhotoCache, key: str, source: Source) -> bool:
    """Whether an entry has what this installation makes of the photos: it may read more formats, or know more colours,
    than the one that wrote it.
    """
    about = cache.read(key)
    if about is None:
        return False
    if about.get("reads", []) != sorted(extra_formats()) and about["failures"]:
        return False
    if "reads" not in about:  # written when profiles were not converted yet: looked through once
        if _any_profile(source):
            return False
        cache.change(key, {**about, "reads": sorted(extra_formats())})
    return True


def _any_profile(source: Source) -> bool:
    """Whether the colours of any photo are converted."""
    first = next(source.loads(), ())
    if first and isinstance(_raw(first[0]), np.ndarray):  # pixels have no profile, and may take long to draw
        return False
    return any(found for _, found in in_threads(_has_profile, source))


def _has_profile(batch: Batch) -> bool:
    for load in itertools.chain.from_iterable(batch.loads):
        raw = _raw(load)
        with contextlib.suppress(Exception):  # what is no photo has no colours either
            if isinstance(raw, bytes) and header_of(raw)[2] is not None:
                return True
    return False


def _raw(load: Callable[[], Raw]) -> Raw | None:
    try:
        return load()
    except PhotoError:
        return None


def _from_cache(cache: PhotoCache, key: str, memory_budget: int, num_pictures: int) -> PreparedPhotos | None:
    about = cache.read(key)
    if about is None:
        return None
    mapped, pictures = about["num_bytes"] > memory_budget, _PICTURES[:num_pictures]
    read: dict[str, Any] = {name: cache.array(key, name, mapped and name in pictures) for name in (*pictures, *COLUMNS)}
    if any(array is None for array in read.values()):
        return None
    count = len(read["rows"])
    if any(len(read[name]) < count for name in pictures):
        return None
    read |= {name: read[name][:count] for name in pictures}
    read["failures"] = [tuple(failure) for failure in about["failures"]]
    return PreparedPhotos(**{"sources": None, **read}, pixel_hash=about["pixel_hash"], key=key, cache=cache)


def _decode(
    source: Source, squaring: Squaring, cache: PhotoCache | None, key: str, memory_budget: int
) -> PreparedPhotos:
    shapes = squaring.shapes(len(source.items))
    num_bytes = sum(map(math.prod, shapes))
    folder = _room_on_disk(cache, num_bytes) if num_bytes > memory_budget else None
    try:
        arrays = {
            name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, shape)
            if folder
            else np.empty(shape, np.uint8)
            for name, shape in zip(_PICTURES, shapes, strict=False)
        }
        parts, count, digest = [], 0, hashlib.sha256()
        with decoding():
            for facts, pictures in with_progress(in_threads(squaring, source), len(source.items)):
                for array, some in zip(arrays.values(), pictures, strict=True):
                    array[count : count + len(some)] = some
                for squares in zip(*pictures, strict=True):
                    for square in squares:
                        digest.update(square)
                parts.append(facts)
                count += len(facts.rows)
    except BaseException:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    cut: dict[str, Any] = {"sources": None} | {name: array[:count] for name, array in arrays.items()}
    prepared = PreparedPhotos(**joined(parts), **cut, pixel_hash=digest.hexdigest(), key=key, folder=folder)
    return _kept(prepared, cache)


def _room_on_disk(cache: PhotoCache | None, num_bytes: int) -> Path:
    """A temporary folder for pixels that exceed the memory, where they will be kept if they will be."""
    folder = None
    if cache is not None:
        try:
            cache.folder.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=cache.folder, prefix=".writing-"))
        except OSError as error:
            say_not_kept(cache.folder.parent, error.strerror or str(error))
    folder = folder or Path(tempfile.mkdtemp(prefix=".writing-"))
    free = shutil.disk_usage(folder).free
    if free < num_bytes * 1.05:
        folder.rmdir()
        raise CatalogueError(
            f"The photos need {num_bytes / 1e9:.1f} GB and {folder.parent} has {free / 1e9:.1f} GB free. Set the "
            "environment variable TFPRODUCTGAN_CACHE to a folder with more, or lower image_size."
        )
    return folder


def _kept(prepared: PreparedPhotos, cache: PhotoCache | None) -> PreparedPhotos:
    """Write the photos into the cache; if that fails they are used all the same."""
    if cache is None:
        return prepared
    try:
        with cache.writing(prepared.key) as entry:
            for name, pictures in prepared.arrays().items():
                if isinstance(pictures, np.memmap) and pictures.filename:
                    pictures.flush()
                    os.replace(pictures.filename, entry / f"{name}.npy")
                else:
                    np.save(entry / f"{name}.npy", pictures)
            for name, column in prepared.columns().items():
                np.save(entry / f"{name}.npy", column)
            about = {"pixel_hash": prepared.pixel_hash, "failures": prepared.failures, "reads": sorted(extra_formats())}
            write_about(entry, {**about, "num_bytes": sum(array.nbytes for array in prepared.arrays().values())})
    except OSError as error:
        say_not_kept(cache.folder.parent, error.strerror or str(error))
        return prepared
    prepared.cache = cache
    return prepared
