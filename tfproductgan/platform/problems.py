"""Errors as programs read them: `application/problem+json`, with the words that people read.

Reference:
    RFC 9457, Problem Details for HTTP APIs, https://www.rfc-editor.org/rfc/rfc9457
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException

from tfproductgan.errors import ConditionError, PhotoError, PlatformError, ProductGANError, ServingError
from tfproductgan.platform.engine import UnknownModelError


class Problem(BaseModel):
    """What an error answers."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class RefusedError(ProductGANError):
    """A request that is not answered, for whoever asked.

    Args:
        status: Of HTTP.
        detail: One line: what was received, what would be right.
        headers: Of the answer.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None):
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {
        "model": Problem,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in (400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504)
}
"""For OpenAPI: what any request may be answered with."""

_log = structlog.get_logger("tfproductgan.platform")

# codes of the engine whose cause is not the gateway's caller
_OF_ENGINE = {"NOT_FOUND": 404, "RESOURCE_EXHAUSTED": 503, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504}


def install(app: FastAPI) -> None:
    """Answer everything that is raised on purpose as a problem."""
    app.add_exception_handler(ProductGANError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(OperationalError, _of_store)
    app.add_exception_handler(DataError, _of_data)


def status_of(error: ProductGANError) -> int:
    """The status of HTTP that says the same."""
    if isinstance(error, RefusedError):
        return error.status
    if isinstance(error, ConditionError | PhotoError):
        return 422
    if isinstance(error, UnknownModelError):
        return 404
    if isinstance(error, ServingError):
        return _OF_ENGINE.get(getattr(error.__cause__, "code", ""), 502)
    return 503 if isinstance(error, PlatformError) else 500  # a picture that cannot be written or read: a full disk


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer to a request that is refused or failed."""
    told = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(told.model_dump(), status, headers, media_type="application/problem+json")


async def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProductGANError)
    status = status_of(error)
    headers = error.headers if isinstance(error, RefusedError) else {"Retry-After": "2"} if status == 503 else {}
    if isinstance(error, PlatformError):
        _log.error("the store does not take it", error=str(error))
        request.app.state.platform.metrics.store_errors.inc()
        return _answer(request, status, "The store does not answer: try again.", headers)
    if isinstance(error, RefusedError):  # for the audit log
        request.state.audited = {**getattr(request.state, "audited", {}), "refused": str(error)}
    return _answer(request, status, " ".join(str(error).split()), headers)


async def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        f"{'.'.join(str(part) for part in each['loc'][1:]) or each['loc'][0]}: {each['msg']}" for each in error.errors()
    ]
    return _answer(request, 422, "; ".join(found))


async def _of_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(request, error.status_code, str(error.detail), error.headers)


async def _of_store(request: Request, error: Exception) -> Response:
    _log.error("the store does not answer", error=str(error))
    request.app.state.platform.metrics.store_errors.inc()
    return _answer(request, 503, "The store does not answer: try again.", {"Retry-After": "2"})


async def _of_data(request: Request, error: Exception) -> Response:
    return _answer(request, 422, "A text holds letters that cannot be kept, such as NUL.")


def _answer(request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """A problem, or what a browser shows in its place."""
    if request.headers.get("HX-Request"):
        return HTMLResponse(f'<p class="problem">{html.escape(detail)}</p>', status, headers)
    if status == 401 and "text/html" in request.headers.get("Accept", ""):
        return RedirectResponse("/sign-in", 303)
    return problem(status, detail, headers)
