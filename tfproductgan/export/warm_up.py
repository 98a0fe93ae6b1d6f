"""Requests that TensorFlow Serving answers to itself before it says that a model is ready."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfproductgan.export.served_model import Signature
from tfproductgan.export.served_translator import PICTURES
from tfproductgan.serving.protos import ModelSpec, PredictionLog, PredictLog, PredictRequest, to_tensor

PLACE = Path("assets.extra", "tf_serving_warmup_requests")
"""Where TensorFlow Serving looks for them in the folder of a version."""

# what a server's batches are padded to, see docs/serving.md; the first batch of a size takes many times as long as
# the second
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)
_MANY = ("serving_default", "generate")  # the others are asked for one by one


def write_warm_up_requests(folder: Path, model: str, signatures: Mapping[str, Signature]) -> None:
    """Write into a SavedModel one request a signature, and one a batch size of those that are asked for most."""
    path = folder / PLACE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as file:
        for name, signature in signatures.items():
            for size in BATCH_SIZES if name in _MANY else (1,):
                inputs = {key: to_tensor(_ordinary(key, spec, size)) for key, spec in signature.inputs.items()}
                request = PredictRequest(model_spec=ModelSpec(name=model, signature_name=name), inputs=inputs)
                file.write(PredictionLog(predict_log=PredictLog(request=request)).SerializeToString())


def _ordinary(name: str, spec: tf.TensorSpec, size: int) -> np.ndarray:
    """Values that any input of ours takes: zeros, names that are not given, black pictures."""
    shape = (size, *spec.shape[1:])
    if spec.dtype != tf.string:
        return np.zeros(shape, spec.dtype.as_numpy_dtype)
    file = tf.io.encode_png(np.zeros((8, 8, 3), np.uint8)).numpy() if name == PICTURES else b""
    return np.full(shape, file, object)
