"""Jobs on the page: a table of them that keeps itself up to date."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from tfproductgan.errors import Message
from tfproductgan.platform import rollouts
from tfproductgan.platform.access.guard import Who, needs
from tfproductgan.platform.access.roles import Principal
from tfproductgan.platform.api.jobs import csv_text, found, queued
from tfproductgan.platform.jobs import queue
from tfproductgan.platform.page.rendering import Fields, file_of, rendered, text_of
from tfproductgan.platform.state import Here, Platform

router = APIRouter(include_in_schema=False)

_SHOWN = 20


@router.get("/jobs")
@needs("jobs:read")
def show(request: Request, platform: Here, who: Who) -> Response:
    """The newest jobs, and a form for another one."""
    return rendered(request, "jobs", names=platform.engine.names, jobs=_jobs(platform, who))


@router.get("/page/jobs")
@needs("jobs:read")
def table(request: Request, platform: Here, who: Who) -> Response:
    """The table alone."""
    return rendered(request, "job_table", jobs=_jobs(platform, who))


@router.post("/page/jobs")
@needs("jobs:make")
def submit(request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """Queue the pictures of a table."""
    (name, data), model = file_of(fields, Message("Choose a CSV file first.")), text_of(fields, "model")
    rows = queue.rows_of_csv(csv_text(data), rollouts.able(platform, who.tenant, model, "generate"))
    request.state.audited = {"model": model, "rows": len(rows)}
    queued(platform, who, model, name, rows, 0)
    return rendered(request, "job_table", jobs=_jobs(platform, who))


@router.post("/page/jobs/{job_id}/cancel")
@needs("jobs:make")
def cancel(job_id: str, request: Request, platform: Here, who: Who) -> Response:
    """Draw no more of a job."""
    with platform.database.writing() as session:
        queue.cancel(session, queue.own_job(session, who.tenant, job_id))
    return rendered(request, "job_table", jobs=_jobs(platform, who))


@router.post("/page/jobs/{job_id}/retry")
@needs("jobs:make")
def retry(job_id: str, request: Request, platform: Here, who: Who) -> Response:
    """Try again what failed or was cancelled."""
    with platform.database.writing() as session:
        queue.retry(session, queue.own_job(session, who.tenant, job_id))
    return rendered(request, "job_table", jobs=_jobs(platform, who))


def _jobs(platform: Platform, who: Principal) -> list:
    with platform.database.reading() as session:
        return found(session, who, None, _SHOWN).items
