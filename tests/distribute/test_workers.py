"""Two processes that train together. As a program, `python test_workers.py FOLDER`, this file is one of them."""

import json
import socket
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfproductgan as tpg
from tfproductgan.recipes import get_recipe
from tfproductgan.training.strategies import is_chief, make_strategy
from tfproductgan.training.trainer import train

RECIPE = get_recipe(
    "dcgan",
    family="mlp",
    generator={"widths": [16], "latent_dim": 8, "embedding_dim": 8},
    discriminator={"widths": [16]},
    augmentation=("flip", "translation"),
    penalty_interval=2,
    batch_size=8,
    microbatches=2,
    images=48,
    precision="float32",
    balance=0.5,
)


def catalogue():
    images = np.random.default_rng(0).integers(0, 256, (200, 16, 16, 3), np.uint8)
    return tpg.Catalogue.from_arrays(images, {"colour": ["Red", "Blue"] * 100}, image_size=16)


def plain_keras(strategy):
    """Four steps of SGD written as any Keras user would; losses and weights of both networks."""
    photos = catalogue()
    with strategy.scope():
        gan = tpg.ConditionalGAN.from_recipe(RECIPE, photos.schema)
        gan.compile(
            *(keras.optimizers.SGD(0.05, global_clipnorm=0.5) for _ in range(2)), penalties=[], steps_per_execution=2
        )
    held_out = photos.stream("validation", batch_size=8, repeat=False)
    history = gan.fit(
        photos.stream(batch_size=8), steps_per_epoch=2, epochs=2, validation_data=held_out, verbose=0
    ).history
    return history, [weight.numpy() for network in (gan.generator, gan.discriminator) for weight in network.weights]


def with_the_trainer(strategy, path):
    """The losses that the run directory tells."""
    train(catalogue(), RECIPE, path, every=16, strategy=strategy)
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def free_addresses(count):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    addresses = [f"localhost:{made.getsockname()[1]}" for made in sockets]
    for made in sockets:
        made.close()
    return addresses


@pytest.fixture(scope="module")
def two_workers(start, tmp_path_factory):
    """What each of two processes that train together says."""
    folder = tmp_path_factory.mktemp("workers")
    cluster = {"worker": free_addresses(2)}
    processes = [
        start(
            [__file__, folder],
            {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})},
            folder / f"said-{index}.log",
        )
        for index in range(2)
    ]
    try:
        for process in processes:
            process.join(timeout=500)
    finally:
        for process in processes:
            process.kill()
    said = [(folder / f"said-{index}.log").read_text() for index in range(2)]
    assert [process.exitcode for process in processes] == [0, 0], "\n".join(said)
    return folder, said


def told(folder, name):
    history, losses, replicas = json.loads((folder / f"{name}.json").read_text())
    assert replicas == 2
    return history, losses


def test_two_workers_learn_what_one_process_learns(two_workers):
    folder, _ = two_workers
    history, weights = plain_keras(tf.distribute.get_strategy())
    for name in ("chief", "other"):
        for measured, values in told(folder, name)[0].items():
            np.testing.assert_allclose(values, history[measured], rtol=1e-4, atol=1e-6, err_msg=measured)
        with np.load(folder / f"{name}.npz") as theirs:
            for expected, got in zip(weights, theirs.values(), strict=True):
                np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


def test_the_trainer_gives_the_same_curves(two_workers, tmp_path):
    folder, said = two_workers
    expected = with_the_trainer(tf.distribute.get_strategy(), tmp_path / "run")
    losses = told(folder, "chief")[1]
    assert [line["images_seen"] for line in losses] == [16, 32, 48]
    for line, other in zip(losses, expected, strict=True):
        for name in ("d_loss", "g_loss", "logit_gap"):
            np.testing.assert_allclose(line[name], other[name], rtol=1e-3, atol=1e-4)
    # one of them writes and speaks
    assert len((folder / "run" / "metrics.jsonl").read_text().splitlines()) == 3
    assert len(list((folder / "run" / "grids").glob("*.png"))) == 3
    assert sum("48 images in" in text for text in said) == 1


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    made = make_strategy()
    history, weights = plain_keras(made)
    losses = with_the_trainer(made, folder / "run")
    name = "chief" if is_chief(made) else "other"
    np.savez(folder / f"{name}.npz", *weights)
    (folder / f"{name}.json").write_text(json.dumps([history, losses, made.num_replicas_in_sync]))
