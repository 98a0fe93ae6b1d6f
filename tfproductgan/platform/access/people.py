"""People by name and password, and how long their browser is known."""

from __future__ import annotations

import secrets
import time

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tfproductgan.errors import Message
from tfproductgan.platform.access.keys import digest_of, holder, is_current, principal_of
from tfproductgan.platform.access.roles import ROLES, Principal, checked_role
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.store.database import Database
from tfproductgan.platform.store.tables import Key, Person, SignIn

_SHORTEST_PASSWORD = 12

_hasher = PasswordHasher()
# of nobody: a name that is unknown takes as long as a wrong password
_nobody = _hasher.hash(secrets.token_urlsafe())


def add_person(session: Session, tenant: str, name: str, password: str, role: str) -> Person:
    """Let somebody in.

    Raises:
        RefusedError: If the name is taken, the role unknown or the password short.
    """
    if not name.strip() or session.scalar(select(Person.id).where(Person.name == name)):
        raise RefusedError(409, Message("The name %(name)r is taken or empty: choose another one.", name=name))
    person = Person(tenant=tenant, name=name, role=checked_role(role), password_hash=_hashed(password))
    session.add(person)
    session.flush()
    return person


def change_person(
    session: Session, tenant: str, person_id: str, role: str | None, password: str | None, closed: bool | None
) -> Person:
    """Change what is given; with it all of their sessions end.

    Raises:
        RefusedError: If there is nobody of that id, or a value cannot be.
    """
    person = session.get(Person, person_id)
    if person is None or person.tenant != tenant:
        raise RefusedError(404, Message("There is nobody %(name)r.", name=person_id))
    if role is not None:
        person.role = checked_role(role)
    if password is not None:
        person.password_hash = _hashed(password)
    if closed is not None:
        person.closed = time.time() if closed else None
    session.execute(delete(SignIn).where(SignIn.person_id == person.id))
    return person


def sign_in(database: Database, name: str, secret: str, hours: float) -> str | None:
    """A session in a browser by a password, or by a key if no name is given; its token, or `None` if they are wrong."""
    token = secrets.token_urlsafe(32)
    made = _sign_in(token, hours)
    # hashing takes long, and nobody could write meanwhile
    with database.reading() as session:
        if name:
            person = session.scalar(select(Person).where(Person.name == name))
            fits = _fits(person.password_hash if person else _nobody, secret)
            made.person_id = person.id if person and fits and not person.closed else None
        else:
            found = holder(session.connection(), secret)
            made.key_id = found.id if found else None
    if made.person_id is None and made.key_id is None:
        return None
    with database.writing() as session:
        session.execute(delete(SignIn).where(SignIn.expires < time.time()))
        session.add(made)
    return token


def open_session(session: Session, person: Person, hours: float) -> str:
    """A session in a browser of somebody whom another vouches for; its token."""
    token = secrets.token_urlsafe(32)
    session.execute(delete(SignIn).where(SignIn.expires < time.time()))
    session.add(_sign_in(token, hours, person_id=person.id))
    return token


def sign_out(session: Session, token: str) -> None:
    """End a session."""
    session.execute(delete(SignIn).where(SignIn.digest == digest_of(token)))


def signed_in(session: Session, token: str) -> Principal | None:
    """Whose session it is, or nobody's."""
    found = session.get(SignIn, digest_of(token))
    if found is None or found.expires < time.time():
        return None
    if found.key_id is not None:
        key = session.get(Key, found.key_id)
        return principal_of(key, found.csrf) if key and is_current(key) else None
    person = session.get(Person, found.person_id)
    if person is None or person.closed:
        return None
    return Principal(person.id, person.name, person.tenant, ROLES[person.role], found.csrf)


def _sign_in(token: str, hours: float, **whose: str) -> SignIn:
    expires = time.time() + hours * 3600
    return SignIn(digest=digest_of(token), csrf=secrets.token_urlsafe(32), expires=expires, **whose)


def _hashed(password: str) -> str:
    if len(password) < _SHORTEST_PASSWORD:
        raise RefusedError(
            422,
            Message(
                "A password has %(least)s letters or more. Received: %(count)s",
                least=_SHORTEST_PASSWORD,
                count=len(password),
            ),
        )
    return _hasher.hash(password)


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (Argon2Error, InvalidHashError):
        return False
