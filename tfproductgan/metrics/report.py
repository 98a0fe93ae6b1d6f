"""A judgement as one HTML page that can be sent around: figures, pictures, tables and curves, and nothing loaded."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfproductgan.metrics.attribute_accuracy import AttributeAccuracy
from tfproductgan.metrics.classification_accuracy import ClassificationAccuracy
from tfproductgan.metrics.coverage import ConditionCoverage
from tfproductgan.metrics.html import (
    Share,
    charts,
    facts,
    page,
    pairs,
    percent,
    picture_row,
    section,
    shown,
    table,
    text,
    warning,
)
from tfproductgan.metrics.judgement import Judgement
from tfproductgan.metrics.memorisation import MemorisationAudit, pair_requests
from tfproductgan.metrics.rating import RatingResult
from tfproductgan.sampling.grids import in_proportion, typical_conditions
from tfproductgan.writing import read_json_lines

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
        curves: See `read_curves`.
        ratings: What people said about this model.
    """

    title: str
    judgement: Judgement
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    warnings: Sequence[str] = ()
    grid: Sequence[GridRow] = ()
    closest: Sequence[tuple[np.ndarray, np.ndarray, str]] = ()
    curves: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]] = dataclasses.field(default_factory=dict)
    ratings: Sequence[RatingResult] = ()


def report_page(report: Report) -> str:
    """The report as HTML."""
    judgement = report.judgement
    body = [
        f"<h1>{text(report.title)}</h1>",
        f'<p class="faint">{text(judgement.n)} samples of {text(judgement.model_id)} against '
        f"{text(judgement.real)} {text(judgement.split)} photos</p>",
        warning("Read this first", [*report.warnings, *judgement.limitations]),
        section("Figures", _figures(judgement.figures)),
        section(
            "Pictures",
            *(
                picture_row([("photo", row.photos, _PHOTOS), ("sample", row.samples, _SAMPLES)], row.label)
                for row in report.grid
            ),
            note=f"Left of the line up to {_PHOTOS} {judgement.split} photos, right of it samples of the same "
            f"condition with seeds from {judgement.seed}; not selected.",
        ),
        section(
            "Do samples show what was asked for?",
            *map(_attribute, judgement.attributes),
            *map(_attribute, judgement.colours),
            note="How often a classifier of the catalogue's own labels, or the colour of the pixels, recognises what "
            "was asked for. The same share of real photos is the best that can be expected.",
        ),
        section("Is every condition covered?", _coverage(judgement.coverage)),
        section("Are samples copies of training photos?", _memorisation(judgement.memorisation, report.closest)),
        section("Can samples stand in for photos?", _classification(judgement.classification)),
        _ratings(report.ratings),
        section("Curves of the training", charts(report.curves)),
        section("How this was measured", facts(_protocol(report))),
    ]
    return page(f"Judgement of {report.title}", filter(None, body))


def with_ratings(html: str, results: Sequence[RatingResult]) -> str:
    """The page that `report_page` made, with other ratings."""
    start, end = html.find(_RATINGS_START), html.find(_RATINGS_END)
    if start < 0 or end < start:
        return html
    return html[:start] + _ratings(results) + html[end + len(_RATINGS_END) :]


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
    schema = catalogue.schema
    rows = []
    ids, images = catalogue.conditions(split), catalogue.images(split)
    for conditions in typical_conditions(schema, _ROWS) or [{}]:
        wanted = np.array(schema.encode(conditions), np.int32)
        found = np.flatnonzero(((ids == wanted) | (wanted == 0)).all(axis=1))[:_PHOTOS]
        samples = generator.generate(conditions or None, count=_SAMPLES, seed=seed, truncation=truncation)
        label = ", ".join(dict.fromkeys(conditions.values())) or "anything"
        rows.append(GridRow(label, *(in_proportion(p, schema) for p in (np.asarray(images[found]), samples))))
    return rows


def closest_pairs(
    audit: MemorisationAudit | None, generator: Sampler, catalogue: Catalogue, truncation: float = 1.0
) -> list[tuple[np.ndarray, np.ndarray, str]]:
    """The closest pairs of an audit: sample, training photo, caption."""
    if audit is None or not audit.pairs:
        return []
    samples = generator.draw(pair_requests(audit, generator, truncation))
    train = catalogue.images("train")
    photos = np.stack([train[pair.photo] for pair in audit.pairs])
    samples, photos = in_proportion(samples, catalogue.schema), in_proportion(photos, catalogue.schema)
    captions = [
        f"{_words(pair.conditions)}. Distance {pair.distance:.3g}; "
        f"{100 * pair.quantile:.0f} % of held-out photos are nearer"
        for pair in audit.pairs
    ]
    return list(zip(samples, photos, captions, strict=True))


def read_curves(path: str | os.PathLike) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """The curves in a `metrics.jsonl`: a value to its lines, `training` and `validation`, of (images seen, value).

    Lines that are damaged or cut off are passed over; without a file there are no curves.
    """
    curves: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for line in read_json_lines(path):
        if "images_seen" in line:
            for name, value in line.items():
                if name not in ("images_seen", "time"):
                    kind = "validation" if name.startswith("val_") else "training"
                    points = curves.setdefault(name.removeprefix("val_"), {}).setdefault(kind, [])
                    if isinstance(value, int | float) and math.isfinite(value):
                        points.append((float(line["images_seen"]), float(value)))
    # what is known of validation photos alone is what the curves are looked at for
    return dict(sorted(curves.items(), key=lambda curve: "training" in curve[1]))


# === Sections ===


def _figures(figures):
    rows = [
        (
            figure.full_name,
            shown(figure.value) + (f" ± {shown(figure.spread)}" if figure.spread is not None else ""),
            " to ".join(map(shown, figure.interval)) if figure.interval else None,
            figure.floor,
            figure.better,
        )
        for figure in figures
    ]
    head = ("figure", "value", "95 % interval", "real against real", "better")
    return table(head, rows, numbers="lrrrl") and (
        table(head, rows, numbers="lrrrl")
        + '<p class="faint">A figure can be compared with another only if extractor, n and split are the same. '
        "“Real against real” is what real photos score in place of the samples.</p>"
    )


def _attribute(accuracy: AttributeAccuracy):
    rows = [
        (value.value, value.asked, _share(value.accuracy), value.real, _share(value.real_accuracy))
        for value in accuracy.values
    ]
    # pixels have the colours of a palette, whose names differ from those of the values also where they are right
    confused = [] if accuracy.judged_by == "pixels" else accuracy.most_confused(_MOST_CONFUSED)
    best = "" if accuracy.real_accuracy is None else f"; photos {percent(accuracy.real_accuracy)}"
    return (
        f"<h3>{text(accuracy.attribute)}, judged by {text(accuracy.judged_by)}</h3>"
        f"<p>{percent(accuracy.accuracy)} of {accuracy.asked:,} samples are recognised{best}; always answering the "
        f"most frequent value would score {percent(accuracy.chance)}. Mean over the values: "
        f"{percent(accuracy.balanced)}.</p>"
        + table((accuracy.attribute, "samples", "recognised", "photos", "photos recognised"), rows)
        + table(("asked for", "looks like", "samples"), confused, "Most frequent mistakes", numbers="llr")
    )


def _coverage(coverage: ConditionCoverage | None):
    if coverage is None:
        return ""
    findings = [
        *(f"{c.name} is missing: {percent(c.coverage)} of its photos have a sample nearby." for c in coverage.dropped),
        *(f"{c.name} has collapsed: its samples are much more alike than its photos." for c in coverage.collapsed),
    ]
    rows = [
        (c.name, c.asked, c.real, _share(c.coverage), c.kid, c.diversity, c.real_diversity)
        for c in sorted(coverage.conditions, key=lambda c: math.inf if c.coverage is None else c.coverage)
    ]
    missing = len(coverage.not_measured)
    return (
        warning("Conditions to look at", findings)
        + f"<p>Mean distance between two samples {shown(coverage.diversity)}, between two photos "
        f"{shown(coverage.real_diversity)} ({text(coverage.extractor)}). {percent(coverage.repeated)} of the samples "
        f"look like another one; of as many photos {percent(coverage.real_repeated)}.</p>"
        + table(("condition", "samples", "photos", "covered", "KID", "diversity", "of photos"), rows)
        + '<p class="faint">Covered: photos with a sample nearer than their '
        f"{coverage.neighbours}th neighbour among the photos. KID within the condition is unbiased and may be below 0."
        + (f" {missing} conditions have too few photos or samples to measure." if missing else "")
        + "</p>"
    )


def _memorisation(audit: MemorisationAudit | None, closest):
    if audit is None:
        return ""
    verdict = (
        "Samples are nearer to the training photos than photos the model has not seen, by more than chance: look at "
        "the pairs below before publishing."
        if audit.suspicious
        else "No sign of it: samples are not nearer to the training photos than photos the model has not seen."
    )
    rows = [
        ("median distance to the nearest training photo", shown(audit.median), shown(audit.heldout_median)),
        ("nearer than 99 % of the held-out photos", percent(audit.close), percent(0.01)),
        (
            "farther from it than that is from its own neighbour",
            percent(audit.authentic),
            percent(audit.heldout_authentic),
        ),
    ]
    return (
        f"<p>{text(verdict)}</p>"
        + table((f"by {audit.extractor}", f"{audit.n:,} samples", f"{audit.heldout:,} held-out photos"), rows)
        + "<h3>The closest pairs</h3>"
        + '<p class="faint">A sample left, the nearest training photo right, the closest first.</p>'
        + pairs(closest, "sample", "nearest training photo")
    )


def _classification(score: ClassificationAccuracy | None):
    if score is None:
        return ""
    rows = [
        (a.attribute, _spread(a.real), _spread(a.generated), f"{100 * a.gap:.1f} points", _spread(a.mixed),
         _spread(a.gan_test), percent(a.chance))
        for a in score.attributes
    ]  # fmt: skip
    head = ("attribute", "trained on photos", "trained on samples", "gap", "on both", "photos' on samples", "chance")
    values = [
        table(
            (a.attribute, "photos", "samples", "trained on photos", "trained on samples", "on both"),
            [(v.value, v.photos, v.samples, Share(v.real), Share(v.generated), Share(v.mixed)) for v in a.values],
            f"Recall of each {a.attribute}",
        )
        for a in score.attributes
    ]
    limits = warning("In what this differs from the protocol", score.limitations)
    return (
        f'<p class="faint">Accuracy on {score.test:,} {text(score.split)} photos of classifiers '
        f"({text(score.recipe)}) trained from scratch on {score.train:,} photos, on as many samples, or on both; "
        f"{len(score.seeds)} seeds.</p>" + limits + table(head, rows) + "".join(values)
    )


# people answer later than figures are measured: the place is kept free
_RATINGS_START, _RATINGS_END = "<!-- ratings -->", "<!-- end of ratings -->"


def _ratings(results):
    return _RATINGS_START + section("What people say", *map(_rating, results)) + _RATINGS_END


def _rating(result: RatingResult):
    def row(rate):
        low, high = rate.interval
        return (
            rate.what,
            f"{rate.count:,} of {rate.of:,}",
            Share(rate.share) if rate.of else None,
            (f"{percent(low)} to {percent(high)}"),
        )

    head = ("", "answers", "share", "95 % interval")
    shared = (
        " Intervals take all answers as independent, which those of one person are not." if result.raters > 1 else ""
    )
    return (
        f"<p>{text(result.verdict)}</p><p class='faint'>Page {text(result.page)}, {result.people}, "
        f"{result.missing} pictures without an answer.{shared}</p>"
        + table(head, map(row, result.rates))
        + table(head, [row(rate) for _, _, rate in result.by_value], "Generated pictures taken for photos")
    )


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


def _share(value):
    return None if value is None else Share(value)


def _spread(values):
    mean, deviation = 100 * float(np.mean(values)), 100 * float(np.std(values))
    return f"{mean:.1f} %" + (f" ± {deviation:.1f}" if len(values) > 1 else "")


def _words(conditions):
    return ", ".join(dict.fromkeys(conditions.values())) or "anything"
