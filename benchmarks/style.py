"""How far one network for several styles is from optimising pixels, in loss and in time; the README's grid of styles.

    python benchmarks/style.py --features vgg19.npz [--image-size 64] [--core-seconds 3600] [--out proofs/style]

Photos are the studio's, styles are patterns drawn here. The recipe `style` learns, or goes on, in the folder; then some
validation photos are painted in each style both ways, and one measure, that of `stylize`, is taken of both: by L-BFGS
and by Adam for as many steps, and by the network. Written to `--out`: `table.md` and `grid.png`: photos, the optimised
pictures, the network's, and those between two styles.
"""

from __future__ import annotations

import time

import numpy as np
from PIL import Image
from proving import parser_of, proved, recipe_of, show_grid, show_table, told

import tfproductgan as tpg
from tfproductgan.models.stylizing import Settings, losses_of, stylise
from tfproductgan.models.vgg19 import vgg19_features

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
    parser = parser_of(__doc__, "style", judge=False)
    parser.add_argument("--features", required=True, help="a file with the weights of VGG-19, vgg19 or random")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--photos", type=int, default=4)
    args = parser.parse_args()
    folder = args.out / "styles"
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in STYLES.items():
        Image.fromarray(draw().astype(np.uint8)).save(folder / f"{name}.png")
    photos = tpg.Catalogue.studio(2_000, image_size=args.image_size)
    recipe = recipe_of(args, "style", features=args.features)
    model, found = proved(photos.with_styles(folder), recipe, args.core_seconds, args.out)
    told("network", found)
    features = vgg19_features(args.features)
    settings = {way: Settings(size=args.image_size, optimizer=way) for way in ("lbfgs", "adam")}
    shown = photos.images("validation")[: args.photos]
    model.translate(shown[0])  # traced once, as a server does
    heads = ["style", "photo", "L-BFGS", "Adam", "network", "its content", "its style", "its variation", "ratio"]
    rows, grid = [], {"photo": shown}
    for name in STYLES:
        style = Image.open(folder / f"{name}.png").resize((args.image_size, args.image_size), Image.Resampling.LANCZOS)
        losses, seconds, made = [], [], {}
        for pixels in shown:
            photo, took, painted = Image.fromarray(pixels), [], {}
            for way, how in settings.items():
                began = time.perf_counter()
                optimised = stylise(photo, [style], features, how)
                took.append(time.perf_counter() - began)
                painted[way] = optimised.picture
            tries = []
            for _ in range(5):  # the fastest: a few milliseconds are easily disturbed
                began = time.perf_counter()
                painted["network"] = model.translate(pixels, {"style": name})
                tries.append(time.perf_counter() - began)
            seconds.append([*took, min(tries)])
            measured = [losses_of(each, photo, [style], features, settings["lbfgs"]) for each in painted.values()]
            losses.append([optimised.before.total, *(each.total for each in measured), *measured[-1][1:]])
            for way, picture in painted.items():
                made.setdefault(way, []).append(picture)
        figures, times = np.mean(losses, axis=0), np.mean(seconds, axis=0)
        rows.append([name, *figures.tolist(), float(figures[3] / min(figures[1:3])), *times[[0, 2]].tolist()])
        rows[-1].append(float(times[0] / times[2]))
        grid |= {f"{name}, optimised": made["lbfgs"], f"{name}, network": made["network"]}
    first, second = list(STYLES)[:2]
    between = model.between({"style": first}, {"style": second})
    grid[f"{first} and {second}"] = [between.translate(pixels) for pixels in shown]
    heads += ["L-BFGS, s", "network, s", "times as fast"]
    show_table(heads, rows, args.out / "table.md")
    show_grid(grid, args.out / "grid.png")


if __name__ == "__main__":
    main()
