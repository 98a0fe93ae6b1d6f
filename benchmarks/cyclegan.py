"""How near cyclegan takes each of two sets of products to the other, and what is lost on the way there and back.

    python benchmarks/cyclegan.py --data products.zip --attributes articleType,baseColour --min-count 1 --image-size 64
        --sets articleType=Sandals "articleType=Formal Shoes"
        --sets articleType=Watches,baseColour=Silver/Steel articleType=Watches,baseColour=Gold/Copper
        [--judge squeezenet.h5] [--core-seconds 3600] [--out proofs/cyclegan]

A set is said by values of attributes, several of one with a slash between. For each pair of sets the recipe `cyclegan`
learns from the training photos of both, without labels, and goes on where it was stopped. Prints for each way, of
validation photos:

- Fréchet: squared distance to all photos of the other set, since validation may hold few, before and after, in the
  features of `--judge` and of the catalogue's classifier, which knows all products and not these sets alone
- taken: share that this classifier takes for the other set, before and after, beside the same of that set's own photos
- cycle: mean absolute difference, in levels of 255, of what comes back after it was rounded to whole levels, which
  leaves no hidden signal

Written to `--out`: `table.md` and for each pair a picture: rows of photos, what becomes of them, what comes back.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from proving import SHOWN, parser_of, proved, recipe_of, show_grid, show_table, slug, told

import tfproductgan as tpg
from tfproductgan.cli.data_options import add_data_options, catalogue_from
from tfproductgan.errors import CatalogueError
from tfproductgan.metrics.classifier import catalogue_classifier
from tfproductgan.metrics.distances import frechet_distance_of
from tfproductgan.metrics.extractors import get_extractor

SPLITS = ("train", "validation")


def wanted(text: str, schema) -> Mapping[str, set[str]]:
    """The values of each attribute that make a set."""
    found = {}
    for part in text.split(","):
        name, values = part.split("=", 1)
        attribute = schema.attribute(name)
        found[name] = {attribute.values[attribute.id_of(value) - 1] for value in values.split("/")}
    return found


def fits(schema, conditions: np.ndarray, values: Mapping[str, set[str]]) -> np.ndarray:
    """Which rows of condition ids show a set, bool `[N]`."""
    decoded = [schema.decode(ids) for ids in conditions]
    return np.array([all(row.get(name) in some for name, some in values.items()) for row in decoded])


def taken(classifier, pictures: np.ndarray, values: Mapping[str, set[str]]) -> float:
    """The share of pictures that a classifier takes for those of a set."""
    return float(fits(classifier.schema, classifier.recognise(pictures), values).mean())


def set_of(catalogue, values: Mapping[str, set[str]]) -> dict[str, np.ndarray]:
    """The photos of a set, by split."""
    schema = catalogue.schema
    found = {split: catalogue.images(split)[fits(schema, catalogue.conditions(split), values)] for split in SPLITS}
    if not all(map(len, found.values())):
        raise CatalogueError(f"A set has no photos to train on or none to look at: {values}")
    return found


def alone(photos: Mapping[str, np.ndarray], image_size: int) -> tpg.Catalogue:
    """A catalogue of photos without labels."""
    splits = [split for split in SPLITS for _ in photos[split]]
    return tpg.Catalogue.from_arrays(np.concatenate(list(photos.values())), splits=splits, image_size=image_size)


def both_ways(args: argparse.Namespace, catalogue, texts: tuple[str, str], extractors: Mapping) -> list[list]:
    """Learn from two sets; a row of the table for each way."""
    values = [wanted(text, catalogue.schema) for text in texts]
    sets = [set_of(catalogue, each) for each in values]
    size, name = catalogue.image_size, slug(" to ".join(texts))
    pairs = tpg.Catalogue.from_unpaired(*(alone(each, size) for each in sets))
    model, found = proved(pairs, recipe_of(args, "cyclegan"), args.core_seconds, args.out / name)
    told(f"{texts[0]} and {texts[1]}", found)
    ways = ((0, 1, model, model.way_back()), (1, 0, model.way_back(), model))
    rows, grid = [], {}
    for start, end, there, again in ways:
        photos, goal = sets[start]["validation"], np.concatenate(list(sets[end].values()))
        made = there.translate_squares(photos, no_words(there, photos))
        returned = again.translate_squares(made, no_words(again, made))
        row = [f"{texts[start]} to {texts[end]}", len(photos)]
        for extractor in extractors.values():
            seen = [extractor.features(each) for each in (goal, photos, made)]
            row += [apart(seen[0], each) for each in seen[1:]]
        row += [taken(extractors["classifier"], each, values[end]) for each in (photos, made, sets[end]["validation"])]
        rows.append([*row, float(np.abs(returned.astype(np.int16) - photos).mean())])
        few = np.linspace(0, len(photos) - 1, SHOWN).astype(int)
        way = "there" if end else "back"
        shown = " ".join(part.partition("=")[2] for part in texts[start].split(","))
        grid |= {shown: photos[few], f"{way}": made[few], f"{way} and returned": returned[few]}
    show_grid(grid, args.out / f"{name}.png")
    return rows


def apart(real: np.ndarray, made: np.ndarray) -> float | None:
    """The Fréchet distance of features; of a single picture there is none."""
    return frechet_distance_of(real, made, force=True) if min(len(real), len(made)) > 1 else None


def no_words(translator, pictures: np.ndarray) -> np.ndarray:
    """Nothing asked for by name."""
    return np.zeros((len(pictures), translator.schema.num_columns), np.int32)


def main() -> None:
    """Train and measure what the words say."""
    parser = parser_of(__doc__, "cyclegan")
    parser.add_argument("--sets", nargs=2, action="append", required=True, metavar="ATTRIBUTE=VALUE")
    add_data_options(parser)
    args = parser.parse_args()
    catalogue = catalogue_from(args)
    extractors = {"classifier": catalogue_classifier(catalogue)}
    if args.judge:
        extractors[Path(args.judge).stem] = get_extractor("file", catalogue, args.judge)
    heads = ["", "photos", *(f"Fréchet, {name}, {when}" for name in extractors for when in ("before", "after"))]
    heads += ["taken before", "taken after", "taken of its own", "cycle"]
    rows = [row for texts in args.sets for row in both_ways(args, catalogue, tuple(texts), extractors)]
    show_table(heads, rows, args.out / "table.md")


if __name__ == "__main__":
    main()
