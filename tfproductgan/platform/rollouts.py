"""Which version of a model draws for a shop: the engine's newest, one that is held, and for some requests a canary."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import time
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from tfproductgan.errors import ProductGANError
from tfproductgan.platform.engine import Model
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.database import Database
from tfproductgan.platform.store.tables import Rollout

_KNOWN_SECONDS = 5.0  # until a gateway has heard of what was decided at another

_log = structlog.get_logger("tfproductgan.platform")


@dataclasses.dataclass(frozen=True)
class Versions:
    """Which version of a model draws.

    Args:
        version: Its number; `None` for the engine's newest.
        canary: Number of the version that some requests go to instead; `None` for none.
        percent: How many of a hundred.
    """

    version: int | None = None
    canary: int | None = None
    percent: int = 0


class Rollouts:
    """What was decided, as the store has it.

    Args:
        database: The store.
    """

    def __init__(self, database: Database):
        self._database = database
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Versions] = {}
        self._read = -_KNOWN_SECONDS

    def of(self, tenant: str, name: str) -> Versions:
        """Which version of a model draws for a tenant."""
        return self._decided().get((tenant, name), Versions())

    def chosen(self) -> set[tuple[str, int]]:
        """Name and number of each version that somebody chose."""
        decided = self._decided().items()
        return {(name, number) for (_, name), v in decided for number in (v.version, v.canary) if number is not None}

    def _decided(self) -> dict[tuple[str, str], Versions]:
        """By tenant and name of the model."""
        with self._lock:
            if time.monotonic() - self._read > _KNOWN_SECONDS:
                with self._database.reading() as session:
                    self._known = {(r.tenant, r.model): _versions(r) for r in session.scalars(select(Rollout))}
                self._read = time.monotonic()
            return self._known

    def forget(self) -> None:
        """Read anew what was decided."""
        with self._lock:
            self._read = -_KNOWN_SECONDS


def decide(session: Session, tenant: str, name: str, versions: Versions) -> None:
    """Write down which version of a model draws from now on."""
    session.merge(Rollout(tenant=tenant, model=name, **dataclasses.asdict(versions)))


def model(platform: Platform, tenant: str, name: str) -> Model:
    """The model that draws for a tenant; raises as `Engine.model`."""
    return platform.engine.model(name, platform.rollouts.of(tenant, name).version)


def able(platform: Platform, tenant: str, name: str, action: str, *asked: Any) -> Model:
    """A model that can do something for a tenant; raises as `Engine.able`.

    Args:
        platform: The parts of the gateway.
        tenant: Who asks.
        name: Of the model.
        action: What it is asked to do, in the words of `engine.ACTIONS`.
        asked: Of what is asked for, JSON-ready or bytes of photos: the same is always drawn by the same version.
            Without any, no canary does.
    """
    versions = platform.rollouts.of(tenant, name)
    if versions.canary is not None and asked and _share(name, asked) < versions.percent / 100:
        try:
            return platform.engine.able(name, action, versions.canary)
        except ProductGANError as error:  # the others draw, and who watches is told
            _log.warning("the canary does not sing", model=name, version=versions.canary, error=str(error))
    return platform.engine.able(name, action, versions.version)


def _share(name: str, asked: Sequence[Any]) -> float:
    """A number from 0 to 1 that is the same for the same request."""
    digest = hashlib.sha256(json.dumps([name, *asked], sort_keys=True, default=_told).encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def _told(value: Any) -> str:
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else str(value)


def _versions(row: Rollout) -> Versions:
    return Versions(row.version, row.canary, row.percent)
