"""pix2pix from drawings to photos, beside what takes no learning, and beside the authors' networks in PyTorch.

    python benchmarks/pix2pix.py --data photos/ --image-size 128 --judge squeezenet.h5 [--core-seconds 3600]
        [--peer CHECKOUT --peer-python PYTHON] [--out proofs/pix2pix]

The drawings are the edges of the photos: the slope of their grey values, smoothed over a pixel. Ours, the recipe
`pix2pix`, is told labels as well; `--peer` is a checkout of https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix,
whose U-Net and PatchGAN are trained as its `train.py` does by default (batches of one, jitter, flips, linear decay over
the second half), for as many core-seconds, on the same pairs, by the interpreter of `--peer-python`. Both go on where
they were stopped. Prints, of validation photos:

- L1: mean absolute difference to the photo, in levels of 255; SSIM: structural similarity to it
- Fréchet: squared distance to the photos in the features of `--judge`, and of the catalogue's classifier
- an accuracy for each attribute: share of the pictures in which the classifier recognises what the photo shows
- asked: the same where that attribute was asked for as another photo has it, for what can be asked

Rows are the photos, the drawing itself, the mean of the training photos of the same first attribute, ours, ours asked
for nothing, and the peer's. Pictures a core-second are of training. Written to `--out`: `table.md` and `grid.png`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from proving import SHOWN, parser_of, proved, recipe_of, show_grid, show_table, told
from scipy.ndimage import gaussian_gradient_magnitude

import tfproductgan as tpg
from tfproductgan.cli.data_options import add_data_options, catalogue_from
from tfproductgan.metrics.classifier import accuracies, catalogue_classifier
from tfproductgan.metrics.distances import frechet_distance_of, ssim
from tfproductgan.metrics.extractors import get_extractor

SPLITS = ("train", "validation")


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
    stem = args.out / f"peer-{images['train'].shape[1]}-{args.core_seconds}"
    made, about, state = (stem.with_suffix(ending) for ending in (".npy", ".json", ".pt"))
    if not about.is_file():
        with tempfile.TemporaryDirectory() as folder:
            arrays = Path(folder, "pairs.npz")
            np.savez(arrays, images=images["train"], sources=sources["train"], asked=sources["validation"])
            program = Path(__file__).with_name("pix2pix_torch.py")
            command = [args.peer_python, program, args.peer, arrays, made, state, about, str(args.core_seconds)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # their networks print as they are made
    return np.load(made), json.loads(about.read_text())


def main() -> None:
    """Train and measure what the words say."""
    parser = parser_of(__doc__, "pix2pix")
    parser.add_argument("--peer", metavar="CHECKOUT")
    parser.add_argument("--peer-python", default="python", metavar="PYTHON", help="an interpreter that has PyTorch")
    add_data_options(parser)
    args = parser.parse_args()
    pairs = paired(catalogue_from(args))
    schema, photos, shown = pairs.schema, pairs.images("validation"), pairs.conditions("validation")
    images = {split: pairs.images(split) for split in SPLITS}
    sources = {split: np.concatenate(list(pairs.source_batches(split))) for split in SPLITS}
    ours, own = proved(pairs, recipe_of(args, "pix2pix"), args.core_seconds, args.out)
    told("ours", own)
    asked = {name: ask_otherwise(shown, at) for name, at in zip(schema.names, schema.slices, strict=True)}
    otherwise = {name: ours.translate_squares(sources["validation"], ids) for name, ids in asked.items()}
    made = {
        "drawing": np.broadcast_to(sources["validation"], photos.shape),
        "mean photo": mean_photos(pairs),
        "ours": ours.translate_squares(sources["validation"], shown),
        "ours, asked for nothing": ours.translate_squares(sources["validation"], np.zeros_like(shown)),
    }
    if args.peer:
        made["peer"], theirs = peer(args, images, sources)
        told("peer", theirs)
        pace, other = (found["images"] / found["cpu"] for found in (own, theirs))
        print(f"ours learns from {pace / other:.2f} times as many pictures a core-second")
    classifier = catalogue_classifier(pairs)
    extractors = {"classifier": classifier}
    if args.judge:
        extractors[Path(args.judge).stem] = get_extractor("file", pairs, args.judge)
    features = {name: extractor.features(photos) for name, extractor in extractors.items()}
    heads = ["", "L1", "SSIM", *(f"Fréchet, {name}" for name in extractors), *schema.names]
    heads += [f"asked: {name}" for name in schema.names]
    rows = []
    for row, pictures in {"photos": photos, **made}.items():
        figures = [float(np.abs(pictures.astype(np.int16) - photos).mean()), float(ssim(photos, pictures).mean())]
        figures += [
            frechet_distance_of(features[name], extractor.features(pictures), force=True)
            for name, extractor in extractors.items()
        ]
        figures += list(accuracies(classifier.recognise(pictures), shown, schema).values())
        followed = [None] * len(asked)
        if row == "ours":
            followed = [
                accuracies(classifier.recognise(otherwise[name]), ids, schema)[name] for name, ids in asked.items()
            ]
        rows.append([row, *figures, *followed])
    show_table(heads, rows, args.out / "table.md")
    few = np.linspace(0, len(photos) - 1, SHOWN).astype(int)
    grid = {"drawing": made["drawing"], "photo": photos, "ours": made["ours"]}
    grid |= {f"ours, other {name}": pictures for name, pictures in list(otherwise.items())[-1:]}
    grid |= {name: pictures for name, pictures in made.items() if name == "peer"}
    show_grid({name: pictures[few] for name, pictures in grid.items()}, args.out / "grid.png")


if __name__ == "__main__":
    main()
