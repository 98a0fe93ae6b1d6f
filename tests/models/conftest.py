import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.models import randomness
from tfproductgan.models.conditional_gan import ConditionalGAN
from tfproductgan.models.pictures import to_float

SHADE = Attribute("shade", ("Dark", "Light"))
SIDE = Attribute("side", ("Left", "Right", "Top"))


def small_schema(attributes=(SHADE, SIDE), image_size=6, channels=1):
    schema = ConditionSchema(attributes, image_size, channels)
    if len(attributes) == 2:
        schema = schema.with_combinations([(1, 1)] * 6 + [(1, 2)] * 3 + [(2, 3)])
    return schema


def small_gan(family="mlp", schema=None, generator=None, discriminator=None, **overrides):
    """A GAN with as little to trace as can be, from the modern recipe."""
    width = {"widths": (8,)} if family == "mlp" else {"width": 4, "max_width": 8}
    return ConditionalGAN.from_recipe(
        "dcgan",
        schema or small_schema(image_size=6 if family == "mlp" else 28),
        family=family,
        generator={"latent_dim": 6, "embedding_dim": 4, **width, **(generator or {})},
        discriminator={**width, **(discriminator or {})},
        **{"precision": "float32", "matching": 0.0, **overrides},
    )


def random_batches(schema, batch=8, count=3, seed=0):
    """A list of batches of noise with conditions."""
    rng = np.random.default_rng(seed)
    shape = (batch, schema.image_size, schema.image_size, schema.channels)
    return [
        {
            "images": rng.integers(0, 256, shape).astype("uint8"),
            "conditions": rng.integers(0, 3, (batch, len(schema.attributes))).astype("int32"),
        }
        for _ in range(count)
    ]


def as_stream(batches, repeat=True):
    stacked = {name: np.stack([batch[name] for batch in batches]) for name in batches[0]}
    stream = tf.data.Dataset.from_tensor_slices(stacked)
    return stream.repeat() if repeat else stream


def plain_step(gan, batch, learning_rate=0.1):
    """What one step of SGD with relativistic loss, R1 and R2 has to make of the weights, worked out with plain tapes.

    Returns the weights of generator and discriminator after the step. Counts on no label dropout, no augmentation,
    one discriminator step.
    """
    generator, discriminator = (keras.models.clone_model(network) for network in (gan.generator, gan.discriminator))
    generator.set_weights(gan.generator.get_weights())
    discriminator.set_weights(gan.discriminator.get_weights())
    weights = gan.recipe.objective.penalties
    real, conditions = to_float(batch["images"]), tf.constant(batch["conditions"])
    key = randomness.key(gan.recipe.seed, tf.constant(gan.step), randomness.Purpose.LATENTS)
    latents = tf.random.stateless_normal((len(real), gan.latent_dim), key)
    with tf.GradientTape() as generator_tape:
        fake = generator({"latents": latents, "conditions": conditions}, training=True)
        with tf.GradientTape() as tape:
            slopes = []
            for images in (real, fake):
                with tf.GradientTape() as slope_tape:
                    slope_tape.watch(images)
                    total = tf.reduce_sum(discriminator({"images": images, "conditions": conditions}, training=True))
                slopes.append(slope_tape.gradient(total, images))
            r1, r2 = (tf.reduce_mean(tf.reduce_sum(slope**2, axis=(1, 2, 3))) / 2 for slope in slopes)
            real_logits, fake_logits = (
                discriminator({"images": images, "conditions": conditions}, training=True) for images in (real, fake)
            )
            loss = -tf.reduce_mean(tf.math.log_sigmoid(real_logits - fake_logits))
            loss += weights["r1"] * r1 + weights["r2"] * r2 + sum(discriminator.losses)
        descend(discriminator, tape.gradient(loss, discriminator.trainable_variables), learning_rate)
        real_logits, fake_logits = (
            discriminator({"images": images, "conditions": conditions}, training=True) for images in (real, fake)
        )
        loss = -tf.reduce_mean(tf.math.log_sigmoid(fake_logits - real_logits)) + sum(generator.losses)
    descend(generator, generator_tape.gradient(loss, generator.trainable_variables), learning_rate)
    return generator.get_weights(), discriminator.get_weights()


def descend(network, gradients, learning_rate):
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
        variable.assign_sub(learning_rate * tf.convert_to_tensor(gradient))


def _given(function):
    """A fixture that is the function itself, by its name."""
    return pytest.fixture(lambda: function, name=function.__name__, scope="session")


small_gan_fixture = _given(small_gan)
small_schema_fixture = _given(small_schema)
random_batches_fixture = _given(random_batches)
as_stream_fixture = _given(as_stream)
plain_step_fixture = _given(plain_step)


@pytest.fixture(scope="session")
def after_two_steps():
    """A GAN that has learnt a batch for two steps with matching, and what its weights were before, by path."""

    def learnt(schema, batch):
        gan = small_gan(schema=schema, matching=0.2, penalty_interval=1)
        gan.compile()
        before = {v.path: v.numpy() for network in gan.networks().values() for v in network.trainable_variables}
        gan.fit(as_stream([batch]), steps_per_epoch=2, epochs=1, verbose=0)
        return gan, before

    return learnt


@pytest.fixture(scope="session")
def styled_model(shake):
    """A small generator whose layers have styles, not trained."""
    options = {"width": 8, "max_width": 8, "mapping_layers": 1}
    gan = ConditionalGAN.from_recipe(
        "dcgan",
        small_schema(image_size=28),
        family="stylegan2",
        generator={**options, "z_dim": 8, "w_dim": 8, "embedding_dim": 4},
        discriminator=options,
        precision="float32",
    )
    shake(gan)
    return gan.trained()
