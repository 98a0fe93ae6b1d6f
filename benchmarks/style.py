"""How far one network for several styles is from optimising pixels, in loss and in time; the README's grid of styles.

Run: python benchmarks/style.py --features-file vgg19.npz --out runs/style-benchmark [--image-size 64] [--images 40k]

Photos are the studio's, styles are patterns drawn here. The network is trained, or goes on, in the folder; then some
validation photos are painted in each style both ways, and one measure, that of `stylize`, is taken of both. Written:
`grid.png` (photos, the optimised pictures, the network's) and `table.md`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image

import tfproductgan as tpg
from tfproductgan.cli.values import parse_count
from tfproductgan.models.stylizing import Settings, losses_of, stylise
from tfproductgan.models.vgg19 import vgg19_features
from tfproductgan.sampling.files import write_png
from tfproductgan.writing import write_text

SIZE = 256  # of the style pictures


def waves() -> np.ndarray:
    """Blue and yellow waves."""
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
    share = 0.5 + 0.5 * np.sin(40 * columns + 6 * np.sin(9 * rows))[..., None]
    return share * [20, 40, 140] + (1 - share) * [250, 200, 60]


def mosaic() -> np.ndarray:
    """Stones of many colours in dark joints."""
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
    places, colours = rng.uniform(size=(90, 2)), rng.integers(30, 250, (90, 3))
    distances = np.hypot(columns[..., None] - places[:, 0], rows[..., None] - places[:, 1])
    first, second = np.sort(distances, axis=-1)[..., :2].transpose(2, 0, 1)
    picture = colours[distances.argmin(axis=-1)]
    picture[second - first < 0.012] = 20
    return picture


def dots() -> np.ndarray:
    """Red dots of several sizes on cream."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    radius = 4 + 4 * (1 + np.sin(rows // 20)[..., None])
    inside = np.hypot(rows % 20 - 10, columns % 20 - 10)[..., None] < radius
    return np.where(inside, [200, 40, 50], [250, 240, 215])


STYLES = {"waves": waves, "mosaic": mosaic, "dots": dots}


def main() -> None:
    """Train, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features-file", required=True, help="as of tfproductgan stylize")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--images", type=parse_count, default=40_000)
    parser.add_argument("--photos", type=int, default=4)
    args = parser.parse_args()
    folder = args.out / "styles"
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in STYLES.items():
        Image.fromarray(draw().astype(np.uint8)).save(folder / f"{name}.png")
    photos = tpg.Catalogue.studio(2_000, image_size=args.image_size)
    recipe = tpg.get_recipe("style", features=args.features_file, images=args.images)
    model = tpg.train(photos.with_styles(folder), recipe, args.out / "run").trained()
    features = vgg19_features(args.features_file)
    settings = Settings(size=args.image_size)
    shown = photos.images("validation")[: args.photos]
    model.translate(shown[0])  # traced once, as a server does
    lines = [
        "| style | photo | optimised | network | ratio | optimised, s | network, s |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = [np.concatenate(list(shown), axis=1)]
    for name in STYLES:
        style = Image.open(folder / f"{name}.png").resize((args.image_size, args.image_size), Image.Resampling.LANCZOS)
        totals, seconds, made = np.zeros((len(shown), 3)), np.zeros(2), ([], [])
        for number, pixels in enumerate(shown):
            photo = Image.fromarray(pixels)
            began = time.perf_counter()
            optimised = stylise(photo, [style], features, settings)
            between = time.perf_counter()
            painted = model.translate(pixels, {"style": name})
            seconds += between - began, time.perf_counter() - between
            losses = [
                losses_of(each, photo, [style], features, settings).total for each in (optimised.picture, painted)
            ]
            totals[number] = optimised.before.total, *losses
            made[0].append(optimised.picture)
            made[1].append(painted)
        before, best, network = totals.mean(axis=0)
        times = seconds / len(shown)
        lines.append(
            f"| {name} | {before:.1f} | {best:.1f} | {network:.1f} | {network / best:.2f} | {times[0]:.2f} | "
            f"{times[1]:.4f} |"
        )
        rows += [np.concatenate(way, axis=1) for way in made]
    write_png(args.out / "grid.png", np.concatenate(rows), overwrite=True)
    write_text(args.out / "table.md", "\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
