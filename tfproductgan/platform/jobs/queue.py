"""Jobs in the store: made, watched, cancelled, tried again, and claimed row by row by whoever draws."""

from __future__ import annotations

import csv
import dataclasses
import io
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tfproductgan.conditions import PictureRequest, fold
from tfproductgan.errors import ConditionError, Message, message_of, nearest
from tfproductgan.platform import forbidden
from tfproductgan.platform.access.roles import Principal
from tfproductgan.platform.engine import Model
from tfproductgan.platform.masking import mask_text
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.tables import Job, JobRow, new_id

WAITING, DRAWN, FAILED, CANCELLED = "waiting", "drawn", "failed", "cancelled"
STATES = (WAITING, DRAWN, FAILED, CANCELLED)

CLAIM_SECONDS = 60.0
"""After this, what a gateway had claimed is drawn by another one; what is drawn twice that way counts once."""

# no claim is that long, whatever the clocks of gateways differ by: somebody put a clock back
_LATEST_SECONDS = 5 * 60.0

_OWN_COLUMNS = ("count", "seed", "truncation")


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of what a job asks for."""

    conditions: Mapping[str, Any]
    count: int = 1
    seed: int | None = None
    truncation: float = 1.0


def rows_of_csv(text: str, model: Model) -> list[Row]:
    """The lines of a table: a column an attribute, `text`, and `count`, `seed` and `truncation` if they are there.

    Raises:
        ConditionError: If it has no lines, an unknown column, or a number that is none; the message says where.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    known = {fold(name): name for name in (*_OWN_COLUMNS, *model.schema.can_be_asked)}
    try:
        names = {column: known.get(fold(column)) for column in reader.fieldnames or ()}
        for column, name in names.items():
            if name is None:
                right = nearest(column, known.values())
                raise ConditionError(Message("Column %(name)r is no attribute: %(right)s", name=column, right=right))
        return [_row_of_line({names.get(c): v for c, v in line.items()}, reader.line_num) for line in reader]
    except csv.Error as error:
        said = Message("Line %(line)s is no CSV: %(why)s", line=reader.line_num, why=error)
        raise ConditionError(said) from error


def _row_of_line(cells: Mapping[str | None, Any], line: int) -> Row:
    if None in cells:
        raise ConditionError(Message("Line %(line)s has more cells than the header.", line=line))
    given = {name: (cell or "").strip() for name, cell in cells.items() if name is not None}
    numbers = {name: given.pop(name, "") for name in _OWN_COLUMNS}
    try:
        return Row(
            {name: cell for name, cell in given.items() if cell},
            int(numbers["count"] or 1),
            int(numbers["seed"]) if numbers["seed"] else None,
            float(numbers["truncation"] or 1),
        )
    except ValueError as error:
        raise ConditionError(Message("Line %(line)s: %(what)s", line=line, what=error)) from error


def plan(platform: Platform, model: Model, rows: Sequence[Row], seed: int) -> list[PictureRequest]:
    """Every picture of a job; rows without a seed take the next ones, from `seed` on.

    Raises:
        ConditionError: If a row cannot be; the message says which.
    """
    if not rows:
        raise ConditionError(Message("A job needs a row. Received none."))
    planned: list[PictureRequest] = []
    most = platform.settings.queued_pictures
    if sum(row.count for row in rows) > most:
        raise ConditionError(Message("A job has %(most)s pictures at most: send several.", most=most))
    for number, row in enumerate(rows, start=1):
        first = seed + len(planned) if row.seed is None else row.seed
        try:
            planned += platform.engine.plan(model, row.conditions, row.count, first, row.truncation, most)
        except ConditionError as error:
            raise ConditionError(Message("Row %(row)s: %(what)s", row=number, what=message_of(error))) from error
    return planned


def submit(
    platform: Platform,
    who: Principal,
    name: str,
    model: Model,
    requests: Sequence[PictureRequest],
    finish: Callable[[Session, Job], None] = lambda session, job: None,
) -> Job:
    """Queue a job; `finish` is called within the transaction that keeps it.

    Raises:
        RefusedError: If too much of theirs is waiting, or drawn today, or something in it is forbidden.
    """
    forbidden.refuse(platform, who.tenant, [request.conditions for request in requests])
    most = who.queued_pictures or platform.settings.queued_pictures
    with platform.database.writing() as session:
        mine = select(func.count()).select_from(JobRow).join(Job).where(Job.owner == who.id, JobRow.state == WAITING)
        waiting = session.scalar(mine) or 0
        if waiting + len(requests) > most:
            numbers = {"most": f"{most:,}", "waiting": f"{waiting:,}", "more": f"{len(requests):,}"}
            raise RefusedError(
                429,
                Message("No more than %(most)s pictures may wait; %(waiting)s do, and these are %(more)s.", **numbers),
                {"Retry-After": "60"},
            )
        platform.rates.pictures(who, len(requests))
        job = Job(id=new_id(), tenant=who.tenant, owner=who.id, name=mask_text(name)[:200], model=model.name)
        session.add(job)
        session.flush()
        session.add_all(
            JobRow(
                job_id=job.id,
                number=number,
                conditions=dict(request.conditions),
                seed=request.seed,
                truncation=request.truncation,
                state=WAITING,
            )
            for number, request in enumerate(requests, start=1)
        )
        session.flush()
        finish(session, job)
    return job


def own_job(session: Session, tenant: str, job_id: str) -> Job:
    """A job of the tenant's.

    Raises:
        RefusedError: If there is none.
    """
    job = session.get(Job, job_id)
    if job is None or job.tenant != tenant:
        raise RefusedError(404, Message("There is no job %(name)r.", name=job_id))
    return job


def counts(session: Session, jobs: Iterable[Job]) -> dict[str, dict[str, int]]:
    """How many rows of each job are in which state."""
    found = {job.id: dict.fromkeys(STATES, 0) for job in jobs}
    grouped = select(JobRow.job_id, JobRow.state, func.count()).where(JobRow.job_id.in_(found))
    for job_id, state, count in session.execute(grouped.group_by(JobRow.job_id, JobRow.state)):
        found[job_id][state] = count
    return found


def cancel(session: Session, job: Job) -> None:
    """Draw no more of a job; what is drawn stays."""
    job.cancelled = job.cancelled or time.time()
    waiting = update(JobRow).where(JobRow.job_id == job.id, JobRow.state == WAITING)
    session.execute(waiting.values(state=CANCELLED, claim=None, claimed_until=None))


def retry(session: Session, job: Job) -> None:
    """Try again what failed or was cancelled."""
    job.cancelled = None
    again = update(JobRow).where(JobRow.job_id == job.id, JobRow.state.in_((FAILED, CANCELLED)))
    session.execute(again.values(state=WAITING, attempts=0, error=None, claim=None, claimed_until=None))


def claim(platform: Platform, most: int) -> list[JobRow]:
    """Take up to so many rows of one job that nobody else draws, for `CLAIM_SECONDS`."""
    now, mine = time.time(), secrets.token_hex(8)
    over = (JobRow.claimed_until < now) | (JobRow.claimed_until > now + _LATEST_SECONDS)
    free = (JobRow.state == WAITING, JobRow.claimed_until.is_(None) | over)
    with platform.database.writing() as session:
        # SQLite has one writer at a time, and no word for this
        first = session.scalar(
            select(JobRow)
            .where(*free)
            .order_by(JobRow.job_id, JobRow.number)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if first is None:
            return []
        same = select(JobRow).where(*free, JobRow.job_id == first.job_id).order_by(JobRow.number).limit(most)
        rows = list(session.scalars(same.with_for_update(skip_locked=True)))
        for row in rows:
            row.claim, row.claimed_until = mine, now + CLAIM_SECONDS
    return rows


def settle(session: Session, row: JobRow, **values: Any) -> bool:
    """Change a claimed row and give it up; whether it was still ours, else nothing is changed."""
    ours = (JobRow.job_id == row.job_id, JobRow.number == row.number, JobRow.claim == row.claim)
    changed = (
        update(JobRow).where(*ours, JobRow.state == WAITING).values({"claim": None, "claimed_until": None, **values})
    )
    return session.execute(changed).rowcount == 1  # type: ignore[attr-defined]


def waiting(session: Session) -> int:
    """How many rows wait, of all jobs."""
    return session.scalar(select(func.count()).select_from(JobRow).where(JobRow.state == WAITING)) or 0
