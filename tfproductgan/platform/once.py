"""Requests that may arrive twice and are done once: by the header `Idempotency-Key`."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tfproductgan.errors import Message
from tfproductgan.platform import audit
from tfproductgan.platform.access.roles import Principal
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.tables import Answer


async def _described(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=200,
            description="of your own choice: asked again with it within a day, the answer is the same and nothing new",
        ),
    ] = None,
) -> None:
    """For the description of the API; `once` looks at the header."""


Once = Depends(_described)
"""Among the dependencies of routes that answer by `once`."""

Keep = Callable[[Session, BaseModel], None]
"""Called with the session in which something is kept, and what is answered."""

_KEPT_SECONDS = 24 * 3600
_GIVEN_UP_SECONDS = 300  # a gateway that died meanwhile will not answer


def once(
    request: Request, platform: Platform, who: Principal, asked: Any, status: int, make: Callable[[Keep], BaseModel]
) -> Response:
    """Answer with what `make` gives, or with what was answered to the same request before.

    What is made, the answer to be given again and the entry of the audit log are one transaction.

    Args:
        request: The request, whose headers may have a key.
        platform: The parts of the gateway.
        who: Who asks; keys of others are not compared.
        asked: What is asked for, JSON-ready: the same key with another request is a mistake.
        status: Of the answer.
        make: Does what is asked for, and calls what it is given within the transaction that keeps it.

    Raises:
        RefusedError: If the key was used for another request, or the first one is not answered yet.
    """
    key, now = request.headers.get("Idempotency-Key"), time.time()
    ours = (Answer.owner == who.id, Answer.key == key, Answer.created == now, Answer.status.is_(None))

    def keep(session: Session, answer: BaseModel) -> None:
        if key is not None:
            told = update(Answer).where(*ours).values(status=status, body=answer.model_dump_json())
            # another one may do it by now, where the clock was put forward meanwhile: this one makes nothing then
            if session.execute(told).rowcount != 1:  # type: ignore[attr-defined]
                raise _not_answered(key)
        audit.record(session, request.scope, status)

    def made() -> Response:
        body = make(keep).model_dump_json()
        request.state.recorded = True
        return _answered(status, body)

    if key is None:
        return made()
    written = json.dumps([request.method, request.url.path, asked], sort_keys=True, default=str)
    digest = hashlib.sha256(written.encode()).hexdigest()
    before = _claim(platform, who.id, key, digest, now)
    if before is not None:
        return _answered(*before, headers={"Idempotent-Replayed": "true"})
    try:
        return made()
    except BaseException:  # it was not done, so it may be tried again
        with platform.database.writing() as session:
            session.execute(delete(Answer).where(*ours))
        raise


def _claim(platform: Platform, owner: str, key: str, digest: str, now: float) -> tuple[int, str] | None:
    """Take a key for a request; what was answered if it has been."""
    try:
        with platform.database.writing() as session:
            # later than now: the clock was put back
            other_time = (Answer.created < now - _GIVEN_UP_SECONDS) | (Answer.created > now + _GIVEN_UP_SECONDS)
            given_up = Answer.status.is_(None) & other_time
            session.execute(delete(Answer).where((Answer.created < now - _KEPT_SECONDS) | given_up))
            session.add(Answer(owner=owner, key=key, request=digest, created=now))
    except IntegrityError:
        with platform.database.reading() as session:
            found = session.get(Answer, (owner, key))
        if found is not None and found.request != digest:
            said = Message("The Idempotency-Key %(key)r was used for another request.", key=key)
            raise RefusedError(422, said) from None
        if found is None or found.status is None or found.body is None:
            raise _not_answered(key) from None
        return found.status, found.body
    return None


def _not_answered(key: str) -> RefusedError:
    said = Message("The first request with the key %(key)r is not answered yet.", key=key)
    return RefusedError(409, said, {"Retry-After": "1"})


def _answered(status: int, body: str, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, media_type="application/json")
