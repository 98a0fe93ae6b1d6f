"""Photos of a TensorFlow Datasets data set."""

from __future__ import annotations

import functools
import hashlib
import operator
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfproductgan.catalogue.data_sets import left_out, taken_splits
from tfproductgan.catalogue.sources import Item, Source
from tfproductgan.errors import CatalogueError, nearest, require


def tfds_builder(name: Any, data_dir: str | Path | None = None) -> Any:
    """A prepared builder of `name`, such as `"cifar10:3.0.2"`, itself maybe a builder: see `Catalogue.from_tfds`.

    Raises:
        CatalogueError: If there is no such data set or it cannot be prepared.
        MissingExtraError: If the extra `tfds` is not installed.
    """
    tfds = require("tensorflow_datasets", "tfds")
    try:
        builder = tfds.builder(name, data_dir=data_dir, try_gcs=False) if isinstance(name, str) else name
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    except Exception as error:  # from an unknown name to a broken download
        first = str(error).strip().partition("\n")[0]
        raise CatalogueError(f"The TFDS data set {name!r} cannot be prepared: {first}") from error
    return builder


def natural_size(builder: Any, image: str | None) -> int | None:
    """The longer side of the pictures in pixels, if the data set says that all have one shape."""
    shape = _feature(builder, _image_name(builder, image)).shape
    return None if None in shape[:2] else max(shape[:2])


def tfds_source(
    builder: Any,
    image: str | None = None,
    attributes: Iterable[str] | None = None,
    text: str | None = None,
) -> Source:
    """The photos of a data set: see `Catalogue.from_tfds`."""
    image = _image_name(builder, image)
    unasked: dict[str, Any] = {}
    if attributes is None:
        attributes = _label_names(builder)
        taken = {image, text, *attributes}
        unasked = {n: f for n, f in _features(builder) if n not in taken}
    attributes = list(attributes)
    readers = {name: _reader(builder, name) for name in attributes}
    if text is not None:
        readers[text] = _reader(builder, text)
    splits = taken_splits(builder.info.splits)
    items = []
    for split, ours in splits.items():
        for number, example in enumerate(_examples(builder, split, list(readers))):
            values = {name: read(_at(example, name)) for name, read in readers.items()}
            labels = {name: values[name] for name in attributes}
            items.append(Item(f"{split} {number}", labels, ours, values[text] if text else ""))

    def load() -> Iterator[Callable[[], bytes]]:
        for split in splits:
            for example in _examples(builder, split, [image], encoded=True):
                yield functools.partial(_at, example, image)

    classes = {name: _classes(_feature(builder, name)) for name in attributes}
    names = {name: feature.names for name, feature in classes.items() if feature is not None}
    notes = left_out(builder.info.splits, splits, unasked)
    return Source(items, attributes, load, _stamp(builder, image, splits), values=names, notes=notes)


def _image_name(builder: Any, given: str | None) -> str:
    tfds = require("tensorflow_datasets", "tfds")
    if given is not None:
        if not isinstance(_feature(builder, given), tfds.features.Image):
            raise CatalogueError(f"Feature {given!r} of {builder.name} is no image.")
        return given
    features = builder.info.features
    images = [name for name, feature in features.items() if isinstance(feature, tfds.features.Image)]
    supervised = builder.info.supervised_keys
    if supervised and isinstance(supervised[0], str) and supervised[0] in images:
        return supervised[0]
    if len(images) != 1:
        raise CatalogueError(f"{builder.name} has {len(images)} images; name one with image=...: {images}")
    return images[0]


def _label_names(builder: Any) -> list[str]:
    supervised = builder.info.supervised_keys
    if supervised and isinstance(supervised[1], str) and _classes(builder.info.features[supervised[1]]) is not None:
        return [supervised[1]]
    return [name for name, feature in builder.info.features.items() if _classes(feature) is not None]


def _classes(feature: Any) -> Any:
    """The class label that a feature is, or that it is a sequence of; else `None`."""
    features = require("tensorflow_datasets", "tfds").features
    inner = feature.feature if isinstance(feature, features.Sequence) else feature
    return inner if isinstance(inner, features.ClassLabel) else None


def _is_group(feature: Any) -> bool:
    return isinstance(feature, require("tensorflow_datasets", "tfds").features.FeaturesDict)


def _features(builder: Any) -> Iterator[tuple[str, Any]]:
    """All features, those in groups too, by the names that `_feature` knows."""
    groups = [("", builder.info.features)]
    while groups:
        above, group = groups.pop(0)
        for name, feature in group.items():
            if _is_group(feature):
                groups.append((f"{above}{name}/", feature))
            else:
                yield f"{above}{name}", feature


def _feature(builder: Any, name: str) -> Any:
    feature = builder.info.features
    for part in name.split("/"):
        valid = list(feature) if _is_group(feature) else []
        if part not in valid:
            raise CatalogueError(f"{builder.name} has no feature {name!r}: {nearest(part, valid)}")
        feature = feature[part]
    return feature


def _reader(builder: Any, name: str) -> Callable[[Any], Any]:
    """What turns a value of a feature into its name, or those of a sequence into a tuple of their names."""
    feature = _feature(builder, name)
    classes = _classes(feature)
    if classes is feature:
        return lambda value: classes.int2str(int(value)) if value >= 0 else ""
    if classes is not None:
        return lambda values: tuple(classes.int2str(int(value)) for value in values if value >= 0)
    single = not _is_group(feature) and feature.shape == ()
    if not (single and issubclass(np.dtype(feature.np_dtype).type, (np.object_, np.str_, np.bool_, np.integer))):
        raise CatalogueError(
            f"Feature {name!r} of {builder.name} is no label: class labels, texts, whole numbers and booleans are."
        )
    return lambda value: value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _examples(builder: Any, split: str, names: Sequence[str], encoded: bool = False) -> Iterator[Any]:
    """Examples in the order of the files, with nothing decoded but the features named."""
    tfds = require("tensorflow_datasets", "tfds")
    if not names:
        yield from ({} for _ in range(builder.info.splits[split].num_examples))
        return
    wanted: dict[str, Any] = {}
    for name in names:
        *above, last = name.split("/")
        level = wanted
        for part in above:
            level = level.setdefault(part, {})
        level[last] = True
    skipped = {names[0]: tfds.decode.SkipDecoding()} if encoded else None
    decoders = tfds.decode.PartialDecoding(wanted, decoders=skipped)
    yield from tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False, decoders=decoders))


def _at(example: Any, name: str) -> Any:
    return functools.reduce(operator.getitem, name.split("/"), example)


def _stamp(builder: Any, image: str, splits: Iterable[str]) -> str:
    digest = hashlib.sha256(f"tfds {builder.info.full_name} {image}".encode())
    for split in splits:
        for path in builder.info.splits[split].filepaths:
            status = os.stat(path)
            digest.update(f"\n{split} {os.fspath(path)} {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()
