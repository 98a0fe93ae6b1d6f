import importlib.util
import threading
import time
from pathlib import Path

import pytest

for module in ("alembic", "argon2", "fastapi", "fsspec", "httpx2", "limits", "structlog"):
    if importlib.util.find_spec(module) is None:
        collect_ignore_glob = ["test_*.py"]  # needs the extra 'platform'
        break


@pytest.fixture(scope="session", autouse=True)
def plain_logs():
    """As standard logging has them: by default structlog draws tracebacks with the values of all variables."""
    import structlog

    plain = [structlog.processors.format_exc_info, structlog.stdlib.render_to_log_kwargs]
    structlog.configure(plain, logger_factory=structlog.stdlib.LoggerFactory())


def _fake_engine():
    path = Path(__file__).with_name("fake_engine.py")
    spec = importlib.util.spec_from_file_location("fake_engine", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def fake_engine():
    """The module `fake_engine`."""
    return _fake_engine()


@pytest.fixture(scope="module")
def running_engine(fake_engine):
    engine = fake_engine.FakeEngine()
    yield engine
    engine.close()


@pytest.fixture
def engine(running_engine):
    """A running fake engine that has drawn nothing yet."""
    running_engine.forget()
    yield running_engine
    running_engine.refuses = None
    running_engine.delay.set()


@pytest.fixture(scope="module")
def settings(tmp_path_factory, fake_engine, running_engine):
    from tfproductgan.platform.settings import Settings

    folder = tmp_path_factory.mktemp("platform")
    models = tuple(fake_engine.MODELS)
    return Settings(folder=folder, engine=running_engine.url, models=models, reference_pictures=0)


@pytest.fixture(scope="module")
def platform(settings):
    from tfproductgan.platform.app import open_platform

    platform = open_platform(settings)
    yield platform
    platform.engine.close()
    platform.database.close()


@pytest.fixture(scope="module")
def app(platform):
    from tfproductgan.platform.app import create_app

    return create_app(platform)


@pytest.fixture(scope="module")
def as_role(platform):
    """Headers of a key with the scopes of a role: `as_role("viewer", tenant="other")`."""
    from tfproductgan.platform.access import keys
    from tfproductgan.platform.access.roles import ROLES

    def make(role="administrator", tenant="shop", **limits):
        with platform.database.writing() as session:
            secret, key = keys.make_key(session, tenant, role, sorted(ROLES[role]))
            for name, value in limits.items():
                setattr(key, name, value)
        return {"Authorization": f"Bearer {secret}"}

    return make


@pytest.fixture(scope="module")
def drawing():
    """The threads that draw rows of jobs, or look for some, while they do."""
    from tfproductgan.platform.jobs import queue

    threads, claim = set(), queue.claim

    def watched(*args):
        threads.add(threading.current_thread().name)
        rows = claim(*args)
        if not rows:
            threads.discard(threading.current_thread().name)
        return rows

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(queue, "claim", watched)
        yield threads


@pytest.fixture(scope="module")
def started(app, drawing):
    from starlette.testclient import TestClient

    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def _wait_until_nothing_is_drawn(platform, drawing, engine, seconds=60):
    """Jobs of earlier tests, left waiting on purpose or not waited for, do not reach the engine within a later one."""
    from tfproductgan.platform.jobs import queue

    deadline = time.monotonic() + seconds
    while True:
        with platform.database.reading() as session:
            waiting = queue.waiting(session)
        if not (waiting or drawing or engine.in_flight):  # in this order: who draws has claimed what waited
            return
        assert time.monotonic() < deadline, (
            f"{seconds} s after the test before, {waiting} rows of jobs wait, {sorted(drawing)} draw and "
            f"{engine.in_flight} requests are with the engine"
        )
        time.sleep(0.01)


@pytest.fixture
def client(started, as_role, platform, drawing, engine):
    """A client with the key of an administrator, and the threads that draw jobs."""
    _wait_until_nothing_is_drawn(platform, drawing, engine)
    engine.forget()
    started.headers = as_role()
    started.cookies.clear()
    return started


@pytest.fixture
def browser(client, platform):
    """Signs somebody in and asks as htmx does."""
    from tfproductgan.platform.access import keys, people
    from tfproductgan.platform.access.guard import COOKIE
    from tfproductgan.platform.access.roles import ROLES

    def sign_in(role="administrator"):
        client.headers.pop("Authorization", None)
        with platform.database.writing() as session:
            secret, _ = keys.make_key(session, "shop", role, sorted(ROLES[role]))
        token = people.sign_in(platform.database, "", secret, 1)
        with platform.database.reading() as session:
            csrf = people.signed_in(session, token).csrf
        client.cookies.set(COOKIE, token)
        client.headers.update({"X-CSRF-Token": csrf, "HX-Request": "true"})
        return client

    yield sign_in
    client.cookies.clear()
