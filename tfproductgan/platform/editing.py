"""Pictures moved towards another value, and how much of a picture hangs on each: both by what any engine can draw.

Directions that are found from weights, and what discriminators and classifiers look at, take the weights: the command
line has them, see `engine.Model.not_here`.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image
from sqlalchemy.orm import Session

from tfproductgan.conditions import NOT_GIVEN, TEXT, PictureRequest
from tfproductgan.errors import ConditionError, Message
from tfproductgan.platform import drawing, forbidden, rollouts
from tfproductgan.platform.access.roles import Principal
from tfproductgan.platform.engine import Model
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.tables import Picture

_MOST_OTHERS = 3  # values that each of a picture's is compared with


def edit(
    platform: Platform,
    who: Principal,
    name: str,
    request: PictureRequest,
    towards: Mapping[str, str],
    steps: int,
    finish: drawing.Finish = drawing.nothing_more,
) -> list[Picture]:
    """A picture on its way to another value of one attribute, its seed and all else that was asked for held.

    Raises:
        ConditionError: If it shows that value already.
        ConditionError, RefusedError, ServingError: As `drawing.generate`.
    """
    model = rollouts.able(platform, who.tenant, name, "edit", request.conditions, request.seed)
    [start] = platform.engine.plan(model, request.conditions, 1, request.seed, request.truncation, 1)
    wanted = platform.engine.told(model, towards)
    if len(wanted) != 1:
        raise ConditionError(
            Message("An edit leads to a value of one attribute. Received: %(given)s", given=dict(towards))
        )
    end = dataclasses.replace(start, conditions={**start.conditions, **wanted})
    if model.schema.encode(end.conditions) == model.schema.encode(start.conditions):
        raise ConditionError(
            Message(
                "The picture shows %(values)s already: an edit leads to another value.",
                values=", ".join(wanted.values()),
            )
        )
    forbidden.refuse(platform, who.tenant, (start.conditions, end.conditions))
    platform.rates.pictures(who, steps)
    files = platform.engine.interpolate(model, start, end, steps)
    told = {"seed": start.seed, "truncation": start.truncation, "towards": wanted}
    details = [{**told, "strength": round(step / (steps - 1), 4)} for step in range(steps)]
    return drawing.without_seed(platform, who, model, "edit", files, [dict(start.conditions)] * steps, details, finish)


@dataclasses.dataclass(frozen=True)
class Shift:
    """How far one value, or a word of a text, moved a picture.

    Args:
        attribute: Of the value; `"text"` of a word.
        value: What was asked for.
        instead: What else was drawn in its place, the most frequent of the photos first; a word is left out.
        levels: Root mean square of 255 between the two pictures, the mean over `instead`.
        picture: The first of those others.
    """

    attribute: str
    value: str
    instead: list[str]
    levels: float
    picture: Picture


def explain(
    platform: Platform,
    who: Principal,
    name: str,
    request: PictureRequest,
    finish: Callable[[Session, Picture, list[Shift]], None] = lambda session, picture, shifts: None,
) -> tuple[Picture, list[Shift]]:
    """Draw a picture, and draw it again with other values in the place of each of its own, and without each word of its
    text: what moves it most is first.

    A served model draws what is not given, so no value can be left out of a request: others come instead.

    Raises:
        ConditionError, RefusedError, ServingError: As `drawing.generate`.
    """
    model = rollouts.able(platform, who.tenant, name, "explain", request.conditions, request.seed)
    [asked] = platform.engine.plan(model, request.conditions, 1, request.seed, request.truncation, 1)
    forbidden.refuse(platform, who.tenant, [asked.conditions])
    rules = forbidden.rules_of(platform, who.tenant)
    others = [_others(rules, model, asked, name) for name in asked.conditions if name in model.schema.names]
    others += _shortened(rules, model, asked)
    requests = [asked, *(each for other in others for each in other.requests)]
    platform.rates.pictures(who, len(requests))
    files = iter([platform.engine.draw(model, [each])[0] for each in requests])
    first = next(files)
    drawn = [(other, [next(files) for _ in other.requests]) for other in others if other.requests]
    shown = [(asked, first), *((other.requests[0], pictures[0]) for other, pictures in drawn)]
    wanted, shown_files = zip(*shown, strict=True)
    picture, *beside = drawing.pictures_of(platform, who.tenant, who.id, model, wanted, shown_files)
    shifts = []
    for (other, pictures), each in zip(drawn, beside, strict=True):
        levels = float(np.mean([_distance(first, file) for file in pictures]))
        shifts.append(Shift(other.attribute, other.value, other.instead, round(levels, 2), each))
    shifts.sort(key=lambda shift: -shift.levels)
    made = [picture, *(shift.picture for shift in shifts)]
    drawing.kept(platform, made, lambda session, pictures: finish(session, picture, shifts))
    return picture, shifts


class _Others(NamedTuple):
    """What is drawn in the place of a value, or without a word, and what stands there instead."""

    attribute: str
    value: str
    instead: list[str]
    requests: list[PictureRequest]


def _others(rules: Sequence[forbidden.Rule], model: Model, asked: PictureRequest, name: str) -> _Others:
    """The same request with the most frequent other values of an attribute, those that may be asked for."""
    place = model.schema.names.index(name)
    attribute, counts = model.schema.attributes[place], model.schema.frequencies[place].astype(float)
    counts[[NOT_GIVEN, *attribute.encode(asked.conditions[name])]] = 0
    found: list[str] = []
    for number in np.argsort(-counts, kind="stable"):
        if not counts[number] or len(found) == _MOST_OTHERS:
            break
        value = attribute.values[number - 1]
        # what else is asked for may be, that is known by now
        if not forbidden.broken(rules, name, value):
            found.append(value)
    return _Others(name, asked.conditions[name], found, [_with(asked, name, value) for value in found])


def _shortened(rules: Sequence[forbidden.Rule], model: Model, asked: PictureRequest) -> Iterator[_Others]:
    """The same request without each word of its text, where that leaves what may and can be asked for."""
    # an attribute may be called so too, where there are no texts
    words = [] if model.schema.vocabulary is None else asked.conditions.get(TEXT, "").split()
    for word in dict.fromkeys(words):
        request = _with(asked, TEXT, " ".join(each for each in words if each != word))
        try:
            ids = model.schema.encode(request.conditions)
        except ConditionError:  # nothing is left that titles have
            continue
        # without any text a served model draws what else is not given
        left = any(ids[model.schema.text_columns]) or model.schema.gives_all(ids)
        if left and not forbidden.broken(rules, TEXT, request.conditions[TEXT]):
            yield _Others(TEXT, word, [], [request])


def _with(request: PictureRequest, name: str, value: str) -> PictureRequest:
    return dataclasses.replace(request, conditions={**request.conditions, name: value})


def _distance(first: bytes, second: bytes) -> float:
    pictures = [np.asarray(Image.open(io.BytesIO(file)), np.float32) for file in (first, second)]
    return float(np.sqrt(np.mean(np.square(pictures[0] - pictures[1]))))
