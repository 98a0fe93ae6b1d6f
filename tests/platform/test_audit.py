"""What was asked is written down, and nobody changes it unseen."""

import json

import pytest
from sqlalchemy import delete, update

from tfproductgan.platform import audit
from tfproductgan.platform.store.database import Database
from tfproductgan.platform.store.tables import AuditEntry, AuditHead


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/audit.db")
    database.upgrade()
    for number in range(1, 6):
        with database.writing() as session:
            audit.append(session, "shop", "ada", "generate", "studio", "201", {"seed": number, "note": "to a@b.de"})
    yield database
    database.close()


def change(database, *statements):
    with database.writing() as session:
        for statement in statements:
            session.execute(statement)


def numbered(number):
    return AuditEntry.number == number


def test_an_untouched_log_is_whole_and_masked(database):
    assert audit.verify(database)[0::2] == (5, [])
    with database.reading() as session:
        lines = [json.loads(line) for line in audit.lines(session)]
    assert [line["details"]["seed"] for line in lines] == [1, 2, 3, 4, 5]
    assert lines[0]["details"]["note"] == "to [masked]"


@pytest.mark.parametrize(
    "statements, said",
    [
        ([update(AuditEntry).where(numbered(3)).values(who="eve")], ["entry 3 was changed"]),
        ([delete(AuditEntry).where(numbered(2))], ["entry 2 missing"]),
        ([delete(AuditEntry).where(AuditEntry.number.in_((2, 3)))], ["entries 2 to 3 missing"]),
        ([delete(AuditEntry).where(numbered(5))], ["the chain ends at entry 4; it ended at 5"]),
        ([delete(AuditHead)], ["nothing says where the chain ends"]),
        (
            [update(AuditEntry).where(numbered(old)).values(number=new) for old, new in ((2, 9), (3, 2), (9, 3))],
            [
                "entry 2 does not follow",
                "entry 2 was changed",
                "entry 3 does not",
                "entry 3 was changed",
                "entry 4 does",
            ],
        ),
    ],
    ids=["changed", "missing", "two missing", "the last one missing", "no end", "reordered"],
)
def test_what_was_done_to_the_log_is_found(database, statements, said):
    change(database, *statements)
    _, _, wrong = audit.verify(database)
    assert len(wrong) == len(said) and all(line.startswith(start) for line, start in zip(wrong, said, strict=True)), (
        wrong
    )


def test_requests_are_written_down_with_their_outcome(client):
    client.post("/api/v1/models/shop/generate", json={"conditions": {"category": "Mug"}})
    client.post("/api/v1/models/shop/generate", json={"conditions": {"category": "Mgu"}})
    client.get("/api/v1/keys", headers={"Authorization": "Bearer wrong"})
    client.get("/api/v1/models")
    made = client.post("/api/v1/keys", json={"name": "till", "scopes": ["models:read"]}).json()
    log = [json.loads(line) for line in client.get("/api/v1/audit").text.splitlines()]
    assert [(line["action"], line["outcome"]) for line in log] == [
        ("POST /api/v1/models/{model}/generate", "201"),
        ("POST /api/v1/models/{model}/generate", "422"),
        ("POST /api/v1/keys", "201"),
    ]
    assert log[0]["details"]["conditions"] == {"category": "Mug"} and log[0]["subject"] == "shop"
    assert made["secret"] not in client.get("/api/v1/audit").text
    found = client.get("/api/v1/audit/verify").json()
    assert found["wrong"] == [] and found["entries"] == 4  # nobody's request is no tenant's
