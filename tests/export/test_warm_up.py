import numpy as np
import tensorflow as tf

from tfproductgan.export.saved_model import BATCH_SIZES
from tfproductgan.serving.protos import PredictionLog, from_tensor
from tfproductgan.serving.server.saved_model import WARM_UP


def test_every_signature_answers_its_requests(exported, served):
    records = tf.data.TFRecordDataset(str(exported / WARM_UP))
    requests = [PredictionLog.FromString(record.numpy()).predict_log.request for record in records]
    sizes = {}
    for request in requests:
        inputs = {name: from_tensor(tensor) for name, tensor in request.inputs.items()}
        [rows] = {len(value) for value in inputs.values()}
        sizes.setdefault(request.model_spec.signature_name, []).append(rows)
        if rows <= 2:
            assert len(served(request.model_spec.signature_name, **inputs)) == rows
    assert {request.model_spec.name for request in requests} == {"shop"}
    assert sizes["serving_default"] == sizes["generate"] == list(BATCH_SIZES)
    assert sizes["from_latents"] == sizes["interpolate"] == sizes["describe"] == [1]


def test_inputs_are_of_the_types_that_the_signature_wants(exported):
    record = next(iter(tf.data.TFRecordDataset(str(exported / WARM_UP)))).numpy()
    inputs = PredictionLog.FromString(record).predict_log.request.inputs
    types = {name: from_tensor(tensor).dtype for name, tensor in inputs.items()}
    assert types == {
        "class_": np.dtype(object),
        "base_colour": np.dtype(object),
        "view": np.dtype(object),
        "seed": np.dtype("int64"),
        "truncation": np.dtype("float32"),
    }
