"""Jobs: many pictures, drawn while nobody waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask

from tfproductgan.errors import ConditionError, Message
from tfproductgan.platform import rollouts
from tfproductgan.platform.access.guard import Who, needs
from tfproductgan.platform.access.roles import Principal
from tfproductgan.platform.api.bodies import JobBody, Jobs, JobShown, Seed, Text
from tfproductgan.platform.api.pictures import After, Limit
from tfproductgan.platform.jobs import queue
from tfproductgan.platform.jobs.queue import Row
from tfproductgan.platform.jobs.result import zipped
from tfproductgan.platform.once import Keep, Once, once
from tfproductgan.platform.state import Here, Platform
from tfproductgan.platform.store.tables import Job

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])


@router.post("", status_code=202, response_model=JobShown, dependencies=[Once])
@needs("jobs:make")
def submit(body: JobBody, request: Request, platform: Here, who: Who) -> Response:
    """Queue pictures from a list."""
    rows = [Row(line.conditions, line.count, line.seed, line.truncation) for line in body.rows]
    request.state.audited = {"model": body.model, "rows": len(rows)}
    wanted = (body.model, body.name, rows, body.seed)
    return once(request, platform, who, body.model_dump(), 202, lambda keep: queued(platform, who, *wanted, keep))


@router.post("/csv", status_code=202, response_model=JobShown, dependencies=[Once])
@needs("jobs:make")
def submit_csv(
    request: Request,
    platform: Here,
    who: Who,
    model: Annotated[Text, Form()],
    file: Annotated[UploadFile, File(description="a column an attribute, and count, seed, truncation if wanted")],
    name: Annotated[Text, Form()] = "",
    seed: Annotated[Seed, Form(), Field()] = 0,
) -> Response:
    """Queue pictures from a CSV file."""
    text = csv_text(file.file.read())
    rows = queue.rows_of_csv(text, rollouts.able(platform, who.tenant, model, "generate"))
    request.state.audited = {"model": model, "rows": len(rows)}
    asked = [model, name, seed, text]
    wanted = (model, name or file.filename or "", rows, seed)
    return once(request, platform, who, asked, 202, lambda keep: queued(platform, who, *wanted, keep))


@router.get("")
@needs("jobs:read")
def list_jobs(platform: Here, who: Who, after: After = None, limit: Limit = 50) -> Jobs:
    """Jobs of the shop, newest first."""
    with platform.database.reading() as session:
        return found(session, who, after, limit)


@router.get("/{job_id}")
@needs("jobs:read")
def show(job_id: str, platform: Here, who: Who) -> JobShown:
    """How far a job is."""
    with platform.database.reading() as session:
        return _shown(session, queue.own_job(session, who.tenant, job_id))


@router.post("/{job_id}/cancel")
@needs("jobs:make")
def cancel(job_id: str, platform: Here, who: Who) -> JobShown:
    """Draw no more of a job; what is drawn stays."""
    with platform.database.writing() as session:
        job = queue.own_job(session, who.tenant, job_id)
        queue.cancel(session, job)
        return _shown(session, job)


@router.post("/{job_id}/retry")
@needs("jobs:make")
def retry(job_id: str, platform: Here, who: Who) -> JobShown:
    """Try again what failed or was cancelled."""
    with platform.database.writing() as session:
        job = queue.own_job(session, who.tenant, job_id)
        queue.retry(session, job)
        return _shown(session, job)


@router.get("/{job_id}/result", response_class=StreamingResponse, responses={200: {"content": {"application/zip": {}}}})
@needs("jobs:read")
def result(job_id: str, platform: Here, who: Who) -> StreamingResponse:
    """What is drawn so far as a zip, with a manifest of all rows."""
    with platform.database.reading() as session:
        job = queue.own_job(session, who.tenant, job_id)
    file = zipped(platform, job)
    headers = {"Content-Disposition": f'attachment; filename="job-{job.id}.zip"'}
    parts = iter(lambda: file.read(1 << 16), b"")
    return StreamingResponse(
        parts, headers=headers, media_type="application/zip", background=BackgroundTask(file.close)
    )


def queued(
    platform: Platform,
    who: Principal,
    model: str,
    name: str,
    rows: Sequence[Row],
    seed: int,
    keep: Keep = lambda session, answer: None,
) -> JobShown:
    """Plan and queue a job."""
    able = rollouts.able(platform, who.tenant, model, "generate")
    requests = queue.plan(platform, able, rows, seed)

    def shown(job: Job) -> JobShown:
        return JobShown.of(job, {**dict.fromkeys(queue.STATES, 0), queue.WAITING: len(requests)})

    return shown(queue.submit(platform, who, name, able, requests, lambda session, job: keep(session, shown(job))))


def found(session: Session, who: Principal, after: str | None, limit: int) -> Jobs:
    """Jobs of the tenant, newest first."""
    wanted = select(Job).where(Job.tenant == who.tenant).order_by(Job.id.desc()).limit(limit)
    jobs = list(session.scalars(wanted if after is None else wanted.where(Job.id < after)))
    counts = queue.counts(session, jobs)
    shown = [JobShown.of(job, counts[job.id]) for job in jobs]
    return Jobs(items=shown, next=jobs[-1].id if len(jobs) == limit else None)


def csv_text(data: bytes) -> str:
    """The text of an uploaded table."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        said = Message("A CSV file is text in UTF-8. Byte %(number)s is none.", number=error.start)
        raise ConditionError(said) from error


def _shown(session: Session, job: Job) -> JobShown:
    return JobShown.of(job, queue.counts(session, [job])[job.id])
