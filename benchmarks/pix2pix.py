"""pix2pix from drawings to photos, beside what takes no learning, and beside the authors' networks in PyTorch.

    python benchmarks/pix2pix.py --data photos/ --image-size 128 [--core-seconds 3600] [--judge squeezenet.h5]
        [--peer CHECKOUT --peer-python PYTHON] [--grid pictures.png]

The drawings are the edges of the photos: the slope of their grey values, smoothed over a pixel. Ours, the recipe
`pix2pix`, is told labels as well; `--peer` is a checkout of https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix,
whose U-Net and PatchGAN are trained as its `train.py` does by default (batches of one, jitter, flips, linear decay over
the second half), for as many core-seconds, on the same pairs, by the interpreter of `--peer-python`. Prints, of
validation photos:

- L1: mean absolute difference to the photo, in levels of 255; SSIM: structural similarity to it
- Fréchet: squared distance to the photos in the features of `--judge`, and of the catalogue's classifier
- an accuracy for each attribute: share of the pictures in which the classifier recognises what the photo shows
- asked: the same where that attribute was asked for as another photo has it, for what can be asked

Rows are the drawing itself, the mean of the training photos of the same first attribute, ours and the peer's. Pictures
a core-second are of training. `--grid` writes drawings, photos, ours, ours asked otherwise, the peer's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_gradient_magnitude

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from recipes import learn

import tfproductgan as tpg
from tfproductgan.cli.data_options import add_data_options, catalogue_from
from tfproductgan.metrics.classifier import accuracies, catalogue_classifier
from tfproductgan.metrics.distances import frechet_distance_of, ssim
from tfproductgan.metrics.extractors import get_extractor
from tfproductgan.recipes import get_recipe
from tfproductgan.sampling.files import write_png

SPLITS = ("train", "validation")
SHOWN = 10


def drawings(photos: np.ndarray) -> np.ndarray:
    """Dark edges on white, uint8 `[N, S, S, 1]`."""
    grey = photos.astype(np.float32).mean(axis=-1)
    edges = [gaussian_gradient_magnitude(photo, 1.0, mode="nearest") for photo in grey]
    return (255 - np.clip(8 * np.stack(edges), 0, 255)).astype(np.uint8)[..., None]


def paired(catalogue) -> tpg.Catalogue:
    """The photos of a catalogue with their drawings."""
    images = np.concatenate([catalogue.images(split) for split in SPLITS])
    labels = [catalogue.schema.decode(ids) for split in SPLITS for ids in catalogue.conditions(split)]
    splits = [split for split in SPLITS for _ in range(catalogue.size(split))]
    return tpg.Catalogue.from_arrays(images, labels, splits, drawings(images), image_size=catalogue.image_size)


def mean_photos(catalogue) -> np.ndarray:
    """For each validation photo the mean of the training photos that share its first attribute."""
    first = catalogue.schema.slices[0].start
    images, shown = catalogue.images("train"), catalogue.conditions("train")[:, first]
    means = {value: images[shown == value].mean(axis=0) for value in np.unique(shown)}
    rest = images.mean(axis=0)
    wanted = catalogue.conditions("validation")[:, first]
    return np.round([means.get(value, rest) for value in wanted]).astype(np.uint8)


def ask_otherwise(conditions: np.ndarray, at: slice) -> np.ndarray:
    """What photos show, but for one attribute as some other photo has it."""
    asked = conditions.copy()
    asked[:, at] = conditions[np.random.default_rng(0).permutation(len(conditions))][:, at]
    return asked


def peer(args: argparse.Namespace, images: dict, sources: dict) -> tuple[np.ndarray, dict]:
    """What the authors' networks make of validation drawings, and how they were trained."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder, "pairs.npz")
        np.savez(arrays, images=images["train"], sources=sources["train"], asked=sources["validation"])
        made = Path(folder, "made.npy")
        command = [args.peer_python, Path(__file__).with_name("pix2pix_torch.py"), args.peer, arrays, made]
        done = subprocess.run([*command, str(args.core_seconds)], check=True, stdout=subprocess.PIPE, text=True)
        # their networks print as they are made
        return np.load(made), json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Train and measure what the words say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core-seconds", type=int, default=3600)
    parser.add_argument("--judge", metavar="FILE", help="weights of a network to measure distances by")
    parser.add_argument("--peer", metavar="CHECKOUT")
    parser.add_argument("--peer-python", default="python", metavar="PYTHON", help="an interpreter that has PyTorch")
    parser.add_argument("--keep", metavar="FILE", help="a .keras file that ours is written to, or read from")
    parser.add_argument("--grid", metavar="PATH", help="a .png file to write pictures to")
    add_data_options(parser)
    args = parser.parse_args()
    pairs = paired(catalogue_from(args))
    schema, photos, shown = pairs.schema, pairs.images("validation"), pairs.conditions("validation")
    images = {split: pairs.images(split) for split in SPLITS}
    sources = {split: np.concatenate(list(pairs.source_batches(split))) for split in SPLITS}
    if args.keep and Path(args.keep).is_file():
        ours = tpg.load(args.keep)
    else:
        model, learnt = learn(pairs, get_recipe("pix2pix").for_size(pairs.image_size), args.core_seconds)
        ours = model.trained()
        print(f"ours: {learnt['images']:,} pictures, {learnt['images'] / learnt['cpu']:.2f} a core-second")
        if args.keep:
            ours.save(args.keep)
    asked = {name: ask_otherwise(shown, at) for name, at in zip(schema.names, schema.slices, strict=True)}
    otherwise = {name: ours.translate_squares(sources["validation"], ids) for name, ids in asked.items()}
    made = {
        "drawing": np.broadcast_to(sources["validation"], photos.shape),
        "mean photo": mean_photos(pairs),
        "ours": ours.translate_squares(sources["validation"], shown),
    }
    if args.peer:
        made["peer"], told = peer(args, images, sources)
        print(f"peer: {told['images']:,} pictures, {told['images'] / told['cpu']:.2f} a core-second")
    classifier = catalogue_classifier(pairs)
    extractors = {"classifier": classifier}
    if args.judge:
        extractors[Path(args.judge).stem] = get_extractor("file", pairs, args.judge)
    features = {name: extractor.features(photos) for name, extractor in extractors.items()}
    heads = ["L1", "SSIM", *(f"Fréchet, {name}" for name in extractors), *schema.names]
    heads += [f"asked: {name}" for name in schema.names]
    print(f"| | {' | '.join(heads)} |\n{'|---' * (1 + len(heads))}|")
    for row, pictures in {"photos": photos, **made}.items():
        figures = [np.abs(pictures.astype(np.int16) - photos).mean(), ssim(photos, pictures).mean()]
        figures += [
            frechet_distance_of(features[name], extractor.features(pictures), force=True)
            for name, extractor in extractors.items()
        ]
        figures += list(accuracies(classifier.recognise(pictures), shown, schema).values())
        if row == "ours":
            figures += [
                accuracies(classifier.recognise(otherwise[name]), ids, schema)[name] for name, ids in asked.items()
            ]
        cells = [f"{figure:.3g}" for figure in figures] + [""] * (len(heads) - len(figures))
        print(f"| {row} | {' | '.join(cells)} |")
    if args.grid:
        last = otherwise[schema.names[-1]] if schema.names else photos
        rows = [made["drawing"], photos, made["ours"], last, *([made["peer"]] if args.peer else [])]
        few = np.linspace(0, len(photos) - 1, SHOWN).astype(int)
        write_png(args.grid, np.concatenate([np.concatenate(list(each[few]), axis=1) for each in rows]), overwrite=True)


if __name__ == "__main__":
    main()
