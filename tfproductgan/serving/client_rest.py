"""TensorFlow Serving's REST API, seen from the client."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np

from tfproductgan.errors import require
from tfproductgan.serving.statuses import HTTP_STATUS, RequestError

# of codes that share a status the first; and what stands between a client and a server says
_CODES = {status: code for code, status in reversed(HTTP_STATUS.items())}
_CODES |= {408: "DEADLINE_EXCEEDED", 502: "UNAVAILABLE"}


_KEPT = 128  # connections, where many threads ask at a time


class RestTransport:
    """Calls over HTTP, on connections that stay open; `url` has perhaps a path in front of `/v1`."""

    def __init__(self, url: str, model: str, version: int | None, label: str | None):
        self._urllib3 = require("urllib3", "serving")
        self._pool = self._urllib3.PoolManager(maxsize=_KEPT)
        self._path = f"{url}/v1/models/{quote(model, safe='')}"
        if version is not None:
            self._path += f"/versions/{version}"
        elif label is not None:
            self._path += f"/labels/{quote(label, safe='')}"

    def predict(
        self, signature: str, inputs: Mapping[str, np.ndarray], output: str, seconds: float
    ) -> Sequence[Any] | np.ndarray:
        """Values of one output, row by row: `bytes`, `str` or nested lists of numbers."""
        body = {"signature_name": signature, "inputs": {name: _plain(array.tolist()) for name, array in inputs.items()}}
        answer = self._ask("POST", f"{self._path}:predict", seconds, json.dumps(body).encode())
        # several outputs come by name, a single one without
        outputs = answer.get("outputs") if isinstance(answer, dict) else None
        values = outputs.get(output) if isinstance(outputs, dict) else outputs
        if not isinstance(values, list):
            raise RequestError("INTERNAL", f"an answer without {output!r}")
        return [base64.b64decode(v["b64"]) if isinstance(v, dict) and "b64" in v else v for v in values]

    def status(self, seconds: float) -> list[tuple[int, str, str]]:
        """Version, name of its state, and what went wrong with it."""
        answer = self._ask("GET", self._path, seconds)
        versions = answer.get("model_version_status") if isinstance(answer, dict) else None
        if not isinstance(versions, list):
            raise RequestError("INTERNAL", "an answer without the state of versions")
        return [(int(v["version"]), v["state"], v.get("status", {}).get("error_message", "")) for v in versions]

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _ask(self, method, url, seconds, body=None):
        exceptions = self._urllib3.exceptions
        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers={"Content-Type": "application/json"} if body else {},
                timeout=self._urllib3.Timeout(total=max(seconds, 1e-3)),
                retries=False,
                redirect=False,
            )
        except exceptions.HTTPError as error:
            refused = isinstance(error, exceptions.NewConnectionError)  # which urllib3 counts among the timeouts
            if isinstance(error, exceptions.TimeoutError) and not refused:
                raise RequestError("DEADLINE_EXCEEDED", str(error)) from error
            cause = error.args[-1]
            if isinstance(cause, http.client.BadStatusLine) and not isinstance(cause, ConnectionError):
                raise RequestError("UNIMPLEMENTED", "no HTTP; is this the port of the other API, gRPC?") from error
            raise RequestError("UNAVAILABLE", str(error)) from error
        try:
            answer = json.loads(response.data)
        except ValueError:
            answer = None
        if response.status == 200 and answer is not None:
            return answer
        code = _CODES.get(response.status, "INTERNAL")
        if isinstance(answer, dict) and "error" in answer:
            raise RequestError(code, str(answer["error"]), _retry_after(response))
        # not TensorFlow Serving: a web server at this address, or a gateway in front
        code = "UNIMPLEMENTED" if response.status in (200, 404, 405) else code
        shown = response.data[:100].decode("utf-8", "replace")
        raise RequestError(code, f"HTTP status {response.status}, {shown!r}", _retry_after(response))


def _plain(value):
    """A value as JSON has it: bytes as base64."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _retry_after(response):
    try:
        return max(0.0, float(response.headers.get("Retry-After", 0)))
    except ValueError:  # a date
        return 0.0
