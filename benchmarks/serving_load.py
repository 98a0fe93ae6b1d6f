"""Those who ask, and the server they ask, each in a process of its own; the benchmarks of serving measure with them.

Run as a program it is the load generator: it takes one JSON object of `Load`'s fields as its only argument, and prints
a JSON object. Requests are made beforehand and answers hardly looked at, so that it takes little of the machine.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

PREPARED = 256
SIGNATURES = {"REST": "serving_default", "gRPC": "generate"}
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass(frozen=True)
class Load:
    """What is asked for.

    Args:
        interface: `"REST"` or `"gRPC"` of a server of models, or `"platform"`: REST of the gateway before one.
        address: `host:port`.
        model: Name of the model.
        inputs: Names of the inputs that are strings; they stay empty. `seed` and `truncation` are there too.
        rows: Pictures a request.
        concurrency: Requests in flight.
        seconds: How long.
        server: Process of the server.
        key: What the gateway knows a program by.
    """

    interface: str
    address: str
    model: str
    inputs: list[str]
    rows: int
    concurrency: int
    seconds: float
    server: int
    key: str = ""


class Served:
    """A server in a process of its own; a context manager.

    Args:
        path: What it serves.
    """

    def __init__(self, path: Path):
        self._command = [sys.executable, "-m", "tfproductgan", "serve", str(path), "--port", "0", "--grpc-port", "0"]

    def __enter__(self) -> Served:
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        line = next((line for line in self.process.stdout if line.startswith("Ready: ")), "")
        urls = [urlsplit(word.strip(",.")) for word in line.split() if "://" in word]
        self.addresses = {{"http": "REST", "grpc": "gRPC"}[url.scheme]: url.netloc for url in urls}
        return self

    def __exit__(self, *error) -> None:
        self.process.terminate()
        self.process.wait()

    def newest(self, model: str) -> int:
        """The newest version that can be asked."""
        with urllib.request.urlopen(f"http://{self.addresses['REST']}/v1/models/{model}") as response:
            versions = json.loads(response.read())["model_version_status"]
        return max(int(version["version"]) for version in versions if version["state"] == "AVAILABLE")

    def megabytes(self) -> float:
        """Memory it holds."""
        return megabytes(self.process.pid)


def start(load: Load) -> subprocess.Popen:
    """The load generator."""
    return subprocess.Popen(
        [sys.executable, __file__, json.dumps(dataclasses.asdict(load))], stdout=subprocess.PIPE, text=True
    )


def megabytes(process: int) -> float:
    """Memory that a process holds, without files it maps."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1e3


def cpu_seconds(process: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def machine_cpu_seconds() -> float:
    """Processor time that all programs of the machine have used."""
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    ticks = dict(zip(names, map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]), strict=False))
    return sum(ticks[name] for name in names if name not in ("idle", "iowait", "steal")) / _TICKS


# === The load generator ===


class _Connection(asyncio.Protocol):
    """One client over HTTP: asks, waits for the whole answer, asks again."""

    def __init__(self, requests, record, offset):
        self._requests, self._record, self._next = requests, record, offset
        self._received = b""

    def connection_made(self, transport):
        self._transport = transport
        self._ask()

    def _ask(self):
        self._began = time.perf_counter()
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1

    def data_received(self, data):
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        self._received = b""
        ok = head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201"))
        if self._record(self._began, "" if ok else body.decode()):
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, error):
        if not self._transport.is_closing() or error is not None:
            self._record(self._began, f"connection lost: {error}")


class _Record:
    """Latencies and failures until the time is over, and what that cost the server and the machine."""

    def __init__(self, load):
        self._load = load
        self._began = self._clocks()
        self._end = time.perf_counter() + load.seconds
        self._latencies, self._failures = [], []

    def _clocks(self):
        return time.perf_counter(), cpu_seconds(self._load.server), machine_cpu_seconds(), time.process_time()

    def __call__(self, began, failure):
        now = time.perf_counter()
        if failure:
            self._failures.append(failure)
        else:
            self._latencies.append(now - began)
        return now < self._end

    def print(self):
        spent = [after - before for after, before in zip(self._clocks(), self._began, strict=True)]
        named = dict(zip(("seconds", "server", "machine", "asking"), spent, strict=True))
        print(json.dumps({**named, "latencies": self._latencies, "failures": self._failures}))


class _New:
    """Requests of the gateway, each for pictures that nobody asked for before: what is stored already costs less."""

    def __init__(self, load: Load):
        self._load = load

    def __len__(self) -> int:
        return 2**40

    def __getitem__(self, number: int) -> bytes:
        body = {"count": self._load.rows, "seed": number * self._load.rows}
        more = f"\r\nAuthorization: Bearer {self._load.key}\r\nContent-Type: application/json"
        return _posted(self._load, f"/api/v1/models/{self._load.model}/generate", body, more)


def _posted(load: Load, path: str, body: dict, more: str = "") -> bytes:
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {load.address}{more}\r\nContent-Length: {len(data)}"
    return f"{head}\r\n\r\n".encode() + data


async def _ask_rest(load: Load) -> None:
    rows = [{**dict.fromkeys(load.inputs, ""), "seed": seed, "truncation": 1.0} for seed in range(PREPARED)]
    bodies = [{"signature_name": SIGNATURES["REST"], "instances": [row] * load.rows} for row in rows]
    await _ask_http(load, [_posted(load, f"/v1/models/{load.model}:predict", body) for body in bodies], 7)


async def _ask_platform(load: Load) -> None:
    await _ask_http(load, _New(load), 10**7)


async def _ask_http(load: Load, requests, apart: int) -> None:
    host, port = load.address.split(":")
    loop, record = asyncio.get_running_loop(), _Record(load)
    connections = [
        await loop.create_connection(
            lambda number=number: _Connection(requests, record, apart * number), host, int(port)
        )
        for number in range(load.concurrency)
    ]
    while any(not transport.is_closing() for transport, _ in connections):
        await asyncio.sleep(0.05)
    record.print()


async def _ask_grpc(load: Load) -> None:
    import grpc
    import numpy as np

    from tfproductgan.serving import protos

    requests = []
    for seed in range(PREPARED):
        request = protos.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = load.model, SIGNATURES["gRPC"]
        arrays = dict.fromkeys(load.inputs, np.full(load.rows, b"", object))
        arrays |= {"seed": np.full(load.rows, seed), "truncation": np.ones(load.rows, np.float32)}
        for name, array in arrays.items():
            request.inputs[name].CopyFrom(protos.to_tensor(array))
        requests.append(request.SerializeToString())
    async with grpc.aio.insecure_channel(load.address) as channel:
        predict = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")

        async def client(offset):
            went_on = True
            while went_on:
                began, failure = time.perf_counter(), ""
                try:
                    await predict(requests[offset % PREPARED])
                except grpc.RpcError as error:
                    failure = f"{error.code()}: {error.details()}"
                went_on = record(began, failure)
                offset += 1

        record = _Record(load)
        await asyncio.gather(*(client(7 * number) for number in range(load.concurrency)))
        record.print()


def main() -> None:
    """Ask, and print what came of it."""
    load = Load(**json.loads(sys.argv[1]))
    asyncio.run({"REST": _ask_rest, "gRPC": _ask_grpc, "platform": _ask_platform}[load.interface](load))


if __name__ == "__main__":
    main()
