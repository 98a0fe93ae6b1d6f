"""What every family of networks must do: a family's test asks for `generator_check` and `discriminator_check`.

Each check takes a function that makes a small network, with `name` or `dtype` if asked; see `test_mlp.py`.
"""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tfproductgan.networks.base import Generator, PatchDiscriminator, TranslatingGenerator, UpscalingGenerator

BATCH = 3


# === Generators ===


def generator_inputs(network, seed=0, batch=BATCH):
    rng = np.random.default_rng(seed)
    return {
        "latents": tf.constant(rng.normal(size=(batch, network.latent_dim)), tf.float32),
        "conditions": condition_rows(network, rng, batch),
    }


def pictures_have_the_right_shape_type_and_range(make):
    network = make()
    shape = (BATCH, network.image_size, network.image_size, network.channels)
    for training in (False, True):
        pictures = network(generator_inputs(network), training=training)
        assert pictures.shape == shape and pictures.dtype == tf.float32
        assert training or np.abs(pictures).max() <= 1
    assert np.std(pictures) > 0.01


def pictures_follow_latents_and_conditions(make):
    network = make()
    inputs = generator_inputs(network)
    pictures = network(inputs)
    others = [network({**inputs, "latents": -inputs["latents"]})]
    if network.num_ids:
        others.append(network({**inputs, "conditions": next_ids(network, inputs["conditions"])}))
    for other in others:
        assert (np.std(pictures - other, axis=(1, 2, 3)) > 0.1 * np.std(pictures)).all()


def synthesise_draws_what_call_draws(make):
    network = make()
    inputs = generator_inputs(network)
    embedding = network.embed(inputs["conditions"])
    assert embedding.shape == (BATCH, network.embedding_dim if network.num_ids else 0)
    style = network.style_of(inputs["latents"], embedding)
    np.testing.assert_array_equal(network.synthesise(*style), network(inputs))


def generator_gradients_reach_every_weight(make):
    network = make()
    inputs = generator_inputs(network)
    target = np.random.default_rng(5).normal(size=(BATCH, network.image_size, network.image_size, network.channels))
    with tf.GradientTape() as tape:
        pictures = network(inputs, training=True)
        loss = tf.reduce_sum(pictures * target)
    # how photos scatter around pictures decides nothing about these
    weights = [variable for variable in network.trainable_variables if variable.name != "log_scale"]
    assert_all_reached(weights, tape.gradient(loss, values(weights)))


# === Encoders ===


def distributions_have_the_right_shape_and_type(make):
    network = make()
    for training in (False, True):
        for part in network(inputs_of(network), training=training):
            assert part.shape == (BATCH, network.latent_dim) and part.dtype == tf.float32


def encoder_gradients_reach_every_weight(make):
    network = make()
    with tf.GradientTape() as tape:
        mean, log_variance = network(inputs_of(network), training=True)
        loss = tf.reduce_sum(mean * [[1.0], [-2.0], [0.5]]) + tf.reduce_sum(log_variance)
    assert_all_reached(network.trainable_variables, tape.gradient(loss, values(network.trainable_variables)))


# === Of pictures from pictures ===


def made_pictures_have_the_right_shape_type_and_range(make):
    network = make()
    shape = (BATCH, network.image_size, network.image_size, network.channels)
    for training in (False, True):
        pictures = outputs_of(network, training)
        assert pictures.shape == shape and pictures.dtype == tf.float32
        assert np.abs(pictures).max() <= 1
    assert np.std(pictures) > 0.001


def made_pictures_follow_sources_and_conditions(make):
    network = make()
    inputs = inputs_of(network)
    pictures = network(inputs)
    others = [network({**inputs, "source": -inputs["source"]})]
    if network.num_ids:
        others.append(network({**inputs, "conditions": next_ids(network, inputs["conditions"])}))
    for other in others:
        # in the middle of the picture too: at its edges what a normalisation takes away elsewhere shines through
        changes = np.std((pictures - other)[:, 10:-10, 10:-10], axis=(1, 2, 3))
        assert (changes > 0.1 * np.std(pictures, axis=(1, 2, 3))).all()


def there_is_a_float32_logit_a_patch(make):
    network = make()
    logits = outputs_of(network)
    assert logits.shape.rank == 3 and logits.dtype == tf.float32
    inputs = inputs_of(network)
    for name in ("source", "images"):
        assert np.any(network({**inputs, name: -inputs[name]}) != logits)


def output_gradients_reach_every_kernel(make):
    network = make()
    kernels = [v for v in network.trainable_variables if v.name in ("kernel", "table")]
    with tf.GradientTape() as tape:
        outputs = network(inputs_of(network), training=True)
        loss = tf.reduce_sum(outputs * tf.constant(np.random.default_rng(5).normal(size=outputs.shape), tf.float32))
    assert_all_reached(kernels, tape.gradient(loss, values(kernels)))


# === Discriminators ===


def discriminator_inputs(network, seed=0, batch=BATCH):
    rng = np.random.default_rng(seed)
    shape = (batch, network.image_size, network.image_size, network.channels)
    return {
        "images": tf.constant(rng.uniform(-1, 1, shape), tf.float32),
        "conditions": condition_rows(network, rng, batch),
    }


def there_is_one_float32_logit_a_picture(make):
    network = make()
    for training in (False, True):
        logits = network(discriminator_inputs(network), training=training)
        assert logits.shape == (BATCH,) and logits.dtype == tf.float32
        assert np.std(logits) > 0


def logits_follow_pictures_and_conditions(make):
    network = make()
    inputs = discriminator_inputs(network)
    logits = network(inputs)
    assert (np.abs(logits - network({**inputs, "images": -inputs["images"]})) > 1e-6).all()
    if network.num_ids:
        other = network({**inputs, "conditions": next_ids(network, inputs["conditions"])})
        assert (np.abs(logits - other) > 1e-6).all()


def several_conditions_are_judged_as_one_by_one(make):
    network = make()
    if not (network.conditions_last and network.num_ids):
        return
    inputs = discriminator_inputs(network)
    conditions = [inputs["conditions"], next_ids(network, inputs["conditions"])]
    together = network({**inputs, "conditions": tf.stack(conditions, axis=1)})
    alone = [network({**inputs, "conditions": ids}) for ids in conditions]
    np.testing.assert_allclose(together, tf.stack(alone, axis=1), atol=1e-5)


def discriminator_gradients_reach_every_weight(make):
    network = make()
    inputs = discriminator_inputs(network)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(inputs, training=True) * [1.0, -2.0, 0.5])
    assert_all_reached(network.trainable_variables, tape.gradient(loss, values(network.trainable_variables)))


def slope_penalty(network, inputs, training):
    """E ||dD/dx||^2 / 2, as R1 and R2 take it."""
    images = inputs["images"]
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = tf.reduce_sum(network(inputs, training=training))
    return tf.reduce_sum(tape.gradient(logits, images) ** 2) / (2 * BATCH)


def penalised(network):
    """The weights on which the slope depends: of layers linear in pieces it does not depend on what is added."""
    return [v for v in network.trainable_variables if v.name == "kernel" or v.path.endswith("projection/table")]


def second_order_gradients_reach_every_kernel(make):
    network = make()
    inputs = discriminator_inputs(network)
    with tf.GradientTape() as tape:
        penalty = slope_penalty(network, inputs, training=True)
    assert penalty > 0
    assert_all_reached(penalised(network), tape.gradient(penalty, values(penalised(network))))


def second_order_gradients_equal_finite_differences(make):
    network = make()
    inputs = discriminator_inputs(network)
    weights = [v for v in network.trainable_variables if not v.path.endswith("head/bias")]
    # traced once, or each difference of each weight would cost as much as the derivatives
    measure = tf.function(lambda: slope_penalty(network, inputs, training=False), autograph=False)
    with pytest.MonkeyPatch.context() as patch:
        # the slope of rectifiers and maxima jumps, which differences see and derivatives do not; so take smooth ones
        patch.setattr(ops, "leaky_relu", lambda x, negative_slope=0.2: 0.2 * x + 0.8 * ops.softplus(x))
        patch.setattr(ops, "relu", ops.softplus)
        patch.setattr(ops, "max_pool", ops.average_pool)
        with tf.GradientTape() as tape:
            penalty = measure()
        gradients = tape.gradient(penalty, values(weights))
    assert_all_reached(weights, gradients)
    for variable, gradient in zip(weights, gradients, strict=True):
        start, gradient = variable.numpy(), tf.convert_to_tensor(gradient).numpy()
        # along the gradient the difference stands out most from float32 noise
        step = 0.01 * max(np.linalg.norm(start), 0.3) / np.linalg.norm(gradient) * gradient
        variable.assign(start + step)
        above = measure()
        variable.assign(start - step)
        below = measure()
        variable.assign(start)
        np.testing.assert_allclose((above - below) / 2, np.vdot(gradient, step), rtol=0.02, err_msg=variable.path)


# === All ===


def an_output_does_not_depend_on_the_rest_of_its_batch(make):
    network = make()
    inputs = inputs_of(network)
    first = {name: value[:1] for name, value in inputs.items()}
    tolerance = 1e-5 if "latents" in inputs else 1e-4
    for whole, alone in zip(tf.nest.flatten(network(inputs)), tf.nest.flatten(network(first)), strict=True):
        np.testing.assert_allclose(whole[:1], alone, atol=tolerance)


def config_describes_the_network(make):
    network = make(name="some_name")
    config = json.loads(json.dumps(network.get_config()))
    again = type(network).from_config(config)
    assert again.name == "some_name"
    assert [(v.path, v.shape) for v in again.weights] == [(v.path, v.shape) for v in network.weights]
    assert again.get_config() == network.get_config()


def a_saved_network_computes_the_same(make, tmp_path):
    network = make()
    outputs_of(network, training=True)  # so that running statistics differ from their first values
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    assert type(again) is type(network)
    for mine, theirs in zip(tf.nest.flatten(outputs_of(again)), tf.nest.flatten(outputs_of(network)), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def mixed_precision_computes_in_bfloat16_and_answers_in_float32(make):
    network = make(dtype="mixed_bfloat16")
    assert all(variable.dtype == "float32" for variable in network.weights)
    exact = type(network).from_config({**network.get_config(), "dtype": "float32"})
    exact.set_weights(network.get_weights())
    mixed, reference = (tf.nest.flatten(outputs_of(each))[0] for each in (network, exact))
    assert mixed.dtype == tf.float32
    largest = np.abs(reference).max()
    # processors that compute in bfloat16 round more often than those that only store it
    np.testing.assert_allclose(mixed, reference, atol=0.12 * largest)
    assert np.abs(mixed - reference).mean() < 0.04 * largest
    assert np.any(mixed != reference)
    outputs_of(network, training=True)
    # master weights keep more digits than bfloat16 has
    kernels = [v.numpy() for v in network.trainable_variables if v.name == "kernel" and np.any(v.numpy())]
    assert all(np.any(tf.cast(tf.cast(kernel, "bfloat16"), "float32") != kernel) for kernel in kernels)


def shapes_are_known_without_numbers(make):
    network = make()
    inputs = inputs_of(network)
    symbols = {name: keras.KerasTensor((None, *value.shape[1:]), value.dtype.name) for name, value in inputs.items()}
    pairs = zip(tf.nest.flatten(network(symbols)), tf.nest.flatten(network(inputs)), strict=True)
    assert all(tuple(symbol.shape[1:]) == tuple(value.shape[1:]) for symbol, value in pairs)


def no_two_kernels_start_alike(make):
    kernels = [np.ravel(v)[:8] for v in make().trainable_variables if v.name == "kernel" and np.any(v.numpy())]
    spreads = [kernel / kernel.std() for kernel in kernels]
    for index, kernel in enumerate(spreads):
        assert not any(np.allclose(kernel, other) for other in spreads[:index])


def regularisation_is_what_l2_says(make):
    if "l2" not in make().get_config():
        return
    network = make(l2=0.5)
    kernels = [v for v in network.trainable_variables if v.name == "kernel"]
    losses = network.losses
    assert losses and not make(l2=0.0).losses
    every = [0.5 * float(tf.reduce_sum(kernel.value**2)) for kernel in kernels]
    assert all(np.isclose(every, float(loss), rtol=1e-5).any() for loss in losses)


# === Helpers ===


def condition_rows(network, rng, batch):
    columns = [rng.integers(0, count, batch) for count in network.num_ids]
    return tf.constant(np.stack(columns, axis=1) if columns else np.zeros((batch, 0)), tf.int32)


def next_ids(network, ids):
    return (ids + 1) % np.array(network.num_ids, np.int32)


def inputs_of(network):
    if isinstance(network, Generator):
        return generator_inputs(network)
    if isinstance(network, UpscalingGenerator):
        return {"source": tf.random.stateless_uniform((BATCH, 6, 7, network.channels), (1, 2), -1, 1)}
    inputs = discriminator_inputs(network)
    if isinstance(network, TranslatingGenerator):
        shape = (*inputs["images"].shape[:3], network.source_channels)
        inputs["source"] = tf.constant(np.random.default_rng(7).uniform(-1, 1, shape), tf.float32)
        if not isinstance(network, PatchDiscriminator):
            del inputs["images"]
    return inputs


def outputs_of(network, training=False):
    return network(inputs_of(network), training=training)


def values(variables):
    return [variable.value for variable in variables]


def assert_all_reached(variables, gradients):
    for variable, gradient in zip(variables, gradients, strict=True):
        assert gradient is not None, f"no gradient reaches {variable.path}"
        gradient = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(gradient).all() and np.any(gradient != 0), f"{variable.path} has a bad gradient"


COMMON_CHECKS = [
    an_output_does_not_depend_on_the_rest_of_its_batch,
    config_describes_the_network,
    a_saved_network_computes_the_same,
    mixed_precision_computes_in_bfloat16_and_answers_in_float32,
    shapes_are_known_without_numbers,
    no_two_kernels_start_alike,
]
ENCODER_CHECKS = [
    distributions_have_the_right_shape_and_type,
    encoder_gradients_reach_every_weight,
    *COMMON_CHECKS,
]
TRANSLATING_GENERATOR_CHECKS = [
    made_pictures_have_the_right_shape_type_and_range,
    made_pictures_follow_sources_and_conditions,
    output_gradients_reach_every_kernel,
    *COMMON_CHECKS,
]
UPSCALING_GENERATOR_CHECKS = [
    output_gradients_reach_every_kernel,
    *COMMON_CHECKS,
]
PATCH_DISCRIMINATOR_CHECKS = [
    there_is_a_float32_logit_a_patch,
    output_gradients_reach_every_kernel,
    *COMMON_CHECKS,
]
GENERATOR_CHECKS = [
    pictures_have_the_right_shape_type_and_range,
    pictures_follow_latents_and_conditions,
    synthesise_draws_what_call_draws,
    generator_gradients_reach_every_weight,
    regularisation_is_what_l2_says,
    *COMMON_CHECKS,
]
DISCRIMINATOR_CHECKS = [
    there_is_one_float32_logit_a_picture,
    logits_follow_pictures_and_conditions,
    several_conditions_are_judged_as_one_by_one,
    discriminator_gradients_reach_every_weight,
    second_order_gradients_reach_every_kernel,
    second_order_gradients_equal_finite_differences,
    regularisation_is_what_l2_says,
    *COMMON_CHECKS,
]


def _each_of(checks):
    """A fixture: one thing that a network must do, as a function of a function that makes it."""

    @pytest.fixture(params=checks, ids=lambda check: check.__name__)
    def check(request):
        if request.param is not a_saved_network_computes_the_same:
            return request.param
        return lambda make: request.param(make, request.getfixturevalue("tmp_path"))

    return check


generator_check = _each_of(GENERATOR_CHECKS)
discriminator_check = _each_of(DISCRIMINATOR_CHECKS)
encoder_check = _each_of(ENCODER_CHECKS)
translating_generator_check = _each_of(TRANSLATING_GENERATOR_CHECKS)
upscaling_generator_check = _each_of(UPSCALING_GENERATOR_CHECKS)
patch_discriminator_check = _each_of(PATCH_DISCRIMINATOR_CHECKS)
