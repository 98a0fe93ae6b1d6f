"""How much of an engine's speed reaches those who ask the platform, with keys, limits, audit log and storage on.

Run: python benchmarks/platform_load.py [--milliseconds 8] [--model FOLDER/NAME] [--seconds 10] [--concurrency 1 8 64]

Engine and gateway run in processes of their own; the engine is asked for PNG over REST with and without the gateway
before it, in turns. Every picture is a new one, so each is written to the store. The engine shares the cores with the
gateway and those who ask; with `--milliseconds` a stand-in takes its place, that spends so long on each picture, one
after the other, but no processor time, as an accelerator elsewhere would. With `--requests` the gateway alone is asked
until it has answered so many: whether none fails and its memory stays as it is.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from serving_load import Load, Served, megabytes, start
from timed_engine import TimedEngine, facts_of

_MOST = "1000000000"


class Gateway:
    """A gateway in a process of its own, with a new store; a context manager.

    Args:
        engine: Address of its engine.
        model: The model it asks.
        folder: For its store.
    """

    def __init__(self, engine: str, model: str, folder: Path):
        words = ["platform", "--engine", f"http://{engine}", "--models", model, "--folder", str(folder), "--port", "0"]
        self._command = [sys.executable, "-m", "tfproductgan", *words]

    def __enter__(self) -> Gateway:
        limits = {f"TFPRODUCTGAN_PLATFORM_{name}": _MOST for name in ("REQUESTS_PER_MINUTE", "PICTURES_PER_DAY")}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        self.process = subprocess.Popen(self._command, env={**os.environ, **limits}, **streams)
        self.key = self.process.stdout.readline().split()[-1]
        self.address = urlsplit(self.process.stdout.readline().split()[1]).netloc
        return self

    def __exit__(self, *error) -> None:
        self.process.terminate()
        self.process.wait()


def measured(load: Load) -> dict[str, float]:
    """Pictures a second, latencies in milliseconds, failures of a load, and memory of who answers at each quarter."""
    asking, held = start(load), []
    for _ in range(4):
        with contextlib.suppress(subprocess.TimeoutExpired):
            asking.wait(load.seconds / 4)
        held.append(megabytes(load.server))
    found = json.loads(asking.communicate()[0])
    latencies = sorted(found["latencies"])
    if found["failures"]:
        print(f"{len(found['failures'])} failed, such as {found['failures'][0][:200]}", file=sys.stderr)
    return {
        "pictures": len(latencies) * load.rows / found["seconds"],
        "p50": 1e3 * statistics.median(latencies),
        "p99": 1e3 * latencies[int(0.99 * (len(latencies) - 1))],
        "cpu": 1e3 * found["server"] / max(1, len(latencies) * load.rows),
        "requests": len(latencies),
        "failures": len(found["failures"]),
        "held": held,
    }


def main() -> None:
    """Measure, and print a line for each number of requests in flight."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="an exported model (default: the shipped one)")
    parser.add_argument("--milliseconds", type=float, help="a picture of a stand-in for the engine (default: none)")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--requests", type=int, help="that the gateway answers, the last of --concurrency in flight")
    parser.add_argument("--rows", type=int, default=1, help="pictures a request")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = args.model or _shipped(Path(folder))
        with contextlib.ExitStack() as stack:
            engine = stack.enter_context(Served(model))
            facts = facts_of(engine.addresses["REST"], model.name)
            if args.milliseconds is not None:
                stack.close()
                engine = stack.enter_context(TimedEngine(facts, args.milliseconds))
            gateway = stack.enter_context(Gateway(engine.addresses["REST"], model.name, Path(folder) / "store"))
            inputs = list(facts["description"]["inputs"].values())
            bare = Load("REST", engine.addresses["REST"], model.name, inputs, args.rows, 1, 2.0, engine.process.pid)
            ours = dataclasses.replace(
                bare, interface="platform", address=gateway.address, key=gateway.key, server=gateway.process.pid
            )
            for load in (bare, ours):  # warm
                measured(load)
            if args.requests:
                _last(args.requests, dataclasses.replace(ours, concurrency=args.concurrency[-1], seconds=args.seconds))
            for concurrency in [] if args.requests else args.concurrency:
                _compare(concurrency, args.seconds, bare, ours)


def _compare(concurrency: int, seconds: float, bare: Load, ours: Load) -> None:
    without, found = (
        measured(dataclasses.replace(load, concurrency=concurrency, seconds=seconds)) for load in (bare, ours)
    )
    held = ", ".join(f"{each:.0f}" for each in found["held"])
    print(
        f"{concurrency:3} in flight: {found['pictures']:.0f} pictures/s of {without['pictures']:.0f} "
        f"({found['pictures'] / without['pictures']:.0%}), p50 {found['p50']:.1f} ms of {without['p50']:.1f}, "
        f"p99 {found['p99']:.0f} of {without['p99']:.0f}; gateway {found['cpu']:.2f} ms of CPU a picture, "
        f"{held} MB; {found['requests']} requests, {found['failures']} failed",
        flush=True,
    )


def _last(most: int, ours: Load) -> None:
    requests = failures = 0
    while requests < most:
        found = measured(ours)
        requests, failures = requests + found["requests"], failures + found["failures"]
        print(f"{requests} requests, {failures} failed; p50 {found['p50']:.0f}, p99 {found['p99']:.0f} ms; ", end="")
        print(f"gateway {found['cpu']:.2f} ms of CPU a picture, {found['held'][-1]:.0f} MB", flush=True)


def _shipped(folder: Path) -> Path:
    path = folder / "studio"
    subprocess.run([sys.executable, "-m", "tfproductgan", "export", "studio", str(path)], check=True)
    return path


if __name__ == "__main__":
    main()
