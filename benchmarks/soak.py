"""Whether the server lasts: requests over both interfaces without a pause, while versions come and go.

Run: python benchmarks/soak.py [--minutes 10] [--concurrency 32] [--model FOLDER/NAME]

Half of the requests in flight come over REST, half over gRPC. Some seconds after a version has taken over, the next one
appears, and the one before goes. No request may fail; the memory must not grow with the number of versions.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from serve import Limit, export_shipped
from serving_load import SIGNATURES, Load, Served, start

_RELOAD_SECONDS = 10
_MOST_GROWTH = 1.1
_WARM_VERSIONS = 3  # until TensorFlow's and the allocator's caches have their size


def soak(model: Path, inputs: list[str], concurrency: int, minutes: float) -> bool:
    """Print what happens; returns whether all is well."""
    memory = []
    with Served(model) as served:
        load = {"model": model.name, "inputs": inputs, "rows": 1, "seconds": 60 * minutes, "server": served.process.pid}
        askers = [
            start(Load(interface, served.addresses[interface], concurrency=part, **load))
            for interface, part in zip(SIGNATURES, (concurrency // 2, concurrency - concurrency // 2), strict=True)
        ]
        print(f"{'minutes':>7} {'version':>8} {'memory, MB':>11}", flush=True)
        began = time.monotonic()
        for number in itertools.count(1):
            while served.newest(model.name) != number:
                time.sleep(0.2)
            memory.append(served.megabytes())
            minute = (time.monotonic() - began) / 60
            print(f"{minute:>7.1f} {number:>8} {memory[-1]:>11.0f}", flush=True)
            if minute > minutes - _RELOAD_SECONDS / 60:
                break
            time.sleep(_RELOAD_SECONDS)
            publish(model, number + 1)
        answers = [json.loads(asker.communicate()[0]) for asker in askers]
    failures = [failure for answer in answers for failure in answer["failures"]]
    latencies = sorted(latency for answer in answers for latency in answer["latencies"])
    p50, p99, worst = (1e3 * latencies[int(part * (len(latencies) - 1))] for part in (0.5, 0.99, 1))
    print(
        f"\n{len(latencies):,} answers, {len(failures)} failures; p50 {p50:.0f} ms, p99 {p99:.0f} ms, worst {worst:.0f}"
    )
    for failure in failures[:5]:
        print(f"  {failure}")
    settled = memory[_WARM_VERSIONS:]
    half = len(settled) // 2
    if not half:
        print(f"{len(memory)} versions: too few to tell whether the memory grows; take more --minutes")
        return not failures
    growth = statistics.mean(settled[-half:]) / statistics.mean(settled[:half])
    print(
        f"{len(memory)} versions; memory of the last {half} {growth:.3f} times that of the first {half} that are warm"
    )
    return not failures and growth <= _MOST_GROWTH


def publish(model: Path, number: int) -> None:
    """Make a version of the one before, as an export does: beside its place, then there at once; the oldest goes."""
    shutil.copytree(model / str(number - 1), model / f".{number}")
    (model / f".{number}").rename(model / str(number))
    shutil.rmtree(model / str(number - 2), ignore_errors=True)


def main() -> None:
    """Soak."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--concurrency", type=int, default=32, help="requests in flight")
    parser.add_argument("--model", type=Path, metavar="FOLDER/NAME", help="exported model (default: the shipped one)")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "studio"
        if args.model:
            newest = max(
                (path for path in args.model.iterdir() if path.name.isdigit()), key=lambda path: int(path.name)
            )
            shutil.copytree(newest, model / "1")
        else:
            export_shipped(Path(folder))
        inputs = Limit(model, SIGNATURES["REST"]).strings
        sys.exit(0 if soak(model, inputs, args.concurrency, args.minutes) else 1)


if __name__ == "__main__":
    main()
