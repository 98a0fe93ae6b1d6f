import keras
import numpy as np
import pytest

from tfproductgan.errors import RunError


@pytest.fixture
def learnt(small_gan, random_batches, as_stream, tmp_path):
    """A GAN that was saved after two steps and has learnt from three more batches since."""

    def learnt(**optimizers):
        gan = small_gan(images=400)
        gan.compile(**optimizers, run_eagerly=True)
        stream = as_stream(random_batches(gan.schema, count=5))
        gan.fit(stream, steps_per_epoch=2, verbose=0)
        gan.save(tmp_path / "good.keras")
        weights = gan.generator.get_weights(), gan.discriminator.get_weights(), gan.ema_generator.get_weights()
        gan.fit(stream, steps_per_epoch=3, verbose=0)
        return gan, weights, stream

    return learnt


def test_weights_go_back_and_the_clock_goes_on(learnt, tmp_path):
    gan, good, stream = learnt()
    rate = float(gan.generator_optimizer.learning_rate)
    gan.roll_back(tmp_path / "good.keras")
    for network, weights in zip((gan.generator, gan.discriminator, gan.ema_generator), good, strict=True):
        for now, then in zip(network.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(now, then)
    assert (gan.step, gan.images_seen) == (5, 40)
    assert int(gan.generator_optimizer.iterations) == int(gan.discriminator_optimizer.iterations) == 5
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(rate / 2)
    history = gan.fit(stream, steps_per_epoch=2, verbose=0).history
    assert np.isfinite(history["d_loss"]).all() and gan.step == 7


def test_every_roll_back_lowers_the_rates_further_and_files_keep_it(learnt, tmp_path):
    gan, _, _ = learnt()
    rate = float(gan.discriminator_optimizer.learning_rate)
    for _ in range(2):
        gan.roll_back(tmp_path / "good.keras")
    assert gan.learning_rate_factor == 0.25
    gan.save(tmp_path / "lower.keras")
    loaded = keras.saving.load_model(tmp_path / "lower.keras")
    assert loaded.learning_rate_factor == 0.25
    for model in (gan, loaded):
        assert float(model.discriminator_optimizer.learning_rate) == pytest.approx(rate / 4)


def test_a_fixed_learning_rate_is_lowered_too(learnt, tmp_path):
    gan, _, _ = learnt(generator_optimizer=keras.optimizers.Adam(0.01))
    for _ in range(2):
        gan.roll_back(tmp_path / "good.keras", factor=0.1)
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(1e-4)
    gan.save(tmp_path / "lower.keras")
    loaded = keras.saving.load_model(tmp_path / "lower.keras")
    assert float(loaded.generator_optimizer.learning_rate) == pytest.approx(1e-4)


def test_a_step_after_it_is_as_much_smaller(small_gan, random_batches, tmp_path):
    gan = small_gan(label_dropout=0.0)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 100, 0.9)
    gan.compile(keras.optimizers.SGD(schedule), keras.optimizers.SGD(0.0))
    gan.save(tmp_path / "start.keras")
    moves = []
    for factor in (1.0, 0.25):
        gan.roll_back(tmp_path / "start.keras", factor)
        gan._step.assign(0)
        gan.generator_optimizer.iterations.assign(0)
        before = [weight.numpy() for weight in gan.generator.trainable_variables]
        gan.train_step(random_batches(gan.schema)[0])
        moves.append([w.numpy() - b for w, b in zip(gan.generator.trainable_variables, before, strict=True)])
    for whole, quarter in zip(*moves, strict=True):
        np.testing.assert_allclose(quarter, whole / 4, atol=1e-6)


@pytest.mark.parametrize("content", [None, b"no zip"])
def test_a_file_that_cannot_be_read_is_named(learnt, tmp_path, content):
    gan, _, _ = learnt()
    path = tmp_path / "bad.keras"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError, match=r"Cannot roll back to .*bad\.keras") as raised:
        gan.roll_back(path)
    assert "\n" not in str(raised.value)
