"""The machine this runs on, as far as it tells without TensorFlow."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import sys
from pathlib import Path

# what multiplies matrices, as /proc/cpuinfo and sysctl name it
_UNITS = {
    "amx_bf16": "AMX bfloat16",
    "amx_int8": "AMX int8",
    "amx_fp16": "AMX float16",
    "avx512_bf16": "AVX512-BF16",
    "avx512_vnni": "AVX512-VNNI",
    "avx_vnni": "AVX-VNNI",
    "avx512f": "AVX512",
    "avx2": "AVX2",
    "sve": "SVE",
    "bf16": "NEON bfloat16",
    "hw.optional.arm.FEAT_BF16": "NEON bfloat16",
    "hw.optional.arm.FEAT_SME": "SME",
    "asimd": "NEON",
    "hw.optional.neon": "NEON",
}

_CPUINFO, _CONTROL_GROUP = Path("/proc/cpuinfo"), Path("/sys/fs/cgroup")


def num_cores() -> int:
    """Cores this process may use: a container may have fewer than the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def core_quota() -> float | None:
    """Cores' worth of time that a container may take in all, which need not be as many as it sees; `None`: no limit."""
    try:
        time, period = (_CONTROL_GROUP / "cpu.max").read_text(encoding="ascii").split()
        return int(time) / int(period)
    except (OSError, ValueError):  # there are no such groups, or the time is "max"
        return None


def memory() -> int:
    """Bytes of memory that this process may use: those of the machine, or fewer where a container is limited."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(total, int((_CONTROL_GROUP / "memory.max").read_text(encoding="ascii")))
    except (OSError, ValueError):
        return total


def processor_name() -> str:
    """What the system calls the processor; may be empty."""
    return _described()[0] or platform.processor()


def processor_flags() -> frozenset[str]:
    """What the processor can do, as the system names it."""
    return _described()[1]


def matrix_units() -> list[str]:
    """What of the processor multiplies matrices, for people, the fastest first."""
    return list(dict.fromkeys(unit for flag, unit in _UNITS.items() if flag in processor_flags()))


@functools.cache
def _described() -> tuple[str, frozenset[str]]:
    if _CPUINFO.exists():
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
        facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return facts.get("model name", ""), frozenset((facts.get("flags") or facts.get("Features", "")).split())
    if sys.platform == "darwin":
        text = subprocess.run(["sysctl", "-a"], capture_output=True, text=True, check=False).stdout
        facts = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        flags = frozenset(name for name, value in facts.items() if value == "1")
        # processors of Intel list theirs as Linux does, in capitals
        intel = " ".join(facts.get(f"machdep.cpu.{name}", "") for name in ("features", "leaf7_features"))
        return facts.get("machdep.cpu.brand_string", ""), flags | frozenset(intel.lower().split())
    return "", frozenset()
