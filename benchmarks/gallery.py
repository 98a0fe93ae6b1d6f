r"""What each family and kind draws of the studio: a picture a row, and a page that says by which command and how long.

Run: python benchmarks/gallery.py --keep runs/gallery [--core-seconds 600] [--rows ROW ...] [--features vgg19.npz]

Each row trains by a command of `tfproductgan train`, as it stands on the page, one after the other, for about so many
core-seconds: how fast it is on this machine is measured first. Runs stay in the folder of `--keep`; started again, the
program goes on where it was stopped, and makes the page of what is finished anew. It writes `gallery.md` and
`images/gallery/*.png`, each below 120 kB, into the folder of `--into`. A new page has its place in `mkdocs.yml`.

Picture-to-picture rows show validation photos, what goes in first; the others are asked by name, all from one seed,
which is not chosen. The row `style` needs the weights of VGG-19, which Keras downloads unless `--features` names them.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import itertools
import multiprocessing
import os
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import learning
import numpy as np
from PIL import Image

from tfproductgan import machine
from tfproductgan.errors import ProductGANError
from tfproductgan.writing import read_json, write_json, write_text

MEASURED = 8  # steps that tell how fast a row is
SEED = 5
CATEGORIES = ("Handbag", "Sneaker", "Mug", "Watch", "T-shirt", "Boot")
COLOURS = ("Red", "Orange", "Yellow", "Green", "Blue", "Purple", "Brown", "Black")
SHOWN = 8  # pictures in a row of those that go in
MOST_BYTES = 120_000

_BY_NAME = "--data studio:10000 --attributes category,colour,view --image-size 32"
_TWO_SETS = {"red": "Red", "blue": "Blue"}  # folder -> colour, written by this program

# name -> what is trained on, and what it is, for the page
ROWS = {
    "mlp": (_BY_NAME, "Dense layers alone: what is smallest."),
    "vae": (_BY_NAME, "A variational autoencoder: soft, steady, and it can also read photos."),
    "dcgan-classic": (_BY_NAME, "The DCGAN of 2015."),
    "wgan": (_BY_NAME, "Wasserstein GAN, its critic kept smooth by clipping weights."),
    "wgan-gp": (_BY_NAME, "The same by a penalty on gradients."),
    "sngan": (_BY_NAME, "Residual networks, the discriminator normalised by spectrum."),
    "progan": (_BY_NAME, "Networks that grow with the training."),
    "stylegan2": (_BY_NAME, "Styles that modulate each layer."),
    "r3gan": (_BY_NAME, "A modern baseline: a relativistic loss, two penalties."),
    "dcgan": (_BY_NAME, "The default, made for processors."),
    "pix2pix": (
        "--data studio:4000 --sources lines --attributes colour --image-size 64",
        "Drawings become photos, of the colour that was asked for. Below them the photos that were drawn.",
    ),
    "cyclegan": (
        "--data {keep}/data/blue --unpaired {keep}/data/red --image-size 64",
        "Red products become blue ones, of two sets without pairs (the studio's of these colours).",
    ),
    "cutout": (
        "--data studio:4000 --masks --image-size 64",
        "Photos become the masks of their products. Below them the masks that are right.",
    ),
    "style": (
        "--data studio:2000 --styles {keep}/data/styles --image-size 64",
        "Photos painted in three styles, which a program draws.",
    ),
    "srresnet": (
        "--data studio:2000 --image-size 128",
        "Small photos, enlarged by a bicubic filter, by the network, and the photos they were.",
    ),
    "srgan": (
        "--data studio:2000 --image-size 128",
        "The same by a network that is also judged by another one.",
    ),
}
HEAD = """\
# Gallery

What each family and kind draws of the [studio](data.md), the product photos that come along, after a training that was
short and as long for all. The first seed that was tried is shown. Which one to take:
[which recipe](how-to/which-recipe.md).
"""


def main() -> None:
    """Train what is missing, draw, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, required=True, metavar="FOLDER", help="where runs stay")
    parser.add_argument("--core-seconds", type=int, default=120, metavar="N", help="of each row (default: 120)")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help="default: all")
    parser.add_argument("--features", metavar="WHAT", help="vgg19, a file of its weights, or random, for style")
    parser.add_argument(
        "--into", type=Path, default=Path(__file__).parent.parent / "docs", metavar="FOLDER", help="default: docs"
    )
    args = parser.parse_args()
    alone(write_data, args.keep / "data")
    failed = []
    for row in args.rows:
        try:
            found = shown(args, row)
        except (subprocess.CalledProcessError, ProductGANError) as error:
            failed.append(row)
            print(f"{row}: {error}", file=sys.stderr, flush=True)
            continue
        write_text(args.into / "gallery.md", page(args.keep))
        facts = f"{found['images']:,} images, {found['cpu']:.0f} core-seconds, {found['bytes'] / 1000:.0f} kB"
        print(f"{row}: {facts}", flush=True)
    if failed:
        sys.exit(f"Not made: {', '.join(failed)}")


def shown(args: argparse.Namespace, row: str) -> dict:
    """Train and draw a row, unless that was done; what is known of it then."""
    about, pictures = args.keep / f"{row}.json", args.into / "images" / "gallery"
    found = read_json(about)
    if found is None or found["asked"] != args.core_seconds or not found.get("done"):
        found = trained(args, row, about, found)
    pictures.mkdir(parents=True, exist_ok=True)
    found["bytes"] = alone(draw, found["command"], pictures / f"{row}.png")
    write_json(about, found)
    return found


def alone(does: Callable, *words: Any) -> Any:
    """What a function gives in a process of its own, whose memory ends with it."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
        return pool.submit(does, *words).result()


# === Training ===


def trained(args: argparse.Namespace, row: str, about: Path, before: dict | None) -> dict:
    """Train a row, or go on with it, by its command; what is known of it then."""
    run = args.keep / f"{row}-{args.core_seconds}"
    if before is None or before["asked"] != args.core_seconds:
        data = shlex.split(ROWS[row][0].format(keep=shlex.quote(str(args.keep))))
        command = ["train", *data, "--recipe", row, "--out", str(run)]
        if args.features and row == "style":
            command += ["--set", f"features={args.features}"]
        images = alone(images_in, command, args.core_seconds)
        before = {
            "asked": args.core_seconds,
            "command": [*command, "--images", str(images)],
            "images": images,
            "cpu": 0,
        }
    write_json(about, before)
    used, began = cpu_of_children(), time.perf_counter()
    try:
        subprocess.run([sys.executable, "-m", "tfproductgan", *before["command"]], check=True)
        before["done"] = True
    finally:  # stopped by Ctrl-C, what was used so far counts
        before["cpu"] += cpu_of_children() - used
        before["seconds"] = before.get("seconds", 0) + time.perf_counter() - began
        before["machine"] = f"{machine.processor_name() or 'unknown processor'}, {machine.num_cores()} cores"
        before["day"] = datetime.date.today().isoformat()
        write_json(about, before)
    return before


def cpu_of_children() -> float:
    """Core-seconds of all processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def parsed(command: Sequence[str]) -> argparse.Namespace:
    """The words of a command as its verb reads them."""
    from tfproductgan.cli.main import _parser

    return _parser(list(command)).parse_args(list(command))


def images_in(command: Sequence[str], core_seconds: int) -> int:
    """How many images a command trains on in so many core-seconds."""
    from tfproductgan.cli.quiet import import_tensorflow
    from tfproductgan.cli.train import resolve_recipe

    args = parsed(command)
    import_tensorflow()
    from tfproductgan.cli.data_options import catalogue_from

    return learning.images_in(core_seconds, catalogue_from(args), resolve_recipe(args), steps=MEASURED)


def write_data(folder: Path) -> None:
    """What is not the studio's as it is: products of two colours, and pictures in three styles."""
    if folder.exists():
        return
    from style import STYLES

    import tfproductgan as tpg
    from tfproductgan.studio import product, render_image

    started = folder.with_name(f"{folder.name}.part")
    for name, colour in _TWO_SETS.items():
        (started / name).mkdir(parents=True, exist_ok=True)
        found = (item for item in (product(0, index) for index in range(20_000)) if item.colour == colour)
        for number, item in zip(range(600), found, strict=False):
            tpg.write_png(started / name / f"{number:04}.png", render_image(item, 64), overwrite=True)
    (started / "styles").mkdir(exist_ok=True)
    for name, pixels in STYLES.items():
        Image.fromarray(pixels().astype(np.uint8)).save(started / "styles" / f"{name}.png")
    started.rename(folder)


# === Drawing ===


def draw(command: Sequence[str], path: Path) -> int:
    """Write what a run draws; says how many bytes."""
    from tfproductgan.cli.data_options import catalogue_from
    from tfproductgan.cli.quiet import import_tensorflow

    import_tensorflow()
    import tfproductgan as tpg
    from tfproductgan.sampling.files import annotate

    args = parsed(command)
    model = tpg.load(args.out).trained()
    if model.asks == "sampler":
        values = {"row_values": CATEGORIES, "column_values": COLOURS}
        grid = tpg.attribute_grid(model, "category", "colour", seed=SEED, given={"view": "Front"}, **values)
    else:
        catalogue = catalogue_from(args, model.schema)
        rows = (enlarged if model.asks == "upscaler" else translated)(model, catalogue)
        coloured = [np.broadcast_to(each, (*each.shape[:3], 3)) for each in rows.values()]
        grid = tpg.contact_grid(np.concatenate(coloured), SHOWN, row_labels=list(rows))
        annotate(grid, "grid", model.model_id)
    return write_small(grid, path)


def translated(model: Any, catalogue: Any) -> dict[str, np.ndarray]:
    """Rows of pictures by what they are: those that go in, what is made of them, and the photos of pairs."""
    sources = next(catalogue.source_batches("validation"))
    _, first = np.unique(sources.reshape(len(sources), -1), axis=0, return_index=True)
    places = np.sort(first)[:SHOWN]
    rows = {"goes in": sources[places]}
    schema = model.schema
    if "style" in schema.names:
        ways = {
            value: schema.encode_all([{"style": value}] * len(places)) for value in schema.attribute("style").values
        }
    else:
        ways = {"comes out": catalogue.conditions("validation")[places]}
    rows |= {way: model.translate_squares(sources[places], ids) for way, ids in ways.items()}
    if "comes out" in rows and not hasattr(catalogue, "sources"):
        rows["right"] = catalogue.images("validation")[places]
    return rows


def enlarged(model: Any, catalogue: Any) -> dict[str, np.ndarray]:
    """Rows of pictures by what they are: enlarged by a filter, by the model, and as they were."""
    from tfproductgan.models.degradations import larger

    photos = catalogue.images("validation")[:SHOWN]
    small = model.shrunk(photos)
    return {"bicubic": larger(small, model.scale).numpy(), "network": model.upscale_squares(small), "photo": photos}


def write_small(image: Image.Image, path: Path) -> int:
    """Write a PNG file of few bytes, in as many colours and as large as that leaves; says how many bytes."""
    from tfproductgan.sampling.files import write_png

    for tenths, colours in itertools.product((10, 9, 8, 7, 6, 5), (256, 128, 64)):
        size = [side * tenths // 10 for side in image.size]
        made = image.convert("RGB").resize(size, Image.Resampling.LANCZOS).quantize(colours, dither=Image.Dither.NONE)
        made.info = dict(image.info)
        bytes_written = write_png(path, made, overwrite=True).stat().st_size
        if bytes_written < MOST_BYTES:
            break
    return bytes_written


# === The page ===


def page(keep: Path) -> str:
    """The page of all rows that are finished."""
    found = {row: read_json(keep / f"{row}.json") for row in ROWS}
    parts = [HEAD]
    for row, facts in found.items():
        if not facts or not facts.get("done") or "bytes" not in facts:
            continue
        run = f"{keep}/{row}-{facts['asked']}"
        command = ["tfproductgan", *(w.replace(run, f"runs/{row}").replace(f"{keep}/", "") for w in facts["command"])]
        minutes = facts["seconds"] / 60
        parts += [
            f"## {row}\n\n{ROWS[row][1]}\n\n![What {row} draws](images/gallery/{row}.png)\n",
            f"```bash\n{shlex.join(command)}\n```\n",
            f"{facts['images']:,} images in {facts['cpu']:,.0f} core-seconds, {minutes:,.0f} minutes by the clock "
            f"beside whatever else ran, on {facts['machine']}, {facts['day']}. The picture has few colours, in "
            f"{facts['bytes'] / 1000:.0f} kB.\n",
        ]
    return "\n".join(parts)


if __name__ == "__main__":
    main()
