"""What a catalogue of a data set that `tfproductgan prepare` wrote is built from: the photos stay on disk."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tfproductgan.catalogue.preparation import Preparation
from tfproductgan.catalogue.records import RecordPhotos, dataset_folder
from tfproductgan.catalogue.sources import Source
from tfproductgan.catalogue.tfds_source import tfds_source
from tfproductgan.conditions import ConditionSchema
from tfproductgan.errors import CatalogueError, ConditionError, require


def prepared_parts(
    folder: str | Path, attributes: Iterable[str] | None = None, schema: ConditionSchema | None = None
) -> dict[str, Any]:
    """What `Catalogue` is built from: see `Catalogue.from_prepared`."""
    found = dataset_folder(Path(folder).expanduser())
    if found is None:
        raise CatalogueError(f"{str(folder)!r} holds no data set that tfproductgan prepare has finished.")
    photos = RecordPhotos(found)
    if schema is not None:
        _check_size(photos.schema, schema)
    splits = {split: indices for split, indices in photos.splits.items() if len(indices)}
    taken = _chosen(schema or photos.schema, attributes)
    # photos are many, combinations few
    combinations, which = np.unique(photos.index.ids, axis=0, return_inverse=True)
    ids = taken.encode_rows(map(photos.schema.decode, combinations))[which.reshape(-1)]
    return {
        "schema": taken.with_combinations(ids[splits["train"]]) if schema is None else taken,
        "preparation": Preparation(photos.schema.image_size, photos.fit, photos.schema.channels, cache=False),
        "photos": photos,
        "splits": splits,
        "conditions": ids,
        "source": functools.partial(_source, photos),
        "captions": photos.texts,
    }


def _source(photos: RecordPhotos) -> Source:
    """The photos one by one, for those who look at each."""
    tfds = require("tensorflow_datasets", "tfds")
    return tfds_source(tfds.builder_from_directory(str(photos.folder)), "image", photos.features, "text")


def _check_size(prepared: ConditionSchema, wanted: ConditionSchema) -> None:
    for name in ("image_size", "channels", "source_channels"):
        mine, theirs = getattr(prepared, name), getattr(wanted, name)
        if mine != theirs:
            raise CatalogueError(f"The data set was prepared with {name}={mine}, and {theirs} is asked for.")


def _chosen(schema: ConditionSchema, attributes: Iterable[str] | None) -> ConditionSchema:
    """A schema with only some of its attributes."""
    if attributes is None:
        return schema
    try:
        chosen = [schema.attribute(name) for name in attributes]
    except ConditionError as error:
        raise CatalogueError(f"The data set lacks what is asked for. {error}") from error
    return dataclasses.replace(schema, attributes=chosen, combinations=())
