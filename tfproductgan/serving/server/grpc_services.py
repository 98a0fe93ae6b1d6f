"""TensorFlow Serving's gRPC interface, and the health service that gRPC's own probes ask."""

from __future__ import annotations

import functools
import logging

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from tfproductgan.serving import protos
from tfproductgan.serving.server.answering import (
    MAX_BODY_BYTES,
    METADATA_FIELD,
    Answering,
    metadata_response,
    model_spec,
    status_response,
)
from tfproductgan.serving.statuses import RequestError, invalid

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_BODY_BYTES),
    ("grpc.max_send_message_length", -1),
    # otherwise a second server takes half of the requests of the first
    ("grpc.so_reuseport", 0),
)

_log = logging.getLogger(__name__)


class GrpcServer:
    """The gRPC interface of a server."""

    def __init__(self, answering: Answering):
        methods = _Methods(answering)
        self._server = grpc.aio.server(options=_OPTIONS)
        for service, declared in protos.SERVICES.items():
            handlers = {
                name: grpc.unary_unary_rpc_method_handler(
                    functools.partial(_answer, getattr(methods, name)),
                    request_deserializer=request.FromString,
                    response_serializer=response.SerializeToString,
                )
                for name, (request, response) in declared.items()
            }
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)

    async def start(self, address: str) -> int:
        """Listen; returns the port.

        Raises:
            RuntimeError: If the port cannot be had.
        """
        port = self._server.add_insecure_port(address)
        await self.set_ready(False)
        await self._server.start()
        return port

    async def set_ready(self, ready: bool) -> None:
        """Tell probes whether requests can be answered."""
        status = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in ("", *protos.SERVICES):
            await self._health.set(service, status)

    async def stop(self, grace: float) -> None:
        """Take no more requests, and give those in flight so many seconds."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)


async def _answer(method, request, context):
    try:
        return await method(request)
    except RequestError as error:
        # where gRPC's own retries look for it
        metadata = () if error.retry_after is None else (("grpc-retry-pushback-ms", str(1000 * error.retry_after)),)
        code, message = grpc.StatusCode[error.code], str(error)
    except Exception as error:
        _log.exception("A request failed")
        metadata, code, message = (), grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}"
    await context.abort(code, message, metadata)


class _Methods:
    """One method of the API each, with the API's names."""

    def __init__(self, answering):
        self._answering = answering

    async def Predict(self, request):  # noqa: N802
        name, number, label = _asked(request)
        with self._answering.counted(name, "GRPC"):
            number, model = self._answering.models.find(name, number, label)
            signature = model.signature(request.model_spec.signature_name)
            for output in request.output_filter:
                if output not in signature.outputs:
                    listed = ", ".join(map(repr, signature.outputs))
                    raise invalid(f"Signature {signature.name!r} has no output {output!r}; valid: {listed}")
            outputs = await self._answering.batcher.run(signature, _arrays(signature, request.inputs))
            response = protos.PredictResponse(model_spec=model_spec(name, number, signature.name))
            for output in request.output_filter or outputs:
                response.outputs[output].CopyFrom(protos.to_tensor(outputs[output]))
            return response

    async def GetModelMetadata(self, request):  # noqa: N802
        name, number, label = _asked(request)
        if set(request.metadata_field) != {METADATA_FIELD}:
            raise invalid(
                f"metadata_field must be [{METADATA_FIELD!r}]. Received: {list(request.metadata_field)}",
            )
        number, model = self._answering.models.find(name, number, label)
        return metadata_response(name, number, model)

    async def GetModelStatus(self, request):  # noqa: N802
        return status_response(self._answering.models.status(*_asked(request)))

    async def HandleReloadConfigRequest(self, request):  # noqa: N802
        raise RequestError(
            "UNIMPLEMENTED", "Change the file the server was started with: it is read again when it changes."
        )


def _asked(request):
    """Name, version and label that a request names."""
    spec = request.model_spec
    which = spec.WhichOneof("version_choice")
    return (
        spec.name,
        spec.version.value if which == "version" else None,
        spec.version_label if which == "version_label" else None,
    )


def _arrays(signature, tensors):
    signature.check_names(tensors)
    arrays = {}
    for name, tensor in tensors.items():
        try:
            arrays[name] = protos.from_tensor(tensor)
        except ValueError as error:
            raise invalid(f"Input {name!r}: {error}") from error
    return arrays
