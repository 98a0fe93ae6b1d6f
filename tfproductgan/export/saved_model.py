"""A trained generator as a SavedModel: a folder that TensorFlow Serving and any TensorFlow can ask by name."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfproductgan.errors import RunError, WriteError
from tfproductgan.export.served_generator import ServedGenerator
from tfproductgan.models.generation import GeneratesByName
from tfproductgan.writing import refuse_unwritable, write_folder


def export_saved_model(generator: GeneratesByName, path: str | os.PathLike) -> Path:
    """Write a generator as a SavedModel that serves by name.

    The folder appears whole or not at all, so a server may watch it meanwhile. Loading it takes TensorFlow and nothing
    else.

    Args:
        generator: What `tfproductgan.load` returns, or a model that trained.
        path: `saved_models/NAME/VERSION`, or `saved_models/NAME` for the next free version, from 1 on.

    Returns:
        The path of the version that was written.

    Raises:
        RunError: If weights are no finite numbers.
        WriteError: If the version exists, the path names no model, or it cannot be written.
    """
    version = version_path(path)
    refuse_bad_weights(generator)
    served = ServedGenerator(generator)
    signatures = {name: signature.concrete() for name, signature in served.signatures.items()}
    return write_folder(version, lambda part: tf.saved_model.save(served.module, str(part), signatures))


def version_path(path: str | os.PathLike) -> Path:
    """The folder to write: the path itself if it ends with a version, otherwise the next free version in it.

    Raises:
        WriteError: If the version exists, the path names no model, or it cannot be written.
    """
    given, path = path, Path(path)
    explicit = path.name.isdecimal()
    model = path.parent if explicit else path
    if model.name in ("", ".."):
        raise WriteError(f"{str(given)!r} names no model: give a path such as saved_models/studio or .../studio/1.")
    refuse_unwritable(model)
    if explicit:
        if os.path.lexists(path):
            raise WriteError(f"{str(path)!r} exists already: give {str(model)!r} for the next free version.")
        return path
    taken = [int(folder.name) for folder in model.iterdir() if folder.name.isdecimal()] if model.is_dir() else []
    return model / str(max(taken, default=0) + 1)


def refuse_bad_weights(generator: GeneratesByName) -> None:
    """Stop before a model that can only draw noise is served.

    Raises:
        RunError: If a weight is NaN or infinite.
    """
    for variable in generator.sampling_network.variables:
        if not np.isfinite(np.asarray(variable, np.float32)).all():
            raise RunError(
                f"{generator.model_id} has weights that are no finite numbers ({variable.path}): its training went "
                "astray. Export an earlier checkpoint or train anew."
            )
