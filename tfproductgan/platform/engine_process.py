"""The engine beside the gateway: `tfproductgan serve` in a process of its own, started again if it dies."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from tfproductgan.errors import PlatformError
from tfproductgan.platform.engine import Engine

_PATIENCE_SECONDS = 600  # until it is ready: a large model, on a machine that has much else to do
_GRACE_SECONDS = 30
_PAUSE_SECONDS = 1.0

_log = structlog.get_logger("tfproductgan.platform")


class EngineProcess:
    """Serves models on a port that stays the same.

    Args:
        models: What `tfproductgan serve` takes: a folder of models or a configuration.
        names: The models in it.
    """

    def __init__(self, models: Path, names: Sequence[str]):
        self.names = tuple(names)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._command = [sys.executable, "-m", "tfproductgan", "serve", str(models)]
        self._command += ["--port", str(self._port), "--grpc-port", "0"]
        self._stopping = threading.Event()
        self._lock = threading.Lock()  # none is started once it is to stop
        self._process = self._started()
        self._watcher = threading.Thread(target=self._watch, name="engine", daemon=True)

    def wait_until_ready(self) -> None:
        """Wait for every model to be loaded, then keep it running.

        Raises:
            PlatformError: If it ends instead, or takes too long.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        with contextlib.closing(Engine(self.url, self.names)) as engine:
            while not (self._listens() and engine.is_ready()):
                ended = self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    self.stop()
                    why = "what it said stands above" if ended else f"it was not ready within {_PATIENCE_SECONDS} s"
                    raise PlatformError(f"The engine did not start: {why}.")
                time.sleep(0.05)
        self._watcher.start()

    def _listens(self) -> bool:
        # sooner told than by a client, which tries again with pauses
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1.0):
            return True
        return False

    def stop(self) -> None:
        """End it once it has finished what is in flight."""
        with self._lock:
            self._stopping.set()
        self._process.terminate()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _started(self) -> subprocess.Popen:
        # in a session of its own: Ctrl-C is for the gateway, which stops the engine last
        return subprocess.Popen(self._command, stdout=subprocess.DEVNULL, start_new_session=True)

    def _watch(self) -> None:
        while True:
            code = self._process.wait()
            self._stopping.wait(_PAUSE_SECONDS)
            with self._lock:
                if self._stopping.is_set():
                    return
                _log.error("the engine ended and is started again", code=code)
                self._process = self._started()
