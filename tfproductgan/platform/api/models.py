"""Models: which there are, what they know, and asking them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from sqlalchemy.orm import Session

from tfproductgan.conditions import PictureRequest
from tfproductgan.errors import ConditionError, Message
from tfproductgan.platform import cutting, drawing, editing, rollouts
from tfproductgan.platform.access.guard import Who, needs
from tfproductgan.platform.access.roles import Principal
from tfproductgan.platform.api.bodies import (
    Asked,
    Edit,
    Explained,
    Generate,
    Interpolate,
    Models,
    ModelShown,
    Moved,
    Pictures,
    PictureShown,
    VersionsChosen,
    VersionsShown,
)
from tfproductgan.platform.once import Keep, Once, once
from tfproductgan.platform.state import Here, Platform
from tfproductgan.platform.store.tables import Picture
from tfproductgan.serving.client import VersionStatus

router = APIRouter(prefix="/api/v1/models", tags=["models"])
plain = APIRouter(prefix="/api/v1", tags=["models"])

Photo = Annotated[UploadFile, File(description="a photo: JPEG, PNG, GIF, BMP or WebP")]
Background = Annotated[str, Form(max_length=8, description="a colour to put it before, such as #f4f0e8")]
Shadow = Annotated[float, Form(ge=0, le=1)]
Behind = Annotated[UploadFile | None, File(description="a photo to put it before")]


@router.get("")
@needs("models:read")
def list_models(platform: Here, who: Who) -> Models:
    """Every model that can be asked."""
    return Models(items=[ModelShown.of(rollouts.model(platform, who.tenant, name)) for name in platform.engine.names])


@router.get("/{model}")
@needs("models:read")
def show_model(model: str, platform: Here, who: Who) -> ModelShown:
    """What a model knows and can do."""
    return ModelShown.of(rollouts.model(platform, who.tenant, model))


@router.get("/{model}/versions")
@needs("models:read")
def show_versions(model: str, platform: Here, who: Who) -> VersionsShown:
    """Which versions of a model there are, and which of them draws."""
    return VersionsShown.of(platform.engine.versions(model), platform.rollouts.of(who.tenant, model))


@router.put("/{model}/versions")
@needs("models:administer")
def choose_version(model: str, body: VersionsChosen, request: Request, platform: Here, who: Who) -> VersionsShown:
    """Say which version of a model draws from now on, and which share of requests goes to another one."""
    request.state.audited = body.model_dump()
    return VersionsShown.of(*choose(platform, who, model, body))


@router.post("/{model}/generate", status_code=201, response_model=Pictures, dependencies=[Once])
@needs("pictures:make")
def generate(model: str, body: Generate, request: Request, platform: Here, who: Who) -> Response:
    """Draw pictures by name; the same request gives the same pictures."""
    asked = body.model_dump()
    request.state.audited = asked
    wanted = (model, body.conditions, body.count, body.seed, body.truncation)
    make = drawn(lambda finish: drawing.generate(platform, who, *wanted, finish))
    return once(request, platform, who, asked, 201, make)


@router.post("/{model}/interpolate", status_code=201, response_model=Pictures, dependencies=[Once])
@needs("pictures:make")
def interpolate(model: str, body: Interpolate, request: Request, platform: Here, who: Who) -> Response:
    """Draw the way from one picture to another."""
    asked = body.model_dump()
    request.state.audited = asked
    wanted = (model, _request(body.first), _request(body.second), body.steps)
    make = drawn(lambda finish: drawing.interpolate(platform, who, *wanted, finish))
    return once(request, platform, who, asked, 201, make)


@router.post("/{model}/edit", status_code=201, response_model=Pictures, dependencies=[Once])
@needs("pictures:make")
def edit(model: str, body: Edit, request: Request, platform: Here, who: Who) -> Response:
    """Draw a picture on its way to another value, its seed and all else held."""
    asked = body.model_dump()
    request.state.audited = asked
    make = drawn(lambda finish: editing.edit(platform, who, model, _request(body), body.towards, body.steps, finish))
    return once(request, platform, who, asked, 201, make)


@router.post("/{model}/explain", status_code=201, response_model=Explained, dependencies=[Once])
@needs("pictures:make")
def explain(model: str, body: Asked, request: Request, platform: Here, who: Who) -> Response:
    """Draw a picture, and say how much of it hangs on each thing that was asked for."""
    asked = body.model_dump()
    request.state.audited = asked

    def make(keep: Keep) -> Explained:
        def finish(session: Session, *found: Any) -> None:
            keep(session, explained(*found))

        return explained(*editing.explain(platform, who, model, _request(body), finish))

    return once(request, platform, who, asked, 201, make)


@router.post("/{model}/translate", status_code=201, response_model=Pictures, dependencies=[Once])
@needs("pictures:make")
def translate(
    model: str,
    request: Request,
    platform: Here,
    who: Who,
    file: Photo,
    conditions: Annotated[str, Form(description="attribute to value, as a JSON object")] = "{}",
    to: Annotated[str, Form(max_length=8, description="A for the way back, of models that have one")] = "B",
) -> Response:
    """Make a picture of a photo. The photo loses its metadata before a model sees it, and is not kept."""
    return _translated(request, platform, who, model, file, conditions, to, "translate")


@router.post("/{model}/stylise", status_code=201, response_model=Pictures, dependencies=[Once])
@needs("pictures:make")
def stylise(
    model: str,
    request: Request,
    platform: Here,
    who: Who,
    file: Photo,
    conditions: Annotated[str, Form(description="the style, by attribute, as a JSON object")] = "{}",
) -> Response:
    """Paint a photo in a style that the model has learnt. It loses its metadata before, and is not kept."""
    return _translated(request, platform, who, model, file, conditions, "B", "stylise")


@router.post("/{model}/cutout", status_code=201, response_model=Pictures, dependencies=[Once])
@needs("pictures:make")
def cut_out(
    model: str,
    request: Request,
    platform: Here,
    who: Who,
    file: Annotated[UploadFile, File(description="a photo of four million pixels at most")],
    background: Background = "",
    shadow: Shadow = 0.3,
    behind: Behind = None,
) -> Response:
    """Cut a product out by a model that makes masks. The photo loses its metadata before, and is not kept."""
    return _cut(request, platform, who, model, file, background, shadow, behind)


@plain.post("/cutout", status_code=201, response_model=Pictures, dependencies=[Once])
@needs("pictures:make")
def cut_out_of_plain(
    request: Request,
    platform: Here,
    who: Who,
    file: Annotated[
        UploadFile, File(description="a photo of four million pixels at most, its background of one colour")
    ],
    background: Background = "",
    shadow: Shadow = 0.3,
    behind: Behind = None,
) -> Response:
    """Cut a product out of a background of one colour, which takes no model. The photo is not kept."""
    return _cut(request, platform, who, None, file, background, shadow, behind)


@router.post("/{model}/upscale", status_code=201, response_model=Pictures, dependencies=[Once])
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
    make = drawn(lambda finish: drawing.upscale(platform, who, model, photos, finish))
    return once(request, platform, who, asked, 201, make)


def choose(
    platform: Platform, who: Principal, model: str, wanted: VersionsChosen
) -> tuple[list[VersionStatus], rollouts.Versions]:
    """Say which version of a model draws, of those that the engine has.

    Raises:
        ConditionError: If it does not have one of them.
    """
    there = platform.engine.versions(model)
    numbers = [each.version for each in there if each.state == "AVAILABLE"]
    for number in (wanted.version, wanted.canary):
        if number is not None and number not in numbers:
            there_are = ", ".join(map(str, numbers)) or Message("none")
            raise ConditionError(
                Message(
                    "Version %(number)s of %(model)r cannot be asked: the engine has %(others)s.",
                    number=number,
                    model=model,
                    others=there_are,
                )
            )
    versions = rollouts.Versions(wanted.version, wanted.canary, 0 if wanted.canary is None else wanted.percent)
    with platform.database.writing() as session:
        rollouts.decide(session, who.tenant, model, versions)
    platform.rollouts.forget()
    return there, versions


def drawn(draw: Callable[[drawing.Finish], list[Picture]]) -> Callable[[Keep], Pictures]:
    """What `once` does, of something that draws: its answer is kept with the pictures."""

    def shown(pictures: list[Picture]) -> Pictures:
        return Pictures(items=[PictureShown.of(picture) for picture in pictures])

    return lambda keep: shown(draw(lambda session, made: keep(session, shown(made))))


def explained(picture: Picture, shifts: list[editing.Shift]) -> Explained:
    """What `editing.explain` found."""
    fields = ("attribute", "value", "instead", "levels")
    moved = [Moved(**{name: getattr(s, name) for name in fields}, picture=PictureShown.of(s.picture)) for s in shifts]
    return Explained(picture=PictureShown.of(picture), moved=moved)


def _translated(
    request: Request,
    platform: Platform,
    who: Principal,
    model: str,
    file: UploadFile,
    conditions: str,
    to: str,
    action: str,
) -> Response:
    given = _mapping(conditions)
    data = file.file.read()
    request.state.audited = {"conditions": given, "to": to, "bytes": len(data)}
    photos = {file.filename or "photo": data}
    asked = [given, to, hashlib.sha256(data).hexdigest()]
    make = drawn(lambda finish: drawing.translate(platform, who, model, photos, given, to, finish, action))
    return once(request, platform, who, asked, 201, make)


def _cut(
    request: Request,
    platform: Platform,
    who: Principal,
    model: str | None,
    file: UploadFile,
    background: str,
    shadow: float,
    behind: UploadFile | None,
) -> Response:
    data, ground = file.file.read(), b"" if behind is None else behind.file.read()
    request.state.audited = {"background": background, "shadow": shadow, "bytes": len(data)}
    asked = [background, shadow, *(hashlib.sha256(part).hexdigest() for part in (data, ground))]
    wanted = (model, data, file.filename or "photo", background, ground, shadow)
    make = drawn(lambda finish: cutting.cut_out(platform, who, *wanted, finish))
    return once(request, platform, who, asked, 201, make)


def _request(asked: Asked) -> PictureRequest:
    return PictureRequest(asked.conditions, asked.seed, asked.truncation)  # type: ignore[arg-type]


def _mapping(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
        json.dumps(found, ensure_ascii=False).encode()  # halves of letters are none
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ConditionError(
            Message('conditions are a JSON object such as {"category": "Watch"}. Received: %(text)r', text=text[:100])
        )
    return found
