"""Asking for pictures, and looking at those that were drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData

from tfproductgan.conditions import NOT_GIVEN, PictureRequest
from tfproductgan.errors import ConditionError, Message
from tfproductgan.platform import drawing, editing, gallery, rollouts, watching
from tfproductgan.platform.access.guard import Who, needs
from tfproductgan.platform.api.bodies import CardShown, PictureShown
from tfproductgan.platform.api.pictures import After
from tfproductgan.platform.engine import Model
from tfproductgan.platform.page.figures import ACCURACY, BETTER, MEANING
from tfproductgan.platform.page.rendering import PREFIX, TO_PREFIX, Fields, cards, conditions_of, rendered, text_of
from tfproductgan.platform.state import Here
from tfproductgan.platform.store.tables import Picture

Number = TypeVar("Number", int, float)

router = APIRouter(include_in_schema=False)

_PAGE = 48
_MOST_COMPARED = 12


@router.get("/")
@needs("models:read")
def ask(request: Request, platform: Here, who: Who, model: str = "", action: str = "") -> Response:
    """The form of what a model can, made of what it says of itself."""
    names = platform.engine.names
    chosen = rollouts.model(platform, who.tenant, model or names[0])
    most = platform.settings.pictures_per_request
    given = dict(request.query_params)  # as the link of a picture has them
    doing = action if action in chosen.actions else chosen.actions[0]
    shown: dict[str, Any] = {"model": chosen, "names": names, "action": doing, "given": given, "most": most}
    return rendered(request, "ask", prefix=PREFIX, to_prefix=TO_PREFIX, **shown)


@router.get("/models/{model}")
@needs("models:read")
def about(model: str, request: Request, platform: Here, who: Who) -> Response:
    """What a model says of itself, how it was judged, and how its pictures look."""
    chosen = rollouts.model(platform, who.tenant, model)
    schema = chosen.schema
    values = [
        (attribute.name, list(zip(attribute.values, counts[NOT_GIVEN + 1 :].tolist(), strict=True)))
        for attribute, counts in zip(schema.attributes, schema.frequencies, strict=True)
    ]
    before, now, shown = watching.references(platform), platform.looks.now(), platform.recognition.now()
    canary = platform.rollouts.of(who.tenant, model).canary
    looks: list[tuple] = []
    recognised: list[tuple] = []
    for each in [chosen, *([] if canary is None else [platform.engine.model(model, canary)])]:
        key = each.label, each.model_id
        found = (("when it was new", before.get(key)), ("now", now.get(key)))
        looks += [(each.version, words, look) for words, look in found if look]
        recognised += [(each.version, *pair) for pair in shown.get(key, {}).items()]
    photos = sum(count for _, count in schema.combinations)
    recipe = (chosen.description.get("provenance") or {}).get("recipe") or {}
    watched: dict[str, Any] = {"looks": looks, "recognised": recognised, "photos": photos, "recipe": recipe.get("name")}
    told: dict[str, Any] = {"card": CardShown.of(chosen), "meaning": MEANING, "accuracy": ACCURACY, "better": BETTER}
    return rendered(request, "model", model=chosen, values=values, **watched, **told)


@router.post("/page/models/{model}/generate")
@needs("pictures:make")
def generate(model: str, request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """Pictures by name, as a grid."""
    chosen = rollouts.model(platform, who.tenant, model)
    asked = conditions_of(chosen, fields)
    count, seed = (_number(fields, name, int) for name in ("count", "seed"))
    request.state.audited = {"conditions": asked, "count": count, "seed": seed}
    made = drawing.generate(platform, who, model, asked, count, seed, _number(fields, "truncation", float))
    return cards(request, made)


@router.post("/page/models/{model}/interpolate")
@needs("pictures:make")
def interpolate(model: str, request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """The way from one picture to another, as a grid."""
    chosen = rollouts.model(platform, who.tenant, model)
    first, second = _request(chosen, fields), _request(chosen, fields, TO_PREFIX, "to seed")
    request.state.audited = {"first": first.conditions, "second": second.conditions}
    return cards(request, drawing.interpolate(platform, who, model, first, second, _number(fields, "steps", int)))


@router.post("/page/models/{model}/edit")
@needs("pictures:make")
def edit(model: str, request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """A picture on its way to another value, as a grid."""
    asked = _request(rollouts.model(platform, who.tenant, model), fields)
    towards = {text_of(fields, "attribute"): text_of(fields, "value")}
    request.state.audited = {"conditions": asked.conditions, "seed": asked.seed, "towards": towards}
    return cards(request, editing.edit(platform, who, model, asked, towards, _number(fields, "steps", int)))


@router.post("/page/models/{model}/explain")
@needs("pictures:make")
def explain(model: str, request: Request, platform: Here, who: Who, fields: Fields) -> Response:
    """A picture, and how much of it hangs on each thing that was asked for."""
    asked = _request(rollouts.model(platform, who.tenant, model), fields)
    request.state.audited = {"conditions": asked.conditions, "seed": asked.seed}
    picture, shifts = editing.explain(platform, who, model, asked)
    shown = [(shift, PictureShown.of(shift.picture)) for shift in shifts]
    return rendered(request, "explained", item=PictureShown.of(picture), shifts=shown)


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
    return rendered(request, template, items=items, next=following, words=words, kept=bool(kept), choosable=True)


@router.get("/compare")
@needs("pictures:read")
def compare(request: Request, platform: Here, who: Who) -> Response:
    """Some pictures of the gallery, side by side."""
    chosen = request.query_params.getlist("id")[:_MOST_COMPARED]
    with platform.database.reading() as session:
        found = [gallery.own_picture(session, who.tenant, picture_id) for picture_id in chosen]
        labels = gallery.labels_of(session, found)
    items = [PictureShown.of(picture, labels.get(picture.id, ())) for picture in found]
    return rendered(request, "compare", items=items, next=None)


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
        raise ConditionError(Message("A %(kind)s has no others like it.", kind=picture.kind))
    first = picture.seed + 1
    made = drawing.generate(platform, who, picture.model, picture.conditions, 4, first, picture.truncation)
    return cards(request, made)


@router.delete("/page/pictures/{picture_id}")
@needs("pictures:change")
def delete(picture_id: str, platform: Here, who: Who) -> Response:
    """Delete a picture; nothing takes its place."""
    gallery.remove(platform, who.tenant, picture_id)
    return Response("", media_type="text/html")


def _request(model: Model, fields: FormData, prefix: str = PREFIX, seed: str = "seed") -> PictureRequest:
    truncation = _number(fields, "truncation", float)
    return PictureRequest(conditions_of(model, fields, prefix), _number(fields, seed, int), truncation)


def _number(fields: FormData, name: str, kind: Callable[[str], Number]) -> Number:
    try:
        return kind(text_of(fields, name))
    except ValueError:
        said = Message("%(name)s is a number. Received: %(text)r", name=name, text=text_of(fields, name))
        raise ConditionError(said) from None
