"""The README's table of results: what `tfproductgan evaluate` found out about some runs, side by side.

Run: tfproductgan evaluate RUN --split SPLIT --classification   # for each run
     python benchmarks/results.py 'products=runs/products' 'Fashion-MNIST=runs/fashion' --into README.md

A column is a run directory or what `--out` of `evaluate` named.

The table is printed; with `--into` it also replaces what stands between the lines `<!-- results -->` and
`<!-- end of results -->` of that file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tfproductgan.cli.evaluate import JUDGEMENT
from tfproductgan.errors import RunError
from tfproductgan.metrics.judgement import Figure, Judgement
from tfproductgan.metrics.tables import number
from tfproductgan.writing import replace_file

BEGIN, END = "<!-- results -->", "<!-- end of results -->"

FIGURES = {
    "fid": "what is shown: FID@catalogue (floor)",
    "look": "how it looks: Fréchet distance@texture (floor)",
    "kid": "KID@catalogue (± over subsets)",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
}
"""Name of a figure to its row; the extractor is each catalogue's own classifier."""


def read(path: Path) -> Judgement:
    """The newest judgement of a run, or the one in a folder of `--out`."""
    places = [path / "evaluation" / JUDGEMENT, path / JUDGEMENT]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        raise RunError(f"{places[0]} does not exist: run tfproductgan evaluate {path} first.")
    return Judgement.from_json(file.read_text(encoding="utf-8"))


def column(judgement: Judgement) -> dict[str, str]:
    """Row to cell, of one run."""
    truncation = "" if judgement.truncation == 1 else f", truncation {judgement.truncation:g}"
    rows = {
        "judged against": f"{judgement.real:,} photos, {judgement.split}",
        "samples, first seed": f"{judgement.n:,}, {judgement.seed}{truncation}",
        "extractor": judgement.extractor,
    }
    found = {figure.name: figure for figure in judgement.figures}
    rows |= {row: shown(found[name]) for name, row in FIGURES.items() if name in found}
    for accuracy in (*judgement.attributes, *judgement.colours):
        photos = f" (photos {accuracy.real_accuracy:.3f})" if accuracy.real_accuracy is not None else ""
        by = ", by pixels" if accuracy.judged_by == "pixels" else ""
        rows[f"accuracy, {accuracy.attribute}{by}"] = f"{accuracy.accuracy:.3f}{photos}"
    if judgement.classification:
        seeds = ", ".join(map(str, judgement.classification.seeds))
        for score in judgement.classification.attributes:
            generated, real = (sum(values) / len(values) for values in (score.generated, score.real))
            rows[f"CAS, {score.attribute}"] = f"{generated:.3f} (photos {real:.3f}; seeds {seeds})"
    return rows


def shown(figure: Figure) -> str:
    """A figure with its floor or spread."""
    beside = ""
    if figure.floor is not None and figure.name in ("fid", "look"):
        beside = f" ({number(figure.floor)})"
    elif figure.spread is not None:
        beside = f" (± {number(figure.spread)})"
    return number(figure.value) + beside


def table(columns: dict[str, dict[str, str]]) -> str:
    """Markdown, one column a run."""
    rows = list(dict.fromkeys(row for cells in columns.values() for row in cells))
    rows.sort(key=lambda row: row.startswith("CAS"))  # last: few columns have it
    lines = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for row in rows:
        cells = [cells.get(row, "–") for cells in columns.values()]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def put_into(path: Path, made: str) -> None:
    """Replace what stands between the two lines of a file.

    Raises:
        SystemExit: If the file has no such lines.
    """
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{path} has no lines {BEGIN} and {END}")
    replaced = f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"
    replace_file(path, lambda part: part.write_text(replaced, encoding="utf-8"))


def main() -> None:
    """Read, print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN")
    parser.add_argument("--into", type=Path, metavar="FILE")
    args = parser.parse_args()
    columns = {}
    for run in args.runs:
        name, _, path = run.rpartition("=")
        columns[name or path] = column(read(Path(path)))
    made = table(columns)
    print(made)
    if args.into:
        put_into(args.into, made)


if __name__ == "__main__":
    main()
