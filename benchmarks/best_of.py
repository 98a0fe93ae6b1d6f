r"""What choosing among candidates buys, and what it costs: how often pictures show what was asked for, against variety.

Run: python benchmarks/best_of.py RUN [--samples 2000] [--seeds 1] [--judges texture efficientnet-lite0] [--plot FILE]

Of one run of a GAN, whose photos the run itself knows (or `--data`), at the newest checkpoint:

- best of n (`--counts`): see `tfproductgan.metrics.best_of`; 1 is the model as it is.
- rejection (`--percents`): see `tfproductgan.metrics.rejection`, with the scale measured on `--split` and a burn-in of
  `--burn-in` pictures of each condition.
- truncation (`--truncations`): the same seeds, latents closer to the middle.
- photos: training photos in the place of samples, photos of `--split` for their accuracy.

All are asked for what `--samples` photos of `--split` show. Best of n chooses by the catalogue's classifier, so
"accuracy, NAME" is what **another one** says, trained on the same photos from another seed; what both have learnt
wrongly from the same labels they share. "accuracy, NAME, by who chose" is the first one's, too high for best of n.
Fréchet distance, and recall of the last one, are by `--judges`, as in `recipes.py`; the judge `catalogue` chose too.
"drawn" counts all candidates and rejection's burn-in.

Each row is kept in the file of `--out` when it is done and not drawn again. `--into` puts the table between the lines
`<!-- results -->` and `<!-- end of results -->` of a file, `--plot` draws the curves: accuracy, mean of the attributes,
against recall.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from recipes import asked_for, compared, table
from results import put_into

from tfproductgan.cli.at_hand import with_discriminator
from tfproductgan.cli.data_options import add_data_options
from tfproductgan.cli.evaluate import photos_of, run_of
from tfproductgan.cli.quiet import import_tensorflow
from tfproductgan.writing import append_json_line

PLAIN = "best of 1"


def rows_of(args: argparse.Namespace) -> dict[str, tuple[str, float]]:
    """Name of a row to its curve and where on it."""
    rows = {PLAIN: ("best of", 1)}
    rows |= {f"best of {count}": ("best of", count) for count in args.counts}
    rows |= {f"rejection {percent:g}": ("rejection", percent) for percent in args.percents}
    return rows | {f"truncation {truncation:g}": ("truncation", truncation) for truncation in args.truncations}


class Judged:
    """A run, its photos, who chooses and who judges."""

    def __init__(self, args: argparse.Namespace):
        import numpy as np

        from tfproductgan.metrics.classifier import ClassifierRecipe, catalogue_classifier
        from tfproductgan.metrics.feature_extractor import weights_hash
        from tfproductgan.metrics.rejection import scale_on_photos

        self.args = args
        self.model, self.discriminator = with_discriminator(args.model)
        if self.discriminator is None:
            raise SystemExit(f"{args.model} holds no discriminator: give the run directory of a GAN")
        self.catalogue = photos_of(args, run_of(Path(args.model)), self.model.schema)
        self.chooses = catalogue_classifier(self.catalogue)
        self.judges = catalogue_classifier(self.catalogue, ClassifierRecipe(seed=1))
        asked = asked_for(self.catalogue, args.split)
        self.asked = asked[np.random.default_rng(0).permutation(len(asked))[: args.samples]]
        self.scale = scale_on_photos(self.model, self.discriminator, self.catalogue, args.split)
        self.about = {
            "model": weights_hash(self.model.sampling_network)[:12],
            "photos": self.catalogue.label_fingerprint,
            "split": args.split,
            "samples": len(self.asked),
            "burn_in": args.burn_in,
        }

    def photos(self, seed: int) -> dict:
        """What photos score in place of samples."""
        import numpy as np

        rows = np.random.default_rng(seed).permutation(self.catalogue.size("train"))[: len(self.asked)]
        of_split = self.catalogue.images(self.args.split), self.catalogue.conditions(self.args.split)
        found = {"row": "photos", "seed": seed, "images": 0, "cpu": 0.0}
        return {**found, **self.figures(self.catalogue.images("train")[rows], *of_split)}

    def run(self, row: str, curve: str, value: float, seed: int) -> dict:
        """Draw and judge one row."""
        import numpy as np

        from tfproductgan.metrics.best_of import BestOf
        from tfproductgan.metrics.rejection import RejectionSampling

        begin = time.process_time()
        wanted = [self.catalogue.schema.decode(ids) for ids in self.asked]
        truncation = value if curve == "truncation" else 1.0
        requests = self.model.plan(wanted, seed=10_000_000 * (seed + 1), truncation=truncation)
        images, more = len(requests), {}
        if curve == "rejection":
            chooser = RejectionSampling(self.model, self.discriminator, value, self.scale, self.args.burn_in)
            kept = chooser.choose(requests)
            kinds = {tuple(sorted(request.conditions.items())) for request in requests}
            images = sum(len(each.scores) for each in kept) + self.args.burn_in * len(kinds)
            samples = np.array([each.picture for each in kept])
            more = {"scale": self.scale, "unaccepted": statistics.mean("none" in each.how for each in kept)}
        elif curve == "best of" and value > 1:
            images *= value
            samples = BestOf(self.model, value, self.discriminator, self.chooses).draw(requests)
        else:
            samples = self.model.draw(requests)
        found = {"row": row, "seed": seed, "images": images, "cpu": round(time.process_time() - begin, 1), **more}
        return {**found, **self.figures(samples, samples, self.asked)}

    def figures(self, samples, looked, meant) -> dict:
        """How samples compare with photos, and how often classifiers recognise what pictures are meant to show."""
        from tfproductgan.metrics.classifier import accuracies

        schema = self.catalogue.schema
        accuracy = accuracies(self.judges.recognise(looked), meant, schema)
        by_chooser = accuracies(self.chooses.recognise(looked), meant, schema)
        return {
            "judges": {name: compared(self.args, self.catalogue, name, samples) for name in self.args.judges},
            "accuracy": accuracy | {f"{name}, by who chose": share for name, share in by_chooser.items()},
        }


def plot(path: Path, done: list[dict], rows: dict[str, tuple[str, float]], judge: str) -> None:
    """A curve of accuracy against recall for each way to choose, all from the model as it is."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.add_subplot(xlabel=f"recall, {Path(judge).stem}", ylabel="accuracy, by another classifier")
    places = {}
    for row in rows:
        runs = [found for found in done if found["row"] == row]
        own = [[v for name, v in run["accuracy"].items() if not name.endswith("by who chose")] for run in runs]
        recall = statistics.mean(run["judges"][judge]["recall"] for run in runs)
        places[row] = recall, statistics.mean(map(statistics.mean, own))
    for curve in dict.fromkeys(curve for curve, _ in rows.values()):
        # from the plain model on, each further away from it than the one before
        on_it = [PLAIN, *(row for row, (of, _) in rows.items() if of == curve and row != PLAIN)]
        axes.plot(*zip(*(places[row] for row in on_it), strict=True), marker="o", label=curve)
        for row in on_it[1:]:
            axes.annotate(f"{rows[row][1]:g}", places[row], textcoords="offset points", xytext=(6, 4))
    axes.legend()
    figure.savefig(path)


def main() -> None:
    """Draw what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="RUN")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--counts", type=int, nargs="*", default=[2, 4, 8])
    parser.add_argument("--percents", type=float, nargs="*", default=[80.0])
    parser.add_argument("--truncations", type=float, nargs="*", default=[0.8, 0.6, 0.4])
    parser.add_argument("--burn-in", type=int, default=64)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--judges", nargs="+", default=["texture"], metavar="EXTRACTOR")
    parser.add_argument("--out", type=Path, default=Path("best_of.jsonl"))
    parser.add_argument("--into", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    add_data_options(parser, required=False)
    args = parser.parse_args()
    import_tensorflow()
    judged, rows = Judged(args), rows_of(args)
    done = [json.loads(line) for line in args.out.read_text().splitlines()] if args.out.is_file() else []
    done = [each for each in done if each["about"] == judged.about and set(args.judges) <= set(each["judges"])]
    have = {(each["row"], each["seed"]) for each in done}
    for seed in range(args.seeds):
        for row in ["photos", *rows]:
            if (row, seed) not in have:
                found = judged.photos(seed) if row == "photos" else judged.run(row, *rows[row], seed)
                done.append({**found, "about": judged.about})
                append_json_line(args.out, done[-1])
                print(json.dumps(done[-1]), flush=True)
    done = [each for each in done if each["seed"] < args.seeds]
    made = table(done, list(rows), args.judges).replace("| recipe |", "| |", 1).replace("| images |", "| drawn |", 1)
    print(made)
    if args.into:
        put_into(args.into, made)
    if args.plot:
        plot(args.plot, done, rows, args.judges[-1])


if __name__ == "__main__":
    main()
