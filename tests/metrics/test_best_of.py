import numpy as np
import pytest

from tfproductgan.conditions import Attribute, ConditionSchema, PictureRequest
from tfproductgan.errors import ConditionError, JudgementError
from tfproductgan.metrics.best_of import BestOf, candidate_seeds

SCHEMA = ConditionSchema([Attribute("shade", ("Dark", "Light"))], 4, 1)
DARK = PictureRequest({"shade": "Dark"}, 7)


class Shades:
    """Draws a grey that the seed alone decides."""

    model_id, schema, provenance = "shades-1", SCHEMA, {}

    def draw(self, requests):
        return np.stack([np.full((4, 4, 1), request.seed * 37 % 256, np.uint8) for request in requests])


class Sees:
    """A classifier that takes a picture for dark as far as it is."""

    def predict(self, pictures):
        dark = 1 - pictures.mean(axis=(1, 2, 3)) / 255
        return [np.stack([dark, 1 - dark], axis=1)]


def shade(kept):
    return int(kept.picture[0, 0, 0])


def test_the_candidate_that_shows_what_was_asked_for_is_kept():
    [kept] = BestOf(Shades(), 8, classifier=Sees()).choose([DARK])
    shades = [seed * 37 % 256 for seed in candidate_seeds(7, 8)]
    assert shade(kept) == min(shades) and kept.asked == DARK
    # its seed alone gives it again
    assert kept.request == PictureRequest({"shade": "Dark"}, candidate_seeds(7, 8)[int(np.argmin(shades))])
    np.testing.assert_array_equal(Shades().draw([kept.request])[0], kept.picture)


def test_the_candidate_that_looks_most_real_is_kept(likes_light):
    [kept] = BestOf(Shades(), 8, likes_light).choose([DARK])
    assert shade(kept) == max(seed * 37 % 256 for seed in candidate_seeds(7, 8))
    # half a nat a standard deviation
    assert kept.scores.mean() == pytest.approx(0, abs=1e-5) and kept.scores.std() == pytest.approx(0.5, rel=1e-3)


def test_both_together_add_up(likes_light):
    judges = ((likes_light, Sees()), (likes_light, None), (None, Sees()))
    scores = [BestOf(Shades(), 5, *some).choose([DARK])[0].scores for some in judges]
    np.testing.assert_allclose(scores[0], scores[1] + scores[2], rtol=1e-5)


def test_a_picture_depends_on_its_own_request_alone():
    chooser, requests = BestOf(Shades(), 4, classifier=Sees()), [DARK, PictureRequest({"shade": "Light"}, 8)]
    np.testing.assert_array_equal(chooser.draw(requests)[1:], chooser.draw(requests[1:]))
    assert chooser.draw([]).shape == (0, 4, 4, 1)


def test_of_one_candidate_it_is_the_picture_itself():
    np.testing.assert_array_equal(BestOf(Shades(), 1, classifier=Sees()).draw([DARK]), Shades().draw([DARK]))


def test_neighbours_have_no_candidate_in_common():
    seeds = [seed for first in range(100) for seed in candidate_seeds(first, 8)]
    assert len(set(seeds)) == len(seeds) and candidate_seeds(5, 8)[:3] == candidate_seeds(5, 3)


@pytest.mark.parametrize("count", [0, -1, 65, 1.5])
def test_a_number_that_cannot_be_is_refused(count):
    with pytest.raises(ConditionError, match=r"best of must be a whole number from 1 to 64. Received: "):
        BestOf(Shades(), count, classifier=Sees())


def test_somebody_must_say_which_is_best():
    with pytest.raises(JudgementError, match="Received: neither"):
        BestOf(Shades(), 2)
