"""The gallery: pictures that were drawn, found by what they show."""

from __future__ import annotations

import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from tfproductgan.conditions import MAX_SEED
from tfproductgan.errors import ConditionError, Message
from tfproductgan.platform import drawing, gallery
from tfproductgan.platform.access.guard import Who, needs
from tfproductgan.platform.access.roles import Principal
from tfproductgan.platform.api.bodies import Change, More, Pictures, PictureShown
from tfproductgan.platform.api.models import drawn
from tfproductgan.platform.once import Once, once
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.state import Here, Platform
from tfproductgan.platform.store.tables import Picture

router = APIRouter(prefix="/api/v1/pictures", tags=["pictures"])

Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[str | None, Query(max_length=40, pattern=r"^[0-9a-f]*$")]
_Word = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.get("")
@needs("pictures:read")
def search(
    platform: Here,
    who: Who,
    condition: Annotated[list[_Word], Query(description="such as colour:Gold; all of them have to fit")] = [],  # noqa: B006
    label: Annotated[list[_Word], Query()] = [],  # noqa: B006
    model: _Word | None = None,
    seed: Annotated[int | None, Query(ge=0, le=MAX_SEED)] = None,
    job: _Word | None = None,
    kept: bool | None = None,
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
    after: After = None,
    limit: Limit = 50,
) -> Pictures:
    """Pictures of the shop that fit, newest first."""
    pairs = [text.partition(":") for text in condition]
    if wrong := next((text for text, pair in zip(condition, pairs, strict=True) if not pair[1]), None):
        raise ConditionError(
            Message("A condition is written attribute:value, such as colour:Gold. Received: %(given)r", given=wrong)
        )
    conditions = {attribute: value for attribute, _, value in pairs}
    times = [None if t is None else _seconds(t) for t in (since, until)]
    with platform.database.reading() as session:
        found = gallery.find(
            session,
            who.tenant,
            conditions,
            label,
            model=model,
            seed=seed,
            job_id=job,
            kept=kept,
            since=times[0],
            until=times[1],
            before=after,
            limit=limit,
        )
        labels = gallery.labels_of(session, found)
    items = [PictureShown.of(picture, labels.get(picture.id, ())) for picture in found]
    return Pictures(items=items, next=found[-1].id if len(found) == limit else None)


@router.get("/{picture_id}")
@needs("pictures:read")
def show(picture_id: str, platform: Here, who: Who) -> PictureShown:
    """What is known of a picture."""
    with platform.database.reading() as session:
        picture = gallery.own_picture(session, who.tenant, picture_id)
        return PictureShown.of(picture, gallery.labels_of(session, [picture])[picture.id])


@router.get(
    "/{picture_id}/file",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, 304: {"description": "It is the one you have."}},
)
@needs("pictures:read")
def file(picture_id: str, request: Request, platform: Here, who: Who) -> Response:
    """The PNG file of a picture. It never changes: its ETag is the hash of its content."""
    picture = own(platform, who, picture_id)
    headers = {"ETag": f'"{picture.digest}"', "Cache-Control": "private, max-age=31536000, immutable"}
    if f'"{picture.digest}"' in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    data = platform.pictures.get(who.tenant, picture.file)
    if data is None:
        raise RefusedError(404, Message("The file of picture %(name)r is gone.", name=picture_id))
    return Response(data, headers=headers, media_type="image/png")


@router.patch("/{picture_id}")
@needs("pictures:change")
def change(picture_id: str, body: Change, request: Request, platform: Here, who: Who) -> PictureShown:
    """Keep a picture, or label it."""
    request.state.audited = body.model_dump()
    with platform.database.writing() as session:
        picture = gallery.own_picture(session, who.tenant, picture_id)
        if body.kept is not None:
            picture.kept = body.kept
        if body.labels is not None:
            gallery.label(session, picture, body.labels)
        session.flush()
        return PictureShown.of(picture, gallery.labels_of(session, [picture])[picture.id])


@router.delete("/{picture_id}", status_code=204)
@needs("pictures:change")
def delete(picture_id: str, platform: Here, who: Who) -> None:
    """Delete a picture."""
    gallery.remove(platform, who.tenant, picture_id)


@router.post("/{picture_id}/again", status_code=201, response_model=Pictures, dependencies=[Once])
@needs("pictures:make")
def again(picture_id: str, request: Request, platform: Here, who: Who) -> Response:
    """Draw the same again: by the model as it is now."""
    return _drawn_again(platform, who, picture_id, request, None)


@router.post("/{picture_id}/more", status_code=201, response_model=Pictures, dependencies=[Once])
@needs("pictures:make")
def more(picture_id: str, body: More, request: Request, platform: Here, who: Who) -> Response:
    """Draw others of the same conditions."""
    return _drawn_again(platform, who, picture_id, request, body)


def own(platform: Platform, who: Principal, picture_id: str) -> Picture:
    """A picture of who asks."""
    with platform.database.reading() as session:
        return gallery.own_picture(session, who.tenant, picture_id)


def _drawn_again(platform: Platform, who: Principal, picture_id: str, request: Request, body: More | None) -> Response:
    picture = own(platform, who, picture_id)
    if picture.seed is None or picture.truncation is None:
        raise RefusedError(
            409, Message("A %(kind)s is not drawn again by itself: ask as it was asked for.", kind=picture.kind)
        )
    count, seed = (1, picture.seed) if body is None else (body.count, body.seed)
    wanted = (picture.model, picture.conditions, count, seed, picture.truncation)
    request.state.audited = {"count": count, "seed": seed}
    return once(
        request,
        platform,
        who,
        [count, seed],
        201,
        drawn(lambda finish: drawing.generate(platform, who, *wanted, finish)),
    )


def _seconds(moment: datetime.datetime) -> float:
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return zoned.timestamp()
