"""From words to a request: "ring, gold, side view, seed 7" says which conditions and which seed.

Words are looked up among the values of all attributes, longest match first, so that nobody has to name the
attributes. A value that several attributes share needs its attribute's name only where the photos leave a choice:
if all that are of the material gold are of the colour gold, "gold" says the colour whichever was meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tfproductgan.conditions import SEPARATOR, SEPARATORS, Conditions, ConditionSchema, fold, tidy
from tfproductgan.errors import ConditionError, nearest

# "=", "+" and commas are words of their own: "colour=gold" names the attribute, and no value reaches across a comma
# unless it has one itself
_WORD = re.compile(rf"[{SEPARATORS}=+]|[^\s{SEPARATORS}=+]+")

Meanings = Sequence[tuple[str, str]]


def parse_request(
    text: str, schema: ConditionSchema, given: Conditions | None = None
) -> tuple[dict[str, str], int | None]:
    """Look up the words of a request among the values that a schema knows.

    Args:
        text: Value names in any order and case, separated by spaces, commas or `+`; several of an attribute that takes
            several. A value may be followed by its attribute's name (`"side view"`, `"gold colour"`) or preceded by it
            and `=` (`"colour=gold"`). `"seed 7"` gives the seed.
        schema: The schema that has the attributes.
        given: Conditions known beforehand, which the words add to.

    Returns:
        The conditions, attribute name to value name as the schema spells them, several with commas between, and the
        seed, or `None` if the text has none.

    Raises:
        ConditionError: If a word is no value, it cannot be told which attribute's value it is, an attribute
            gets more values than a picture has, or the seed is no whole number from 0.

    Example:
    ```python
    parse_request("sports shoes, gold, seed 7", schema)   # ({"type": "Sports Shoes", "colour": "Gold"}, 7)
    ```
    """
    phrases = _phrases(schema)
    longest_first = "|".join(map(re.escape, sorted(phrases, key=len, reverse=True))) or "(?!)"
    known = re.compile(rf"(?<!\S)(?:({longest_first})|(seed)(?: =)?(?: (\S+))?|[{SEPARATORS}+])(?!\S)")
    words, folded = _words(tidy(text)), _words(fold(text))
    if len(words) != len(folded):  # letters that are folded to several
        words = folded
    conditions = schema.values_of(schema.encode(given))
    shared: list[tuple[str, Meanings]] = []
    seed: int | None = None
    end = 0
    for match in known.finditer(folded):
        _refuse_unknown(words[end : match.start()].strip(), schema)
        end = match.end()
        phrase, is_seed, number = match.groups()
        if phrase and len(phrases[phrase]) == 1:
            _add(conditions, phrases[phrase], schema)
        elif phrase:
            shared.append((words[match.start() : end], phrases[phrase]))
        elif is_seed:
            seed = _seed(number or "nothing")
    _refuse_unknown(words[end:].strip(), schema)
    # last, since what else was said may leave only one attribute without a value
    for phrase, meanings in shared:
        _add(conditions, _meant(phrase, meanings, conditions, schema), schema)
    return {name: SEPARATOR.join(values) for name, values in conditions.items()}, seed


def _phrases(schema: ConditionSchema) -> dict[str, list[tuple[str, str]]]:
    """Every phrase that means something, with its meanings as pairs of attribute and value."""
    phrases: dict[str, list[tuple[str, str]]] = {}
    for attribute in schema.attributes:
        for value in attribute.values:
            for phrase in (value, f"{value} {attribute.name}", f"{attribute.name} = {value}"):
                phrases.setdefault(_words(fold(phrase)), []).append((attribute.name, value))
    return phrases


def _words(text: str) -> str:
    """A text with one space between its words."""
    return " ".join(_WORD.findall(text))


def _add(conditions: dict[str, list[str]], meanings: Meanings, schema: ConditionSchema) -> None:
    for name, value in meanings:
        values = conditions.setdefault(name, [])
        if value not in values:
            schema.attribute(name).encode([*values, value])  # knows how many a picture has
            values.append(value)


def _meant(phrase: str, meanings: Meanings, conditions: Mapping[str, list[str]], schema: ConditionSchema) -> Meanings:
    """Of several meanings of a phrase, those that hold whichever was meant."""
    open_ones = [
        (name, value)
        for name, value in meanings
        if len({*conditions.get(name, []), value}) <= schema.attribute(name).several
    ]
    if len(open_ones) < 2:
        return open_ones or meanings
    photos = [schema.values_of(ids) for ids, _ in schema.combinations]
    certain = [
        (name, value) for name, value in open_ones if all(_implies(photos, other, (name, value)) for other in open_ones)
    ]
    if not certain:
        names = [name for name, _ in open_ones]
        example = f"'{names[0]}={open_ones[0][1]}'"
        raise ConditionError(
            f"{phrase!r} is a value of {' and '.join(map(repr, names))}. "
            f"Say which one, such as {example} (or --set {example})."
        )
    return certain


def _implies(photos: Sequence[Mapping[str, list[str]]], one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether there are photos with one condition and all of them have the other too."""
    found = [photo for photo in photos if one[1] in photo.get(one[0], [])]
    return bool(found) and all(other[1] in photo.get(other[0], []) for photo in found)


def _seed(received: str) -> int:
    if not (received.isascii() and received.isdigit()):
        raise ConditionError(f"After 'seed' comes a whole number from 0, such as 'seed 7'. Received: {received!r}")
    return int(received)


def _refuse_unknown(words: str, schema: ConditionSchema) -> None:
    if not words:
        return
    if not schema.attributes:
        raise ConditionError(f"This model has no attributes to ask for, only seeds. Received: {words!r}")
    if "=" in words:
        name, _, value = words.partition("=")
        schema.encode({name.strip(): value.strip()})  # knows which of the two is wrong
    values = dict.fromkeys(value for attribute in schema.attributes for value in attribute.values)
    names = ", ".join(attribute.name for attribute in schema.attributes)
    raise ConditionError(f"{words!r} is no value of {names}: {nearest(words, values)}")
