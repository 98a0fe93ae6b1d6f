"""Trained models from files."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import keras

import tfproductgan
from tfproductgan.errors import ConditionError, RunError
from tfproductgan.models.trained import TrainedModel
from tfproductgan.models.training_model import TrainingModel
from tfproductgan.registry import import_all
from tfproductgan.shipped import shipped

GENERATOR_FILE = "generator.keras"
"""Name of the trained generator inside a run directory."""

SHIPPED_MODEL = "studio.keras"

_DAMAGED = "it is damaged or no .keras file"
_LONGEST_REASON = 200  # Keras adds all of a model's settings


def load(path):
    """A trained model from a `.keras` file or a run directory.

    Args:
        path: A file that `save` of a trained model or of one that trains wrote, or a run directory.

    Returns:
        The model, ready for `generate` (a `Sampler`) or `translate` (a `Translator`).

    Raises:
        RunError: If there is no such file, or it is not one of ours.
    """
    path = Path(path)
    if path.is_dir():
        if not (path / GENERATOR_FILE).is_file():
            raise RunError(
                f"{path} holds no {GENERATOR_FILE}: give a run directory that has trained, or a .keras file."
            )
        path = path / GENERATOR_FILE
    if not path.is_file():
        raise RunError(f"No such model: {path}. Give a .keras file or a run directory.")
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):  # Keras would say that there is no such file
        raise RunError(f"{path} cannot be loaded as a model: {_DAMAGED}.")
    # the class a file refers to must be registered before it is read
    import_all()
    try:
        model = keras.saving.load_model(path)
    except Exception as error:  # Keras raises whatever the zip, JSON or HDF5 reader raised
        raise RunError(f"{path} cannot be loaded as a model: {_reason(path, error)}.") from error
    if not isinstance(model, TrainedModel | TrainingModel):
        raise RunError(f"{path} is a Keras model, but not one that this package trained.")
    return model


def _reason(path, error):
    """Why Keras could not load a file, in words: from its whole configuration down to what it says itself."""
    if isinstance(error, ConditionError):  # a schema of a newer version
        return str(error).rstrip(".")
    try:
        with zipfile.ZipFile(path) as archive:
            config, metadata = (archive.read(f"{name}.json").decode() for name in ("config", "metadata"))
        written_with = json.loads(metadata)["keras_version"]
        json.loads(config)
    except Exception:  # damaged files raise nearly anything
        return _DAMAGED
    here = f"tfproductgan {tfproductgan.__version__}"
    for name in sorted(set(re.findall(r'"tfproductgan>(\w+)"', config))):
        if keras.saving.get_registered_object(f"tfproductgan>{name}") is None:
            return f"it holds a {name}, which {here} does not know: update tfproductgan"
    said = " ".join(str(error).split("\n")[0].split())[:_LONGEST_REASON].rstrip(".")
    if written_with == keras.__version__:
        return f"{said} (saved with this Keras, {written_with})"
    return f"{said} (saved with Keras {written_with}; this is {keras.__version__} and {here}: update what is older)"


def shipped_model_path():
    """The small studio generator that comes with the package.

    Raises:
        RunError: If this installation lacks it.
    """
    path = shipped(SHIPPED_MODEL)
    if path is None:
        raise RunError(f"This installation holds no {SHIPPED_MODEL}; train one with `tfproductgan quickstart`.")
    return path
