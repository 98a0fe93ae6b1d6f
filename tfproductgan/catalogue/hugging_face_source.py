"""Photos of a data set that the library `datasets` has loaded; nothing of that library is imported."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tfproductgan.catalogue.array_source import raw_photo
from tfproductgan.catalogue.cells import cell_texts
from tfproductgan.catalogue.data_sets import left_out, taken_splits
from tfproductgan.catalogue.sources import Item, Raw, Source
from tfproductgan.errors import CatalogueError, PhotoError, nearest

_NAME = "the data set"


def hugging_face_source(
    dataset: Any, image: str | None = None, attributes: Iterable[str] | None = None, text: str | None = None
) -> Source:
    """The photos of a `Dataset` or `DatasetDict`: see `Catalogue.from_hugging_face`."""
    parts = dict(dataset) if isinstance(dataset, Mapping) else {"train": dataset}
    if not parts or not all(hasattr(part, "features") and hasattr(part, "__len__") for part in parts.values()):
        raise CatalogueError(
            "dataset must be a Dataset or DatasetDict of the library datasets, loaded without streaming=True. "
            f"Received: {type(dataset).__name__}"
        )
    features = dict(next(iter(parts.values())).features)
    image = _image_name(features, image)
    unasked: dict[str, Any] = {}
    if attributes is None:
        attributes = [name for name, feature in features.items() if _class_names(feature)]
        unasked = {n: f for n, f in features.items() if n not in {image, text, *attributes}}
    attributes = list(attributes)
    values = {name: names for name in attributes if (names := _class_names(_feature(features, name)))}
    columns = [*attributes, *([text] if text else [])]
    for name in columns:
        _feature(features, name)
    splits = taken_splits(parts)
    items = []
    for split, ours in splits.items():
        texts = {name: [_value(cell, values.get(name)) for cell in parts[split][name]] for name in columns}
        for i in range(len(parts[split])):
            labels = {name: texts[name][i] for name in attributes}
            items.append(Item(f"{split} {i}", labels, ours, str(texts[text][i]) if text else ""))

    def load() -> Iterator[Callable[[], Raw]]:
        for split in splits:
            photos = parts[split]
            if hasattr(photos, "select_columns"):  # the others need not be decoded
                photos = photos.select_columns([image])
            for i in range(len(photos)):
                yield functools.partial(_photo, photos[i][image], f"{split} {i}")

    return Source(items, attributes, load, values=values, notes=left_out(parts, splits, unasked))


def _image_name(features: Mapping[str, Any], given: str | None) -> str:
    if given is not None:
        _feature(features, given)
        return given
    images = [name for name, feature in features.items() if type(feature).__name__ == "Image"]
    if len(images) != 1:
        raise CatalogueError(
            f"{_NAME} has {len(images)} columns of images; name one with image=...: {images or list(features)}"
        )
    return images[0]


def _feature(features: Mapping[str, Any], name: str) -> Any:
    if name not in features:
        raise CatalogueError(f"{_NAME} has no column {name!r}: {nearest(name, features)}")
    return features[name]


def _class_names(feature: Any) -> list[str] | None:
    """The names of a class label, or of a list of class labels; else `None`."""
    inner = feature[0] if isinstance(feature, list) and feature else getattr(feature, "feature", feature)
    names = getattr(inner, "names", None)
    return list(names) if names else None


def _value(cell: Any, names: list[str] | None) -> Any:
    """A cell as text, or as a tuple of texts if it holds several values; class labels by their names."""
    if names is None or cell is None:
        return cell_texts(cell)
    if hasattr(cell, "__len__"):
        return tuple(names[int(i)] for i in cell if i is not None and i >= 0)
    return names[int(cell)] if cell >= 0 else ""


def _photo(cell: Any, name: str) -> Raw:
    if isinstance(cell, Mapping):  # not decoded: what its file holds, or where that is
        cell = cell.get("bytes") or cell.get("path")
    if isinstance(cell, str):
        try:
            return Path(cell).read_bytes()
        except OSError as error:
            raise PhotoError(f"{name}: {cell!r} cannot be read: {error.strerror}") from error
    if cell is None:
        raise PhotoError(f"{name}: there is no photo")
    return raw_photo(cell, name)
