"""The platform on real PostgreSQL, Redis, Prometheus and Alertmanager, where they are installed."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import pytest
import yaml
from starlette.testclient import TestClient

from tfproductgan.platform import audit
from tfproductgan.platform.access.rates import Rates
from tfproductgan.platform.access.roles import ROLES, Principal
from tfproductgan.platform.app import create_app, open_platform
from tfproductgan.platform.jobs import queue, worker
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.running import first_key
from tfproductgan.platform.settings import Settings
from tfproductgan.platform.store.tables import Picture

pytestmark = pytest.mark.slow

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
WHO = Principal("1", "ada", "shop", ROLES["administrator"])


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def listens(port):
    with socket.create_connection(("127.0.0.1", port), 1):
        return True


def wait_for(found, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError):
            if answer := found():
                return answer
        time.sleep(0.2)
    raise AssertionError("it did not come about in time")


def asked(url, key=None):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return answer.read()


@contextlib.contextmanager
def running(*command, **options):
    process = subprocess.Popen(list(map(str, command)), **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def cluster():
    """The URL of an empty database of PostgreSQL, and what starts it, a context manager."""
    pytest.importorskip("psycopg", reason="needs the extra 'postgresql'")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (programs and programs[-1])
    if not initdb:
        pytest.skip("needs PostgreSQL")
    folder, port = tempfile.mkdtemp(), free_port()
    as_user = {}
    if os.getuid() == 0:  # it does not run as root
        shutil.chown(folder, "postgres")
        as_user = {"user": "postgres"}
    quiet = {"check": True, "capture_output": True, "cwd": folder}
    subprocess.run([initdb, "-D", f"{folder}/data", "-A", "trust", "-U", "shop"], **quiet, **as_user)
    command = (Path(initdb).with_name("postgres"), "-D", f"{folder}/data", "-p", port, "-k", folder)

    @contextlib.contextmanager
    def start():
        with running(*command, cwd=folder, **as_user) as process:
            wait_for(lambda: listens(port))
            yield process
            process.send_signal(signal.SIGINT)  # at once, whoever is connected

    yield f"postgresql+psycopg://shop@127.0.0.1:{port}/postgres", start
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def postgresql():
    """The URL of an empty database."""
    with cluster() as (url, start), start():
        yield url


def test_a_database_that_goes_away_and_comes_back_is_missed_meanwhile_and_nothing_is_lost(
    running_engine, tmp_path, monkeypatch
):
    monkeypatch.setattr(queue, "CLAIM_SECONDS", 3.0)
    with cluster() as (url, start):
        with start():
            settings = {"database": url, "engine": running_engine.url, "models": ("shop",), "reference_pictures": 0}
            platform = open_platform(Settings(folder=tmp_path, **settings))
            model = platform.engine.model("shop")
            job = queue.submit(platform, WHO, "", model, queue.plan(platform, model, [queue.Row({}, 400)], 0))
            client = TestClient(create_app(platform), raise_server_exceptions=False)
            client.headers["Authorization"] = f"Bearer {first_key(platform, 'shop')}"
            client.__enter__()

            def drawn():
                with platform.database.reading() as session:
                    return queue.counts(session, [job])[job.id]["drawn"]

            def generate():
                return client.post("/api/v1/models/shop/generate", json={"seed": 1000}).status_code

            wait_for(drawn)
            assert generate() == 201
        missed = [generate() for _ in range(3)]
        assert client.get("/readyz").status_code == 503 and client.get("/healthz").status_code == 200
        with start():
            wait_for(lambda: generate() == 201)
            wait_for(lambda: drawn() == 400)
            text = client.get("/metrics").text
            client.__exit__(None, None, None)
            with platform.database.reading() as session:
                seeds = sorted(p.seed for p in session.query(Picture).filter(Picture.job_id == job.id))
            assert missed == [503] * 3 and seeds == list(range(400)) and "platform_store_errors_total 0.0" not in text
            assert audit.verify(platform.database)[2] == []
            platform.database.close()


def test_several_gateways_share_a_postgresql(postgresql, running_engine, tmp_path):
    settings = Settings(folder=tmp_path, database=postgresql, engine=running_engine.url, models=("shop",))
    opened = []
    opening = [threading.Thread(target=lambda: opened.append(open_platform(settings))) for _ in range(3)]
    for each in opening:  # one of them makes the tables
        each.start()
    for each in opening:
        each.join()
    assert len(opened) == 3
    first = opened[0]
    model = first.engine.model("shop")
    job = queue.submit(first, WHO, "", model, queue.plan(first, model, [queue.Row({}, 200)], 0))
    workers = [worker.Worker(platform) for platform in opened]
    for each in workers:
        each.start()

    def drawn():
        with first.database.reading() as session:
            return queue.counts(session, [job])[job.id]["drawn"] == 200

    wait_for(drawn)

    def write(platform):
        for _ in range(20):
            with platform.database.writing() as session:
                audit.append(session, "shop", "ada", "x", "", "200", {})

    writing = [threading.Thread(target=write, args=(platform,)) for platform in opened]
    for each in writing:
        each.start()
    for each in writing:
        each.join()
    for each in workers:
        each.stop()
    with first.database.reading() as session:
        assert sorted(picture.seed for picture in session.query(Picture)) == list(range(200))  # each once
    assert audit.verify(first.database)[::2] == (60, [])
    for platform in opened:
        platform.database.close()
        platform.engine.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Redis' connections stay open
def test_several_gateways_count_together_in_redis(tmp_path):
    pytest.importorskip("redis")
    if not shutil.which("redis-server"):
        pytest.skip("needs redis-server")
    port = free_port()
    with running("redis-server", "--port", port, "--save", "", "--dir", tmp_path, stdout=subprocess.DEVNULL):
        wait_for(lambda: listens(port))
        settings = Settings(limits=f"redis://127.0.0.1:{port}", requests_per_minute=5, pictures_per_day=10)
        gateways = [Rates(settings) for _ in range(2)]
        for number in range(5):
            gateways[number % 2].request(WHO)
        for gateway in gateways:
            with pytest.raises(RefusedError, match="5 requests a minute"):
                gateway.request(WHO)
        gateways[0].pictures(WHO, 8)
        with pytest.raises(RefusedError, match="10 pictures a day"):
            gateways[1].pictures(WHO, 3)


def test_prometheus_scrapes_a_gateway_and_alertmanager_hears_of_an_engine_that_is_away(tmp_path):
    if not shutil.which("prometheus") or not shutil.which("prometheus-alertmanager"):
        pytest.skip("needs Prometheus and Alertmanager")
    engine, *ports = (free_port() for _ in range(4))
    gateway, prometheus, alertmanager = (f"127.0.0.1:{port}" for port in ports)
    for file in MONITORING.glob("*.yaml"):
        text = file.read_text(encoding="utf-8").replace("127.0.0.1:8080", gateway)
        (tmp_path / file.name).write_text(text.replace("127.0.0.1:9093", alertmanager), encoding="utf-8")
    config = yaml.safe_load((tmp_path / "prometheus.yaml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"] = config["scrape_configs"][:1]
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    rules = (tmp_path / "rules.yaml").read_text(encoding="utf-8").replace("for: 2m", "for: 2s")
    (tmp_path / "rules.yaml").write_text(rules, encoding="utf-8")
    url = f"http://127.0.0.1:{engine}"
    words = ["--engine", url, "--models", "shop", "--folder", tmp_path / "store", "--port", ports[0]]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    logs = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with contextlib.ExitStack() as stack:
        served = stack.enter_context(running(sys.executable, Path(__file__).with_name("fake_engine.py"), engine))
        wait_for(lambda: listens(engine))
        ours = stack.enter_context(running(sys.executable, "-m", "tfproductgan", "platform", *words, **logs))
        key = ours.stdout.readline().split()[-1]
        (tmp_path / "platform.key").write_text(key)
        ours.stdout.readline()
        listen = f"--web.listen-address={prometheus}"
        storage = f"--storage.tsdb.path={tmp_path}/data"
        stack.enter_context(running("prometheus", "--config.file=prometheus.yaml", listen, storage, **quiet))
        options = [
            f"--web.listen-address={alertmanager}",
            f"--storage.path={tmp_path}/alerts",
            "--cluster.listen-address=",
        ]
        stack.enter_context(running("prometheus-alertmanager", "--config.file=alertmanager.yaml", *options, **quiet))

        def sample(query):
            answer = json.loads(asked(f"http://{prometheus}/api/v1/query?query={query}"))
            return [float(found["value"][1]) for found in answer["data"]["result"]]

        wait_for(lambda: sample("platform_engine_ready") == [1])
        served.terminate()
        heard = wait_for(lambda: json.loads(asked(f"http://{alertmanager}/api/v2/alerts")))
        assert "PlatformEngineAway" in {alert["labels"]["alertname"] for alert in heard}


def test_a_gateway_that_is_killed_within_a_job_draws_nothing_twice_and_loses_nothing(tmp_path, running_engine):
    database = f"sqlite:///{tmp_path}/platform.db"
    words = ["--engine", running_engine.url, "--models", "shop", "--folder", tmp_path, "--port", "0"]
    command = [sys.executable, "-m", "tfproductgan", "platform", *map(str, words)]
    logs = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    platform = open_platform(Settings(folder=tmp_path, database=database, engine=running_engine.url, models=("shop",)))
    model = platform.engine.model("shop")
    job = queue.submit(platform, WHO, "", model, queue.plan(platform, model, [queue.Row({}, 300)], 0))

    def drawn():
        with platform.database.reading() as session:
            return queue.counts(session, [job])[job.id]["drawn"]

    with running(*command, **logs) as gateway:
        wait_for(drawn)
        gateway.send_signal(signal.SIGKILL)
        gateway.wait()
    with running(*command, **logs):
        wait_for(lambda: drawn() == 300, 180)
    with platform.database.reading() as session:
        assert sorted(picture.seed for picture in session.query(Picture)) == list(range(300))
    platform.database.close()
    platform.engine.close()
