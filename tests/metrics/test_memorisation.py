"""Copies of training photos are found; what merely looks like them is not."""

import numpy as np
import pytest
from scipy import stats

from tfproductgan.errors import JudgementError
from tfproductgan.metrics.counterparts import Counterparts
from tfproductgan.metrics.memorisation import audit_memorisation, close_pairs, near_photos
from tfproductgan.metrics.neighbours import nearest

DIM = 8


def normal(count, seed, scale=1.0):
    return (scale * np.random.default_rng(seed).normal(size=(count, DIM))).astype(np.float32)


TRAIN, HELDOUT = normal(2000, 0), normal(500, 1)


def audit(samples, **options):
    conditions = [{"colour": "Gold"}] * len(samples)
    return audit_memorisation(samples, TRAIN, HELDOUT, "net-1", conditions, range(7, 7 + len(samples)), **options)


def test_samples_of_the_same_distribution_are_no_copies():
    found = audit(normal(500, 2))
    assert not found.suspicious
    assert found.nearer == pytest.approx(0.5, abs=0.06) and abs(found.z) < 3
    assert found.close < 0.04
    assert found.authentic == pytest.approx(found.heldout_authentic, abs=0.08)


def test_copies_are_found_also_with_noise():
    found = audit(TRAIN[:300] + normal(300, 3, scale=1e-3))
    assert found.suspicious and found.nearer > 0.99 and found.close > 0.99 and found.authentic < 0.02
    assert [pair.relative for pair in found.pairs] == sorted(pair.relative for pair in found.pairs)
    assert found.pairs[-1].relative < 0.02
    assert all(pair.photo == pair.sample and pair.seed == 7 + pair.sample for pair in found.pairs)


def test_a_few_copies_among_many_are_found():
    samples = normal(500, 4)
    samples[:40] = TRAIN[:40]
    found = audit(samples)
    assert found.suspicious and found.close > 0.07
    assert {pair.sample for pair in found.pairs} <= set(range(40))


def test_a_copy_among_rare_photos_comes_before_what_is_near_among_plain_ones():
    rare = np.concatenate([0.01 * TRAIN[:1000], 10 + 3 * TRAIN[1000:]])
    samples = np.concatenate([0.01 * normal(50, 9), rare[1500:1501] + 0.1 * normal(1, 9)])
    found = audit_memorisation(samples, rare, rare[:100] + 0.01, "net-1", [{}] * 51, range(51))
    assert found.pairs[0].photo == 1500


def test_bad_samples_far_from_everything_are_no_copies():
    found = audit(normal(300, 5, scale=5.0))
    assert not found.suspicious and found.nearer < 0.1


def test_the_same_photo_appears_once_among_the_pairs():
    found = audit(np.repeat(TRAIN[:3], 20, axis=0), num_pairs=10)
    assert sorted(pair.photo for pair in found.pairs) == [0, 1, 2]


def test_z_is_that_of_the_mann_whitney_test():
    samples = normal(120, 6, scale=0.8)
    found = audit(samples)
    mine, theirs = (nearest(rows, TRAIN)[1][:, 0] for rows in (samples, HELDOUT))
    expected = stats.mannwhitneyu(mine, theirs, use_continuity=False, method="asymptotic", alternative="less")
    assert found.nearer == pytest.approx(1 - expected.statistic / (120 * 500))
    assert stats.norm.sf(found.z) == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(
    ("samples", "message"),
    [(normal(5, 0), "20 samples or more. Received: 5"), (np.full((30, DIM), np.nan, np.float32), "NaN")],
)
def test_what_cannot_be_audited_is_refused(samples, message):
    with pytest.raises(JudgementError, match=message):
        audit(samples)


def test_samples_are_drawn_again_beside_their_photos(shop, stubs):
    generator = stubs.Copies(shop)
    ids = shop.conditions("validation")[:40]
    requests = generator.plan([shop.schema.decode(row) for row in ids], seed=3)
    look = stubs.Shrunk().features
    found = audit_memorisation(
        look(generator.draw(requests)),
        look(shop.images("train")),
        look(shop.images("validation")),
        "shrunk",
        [request.conditions for request in requests],
        [request.seed for request in requests],
        num_pairs=6,
    )
    pairs = close_pairs(found, Counterparts(generator, shop, "validation"), shop)
    assert len(pairs) == 6
    np.testing.assert_array_equal(pairs[:, 0], pairs[:, 1])  # copies: both halves of a pair are one picture


def test_the_photos_nearest_to_a_picture(shop, stubs):
    extractor = stubs.Shrunk()
    train, heldout = (extractor.features(shop.images(split)) for split in ("train", "validation"))
    photo = shop.images("train")[17]
    found = near_photos(photo, train, heldout, extractor, shop)
    assert found.positions[0] == 17 and found.distances[0] == 0 and found.quantile == 0
    assert list(found.distances) == sorted(found.distances) and len(found.distances) == 6
    np.testing.assert_array_equal(found.photos, shop.images("train")[list(found.positions)])
    far = near_photos(255 - photo, train, None, extractor, shop)
    assert far.distances[0] > found.distances[1] and far.quantile is None
