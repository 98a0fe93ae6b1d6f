"""`tfproductgan compare`: what `evaluate` found out about several runs, side by side."""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tfproductgan.cli.evaluate import METRICS
from tfproductgan.errors import RunError
from tfproductgan.metrics.views import SIDE_BY_SIDE, Interval, both_views, contradiction, view_of
from tfproductgan.writing import read_json, read_json_lines, refuse_to_overwrite, write_text

HELP = """\
Put runs side by side: what they differ in, what evaluate found out about each, and their curves.

  tfproductgan compare runs/small runs/large
  tfproductgan compare runs/* --out comparison.html     with curves and sample grids, as one file

Figures stand in one row only if extractor, photos, number of samples, split and seed are the same. Distances come in
two views, what is shown and how it looks; a line says if these order two runs differently."""

_DASH = "–"


class Run(NamedTuple):
    """What is known of one run; plain data as its files hold it."""

    name: str
    path: Path
    recipe: Mapping[str, Any]
    images_seen: int | None
    judgement: Mapping[str, Any]
    ratings: Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run directories, at least two")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write an HTML file with curves and grids")
    parser.add_argument("--overwrite", action="store_true", help="replace a file of that name")


def run(args: argparse.Namespace) -> int:
    """Read, compare, print."""
    if len(args.runs) < 2:
        raise RunError(f"There is nothing to compare {str(args.runs[0])!r} with: give two runs or more.")
    if args.out:
        refuse_to_overwrite(args.out, args.overwrite)
    runs = [_read(path) for path in args.runs]

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    figures = list(_figures(runs))
    shared = _shared_protocol(figures)
    table = Table("", title=f"Figures: {shared} where nothing else is said" if shared else None, title_justify="left")
    for run in runs:
        table.add_column(Text(run.name))
    for name, cells, best in (*_settings(runs), *figures):
        short = name.removesuffix(f", {shared}")
        table.add_row(Text(short), *(Text(cell, "bold" if i in best else "") for i, cell in enumerate(cells)))
    Console(highlight=False, soft_wrap=True).print(table)
    for note in _notes(runs):
        print(f"Note: {note}")
    if args.out:
        print(f"Written: {write_text(args.out, _page(runs))}")
    return 0


def _read(path: Path) -> Run:
    recipe = read_json(path / "recipe.json")
    if recipe is None:
        raise RunError(f"{str(path)!r} is no run directory: it holds no recipe.json.")
    found = read_json_lines(path / "evaluation" / METRICS)
    last = {line.get("kind"): line for line in found}
    trained = [line["images_seen"] for line in read_json_lines(path / "metrics.jsonl") if "images_seen" in line]
    seen = max(trained, default=None)
    return Run(str(path), path, recipe, seen, last.get("judgement", {}), last.get("ratings", {}))


Row = tuple[str, Sequence[str], set[int]]
"""Name, a cell a run, and the positions of the best."""


def _settings(runs: Sequence[Run]) -> Iterable[Row]:
    """How long each run has learnt, and the fields of the recipe in which they differ."""
    yield "images seen", [f"{run.images_seen:,}" if run.images_seen is not None else _DASH for run in runs], set()
    for field in dict.fromkeys(name for run in runs for name in run.recipe):
        values = [json.dumps(run.recipe.get(field), ensure_ascii=False) for run in runs]
        if len(set(values)) > 1:
            yield field, [value.strip('"') for value in values], set()


Figures = dict[int, Mapping[str, Any]]
"""Position of a run to its figure, of figures that were measured alike."""


def _figures(runs: Sequence[Run]) -> Iterable[Row]:
    """What was measured, each figure in a row with those that can be compared with it; distances first."""
    rows: dict[tuple[str, str], Figures] = {}
    for place, run in enumerate(runs):
        for figure in run.judgement.get("figures", ()):
            view = view_of(figure["name"])
            title = f"{view}: {figure['full_name']}" if view else figure["full_name"]
            rows.setdefault((title, run.judgement["catalogue"]), {})[place] = figure
    for fids, looks, catalogue in _in_both_views(runs):
        _, _, protocol = next(iter(fids.values()))["full_name"].partition(", ")
        means = {place: both_views(fids[place]["value"], looks[place]["value"]) for place in fids}
        rows[f"both views: geometric mean of fid and look, {protocol}", catalogue] = {
            place: {"name": "distance", "value": mean, "better": "lower"} for place, mean in means.items()
        }
    photos = dict.fromkeys(catalogue for _, catalogue in rows)
    for (title, catalogue), found in sorted(rows.items(), key=_distances_first):
        title = f"{title}, photos {catalogue[:6]}" if len(photos) > 1 else title
        cells = [_value(found[i]) if i in found else _DASH for i in range(len(runs))]
        yield title, cells, _best(found)
    if any(run.ratings for run in runs):
        yield "generated pictures taken for photos", [_rating(run.ratings) for run in runs], set()


def _distances_first(row: tuple[Any, Figures]) -> int:
    order = ("distance", *SIDE_BY_SIDE)
    name = next(iter(row[1].values()))["name"]
    return order.index(name) if name in order else len(order)


def _in_both_views(runs: Sequence[Run]) -> list[tuple[Figures, Figures, str]]:
    """Fréchet distances of the runs where both views were measured alike: what is shown, how it looks, the photos."""
    found: dict[tuple[str, ...], tuple[Figures, Figures, str]] = {}
    for place, run in enumerate(runs):
        named = {figure["name"]: figure for figure in run.judgement.get("figures", ()) if figure["value"] is not None}
        if {"fid", "look"} <= named.keys():
            catalogue = run.judgement["catalogue"]
            alike = named["fid"]["full_name"], named["look"]["full_name"], catalogue
            fids, looks, _ = found.setdefault(alike, ({}, {}, catalogue))
            fids[place], looks[place] = named["fid"], named["look"]
    return list(found.values())


def _contradictions(runs: Sequence[Run]) -> Iterable[str]:
    """Pairs of runs that the two views order differently, by intervals that do not overlap."""
    for fids, looks, _ in _in_both_views(runs):
        for pair in itertools.combinations(fids, 2):
            better = contradiction(*([_interval(view[place]) for place in pair] for view in (fids, looks)))
            if better is not None:
                first, second = runs[pair[better]].name, runs[pair[1 - better]].name
                yield f"{first} is better than {second} in what is shown and worse in how it looks"


def _interval(figure: Mapping[str, Any]) -> Interval:
    return tuple(figure.get("interval") or (figure["value"], figure["value"]))


def _shared_protocol(figures: Sequence[Row]) -> str:
    """What most figures say behind their names, to be said once."""
    protocols = [name.partition(", ")[2] for name, _, _ in figures if ", " in name]
    return max(protocols, key=protocols.count, default="")


def _value(figure: Mapping[str, Any]) -> str:
    from tfproductgan.reports.pages import shown

    spread = figure.get("spread")
    return shown(figure["value"]) + (f" ± {shown(spread)}" if spread is not None else "")


def _best(found: Mapping[int, Mapping[str, Any]]) -> set[int]:
    values = {place: figure["value"] for place, figure in found.items() if figure["value"] is not None}
    if len(set(values.values())) < 2:
        return set()
    pick = min if next(iter(found.values()))["better"] == "lower" else max
    return {place for place, value in values.items() if value == pick(values.values())}


def _rating(ratings: Mapping[str, Any]) -> str:
    if not ratings:
        return _DASH
    taken = ratings["taken_for_photos"]
    low, high = taken["interval"]
    return f"{100 * (taken['share'] or 0):.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def _notes(runs: Sequence[Run]) -> Iterable[str]:
    """What keeps the columns from being comparable, whole sentences."""
    for run in runs:
        if not run.judgement:
            yield f"{run.name} was not evaluated yet: tfproductgan evaluate {run.name}"
        elif run.images_seen and (run.judgement.get("images_seen") or run.images_seen) < run.images_seen:
            yield (
                f"{run.name} was evaluated after {run.judgement['images_seen']:,} images and has learnt from "
                f"{run.images_seen:,} since: evaluate it again."
            )
    judged = [run.judgement for run in runs if run.judgement]
    if len({judgement["catalogue"] for judgement in judged}) > 1:
        yield "The runs were judged by different photos; figures in different rows cannot be compared."
    elif len({(j["extractor"], j["n"], j["split"], j["seed"]) for j in judged}) > 1:
        yield "The runs were judged in different ways; figures in different rows cannot be compared."
    contradictions = list(_contradictions(runs))
    if contradictions:
        yield f"The two views disagree: {'; '.join(contradictions)}. Look at the pictures of both."
    if len({run.name for run in runs}) < len(runs):
        yield "A run was given more than once."


def _page(runs: Sequence[Run]) -> str:
    from tfproductgan.reports import charts
    from tfproductgan.reports.pages import render

    drawn = [run.path for run in runs if charts.read_curves(run.path / "metrics.jsonl")]
    return render(
        "comparison",
        notes=list(_notes(runs)),
        rows=[(name, *cells) for name, cells, _ in (*_settings(runs), *_figures(runs))],
        curves=charts.curves(*drawn) if drawn else None,
        grids=[(run.name, _grid(run)) for run in runs],
    )


def _grid(run: Run) -> str | None:
    """The newest sample grid of a run, as the address of an image."""
    from tfproductgan.reports.pages import png_uri

    grids = sorted((run.path / "grids").glob("images-*.png"))
    return png_uri(grids[-1].read_bytes()) if grids else None
