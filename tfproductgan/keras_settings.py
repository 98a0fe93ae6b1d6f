"""Keras as this package needs it, whatever other projects have left in `keras.json` and the environment."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from tfproductgan.errors import KerasSettingError

_OF_OTHER_BACKENDS = ("jax", "torch", "openvino", "flax")  # modules


def choose_tensorflow() -> None:
    """Let Keras run on TensorFlow if it is yet to be imported, which TensorFlow does too."""
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
        if os.path.expanduser("~").startswith("~"):  # no home folder: both would make one of that name here
            os.environ.setdefault("KERAS_HOME", os.devnull)


def check_keras() -> None:
    """Make sure that Keras runs on TensorFlow and computes in float32; it is imported.

    Raises:
        KerasSettingError: If it does not, or cannot be imported; the message says what to set.
    """
    choose_tensorflow()
    with importing_keras():
        import keras
    if keras.config.backend() != "tensorflow":
        raise KerasSettingError(
            f"Keras was imported with the backend {keras.config.backend()}, and this package trains on TensorFlow: "
            "set KERAS_BACKEND=tensorflow before it is imported."
        )
    if keras.config.floatx() != "float32":
        raise KerasSettingError(
            f"Keras is set to floatx={keras.config.floatx()}, and this package needs float32: call "
            "keras.config.set_floatx('float32'), or change it in keras.json. Recipes have a precision of their own."
        )


@contextlib.contextmanager
def importing_keras() -> Iterator[None]:
    """Around an import of Keras, or of TensorFlow, which imports it.

    Raises:
        KerasSettingError: If it fails by its settings.
    """
    try:
        yield
    except (ValueError, AssertionError, AttributeError, OSError, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name not in _OF_OTHER_BACKENDS:
            raise
        file = os.path.join(os.environ.get("KERAS_HOME") or "~/.keras", "keras.json")
        raise KerasSettingError(
            f"Keras cannot be imported with its settings ({error!r}): mend or remove {file}, and set "
            "KERAS_BACKEND=tensorflow."
        ) from error
