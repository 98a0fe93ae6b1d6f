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

Rule = tuple[str, re.Pattern[str], str]
"""Of which attribute, what its values are searched for, and the word as somebody wrote it."""


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
    rules = rules_of(platform, tenant)
    for attribute, value in {pair for conditions in asked for pair in conditions.items()} if rules else ():
        if shown := broken(rules, attribute, value):
            raise RefusedError(
                403, f"{shown!r} may not be asked for here, and a picture would show {attribute} {value}."
            )


def rules_of(platform: Platform, tenant: str) -> list[Rule]:
    """The list, read once for many questions."""
    columns = select(ForbiddenWord.attribute, ForbiddenWord.value, ForbiddenWord.shown)
    with platform.database.engine.connect() as connection:
        rows = connection.execute(columns.where(ForbiddenWord.tenant == tenant)).all()
    # as a word of its own: who forbids `Ring` lets `Earrings` through
    return [(row.attribute, re.compile(rf"(?<!\w){re.escape(row.value)}(?!\w)"), row.shown) for row in rows]


def broken(rules: Iterable[Rule], attribute: str, value: str) -> str | None:
    """The word, as somebody wrote it, that forbids a value; `None` if it may be asked for."""
    for where, pattern, shown in rules:
        if where in (_ANY, fold(attribute)) and pattern.search(fold(value)):
            return shown
    return None


def _key(word: str) -> tuple[str, str]:
    attribute, colon, value = word.partition(":")
    return (fold(attribute)[:200], fold(value)[:200]) if colon else (_ANY, fold(word)[:200])
