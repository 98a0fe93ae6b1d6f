"""A version of a model in memory: its signatures, called with arrays."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from tfproductgan.errors import nearest
from tfproductgan.serving import protos
from tfproductgan.serving.server.signatures import Signature, Spec
from tfproductgan.serving.statuses import RequestError, invalid, of_tensorflow

FILE = "saved_model.pb"
DEFAULT_SIGNATURE = "serving_default"
WARM_UP = Path("assets.extra", "tf_serving_warmup_requests")
"""Requests in a version that a server answers to itself before it says that the model is ready."""

_MOST_RECORDED = 1000
_ZEROS_BATCH_SIZES = (1, 16)

_log = logging.getLogger(__name__)


class ServedSignature(Signature):
    """A signature that can be called: a `Signature`, the concrete function, and the restored object that owns its
    variables, to which the function has but weak references.
    """

    def __init__(self, model_name, name, definition, function, owner):
        super().__init__(name, definition)
        self.model_name = model_name
        self._function = function
        self._owner = owner

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run it.

        Raises:
            RequestError: If TensorFlow fails.
        """
        import tensorflow as tf

        try:
            tensors = {name: tf.convert_to_tensor(array) for name, array in inputs.items()}
            return {name: tensor.numpy() for name, tensor in self._function(**tensors).items()}
        except Exception as error:  # of anybody's graph
            raise of_tensorflow(error) from error


class LoadedModel:
    """A SavedModel in memory, of a model's name and a version's folder.

    Raises:
        Exception: Whatever TensorFlow raises for a folder that is damaged or not yet whole.
    """

    def __init__(self, name: str, folder: Path):
        import tensorflow as tf

        definitions = _definitions(folder / FILE)
        restored = tf.saved_model.load(str(folder))
        self.signatures = {
            key: ServedSignature(name, key, definitions[key], function, restored)
            for key, function in restored.signatures.items()
        }
        if not self.signatures:
            raise ValueError("it has no signatures, so nothing that can be asked for")

    def signature(self, name: str) -> ServedSignature:
        """A signature by name, `serving_default` for an empty one.

        Raises:
            RequestError: If there is none of that name.
        """
        name = name or DEFAULT_SIGNATURE
        try:
            return self.signatures[name]
        except KeyError:
            raise invalid(f"The model has no signature {name!r}: {nearest(name, self.signatures)}") from None

    def warm_up(self, folder: Path) -> None:
        """Have TensorFlow do before the first request what it does only once.

        The requests are those of the version's warm-up file; without one, a signature is called with zeros and empty
        strings, whatever it thinks of them.
        """
        for signature, inputs in _recorded(self, folder / WARM_UP) or _zeros(self):
            with contextlib.suppress(RequestError):
                signature(inputs)


def _definitions(path):
    """The `SignatureDef`s of a SavedModel's file."""
    from tensorflow.core.protobuf import saved_model_pb2

    saved_model = saved_model_pb2.SavedModel()
    try:
        saved_model.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ValueError(f"{FILE} is damaged or not yet whole") from error
    for graph in saved_model.meta_graphs:
        if "serve" in graph.meta_info_def.tags:
            return {
                name: protos.SignatureDef.FromString(definition.SerializeToString())
                for name, definition in graph.signature_def.items()
            }
    raise ValueError(f"{FILE} holds no graph with the tag 'serve'")


def _recorded(model: LoadedModel, path: Path) -> list[tuple[ServedSignature, dict[str, np.ndarray]]]:
    """The requests of a warm-up file that fit the model."""
    import tensorflow as tf

    if not path.is_file():
        return []
    recorded = []
    try:
        for record in tf.data.TFRecordDataset(str(path)).take(_MOST_RECORDED).as_numpy_iterator():
            request = protos.PredictionLog.FromString(record).predict_log.request
            signature = model.signature(request.model_spec.signature_name)
            inputs = {name: protos.from_tensor(tensor) for name, tensor in request.inputs.items()}
            signature.check(inputs)
            recorded.append((signature, inputs))
    except (tf.errors.OpError, DecodeError, ValueError, RequestError) as error:
        # the model itself may be fine
        _log.warning("Cannot use %s: %s", path, error)
    return recorded


def _zeros(model: LoadedModel) -> Iterator[tuple[ServedSignature, dict[str, np.ndarray]]]:
    for signature in model.signatures.values():
        specs = signature.inputs.values()
        if all(spec.dtype is not None and spec.shape is not None for spec in specs):
            for size in _ZEROS_BATCH_SIZES if signature.batched else (1,):
                yield signature, {name: _zero(spec, size) for name, spec in signature.inputs.items()}


def _zero(spec: Spec, size: int) -> np.ndarray:
    shape = [size if length == -1 else length for length in spec.shape or ()]
    return np.full(shape, b"" if spec.dtype == object else 0, spec.dtype)
