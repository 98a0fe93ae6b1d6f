import base64
import json

import numpy as np
import pytest

from tfproductgan.serving import protos
from tfproductgan.serving.server.json_tensors import parse, write
from tfproductgan.serving.server.signatures import Signature
from tfproductgan.serving.statuses import RequestError


def signature(**inputs):
    """A signature with inputs by (number of a `DataType`, shape)."""
    definition = protos.SignatureDef()
    for name, (number, shape) in inputs.items():
        definition.inputs[name].dtype = number
        for size in shape:
            definition.inputs[name].tensor_shape.dim.add(size=size)
    return Signature("s", definition)


FLOAT, INT64, STRING, BOOL, UINT8 = 1, 9, 7, 10, 4
SEVERAL = signature(name=(STRING, [-1]), seed=(INT64, [-1]))
ONE = signature(x=(FLOAT, [-1, 2]))


def read(request, of=SEVERAL):
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    _, inputs, by_row = parse(body, lambda name: of)
    return inputs, by_row


def as_lists(inputs):
    return {name: array.tolist() for name, array in inputs.items()}


def test_rows_and_columns_are_the_same_request():
    by_row = read({"instances": [{"name": "a", "seed": 1}, {"name": "b", "seed": 2}]})
    by_column = read({"inputs": {"name": ["a", "b"], "seed": [1, 2]}})
    assert as_lists(by_row[0]) == as_lists(by_column[0]) == {"name": [b"a", b"b"], "seed": [1, 2]}
    assert (by_row[1], by_column[1]) == (True, False)
    assert by_row[0]["seed"].dtype == np.int64


def test_a_single_input_need_not_be_named():
    for request in ({"instances": [[1, 2], [3, 4]]}, {"inputs": [[1, 2], [3, 4]]}, {"inputs": {"x": [[1, 2], [3, 4]]}}):
        assert read(request, ONE)[0]["x"].tolist() == [[1, 2], [3, 4]]


def test_bytes_are_base64():
    encoded = {"b64": base64.b64encode(b"\x89PNG").decode()}
    single = signature(x=(STRING, [-1]))
    assert read({"instances": [encoded, "a"]}, single)[0]["x"].tolist() == [b"\x89PNG", b"a"]
    assert read({"inputs": {"x": [encoded]}}, single)[0]["x"].tolist() == [b"\x89PNG"]


def test_strings_may_be_nested():
    nested = signature(x=(STRING, [-1, 2]))
    assert read({"inputs": [["a", "b"], ["c", "d"]]}, nested)[0]["x"].shape == (2, 2)


def test_the_largest_seed_stays_exact():
    assert read({"inputs": {"name": ["a"], "seed": [2**63 - 1]}})[0]["seed"].tolist() == [2**63 - 1]


@pytest.mark.parametrize(
    "request_, said",
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ([], "must be a JSON object"),
        ({}, "either 'instances'"),
        ({"instances": [1], "inputs": [1]}, "either 'instances'"),
        ({"instances": []}, "at least one row"),
        ({"instances": {"name": "a"}}, "at least one row"),
        ({"instances": ["a"]}, "several inputs: name them"),
        ({"instances": [{"name": "a", "seed": 1}, {"name": "b"}]}, "number 1 differ"),
        ({"instances": [{"name": "a"}]}, "missing: 'seed'"),
        ({"instances": [{"name": "a", "sead": 1}]}, "no input 'sead': did you mean 'seed'?"),
        ({"inputs": {"name": ["a"], "seed": ["7"]}}, "'seed' must be DT_INT64"),
        ({"inputs": {"name": ["a"], "seed": [1.5]}}, "'seed' must be DT_INT64"),
        ({"inputs": {"name": ["a"], "seed": [True]}}, "'seed' must be DT_INT64"),
        ({"inputs": {"name": ["a"], "seed": [None]}}, "'seed' must be DT_INT64"),
        ({"inputs": {"name": ["a"], "seed": [2**64]}}, "'seed' must be DT_INT64"),
        ({"inputs": {"name": [3], "seed": [1]}}, "'name' must be DT_STRING"),
        ({"inputs": {"name": [{"b64": "!"}], "seed": [1]}}, "'name' must be DT_STRING"),
        ({"inputs": {"name": [["a"], "b"], "seed": [1]}}, "'name' must be DT_STRING"),
        ({"inputs": {"name": ["a"], "seed": [[1, 2], [3]]}}, "'seed' must be DT_INT64"),
        ({"signature_name": 3, "inputs": {}}, "signature_name must be a string"),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(request_, said):
    with pytest.raises(RequestError, match=said) as error:
        read(request_)
    assert error.value.code == "INVALID_ARGUMENT"
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_numbers_that_a_type_cannot_hold_are_refused():
    with pytest.raises(RequestError, match="DT_UINT8"):
        read({"inputs": [256]}, signature(x=(UINT8, [-1])))
    assert read({"inputs": [True]}, signature(x=(BOOL, [-1])))[0]["x"].tolist() == [True]


@pytest.mark.parametrize("by_row, key", [(True, "predictions"), (False, "outputs")])
def test_a_single_output_has_no_name(by_row, key):
    assert json.loads(write(SEVERAL, {"y": np.eye(2, dtype=np.float32)}, by_row)) == {key: [[1, 0], [0, 1]]}


def test_outputs_have_names():
    outputs = {"a": np.array([1, 2]), "text": np.array([b"x", b"\xff"], object)}
    assert json.loads(write(SEVERAL, outputs, True)) == {
        "predictions": [{"a": 1, "text": "x"}, {"a": 2, "text": "\ufffd"}]
    }
    assert json.loads(write(SEVERAL, outputs, False)) == {"outputs": {"a": [1, 2], "text": ["x", "\ufffd"]}}


def test_outputs_whose_name_ends_so_are_bytes():
    outputs = {"image_bytes": np.array([b"\x89PNG"], object)}
    assert json.loads(write(SEVERAL, outputs, True)) == {
        "predictions": [{"b64": base64.b64encode(b"\x89PNG").decode()}]
    }


def test_outputs_without_rows_need_the_column_format():
    outputs = {"total": np.float32(3)}
    assert json.loads(write(SEVERAL, {"total": np.array(3.0)}, False)) == {"outputs": 3}
    with pytest.raises(RequestError, match="ask with 'inputs'"):
        write(SEVERAL, outputs, True)
