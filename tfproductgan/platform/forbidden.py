"""What nobody of a shop may ask for: words, each the value of any attribute or, as `colour:Gold`, of one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tfproductgan.conditions import fold, tidy
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.tables import ForbiddenWord

_ANY = ""  # in the place of an attribute


def words(session: Session, tenant: str) -> list[str]:
    """The list, as somebody wrote it."""
    wanted = select(ForbiddenWord).where(ForbiddenWord.tenant == tenant)
    return [row.shown for row in session.scalars(wanted.order_by(ForbiddenWord.attribute, ForbiddenWord.value))]


def set_words(session: Session, tenant: str, shown: Iterable[str]) -> None:
    """Put a list in the place of the one there is."""
    session.execute(delete(ForbiddenWord).where(ForbiddenWord.tenant == tenant))
    rows = {_key(word): tidy(word) for word in shown}
    for (attribute, value), word in rows.items():
        if value:
            session.add(ForbiddenWord(tenant=tenant, attribute=attribute, value=value, shown=word))


def refuse(platform: Platform, tenant: str, asked: Iterable[Mapping[str, str]]) -> None:
    """Let conditions through, or not: those too that a model would draw because nobody gave them.

    Raises:
        RefusedError: If one of them is forbidden.
    """
    columns = select(ForbiddenWord.attribute, ForbiddenWord.value, ForbiddenWord.shown)
    with platform.database.engine.connect() as connection:
        rows = connection.execute(columns.where(ForbiddenWord.tenant == tenant)).all()
    if not rows:
        return
    # as a word of its own: who forbids `Ring` lets `Earrings` through
    patterns = [(row.attribute, re.compile(rf"(?<!\w){re.escape(row.value)}(?!\w)"), row.shown) for row in rows]
    for attribute, value in {pair for conditions in asked for pair in conditions.items()}:
        for where, pattern, shown in patterns:
            if where in (_ANY, fold(attribute)) and pattern.search(fold(value)):
                raise RefusedError(
                    403, f"{shown!r} may not be asked for here, and a picture would show {attribute} {value}."
                )


def _key(word: str) -> tuple[str, str]:
    attribute, colon, value = word.partition(":")
    return (fold(attribute)[:200], fold(value)[:200]) if colon else (_ANY, fold(word)[:200])
