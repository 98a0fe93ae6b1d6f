"""The tables of the store. Times are seconds since 1970; every row that is somebody's names its tenant."""

from __future__ import annotations

import functools
import secrets
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, Insert, Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


def new_id() -> str:
    """An id that nobody guesses and that sorts by the time it was made."""
    return f"{time.time_ns() // 1000:014x}{secrets.token_hex(6)}"


class Base(DeclarativeBase):
    """What all tables share."""

    metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s"})
    type_annotation_map = {str: String(200), float: Float(53), dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012


def insert(session: Session, rows: Sequence[Base]) -> None:
    """Add rows of one table that have a value for every column, at half of what `session.add` costs."""
    if rows:
        adding, names = _adding(type(rows[0]))
        session.connection().execute(adding, [{name: getattr(row, name) for name in names} for row in rows])


@functools.cache
def _adding(kind: type[Base]) -> tuple[Insert, list[str]]:
    return kind.__table__.insert(), kind.__table__.columns.keys()  # type: ignore[attr-defined]


class Person(Base):
    """Somebody who signs in on the page."""

    __tablename__ = "people"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    tenant: Mapped[str]
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    role: Mapped[str]
    created: Mapped[float] = mapped_column(default=time.time)
    closed: Mapped[float | None]
    # issuer and id there of somebody whom OpenID Connect signs in; they have no password here
    subject: Mapped[str | None] = mapped_column(String(500), unique=True)


class Key(Base):
    """A program's key, of which only the hash is kept."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    tenant: Mapped[str]
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    created: Mapped[float] = mapped_column(default=time.time)
    expires: Mapped[float | None]
    requests_per_minute: Mapped[int | None]
    pictures_per_day: Mapped[int | None]
    queued_pictures: Mapped[int | None]


class SignIn(Base):
    """A session in a browser, of a person or of a key that was typed into the page."""

    __tablename__ = "sign_ins"

    digest: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    key_id: Mapped[str | None] = mapped_column(ForeignKey("keys.id", ondelete="CASCADE"))
    csrf: Mapped[str]
    expires: Mapped[float]


class Picture(Base):
    """A picture that was drawn, and all that is needed to draw it again."""

    __tablename__ = "pictures"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    tenant: Mapped[str]
    owner: Mapped[str]
    kind: Mapped[str]
    model: Mapped[str]
    model_id: Mapped[str]
    conditions: Mapped[dict[str, Any]]
    details: Mapped[dict[str, Any]]
    seed: Mapped[int | None] = mapped_column(BigInteger)
    truncation: Mapped[float | None]
    digest: Mapped[str] = mapped_column(index=True)
    # empty of those drawn before version 3 of the store: all that are alike share a file, called by its hash
    own_file: Mapped[str] = mapped_column(default="", server_default="")
    size: Mapped[int]
    created: Mapped[float] = mapped_column(default=time.time)
    kept: Mapped[bool] = mapped_column(default=False)
    job_id: Mapped[str | None] = mapped_column(index=True)

    __table_args__ = (Index("ix_pictures_tenant_id", "tenant", "id"),)

    @property
    def file(self) -> str:
        """Name of its file in the store of pictures."""
        return self.own_file or self.digest


class PictureWord(Base):
    """By what a picture is found: its conditions, as `fold` has them, and labels, which have no attribute."""

    __tablename__ = "picture_words"

    picture_id: Mapped[str] = mapped_column(ForeignKey("pictures.id", ondelete="CASCADE"), primary_key=True)
    attribute: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    shown: Mapped[str]

    __table_args__ = (Index("ix_picture_words_value", "attribute", "value"),)


class Job(Base):
    """Many requests that are drawn one after another."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    tenant: Mapped[str]
    owner: Mapped[str]
    name: Mapped[str]
    model: Mapped[str]
    created: Mapped[float] = mapped_column(default=time.time)
    cancelled: Mapped[float | None]

    __table_args__ = (Index("ix_jobs_tenant_id", "tenant", "id"),)


class JobRow(Base):
    """One request of a job. Who draws it holds a claim that runs out, so that a gateway that dies loses nothing."""

    __tablename__ = "job_rows"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    conditions: Mapped[dict[str, Any]]
    seed: Mapped[int] = mapped_column(BigInteger)
    truncation: Mapped[float]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    claim: Mapped[str | None]
    claimed_until: Mapped[float | None]
    error: Mapped[str | None] = mapped_column(Text)
    picture_id: Mapped[str | None]

    __table_args__ = (Index("ix_job_rows_state", "state", "claimed_until"),)


class Answer(Base):
    """What was answered to a request with an idempotency key, to be answered again."""

    __tablename__ = "answers"

    owner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str]
    status: Mapped[int | None]
    body: Mapped[str | None] = mapped_column(Text)
    created: Mapped[float] = mapped_column(default=time.time, index=True)


class ModelLook(Base):
    """How a model drew when it was new here, in the words of `looks.Look`."""

    __tablename__ = "model_looks"

    model: Mapped[str] = mapped_column(primary_key=True)
    model_id: Mapped[str] = mapped_column(primary_key=True)
    pictures: Mapped[int]
    brightness: Mapped[float]
    brightness_deviation: Mapped[float]
    saturation: Mapped[float]
    saturation_deviation: Mapped[float]
    duplicates: Mapped[float]
    created: Mapped[float] = mapped_column(default=time.time)


class Rollout(Base):
    """Which version of a model draws for a tenant, and which one a share of its requests goes to instead."""

    __tablename__ = "rollouts"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int | None]
    canary: Mapped[int | None]
    percent: Mapped[int]


class ForbiddenWord(Base):
    """What nobody of a tenant may ask for: a value, or one of an attribute."""

    __tablename__ = "forbidden_words"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    attribute: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    shown: Mapped[str] = mapped_column(Text)


class RatingPage(Base):
    """Photos and drawn pictures that people tell apart; which is which, the store does not know."""

    __tablename__ = "rating_pages"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    page: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    files: Mapped[list[str]]
    created: Mapped[float] = mapped_column(default=time.time)


class RatingAnswer(Base):
    """What somebody takes a picture of a rating page for."""

    __tablename__ = "rating_answers"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    page: Mapped[str] = mapped_column(primary_key=True)
    rater: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    said: Mapped[str]


class AuditEntry(Base):
    """Who asked for what, with which outcome; `digest` covers the entry and the digest of the one before."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    time: Mapped[float]
    tenant: Mapped[str]
    who: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    outcome: Mapped[str]
    details: Mapped[dict[str, Any]]
    previous: Mapped[str]
    digest: Mapped[str]


class AuditHead(Base):
    """Where the chain ends: a single row, so that entries missing at the end are missed too."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int]
    digest: Mapped[str]
