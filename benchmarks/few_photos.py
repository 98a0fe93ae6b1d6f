r"""A class of few photos: recipes from scratch and from a run on all other classes, for the same processor time.

Run: python benchmarks/few_photos.py --data products.zip --attributes articleType,baseColour --class Backpacks \
       [--photos 300] [--core-seconds 240] [--before 600] [--judges efficientnet-lite0 squeezenet.h5] [--image-size 64]

The class is a value of the first attribute. So many of its photos are trained on, all others of it are what samples are
compared with, asked for the same. "after the others" begins with a run of `--before` core-seconds on all other classes,
by the default recipe, which is trained once and whose time does not count: a shop has it already.

- Fréchet, KID, recall, coverage: of samples and held-out photos, by each of `--judges`, networks that no recipe was
  chosen by; as in `recipes.py`. The row "photos" has those that are trained on in the place of samples.
- nearer: how often a sample is nearer to the photos that are trained on than a held-out photo is; 0.5 if samples are as
  new as those, 1 for copies. close: share of samples nearer than 99 % of the held-out photos. See
  `tfproductgan.metrics.memorisation`.

`--regularisation` compares L2, dropout and training without an adversary instead, from scratch: the figures of
`docs/regularisation.md`.

Generators, a grid of each and what is known of them stay in the folder of `--keep` and are not trained again.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import statistics
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from learning import digest, learnt
from recipes import asked_for, compared, draw, recipe_of
from results import put_into

from tfproductgan.cli.data_options import add_data_options, catalogue_from
from tfproductgan.cli.quiet import import_tensorflow
from tfproductgan.recipes import Recipe
from tfproductgan.writing import read_json, write_json

# name -> preset, what is changed
ROWS = {"default": ("dcgan", {}), "few-photos": ("few-photos", {})}
# what docs/regularisation.md compares: the default with one change each, and two other ways
REGULARISATION = {
    "default": ("dcgan", {}),
    "few-photos": ("few-photos", {}),
    "generator L2 1e-4": ("dcgan", {"generator": {"l2": 1e-4}}),
    "generator L2 1e-3": ("dcgan", {"generator": {"l2": 1e-3}}),
    "discriminator L2 1e-4": ("dcgan", {"discriminator": {"l2": 1e-4}}),
    "discriminator dropout 0.2": ("dcgan", {"discriminator": {"dropout": 0.2}}),
    "discriminator dropout 0.5": ("dcgan", {"discriminator": {"dropout": 0.5}}),
    "not adversarial (vae)": ("vae", {}),
}
STARTS = {"from scratch": False, "after the others": True}
HELD_OUT = "validation"


def parted(args: argparse.Namespace) -> tuple:
    """A catalogue of the class, few of its photos to train on and the rest held out; what makes that of all others."""
    import numpy as np

    from tfproductgan.catalogue.catalogue import Catalogue

    whole = catalogue_from(args)
    first = whole.schema.attributes[0]
    splits = [split for split in ("train", "validation") if whole.size(split)]
    images, ids = (np.concatenate([of(split) for split in splits]) for of in (whole.images, whole.conditions))
    of_class = ids[:, 0] == first.id_of(args.class_name)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(of_class))
    if len(rows) <= args.photos:
        raise SystemExit(f"{args.class_name} has {len(rows)} photos: --photos must be fewer")

    def made(rows, num_train):
        labels = [whole.schema.decode(ids[row]) for row in rows]
        there = ["train"] * num_train + [HELD_OUT] * (len(rows) - num_train)
        return Catalogue.from_arrays(images[rows], labels, there, image_size=whole.image_size, cache=False)

    others = np.flatnonzero(~of_class)
    return made(rows, args.photos), functools.cache(lambda: made(others, len(others)))


def judge(args: argparse.Namespace, catalogue, samples) -> dict:
    """The figures of samples that were asked for what the held-out photos show."""
    import dataclasses

    from tfproductgan.metrics.extractors import get_extractor
    from tfproductgan.metrics.memorisation import audit_memorisation

    found, asked = {}, [catalogue.schema.decode(ids) for ids in asked_for(catalogue, HELD_OUT)]
    for name in args.judges:
        path = name if Path(name).is_file() else None
        extractor = get_extractor("file" if path else name, catalogue, path)
        train, held_out, drawn = (
            extractor.features(images) for images in (catalogue.images("train"), catalogue.images(HELD_OUT), samples)
        )
        audit = audit_memorisation(drawn, train, held_out, extractor.id, asked, range(len(asked)), num_pairs=0)
        copied = {name: value for name, value in dataclasses.asdict(audit).items() if isinstance(value, float)}
        found[name] = {**compared(args, catalogue, name, samples), **copied}
    return found


def grid(catalogue, trained, path: Path) -> None:
    """Eight samples of each of the most frequent combinations that the held-out photos show, below each other."""
    from tfproductgan.sampling.grids import contact_grid

    wanted = [catalogue.schema.decode(ids) for ids, _ in catalogue.schema.combinations[:6]]
    samples = trained.draw(trained.plan([row for row in wanted for _ in range(8)], seed=0))
    contact_grid(samples, 8, [", ".join(row.values()) for row in wanted]).save(path)


def run(args, catalogue, others, row: str, start: str, recipe: Recipe) -> dict:
    """Train and judge once, unless that was done."""
    import tfproductgan

    slug = re.sub("[^a-z0-9]+", "-", f"{args.class_name} {row} {start}".casefold())
    key = f"{slug}-{args.photos}-{catalogue.image_size}-{args.core_seconds}"
    stem = args.keep / f"{key}-{recipe.seed}-{digest(recipe)}"
    if not stem.with_suffix(".json").is_file():
        began = before(args, others, catalogue.image_size) if STARTS[start] else None
        gan, found = learnt(catalogue, recipe, args.core_seconds, stem, warm_start=began)
        gan.trained().save(stem.with_suffix(".keras"))
        grid(catalogue, gan.trained(), stem.with_suffix(".png"))
        write_json(stem.with_suffix(".json"), {"row": f"{row}, {start}", "seed": recipe.seed, **found})
    trained = tfproductgan.load(stem.with_suffix(".keras"))
    samples = draw(trained, catalogue, asked_for(catalogue, HELD_OUT), 10_000_000 * (recipe.seed + 1))
    return {**read_json(stem.with_suffix(".json")), "judges": judge(args, catalogue, samples)}


def before(args, others, image_size: int) -> Path:
    """The file of a run on the other classes."""
    default = recipe_of("dcgan", {}).for_size(image_size)
    path = args.keep / f"all-but-{args.class_name}-{image_size}-{args.before}-{digest(default)}.keras"
    if not path.is_file():
        gan, found = learnt(others(), default, args.before, path.with_suffix(""))
        gan.save(path)
        grid(others(), gan.trained(), path.with_suffix(".png"))
        print(json.dumps({"before": path.name, **found}), flush=True)
    return path


def table(done: list[dict], rows: list[str], judges: list[str]) -> str:
    """Means over the seeds, Markdown."""
    figures = ("frechet", "kid", "recall", "coverage", "nearer", "close")
    heads = [f"{figure}, {Path(judge).stem}" for judge in judges for figure in figures]
    lines = [f"| recipe | {' | '.join([*heads, 'images', 'core-seconds'])} |", "|---" * (len(heads) + 3) + "|"]
    for row in rows:
        runs = [found for found in done if found["row"] == row]
        if runs:
            of = [lambda run, j=j, f=f: run["judges"][j][f] for j in judges for f in figures]
            of += [lambda run: run["images"], lambda run: run["cpu"]]
            means = [statistics.mean(map(each, runs)) for each in of]
            cells = [f"{mean:,.3g}" if abs(mean) < 1000 else f"{mean:,.0f}" for mean in means]
            lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Run what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--class", dest="class_name", required=True, metavar="VALUE")
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--core-seconds", type=int, default=240)
    parser.add_argument("--before", type=int, default=600, help="core-seconds of the run on the other classes")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rows", nargs="*", choices=list(ROWS | REGULARISATION))
    parser.add_argument("--regularisation", action="store_true")
    parser.add_argument("--row", action="append", default=[], metavar="NAME=JSON", help="a row of your own")
    parser.add_argument("--base", default="few-photos", help="the recipe that rows of your own change")
    parser.add_argument("--starts", nargs="*", choices=STARTS)
    parser.add_argument("--judges", nargs="+", default=["efficientnet-lite0"], metavar="EXTRACTOR")
    parser.add_argument("--keep", type=Path, default=Path("few-photos"), metavar="FOLDER")
    parser.add_argument("--into", type=Path, metavar="FILE")
    parser.set_defaults(split=HELD_OUT)  # what `compared` looks at
    add_data_options(parser)
    args = parser.parse_args()
    args.rows = list(REGULARISATION if args.regularisation else ROWS) if args.rows is None else args.rows
    args.starts = args.starts or (["from scratch"] if args.regularisation else list(STARTS))
    import_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    catalogue, others = parted(args)
    recipes = {name: recipe_of(*(ROWS | REGULARISATION)[name]) for name in args.rows}
    for own in args.row:
        name, _, changes = own.partition("=")
        recipes[name] = recipe_of(args.base, json.loads(changes))
    done = [{"row": "photos", "images": 0, "cpu": 0, "judges": judge(args, catalogue, catalogue.images("train"))}]
    for seed in range(args.seeds):
        for start in args.starts:
            for row, recipe in recipes.items():
                recipe = recipe.for_size(catalogue.image_size).replace(seed=seed)
                done.append(run(args, catalogue, others, row, start, recipe))
                print(json.dumps(done[-1]), flush=True)
    text = table(done, list(dict.fromkeys(each["row"] for each in done)), args.judges)
    print(text)
    if args.into:
        put_into(args.into, text)


if __name__ == "__main__":
    main()
