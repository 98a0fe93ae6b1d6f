"""Runs of srresnet and srgan beside a bicubic filter, and a large photo in tiles.

    python benchmarks/upscaling.py runs/srresnet runs/srgan --data photos/ --image-size 128 --features vgg19

Prints, of validation photos that were made small by a bicubic filter alone (clean) and as the first run's recipe spoils
them (spoilt): PSNR and SSIM over all channels of whole pictures, and with `--features` the mean absolute difference in
the last layer of VGG-19 that there is. Then, for a photo of 2,000 x 3,000 pixels: how much pixels differ when tiles
lie elsewhere, at the borders of tiles and inside, and what memory grew by beside the pictures themselves.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import tensorflow as tf
from measuring import peak_megabytes
from PIL import Image

from tfproductgan.cli.data_options import add_data_options, catalogue_from
from tfproductgan.metrics.distances import psnr, ssim
from tfproductgan.models.degradations import degraded
from tfproductgan.models.loading import load
from tfproductgan.models.pictures import to_float, to_uint8
from tfproductgan.models.randomness import Draws
from tfproductgan.models.upscaler import spans
from tfproductgan.models.vgg19 import vgg19_features
from tfproductgan.recipes import Recipe

TILES = (192, 256)
LARGE = (2000, 3000)


def bicubic(small: np.ndarray, scale: int) -> np.ndarray:
    """Pictures enlarged by a bicubic filter."""
    size = [scale * side for side in small.shape[1:3]]
    resized = tf.image.resize(tf.cast(small, tf.float32), size, "bicubic")
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8).numpy()


def spoilt(photos: np.ndarray, model) -> np.ndarray:
    """Photos as the recipe of a model spoils them."""
    objective = Recipe.from_dict(model.provenance["recipe"]).objective
    return to_uint8(degraded(to_float(photos), model.scale, objective, Draws(0, tf.constant(0, tf.int64)))).numpy()


def distance(photos: np.ndarray, made: np.ndarray, features) -> float:
    """Mean absolute difference of what a network sees."""
    layer = features.layers[-1]
    found = []
    for rows in np.array_split(np.arange(len(photos)), max(1, len(photos) // 16)):
        photo, picture = (features(tf.cast(each[rows], tf.float32), [layer])[layer] for each in (photos, made))
        found.append(float(tf.reduce_mean(tf.abs(photo - picture))))
    return float(np.mean(found))


def compare(models: dict, photos: np.ndarray, features) -> None:
    """A row for each way of enlarging, of photos made small in both ways."""
    first = next(iter(models.values()))
    for name, small in (("clean", first.shrunk(photos)), ("spoilt", spoilt(photos, first))):
        ways = {"bicubic": bicubic(small, first.scale)}
        ways |= {path: model.upscale_squares(small) for path, model in models.items()}
        for way, made in ways.items():
            seen = "" if features is None else f"  features {distance(photos, made, features):.4f}"
            print(
                f"{name:7} {way:24} PSNR {psnr(photos, made).mean():6.2f}  SSIM {ssim(photos, made).mean():.4f}{seen}"
            )


def in_tiles(model, photo: np.ndarray) -> None:
    """Seams and memory of a large photo."""
    large = np.asarray(Image.fromarray(photo.squeeze()).resize(LARGE[::-1], Image.Resampling.LANCZOS))
    model.upscale(large[:400, :400])
    before, start = peak_megabytes(), time.perf_counter()
    made = model.upscale(large, tile=TILES[0])
    seconds, grown = time.perf_counter() - start, peak_megabytes() - before
    difference = np.abs(made.astype(np.int16) - model.upscale(large, tile=TILES[1]))
    border = np.zeros(made.shape[:2], bool)
    for axis, side in enumerate(large.shape[:2]):
        for _, kept in spans(side, TILES[0], model.upscaling_network.reach):
            edge = model.scale * kept.start
            np.moveaxis(border, axis, 0)[max(edge - 1, 0) : edge + 1] = True
    print(
        f"{LARGE[0]} x {LARGE[1]} in {seconds:.0f} s; differences at borders of tiles {difference[border].mean():.5f} "
        f"(at most {difference[border].max()}), inside {difference[~border].mean():.5f} "
        f"(at most {difference[~border].max()}); memory {grown:.0f} MB, of it the picture {made.nbytes / 2**20:.0f} MB"
    )


def main() -> None:
    """Measure what the words say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--features", help="vgg19, random or a file with the weights of VGG-19")
    parser.add_argument("--count", type=int, default=256, help="how many photos (default: 256)")
    add_data_options(parser)
    args = parser.parse_args()
    models = {path: load(path).trained() for path in args.runs}
    catalogue = catalogue_from(args)
    photos = catalogue.images("validation")[: args.count]
    compare(models, photos, None if args.features is None else vgg19_features(args.features))
    for path, model in models.items():
        print(path, end=": ")
        in_tiles(model, photos[0])


if __name__ == "__main__":
    main()
