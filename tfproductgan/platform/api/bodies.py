"""What goes over the wire."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tfproductgan.conditions import MAX_SEED, MAX_TRUNCATION, ConditionSchema
from tfproductgan.platform.access.keys import LIMITS
from tfproductgan.platform.engine import Model
from tfproductgan.platform.jobs import queue
from tfproductgan.platform.rollouts import Versions
from tfproductgan.platform.store.tables import Job, Key, Person, Picture, RatingPage
from tfproductgan.serving.client import VersionStatus

# a NUL is no text of PostgreSQL's
Text = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
# longer than any model reads: what is too long is the model's to say
Value = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")]
Conditions = dict[Text, Value | list[Value] | None]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Truncation = Annotated[float, Field(ge=0, le=MAX_TRUNCATION)]
Version = Annotated[int, Field(ge=0, le=2**31 - 1)]
Limit = Annotated[int | None, Field(ge=1, le=2**31 - 1)]


class Body(BaseModel):
    """What is asked for; a field that there is not is a mistake, not overlooked."""

    model_config = ConfigDict(extra="forbid")


class Asked(Body):
    """One picture by name."""

    conditions: Conditions = {}
    seed: Seed = 0
    truncation: Truncation = 1.0


class Generate(Body):
    """Pictures by name; picture `i` has seed `seed + i`."""

    conditions: Conditions | list[Conditions] = {}
    count: Annotated[int | None, Field(ge=1)] = None
    seed: Seed = 0
    truncation: Truncation = 1.0


class Interpolate(Body):
    """The way from one picture to another."""

    first: Asked
    second: Asked
    steps: Annotated[int, Field(ge=2, le=64)] = 8


class Edit(Asked):
    """A picture on its way to another value, all else held: the first of `steps` as asked for, the last there."""

    towards: Annotated[dict[Text, Value], Field(min_length=1, max_length=1)]
    steps: Annotated[int, Field(ge=2, le=64)] = 5


class More(Body):
    """Others like a picture."""

    count: Annotated[int, Field(ge=1)] = 4
    seed: Seed


class Change(Body):
    """What people say of a picture; what is not given stays."""

    kept: bool | None = None
    labels: Annotated[list[Text] | None, Field(max_length=50)] = None


class JobLine(Body):
    """One line of a job."""

    conditions: Conditions = {}
    count: Annotated[int, Field(ge=1)] = 1
    seed: Seed | None = None
    truncation: Truncation = 1.0


class JobBody(Body):
    """Many pictures; lines without a seed take the next ones, from `seed` on."""

    model: Text
    name: Text = ""
    seed: Seed = 0
    rows: Annotated[list[JobLine], Field(min_length=1, max_length=100_000)]


class NewKey(Body):
    """A key for a program."""

    name: Annotated[Text, Field(min_length=1)]
    scopes: Annotated[list[Text], Field(min_length=1)]
    expires_in_hours: Annotated[float | None, Field(gt=0, le=10**6)] = None
    requests_per_minute: Limit = None
    pictures_per_day: Limit = None
    queued_pictures: Limit = None


class VersionsChosen(Body):
    """Which version of a model draws, the engine's newest if none is given, and a canary: of all requests but jobs so
    many percent go to it.
    """

    version: Version | None = None
    canary: Version | None = None
    percent: Annotated[int, Field(ge=0, le=100)] = 0


class Rotation(Body):
    """How long the old key still works."""

    overlap_hours: Annotated[float, Field(ge=0, le=24 * 90)] = 24.0


class NewPerson(Body):
    """Somebody to let in."""

    name: Annotated[Text, Field(min_length=1)]
    password: Annotated[Text, Field(min_length=1)]
    role: Text = "maker"


class ForbiddenWords(Body):
    """What nobody may ask for: values, or `attribute:value`."""

    words: Annotated[list[Text], Field(max_length=10_000)]


class PersonChange(Body):
    """What to change; what is not given stays."""

    role: Text | None = None
    password: Text | None = None
    closed: bool | None = None


class FigureShown(BaseModel):
    """What `evaluate` measured: `floor` is the same of photos in the place of samples."""

    name: str
    full_name: str
    value: float
    floor: float | None
    better: str


class CardShown(BaseModel):
    """What people have to know of a model before they use it; without `figures` nobody has measured how good it is."""

    written: str
    licence: str | None
    parameters: int
    source: str | None
    judged: str | None
    figures: list[FigureShown]
    limits: list[str]

    @classmethod
    def of(cls, model: Model) -> CardShown | None:
        """How it is shown, of a model that has one."""
        card = model.card
        if not card:
            return None
        figures = [
            FigureShown.model_validate({n: each.get(n) for n in FigureShown.model_fields}) for each in model.figures
        ]
        return cls(
            **{name: card[name] for name in ("written", "licence", "parameters", "limits")},
            source=card["data"].get("source"),
            judged=card["evaluation"].get("model_id"),
            figures=figures,
        )


class ModelShown(BaseModel):
    """A model in its own words; `card` is `null` where it was exported without one."""

    name: str
    model_id: str
    actions: list[str]
    not_here: list[str]
    translates_to: list[str]
    image_size: int
    channels: int
    attributes: list[dict[str, Any]]
    text: dict[str, Any] | None
    provenance: dict[str, Any]
    card: CardShown | None

    @classmethod
    def of(cls, model: Model) -> ModelShown:
        """How it is shown."""
        schema = model.schema
        return cls(
            name=model.name,
            model_id=model.model_id,
            actions=list(model.actions),
            not_here=list(model.not_here),
            translates_to=list(model.ways),
            image_size=schema.image_size,
            channels=schema.channels,
            attributes=[{"name": a.name, "values": list(a.values), "several": a.several} for a in schema.attributes],
            text=cls._text(schema),
            provenance=model.description.get("provenance") or {},
            card=CardShown.of(model),
        )

    @staticmethod
    def _text(schema: ConditionSchema) -> dict[str, Any] | None:
        """What is known of the titles that it learnt from, as model cards say it; `None` if it takes no text."""
        vocabulary = schema.vocabulary
        if not schema.reads_words or vocabulary is None:
            return None
        return {"titles": schema.text, "words": len(vocabulary.words), "longest": vocabulary.length}


class VersionShown(BaseModel):
    """A version of a model, and its state at the engine."""

    version: int
    state: str
    error: str


class VersionsShown(BaseModel):
    """The versions of a model, the newest first, and which of them draw."""

    items: list[VersionShown]
    version: int | None
    canary: int | None
    percent: int

    @classmethod
    def of(cls, there: Sequence[VersionStatus], chosen: Versions) -> VersionsShown:
        """How they are shown."""
        items = [VersionShown(**dataclasses.asdict(each)) for each in there]
        return cls(items=items, **dataclasses.asdict(chosen))


class Models(BaseModel):
    """All models."""

    items: list[ModelShown]


class PictureShown(BaseModel):
    """A picture; `file` is where its PNG is."""

    id: str
    kind: str
    model: str
    model_id: str
    conditions: dict[str, str]
    seed: int | None
    truncation: float | None
    details: dict[str, Any]
    created: datetime.datetime
    kept: bool
    labels: list[str]
    job: str | None
    file: str

    @classmethod
    def of(cls, picture: Picture, labels: Sequence[str] = ()) -> PictureShown:
        """How it is shown."""
        return cls(
            **{name: getattr(picture, name) for name in ("id", "kind", "model", "model_id", "conditions", "seed")},
            truncation=picture.truncation,
            details=picture.details,
            created=moment(picture.created),
            kept=picture.kept,
            labels=list(labels),
            job=picture.job_id,
            file=f"/api/v1/pictures/{picture.id}/file",
        )


class Pictures(BaseModel):
    """Pictures, newest first where they were searched for; `next` goes into `after` for those that follow."""

    items: list[PictureShown]
    next: str | None = None


class Moved(BaseModel):
    """How far a value, or a word of a text, moved a picture: `levels` of 255, root mean square, from what `instead`
    of it gives; of a word, from what is drawn without it.
    """

    attribute: str
    value: str
    instead: list[str]
    levels: float
    picture: PictureShown


class Explained(BaseModel):
    """A picture, and how much of it hangs on each thing that was asked for: most first."""

    picture: PictureShown
    moved: list[Moved]


class JobShown(BaseModel):
    """A job and how far it is."""

    id: str
    name: str
    model: str
    created: datetime.datetime
    state: str
    total: int
    waiting: int
    drawn: int
    failed: int
    cancelled: int

    @classmethod
    def of(cls, job: Job, counts: dict[str, int]) -> JobShown:
        """How it is shown."""
        state = "cancelled" if job.cancelled else "done"
        if counts[queue.WAITING]:
            state = "running" if counts[queue.DRAWN] or counts[queue.FAILED] else "waiting"
        total = sum(counts.values())
        return cls(
            id=job.id, name=job.name, model=job.model, created=moment(job.created), state=state, total=total, **counts
        )


class Jobs(BaseModel):
    """Jobs, newest first."""

    items: list[JobShown]
    next: str | None = None


class Rated(Body):
    """What a picture is taken for."""

    said: Literal["photo", "generated"]


class RatingPageShown(BaseModel):
    """A rating page, and how many people have answered."""

    page: str
    name: str
    pictures: int
    raters: int
    created: datetime.datetime

    @classmethod
    def of(cls, page: RatingPage, raters: int) -> RatingPageShown:
        """How it is shown."""
        created = moment(page.created)
        return cls(page=page.page, name=page.name, pictures=len(page.files), raters=raters, created=created)


class RatingPages(BaseModel):
    """Rating pages, newest first."""

    items: list[RatingPageShown]


class KeyShown(BaseModel):
    """A key, without its secret."""

    id: str
    name: str
    scopes: list[str]
    created: datetime.datetime
    expires: datetime.datetime | None
    requests_per_minute: int | None
    pictures_per_day: int | None
    queued_pictures: int | None

    @classmethod
    def of(cls, key: Key, **more: Any) -> Any:
        """How it is shown."""
        return cls(
            id=key.id,
            name=key.name,
            scopes=key.scopes,
            created=moment(key.created),
            expires=None if key.expires is None else moment(key.expires),
            **{name: getattr(key, name) for name in LIMITS},
            **more,
        )


class KeyMade(KeyShown):
    """A new key: the only time that its secret is shown."""

    secret: str


class Keys(BaseModel):
    """All keys of the tenant."""

    items: list[KeyShown]


class PersonShown(BaseModel):
    """Somebody who may sign in."""

    id: str
    name: str
    role: str
    created: datetime.datetime
    closed: bool

    @classmethod
    def of(cls, person: Person) -> PersonShown:
        """How they are shown."""
        created = moment(person.created)
        return cls(id=person.id, name=person.name, role=person.role, created=created, closed=person.closed is not None)


class People(BaseModel):
    """Everybody of the tenant."""

    items: list[PersonShown]


class AuditFound(BaseModel):
    """What a look through the audit log gave."""

    entries: int
    digest: str
    wrong: list[str]


class Health(BaseModel):
    """Whether something works."""

    status: str


def moment(seconds: float) -> datetime.datetime:
    """Seconds since 1970 as a time of UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
