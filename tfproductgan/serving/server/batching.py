"""Requests of many become batches of a few sizes, without a timer.

What comes while nothing runs goes at once, alone if need be. What comes meanwhile is the next batch: beside the running
one if it is no smaller, so that both cores have worthwhile work, otherwise after it. Batches have powers of two rows:
a row gives the same result whoever else is in its batch, to the last bit with most kernels.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tfproductgan.serving.server.metrics import Metrics
from tfproductgan.serving.server.saved_model import ServedSignature
from tfproductgan.serving.statuses import RequestError, invalid

MAX_BATCH_SIZE = 64  # a power of two
MAX_QUEUED_ROWS = 1024
# while the rows of one batch are handed out and new requests read, the other computes
NUM_WORKERS = 2
# a batch is cut to the power of two below rather than padded with more than this part of it
_MOST_PADDING = 1 / 8

Arrays = Mapping[str, np.ndarray]

_log = logging.getLogger(__name__)


@dataclasses.dataclass(eq=False)
class _Task:
    """Rows that stay together."""

    inputs: Arrays
    rows: int
    result: asyncio.Future
    came: float


class Batcher:
    """Runs signatures in batches, in threads of its own. All methods are called from the event loop's thread.

    Args:
        metrics: Told about every batch.
        max_queued_rows: Most rows that may wait; also the most of one request.
    """

    def __init__(self, metrics: Metrics, max_queued_rows: int = MAX_QUEUED_ROWS):
        self._metrics = metrics
        self._max_queued_rows = max_queued_rows
        self._queues: dict[tuple[ServedSignature, tuple], deque[_Task]] = {}
        self._queued_rows = 0
        self._rows_per_second = 0.0
        self._running_rows: list[int] = []
        self._threads = ThreadPoolExecutor(NUM_WORKERS, "batch")
        self._dispatching = False

    async def run(self, signature: ServedSignature, inputs: Arrays) -> dict[str, np.ndarray]:
        """What a signature gives for a request: arrays by name.

        Raises:
            RequestError: If the request does not fit the signature, is too large, comes when too many wait, or fails.
        """
        rows = signature.check(inputs)
        if rows > self._max_queued_rows:
            raise invalid(
                f"A request can have up to {self._max_queued_rows} rows: send several. Received: {rows} rows",
            )
        if self._queued_rows + rows > self._max_queued_rows:
            raise RequestError(
                "RESOURCE_EXHAUSTED",
                f"{self._queued_rows} rows are waiting, there is room for {self._max_queued_rows}: ask again later.",
                retry_after=self._seconds_to_wait(),
            )
        loop, came = asyncio.get_running_loop(), time.perf_counter()
        parts = _parts(inputs, rows) if rows > MAX_BATCH_SIZE else [(inputs, rows)]
        tasks = [_Task(part, size, loop.create_future(), came) for part, size in parts]
        # rows of different shapes make no batch
        inner_shapes = tuple(inputs[name].shape[1:] for name in signature.inputs)
        self._queues.setdefault((signature, inner_shapes), deque()).extend(tasks)
        self._queued_rows += rows
        self._dispatch_soon()
        if len(tasks) == 1:
            return await tasks[0].result
        return _joined(await asyncio.gather(*(task.result for task in tasks)))

    def close(self) -> None:
        """End the threads once what they run has ended."""
        self._threads.shutdown(wait=True)

    def _seconds_to_wait(self):
        return max(1, math.ceil(self._queued_rows / self._rows_per_second)) if self._rows_per_second else 1

    def _dispatch_soon(self):
        # not at once: other requests may have been read together with this one
        if not self._dispatching:
            self._dispatching = True
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self):
        self._dispatching = False
        loop = asyncio.get_running_loop()
        while self._queues and self._may_start():
            key = min(self._queues, key=lambda key: self._queues[key][0].came)
            tasks = self._next_batch(key)
            if not tasks:
                continue
            self._running_rows.append(sum(task.rows for task in tasks))
            now = time.perf_counter()
            self._metrics.batch_starts((now - task.came, task.rows) for task in tasks)
            running = loop.run_in_executor(self._threads, self._run_batch, key[0], tasks)
            running.add_done_callback(functools.partial(self._finish, tasks))

    def _may_start(self):
        """Whether a batch of what waits would be worth it: at once if nothing runs, else when it is no smaller."""
        if len(self._running_rows) == NUM_WORKERS:
            return False
        return self._queued_rows >= min(sum(self._running_rows), MAX_BATCH_SIZE)

    def _next_batch(self, key):
        """Take the oldest tasks of a queue that make a good batch; may be none if all were given up."""
        signature, queue = key[0], self._queues[key]
        waiting = [task for task in queue if not task.result.done()]
        size = _batch_size(sum(task.rows for task in waiting)) if signature.batched else 1
        tasks: list[_Task] = []
        rows = 0
        while queue and (queue[0].result.done() or not tasks or rows + queue[0].rows <= size):
            task = queue.popleft()
            self._queued_rows -= task.rows
            if not task.result.done():  # otherwise the client has gone
                tasks.append(task)
                rows += task.rows
        if not queue:
            del self._queues[key]
        return tasks

    def _run_batch(self, signature, tasks):
        """One result a task, an array by name or an exception; in a worker's thread."""
        began = time.perf_counter()
        try:
            results = _run(signature, tasks, self._metrics)
        except Exception as error:  # whatever is wrong with a graph of anybody, the server goes on
            _log.exception("A batch of %r of %r failed", signature.name, signature.model_name)
            results = [RequestError("INTERNAL", f"{type(error).__name__}: {error}")] * len(tasks)
        return results, time.perf_counter() - began

    def _finish(self, tasks, running):
        results, seconds = running.result()
        rows = sum(task.rows for task in tasks)
        self._running_rows.remove(rows)
        self._rows_per_second += 0.1 * (NUM_WORKERS * rows / max(seconds, 1e-6) - self._rows_per_second)
        for task, result in zip(tasks, results, strict=True):
            if task.result.done():
                continue
            if isinstance(result, Exception):
                task.result.set_exception(result)
            else:
                task.result.set_result(result)
        if self._queues:
            self._dispatch_soon()


def _batch_size(waiting: int) -> int:
    """The number of rows of the next batch, when so many wait."""
    if waiting >= MAX_BATCH_SIZE:
        return MAX_BATCH_SIZE
    padded = _power_of_two(waiting)
    return padded if padded - waiting <= _MOST_PADDING * padded else padded // 2


def _power_of_two(rows: int) -> int:
    """The smallest power of two that is not below."""
    return 1 << (rows - 1).bit_length()


def _parts(inputs, rows):
    for start in range(0, rows, MAX_BATCH_SIZE):
        part = {name: array[start : start + MAX_BATCH_SIZE] for name, array in inputs.items()}
        yield part, min(MAX_BATCH_SIZE, rows - start)


def _joined(parts: Sequence[Arrays]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _run(signature: ServedSignature, tasks: Sequence[_Task], metrics: Metrics) -> list[Arrays | Exception]:
    """Run tasks in one batch; if a row is refused, find the task it belongs to by halves, and run the others."""
    try:
        if not signature.batched:
            return [signature(tasks[0].inputs)]
        return _run_rows(signature, tasks, metrics)
    except RequestError as error:
        if len(tasks) == 1 or error.code != "INVALID_ARGUMENT":
            return [error] * len(tasks)
    half = len(tasks) // 2
    return _run(signature, tasks[:half], metrics) + _run(signature, tasks[half:], metrics)


def _run_rows(signature, tasks, metrics):
    rows = sum(task.rows for task in tasks)
    padded = _power_of_two(rows)
    inputs = tasks[0].inputs if len(tasks) == 1 else _joined([task.inputs for task in tasks])
    if padded > rows:  # with the last row again, which is known to be a possible one
        inputs = {name: np.concatenate([a, np.repeat(a[-1:], padded - rows, axis=0)]) for name, a in inputs.items()}
    began = time.perf_counter()
    outputs = signature(inputs)
    metrics.batch_ran(signature.model_name, padded, padded - rows, time.perf_counter() - began)
    for name, array in outputs.items():
        if array.shape[:1] != (padded,):
            raise RequestError("INTERNAL", f"Output {name!r} has shape {list(array.shape)} for {padded} rows.")
    results, start = [], 0
    for task in tasks:
        results.append({name: array[start : start + task.rows] for name, array in outputs.items()})
        start += task.rows
    return results
