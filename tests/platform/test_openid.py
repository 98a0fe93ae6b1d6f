"""People whom an issuer of OpenID Connect signs in: with a stand-in for the issuer."""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("authlib")
joserfc = pytest.importorskip("joserfc")

from joserfc import jwt  # noqa: E402
from joserfc.jwk import ECKey  # noqa: E402

from tfproductgan.platform.access import rates  # noqa: E402
from tfproductgan.platform.access.guard import COOKIE  # noqa: E402


class Issuer:
    """Vouches for whomever `claims` says."""

    def __init__(self):
        self.key = self.signs_with = ECKey.generate_key("P-256", {"kid": "one"})
        self.claims, self.asked = {}, []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_GET(self):
                self.answer(issuer.documents[self.path])

            def do_POST(self):
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                issuer.asked.append(form)
                token = jwt.encode({"alg": "ES256", "kid": "one"}, issuer.claims, issuer.signs_with)
                self.answer({"access_token": "x", "token_type": "Bearer", "id_token": token})

            def answer(self, document):
                data = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        ends = {f"{name}_endpoint": f"{self.url}/{name}" for name in ("authorization", "token")}
        self.documents = {
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **ends},
            "/keys": {"keys": [self.key.as_dict(private=False)]},
        }
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture(scope="module")
def running_issuer():
    issuer = Issuer()
    yield issuer
    issuer.server.shutdown()
    issuer.server.server_close()


@pytest.fixture
def issuer(running_issuer, platform, client, monkeypatch):
    """A gateway that knows the issuer, asked by a browser that nobody knows."""
    client.headers.pop("Authorization")
    given = {"issuer": running_issuer.url, "client_id": "shop", "address": "https://pictures.example"}
    for name, value in given.items():
        monkeypatch.setattr(platform.settings, f"oidc_{name}", value)
    monkeypatch.setattr(rates, "_SIGN_INS_PER_MINUTE", 1000)
    running_issuer.signs_with = running_issuer.key
    yield running_issuer
    client.cookies.clear()


def sent(client, issuer, **claims):
    """Begin to sign in; what the issuer then vouches for, and what the browser comes back with."""
    answer = client.get("/oidc", follow_redirects=False)
    assert answer.status_code == 303, answer.text
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    assert asked["redirect_uri"] == "https://pictures.example/oidc/back" and asked["code_challenge_method"] == "S256"
    usual = {"iss": issuer.url, "aud": "shop", "sub": "7", "exp": int(time.time()) + 60, "nonce": asked["nonce"]}
    issuer.claims = {**usual, "preferred_username": "ada", "roles": ["maker", "staff"], **claims}
    return {"state": asked["state"], "code": "c0de"}


def test_who_is_vouched_for_is_let_in_with_their_role(client, issuer):
    assert "Sign in with 127.0.0.1" in client.get("/sign-in").text
    back = client.get("/oidc/back", params=sent(client, issuer))
    assert back.status_code == 200 and 'http-equiv="refresh"' in back.text, back.text
    assert re.search(rf"{COOKIE}=[^;]+; HttpOnly; .*SameSite=strict", back.headers["Set-Cookie"])
    assert issuer.asked[-1]["code"] == ["c0de"] and issuer.asked[-1]["code_verifier"]
    page = client.get("/").text
    assert "ada" in page and 'action="/page' not in page and "/administration" not in page
    # the next time they may more, and are still the same person
    client.get("/oidc/back", params=sent(client, issuer, roles="administrator", preferred_username="grace"))
    assert "/administration" in client.get("/").text and "ada" in client.get("/").text
    entries = client.get("/api/v1/audit/verify").json()
    assert entries["wrong"] == []


def test_a_name_that_is_taken_is_told_apart_and_has_no_password(client, issuer, platform, as_role):
    person = {"name": "grace", "password": "correct horse battery"}
    assert client.post("/api/v1/people", json=person, headers=as_role()).status_code == 201
    client.get("/oidc/back", params=sent(client, issuer, sub="8", preferred_username="grace"))
    assert re.search(r"grace \(\w{8}\)", client.get("/").text)
    for password in ("", "x"):
        name = re.search(r"grace \(\w{8}\)", client.get("/").text)[0]
        assert client.post("/sign-in", data={"name": name, "secret": password or " "}).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another"},
        {"nonce": "another"},
        {"exp": 1},
        {"sub": None},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_who_is_not_vouched_for_stays_outside(client, issuer, claims):
    back = client.get("/oidc/back", params=sent(client, issuer, **claims))
    assert back.status_code == 401 and "does not vouch" in back.json()["detail"]
    assert client.get("/api/v1/models").status_code == 401


def test_a_key_that_is_not_the_issuers_signs_nobody_in(client, issuer):
    issuer.signs_with = ECKey.generate_key("P-256", {"kid": "one"})
    assert client.get("/oidc/back", params=sent(client, issuer)).status_code == 401


def test_a_sign_in_ends_where_it_began(client, issuer):
    came = sent(client, issuer)
    assert client.get("/oidc/back", params={**came, "state": "another"}).status_code == 403
    client.cookies.clear()
    assert client.get("/oidc/back", params=came).status_code == 403


def test_without_a_role_nobody_gets_in_unless_all_do(client, issuer, platform, monkeypatch):
    assert client.get("/oidc/back", params=sent(client, issuer, sub="9", roles=[])).status_code == 403
    monkeypatch.setattr(platform.settings, "oidc_role", "viewer")
    assert client.get("/oidc/back", params=sent(client, issuer, sub="9", roles=None)).status_code == 200
    assert client.post("/api/v1/models/shop/generate", json={}).status_code == 403


def test_an_issuer_that_is_away_or_another_is_said(client, issuer, monkeypatch):
    facts = issuer.documents["/.well-known/openid-configuration"]
    monkeypatch.setitem(issuer.documents, "/.well-known/openid-configuration", {**facts, "issuer": "other"})
    assert client.get("/oidc").status_code == 502


def test_without_an_issuer_nobody_else_signs_people_in(client, platform):
    client.headers.pop("Authorization")
    assert client.get("/oidc").status_code == 404 and "/oidc" not in client.get("/sign-in").text
