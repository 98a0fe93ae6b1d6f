"""Who asked for what: entries that are only ever added, each holding the hash of the one before."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from starlette.types import Scope

from tfproductgan.platform.masking import mask, mask_text
from tfproductgan.platform.store.database import Database
from tfproductgan.platform.store.tables import AuditEntry, AuditHead, insert

_BEGINNING = "0" * 64
_APPENDING = 7_140_020  # the advisory lock of PostgreSQL; SQLite has one writer at a time anyway

# as tables and made once: every request that changes something is written down
_ADD = sqlalchemy.insert(AuditEntry.__table__)  # type: ignore[arg-type]
_HEAD = select(AuditHead.__table__.c.number, AuditHead.__table__.c.digest)
_MOVE = sqlalchemy.update(AuditHead.__table__)  # type: ignore[arg-type]

_FIELDS = ("number", "time", "tenant", "who", "action", "subject", "outcome", "details", "previous")


def append(
    session: Session, tenant: str, who: str, action: str, subject: str, outcome: str, details: dict[str, Any]
) -> None:
    """Add an entry; texts in it are masked. Others that append wait until the transaction ends."""
    if session.get_bind().dialect.name != "sqlite":
        session.execute(text(f"SELECT pg_advisory_xact_lock({_APPENDING})"))
    connection = session.connection()
    head = connection.execute(_HEAD).first()
    if head is None:
        insert(session, [AuditHead(id=1, number=0, digest=_BEGINNING)])
    number, previous = head or (0, _BEGINNING)
    facts = {
        "number": number + 1,
        "time": time.time(),
        "tenant": tenant,
        "who": mask_text(who)[:200],
        "action": action[:200],
        "subject": mask_text(subject)[:200],
        "outcome": outcome[:200],
        "details": mask(details),
        "previous": previous,
    }
    digest = _digest(facts)
    connection.execute(_ADD, {**facts, "digest": digest})
    connection.execute(_MOVE, {"number": number + 1, "digest": digest})


def record(session: Session, scope: Scope, status: int) -> None:
    """Add the entry of a request, with what its route said of it in `request.state.audited` and `subject`."""
    state: dict[str, Any] = scope["state"]
    who = state.get("who")
    append(
        session,
        who.tenant if who else "",
        f"{who.name} ({who.id})" if who else "nobody",
        f"{scope['method']} {route_of(scope)}",
        state.get("subject") or "/".join(map(str, scope.get("path_params", {}).values())),
        str(status),
        state.get("audited", {}),
    )


def route_of(scope: Scope) -> str:
    """The path of a request as it was declared: what people fill in would make each one of its own."""
    return getattr(scope.get("route"), "path", "unknown")


def verify(database: Database) -> tuple[int, str, list[str]]:
    """Look through the chain: the number of entries, the digest at its end, and what is wrong, one line each."""
    wrong, number, previous = [], 0, _BEGINNING
    with database.reading() as session:
        for entry in _entries(session):
            if entry.number != number + 1:
                missing = (
                    f"entry {number + 1}"
                    if entry.number == number + 2
                    else f"entries {number + 1} to {entry.number - 1}"
                )
                wrong.append(f"{missing} missing")
            elif entry.previous != previous:
                wrong.append(f"entry {entry.number} does not follow the one before: reordered, or that was changed")
            if entry.digest != _digest(_facts(entry)):
                wrong.append(f"entry {entry.number} was changed")
            number, previous = entry.number, entry.digest
        head = session.get(AuditHead, 1)
    if head is None and number:
        wrong.append("nothing says where the chain ends")
    elif head is not None and (head.number, head.digest) != (number, previous):
        wrong.append(f"the chain ends at entry {number}; it ended at {head.number}")
    return number, previous, wrong


def last(session: Session, tenant: str, count: int) -> list[AuditEntry]:
    """The newest entries of a tenant, newest first."""
    wanted = select(AuditEntry).where(AuditEntry.tenant == tenant).order_by(AuditEntry.number.desc())
    return list(session.scalars(wanted.limit(count)))


def lines(session: Session, tenant: str | None = None) -> Iterator[str]:
    """The entries as JSON lines, of one tenant or of all."""
    for entry in _entries(session, tenant):
        yield json.dumps({**_facts(entry), "digest": entry.digest}, ensure_ascii=False) + "\n"


def _entries(session: Session, tenant: str | None = None) -> Iterator[AuditEntry]:
    wanted = select(AuditEntry).order_by(AuditEntry.number).execution_options(yield_per=1000)
    return iter(session.scalars(wanted if tenant is None else wanted.where(AuditEntry.tenant == tenant)))


def _facts(entry: AuditEntry) -> dict[str, Any]:
    return {field: getattr(entry, field) for field in _FIELDS}


def _digest(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
