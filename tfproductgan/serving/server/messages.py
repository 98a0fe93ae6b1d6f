"""Answers about models as messages of TensorFlow Serving's API; interfaces send them as they are or as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from tfproductgan.serving import protos
from tfproductgan.serving.server.saved_model import LoadedModel
from tfproductgan.serving.server.versions import Version

METADATA_FIELD = "signature_def"
_STATES = protos.POOL.FindEnumTypeByName("tensorflow.serving.ModelVersionStatus.State").values_by_name
_CODES = protos.POOL.FindEnumTypeByName("tensorflow.error.Code").values_by_name


def status_response(versions: Iterable[Version]) -> protos.GetModelStatusResponse:
    """The states of versions."""
    response = protos.GetModelStatusResponse()
    for version in versions:
        status = response.model_version_status.add(version=version.number, state=_STATES[version.state].number)
        status.status.error_code = _CODES["UNKNOWN" if version.error else "OK"].number
        status.status.error_message = version.error
    return response


def metadata_response(name: str, number: int, model: LoadedModel) -> protos.GetModelMetadataResponse:
    """What the signatures of a version take and give."""
    definitions = protos.SignatureDefMap()
    for key, signature in model.signatures.items():
        definitions.signature_def[key].CopyFrom(signature.definition)
    response = protos.GetModelMetadataResponse(model_spec=model_spec(name, number))
    response.metadata[METADATA_FIELD].Pack(definitions)
    return response


def model_spec(name: str, number: int, signature_name: str = "") -> protos.ModelSpec:
    """What was asked, in the words of an answer."""
    spec = protos.ModelSpec(name=name, signature_name=signature_name)
    spec.version.value = number
    return spec
