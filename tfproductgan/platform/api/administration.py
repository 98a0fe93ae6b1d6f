"""Keys, people and the audit log."""

from __future__ import annotations

import time
from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import select

from tfproductgan.platform import audit, forbidden
from tfproductgan.platform.access import keys, people
from tfproductgan.platform.access.guard import Who, needs
from tfproductgan.platform.access.roles import ROLES, Principal, checked_role, checked_scopes
from tfproductgan.platform.api.bodies import (
    AuditFound,
    ForbiddenWords,
    KeyMade,
    Keys,
    KeyShown,
    NewKey,
    NewPerson,
    People,
    PersonChange,
    PersonShown,
    Rotation,
)
from tfproductgan.platform.state import Here, Platform
from tfproductgan.platform.store.tables import Key, Person

router = APIRouter(prefix="/api/v1", tags=["administration"])


@router.get("/keys")
@needs("keys:administer")
def list_keys(platform: Here, who: Who) -> Keys:
    """All keys, those that have ended too."""
    with platform.database.reading() as session:
        found = session.scalars(select(Key).where(Key.tenant == who.tenant).order_by(Key.id))
        return Keys(items=[KeyShown.of(key) for key in found])


@router.post("/keys", status_code=201)
@needs("keys:administer")
def make_key(body: NewKey, request: Request, platform: Here, who: Who) -> KeyMade:
    """Make a key. Its secret is shown this once."""
    return new_key(request, platform, who, body)


@router.post("/keys/{key_id}/rotate", status_code=201)
@needs("keys:administer")
def rotate(key_id: str, body: Rotation, platform: Here, who: Who) -> KeyMade:
    """Make a key in the place of another, which works for some more hours."""
    return rotated(platform, who, key_id, body.overlap_hours)


@router.delete("/keys/{key_id}", status_code=204)
@needs("keys:administer")
def end_key(key_id: str, platform: Here, who: Who) -> None:
    """End a key now."""
    with platform.database.writing() as session:
        keys.end_key(session, who.tenant, key_id)


@router.get("/people")
@needs("people:administer")
def list_people(platform: Here, who: Who) -> People:
    """Everybody who was let in."""
    with platform.database.reading() as session:
        found = session.scalars(select(Person).where(Person.tenant == who.tenant).order_by(Person.id))
        return People(items=[PersonShown.of(person) for person in found])


@router.post("/people", status_code=201)
@needs("people:administer")
def add_person(body: NewPerson, request: Request, platform: Here, who: Who) -> PersonShown:
    """Let somebody in."""
    request.state.audited = {"name": body.name, "role": body.role}
    may_give(who, body.role)
    with platform.database.writing() as session:
        return PersonShown.of(people.add_person(session, who.tenant, body.name, body.password, body.role))


@router.patch("/people/{person_id}")
@needs("people:administer")
def change_person(person_id: str, body: PersonChange, request: Request, platform: Here, who: Who) -> PersonShown:
    """Change what somebody may, their password, or close their account. They have to sign in anew."""
    request.state.audited = {"role": body.role, "password": body.password is not None, "closed": body.closed}
    with platform.database.writing() as session:
        if body.role is not None:
            may_give(who, body.role)
        changed = people.change_person(session, who.tenant, person_id, body.role, body.password, body.closed)
        may_give(who, changed.role)
        return PersonShown.of(changed)


@router.get("/forbidden")
@needs("people:administer")
def list_forbidden(platform: Here, who: Who) -> ForbiddenWords:
    """What nobody may ask for."""
    with platform.database.reading() as session:
        return ForbiddenWords(words=forbidden.words(session, who.tenant))


@router.put("/forbidden")
@needs("people:administer")
def set_forbidden(body: ForbiddenWords, request: Request, platform: Here, who: Who) -> ForbiddenWords:
    """Say what nobody may ask for, in the place of what was said before."""
    request.state.audited = body.model_dump()
    with platform.database.writing() as session:
        forbidden.set_words(session, who.tenant, body.words)
        return ForbiddenWords(words=forbidden.words(session, who.tenant))


@router.get("/audit", response_class=StreamingResponse, responses={200: {"content": {"application/x-ndjson": {}}}})
@needs("audit:read")
def export_audit(platform: Here, who: Who) -> StreamingResponse:
    """The audit log of the tenant as JSON lines, oldest first."""
    return StreamingResponse(_lines(platform, who.tenant), media_type="application/x-ndjson")


@router.get("/audit/verify")
@needs("audit:read")
def verify_audit(platform: Here) -> AuditFound:
    """Whether the audit log, of all tenants, is as it was written."""
    entries, digest, wrong = audit.verify(platform.database)
    return AuditFound(entries=entries, digest=digest, wrong=wrong)


def new_key(request: Request, platform: Platform, who: Principal, wanted: NewKey) -> KeyMade:
    """A key that may no more than who makes it."""
    request.state.audited = wanted.model_dump()
    scopes = checked_scopes(wanted.scopes, who.scopes)
    expires = None if wanted.expires_in_hours is None else time.time() + wanted.expires_in_hours * 3600
    with platform.database.writing() as session:
        secret, key = keys.make_key(session, who.tenant, wanted.name, scopes, expires)
        for limit in keys.LIMITS:
            setattr(key, limit, getattr(wanted, limit))
        return KeyMade.of(key, secret=secret)


def rotated(platform: Platform, who: Principal, key_id: str, overlap_hours: float) -> KeyMade:
    """A key in the place of another one."""
    with platform.database.writing() as session:
        key = keys.own_key(session, who.tenant, key_id)
        checked_scopes(key.scopes, who.scopes)
        secret, new = keys.rotate(session, key, overlap_hours)
        return KeyMade.of(new, secret=secret)


def may_give(who: Principal, role: str) -> None:
    """Nobody gives away what they may not do themselves."""
    checked_scopes(ROLES[checked_role(role)], who.scopes)


def _lines(platform: Platform, tenant: str) -> Iterator[str]:
    with platform.database.reading() as session:
        yield from audit.lines(session, tenant)
