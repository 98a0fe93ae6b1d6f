"""How many pictures a second streams deliver, and how many a training takes; and whether streaming holds memory.

Run: python benchmarks/stream.py [--image-size 64] [--data PREPARED]

The catalogue in memory and the same photos prepared as a data set are streamed in the same run as the training they
are compared with, in turns, so that other work on the machine slows all of them alike; pictures a second of processor
time leave that work out. With `--data`, a folder that
`tfproductgan prepare` wrote is streamed and trained on instead, and the resident memory of this process is printed.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

from tfproductgan.cli.quiet import import_tensorflow

ROUNDS = 5


def pictures_per_second(batches, batch_size: int, seconds: float) -> tuple[float, float]:
    """Pictures that an endless iterator delivers a second of wall time, and a second of processor time."""
    count, began, busy = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        next(batches)
        count += batch_size
    return count / (time.perf_counter() - began), count / (time.process_time() - busy)


def resident() -> float:
    """Resident memory of this process in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def training_steps(recipe, catalogue, batches):
    """Train on each batch, for ever."""
    import tensorflow as tf

    from tfproductgan.models.conditional_gan import ConditionalGAN

    gan = ConditionalGAN.from_recipe(recipe, catalogue.schema)
    gan.compile()
    step = tf.function(gan.train_step)
    for batch in batches:
        yield step(batch)


def compare(recipe, catalogues, seconds: float) -> None:
    """Print pictures a second of each stream, of training, and the ratios."""
    batch = recipe.batch_size
    first = next(iter(catalogues.values()))
    running = {"training": training_steps(recipe, first, iter(first.stream(batch_size=batch)))}
    for name, catalogue in catalogues.items():
        running[name] = iter(catalogue.stream(batch_size=batch))
    for batches in running.values():  # trace, open files, choose kernels
        for _ in range(3):
            next(batches)
    speeds = {name: [] for name in running}
    for _, (name, batches) in itertools.product(range(ROUNDS), running.items()):
        speeds[name].append(pictures_per_second(batches, batch, seconds))
    print(f"\n{first.image_size} x {first.image_size} pixels, batches of {batch}, median of {ROUNDS} turns")
    print(f"{'':<12} {'pictures/s':>12} {'to training':>12} {'pictures/processor s':>22} {'to training':>12}")
    medians = {
        name: [statistics.median(column) for column in zip(*turns, strict=True)] for name, turns in speeds.items()
    }
    training = medians["training"]
    for name, (wall, busy) in medians.items():
        print(f"{name:<12} {wall:>12,.0f} {wall / training[0]:>12.1f} {busy:>22,.0f} {busy / training[1]:>12.1f}")


def memory(recipe, catalogue, steps: int) -> None:
    """Print the resident memory while batches are streamed, and while they are trained on."""
    batches = iter(catalogue.stream(batch_size=recipe.batch_size))
    size = catalogue.size("train") * catalogue.image_size**2 * catalogue.channels
    print(f"\n{catalogue!r}\nall training photos as pixels: {size / 1e6:,.0f} MB")
    running = {"streaming": batches, "training": training_steps(recipe, catalogue, batches)}
    for name, progress in running.items():
        for done in range(0, steps + 1, steps // 5):
            for _ in range(steps // 5 if done else 3):
                next(progress)
            print(f"{name:<10} after {done or 3:>6,} batches: {resident():>8,.0f} MB resident")
        steps = max(50, steps // 10)  # a training is slower


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="a prepared data set")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--count", type=int, default=2000, help="photos of the studio, without --data")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each turn")
    parser.add_argument("--steps", type=int, default=5000, help="batches to stream, with --data")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import_tensorflow()
    from tfproductgan.catalogue.catalogue import Catalogue, Preparation
    from tfproductgan.catalogue.studio_source import studio_source
    from tfproductgan.catalogue.tfds_writing import write_dataset
    from tfproductgan.recipes import get_recipe

    recipe = get_recipe("dcgan")
    if args.data:
        print(f"before the data set is opened: {resident():,.0f} MB resident")
        catalogue = Catalogue.from_prepared(args.data)
        memory(recipe, catalogue, args.steps)
        compare(recipe, {"from disk": catalogue}, args.seconds)
        return
    shape = (args.image_size, 0, ("category", "colour", "material"), {"validation": 0.1})
    source, preparation = studio_source(args.count, *shape), Preparation(args.image_size, channels=3, cache=False)
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(source, preparation, Path(folder) / "data", "description")
        catalogues = {
            "in memory": Catalogue.from_source(source, preparation, "description"),
            "from disk": Catalogue.from_prepared(Path(folder) / "data"),
        }
        compare(recipe, catalogues, args.seconds)


if __name__ == "__main__":
    main()
