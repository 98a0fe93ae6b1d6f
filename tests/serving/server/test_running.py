import json
import shutil
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tfproductgan.errors import ServingError
from tfproductgan.serving.server import running, saved_model
from tfproductgan.serving.server.running import Server

RING = {"signature_name": "describe", "inputs": {"category": ["Ring"], "seed": [3]}}


def ask(server, path=":predict", body=RING):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{server.url}/v1/models/toy{path}", data, timeout=60) as response:
        return json.loads(response.read())


def number(server):
    return ask(server)["outputs"]["number"][0]


def until(true):
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    pytest.fail("It did not happen.")


@pytest.fixture
def polls_often(monkeypatch):
    monkeypatch.setattr(running, "_POLL_SECONDS", 0.05)


def test_versions_come_and_go_while_serving(models, saved, polls_often):
    with Server(models) as server:
        assert number(server) == 1
        (models / "toy" / "3").mkdir()
        (models / "toy" / "3" / "saved_model.pb").write_bytes(b"half of")
        until(lambda: len(ask(server, "", None)["model_version_status"]) == 2)
        assert number(server) == 1
        shutil.copytree(saved / "2", models / "toy" / "2.part")
        (models / "toy" / "2.part").rename(models / "toy" / "2")
        until(lambda: number(server) == 2)
        shutil.rmtree(models / "toy" / "2")
        until(lambda: number(server) == 1)
        with pytest.raises(urllib.error.HTTPError) as error:
            ask(server, "/versions/2:predict")
        assert error.value.code == 404
        assert "available: 1" in error.value.read().decode()


def test_a_stop_finishes_what_is_in_flight(models, monkeypatch):
    began, go = threading.Event(), threading.Event()
    monkeypatch.setattr(running, "_GRACE_SECONDS", 300)
    run = saved_model.ServedSignature.__call__

    def slow(self, inputs):
        if self.name == "describe":
            began.set()
            assert go.wait(300)
        return run(self, inputs)

    answers = []
    server = Server(models)
    server.__enter__()
    monkeypatch.setattr(saved_model.ServedSignature, "__call__", slow)
    client = threading.Thread(target=lambda: answers.append(number(server)))
    client.start()
    assert began.wait(300)
    stopping = threading.Thread(target=server.__exit__)
    stopping.start()
    until(lambda: not _listens(server))
    assert stopping.is_alive() and not answers
    go.set()
    stopping.join(300)
    client.join(300)
    assert answers == [1]


def _listens(server):
    try:
        # a question that comes while it stops is never answered
        socket.create_connection(urllib.parse.urlsplit(server.url)[1].split(":")).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize("interface, option", [("port", "--port"), ("grpc_port", "--grpc-port")])
def test_a_port_in_use_is_told(models, server, interface, option):
    url = server.url if interface == "port" else server.grpc_url
    taken = int(url.rpartition(":")[2])
    with (
        pytest.raises(ServingError, match=f"Port {taken} of 127.0.0.1 is in use.*{option}"),
        Server(models, **{interface: taken}),
    ):
        pass
    assert number(server) == 1


def test_nothing_but_damaged_versions_is_an_error(tmp_path):
    folder = tmp_path / "toy" / "1"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"\xff\xff")
    with (
        pytest.raises(ServingError, match=r"No model of .* can be served\. .*damaged or not yet whole"),
        Server(tmp_path),
    ):
        pass


def test_a_warm_up_file_that_is_no_use_does_not_stop_a_good_model(models):
    extra = models / "toy" / "1" / "assets.extra"
    extra.mkdir()
    (extra / "tf_serving_warmup_requests").write_bytes(b"no records")
    with Server(models) as server:
        assert number(server) == 1
