"""For those who watch the service rather than use it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tfproductgan.errors import Message
from tfproductgan.platform import metrics, watching
from tfproductgan.platform.access.guard import EVERYBODY, needs
from tfproductgan.platform.api.bodies import Health
from tfproductgan.platform.jobs import queue
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.state import Here

router = APIRouter(tags=["service"])


@router.get("/healthz")
@needs(EVERYBODY)
def health() -> Health:
    """Whether the process answers."""
    return Health(status="ok")


@router.get("/readyz")
@needs(EVERYBODY)
def readiness(platform: Here) -> Health:
    """Whether requests can be answered: the store and every model of the engine are there."""
    try:
        with platform.database.reading() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        raise RefusedError(503, Message("The store does not answer.")) from None
    if not platform.engine.is_ready():
        raise RefusedError(503, Message("The engine does not answer for every model."))
    return Health(status="ready")


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
@needs("metrics:read")
def show_metrics(platform: Here) -> Response:
    """Metrics for Prometheus."""
    with platform.database.reading() as session:
        waiting = queue.waiting(session)
    known = platform.engine.known_ids()
    now, before = platform.looks.now(), watching.references(platform)
    recognised = platform.recognition.now()
    body = platform.metrics.exposition(waiting, platform.engine.is_ready(), known, now, before, recognised)
    return Response(body, headers={"Content-Type": metrics.CONTENT_TYPE})


@router.get("/api/v1/openapi.json", include_in_schema=False)
@needs(EVERYBODY)
def openapi(request: Request) -> dict:
    """The description of the API."""
    return request.app.openapi()
