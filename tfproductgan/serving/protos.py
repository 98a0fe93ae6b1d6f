"""The messages of TensorFlow Serving's API, without TensorFlow.

The stubs on PyPI (tensorflow-serving-api) import all of TensorFlow, which a client of a few kilobytes should not. So
the messages that are used here are declared below: their numbers and types are a public wire format that does not
change, and the tests compare them with the stubs, field by field and byte by byte. Fields that are left out survive a
round trip, as unknown fields do in any protocol buffer.

They live in a descriptor pool of their own. The default pool would refuse a second `tensorflow.TensorProto`, so neither
TensorFlow nor the stubs nor anybody else's copy in the same process is disturbed. A message of one pool is none of
the other: pass bytes between them (`TensorProto.FromString(theirs.SerializeToString())`).
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2
from google.protobuf.message import Message

# === What is declared: as in the .proto files, with full names

_ENUMS = {
    "tensorflow.DataType": """
        DT_INVALID = 0, DT_FLOAT = 1, DT_DOUBLE = 2, DT_INT32 = 3, DT_UINT8 = 4, DT_INT16 = 5, DT_INT8 = 6,
        DT_STRING = 7, DT_COMPLEX64 = 8, DT_INT64 = 9, DT_BOOL = 10, DT_QINT8 = 11, DT_QUINT8 = 12, DT_QINT32 = 13,
        DT_BFLOAT16 = 14, DT_QINT16 = 15, DT_QUINT16 = 16, DT_UINT16 = 17, DT_COMPLEX128 = 18, DT_HALF = 19,
        DT_RESOURCE = 20, DT_VARIANT = 21, DT_UINT32 = 22, DT_UINT64 = 23""",
    "tensorflow.error.Code": """
        OK = 0, CANCELLED = 1, UNKNOWN = 2, INVALID_ARGUMENT = 3, DEADLINE_EXCEEDED = 4, NOT_FOUND = 5,
        ALREADY_EXISTS = 6, PERMISSION_DENIED = 7, RESOURCE_EXHAUSTED = 8, FAILED_PRECONDITION = 9, ABORTED = 10,
        OUT_OF_RANGE = 11, UNIMPLEMENTED = 12, INTERNAL = 13, UNAVAILABLE = 14, DATA_LOSS = 15,
        UNAUTHENTICATED = 16""",
    "tensorflow.serving.ModelVersionStatus.State": """
        UNKNOWN = 0, START = 10, LOADING = 20, AVAILABLE = 30, UNLOADING = 40, END = 50""",
}

_POLICY = "tensorflow.serving.FileSystemStoragePathSourceConfig.ServableVersionPolicy"
_MESSAGES = {
    "tensorflow.TensorShapeProto": """
        repeated tensorflow.TensorShapeProto.Dim dim = 2;
        bool unknown_rank = 3""",
    "tensorflow.TensorShapeProto.Dim": """
        int64 size = 1;
        string name = 2""",
    "tensorflow.TensorProto": """
        tensorflow.DataType dtype = 1;
        tensorflow.TensorShapeProto tensor_shape = 2;
        int32 version_number = 3;
        bytes tensor_content = 4;
        repeated float float_val = 5;
        repeated double double_val = 6;
        repeated int32 int_val = 7;
        repeated bytes string_val = 8;
        repeated int64 int64_val = 10;
        repeated bool bool_val = 11;
        repeated int32 half_val = 13;
        repeated uint32 uint32_val = 16;
        repeated uint64 uint64_val = 17""",
    "tensorflow.TensorInfo": """
        oneof encoding: string name = 1;
        tensorflow.DataType dtype = 2;
        tensorflow.TensorShapeProto tensor_shape = 3""",
    "tensorflow.SignatureDef": """
        map<string, tensorflow.TensorInfo> inputs = 1;
        map<string, tensorflow.TensorInfo> outputs = 2;
        string method_name = 3""",
    "tensorflow.serving.ModelSpec": """
        string name = 1;
        oneof version_choice: google.protobuf.Int64Value version = 2;
        string signature_name = 3;
        oneof version_choice: string version_label = 4""",
    "tensorflow.serving.PredictRequest": """
        tensorflow.serving.ModelSpec model_spec = 1;
        map<string, tensorflow.TensorProto> inputs = 2;
        repeated string output_filter = 3""",
    "tensorflow.serving.PredictResponse": """
        map<string, tensorflow.TensorProto> outputs = 1;
        tensorflow.serving.ModelSpec model_spec = 2""",
    "tensorflow.serving.GetModelMetadataRequest": """
        tensorflow.serving.ModelSpec model_spec = 1;
        repeated string metadata_field = 2""",
    "tensorflow.serving.GetModelMetadataResponse": """
        tensorflow.serving.ModelSpec model_spec = 1;
        map<string, google.protobuf.Any> metadata = 2""",
    "tensorflow.serving.SignatureDefMap": "map<string, tensorflow.SignatureDef> signature_def = 1",
    "tensorflow.serving.StatusProto": """
        tensorflow.error.Code error_code = 1;
        string error_message = 2""",
    "tensorflow.serving.ModelVersionStatus": """
        int64 version = 1;
        tensorflow.serving.ModelVersionStatus.State state = 2;
        tensorflow.serving.StatusProto status = 3""",
    "tensorflow.serving.GetModelStatusRequest": "tensorflow.serving.ModelSpec model_spec = 1",
    "tensorflow.serving.GetModelStatusResponse": """
        repeated tensorflow.serving.ModelVersionStatus model_version_status = 1""",
    "tensorflow.serving.FileSystemStoragePathSourceConfig": "",
    _POLICY: f"""
        oneof policy_choice: {_POLICY}.Latest latest = 100;
        oneof policy_choice: {_POLICY}.All all = 101;
        oneof policy_choice: {_POLICY}.Specific specific = 102""",
    f"{_POLICY}.Latest": "uint32 num_versions = 1",
    f"{_POLICY}.All": "",
    f"{_POLICY}.Specific": "repeated int64 versions = 1",
    "tensorflow.serving.ModelConfig": f"""
        string name = 1;
        string base_path = 2;
        string model_platform = 4;
        {_POLICY} model_version_policy = 7;
        map<string, int64> version_labels = 8""",
    "tensorflow.serving.ModelConfigList": "repeated tensorflow.serving.ModelConfig config = 1",
    "tensorflow.serving.ModelServerConfig": """
        oneof config: tensorflow.serving.ModelConfigList model_config_list = 1;
        oneof config: google.protobuf.Any custom_model_config = 2""",
    "tensorflow.serving.ReloadConfigRequest": "tensorflow.serving.ModelServerConfig config = 1",
    "tensorflow.serving.ReloadConfigResponse": "tensorflow.serving.StatusProto status = 1",
    "tensorflow.serving.PredictLog": """
        tensorflow.serving.PredictRequest request = 1;
        tensorflow.serving.PredictResponse response = 2""",
    "tensorflow.serving.PredictionLog": "oneof log_type: tensorflow.serving.PredictLog predict_log = 6",
    "tensorflow.serving.BatchingParameters": """
        google.protobuf.Int64Value max_batch_size = 1;
        google.protobuf.Int64Value batch_timeout_micros = 2;
        google.protobuf.Int64Value max_enqueued_batches = 3;
        google.protobuf.Int64Value num_batch_threads = 4;
        google.protobuf.StringValue thread_pool_name = 5;
        repeated int64 allowed_batch_sizes = 6;
        bool pad_variable_length_inputs = 7""",
    "tensorflow.serving.PrometheusConfig": """
        bool enable = 1;
        string path = 2""",
    "tensorflow.serving.MonitoringConfig": "tensorflow.serving.PrometheusConfig prometheus_config = 1",
}

# spelt in JSON as they are here, where others become camelCase
_KEPT_IN_JSON = {"error_code", "error_message", "model_version_status"}

# === From declarations to classes

_FIELD = re.compile(
    r"(?:oneof (?P<oneof>\w+): )?(?P<repeated>repeated )?(?:map<string, (?P<value>[\w.]+)>|(?P<type>[\w.]+)) "
    r"(?P<name>\w+) = (?P<number>\d+)"
)
_Field = descriptor_pb2.FieldDescriptorProto


def _add_field(message, full_name, declaration):
    match = _FIELD.fullmatch(declaration)
    assert match, declaration
    field = message.field.add(name=match["name"], number=int(match["number"]), label=_Field.LABEL_OPTIONAL)
    if field.name in _KEPT_IN_JSON:
        field.json_name = field.name
    if match["value"]:
        entry_name = match["name"].title().replace("_", "") + "Entry"
        entry = message.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        _add_field(entry, full_name, "string key = 1")
        _add_field(entry, full_name, f"{match['value']} value = 2")
        type_name = f"{full_name}.{entry_name}"
    else:
        type_name = match["type"]
    if match["repeated"] or match["value"]:
        field.label = _Field.LABEL_REPEATED
    if match["oneof"]:
        names = [oneof.name for oneof in message.oneof_decl]
        if match["oneof"] not in names:
            message.oneof_decl.add(name=match["oneof"])
            names.append(match["oneof"])
        field.oneof_index = names.index(match["oneof"])
    if "." not in type_name:
        field.type = _Field.Type.Value(f"TYPE_{type_name.upper()}")
    else:
        field.type = _Field.TYPE_ENUM if type_name in _ENUMS else _Field.TYPE_MESSAGE
        field.type_name = f".{type_name}"


def _files():
    """One file a package, each importing those before it: a package is a property of a file."""
    files = {
        package: descriptor_pb2.FileDescriptorProto(
            name=f"tfproductgan/{package}.proto", package=package, syntax="proto3"
        )
        for package in ("tensorflow.error", "tensorflow", "tensorflow.serving")
    }
    before = [any_pb2.DESCRIPTOR.name, wrappers_pb2.DESCRIPTOR.name]
    for file in files.values():
        file.dependency.extend(before)
        before.append(file.name)
    messages: dict[str, Any] = {}
    for full_name, declarations in _MESSAGES.items():
        parent, name = full_name.rsplit(".", 1)
        inside = messages[parent].nested_type if parent in messages else files[parent].message_type
        message = messages[full_name] = inside.add(name=name)
        for declaration in filter(None, declarations.split(";")):
            _add_field(message, full_name, declaration.strip())
    for full_name, values in _ENUMS.items():
        parent, name = full_name.rsplit(".", 1)
        enum = (messages if parent in messages else files)[parent].enum_type.add(name=name)
        for value in values.split(","):
            label, number = value.split("=")
            enum.value.add(name=label.strip(), number=int(number))
    return files.values()


POOL = descriptor_pool.DescriptorPool()
"""Where the messages are declared; `google.protobuf.json_format` wants it for what is packed in an `Any`."""

for _file in (any_pb2.DESCRIPTOR, wrappers_pb2.DESCRIPTOR):
    POOL.AddSerializedFile(_file.serialized_pb)
for _file in _files():
    POOL.AddSerializedFile(_file.SerializeToString())


def _message(name, package="tensorflow.serving"):
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"{package}.{name}"))


TensorProto = _message("TensorProto", "tensorflow")
TensorInfo = _message("TensorInfo", "tensorflow")
SignatureDef = _message("SignatureDef", "tensorflow")
ModelSpec = _message("ModelSpec")
PredictRequest = _message("PredictRequest")
PredictResponse = _message("PredictResponse")
GetModelMetadataRequest = _message("GetModelMetadataRequest")
GetModelMetadataResponse = _message("GetModelMetadataResponse")
SignatureDefMap = _message("SignatureDefMap")
ModelVersionStatus = _message("ModelVersionStatus")
GetModelStatusRequest = _message("GetModelStatusRequest")
GetModelStatusResponse = _message("GetModelStatusResponse")
ModelConfig = _message("ModelConfig")
ModelServerConfig = _message("ModelServerConfig")
ReloadConfigRequest = _message("ReloadConfigRequest")
ReloadConfigResponse = _message("ReloadConfigResponse")
PredictLog = _message("PredictLog")
PredictionLog = _message("PredictionLog")
BatchingParameters = _message("BatchingParameters")
MonitoringConfig = _message("MonitoringConfig")
DataType = POOL.FindEnumTypeByName("tensorflow.DataType")

SERVICES = {
    "tensorflow.serving.PredictionService": {
        "Predict": (PredictRequest, PredictResponse),
        "GetModelMetadata": (GetModelMetadataRequest, GetModelMetadataResponse),
    },
    "tensorflow.serving.ModelService": {
        "GetModelStatus": (GetModelStatusRequest, GetModelStatusResponse),
        "HandleReloadConfigRequest": (ReloadConfigRequest, ReloadConfigResponse),
    },
}
"""Service -> method -> (class of the request, class of the response); every method is unary."""

# === Arrays

# type number -> NumPy's type, and the field that holds values one by one
_DTYPES: dict[int, tuple[np.dtype, str]] = {
    1: (np.dtype("<f4"), "float_val"),
    2: (np.dtype("<f8"), "double_val"),
    3: (np.dtype("<i4"), "int_val"),
    4: (np.dtype("u1"), "int_val"),
    5: (np.dtype("<i2"), "int_val"),
    6: (np.dtype("i1"), "int_val"),
    9: (np.dtype("<i8"), "int64_val"),
    10: (np.dtype("?"), "bool_val"),
    17: (np.dtype("<u2"), "int_val"),
    19: (np.dtype("<f2"), "half_val"),
    22: (np.dtype("<u4"), "uint32_val"),
    23: (np.dtype("<u8"), "uint64_val"),
}
_NUMBERS = {dtype: number for number, (dtype, _) in _DTYPES.items()}
_STRING = 7
_MOST_REPEATED = 2**24


def dtype_of(number: int) -> np.dtype | None:
    """NumPy's type of a `DataType`: `object` for strings, `None` for what has no counterpart."""
    if number == _STRING:
        return np.dtype(object)
    return _DTYPES[number][0] if number in _DTYPES else None


def to_tensor(array: np.ndarray) -> Message:
    """An array as a `TensorProto`.

    Args:
        array: Numbers, or `str` or `bytes` as an array of objects or of NumPy's own string types.

    Raises:
        ValueError: If the type has no counterpart.
    """
    array = np.asarray(array)
    tensor = TensorProto()
    tensor.tensor_shape.SetInParent()
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    if array.dtype.kind in "OSUT":
        tensor.dtype = _STRING
        values = array.ravel().tolist()
        tensor.string_val.extend(value.encode() if isinstance(value, str) else value for value in values)
        return tensor
    number = _NUMBERS.get(array.dtype.newbyteorder("<"))
    if number is None:
        raise ValueError(f"A tensor cannot hold {array.dtype}.")
    tensor.dtype = number
    tensor.tensor_content = array.astype(_DTYPES[number][0], copy=False).tobytes()
    return tensor


def from_tensor(tensor: Message) -> np.ndarray:
    """A `TensorProto` as an array; strings are `bytes` in an array of objects.

    Raises:
        ValueError: If the type is not one of the usual ones, or the values do not fill the shape.
    """
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        raise ValueError("A tensor needs a known shape.")
    count = math.prod(shape)
    if tensor.dtype != _STRING and tensor.dtype not in _DTYPES:
        known = DataType.values_by_number.get(tensor.dtype)
        raise ValueError(f"Tensors of type {known.name if known else tensor.dtype} are not read.")
    if tensor.tensor_content:
        dtype = None if tensor.dtype == _STRING else _DTYPES[tensor.dtype][0]
        if dtype is None or len(tensor.tensor_content) != count * dtype.itemsize:
            raise ValueError(f"{len(tensor.tensor_content)} bytes do not fill a tensor of shape {shape}.")
        return np.frombuffer(tensor.tensor_content, dtype).reshape(shape)
    if tensor.dtype == _STRING:
        values = np.array(list(tensor.string_val), object)
    elif _DTYPES[tensor.dtype][1] == "half_val":  # the bits of each number, as a whole number
        values = np.array(tensor.half_val, np.uint16).view(np.float16)
    else:
        dtype, field = _DTYPES[tensor.dtype]
        values = np.array(getattr(tensor, field), dtype)
    if len(values) > count or (count and not len(values)):
        raise ValueError(f"{len(values)} values do not fill a tensor of shape {shape}.")
    if len(values) < count:  # TensorFlow leaves out what repeats the last value
        if count > _MOST_REPEATED:  # a message of a few bytes must not fill the memory
            raise ValueError(f"A tensor of shape {shape} is too large to be spelt by {len(values)} values.")
        values = np.concatenate([values, np.repeat(values[-1:], count - len(values))])
    return values.reshape(shape)
