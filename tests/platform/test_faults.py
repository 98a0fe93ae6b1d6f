"""What goes wrong around a gateway that listens: engines that are killed, clients that dawdle or hang up, clocks."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
import uvicorn

from tfproductgan.platform import app as application
from tfproductgan.platform import doorway
from tfproductgan.platform.access import keys
from tfproductgan.platform.access.rates import Rates
from tfproductgan.platform.access.roles import ROLES, Principal
from tfproductgan.platform.app import create_app, open_platform
from tfproductgan.platform.jobs import queue, worker
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.settings import Settings
from tfproductgan.platform.store.tables import Answer, Picture

GENERATE = "/api/v1/models/shop/generate"


def wait_for(found, seconds=60):
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)
    return answer


class Listening:
    """A gateway that listens, in a thread, before an engine at some address; a context manager."""

    def __init__(self, folder, engine):
        self.platform = open_platform(Settings(folder=folder, engine=engine, models=("shop",), reference_pictures=0))
        with self.platform.database.writing() as session:
            secret = keys.first_administrator(session, "shop")
        self.headers = {"Authorization": f"Bearer {secret}"}

    def __enter__(self):
        self._server = uvicorn.Server(uvicorn.Config(create_app(self.platform), port=0, log_config=None))
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        wait_for(lambda: self._server.started)
        self.address = self._server.servers[0].sockets[0].getsockname()
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{self.address[1]}", headers=self.headers, timeout=60)
        return self

    def __exit__(self, *error):
        self.client.close()
        self._server.should_exit = True
        self._thread.join()

    def connected(self, *lines, body=b""):
        """A socket that has sent a request, or a part of one."""
        found = socket.create_connection(self.address, 60)
        lines = [*lines, "Host: gateway", *(f"{name}: {value}" for name, value in self.headers.items())]
        found.sendall("\r\n".join(lines).encode() + b"\r\n" + body)
        return found

    def answered(self, status):
        """How many requests were answered so."""
        text = self.client.get("/metrics").text
        return sum(map(float, re.findall(rf'^platform_requests_total{{.*status="{status}".*}} (\S+)$', text, re.M)))


@pytest.fixture
def gateway(tmp_path, engine):
    with Listening(tmp_path, engine.url) as listening:
        yield listening


@contextlib.contextmanager
def engine_process(port):
    """A stand-in for the engine that can be killed."""
    process = subprocess.Popen([sys.executable, Path(__file__).with_name("fake_engine.py"), str(port)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_an_engine_that_is_killed_under_load_costs_503s_and_nothing_that_was_answered(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with engine_process(port) as engine, Listening(tmp_path, f"http://127.0.0.1:{port}") as gateway:
        wait_for(gateway.platform.engine.is_ready)
        stop, answers = threading.Event(), []

        def ask(number):
            with httpx2.Client(base_url=gateway.client.base_url, headers=gateway.headers, timeout=60) as client:
                while not stop.is_set():
                    answer = client.post(GENERATE, json={"seed": number + 8 * len(answers)})
                    answers.append((answer.status_code, answer.headers.get("Retry-After"), answer.json()))

        def counted(status):
            return sum(each[0] == status for each in answers)

        with ThreadPoolExecutor(8) as asking:
            for number in range(8):
                asking.submit(ask, number)
            try:
                wait_for(lambda: counted(201) > 20)
                engine.kill()
                engine.wait()
                wait_for(lambda: counted(503) >= 8)
                job = gateway.client.post("/api/v1/jobs", json={"model": "shop", "rows": [{"count": 20}]})
                before = counted(201)
                with engine_process(port):
                    wait_for(lambda: counted(201) > before + 20)
                    stop.set()
                    if job.status_code == 202:  # it says what the model knows, as long as that is remembered
                        found = f"/api/v1/jobs/{job.json()['id']}"
                        wait_for(lambda: gateway.client.get(found).json()["drawn"] == 20)
            finally:
                stop.set()
        assert {status for status, _, _ in answers} == {201, 503}
        assert all(wait for status, wait, _ in answers if status == 503)
        made = [item["id"] for status, _, body in answers if status == 201 for item in body["items"]]
        with gateway.platform.database.reading() as session:
            kept = {picture.id for picture in session.query(Picture).filter(Picture.job_id.is_(None))}
        assert len(made) == len(set(made)) and set(made) <= kept


def test_who_sends_slowly_holds_nobody_up_and_is_sent_away(gateway, monkeypatch):
    monkeypatch.setattr(application, "_THREADS", 4)
    monkeypatch.setattr(doorway, "_BODY_SECONDS", 0.5)
    slow = [
        gateway.connected(f"POST {GENERATE} HTTP/1.1", "Content-Length: 1000", body=b'\r\n{"count"') for _ in range(20)
    ]
    halves = [gateway.connected(f"POST {GENERATE} HTTP/1.1") for _ in range(20)]  # their headers never end
    assert gateway.client.post(GENERATE, json={}).status_code == 201
    for each in slow:
        answer = each.makefile("rb").read()  # to the end: the connection is closed
        assert answer.startswith(b"HTTP/1.1 408 ") and b"did not come to its end" in answer
    assert gateway.answered(408) == 20
    for each in (*slow, *halves):
        each.close()


def test_who_sends_much_has_longer(gateway, monkeypatch):
    monkeypatch.setattr(doorway, "_BODY_SECONDS", 1.0)
    body = json.dumps({"seed": 5}).encode().ljust(60_000)
    asked = gateway.connected(
        f"POST {GENERATE} HTTP/1.1",
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
        "Connection: close",
        body=b"\r\n",
    )
    for part in range(0, len(body), 10_000):
        time.sleep(0.2)
        asked.sendall(body[part : part + 10_000])
    assert asked.makefile("rb").read().startswith(b"HTTP/1.1 201 ")
    asked.close()


def test_who_reads_slowly_holds_nobody_up(gateway, monkeypatch):
    monkeypatch.setattr(application, "_THREADS", 4)
    job = gateway.client.post("/api/v1/jobs", json={"model": "shop", "rows": [{"count": 8}]}).json()["id"]
    wait_for(lambda: gateway.client.get(f"/api/v1/jobs/{job}").json()["drawn"] == 8)
    monkeypatch.setattr(type(gateway.platform.pictures), "get", lambda self, tenant, name: bytes(1 << 20))
    readers = [
        gateway.connected(f"GET /api/v1/jobs/{job}/result HTTP/1.1", "Connection: close", body=b"\r\n")
        for _ in range(8)
    ]
    first = [each.recv(1) for each in readers]
    assert gateway.client.post(GENERATE, json={}).status_code == 201
    for begun, each in zip(first, readers, strict=True):
        assert len(begun + each.makefile("rb").read()) > 8 << 20
        each.close()


def test_who_hangs_up_gets_what_was_made_by_asking_again(gateway, engine):
    engine.delay.clear()
    body = json.dumps({"seed": 77}).encode()
    words = [f"Content-Length: {len(body)}", "Content-Type: application/json", "Idempotency-Key: order-77"]
    asked = gateway.connected(f"POST {GENERATE} HTTP/1.1", *words, body=b"\r\n" + body)
    wait_for(lambda: engine.in_flight)
    asked.close()
    half = gateway.connected(f"POST {GENERATE} HTTP/1.1", *words, body=b"\r\n" + body[:5])
    half.close()
    engine.delay.set()
    headers = {"Idempotency-Key": "order-77"}
    answer = wait_for(
        lambda: (a := gateway.client.post(GENERATE, json={"seed": 77}, headers=headers)).status_code == 201 and a
    )
    assert answer.headers["Idempotent-Replayed"] == "true" and engine.drawn == [77]
    assert gateway.client.get("/api/v1/pictures", params={"seed": 77}).json()["items"] == answer.json()["items"]
    assert gateway.answered("5..") == 0


# === Clocks


@pytest.fixture
def clock(monkeypatch):
    """Moves what the clock says by some seconds; the one that only goes on stays."""
    real, shift = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + shift[0])
    monkeypatch.setattr(time, "time_ns", lambda: int(1e9 * (real() + shift[0])))

    def move(seconds):
        shift[0] += seconds

    return move


HOURS = 7200


@pytest.mark.parametrize("jump", [HOURS, -HOURS], ids=["forward", "back"])
def test_a_clock_that_jumps_stops_no_program_and_breaks_no_log(client, clock, jump):
    headers = {"Idempotency-Key": f"jump-{jump}"}
    first = client.post(GENERATE, json={"seed": 1}, headers=headers)
    clock(jump)
    again = client.post(GENERATE, json={"seed": 1}, headers=headers)
    assert (first.status_code, again.json()) == (201, first.json()) and again.headers["Idempotent-Replayed"] == "true"
    assert client.post(GENERATE, json={"seed": 2}).status_code == 201
    assert client.get("/api/v1/audit/verify").json()["wrong"] == []
    assert client.get("/readyz").status_code == 200 and client.get("/metrics").status_code == 200


def test_sessions_end_when_the_clock_says_so(browser, clock):
    client = browser()  # for an hour
    clock(-HOURS)
    assert client.get("/gallery").status_code == 200
    clock(2 * HOURS)
    assert client.get("/gallery").status_code == 401


@pytest.mark.parametrize("jump", [HOURS, -HOURS], ids=["forward", "back"])
def test_what_is_being_made_while_a_clock_jumps_is_made_once(client, engine, clock, jump):
    headers = {"Idempotency-Key": f"during {jump}"}
    engine.delay.clear()
    with ThreadPoolExecutor(2) as asking:
        first = asking.submit(client.post, GENERATE, json={"seed": 9000 + jump}, headers=headers)
        wait_for(lambda: engine.in_flight == 1)
        clock(jump)
        second = asking.submit(client.post, GENERATE, json={"seed": 9000 + jump}, headers=headers)
        wait_for(lambda: engine.in_flight == 2)  # the first one has waited for long, it seems
        engine.delay.set()
        statuses = sorted(each.result().status_code for each in (first, second))
    assert statuses == [201, 409]
    assert len(client.get("/api/v1/pictures", params={"seed": 9000 + jump}).json()["items"]) == 1


def test_a_key_of_who_died_before_the_clock_was_put_back_can_be_used(client, platform, clock):
    with platform.database.reading() as session:
        owner = keys.holder(session.connection(), client.headers["Authorization"].split()[1]).id
    clock(HOURS)
    with platform.database.writing() as session:
        session.add(Answer(owner=owner, key="dead", request="x", created=time.time()))
    clock(-HOURS)
    assert client.post(GENERATE, json={}, headers={"Idempotency-Key": "dead"}).status_code == 201


@pytest.mark.parametrize("jump", [HOURS, -HOURS], ids=["forward", "back"])
def test_rows_of_jobs_are_drawn_once_whatever_a_clock_does(tmp_path, engine, clock, jump):
    platform = open_platform(Settings(folder=tmp_path, engine=engine.url, models=("shop",), reference_pictures=0))
    who, model = Principal("1", "ada", "shop", ROLES["maker"]), platform.engine.model("shop")
    job = queue.submit(platform, who, "", model, queue.plan(platform, model, [queue.Row({}, 3)], 0))
    lost = queue.claim(platform, 16)  # by a gateway that is killed, or slow
    assert len(lost) == 3 and queue.claim(platform, 16) == []
    clock(jump)
    found = queue.claim(platform, 16)
    assert [row.number for row in found] == [1, 2, 3]
    late = worker.Worker(platform)
    late._draw(found)
    late._draw(lost)
    with platform.database.reading() as session:
        assert queue.counts(session, [job])[job.id]["drawn"] == 3 == session.query(Picture).count()
    platform.engine.close()
    platform.database.close()


def test_limits_of_before_do_not_stand_until_a_clock_that_was_put_back_is_there_again(clock):
    rates = Rates(Settings(requests_per_minute=3, pictures_per_day=10))
    who = Principal("1", "ada", "shop", ROLES["maker"])
    for _ in range(3):
        rates.request(who)
    with pytest.raises(RefusedError):
        rates.request(who)
    clock(-HOURS)
    for _ in range(3):
        rates.request(who)
    with pytest.raises(RefusedError, match=r"try again in [1-6]?[0-9] s"):
        rates.request(who)
    clock(HOURS)
    rates.request(who)
