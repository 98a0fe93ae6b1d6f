"""A judgement as one HTML page that can be sent around: figures, pictures, tables and curves, and nothing loaded."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from tfproductgan.metrics.counterparts import Counterparts
from tfproductgan.metrics.judgement import Judgement
from tfproductgan.metrics.memorisation import MemorisationAudit, close_pairs
from tfproductgan.metrics.rating import RatingResult
from tfproductgan.metrics.tables import views_side_by_side
from tfproductgan.reports import charts
from tfproductgan.reports.pages import render, share, templates
from tfproductgan.sampling.files import value_names
from tfproductgan.sampling.grids import in_proportion, typical_conditions

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.models.sampler import Sampler

_ROWS, _PHOTOS, _SAMPLES = 12, 4, 8  # of the grid
_MOST_CONFUSED = 12


@dataclasses.dataclass(frozen=True)
class GridRow:
    """Photos and samples of one condition.

    Args:
        label: The condition in words.
        photos: uint8 `[N, H, W, C]`; there may be none.
        samples: uint8 `[M, H, W, C]`.
    """

    label: str
    photos: np.ndarray
    samples: np.ndarray


@dataclasses.dataclass(frozen=True)
class Report:
    """What a report shows.

    Args:
        title: What was judged, such as the run directory.
        judgement: What was found out.
        facts: More about model and photos, name to value.
        warnings: What readers must know first, whole sentences.
        grid: Photos and samples side by side.
        closest: The pairs of the memorisation audit: sample, training photo and a caption each.
        run: The run directory whose curves are shown, if it has any.
        ratings: What people said about this model.
    """

    title: str
    judgement: Judgement
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    warnings: Sequence[str] = ()
    grid: Sequence[GridRow] = ()
    closest: Sequence[tuple[np.ndarray, np.ndarray, str]] = ()
    run: Path | None = None
    ratings: Sequence[RatingResult] = ()


def report_page(report: Report) -> str:
    """The report as HTML."""
    judgement = report.judgement
    curves = charts.read_curves(report.run / "metrics.jsonl") if report.run else {}
    views, distances = views_side_by_side(judgement.figures)
    measured = judgement.coverage and any(each.measured for each in judgement.coverage.conditions)
    return render(
        "report",
        report=report,
        photos=_PHOTOS,
        samples=_SAMPLES,
        views=views,
        distances=distances,
        accuracies=[
            *((each, charts.confusion(judgement, each.attribute)) for each in judgement.attributes),
            *((each, charts.confusion(judgement, each.attribute, pixels=True)) for each in judgement.colours),
        ],
        most_confused=_MOST_CONFUSED,
        conditions=_conditions(judgement),
        conditions_chart=charts.conditions(judgement) if measured else None,
        ratings=_ratings(report.ratings),
        curves=charts.curves(report.run) if curves else None,
        curve_names=curves,
        protocol=_protocol(report),
    )


def with_ratings(html: str, results: Sequence[RatingResult]) -> str:
    """The page that `report_page` made, with other ratings."""
    start, end = html.find(_RATINGS_START), html.find(_RATINGS_END)
    if start < 0 or end < start:
        return html
    return html[:start] + str(_ratings(results)) + html[end + len(_RATINGS_END) :]


# === What is drawn for a report ===


def grid_rows(
    generator: Sampler, catalogue: Catalogue, split: str, seed: int = 0, truncation: float = 1.0
) -> list[GridRow]:
    """Photos and samples of the conditions that are worth looking at.

    Args:
        generator: The model that draws.
        catalogue: Where the photos are from.
        split: Which of them.
        seed: Seed of the first sample of a row.
        truncation: Of the samples.
    """
    schema, counterparts = catalogue.schema, Counterparts(generator, catalogue, split)
    rows = []
    ids, images = catalogue.conditions(split), catalogue.images(split)
    for conditions in typical_conditions(schema, _ROWS) or [{}]:
        found = np.flatnonzero(schema.having(ids, schema.encode(conditions)))[:_PHOTOS]
        if counterparts.takes_pictures:
            samples = counterparts.draw(counterparts.requests(found))
        else:
            samples = generator.generate(conditions or None, count=_SAMPLES, seed=seed, truncation=truncation)
        rows.append(
            GridRow(_words(conditions), *(in_proportion(p, schema) for p in (np.asarray(images[found]), samples)))
        )
    return rows


def closest_pairs(
    audit: MemorisationAudit | None, counterparts: Counterparts, catalogue: Catalogue, truncation: float = 1.0
) -> list[tuple[np.ndarray, np.ndarray, str]]:
    """The closest pairs of an audit: sample, training photo, caption."""
    if audit is None or not audit.pairs:
        return []
    captions = [
        f"{_words(pair.conditions)}. Distance {pair.distance:.3g}; "
        f"{100 * pair.quantile:.0f} % of held-out photos are nearer"
        for pair in audit.pairs
    ]
    pairs = close_pairs(audit, counterparts, catalogue, truncation)
    return [(*pair, caption) for pair, caption in zip(pairs, captions, strict=True)]


# === Sections ===


def _conditions(judgement: Judgement) -> Sequence[Sequence[Any]]:
    """Rows of the table of conditions, the least covered first, those not measured last."""
    if judgement.coverage is None:
        return []
    ordered = sorted(judgement.coverage.conditions, key=lambda c: math.inf if c.coverage is None else c.coverage)
    return [(c.name, c.asked, c.real, share(c.coverage), c.kid, c.diversity, c.real_diversity) for c in ordered]


# people answer later than figures are measured: the place is kept free
_RATINGS_START, _RATINGS_END = "<!-- ratings -->", "<!-- end of ratings -->"


def _ratings(results: Sequence[RatingResult]) -> Markup:
    section = templates().get_template("macros.html.jinja").module.ratings(results)
    return Markup(_RATINGS_START) + section + Markup(_RATINGS_END)


def _protocol(report):
    judgement = report.judgement
    return {
        **report.facts,
        "model": judgement.model_id,
        "photos": f"{judgement.real:,} of {judgement.split}, fingerprint {judgement.catalogue}",
        "samples": f"{judgement.n:,}, seeds from {judgement.seed}, truncation {judgement.truncation:g}",
        "extractor": judgement.extractor,
        "its SHA-256": judgement.extractor_sha256,
        "its preprocessing": judgement.preprocessing,
        "seconds": ", ".join(f"{part} {seconds:.1f}" for part, seconds in judgement.seconds.items()),
    }


def _words(conditions):
    return ", ".join(value_names(conditions)) or "anything"
