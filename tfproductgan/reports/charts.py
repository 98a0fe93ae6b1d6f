"""Figures by matplotlib: curves of runs, confusion tables, how conditions fare. For reports, notebooks and print.

Each is a `matplotlib.figure.Figure` that belongs to nobody: show it in a notebook, or `save` it. Colours are those of
Okabe and Ito, which differ for colour-blind people too.
"""

from __future__ import annotations

import functools
import math
import os
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter

from tfproductgan.catalogue.kinds import OURS
from tfproductgan.errors import JudgementError, RunError, nearest
from tfproductgan.metrics.attribute_accuracy import AttributeAccuracy
from tfproductgan.metrics.judgement import Judgement
from tfproductgan.writing import read_json_lines, replace_file

FORMATS = (".png", ".svg", ".pdf")
"""What `save` writes, by the suffix of the file."""

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKERS = "osD^vP*"  # as many: what has the same colour again is told apart by nothing else
_SAMPLES, _PHOTOS = {"color": _COLOURS[0], "marker": "o"}, {"color": _COLOURS[1], "marker": "s", "mfc": "none"}
_STYLE = {"font.size": 8, "axes.titlesize": 7, "axes.grid": False, "axes.axisbelow": True}
_DPI = 150
_FEW_POINTS = 40  # that many are shown as dots too
_MOST_WRITTEN = 12  # values of an attribute whose confusion table has numbers in it
_LONGEST = 32  # letters of a label
_WIDE, _HIGH, _GAP = 3.3, 1.75, 0.85  # inches: of a panel of curves, and what its numbers and names take
_TILE, _ABOVE, _TITLE = 1.45, 0.45, 24  # inches: of a picture in an explanation, of words above it; letters of a line
_BRIGHTEST = 0.995  # share of the pixels of a map below full colour
_MAPS = ((1, "gradient x input"), (2, "integrated gradients"))
_ROW = 0.19  # inches: rows of text at 8 points do not touch

Curves = dict[str, dict[str, list[tuple[float, float]]]]


class _Line(NamedTuple):
    """A line of a panel: where it belongs, its points, and whether they are of validation photos."""

    run: int
    validation: bool
    points: list[tuple[float, float]]


def _styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """The same function with small letters, whatever the caller's settings of matplotlib are."""

    @functools.wraps(draw)
    def styled(*args, **kwargs):
        with rc_context(rcParamsDefault | _STYLE):
            figure = draw(*args, **kwargs)
            for axes in figure.axes:
                axes.tick_params(labelsize=7)  # ticks are made as late as the figure is drawn
        return figure

    return styled


# === Curves ===


def read_curves(path: str | os.PathLike) -> Curves:
    """The curves in a `metrics.jsonl`: a value to its lines, `training` and `validation`, of (images seen, value).

    Lines that are damaged or cut off are passed over; without a file there are no curves.
    """
    curves: Curves = {}
    for line in read_json_lines(path):
        if "images_seen" in line:
            for name, value in line.items():
                if name not in ("images_seen", "time") and isinstance(value, int | float) and math.isfinite(value):
                    kind = "validation" if name.startswith("val_") else "training"
                    points = curves.setdefault(name.removeprefix("val_"), {}).setdefault(kind, [])
                    points.append((float(line["images_seen"]), float(value)))
    # what is known of validation photos alone is what the curves are looked at for
    return dict(sorted(curves.items(), key=lambda curve: "training" in curve[1]))


@_styled
def curves(*runs: str | os.PathLike, metrics: Sequence[str] | None = None) -> Figure:
    """What trainings wrote down as they went on: a panel a value, the images seen from left to right.

    Values of validation photos are in the panel of the same value of training photos. Alarms are dotted lines.

    Args:
        *runs: Run directories; those of one have the same colour everywhere.
        metrics: Names of the values, such as `"d_loss"` or `"val_fid"`, with or without `val_`; all by default.

    Raises:
        RunError: If a folder has no curves, or none of the runs has such a value.
    """
    panels: dict[str, list[_Line]] = {}
    for number, run in enumerate(runs):
        found = read_curves(Path(run) / "metrics.jsonl")
        if not found:
            raise RunError(f"{str(run)!r} has no curves: there is no metrics.jsonl with numbers in it.")
        for name, lines in found.items():
            panels.setdefault(name, []).extend(_Line(number, kind == "validation", lines[kind]) for kind in lines)
    figure = _panels(_chosen(panels, metrics), len(runs) > 1)
    for number, run in enumerate(runs):
        alarms = [line["images_seen"] for line in read_json_lines(Path(run) / "alarms.jsonl") if "images_seen" in line]
        style = {"color": _COLOURS[number % len(_COLOURS)] if len(runs) > 1 else "0.35", "linestyle": ":"}
        for axes in figure.axes if alarms else ():
            for i, seen in enumerate(alarms):
                axes.axvline(seen, **style, label=None if i else "alarm")
    # of a long path the end tells which it is
    names = [_label(name if len(name) <= _LONGEST else f"…{name[1 - _LONGEST :]}") for name in map(str, runs)]
    _place(figure, _legend(figure, names if len(names) > 1 else ()))
    return figure


def _chosen(panels: Mapping[str, list[_Line]], metrics: Sequence[str] | None) -> dict[str, list[_Line]]:
    """The panels that were asked for; of `val_...` the lines of validation photos alone."""
    if metrics is None:
        return dict(panels)
    chosen = {}
    for name in metrics:
        lines = [line for line in panels.get(name.removeprefix("val_"), ()) if line.validation or name[:4] != "val_"]
        if not lines:
            known = {f"{'val_' * line.validation}{name}" for name, lines in panels.items() for line in lines}
            raise RunError(f"Unknown metric {name!r}: {nearest(name, sorted(known))}")
        chosen[name] = lines
    return chosen


def _panels(panels: Mapping[str, Sequence[_Line]], several: bool) -> Figure:
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure((columns * (_WIDE + _GAP), rows * (_HIGH + _GAP)))
    for number, (name, lines) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(rows, columns, number)
        for line in lines:
            style = line.run if several else int(line.validation)
            axes.plot(
                *zip(*line.points, strict=True),
                color=_COLOURS[style % len(_COLOURS)],
                linestyle="--" if line.validation else "-",
                linewidth=1.3,
                marker=_MARKERS[style % len(_MARKERS)] if len(line.points) <= _FEW_POINTS else None,
                markersize=3,
                label="validation photos" if line.validation else "training",
            )
        axes.set(xlabel="images seen", ylabel=_label(name))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.grid(alpha=0.3)
        if len(lines) <= 3:
            axes.set_title("last " + " / ".join(f"{line.points[-1][1]:.4g}" for line in lines), loc="right")
    return figure


def _place(figure: Figure, lines: int) -> None:
    """Give all panels one size, below so many lines of legend: a layout that is sought takes seconds for many."""
    width, height = figure.get_size_inches()
    above = 0.25 + 0.2 * lines
    figure.set_size_inches(width, height + above - 0.1)
    height += above - 0.1
    margins = {"left": 0.75 / width, "right": 1 - 0.15 / width, "bottom": 0.5 / height, "top": 1 - above / height}
    figure.subplots_adjust(**margins, wspace=_GAP / _WIDE, hspace=_GAP / _HIGH)


def _legend(figure: Figure, runs: Sequence[str] = ()) -> int:
    """What colours, dots and dashes mean, each once, above all panels; nothing if there is but one of each.

    Returns:
        How many lines of text it has.
    """
    lines = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
    drawn = sorted((name, line) for name, line in lines.items() if not name.startswith("_"))
    handles = [
        Line2D([], [], color=_COLOURS[i % len(_COLOURS)], marker=_MARKERS[i % len(_MARKERS)], label=run)
        for i, run in enumerate(runs)
    ]
    if len(drawn) > 1:
        grey = [Line2D([], [], color="0.3", ls=line.get_linestyle(), label=name) for name, line in drawn]
        handles += grey if runs else [line for _, line in drawn]
    columns = max(1, int(figure.get_figwidth() // 2.4))  # names of runs may be long
    if handles:
        place = "outside upper left" if figure.get_layout_engine() else "upper left"
        figure.legend(handles=handles, loc=place, ncols=columns, frameon=False)
    return -(-len(handles) // columns)


# === Judgements ===


@_styled
def confusion(judgement: Judgement, attribute: str, pixels: bool = False) -> Figure:
    """What samples look like against what was asked for, as shares of the samples of each value.

    Args:
        judgement: What was found out.
        attribute: Whose values.
        pixels: Whether colours of pixels judge, in place of the classifier.

    Raises:
        JudgementError: If the attribute was not judged so.
    """
    accuracy = _accuracy(judgement, attribute, pixels)
    asked = [value.value for value in accuracy.values if value.asked]
    seen = dict.fromkeys(name for row in accuracy.confusion.values() for name in row)
    # the diagonal first, then what was recognised without having been asked for
    names = [name for name in asked if name in seen]
    names += sorted(seen.keys() - set(names))
    counts = np.array([[accuracy.confusion[row].get(name, 0) for name in names] for row in asked], float)
    shares = 100 * counts / counts.sum(axis=1, keepdims=True)
    side = max(_ROW * len(names), 2.0), max(_ROW * len(asked), 1.8)
    if max(len(names), len(asked)) <= _MOST_WRITTEN:
        side = max(0.42 * len(names), 2.0), max(0.32 * len(asked), 1.8)
    figure = Figure((side[0] + 3.2, side[1] + 1.9), layout="constrained")
    axes = figure.add_subplot()
    drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto", interpolation="nearest")
    if max(shares.shape) <= _MOST_WRITTEN:
        for row, column in zip(*np.nonzero(counts), strict=True):
            ink = "white" if shares[row, column] > 55 else "black"
            axes.text(column, row, f"{shares[row, column]:.0f}", ha="center", va="center", color=ink, fontsize=7)
    axes.set_xticks(range(len(names)), map(_label, names), rotation=90)
    axes.set_yticks(range(len(asked)), map(_label, asked))
    by = "its pixels say" if pixels else "it looks like"
    axes.set(xlabel=f"{_label(attribute)} {by}", ylabel=f"{_label(attribute)} asked for")
    figure.colorbar(drawn, label="samples asked for it (%)", fraction=0.04)
    return figure


@_styled
def recognised(judgement: Judgement, attribute: str, pixels: bool = False) -> Figure:
    """How often each value is recognised, in samples and in photos: of what `confusion` takes."""
    accuracy = _accuracy(judgement, attribute, pixels)
    values = sorted(accuracy.values, key=lambda value: (value.accuracy is None, value.accuracy))
    figure, [axes] = _rows([value.value for value in values], 1)
    _dots(axes, [value.accuracy for value in values], [value.real_accuracy for value in values], scale=100)
    axes.set(xlabel="recognised (%)", ylabel=_label(attribute), xlim=(-3, 103))
    _legend(figure)
    return figure


@_styled
def conditions(judgement: Judgement) -> Figure:
    """How each condition fares: photos that are covered, distance, and how varied samples are beside photos.

    Of the conditions with samples and photos enough, the least covered first.

    Raises:
        JudgementError: If no condition was measured.
    """
    measured = [each for each in judgement.coverage.conditions if each.measured] if judgement.coverage else []
    if not measured:
        raise JudgementError("No condition was measured: there is no chart of them.")
    measured.sort(key=lambda each: each.coverage)
    figure, (covered, kid, diversity) = _rows([each.name for each in measured], 3)
    _dots(covered, [each.coverage for each in measured], scale=100)
    _dots(kid, [each.kid for each in measured])
    _dots(diversity, [each.diversity for each in measured], [each.real_diversity for each in measured])
    covered.set(xlabel="photos covered (%)", xlim=(-3, 103))
    kid.set(xlabel="kernel distance (KID)")
    diversity.set(xlabel="mean distance of two", xlim=(0, None))
    _legend(figure)
    return figure


def _accuracy(judgement: Judgement, attribute: str, pixels: bool) -> AttributeAccuracy:
    judged = {accuracy.attribute: accuracy for accuracy in (judgement.colours if pixels else judgement.attributes)}
    if attribute not in judged:
        by = "by pixels" if pixels else "by a classifier"
        raise JudgementError(f"The attribute {attribute!r} was not judged {by}: {nearest(attribute, judged)}")
    return judged[attribute]


def _rows(names: Sequence[str], columns: int) -> tuple[Figure, Sequence[Axes]]:
    """Panels that share their rows, named at the left, the first row at the top."""
    figure = Figure((3.2 + 2.2 * columns, max(_ROW * len(names), 0.6) + 1.1), layout="constrained")
    panels = figure.subplots(1, columns, sharey=True, squeeze=False)[0]
    panels[0].set_yticks(range(len(names)), map(_label, names))
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    for axes in panels:
        axes.grid(alpha=0.3)
    return figure, panels


def _dots(axes: Axes, samples: Sequence[float | None], photos: Sequence[float | None] = (), scale: int = 1) -> None:
    """A dot a row, and another for photos."""
    for values, style, name in ((photos, _PHOTOS, "photos"), (samples, _SAMPLES, "samples")):
        if values:
            numbers = scale * np.array(values, float)  # none is NaN, and not drawn
            axes.plot(numbers, range(len(numbers)), **style, linestyle="none", markersize=4, label=name)


# === Explanations ===


@_styled
def explanation(
    picture: np.ndarray,
    attributions: Sequence[tuple[str, np.ndarray, np.ndarray]],
    left_out: Sequence[tuple[str, np.ndarray, str]],
    near: Sequence[tuple[np.ndarray, str]],
) -> Figure:
    """A picture; maps of what adds to scores; what it is without each attribute; photos near it: a row each.

    Args:
        picture: uint8 `[H, W, C]`.
        attributions: What was scored, gradient x input and integrated gradients, float `[H, W]`.
        left_out: What was left out, the picture without it, and by how much it moved.
        near: Photos with their captions.
    """
    rows = [
        [(picture, "the picture")],
        *([(each[place], f"{each[0]}\n{kind}") for each in attributions] for place, kind in _MAPS),
        [(shown, f"{name}\n{moved}") for name, shown, moved in left_out],
        list(near),
    ]
    rows = [row for row in rows if row]
    # placed one by one: a layout that is sought takes seconds
    width, height = _TILE * max(2, *map(len, rows)), (_TILE + _ABOVE) * len(rows)
    figure = Figure((width, height))
    for row, tiles in enumerate(rows):
        bottom = height - (_TILE + _ABOVE) * (row + 1)
        for column, (shown, title) in enumerate(tiles):
            axes = figure.add_axes(
                ((column + 0.04) * _TILE / width, bottom / height, 0.92 * _TILE / width, 0.92 * _TILE / height)
            )
            axes.set_axis_off()
            lines = [part for line in title.split("\n") for part in textwrap.wrap(line, _TITLE)]
            axes.set_title("\n".join(map(_label, lines)))
            if shown.ndim == 3:
                axes.imshow(shown if shown.shape[-1] == 3 else shown[..., 0], cmap="gray", vmin=0, vmax=255)
            else:
                limit = float(np.quantile(np.abs(shown), _BRIGHTEST)) or 1.0
                axes.imshow(shown, cmap="RdBu_r", vmin=-limit, vmax=limit)
    return figure


# === Files ===


def save(figure: Figure, path: str | os.PathLike) -> Path:
    """Write a figure as PNG, SVG or PDF, by the suffix of the path, whole or not at all.

    Raises:
        RunError: If the suffix is another, or the file cannot be written.
    """
    path = check_format(path)
    suffix = path.suffix.lower()[1:]
    # or it would be taken for a photo where it lies among them
    options = {"metadata": {OURS: "chart"}} if suffix == "png" else {}
    return replace_file(path, lambda file: write(figure, file, format=suffix, **options))


def check_format(path: str | os.PathLike) -> Path:
    """Refuse a path whose suffix names no format that `save` writes."""
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise RunError(f"{str(path)!r} names no format: the suffix must be {', '.join(FORMATS)}.")
    return path


def write(figure: Figure, file: Any, **options: Any) -> None:
    """`savefig`, without a word about letters that the font does not have: boxes stand for them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from (current )?font", UserWarning)
        figure.savefig(file, dpi=_DPI, **options)


def _label(text: str) -> str:
    """A name as text that is shown as it is, cut where it is long."""
    return (text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…").replace("$", r"\$")
