import hashlib

import numpy as np
import pytest

from tfproductgan.conditions import Attribute, ConditionSchema, PictureRequest
from tfproductgan.errors import ConditionError, JudgementError
from tfproductgan.metrics.rejection import MOST, RejectionSampling, acceptance, fitted_scale, scale_on_photos

SCHEMA = ConditionSchema([Attribute("shade", ("Dark", "Light"))], 4, 1)
DARK, LIGHT = ({"shade": shade} for shade in ("Dark", "Light"))


class Evenly:
    """Draws every grey equally often, whatever is asked for."""

    model_id, schema, provenance = "evenly-1", SCHEMA, {}

    def draw(self, requests):
        greys = [hashlib.sha256(str(request.seed).encode()).digest()[0] for request in requests]
        return np.array(greys, np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)

    def plan(self, conditions, seed, complete):
        assert not complete
        return [PictureRequest(row, seed + i) for i, row in enumerate(conditions)]


def requests(count, conditions=DARK):
    return [PictureRequest(conditions, 1000 + seed) for seed in range(count)]


def brightness(pictures):
    return pictures[:, 0, 0, 0] / 127.5 - 1


# === What is accepted ===


def test_rejection_turns_a_wrong_distribution_into_the_right_one():
    wrong, right = np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.3, 0.5])
    answers = np.log(right / wrong) + 3  # what is the same for all does not count
    accepted = wrong * acceptance(answers, answers.max())
    np.testing.assert_allclose(accepted / accepted.sum(), right, rtol=1e-5)
    # once in so many draws as the ratios differ: 1 / max(p / q)
    assert accepted.sum() == pytest.approx(1 / 5, rel=1e-5)


def test_gamma_accepts_fewer_or_more():
    answers = np.array([-2.0, -1.0, 0.0])
    fewer, exact, more = (acceptance(answers, 0.0, gamma) for gamma in (1.0, 0.0, -1.0))
    np.testing.assert_allclose(exact, np.exp(answers), rtol=1e-5)
    assert (fewer[:2] < exact[:2]).all() and (exact[:2] < more[:2]).all()
    assert acceptance(5.0, 0.0) == acceptance(0.0, 0.0) == pytest.approx(1, abs=2e-6)  # none is above the largest


def test_pictures_are_distributed_as_photos_are(likes_light):
    # p is proportional to exp(2 x) on -1 to 1
    sampler = RejectionSampling(Evenly(), likes_light, None, scale=2.0)
    mean = brightness(sampler.draw(requests(300))).mean()
    assert mean == pytest.approx(1 / np.tanh(2) - 1 / 2, abs=0.08)  # 0.537; its standard error is 0.024
    assert brightness(Evenly().draw(requests(300))).mean() == pytest.approx(0, abs=0.11)


def test_the_percentile_is_accepted_every_second_time(likes_light):
    sampler = RejectionSampling(Evenly(), likes_light, 80, scale=2.0)
    drawn = [PictureRequest(DARK, seed) for seed in range(256)]
    chances = sampler._chances(drawn, Evenly().draw(drawn))
    assert np.mean(chances < 0.5) == pytest.approx(0.8, abs=0.08)
    # the more are turned down, the further pictures move to what photos show
    means = [
        brightness(RejectionSampling(Evenly(), likes_light, p, 2.0).draw(requests(50))).mean() for p in (0, 60, 95)
    ]
    assert means == sorted(means) and means[2] - means[0] > 0.2


# === What is kept ===


def test_a_picture_depends_on_its_own_request_alone(likes_light):
    asked = [*requests(20), *requests(3, LIGHT)]
    together = RejectionSampling(Evenly(), likes_light, scale=2.0).choose(asked)
    alone = RejectionSampling(Evenly(), likes_light, scale=2.0).choose(asked[-1:])
    np.testing.assert_array_equal(together[-1].picture, alone[0].picture)
    np.testing.assert_array_equal(together[-1].scores, alone[0].scores)
    assert RejectionSampling(Evenly(), likes_light).draw([]).shape == (0, 4, 4, 1)


def test_the_seed_that_was_kept_gives_the_picture_again(likes_light):
    for kept, asked in zip(RejectionSampling(Evenly(), likes_light).choose(requests(8)), requests(8), strict=True):
        assert kept.asked == asked and kept.request.conditions == asked.conditions
        np.testing.assert_array_equal(Evenly().draw([kept.request])[0], kept.picture)
        assert kept.how == f"accepted as candidate {len(kept.scores)}"


def test_the_likeliest_is_kept_if_none_is_accepted(likes_light, monkeypatch):
    sampler = RejectionSampling(Evenly(), likes_light)
    monkeypatch.setattr(sampler, "_chances", lambda asked, pictures: pictures[:, 0, 0, 0] * 1e-12)
    [kept] = sampler.choose(requests(1))
    assert len(kept.scores) == MOST and kept.picture[0, 0, 0] == round(kept.scores.max() * 1e12)
    assert kept.how == "the likeliest of 64 candidates, none of which was accepted"


def test_a_discriminator_that_knows_nothing_rejects_nothing(likes_light):
    asked = requests(8)
    sampler = RejectionSampling(Evenly(), likes_light, scale=0.0)
    np.testing.assert_array_equal(sampler.draw(asked), Evenly().draw(asked))


# === How far the discriminator is right ===


def test_the_scale_makes_answers_logarithms_of_odds():
    # of N(1.5, 1) against N(0, 1) it is 1.5 x - 1.125; what photo and picture share falls out
    rng = np.random.default_rng(0)
    photos, drawn, shared = rng.normal(1.5, 1, 4000), rng.normal(0, 1, 4000), rng.normal(0, 30, 4000)
    assert fitted_scale(photos + shared, drawn + shared) == pytest.approx(1.5, abs=0.1)
    assert fitted_scale(10 * photos, 10 * drawn) == pytest.approx(0.15, abs=0.01)
    assert fitted_scale(drawn, photos) == fitted_scale(drawn, drawn) == 0


def test_the_scale_is_measured_on_photos(likes_light):
    class Photos:
        """As exp(2 x), by the quantiles of it."""

        schema = SCHEMA

        def size(self, split):
            return 300

        def conditions(self, split):
            return np.ones((300, 1), np.int32)

        def images(self, split):
            shares = (np.arange(300) + 0.5) / 300
            greys = np.log(np.exp(-2) + shares * (np.exp(2) - np.exp(-2))) / 2
            return ((greys + 1) * 127.5).astype(np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)

    assert scale_on_photos(Evenly(), likes_light, Photos(), "validation") == pytest.approx(2, abs=0.4)


# === What cannot be ===


@pytest.mark.parametrize("percentile", [-1, 99.5, float("nan"), "80", True])
def test_a_percentile_that_cannot_be_is_refused(likes_light, percentile):
    with pytest.raises(ConditionError, match=r"percentile of rejection must be a number from 0 to 99. Received: "):
        RejectionSampling(Evenly(), likes_light, percentile)


def test_a_discriminator_is_needed():
    with pytest.raises(JudgementError, match=r"which checkpoints of a GAN's run have. Received: none"):
        RejectionSampling(Evenly(), None)
