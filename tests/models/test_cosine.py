import keras
import numpy as np
import pytest

from tfproductgan.losses.penalties import Penalty
from tfproductgan.models.cosine import CosineAdam


def test_the_second_decay_moves_along_a_cosine():
    optimizer = CosineAdam(learning_rate=0.1, beta_1=0.0, beta_2=0.5, final_beta_2=0.9, decay_steps=4, epsilon=1e-8)
    weight = keras.Variable(np.zeros(3, "float32"))
    optimizer.build([weight])
    expected, square = np.zeros(3), np.zeros(3)
    for step in range(6):
        gradient = np.array([1.0, -2.0, 0.5 + step])
        beta = 0.5 + 0.4 * (0.5 - 0.5 * np.cos(np.pi * min(step / 4, 1)))
        square += (1 - beta) * (gradient**2 - square)
        expected -= 0.1 * gradient / (np.sqrt(square / (1 - beta ** (step + 1))) + 1e-8)
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")])
    np.testing.assert_allclose(weight, expected, rtol=1e-5)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()


def test_all_that_moves_is_halfway_after_half_of_the_images(small_gan):
    gan = small_gan(
        images=800,
        batch_size=8,
        final_beta_2=0.99,
        penalties={"r1": 2.0},
        final_penalties=0.1,
        augmentation=("flip",),
        augmentation_probability=0.4,
        augmentation_warm_up=1.0,
        ema_half_life=100,
        ema_ramp=1.0,
        ema_warm_up=1.0,
    )
    gan.compile()
    assert gan.augmentation_probability == 0 and float(gan._strength(Penalty("r1", 2.0))) == 2
    gan._images_seen.assign(400)
    gan.generator_optimizer.iterations.assign(50)
    assert float(gan.generator_optimizer.beta_2) == pytest.approx((0.9 + 0.99) / 2)
    assert float(gan._strength(Penalty("r1", 2.0))) == pytest.approx(2 * 0.55)
    gan.after_step({}, 8)
    assert gan.augmentation_probability == pytest.approx(0.2)
    weight = gan.ema_generator.to_pixels.kernel
    weight.assign(weight + 1.0)
    gan._update_averages(50)
    np.testing.assert_allclose(weight - gan.generator.to_pixels.kernel, np.full(weight.shape, 0.5), atol=1e-5)
