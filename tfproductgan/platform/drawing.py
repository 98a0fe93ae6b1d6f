"""Asking the engine and remembering what it drew, for the API, the page and jobs alike."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy.orm import Session

from tfproductgan.conditions import TEXT, PictureRequest, fold
from tfproductgan.errors import ConditionError, Message, nearest
from tfproductgan.platform import forbidden, rollouts
from tfproductgan.platform.access.roles import Principal
from tfproductgan.platform.engine import Model
from tfproductgan.platform.masking import clean_photo
from tfproductgan.platform.signing import marked, signed
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.tables import Picture, PictureWord, insert, new_id
from tfproductgan.vocabulary import formed, words_of

PICTURE = "picture"
"""The kind of pictures that are asked for by name."""

# what comes out has up to sixteen times as many, and a served model makes it in one piece
_MOST_PIXELS_UPSCALED = 1_000_000

_writers = ThreadPoolExecutor(8, "pictures")

LABEL = ""
"""In the place of an attribute, for words that people gave a picture."""


Finish = Callable[[Session, list[Picture]], None]
"""Called with what was drawn within the transaction that keeps it, for what has to be kept with it."""


def nothing_more(session: Session, made: list[Picture]) -> None:
    """The `Finish` of who has nothing to add."""


def generate(
    platform: Platform,
    who: Principal,
    name: str,
    conditions: Any,
    count: int | None,
    seed: int,
    truncation: float,
    finish: Finish = nothing_more,
) -> list[Picture]:
    """Pictures by name.

    Raises:
        ConditionError: If a condition, the count, the seed or the truncation cannot be.
        RefusedError: If these are too many for today.
        ServingError: If the engine does not answer.
    """
    model = rollouts.able(platform, who.tenant, name, "generate", conditions, seed)
    most = platform.settings.pictures_per_request
    requests = platform.engine.plan(model, conditions, count, seed, truncation, most)
    forbidden.refuse(platform, who.tenant, [request.conditions for request in requests])
    platform.rates.pictures(who, len(requests))
    files = platform.engine.draw(model, requests)
    return kept(platform, pictures_of(platform, who.tenant, who.id, model, requests, files), finish)


def interpolate(
    platform: Platform,
    who: Principal,
    name: str,
    first: PictureRequest,
    second: PictureRequest,
    steps: int,
    finish: Finish = nothing_more,
) -> list[Picture]:
    """Pictures on the way from one request to another; raises as `generate`."""
    model = rollouts.able(platform, who.tenant, name, "interpolate", first.conditions, first.seed)
    start, end = (platform.engine.plan(model, r.conditions, 1, r.seed, r.truncation, 1)[0] for r in (first, second))
    forbidden.refuse(platform, who.tenant, (start.conditions, end.conditions))
    platform.rates.pictures(who, steps)
    files = platform.engine.interpolate(model, start, end, steps)
    told = [{"conditions": dict(e.conditions), "seed": e.seed, "truncation": e.truncation} for e in (start, end)]
    details = [{"first": told[0], "second": told[1], "step": step, "steps": steps} for step in range(steps)]
    return without_seed(platform, who, model, "interpolation", files, [{}] * steps, details, finish)


def translate(
    platform: Platform,
    who: Principal,
    name: str,
    photos: Mapping[str, bytes],
    conditions: Mapping[str, str],
    to: str = "B",
    finish: Finish = nothing_more,
    action: str = "translate",
) -> list[Picture]:
    """What a model makes of photos, which lose their metadata before and are not kept.

    `action` is what it is asked to do, in the words of `engine.ACTIONS`.

    Raises:
        PhotoError: If a file is no photo.
        ConditionError, RefusedError, ServingError: As `generate`.
    """
    model = rollouts.able(platform, who.tenant, name, action, *photos.values())
    if to not in model.ways:
        raise ConditionError(
            Message(
                "Model %(name)r does not translate to %(to)r: %(right)s",
                name=name,
                to=to,
                right=nearest(to, model.ways),
            )
        )
    clean = [clean_photo(data, file) for file, data in photos.items()]
    given = platform.engine.told(model, conditions)
    forbidden.refuse(platform, who.tenant, [given])
    platform.rates.pictures(who, len(clean))
    files = platform.engine.translate(model, clean, given, to)
    details = [{"to": to} if len(model.ways) > 1 else {}] * len(files)
    return without_seed(platform, who, model, "translation", files, [given] * len(files), details, finish)


def upscale(
    platform: Platform, who: Principal, name: str, photos: Mapping[str, bytes], finish: Finish = nothing_more
) -> list[Picture]:
    """Photos, larger; they lose their metadata before and are not kept.

    Raises:
        PhotoError: If a file is no photo, or a large one.
        ConditionError, RefusedError, ServingError: As `generate`.
    """
    model = rollouts.able(platform, who.tenant, name, "upscale", *photos.values())
    clean = [clean_photo(data, file, _MOST_PIXELS_UPSCALED) for file, data in photos.items()]
    platform.rates.pictures(who, len(clean))
    files = platform.engine.upscale(model, clean)
    return without_seed(platform, who, model, "upscaling", files, [{}] * len(files), [{}] * len(files), finish)


def pictures_of(
    platform: Platform,
    tenant: str,
    owner: str,
    model: Model,
    requests: Sequence[PictureRequest],
    files: Sequence[bytes],
    job_id: str | None = None,
) -> list[Picture]:
    """Pictures that were drawn by name, their files written; the rows are still to be added."""

    def written(request: PictureRequest, file: bytes) -> Picture:
        asked = {"conditions": dict(request.conditions), "seed": request.seed, "truncation": request.truncation}
        return _written(platform, tenant, owner, model, PICTURE, file, asked, **asked, details={}, job_id=job_id)

    return _side_by_side(written, requests, files)


def add(session: Session, pictures: Sequence[Picture]) -> None:
    """Add the rows of pictures, and by what they are found: of a text, each of its words."""
    insert(session, pictures)
    words = [
        PictureWord(picture_id=picture.id, attribute=fold(attribute)[:200], value=each, shown=value[:200])
        for picture in pictures
        for attribute, value in picture.conditions.items()
        for each in sorted(
            {part[:200] for part in (fold(value), *(words_of(formed(value)) if attribute == TEXT else ()))}
        )
    ]
    insert(session, words)


def without_seed(
    platform: Platform,
    who: Principal,
    model: Model,
    kind: str,
    files: Sequence[bytes],
    conditions: Sequence[dict[str, str]],
    details: Sequence[dict[str, Any]],
    finish: Finish,
) -> list[Picture]:
    """Keep pictures that were not drawn of a seed alone."""

    def written(file: bytes, given: dict[str, str], told: dict[str, Any]) -> Picture:
        columns = {"conditions": given, "seed": None, "truncation": None, "details": told, "job_id": None}
        said = {"conditions": given, **told}
        return _written(platform, who.tenant, who.id, model, kind, file, said, **columns)

    return kept(platform, _side_by_side(written, files, conditions, details), finish)


def kept(platform: Platform, made: list[Picture], finish: Finish) -> list[Picture]:
    """Add the rows of pictures whose files are written, and what has to be kept with them."""
    with platform.database.writing() as session:
        add(session, made)
        finish(session, made)
    return made


def _side_by_side(write: Callable[..., Picture], *columns: Sequence[Any]) -> list[Picture]:
    """Write several pictures at once: a disk or a bucket takes its time for each."""
    rows = list(zip(*columns, strict=True))
    if len(rows) == 1:
        return [write(*rows[0])]
    return list(_writers.map(lambda row: write(*row), rows))


def _written(
    platform: Platform,
    tenant: str,
    owner: str,
    model: Model,
    kind: str,
    data: bytes,
    told: Mapping[str, Any],
    **columns: Any,
) -> Picture:
    platform.metrics.pictures.labels(model.label, kind).inc()
    if kind == PICTURE:
        asked = json.dumps([columns["conditions"], columns["seed"], columns["truncation"]], sort_keys=True)
        platform.looks.add(model.label, model.model_id, asked, data)
        platform.recognition.add(model, columns["conditions"], data)
    if platform.settings.visible_mark:
        data = marked(data, platform.settings.visible_mark)
    data = signed(data, kind, model.model_id, **told)
    more = {"guessed": model.guessed(columns["conditions"]), "version": model.version}
    more = {name: value for name, value in more.items() if value}
    if platform.seal:
        data = platform.seal.sealed(data)
    return Picture(
        id=new_id(),
        tenant=tenant,
        owner=owner,
        kind=kind,
        model=model.name,
        model_id=model.model_id,
        digest=hashlib.sha256(data).hexdigest(),
        own_file=platform.pictures.put(tenant, data),
        size=len(data),
        created=time.time(),
        kept=False,
        **{**columns, "details": {**columns["details"], **more}},
    )
