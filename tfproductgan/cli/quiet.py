"""TensorFlow as the verbs want it: without the notes that it prints while it is imported, and with fitting threads."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

from tfproductgan.cli.interrupts import ending_at_once
from tfproductgan.keras_settings import choose_tensorflow, importing_keras

# TensorFlow 2.21 logs these before it has read TF_CPP_MIN_LOG_LEVEL
_NOTES = (b"I0000 ", b"WARNING: All log messages before absl::InitializeLog()")

# settings of other projects: trainings cut short, Keras 2, what only JAX has
_VARIABLES_OF_OTHERS = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_NNX_ENABLED", "TF_USE_LEGACY_KERAS")

# what TensorFlow's GPU build reports as an error on a machine without a GPU
_NO_GPU = b"failed call to cuInit"

# TensorFlow Datasets 4.9 warns of a property that only it asks for, in its partial decoding
_TFDS_OF_ITSELF = "FeatureConnector.dtype"


def import_tensorflow(side_by_side: bool = False) -> None:
    """Import TensorFlow and Keras; what they write to stderr meanwhile comes through only if it is more than a note.

    A verb calls this first of all that is heavy in its `run`. oneDNN computes, unless `TF_ENABLE_ONEDNN_OPTS` is 0.
    Keras runs on TensorFlow with its own defaults, whatever `keras.json` and the environment say.

    Args:
        side_by_side: On two cores, give an operation one thread and run two at a time, unless `TF_NUM_INTRAOP_THREADS`
            says otherwise: for many small operations that do not wait for each other, see docs/performance.md.

    Raises:
        KerasSettingError: If they keep it from being imported.
    """
    if "tensorflow" in sys.modules:
        return
    from tfproductgan.machine import num_cores

    # by itself TensorFlow takes oneDNN only where a processor has AVX512-VNNI; with AVX2 alone a training step is
    # nearly twice as fast with it, see docs/performance.md
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    choose_tensorflow()
    for name in _VARIABLES_OF_OTHERS:
        os.environ.pop(name, None)
    with tempfile.TemporaryFile() as written:
        try:
            with ending_at_once(), _stderr_into(written), importing_keras():
                import tensorflow as tf

                logging.getLogger("absl").addFilter(lambda record: _TFDS_OF_ITSELF not in record.getMessage())
                # one of the graph optimisers fails on training graphs: it reports an error, changes nothing, goes on
                tf.config.optimizer.set_experimental_options({"remapping": False})
                if side_by_side and num_cores() == 2 and "TF_NUM_INTRAOP_THREADS" not in os.environ:
                    tf.config.threading.set_intra_op_parallelism_threads(1)
                # look for devices now, while what it says about missing ones can be left out
                tf.config.list_physical_devices()
                _reset_keras()
        finally:
            written.seek(0)
            for line in written:
                if not line.startswith(_NOTES) and not (_NO_GPU in line and not os.path.exists("/dev/nvidia0")):
                    os.write(2, line)


def _reset_keras() -> None:
    import keras

    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")


@contextlib.contextmanager
def quiet_converters() -> Iterator[None]:
    """Drop what is written to stderr meanwhile: converters and runtimes log there; what fails they raise."""
    with open(os.devnull, "wb") as nowhere, _stderr_into(nowhere):
        yield


@contextlib.contextmanager
def _stderr_into(file: IO[bytes]) -> Iterator[None]:
    sys.stderr.flush()
    terminal = os.dup(2)
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(terminal, 2)
        os.close(terminal)
