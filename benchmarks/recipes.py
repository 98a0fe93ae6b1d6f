r"""One change of the recipe at a time: how good a training of so many core-seconds ends, mean of some seeds.

Run: python benchmarks/recipes.py --data tfds:fashion_mnist [--core-seconds 600] [--seeds 3] [--rows ROW ...]
     python benchmarks/recipes.py --data photos/ --rows default --row 'wide={"generator": {"width": 64}}' \
       --judges catalogue efficientnet-lite0 squeezenet.h5

Every row trains for the same processor time, so one with a cheaper step sees more images: its speed is measured first.
All are judged alike, from their averaged generators, asked for what the photos of `--split` show (10,000 at most):

- a column for each of `--judges`, names of extractors or files: squared Fréchet distance of its features between
  samples and the photos of `--split`; of the last one also recall. A judge that had no part in choosing a recipe says
  more than one that had.
- accuracy: share of the samples in which the catalogue's classifier recognises what was asked for, by attribute.
- CAS (`--cas`): accuracy on photos of the split, first attribute, of a classifier trained on as many samples as there
  are training photos, 10,000 at most, and nothing else.
- "photos": training photos in the place of samples.

A run takes minutes; finished ones are kept in the file of `--out` and not repeated unless their recipe has changed, and
what was stopped goes on. Generators stay in the folder of `--keep`, so that another judge can look at them without
another training. `--jobs` trainings run at a time, each with one thread an operation. `--into` puts the table between
the lines `<!-- results -->` and `<!-- end of results -->` of a file.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import multiprocessing
import os
import re
import shutil
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from learning import digest, learnt
from measuring import peak_megabytes
from results import put_into

from tfproductgan.cli.data_options import add_data_options, catalogue_from, expected_image_size
from tfproductgan.cli.quiet import import_tensorflow
from tfproductgan.recipes import Recipe, get_recipe
from tfproductgan.writing import append_json_line, read_json, write_json

MOST = 10_000  # samples

_BEFORE = {
    "generator": {"width": 32, "upsampling": "learned", "latent_sizes": None},
    "discriminator": {"width": 64},
    "penalties": {"r1": 1.0, "r2": 1.0},
    "penalty_interval": 1,
    "matching": 0.0,
}
_HALF = {"generator": {**_BEFORE["generator"], "width": 16}, "discriminator": {"width": 32}}
_NEAREST = {"width": 16, "upsampling": "nearest", "latent_sizes": None}

# name -> recipe it starts from, what is changed; those from "textbook" to "default" change more and more, those below
# it one thing
ROWS = {
    "textbook": ("dcgan-classic", {"batch_size": 64}),
    "default before": ("dcgan", _BEFORE),
    "and half the width": ("dcgan", _BEFORE | _HALF),
    "and nearest upsampling": ("dcgan", _BEFORE | _HALF | {"generator": _NEAREST}),
    "and R1 alone every 4th step": ("dcgan", {"generator": _NEAREST, "matching": 0.0}),
    "and latents on two sizes": ("dcgan", {"matching": 0.0}),
    "default": ("dcgan", {}),
    "matching 0.1": ("dcgan", {"matching": 0.1}),
    "matching 0.5": ("dcgan", {"matching": 0.5}),
    "latents on all sizes": ("dcgan", {"generator": {"latent_sizes": None}}),
    "latents in the stem alone": ("dcgan", {"generator": {"latent_sizes": 0}}),
    "learned upsampling": ("dcgan", {"generator": {"upsampling": "learned"}}),
    "bilinear upsampling": ("dcgan", {"generator": {"upsampling": "bilinear"}}),
    "batch normalisation": ("dcgan", {"generator": {"form": "classic", "inner_convs": 1}}),
    "no inner convolutions": ("dcgan", {"generator": {"inner_convs": 0}, "discriminator": {"inner_convs": 0}}),
    "width 24 / 48": ("dcgan", {"generator": {"width": 24}, "discriminator": {"width": 48}}),
    "width 32 / 64": ("dcgan", {"generator": {"width": 32}, "discriminator": {"width": 64}}),
    "R1 in every step": ("dcgan", {"penalty_interval": 1}),
    "R1 and R2 every 4th step": ("dcgan", {"penalties": {"r1": 1.0, "r2": 1.0}}),
    "gamma 0.3": ("dcgan", {"penalties": {"r1": 0.3}}),
    "batch 16": ("dcgan", {"batch_size": 16}),
    "batch 64": ("dcgan", {"batch_size": 64}),
    "two discriminator steps of 16": ("dcgan", {"batch_size": 16, "discriminator_steps": 2}),
    "hinge loss": ("dcgan", {"loss": "hinge"}),
    "beta_2 0.99": ("dcgan", {"generator_beta_2": 0.99, "discriminator_beta_2": 0.99}),
    "half the rates": ("dcgan", {"generator_learning_rate": 1e-3, "discriminator_learning_rate": 1e-3}),
    "averaged over a fifth": ("dcgan", {"ema_ramp": 0.2}),
    "augmentation: translation": ("dcgan", {"augmentation": ["translation"]}),
    "quickstart": ("quickstart", {}),
}


def recipe_of(base: str, changes: dict) -> Recipe:
    """A recipe, some fields and options of its networks changed."""
    recipe = get_recipe(base)
    options = {role: {**spec.options, **changes.get(role, {})} for role, spec in recipe.networks.items()}
    return recipe.replace(**{**changes, **options})


def run(args: argparse.Namespace, row: str, recipe: Recipe) -> dict:
    """Train, unless the generator was kept, and judge once; in a process of its own."""
    import_tensorflow()
    import tensorflow as tf

    import tfproductgan

    tf.config.threading.set_intra_op_parallelism_threads(1)
    catalogue = catalogue_from(args)
    slug = re.sub("[^a-z0-9]+", "-", row.casefold()).strip("-")
    stem = args.keep / f"{slug}-{args.core_seconds}-{recipe.seed}-{digest(recipe)}"
    generator, about = stem.with_suffix(".keras"), stem.with_suffix(".json")
    if not about.is_file():
        trained, found = train(args, catalogue, recipe, stem)
        trained.save(generator)
        write_json(about, {"row": row, "seed": recipe.seed, "recipe": digest(recipe), **found})
        shutil.rmtree(stem)
    trained = tfproductgan.load(generator)
    return {**read_json(about), **judge(args, catalogue, asked_for(catalogue, args.split), trained, recipe.seed)}


def train(args: argparse.Namespace, catalogue, recipe: Recipe, folder: Path) -> tuple:
    """A generator that has learnt for so many core-seconds, and what is known of it."""
    gan, counted = learnt(catalogue, recipe, args.core_seconds, folder)
    found = {
        "core_seconds": args.core_seconds,
        **counted,
        "precision": next(iter(gan.networks().values())).dtype_policy.name,
        "parameters": sum(network.count_params() for network in gan.networks().values()),
        "megabytes": round(peak_megabytes()),
    }
    return gan.trained(), found


def asked_for(catalogue, split: str):
    """What is drawn: conditions of the split's photos, each once."""
    return catalogue.conditions(split)[:MOST]


def judge(args, catalogue, asked, trained, seed: int) -> dict:
    """The figures of one model, or of training photos if there is none."""
    import numpy as np

    from tfproductgan.metrics.classifier import accuracies, catalogue_classifier

    classifier = catalogue_classifier(catalogue)
    if trained is None:
        rows = np.random.default_rng(seed).permutation(catalogue.size("train"))[: len(asked)]
        samples, asked = catalogue.images("train")[rows], catalogue.conditions("train")[rows]
    else:
        samples = draw(trained, catalogue, asked, 10_000_000 * (seed + 1))
    looked = samples if trained is not None else catalogue.images(args.split)
    meant = asked if trained is not None else catalogue.conditions(args.split)
    found = {"judges": {name: compared(args, catalogue, name, samples) for name in args.judges}}
    found["accuracy"] = accuracies(classifier.recognise(looked), meant, catalogue.schema)
    if args.cas:
        learnt = catalogue.conditions("train")
        learnt = learnt[np.random.default_rng(seed).permutation(len(learnt))[:MOST]]
        if trained is None:
            found["cas"] = cas(samples, asked, catalogue, args.split)
        else:
            drawn = draw(trained, catalogue, learnt, 10_000_000 * (seed + 1) + MOST)
            found["cas"] = cas(drawn, learnt, catalogue, args.split)
    return found


def compared(args, catalogue, judge: str, samples) -> dict[str, float]:
    """How samples compare with the split's photos in a judge's features, however few they are."""
    from tfproductgan.metrics.distances import frechet_distance_of, kernel_distance
    from tfproductgan.metrics.extractors import get_extractor
    from tfproductgan.metrics.features import FeatureCache
    from tfproductgan.metrics.neighbours import neighbours

    path = judge if Path(judge).is_file() else None
    extractor = get_extractor("file" if path else judge, catalogue, path)
    photos = FeatureCache().of_split(extractor, catalogue, args.split).features
    features = extractor.features(samples)
    near = neighbours(photos, features, force=True)
    return {
        "frechet": frechet_distance_of(photos, features, force=True),
        "kid": kernel_distance(photos, features, force=True).value,
        "recall": near.recall,
        "coverage": near.coverage,
    }


def draw(trained, catalogue, conditions, seed: int):
    """One sample a row of conditions."""
    return trained.draw(trained.plan([catalogue.schema.decode(ids) for ids in conditions], seed=seed))


def cas(images, conditions, catalogue, split: str) -> float:
    """Accuracy on held-out photos of a classifier of a fixed recipe that learns from these pictures alone."""
    from tfproductgan.metrics.classifier import ClassifierRecipe, accuracies, shuffled_batches, train_classifier

    recipe = ClassifierRecipe(images=60_000)
    batches = shuffled_batches(images, conditions, recipe.batch_size)
    classifier = train_classifier(batches, catalogue.schema, recipe.num_steps(len(images)), recipe)
    recognised = classifier.recognise(catalogue.images(split))
    return accuracies(recognised, catalogue.conditions(split), catalogue.schema)[catalogue.schema.names[0]]


def photos(args: argparse.Namespace, seed: int) -> dict:
    """What photos score in place of samples."""
    import_tensorflow()
    catalogue = catalogue_from(args)
    found = {"row": "photos", "seed": seed, "core_seconds": args.core_seconds, "images": 0, "cpu": 0.0, "recipe": ""}
    return {**found, **judge(args, catalogue, asked_for(catalogue, args.split), None, seed)}


def table(done: list[dict], rows: list[str], judges: list[str]) -> str:
    """Means over the seeds, Markdown."""
    attributes = list(dict.fromkeys(name for found in done for name in found["accuracy"]))
    heads = [f"Fréchet, {Path(judge).stem}" for judge in judges]
    heads += [f"recall, {Path(judges[-1]).stem}", *(f"accuracy, {name}" for name in attributes)]
    has_cas = any("cas" in found for found in done)
    heads = ["recipe", "seeds", *heads, *["CAS"] * has_cas, "images", "core-seconds"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in ["photos", *rows]:
        runs = [found for found in done if found["row"] == row]
        if not runs:
            continue

        def mean(of, digits=3, runs=runs):
            return f"{statistics.mean(map(of, runs)):,.{digits}f}"

        cells = []
        for judge in judges:
            found = [run["judges"][judge]["frechet"] for run in runs]
            spread = f" ({_short(min(found))} to {_short(max(found))})" if len(runs) > 1 else ""
            cells.append(_short(statistics.mean(found)) + spread)
        cells.append(mean(lambda run: run["judges"][judges[-1]]["recall"]))
        cells += [mean(lambda run, name=name: run["accuracy"][name]) for name in attributes]
        if has_cas:
            cells.append(mean(lambda run: run["cas"]))
        cells += [mean(lambda run: run["images"], 0), mean(lambda run: run["cpu"], 0)]
        lines.append(f"| {row} | {len(runs)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def main(doc: str = __doc__, own_rows: Mapping = ROWS, made: Callable = table) -> None:
    """Run what is missing, print the table."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core-seconds", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", nargs="*", default=list(own_rows))
    parser.add_argument("--row", action="append", default=[], metavar="NAME=JSON", help="a row of your own")
    parser.add_argument("--base", default="dcgan", help="the recipe that rows of your own change")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--judges", nargs="+", default=["catalogue", "texture"], metavar="EXTRACTOR")
    parser.add_argument("--cas", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("generators"), metavar="FOLDER")
    parser.add_argument("--out", type=Path, default=Path("recipes.jsonl"))
    parser.add_argument("--into", type=Path, metavar="FILE")
    add_data_options(parser)
    args = parser.parse_args()
    rows = {name: recipe_of(*own_rows[name]) for name in args.rows}
    for own in args.row:
        name, _, changes = own.partition("=")
        rows[name] = recipe_of(args.base, json.loads(changes))
    size = expected_image_size(args)
    rows = {name: recipe.for_size(size) for name, recipe in rows.items()}
    wanted = {"photos": "", **{row: digest(recipe) for row, recipe in rows.items()}}
    done = [json.loads(line) for line in args.out.read_text().splitlines()] if args.out.is_file() else []
    done = [
        each
        for each in done
        if each["core_seconds"] == args.core_seconds
        and wanted.get(each["row"]) == each["recipe"]
        and set(args.judges) <= set(each["judges"])
        and args.cas <= ("cas" in each)
    ]
    have = {(found["row"], found["seed"]) for found in done}
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(args.jobs, context, max_tasks_per_child=1) as pool:
        # the first one prepares the photos and trains the classifier for all, or says what is wrong with them
        jobs = [pool.submit(photos, args, seed) for seed in range(args.seeds) if ("photos", seed) not in have]
        if jobs:
            jobs[0].result()
        for seed in range(args.seeds):
            for row, recipe in rows.items():
                if (row, seed) not in have:
                    jobs.append(pool.submit(run, args, row, recipe.replace(seed=seed)))
        for job in concurrent.futures.as_completed(jobs):
            found = job.result()
            append_json_line(args.out, found)
            done.append(found)
            print(json.dumps(found), flush=True)
    text = made(done, list(rows), args.judges)
    print(text)
    if args.into:
        put_into(args.into, text)


if __name__ == "__main__":
    main()
