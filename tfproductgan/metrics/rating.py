"""Judging by people: what the answers to a page of photos and generated pictures say (`reports.rating_page`).

The page does not know which pictures are generated: that is in the key, a file of its own which whoever rates should
not see. The browser saves the answers as a JSON file.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfproductgan.conditions import values_in
from tfproductgan.errors import JudgementError
from tfproductgan.metrics.distances import wilson_interval
from tfproductgan.writing import replace_file

KEY_KIND, ANSWERS_KIND = "tfproductgan-rating-key", "tfproductgan-ratings"
PHOTO, GENERATED = "photo", "generated"


@dataclasses.dataclass(frozen=True)
class RatingKey:
    """What the pictures of one page are.

    Args:
        page: Id of the page.
        model_id: The model that drew the generated ones.
        catalogue: Fingerprint of the photos.
        split: Where the photos are from.
        seed: Decides photos, order and generated pictures.
        pictures: Id of a picture on the page to what it is: `"generated"`, a bool, and `"conditions"`, words, or
            lists of them where a picture has several values.
        truncation: Of the generated pictures.
    """

    page: str
    model_id: str
    catalogue: str
    split: str
    seed: int
    pictures: Mapping[str, Mapping[str, Any]]
    truncation: float = 1.0

    def write(self, path: str | os.PathLike) -> Path:
        """Write the key as JSON, whole or not at all."""
        data = json.dumps({"kind": KEY_KIND, **dataclasses.asdict(self)}, indent=1, ensure_ascii=False)
        return replace_file(path, lambda file: file.write_text(data, encoding="utf-8"))

    @classmethod
    def read(cls, path: str | os.PathLike) -> RatingKey:
        """The key that `write` wrote.

        Raises:
            JudgementError: If it is none.
        """
        data = _read(path, KEY_KIND, "the key of a rating page")
        try:
            return cls(**data)
        except TypeError as error:
            raise JudgementError(f"{str(path)!r} is no key of a rating page: {error}.") from error


@dataclasses.dataclass(frozen=True)
class Rate:
    """How often something happened, and how sure that is.

    Args:
        what: In words.
        count: How often it did.
        of: How often it could have.
        interval: 95 % confidence interval of the share, after Wilson.
    """

    what: str
    count: int
    of: int
    interval: tuple[float, float]

    @property
    def share(self) -> float:
        """From 0 to 1; NaN if it could not have happened."""
        return self.count / self.of if self.of else math.nan


@dataclasses.dataclass(frozen=True)
class RatingResult:
    """What people's answers say about a model.

    Args:
        page: Id of the page.
        model_id: The model.
        raters: How many people answered.
        missing: Pictures that were shown but not answered, over all raters.
        told_apart: How often the answer was right; a half is guessing.
        taken_for_photos: How often generated pictures were taken for photos.
        photos_believed: How often photos were taken for photos: what the one above can reach.
        by_value: `taken_for_photos` for each value of each attribute: names of attribute and value, and the rate.
    """

    page: str
    model_id: str
    raters: int
    missing: int
    told_apart: Rate
    taken_for_photos: Rate
    photos_believed: Rate
    by_value: tuple[tuple[str, str, Rate], ...]

    @property
    def people(self) -> str:
        """How many answered, in words."""
        return f"{self.raters} {'person' if self.raters == 1 else 'people'}"

    @property
    def rates(self) -> tuple[Rate, ...]:
        """The three that matter."""
        return self.taken_for_photos, self.photos_believed, self.told_apart

    @property
    def verdict(self) -> str:
        """One sentence."""
        low, high = self.told_apart.interval
        if low > 0.5:
            right = _percent(self.told_apart.share)
            return f"People tell generated pictures from photos: {right} of the answers are right."
        if high < 0.5:
            return "People take generated pictures for photos more often than photos: look at the pictures' borders."
        return (
            f"These answers do not show that people can tell generated pictures from photos ({_percent(low)} to "
            f"{_percent(high)} right, 50 % is guessing)."
        )

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in ("page", "model_id", "raters", "missing")}
        for name in ("told_apart", "taken_for_photos", "photos_believed"):
            rate = getattr(self, name)
            share = rate.share if rate.of else None
            plain[name] = {"count": rate.count, "of": rate.of, "share": share, "interval": list(rate.interval)}
        return plain


# === The answers ===


def read_ratings(files: Sequence[str | os.PathLike], key: RatingKey) -> RatingResult:
    """What answers to one page say.

    Args:
        files: What browsers saved, one a rater. Of several by the same rater the fullest counts.
        key: What the pictures are.

    Raises:
        JudgementError: If a file is no such answers, or is of another page.
    """
    raters: dict[str, dict[str, str]] = {}
    for path in files:
        data = _read(path, ANSWERS_KIND, "the answers that a rating page saves")
        answers = _checked_answers(path, data, key)
        rater = str(data.get("rater") or path)
        if len(answers) >= len(raters.get(rater, {})):
            raters[rater] = answers
    if not any(raters.values()):
        raise JudgementError(f"There are no answers in {', '.join(map(repr, map(str, files))) or 'no files'}.")
    # of each answer: what the picture is, and whether it was taken for a photo
    answers = [(key.pictures[i], said == PHOTO) for given in raters.values() for i, said in given.items()]
    taken = [(fact["conditions"], said_photo) for fact, said_photo in answers if fact["generated"]]
    values = sorted(
        {(name, value) for conditions, _ in taken for name, cell in conditions.items() for value in values_in(cell)}
    )
    return RatingResult(
        page=key.page,
        model_id=key.model_id,
        raters=sum(map(bool, raters.values())),
        missing=len(raters) * len(key.pictures) - len(answers),
        told_apart=_rate("answers that are right", [said != fact["generated"] for fact, said in answers]),
        taken_for_photos=_rate("generated pictures taken for photos", [said for _, said in taken]),
        photos_believed=_rate("photos taken for photos", [said for fact, said in answers if not fact["generated"]]),
        by_value=tuple(
            (
                name,
                value,
                _rate(
                    f"{name} {value}", [said for conditions, said in taken if value in values_in(conditions.get(name))]
                ),
            )
            for name, value in values
        ),
    )


def page_of(path: str | os.PathLike) -> str:
    """The id of the page that answers are for.

    Raises:
        JudgementError: If the file is no such answers.
    """
    return str(_read(path, ANSWERS_KIND, "the answers that a rating page saves").get("page"))


def _checked_answers(path, data, key):
    if data.get("page") != key.page:
        raise JudgementError(f"{str(path)!r} has answers to page {data.get('page')}, and this key is of {key.page}.")
    answers = data.get("answers")
    if not isinstance(answers, dict):
        raise JudgementError(f"{str(path)!r} has no answers in it.")
    for number, said in answers.items():
        if number not in key.pictures:
            raise JudgementError(
                f"{str(path)!r} has an answer for picture {number}, and there are {len(key.pictures)}."
            )
        if said not in (PHOTO, GENERATED):
            raise JudgementError(
                f"{str(path)!r} says of picture {number} {said!r}; an answer is {PHOTO!r} or {GENERATED!r}."
            )
    return answers


def _read(path, kind, what):
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise JudgementError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise JudgementError(f"{str(path)!r} is not JSON, so not {what}.") from error
    if not isinstance(data, dict) or data.pop("kind", None) != kind:
        raise JudgementError(f"{str(path)!r} is not {what}.")
    return data


def _rate(what, answers):
    """The rate of what is true."""
    return Rate(what, sum(answers), len(answers), wilson_interval(sum(answers), len(answers)))


def _percent(share):
    return f"{100 * share:.0f} %"
