"""Photos decoded, resized and compressed in stretches, a file each: work for many processes that can be taken up again.

Nothing here holds more than a few stretches: what stays in memory is a few hundred bytes a photo, whatever its size.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import json
import multiprocessing
import os
import signal
import threading
import zipfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tfproductgan.catalogue.duplicates import difference_hashes, group_duplicates, thumbnails
from tfproductgan.catalogue.preparation import Preparation
from tfproductgan.catalogue.preparing import (
    COLUMNS,
    ColourFoundError,
    PhotoFacts,
    Squaring,
    decoding,
    in_order,
    joined,
    with_progress,
)
from tfproductgan.catalogue.sources import Batch, Source
from tfproductgan.errors import CatalogueError, require
from tfproductgan.machine import num_cores
from tfproductgan.writing import replace_file

CHUNK = 256
"""Photos a file: what a process holds at once, and what is lost when it is killed."""


@dataclasses.dataclass(frozen=True)
class ChunkTask:
    """Photos to be prepared, in this process or another, and the file to write; its folder exists."""

    path: Path
    batch: Batch
    squaring: Squaring


def write_chunk(task: ChunkTask) -> int:
    """Prepare the photos of a task and write its file, which appears whole or not at all.

    Returns:
        The number of photos, or 0 if nothing was written since one of them has colour and none must.
    """
    try:
        with decoding():
            facts, [squares] = task.squaring(task.batch)
    except ColourFoundError:
        return 0
    pictures = [_png(square) for square in squares]
    arrays: dict[str, Any] = {
        **facts.columns(),
        "sizes": np.array([len(picture) for picture in pictures], np.int64),
        "difference_hashes": difference_hashes(squares),
        "thumbnails": thumbnails(squares),
        "pictures": np.frombuffer(b"".join(pictures), np.uint8),
        "failures": np.array(json.dumps(facts.failures)),
    }
    replace_file(task.path, lambda part: np.savez(part, **arrays))
    return len(task.batch.names)


def _png(square: np.ndarray) -> bytes:
    data = io.BytesIO()
    # level 6, the default, saves 2 % more and takes twice as long
    Image.fromarray(square[..., 0] if square.shape[-1] == 1 else square).save(data, "PNG", compress_level=3)
    return data.getvalue()


class PhotoChunks(PhotoFacts):
    """All photos of a source, prepared and lying in files.

    Args:
        paths: The files, in the order of the source.
        channels: 3 for colour, 1 for grey.

    Attributes:
        chunks: int64 `[N]`, which file each photo is in.
    """

    sources = None  # pairs are not written as data sets

    def __init__(self, paths: Sequence[Path], channels: int):
        self.paths, self.channels = list(paths), channels
        parts = []
        for path in self.paths:
            with np.load(path) as chunk:
                failures = [(name, reason) for name, reason in json.loads(str(chunk["failures"]))]
                parts.append(PhotoFacts(**{name: chunk[name] for name in COLUMNS}, failures=failures))
        super().__init__(**joined(parts))
        self.chunks = np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts])

    def groups(self) -> np.ndarray:
        """int64 `[N]`: photos with equal numbers are duplicates, exact or near."""
        hashes, small = [], []
        for path in self.paths:
            with np.load(path) as chunk:
                hashes.append(chunk["difference_hashes"])
                small.append(chunk["thumbnails"])
        return group_duplicates(np.concatenate(hashes), np.concatenate(small))


def read_pictures(path: Path) -> list[bytes]:
    """The PNG files of all pictures of a chunk, in order."""
    with np.load(path) as chunk:
        data, ends = chunk["pictures"].tobytes(), np.cumsum(chunk["sizes"]).tolist()
    return [data[start:end] for start, end in itertools.pairwise([0, *ends])]


def prepare_chunks(
    source: Source,
    preparation: Preparation,
    folder: Path,
    run: Callable[[Iterable[ChunkTask]], Generator[int, None, None]] | None = None,
) -> PhotoChunks:
    """Prepare all photos of a source; files that an earlier call left are taken as they are.

    Args:
        source: The photos.
        preparation: How they become pictures.
        folder: For the files; it must belong to this source and these options alone.
        run: What does the tasks, and yields what `write_chunk` returns for each. By default all cores.

    Raises:
        RunError: If a file cannot be written.
    """
    squaring = Squaring.wanted(source, preparation)
    while True:
        [channels] = squaring.channels
        here = folder / ("1-if-grey" if channels is None else str(channels))
        colour = here / "colour-found"
        if not colour.exists():
            here.mkdir(parents=True, exist_ok=True)
            paths = [here / f"{number:06}.npz" for number in range(-(-len(source.items) // CHUNK))]
            present = {path for path in paths if _is_whole(path)}
            tasks = (ChunkTask(*pair, squaring) for pair in zip(paths, source.batches(CHUNK), strict=True))
            results = (run or on_all_cores)(task for task in tasks if task.path not in present)
            counts = itertools.chain(
                [(min(CHUNK * len(present), len(source.items)), True)], ((count, count > 0) for count in results)
            )
            if all(with_progress(counts, len(source.items))):
                return PhotoChunks(paths, channels or 1)
            results.close()
            colour.touch()
        squaring = squaring.coloured(0)


def _is_whole(path: Path) -> bool:
    """Whether a file is there and not cut short: its table of contents stands at its end."""
    return path.is_file() and zipfile.is_zipfile(path)


def on_all_cores(tasks: Iterable[ChunkTask]) -> Generator[int, None, None]:
    """Do tasks in as many processes as there are cores; a single task is done here."""
    tasks = iter(tasks)
    first = list(itertools.islice(tasks, 2))
    tasks, workers = itertools.chain(first, tasks), num_cores()
    if len(first) < 2 or workers == 1:
        yield from map(write_chunk, tasks)
        return
    # processes, not threads: the studio and the smaller half of decoding a photo hold Python's lock
    try:
        yield from in_order(_Workers(workers), write_chunk, tasks, 2 * workers)
    except BrokenProcessPool as error:
        raise CatalogueError(
            "A process that prepares photos ended early, most likely for want of memory. What is done is kept: the "
            "same command goes on. (In a script, the call must stand under: if __name__ == '__main__')"
        ) from error


class _Workers(ProcessPoolExecutor):
    """Processes that leave Ctrl-C to the one that starts them, from their first moment, and end when nobody waits."""

    def __init__(self, count: int):
        # spawned, not forked: TensorFlow may be running threads here, which a fork would leave in the middle of things
        super().__init__(count, multiprocessing.get_context("spawn"), _begin_worker)

    def submit(self, *args, **kwargs):
        with _interrupts_held_back():  # it may start a process
            return super().submit(*args, **kwargs)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """End the processes; unless they are waited for, whatever they are doing: chunks appear whole or not at all."""
        if not wait:
            for process in list((self._processes or {}).values()):
                process.kill()
        super().shutdown(True, cancel_futures=cancel_futures)


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Ctrl-C is heard at the end of this, and never by processes that are started in it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[tuple] = []
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler):
        signal.signal(signal.SIGINT, lambda *signalled: heard.append(signalled))
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # processes inherit that
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        if callable(handler):
            signal.signal(signal.SIGINT, handler)
            if heard:
                handler(*heard[0])


def _begin_worker() -> None:
    """A worker does not outlive the process that started it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def on_beam(options: Sequence[str]) -> Callable[[Iterable[ChunkTask]], Generator[int, None, None]]:
    """What does tasks on Apache Beam, for `prepare_chunks`, by options such as `["runner=DirectRunner"]`.

    The workers must see the folder of the files. All tasks are described to the pipeline at once: where photos are
    files or drawn, these are names; the photos of a TensorFlow data set are sent themselves.
    """
    pipeline = beam_pipeline_options(options)

    def run(tasks: Iterable[ChunkTask]) -> Generator[int, None, None]:
        import apache_beam as beam

        tasks = list(tasks)
        if tasks:
            with beam.Pipeline(options=pipeline) as made:
                _ = made | beam.Create(tasks) | beam.Reshuffle() | beam.Map(write_chunk)
        yield from (len(task.batch.names) if _is_whole(task.path) else 0 for task in tasks)

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
