"""Administration on the page: people, keys, versions of models, what was done, and whether that log is whole."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from starlette.datastructures import FormData

from tfproductgan.platform import audit, forbidden
from tfproductgan.platform.access import keys, people
from tfproductgan.platform.access.guard import Who, needs
from tfproductgan.platform.access.roles import ROLES, SCOPES, Principal
from tfproductgan.platform.api.administration import may_give, new_key, rotated
from tfproductgan.platform.api.bodies import (
    KeyShown,
    NewKey,
    PersonShown,
    Rotation,
    VersionsChosen,
    VersionsShown,
    moment,
)
from tfproductgan.platform.api.models import choose
from tfproductgan.platform.page.rendering import Fields, checked, rendered, text_of, whole_number_of
from tfproductgan.platform.state import Here, Platform
from tfproductgan.platform.store.tables import Key, Person

router = APIRouter(include_in_schema=False)

_SHOWN = 30  # entries of the audit log


@router.get("/administration")
@needs("people:administer")
def show(request: Request, platform: Here, who: Who) -> Response:
    """Everything there is to administer."""
    entries, _, wrong = audit.verify(platform.database)
    ready = platform.engine.is_ready()
    with platform.database.reading() as session:
        words = forbidden.words(session, who.tenant)
        last = audit.last(session, who.tenant, _SHOWN) if "audit:read" in who.scopes else []
    shown: dict[str, Any] = {"entries": entries, "wrong": wrong, "ready": ready, "words": words, "entries_shown": last}
    models = _models(platform, who) if ready else []
    return rendered(request, "administration", models=models, moment=moment, **shown, **_lists(platform, who))


@router.post("/page/models/{model}/versions")
@needs("models:administer")
def choose_version(model: str, request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """Say which version of a model draws, and which share of requests goes to another one."""
    version, canary = (whole_number_of(fields, name) for name in ("version", "canary"))
    wanted = checked(VersionsChosen, version=version, canary=canary, percent=whole_number_of(fields, "percent") or 0)
    request.state.audited = wanted.model_dump()
    choose(platform, who, model, wanted)
    return rendered(request, "versions", models=_models(platform, who))


@router.post("/page/people")
@needs("people:administer")
def add_person(request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """Let somebody in."""
    name, role = text_of(fields, "name"), text_of(fields, "role")
    request.state.audited = {"name": name, "role": role}
    may_give(who, role)
    with platform.database.writing() as session:
        people.add_person(session, who.tenant, name, str(fields.get("password", "")), role)
    return rendered(request, "access", **_lists(platform, who))


@router.post("/page/forbidden")
@needs("people:administer")
def set_forbidden(request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """Say what nobody may ask for, a line each."""
    words = [line for line in text_of(fields, "words").splitlines() if line.strip()]
    request.state.audited = {"words": words}
    with platform.database.writing() as session:
        forbidden.set_words(session, who.tenant, words)
        shown = forbidden.words(session, who.tenant)
    return rendered(request, "forbidden", words=shown)


@router.post("/page/people/{person_id}/close")
@needs("people:administer")
def close_person(person_id: str, request: Request, platform: Here, who: Who) -> Response:
    """Keep somebody out from now on."""
    with platform.database.writing() as session:
        may_give(who, people.change_person(session, who.tenant, person_id, None, None, True).role)
    return rendered(request, "access", **_lists(platform, who))


@router.post("/page/keys")
@needs("keys:administer")
def make_key(request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """Make a key for a program, and show it this once."""
    days, limits = whole_number_of(fields, "days"), {name: whole_number_of(fields, name) for name in keys.LIMITS}
    hours = None if days is None else 24 * days
    name, scopes = text_of(fields, "name") or "unnamed", _chosen(fields)
    wanted = checked(NewKey, name=name, scopes=scopes, expires_in_hours=hours, **limits)
    made = new_key(request, platform, who, wanted)
    return rendered(request, "access", **_lists(platform, who, made.secret))


@router.post("/page/keys/{key_id}/rotate")
@needs("keys:administer")
def rotate(key_id: str, request: Request, platform: Here, who: Who) -> Response:
    """Make a key in the place of another, which works for another day."""
    made = rotated(platform, who, key_id, Rotation().overlap_hours)
    return rendered(request, "access", **_lists(platform, who, made.secret))


@router.delete("/page/keys/{key_id}")
@needs("keys:administer")
def end_key(key_id: str, request: Request, platform: Here, who: Who) -> Response:
    """End a key now."""
    with platform.database.writing() as session:
        keys.end_key(session, who.tenant, key_id)
    return rendered(request, "access", **_lists(platform, who))


def _chosen(fields: FormData) -> list[str]:
    return [scope for scope in fields.getlist("scope") if isinstance(scope, str)]


def _models(platform: Platform, who: Principal) -> list[tuple[str, VersionsShown]]:
    """Each model with its versions."""
    names = platform.engine.names
    return [(n, VersionsShown.of(platform.engine.versions(n), platform.rollouts.of(who.tenant, n))) for n in names]


def _lists(platform: Platform, who: Principal, secret: str = "") -> dict:
    with platform.database.reading() as session:
        everybody = session.scalars(select(Person).where(Person.tenant == who.tenant).order_by(Person.name)).all()
        programs = session.scalars(select(Key).where(Key.tenant == who.tenant).order_by(Key.id)).all()
    current = [KeyShown.of(key) for key in programs if keys.is_current(key)]
    shown = [PersonShown.of(person) for person in everybody]
    given = {scope: words for scope, words in SCOPES.items() if scope in who.scopes}
    return {"people": shown, "keys": current, "scopes": given, "roles": list(ROLES), "secret": secret}
