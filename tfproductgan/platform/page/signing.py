"""Signing in and out, and the two files that a browser needs for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from tfproductgan.platform.access import people
from tfproductgan.platform.access.guard import COOKIE, EVERYBODY, SIGNED_IN, needs
from tfproductgan.platform.page.rendering import rendered
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.state import Here

router = APIRouter(include_in_schema=False)

_STATIC = Path(__file__).parent / "static"
_TYPES = {"htmx.min.js": "text/javascript", "style.css": "text/css", "icon.svg": "image/svg+xml"}


@router.get("/static/{name}")
@needs(EVERYBODY)
def static(name: str) -> FileResponse:
    """The script, the style and the icon."""
    if name not in _TYPES:
        raise RefusedError(404, f"There is no file {name!r}.")
    return FileResponse(_STATIC / name, media_type=_TYPES[name], headers={"Cache-Control": "max-age=3600"})


@router.get("/sign-in")
@needs(EVERYBODY)
def form(request: Request) -> Response:
    """Where somebody says who they are."""
    return rendered(request, "sign_in", refused=False)


@router.post("/sign-in")
@needs(EVERYBODY)
def sign_in(
    request: Request,
    platform: Here,
    secret: Annotated[str, Form(max_length=200)],
    name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """A session in this browser, by a name and a password or by a key."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        raise RefusedError(403, "This form is of another site.")
    request.state.subject = name
    platform.rates.sign_in(name, request.client.host if request.client else "")
    hours = platform.settings.session_hours
    token = people.sign_in(platform.database, name.strip(), secret if name else secret.strip(), hours)
    platform.metrics.sign_ins.labels("accepted" if token else "refused").inc()
    if token is None:
        return rendered(request, "sign_in", 401, refused=True)
    answer = RedirectResponse("/", 303)
    secure = platform.settings.secure_cookies
    answer.set_cookie(COOKIE, token, int(hours * 3600), httponly=True, samesite="strict", secure=secure)
    return answer


@router.post("/sign-out")
@needs(SIGNED_IN)
def sign_out(request: Request, platform: Here) -> Response:
    """End the session."""
    with platform.database.writing() as session:
        people.sign_out(session, request.cookies.get(COOKIE, ""))
    answer = Response(headers={"HX-Redirect": "/sign-in"})
    answer.delete_cookie(COOKIE)
    return answer
