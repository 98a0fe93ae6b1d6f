import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.conditions import MAX_SEED, PictureRequest
from tfproductgan.errors import ConditionError
from tfproductgan.models.pictures import to_float, to_uint8


@pytest.fixture(scope="module")
def gan(small_gan):
    """Not trained, but with weights large enough that pictures differ."""
    gan = small_gan("dcgan")
    rng = np.random.default_rng(0)
    for weight in gan.ema_generator.trainable_weights:
        weight.assign(weight + rng.normal(0, 0.2, weight.shape))
    return gan


@pytest.fixture(scope="module")
def unconditional(small_gan, small_schema):
    return small_gan(schema=small_schema(()))


# === A seed is a picture ===


def test_a_request_gives_the_same_picture_whatever_it_is_drawn_with(gan):
    requests = gan.plan({"side": "Top"}, count=40, seed=3)
    together = gan.draw(requests)
    assert together.shape == (40, 28, 28, 1) and together.dtype == np.uint8
    np.testing.assert_array_equal(gan.draw(requests[20:21]), together[20:21])
    np.testing.assert_array_equal(gan.draw(requests[17:20][::-1]), together[17:20][::-1])
    assert len(np.unique(together, axis=0)) == 40


def test_generate_draws_what_plan_says(gan):
    requests = gan.plan({"shade": "light"}, count=3, seed=7, truncation=0.5)
    np.testing.assert_array_equal(gan.generate({"shade": "light"}, 3, 7, 0.5), gan.draw(requests))
    assert [request.seed for request in requests] == [7, 8, 9]
    assert {request.truncation for request in requests} == {0.5}


def test_pictures_follow_seed_conditions_and_truncation(gan):
    request = PictureRequest({"shade": "Dark", "side": "Left"}, seed=1)
    others = [
        PictureRequest({"shade": "Dark", "side": "Left"}, seed=2),
        PictureRequest({"shade": "Dark", "side": "Right"}, seed=1),
        PictureRequest({"shade": "Dark"}, seed=1),
        PictureRequest({"shade": "Dark", "side": "Left"}, seed=1, truncation=0.5),
    ]
    assert len(np.unique(gan.draw([request, *others]), axis=0)) == 5


def test_latents_are_normal_and_a_seeds_own(gan):
    seeds = [*range(2000), MAX_SEED]
    latents = gan.draw_latents(seeds)
    assert latents.shape == (2001, 6) and abs(latents.mean()) < 0.05 and abs(latents.std() - 1) < 0.05
    np.testing.assert_array_equal(gan.draw_latents([1234, MAX_SEED]), latents[[1234, -1]])


def test_truncation_zero_gives_one_picture_for_all_seeds(gan):
    pictures = gan.generate({"shade": "Dark", "side": "Left"}, count=5, truncation=0)
    assert len(np.unique(pictures, axis=0)) == 1


def test_a_model_without_attributes_draws_by_seed(unconditional):
    pictures = unconditional.generate(count=3, seed=2)
    np.testing.assert_array_equal(pictures[1:], unconditional.generate(count=2, seed=3))
    assert unconditional.plan() == [PictureRequest({}, 0)]


def test_no_requests_give_no_pictures(gan):
    assert gan.draw([]).shape == (0, 28, 28, 1)


# === Plans ===


def test_what_is_not_given_is_drawn_from_the_data(gan):
    drawn = [(r.conditions["shade"], r.conditions["side"]) for r in gan.plan(count=600)]
    shares = {pair: drawn.count(pair) / 600 for pair in set(drawn)}
    assert set(shares) == {("Dark", "Left"), ("Dark", "Right"), ("Light", "Top")}
    np.testing.assert_allclose([shares["Dark", "Left"], shares["Light", "Top"]], [0.6, 0.1], atol=0.06)


def test_what_is_given_is_kept_and_the_rest_drawn_by_the_pictures_seed(gan):
    requests = gan.plan({"shade": "Dark"}, count=20, seed=4)
    assert {request.conditions["shade"] for request in requests} == {"Dark"}
    assert {request.conditions["side"] for request in requests} == {"Left", "Right"}
    assert gan.plan({"shade": "Dark"}, seed=11) == requests[7:8]


def test_without_completing_the_network_is_told_that_it_is_not_given(gan):
    assert gan.plan({"side": " top "}, complete=False) == [PictureRequest({"side": "Top"}, 0)]
    assert gan.plan(complete=False)[0].conditions == {}


def test_a_list_is_one_picture_each_or_repeated(gan):
    rows = [{"shade": "Dark", "side": "Left"}, {"shade": "Light", "side": "Top"}]
    assert [request.conditions for request in gan.plan(rows)] == rows
    assert [request.conditions for request in gan.plan(rows, count=5)] == [*rows, *rows, rows[0]]
    assert len(gan.plan(None)) == len(gan.plan({})) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"conditions": {"shade": "Drak"}}, "Unknown shade 'Drak': did you mean 'Dark'"),
        ({"conditions": {"colour": "Dark"}}, "Unknown attribute 'colour': valid: 'shade', 'side'"),
        ({"conditions": "Dark"}, "map attribute names to value names.* Received: 'Dark'"),
        ({"conditions": 7}, "Received: 7"),
        ({"conditions": [{}, "Dark"]}, "Received: 'Dark'"),
        ({"conditions": []}, "conditions is an empty list"),
        ({"count": 0}, "count must be a whole number from 1 to .* Received: 0"),
        ({"count": -1}, "count .* Received: -1"),
        ({"count": 10_000_000}, "count .* Received: 10000000"),
        ({"count": True}, "count .* Received: True"),
        ({"count": 2.5}, "count .* Received: 2.5"),
        ({"seed": -1}, "seed must be a whole number from 0 to .* Received: -1"),
        ({"seed": 2**63}, "seed .* Received: 9223372036854775808"),
        ({"seed": "7"}, "seed .* Received: '7'"),
        ({"truncation": float("nan")}, "truncation must be a number from 0 to 2. Received: nan"),
        ({"truncation": -1}, "truncation .* Received: -1"),
        ({"truncation": 3}, "truncation .* Received: 3"),
        ({"truncation": "x"}, "truncation .* Received: 'x'"),
        ({"truncation": True}, "truncation .* Received: True"),
    ],
)
def test_what_cannot_be_drawn_is_refused(gan, arguments, message):
    with pytest.raises(ConditionError, match=message):
        gan.generate(**arguments)


@pytest.mark.parametrize(
    "request_",
    [PictureRequest({"shade": "Grey"}, 1), PictureRequest({}, -1), PictureRequest({}, 1, truncation=5)],
)
def test_a_request_that_cannot_be_is_refused(gan, request_):
    with pytest.raises(ConditionError):
        gan.draw([request_])


# === On the way from one picture to another ===


def test_interpolation_starts_and_ends_at_its_ends(gan):
    first = PictureRequest({"shade": "Dark", "side": "Left"}, 1)
    second = PictureRequest({"side": "Top"}, 2, truncation=0.7)
    strip = gan.interpolate(first, second, steps=20).astype(int)
    assert strip.shape == (20, 28, 28, 1)
    assert np.abs(strip[[0, -1]] - gan.draw([first, second])).max() <= 1
    # no step is much larger than the others
    changes = np.abs(np.diff(strip, axis=0)).mean(axis=(1, 2, 3))
    assert changes.min() > 0 and changes.max() < 4 * np.median(changes)


def test_between_equal_ends_nothing_changes(gan):
    request = PictureRequest({"shade": "Dark"}, 1)
    strip = gan.interpolate(request, request, steps=3).astype(int)
    assert np.abs(strip - gan.draw([request])).max() <= 1


def test_interpolation_needs_no_latents_or_attributes(gan, unconditional):
    ends = [PictureRequest({"shade": "Dark"}, seed, truncation=0) for seed in (1, 2)]
    assert len(np.unique(gan.interpolate(*ends, steps=4), axis=0)) == 1
    assert unconditional.interpolate(PictureRequest({}, 1), PictureRequest({}, 2), steps=3).shape == (3, 6, 6, 1)


@pytest.mark.parametrize("steps", [1, 0, 2.0, "3"])
def test_fewer_than_two_steps_are_refused(gan, steps):
    with pytest.raises(ConditionError, match="steps must be a whole number from 2"):
        gan.interpolate(PictureRequest({}, 1), PictureRequest({}, 2), steps=steps)


# === Numbers and pictures ===


def test_every_byte_survives_the_way_to_floats_and_back():
    values = tf.range(256, dtype=tf.int32)
    floats = to_float(tf.cast(values, tf.uint8))
    assert floats[0] == -1 and floats[-1] == 1
    np.testing.assert_array_equal(to_uint8(floats), values)
    np.testing.assert_array_equal(to_uint8(tf.constant([-1.1, 1.2])), [0, 255])
