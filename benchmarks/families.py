r"""Which family to take: each trained for the same processor time on the same photos, and judged alike.

Run: python benchmarks/families.py --data photos/ [--core-seconds 1200] [--judges catalogue efficientnet-lite0] \
       [--image-size 64] [--rows FAMILY ...] [--out families.jsonl] [--into FILE]

Options and what a run leaves are those of `recipes.py`. Beside Fréchet distances by every judge stand kernel distance,
recall and coverage by the last one, accuracy by the catalogue's classifier, images a core-second, parameters and the
largest memory of the training.
"""

from __future__ import annotations

import statistics
from pathlib import Path

from recipes import main

# name -> preset, what is changed: the best of those tried for tens of core-minutes
FAMILIES = {
    "mlp": ("mlp", {}),
    "dcgan-classic": ("dcgan-classic", {}),
    "wgan": ("wgan", {}),
    "wgan-gp": ("wgan-gp", {}),
    "sngan": ("sngan", {}),
    "progan": ("progan", {}),
    "r3gan": ("r3gan", {}),
    "stylegan2": ("stylegan2", {}),
    "dcgan": ("dcgan", {}),
    "vae": ("vae", {}),
}


def table(done: list[dict], rows: list[str], judges: list[str]) -> str:
    """Means over the seeds, Markdown."""
    last = judges[-1]
    columns = {f"Fréchet, {Path(judge).stem}": _figure(judge, "frechet") for judge in judges}
    columns |= {f"{figure}, {Path(last).stem}": _figure(last, figure) for figure in ("kid", "recall", "coverage")}
    for name in dict.fromkeys(name for found in done for name in found["accuracy"]):
        columns[f"accuracy, {name}"] = lambda run, name=name: run["accuracy"][name]
    columns["images"] = lambda run: run["images"]
    columns["images a core-second"] = lambda run: run["images"] / run["cpu"] if run["cpu"] else 0
    columns["parameters, millions"] = lambda run: run.get("parameters", 0) / 1e6
    columns["memory, MB"] = lambda run: run.get("megabytes", 0)
    lines = ["| family | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for row in ["photos", *rows]:
        runs = [found for found in done if found["row"] == row]
        if runs:
            means = [statistics.mean(map(of, runs)) for of in columns.values()]
            cells = [f"{mean:,.3g}" if mean < 1000 else f"{mean:,.0f}" for mean in means]
            lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _figure(judge, name):
    return lambda run: run["judges"][judge][name]


if __name__ == "__main__":
    main(__doc__, FAMILIES, table)
