"""The engine: what it says of itself is asked anew now and then, and a process of ours is started again if it dies."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tfproductgan.errors import PlatformError
from tfproductgan.platform import engine_process
from tfproductgan.platform.engine import Engine


@pytest.fixture
def stand_in(monkeypatch):
    """In the place of `tfproductgan serve`; what it is asked to do is in the list."""
    started = []

    def command(self):
        words = [sys.executable, str(Path(__file__).with_name("fake_engine.py")), str(self._port)]
        process = subprocess.Popen(words, start_new_session=True)
        started.append(process.pid)
        return process

    monkeypatch.setattr(engine_process.EngineProcess, "_started", command)
    monkeypatch.setattr(engine_process, "_PAUSE_SECONDS", 0.05)
    return started


def test_an_engine_that_dies_is_started_again_where_it_was(stand_in, tmp_path):
    process = engine_process.EngineProcess(tmp_path, ["shop"])
    process.wait_until_ready()
    engine = Engine(process.url, ["shop"])
    try:
        assert engine.model("shop").model_id == "shop-1"
        os.kill(stand_in[0], signal.SIGKILL)
        deadline = time.monotonic() + 30
        while not (len(stand_in) == 2 and engine.is_ready()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert engine.is_ready()
    finally:
        engine.close()
        process.stop()
    assert len(stand_in) == 2


def test_an_engine_that_does_not_start_is_said(monkeypatch, tmp_path):
    nothing = [sys.executable, "-c", ""]
    monkeypatch.setattr(engine_process.EngineProcess, "_started", lambda self: subprocess.Popen(nothing))
    with pytest.raises(PlatformError, match="did not start"):
        engine_process.EngineProcess(tmp_path, ["shop"]).wait_until_ready()


def test_a_model_is_asked_what_it_is_once_in_a_while(engine, monkeypatch):
    asked = []
    describe = engine.describe
    monkeypatch.setattr(engine, "describe", lambda name: asked.append(name) or describe(name))
    ours = Engine(engine.url, ["shop"])
    for _ in range(3):
        ours.model("shop")
    assert asked == ["shop"]
    ours.close()
