"""What those see who watch the service."""

import re

from sqlalchemy.exc import OperationalError

from tfproductgan.errors import WriteError
from tfproductgan.platform import audit
from tfproductgan.platform.store import pictures


def test_it_is_healthy_and_ready(client):
    assert client.get("/healthz", headers={"Authorization": ""}).json() == {"status": "ok"}
    assert client.get("/readyz", headers={"Authorization": ""}).json() == {"status": "ready"}


def test_it_is_not_ready_without_an_engine(client, platform, monkeypatch):
    monkeypatch.setattr(type(platform.engine), "is_ready", lambda self: False)
    answer = client.get("/readyz")
    assert answer.status_code == 503 and "engine" in answer.json()["detail"]


def test_metrics_name_routes_as_they_are_declared(client):
    client.post("/api/v1/models/shop/generate", json={"count": 3})
    client.get("/api/v1/pictures/nowhere")
    text = client.get("/metrics").text
    assert 'route="/api/v1/pictures/{picture_id}",status="404"' in text.replace('method="GET",', "")
    assert 'platform_pictures_total{kind="picture",model="shop"} 3.0' in text
    assert "platform_job_rows_waiting 0.0" in text and "platform_engine_ready 1.0" in text
    assert "nowhere" not in text


def test_what_goes_wrong_here_is_a_problem_without_details(client, platform, monkeypatch):
    monkeypatch.setattr(type(platform.engine), "model", lambda self, name, version: 1 / 0)
    answer = client.get("/api/v1/models/shop")
    assert answer.status_code == 500 and "ZeroDivisionError" not in answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_store_that_is_away_is_said_and_nobody_gets_what_is_not_audited(client, platform, monkeypatch, engine):
    def away(*arguments):
        raise OperationalError("statement", {}, Exception("gone"))

    monkeypatch.setattr(audit, "append", away)
    assert client.get("/api/v1/models").status_code == 200
    assert client.post("/api/v1/models/shop/generate", json={}).status_code == 503  # nothing was kept
    assert client.post("/api/v1/keys", json={"name": "till", "scopes": ["models:read"]}).status_code == 500
    monkeypatch.setattr(type(platform.database), "reading", away)
    assert client.post("/api/v1/models/shop/generate", json={}).status_code == 503
    assert client.get("/readyz").status_code == 503


def test_a_disk_that_is_full_is_said_and_nothing_is_kept_of_what_it_did_not_take(client, engine, monkeypatch):
    def full(path, write):
        raise WriteError(f"Cannot write {path!r}: No space left on device")

    def errors():
        return float(re.search(r"^platform_store_errors_total (\S+)", client.get("/metrics").text, re.M)[1])

    before, counted = client.get("/api/v1/pictures").json()["items"], errors()
    with monkeypatch.context() as patched:
        patched.setattr(pictures, "replace_file", full)
        answer = client.post("/api/v1/models/shop/generate", json={"seed": 8})
    assert answer.status_code == 503 and answer.headers["Retry-After"] and "device" not in answer.text
    assert errors() == counted + 1
    assert client.get("/api/v1/pictures").json()["items"] == before
