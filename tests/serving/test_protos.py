"""The messages are TensorFlow Serving's own: compared with its stubs where they are installed."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("google.protobuf")
from tfproductgan.serving import protos

ARRAYS = [
    np.array([], np.float32),
    np.array(3.5),
    np.array([True, False, True]),
    np.array(["Gold", "Éclair", ""]),
    np.array([[b"\x89PNG", b""]], object),
    np.arange(6, dtype=np.int64).reshape(2, 3) - 3,
    np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3),
    np.array([0.5, -2], np.float16),
    np.array([2**63], np.uint64),
]


@pytest.fixture(scope="module")
def official():
    """Full name -> class of TensorFlow Serving's stubs."""
    apis = pytest.importorskip("tensorflow_serving.apis", reason="needs tensorflow-serving-api")
    from google.protobuf import descriptor_pool, message_factory

    try:
        from tensorflow_serving.apis import (
            get_model_metadata_pb2,  # noqa: F401
            model_service_pb2,  # noqa: F401
            prediction_log_pb2,  # noqa: F401
            prediction_service_pb2,  # noqa: F401
        )
    except AttributeError as error:  # those of 2.18 and protobuf 5, which it asks for
        pytest.skip(f"tensorflow-serving-api does not work here: {error}")

    assert apis

    def find(full_name):
        found = descriptor_pool.Default().FindMessageTypeByName(full_name)
        return message_factory.GetMessageClass(found)

    return find


def all_messages():
    # of these two only the server has the stubs
    unpublished = ("BatchingParameters", "MonitoringConfig", "PrometheusConfig")
    return [name for name in protos._MESSAGES if name.rsplit(".", 1)[1] not in unpublished]


def _facts(field):
    types = [part and part.full_name for part in (field.message_type, field.enum_type, field.containing_oneof)]
    numbers = (field.number, field.type, field.is_repeated, field.is_packed, field.has_presence)
    return *numbers, *types, field.json_name


@pytest.mark.parametrize("name", all_messages())
def test_fields_are_those_of_the_stubs(name, official):
    ours, theirs = protos.POOL.FindMessageTypeByName(name), official(name).DESCRIPTOR
    for field in ours.fields:
        twin = theirs.fields_by_name[field.name]
        facts = [_facts(f) for f in (field, twin)]
        assert facts[0] == facts[1], field.name
        if field.enum_type:
            numbers = {value.name: value.number for value in twin.enum_type.values}
            assert {value.name: value.number for value in field.enum_type.values}.items() <= numbers.items()


def test_a_request_has_the_bytes_of_the_stubs(official):
    def fill(request):
        request.model_spec.name = "studio"
        request.model_spec.version.value = 7
        request.model_spec.signature_name = "generate"
        for name, values in (("colour", [b"Gold", b""]), ("category", [b"Mug", b"Ring"])):
            request.inputs[name].dtype = 7
            request.inputs[name].tensor_shape.dim.add(size=2)
            request.inputs[name].string_val.extend(values)
        request.inputs["seed"].dtype = 9
        request.inputs["seed"].tensor_shape.dim.add(size=2)
        request.inputs["seed"].int64_val.extend([1, -1])
        return request.SerializeToString(deterministic=True)

    assert fill(protos.PredictRequest()) == fill(official("tensorflow.serving.PredictRequest")())


def test_what_is_not_declared_survives_a_round_trip(official):
    theirs = official("tensorflow.serving.PredictRequest")(client_id=b"somebody")
    ours = protos.PredictRequest.FromString(theirs.SerializeToString())
    assert type(theirs).FromString(ours.SerializeToString()) == theirs


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_arrays_go_there_and_back(array):
    back = protos.from_tensor(protos.TensorProto.FromString(protos.to_tensor(array).SerializeToString()))
    assert back.shape == array.shape
    if array.dtype.kind in "OU":
        assert [v.decode("utf-8", "replace") for v in back.ravel()] == [
            v if isinstance(v, str) else v.decode("utf-8", "replace") for v in array.ravel()
        ]
    else:
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_tensorflow_reads_our_tensors_and_we_read_its(array, official):
    import tensorflow as tf

    theirs = official("tensorflow.TensorProto").FromString(protos.to_tensor(array).SerializeToString())
    read = tf.make_ndarray(theirs)
    ours = protos.from_tensor(protos.TensorProto.FromString(tf.make_tensor_proto(array).SerializeToString()))
    assert read.shape == ours.shape == array.shape
    np.testing.assert_array_equal(read, ours)


def test_values_one_by_one_are_read():
    tensor = protos.TensorProto(dtype=9, int64_val=[4, 5])
    tensor.tensor_shape.dim.add(size=4)
    np.testing.assert_array_equal(protos.from_tensor(tensor), [4, 5, 5, 5])


@pytest.mark.parametrize(
    ("fields", "shape", "message"),
    [
        ({"dtype": 9, "int64_val": [1, 2, 3]}, [2], "3 values do not fill a tensor of shape"),
        ({"dtype": 9}, [2], "0 values do not fill"),
        ({"dtype": 9, "tensor_content": b"1234567"}, [1], "7 bytes do not fill"),
        ({"dtype": 7, "tensor_content": b"1234"}, [1], "4 bytes do not fill"),
        ({"dtype": 14, "half_val": [1]}, [1], "DT_BFLOAT16 are not read"),
        ({"dtype": 99}, [1], "type 99 are not read"),
        ({"dtype": 1, "float_val": [1]}, [-1], "known shape"),
        ({"dtype": 1, "float_val": [1]}, [10**6, 10**6], "too large"),
    ],
)
def test_a_tensor_that_cannot_be_is_refused(fields, shape, message):
    tensor = protos.TensorProto(**fields)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    with pytest.raises(ValueError, match=message):
        protos.from_tensor(tensor)


def test_an_array_that_no_tensor_holds_is_refused():
    with pytest.raises(ValueError, match="datetime64"):
        protos.to_tensor(np.array(["2020-01-01"], "datetime64[D]"))


def test_it_needs_no_tensorflow():
    code = "import sys, tfproductgan.serving.protos; print('tensorflow' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
