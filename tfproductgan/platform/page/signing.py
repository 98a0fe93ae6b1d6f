"""Signing in and out, and the two files that a browser needs for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from tfproductgan.errors import Message
from tfproductgan.platform import audit
from tfproductgan.platform.access import openid, people
from tfproductgan.platform.access.guard import COOKIE, EVERYBODY, SIGNED_IN, needs
from tfproductgan.platform.page.rendering import rendered
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.state import Here, Platform

router = APIRouter(include_in_schema=False)

_SENT = "tfproductgan_oidc"  # the cookie of who was sent to the issuer
_SENT_SECONDS = 600

_STATIC = Path(__file__).parent / "static"
_TYPES = {"htmx.min.js": "text/javascript", "style.css": "text/css", "icon.svg": "image/svg+xml"}


@router.get("/static/{name}")
@needs(EVERYBODY)
def static(name: str) -> FileResponse:
    """The script, the style and the icon."""
    if name not in _TYPES:
        raise RefusedError(404, Message("There is no file %(name)r.", name=name))
    return FileResponse(_STATIC / name, media_type=_TYPES[name], headers={"Cache-Control": "max-age=3600"})


@router.get("/sign-in")
@needs(EVERYBODY)
def form(request: Request, platform: Here) -> Response:
    """Where somebody says who they are."""
    return rendered(request, "sign_in", refused=False, openid=_issuer(platform))


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
        raise RefusedError(403, Message("This form is of another site."))
    request.state.subject = name
    platform.rates.sign_in(name, request.client.host if request.client else "")
    hours = platform.settings.session_hours
    token = people.sign_in(platform.database, name.strip(), secret if name else secret.strip(), hours)
    platform.metrics.sign_ins.labels("accepted" if token else "refused").inc()
    if token is None:
        return rendered(request, "sign_in", 401, refused=True, openid=_issuer(platform))
    return _with_session(platform, RedirectResponse("/", 303), token)


@router.get("/oidc")
@needs(EVERYBODY)
def begin(request: Request, platform: Here) -> Response:
    """To the issuer of OpenID Connect, which asks who that is."""
    _refuse_without_issuer(platform)
    platform.rates.sign_in("", request.client.host if request.client else "")
    url, brought = openid.begin(platform.settings)
    answer = RedirectResponse(url, 303)
    # `lax`: it comes back from another site
    secure = platform.settings.secure_cookies
    answer.set_cookie(_SENT, brought, _SENT_SECONDS, path="/oidc", httponly=True, samesite="lax", secure=secure)
    return answer


@router.get(openid.BACK)
@needs(EVERYBODY)
def back(
    request: Request,
    platform: Here,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
) -> Response:
    """From the issuer: a session in this browser."""
    _refuse_without_issuer(platform)
    told = openid.claims(platform.settings, request.cookies.get(_SENT, ""), state, code)
    with platform.database.writing() as session:
        person = openid.person_of(session, platform.settings, told)
        token = people.open_session(session, person, platform.settings.session_hours)
        request.state.subject = person.name
        audit.record(session, request.scope, 200)
    platform.metrics.sign_ins.labels("accepted").inc()
    # a page in between: with a redirect from another site the browser would not send the cookie
    answer = _with_session(platform, rendered(request, "signed_in"), token)
    answer.delete_cookie(_SENT, path="/oidc")
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


def _with_session(platform: Platform, answer: Response, token: str) -> Response:
    seconds, secure = int(platform.settings.session_hours * 3600), platform.settings.secure_cookies
    answer.set_cookie(COOKIE, token, seconds, httponly=True, samesite="strict", secure=secure)
    return answer


def _issuer(platform: Platform) -> str:
    """The name of who else signs people in, if anybody does."""
    return urlsplit(platform.settings.oidc_issuer).netloc


def _refuse_without_issuer(platform: Platform) -> None:
    if not platform.settings.oidc_issuer:
        raise RefusedError(404, Message("Nobody else signs people in here."))
