import sys
import types

import pytest

from tfproductgan import machine


@pytest.fixture
def described(monkeypatch, tmp_path):
    """Pretend to be on a machine whose system says this of the processor."""

    def described(cpuinfo=None, sysctl=None):
        monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "cpuinfo")
        if cpuinfo is not None:
            (tmp_path / "cpuinfo").write_text(cpuinfo)
        monkeypatch.setattr(sys, "platform", "linux" if sysctl is None else "darwin")
        monkeypatch.setattr(machine.subprocess, "run", lambda *args, **kwargs: types.SimpleNamespace(stdout=sysctl))
        machine._described.cache_clear()

    yield described
    machine._described.cache_clear()


INTEL = (
    "processor\t: 0\nmodel name\t: Xeon\nflags\t\t: fpu avx2 avx512f amx_bf16 amx_tile avx512_bf16\n\nprocessor\t: 1\n"
)
ARM = "processor\t: 0\nFeatures\t: fp asimd sve bf16\n"
APPLE = (
    "machdep.cpu.brand_string: Apple M4\nhw.optional.neon: 1\nhw.optional.arm.FEAT_BF16: 1\nhw.optional.arm.FEAT_X: 0\n"
)
MAC_OF_INTEL = (
    "machdep.cpu.brand_string: Core i7\nmachdep.cpu.features: FPU SSE\nmachdep.cpu.leaf7_features: AVX2 BMI1\n"
)


@pytest.mark.parametrize(
    ("said", "name", "units"),
    [
        ({"cpuinfo": INTEL}, "Xeon", ["AMX bfloat16", "AVX512-BF16", "AVX512", "AVX2"]),
        ({"cpuinfo": ARM}, None, ["SVE", "NEON bfloat16", "NEON"]),
        ({"sysctl": APPLE}, "Apple M4", ["NEON bfloat16", "NEON"]),
        ({"sysctl": MAC_OF_INTEL}, "Core i7", ["AVX2"]),
        ({}, None, []),
    ],
    ids=["intel", "arm", "apple", "mac of intel", "silent"],
)
def test_matrix_units_go_by_the_names_people_know(described, said, name, units):
    described(**said)
    assert machine.matrix_units() == units
    assert name is None or machine.processor_name() == name


@pytest.mark.parametrize(
    ("file", "quota"), [("150000 100000\n", 1.5), ("max 100000\n", None), ("", None), (None, None)], ids=str
)
def test_a_container_may_have_less_time_than_cores(monkeypatch, tmp_path, file, quota):
    monkeypatch.setattr(machine, "_CONTROL_GROUP", tmp_path)
    if file is not None:
        (tmp_path / "cpu.max").write_text(file)
    assert machine.core_quota() == quota


def test_a_container_may_have_less_memory_than_the_machine(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_CONTROL_GROUP", tmp_path)
    whole = machine.memory()
    assert whole > 2**28
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.memory() == whole
    (tmp_path / "memory.max").write_text("268435456\n")
    assert machine.memory() == 2**28
