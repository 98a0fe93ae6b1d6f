"""Jobs are drawn while nobody waits, survive whoever draws them, and count nothing twice."""

import io
import json
import time
import zipfile

import pytest

from tfproductgan.errors import ConditionError
from tfproductgan.platform.jobs import queue, worker

CSV = "category,Base Colour,count,seed\nWatch,Gold,2,5\nring,,1,\n"


def wait_for(client, job, state="done", seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        shown = client.get(f"/api/v1/jobs/{job['id']}").json()
        if shown["state"] == state:
            return shown
        time.sleep(0.05)
    raise AssertionError(shown)


def manifest(client, job):
    archive = zipfile.ZipFile(io.BytesIO(client.get(f"/api/v1/jobs/{job['id']}/result").content))
    return archive, [json.loads(line) for line in archive.read("manifest.jsonl").splitlines()]


def test_a_table_becomes_a_zip_with_a_manifest(client, engine):
    answer = client.post("/api/v1/jobs/csv", data={"model": "shop", "seed": 100}, files={"file": ("a.csv", CSV)})
    assert answer.status_code == 202, answer.text
    assert (answer.json()["name"], answer.json()["total"]) == ("a.csv", 3)
    assert wait_for(client, answer.json())["drawn"] == 3
    archive, rows = manifest(client, answer.json())
    assert [row["seed"] for row in rows] == [5, 6, 102]
    assert rows[0]["conditions"] == {"category": "Watch", "base colour": "Gold"}
    assert rows[0]["file"] == "00001-watch-gold-seed5.png"
    assert archive.read(rows[2]["file"]).startswith(b"\x89PNG")
    found = client.get("/api/v1/pictures", params={"job": answer.json()["id"]}).json()["items"]
    assert sorted(item["seed"] for item in found) == [5, 6, 102]


@pytest.mark.parametrize(
    "text, said",
    [
        ("category,colour\nRing,Gold\n", "Column 'colour' is no attribute: did you mean 'base colour'"),
        ("category\nRing\nWach\n", "Row 2: Unknown category 'Wach': did you mean 'Watch'?"),
        ("category,count\nRing,x\n", "Line 2: invalid literal"),
        ("category\nRing,Gold\n", "more cells than the header"),
        ("category\n", "A job needs a row"),
    ],
)
def test_a_table_that_cannot_be_says_where(client, text, said):
    answer = client.post("/api/v1/jobs/csv", data={"model": "shop"}, files={"file": ("a.csv", text)})
    assert answer.status_code == 422 and said in answer.json()["detail"]


def test_a_job_is_cancelled_and_taken_up_again(client, engine):
    engine.delay.clear()
    job = client.post("/api/v1/jobs", json={"model": "shop", "rows": [{"count": 40, "seed": 1000}]}).json()
    cancelled = client.post(f"/api/v1/jobs/{job['id']}/cancel").json()
    assert (cancelled["state"], cancelled["cancelled"]) == ("cancelled", 40)
    engine.delay.set()
    time.sleep(0.2)  # what was being drawn comes too late
    assert client.get(f"/api/v1/jobs/{job['id']}").json()["drawn"] == 0
    assert client.post(f"/api/v1/jobs/{job['id']}/retry").json()["waiting"] == 40
    assert wait_for(client, job)["drawn"] == 40
    _, rows = manifest(client, job)
    assert [row["seed"] for row in rows] == list(range(1000, 1040))


def test_what_fails_is_told_apart_and_tried_again(client, engine, monkeypatch):
    monkeypatch.setattr(worker, "_PATIENCE_SECONDS", 0.05)
    engine.refuses = (500, "call jane@example.com")
    job = client.post("/api/v1/jobs", json={"model": "shop", "rows": [{"count": 2, "seed": 50}]}).json()
    shown = wait_for(client, job)
    assert (shown["failed"], shown["drawn"]) == (2, 0)
    _, rows = manifest(client, job)
    assert rows[0]["state"] == "failed" and "[masked]" in rows[0]["error"] and "jane" not in rows[0]["error"]
    engine.refuses = None
    client.post(f"/api/v1/jobs/{job['id']}/retry")
    assert wait_for(client, job)["drawn"] == 2


def test_nobody_queues_more_than_they_may(client, as_role, engine):
    engine.delay.clear()
    headers = as_role(queued_pictures=5)
    body = {"model": "shop", "rows": [{"count": 4}]}
    assert client.post("/api/v1/jobs", json=body, headers=headers).status_code == 202
    refused = client.post("/api/v1/jobs", json=body, headers=headers)
    assert refused.status_code == 429 and "4 do, and these are 4" in refused.json()["detail"]


def test_a_job_is_refused_before_it_is_queued(platform):
    with pytest.raises(ConditionError, match="A job has 10000 pictures at most"):
        queue.plan(platform, platform.engine.model("shop"), [queue.Row({}, 9_000)] * 2, 0)
