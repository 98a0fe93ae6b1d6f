"""A catalogue as a data set of TensorFlow Datasets; only import this module where that is installed."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import itertools
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from tfproductgan.catalogue.catalogue import Catalogue, refuse_sparse
from tfproductgan.catalogue.chunks import (
    PhotoChunks,
    beam_pipeline_options,
    on_beam,
    prepare_chunks,
    read_pictures,
)
from tfproductgan.catalogue.label_notes import AUTO
from tfproductgan.catalogue.preparation import Preparation
from tfproductgan.catalogue.preparing import with_progress
from tfproductgan.catalogue.records import RecordPhotos, dataset_folder, metadata
from tfproductgan.catalogue.sources import Item, Source
from tfproductgan.conditions import ConditionSchema
from tfproductgan.errors import CatalogueError, RunError, require
from tfproductgan.writing import LOCK, expanded, locked

tfds = require("tensorflow_datasets", "tfds")

VERSION = 1
"""Of what is written: raised when the same photos would give other records."""

WORK = ".preparing"

_SHUFFLED_IN_MEMORY = 64 << 20  # bytes; TFDS itself takes 1 GB
_OWN_FEATURES = ("image", "number", "name", "text", "box")


@dataclasses.dataclass(frozen=True)
class Stretch:
    """The photos of one split in one chunk file, and all that is known of them: self-contained, for any process.

    `places`, int64 `[n]`, says which of the file's pictures they are, `numbers`, int64 `[n]`, which of the catalogue's;
    `ids`, int32 `[n, A]`, and `boxes`, int16 `[n, 4]`, are as there, `features` those of the attributes with the
    columns of each.
    """

    path: Path
    places: np.ndarray
    numbers: np.ndarray
    items: tuple[Item, ...]
    ids: np.ndarray
    boxes: np.ndarray
    features: tuple[tuple[str, slice], ...]

    def examples(self) -> list[tuple[int, dict[str, Any]]]:
        """Key and features of each photo."""
        made = []
        pictures = read_pictures(self.path)
        numbers, labels = self.numbers.tolist(), (self.ids - 1).tolist()  # TFDS writes what is not given as -1
        for i, item in enumerate(self.items):
            own = {
                "image": pictures[self.places[i]],
                "number": numbers[i],
                "name": item.name.encode("utf-8", "surrogateescape"),  # names of files need not be UTF-8
                "text": item.text,
                "box": self.boxes[i].astype(np.int64),
            }
            for feature, columns in self.features:
                own[feature] = labels[i][columns] if len(labels[i][columns]) > 1 else labels[i][columns.start]
            made.append((numbers[i], own))
        return made


class ProductPhotos(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """The photos of a catalogue, as a network sees them, with their labels and splits.

    They come in stretches of each split; `about` goes into the data set's `metadata.json`. With `beam` the examples are
    made by an Apache Beam pipeline.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}  # noqa: RUF012 - the name and type TFDS asks for

    def __init__(
        self,
        schema: ConditionSchema,
        stretches: dict[str, Sequence[Stretch]],
        about: dict[str, Any],
        beam: bool = False,
        **kwargs: Any,
    ):
        self._schema, self._stretches, self._about, self._beam = schema, stretches, about, beam
        super().__init__(**kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        size, features = self._schema.image_size, feature_names(self._schema)
        labels = {}
        for feature, attribute in zip(features, self._schema.attributes, strict=True):
            one = tfds.features.ClassLabel(names=list(attribute.values))
            labels[feature] = one if attribute.several == 1 else tfds.features.Sequence(one, length=attribute.several)
        own = {
            "image": tfds.features.Image(shape=(size, size, self._schema.channels), encoding_format="png"),
            "number": tfds.features.Scalar(np.int64),
            "name": tfds.features.Text(),
            "text": tfds.features.Text(),
            "box": tfds.features.Tensor(shape=(4,), dtype=np.int64),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description="Product photos prepared by tfproductgan; metadata.json holds the condition schema.",
            features=tfds.features.FeaturesDict(own | labels),
            supervised_keys=("image", features[0]) if features else None,
            metadata=tfds.core.MetadataDict(self._about),
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(stretches) for split, stretches in self._stretches.items()}

    def _generate_examples(self, stretches: Sequence[Stretch]):
        if self._beam:
            import apache_beam as beam

            return beam.Create(stretches) | beam.Reshuffle() | beam.FlatMap(Stretch.examples)
        total = sum(len(stretch.items) for stretch in stretches)
        made = ((len(stretch.items), stretch.examples()) for stretch in stretches)
        return itertools.chain.from_iterable(with_progress(made, total, "Writing photos"))


def feature_names(schema: ConditionSchema) -> tuple[str, ...]:
    """The feature of each attribute: its name, unless TFDS or a feature of ours has another use for that."""
    names: list[str] = []
    for attribute in schema.names:
        name = "".join("_" if character in "/\\:\n" else character for character in attribute)
        while name in _OWN_FEATURES or name in names:
            name += "_"
        names.append(name)
    return tuple(names)


def write_dataset(
    source: Source,
    preparation: Preparation,
    out: str | Path,
    text: str | None = None,
    beam: Sequence[str] | None = None,
) -> Path:
    """Write a catalogue as a TFDS data set, on all cores, with memory that does not grow with the pictures' size.

    The same call again goes on where it was stopped, or finds that all is done.

    Args:
        source: The photos.
        preparation: How they become a catalogue; its cache is not used.
        out: A folder; the data set lies in it as TFDS arranges them, `product_photos/1.0.0`.
        text: What the titles are called, if there are any.
        beam: Options of an Apache Beam pipeline to run on, such as `["runner=DirectRunner"]`; its workers must see
            `out`. By default the cores of this machine.

    Returns:
        The data set's own folder, which `Catalogue.from_prepared` reads, as it reads `out`.

    Raises:
        CatalogueError: If the photos cannot be used.
        RunError: If `out` holds something else, cannot be written, or another process prepares there.
        MissingExtraError: If Apache Beam is asked for and not installed.
    """
    if source.load_sources is not None:
        raise CatalogueError("Pairs cannot be prepared as a data set: train on the photos and sources themselves.")
    if preparation.schema is None:
        refuse_sparse(source, preparation.min_count)  # before hours are spent on the photos
        preparation = preparation.for_labels(source)
    out = expanded(out)
    identity = _identity(source, preparation, text)
    folder = _finished(out, identity)
    if folder is None:
        with locked(out):
            folder = _finished(out, identity) or _prepare(source, preparation, out, identity, text, beam)
    RecordPhotos(folder)  # makes its index, and reads every record on the way
    shutil.rmtree(out / WORK, ignore_errors=True)
    return folder


def as_before(source: Source, preparation: Preparation, out: str | Path, text: str | None = None) -> Preparation:
    """The same for a data set that is there already: once the default was to keep values however rare they are.

    Args:
        source: As of `write_dataset`.
        preparation: Likewise.
        out: Likewise.
        text: Likewise.
    """
    kept = dataclasses.replace(preparation, min_count=1)
    folder = dataset_folder(expanded(out)) if preparation.min_count == AUTO else None
    there = folder is not None and metadata(folder).get("identity") == _identity(source, kept, text)
    return kept if there else preparation


def _prepare(
    source: Source, preparation: Preparation, out: Path, identity: str, text: str | None, beam: Sequence[str] | None
) -> Path:
    run = None if beam is None else on_beam(beam)
    photos = prepare_chunks(source, preparation, out / WORK / identity, run)
    catalogue = Catalogue.from_source(source, preparation, text, photos)
    about = {"tfproductgan": VERSION, "identity": identity, "schema": catalogue.schema.to_dict()}
    about["features"], about["fit"] = list(feature_names(catalogue.schema)), preparation.fit
    builder = ProductPhotos(catalogue.schema, _stretches(catalogue, photos), about, beam is not None, data_dir=str(out))
    _write(builder, out / WORK, beam)
    return Path(builder.data_dir)


def _identity(source: Source, preparation: Preparation, text: str | None) -> str:
    """Changes when anything does that is written."""
    options = dataclasses.replace(preparation, cache=False, memory_budget=0, max_unreadable=0, schema=None)
    # photos that cannot be told from others by their stamp are never taken for the same
    digest = hashlib.sha256(f"{VERSION} {source.stamp or uuid.uuid4()} {options} {text}".encode())
    if text is not None and preparation.titles:
        digest.update(b" titles")
    if preparation.schema is not None:
        digest.update(preparation.schema.to_json().encode())
    digest.update(repr((list(source.attributes), dict(source.values))).encode())
    for item in source.items:
        digest.update(repr((item.name, sorted(item.labels.items()), item.split, item.text)).encode())
    return digest.hexdigest()[:32]


def _finished(out: Path, identity: str) -> Path | None:
    """The data set that an earlier call finished, if it is the same.

    Raises:
        RunError: If the folder holds something else.
    """
    if not out.is_dir():
        return None
    folder = dataset_folder(out)
    if folder is None:
        strange = sorted(path.name for path in out.iterdir() if path.name not in (WORK, LOCK, ProductPhotos.name))
        if strange:
            raise RunError(f"{str(out)!r} is not empty (it has {strange[0]!r}): choose a new folder.")
        return None
    if metadata(folder).get("identity") != identity:
        raise RunError(
            f"{str(out)!r} holds a data set of other photos, labels or options: choose a new folder, or remove it."
        )
    return folder


def _stretches(catalogue: Catalogue, photos: PhotoChunks) -> dict[str, list[Stretch]]:
    firsts = np.searchsorted(photos.chunks, np.arange(len(photos.paths)))
    features = tuple(zip(feature_names(catalogue.schema), catalogue.schema.slices, strict=True))
    stretches: dict[str, list[Stretch]] = {}
    for split, indices in catalogue.splits.items():
        conditions, chunks = catalogue.conditions(split), photos.chunks[indices]
        for chunk in np.unique(chunks):
            mine = indices[chunks == chunk]
            stretches.setdefault(split, []).append(
                Stretch(
                    photos.paths[chunk],
                    mine - firsts[chunk],
                    mine,
                    tuple(catalogue.source.items[row] for row in photos.rows[mine]),
                    conditions[chunks == chunk],
                    photos.boxes[mine],
                    features,
                )
            )
    return stretches


def _write(builder: ProductPhotos, work: Path, beam: Sequence[str] | None) -> None:
    """Let TFDS write the records; what an interrupted call of it left is removed."""
    import tensorflow as tf
    from tensorflow_datasets.core import shuffle

    for left in Path(builder.data_dir).parent.glob("incomplete.*"):
        shutil.rmtree(left, ignore_errors=True)
    options = None if beam is None else beam_pipeline_options(beam)
    tfds.disable_progress_bar()  # there is one of ours
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            mock.patch.object(shuffle, "MAX_MEM_BUFFER_SIZE", _SHUFFLED_IN_MEMORY),
        ):
            builder.download_and_prepare(
                download_dir=str(work / "downloads"),
                download_config=tfds.download.DownloadConfig(try_download_gcs=False, beam_options=options),
                file_format="tfrecord",
            )
    except tf.errors.OpError as error:
        raise RunError(f"Cannot write {builder.data_dir!r}: {error.message}") from error
    finally:
        tfds.enable_progress_bar()
