"""What every request passes: its size, the headers of its answer, its place in metrics, logs and the audit log."""

from __future__ import annotations

import asyncio
import time

import structlog
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Sent

from tfproductgan.errors import Message
from tfproductgan.platform import audit, problems
from tfproductgan.platform.audit import route_of
from tfproductgan.platform.state import Platform

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_BODY_SECONDS, _BYTES_A_SECOND = 30.0, 16_384  # for a body, and a second more for so many bytes of it
_ENCRYPTED = "max-age=31536000; includeSubDomains"
_UNREMARKABLE = ("GET", "HEAD", "OPTIONS")
_REFUSED = (401, 403, 429)

_log = structlog.get_logger("tfproductgan.platform")


class Doorway:
    """ASGI middleware around the whole application.

    Args:
        app: The application.
        platform: The parts of the gateway.
    """

    def __init__(self, app: ASGIApp, platform: Platform):
        self._app = app
        self._platform = platform
        self._most = (platform.settings.upload_megabytes + 1) << 20  # what surrounds an upload is small
        headers = dict(_HEADERS)
        if platform.settings.secure_cookies:
            headers["Strict-Transport-Security"] = _ENCRYPTED
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        began, status, answered = time.perf_counter(), 0, False

        async def answer(message: Sent) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status = message["status"]
                names = {name for name, _ in message["headers"]}
                stored = [] if b"cache-control" in names else [(b"cache-control", b"no-store")]
                message["headers"] = [*message["headers"], *self._headers, *stored]
                try:
                    await self._record(scope, status)
                except SQLAlchemyError:
                    _log.exception("not audited", route=route_of(scope))
                    if status < 400:  # nobody gets what the log does not know of
                        raise
                answered = True
            await send(message)

        try:
            if self._declared(scope) > self._most:
                await problems.answer(Request(scope), 413, self._too_large())(scope, receive, answer)
            else:
                await self._app(scope, self._limited(receive), answer)
        except Exception:
            _log.exception("failed", method=scope["method"], route=route_of(scope))
            if answered:
                raise
            said = Message("Something went wrong here; the log says what.")
            await problems.answer(Request(scope), 500, said)(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - began
            self._platform.metrics.requests.labels(route_of(scope), scope["method"], status).inc()
            self._platform.metrics.seconds.labels(route_of(scope)).observe(seconds)
            who = scope["state"].get("who")
            _log.info(
                "request",
                method=scope["method"],
                route=route_of(scope),
                status=status,
                seconds=round(seconds, 4),
                who=who.id if who else None,
            )

    async def _record(self, scope: Scope, status: int) -> None:
        remarkable = scope["method"] not in _UNREMARKABLE or status in _REFUSED
        if remarkable and not scope["state"].get("recorded"):
            await run_in_threadpool(self._append, scope, status)

    def _append(self, scope: Scope, status: int) -> None:
        with self._platform.database.writing() as session:
            audit.record(session, scope, status)

    def _limited(self, receive: Receive) -> Receive:
        """Bodies of a length that nobody declared, and those that do not come to their end."""
        received, whole, began = 0, False, asyncio.get_running_loop().time()

        async def limited() -> Sent:
            nonlocal received, whole
            if whole:  # what follows is that somebody hangs up, whenever that is
                return await receive()
            try:
                async with asyncio.timeout_at(began + _BODY_SECONDS + received / _BYTES_A_SECOND):
                    message = await receive()
            except TimeoutError:
                said = Message("The request did not come to its end in time.")
                raise HTTPException(408, said, {"Connection": "close"}) from None
            received += len(message.get("body", b""))
            if received > self._most:
                raise HTTPException(413, self._too_large())
            whole = not message.get("more_body", False)
            return message

        return limited

    def _declared(self, scope: Scope) -> int:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        return int(declared) if declared.isdigit() else 0

    def _too_large(self) -> Message:
        return Message("A request has %(most)s MB at most.", most=self._platform.settings.upload_megabytes)
