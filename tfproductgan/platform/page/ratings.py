"""Rating pages: one picture after the other, photo or generated."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from tfproductgan.errors import Message
from tfproductgan.platform import ratings
from tfproductgan.platform.access.guard import Who, needs
from tfproductgan.platform.access.roles import Principal
from tfproductgan.platform.api.bodies import RatingPageShown
from tfproductgan.platform.page.rendering import Fields, file_of, rendered, text_of
from tfproductgan.platform.state import Here, Platform

router = APIRouter(include_in_schema=False)


@router.get("/ratings")
@needs("pictures:read")
def show(request: Request, platform: Here, who: Who) -> Response:
    """All rating pages."""
    return rendered(request, "ratings", pages=_pages(platform, who))


@router.post("/page/ratings")
@needs("pictures:change")
def add(request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """Take a rating page."""
    name, data = file_of(fields, Message("Choose a rating page first."))
    made = ratings.add_page(platform, who.tenant, data, name)
    request.state.audited = {"page": made.page, "pictures": len(made.files)}
    return rendered(request, "rating_table", pages=_pages(platform, who))


@router.get("/ratings/{page}")
@needs("pictures:read")
def rate(page: str, request: Request, platform: Here, who: Who) -> Response:
    """The first picture that is not answered yet."""
    return rendered(request, "rating", **_next(platform, who, page))


@router.post("/page/ratings/{page}/{number}")
@needs("pictures:read")
def answer(page: str, number: int, request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """Keep an answer, and show what follows."""
    said = text_of(fields, "said")
    request.state.audited = {"said": said}
    with platform.database.writing() as session:
        ratings.answer(session, who, page, number, said)
    return rendered(request, "rated", **_next(platform, who, page))


def _pages(platform: Platform, who: Principal) -> list[RatingPageShown]:
    with platform.database.reading() as session:
        return [RatingPageShown.of(*found) for found in ratings.pages(session, who.tenant)]


def _next(platform: Platform, who: Principal, page: str) -> dict:
    with platform.database.reading() as session:
        count = len(ratings.own_page(session, who.tenant, page).files)
        return {"page": page, "count": count, "number": ratings.following(session, who, page)}
