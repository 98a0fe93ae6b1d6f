"""Requests and responses of TensorFlow Serving's REST interface: JSON to arrays and back."""

from __future__ import annotations

import base64
import json
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from tfproductgan.serving.server.signatures import Signature, Spec
from tfproductgan.serving.statuses import invalid

# kinds of NumPy types that JSON values may have for a kind of input
_ACCEPTED = {"f": "fiu", "i": "iu", "u": "iu", "b": "b"}
_BYTES = "b64"


def parse(body: bytes, find: Callable[[str], Signature]) -> tuple[Signature, dict[str, np.ndarray], bool]:
    """Read the body of a predict request.

    Args:
        body: JSON, in row format (`instances`) or column format (`inputs`).
        find: Gives the signature of a name, which is empty if the request names none.

    Returns:
        The signature, its inputs by name, and whether the request has the row format.

    Raises:
        RequestError: If it is no such request, or the values do not fit the signature.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid(f"The body is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise invalid(f"The body must be a JSON object. Received: {reprlib.repr(request)}")
    name = request.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(f"signature_name must be a string. Received: {reprlib.repr(name)}")
    signature = find(name)
    by_row = "instances" in request
    if by_row == ("inputs" in request):
        raise invalid("A request has either 'instances' (a list of rows) or 'inputs' (a list of values an input).")
    columns = _columns(request["instances"], signature) if by_row else _named(request["inputs"], signature)
    signature.check_names(columns)
    return signature, {key: _array(key, values, signature.inputs[key]) for key, values in columns.items()}, by_row


def write(signature: Signature, outputs: Mapping[str, np.ndarray], by_row: bool) -> bytes:
    """The body of a response: by row `predictions`, one an instance, otherwise `outputs`, one list an output.

    Raises:
        RequestError: If rows are wanted, but the outputs have none.
    """
    alone = len(outputs) == 1
    if by_row:
        lengths = {array.shape[:1] for array in outputs.values()}
        if len(lengths) > 1 or lengths == {()}:
            raise invalid(f"The outputs of {signature.name!r} have no common rows: ask with 'inputs', not 'instances'.")
        columns = [[_text(name, row) for row in array] for name, array in outputs.items()]
        if alone:
            rows = columns[0]
        else:
            keys = [json.dumps(name) for name in outputs]
            rows = [_object(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]
        return f'{{"predictions": [{", ".join(rows)}]}}'.encode()
    texts = {json.dumps(name): _texts(name, array) for name, array in outputs.items()}
    return f'{{"outputs": {next(iter(texts.values())) if alone else _object(texts.items())}}}'.encode()


def _columns(instances: Any, signature: Signature) -> dict[str, list]:
    if not isinstance(instances, list) or not instances:
        raise invalid(f"'instances' must be a list of at least one row. Received: {reprlib.repr(instances)}")
    rows = [_named(instance, signature) for instance in instances]
    for number, row in enumerate(rows):
        if row.keys() != rows[0].keys():
            raise invalid(f"Every instance must have the same inputs; those of number {number} differ from the first.")
    return {name: [row[name] for row in rows] for name in rows[0]}


def _named(value: Any, signature: Signature) -> dict[str, Any]:
    """Values by the name of their input, which a signature with one input need not give."""
    if isinstance(value, dict) and not _is_bytes(value):
        return value
    if len(signature.inputs) != 1:
        raise invalid(f"Signature {signature.name!r} has several inputs: name them. Received: {reprlib.repr(value)}")
    return {next(iter(signature.inputs)): value}


def _array(name: str, values: Any, spec: Spec) -> np.ndarray:
    try:
        if spec.dtype == object:
            return _strings(values)
        array = np.array(values)
        if not array.size:
            return array.astype(spec.dtype)
        if spec.dtype is not None and array.dtype.kind in _ACCEPTED[spec.dtype.kind]:
            with np.errstate(over="ignore"):
                converted = array.astype(spec.dtype)
            if spec.dtype.kind == "f" or (converted == array).all():
                return converted
    except (ValueError, OverflowError):  # rows of different lengths, numbers of too many digits
        pass
    raise invalid(f"Input {name!r} must be {spec}. Received: {reprlib.repr(values)}")


def _strings(values: Any) -> np.ndarray:
    if not isinstance(values, list):
        return np.array(_bytes(values), object)
    parts = [_strings(value) for value in values]
    if len({part.shape for part in parts}) > 1:
        raise ValueError("rows differ in length")
    array = np.empty((len(parts), *(parts[0].shape if parts else ())), object)
    for i, part in enumerate(parts):
        array[i] = part if part.ndim else part.item()
    return array


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if _is_bytes(value):
        return base64.b64decode(value[_BYTES], validate=True)  # binascii.Error is a ValueError
    raise ValueError("no string")


def _is_bytes(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {_BYTES} and isinstance(value[_BYTES], str)


def _texts(name: str, array: np.ndarray) -> str:
    # row by row: other threads get a turn in between
    return f"[{', '.join(_text(name, row) for row in array)}]" if array.ndim else _text(name, array)


def _text(name: str, value: Any) -> str:
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    return json.dumps(_speakable(value, name.endswith("_bytes")))


def _speakable(value, as_bytes):
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()} if as_bytes else value.decode(errors="replace")
    if isinstance(value, list) and value and isinstance(value[0], bytes | list):
        return [_speakable(part, as_bytes) for part in value]
    return value


def _object(items: Iterable[tuple[str, str]]) -> str:
    return f"{{{', '.join(f'{key}: {value}' for key, value in items)}}}"
