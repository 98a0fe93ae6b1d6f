"""A trained generator as a SavedModel: a folder that TensorFlow Serving and any TensorFlow can ask by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.errors import RunError, WriteError
from tfproductgan.export.model_card import model_card, told_card, write_cards
from tfproductgan.export.recognition import add_recognition
from tfproductgan.export.served_model import Signature
from tfproductgan.export.served_translator import PICTURES
from tfproductgan.models.trained import TrainedModel
from tfproductgan.models.training_model import TrainingModel
from tfproductgan.registry import kind_named
from tfproductgan.serving.protos import ModelSpec, PredictionLog, PredictLog, PredictRequest, to_tensor
from tfproductgan.serving.server.saved_model import WARM_UP
from tfproductgan.writing import refuse_unwritable, write_folder

# what a server's batches are padded to, see docs/serving.md; the first batch of a size takes many times as long as
# the second
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)
_MANY = ("serving_default", "generate")  # the others are asked for one by one
_ANY_SIDE = 8  # pixels, of inputs that may have any number
_MOST_DIGITS = 18  # of a version: TensorFlow Serving reads it as int64


def export_saved_model(
    model: TrainedModel | TrainingModel,
    path: str | os.PathLike,
    licence: str | None = None,
    facts: Mapping[str, Any] | None = None,
    classifier: keras.Model | None = None,
) -> Path:
    """Write a model as a SavedModel that serves by name.

    The folder appears whole or not at all, so a server may watch it meanwhile. Loading it takes TensorFlow and nothing
    else. Weights and arithmetic are float32, whatever the model was trained in.

    Args:
        model: What `tfproductgan.load` returns; of one that trains, the averaged network is written.
        path: `saved_models/NAME/VERSION`, or `saved_models/NAME` for the next free version, from 1 on.
        licence: Under which terms it may be used, for the model card. Defaults to a card that says: not stated.
        facts: More for the model card, see `found_facts`.
        classifier: Of the photos the model learnt from, such as the `model` of a `CatalogueClassifier`: with it the
            SavedModel also answers what pictures show, see `add_recognition`.

    Returns:
        The path of the version that was written.

    Raises:
        JudgementError: If the classifier knows other attributes than the model.
        RunError: If weights are no finite numbers.
        WriteError: If the version exists, the path names no model, or it cannot be written.
    """
    version = version_path(path)
    model = model.trained()
    refuse_bad_weights(model)
    name = version.absolute().parent.name
    served = kind_named(model.kind_name).find("served")(model)
    if classifier is not None:
        add_recognition(served, classifier)
    parameters = sum(int(tf.size(weight)) for weight in served.module.weights)
    card = model_card(served.describe(), name, int(version.name), parameters, licence, facts)
    served.card = told_card(card)

    def write(folder: Path) -> None:
        signatures = {name: signature.concrete() for name, signature in served.signatures.items()}
        tf.saved_model.save(served.module, str(folder), signatures)
        _write_warm_up_requests(folder, name, served.signatures)
        write_cards(folder, card)

    return write_folder(version, write)


def version_path(path: str | os.PathLike) -> Path:
    """The folder to write: the path itself if it ends with a version, otherwise the next free version in it.

    Raises:
        WriteError: If the version exists, the path names no model, or it cannot be written.
    """
    given, path = path, Path(path)
    explicit = path.name.isdecimal()
    model = path.parent if explicit else path
    if model.name in ("", "..") or _holds_models(model):
        raise WriteError(f"{str(given)!r} names no model: give a path such as saved_models/studio or .../studio/1.")
    if explicit and (len(path.name) > _MOST_DIGITS or path.name != str(int(path.name))):
        raise WriteError(f"{str(given)!r} ends with no version: give a whole number such as 1.")
    refuse_unwritable(model)
    if explicit and os.path.lexists(path):
        raise WriteError(f"{str(path)!r} exists already: give {str(model)!r} for the next free version.")
    return path if explicit else model / str(max(_versions(model), default=0) + 1)


def _versions(model: Path) -> list[int]:
    return [int(folder.name) for folder in model.iterdir() if folder.name.isdecimal()] if model.is_dir() else []


def _holds_models(folder: Path) -> bool:
    return folder.is_dir() and not _versions(folder) and any(_versions(model) for model in folder.iterdir())


def refuse_bad_weights(model: TrainedModel) -> None:
    """Stop before a model that can only draw noise is served.

    Raises:
        RunError: If a weight is NaN or infinite.
    """
    for variable in model.networks()[model.role].variables:
        if not np.isfinite(np.asarray(variable, np.float32)).all():
            raise RunError(
                f"{model.model_id} has weights that are no finite numbers ({variable.path}): its training went "
                "astray. Export an earlier checkpoint or train anew."
            )


def _write_warm_up_requests(folder: Path, model: str, signatures: Mapping[str, Signature]) -> None:
    """Write into a SavedModel one request a signature, and one a batch size of those that are asked for most."""
    path = folder / WARM_UP
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as file:
        for name, signature in signatures.items():
            for size in BATCH_SIZES if name in _MANY else (1,):
                inputs = {key: to_tensor(_ordinary(key, spec, size)) for key, spec in signature.inputs.items()}
                request = PredictRequest(model_spec=ModelSpec(name=model, signature_name=name), inputs=inputs)
                file.write(PredictionLog(predict_log=PredictLog(request=request)).SerializeToString())


def _ordinary(name: str, spec: tf.TensorSpec, size: int) -> np.ndarray:
    """Values that any input of ours takes: zeros, names that are not given, black pictures."""
    shape = (size, *(_ANY_SIDE if side is None else side for side in spec.shape[1:]))
    if spec.dtype != tf.string:
        return np.zeros(shape, spec.dtype.as_numpy_dtype)
    file = tf.io.encode_png(np.zeros((_ANY_SIDE, _ANY_SIDE, 3), np.uint8)).numpy() if name == PICTURES else b""
    return np.full(shape, file, object)
