"""What stands before every route: who asks, and whether they may. A route that does not say what it needs is closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from tfproductgan.errors import Message
from tfproductgan.platform.access import keys, people
from tfproductgan.platform.access.roles import SCOPES, Principal
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.state import Platform, platform_of

COOKIE = "tfproductgan"
"""Name of the cookie that holds the token of a session."""

EVERYBODY = "everybody"
"""What routes need that anybody may ask, signed in or not."""

SIGNED_IN = "signed in"
"""What routes need that anybody may ask who is known."""

_SAFE = ("GET", "HEAD", "OPTIONS")

Route = TypeVar("Route", bound=Callable[..., Any])


def needs(scope: str) -> Callable[[Route], Route]:
    """Declare which scope a route needs; the decorator goes below that of the route."""
    assert scope in SCOPES or scope in (EVERYBODY, SIGNED_IN), scope

    def declare(route: Route) -> Route:
        route.needs = scope  # type: ignore[attr-defined]
        return route

    return declare


async def admit(request: Request) -> None:
    """Let a request through to its route, or not.

    Raises:
        RefusedError: If nobody knows who asks, or they may not, or ask too often.
    """
    scope = getattr(request.scope["endpoint"], "needs", None)
    if scope == EVERYBODY:
        return
    platform = platform_of(request)
    await run_in_threadpool(_admit, platform, request, scope)


def _admit(platform: Platform, request: Request, scope: str | None) -> None:
    who = _identify(platform, request)
    if who is None:
        said = Message("Sign in, or send a key: 'Authorization: Bearer tpg_...'.")
        raise RefusedError(401, said, {"WWW-Authenticate": "Bearer"})
    request.state.who = who
    if scope is None or scope not in (who.scopes | {SIGNED_IN}):
        raise RefusedError(
            403, Message("%(name)r may not do this: it needs the scope %(scope)r.", name=who.name, scope=scope)
        )
    if who.sees_page and request.method not in _SAFE and request.headers.get("X-CSRF-Token") != who.csrf:
        raise RefusedError(403, Message("This did not come from the page: load it again."))
    platform.rates.request(who)


def _identify(platform: Platform, request: Request) -> Principal | None:
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind or COOKIE not in request.cookies:
        with platform.database.engine.connect() as connection:
            return keys.holder(connection, secret.strip() if kind.lower() == "bearer" else "")
    with platform.database.reading() as session:
        return people.signed_in(session, request.cookies[COOKIE])


async def _who(request: Request) -> Principal:  # as `_here` of the state
    return request.state.who


Who = Annotated[Principal, Depends(_who)]
"""Who asks, in the signature of a route."""
