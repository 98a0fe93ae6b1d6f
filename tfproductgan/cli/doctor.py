"""`tfproductgan doctor`: what a training has to work with on this machine, and what of it costs speed."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from tfproductgan import __version__, machine

HELP = """\
Say what there is to work with, and what of it costs speed.

  tfproductgan doctor                      versions, devices, matrix units, threads, extras, cache
  tfproductgan doctor --json               the same for programs, or to put into a report of a bug"""

_NAME = "tfproductgan"
_PACKAGES = ("tensorflow", "keras", "numpy", "pillow")
_LITTLE_MEMORY, _LITTLE_DISK = 3 * 2**30, 2**30
_BUSY = 0.5  # of a core, taken by others


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


def run(args: argparse.Namespace) -> int:
    """Look around and say it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    facts = look_around()
    if args.json:
        print(json.dumps(facts, ensure_ascii=False))
        return 0
    console = Console(highlight=False, soft_wrap=True)
    table = Table(show_header=False)
    for name, value in _for_people(facts):
        table.add_row(name, Text(value))
    console.print(table)
    print("What costs speed here:" if facts["costs"] else "Nothing that can be told from here costs speed.")
    for line in facts["costs"]:
        print(f"- {line}")
    return 0


def look_around() -> dict[str, Any]:
    """What there is, JSON-ready; `costs` holds what of it costs speed, a sentence each."""
    load = os.getloadavg()[0]  # before TensorFlow is imported, which keeps a core busy
    is_installed = _version(_NAME) is not None  # and not read from a folder
    missing = _missing_of_extras() if is_installed else {}
    facts = {
        "versions": {
            _NAME: __version__,
            "python": platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
        },
        "unfit": list(_missing(_NAME)) if is_installed else [],
        "system": platform.platform(),
        "processor": {
            "name": machine.processor_name(),
            "cores": machine.num_cores(),
            "quota": machine.core_quota(),
            "load": load,
            "matrix_units": machine.matrix_units(),
        },
        "memory": machine.memory(),
        **_seen_by_tensorflow(),
        "extras": {
            "present": [extra for extra, needs in missing.items() if not needs],
            "missing": {extra: needs for extra, needs in missing.items() if needs},
        },
        "cache": _cache(),
    }
    return {**facts, "costs": list(costs_of(facts))}


# === What there is ===


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _missing_of_extras() -> dict[str, list[str]]:
    """Of each extra of this package what it needs and is not installed."""
    extras = metadata.metadata(_NAME).get_all("Provides-Extra") or []
    return {extra: list(_missing(_NAME, extra)) for extra in sorted(extras)}


def _missing(name: str, extra: str = "") -> Iterator[str]:
    """What a package needs, with an extra of it, and is not installed or in another version; as pip writes it."""
    from packaging.requirements import Requirement

    for text in metadata.requires(name) or ():
        need = Requirement(text)
        with_extra = need.marker is not None and "extra" in str(need.marker)
        if with_extra != bool(extra) or (need.marker is not None and not need.marker.evaluate({"extra": extra})):
            continue
        version = _version(need.name)
        if version is None or not need.specifier.contains(version, prereleases=True):
            need.marker = None
            yield str(need)
        else:
            for further in need.extras:
                yield from _missing(need.name, further)


def _seen_by_tensorflow() -> dict[str, Any]:
    """The devices, the number format, and how many threads and which kernels compute."""
    from tfproductgan.cli.quiet import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    from tfproductgan.models.precision import dtype_policy

    threading = tf.config.threading
    return {
        "devices": [
            {"type": device.device_type, "name": device.name, **_details(device)}
            for device in tf.config.list_physical_devices()
        ],
        "precision": dtype_policy("auto"),
        "threads": {
            "in_an_operation": _threads(threading.get_intra_op_parallelism_threads(), "TF_NUM_INTRAOP_THREADS"),
            "operations": _threads(threading.get_inter_op_parallelism_threads(), "TF_NUM_INTEROP_THREADS"),
        },
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0",
    }


def _details(device: Any) -> dict[str, Any]:
    if device.device_type != "GPU":
        return {}
    import tensorflow as tf

    details = tf.config.experimental.get_device_details(device)
    return {"model": details.get("device_name"), "compute_capability": details.get("compute_capability")}


def _threads(chosen: int, variable: str) -> int:
    """How many threads TensorFlow takes: 0 leaves it to the variable, and without one it takes one a core."""
    named = os.environ.get(variable, "")
    return chosen or (int(named) if named.isdigit() else 0) or machine.num_cores()


def _cache() -> dict[str, Any]:
    from tfproductgan.catalogue.cache import default_folder

    folder = default_folder()
    if folder is None:
        return {"folder": None, "bytes": 0, "free": 0, "writable": False}
    place = next(path for path in (folder, *folder.parents) if path.exists())
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "folder": str(folder),
        "bytes": size,
        "free": shutil.disk_usage(place).free,
        "writable": _is_writable(place),
    }


def _is_writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


# === What is said ===


def costs_of(facts: Mapping[str, Any]) -> Iterator[str]:
    """What of the facts costs speed, a sentence each, with what to do."""
    yield from _costs_of_devices(facts)
    yield from _costs_of_threads(facts)
    cache = facts["cache"]
    if not cache["writable"]:
        yield (
            f"The cache {cache['folder'] or 'has no folder and'} cannot be written, so photos are prepared anew at "
            "every start: let TFPRODUCTGAN_CACHE name a folder that can."
        )
    elif cache["free"] < _LITTLE_DISK:
        yield f"The disk of the cache has {_size(cache['free'])} left: prepared photos may not fit."
    if facts["memory"] < _LITTLE_MEMORY:
        yield (
            f"{_size(facts['memory'])} of memory are little: a training of 64 pixels takes a little over 1 GB, a large "
            "data set is then read from disk (tfproductgan prepare)."
        )
    for need in facts["unfit"]:
        yield f"{need} is needed and not what is installed: what is may be slower, or fail. pip install '{need}'"


def _costs_of_devices(facts: Mapping[str, Any]) -> Iterator[str]:
    kinds = {device["type"] for device in facts["devices"]}
    if "TPU" in kinds:
        return
    slow_format = facts["precision"] == "float32"
    if "GPU" in kinds:
        if slow_format:
            yield "The GPU is of before Ampere and has no bfloat16: trainings compute in float32."
        return
    if os.path.exists("/dev/nvidia0"):
        yield f"There is an NVIDIA GPU that TensorFlow does not see: pip install '{_NAME}[gpu]', look at its driver."
    else:
        yield "There is no GPU: the processor trains, in minutes to hours (tfproductgan train --dry-run says how long)."
    if slow_format:
        yield (
            "The processor has neither AMX nor AVX512-BF16, so trainings compute in float32; where it has, bfloat16 "
            "made a step 1.4 times as fast."
        )


def _costs_of_threads(facts: Mapping[str, Any]) -> Iterator[str]:
    cores, quota = facts["processor"]["cores"], facts["processor"]["quota"]
    threads = facts["threads"]
    if not facts["onednn"]:
        yield "TF_ENABLE_ONEDNN_OPTS=0 turns oneDNN off: with AVX2 a step took 1.8 times as long. Unset it."
    if quota is not None and quota < cores:
        few = max(1, int(quota))
        yield (
            f"The container may take the time of {quota:g} cores and sees {cores}, so too many threads wait for each "
            f"other: set TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS={few}, or give it whole cores (a cpuset)."
        )
    if max(threads.values()) > cores:
        yield f"TF_NUM_INTRAOP_THREADS or TF_NUM_INTEROP_THREADS is more than the {cores} cores: unset it."
    elif cores > 1 and max(threads.values()) == 1:
        yield f"One thread computes on {cores} cores: unset TF_NUM_INTRAOP_THREADS and TF_NUM_INTEROP_THREADS."
    load = facts["processor"]["load"]
    if load > _BUSY:
        yield f"Other programs kept {min(load, cores):.1f} of {cores} cores busy in the last minute."


def _for_people(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Facts as rows of a table."""
    yield (
        "versions",
        "\n".join(f"{name} {version or 'is not installed'}" for name, version in facts["versions"].items()),
    )
    yield "system", facts["system"]
    processor = facts["processor"]
    quota = "" if processor["quota"] is None else f", {processor['quota']:g} cores' time in all"
    yield "processor", f"{processor['name'] or 'unknown'}, {_count(processor['cores'], 'core')}{quota}"
    yield "matrix units", ", ".join(processor["matrix_units"]) or "unknown"
    yield "memory", _size(facts["memory"])
    yield "devices", "\n".join(_device(device) for device in facts["devices"])
    yield "trains in", f"{facts['precision']}{', by oneDNN' if facts['onednn'] else ''}"
    threads = facts["threads"]
    at_once = f"{_count(threads['operations'], 'operation')} at a time"
    yield "threads", f"{at_once}, {_count(threads['in_an_operation'], 'thread')} in each"
    yield "extras", ", ".join(facts["extras"]["present"]) or "none"
    missing = ", ".join(facts["extras"]["missing"])
    yield "without", f"{missing} (pip install '{_NAME}[EXTRA]')" if missing else "nothing"
    cache = facts["cache"]
    yield "cache", f"{cache['folder'] or 'none'}: {_size(cache['bytes'])}, {_size(cache['free'])} left on its disk"


def _device(device: Mapping[str, Any]) -> str:
    capability = ".".join(map(str, device.get("compute_capability") or ()))
    about = ", ".join(filter(None, [device.get("model"), capability and f"compute capability {capability}"]))
    return f"{device['name'].removeprefix('/physical_device:')}{': ' if about else ''}{about}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _size(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:,.1f} GB"
