"""Errors as programs read them: `application/problem+json`, with the words that people read.

Reference:
    RFC 9457, Problem Details for HTTP APIs, https://www.rfc-editor.org/rfc/rfc9457
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException

from tfproductgan.errors import (
    ConditionError,
    Message,
    PhotoError,
    PlatformError,
    ProductGANError,
    ServingError,
    listed,
    message_of,
)
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
    for status in (400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504)
}
"""For OpenAPI: what any request may be answered with."""

WRONG = {
    "missing": "it is missing",
    "extra_forbidden": "there is no such field",
    "greater_than": "it has to be more than %(gt)s",
    "greater_than_equal": "it has to be %(ge)s or more",
    "less_than_equal": "it has to be %(le)s or less",
    "string_too_short": "it has to have %(min_length)s letters or more",
    "string_too_long": "it has to have %(max_length)s letters or less",
    "string_pattern_mismatch": "it holds letters that cannot be kept, such as NUL",
    "too_short": "it has to have %(min_length)s entries or more",
    "too_long": "it has to have %(max_length)s entries or less",
    "int_parsing": "it has to be a whole number",
    "float_parsing": "it has to be a number",
}
"""Words for what pydantic finds most, with the values that it gives; the rest is said as pydantic does."""

_AWAY = Message("The store does not answer: try again.")
_OF_FRAMEWORK = {
    404: Message("There is nothing at this address."),
    405: Message("This cannot be done at this address."),
}

_log = structlog.get_logger("tfproductgan.platform")

# codes of the engine whose cause is not the gateway's caller
_OF_ENGINE = {"NOT_FOUND": 404, "RESOURCE_EXHAUSTED": 503, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504}


def install(
    app: FastAPI, problem_page: Callable[[Request, int, str, Mapping[str, str] | None, bool], Response]
) -> None:
    """Answer everything that is raised on purpose as a problem.

    Args:
        app: The application.
        problem_page: What browsers are shown, of the arguments of `answer`.
    """
    app.state.problem_page = problem_page
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


def told_of(errors: Iterable[Mapping[str, Any]]) -> str:
    """What pydantic found, in words: which fields, and what is wrong with each."""
    found = []
    for each in errors:
        known, values = WRONG.get(each["type"]), each.get("ctx", {})
        what = Message(known, **(values if "%" in known else {})) if known else each["msg"]
        where = ".".join(map(str, each["loc"]))
        found.append(Message("%(where)s: %(what)s", where=where, what=what))
    return listed(found)


def answer(
    request: Request, status: int, said: str, headers: Mapping[str, str] | None = None, of_engine: bool = False
) -> Response:
    """A problem, or what a browser shows in its place.

    Args:
        request: What is answered.
        status: Of HTTP.
        said: In words, which are translated for people if they are a `Message`.
        headers: Of the answer.
        of_engine: Whether the words are an engine's.
    """
    reads_pages = "text/html" in request.headers.get("Accept", "") and not request.url.path.startswith("/api/")
    if request.headers.get("HX-Request") or (reads_pages and status != 401):
        return request.app.state.problem_page(request, status, said, headers, of_engine)
    if reads_pages:
        return RedirectResponse("/sign-in", 303)
    return problem(status, " ".join(said.split()), headers)


async def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProductGANError)
    status = status_of(error)
    headers = error.headers if isinstance(error, RefusedError) else {"Retry-After": "2"} if status == 503 else {}
    if isinstance(error, PlatformError):
        _log.error("the store does not take it", error=str(error))
        request.app.state.platform.metrics.store_errors.inc()
        return answer(request, status, _AWAY, headers)
    if isinstance(error, RefusedError):  # for the audit log
        request.state.audited = {**getattr(request.state, "audited", {}), "refused": str(error)}
    said = message_of(error)
    return answer(request, status, said, headers, of_engine=not isinstance(said, Message))


async def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [{**each, "loc": each["loc"][1:] or each["loc"][:1]} for each in error.errors()]
    return answer(request, 422, told_of(found))


async def _of_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = error.detail if isinstance(error.detail, Message) else _OF_FRAMEWORK.get(error.status_code, error.detail)
    return answer(request, error.status_code, said, error.headers)


async def _of_store(request: Request, error: Exception) -> Response:
    _log.error("the store does not answer", error=str(error))
    request.app.state.platform.metrics.store_errors.inc()
    return answer(request, 503, _AWAY, {"Retry-After": "2"})


async def _of_data(request: Request, error: Exception) -> Response:
    return answer(request, 422, Message("A text holds letters that cannot be kept, such as NUL."))
