"""Pieces of HTML pages that stand alone: no file, font or script from elsewhere, readable in light and dark."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tfproductgan.sampling.files import to_image

STYLE = """
:root { color-scheme: light dark; --paper: #fbfbf9; --ink: #202226; --faint: #64686f; --line: #d9dbdf; --card: #fff;
  --warn: #fdf3dc; --warn-line: #d9a521; --bar: #c9d9ee;
  --s0: #1f5fa8; --s1: #c4581b; --s2: #2c8452; --s3: #8a4fa3; --s4: #b03048; --s5: #6f6a1f; }
@media (prefers-color-scheme: dark) { :root { --paper: #17181b; --ink: #e6e7ea; --faint: #9ba0a8; --line: #3a3d43;
  --card: #1f2125; --warn: #3a3015; --warn-line: #d9a521; --bar: #2c456a;
  --s0: #7db3f2; --s1: #f0985f; --s2: #6fcf97; --s3: #cf9be6; --s4: #f2858f; --s5: #d4cc6a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 78rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p, li { max-width: 60rem; } .faint, figcaption, caption { color: var(--faint); font-size: .875rem; }
.warn { background: var(--warn); border-left: 4px solid var(--warn-line); padding: .5rem 1rem; margin: 1rem 0; }
.warn ul { margin: .25rem 0; padding-left: 1.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-size: .9375rem; }
caption { text-align: left; padding-bottom: .25rem; }
th, td { padding: .25rem .75rem .25rem .25rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 600; } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; overflow-wrap: normal; }
.pictures { display: flex; gap: .35rem; align-items: flex-start; margin: .25rem 0 1rem; overflow-x: auto; }
.pictures figure, .pair { margin: 0; } figure figcaption { line-height: 1.3; }
.none { flex: none; width: 5.6rem; }
.pictures img, .pair img { flex: none; width: 5.6rem; height: auto; display: block; background: #fff; }
.pairs { display: flex; flex-wrap: wrap; gap: 1rem; } .pair { width: 11.55rem; }
.pair div { display: flex; gap: .35rem; }
.divider { width: 1px; align-self: stretch; background: var(--line); margin: 0 .35rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 1rem; }
.chart { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 4px; padding: .5rem; }
.chart svg { width: 100%; height: auto; display: block; } .chart text { fill: var(--faint); font-size: 11px; }
.chart .axis { stroke: var(--line); } .chart path { fill: none; stroke-width: 1.75; }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; margin: 0 .35rem 0 1rem; }
""" + "".join(
    f".chart .s{i} {{ stroke: var(--s{i}); }} .chart circle.s{i} {{ fill: var(--s{i}); stroke: none; }} "
    f".key.s{i} {{ background: var(--s{i}); }}\n"
    for i in range(6)
)

_NUM_COLOURS = 6
# what a page may load: nothing but what is written in it
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def text(value: Any) -> str:
    """Any text, such as the name of a label, as HTML that shows it and does nothing else."""
    return html.escape(str(value), quote=True)


def page(title: str, body: Iterable[str], style: str = "", script: str = "") -> str:
    """A whole HTML page.

    Args:
        title: Plain text.
        body: HTML, piece by piece.
        style: CSS besides `STYLE`.
        script: JavaScript that runs when the page is there; without one, the page may run none.
    """
    policy = f"{_POLICY}; script-src 'unsafe-inline'" if script else _POLICY
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{text(title)}</title><style>{STYLE}{style}</style></head><body>",
        *body,
        *([f"<script>{script}</script>"] if script else []),
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"


def section(title: str, *body: str, note: str = "") -> str:
    """A section with its heading; nothing at all if there is no body."""
    body = tuple(piece for piece in body if piece)
    if not body:
        return ""
    explained = f'<p class="faint">{text(note)}</p>' if note else ""
    return "\n".join([f"<section><h2>{text(title)}</h2>{explained}", *body, "</section>"])


def warning(title: str, sentences: Sequence[str]) -> str:
    """What a reader must know first; nothing if there are no sentences."""
    if not sentences:
        return ""
    items = "".join(f"<li>{text(sentence)}</li>" for sentence in sentences)
    return f'<div class="warn"><strong>{text(title)}</strong><ul>{items}</ul></div>'


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "", numbers: str = "") -> str:
    """A table; nothing if it has no rows.

    Args:
        columns: Headings.
        rows: Cells: text, a number, `None` for a dash, or a `Share`.
        caption: Plain text above.
        numbers: Says `"r"` for columns aligned to the right, and anything else for others, one letter a column. By
            default all but the first.
    """
    rows = list(rows)
    if not rows:
        return ""
    numbers = numbers or "l" + "r" * (len(columns) - 1)
    kinds = [' class="number"' if kind == "r" else "" for kind in numbers]
    head = "".join(f"<th{kind}>{text(name)}</th>" for name, kind in zip(columns, kinds, strict=True))
    lines = [
        "<tr>" + "".join(_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True)) + "</tr>" for row in rows
    ]
    above = f"<caption>{text(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide"><table>{above}<thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    )


class Share(float):
    """A number from 0 to 1 that tables show as a percentage on a bar."""


def _cell(value, kind):
    if isinstance(value, Share):
        filled = f"background: linear-gradient(to right, var(--bar) {100 * value:.0f}%, transparent 0)"
        return f'<td{kind} style="{filled}">{percent(value)}</td>'
    return f"<td{kind}>{text(shown(value))}</td>"


def shown(value: Any) -> str:
    """A number as people read it, text as it is, `None` and what is not finite as a dash."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    size = abs(value)
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 100 else f"{value:.3g}"


def percent(value: float) -> str:
    """A share; number and sign stay on one line."""
    return f"{100 * value:.1f}\N{NO-BREAK SPACE}%"


def facts(values: Mapping[str, Any]) -> str:
    """Names and values, one a row."""
    rows = "".join(f"<tr><th>{text(name)}</th><td>{text(shown(value))}</td></tr>" for name, value in values.items())
    return f'<div class="wide"><table>{rows}</table></div>'


# === Pictures ===


def data_uri(picture: np.ndarray) -> str:
    """A picture, uint8 `[H, W, 3]` or `[H, W, 1]`, as the address of an image that holds it: PNG, so without loss."""
    buffer = io.BytesIO()
    to_image(picture).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def image(picture: np.ndarray, described: str) -> str:
    """A picture with words for those who cannot see it."""
    height, width = picture.shape[:2]
    return f'<img src="{data_uri(picture)}" width="{width}" height="{height}" alt="{text(described)}">'


def picture_row(groups: Sequence[tuple[str, np.ndarray, int]], label: str) -> str:
    """Groups of pictures side by side with a line between them.

    Args:
        groups: What the pictures are, such as `"photo"`; the pictures, uint8 `[N, H, W, C]`; and for how many there is
            room, so that rows stand one below the other.
        label: Plain text above.
    """
    pieces = []
    for kind, pictures, room in groups:
        shown_pictures = [image(picture, f"{kind}: {label}") for picture in pictures]
        pieces.append("".join([*shown_pictures, *['<span class="none"></span>'] * (room - len(pictures))]))
    return f'<h3>{text(label)}</h3><div class="pictures">' + '<span class="divider"></span>'.join(pieces) + "</div>"


def pairs(rows: Iterable[tuple[np.ndarray, np.ndarray, str]], left: str, right: str) -> str:
    """Pairs of pictures with a caption each.

    Args:
        rows: Left picture, right picture, plain text below.
        left: What the left ones are.
        right: What the right ones are.
    """
    cells = [
        f'<figure class="pair"><div>{image(a, left)}{image(b, right)}</div>'
        f"<figcaption>{text(below)}</figcaption></figure>"
        for a, b, below in rows
    ]
    return f'<div class="pairs">{"".join(cells)}</div>' if cells else ""


# === Curves ===

_WIDTH, _HEIGHT = 340, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 8, 24
_MOST_POINTS = 400
_FEW_POINTS = 40  # that many are shown as dots too


def charts(curves: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]], unit: str = "images") -> str:
    """One small chart a curve, as inline SVG.

    Args:
        curves: Title of a chart to its lines: name of a line to its points (x, y); lines of the same name have the
            same colour in all charts.
        unit: What x counts.
    """
    names = list(dict.fromkeys(name for lines in curves.values() for name in lines))
    colours = {name: f"s{i % _NUM_COLOURS}" for i, name in enumerate(names)}
    drawn = [_chart(title, lines, colours, unit) for title, lines in curves.items()]
    if not any(drawn):
        return ""
    legend = ""
    if len(names) > 1:
        legend = "".join(f'<span class="key {colours[name]}"></span>{text(name)}' for name in names)
        legend = f"<p>{legend}</p>"
    return f'{legend}<div class="charts">{"".join(drawn)}</div>'


def _chart(title, lines, colours, unit):
    lines = {name: _thinned([(x, y) for x, y in points if math.isfinite(y)]) for name, points in lines.items()}
    lines = {name: points for name, points in lines.items() if points}
    if not lines:
        return ""
    xs, ys = zip(*(point for points in lines.values() for point in points), strict=True)
    across, up = _ticks(min(0, *xs), max(xs), 3), _ticks(min(ys), max(ys), 4)
    left, right = min(across[0], *xs), max(across[-1], *xs)
    low, high = min(up[0], *ys), max(up[-1], *ys)

    def place(x, y):
        return (
            _LEFT + (x - left) / (right - left) * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - (y - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM),
        )

    pieces = []
    for y in up:
        _, row = place(left, y)
        pieces.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{row:.1f}" y2="{row:.1f}"/>')
        pieces.append(f'<text x="{_LEFT - 5}" y="{row + 4:.1f}" text-anchor="end">{_label(y)}</text>')
    for x in across:
        column, _ = place(x, low)
        anchor = "end" if x == across[-1] else "middle"
        pieces.append(f'<text x="{column:.1f}" y="{_HEIGHT - 7}" text-anchor="{anchor}">{_label(x)}</text>')
    for name, points in lines.items():
        pieces.append(_line(name, points, colours[name], place, unit))
    last = "; ".join(
        (f"{name}: " if len(lines) > 1 else "last ") + shown(float(points[-1][1])) for name, points in lines.items()
    )
    picture = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{text(f"{title}, {last}")}">'
    return f'<figure class="chart"><figcaption><strong>{text(title)}</strong> {text(last)}</figcaption>' + (
        f"{picture}{''.join(pieces)}</svg></figure>"
    )


def _line(name, points, colour, place, unit):
    placed = [place(*point) for point in points]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)
    dots = ""
    if len(points) <= _FEW_POINTS:
        dots = "".join(
            f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="2.5">'
            f"<title>{text(name)}: {shown(float(value))} at {images:,.0f} {text(unit)}</title></circle>"
            for (x, y), (images, value) in zip(placed, points, strict=True)
        )
    return f'<path class="{colour}" d="{line}"/>{dots}'


def _thinned(points):
    if len(points) <= _MOST_POINTS:
        return points
    return [points[round(i)] for i in np.linspace(0, len(points) - 1, _MOST_POINTS)]


def _ticks(low, high, count):
    """Round numbers around a range, at least two."""
    if not high > low:
        margin = abs(high) / 2 or 1.0
        low, high = low - margin, high + margin
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [i * step for i in range(first, last + 1)]


def _label(value):
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:.6g}" if abs(value) >= 1e-4 or not value else f"{value:.0e}"
