"""The database: SQLite in write-ahead mode, or PostgreSQL by its URL, brought up to date when it is opened."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from tfproductgan.errors import PlatformError

_BUSY_SECONDS = 30
_CONNECT_SECONDS = 10  # PostgreSQL's client would wait for ever
_CONNECTIONS = 120  # a thread has one at a time
_MIGRATING = 7_140_019  # the advisory lock of PostgreSQL while tables change


class Database:
    """Sessions of the store.

    Args:
        url: SQLAlchemy's URL.

    Raises:
        PlatformError: If it cannot be opened.
    """

    def __init__(self, url: str):
        try:
            self.url = sqlalchemy.make_url(url)
            self.is_sqlite = self.url.get_backend_name() == "sqlite"
            if self.is_sqlite and self.url.database:
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            options: dict[str, Any] = {"pool_size": 20, "max_overflow": _CONNECTIONS - 20, "pool_pre_ping": True}
            options["connect_args"] = {"connect_timeout": _CONNECT_SECONDS}
            if self.is_sqlite:  # one costs nothing while it is idle, and some statements to be opened
                options = {"pool_size": _CONNECTIONS, "max_overflow": 0, "connect_args": {"timeout": _BUSY_SECONDS}}
            self.engine = sqlalchemy.create_engine(self.url, pool_use_lifo=True, **options)
        except (SQLAlchemyError, ImportError, OSError) as error:
            raise PlatformError(f"The database {url!r} cannot be opened: {error}") from error
        if self.is_sqlite:
            event.listen(self.engine, "connect", _set_up_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._writer = threading.Lock()

    def upgrade(self) -> None:
        """Bring the tables up to date.

        Raises:
            PlatformError: If the database cannot be reached, or was written by a newer version.
        """
        try:
            with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
                if not self.is_sqlite:
                    connection.execute(sqlalchemy.text(f"SELECT pg_advisory_xact_lock({_MIGRATING})"))
                config = migrations()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except Exception as error:
            shown = self.url.render_as_string(hide_password=True)
            raise PlatformError(f"The store {shown} cannot be brought up to date: {error}") from error

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads."""
        with self._sessions() as session:
            yield session

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that is committed at the end, or rolled back if something is raised."""
        with self._turn(), self._sessions() as session, session.begin():
            # SQLite would refuse a transaction that begins to write after it has read what another one then changed
            session.connection(execution_options={"writes": True})
            yield session

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """SQLite has one writer at a time. It lets others look for their turn now and then, here they queue for it."""
        if not self.is_sqlite:
            yield
            return
        if not self._writer.acquire(timeout=_BUSY_SECONDS):
            raise OperationalError("BEGIN IMMEDIATE", None, TimeoutError("others write"))
        try:
            yield
        finally:
            self._writer.release()

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


def migrations() -> Config:
    """Where alembic finds the versions of the store."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _set_up_sqlite(connection, record):
    connection.isolation_level = None  # transactions begin as `_begin_sqlite` says
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection):
    writes = connection.get_execution_options().get("writes")
    # past SQLAlchemy, whose own way of saying this costs as much as a query
    words = "BEGIN IMMEDIATE" if writes else "BEGIN"
    try:
        connection.connection.driver_connection.execute(words)
    except sqlite3.OperationalError as error:
        raise OperationalError(words, None, error) from error
