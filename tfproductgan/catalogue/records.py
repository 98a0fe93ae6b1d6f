"""The photos of a prepared data set: read from its TFRecord files one by one, wherever they lie.

TFRecord files are made to be read from front to back. An index of where each picture starts, made once, lets any
picture be read at once: then a stream can start at any step, draw photos by weight, and give a worker only its own.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfproductgan.conditions import ConditionSchema
from tfproductgan.errors import CatalogueError, RunError
from tfproductgan.writing import replace_file

_log = logging.getLogger(__name__)

INDEX = "photos.index.npz"
"""The file with the index, beside the data set's own; it may be removed, and is made again."""

INDEX_VERSION = 1

_MARKS = ("dataset_info.json", "features.json")
_DEEPEST = 3  # name, configuration and version below a data directory
_FRAME = 16  # bytes TFRecord puts around each record: 12 before it, 4 behind
_BATCH = 512


def dataset_folder(path: str | Path) -> Path | None:
    """The folder of the one TFDS data set that lies at or below `path`, or `None` if there is none.

    Raises:
        CatalogueError: If there is more than one.
    """
    path = Path(path)
    for depth in range(_DEEPEST + 1):
        found = [
            info.parent
            for info in sorted(path.glob("*/" * depth + _MARKS[0]))
            if "incomplete." not in str(info.relative_to(path)) and (info.parent / _MARKS[1]).is_file()
        ]
        if len(found) > 1:
            listed = ", ".join(repr(str(folder)) for folder in found[:3])
            raise CatalogueError(f"{str(path)!r} holds {len(found)} data sets; name one of them: {listed}")
        if found:
            return found[0]
    return None


def metadata(folder: Path) -> dict[str, Any]:
    """What `metadata.json` of a data set holds; empty if there is none."""
    try:
        return json.loads((folder / "metadata.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def is_prepared(folder: Path) -> bool:
    """Whether a TFDS data set was written by `tfproductgan prepare`."""
    return "tfproductgan" in metadata(folder)


def schema_of(path: Path) -> ConditionSchema | None:
    """The schema of the data set that `tfproductgan prepare` wrote at or below `path`, if there is one."""
    folder = dataset_folder(path)
    about = metadata(folder).get("schema") if folder is not None else None
    return None if about is None else ConditionSchema.from_dict(about)


class RecordPixels:
    """The pictures of TFRecord files, as if they were one array of shape `(N, S, S, C)`; nothing of them is held."""

    def __init__(self, paths: Sequence[Path], index: Mapping[str, np.ndarray], shape: tuple[int, int, int, int]):
        self.shape, self._places = shape, [index[name] for name in ("shard", "offset", "size")]
        self._files = [os.open(path, os.O_RDONLY) for path in paths]
        weakref.finalize(self, _close, self._files).atexit = False  # a stream may still be reading

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: np.ndarray | slice) -> np.ndarray:
        """Some of the pictures, decoded now: uint8 `[n, S, S, C]`."""
        import tensorflow as tf

        encoded = self.encoded(which)
        pixels = np.empty((len(encoded), *self.shape[1:]), np.uint8)
        for i, picture in enumerate(encoded):
            pixels[i] = tf.io.decode_png(picture, channels=self.shape[-1])
        return pixels

    def encoded(self, which: np.ndarray | slice) -> np.ndarray:
        """The PNG files of some of the pictures, read now: bytes `[n]`."""
        places = zip(*(column[which].tolist() for column in self._places), strict=True)
        read = [os.pread(self._files[file], size, offset) for file, offset, size in places]
        return np.array([*read, None], object)[:-1]  # NumPy takes a list of bytes alone for text


class RecordPhotos:
    """The photos of a data set that `tfproductgan prepare` wrote, which lies in `folder`.

    Attributes:
        schema: Its `ConditionSchema`.
        fit: How the photos were made square, `"letterbox"` or `"crop"`.
        features: Feature of each attribute.
        splits: Split name to int64 photo indices.
        ids: int32 `[N, A]`, conditions of the photos.
        boxes: int16 `[N, 4]`, left, top, right and bottom of each photo in its square.
        pixel_hash: SHA-256 of all pictures.
        pixels: Its `RecordPixels`.

    Raises:
        CatalogueError: If it was not written by `tfproductgan prepare`, or is damaged.
    """

    sources = None  # no data set holds pairs

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        about = metadata(self.folder)
        try:
            self.schema = ConditionSchema.from_dict(about["schema"])
            self.fit, self.features = about["fit"], tuple(about["features"])
            splits = json.loads((self.folder / _MARKS[0]).read_text("utf-8"))["splits"]
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise CatalogueError(f"{str(folder)!r} is no data set of tfproductgan prepare: {error}") from error
        self._names = [split["name"] for split in splits]
        self._paths = [path for name in self._names for path in self._shards(name)]
        index, self.pixel_hash = self._read_index() or self._make_index()
        self.ids, self.boxes = index["ids"], index["boxes"]
        self.splits = {name: np.flatnonzero(index["split"] == i) for i, name in enumerate(self._names)}
        shape = (len(self.ids), self.schema.image_size, self.schema.image_size, self.schema.channels)
        self.pixels = RecordPixels(self._paths, index, shape)

    def texts(self) -> list[str]:
        """The titles of all photos; empty where there is none."""
        import tensorflow as tf

        spec = {"text": tf.io.FixedLenFeature([], tf.string), "number": tf.io.FixedLenFeature([], tf.int64)}
        found: list[tuple[int, bytes]] = []
        for path in self._paths:
            for _, parsed in _batches(path, spec):
                found += zip(parsed["number"].numpy().tolist(), parsed["text"].numpy().tolist(), strict=True)
        return [text.decode() for _, text in sorted(found)]

    def _shards(self, split: str) -> list[Path]:
        found = sorted(self.folder.glob(f"*-{split}.tfrecord-*-of-*"))
        total = int(found[0].name.rpartition("-")[2]) if found else 1
        if len(found) != total:
            raise CatalogueError(f"{str(self.folder)!r} has {len(found)} of the {total} files of its split {split!r}.")
        return found

    def _about(self) -> dict[str, Any]:
        """What an index must say to be that of the files as they are."""
        return {"version": INDEX_VERSION, "files": [[path.name, path.stat().st_size] for path in self._paths]}

    def _read_index(self) -> tuple[dict[str, np.ndarray], str] | None:
        try:
            with (self.folder / INDEX).open("rb") as file, np.load(file) as saved:
                about = json.loads(str(saved["about"]))
                index = {name: saved[name] for name in ("shard", "offset", "size", "ids", "boxes", "split")}
                digest = about.pop("digest")
        except Exception:  # not there, or damaged in one of the many ways of a zip
            return None
        return (index, digest) if about == self._about() else None

    def _make_index(self) -> tuple[dict[str, np.ndarray], str]:
        """Read all records once: TensorFlow checks the checksum of each.

        Returns:
            Columns of `_index_file` in the order of the pictures' numbers, and SHA-256 of all pictures.
        """
        parts = [part for number, path in enumerate(self._paths) for part in self._index_file(number, path)]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        order = np.argsort(joined.pop("number"), kind="stable")
        columns: dict[str, Any] = {name: column[order] for name, column in joined.items()}
        digest = hashlib.sha256(columns.pop("hash").tobytes()).hexdigest()
        about = np.array(json.dumps({**self._about(), "digest": digest}))
        try:
            replace_file(self.folder / INDEX, lambda part: np.savez(part, about=about, **columns))
        except RunError as error:
            _log.warning("The index is made anew each time: %s", error)
        return columns, digest

    def _index_file(self, number: int, path: Path) -> Iterator[dict[str, np.ndarray]]:
        """What is known of some pictures: among it which file each is in, where in it, and its bytes."""
        import tensorflow as tf

        split = self._names.index(path.name.partition(".tfrecord")[0].rpartition("-")[2])
        scalar = tf.io.FixedLenFeature([], tf.int64)
        spec = {"image": tf.io.FixedLenFeature([], tf.string), "box": tf.io.FixedLenFeature([4], tf.int64)}
        spec["number"] = scalar
        for name, attribute in zip(self.features, self.schema.attributes, strict=True):
            spec[name] = scalar if attribute.several == 1 else tf.io.FixedLenFeature([attribute.several], tf.int64)
        start = 0
        for records, parsed in _batches(path, spec):
            lengths = np.array([len(record) for record in records])
            starts = start + np.cumsum(lengths + _FRAME) - lengths - 4
            start = int(starts[-1] + lengths[-1] + 4)
            images = parsed["image"].numpy()
            ids = [parsed[name].numpy().reshape(len(records), -1) + 1 for name in self.features]
            yield {
                "number": parsed["number"].numpy(),
                "shard": np.full(len(records), number, np.int32),
                "offset": starts + [record.index(image) for record, image in zip(records, images, strict=True)],
                "size": np.array([len(image) for image in images], np.int32),
                "ids": np.concatenate([np.zeros((len(records), 0), np.int32), *ids], axis=1).astype(np.int32),
                "boxes": parsed["box"].numpy().astype(np.int16),
                "split": np.full(len(records), split, np.int8),
                "hash": np.array([hashlib.sha256(image).digest() for image in images], "S32"),
            }


def _batches(path: Path, spec: dict[str, Any]) -> Iterator[tuple[Sequence[bytes], dict[str, Any]]]:
    """The records of a file, as they are and parsed."""
    import tensorflow as tf

    try:
        for records in tf.data.TFRecordDataset(str(path)).batch(_BATCH):
            yield records.numpy(), tf.io.parse_example(records, spec)
    except tf.errors.OpError as error:
        raise CatalogueError(f"{str(path)!r} is damaged: {error.message}") from error


def _close(files: Sequence[int]) -> None:
    for file in files:
        os.close(file)
