"""The platform as people start it: a key that is shown once, an API that answers, an end in good order."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra 'platform'")

from tfproductgan.cli import platform
from tfproductgan.cli.main import main
from tfproductgan.platform import engine_process
from tfproductgan.serving.server.versions import source


@pytest.fixture
def engine():
    path = Path(__file__).parents[1] / "platform" / "fake_engine.py"
    spec = importlib.util.spec_from_file_location("fake_engine", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    engine = module.FakeEngine()
    yield engine
    engine.close()


def test_what_cannot_be_started_is_one_line(tmp_path, capsys):
    assert main(["platform", "--engine", "http://localhost:1"]) == 1
    assert main(["platform", str(tmp_path), "--folder", str(tmp_path / "p")]) == 1
    assert main(["audit", "verify", "--folder", str(tmp_path / "p")]) == 1
    first, second, third = capsys.readouterr().err.splitlines()
    assert "give --models with it" in first and "holds no model" in second and "There is no store" in third


def test_it_shows_a_key_once_answers_and_ends_in_good_order(tmp_path, engine, capsys):
    words = ["platform", "--engine", engine.url, "--models", "shop", "--folder", str(tmp_path), "--port", "0"]
    command = [sys.executable, "-m", "tfproductgan", *words]
    started = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": {**os.environ}}
    with subprocess.Popen(command, **started) as platform:
        secret = platform.stdout.readline().split()[-1]
        url = platform.stdout.readline().split()[1]
        request = urllib.request.Request(f"{url}/api/v1/models", headers={"Authorization": f"Bearer {secret}"})
        with urllib.request.urlopen(request) as response:
            assert json.load(response)["items"][0]["name"] == "shop"
        platform.send_signal(signal.SIGTERM)
        assert "Stopping" in platform.stdout.read()
        logged = platform.stderr.read()
    assert platform.returncode == 0 and secret not in logged
    assert [json.loads(line)["route"] for line in logged.splitlines()] == ["/api/v1/models"]
    assert main(["platform", "--folder", str(tmp_path), "--new-administrator", "shop"]) == 0
    assert main(["audit", "verify", "--folder", str(tmp_path)]) == 0
    assert "as they were written" in capsys.readouterr().out


def test_its_own_engine_serves_the_two_newest_versions_of_each_model(tmp_path):
    names = ("Weiß", 'with "quotes"')
    for name in names:
        for version in ("1", "2", "3"):
            (tmp_path / "models" / name / version).mkdir(parents=True)
    configs = source(platform._configuration(tmp_path / "models", names, tmp_path / "store"))()
    assert set(configs) == set(names)
    for name, config in configs.items():
        assert Path(config.base_path) == tmp_path / "models" / name
        assert config.model_version_policy.latest.num_versions == 2


def test_the_model_that_comes_along_is_served_as_it_lies_there(tmp_path, monkeypatch):
    started = []

    class Process:
        def __init__(self, configuration, names):
            started.append((source(configuration)(), names))

        def stop(self):
            started.append("stopped")

    monkeypatch.setattr(engine_process, "EngineProcess", Process)
    models = platform._shipped()
    with platform._own_engine(None, tmp_path):
        [(configs, names)] = started
    assert names == ("studio",) and Path(configs["studio"].base_path) == models / "studio"
    assert (models / "studio" / "1" / "saved_model.pb").is_file() and started[1:] == ["stopped"]
