"""People whom an issuer of OpenID Connect knows: the code flow with PKCE, in the code of Authlib and joserfc.

Reference:
    OpenID Connect Core 1.0, https://openid.net/specs/openid-connect-core-1_0.html
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tfproductgan.errors import Message, require
from tfproductgan.platform.access.roles import ROLES
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.settings import Settings
from tfproductgan.platform.store.tables import Person

BACK = "/oidc/back"
"""Where the issuer sends people to."""

_AWAY = Message("The issuer of OpenID Connect does not answer.")
_SECONDS = 10
_LEEWAY_SECONDS = 60
_ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]


def begin(settings: Settings) -> tuple[str, str]:
    """Where to send a browser, and what it brings back in a cookie so that it was this one that was sent."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    with _session(settings) as session:
        facts = _facts(settings, session)
        url, _ = session.create_authorization_url(
            facts["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
        )
    return url, f"{state}.{nonce}.{verifier}"


def claims(settings: Settings, cookie: str, state: str, code: str) -> dict[str, Any]:
    """What the issuer says of somebody who comes back.

    Raises:
        RefusedError: If they were not sent from here, or the issuer does not vouch for them.
    """
    parts = cookie.split(".")
    if len(parts) != 3 or not secrets.compare_digest(parts[0].encode(), state.encode()):
        raise RefusedError(403, Message("This sign-in did not begin in this browser, or long ago: try again."))
    _, nonce, verifier = parts
    jwt, jwk = (require(f"joserfc.{name}", "oidc") for name in ("jwt", "jwk"))
    errors = require("joserfc.errors", "oidc")
    base, requests = require("authlib.integrations.base_client", "oidc"), require("requests", "oidc")
    with _session(settings) as session:
        facts = _facts(settings, session)
        try:
            told = session.fetch_token(facts["token_endpoint"], code=code, code_verifier=verifier, timeout=_SECONDS)
            keys = jwk.KeySet.import_key_set(_asked(session, facts["jwks_uri"]))
            token = jwt.decode(told["id_token"], keys, algorithms=_ALGORITHMS)
            wanted = {"iss": settings.oidc_issuer, "aud": settings.oidc_client_id, "nonce": nonce}
            essential: dict[str, Any] = {name: {"essential": True, "value": value} for name, value in wanted.items()}
            essential |= {name: {"essential": True} for name in ("exp", "sub")}
            jwt.JWTClaimsRegistry(leeway=_LEEWAY_SECONDS, **essential).validate(token.claims)
        except (errors.JoseError, base.OAuthError, KeyError, ValueError) as error:
            said = Message("The issuer does not vouch for this sign-in: %(why)s", why=error)
            raise RefusedError(401, said) from error
        except requests.RequestException as error:
            raise RefusedError(502, _AWAY) from error
    return dict(token.claims)


def person_of(session: Session, settings: Settings, told: Mapping[str, Any]) -> Person:
    """Who that is here, let in with the role that the issuer names.

    Raises:
        RefusedError: If they have no role, or their account is closed.
    """
    subject = f"{settings.oidc_issuer} {told['sub']}"[:500]
    person = session.scalar(select(Person).where(Person.subject == subject))
    role = _role(settings, told)
    if role is None or (person is not None and person.closed):
        raise RefusedError(403, Message("You are known, but may do nothing here: ask an administrator."))
    if person is None:
        name = str(told.get("preferred_username") or told.get("email") or told["sub"])[:180]
        if session.scalar(select(Person.id).where(Person.name == name)):
            name += f" ({hashlib.sha256(subject.encode()).hexdigest()[:8]})"
        # no password's hash is empty
        person = Person(tenant=settings.oidc_tenant, name=name, role=role, password_hash="", subject=subject)
        session.add(person)
    person.role = role
    session.flush()
    return person


def _role(settings: Settings, told: Mapping[str, Any]) -> str | None:
    found = told.get(settings.oidc_roles)
    named = {found} if isinstance(found, str) else set(map(str, found)) if isinstance(found, list) else set()
    # of several the one that may most
    return next((role for role in reversed(ROLES) if role in named), settings.oidc_role or None)


def _session(settings: Settings) -> Any:
    client = require("authlib.integrations.requests_client", "oidc")
    return client.OAuth2Session(
        settings.oidc_client_id,
        settings.oidc_client_secret.get_secret_value() or None,
        scope="openid profile email",
        redirect_uri=settings.oidc_address.rstrip("/") + BACK,
        code_challenge_method="S256",
    )


def _facts(settings: Settings, session: Any) -> dict[str, Any]:
    """What the issuer says of itself."""
    facts = _asked(session, settings.oidc_issuer.rstrip("/") + "/.well-known/openid-configuration")
    if facts.get("issuer") != settings.oidc_issuer:
        raise RefusedError(502, Message("The issuer calls itself otherwise than the setting does."))
    return facts


def _asked(session: Any, url: str) -> Any:
    requests = require("requests", "oidc")
    try:
        answer = session.get(url, withhold_token=True, timeout=_SECONDS)
        answer.raise_for_status()
        return answer.json()
    except (requests.RequestException, ValueError) as error:
        raise RefusedError(502, _AWAY) from error
