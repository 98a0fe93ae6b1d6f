"""TensorFlow Serving's REST interface."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from google.protobuf import json_format

from tfproductgan.serving import protos
from tfproductgan.serving.server import json_tensors, metrics
from tfproductgan.serving.server.answering import MAX_BODY_BYTES, Answering, metadata_response, status_response
from tfproductgan.serving.statuses import RequestError

_MODEL = r"/v1/models/{name:[^/:]+}{which:(?:/versions/[0-9]+|/labels/[^/:]+)?}"
# writing more than this takes longer than other requests should wait
_LARGE = 2**18

_log = logging.getLogger(__name__)


def application(answering: Answering) -> web.Application:
    """The web application."""
    handlers = _Handlers(answering)
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_errors_as_json])
    app.router.add_post(f"{_MODEL}:predict", handlers.predict)
    app.router.add_get(_MODEL, handlers.status)
    app.router.add_get(f"{_MODEL}/metadata", handlers.metadata)
    app.router.add_get(metrics.PATH, handlers.metrics)
    return app


class _Handlers:
    def __init__(self, answering):
        self._answering = answering

    async def predict(self, request: web.Request) -> web.Response:
        name, number, label = _asked(request)
        with self._answering.counted(name, "REST"):
            _, model = self._answering.models.find(name, number, label)
            signature, inputs, by_row = json_tensors.parse(await request.read(), model.signature)
            outputs = await self._answering.batcher.run(signature, inputs)
            if sum(array.nbytes for array in outputs.values()) > _LARGE:
                body = await asyncio.to_thread(json_tensors.write, signature, outputs, by_row)
            else:
                body = json_tensors.write(signature, outputs, by_row)
        return web.Response(body=body, content_type="application/json")

    async def status(self, request: web.Request) -> web.Response:
        return _message(status_response(self._answering.models.status(*_asked(request))))

    async def metadata(self, request: web.Request) -> web.Response:
        name, number, label = _asked(request)
        number, model = self._answering.models.find(name, number, label)
        return _message(metadata_response(name, number, model))

    async def metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=self._answering.metrics.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE})


@web.middleware
async def _errors_as_json(request, handler):
    try:
        return await handler(request)
    except RequestError as error:
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return _error(error.http_status, str(error), headers)
    except web.HTTPRequestEntityTooLarge:
        return _error(413, f"The body is larger than {MAX_BODY_BYTES} bytes: send several requests.")
    except web.HTTPException as error:
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return _error(error.status, f"Malformed request: {request.method} {request.path}: {error.reason}", headers)
    except Exception as error:
        _log.exception("%s %s failed", request.method, request.path)
        return _error(500, f"{type(error).__name__}: {error}")


def _asked(request: web.Request) -> tuple[str, int | None, str | None]:
    """Name, version and label that an address names."""
    _, kind, value = (*request.match_info["which"].split("/"), "", "")[:3]
    number = int(value) if kind == "versions" else None
    return request.match_info["name"], number, value if kind == "labels" else None


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = json.dumps({"error": message}).encode()
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def _message(message: Any) -> web.Response:
    text = json_format.MessageToJson(
        message,
        always_print_fields_with_no_presence=True,
        preserving_proto_field_name=True,
        descriptor_pool=protos.POOL,
    )
    return web.Response(text=text, content_type="application/json")
