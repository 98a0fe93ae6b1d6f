"""Memory and speed of a training step by the number of microbatches.

    python benchmarks/microbatches.py --batch 128 --image-size 64 1 2 4 8

Memory is the largest resident memory of a process of its own during a few steps, above what it has before the first.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from measuring import peak_megabytes


def measure(options: argparse.Namespace, microbatches: int) -> None:
    """Print a line for one number of microbatches."""
    import numpy as np
    import tensorflow as tf

    from tfproductgan.conditions import Attribute, ConditionSchema
    from tfproductgan.models.conditional_gan import ConditionalGAN

    size, batch = options.image_size, options.batch
    schema = ConditionSchema((Attribute("kind", ("Watch", "Mug")),), size, 3)
    gan = ConditionalGAN.from_recipe(options.recipe, schema, batch_size=batch, microbatches=microbatches)
    gan.compile()
    pixels = np.random.default_rng(0).integers(0, 256, (batch, size, size, 3), np.uint8)
    data = {"images": tf.constant(pixels), "conditions": tf.ones((batch, 1), tf.int32)}
    # traced first: that takes memory too, however the batch is divided
    step = tf.function(gan.train_step, autograph=False).get_concrete_function(data)
    before = peak_megabytes()
    step(data)
    start = time.perf_counter()
    for _ in range(options.steps):
        step(data)
    speed = options.steps * batch / (time.perf_counter() - start)
    print(f"{microbatches:12}  {peak_megabytes() - before:8.0f} MB  {speed:8.1f}", flush=True)


def main() -> None:
    """Measure each number of microbatches in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("microbatches", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--recipe", default="dcgan")
    parser.add_argument("--steps", type=int, default=3, help="after the first")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        measure(options, *options.microbatches)
        return
    print(f"recipe {options.recipe}, batch {options.batch}, {options.image_size} pixels")
    print("microbatches       memory  images/s", flush=True)
    passed = ("batch", "image_size", "recipe", "steps")
    named = [f"--{name.replace('_', '-')}={getattr(options, name)}" for name in passed] + ["--here"]
    for count in options.microbatches:
        command = [sys.executable, __file__, *map(str, [count, *named])]
        subprocess.run(command, check=True, env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
