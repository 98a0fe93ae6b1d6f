"""A gateway that listens until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI
from sqlalchemy import select

from tfproductgan.errors import PlatformError
from tfproductgan.platform.access.keys import first_administrator
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.tables import Key, Person

# longer than a request may take
_GRACE_SECONDS = 70


def first_key(platform: Platform, tenant: str) -> str | None:
    """The key of the first administrator, if the store is new: shown once."""
    with platform.database.writing() as session:
        if session.scalar(select(Key.id).limit(1)) or session.scalar(select(Person.id).limit(1)):
            return None
        return first_administrator(session, tenant)


def serve(app: FastAPI, host: str, port: int, ready: Callable[[int], None]) -> None:
    """Answer requests until SIGINT or SIGTERM; those in flight are finished, a second signal ends at once.

    Args:
        app: The application.
        host: Address to listen on.
        port: Port; 0 for any that is free.
        ready: Called with the port once it listens.

    Raises:
        PlatformError: If it cannot listen there.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,  # the doorway has its own, without addresses
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(config, ready))


async def _serve(config: uvicorn.Config, ready: Callable[[int], None]) -> None:
    try:
        listening = config.bind_socket()
    except SystemExit:  # uvicorn has logged why
        raise PlatformError(
            f"Cannot listen on port {config.port} of {config.host}: it is in use, or not allowed."
        ) from None
    server = _Server(config)
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        print("Stopping: finishing what is in flight. Once more to stop at once.", flush=True)
        server.should_exit = True
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
            signal.signal(each, lambda number, frame: os._exit(128 + number))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end, number)
    serving = asyncio.create_task(server.serve([listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.02)
    if server.started:
        ready(listening.getsockname()[1])
    await serving


class _Server(uvicorn.Server):
    """Signals are heard above."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
