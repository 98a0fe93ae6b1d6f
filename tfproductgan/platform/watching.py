"""What is looked after now and then while a gateway runs: how new models draw, whether
pictures show what was asked for, and whether the audit log is whole.
"""

from __future__ import annotations

import dataclasses
import threading
import time

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from tfproductgan.errors import ProductGANError
from tfproductgan.platform import audit, gallery
from tfproductgan.platform.engine import Model
from tfproductgan.platform.looks import Look, look_of
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.tables import ModelLook

_PAUSE_SECONDS = 10.0
_HOUR = 3600.0

_log = structlog.get_logger("tfproductgan.platform")


class Watch:
    """A thread that looks after things.

    Args:
        platform: The parts of the gateway.
    """

    def __init__(self, platform: Platform):
        self._platform = platform
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._verified = self._expired = -_HOUR

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_PAUSE_SECONDS):
            try:
                self.look()
            except (ProductGANError, SQLAlchemyError, OSError):  # the engine or the store is away: the next time
                _log.exception("could not look after things")

    def look(self) -> None:
        """Do what is due."""
        platform = self._platform
        if platform.settings.picture_days and time.monotonic() - self._expired >= _HOUR:
            self._expired = time.monotonic()
            if count := gallery.expire(platform, platform.settings.picture_days):
                _log.info("old pictures are deleted", pictures=count)
        if time.monotonic() - self._verified >= _HOUR:
            self._verified = time.monotonic()
            _, _, wrong = audit.verify(platform.database)
            platform.metrics.audit_wrong.set(len(wrong))
            for line in wrong:
                _log.error("the audit log is not as it was written", what=line)
        newest: list[tuple[str, int | None]] = [(name, None) for name in platform.engine.names]
        for name, version in (*newest, *platform.rollouts.chosen()):
            model = platform.engine.model(name, version)
            if "generate" in model.actions and platform.settings.reference_pictures:
                reference_of(platform, model)
        platform.recognition.look(platform.engine)


def reference_of(platform: Platform, model: Model) -> Look:
    """How a model drew when it was new here: unconditioned pictures, whose look is kept in the store."""
    with platform.database.reading() as session:
        found = session.get(ModelLook, (model.label, model.model_id))
    if found is None:
        count = platform.settings.reference_pictures
        requests = platform.engine.plan(model, None, count, 0, 1.0, count)
        files = platform.engine.draw(model, requests)
        look = look_of((str(request.seed), file) for request, file in zip(requests, files, strict=True))
        found = ModelLook(model=model.label, model_id=model.model_id, **dataclasses.asdict(look))
        try:
            with platform.database.writing() as session:
                session.add(found)
        except IntegrityError:  # another gateway was as quick, and saw the same
            pass
    return _look_of(found)


def references(platform: Platform) -> dict[tuple[str, str], Look]:
    """How models drew when they were new here, by name and id."""
    with platform.database.reading() as session:
        return {(row.model, row.model_id): _look_of(row) for row in session.scalars(select(ModelLook))}


def _look_of(row: ModelLook) -> Look:
    return Look(**{field.name: getattr(row, field.name) for field in dataclasses.fields(Look)})
