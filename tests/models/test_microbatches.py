from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.models.microbatches import mean_of_microbatches


def test_the_mean_over_microbatches_is_that_of_all_rows():
    rows = tf.reshape(tf.range(24.0), (8, 3))
    parts = []

    def statistics(batch, part):
        values = batch["values"]
        parts.append(part)
        return {"mean": tf.reduce_mean(values), "square": [tf.reduce_mean(values**2)]}

    whole = statistics({"values": rows}, None)
    parts.clear()
    divided = mean_of_microbatches(statistics, {"values": rows}, 4)
    assert parts == [(0, 4), (1, 4), (2, 4), (3, 4)]
    np.testing.assert_allclose(divided["mean"], whole["mean"])
    np.testing.assert_allclose(divided["square"], whole["square"])


@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("mlp", {"penalties": {"r1": 0.1, "wgan-gp": 1.0}, "penalty_interval": 2, "discriminator_steps": 2}),
        ("dcgan", {"loss": "hinge", "augmentation": ("flip", "colour"), "matching": 0.5}),
    ],
)
def test_they_learn_what_the_whole_batch_teaches(small_gan, random_batches, as_stream, family, options):
    learnt, measured = [], []
    for microbatches in (1, 2):
        gan = small_gan(family, microbatches=microbatches, label_dropout=0.3, **options)
        for layer in gan.generator._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False  # normalises by the moving statistics then, each picture by itself
        gan.compile(*(keras.optimizers.SGD(0.05) for _ in range(2)))
        measured.append(gan.fit(as_stream(random_batches(gan.schema, 8)), steps_per_epoch=2, verbose=0).history)
        learnt.append([*gan.generator.get_weights(), *gan.discriminator.get_weights()])
    for whole, divided in zip(*learnt, strict=True):
        np.testing.assert_allclose(divided, whole, rtol=1e-4, atol=1e-6)
    for name, values in measured[0].items():
        np.testing.assert_allclose(measured[1][name], values, rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.slow
def test_they_take_less_memory(start, tmp_path):
    program = Path(__file__).parents[2] / "benchmarks" / "microbatches.py"
    taken = []
    for count in (1, 4):
        words = [program, count, "--batch", "512", "--image-size", "32", "--steps", "1", "--here"]
        process = start(words, said=tmp_path / f"{count}.txt", options={})
        process.join()
        said = (tmp_path / f"{count}.txt").read_text()
        assert process.exitcode == 0, said
        taken.append(float(said.splitlines()[-1].split()[1]))
    whole, divided = taken
    assert divided < 0.85 * whole


def test_a_batch_they_do_not_divide_is_refused(small_gan, random_batches):
    gan = small_gan()
    gan.compile(microbatches=3)
    with pytest.raises(RecipeError, match="batch of 8, discriminator_steps=1, microbatches=3"):
        gan.train_step(random_batches(gan.schema)[0])
    with pytest.raises(RecipeError, match="microbatches must be at least 1"):
        gan.compile(microbatches=0)


def test_a_file_remembers_them(small_gan, tmp_path):
    gan = small_gan()
    gan.compile(microbatches=2)
    gan.save(tmp_path / "gan.keras")
    assert keras.saving.load_model(tmp_path / "gan.keras").microbatches == 2
