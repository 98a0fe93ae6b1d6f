import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.streaming import balancing_weights, untuned
from tfproductgan.errors import CatalogueError

COUNT = 50


@pytest.fixture(scope="module")
def numbered():
    """Photo `i` is filled with `i`, and its condition says `i`."""
    images = np.broadcast_to(np.arange(COUNT, dtype=np.uint8)[:, None, None, None], (COUNT, 4, 4, 3)).copy()
    return Catalogue.from_arrays(images, {"number": [f"{i:03}" for i in range(COUNT)]}, splits={}, channels=3)


def numbers(dataset, steps=None):
    """The photos of each batch, `[steps, B]`."""
    batches = []
    for batch in dataset if steps is None else dataset.take(steps):
        found = batch["images"].numpy()[:, 0, 0, 0]
        np.testing.assert_array_equal(batch["conditions"].numpy()[:, 0], found + 1)
        assert (batch["images"].numpy() == found[:, None, None, None]).all()
        batches.append(found)
    return np.array(batches)


def test_shapes_are_static(numbered):
    spec = numbered.stream(batch_size=8).element_spec
    assert spec["images"] == tf.TensorSpec((8, 4, 4, 3), tf.uint8)
    assert spec["conditions"] == tf.TensorSpec((8, 1), tf.int32)
    assert numbered.stream().cardinality() == tf.data.INFINITE_CARDINALITY


def test_every_epoch_has_every_photo_once(numbered):
    drawn = numbers(numbered.stream(batch_size=8, seed=3), 25).ravel()  # four epochs of 50
    epochs = drawn.reshape(4, COUNT)
    assert (np.sort(epochs, axis=1) == np.arange(COUNT)).all()
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert not (epochs == np.arange(COUNT)).all(axis=1).any()


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**63 - 1])
def test_the_order_is_random(numbered, seed):
    epochs = numbers(numbered.stream(batch_size=COUNT, seed=seed), 20)
    in_place = (epochs == np.arange(COUNT)).sum(axis=1)
    as_before = (epochs[1:] == epochs[:-1]).sum(axis=1)
    neighbours = (np.abs(np.diff(epochs, axis=1)) == 1).sum(axis=1)
    assert in_place.mean() < 2 and as_before.mean() < 2 and neighbours.mean() < 4  # 1, 1 and 2 by chance


@pytest.mark.parametrize("options", [{}, {"balance": 0.5}, {"repeat": False}])
def test_a_batch_depends_on_seed_and_step_alone(numbered, options):
    steps = 6
    whole = numbers(numbered.stream(batch_size=8, seed=1, **options), steps)
    np.testing.assert_array_equal(numbers(numbered.stream(batch_size=8, seed=1, **options), steps), whole)
    for start in (0, 1, 4):
        resumed = numbers(numbered.stream(batch_size=8, seed=1, start_step=start, **options), steps - start)
        np.testing.assert_array_equal(resumed, whole[start:])
    if "repeat" not in options:
        assert (numbers(numbered.stream(batch_size=8, seed=2, **options), steps) != whole).any()


@pytest.mark.parametrize("options", [{}, {"balance": 0.5}, {"repeat": False}])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_parts_of_a_batch_make_it_up(numbered, options, count):
    whole = numbers(numbered.stream(batch_size=8, seed=1, start_step=2, **options), 4)
    parts = [
        numbers(numbered.stream(batch_size=8, seed=1, start_step=2, part=(index, count), **options), 4)
        for index in range(count)
    ]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


@pytest.mark.parametrize("options", [{}, {"balance": 0.5}])
def test_every_bit_of_the_seed_counts(numbered, options):
    orders = [numbers(numbered.stream(batch_size=8, seed=seed, **options), 3) for seed in (5, 5 + 2**32, 5 + 2**62)]
    assert len(np.unique(orders, axis=0)) == 3


def test_a_far_step_comes_at_once(numbered):
    assert numbers(numbered.stream(batch_size=8, start_step=10**8), 2).shape == (2, 8)


def test_one_pass_is_in_order(numbered):
    stream = numbered.stream(batch_size=8, repeat=False)
    assert numbers(stream).ravel().tolist() == list(range(48))
    assert stream.cardinality() == 6
    assert len(numbers(numbered.stream(batch_size=8, repeat=False, start_step=9))) == 0


def test_epochs_of_a_batch_larger_than_what_is_left(numbered):
    drawn = numbers(numbered.stream(batch_size=COUNT), 2)
    assert (np.sort(drawn, axis=1) == np.arange(COUNT)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "test"}, "no photos for 'test'; it has 'train'"),
        ({"split": "trian"}, "did you mean 'train'"),
        ({"batch_size": 51}, "51 is more than the 50 photos"),
        ({"batch_size": 0}, "batch_size"),
        ({"seed": -1}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"start_step": -1}, "start_step"),
        ({"balance": 1.5}, "balance"),
        ({"balance": 0.5, "repeat": False}, "replacement"),
        ({"part": (2, 2)}, r"part \(i, n\) needs 0 <= i < n"),
        ({"part": (0, 3)}, "a divisor of batch_size=8"),
    ],
)
def test_wrong_arguments(numbered, options, message):
    with pytest.raises(CatalogueError, match=message):
        numbered.stream(**{"batch_size": 8} | options)


def test_balance_lifts_rare_labels():
    labels = ["common"] * 900 + ["rare"] * 100
    catalogue = Catalogue.from_arrays(
        np.zeros((1000, 2, 2, 3), np.uint8), {"kind": labels}, splits={}, image_size=2, cache=False
    )
    for balance, share in [(0.0, 0.1), (0.5, 0.25), (1.0, 0.5)]:
        batches = catalogue.stream(batch_size=500, balance=balance).take(20)
        rare = np.mean([(batch["conditions"].numpy() == 2).mean() for batch in batches])
        assert rare == pytest.approx(share, abs=0.02)


def test_balance_is_the_mean_over_attributes():
    conditions = np.array([[1, 1], [1, 1], [1, 2], [2, 1]], np.int32)
    weights = balancing_weights(conditions, 1.0)
    first = np.array([1 / 6, 1 / 6, 1 / 6, 1 / 2])
    second = np.array([1 / 6, 1 / 6, 1 / 2, 1 / 6])
    np.testing.assert_allclose(weights, (first + second) / 2)


def test_what_lacks_a_label_is_not_lifted():
    conditions = np.array([[1]] * 8 + [[2]] + [[0]], np.int32)
    weights = balancing_weights(conditions, 1.0)
    assert weights[9] == pytest.approx(weights[0]) and weights[8] > 4 * weights[0]
    np.testing.assert_allclose(balancing_weights(np.zeros((4, 1), np.int32), 1.0), 0.25)


def test_without_attributes():
    catalogue = Catalogue.from_arrays(np.zeros((8, 4, 4, 3), np.uint8), splits={})
    assert next(iter(catalogue.stream(batch_size=4)))["conditions"].shape == (4, 0)
    with pytest.raises(CatalogueError, match="attributes"):
        catalogue.stream(batch_size=4, balance=0.5)


def test_under_a_strategy(numbered):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    distributed = strategy.experimental_distribute_dataset(numbered.stream(batch_size=8, seed=1))
    got = [batch["images"].numpy()[:, 0, 0, 0] for _, batch in zip(range(3), distributed, strict=False)]
    np.testing.assert_array_equal(got, numbers(numbered.stream(batch_size=8, seed=1), 3))


FAILS_WHILE_FETCHING = """
import numpy as np
from tfproductgan.catalogue.streaming import photo_stream

class SlowPixels:
    shape = (8, 4, 4, 3)
    def __getitem__(self, chosen):
        sum(range(300_000))
        return np.zeros((len(chosen), 4, 4, 3), np.uint8)

batches = iter(photo_stream(SlowPixels(), np.zeros((8, 1), np.int32), np.arange(8), batch_size=2, seed=0))
next(batches)
raise ValueError("enough")
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", range(5))
def test_a_process_ends_though_batches_are_on_their_way(number):
    done = subprocess.run([sys.executable, "-c", FAILS_WHILE_FETCHING], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.endswith("ValueError: enough\n")


def test_left_iterators_are_not_waited_for_unless_tuning_is_asked_for(numbered):
    assert numbered.stream().options().autotune.enabled is False
    wanted = tf.data.Options()
    wanted.autotune.enabled = True
    assert untuned(tf.data.Dataset.range(3).with_options(wanted)).options().autotune.enabled is True
