"""What REST and gRPC have in common: requests are counted, and answers about models are messages of the API."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Iterator

from tfproductgan.serving import protos
from tfproductgan.serving.server.batching import Batcher
from tfproductgan.serving.server.metrics import Metrics
from tfproductgan.serving.server.saved_model import LoadedModel
from tfproductgan.serving.server.versions import Models, Version
from tfproductgan.serving.statuses import RequestError

# a request body or message may be as large as this
MAX_BODY_BYTES = 16 * 2**20

METADATA_FIELD = "signature_def"
_STATES = protos.POOL.FindEnumTypeByName("tensorflow.serving.ModelVersionStatus.State").values_by_name
_CODES = protos.POOL.FindEnumTypeByName("tensorflow.error.Code").values_by_name


class Answering:
    """What both interfaces share."""

    def __init__(self, models: Models, batcher: Batcher, metrics: Metrics):
        self.models = models
        self.batcher = batcher
        self.metrics = metrics
        self.stopping = False

    @contextlib.contextmanager
    def counted(self, model_name: str, entrypoint: str) -> Iterator[None]:
        """Count what happens inside as one request.

        Raises:
            RequestError: Of the block, or that the server takes no new requests.
        """
        began, code = time.perf_counter(), "INTERNAL"
        try:
            if self.stopping:
                raise RequestError("UNAVAILABLE", "The server is stopping: ask another, or again.", retry_after=5)
            yield
            code = "OK"
        except RequestError as error:
            code = error.code
            raise
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        finally:
            known = model_name if self.models.knows(model_name) else ""
            self.metrics.request(known, entrypoint, code, time.perf_counter() - began)


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
