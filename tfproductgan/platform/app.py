"""The application: everything put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import Depends, FastAPI

import tfproductgan
from tfproductgan.platform import problems
from tfproductgan.platform.access.guard import admit
from tfproductgan.platform.access.rates import Rates
from tfproductgan.platform.api import administration, jobs, models, pictures, ratings, service
from tfproductgan.platform.c2pa import Seal
from tfproductgan.platform.doorway import Doorway
from tfproductgan.platform.engine import Engine
from tfproductgan.platform.jobs.worker import Worker
from tfproductgan.platform.looks import Looks
from tfproductgan.platform.metrics import Metrics
from tfproductgan.platform.page import administration as page_administration
from tfproductgan.platform.page import asking, photos, signing
from tfproductgan.platform.page import jobs as page_jobs
from tfproductgan.platform.page import ratings as page_ratings
from tfproductgan.platform.page.rendering import problem_page
from tfproductgan.platform.recognition import Recognition
from tfproductgan.platform.rollouts import Rollouts
from tfproductgan.platform.settings import Settings
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.database import Database
from tfproductgan.platform.store.pictures import PictureStore
from tfproductgan.platform.watching import Watch

# requests wait for the engine in threads; more of them wait for a thread
_THREADS = 100


def open_platform(settings: Settings) -> Platform:
    """Open the store, brought up to date, and the way to the engine.

    Raises:
        PlatformError: If the store cannot be opened, or pictures not be signed.
        ServingError: If the engine's address cannot be.
    """
    seal = Seal(settings.c2pa_certificate, settings.c2pa_key) if settings.c2pa_certificate else None
    database = Database(settings.database)
    database.upgrade()
    engine = Engine(settings.engine, settings.models)
    pictures = PictureStore(settings.pictures)
    watched = (Metrics(), Looks(), Recognition())
    return Platform(settings, database, pictures, engine, Rates(settings), *watched, Rollouts(database), seal)


def create_app(platform: Platform) -> FastAPI:
    """The gateway as an ASGI application; it closes what `open_platform` opened when it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        behind = (Worker(platform), Watch(platform))
        for each in behind:
            each.start()
        yield
        for each in behind:
            await anyio.to_thread.run_sync(each.stop)
        platform.engine.close()
        platform.database.close()

    app = FastAPI(
        title="tfproductgan",
        version=tfproductgan.__version__,
        docs_url=None,  # it would load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,  # `service` has it, behind the same guard as all routes
        lifespan=lifespan,
        dependencies=[Depends(admit)],
        responses=problems.DOCUMENTED,
    )
    app.state.platform = platform
    problems.install(app, problem_page)
    for_programs = (models, pictures, jobs, ratings, administration, service)
    for_people = (signing, asking, photos, page_jobs, page_ratings, page_administration)
    for part in (*for_programs, *for_people):
        app.include_router(part.router)
    app.include_router(models.plain)
    app.add_middleware(Doorway, platform=platform)
    return app
