"""Models: which there are, what they know, and asking them."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from tfproductgan.conditions import PictureRequest
from tfproductgan.errors import ConditionError
from tfproductgan.platform import drawing
from tfproductgan.platform.access.guard import Who, needs
from tfproductgan.platform.api.bodies import Asked, Generate, Interpolate, Models, ModelShown, Pictures, PictureShown
from tfproductgan.platform.once import once
from tfproductgan.platform.state import Here
from tfproductgan.platform.store.tables import Picture

router = APIRouter(prefix="/api/v1/models", tags=["models"])


@router.get("")
@needs("models:read")
def list_models(platform: Here) -> Models:
    """Every model that can be asked."""
    return Models(items=[ModelShown.of(platform.engine.model(name)) for name in platform.engine.names])


@router.get("/{model}")
@needs("models:read")
def show_model(model: str, platform: Here) -> ModelShown:
    """What a model knows and can do."""
    return ModelShown.of(platform.engine.model(model))


@router.post("/{model}/generate", status_code=201, response_model=Pictures)
@needs("pictures:make")
def generate(model: str, body: Generate, request: Request, platform: Here, who: Who) -> Response:
    """Draw pictures by name; the same request gives the same pictures."""
    asked = body.model_dump()
    request.state.audited = asked

    def make() -> Pictures:
        return shown(drawing.generate(platform, who, model, body.conditions, body.count, body.seed, body.truncation))

    return once(request, platform, who, asked, 201, make)


@router.post("/{model}/interpolate", status_code=201, response_model=Pictures)
@needs("pictures:make")
def interpolate(model: str, body: Interpolate, request: Request, platform: Here, who: Who) -> Response:
    """Draw the way from one picture to another."""
    asked = body.model_dump()
    request.state.audited = asked
    ends = [_request(end) for end in (body.first, body.second)]
    return once(
        request,
        platform,
        who,
        asked,
        201,
        lambda: shown(drawing.interpolate(platform, who, model, ends[0], ends[1], body.steps)),
    )


@router.post("/{model}/translate", status_code=201, response_model=Pictures)
@needs("pictures:make")
def translate(
    model: str,
    request: Request,
    platform: Here,
    who: Who,
    file: Annotated[UploadFile, File(description="a photo: JPEG, PNG, GIF, BMP or WebP")],
    conditions: Annotated[str, Form(description="attribute to value, as a JSON object")] = "{}",
    to: Annotated[str, Form(max_length=8, description="A for the way back, of models that have one")] = "B",
) -> Response:
    """Make a picture of a photo. The photo loses its metadata before a model sees it, and is not kept."""
    given = _mapping(conditions)
    data = file.file.read()
    request.state.audited = {"conditions": given, "to": to, "bytes": len(data)}
    photos = {file.filename or "photo": data}
    asked = [given, to, hashlib.sha256(data).hexdigest()]
    return once(
        request, platform, who, asked, 201, lambda: shown(drawing.translate(platform, who, model, photos, given, to))
    )


@router.post("/{model}/upscale", status_code=201, response_model=Pictures)
@needs("pictures:make")
def upscale(
    model: str,
    request: Request,
    platform: Here,
    who: Who,
    file: Annotated[UploadFile, File(description="a photo of a million pixels at most")],
) -> Response:
    """Make a photo larger. It loses its metadata before a model sees it, and is not kept."""
    data = file.file.read()
    request.state.audited = {"bytes": len(data)}
    photos = {file.filename or "photo": data}
    asked = hashlib.sha256(data).hexdigest()
    return once(request, platform, who, asked, 201, lambda: shown(drawing.upscale(platform, who, model, photos)))


def shown(pictures: list[Picture]) -> Pictures:
    """Pictures that were just drawn."""
    return Pictures(items=[PictureShown.of(picture) for picture in pictures])


def _request(asked: Asked) -> PictureRequest:
    return PictureRequest(asked.conditions, asked.seed, asked.truncation)  # type: ignore[arg-type]


def _mapping(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ConditionError(f'conditions are a JSON object such as {{"category": "Watch"}}. Received: {text[:100]!r}')
    return found
