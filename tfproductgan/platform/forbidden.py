"""What nobody of a shop may ask for: words, each the value of any attribute or, as `colour:Gold`, of one.

A text does not say of which attribute its words are, so in texts all are looked for: as whole words, whatever their
case, their signs, and whether there is one of a thing or several.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from tfproductgan.conditions import TEXT, fold, tidy
from tfproductgan.errors import Message
from tfproductgan.platform.problems import RefusedError
from tfproductgan.platform.state import Platform
from tfproductgan.platform.store.tables import ForbiddenWord
from tfproductgan.vocabulary import formed, words_of

# as a table and made once: every request that draws asks this
_COLUMNS = ForbiddenWord.__table__.c
_OF_TENANT = select(_COLUMNS.attribute, _COLUMNS.value, _COLUMNS.shown).where(_COLUMNS.tenant == bindparam("tenant"))

_ANY = ""  # in the place of an attribute

Words = tuple[frozenset[str], ...]
"""The words of a text, each as all that it could be the plural of, itself among them."""

# scripts without spaces between words: a letter is a word, and so are kana between other letters
_SPACELESS = re.compile(
    "[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
    "|[\u30a0-\u30ff]+|[\u3040-\u309f]+"
)
_PLURALS = (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", ""), ("men", "man"))
_IRREGULAR = {"children": "child", "people": "person", "feet": "foot", "teeth": "tooth", "mice": "mouse"}


class Rule(NamedTuple):
    """Of which attribute a word is, what its values are searched for, what texts are, and how somebody wrote it."""

    attribute: str
    pattern: re.Pattern[str]
    words: Words
    shown: str


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
            if fold(attribute) == TEXT:
                raise RefusedError(
                    403, Message("%(word)r may not be asked for here, and the text says it.", word=shown)
                )
            raise RefusedError(
                403,
                Message(
                    "%(word)r may not be asked for here, and a picture would show %(attribute)s %(value)s.",
                    word=shown,
                    attribute=attribute,
                    value=value,
                ),
            )


def rules_of(platform: Platform, tenant: str) -> list[Rule]:
    """The list, read once for many questions."""
    with platform.database.engine.connect() as connection:
        rows = connection.execute(_OF_TENANT, {"tenant": tenant}).all()
    return [_rule(*row) for row in rows]


def broken(rules: Iterable[Rule], attribute: str, value: str) -> str | None:
    """The word, as somebody wrote it, that forbids a value; `None` if it may be asked for."""
    if fold(attribute) == TEXT:
        text = _words(value)
        all_words = frozenset().union(*text)
        return next((rule.shown for rule in rules if _says(text, all_words, rule.words)), None)
    for rule in rules:
        if rule.attribute in (_ANY, fold(attribute)) and rule.pattern.search(fold(value)):
            return rule.shown
    return None


@functools.lru_cache(2**14)
def _rule(attribute: str, value: str, shown: str) -> Rule:
    # as a word of its own: who forbids `Ring` lets `Earrings` through
    return Rule(attribute, re.compile(rf"(?<!\w){re.escape(value)}(?!\w)"), _words(value), shown)


def _words(text: str) -> Words:
    words = words_of(formed(unicodedata.normalize("NFKC", text)))
    return tuple(_singulars(part) for word in words for part in _SPACELESS.sub(r" \g<0> ", word).split())


def _singulars(word: str) -> frozenset[str]:
    found = {word, _IRREGULAR.get(word, word)}
    found |= {
        word.removesuffix(ending) + one for ending, one in _PLURALS if len(word) > len(ending) and word.endswith(ending)
    }
    return frozenset(found)


def _says(text: Words, all_words: frozenset[str], wanted: Words) -> bool:
    """Whether the wanted words follow each other in a text."""
    if not wanted or all_words.isdisjoint(wanted[0]):
        return False
    starts = range(len(text) - len(wanted) + 1)
    return any(not any(map(frozenset.isdisjoint, text[at:], wanted)) for at in starts)


def _key(word: str) -> tuple[str, str]:
    attribute, colon, value = word.partition(":")
    return (fold(attribute)[:200], fold(value)[:200]) if colon else (_ANY, fold(word)[:200])
