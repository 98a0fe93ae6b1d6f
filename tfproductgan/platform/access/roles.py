"""Scopes, and the roles that are made of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from tfproductgan.errors import Message, nearest
from tfproductgan.platform.problems import RefusedError

SCOPES = {
    "models:read": "see which models there are and what they know",
    "pictures:read": "look at the pictures of the shop and search among them",
    "pictures:make": "ask models for pictures",
    "pictures:change": "keep, label and delete pictures",
    "jobs:read": "see jobs and fetch what they drew",
    "jobs:make": "start, cancel and retry jobs",
    "models:administer": "choose which versions of models draw",
    "keys:administer": "make, rotate and end keys",
    "people:administer": "let people in and change what they may",
    "audit:read": "read the audit log",
    "metrics:read": "read metrics",
}
"""What there is to be allowed."""

_VIEWER = {"models:read", "pictures:read", "jobs:read"}
_MAKER = _VIEWER | {"pictures:make", "pictures:change", "jobs:make"}

ROLES = {"viewer": frozenset(_VIEWER), "maker": frozenset(_MAKER), "administrator": frozenset(SCOPES)}
"""What people may, by the role they have."""


@dataclasses.dataclass(frozen=True)
class Principal:
    """Who asks.

    Args:
        id: Of the person or the key.
        name: For people to read.
        tenant: Whose pictures they are.
        scopes: What is allowed.
        csrf: The token that requests which change something must bring, if a cookie says who asks.
        requests_per_minute: The key's own limit, if it has one; so are the next two.
    """

    id: str
    name: str
    tenant: str
    scopes: frozenset[str]
    csrf: str | None = None
    requests_per_minute: int | None = None
    pictures_per_day: int | None = None
    queued_pictures: int | None = None

    @property
    def sees_page(self) -> bool:
        """Whether somebody sits in front of a browser."""
        return self.csrf is not None


def checked_scopes(names: Iterable[str], own: frozenset[str]) -> list[str]:
    """Scopes that somebody may give away: known ones among their own.

    Raises:
        RefusedError: If one is unknown, or not theirs.
    """
    found = sorted(set(names))
    for name in found:
        if name not in SCOPES:
            right = nearest(name, SCOPES)
            raise RefusedError(422, Message("There is no scope %(name)r: %(right)s", name=name, right=right))
        if name not in own:
            raise RefusedError(403, Message("Nobody gives away what they may not do themselves: %(name)r", name=name))
    if not found:
        raise RefusedError(422, Message("A key needs a scope. Received none; %(right)s", right=nearest("", SCOPES)))
    return found


def checked_role(name: str) -> str:
    """A role that there is.

    Raises:
        RefusedError: If there is none of that name.
    """
    if name not in ROLES:
        raise RefusedError(422, Message("There is no role %(name)r: %(right)s", name=name, right=nearest(name, ROLES)))
    return name
