"""Finding, keeping, labelling and deleting pictures."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select
from sqlalchemy.orm import Session

from tfproductgan.conditions import TEXT, fold, tidy
from tfproductgan.errors import Message
from tfproductgan.platform import audit
from tfproductgan.platform.drawing import LABEL
from tfproductgan.platform.masking import mask_text
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.tables import Picture, PictureWord
from tfproductgan.vocabulary import formed, words_of

_EXPIRED_AT_ONCE = 50  # nobody else writes to SQLite meanwhile


def find(
    session: Session,
    tenant: str,
    conditions: Mapping[str, str] | None = None,
    labels: Iterable[str] = (),
    words: Iterable[str] = (),
    model: str | None = None,
    seed: int | None = None,
    job_id: str | None = None,
    kept: bool | None = None,
    since: float | None = None,
    until: float | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Picture]:
    """Pictures of a tenant that fit all that is given, newest first.

    Args:
        session: Of the store.
        tenant: Whose pictures.
        conditions: Attribute to value, compared as names are.
        labels: Words that people gave.
        words: Values of whatever attribute, or labels.
        model: Name of the model.
        seed: Of the picture.
        job_id: Of the job that drew it.
        kept: Whether somebody wants it kept.
        since: Seconds since 1970, from which on it was drawn.
        until: Seconds since 1970, before which it was drawn.
        before: Id of the picture after which to go on.
        limit: How many at most.
    """
    columns = {"model": model, "seed": seed, "job_id": job_id, "kept": kept}
    wanted = [Picture.tenant == tenant]
    wanted += [getattr(Picture, name) == value for name, value in columns.items() if value is not None]
    for attribute, value in [*(conditions or {}).items(), *((LABEL, label) for label in labels)]:
        wanted.append(_found_by(value, PictureWord.attribute == fold(attribute), in_text=fold(attribute) == TEXT))
    wanted += [_found_by(word) for word in words]
    if since is not None:
        wanted.append(Picture.created >= since)
    if until is not None:
        wanted.append(Picture.created < until)
    if before is not None:
        wanted.append(Picture.id < before)
    return list(session.scalars(select(Picture).where(*wanted).order_by(Picture.id.desc()).limit(limit)))


def _found_by(value: str, *where: ColumnElement[bool], in_text: bool = True) -> ColumnElement[bool]:
    """That a picture has a value or, in its text, all the words of it."""
    own = PictureWord.picture_id == Picture.id
    words = words_of(formed(value)) if in_text else []
    read = [exists().where(own, PictureWord.attribute == TEXT, PictureWord.value == word[:200]) for word in words]
    return or_(exists().where(own, PictureWord.value == fold(value), *where), *([and_(*read)] if read else []))


def own_picture(session: Session, tenant: str, picture_id: str) -> Picture:
    """A picture of the tenant's.

    Raises:
        RefusedError: If there is none.
    """
    picture = session.get(Picture, picture_id)
    if picture is None or picture.tenant != tenant:
        raise RefusedError(404, Message("There is no picture %(name)r.", name=picture_id))
    return picture


def labels_of(session: Session, pictures: Sequence[Picture]) -> dict[str, list[str]]:
    """The labels of pictures, by id."""
    wanted = PictureWord.picture_id.in_([picture.id for picture in pictures]), PictureWord.attribute == LABEL
    found: dict[str, list[str]] = defaultdict(list)
    for word in session.scalars(select(PictureWord).where(*wanted).order_by(PictureWord.value)):
        found[word.picture_id].append(word.shown)
    return found


def label(session: Session, picture: Picture, labels: Sequence[str]) -> None:
    """Give a picture these labels in the place of those it had."""
    session.execute(delete(PictureWord).where(PictureWord.picture_id == picture.id, PictureWord.attribute == LABEL))
    for value, shown in {fold(text): tidy(text) for text in map(mask_text, reversed(labels)) if fold(text)}.items():
        session.add(PictureWord(picture_id=picture.id, attribute=LABEL, value=value, shown=shown))


def remove(platform: Platform, tenant: str, picture_id: str) -> None:
    """Delete a picture and its file.

    Raises:
        RefusedError: If there is none.
    """
    with platform.database.writing() as session:
        _remove(platform, session, [own_picture(session, tenant, picture_id)])


def expire(platform: Platform, days: float) -> int:
    """Delete the pictures of all tenants that are older than that and that nobody keeps; says how many.

    A tenant's audit log says how many of its pictures went.
    """
    before, count = time.time() - days * 86400, 0
    wanted = select(Picture).where(Picture.created < before, Picture.kept.is_(False)).order_by(Picture.id)
    while True:
        with platform.database.writing() as session:
            # where gateways are several, each takes what the others do not
            found = session.scalars(wanted.limit(_EXPIRED_AT_ONCE).with_for_update(skip_locked=True)).all()
            if not found:
                return count
            _remove(platform, session, found)
            for tenant, number in Counter(picture.tenant for picture in found).items():
                told = {"pictures": number, "older than days": days}
                audit.append(session, tenant, "retention", "delete pictures", "", "done", told)
        count += len(found)


def _remove(platform: Platform, session: Session, pictures: Sequence[Picture]) -> None:
    ids = [picture.id for picture in pictures]
    session.execute(delete(PictureWord).where(PictureWord.picture_id.in_(ids)))
    session.execute(delete(Picture).where(Picture.id.in_(ids)))
    for picture in pictures:
        alike = Picture.tenant == picture.tenant, Picture.digest == picture.digest, Picture.own_file == ""
        if picture.own_file or session.scalar(select(Picture.id).where(*alike).limit(1)) is None:
            platform.pictures.delete(picture.tenant, picture.file)
