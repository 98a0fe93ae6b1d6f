"""How much of a generator's speed reaches those who ask for pictures over REST and gRPC.

Run: python benchmarks/serve.py [--model FOLDER/NAME] [--seconds 6] [--concurrency 1 8 64] [--rows 1]

The limit is the same signature called in this process with full batches by two threads, as the server calls it:
`serving_default` (PNG) for REST, `generate` (tensors) for gRPC. Every request asks for `--rows` pictures.

Who asks needs processor time too, and of the same cores, as other programs do. So there are two shares of the limit.
The first compares pictures a second of processor time: what the server adds around the generator, whatever else the
machine does. The second compares pictures a second, with the limit scaled to the part of the machine that the load
generator and other programs left: it also sees cores that idle while the server waits for something.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from serving_load import SIGNATURES, Load, Served, machine_cpu_seconds, start

_BATCH = 64
_THREADS = 2


class Limit:
    """A signature of a SavedModel in this process.

    Args:
        model: Folder of the model; its newest version is taken.
        name: The signature.
    """

    def __init__(self, model: Path, name: str):
        from tfproductgan.cli.quiet import import_tensorflow

        import_tensorflow()
        import tensorflow as tf

        newest = max((path for path in model.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
        self._owner = tf.saved_model.load(str(newest))
        self._function = self._owner.signatures[name]
        specs = self._function.structured_input_signature[1]
        self.strings = sorted(name for name, spec in specs.items() if spec.dtype == tf.string)

    def call(self, rows: int, seed: int) -> None:
        """Draw pictures and have them in NumPy."""
        import tensorflow as tf

        inputs = {name: tf.fill([rows], "") for name in self.strings}
        seeds = tf.range(seed, seed + rows, dtype=tf.int64)
        for output in self._function(**inputs, seed=seeds, truncation=tf.ones([rows])).values():
            output.numpy()

    def throughput(self, seconds: float) -> tuple[float, float]:
        """Pictures a second of the whole machine, and processor seconds a picture, in full batches."""
        counts, end = [0] * _THREADS, time.perf_counter() + seconds

        def work(number):
            while time.perf_counter() < end:
                self.call(_BATCH, _BATCH * counts[number])
                counts[number] += 1

        clocks = (time.perf_counter, time.process_time, machine_cpu_seconds)
        began = [clock() for clock in clocks]
        threads = [threading.Thread(target=work, args=(number,)) for number in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent = [clock() - before for clock, before in zip(clocks, began, strict=True)]
        pictures = _BATCH * sum(counts)
        return of_whole_machine(pictures, *spent), spent[1] / pictures

    def median_call(self, seconds: float, rows: int) -> float:
        """Seconds of a call for so many pictures."""
        took, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end:
            began = time.perf_counter()
            self.call(rows, len(took))
            took.append(time.perf_counter() - began)
        return statistics.median(took)


def of_whole_machine(pictures: int, seconds: float, cpu: float, machine: float) -> float:
    """Pictures a second, if a program had had the cores that others used; `cpu` and `machine` are processor seconds."""
    cores = os.cpu_count()
    return pictures / seconds * cores / max(cores - (machine - cpu) / seconds, 0.1)


def measure(interface: str, limit: Limit, served: Served, name: str, args: argparse.Namespace) -> None:
    """Print what reaches those who ask over an interface."""
    limit.throughput(1)
    limit.median_call(1, args.rows)
    most, cost = limit.throughput(args.seconds)
    local = limit.median_call(args.seconds / 2, args.rows)
    print(f"\n{interface}, {SIGNATURES[interface]}: limit {most:.0f} pictures/s of an idle machine, ", end="")
    print(f"{cost * 1e3:.2f} ms CPU a picture; one local call {local * 1e3:.1f} ms")
    print("concurrency   pictures/s   share by CPU   share by time   CPU ms   p50 ms   p99 ms   p50 to a local call")
    for concurrency in args.concurrency:
        load = Load(
            interface=interface,
            address=served.addresses[interface],
            model=name,
            inputs=limit.strings,
            rows=args.rows,
            concurrency=concurrency,
            seconds=args.seconds,
            server=served.process.pid,
        )
        ask(dataclasses.replace(load, seconds=1))
        answer = ask(load)
        latencies = sorted(answer["latencies"])
        pictures = args.rows * len(latencies)
        cpu = answer["server"] / pictures
        whole = of_whole_machine(pictures, answer["seconds"], answer["server"], answer["machine"])
        p50, p99 = (latencies[int(part * (len(latencies) - 1))] for part in (0.5, 0.99))
        print(
            f"{concurrency:>11} {pictures / answer['seconds']:>12.0f} {cost / cpu:>14.0%} {whole / most:>15.0%} "
            f"{cpu * 1e3:>8.2f} {p50 * 1e3:>8.1f} {p99 * 1e3:>8.1f} {p50 / local:>14.2f} times",
            flush=True,
        )


def ask(load: Load) -> dict:
    """Run the load generator; returns what it prints."""
    answer = json.loads(start(load).communicate()[0])
    if answer["failures"]:
        raise SystemExit(f"{len(answer['failures'])} requests failed, such as: {answer['failures'][0]}")
    return answer


def export_shipped(folder: Path) -> Path:
    """The generator that comes with the package, exported into a folder; returns the model's folder."""
    from tfproductgan.cli.quiet import import_tensorflow

    import_tensorflow()
    from tfproductgan.export.saved_model import export_saved_model
    from tfproductgan.models.loading import load, shipped_model_path

    export_saved_model(load(shipped_model_path()), folder / "studio" / "1")
    return folder / "studio"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, metavar="FOLDER/NAME", help="exported model (default: the shipped one)")
    parser.add_argument("--seconds", type=float, default=6, help="of each measurement")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 64], help="requests in flight")
    parser.add_argument("--rows", type=int, default=1, help="pictures a request")
    parser.add_argument("--interfaces", nargs="+", choices=SIGNATURES, default=list(SIGNATURES))
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with tempfile.TemporaryDirectory() as folder:
        model = args.model or export_shipped(Path(folder))
        with Served(model) as served:
            for interface in args.interfaces:
                limit = Limit(model, SIGNATURES[interface])
                measure(interface, limit, served, model.name, args)


if __name__ == "__main__":
    main()
