"""Asking for pictures, and looking at those that were drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData, UploadFile

from tfproductgan.errors import ConditionError
from tfproductgan.platform import drawing, gallery
from tfproductgan.platform.access.guard import Who, needs
from tfproductgan.platform.api.bodies import PictureShown
from tfproductgan.platform.api.pictures import After
from tfproductgan.platform.engine import Model
from tfproductgan.platform.page.rendering import Fields, rendered, text_of
from tfproductgan.platform.state import Here
from tfproductgan.platform.store.tables import Picture

Number = TypeVar("Number", int, float)

router = APIRouter(include_in_schema=False)

_PAGE = 48
_PREFIX = "of "  # before the names of attributes, so that none is taken for a field of ours


@router.get("/")
@needs("models:read")
def ask(request: Request, platform: Here, model: str = "") -> Response:
    """The form of a model, made of what the model says of itself."""
    names = platform.engine.names
    chosen = platform.engine.model(model or names[0])
    return rendered(
        request, "ask", model=chosen, names=names, prefix=_PREFIX, most=platform.settings.pictures_per_request
    )


@router.post("/page/models/{model}/generate")
@needs("pictures:make")
def generate(model: str, request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """Pictures by name, as a grid."""
    chosen = platform.engine.model(model)
    asked = _conditions(chosen, fields)
    count, seed = (_number(fields, name, int) for name in ("count", "seed"))
    request.state.audited = {"conditions": asked, "count": count, "seed": seed}
    made = drawing.generate(platform, who, model, asked, count, seed, _number(fields, "truncation", float))
    return rendered(request, "cards", items=[PictureShown.of(picture) for picture in made], next=None)


@router.post("/page/models/{model}/translate")
@needs("pictures:make")
def translate(model: str, request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """What a model makes of a photo."""
    file = fields.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise ConditionError("Choose a photo first.")
    asked = _conditions(platform.engine.model(model), fields)
    request.state.audited = {"conditions": asked}
    made = drawing.translate(platform, who, model, {file.filename: file.file.read()}, asked)
    return rendered(request, "cards", items=[PictureShown.of(picture) for picture in made], next=None)


@router.get("/gallery")
@needs("pictures:read")
def show_gallery(
    request: Request, platform: Here, who: Who, words: str = "", kept: bool | None = None, after: After = None
) -> Response:
    """Pictures that have all the words, each the value of some attribute or a label."""
    wanted = [word.strip() for word in words.split(",") if word.strip()]
    with platform.database.reading() as session:
        found = gallery.find(session, who.tenant, words=wanted, kept=kept or None, before=after, limit=_PAGE)
        labels = gallery.labels_of(session, found)
    items = [PictureShown.of(picture, labels.get(picture.id, ())) for picture in found]
    following = found[-1].id if len(found) == _PAGE else None
    template = "cards" if after else "gallery"
    return rendered(request, template, items=items, next=following, words=words, kept=bool(kept))


@router.post("/page/pictures/{picture_id}/keep")
@needs("pictures:change")
def keep(picture_id: str, request: Request, platform: Here, who: Who) -> Response:
    """Keep a picture, or no longer."""
    with platform.database.writing() as session:
        picture = gallery.own_picture(session, who.tenant, picture_id)
        picture.kept = not picture.kept
        labels = gallery.labels_of(session, [picture])[picture.id]
    return rendered(request, "card", item=PictureShown.of(picture, labels))


@router.post("/page/pictures/{picture_id}/more")
@needs("pictures:make")
def more(picture_id: str, request: Request, platform: Here, who: Who) -> Response:
    """Four others of the same conditions."""
    with platform.database.reading() as session:
        picture: Picture = gallery.own_picture(session, who.tenant, picture_id)
    if picture.seed is None or picture.truncation is None:
        raise ConditionError(f"A {picture.kind} has no others like it.")
    first = picture.seed + 1
    made = drawing.generate(platform, who, picture.model, picture.conditions, 4, first, picture.truncation)
    return rendered(request, "cards", items=[PictureShown.of(picture) for picture in made], next=None)


@router.delete("/page/pictures/{picture_id}")
@needs("pictures:change")
def delete(picture_id: str, platform: Here, who: Who) -> Response:
    """Delete a picture; nothing takes its place."""
    gallery.remove(platform, who.tenant, picture_id)
    return Response("", media_type="text/html")


def _conditions(model: Model, fields: FormData) -> Mapping[str, str]:
    given = {name: text_of(fields, _PREFIX + name) for name in model.schema.names}
    return {name: value for name, value in given.items() if value}


def _number(fields: FormData, name: str, kind: Callable[[str], Number]) -> Number:
    try:
        return kind(text_of(fields, name))
    except ValueError:
        raise ConditionError(f"{name} is a number. Received: {text_of(fields, name)!r}") from None
