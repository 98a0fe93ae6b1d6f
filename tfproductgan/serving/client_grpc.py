"""TensorFlow Serving's gRPC API, seen from the client."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tfproductgan.errors import require
from tfproductgan.serving.statuses import RequestError

_OPTIONS = [
    # pictures of a whole batch are larger than the 4 MB that gRPC takes by default
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # a server that comes back is found within this time, not within gRPC's two minutes
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # our own retries know how much time is left
    ("grpc.enable_retries", 0),
    # a name that stands for several servers: all of them are asked in turn, those that do not answer left out
    ("grpc.lb_policy_name", "round_robin"),
]


class GrpcTransport:
    """Calls over one gRPC channel to a host and port; a secure one trusts the certificates this machine trusts."""

    def __init__(self, target: str, secure: bool, model: str, version: int | None, label: str | None):
        self._grpc = require("grpc", "serving")
        require("google.protobuf", "serving")
        from tfproductgan.serving import protos

        self._protos = protos
        if secure:
            self._channel = self._grpc.secure_channel(target, self._grpc.ssl_channel_credentials(), _OPTIONS)
        else:
            self._channel = self._grpc.insecure_channel(target, _OPTIONS)
        self._spec = protos.ModelSpec(name=model)
        if version is not None:
            self._spec.version.value = version
        elif label is not None:
            self._spec.version_label = label
        self._methods = {
            method: self._channel.unary_unary(
                f"/{service}/{method}",
                request_serializer=request.SerializeToString,
                response_deserializer=response.FromString,
            )
            for service, methods in protos.SERVICES.items()
            for method, (request, response) in methods.items()
        }

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray], output: str, seconds: float) -> np.ndarray:
        """Values of one output, row by row; strings as `bytes`."""
        request = self._protos.PredictRequest(model_spec=self._spec, output_filter=[output])
        request.model_spec.signature_name = signature
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(self._protos.to_tensor(array))
        answer = self._call("Predict", request, seconds)
        if output not in answer.outputs:
            raise RequestError("INTERNAL", f"an answer without {output!r}")
        try:
            return self._protos.from_tensor(answer.outputs[output])
        except ValueError as error:
            raise RequestError("INTERNAL", str(error)) from error

    def status(self, seconds: float) -> list[tuple[int, str, str]]:
        """Version, name of its state, and what went wrong with it."""
        answer = self._call("GetModelStatus", self._protos.GetModelStatusRequest(model_spec=self._spec), seconds)
        names = self._protos.ModelVersionStatus.State
        return [(v.version, names.Name(v.state), v.status.error_message) for v in answer.model_version_status]

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def _call(self, method, request, seconds):
        try:
            return self._methods[method](request, timeout=max(seconds, 1e-3))
        except self._grpc.RpcError as error:
            code, details = error.code().name, error.details() or ""
            if code == "UNAVAILABLE" and ("HTTP/2" in details or "http1" in details):
                raise RequestError("UNIMPLEMENTED", "no gRPC; is this the port of the other API, REST?") from error
            trailing = dict(error.trailing_metadata() or ())
            try:
                retry_after = int(trailing.get("grpc-retry-pushback-ms", 0)) / 1000
            except ValueError:
                retry_after = 0.0
            raise RequestError(code, details, max(0.0, retry_after)) from error
