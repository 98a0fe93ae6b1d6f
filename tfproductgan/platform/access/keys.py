"""Keys of programs: 32 random bytes that are shown once, of which the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

from sqlalchemy import Connection, Row, bindparam, select, update
from sqlalchemy.orm import Session

from tfproductgan.errors import Message
from tfproductgan.platform.access.roles import SCOPES, Principal
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.store.tables import Key, SignIn

PREFIX = "tpg_"
"""What keys begin with, so that people and programs that look for leaked ones know them."""


LIMITS = ("requests_per_minute", "pictures_per_day", "queued_pictures")
"""What a key may have of its own; else it has everybody's."""

# as a table and made once: every request asks this
_COLUMNS = Key.__table__.c
_BY_DIGEST = select(Key.__table__).where(_COLUMNS.digest == bindparam("asked"))


def digest_of(secret: str) -> str:
    """What is kept of a key or the token of a session."""
    return hashlib.sha256(secret.encode()).hexdigest()


def make_key(
    session: Session, tenant: str, name: str, scopes: list[str], expires: float | None = None
) -> tuple[str, Key]:
    """A new key; returns what is shown once, and its row."""
    secret = PREFIX + secrets.token_urlsafe(32)
    key = Key(tenant=tenant, name=name, digest=digest_of(secret), scopes=scopes, expires=expires)
    session.add(key)
    session.flush()
    return secret, key


def first_administrator(session: Session, tenant: str) -> str:
    """A key that may everything, shown once."""
    return make_key(session, tenant, "administrator", sorted(SCOPES))[0]


def rotate(session: Session, key: Key, overlap_hours: float) -> tuple[str, Key]:
    """A key in the place of one that works for some more hours."""
    secret, new = make_key(session, key.tenant, key.name, key.scopes, key.expires)
    for limit in LIMITS:
        setattr(new, limit, getattr(key, limit))
    end = time.time() + overlap_hours * 3600
    key.expires = end if key.expires is None else min(key.expires, end)
    return secret, new


def end_key(session: Session, tenant: str, key_id: str) -> None:
    """No more requests by this key, nor by who signed in with it."""
    key = own_key(session, tenant, key_id)
    key.expires = min(key.expires or time.time(), time.time())
    session.execute(update(SignIn).where(SignIn.key_id == key.id).values(expires=0.0))


def own_key(session: Session, tenant: str, key_id: str) -> Key:
    """A key of the tenant's.

    Raises:
        RefusedError: If there is none.
    """
    key = session.get(Key, key_id)
    if key is None or key.tenant != tenant:
        raise RefusedError(404, Message("There is no key %(name)r.", name=key_id))
    return key


def holder(connection: Connection, secret: str) -> Principal | None:
    """Whose key it is, or nobody's: one that is wrong takes as long as one that has ended."""
    digest = digest_of(secret)
    key = connection.execute(_BY_DIGEST, {"asked": digest}).first()
    known = hmac.compare_digest(key.digest if key else digest[::-1], digest)
    return principal_of(key) if key and known and is_current(key) else None


def is_current(key: Key | Row) -> bool:
    """Whether a key still works."""
    return key.expires is None or key.expires > time.time()


def principal_of(key: Key | Row, csrf: str | None = None) -> Principal:
    """Who asks by that key."""
    limits = (key.requests_per_minute, key.pictures_per_day, key.queued_pictures)
    return Principal(key.id, key.name, key.tenant, frozenset(key.scopes), csrf, *limits)
