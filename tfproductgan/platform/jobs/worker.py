"""Who draws the rows of jobs: threads of a gateway, of as many gateways as there are."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from tfproductgan.conditions import PictureRequest
from tfproductgan.errors import ProductGANError
from tfproductgan.platform import drawing, rollouts
from tfproductgan.platform.jobs import queue
from tfproductgan.platform.masking import mask_text
from tfproductgan.platform.problems import status_of
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.tables import Job, JobRow

_BATCH = 16
_IDLE_SECONDS = 0.5
_PATIENCE_SECONDS = 3.0
_MOST_ATTEMPTS = 3
_PASSING = (429, 503, 504)  # what an engine answers that restarts or has much to do

_log = structlog.get_logger("tfproductgan.platform")


class Worker:
    """Threads that draw what waits.

    Args:
        platform: The parts of the gateway.
    """

    def __init__(self, platform: Platform):
        self._platform = platform
        self._stop = threading.Event()
        count = platform.settings.job_threads
        self._threads = [threading.Thread(target=self._run, name=f"jobs-{i}", daemon=True) for i in range(count)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the batches that are being drawn; the rest waits for the next start."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                rows = queue.claim(self._platform, _BATCH)
                for batch in _following(rows):
                    self._draw(batch)
            except (ProductGANError, SQLAlchemyError, OSError):  # the store is away; claims run out by themselves
                _log.exception("jobs have to wait")
                self._stop.wait(_PATIENCE_SECONDS)
                continue
            if not rows:
                self._stop.wait(_IDLE_SECONDS)

    def _draw(self, rows: Sequence[JobRow]) -> None:
        platform = self._platform
        with platform.database.reading() as session:
            job = session.get_one(Job, rows[0].job_id)
        requests = [PictureRequest(row.conditions, row.seed, row.truncation) for row in rows]
        try:
            model = rollouts.able(platform, job.tenant, job.model, "generate")
            files = platform.engine.draw(model, requests)
        except ProductGANError as error:
            self._failed(job, rows, error)
            return
        made = drawing.pictures_of(platform, job.tenant, job.owner, model, requests, files, job.id)
        with platform.database.writing() as session:
            # rows and their pictures together: what is drawn twice, after a claim ran out, counts once
            ours = [
                queue.settle(session, r, state=queue.DRAWN, picture_id=p.id) for r, p in zip(rows, made, strict=True)
            ]
            drawing.add(session, [picture for picture, counts in zip(made, ours, strict=True) if counts])
        for picture, counts in zip(made, ours, strict=True):
            if not counts:
                platform.pictures.delete(job.tenant, picture.file)

    def _failed(self, job: Job, rows: Sequence[JobRow], error: ProductGANError) -> None:
        status = status_of(error)
        passing = status in _PASSING
        if len(rows) > 1 and not passing:  # which of them it is tells one by one
            for row in rows:
                self._draw([row])
            return
        with self._platform.database.writing() as session:
            for row in rows:
                attempts = row.attempts + (not passing)
                over = status == 422 or attempts >= _MOST_ATTEMPTS
                told = {"attempts": attempts, "error": mask_text(str(error))}
                if over:
                    queue.settle(session, row, state=queue.FAILED, **told)
                    self._platform.metrics.failed_rows.labels(job.model).inc()
                else:
                    queue.settle(session, row, claimed_until=time.time() + _PATIENCE_SECONDS, **told)
        if passing:
            self._stop.wait(_PATIENCE_SECONDS)


def _following(rows: Sequence[JobRow]) -> Iterator[list[JobRow]]:
    """Rows in batches of one truncation and seeds that follow each other, as an engine is asked."""
    numbered = enumerate(rows)
    for _, batch in itertools.groupby(numbered, lambda pair: (pair[1].seed - pair[0], pair[1].truncation)):
        yield [row for _, row in batch]
