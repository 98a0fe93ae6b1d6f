"""Rating pages (`tfproductgan evaluate --rate`) on which people of a shop tell photos from drawn pictures.

What is what stands in the key, which stays with whoever made the page: the store has pictures and answers alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections import defaultdict
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from tfproductgan.errors import Message, PhotoError, either
from tfproductgan.platform.access.roles import Principal
from tfproductgan.platform.masking import clean_photo, mask_text
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.tables import RatingAnswer, RatingPage

SAID = ("photo", "generated")
"""What an answer may be."""

KIND = "tfproductgan-ratings"
"""What files of answers call themselves, see `metrics/rating.py`."""

_BEFORE = "const shown = "
_PICTURE = re.compile(r"data:image/png;base64,(.*)", re.DOTALL)
_MOST_PICTURES = 1000


def add_page(platform: Platform, tenant: str, data: bytes, name: str) -> RatingPage:
    """Take a page that `evaluate --rate` wrote.

    Raises:
        RefusedError: If it is none, or there already.
    """
    shown = _shown(data)
    page = str(shown["page"])
    with platform.database.reading() as session:
        if session.get(RatingPage, (tenant, page)):
            raise RefusedError(409, Message("The rating page %(page)r is here already.", page=page))
    files = [platform.pictures.put(tenant, picture) for picture in shown["pictures"]]
    made = RatingPage(tenant=tenant, page=page, name=mask_text(name)[:200], files=files)
    with platform.database.writing() as session:
        session.add(made)
    return made


def own_page(session: Session, tenant: str, page: str) -> RatingPage:
    """A page of the tenant's.

    Raises:
        RefusedError: If there is none.
    """
    found = session.get(RatingPage, (tenant, page))
    if found is None:
        raise RefusedError(404, Message("There is no rating page %(page)r.", page=page))
    return found


def pages(session: Session, tenant: str) -> list[tuple[RatingPage, int]]:
    """All pages, the newest first, each with how many people answered."""
    raters = dict(
        session.execute(
            select(RatingAnswer.page, func.count(RatingAnswer.rater.distinct()))
            .where(RatingAnswer.tenant == tenant)
            .group_by(RatingAnswer.page)
        ).all()
    )
    wanted = select(RatingPage).where(RatingPage.tenant == tenant).order_by(RatingPage.created.desc())
    return [(page, raters.get(page.page, 0)) for page in session.scalars(wanted)]


def picture(platform: Platform, tenant: str, page: str, number: int) -> bytes:
    """The file of a picture, counted from 1.

    Raises:
        RefusedError: If there is none.
    """
    with platform.database.reading() as session:
        files = own_page(session, tenant, page).files
    data = platform.pictures.get(tenant, files[number - 1]) if 0 < number <= len(files) else None
    if data is None:
        raise RefusedError(404, Message("Rating page %(page)r has no picture %(number)s.", page=page, number=number))
    return data


def answer(session: Session, who: Principal, page: str, number: int, said: str) -> None:
    """Keep what somebody takes a picture for, in the place of what they said before.

    Raises:
        RefusedError: If there is no such picture or answer.
    """
    count = len(own_page(session, who.tenant, page).files)
    if not 1 <= number <= count:
        raise RefusedError(404, Message("Rating page %(page)r has no picture %(number)s.", page=page, number=number))
    if said not in SAID:
        raise RefusedError(
            422, Message("An answer is %(answers)s. Received: %(said)r", answers=either(map(repr, SAID)), said=said)
        )
    row = RatingAnswer(tenant=who.tenant, page=page, rater=_rater(who, page), number=number, said=said)
    session.merge(row)


def following(session: Session, who: Principal, page: str) -> int | None:
    """The first picture that somebody has not answered yet."""
    count = len(own_page(session, who.tenant, page).files)
    mine = RatingAnswer.tenant == who.tenant, RatingAnswer.page == page, RatingAnswer.rater == _rater(who, page)
    done = set(session.scalars(select(RatingAnswer.number).where(*mine)))
    return next((number for number in range(1, count + 1) if number not in done), None)


def answers(session: Session, tenant: str, page: str) -> list[dict[str, Any]]:
    """What everybody said, one file each, as `tfproductgan evaluate --ratings` reads them; raters have no names."""
    count = len(own_page(session, tenant, page).files)
    said: dict[str, dict[str, str]] = defaultdict(dict)
    wanted = select(RatingAnswer).where(RatingAnswer.tenant == tenant, RatingAnswer.page == page)
    for row in session.scalars(wanted.order_by(RatingAnswer.rater, RatingAnswer.number)):
        said[row.rater][str(row.number)] = row.said
    return [
        {"kind": KIND, "page": page, "rater": rater, "name": "", "count": count, "answers": given}
        for rater, given in said.items()
    ]


def remove(platform: Platform, tenant: str, page: str) -> None:
    """Delete a page, its pictures and its answers.

    Raises:
        RefusedError: If there is none.
    """
    with platform.database.writing() as session:
        found = own_page(session, tenant, page)
        session.execute(delete(RatingAnswer).where(RatingAnswer.tenant == tenant, RatingAnswer.page == page))
        session.delete(found)
        for file in found.files:
            platform.pictures.delete(tenant, file)


def _rater(who: Principal, page: str) -> str:
    """The same person on the same page, and no more than that."""
    return hashlib.sha256(f"{page} {who.id}".encode()).hexdigest()[:16]


def _shown(data: bytes) -> dict[str, Any]:
    try:
        text = data.decode("utf-8")
        shown, _ = json.JSONDecoder().raw_decode(text, text.index(_BEFORE) + len(_BEFORE))
        if shown["kind"] != KIND or not re.fullmatch(r"\w{1,64}", shown["page"]):
            raise ValueError("it is another page")
        if not 0 < len(shown["pictures"]) <= _MOST_PICTURES:
            raise ValueError(f"it has {len(shown['pictures'])} pictures; {_MOST_PICTURES} is the most")
        files = [base64.b64decode(_PICTURE.fullmatch(each)[1], validate=True) for each in shown["pictures"]]  # type: ignore[index]
        return {"page": shown["page"], "pictures": [clean_photo(file, "a picture") for file in files]}
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError, PhotoError) as error:
        raise RefusedError(
            422,
            Message(
                "This is no rating page, as tfproductgan evaluate --rate writes it: %(why)s",
                why=mask_text(str(error))[:200],
            ),
        ) from error
