"""What schemathesis makes of the description of the API: sequences of requests, sensible ones and others.

`TFPRODUCTGAN_API_REQUESTS` says how many at least.
"""

import os
import shutil
import subprocess
import threading
import time

import pytest
import uvicorn
from argon2 import PasswordHasher

from tfproductgan.platform.access import keys, people
from tfproductgan.platform.app import create_app, open_platform
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.settings import Settings

pytestmark = pytest.mark.slow

REQUESTS = int(os.environ.get("TFPRODUCTGAN_API_REQUESTS", "500"))
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.fixture
def gateway(tmp_path, fake_engine, running_engine, monkeypatch):
    """A gateway that listens, and the key of an administrator that nobody ends."""
    # much is asked for, and what takes long is not tested here
    monkeypatch.setattr(people, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    most = {"requests_per_minute": 10**9, "pictures_per_day": 10**9, "pictures_per_request": 4, "queued_pictures": 20}
    models = tuple(fake_engine.MODELS)
    settings = Settings(folder=tmp_path, engine=running_engine.url, models=models, reference_pictures=0, **most)
    platform = open_platform(settings)
    with platform.database.writing() as session:
        secret = keys.first_administrator(session, "shop")
        [own] = session.query(keys.Key)
    own_key = keys.own_key

    def others_key(session, tenant, key_id):
        if key_id == own.id:
            raise RefusedError(404, "Not that one.")
        return own_key(session, tenant, key_id)

    monkeypatch.setattr(keys, "own_key", others_key)
    server = uvicorn.Server(uvicorn.Config(create_app(platform), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    [listening] = server.servers[0].sockets
    yield platform, f"http://127.0.0.1:{listening.getsockname()[1]}", secret
    server.should_exit = True
    thread.join()


def answered(platform):
    """How many requests were, by status."""
    found = {}
    for sample in platform.metrics.requests.collect()[0].samples:
        if sample.name.endswith("_total"):
            status = int(sample.labels["status"])
            found[status] = found.get(status, 0) + int(sample.value)
    return found


def test_no_request_breaks_it_and_every_answer_is_described(gateway, tmp_path):
    program = shutil.which("schemathesis")
    if program is None:
        pytest.skip("needs schemathesis")
    platform, url, secret = gateway
    config = tmp_path / "known.toml"
    config.write_text('[parameters]\n"path.model" = "shop"\n')
    command = [program, f"--config-file={config}"], [program]  # in turns: a model that there is, or any
    run = ["run", f"{url}/api/v1/openapi.json", "--checks", ",".join(CHECKS), "--request-timeout", "60", "--no-color"]
    run += ["--header", f"Authorization: Bearer {secret}"]
    seed, phases = 0, "examples,coverage,fuzzing,stateful"
    while (count := sum(answered(platform).values())) < REQUESTS:
        # each operation and each sequence gets so many tries
        tries = ["--max-examples", str(max(1, min(50, (REQUESTS - count) // 200))), "--seed", str(seed)]
        words = [*command[seed % 2], *run, "--phases", phases, *tries]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        found = answered(platform)
        print(sum(found.values()), "requests, by status:", dict(sorted(found.items())), flush=True)
        assert done.returncode == 0, done.stdout[-10_000:]
        seed, phases = seed + 1, "fuzzing,stateful"  # the others give the same again
    assert not [status for status in answered(platform) if status >= 500]
