"""A server from start to end: ports, models, new versions, and a stop that finishes what it has begun."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from aiohttp import web

from tfproductgan.errors import ServingError
from tfproductgan.serving.server.answering import Answering
from tfproductgan.serving.server.batching import Batcher
from tfproductgan.serving.server.grpc_services import GrpcServer
from tfproductgan.serving.server.metrics import Metrics
from tfproductgan.serving.server.rest import application
from tfproductgan.serving.server.versions import Models, source

_POLL_SECONDS = 1.0
_GRACE_SECONDS = 30.0
_LINGER_SECONDS = 0.2

_log = logging.getLogger(__name__)


async def serve(
    path: Path,
    host: str,
    port: int,
    grpc_port: int,
    stop: asyncio.Event,
    ready: Callable[[int, int, Models], None],
) -> None:
    """Serve until told to stop, then finish what is in flight.

    Args:
        path: See `Server`, as the next three; 0 is any port that is free.
        host: Address to listen on.
        port: Port of REST.
        grpc_port: Port of gRPC.
        stop: Set by whoever wants it to stop.
        ready: Called once requests can be answered, with both ports and the models.

    Raises:
        ServingError: If a port cannot be had or no model can be loaded.
    """
    models, metrics = Models(source(path)), Metrics()
    answering = Answering(models, Batcher(metrics), metrics)
    loader = ThreadPoolExecutor(1, "loader")
    rest = web.AppRunner(
        application(answering), access_log=None, handler_cancellation=True, shutdown_timeout=_GRACE_SECONDS
    )
    grpc_server = GrpcServer(answering)
    watching = None
    try:
        ports = await _listen_rest(rest, host, port), await _listen_grpc(grpc_server, host, grpc_port)
        if await _until(stop, asyncio.get_running_loop().run_in_executor(loader, models.refresh)):
            return
        if not any(models.available().values()):
            raise ServingError(f"No model of {str(path)!r} can be served. {'; '.join(models.errors())}".strip())
        await grpc_server.set_ready(True)
        ready(*ports, models)
        watching = asyncio.create_task(_watch(models, loader))
        await stop.wait()
    finally:
        answering.stopping = True
        if watching is not None:
            watching.cancel()
        await asyncio.gather(grpc_server.stop(_GRACE_SECONDS), _stop_rest(rest))
        loader.shutdown(wait=False, cancel_futures=True)
        answering.batcher.close()


class Server:
    """A server in a thread of this process, for notebooks and tests; a context manager.

    Args:
        path: A folder of models, a model's folder, or a configuration file of TensorFlow Serving.
        host: Address to listen on. Defaults to this machine only.
        port: Port of REST. Defaults to any that is free.
        grpc_port: Port of gRPC. Defaults to any that is free.

    Raises:
        ServingError: On entering, if there is nothing to serve or a port cannot be had.

    Example:
    ```python
    with Server("saved_models") as server:
        images = Client(server.url, "studio").generate({"category": "Ring"})
    ```
    """

    def __init__(self, path: str | os.PathLike[str], host: str = "127.0.0.1", port: int = 0, grpc_port: int = 0):
        self._arguments = (Path(path), host, port, grpc_port)
        self._started: Future[None] = Future()
        self.models: Models | None = None
        self.url = self.grpc_url = ""

    def __enter__(self) -> Server:
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)
        self._thread.start()
        self._started.result()
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self):
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)  # raised where somebody can see it

    async def _serve(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await serve(*self._arguments, self._stop, self._ready)

    def _ready(self, port, grpc_port, models):
        host = self._arguments[1]
        self.url, self.grpc_url, self.models = f"http://{host}:{port}", f"grpc://{host}:{grpc_port}", models
        self._started.set_result(None)


async def _listen_rest(rest, host, port):
    await rest.setup()
    site = web.TCPSite(rest, host, port)
    try:
        await site.start()
    except OSError as error:
        raise ServingError(_no_port(host, port, "--port", error)) from error
    return rest.addresses[0][1]


async def _stop_rest(rest):
    for site in list(rest.sites):
        await site.stop()
    # aiohttp never answers what arrives after this on a connection it has just accepted
    await asyncio.sleep(_LINGER_SECONDS)
    await rest.cleanup()


async def _listen_grpc(server, host, port):
    try:
        # gRPC itself does not say why it cannot
        with socket.create_server((host, port)):
            pass
        return await server.start(f"{host}:{port}")
    except (OSError, RuntimeError) as error:
        raise ServingError(_no_port(host, port, "--grpc-port", error)) from error


def _no_port(host, port, option, error):
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use: stop what uses it, or choose another with {option}."
    return f"Cannot listen on port {port} of {host}: {error}"


async def _until(stop, work):
    """Wait for work, but not longer than until the stop; returns whether that came first."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({stopped, work}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        return True
    stopped.cancel()
    await work
    return False


async def _watch(models, loader):
    """Look for new versions again and again."""
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        try:
            await asyncio.get_running_loop().run_in_executor(loader, models.refresh)
        except OSError as error:  # such as a folder on a network that is away for a while
            _log.warning("Cannot look for new versions: %s", error)
