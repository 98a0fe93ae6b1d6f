import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from tfproductgan.errors import RecipeError
from tfproductgan.layers.augmentation import COLUMNS, Augmentation
from tfproductgan.losses.adversarial import adversarial_loss
from tfproductgan.losses.penalties import Penalty

OPERATIONS = tuple(COLUMNS)
EACH_AND_ALL = [(operation,) for operation in OPERATIONS] + [OPERATIONS]
# XLA takes seconds to compile: both ways of moving pixels will do
COMPILED = [("flip", "translation", "zoom", "cutout", "colour"), OPERATIONS]


def names(operations):
    return "+".join(operations)


def photos(count=4, size=16, channels=3, seed=0):
    """Random colours: every pixel matters."""
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (count, size, size, channels)).astype("float32")


def product_photos(count=64, size=32):
    """A dark coloured object amid white."""
    images = np.ones((count, size, size, 3), "float32")
    images[:, 11:21, 12:20] = [-0.8, -0.2, 0.3]
    return images


def noise_for(layer, count, seed=1):
    return np.random.default_rng(seed).uniform(size=(count, layer.num_random)).astype("float32")


def applied_with(operation, *noise, to):
    """The images with one operation applied to all of them, with that noise for each."""
    return Augmentation([operation])(to, np.array(noise, "float32"), probability=1.0).numpy()


def border_of(images):
    return np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)


@pytest.mark.parametrize("operations", EACH_AND_ALL, ids=names)
def test_at_probability_0_images_come_back_bit_for_bit(operations):
    layer, images = Augmentation(operations), photos()
    augment = tf.function(layer)
    noise = tf.zeros((4, layer.num_random))
    np.testing.assert_array_equal(augment(images, noise, probability=tf.constant(0.0)), images)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("operations", EACH_AND_ALL, ids=names)
def test_keeps_shape_dtype_and_all_but_colour_the_range(operations, channels, dtype):
    layer = Augmentation(operations)
    images = tf.cast(np.sign(photos(64, channels=channels)), dtype)[:, :, 2:-1]
    augmented = layer(images, noise_for(layer, 64), probability=0.8)
    assert augmented.shape == images.shape and augmented.dtype == dtype
    largest = np.abs(tf.cast(augmented, "float64")).max()
    assert largest <= 1.0 + 1e-6 if "colour" not in operations else np.isfinite(largest)


def test_flip_mirrors_left_to_right():
    images = photos()
    flipped = applied_with("flip", [0.1], [0.49], [0.51], [0.9], to=images)
    np.testing.assert_allclose(flipped[:2], images[:2, :, ::-1], atol=1e-6)
    np.testing.assert_array_equal(flipped[2:], images[2:])


def test_translation_moves_whole_pixels_and_fills_with_the_background():
    images = product_photos(2, size=32)
    moved = applied_with("translation", [0.0, 0.999, 0.0], [0.0, 0.5, 0.999], to=images)
    np.testing.assert_allclose(moved[0, 4:, :-4], images[0, :-4, 4:], atol=1e-6)
    np.testing.assert_array_equal(moved[0, :4], np.ones((4, 32, 3)))
    np.testing.assert_allclose(moved[1, :, 4:], images[1, :, :-4], atol=1e-6)


def test_every_shift_is_as_likely():
    images = np.full((9000, 16, 1, 1), 1.0, "float32")
    images[:, 8] = -1.0
    layer = Augmentation(["translation"])
    moved = layer(images, noise_for(layer, 9000), probability=1.0)
    shifts = np.argmin(moved[:, :, 0, 0], axis=1) - 8
    values, counts = np.unique(shifts, return_counts=True)
    np.testing.assert_array_equal(values, [-2, -1, 0, 1, 2])
    assert counts.min() > 1600


@pytest.mark.parametrize("turn", [0.0, 0.3, 0.9])
def test_rotation_equals_scipys(turn):
    image = ndimage.gaussian_filter(photos(1)[0], (1, 1, 0))
    image[[0, -1]] = image[:, [0, -1]] = 0.25
    rotated = applied_with("rotation", [0.0, turn], to=image[None])[0]
    degrees = 15 * (2 * turn - 1)
    expected = ndimage.rotate(image, -degrees, order=1, reshape=False, mode="grid-constant", cval=0.25)
    np.testing.assert_allclose(rotated, expected, atol=1e-5)


@pytest.mark.parametrize("noise", [0.0, 0.4, 0.999])
def test_zoom_equals_scipys(noise):
    image = photos(1)[0, :, 2:]
    image[[0, -1]] = image[:, [0, -1]] = 0.25
    zoomed = applied_with("zoom", [0.0, noise], to=image[None])[0]
    factor = 1.25 ** (2 * noise - 1)
    centre = (np.array(image.shape[:2]) - 1) / 2
    expected = ndimage.affine_transform(
        image,
        np.diag([1 / factor, 1 / factor, 1]),
        [*(centre - centre / factor), 0],
        order=1,
        mode="grid-constant",
        cval=0.25,
    )
    np.testing.assert_allclose(zoomed, expected, atol=1e-5)


def test_the_two_ways_of_sampling_agree():
    images = photos(8, size=16)
    through_pixels = Augmentation(["flip", "translation", "rotation", "zoom"])
    noise = noise_for(through_pixels, 8)
    noise[:, 4:6] = [0.0, 0.5]  # a rotation by no angle
    through_rows = Augmentation(["flip", "translation", "zoom"])
    np.testing.assert_allclose(
        through_pixels(images, noise, probability=1.0),
        through_rows(images, np.delete(noise, [4, 5], axis=1), probability=1.0),
        atol=1e-5,
    )


def test_cutout_fills_half_the_width_and_height_with_the_background():
    images = photos(1, size=16)
    images[0, [0, -1]] = images[0, :, [0, -1]] = 0.25
    cut = applied_with("cutout", [0.0, 0.5, 0.75], to=images)[0]
    expected = images[0].copy()
    expected[4:12, 8:16] = 0.25
    np.testing.assert_allclose(cut, expected, atol=1e-6)


def test_colour_changes_saturation_and_contrast_but_not_hue():
    images = product_photos(64)
    layer = Augmentation(["colour"])
    ink = 1.0 - layer(images, noise_for(layer, 64), probability=1.0)[:, 16, 16].numpy()
    before = 1.0 - images[:, 16, 16]
    contrast = ink.mean(axis=1) / before.mean(axis=1)
    assert 0.8 <= contrast.min() < 0.85 and 1.2 < contrast.max() <= 1.2501
    # the distances of the channels from their mean keep their proportions: the hue
    chroma, chroma_before = (colours - colours.mean(axis=1, keepdims=True) for colours in (ink, before))
    ratio = chroma / chroma_before
    np.testing.assert_allclose(ratio, ratio[:, :1].repeat(3, axis=1), rtol=1e-4)
    saturation = ratio[:, 0] / contrast
    assert 0.8 <= saturation.min() < 0.85 and 1.2 < saturation.max() <= 1.2501


@pytest.mark.parametrize("operations", EACH_AND_ALL, ids=names)
def test_white_stays_white(operations):
    layer, images = Augmentation(operations), product_photos()
    augmented = layer(images, noise_for(layer, 64), probability=1.0).numpy()
    np.testing.assert_array_equal(border_of(augmented), 1.0)
    blank = np.ones((64, 16, 16, 3), "float32")
    np.testing.assert_array_equal(layer(blank, noise_for(layer, 64), probability=1.0), blank)


def test_an_object_that_touches_the_border_does_not_colour_the_fill():
    images = product_photos(64)
    images[:, 20:, 12:20] = -0.5
    layer = Augmentation(["translation", "zoom", "rotation"])
    augmented = layer(images, noise_for(layer, 64), probability=1.0).numpy()
    for side in (augmented[:, 0], augmented[:, :, 0], augmented[:, :, -1]):
        np.testing.assert_array_equal(side, 1.0)


def test_each_operation_comes_with_the_probability_by_itself():
    images = photos(4000, size=8)
    applied = {}
    noise = np.random.default_rng(2).uniform(size=(4000, sum(COLUMNS.values())))
    start = 0
    for operation, columns in COLUMNS.items():
        augmented = Augmentation([operation])(images, noise[:, start : start + columns], probability=0.6)
        applied[operation] = (np.abs(augmented - images) > 1e-5).any(axis=(1, 2, 3))
        start += columns
    # one of the nine shifts of so small an image is no shift
    expected = dict.fromkeys(COLUMNS, 0.6) | {"flip": 0.3, "translation": 0.6 * 8 / 9}
    for operation, share in expected.items():
        assert applied[operation].mean() == pytest.approx(share, abs=0.03)
    both = applied["rotation"] & applied["cutout"]
    assert both.mean() == pytest.approx(0.36, abs=0.03)


@pytest.mark.parametrize("operations", EACH_AND_ALL, ids=names)
def test_a_row_depends_on_its_own_image_and_noise_only(operations):
    layer, images = Augmentation(operations), photos(6)
    noise = noise_for(layer, 6)
    together = layer(images, noise, probability=0.8)
    others = layer(photos(6, seed=5), noise_for(layer, 6, seed=6), probability=0.8).numpy()
    changed = [images.copy(), noise.copy()]
    changed[0][[0, 2, 3, 5]], changed[1][[0, 2, 3, 5]] = others[[0, 2, 3, 5]], 0.01
    np.testing.assert_allclose(layer(*changed, probability=0.8)[1:5:3], together[1:5:3], atol=1e-6)
    np.testing.assert_allclose(layer(images[4:5], noise[4:5], probability=0.8)[0], together[4], atol=1e-6)


def r1_through(layer, noise, kernel, images):
    """A smooth discriminator behind the augmentation; its logits' slope squared, as R1 has it."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        augmented = layer(images, noise, probability=tf.constant(0.8, tf.float64))
        hidden = tf.tanh(tf.nn.conv2d(augmented, kernel, strides=1, padding="SAME"))
        logits = tf.reduce_sum(hidden * tf.range(1.0, 9.0, dtype=tf.float64)[:, None, None])
    slope = tape.gradient(logits, images)
    return logits, slope, tf.reduce_sum(slope**2)


@pytest.mark.parametrize(
    ("mode", "operations"),
    [("eager", o) for o in EACH_AND_ALL] + [("graph", o) for o in EACH_AND_ALL] + [("xla", o) for o in COMPILED],
    ids=lambda value: value if isinstance(value, str) else names(value),
)
def test_first_and_second_derivatives_equal_finite_differences(mode, operations):
    rng = np.random.default_rng(3)
    layer = Augmentation(operations, dtype="float64")
    noise = tf.constant(rng.uniform(size=(3, layer.num_random)) * 0.79)  # all operations are applied
    images = tf.constant(photos(3, size=8), tf.float64)
    kernel = tf.Variable(rng.normal(size=(3, 3, 3, 2)) * 0.4)

    def measure(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits, slope, penalty = r1_through(layer, noise, kernel, images)
        return logits, slope, penalty, *tape.gradient(penalty, [kernel, images])

    if mode != "eager":
        measure = tf.function(measure, jit_compile=mode == "xla")
    _, slope, _, to_kernel, to_images = measure(images)
    # the background counts as a constant, so that the border is left alone
    towards = np.zeros(images.shape)
    towards[:, 1:-1, 1:-1] = rng.normal(size=(3, 6, 6, 3))
    above, below = measure(images + 1e-5 * towards), measure(images - 1e-5 * towards)
    for order, gradient in ((0, slope), (2, to_images)):
        expected = (above[order] - below[order]) / 2e-5
        np.testing.assert_allclose(tf.reduce_sum(gradient * towards), expected, rtol=1e-5)
    assert np.abs(to_kernel).min() > 0
    start, towards = kernel.numpy(), rng.normal(size=kernel.shape)
    penalties = []
    for step in (1e-5, -1e-5):
        kernel.assign(start + step * towards)
        penalties.append(measure(images)[2])
    expected = (penalties[0] - penalties[1]) / 2e-5
    np.testing.assert_allclose(tf.reduce_sum(to_kernel * towards), expected, rtol=1e-5)


def test_mixed_precision_leaves_positions_alone():
    images = photos(16)
    precise, mixed = Augmentation(OPERATIONS), Augmentation(OPERATIONS, dtype="mixed_bfloat16")
    noise = noise_for(precise, 16)
    augmented = [layer(images, tf.constant(noise), probability=0.8) for layer in (precise, mixed)]
    np.testing.assert_array_equal(*augmented)


def test_works_in_a_functional_model_and_survives_its_config():
    layer = Augmentation(["cutout", "flip"], name="augmentation")
    images, noise = keras.Input((16, 16, 3)), keras.Input((layer.num_random,))
    model = keras.Model([images, noise], layer(images, noise, probability=0.5))
    assert model.output_shape == (None, 16, 16, 3)
    copy = keras.Model.from_config(model.get_config())
    batch = [photos(), noise_for(layer, 4)]
    np.testing.assert_array_equal(copy(batch), model(batch))
    assert copy.get_layer("augmentation").operations == ("flip", "cutout")


def test_no_operations_are_no_change():
    images = photos()
    np.testing.assert_array_equal(Augmentation([])(images, np.zeros((4, 0)), probability=1.0), images)


def test_mistakes_name_what_would_be_right():
    with pytest.raises(RecipeError, match="Unknown augmentation 'translate': did you mean 'translation'"):
        Augmentation(["translate"])
    with pytest.raises(RecipeError, match="twice"):
        Augmentation(["flip", "flip"])
    with pytest.raises(RecipeError, match=r"needs 7 columns. Received shape: \(4, 3\)"):
        Augmentation()(photos(), np.zeros((4, 3)), probability=0.5)


# --- Does it leak? A small GAN learns a single photo, starting from a generator that draws its mirror image ---

PHOTO = np.full((8, 8), 0.95, "float32")
PHOTO[2:6, 2] = PHOTO[5, 2:5] = -0.8


def shares_of_changed(images):
    """Which share of the images shows the photo mirrored or moved, with an off-white border, with a hole."""
    images = np.asarray(images)[..., 0]
    plain_or_changed = np.stack(
        [
            np.roll(photo, (down, right), axis=(0, 1))
            for photo in (PHOTO, PHOTO[:, ::-1])
            for down in (0, -1, 1)
            for right in (0, -1, 1)
        ]
    )
    distances = np.square(images[:, None] - plain_or_changed).mean(axis=(2, 3))
    return {
        "mirrored or moved": np.mean(distances.argmin(axis=1) != 0),
        "off-white border": np.mean(border_of(images).min(axis=1) < 0.5),
        "hole": np.mean((images[:, PHOTO < 0] > 0).sum(axis=1) >= 3),
    }


def pictures_after_training(layer, probability, steps=1000, batch=32):
    keras.utils.set_random_seed(0)
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(64, "relu"),
            keras.layers.Dense(64, "relu"),
            keras.layers.Dense(64, "tanh"),
            keras.layers.Reshape((8, 8, 1)),
        ]
    )
    output = generator.layers[2]
    output.kernel.assign(0.3 * output.kernel)
    output.bias.assign(np.arctanh(PHOTO[:, ::-1]).ravel())
    hidden = [keras.layers.Dense(128, keras.layers.LeakyReLU(0.2)) for _ in range(2)]
    inputs = [keras.Input((8, 8, 1)), keras.layers.Flatten()]
    discriminator = keras.Sequential([*inputs, *hidden, keras.layers.Dense(1)])
    loss, penalty = adversarial_loss("relativistic"), Penalty("r1", 0.05)
    rate = keras.optimizers.schedules.CosineDecay(5e-3, steps)
    optimisers = [keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.9) for _ in range(2)]
    for optimiser, network in zip(optimisers, (discriminator, generator), strict=True):
        optimiser.build(network.trainable_variables)
    random = tf.random.Generator.from_seed(0)
    real = tf.tile(PHOTO[None, ..., None], (batch, 1, 1, 1))

    def judge(images):
        noise = random.uniform((batch, layer.num_random))
        return discriminator(layer(images, noise, probability=probability))

    def judge_and_penalise(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            logits = judge(images)
        return logits, penalty.weight * penalty.value(tape.gradient(logits, images))

    @tf.function
    def step():
        fake = generator(random.normal((batch, 4)))
        with tf.GradientTape() as tape:
            (real_logits, r1), (fake_logits, r2) = judge_and_penalise(real), judge_and_penalise(fake)
            cost = loss.discriminator(real_logits, fake_logits) + r1 + r2
        optimisers[0].apply(tape.gradient(cost, discriminator.trainable_variables))
        with tf.GradientTape() as tape:
            cost = loss.generator(judge(real), judge(generator(random.normal((batch, 4)))))
        optimisers[1].apply(tape.gradient(cost, generator.trainable_variables))

    for _ in range(steps):
        step()
    return generator(np.random.default_rng(0).normal(size=(256, 4)).astype("float32"))


@pytest.mark.parametrize(
    "operations", [("flip", "translation", "cutout"), pytest.param(OPERATIONS, marks=pytest.mark.slow)], ids=names
)
def test_does_not_leak_into_the_samples(operations):
    layer = Augmentation(operations)
    shown = layer(np.tile(PHOTO[None, ..., None], (256, 1, 1, 1)), noise_for(layer, 256), probability=0.8)
    assert shares_of_changed(shown)["mirrored or moved"] > 0.5
    assert shares_of_changed(shown)["hole"] > 0.2
    shares = shares_of_changed(pictures_after_training(layer, probability=0.8))
    assert max(shares.values()) < 0.15, shares


def test_leaks_where_a_photo_is_never_shown_as_it_is():
    """The control: at probability 1 a mirror image is as frequent as the photo, and nothing tells them apart."""
    samples = pictures_after_training(Augmentation(["flip", "translation", "cutout"]), probability=1.0)
    assert shares_of_changed(samples)["mirrored or moved"] > 0.85
