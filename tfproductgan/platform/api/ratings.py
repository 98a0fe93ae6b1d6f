"""Rating pages: people tell photos from drawn pictures."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Annotated

from fastapi import APIRouter, File, Request, Response, UploadFile

from tfproductgan.platform import ratings
from tfproductgan.platform.access.guard import Who, needs
from tfproductgan.platform.api.bodies import Rated, RatingPages, RatingPageShown
from tfproductgan.platform.state import Here

router = APIRouter(prefix="/api/v1/ratings", tags=["ratings"])


@router.get("")
@needs("pictures:read")
def list_pages(platform: Here, who: Who) -> RatingPages:
    """The rating pages of the shop, newest first."""
    with platform.database.reading() as session:
        return RatingPages(items=[RatingPageShown.of(*found) for found in ratings.pages(session, who.tenant)])


@router.post("", status_code=201)
@needs("pictures:change")
def add(
    request: Request,
    platform: Here,
    who: Who,
    file: Annotated[UploadFile, File(description="a page that tfproductgan evaluate --rate wrote")],
) -> RatingPageShown:
    """Take a rating page. What is a photo stands in its key, which is not sent here."""
    made = ratings.add_page(platform, who.tenant, file.file.read(), file.filename or "")
    request.state.audited = {"page": made.page, "pictures": len(made.files)}
    return RatingPageShown.of(made, 0)


@router.get("/{page}/pictures/{number}", response_class=Response, responses={200: {"content": {"image/png": {}}}})
@needs("pictures:read")
def picture(page: str, number: int, platform: Here, who: Who) -> Response:
    """A picture of a rating page, counted from 1."""
    data = ratings.picture(platform, who.tenant, page, number)
    return Response(data, headers={"Cache-Control": "private, max-age=3600"}, media_type="image/png")


@router.put("/{page}/pictures/{number}", status_code=204)
@needs("pictures:read")
def answer(page: str, number: int, body: Rated, request: Request, platform: Here, who: Who) -> None:
    """Say what a picture is taken for."""
    request.state.audited = body.model_dump()
    with platform.database.writing() as session:
        ratings.answer(session, who, page, number, body.said)


@router.get("/{page}/answers", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
@needs("pictures:change")
def answers(page: str, platform: Here, who: Who) -> Response:
    """What people said, a zip of files that tfproductgan evaluate --ratings reads."""
    with platform.database.reading() as session:
        found = ratings.answers(session, who.tenant, page)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in found:
            archive.writestr(f"ratings-{page}-{each['rater'][:6]}.json", json.dumps(each, indent=1))
    headers = {"Content-Disposition": f'attachment; filename="ratings-{page}.zip"'}
    return Response(file.getvalue(), headers=headers, media_type="application/zip")


@router.delete("/{page}", status_code=204)
@needs("pictures:change")
def delete(page: str, platform: Here, who: Who) -> None:
    """Delete a rating page and its answers."""
    ratings.remove(platform, who.tenant, page)
