import numpy as np
import pytest

from tfproductgan.losses.perceptual import content_loss, gram, maps_distance, style_loss, total_variation

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(2, 4, 6, 3)).astype(np.float32)


def test_gram_is_the_mean_of_products_over_positions():
    expected = np.einsum("bhwi,bhwj->bij", FEATURES, FEATURES) / 24
    np.testing.assert_allclose(gram(FEATURES), expected, rtol=1e-5, atol=1e-6)


def test_gram_forgets_where_things_are():
    np.testing.assert_allclose(gram(FEATURES[:, ::-1, ::-1]), gram(FEATURES), rtol=1e-5, atol=1e-6)


def test_a_mask_leaves_positions_out():
    mask = np.zeros((1, 4, 6, 1), np.float32)
    mask[:, :, :3] = 1
    np.testing.assert_allclose(gram(FEATURES, mask), gram(FEATURES[:, :, :3]), rtol=1e-5, atol=1e-6)


def test_losses_are_mean_squares():
    one, two = gram(FEATURES), gram(2 * FEATURES)
    np.testing.assert_allclose(style_loss(one, two), np.mean((one - two) ** 2, axis=(1, 2)) / 9, rtol=1e-5)
    np.testing.assert_allclose(content_loss(FEATURES, 0), np.mean(FEATURES**2, axis=(1, 2, 3)), rtol=1e-5)


def test_maps_are_compared_position_by_position_whatever_their_length():
    maps = [FEATURES, FEATURES[:, :2, :2]]
    others = [RNG.normal(size=each.shape).astype(np.float32) for each in maps]
    ways = [[part / np.linalg.norm(part, axis=-1, keepdims=True) for part in each] for each in (maps, others)]
    expected = np.mean([((one - other) ** 2).sum(-1).mean((1, 2)) for one, other in zip(*ways, strict=True)], axis=0)
    np.testing.assert_allclose(maps_distance(maps, others), expected, rtol=1e-4)
    np.testing.assert_allclose(maps_distance(maps, [7 * each for each in maps]), 0, atol=1e-5)


def test_total_variation_is_that_of_steps():
    ramp = np.tile(np.arange(5, dtype=np.float32)[None, None, :, None], (1, 3, 1, 2))
    assert float(total_variation(ramp)[0]) == pytest.approx(1.0)
    assert float(total_variation(ramp.transpose(0, 2, 1, 3) * 2)[0]) == pytest.approx(4.0)
