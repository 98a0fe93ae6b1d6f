"""From words to a request: "ring, gold, side view, seed 7" says which conditions and which seed.

Words are looked up among the values of all attributes, longest match first, so that nobody has to name the
attributes. Only a value that several attributes share needs its attribute's name.
"""

from __future__ import annotations

import re

from tfproductgan.conditions import ConditionSchema
from tfproductgan.errors import ConditionError, nearest

# "=" and "," are words of their own: "colour=gold" names the attribute, and no value reaches across a comma
# unless it has one itself
_TOKEN = re.compile(r"[,;=]|[^\s,;=]+")
_SEPARATORS = {",", ";"}

Tokens = tuple[str, ...]


def parse_request(text: str, schema: ConditionSchema) -> tuple[dict[str, str], int | None]:
    """Look up the words of a request among the values that a schema knows.

    Args:
        text: Value names in any order and case, separated by spaces or commas. A value may be followed by its
            attribute's name (`"side view"`, `"gold colour"`) or preceded by it and `=` (`"colour=gold"`).
            `"seed 7"` gives the seed.
        schema: The schema that has the attributes.

    Returns:
        The conditions, attribute name to value name as the schema spells them, and the seed, or `None` if the
        text has none.

    Raises:
        ConditionError: If a word is no value, a value belongs to several attributes, an attribute gets two
            values, or the seed is no whole number from 0.

    Example:
    ```python
    parse_request("sports shoes, gold, seed 7", schema)   # ({"type": "Sports Shoes", "colour": "Gold"}, 7)
    ```
    """
    phrases = _phrases(schema)
    longest = max(map(len, phrases), default=0)
    words = _TOKEN.findall(text)
    folded = [word.casefold() for word in words]
    conditions: dict[str, str] = {}
    seed: int | None = None
    unknown: list[str] = []
    position = 0
    while position < len(words):
        length = _match(folded, position, phrases, longest)
        ends_unknown = bool(length) or folded[position] in (_SEPARATORS | {"seed"})
        if unknown and ends_unknown:
            raise _unknown(" ".join(unknown), schema)
        if length:
            meanings = phrases[tuple(folded[position : position + length])]
            _add(conditions, meanings, " ".join(words[position : position + length]))
            position += length
        elif folded[position] == "seed":
            seed, position = _seed(words, position + 1)
        else:
            if folded[position] not in _SEPARATORS:
                unknown.append(words[position])
            position += 1
    if unknown:
        raise _unknown(" ".join(unknown), schema)
    return conditions, seed


def _phrases(schema: ConditionSchema) -> dict[Tokens, list[tuple[str, str]]]:
    """Every phrase that means something, with its meanings as pairs of attribute and value."""
    phrases: dict[Tokens, list[tuple[str, str]]] = {}
    for attribute in schema.attributes:
        name = _tokens(attribute.name)
        for value in attribute.values:
            alone = _tokens(value)
            for phrase in (alone, alone + name, (*name, "=", *alone)):
                phrases.setdefault(phrase, []).append((attribute.name, value))
    return phrases


def _tokens(name: str) -> Tokens:
    return tuple(_TOKEN.findall(name.casefold()))


def _match(folded: list[str], position: int, phrases: dict[Tokens, list[tuple[str, str]]], longest: int) -> int:
    """Number of words of the longest phrase that starts at a position, 0 if none does."""
    for length in range(min(longest, len(folded) - position), 0, -1):
        if tuple(folded[position : position + length]) in phrases:
            return length
    return 0


def _add(conditions: dict[str, str], meanings: list[tuple[str, str]], words: str) -> None:
    if len(meanings) > 1:
        names = [name for name, _ in meanings]
        raise ConditionError(
            f"{words!r} is a value of {' and '.join(map(repr, names))}. Say which one, "
            f"such as '{names[0]}={meanings[0][1]}' (or --set '{names[0]}={meanings[0][1]}')."
        )
    [(name, value)] = meanings
    if conditions.setdefault(name, value) != value:
        raise ConditionError(f"One picture has one {name}. Received: {conditions[name]!r} and {value!r}")


def _seed(words: list[str], position: int) -> tuple[int, int]:
    """The seed that stands at a position, with or without `=` before it, and the position after it."""
    if position < len(words) and words[position] == "=":
        position += 1
    received = words[position] if position < len(words) else "nothing"
    if not (received.isascii() and received.isdigit()):
        raise ConditionError(f"After 'seed' comes a whole number from 0, such as 'seed 7'. Received: {received!r}")
    return int(received), position + 1


def _unknown(words: str, schema: ConditionSchema) -> ConditionError:
    if not schema.attributes:
        return ConditionError(f"This model has no attributes to ask for, only seeds. Received: {words!r}")
    if "=" in words:
        name, _, value = words.partition("=")
        schema.encode({name.strip(): value.strip()})  # knows which of the two is wrong
    values = dict.fromkeys(value for attribute in schema.attributes for value in attribute.values)
    names = ", ".join(attribute.name for attribute in schema.attributes)
    return ConditionError(f"{words!r} is no value of {names}: {nearest(words, values)}")
