"""The store: its tables are those of the last migration, and several may write at a time."""

import threading

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from tfproductgan.errors import PlatformError
from tfproductgan.platform import audit
from tfproductgan.platform.store import database as store_database
from tfproductgan.platform.store.database import Database, migrations
from tfproductgan.platform.store.tables import Base, Person


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/folder/store.db")
    database.upgrade()
    yield database
    database.close()


def test_the_migrations_make_the_tables_of_today(database):
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    database.upgrade()  # nothing to do


def test_a_store_of_each_earlier_version_is_brought_up_to_date(tmp_path):
    scripts = ScriptDirectory.from_config(migrations())
    versions = [script.revision for script in scripts.walk_revisions()]
    assert scripts.get_heads() == versions[:1] and len(versions) >= 2
    for version in versions[1:]:
        database = Database(f"sqlite:///{tmp_path}/{version}.db")
        with database.engine.connect().execution_options(writes=True) as connection, connection.begin():
            config = migrations()
            config.attributes["connection"] = connection
            command.upgrade(config, version)
            row = (
                "INSERT INTO people (id, tenant, name, password_hash, role, created) VALUES ('1', '', 'ada', '', '', 1)"
            )
            connection.execute(sqlalchemy.text(row))
        database.upgrade()
        with database.reading() as session:
            assert session.get(Person, "1").name == "ada"
        with database.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        database.close()


def test_writers_wait_for_each_other(database):
    def write():
        for _ in range(10):
            with database.writing() as session:
                audit.append(session, "", "", "", "", "", {})

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.verify(database)[0::2] == (40, [])


def test_a_store_that_stays_busy_says_so_as_any_store_does(tmp_path, monkeypatch):
    monkeypatch.setattr(store_database, "_BUSY_SECONDS", 0.01)
    database = Database(f"sqlite:///{tmp_path}/busy.db")
    database.upgrade()
    with database.writing(), pytest.raises(OperationalError), database.writing():
        pass
    database.close()


@pytest.mark.parametrize("url", ["nonsense", "oracle://x", "sqlite:////proc/nowhere/store.db"])
def test_what_is_no_database_is_said(url):
    with pytest.raises(PlatformError):
        Database(url).upgrade()


def test_a_store_of_a_newer_version_is_refused(database):
    with database.engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = 'later'"))
    with pytest.raises(PlatformError, match="cannot be brought up to date"):
        database.upgrade()
