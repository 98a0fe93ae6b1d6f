"""One change of the recipe at a time: how good a short training ends, mean of some seeds.

Run: python benchmarks/recipes.py --data tfds:fashion_mnist [--images 40k] [--seeds 3] [--rows ROW ...] [--out FILE]
     python benchmarks/recipes.py --data photos/ --rows default --row 'wide={"generator": {"width": 64}}'

Every run sees the same number of images and is judged alike, from its averaged generator:

- Fréchet: squared Fréchet distance of the catalogue classifier's features between 10,000 samples and the photos of
  `--split`.
- accuracy: share of the samples in which the classifier recognises what was asked for (first attribute).
- CAS: accuracy on held-out photos of a classifier trained on 10,000 other samples alone; "photos" in the table is the
  same classifier trained on 10,000 photos.

A run takes minutes; finished ones are kept in the file of `--out` and not repeated unless their recipe has changed.
`--jobs` trainings run at a time, each with one thread an operation. `--into` puts the table between the lines
`<!-- results -->` and `<!-- end of results -->` of a file; `recipes.md` has the one of `fashion_mnist.jsonl`.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import json
import multiprocessing
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from results import put_into

from tfproductgan.cli.data_options import add_data_options, catalogue_from, expected_image_size
from tfproductgan.cli.quiet import import_tensorflow
from tfproductgan.cli.values import parse_count
from tfproductgan.recipes import Recipe, get_recipe
from tfproductgan.writing import append_json_line

SAMPLES = 10_000

_FLAT = {"generator": {"inner_convs": 0}, "discriminator": {"inner_convs": 0}}


def _rates(rate: float) -> dict[str, float]:
    return {"generator_learning_rate": rate, "discriminator_learning_rate": rate}


# name -> recipe it starts from, what is changed; those below "default" change one thing
ROWS = {
    "textbook": ("dcgan-classic", {"batch_size": 64}),
    "textbook, batch 32": ("dcgan-classic", {}),
    "classic generator, R1 and R2 of 0.5, rate 1e-3": (
        "dcgan",
        {
            **_rates(1e-3),
            "generator": {"form": "classic"},
            "discriminator": {"inner_convs": 0},
            "beta_2": 0.99,
            "penalties": {"r1": 0.5, "r2": 0.5},
        },
    ),
    "default before the ablation": ("dcgan", {**_rates(6e-4), **_FLAT, "beta_2": 0.95}),
    "default": ("dcgan", {}),
    "no inner convolutions": ("dcgan", _FLAT),
    "inner convolution in the discriminator only": ("dcgan", {"generator": {"inner_convs": 0}}),
    "two inner convolutions each": ("dcgan", {"generator": {"inner_convs": 2}, "discriminator": {"inner_convs": 2}}),
    "batch normalisation, not modulated": ("dcgan", {"generator": {"form": "classic", "inner_convs": 1}}),
    "nearest upsampling": ("dcgan", {"generator": {"upsampling": "nearest"}}),
    "width 24 / 48": ("dcgan", {"generator": {"width": 24}, "discriminator": {"width": 48}}),
    "width 48 / 96": ("dcgan", {"generator": {"width": 48}, "discriminator": {"width": 96}}),
    "rate 1e-3": ("dcgan", _rates(1e-3)),
    "rate 3e-3": ("dcgan", _rates(3e-3)),
    "beta_2 0.99": ("dcgan", {"beta_2": 0.99}),
    "batch 16": ("dcgan", {"batch_size": 16}),
    "batch 64": ("dcgan", {"batch_size": 64}),
    "R1 alone": ("dcgan", {"penalties": {"r1": 1.0}}),
    "gamma 0.3": ("dcgan", {"penalties": {"r1": 0.3, "r2": 0.3}}),
    "gamma 3": ("dcgan", {"penalties": {"r1": 3.0, "r2": 3.0}}),
    "penalties every 4th step": ("dcgan", {"penalty_interval": 4}),
    "hinge loss": ("dcgan", {"loss": "hinge"}),
    "augmentation: flip": ("dcgan", {"augmentation": ["flip"]}),
    "augmentation: translation": ("dcgan", {"augmentation": ["translation"]}),
    "averaged over a fifth": ("dcgan", {"ema_ramp": 0.2}),
}


def recipe_of(base: str, changes: dict, images: int) -> Recipe:
    """A recipe, some fields and options of its networks changed."""
    recipe = get_recipe(base)
    options = {role: {**spec.options, **changes.get(role, {})} for role, spec in recipe.networks.items()}
    return recipe.replace(**{**changes, **options, "images": images})


def digest(recipe: Recipe) -> str:
    """Tells recipes apart, whatever their seed."""
    settings = recipe.replace(seed=0).settings()
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def run(args: argparse.Namespace, row: str, recipe: Recipe) -> dict:
    """Train and judge once; in a process of its own."""
    import_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    from tfproductgan.models.conditional_gan import ConditionalGAN

    catalogue, seed = catalogue_from(args), recipe.seed
    gan = ConditionalGAN.from_recipe(recipe, catalogue.schema)
    gan.compile()
    steps = recipe.images // recipe.step_images
    stream = catalogue.stream("train", recipe.step_images, seed, balance=recipe.balance)
    begin = time.perf_counter(), time.process_time()
    gan.fit(stream, steps_per_epoch=steps, epochs=1, verbose=0)
    seconds, cpu = time.perf_counter() - begin[0], time.process_time() - begin[1]
    found = {"row": row, "seed": seed, "images": args.images, "seconds": round(seconds, 1), "cpu": round(cpu, 1)}
    found |= {"recipe": digest(recipe), "precision": gan.generator.dtype_policy.name}
    return {**found, **judge(gan.trained(), catalogue, args.split, seed)}


def judge(generator, catalogue, split: str, seed: int) -> dict:
    """The figures of one model."""
    from tfproductgan.metrics.classifier import accuracies, catalogue_classifier, likeliest

    classifier = catalogue_classifier(catalogue)
    asked = _some(catalogue.conditions(split), seed)
    samples = draw(generator, catalogue, asked, 10_000_000 * (seed + 1))
    features, predictions = classifier.features_and_predictions(samples)
    asked_of_train = _some(catalogue.conditions("train"), seed)
    learnt_from = draw(generator, catalogue, asked_of_train, 10_000_000 * (seed + 1) + SAMPLES)
    schema = catalogue.schema
    return {
        "frechet": frechet_distance_between(features, classifier.features(catalogue.images(split))),
        "accuracy": accuracies(likeliest(predictions, schema), asked, schema)[schema.names[0]],
        "cas": cas(learnt_from, asked_of_train, catalogue, split),
    }


def draw(generator, catalogue, conditions, seed: int):
    """One sample a row of conditions."""
    return generator.draw(generator.plan([catalogue.schema.decode(ids) for ids in conditions], seed=seed))


def frechet_distance_between(first, second) -> float:
    """Between two sets of features, however few."""
    from tfproductgan.metrics.distances import frechet_distance_of

    return frechet_distance_of(first, second, force=True)


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
    import numpy as np

    from tfproductgan.metrics.classifier import accuracies, catalogue_classifier, likeliest

    catalogue = catalogue_from(args)
    classifier = catalogue_classifier(catalogue)
    rows = np.random.default_rng(seed).permutation(catalogue.size("train"))[:SAMPLES]
    images, conditions = catalogue.images("train")[rows], catalogue.conditions("train")[rows]
    features, predictions = classifier.features_and_predictions(catalogue.images(args.split))
    found = accuracies(likeliest(predictions, catalogue.schema), catalogue.conditions(args.split), catalogue.schema)
    return {
        "row": "photos",
        "seed": seed,
        "images": args.images,
        "seconds": 0.0,
        "cpu": 0.0,
        "recipe": "",
        "frechet": frechet_distance_between(classifier.features(images), features),
        "accuracy": found[catalogue.schema.names[0]],
        "cas": cas(images, conditions, catalogue, args.split),
    }


def _some(conditions, seed: int):
    import numpy as np

    return conditions[np.random.default_rng(seed).integers(0, len(conditions), SAMPLES)]


def table(done: list[dict], rows: list[str]) -> str:
    """Means over the seeds, Markdown."""
    of = {row: [found for found in done if found["row"] == row] for row in ["photos", *rows]}
    textbook = _mean(of.get("textbook", []), "frechet")
    lines = ["| recipe | seeds | Fréchet | of the textbook's | accuracy | CAS | core-seconds |", "|---" * 7 + "|"]
    for row, runs in of.items():
        if runs:
            found = [each["frechet"] for each in runs]
            spread = f" ({min(found):.2f} to {max(found):.2f})" if len(runs) > 1 else ""
            ratio = f"{_mean(runs, 'frechet') / textbook:.2f}" if textbook else ""
            shares = f"{_mean(runs, 'accuracy'):.3f} | {_mean(runs, 'cas'):.3f}"
            mean = f"{_mean(runs, 'frechet'):.2f}{spread}"
            lines.append(f"| {row} | {len(runs)} | {mean} | {ratio} | {shares} | {_mean(runs, 'cpu'):.0f} |")
    return "\n".join(lines)


def _mean(runs, name):
    return statistics.mean(found[name] for found in runs) if runs else 0.0


def main() -> None:
    """Run what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=parse_count, default=40_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", nargs="*", default=list(ROWS))
    parser.add_argument("--row", action="append", default=[], metavar="NAME=JSON", help="a row of your own")
    parser.add_argument("--base", default="dcgan", help="the recipe that rows of your own change")
    parser.add_argument("--split", default="test")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("recipes.jsonl"))
    parser.add_argument("--into", type=Path, metavar="FILE")
    add_data_options(parser)
    args = parser.parse_args()
    rows = {name: recipe_of(*ROWS[name], args.images) for name in args.rows}
    for own in args.row:
        name, _, changes = own.partition("=")
        rows[name] = recipe_of(args.base, json.loads(changes), args.images)
    size = expected_image_size(args)
    rows = {name: recipe.for_size(size) for name, recipe in rows.items()}
    wanted = {"photos": "", **{row: digest(recipe) for row, recipe in rows.items()}}
    done = [json.loads(line) for line in args.out.read_text().splitlines()] if args.out.is_file() else []
    done = [each for each in done if each["images"] == args.images and wanted.get(each["row"]) == each["recipe"]]
    have = {(found["row"], found["seed"]) for found in done}
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(args.jobs, context, max_tasks_per_child=1) as pool:
        # the first one prepares the photos and trains the classifier for all
        jobs = [pool.submit(photos, args, seed) for seed in range(args.seeds) if ("photos", seed) not in have]
        if jobs:
            concurrent.futures.wait(jobs[:1])
        for seed in range(args.seeds):
            for row, recipe in rows.items():
                if (row, seed) not in have:
                    jobs.append(pool.submit(run, args, row, recipe.replace(seed=seed)))
        for job in concurrent.futures.as_completed(jobs):
            found = job.result()
            append_json_line(args.out, found)
            done.append(found)
            print(json.dumps(found), flush=True)
    made = table(done, list(rows))
    print(made)
    if args.into:
        put_into(args.into, made)


if __name__ == "__main__":
    main()
