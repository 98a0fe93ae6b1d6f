"""Which judge sees what: distances of photos with known faults, and of generators, by several extractors.

Run: python benchmarks/judges.py --data photos/ [--model NAME=FILE.keras ...]
         [--judges texture catalogue ...] [--foreign efficientnet-lite0 file=squeezenet.h5 ...]

The photos of `--split` are parted in two halves that show the same. One is what is compared with; the other is spoilt
by one fault after the other, a rung each, and models are asked for what it shows. A row of the table is a rung, a
column a judge: squared Fréchet distances, and below them Spearman's rank correlations of each judge's order of the
rungs with that of networks that never saw such photos (`--foreign`). A judge is a name that `get_extractor` knows, with
`=FILE` if it needs one, or one of `candidates.py`. Features are kept in the cache.
"""

from __future__ import annotations

import argparse
import functools
import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.stats import spearmanr

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tfproductgan.cli.data_options import add_data_options, catalogue_from
from tfproductgan.cli.quiet import import_tensorflow
from tfproductgan.cli.values import positive

# === Faults: uint8 pictures [N, S, S, C] and an amount to pictures ===


def blur(images, sigma):
    """Gaussian, sigma in pixels."""
    return _rounded(gaussian_filter(images.astype(np.float32), (0, sigma, sigma, 0), mode="nearest"))


def noise(images, sigma):
    """Gaussian, independent in every pixel and channel; sigma in 255ths."""
    return _rounded(images + np.random.default_rng(0).normal(0, sigma, images.shape).astype(np.float32))


def jpeg(images, quality):
    """Written and read."""

    def again(image):
        file = io.BytesIO()
        Image.fromarray(image.squeeze()).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file)).reshape(image.shape)

    return np.stack([again(image) for image in images])


def mosaic(images, pixels):
    """Blocks of so many pixels that are as their mean."""
    starts = np.arange(0, images.shape[1], pixels)
    sizes = np.diff([*starts, images.shape[1]])
    for axis in (1, 2):
        shape = np.where(np.arange(4) == axis, len(sizes), 1)
        images = np.add.reduceat(images, starts, axis, np.float32) / sizes.reshape(shape).astype(np.float32)
        images = np.repeat(images, sizes, axis)
    return _rounded(images)


def checkerboard(images, amplitude):
    """Every second pixel lighter, the others darker; in 255ths."""
    y, x = np.indices(images.shape[1:3])
    return _rounded(images + amplitude * (1.0 - 2.0 * ((x + y) % 2))[..., None])


def colour_shift(images, amount):
    """Towards red, away from blue; of grey pictures, darker; in 255ths."""
    return _rounded(images + amount * np.array([1.0, 0.0, -1.0] if images.shape[-1] == 3 else [-1.0]))


def warp(images, pixels):
    """Bent along a smooth random field; root mean square in pixels."""
    rng, size = np.random.default_rng(0), images.shape[1]
    bent = np.empty_like(images)
    for image, out in zip(images, bent, strict=True):
        field = gaussian_filter(rng.normal(size=(2, size, size)), (0, size / 16, size / 16), mode="wrap")
        places = np.indices((size, size)) + field * (pixels / field.std())
        for channel in range(image.shape[-1]):
            out[..., channel] = np.clip(map_coordinates(image[..., channel], places, order=1, mode="nearest"), 0, 255)
    return bent


def _rounded(images):
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)


# === Faults of the choice: condition ids [N, A] and a share to rows ===


def modes(ids, share):
    """Only the most frequent conditions, which so large a share of the photos have."""
    _, kind, counts = np.unique(ids, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    kept = order[: 1 + np.searchsorted(np.cumsum(counts[order]), share * len(ids))]
    rows = np.flatnonzero(np.isin(kind.ravel(), kept))
    return rows[np.random.default_rng(0).integers(len(rows), size=len(ids))]


def one_type(ids, share):
    """So large a share replaced by photos of the most frequent value of the first attribute."""
    rng, rows = np.random.default_rng(0), np.arange(len(ids))
    of_type = np.flatnonzero(ids[:, 0] == np.bincount(ids[:, 0]).argmax())
    replaced = rng.permutation(len(ids))[: round(share * len(ids))]
    rows[replaced] = of_type[rng.integers(len(of_type), size=len(replaced))]
    return rows


PIXELS = {
    "blur {:g} px": (blur, (0.5, 0.75, 1, 1.5, 2)),
    "noise {}": (noise, (5, 10, 20, 40)),
    "JPEG {}": (jpeg, (75, 50, 25, 10)),
    "mosaic {} px": (mosaic, (2, 4, 8)),
    "checkerboard {}": (checkerboard, (4, 8, 16, 32)),
    "colour shift {}": (colour_shift, (8, 16, 32)),
    "warp {:g} px": (warp, (0.5, 1, 2)),
}
CHOICES = {
    "modes of {:.0%}": (modes, (0.5, 0.25)),
    "{:.0%} of one type": (one_type, (0.25, 0.5)),
}


def ladder(images: np.ndarray, ids: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    """Name of a rung to what makes its pictures."""
    rungs = {"photos": lambda: images}
    for name, (fault, amounts) in PIXELS.items():
        rungs |= {name.format(amount): functools.partial(fault, images, amount) for amount in amounts}
    for name, (choice, shares) in CHOICES.items():
        rungs |= {name.format(share): lambda c=choice, s=share: images[c(ids, s)] for share in shares}
    return rungs


def drawn(path: Path, catalogue, ids: np.ndarray) -> np.ndarray:
    """What a model draws when asked for what photos show."""
    import tfproductgan

    model = tfproductgan.load(path)
    return model.draw(model.plan([catalogue.schema.decode(row) for row in ids], seed=0, complete=False))


# === Judges ===


def judge_of(text: str, catalogue):
    """An extractor: a candidate by name, or `NAME[=FILE]` as `get_extractor` takes it."""
    from candidates import CANDIDATES

    from tfproductgan.metrics.extractors import get_extractor

    name, _, path = text.partition("=")
    return CANDIDATES[name](catalogue) if name in CANDIDATES else get_extractor(name, catalogue, path or None)


def distances(extractor, catalogue, content: str, reference: np.ndarray, rungs: dict) -> dict[str, float]:
    """Squared Fréchet distance of each rung from the reference; `content` names the photos."""
    from tfproductgan.metrics.distances import frechet_distance_of
    from tfproductgan.metrics.features import FeatureCache

    cache = FeatureCache()

    def features(name, make):
        whole = f"judges {content} {name}"
        return cache.of_batches(extractor, whole, len(reference), lambda: [make()]).features

    real = features("reference", lambda: reference)
    return {name: frechet_distance_of(real, features(name, make), force=True) for name, make in rungs.items()}


def table(found: dict[str, dict[str, float]], foreign: list[str], models: list[str]) -> str:
    """Markdown; rungs as the first foreign network orders them."""
    rungs = sorted(found[foreign[0]], key=found[foreign[0]].get)
    lines = [f"| rung | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|"]
    lines += [f"| {rung} | {' | '.join(f'{found[judge][rung]:.3g}' for judge in found)} |" for rung in rungs]
    for name, some in {
        "all": rungs,
        "faults": [rung for rung in rungs if rung not in models],
        "models": models,
    }.items():
        for network in foreign if len(some) > 2 else ():
            orders = {judge: [of[rung] for rung in some] for judge, of in found.items()}
            cells = " | ".join(f"{spearmanr(order, orders[network]).statistic:.3f}" for order in orders.values())
            lines.append(f"| **rank correlation with {network}**, {name} ({len(some)}) | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judges", nargs="*", default=["texture", "catalogue"], metavar="NAME[=FILE]")
    parser.add_argument("--foreign", nargs="+", default=["efficientnet-lite0"], metavar="NAME[=FILE]")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FILE", help="a rung of its pictures")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--count", type=positive, default=2000, help="pictures a rung (default: 2000)")
    add_data_options(parser)
    args = parser.parse_args()
    import_tensorflow()
    from tfproductgan.metrics.feature_extractor import file_sha256
    from tfproductgan.metrics.judge import alike_halves

    catalogue = catalogue_from(args)
    ids, images = catalogue.conditions(args.split), catalogue.images(args.split)
    # the halves are sorted by conditions: rows from all of them, not the first
    chosen = np.linspace(0, len(ids) // 2 - 1, min(args.count, len(ids) // 2), dtype=int)
    first, second = (half[chosen] for half in alike_halves(ids, 0))
    reference, asked = images[first], ids[second]
    rungs = ladder(images[second], asked)
    models = {}
    for given in args.model:
        name, _, path = given.rpartition("=")
        key = f"{name} ({file_sha256(Path(path))[:6]})"
        models[key] = functools.partial(drawn, Path(path), catalogue, asked)
    content = f"{catalogue.fingerprint} {args.split} {len(reference)}"
    found = {}
    for text in dict.fromkeys([*args.foreign, *args.judges]):
        extractor = judge_of(text, catalogue)
        found[extractor.id] = distances(extractor, catalogue, content, reference, rungs | models)
    print(f"{len(reference):,} photos a rung\n")
    print(table(found, list(found)[: len(args.foreign)], list(models)))


if __name__ == "__main__":
    main()
