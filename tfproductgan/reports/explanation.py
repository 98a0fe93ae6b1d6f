"""Why a picture is what it is, as one HTML page: what networks look at, what words moved, which photos are near."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfproductgan.metrics.attribution import COMPLETE, PAINTED, Attribution, LeftOut
from tfproductgan.metrics.memorisation import NearPhotos
from tfproductgan.reports import charts
from tfproductgan.reports.pages import render, share
from tfproductgan.sampling.grids import in_proportion

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tfproductgan.conditions import ConditionSchema


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What was found out about one picture.

    Args:
        title: What was asked for, or the file.
        picture: uint8 `[S, S, C]`.
        schema: Of the model: the proportions of its photos.
        attributions: What was scored (who, and what), and how much each pixel adds to it.
        left_out: What becomes of it without each of its attributes.
        near: The training photos nearest to it, with a caption each; `None` without photos.
        captions: Of these photos.
        facts: More about picture and model, name to value.
        notes: What could not be found out, whole sentences.
    """

    title: str
    picture: np.ndarray
    schema: ConditionSchema
    attributions: Sequence[tuple[str, Attribution]] = ()
    left_out: Sequence[LeftOut] = ()
    near: NearPhotos | None = None
    captions: Sequence[str] = ()
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    notes: Sequence[str] = ()

    def shown(self, picture: np.ndarray) -> np.ndarray:
        """A picture, or a map of its pixels, in the proportions of the photos."""
        pixels = picture if picture.ndim == 3 else picture[..., None]
        cut = in_proportion(pixels[None], self.schema)[0]
        return cut if picture.ndim == 3 else cut[..., 0]

    def incomplete(self) -> list[str]:
        """Which integrated gradients do not add up, whole sentences."""
        return [
            f"Integrated gradients of “{name}” miss the difference of scores by {100 * found.missing:.0f} %, more than "
            f"{100 * COMPLETE:.0f} %: read that map with care."
            for name, found in self.attributions
            if found.missing > COMPLETE
        ]


def explanation_figure(explanation: Explanation) -> Figure:
    """Everything on one figure."""
    show = explanation.shown
    near = explanation.near
    return charts.explanation(
        show(explanation.picture),
        [(name, show(found.gradient), show(found.integrated)) for name, found in explanation.attributions],
        [(f"without {each.value}", show(each.picture), f"moved {each.moved:.0f}") for each in explanation.left_out],
        [] if near is None else list(zip(map(show, near.photos), explanation.captions, strict=True)),
    )


def explanation_page(explanation: Explanation, figure: Figure) -> str:
    """The explanation as HTML, with what `explanation_figure` made of it."""
    scores = [
        (
            name,
            found.score,
            found.baseline_score,
            share(min(found.missing, 1.0)),
            found.steps,
            found.score - found.painted,
            found.score - found.painted_others,
        )
        for name, found in explanation.attributions
    ]
    moved = [
        (each.attribute, each.value, each.instead, each.moved, share(each.recognised), share(each.left))
        for each in explanation.left_out
    ]
    return render(
        "explanation",
        explanation=explanation,
        figure=figure,
        scores=scores,
        moved=moved,
        painted=PAINTED,
        warnings=[*explanation.notes, *explanation.incomplete()],
    )
