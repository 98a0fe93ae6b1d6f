"""SRResNet and SRGAN beside a bicubic filter, and a large photo in tiles.

    python benchmarks/upscaling.py --data photos/ --image-size 128 --features vgg19.npz --judge squeezenet.h5
        [--core-seconds 3600] [--out proofs/upscaling]

The recipes `srresnet` and `srgan` learn for as long each, x4, and go on where they were stopped. Prints, of validation
photos that were made small by a bicubic filter alone (clean) and as the recipe spoils them (spoilt):

- PSNR and SSIM over all channels of whole pictures
- features: mean absolute difference in the last layer of `--features`, which SRGAN learns from
- perceptual: distance by the maps of `--judge`, which it does not, see `maps_distance`
- Fréchet: squared distance to the photos in the features of `--judge`

Then, for a sheet of photos of 2,000 x 3,000 pixels: how much pixels differ when tiles lie elsewhere, at the borders of
tiles and inside; how large steps from pixel to pixel are across the borders, and there where tiles lie elsewhere; what
memory grew by beside the pictures themselves, for a quarter of the sheet and for the whole, which should be alike.
Written to `--out`: `table.md`, `tiles.md` and `grid.png`: bicubic, SRResNet, SRGAN, photo, of spoilt photos.
"""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from learning import WHOLE
from measuring import peak_megabytes
from proving import SHOWN, parser_of, proved, recipe_of, show_grid, show_table, told

import tfproductgan as tpg
from tfproductgan.cli.data_options import add_data_options, catalogue_from
from tfproductgan.losses.perceptual import maps_distance
from tfproductgan.metrics.distances import frechet_distance_of, psnr, ssim
from tfproductgan.metrics.extractors import get_extractor
from tfproductgan.models.degradations import degraded, larger
from tfproductgan.models.pictures import to_float, to_uint8
from tfproductgan.models.randomness import Draws
from tfproductgan.models.upscaler import spans
from tfproductgan.models.vgg19 import vgg19_features
from tfproductgan.recipes import Recipe

TILES = (192, 256)


def spoilt(photos: np.ndarray, model) -> np.ndarray:
    """Photos as the recipe of a model spoils them."""
    objective = Recipe.from_dict(model.provenance["recipe"]).objective
    return to_uint8(degraded(to_float(photos), model.scale, objective, Draws(0, tf.constant(0, tf.int64)))).numpy()


def seen_apart(photos: np.ndarray, made: np.ndarray, features, judge) -> list[float]:
    """How far pictures are from photos in what networks see of them, and their Fréchet distance."""
    layer, found = features.layers[-1], []
    for rows in np.array_split(np.arange(len(photos)), max(1, len(photos) // 16)):  # maps take much memory
        pair = [tf.cast(each[rows], tf.float32) for each in (photos, made)]
        photo, picture = (features(each, [layer])[layer] for each in pair)
        found.append([float(tf.reduce_mean(tf.abs(photo - picture)))])
        if judge is not None:
            found[-1].append(float(tf.reduce_mean(maps_distance(*map(judge.maps_of, pair)))))
    means = np.mean(found, axis=0).tolist()
    if judge is None:
        return means
    return [*means, frechet_distance_of(judge.features(photos), judge.features(made), force=True)]


def compared(models: dict, photos: np.ndarray, features, judge) -> tuple[list[list], dict]:
    """A row for each way of enlarging, of photos made small in both ways; and what was made of the spoilt ones."""
    first = next(iter(models.values()))
    rows = []
    for name, small in (("clean", first.shrunk(photos)), ("spoilt", spoilt(photos, first))):
        ways = {"bicubic": larger(small, first.scale).numpy()}
        ways |= {way: model.upscale_squares(small) for way, model in models.items()}
        for way, made in ways.items():
            row = [name, way, float(psnr(photos, made).mean()), float(ssim(photos, made).mean())]
            row += seen_apart(photos, made, features, judge)
            rows.append(row)
    return rows, ways


def sheet(photos: np.ndarray, height: int, width: int) -> np.ndarray:
    """Photos side by side, again and again, as one large picture."""
    columns, rows = (-(-side // photos.shape[1]) for side in (width, height))
    order = np.arange(rows * columns) % len(photos)
    whole = photos[order].reshape(rows, columns, *photos.shape[1:]).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(whole.reshape(rows * photos.shape[1], -1, photos.shape[3])[:height, :width])


def in_tiles(path: Path, large: np.ndarray) -> list:
    """Seams and memory of a large photo; in a process of its own, whose memory is nobody else's."""
    model = tpg.load(path)
    model.upscale(large[:400, :400], tile=TILES[0])
    grown, made = [], None
    for part in (large[: large.shape[0] // 2, : large.shape[1] // 2], large):
        made = None  # so that there is one at a time
        before, start = peak_megabytes(), time.perf_counter()
        made = model.upscale(part, tile=TILES[0])
        grown.append(peak_megabytes() - before - made.nbytes / 2**20)
    seconds = time.perf_counter() - start
    other = model.upscale(large, tile=TILES[1])
    lines = [
        [model.scale * kept.start for _, kept in spans(side, TILES[0], model.upscaling_network.reach)][1:]
        for side in large.shape[:2]
    ]
    # sums over rows of tiles, since the whole in larger numbers than bytes takes gigabytes
    at_border, inside = np.zeros(3), np.zeros(3)
    across, control = np.zeros(2), np.zeros(2)
    beside = np.zeros(made.shape[1], bool)
    beside[[line + side for line in lines[1] for side in (-1, 0)]] = True
    for top in range(0, len(made), 256):
        part = made[top : top + 256].astype(np.int16)
        border = np.zeros(part.shape[:2], bool)
        border[:, beside] = True
        near = [line + side - top for line in lines[0] for side in (-1, 0)]
        border[[row for row in near if 0 <= row < len(part)]] = True
        apart = np.abs(part - other[top : top + 256]).mean(axis=-1)
        for sums, which in ((at_border, border), (inside, ~border)):
            sums += apart[which].sum(), which.sum(), 0
            sums[2] = max(sums[2], apart[which].max(initial=0))
        for sums, whole in ((across, made), (control, other)):
            sides = [whole[top : top + 256, [line + side for line in lines[1]]].astype(np.int16) for side in (-1, 0)]
            sums += np.abs(sides[1] - sides[0]).sum(), sides[0].size
    means = [float(sums[0] / sums[1]) for sums in (at_border, inside, across, control)]
    figures = [means[0], float(at_border[2]), means[1], float(inside[2]), *means[2:]]
    return [*figures, round(grown[0]), round(grown[1]), round(seconds)]


def main() -> None:
    """Train and measure what the words say."""
    parser = parser_of(__doc__, "upscaling")
    parser.add_argument("--features", required=True, help="a file with the weights of VGG-19, vgg19 or random")
    parser.add_argument("--large", type=int, nargs=2, default=(2000, 3000), metavar="PIXELS", help="sides of the sheet")
    parser.add_argument("--count", type=int, default=256, help="how many validation photos at most (default: 256)")
    add_data_options(parser)
    args = parser.parse_args()
    catalogue = catalogue_from(args)
    recipes = {"SRResNet": recipe_of(args, "srresnet"), "SRGAN": recipe_of(args, "srgan", features=args.features)}
    start = recipes["SRGAN"].objective.start
    halves = {"SRGAN": ((start, {"start": 1.0}), (1 - start, {"start": 0.0}))}
    models = {}
    for name, recipe in recipes.items():
        parts = halves.get(name, WHOLE)
        models[name], found = proved(catalogue, recipe, args.core_seconds, args.out, parts)
        told(name, found)
        models[name].save(args.out / f"{name}.keras")
    photos = catalogue.images("validation")[: args.count]
    judge = get_extractor("file", catalogue, args.judge) if args.judge else None
    rows, made = compared(models, photos, vgg19_features(args.features), judge)
    judged = ["perceptual", "Fréchet"] if judge else []
    show_table(["photos", "", "PSNR", "SSIM", "features", *judged], rows, args.out / "table.md")
    few = np.linspace(0, len(photos) - 1, SHOWN).astype(int)
    show_grid({name: pictures[few] for name, pictures in {**made, "photo": photos}.items()}, args.out / "grid.png")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        large = sheet(photos, *args.large)
        rows = [[name, *pool.apply(in_tiles, (args.out / f"{name}.keras", large))] for name in models]
    heads = ["", "apart at borders", "most", "inside", "most", "step across borders", "there without"]
    show_table([*heads, "MB grown, quarter", "MB grown, whole", "seconds"], rows, args.out / "tiles.md")


if __name__ == "__main__":
    main()
