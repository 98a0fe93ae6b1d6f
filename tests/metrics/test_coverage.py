"""Conditions one by one: what is covered, dropped, collapsed or repeated."""

import numpy as np
import pytest

from tfproductgan.catalogue.duplicates import difference_hashes, thumbnails
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.metrics.coverage import condition_figures, mean_distance, repeated_share

SCHEMA = ConditionSchema([Attribute("category", ("Ring", "Mug", "Bag", "Pen"))])
CENTRES = 20.0 * np.eye(4, 6)


def labelled(counts, seed):
    """Features around one centre a value, and their ids."""
    ids = np.repeat(np.arange(1, 5), counts)
    return ids[:, None].astype(np.int32), CENTRES[ids - 1] + np.random.default_rng(seed).normal(size=(len(ids), 6))


ASKED, SAMPLES = labelled([100, 100, 100, 0], 1)
REAL, PHOTOS = labelled([100, 100, 5, 0], 2)


def figures(samples=SAMPLES, schema=SCHEMA):
    found = condition_figures(schema, ASKED, samples, REAL, PHOTOS)
    return {condition.value: condition for condition in found}


def test_conditions_that_are_covered():
    found = figures()
    for value in ("Ring", "Mug"):
        assert found[value].measured and not found[value].dropped and not found[value].collapsed
        assert found[value].coverage > 0.9
        assert abs(found[value].kid) < 1000
        assert found[value].diversity == pytest.approx(found[value].real_diversity, rel=0.1)


def test_conditions_with_few_photos_are_counted_only():
    found = figures()
    assert not found["Bag"].measured and not found["Bag"].dropped and not found["Bag"].collapsed
    assert (found["Bag"].asked, found["Bag"].real) == (100, 5)
    assert "Pen" not in found


def test_a_condition_that_draws_something_else_is_dropped():
    wrong = np.where(ASKED == 1, SAMPLES + CENTRES[1] - CENTRES[0], SAMPLES)
    found = figures(wrong)
    assert found["Ring"].dropped and found["Ring"].kid > 100_000
    assert not found["Mug"].dropped


@pytest.mark.parametrize("modes", [1, 4])
def test_a_condition_of_a_few_pictures_has_collapsed(modes):
    rows = np.flatnonzero(ASKED[:, 0] == 2)
    repeated = SAMPLES.copy()
    repeated[rows] = SAMPLES[rows[:modes]][np.arange(len(rows)) % modes]
    found = figures(repeated)
    assert found["Mug"].collapsed and not found["Ring"].collapsed
    assert found["Mug"].spacing == pytest.approx(0, abs=1e-6)


def test_without_attributes_everything_is_one_condition():
    nothing = np.zeros((300, 0), np.int32)
    (found,) = condition_figures(ConditionSchema(), nothing, SAMPLES, nothing[:205], PHOTOS)
    assert found.name == "everything" and found.asked == 300 and found.real == 205


def test_diversity_of_a_known_distribution():
    rows = np.random.default_rng(0).normal(size=(5000, 256))
    assert mean_distance(rows) == pytest.approx(np.sqrt(2 * 256), rel=0.01)
    assert mean_distance(np.ones((40, 3))) == 0


def test_repeated_pictures_are_counted(stubs):
    photos, _ = stubs.photos(45, 3)
    photos = np.concatenate([photos, photos[:5]])
    assert repeated_share(difference_hashes(photos), thumbnails(photos)) == pytest.approx(0.2)
    assert repeated_share(difference_hashes(photos[:45]), thumbnails(photos[:45])) == 0
