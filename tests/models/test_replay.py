import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.models.pictures import to_float, to_uint8
from tfproductgan.models.randomness import Draws
from tfproductgan.models.replay import Replay

PLACES = 6


def batch_of(step, rows=2):
    """Pictures of one level each, which says when they were made, with conditions that say so too."""
    levels = 10 * step + np.arange(rows)
    pictures = np.broadcast_to(levels[:, None, None, None], (rows, 2, 2, 1)).astype(np.uint8)
    return to_float(pictures), tf.constant(levels[:, None], tf.int32)


def shown_by(replay, steps, rows=2):
    """Levels of what is shown in each step."""
    found = []
    for step in steps:
        pictures, conditions = replay.exchange(*batch_of(step, rows), Draws(3, tf.constant(step, tf.int64)))
        levels = to_uint8(pictures).numpy()[:, 0, 0, 0].tolist()
        assert conditions.numpy()[:, 0].tolist() == levels  # a picture keeps what it was asked with
        found.append(levels)
    return found


@pytest.fixture
def replay():
    return Replay(keras.Model(), "replay", PLACES, (2, 2, 1), 1, 0)


def test_older_pictures_are_shown_again_and_each_once(replay):
    shown = shown_by(replay, range(1, 21))
    new = {10 * step + row for step in range(1, 21) for row in range(2)}
    levels = [level for step in shown for level in step]
    old = [level for step, row in enumerate(shown, start=1) for level in row if level // 10 < step]
    assert set(levels) <= new and len(set(old)) == len(old)
    assert shown[0] == [10, 11] and 0.2 * len(levels) < len(old) < 0.7 * len(levels)
    held = replay.variables["pictures"].numpy()[:, 0, 0, 0]
    assert sorted(replay.variables["taken"].numpy()) == [1] * PLACES
    np.testing.assert_array_equal(replay.variables["conditions"].numpy()[:, 0], held)


def test_what_it_holds_is_all_that_it_knows(replay):
    shown_by(replay, range(1, 6))
    other = Replay(keras.Model(), "replay", PLACES, (2, 2, 1), 1, 0)
    for part, variable in other.variables.items():
        variable.assign(replay.variables[part].value)
    assert shown_by(other, range(6, 12)) == shown_by(replay, range(6, 12))


def test_a_batch_larger_than_the_history_is_kept_in_part(replay):
    [first] = shown_by(replay, [1], rows=9)
    assert first == [10 + row for row in range(9)]
    assert replay.variables["taken"].numpy().sum() == PLACES
