import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console
from scipy import ndimage

import tfproductgan as tpg
from tfproductgan.errors import AlarmError, RecipeError
from tfproductgan.recipes import get_recipe
from tfproductgan.registry import KINDS
from tfproductgan.training.alarms import CollapseAlarm, DivergenceAlarm, OnAlarm, OverfittingAlarm, TextureAlarm
from tfproductgan.training.alarms.kinds import alarms_of
from tfproductgan.training.alarms.texture import periodicity
from tfproductgan.training.trainer import train

SIZE = 16
RECIPE = get_recipe(
    "dcgan",
    family="mlp",
    generator={"widths": [16], "latent_dim": 8, "embedding_dim": 8},
    discriminator={"widths": [32]},
    batch_size=16,
    images=192,
    precision="float32",
    penalties={"r1": 1.0, "r2": 1.0},
    penalty_interval=1,
)


def squares(count, seed=0):
    """Coloured squares somewhere on white: two categories, each of many looks."""
    rng = np.random.default_rng(seed)
    images = np.full((count, SIZE, SIZE, 3), 255, np.uint8)
    for image in images:
        y, x = rng.integers(0, SIZE // 2, 2)
        image[y : y + SIZE // 2, x : x + SIZE // 2] = rng.integers(0, 200, 3)
    return images


@pytest.fixture(scope="module")
def catalogue():
    labels = {"category": ["Mug", "Ring"] * 160}
    return tpg.Catalogue.from_arrays(squares(320), labels, image_size=SIZE, splits={"validation": 0.3})


@pytest.fixture
def gan(catalogue):
    gan = tpg.ConditionalGAN.from_recipe(RECIPE, catalogue.schema)
    gan.compile(run_eagerly=True)
    return gan


@pytest.fixture
def said():
    """A console and what was printed on it."""
    console = Console(record=True, width=400, quiet=False, file=open("/dev/null", "w"))  # noqa: SIM115
    yield console
    console.file.close()


def attach(alarm, gan):
    alarm.set_model(gan)
    alarm.set_params({})
    alarm.on_train_begin()
    return alarm


def all_photos(catalogue, split="train"):
    return [{"images": catalogue.images(split), "conditions": catalogue.conditions(split)}]


class Breaks(keras.callbacks.Callback):
    """Puts a NaN into a weight of the discriminator when so many images have been seen, the first time."""

    def __init__(self, at, times=1):
        super().__init__()
        self.at = at
        self.times = times

    def on_train_batch_begin(self, batch, logs=None):
        if self.times and self.model.images_seen >= self.at:
            self.times -= 1
            weight = self.model.discriminator.trainable_variables[0]
            weight.assign(np.full(weight.shape, math.nan))


# === What the alarms find ===


def test_nan_in_a_weight_is_found_in_the_same_step(gan, catalogue, said):
    alarm = DivergenceAlarm(OnAlarm("stop", console=said))
    with pytest.raises(AlarmError, match=r"divergence at 64 images: .*d_loss.* is not a finite number") as raised:
        gan.fit(catalogue.stream(batch_size=16), steps_per_epoch=8, verbose=0, callbacks=[Breaks(at=48), alarm])
    assert gan.step == 4
    assert "Halve both learning rates" in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("part", ["generator", "ema_generator", "generator_optimizer"])
def test_nan_that_no_loss_shows_is_found_at_the_end_of_the_epoch(gan, part):
    variable = next(v for v in getattr(gan, part).variables if len(v.shape))
    variable.assign(np.full(variable.shape, np.inf))
    finding = attach(DivergenceAlarm(), gan).measure({"d_loss": 0.7})
    assert variable.path in finding.what


@pytest.mark.parametrize(
    ("logs", "what"),
    [
        ({"logit_gap": 0.8, "r1": 0.1, "r2": 0.1}, None),
        ({"logit_gap": 8.0, "r1": 20.0, "r2": 20.0}, None),
        ({"logit_gap": -60.0}, "logits explode"),
        ({"r1": 5e3}, "penalty r1 explodes"),
        ({"r2": 1e-12}, "penalty r2 has vanished"),
        ({"r1": 0.0}, "penalty r1 has vanished"),
        ({"val_g_loss": math.inf}, "val_g_loss is not a finite number"),
    ],
)
def test_divergence_is_read_from_the_logs(gan, logs, what):
    alarm = attach(DivergenceAlarm(), gan)
    alarm.on_epoch_begin(0)
    assert alarm.measure({**logs, "r1": 0.0}) is None or what, "nothing was due yet"
    alarm.on_train_batch_end(0, {})
    finding = alarm.measure(logs)
    assert (finding is None) if what is None else (what in finding.what and finding.advice)


def test_a_wasserstein_gap_may_be_as_wide_as_pictures_are_apart(gan):
    gan.compile(loss="wasserstein", penalties=[tpg.Penalty("wgan-gp", 10.0)])
    alarm = attach(DivergenceAlarm(), gan)
    assert alarm.measure({"logit_gap": 55.0}) is None  # 2 * sqrt(16 * 16 * 3) is 55.4
    assert "explode" in alarm.measure({"logit_gap": 56.0}).what
    alarm.on_train_batch_end(0, {})
    assert "vanished" in alarm.measure({"logit_gap": 0.001, "wgan-gp": 1.0}).what
    assert alarm.measure({"logit_gap": 1.0, "wgan-gp": 1.0}) is None


def test_a_discriminator_that_is_flat_lets_the_penalty_vanish(gan, catalogue, said):
    for weight in gan.discriminator.trainable_variables:
        weight.assign(tf.zeros(weight.shape))
    gan.compile(discriminator_optimizer=keras.optimizers.SGD(0.0), run_eagerly=True)
    alarm = DivergenceAlarm(OnAlarm(console=said))
    gan.fit(catalogue.stream(batch_size=16), steps_per_epoch=1, verbose=0, callbacks=[alarm])
    assert "the penalty r1 has vanished" in said.export_text()


def ignore_latents(gan, monkeypatch):
    call = gan.generator.call

    def deaf(inputs, training=False):
        return call({**inputs, "latents": tf.zeros_like(inputs["latents"])}, training=training)

    monkeypatch.setattr(gan.generator, "call", deaf)


def test_a_generator_that_ignores_its_latents_has_collapsed(gan, catalogue, monkeypatch):
    ignore_latents(gan, monkeypatch)
    alarm = attach(CollapseAlarm(all_photos(catalogue), after_images=0), gan)
    logs = {}
    finding = alarm.measure(logs)
    assert "nearly the same picture whatever the seed" in finding.what
    assert logs["diversity"] < 0.01
    early = attach(CollapseAlarm(all_photos(catalogue)), gan)
    assert early.measure({}) is None, "it has not learnt anything yet"


def drawing(network, monkeypatch, picture_of):
    """Lets a generator draw photos: `picture_of` maps the row of a latent and its conditions to one."""

    def call(inputs, training=False):
        rows = np.asarray(inputs["conditions"])
        return tf.constant(np.stack([picture_of(i, row) for i, row in enumerate(rows)]) / 127.5 - 1, tf.float32)

    monkeypatch.setattr(network, "call", call)


@pytest.mark.parametrize(("looks", "goes_off"), [(1, True), (2, False), (64, False)])
def test_two_looks_are_no_collapse(gan, catalogue, monkeypatch, looks, goes_off):
    photos = squares(looks, seed=1)
    drawing(gan.generator, monkeypatch, lambda i, row: photos[i % looks])
    logs = {}
    finding = attach(CollapseAlarm(all_photos(catalogue), after_images=0), gan).measure(logs)
    assert (finding is not None) == goes_off
    assert logs["diversity"] == pytest.approx(1 - 1 / looks, abs=0.25)


def test_one_condition_that_collapsed_is_named(gan, catalogue, monkeypatch):
    photos = squares(32, seed=1)
    drawing(gan.generator, monkeypatch, lambda i, row: photos[i] if row[0] == 1 else photos[0])
    finding = attach(CollapseAlarm(all_photos(catalogue), after_images=0), gan).measure({})
    assert finding.what.startswith("of Ring the generator draws nearly one picture only")


def test_conditions_whose_variety_is_not_known_are_skipped(gan, catalogue):
    images = np.concatenate([squares(20), np.repeat(squares(1, seed=3), 20, axis=0)])
    conditions = np.array([[1]] * 13 + [[0]] * 7 + [[2]] * 20, np.int32)
    alarm = CollapseAlarm([{"images": images, "conditions": conditions}])
    assert set(alarm.diversity_of_photos) == {(1,)}  # of (0,) there are too few, of (2,) all are alike
    none = CollapseAlarm([{"images": images[:7], "conditions": conditions[:7]}])
    with pytest.raises(RecipeError, match="no condition with 8 different photos or more"):
        attach(none, gan)


def test_a_discriminator_that_memorises_few_photos_is_found(catalogue, said):
    gan = tpg.ConditionalGAN.from_recipe(RECIPE, catalogue.schema, penalties={})
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.Adam(0.003))
    # of noise, real and generated, nothing can be learnt but each photo itself
    gan.generator.call = lambda inputs, training=False: tf.random.uniform(
        (inputs["conditions"].shape[0], SIZE, SIZE, 3), -1.0, 1.0
    )
    photos, rng = all_photos(catalogue)[0], np.random.default_rng(0)
    few, others = ({**photos, "images": rng.integers(0, 256, photos["images"].shape, np.uint8)} for _ in range(2))
    alarm = attach(OverfittingAlarm([few], [others], OnAlarm(console=said)), gan)
    logs = {}
    assert alarm.measure(logs) is None and logs["overfitting"] < OverfittingAlarm.THRESHOLD
    stream = tf.data.Dataset.from_tensor_slices(few).repeat().batch(32, drop_remainder=True)
    history = gan.fit(stream, steps_per_epoch=60, verbose=0, callbacks=[alarm]).history
    assert history["overfitting"][0] > OverfittingAlarm.THRESHOLD
    text = said.export_text()
    assert "knows its photos by heart" in text and "augmentation_target=0.9)" in text


def test_a_discriminator_that_cannot_tell_knows_nothing_by_heart(gan, catalogue):
    for weight in gan.discriminator.trainable_variables:
        weight.assign(tf.zeros(weight.shape))
    logs = {}
    alarm = attach(OverfittingAlarm(all_photos(catalogue), all_photos(catalogue, "validation")), gan)
    assert alarm.measure(logs) is None and logs["overfitting"] == 0.0


def clouds(count, size, seed=0):
    """Photos without edges or patterns: noise that is smooth as photos are, 1/f in amplitude."""
    frequencies = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)) + 1 / size
    noise = np.fft.rfft2(np.random.default_rng(seed).normal(size=(count, 3, size, size))) / frequencies
    rows = np.fft.irfft2(noise, s=(size, size)).transpose(0, 2, 3, 1)
    return np.clip(128 + 40 * rows / rows.std(), 0, 255).astype(np.uint8)


def mosaic(images, period):
    count, size = images.shape[:2]
    cells = images.reshape(count, size // period, period, size // period, period, -1).mean(axis=(2, 4))
    return cells.repeat(period, axis=1).repeat(period, axis=2).astype(np.uint8)


def checkerboard(images, height):
    size = images.shape[1]
    signs = (-1.0) ** np.add.outer(np.arange(size), np.arange(size))[..., None]
    return np.clip(images + height * signs, 0, 255).astype(np.uint8)


def test_blocks_are_measured_from_nothing_to_all():
    photos = clouds(64, 64)
    assert np.abs(periodicity(photos)[1]).max() < 0.05
    for index, period in enumerate((2, 4, 8)):
        _, blocks = periodicity(mosaic(photos, period))
        assert blocks[:, : index + 1] == pytest.approx(1.0, abs=0.01)
        assert blocks[:, index + 1 :].max(initial=0) < 0.1
    # where blocks meet differences are twice as large
    steps = np.tile([1, 1, 1, 2] * 8, 8)[:63]
    rows = np.cumsum([0, *(steps * (-1) ** np.arange(63))]).astype(np.uint8) + 100
    _, blocks = periodicity(np.broadcast_to(rows[None, None, :, None], (1, 64, 64, 1)))
    assert blocks[1, 1] == pytest.approx(1 / 5, abs=0.01)  # (2 - 1) / (2 + 3 * 1)


def test_waves_are_measured_as_power_over_power():
    noise = np.clip(128 + np.random.default_rng(0).normal(0, 10, (256, 64, 64, 1)), 0, 255).astype(np.uint8)
    window = np.hanning(65)[1:-1]
    power = (window**2).sum() * 10**2 * (2 - 2 * np.cos(2 * np.pi * np.array([1 / 2, 7 / 16])))
    for height in (0, 4):
        wave = (2 * height * window.sum()) ** 2
        waves, _ = periodicity(checkerboard(noise, height))
        assert waves[:, 0] == pytest.approx(np.log((power[0] + wave) / power[1]), abs=0.05)
        assert waves[:, 1:] == pytest.approx(periodicity(noise)[0][:, 1:], abs=0.05)


def looked_at(gan, monkeypatch, photos, samples):
    """What the alarm finds and logs about samples."""
    drawing(gan.ema_generator, monkeypatch, lambda i, row: samples[i])
    batch = {"images": photos, "conditions": np.ones((len(photos), 1), np.int32)}
    logs = {}
    return attach(TextureAlarm([batch], after_images=0), gan).measure(logs), logs


@pytest.fixture(scope="module", params=[28, 64])
def larger_gan(request):
    schema = tpg.ConditionSchema([tpg.Attribute("category", ("Mug", "Ring"))], request.param, 3)
    gan = tpg.ConditionalGAN.from_recipe(RECIPE, schema)
    gan.compile()
    return gan


FAULTS = {
    "mosaic of 2": (lambda x: mosaic(x, 2), "blocks of 2 x 2 pixels"),
    "mosaic of 4": (lambda x: mosaic(x, 4), "blocks of 4 x 4 pixels"),
    "checkerboard": (lambda x: checkerboard(x, 8), "a pattern that repeats every 2 pixels"),
    "others": (lambda x: x, None),
    "blur": (lambda x: ndimage.gaussian_filter(x, (0, 1, 1, 0)), None),
    "noise": (lambda x: np.clip(x + np.random.default_rng(0).normal(0, 10, x.shape), 0, 255).astype(np.uint8), None),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_patterns_that_photos_do_not_have_are_found(larger_gan, monkeypatch, fault):
    size = larger_gan.schema.image_size
    spoil, what = FAULTS[fault]
    finding, logs = looked_at(larger_gan, monkeypatch, clouds(16, size), spoil(clouds(16, size, seed=1)))
    if what is None:
        assert finding is None
        assert logs["waves"] < 2 and logs["blocks"] < 0.1
    else:
        assert finding.what.startswith("samples ") and what in finding.what
        assert "begin anew and make the generator wider" in finding.advice
    # of what photos show themselves there is nothing to say
    assert looked_at(larger_gan, monkeypatch, spoil(clouds(16, size)), spoil(clouds(16, size, seed=1)))[0] is None


def test_patterns_of_what_is_made_of_pictures_are_found(monkeypatch):
    schema = tpg.ConditionSchema([], 28, 3, source_channels=3)
    small = {"width": 8, "max_width": 8}
    recipe = get_recipe("pix2pix", generator=small, discriminator=small, precision="float32")
    model = KINDS["translation"].find("model").from_recipe(recipe, schema)
    photos = clouds(16, 28)
    batch = {"images": photos, "source": 255 - photos, "conditions": np.zeros((16, 0), np.int32)}
    alarm = attach(TextureAlarm([batch], after_images=0), model)

    def finding(period):
        def call(inputs, training=False):
            negative = np.round(127.5 - 127.5 * np.asarray(inputs["source"])).astype(np.uint8)
            return tf.constant(mosaic(negative, period) / 127.5 - 1, tf.float32)

        monkeypatch.setattr(model.ema_generator, "call", call)
        return alarm.measure({})

    assert finding(1) is None
    assert "blocks of 4 x 4 pixels" in finding(4).what


def test_a_new_generator_may_have_patterns(gan, catalogue):
    alarm = attach(TextureAlarm(all_photos(catalogue)), gan)
    logs = {}
    assert alarm.measure(logs) is None
    assert logs["waves"] > 0 and "blocks" in logs


def test_pictures_that_still_grow_may_be_made_of_blocks(gan, monkeypatch):
    monkeypatch.setattr(type(gan), "is_growing", True)
    assert attach(TextureAlarm([], after_images=0), gan).measure({}) is None


# === What happens then ===


def test_a_warning_is_said_once_and_the_training_goes_on(gan, catalogue, said, tmp_path):
    alarm = DivergenceAlarm(OnAlarm("warn", console=said, log=tmp_path / "alarms.jsonl"))
    gan.fit(catalogue.stream(batch_size=16), steps_per_epoch=2, epochs=3, verbose=0, callbacks=[Breaks(at=32), alarm])
    assert gan.step == 6
    assert said.export_text().count("Alarm") == 1
    [line] = (tmp_path / "alarms.jsonl").read_text().splitlines()
    fact = json.loads(line)
    assert (fact["images_seen"], fact["alarm"], fact["action"]) == (48, "divergence", "warn")
    assert "Halve both learning rates" in fact["message"]


def test_a_rollback_goes_on_from_the_checkpoint_with_half_the_rates(gan, catalogue, said, tmp_path):
    path = tmp_path / "good.keras"
    callbacks = [
        Breaks(at=48),
        DivergenceAlarm(OnAlarm("rollback", checkpoints=path, console=said)),
        keras.callbacks.ModelCheckpoint(path),
    ]
    history = gan.fit(catalogue.stream(batch_size=16), steps_per_epoch=2, epochs=4, verbose=0, callbacks=callbacks)
    assert gan.step == 8 and gan.learning_rate_factor == 0.5
    assert all(np.isfinite(weight).all() for weight in gan.get_weights())
    assert np.isfinite(history.history["d_loss"][2:]).all()
    text = said.export_text()
    assert "Went back to good.keras" in text and "now 0.5 of the recipe's (rollback 1 of 3)" in text


def test_what_breaks_again_and_again_stops(gan, catalogue, said, tmp_path):
    path = tmp_path / "good.keras"
    gan.save(path)
    alarm = DivergenceAlarm(OnAlarm("rollback", checkpoints=path, console=said, max_rollbacks=2))
    with pytest.raises(AlarmError, match="It went back 2 times already"):
        gan.fit(
            catalogue.stream(batch_size=16), steps_per_epoch=8, verbose=0, callbacks=[Breaks(at=16, times=9), alarm]
        )
    assert gan.step == 4 and gan.learning_rate_factor == 0.25


def test_checkpoints_that_are_broken_are_passed_over(gan, said, tmp_path):
    paths = [tmp_path / f"{name}.keras" for name in ("sound", "broken", "damaged")]
    gan.save(paths[0])
    weight = gan.generator.trainable_variables[0]
    weight.assign(np.full(weight.shape, math.nan))
    gan.save(paths[1])
    paths[2].write_bytes(b"half of")
    alarm = attach(DivergenceAlarm(OnAlarm("rollback", checkpoints=lambda: paths, console=said)), gan)
    alarm.on_epoch_end(0, {})
    assert "Went back to sound.keras" in said.export_text()
    assert np.isfinite(weight.numpy()).all() and gan.learning_rate_factor == 0.5
    weight.assign(np.full(weight.shape, math.nan))
    nothing = attach(DivergenceAlarm(OnAlarm("rollback", checkpoints=list, console=said)), gan)
    with pytest.raises(AlarmError, match="There is no sound checkpoint to go back to"):
        nothing.on_epoch_end(0, {})


@pytest.mark.parametrize(
    ("options", "message"),
    [({"action": "panic"}, "Unknown action on an alarm 'panic'"), ({"action": "rollback"}, "needs checkpoints")],
)
def test_what_cannot_be_done_is_said_at_once(options, message):
    with pytest.raises(RecipeError, match=message):
        OnAlarm(**options)


# === In the trainer ===


def logged(path):
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def test_a_healthy_run_raises_none_and_its_numbers_are_on_the_curves(catalogue, tmp_path):
    train(catalogue, RECIPE, tmp_path / "run", every=96)
    assert not (tmp_path / "run" / "alarms.jsonl").exists()
    for line in logged(tmp_path / "run"):
        assert 0 < line["diversity_lowest"] <= line["diversity"]
        assert line["overfitting"] < OverfittingAlarm.THRESHOLD


@pytest.mark.slow
def test_a_run_that_breaks_goes_back_and_resumes_to_the_last_bit(catalogue, left_by_a_kill, tmp_path):
    run, killed = tmp_path / "run", tmp_path / "killed"
    # in the interval after the one that was trained again
    kill = left_by_a_kill(run, 11, killed)
    whole = train(catalogue, RECIPE, run, every=32, callbacks=[Breaks(at=96), kill])
    assert whole.images_seen == 192 and whole.learning_rate_factor == 0.5
    [alarm] = [json.loads(line) for line in (run / "alarms.jsonl").read_text().splitlines()]
    assert (alarm["alarm"], alarm["action"], alarm["images_seen"]) == ("divergence", "rollback", 112)
    resumed = train(catalogue, RECIPE, killed, every=32)
    assert resumed.learning_rate_factor == 0.5
    for mine, theirs in zip(resumed.variables, whole.variables, strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=theirs.path)


@pytest.mark.slow
def test_a_run_that_is_to_stop_keeps_the_checkpoint_from_before(catalogue, tmp_path):
    with pytest.raises(AlarmError, match="Stopped by an alarm"):
        train(catalogue, RECIPE, tmp_path / "run", every=32, on_alarm="stop", callbacks=[Breaks(at=96)])
    newest = sorted((tmp_path / "run" / "checkpoints").glob("*.keras"))[-1]
    assert tpg.load(newest).images_seen == 96


def test_a_catalogue_gets_the_alarms_that_its_photos_are_enough_for(catalogue):
    def names(catalogue, action="warn"):
        return [alarm.name for alarm in alarms_of(KINDS["gan"], catalogue, action)]

    assert names(catalogue) == ["divergence", "collapse", "texture", "overfitting"]
    few = tpg.Catalogue.from_arrays(squares(40), {"number": [str(i % 10) for i in range(40)]}, image_size=SIZE)
    assert names(few) == ["divergence"]
    actions = [alarm.on_alarm.action for alarm in alarms_of(KINDS["gan"], catalogue, checkpoints=list)]
    assert actions == ["rollback", "warn", "warn", "warn"]
    assert [alarm.on_alarm.action for alarm in alarms_of(KINDS["gan"], catalogue, "stop")] == ["stop"] * 4
