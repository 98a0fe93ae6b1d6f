"""Photos decoded, resized and compressed in stretches, a file each: work for many processes that can be taken up again.

Nothing here holds more than a few stretches: what stays in memory is a few hundred bytes a photo, whatever its size.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import itertools
import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import warnings
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from threadpoolctl import threadpool_limits

from tfproductgan.catalogue.duplicates import difference_hashes, group_duplicates, thumbnails
from tfproductgan.catalogue.preparing import ColourFoundError, PhotoWork, num_cores, with_progress
from tfproductgan.catalogue.sources import Raw, Source
from tfproductgan.errors import CatalogueError, PhotoError, require
from tfproductgan.writing import replace_file

CHUNK = 256
"""Photos a file: what a process holds at once, and what is lost when it is killed."""

_ARRAYS = ("rows", "boxes", "aspects", "hashes", "sizes")


@dataclasses.dataclass(frozen=True)
class ChunkTask:
    """A stretch of photos to be prepared, in this process or another.

    Args:
        path: The file to write; its folder exists.
        start: Number of the first photo.
        names: What messages call the photos.
        loads: What returns each photo, as the `load` of a `Source`.
        size: Height and width in pixels.
        fit: `"letterbox"` or `"crop"`.
        channels: 3 for colour, 1 for grey; `None` for grey, and a photo in colour stops it.
    """

    path: Path
    start: int
    names: tuple[str, ...]
    loads: tuple[Callable[[], Raw], ...]
    size: int
    fit: str
    channels: int | None


def write_chunk(task: ChunkTask) -> int:
    """Prepare the photos of a task and write its file, which appears whole or not at all.

    Returns:
        The number of photos, or 0 if nothing was written since one of them has colour and none must.
    """
    work = PhotoWork(task.names, task.size, task.fit, (task.channels,))
    try:
        with warnings.catch_warnings(), threadpool_limits(limits=1, user_api="blas"):
            warnings.filterwarnings("ignore", module="PIL")  # broken metadata: the photos are read all the same
            outcomes = work(0, zip(task.loads, strict=True))
    except ColourFoundError:
        return 0
    failures = [
        (task.names[row], str(outcome).removeprefix(f"{task.names[row]}: "))
        for row, outcome in outcomes
        if isinstance(outcome, PhotoError)
    ]
    read = [(row, outcome) for row, outcome in outcomes if not isinstance(outcome, PhotoError)]
    squares = np.array([square for _, ((square,), *_) in read], np.uint8)
    squares = squares.reshape(-1, task.size, task.size, task.channels or 1)
    pictures = [_png(square) for square in squares]
    arrays = {
        "rows": np.array([task.start + row for row, _ in read], np.int64),
        "boxes": np.array([box for _, (_, box, _, _) in read], np.int16).reshape(-1, 4),
        "aspects": np.array([aspect for _, (_, _, aspect, _) in read], np.float32),
        "hashes": np.array([photo_hash for _, (_, _, _, photo_hash) in read], "S64"),
        "sizes": np.array([len(picture) for picture in pictures], np.int64),
        "difference_hashes": difference_hashes(squares),
        "thumbnails": thumbnails(squares),
        "pictures": np.frombuffer(b"".join(pictures), np.uint8),
        "failures": np.array(json.dumps(failures)),
    }
    replace_file(task.path, functools.partial(_save, arrays=arrays))
    return len(task.names)


def _save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:  # given a name, NumPy would add its own suffix
        np.savez(file, **arrays)


def _png(square: np.ndarray) -> bytes:
    data = io.BytesIO()
    # level 6, the default, saves 2 % more and takes twice as long
    Image.fromarray(square[..., 0] if square.shape[-1] == 1 else square).save(data, "PNG", compress_level=3)
    return data.getvalue()


class PhotoChunks:
    """All photos of a source, prepared and lying in files.

    Args:
        paths: The files, in the order of the source.
        size: Height and width in pixels.
        channels: 3 for colour, 1 for grey.

    Attributes:
        rows: int64 `[N]`, which item of the source each photo is; what could not be read is missing.
        boxes: int16 `[N, 4]`, left, top, right and bottom of each photo in its square.
        aspects: float32 `[N]`, width divided by height of the photos as they came.
        hashes: bytes `[N]`, SHA-256 of each photo as it came, hexadecimal.
        sizes: int64 `[N]`, bytes of each picture.
        chunks: int64 `[N]`, which file each is in.
        failures: What could not be read: (name, reason).
    """

    sources = None  # pairs are not written as data sets

    def __init__(self, paths: Sequence[Path], size: int, channels: int):
        self.paths, self.size, self.channels = list(paths), size, channels
        parts: dict[str, list[np.ndarray]] = {name: [] for name in _ARRAYS}
        self.failures: list[tuple[str, str]] = []
        for path in self.paths:
            with np.load(path) as chunk:
                for name, part in parts.items():
                    part.append(chunk[name])
                self.failures += [tuple(failure) for failure in json.loads(str(chunk["failures"]))]
        self.rows, self.boxes, self.aspects, self.hashes, self.sizes = (np.concatenate(parts[n]) for n in _ARRAYS)
        self.chunks = np.repeat(np.arange(len(self.paths)), [len(part) for part in parts["rows"]])

    def groups(self) -> np.ndarray:
        """int64 `[N]`: photos with equal numbers are duplicates, exact or near."""
        parts = []
        for path in self.paths:
            with np.load(path) as chunk:
                parts.append((chunk["difference_hashes"], chunk["thumbnails"]))
        return group_duplicates(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def read_pictures(path: Path) -> list[bytes]:
    """The PNG files of all pictures of a chunk, in order."""
    with np.load(path) as chunk:
        data, ends = chunk["pictures"].tobytes(), np.cumsum(chunk["sizes"]).tolist()
    return [data[start:end] for start, end in itertools.pairwise([0, *ends])]


def prepare_chunks(
    source: Source,
    size: int,
    fit: str,
    channels: int | None,
    folder: Path,
    run: Callable[[Iterable[ChunkTask]], Iterator[tuple[ChunkTask, int]]] | None = None,
) -> PhotoChunks:
    """Prepare all photos of a source; files that an earlier call left are taken as they are.

    Args:
        source: The photos.
        size: Height and width in pixels.
        fit: `"letterbox"` or `"crop"`.
        channels: 3, 1, or `None` for 1 if every photo is grey and else 3.
        folder: For the files; it must belong to this source and these options alone.
        run: What does the tasks, and yields each with the result of `write_chunk`. By default all cores.

    Raises:
        RunError: If a file cannot be written.
    """
    for tried in (None, 3) if channels is None else (channels,):
        here = folder / ("1-if-grey" if tried is None else str(tried))
        colour = here / "colour-found"
        if colour.exists():
            continue
        here.mkdir(parents=True, exist_ok=True)
        paths = [here / f"{number:06}.npz" for number in range(-(-len(source.items) // CHUNK))]
        present = {path for path in paths if _is_whole(path)}
        tasks = (task for task in _tasks(source, paths, size, fit, tried) if task.path not in present)
        if _all_done((run or on_all_cores)(tasks), len(source.items), CHUNK * len(present)):
            return PhotoChunks(paths, size, tried or 1)
        colour.touch()
    raise AssertionError("three channels hold any photo")


def _tasks(source: Source, paths: Sequence[Path], size: int, fit: str, channels: int | None) -> Iterator[ChunkTask]:
    loads = source.load()
    for number, path in enumerate(paths):
        start = number * CHUNK
        names = tuple(item.name for item in source.items[start : start + CHUNK])
        yield ChunkTask(path, start, names, tuple(itertools.islice(loads, CHUNK)), size, fit, channels)


def _is_whole(path: Path) -> bool:
    """Whether a file is there and not cut short: its table of contents stands at its end."""
    return path.is_file() and zipfile.is_zipfile(path)


def _all_done(results: Iterator[tuple[ChunkTask, int]], total: int, present: int) -> bool:
    """Watch the tasks being done; stop at the first that found colour."""
    found = False

    def counted() -> Iterator[list[tuple[int, Any]]]:
        nonlocal found
        yield [(0, None)] * min(present, total)
        for task, count in results:
            found = found or not count
            if found:
                return
            yield [(task.start, None)] * count

    for _ in with_progress(counted(), total):
        pass
    results.close()
    return not found


def on_all_cores(tasks: Iterable[ChunkTask]) -> Iterator[tuple[ChunkTask, int]]:
    """Do tasks in as many processes as there are cores; a single task is done here."""
    tasks = iter(tasks)
    first = list(itertools.islice(tasks, 2))
    workers = num_cores()
    if len(first) < 2 or workers == 1:
        for task in itertools.chain(first, tasks):
            yield task, write_chunk(task)
        return
    # processes, not threads: the studio and the smaller half of decoding a photo hold Python's lock.
    # spawned, not forked: TensorFlow may be running threads here, which a fork would leave in the middle of things
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin_worker)
    under_way: deque = deque()
    try:
        for task in itertools.chain(first, tasks):
            under_way.append((task, pool.submit(write_chunk, task)))
            if len(under_way) > 2 * workers:
                task, future = under_way.popleft()
                yield task, future.result()
        while under_way:
            task, future = under_way.popleft()
            yield task, future.result()
    except BrokenProcessPool as error:
        raise CatalogueError(
            "A process that prepares photos ended early, most likely for want of memory. What is done is kept: the "
            "same command goes on. (In a script, the call must stand under: if __name__ == '__main__')"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin_worker() -> None:
    """A worker leaves Ctrl-C to the process that started it, and does not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def on_beam(options: Sequence[str]) -> Callable[[Iterable[ChunkTask]], Iterator[tuple[ChunkTask, int]]]:
    """What does tasks on Apache Beam, for `prepare_chunks`.

    The workers must see the folder of the files. All tasks are described to the pipeline at once: where photos are
    files or drawn, these are names; the photos of a TensorFlow data set are sent themselves.

    Args:
        options: Of the pipeline, such as `["runner=DirectRunner", "direct_num_workers=2"]`.
    """
    pipeline = beam_pipeline_options(options)

    def run(tasks: Iterable[ChunkTask]) -> Iterator[tuple[ChunkTask, int]]:
        import apache_beam as beam

        tasks = list(tasks)
        if tasks:
            with beam.Pipeline(options=pipeline) as made:
                _ = made | beam.Create(tasks) | beam.Reshuffle() | beam.Map(write_chunk)
        for task in tasks:
            yield task, len(task.names) if _is_whole(task.path) else 0

    return run


def beam_pipeline_options(options: Sequence[str]) -> Any:
    """The options of a pipeline.

    Raises:
        CatalogueError: If one is unknown.
        MissingExtraError: If Apache Beam is not installed.
    """
    require("apache_beam", "beam")
    from apache_beam.options.pipeline_options import PipelineOptions

    made = PipelineOptions([f"--{option.removeprefix('--')}" for option in options])
    unknown = sorted(set(made.get_all_options(retain_unknown_options=True)) - set(made.get_all_options()))
    if unknown:
        raise CatalogueError(f"Apache Beam knows no option {unknown[0]!r}: such as runner=DirectRunner.")
    return made
