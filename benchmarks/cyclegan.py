"""How near a run of cyclegan takes each of two sets to the other, and what is lost on the way there and back.

    python benchmarks/cyclegan.py runs/watches --data gold/ --unpaired silver/ --image-size 64 [--extractor texture]

Prints for each way, of validation pictures: the Fréchet distance to the other set before and after, in the features of
a classifier that tells the two sets apart and of `--extractor`; the share that the classifier takes for the other set,
beside the same of that set's own pictures; and the mean absolute difference, in levels of 255, of what comes back after
it was rounded to whole levels, which leaves no hidden signal. `--grid` writes pictures, what becomes of them, and what
comes back.
"""

from __future__ import annotations

import argparse

import numpy as np

import tfproductgan as tpg
from tfproductgan.cli.data_options import add_data_options, catalogue_from
from tfproductgan.metrics.classifier import catalogue_classifier
from tfproductgan.metrics.distances import frechet_distance_of
from tfproductgan.metrics.extractors import get_extractor
from tfproductgan.models.loading import load
from tfproductgan.sampling.files import write_png

SHOWN = 8


def told_apart(sets: dict[str, dict[str, np.ndarray]]):
    """A classifier of which set a picture is from."""
    parts = [
        (pictures, name, split) for name, splits in sets.items() for split, pictures in splits.items() if len(pictures)
    ]
    images = np.concatenate([pictures for pictures, _, _ in parts])
    labels = {"set": [name for pictures, name, _ in parts for _ in pictures]}
    splits = [split for pictures, _, split in parts for _ in pictures]
    return catalogue_classifier(tpg.Catalogue.from_arrays(images, labels, splits, image_size=images.shape[1]))


def share_of(classifier, pictures: np.ndarray, name: str) -> float:
    """The share of pictures that are taken for those of a set."""
    wanted = classifier.schema.attribute("set").id_of(name)
    return float(np.mean(classifier.recognise(pictures)[:, 0] == wanted))


def main() -> None:
    """Measure what the words say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--extractor", help="another one to measure distances by, as of tfproductgan evaluate")
    parser.add_argument("--extractor-file", metavar="PATH", help="its weights")
    parser.add_argument("--grid", metavar="PATH", help="a .png file to write pictures to")
    add_data_options(parser)
    args = parser.parse_args()
    model, catalogue = load(args.run).trained(), catalogue_from(args)
    found = {"B": catalogue, "A": catalogue.sources}
    sets = {name: {split: each.images(split) for split in ("train", "validation")} for name, each in found.items()}
    classifier = told_apart(sets)
    extractors = {"classifier": classifier}
    if args.extractor:
        extractors[args.extractor] = get_extractor(args.extractor, catalogue, args.extractor_file)
    back = model.way_back()
    rows = []
    for start, end, there, again in (("A", "B", model, back), ("B", "A", back, model)):
        pictures, goal = sets[start]["validation"], sets[end]["validation"]
        made = there.translate_squares(pictures, ids_for(there, len(pictures)))
        returned = again.translate_squares(made, ids_for(again, len(made)))
        print(f"{start} to {end}, {len(pictures):,} pictures:")
        for name, extractor in extractors.items():
            seen = [extractor.features(each) for each in (goal, pictures, made)]
            before, after = (frechet_distance_of(seen[0], each, force=True) for each in seen[1:])
            print(f"  Fréchet distance, {name}: {before:.2f} before, {after:.2f} after")
        shares = [share_of(classifier, each, end) for each in (pictures, made, goal)]
        print(f"  taken for {end}: {shares[0]:.3f} before, {shares[1]:.3f} after, {shares[2]:.3f} of its own pictures")
        print(f"  lost there and back: {np.abs(returned.astype(int) - pictures).mean():.2f} levels of 255")
        rows += [np.concatenate(list(each[:SHOWN]), axis=1) for each in (pictures, made, returned)]
    if args.grid:
        write_png(args.grid, np.concatenate(rows), overwrite=True)


def ids_for(translator, count: int) -> np.ndarray:
    """Nothing asked for by name."""
    return np.zeros((count, translator.schema.num_columns), np.int32)


if __name__ == "__main__":
    main()
