"""What was found out about a model: figures that say how they were measured, as JSON and as tables for people."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tfproductgan.errors import JudgementError, nearest
from tfproductgan.metrics.attribute_accuracy import AttributeAccuracy
from tfproductgan.metrics.classification_accuracy import ClassificationAccuracy
from tfproductgan.metrics.coverage import ConditionCoverage
from tfproductgan.metrics.memorisation import MemorisationAudit
from tfproductgan.metrics.views import view_of

if TYPE_CHECKING:
    from rich.console import Group

VERSION = 1


@dataclasses.dataclass(frozen=True)
class Figure:
    """One number and everything it depends on.

    Args:
        name: What was measured, such as `"fid"`.
        extractor: Id of the network whose features were compared; `"pixels"` if none was.
        value: The number.
        n: Number of samples.
        split: The photos they were compared with.
        real: Number of those photos.
        seed: Seed of the first sample.
        better: `"lower"` or `"higher"`.
        spread: Standard deviation of the estimate, or `None`.
        interval: 95 % confidence interval, or `None`.
        floor: The same figure with real photos in place of the samples, or `None`.
        truncation: Of the samples.
    """

    name: str
    extractor: str
    value: float
    n: int
    split: str
    real: int
    seed: int
    better: str
    spread: float | None = None
    interval: tuple[float, float] | None = None
    floor: float | None = None
    truncation: float = 1.0

    @property
    def key(self) -> str:
        """The name in logs, such as `"fid@catalogue-3f2a9c"`."""
        return f"{self.name}@{self.extractor}"

    @property
    def full_name(self) -> str:
        """The name to publish, such as `"fid@catalogue-3f2a9c, n=1989, split=validation, seed=0"`."""
        name = f"{self.key}, n={self.n}, split={self.split}, seed={self.seed}"
        return name if self.truncation == 1 else f"{name}, truncation={self.truncation:g}"

    @property
    def view(self) -> str | None:
        """The view that it is a distance of, such as `"how it looks"`, if it is of one."""
        return view_of(self.name)


@dataclasses.dataclass(frozen=True)
class Judgement:
    """Everything `judge` found out about one model.

    Args:
        model_id: The model that drew the samples.
        catalogue: Fingerprint of the photos they were compared with.
        extractor: Its id.
        extractor_sha256: Hash of its weights.
        preprocessing: What it does to pictures first.
        split: The photos whose conditions were asked for and that samples were compared with.
        n: Number of samples.
        real: Number of photos in the split.
        seed: Seed of the first sample.
        truncation: Truncation of all samples.
        figures: The figures, those that sum up the parts below among them.
        limitations: What could not be measured or must be known to read the figures, one sentence each.
        attributes: Whether samples look like what was asked for, one an attribute.
        colours: The same by the colour of their pixels, one an attribute that names colours.
        coverage: How well each condition is covered, or `None`.
        memorisation: How near samples are to training photos, or `None`.
        classification: How well a classifier trained on samples knows photos, or `None`.
        seconds: Time spent on each part.
    """

    model_id: str
    catalogue: str
    extractor: str
    extractor_sha256: str
    preprocessing: str
    split: str
    n: int
    real: int
    seed: int
    truncation: float = 1.0
    figures: tuple[Figure, ...] = ()
    limitations: tuple[str, ...] = ()
    attributes: tuple[AttributeAccuracy, ...] = ()
    colours: tuple[AttributeAccuracy, ...] = ()
    coverage: ConditionCoverage | None = None
    memorisation: MemorisationAudit | None = None
    classification: ClassificationAccuracy | None = None
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)

    def figure(self, name: str) -> Figure:
        """The figure of that name or key.

        Raises:
            JudgementError: If it was not measured; the message lists the nearest names.
        """
        for figure in self.figures:
            if name in (figure.name, figure.key, figure.full_name):
                return figure
        raise JudgementError(f"There is no figure {name!r}: {nearest(name, [f.name for f in self.figures])}")

    def logs(self) -> dict[str, float]:
        """Keys and values for `metrics.jsonl` and TensorBoard, such as `{"fid@catalogue-3f2a9c": 7.9}`."""
        return {figure.key: figure.value for figure in self.figures}

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form that `from_dict` reads; figures carry their full names and views for other readers."""
        plain = dataclasses.asdict(self)
        for figure, written in zip(self.figures, plain["figures"], strict=True):
            written |= {"full_name": figure.full_name, "view": figure.view}
        return {"version": VERSION, **plain}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Judgement:
        """The judgement that `to_dict` wrote.

        Raises:
            JudgementError: If it is none or was written by a newer version.
        """
        try:
            if data["version"] > VERSION:
                raise JudgementError(
                    f"The judgement has version {data['version']}; this tfproductgan reads up to {VERSION}. "
                    "Update tfproductgan."
                )
            return _read(cls, data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, JudgementError):
                raise
            raise JudgementError(f"This is not a judgement: {error!r}") from error

    def to_json(self) -> str:
        """The judgement as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Judgement:
        """The judgement that `to_json` wrote.

        Raises:
            JudgementError: If the text is not JSON or not a judgement.
        """
        try:
            return cls.from_dict(json.loads(text))
        except json.JSONDecodeError as error:
            raise JudgementError(f"The judgement is not JSON: {error}") from error

    def table(self) -> Group:
        """Tables for people, to be printed by a `rich` console."""
        from tfproductgan.metrics.tables import judgement_tables

        return judgement_tables(self)


def _read(kind: Any, data: Any) -> Any:
    """The value of a type that `dataclasses.asdict` and JSON have made plain."""
    if dataclasses.is_dataclass(kind):
        kinds = typing.get_type_hints(kind)
        known = {field.name: _read(kinds[field.name], data[field.name]) for field in dataclasses.fields(kind)}
        return kind(**known)
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is types.UnionType:
        return None if data is None else _read(arguments[0], data)
    if typing.get_origin(kind) is tuple:
        kinds = [arguments[0]] * len(data) if arguments[-1] is Ellipsis else arguments
        return tuple(_read(each, item) for each, item in zip(kinds, data, strict=True))
    return data
