"""What judging costs: all figures of 10,000 samples against the network's own time; memory as they grow.

Run: python benchmarks/metrics.py [--network inception] [--count 10000] [--memory]

The features of the photos are kept in the cache and cost nothing the second time, so what a judgement costs is one pass
over the samples, what is looked for in their pixels, and the figures. Seconds are of processor time, in which other
work on the machine does not count. Weights make no difference to time: Inception's are drawn, and what is done picture
by picture is timed on a part (`--part`) of the samples.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable

import numpy as np

from tfproductgan.cli.quiet import import_tensorflow

SIZES = (2_000, 5_000, 10_000, 20_000)
_TILE = 2048  # pictures that are shown again and again


def figures(real, fake, probabilities) -> dict[str, Callable[[], object]]:
    """All figures of features of as many photos as samples, as `evaluate` takes them."""
    from tfproductgan.conditions import Attribute, ConditionSchema
    from tfproductgan.metrics import distances
    from tfproductgan.metrics.coverage import condition_figures
    from tfproductgan.metrics.memorisation import audit_memorisation
    from tfproductgan.metrics.neighbours import neighbours

    count, dim = real.shape
    schema = ConditionSchema([Attribute("category", tuple(f"value {i}" for i in range(20)))], 64, 3)
    ids = 1 + np.random.default_rng(2).integers(20, size=(2, count, 1), dtype=np.int32)
    frechet = distances.frechet_interval if count > dim else distances.frechet_distance_of
    return {
        "Fréchet distance": lambda: frechet(real, fake),
        "kernel distance": lambda: distances.kernel_distance(real, fake),
        "neighbours": lambda: neighbours(real, fake),
        "inception score": lambda: distances.inception_score(probabilities),
        "20 conditions": lambda: condition_figures(schema, ids[0], fake, ids[1], real),
        # photos the model has not seen stand in for those it learnt from
        "memorisation": lambda: audit_memorisation(
            fake, real[: count // 2], real[count // 2 :], "", [{}] * count, ids[0, :, 0]
        ),
    }


def pixels(images) -> dict[str, Callable[[], object]]:
    """What is looked for in pixels: colours, and pictures that look like another one."""
    from tfproductgan.catalogue.duplicates import difference_hashes, group_duplicates, thumbnails
    from tfproductgan.metrics.colour_check import picture_families

    return {
        "colours": lambda: picture_families(images),
        "repeats": lambda: group_duplicates(difference_hashes(images), thumbnails(images)),
    }


def cost(extractor, images, count: int) -> None:
    """Print what a judgement of `count` samples costs; what is done picture by picture is timed on the given ones."""
    from tfproductgan.metrics.judge import blas_threads

    extractor.outputs(images[:64])  # trace, choose kernels
    pixels(images[:64])["colours"]()
    features, probabilities = extractor.outputs(images)
    scaled = count / len(images)
    forward = spent(lambda: extractor.outputs(images)) * scaled
    rows = np.random.default_rng(0).integers(len(features), size=(2, count))
    # as spread out as features of so many pictures
    noise = np.random.default_rng(1).normal(0, 0.1 * features.std(), (2, count, extractor.dim)).astype(np.float32)
    with blas_threads(extractor.dim):
        seconds = {name: spent(work) * scaled for name, work in pixels(images).items()}
        sides = features[rows[0]] + noise[0], features[rows[1]] + noise[1]
        seconds |= {name: spent(work) for name, work in figures(*sides, probabilities[rows[1]]).items()}
    print(f"\n{extractor.id}: {extractor.dim} dimensions, {extractor.preprocessing}; {count:,} samples")
    for name, took in {"network": forward, **seconds, "together": forward + sum(seconds.values())}.items():
        print(f"{name:<18} {took:>9.2f} s {took / forward:>8.2f} times the network")


def spent(work: Callable[[], object]) -> float:
    """Processor seconds."""
    began = time.process_time()
    work()
    return time.process_time() - began


def memory(extractor, images) -> None:
    """Print the most memory that judging takes, for more and more samples."""
    from tfproductgan.metrics.distances import frechet_interval, inception_score, kernel_distance
    from tfproductgan.metrics.features import FeatureCache
    from tfproductgan.metrics.neighbours import neighbours

    def batches(count):
        for start in range(0, count, 256):
            yield images[np.arange(start, min(start + 256, count)) % len(images)]

    print(f"\n{'samples':>9} {'most memory, files not counted':>32}")
    with tempfile.TemporaryDirectory() as folder:
        cache = FeatureCache(folder)
        for count in (SIZES[0], *SIZES):  # the first time, libraries take what they need
            with Watch() as watch:
                sides = [
                    cache.of_batches(extractor, f"{side} {count}", count, lambda n=count: batches(n)) for side in "ab"
                ]
                real, fake = (side.features for side in sides)
                frechet_interval(real, fake)
                kernel_distance(real, fake, num_subsets=10)
                neighbours(real, fake)
                inception_score(sides[1].probabilities)
            print(f"{count:>9,} {watch.most:>29,.0f} MB", flush=True)


class Watch:
    """Looks at the memory of this process while a block runs: `most` is the largest value in MB."""

    def __enter__(self):
        self.most, self._stop = resident(), threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join()

    def _look(self):
        while not self._stop.wait(0.02):
            self.most = max(self.most, resident())


def resident() -> float:
    """Memory of this process in MB, without the files it maps, which the system drops when it needs room."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("RssAnon")) / 1e3


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=["catalogue", "inception"], default="catalogue")
    parser.add_argument("--count", type=int, default=10_000, help="number of samples")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--part", type=int, default=_TILE, help="samples that the pass is timed on")
    parser.add_argument("--memory", action="store_true", help="measure memory instead")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import_tensorflow()
    import keras

    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.metrics.classifier import ClassifierRecipe, train_classifier
    from tfproductgan.metrics.extractors import KerasExtractor

    catalogue = Catalogue.studio(args.part, args.image_size, splits={"validation": 0})
    images = catalogue.images()
    if args.network == "inception":
        extractor = KerasExtractor(keras.applications.InceptionV3(weights=None), "inception-v3", "-1..1")
    else:
        extractor = train_classifier(catalogue.stream(batch_size=128), catalogue.schema, 20, ClassifierRecipe())
    if args.memory:
        memory(extractor, images)
    else:
        cost(extractor, images, args.count)


if __name__ == "__main__":
    main()
