"""Rows of jobs are claimed by one at a time, where nobody else draws: in a module without a running gateway."""

from tfproductgan.platform import drawing
from tfproductgan.platform.access import keys
from tfproductgan.platform.jobs import queue, worker
from tfproductgan.platform.store.tables import JobRow


def test_what_a_dead_gateway_had_claimed_is_drawn_by_another_and_counts_once(platform, as_role, engine, monkeypatch):
    who = _principal(platform, as_role)
    model = platform.engine.model("shop")
    job = queue.submit(platform, who, "night", model, queue.plan(platform, model, [queue.Row({}, 3, 7)], 0))
    monkeypatch.setattr(queue, "CLAIM_SECONDS", -1.0)  # run out at once, as after `kill -9`
    lost = _claimed(platform, job)
    found = _claimed(platform, job)
    assert [row.number for row in lost] == [row.number for row in found] == [1, 2, 3]
    late = worker.Worker(platform)
    late._draw(found)
    late._draw(lost)  # it was not dead, only slow
    with platform.database.reading() as session:
        assert queue.counts(session, [job])[job.id]["drawn"] == 3
        pictures = session.query(drawing.Picture).filter_by(job_id=job.id).all()
        rows = session.query(JobRow).filter_by(job_id=job.id).all()
    assert {row.picture_id for row in rows} == {picture.id for picture in pictures} and len(pictures) == 3


def test_rows_are_claimed_by_one_at_a_time(platform, as_role):
    who = _principal(platform, as_role)
    model = platform.engine.model("shop")
    job = queue.submit(platform, who, "", model, queue.plan(platform, model, [queue.Row({}, 30, 7)], 0))
    first, second = _claimed(platform, job), _claimed(platform, job)
    assert [row.number for row in first] == list(range(1, 17))
    assert [row.number for row in second] == list(range(17, 31))
    with platform.database.writing() as session:
        queue.cancel(session, job)


def _claimed(platform, job):
    rows = queue.claim(platform, 16)
    assert {row.job_id for row in rows} == {job.id}
    return rows


def _principal(platform, as_role):
    with platform.database.reading() as session:
        return keys.holder(session.connection(), as_role()["Authorization"].split()[1])
