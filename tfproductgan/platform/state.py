"""What the routes of an application share."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from tfproductgan.platform.engine import Engine
from tfproductgan.platform.settings import Settings
from tfproductgan.platform.store.database import Database
from tfproductgan.platform.store.pictures import PictureStore

if TYPE_CHECKING:
    from tfproductgan.platform.access.rates import Rates
    from tfproductgan.platform.c2pa import Seal
    from tfproductgan.platform.looks import Looks
    from tfproductgan.platform.metrics import Metrics
    from tfproductgan.platform.recognition import Recognition
    from tfproductgan.platform.rollouts import Rollouts


@dataclasses.dataclass(frozen=True)
class Platform:
    """The parts of a gateway; nothing else of it outlives a request."""

    settings: Settings
    database: Database
    pictures: PictureStore
    engine: Engine
    rates: Rates
    metrics: Metrics
    looks: Looks
    recognition: Recognition
    rollouts: Rollouts
    seal: Seal | None = None


def platform_of(request: Request) -> Platform:
    """The parts behind a request."""
    return request.app.state.platform


async def _here(request: Request) -> Platform:  # what is not async runs in a thread, which costs more than it does
    return platform_of(request)


Here = Annotated[Platform, Depends(_here)]
"""The parts of the gateway, in the signature of a route."""
