"""Photos that somebody drops onto the page: translated, painted, cut out, made larger."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData

from tfproductgan.errors import Message
from tfproductgan.platform import cutting, drawing, rollouts
from tfproductgan.platform.access.guard import Who, needs
from tfproductgan.platform.access.roles import Principal
from tfproductgan.platform.page.rendering import Fields, cards, conditions_of, file_of, rendered, text_of
from tfproductgan.platform.state import Here, Platform

router = APIRouter(include_in_schema=False)


@router.post("/page/models/{model}/translate")
@needs("pictures:make")
def translate(model: str, request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """What a model makes of a photo."""
    return _translated(request, platform, who, model, fields, "translate")


@router.post("/page/models/{model}/stylise")
@needs("pictures:make")
def stylise(model: str, request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """A photo, painted in a style."""
    return _translated(request, platform, who, model, fields, "stylise")


@router.post("/page/models/{model}/upscale")
@needs("pictures:make")
def upscale(model: str, request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """A photo, larger."""
    name, data = _photo(fields)
    return cards(request, drawing.upscale(platform, who, model, {name: data}))


@router.get("/cutout")
@needs("models:read")
def cutout(request: Request) -> Response:
    """A form for photos whose background has one colour: no model is needed for these."""
    return rendered(request, "cutout")


@router.post("/page/cutout")
@needs("pictures:make")
def cut_out_of_plain(request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """A product without its background of one colour."""
    return _cut(request, platform, who, None, fields)


@router.post("/page/models/{model}/cutout")
@needs("pictures:make")
def cut_out(model: str, request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """A product without its background, by a model that makes masks."""
    return _cut(request, platform, who, model, fields)


def _translated(
    request: Request, platform: Platform, who: Principal, model: str, fields: FormData, action: str
) -> Response:
    (name, data), to = _photo(fields), text_of(fields, "to") or "B"
    asked = conditions_of(rollouts.model(platform, who.tenant, model), fields)
    request.state.audited = {"conditions": asked, "to": to}
    return cards(request, drawing.translate(platform, who, model, {name: data}, asked, to, action=action))


def _cut(request: Request, platform: Platform, who: Principal, model: str | None, fields: FormData) -> Response:
    name, data = _photo(fields)
    # a browser's field for colours always has one
    background = text_of(fields, "background") if fields.get("before") else ""
    request.state.audited = {"background": background}
    return cards(request, cutting.cut_out(platform, who, model, data, name, background))


def _photo(fields: FormData) -> tuple[str, bytes]:
    return file_of(fields, Message("Choose a photo first."))
