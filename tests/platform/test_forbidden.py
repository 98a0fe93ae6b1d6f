"""What an administrator forbids is refused wherever it could be asked for, and the refusal is written down."""

import json

import pytest

WORDS = "/api/v1/forbidden"


@pytest.fixture
def forbid(client):
    def set_words(*words):
        assert client.put(WORDS, json={"words": words}).status_code == 200

    yield set_words
    client.put(WORDS, json={"words": []})


def asked(client, path, **body):
    answer = client.post(f"/api/v1/{path}", json=body)
    return answer.status_code, answer.json().get("detail", "")


def test_a_value_is_refused_on_every_way_to_a_picture(client, engine, forbid):
    made = client.post("/api/v1/models/shop/generate", json={"conditions": {"category": "Mug"}}).json()["items"][0]
    engine.drawn.clear()
    forbid("  mug ")
    mug = {"conditions": {"category": "MUG"}}
    status, said = asked(client, "models/shop/generate", **mug)
    assert status == 403 and said == "'mug' may not be asked for here, and a picture would show category Mug."
    ends = {"first": {"conditions": {"category": "Ring"}}, "second": mug}
    assert asked(client, "models/shop/interpolate", steps=2, **ends)[0] == 403
    assert asked(client, "jobs", model="shop", rows=[{"conditions": {"category": "Ring"}}, mug])[0] == 403
    assert client.post(f"/api/v1/pictures/{made['id']}/again").status_code == 403
    form = {"files": {"file": ("a.csv", "category\nMug\n")}, "data": {"model": "shop"}}
    assert client.post("/api/v1/jobs/csv", **form).status_code == 403
    assert asked(client, "models/shop/generate", conditions={"category": "Watch"})[0] == 201
    assert len(engine.drawn) == 1
    entries = [json.loads(line) for line in client.get("/api/v1/audit").text.splitlines()]
    refused = [e for e in entries if e["outcome"] == "403" and "may not be asked" in e["details"].get("refused", "")]
    assert len(refused) == 5


def test_what_would_be_drawn_because_nobody_gave_it_is_refused_too(client, forbid):
    forbid("Ring", "Mug", "Watch")
    assert asked(client, "models/shop/generate", count=1)[0] == 403


def test_words_are_whole_and_may_be_of_one_attribute(client, forbid):
    forbid("Wat", "category:Gold", "base colour:Weiss")
    assert asked(client, "models/shop/generate", conditions={"category": "Watch", "base colour": "Gold"})[0] == 201
    assert asked(client, "models/shop/generate", conditions={"category": "Ring", "base colour": "Weiß"})[0] == 403


def test_only_an_administrator_says_so_and_for_one_shop(client, as_role, forbid):
    assert client.put(WORDS, json={"words": ["Ring"]}, headers=as_role("maker")).status_code == 403
    forbid("Ring", "ring")
    assert client.get(WORDS).json() == {"words": ["ring"]}
    assert client.get(WORDS, headers=as_role(tenant="other")).json() == {"words": []}
