"""A small training that tests stop and repeat; as a program: `python resumable.py RECIPE RUN [SECONDS_A_STEP]`."""

import json
import sys
import time
import zipfile

import h5py
import keras
import numpy as np
import pytest

import tfproductgan as tpg
from tfproductgan.errors import TrainingStopped
from tfproductgan.recipes import get_recipe
from tfproductgan.training.checkpoints import Checkpoints
from tfproductgan.training.strategies import is_chief, make_strategy

STEPS, BATCH, INTERVAL = 200, 8, 40
EVERYTHING = get_recipe(
    "dcgan",
    family="mlp",
    generator={"widths": [16], "latent_dim": 8, "embedding_dim": 8},
    discriminator={"widths": [16], "dropout": 0.2},
    augmentation=("flip", "translation"),
    penalty_interval=4,
    batch_size=BATCH,
    images=STEPS * BATCH,
    precision="float32",
    balance=0.5,
    fade_conditions=0.5,
)
# little to trace, for those that start it again and again
LITTLE = EVERYTHING.replace(loss="non-saturating", penalties={}, penalty_interval=1, augmentation=())
RECIPES = {"everything": EVERYTHING, "little": LITTLE}


class Slow(keras.callbacks.Callback):
    """Gives others the time to kill the training."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(self.seconds)


def catalogue():
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 3), np.uint8)
    return tpg.Catalogue.from_arrays(images, {"colour": ["Red", "Blue", "Green"] * 20}, image_size=16)


def train(path, recipe=EVERYTHING, every=INTERVAL * BATCH, **options):
    return tpg.train(catalogue(), recipe, path, every=every, **options)


def contents(path):
    """All arrays of a `.keras` file, by their place in it."""
    arrays = {}
    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as file, h5py.File(file) as weights:
        weights.visititems(
            lambda name, item: arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
        )
    return arrays


def assert_same_run(mine, theirs, rounding_of_curves=0.0):
    """Two run directories hold the same to the last bit: weights, averages, optimisers, counters, curves, grids."""
    for file in ("generator.keras", Checkpoints(theirs / "checkpoints").files[-1].relative_to(theirs)):
        here, there = contents(mine / file), contents(theirs / file)
        assert here.keys() == there.keys()
        for name, value in there.items():
            np.testing.assert_array_equal(here[name], value, err_msg=f"{file}: {name}")
    assert curves(mine) == [pytest.approx(line, rel=rounding_of_curves, abs=0) for line in curves(theirs)]
    assert grids(mine) == grids(theirs)


def curves(path):
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "time"} for line in lines]


def grids(path):
    return {grid.name: grid.read_bytes() for grid in (path / "grids").glob("*.png")}


if __name__ == "__main__":
    _, recipe, path, *seconds = sys.argv
    strategy = make_strategy()  # several workers, if the environment names them
    try:
        train(path, RECIPES[recipe], callbacks=[Slow(float(word)) for word in seconds], strategy=strategy)
    except TrainingStopped as stopped:
        sys.exit(stopped.exit_code)
    finally:
        if not is_chief(strategy):
            time.sleep(2)  # the chief may be in its last exchange, and who is forked leaves without a farewell
