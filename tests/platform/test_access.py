"""Who may do what: every route is walked by nobody, by each role, and by another tenant."""

import time

import pytest

from tfproductgan.platform.access import keys, people
from tfproductgan.platform.access.guard import COOKIE, EVERYBODY, SIGNED_IN
from tfproductgan.platform.access.roles import ROLES
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.store.tables import Key

PASSWORD = "correct horse battery"


def routes(app):
    """Method, path and needed scope of every route, those of included routers too."""
    found = []

    def walk(parts, prefix=""):
        for route in parts:
            if hasattr(route, "endpoint"):
                need = getattr(route.endpoint, "needs", None)
                found.extend((method, prefix + route.path, need) for method in sorted(route.methods - {"HEAD"}))
            elif hasattr(route, "original_router"):
                inner = route.original_router
                walk(inner.routes, prefix + getattr(route.include_context, "prefix", ""))

    walk(app.routes)
    return found


def filled(path):
    return "/".join("0" if part.startswith("{") else part for part in path.split("/"))


def test_every_route_says_what_it_needs(app):
    found = routes(app)
    assert len(found) >= 25
    assert not [path for _, path, need in found if need is None]
    open_to_all = {path for _, path, need in found if need == EVERYBODY}
    assert open_to_all <= {
        "/healthz",
        "/readyz",
        "/api/v1/openapi.json",
        "/sign-in",
        "/static/{name}",
        "/oidc",
        "/oidc/back",
    }


def test_nobody_gets_in_without_a_key(client, app):
    for method, path, need in routes(app):
        if need != EVERYBODY:
            answer = client.request(method, filled(path), headers={"Authorization": ""}, follow_redirects=False)
            assert answer.status_code in (401, 303), (method, path, answer.status_code)
    for wrong in ("Bearer tpg_wrong", "Basic YTpi", "Bearer"):
        assert client.get("/api/v1/models", headers={"Authorization": wrong}).status_code == 401


@pytest.mark.parametrize("role", ROLES)
def test_a_role_gets_where_its_scopes_let_it_and_nowhere_else(client, app, as_role, role):
    headers = as_role(role, requests_per_minute=10_000)
    for method, path, need in routes(app):
        if need != EVERYBODY:
            status = client.request(method, filled(path), headers=headers, follow_redirects=False).status_code
            assert (status == 403) == (need not in ROLES[role] | {SIGNED_IN}), (method, path, status)


def test_a_route_that_says_nothing_is_closed(platform, as_role):
    from starlette.testclient import TestClient

    from tfproductgan.platform.app import create_app

    app = create_app(platform)
    app.add_api_route("/forgotten", lambda: "secret")
    assert TestClient(app).get("/forgotten", headers=as_role()).status_code == 403


def test_another_tenant_sees_nothing(client, as_role):
    made = client.post("/api/v1/models/shop/generate", json={}).json()["items"][0]
    job = client.post("/api/v1/jobs", json={"model": "shop", "rows": [{}]}).json()
    key = client.post("/api/v1/keys", json={"name": "till", "scopes": ["models:read"]}).json()
    other = as_role(tenant="other")
    for path in (
        f"pictures/{made['id']}",
        f"pictures/{made['id']}/file",
        f"jobs/{job['id']}",
        f"jobs/{job['id']}/result",
    ):
        assert client.get(f"/api/v1/{path}").status_code == 200
        assert client.get(f"/api/v1/{path}", headers=other).status_code == 404, path
    for path in ("pictures", "jobs", "people"):
        assert client.get(f"/api/v1/{path}", headers=other).json()["items"] == []
    assert key["id"] not in client.get("/api/v1/keys", headers=other).text
    changes = [
        ("DELETE", f"pictures/{made['id']}", None),
        ("PATCH", f"pictures/{made['id']}", {"kept": True}),
        ("POST", f"jobs/{job['id']}/cancel", None),
        ("POST", f"keys/{key['id']}/rotate", {}),
        ("DELETE", f"keys/{key['id']}", None),
    ]
    for method, path, body in changes:
        assert client.request(method, f"/api/v1/{path}", json=body, headers=other).status_code == 404, path
    assert "generate" not in client.get("/api/v1/audit", headers=other).text


def test_a_key_is_shown_once_kept_as_a_hash_rotated_and_ended(client, platform):
    made = client.post("/api/v1/keys", json={"name": "till", "scopes": ["models:read"]}).json()
    headers = {"Authorization": f"Bearer {made['secret']}"}
    assert client.get("/api/v1/models", headers=headers).status_code == 200
    assert made["secret"] not in client.get("/api/v1/keys").text
    with platform.database.reading() as session:
        assert session.get(Key, made["id"]).digest == keys.digest_of(made["secret"])
    new = client.post(f"/api/v1/keys/{made['id']}/rotate", json={"overlap_hours": 1}).json()
    for secret in (made["secret"], new["secret"]):  # both, for an hour
        assert client.get("/api/v1/models", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    with platform.database.writing() as session:
        assert 3500 < session.get(Key, made["id"]).expires - time.time() < 3700
    assert client.delete(f"/api/v1/keys/{made['id']}").status_code == 204
    assert client.get("/api/v1/models", headers=headers).status_code == 401


def test_nobody_gives_away_what_they_may_not_do(client, as_role, platform):
    with platform.database.writing() as session:
        secret, _ = keys.make_key(session, "shop", "half", ["keys:administer", "people:administer"])
    half = {"Authorization": f"Bearer {secret}"}
    answer = client.post("/api/v1/keys", json={"name": "x", "scopes": ["audit:read"]}, headers=half)
    assert answer.status_code == 403
    person = {"name": "eve", "password": PASSWORD, "role": "administrator"}
    assert client.post("/api/v1/people", json=person, headers=half).status_code == 403
    answer = client.post("/api/v1/keys", json={"name": "x", "scopes": ["audit:reed"]})
    assert answer.status_code == 422 and "did you mean 'audit:read'" in answer.json()["detail"]


def test_people_sign_in_by_password_and_are_known_by_a_cookie(client, platform):
    ada = client.post("/api/v1/people", json={"name": "ada", "password": PASSWORD, "role": "maker"}).json()
    assert people.sign_in(platform.database, "ada", "wrong", 1) is None
    assert people.sign_in(platform.database, "bob", PASSWORD, 1) is None
    token = people.sign_in(platform.database, "ada", PASSWORD, 1)
    with platform.database.reading() as session:
        csrf = people.signed_in(session, token).csrf
    cookie = {"Authorization": "", "Cookie": f"{COOKIE}={token}"}
    del client.headers["Authorization"]
    cookie.pop("Authorization")
    assert client.get("/api/v1/models", headers=cookie).status_code == 200
    body = {"json": {"count": 1}}
    url = "/api/v1/models/shop/generate"
    assert client.post(url, headers=cookie, **body).status_code == 403  # a form of another site has no token
    assert client.post(url, headers={**cookie, "X-CSRF-Token": csrf}, **body).status_code == 201
    with platform.database.writing() as session:
        people.change_person(session, "shop", ada["id"], None, None, True)
        assert people.signed_in(session, token) is None
    assert people.sign_in(platform.database, "ada", PASSWORD, 1) is None


def test_a_session_ends_when_its_time_is_over_or_its_key_ends(platform):
    with platform.database.writing() as session:
        secret, key = keys.make_key(session, "shop", "page", ["models:read"])
    token = people.sign_in(platform.database, "", secret, 1)
    assert people.sign_in(platform.database, "", secret, -1)
    with platform.database.writing() as session:
        assert people.signed_in(session, token).scopes == {"models:read"}
        keys.end_key(session, "shop", key.id)
    with platform.database.reading() as session:
        assert people.signed_in(session, token) is None
    assert people.sign_in(platform.database, "", secret, 1) is None


def test_passwords_are_long_and_names_are_one_persons(platform):
    with platform.database.writing() as session:
        people.add_person(session, "shop", "grace", PASSWORD, "viewer")
        with pytest.raises(RefusedError, match="12 letters"):
            people.add_person(session, "shop", "short", "short", "viewer")
        with pytest.raises(RefusedError, match="taken"):
            people.add_person(session, "other", "grace", PASSWORD, "viewer")


def test_who_asks_too_often_or_for_too_much_waits(client, as_role):
    headers = as_role(requests_per_minute=2)
    statuses = [client.get("/api/v1/models", headers=headers).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    headers = as_role(pictures_per_day=3)
    url = "/api/v1/models/shop/generate"
    assert client.post(url, json={"count": 3}, headers=headers).status_code == 201
    refused = client.post(url, json={"count": 1}, headers=headers)
    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 86_401


def test_a_body_that_is_too_large_is_refused(client):
    answer = client.post("/api/v1/jobs/csv", files={"file": b"x" * (12 << 20)})
    assert answer.status_code == 413 and answer.json()["detail"] == "A request has 10 MB at most."


def test_answers_tell_browsers_what_they_may_not_do(client):
    headers = client.get("/healthz").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
