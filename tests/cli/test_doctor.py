import copy
import json
from importlib import metadata

import pytest

from tfproductgan.cli import doctor
from tfproductgan.cli.main import main

# nothing here costs speed
FINE = {
    "unfit": [],
    "processor": {"name": "x", "cores": 8, "quota": None, "load": 0.1, "matrix_units": ["AMX bfloat16"]},
    "memory": 64 * 10**9,
    "devices": [{"type": "GPU", "name": "GPU:0", "model": "A", "compute_capability": (9, 0)}],
    "precision": "mixed_bfloat16",
    "threads": {"in_an_operation": 8, "operations": 8},
    "onednn": True,
    "cache": {"folder": "c", "bytes": 0, "free": 10**12, "writable": True},
}


def costs(**changes):
    facts = copy.deepcopy(FINE)
    for name, value in changes.items():
        facts[name] = {**facts[name], **value} if isinstance(value, dict) else value
    return list(doctor.costs_of(facts))


@pytest.fixture(autouse=True)
def no_driver(monkeypatch):
    monkeypatch.setattr(doctor.os.path, "exists", lambda path: False)


def test_a_machine_without_a_fault_is_left_in_peace():
    assert costs() == []
    assert costs(devices=[{"type": "TPU", "name": "TPU:0"}]) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"devices": [{"type": "CPU", "name": "CPU:0"}]}, "no GPU: the processor trains"),
        ({"precision": "float32"}, "before Ampere"),
        ({"onednn": False}, "TF_ENABLE_ONEDNN_OPTS=0"),
        ({"processor": {"quota": 1.5}}, "TF_NUM_INTEROP_THREADS=1,"),
        ({"threads": {"operations": 16}}, "more than the 8 cores"),
        ({"threads": {"operations": 1, "in_an_operation": 1}}, "One thread computes on 8 cores"),
        ({"processor": {"load": 11.0}}, "8.0 of 8 cores busy"),
        ({"cache": {"writable": False}}, "TFPRODUCTGAN_CACHE"),
        ({"cache": {"free": 500 * 10**6}}, "500 MB left"),
        ({"memory": 2 * 10**9}, "2.0 GB of memory"),
        ({"unfit": ["keras<3.16"]}, "pip install 'keras<3.16'"),
    ],
    ids=str,
)
def test_what_costs_speed_is_said_with_what_to_do(changes, said):
    [line] = costs(**changes)
    assert said in line


def test_a_processor_without_bfloat16_is_told_of(monkeypatch):
    plain = {"devices": [{"type": "CPU", "name": "CPU:0"}], "precision": "float32"}
    assert "AVX512-BF16" in costs(**plain)[1]
    monkeypatch.setattr(doctor.os.path, "exists", lambda path: path == "/dev/nvidia0")
    assert "pip install 'tfproductgan[gpu]'" in costs(**plain)[0]


def test_for_programs_it_is_one_object(capsys, tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache" / "photos").mkdir(parents=True)
    (tmp_path / "cache" / "photos" / "a").write_bytes(bytes(100))
    assert main(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["versions"]["keras"] == metadata.version("keras")
    assert "CPU" in {device["type"] for device in facts["devices"]}
    assert facts["cache"]["bytes"] == 100 and facts["cache"]["writable"]
    assert facts["unfit"] == [] and "serving" in facts["extras"]["present"]
    assert list(tmp_path.glob("cache/*")) == [tmp_path / "cache" / "photos"]


def test_people_see_the_same_as_a_table(capsys, monkeypatch):
    monkeypatch.undo()
    found = {**FINE, "versions": {"keras": "3"}, "system": "S", "extras": {"present": ["a"], "missing": {"gpu": ["b"]}}}
    monkeypatch.setattr(doctor, "look_around", lambda: {**found, "costs": ["It rains."]})
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    for words in (
        "keras 3",
        "GPU:0: A, compute capability 9.0",
        "8 operations at a time, 8 threads",
        "gpu (pip install",
    ):
        assert words in shown
    assert shown.endswith("What costs speed here:\n- It rains.\n")


def test_an_extra_lacks_what_is_missing_or_of_another_version(monkeypatch):
    needs = {
        "tfproductgan": ['a>=2; extra == "x"', 'b[fast]; extra == "x"', 'c; extra == "y"', "d<2"],
        "b": ['e; extra == "fast"', 'f; extra == "slow"'],
    }
    monkeypatch.setattr(doctor.metadata, "requires", needs.get)
    monkeypatch.setattr(doctor, "_version", {"a": "1.0", "b": "1.0", "d": "2.0"}.get)
    assert list(doctor._missing("tfproductgan", "x")) == ["a>=2", "e"]
    assert list(doctor._missing("tfproductgan", "y")) == ["c"]
    assert list(doctor._missing("tfproductgan")) == ["d<2"]
