"""A judgement as tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tfproductgan.metrics.views import VIEWS

if TYPE_CHECKING:
    from tfproductgan.metrics.attribute_accuracy import AttributeAccuracy
    from tfproductgan.metrics.classification_accuracy import ClassificationAccuracy
    from tfproductgan.metrics.coverage import ConditionCoverage, ConditionFigures
    from tfproductgan.metrics.judgement import Figure, Judgement
    from tfproductgan.metrics.memorisation import MemorisationAudit

_MOST_ROWS = 12


def judgement_tables(judgement: Judgement) -> Group:
    """Everything a person wants to see first, the limitations last."""
    shown = [*_figures(judgement), *map(_accuracy, (*judgement.attributes, *judgement.colours))]
    for part, table in (
        (judgement.coverage, _conditions),
        (judgement.memorisation, _memorisation),
        (judgement.classification, _classification),
    ):
        shown += [table(part)] if part else []
    return Group(*shown, *(Text(f"Note: {sentence}", style="yellow") for sentence in judgement.limitations))


def number(value: float | None) -> str:
    """A figure with three significant digits; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")


def percent(share: float | None) -> str:
    """A share as a percentage; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f} %"


def views_side_by_side(figures: Sequence[Figure]) -> tuple[list[str], list[list[str]]]:
    """How far samples are from photos in either view: the names of the views, and rows of a name and a cell a view.

    A view that was not measured is left out; there are no rows if none was.
    """
    found = {figure.name: figure for figure in figures}
    views = [view for view, names in VIEWS.items() if found.keys() & set(names)]
    rows = []
    for place, distance in enumerate(("Fréchet distance ↓", "kernel distance ↓")):
        pair = [found.get(VIEWS[view][place]) for view in views]
        if any(pair):
            rows += [
                [distance, *(f"{each.name} {number(each.value)}" if each else "–" for each in pair)],
                ["    95 %", *(_doubt(each) if each else "–" for each in pair)],
                ["    photos instead", *(number(each and each.floor) for each in pair)],
            ]
    if rows:
        rows.append(["by", *(next(each.extractor for each in figures if each.view == view) for view in views)])
    return views, rows


def _figures(judgement: Judgement) -> list[Table]:
    """The two views side by side, then all other figures."""
    truncation = "" if judgement.truncation == 1 else f", truncation={judgement.truncation:g}"
    title = (
        f"{judgement.model_id}: n={judgement.n:,} samples against {judgement.real:,} {judgement.split} photos, "
        f"seed={judgement.seed}{truncation}"
    )
    shown = []
    views, rows = views_side_by_side(judgement.figures)
    if rows:
        distances = _table(title, ["distance from photos", *views])
        for row in rows:
            distances.add_row(*map(escape, row))
        shown, title = [distances], "The other figures"
    table = _table(
        f"{title}, by {judgement.extractor} where nothing else is said",
        ["figure (↓ lower is better)", "value", "95 % or ±", "photos", "n"],
    )
    for figure in judgement.figures:
        if rows and figure.view:
            continue
        # the title says all of it once, so that rows fit a terminal; a figure of something else says its own
        name = figure.name if figure.extractor == judgement.extractor else figure.key
        split = "" if figure.split == judgement.split else f" {figure.split}"
        row = [number(figure.value), _doubt(figure), number(figure.floor), f"{figure.n:,}{split}"]
        table.add_row(f"{escape(name)} {_ARROWS[figure.better]}", *map(escape, row))
    return [*shown, table] if table.rows else shown


_ARROWS = {"lower": "↓", "higher": "↑"}


def _doubt(figure: Figure) -> str:
    if figure.interval:
        return f"{number(figure.interval[0])} to {number(figure.interval[1])}"
    return f"± {number(figure.spread)}" if figure.spread else ""


def _accuracy(accuracy: AttributeAccuracy) -> Table:
    table = _table(
        f"{accuracy.attribute} by {accuracy.judged_by}: {percent(accuracy.accuracy)} of {accuracy.asked:,} recognised, "
        f"photos {percent(accuracy.real_accuracy)}, chance {percent(accuracy.chance)}",
        ["value", "asked", "recognised", "photos", "recognised", "most taken for"],
    )
    asked = sorted((v for v in accuracy.values if v.asked), key=lambda value: (value.accuracy, -value.asked))
    for value in asked[:_MOST_ROWS]:
        seen = sorted(accuracy.confusion[value.value].items(), key=lambda item: -item[1])
        others = ", ".join(f"{name} {count}" for name, count in seen[:3] if name != value.value)
        counts = [f"{value.asked:,}", percent(value.accuracy), f"{value.real:,}", percent(value.real_accuracy)]
        table.add_row(escape(value.value), *counts, escape(others))
    return _more(table, len(asked), "values")


def _conditions(coverage: ConditionCoverage) -> Table:
    table = _table(
        f"Conditions by {coverage.extractor}: {len(coverage.dropped)} dropped, {len(coverage.collapsed)} collapsed, "
        f"{len(coverage.not_measured)} of {len(coverage.conditions)} not measured; repeated samples "
        f"{percent(coverage.repeated)}, photos {percent(coverage.real_repeated)}",
        ["condition", "n / photos", "covered", "kid", "diversity", "verdict"],
    )
    measured = sorted((each for each in coverage.conditions if each.measured), key=lambda each: each.coverage)
    for each in measured[:_MOST_ROWS]:
        diversity = f"{number(each.diversity)} of {number(each.real_diversity)}"
        figures = [f"{each.asked:,} / {each.real:,}", percent(each.coverage), number(each.kid), diversity]
        table.add_row(escape(each.name), *figures, _verdict(each))
    return _more(table, len(measured), "conditions")


def _verdict(condition: ConditionFigures) -> str:
    # what is dropped has often collapsed besides, which is not worth a second line
    said = next((word for word in ("dropped", "collapsed") if getattr(condition, word)), None)
    return f"[red]{said}[/]" if said else "–"


def _memorisation(audit: MemorisationAudit) -> Table:
    verdict = "[red]nearer than chance: look at the closest pairs[/]" if audit.suspicious else "no sign of copies"
    table = _table(f"Memorisation by {audit.extractor}: {verdict}", ["", "samples", "held-out photos"])
    table.add_row("number", f"{audit.n:,}", f"{audit.heldout:,}")
    table.add_row("median distance to the nearest training photo", number(audit.median), number(audit.heldout_median))
    table.add_row("nearer to the training photos than the other", percent(audit.nearer), percent(1 - audit.nearer))
    table.add_row("closer than 99 % of the held-out photos", percent(audit.close), percent(0.01))
    table.add_row("authentic", percent(audit.authentic), percent(audit.heldout_authentic))
    return table


def _classification(score: ClassificationAccuracy) -> Table:
    table = _table(
        f"Classifiers tested on {score.test:,} {score.split} photos; training sets of {score.train:,}; "
        f"seeds {', '.join(map(str, score.seeds))}",
        ["attribute", "trained on photos", "samples (CAS)", "gap", "both", "GAN-test", "chance"],
    )
    for each in score.attributes:
        figures = [mean_and_spread(values) for values in (each.real, each.generated, each.mixed, each.gan_test)]
        real, generated, mixed, gan_test = figures
        table.add_row(escape(each.attribute), real, generated, percent(each.gap), mixed, gan_test, percent(each.chance))
        for value in sorted(each.values, key=lambda value: value.generated - value.real)[:_MOST_ROWS]:
            recalls = percent(value.real), percent(value.generated), percent(value.real - value.generated)
            table.add_row(escape(f"  {value.value}"), *recalls, percent(value.mixed), "", "", style="dim")
    return table


def mean_and_spread(shares: Sequence[float]) -> str:
    """The mean of shares as a percentage, and their standard deviation if they are several."""
    return percent(float(np.mean(shares))) + (f" ± {100 * np.std(shares):.1f}" if len(shares) > 1 else "")


def _table(title: str, columns: Sequence[str]) -> Table:
    """An empty table; all columns but the first are of numbers."""
    table = Table(title=escape(title) if "[red]" not in title else title, title_justify="left", title_style="bold")
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    return table


def _more(table: Table, total: int, what: str) -> Table:
    if total > _MOST_ROWS:
        table.caption = f"the lowest {_MOST_ROWS} of {total} {what}"
        table.caption_justify = "left"
    return table
