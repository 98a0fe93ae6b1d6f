import csv
import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import RecipeError
from tfproductgan.layers.augmentation import Augmentation
from tfproductgan.losses.adversarial import ADVERSARIAL_LOSSES
from tfproductgan.losses.penalties import Penalty
from tfproductgan.models.conditional_gan import ConditionalGAN
from tfproductgan.models.phases import Drawn
from tfproductgan.models.pictures import to_float
from tfproductgan.models.randomness import Draws, Purpose


@pytest.fixture
def fit(random_batches, as_stream):
    """Fit for a few steps of noise; both networks must move and all that is measured be finite."""

    def fit(gan, steps=3, batch=8):
        before = [network.get_weights() for network in (gan.generator, gan.discriminator, gan.ema_generator)]
        stream = as_stream(random_batches(gan.schema, batch))
        history = gan.fit(stream, steps_per_epoch=steps, epochs=1, verbose=0).history
        assert all(np.isfinite(values).all() for values in history.values())
        for network, weights in zip((gan.generator, gan.discriminator, gan.ema_generator), before, strict=True):
            moved = [np.any(now != then) for now, then in zip(network.get_weights(), weights, strict=True)]
            assert sum(moved) >= len(moved) - 1
        return history

    return fit


def sgd(learning_rate=0.1):
    return {
        "generator_optimizer": keras.optimizers.SGD(learning_rate),
        "discriminator_optimizer": keras.optimizers.SGD(learning_rate),
    }


def weights_of(gan):
    return [*gan.generator.get_weights(), *gan.discriminator.get_weights(), *gan.ema_generator.get_weights()]


def assert_same_weights(one, other, **tolerance):
    for a, b in zip(weights_of(one), weights_of(other), strict=True):
        if tolerance:
            np.testing.assert_allclose(a, b, **tolerance)
        else:
            np.testing.assert_array_equal(a, b)


# === Whatever it is told to do, it trains ===


@pytest.mark.parametrize("loss", ADVERSARIAL_LOSSES)
def test_trains_with_every_loss(small_gan, fit, loss):
    gan = small_gan()
    gan.compile(loss=loss, penalties=[], run_eagerly=True)
    assert set(fit(gan)) == {"d_loss", "g_loss", "logit_gap"}


@pytest.mark.parametrize(
    "penalties",
    [
        [Penalty("r1", 0.1), Penalty("r2", 0.1)],
        [Penalty("wgan-gp", 10.0), Penalty("dragan", 1.0)],
        [Penalty("r1", 0.1, interval=2), Penalty("wgan-gp", 1.0)],
    ],
    ids=lambda penalties: "+".join(penalty.name for penalty in penalties),
)
def test_trains_with_penalties(small_gan, fit, penalties):
    gan = small_gan()
    gan.compile(penalties=penalties, run_eagerly=True)
    history = fit(gan)
    assert all(history[penalty.name][0] > 0 for penalty in penalties)


CASES = {
    "augmentation": ("mlp", {}, {}, {"augmentation": ("flip", "cutout")}),
    "two discriminator steps": ("mlp", {}, {}, {"discriminator_steps": 2}),
    "spectral normalisation": ("mlp", {}, {"spectral_normalization": True}, {}),
    "dropout and L2": ("mlp", {"l2": 1e-3}, {"dropout": 0.3, "l2": 1e-3}, {}),
    "classic mlp": ("mlp", {}, {"form": "classic"}, {}),
    "classic dcgan": ("dcgan", {"form": "classic"}, {"form": "classic"}, {"penalties": {}}),
    "dcgan, all at once": (
        "dcgan",
        {},
        {"spectral_normalization": True, "dropout": 0.1},
        {"augmentation": ("translation", "colour"), "discriminator_steps": 2, "penalty_interval": 2},
    ),
}


@pytest.mark.parametrize(("family", "generator", "discriminator", "recipe"), CASES.values(), ids=CASES)
def test_trains_as_the_recipe_says(small_gan, fit, family, generator, discriminator, recipe):
    gan = small_gan(family, generator=generator, discriminator=discriminator, **recipe)
    gan.compile(run_eagerly=True)
    fit(gan, steps=2)
    assert (gan.step, gan.images_seen) == (2, 16)


def test_trains_without_conditions(small_gan, small_schema, fit):
    gan = small_gan(schema=small_schema(()))
    gan.compile(run_eagerly=True)
    fit(gan)
    assert gan.generate(count=3).shape == (3, 6, 6, 1)


def test_trains_in_mixed_precision(small_gan, fit):
    gan = small_gan("dcgan", precision="mixed_bfloat16")
    gan.compile(run_eagerly=True)
    fit(gan, steps=2)
    assert gan.generator.compute_dtype == "bfloat16" and gan.ema_generator.compute_dtype == "float32"


@pytest.fixture(scope="module")
def fitted(small_gan, random_batches, as_stream):
    """The same training in every way of running it."""
    gans = {}
    for name, how in {
        "graph": {},
        "eager": {"run_eagerly": True},
        "two steps at a time": {"steps_per_execution": 2},
        "compiled": {"jit_compile": True},
    }.items():
        gans[name] = gan = small_gan(penalties={"r1": 0.1}, penalty_interval=2, label_dropout=0.5)
        gan.compile(**sgd(), **how)
        gan.fit(as_stream(random_batches(gan.schema)), steps_per_epoch=4, epochs=1, verbose=0)
    return gans


@pytest.mark.parametrize("how", ["eager", "two steps at a time"])
def test_every_way_of_running_computes_the_same(fitted, how):
    assert fitted[how].step == fitted["graph"].step == 4
    assert_same_weights(fitted[how], fitted["graph"], atol=1e-4)


def test_compiling_trains_too(fitted, small_gan):
    # the noise of one key is another under XLA, so the weights are too
    assert fitted["compiled"].step == 4
    for now, then in zip(weights_of(fitted["compiled"]), weights_of(small_gan()), strict=True):
        assert np.isfinite(now).all() and (now.ndim < 2 or np.any(now != then))


# === One step, checked ===


@pytest.mark.parametrize(("family", "l2"), [("mlp", 0.0), ("mlp", 0.01), ("dcgan", 0.01)])
def test_a_step_of_sgd_equals_plain_tapes(small_gan, random_batches, plain_step, family, l2):
    networks = {"generator": {"l2": l2}, "discriminator": {"l2": l2}}
    gan = small_gan(family, **networks, label_dropout=0.0, penalties={"r1": 0.3, "r2": 0.7}, penalty_interval=1)
    gan.compile(**sgd())
    for batch in random_batches(gan.schema, count=2):
        generator, discriminator = plain_step(gan, batch)
        gan.train_step(batch)
        for expected, network in ((generator, gan.generator), (discriminator, gan.discriminator)):
            for weight, value in zip(network.weights, expected, strict=True):
                np.testing.assert_allclose(weight, value, rtol=1e-4, atol=1e-6, err_msg=weight.path)


@pytest.mark.parametrize(
    ("family", "points", "augmentation", "matching"),
    [
        ("dcgan", ["r1"], (), 0.4),
        ("dcgan", ["r2"], (), 0.0),
        ("dcgan", ["r1", "r2"], ("flip", "rotation", "zoom", "cutout", "colour"), 0.4),
        ("r3gan", ["r1", "r2"], (), 0.4),
    ],
)
def test_sharing_derivatives_changes_no_gradient(
    small_gan, random_batches, monkeypatch, family, points, augmentation, matching
):
    options = {"l2": 0.1} if family == "dcgan" else {"blocks": 2}
    gan = small_gan(
        family, discriminator=options, augmentation=augmentation, augmentation_probability=0.6, matching=matching
    )
    gan.compile(penalties=[Penalty(name, 0.3, interval=2) for name in points])
    rng = np.random.default_rng(0)
    for weight in gan.discriminator.trainable_variables:
        weight.assign(weight + rng.normal(0, 0.3, weight.shape))  # biases and all that starts at zero
    batch, draws = gan._received(random_batches(gan.schema)[0]), Draws(0, tf.constant(0))
    shared, logs = gan._discriminator_gradients(batch, draws, {})
    monkeypatch.setattr(ConditionalGAN, "_share_derivatives", lambda *_: False)
    plain, expected = gan._discriminator_gradients(batch, draws, {})
    assert {name: float(value) for name, (value, _) in logs.items()} == pytest.approx(
        {name: float(value) for name, (value, _) in expected.items()}, rel=1e-5
    )
    # derivatives for the weights of all layers are sums of the same terms, and round as those do
    largest = max(np.abs(gradient).max() for gradient in plain)
    for one, other in zip(shared, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6 * largest)


@pytest.mark.parametrize(("form", "calls"), [("modern", [4, 4]), ("classic", [8])])
def test_judging_halves_side_by_side_changes_no_gradient(small_gan, random_batches, monkeypatch, form, calls):
    gan = small_gan("dcgan", discriminator={"form": form}, matching=0.4 * (form == "modern"))
    gan.compile(penalties=[])
    batch, draws = gan._received(random_batches(gan.schema)[0]), Draws(0, tf.constant(0))
    judged = []
    call = gan.discriminator.call
    monkeypatch.setattr(
        gan.discriminator,
        "call",
        lambda inputs, **options: (judged.append(len(inputs["images"])), call(inputs, **options))[1],
    )
    found = {}
    for threads in (0, 1):
        monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda threads=threads: threads)
        scratch = {"drawn": gan._draw(batch["conditions"], draws)}
        found[threads], _ = gan._generator_gradients(batch, draws, scratch)
    assert judged[-len(calls) :] == calls
    for one, other in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_matching_adds_what_others_conditions_cost(small_gan, random_batches):
    # all photos show the same, so who the others are is known
    schema = small_gan().schema.with_combinations([(1, 2)])
    batch, logs = random_batches(schema)[0], {}
    for weight in (0.0, 0.5):
        gan = small_gan(schema=schema, matching=weight, label_dropout=0.0)
        gan.compile(penalties=[], **sgd(0.0))
        logs[weight] = {name: float(value) for name, value in gan.train_step(batch).items()}
    received = gan._received(batch)
    photos, ids = received["images"], received["conditions"]
    own = gan.discriminator({"images": photos, "conditions": ids})
    costs = []
    for column, other in enumerate((1, 2)):
        changed = ids.copy()
        changed[:, column] = other
        lead = own - gan.discriminator({"images": photos, "conditions": changed})
        costs.append(np.log1p(np.exp(-lead.numpy())) * ((ids[:, column] > 0) & (ids[:, column] != other)))
    assert logs[0.5]["matching"] == pytest.approx(np.mean(costs), rel=1e-4) and "matching" not in logs[0.0]
    assert logs[0.5]["d_loss"] - logs[0.0]["d_loss"] == pytest.approx(0.5 * np.mean(costs), rel=1e-3)
    assert logs[0.5]["g_loss"] > logs[0.0]["g_loss"]


@pytest.mark.parametrize("loss", ["relativistic", "hinge"])
def test_pictures_need_not_show_more_surely_than_photos_what_was_asked(small_gan, random_batches, loss):
    costs = {}
    for weight in (0.0, 0.5):
        gan = small_gan(matching=weight, label_dropout=0.0, loss=loss)
        gan.compile(**sgd(0.0))
        batch, draws = gan._received(random_batches(gan.schema)[0]), Draws(0, tf.constant(0))
        for name, order in {"photos": 1, "others": -1}.items():
            pictures = tf.convert_to_tensor(batch["images"][::order])
            with tf.GradientTape() as tape:
                scratch = {"drawn": Drawn(pictures, tf.zeros(()), tape)}
            costs[name, weight] = float(gan._generator_gradients(batch, draws, scratch)[1]["g_loss"][0])
    assert costs["photos", 0.5] == pytest.approx(costs["photos", 0.0], rel=1e-6)
    assert costs["others", 0.5] > costs["others", 0.0]


def test_others_are_drawn_as_often_as_photos_show_them(small_gan):
    schema = small_gan().schema.with_combinations([(1, 2)] * 3 + [(2, 1)])
    gan = small_gan(schema=schema, matching=1.0)
    asked = gan._asked(np.zeros((2000, 2), np.int32), Draws(0, tf.constant(0))).numpy()
    assert (asked[:, 1] > 0).tolist() == [[True, False]] * 2000 and (asked[:, 2] > 0).tolist() == [[False, True]] * 2000
    assert [(asked[:, 1, 0] == 1).mean(), (asked[:, 2, 1] == 2).mean()] == pytest.approx([0.75, 0.75], abs=0.04)
    without = small_gan(matching=1.0, schema=dataclasses.replace(schema, combinations=()))
    asked = without._asked(np.zeros((2000, 2), np.int32), Draws(0, tf.constant(0))).numpy()
    assert set(asked[:, 1, 0]) == set(range(1, schema.num_ids[0]))


def test_matching_wants_conditions_at_the_end(small_gan):
    with pytest.raises(RecipeError, match="matching needs a discriminator that looks at conditions last"):
        small_gan(matching=0.5, discriminator={"form": "classic"})


def test_lazy_penalties_are_taken_on_due_steps_and_weigh_as_many_times_more(small_gan, random_batches):
    gans = {}
    for name, penalties in {
        "lazy": [Penalty("r1", 0.2, interval=2)],
        "every step": [Penalty("r1", 0.4)],
        "never": [],
    }.items():
        gans[name] = small_gan()
        gans[name].compile(penalties=penalties, **sgd())
    first, second, _ = random_batches(gans["lazy"].schema)
    for gan in gans.values():
        gan.train_step(first)
    assert_same_weights(gans["lazy"], gans["every step"])
    gans["never"].set_weights(gans["lazy"].get_weights())
    gans["lazy"].train_step(second)
    gans["never"].train_step(second)
    assert_same_weights(gans["lazy"], gans["never"])


def test_the_generator_learns_once_for_several_discriminator_steps(small_gan, random_batches):
    gan = small_gan()
    gan.compile(discriminator_steps=4)
    gan.train_step(random_batches(gan.schema)[0])
    assert int(gan.generator_optimizer.iterations) == 1
    assert int(gan.discriminator_optimizer.iterations) == 4


# === The averaged generator ===


def test_the_average_follows_its_formula(small_gan, random_batches):
    gan = small_gan(ema_half_life=20, ema_ramp=0.5)
    gan.compile()
    expected = gan.generator.get_weights()
    for index, batch in enumerate(random_batches(gan.schema, batch=8, count=6), start=1):
        gan.train_step(batch)
        keep = 0.5 ** (8 / min(20, 0.5 * 8 * index))
        expected = [keep * e + (1 - keep) * w for e, w in zip(expected, gan.generator.get_weights(), strict=True)]
    for average, value in zip(gan.ema_generator.get_weights(), expected, strict=True):
        np.testing.assert_allclose(average, value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("batch", [4, 16])
def test_its_half_life_is_counted_in_images(small_gan, random_batches, batch):
    gan = small_gan(ema_half_life=4, ema_ramp=1.0)
    gan.compile(**sgd(0.0))
    weight = gan.ema_generator.to_pixels.kernel
    weight.assign(weight + 1.0)
    for step in random_batches(gan.schema, batch=batch, count=16 // batch):
        gan.train_step(step)
    np.testing.assert_allclose(weight - gan.generator.to_pixels.kernel, np.full(weight.shape, 1 / 16), atol=1e-5)


# === Randomness ===


def seen_by(monkeypatch, network):
    """What a network is called with from now on."""
    seen, call = [], network.call

    def listening(inputs, training=False):
        seen.append(inputs)
        return call(inputs, training=training)

    monkeypatch.setattr(network, "call", listening)
    return seen


def test_conditions_fade_in(small_gan, random_batches, monkeypatch, tmp_path):
    """Hidden until a quarter of the training here, then given more and more often until half of it."""
    gan = small_gan(fade_conditions=0.5, images=2048, label_dropout=0.25, penalties={})
    gan.compile(**sgd())
    ids = np.full((256, 2), 2, np.int32)
    drawn = seen_by(monkeypatch, gan.generator)
    shown, tables = [], []
    for _ in range(5):
        gan.train_step({**random_batches(gan.schema, batch=256)[0], "conditions": ids})
        shown.append((drawn[-1]["conditions"].numpy() > 0).mean())
        tables.append([np.array(t) for t in (gan.generator.embedding.table, gan.discriminator.projection.table)])
    np.testing.assert_allclose(shown, [0, 0, 0, 0.375, 0.75], atol=0.06)
    for table in tables[1]:  # a value is as good as none
        np.testing.assert_array_equal(table, table[[0, 0, 0, 3, 3, 3, 3]])
    assert np.any(tables[0][1] != tables[1][1])
    assert all(np.any(table[2] != table[0]) for table in tables[4])
    gan.save(tmp_path / "gan.keras")
    longer = keras.saving.load_model(tmp_path / "gan.keras")
    assert longer._given.numpy() == 1.0
    longer.recipe = longer.recipe.replace(images=100_000)
    longer._fade_in()
    assert longer._given.numpy() == 1.0


def test_labels_are_dropped_as_often_as_the_recipe_says(small_gan, random_batches, monkeypatch):
    gan = small_gan(label_dropout=0.25, penalties={})
    gan.compile()
    batch = {**random_batches(gan.schema, batch=512)[0], "conditions": np.full((512, 2), 2, np.int32)}
    judged = seen_by(monkeypatch, gan.discriminator)
    drawn = seen_by(monkeypatch, gan.generator)
    gan.train_step(batch)
    kept = drawn[0]["conditions"].numpy()
    assert set(np.unique(kept)) == {0, 2}
    np.testing.assert_allclose((kept == 0).mean(axis=0), [0.25, 0.25], atol=0.06)
    # attributes are dropped apart from each other, and both networks see the same
    assert 0.02 < (kept == 0).all(axis=1).mean() < 0.12
    assert all(np.array_equal(inputs["conditions"], kept) for inputs in judged)


def test_the_only_attribute_is_never_dropped(small_gan, small_schema, random_batches, monkeypatch):
    [attribute, _] = small_schema().attributes
    gan = small_gan(schema=small_schema([attribute]), label_dropout=0.9, penalties={})
    gan.compile()
    drawn = seen_by(monkeypatch, gan.generator)
    gan.train_step({**random_batches(gan.schema)[0], "conditions": np.full((8, 1), 2, np.int32)})
    np.testing.assert_array_equal(drawn[0]["conditions"], 2)


def test_every_step_draws_its_own_latents_whatever_was_drawn_before(small_gan, random_batches, monkeypatch):
    drawn = []
    for _ in range(2):
        gan = small_gan(discriminator_steps=2)
        gan.compile()
        seen = seen_by(monkeypatch, gan.generator)
        for batch in random_batches(gan.schema, count=2):
            gan.train_step(batch)
            tf.random.normal((3,))
        drawn.append(np.concatenate([inputs["latents"] for inputs in seen]))
    np.testing.assert_array_equal(*drawn)
    assert len(np.unique(drawn[0].round(5), axis=0)) == 16
    assert abs(drawn[0].mean()) < 0.3 and 0.7 < drawn[0].std() < 1.3


def test_the_same_seed_gives_the_same_first_weights(small_gan):
    one, same, other = (small_gan(seed=seed) for seed in (3, 3, 4))
    assert_same_weights(one, same)
    assert any(np.any(a != b) for a, b in zip(weights_of(one), weights_of(other), strict=True))
    for a, b in zip(one.ema_generator.get_weights(), one.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# === Going on ===


def test_n_and_m_steps_equal_n_then_save_load_and_m(small_gan, random_batches, as_stream, tmp_path):
    whole = small_gan(
        discriminator={"dropout": 0.3, "spectral_normalization": True},
        augmentation=("flip", "cutout"),
        penalty_interval=2,
        images=64,
    )
    whole.compile()
    batches = random_batches(whole.schema, count=8)
    save = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: whole.save(tmp_path / "half.keras") if batch == 2 else None
    )
    whole.fit(as_stream(batches), steps_per_epoch=8, verbose=0, callbacks=[save])
    keras.utils.set_random_seed(99)
    resumed = keras.saving.load_model(tmp_path / "half.keras")
    resumed.fit(as_stream(batches[3:]), steps_per_epoch=5, verbose=0)
    assert resumed.step == whole.step == 8 and resumed.images_seen == 64
    assert_same_weights(resumed, whole)
    for name in ("generator_optimizer", "discriminator_optimizer"):
        for slot, expected in zip(getattr(resumed, name).variables, getattr(whole, name).variables, strict=True):
            np.testing.assert_array_equal(slot, expected)


@pytest.fixture(scope="module")
def saved(small_gan, random_batches, tmp_path_factory):
    gan = small_gan("dcgan", seed=5, name="sketches")
    gan.compile(
        keras.optimizers.Adam(0.01, beta_1=0.3),
        loss="hinge",
        penalties=[Penalty("r1", 0.5, interval=4), Penalty("dragan", 0.1)],
        augmentation=Augmentation(("colour",)),
        discriminator_steps=2,
        steps_per_execution=3,
    )
    gan.train_step(random_batches(gan.schema)[0])
    path = tmp_path_factory.mktemp("saved") / "gan.keras"
    gan.save(path)
    return gan, keras.saving.load_model(path)


def test_a_loaded_model_draws_the_same_pictures(saved):
    gan, loaded = saved
    requests = gan.plan({"shade": "Dark"}, count=3, seed=5)
    np.testing.assert_array_equal(loaded.draw(requests), gan.draw(requests))
    assert (loaded.model_id, loaded.schema, loaded.recipe) == (gan.model_id, gan.schema, gan.recipe)
    assert loaded.model_id.startswith("sketches-28-") and loaded.model_id.endswith("-8")


def test_a_loaded_model_is_compiled_as_it_was(saved):
    gan, loaded = saved
    assert loaded.adversarial_loss is gan.adversarial_loss
    assert loaded.penalties == gan.penalties and loaded.penalty_interval == 4
    assert loaded.augmentation.operations == ("colour",)
    assert loaded.discriminator_steps == 2 and loaded.steps_per_execution == 3 and not loaded.jit_compile
    for name in ("generator_optimizer", "discriminator_optimizer"):
        mine, theirs = getattr(loaded, name), getattr(gan, name)
        assert mine.get_config() == theirs.get_config()
        for slot, expected in zip(mine.variables, theirs.variables, strict=True):
            np.testing.assert_array_equal(slot, expected)


def test_a_model_that_was_never_compiled_is_saved_too(small_gan, tmp_path):
    gan = small_gan()
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(loaded.generate(count=1), gan.generate(count=1))


@pytest.mark.parametrize("limit", [0.0, 0.01])
def test_gradients_are_clipped_to_the_recipes_limit(small_gan, limit):
    gan = small_gan(gradient_clip=limit, generator_learning_rate=1.0, beta_2=0.0, schedule="constant")
    gan.compile()
    optimizer = gan.generator_optimizer
    gradients = [np.full(v.shape, 1.0, "float32") for v in gan.generator.trainable_variables]
    optimizer.apply(gradients, gan.generator.trainable_variables)
    momentum = optimizer.variables[2:]  # after the counters; beta_1 is 0, so the gradients themselves
    seen = np.sqrt(sum(float(np.sum(np.square(v))) for v in momentum if v.path.endswith("momentum")))
    whole = np.sqrt(sum(g.size for g in gradients))
    assert seen == pytest.approx(limit or whole, rel=1e-3)


@pytest.mark.parametrize("form", ["classic", "modern"])
def test_weights_stay_within_their_limit_but_vectors_beside_pictures(small_gan, fit, form):
    gan = small_gan(discriminator={"form": form}, weight_clip=0.01, penalties={})
    gan.compile(run_eagerly=True)
    for _ in range(2):  # from the first step on
        for weight in gan.discriminator.trainable_variables:
            beside = weight.path.endswith("embedding/table")
            # of the projection a root of the eight features is taken out again
            limit = 0.01 * 8**0.5 if weight.path.endswith("projection/table") else 0.01
            assert (np.abs(weight).max() <= np.float32(limit)) != beside, weight.path
        fit(gan)


def test_drift_is_the_mean_square_of_what_photos_are_given(small_gan, random_batches, as_stream):
    losses = []
    for drift in (0.0, 0.5):
        gan = small_gan(loss="wasserstein", penalties={}, drift=drift, label_dropout=0.0)
        [batch] = random_batches(gan.schema, count=1)
        logits = gan.discriminator({**batch, "images": to_float(batch["images"])})
        gan.compile(run_eagerly=True)
        losses.append(gan.fit(as_stream([batch]), steps_per_epoch=1, verbose=0).history["d_loss"][0])
    assert losses[1] - losses[0] == pytest.approx(0.5 * np.mean(np.square(logits)), rel=1e-4)


def test_the_generator_alone_draws_the_same_pictures_from_a_smaller_file(saved, tmp_path):
    gan, _ = saved
    alone = gan.trained_generator()
    np.testing.assert_array_equal(alone.generate(count=2, seed=3), gan.generate(count=2, seed=3))
    assert alone.provenance["images_seen"] == 8 and alone.provenance["recipe"]["objective"]["loss"] == "relativistic"
    alone.save(tmp_path / "alone.keras")
    gan.save(tmp_path / "whole.keras")
    assert (tmp_path / "alone.keras").stat().st_size < 0.5 * (tmp_path / "whole.keras").stat().st_size


# === Styles ===


@pytest.fixture
def styled_gan(small_schema):
    def make(**overrides):
        options = {"width": 4, "max_width": 8, "mapping_layers": 1}
        return ConditionalGAN.from_recipe(
            "dcgan",
            small_schema(image_size=28),
            family="stylegan2",
            generator={**options, "z_dim": 8, "w_dim": 8, "embedding_dim": 4},
            discriminator=options,
            penalties={},
            label_dropout=0.0,
            precision="float32",
            **overrides,
        )

    return make


def test_drawn_pictures_take_the_style_of_others_from_some_layer_on(styled_gan):
    gan = styled_gan(style_mixing=0.75)
    gan.compile()
    others, draws = 4000, Draws(0, tf.constant(0))
    drawn = gan._others(others, draws)
    last = gan.generator.num_styles
    counts = np.bincount(drawn["crossover"], minlength=last + 1)
    assert drawn["other_latents"].shape == (others, 8) and counts[0] == 0
    np.testing.assert_allclose(counts[1:-1] / others, 0.75 / (last - 1), atol=0.03)
    assert counts[-1] / others == pytest.approx(0.25, abs=0.03)


def test_path_lengths_are_penalised_when_they_are_due(styled_gan):
    gan = styled_gan(path_length=2.0, path_length_interval=2)
    gan.compile(**sgd())
    conditions, draws = tf.zeros((3, 2), tf.int32), Draws(0, tf.constant(0))
    gradients, (length, weight) = gan._path_length_gradients(conditions, draws)
    drawn = draws.normal(Purpose.PATH_LENGTH, (3, gan.latent_dim + 28 * 28))
    latents, directions = drawn[:, : gan.latent_dim], tf.reshape(drawn[:, gan.latent_dim :], (3, 28, 28, 1)) / 28
    styles, noise = gan.generator.style_of(latents, gan.generator.embed(conditions))
    with tf.GradientTape() as tape:
        tape.watch(styles)
        # clipped pictures would not move with their styles
        moved = tf.reduce_sum(gan.generator.synthesise(styles, noise, training=True) * directions)
    slopes = tape.gradient(moved, styles).numpy()
    assert float(length) == pytest.approx(np.mean(np.sqrt(np.square(slopes).sum(axis=2).mean(axis=1))), rel=1e-4)
    assert weight == 1 and any(np.any(gradient != 0) for gradient in gradients)
    gan._step.assign(1)
    gradients, due = gan._path_length_gradients(conditions, draws)
    assert due == (0, 0) and not any(np.any(gradient != 0) for gradient in gradients)
    for logged, mean in (((length, weight), 0.01 * length), (due, 0.01 * length)):
        gan.after_step({"path_length": logged}, 3)
        assert float(gan._path_length.value) == pytest.approx(float(mean), rel=1e-4)


@pytest.mark.parametrize("field", ["style_mixing", "path_length"])
def test_what_is_for_styles_is_refused_without_them(small_gan, field):
    message = f"{field} is for generators whose layers each have a style.* Received: {field}=0.5 and a MLPGenerator"
    with pytest.raises(RecipeError, match=message):
        small_gan(**{field: 0.5})


# === Layers that stay as they are ===


def test_the_lowest_layers_of_a_discriminator_can_be_left_as_they_are(styled_gan):
    gan = styled_gan(frozen_layers=4)
    gan.compile()
    moved = {variable.path for variable in gan.discriminator_optimizer._trainable_variables}
    left = {variable.path for variable in gan.discriminator.weights} - moved
    layers = {"from_rgb", "block_2/first", "block_2/second", "block_2/skip"}
    assert {path.rpartition("/")[0] for path in left} == layers
    assert len(gan.discriminator.get_weights()) == len(styled_gan().discriminator.get_weights())


def test_dcgan_can_be_left_as_it_is_from_the_picture_on(small_gan, random_batches):
    gan = small_gan("dcgan", frozen_layers=2, penalties={"r1": 0.3})
    gan.compile(**sgd())
    before = {variable.path: variable.numpy() for variable in gan.discriminator.weights}
    gan.train_step(random_batches(gan.schema)[0])
    moved = {v.path for v in gan.discriminator.weights if not np.array_equal(v.numpy(), before[v.path])}
    left = {path.split("/")[-2] for path in before.keys() - moved}
    assert left - {"head"} == {"conv_0", "conv_1"}  # the head's bias does not matter to a relativistic loss


def test_more_layers_than_can_be_left_as_they_are_are_refused(small_gan):
    with pytest.raises(RecipeError, match=r"A MLPDiscriminator has 0 layers that can be .* Received: frozen_layers=1"):
        small_gan(frozen_layers=1)


# === What a Keras user expects ===


def test_keras_callbacks_work(small_gan, random_batches, as_stream, tmp_path):
    gan = small_gan()
    gan.compile()
    data = as_stream(random_batches(gan.schema), repeat=False)
    best = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor="val_g_loss", mode="min", save_best_only=True
    )
    history = gan.fit(
        data,
        epochs=4,
        validation_data=data,
        verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping("val_d_loss", mode="min", min_delta=1e9, patience=1),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
            keras.callbacks.TensorBoard(tmp_path / "logs"),
            best,
        ],
    ).history
    assert len(history["g_loss"]) == 2 and gan.step == 6
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert float(rows[-1]["val_d_loss"]) == pytest.approx(history["val_d_loss"][-1])
    assert list((tmp_path / "logs").rglob("events*"))
    loaded = keras.saving.load_model(tmp_path / "best.keras")
    assert loaded.evaluate(data, verbose=0, return_dict=True)["g_loss"] == pytest.approx(best.best)


def test_evaluating_is_deterministic_and_changes_nothing(small_gan, random_batches, as_stream):
    gan = small_gan(discriminator={"dropout": 0.5})
    gan.compile()
    batches = random_batches(gan.schema)
    before = weights_of(gan)
    results = [
        gan.evaluate(as_stream(order, repeat=False), verbose=0, return_dict=True)
        for order in (batches, batches, batches[::-1])
    ]
    assert set(results[0]) == {"d_loss", "g_loss", "logit_gap"}
    assert results[0] == results[1] == pytest.approx(results[2], rel=1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(before, weights_of(gan), strict=True))


def test_the_summary_shows_both_networks(small_gan):
    lines = []
    small_gan().summary(print_fn=lambda line, **_: lines.append(line))
    text = "\n".join(lines)
    assert "to_pixels" in text and "projection" in text and "shade (2), side (3)" in text


def test_calling_it_draws_with_the_averaged_generator(small_gan):
    gan = small_gan()
    inputs = {"latents": tf.ones((2, 6)), "conditions": tf.zeros((2, 2), tf.int32)}
    np.testing.assert_array_equal(gan(inputs), gan.ema_generator(inputs))


# === Schedules ===


@pytest.mark.parametrize(("discriminator_steps", "passed"), [(1, None), (4, None), (1, 4)])
def test_learning_rates_fall_over_the_images_of_the_recipe(small_gan, random_batches, discriminator_steps, passed):
    gan = small_gan(
        images=32,
        batch_size=4,
        discriminator_steps=discriminator_steps,
        generator_learning_rate=0.01,
        discriminator_learning_rate=0.02,
        final_learning_rate=0.2,
    )
    gan.compile(penalties=[], discriminator_steps=passed)
    discriminator_steps = gan.discriminator_steps
    optimizers = gan.generator_optimizer, gan.discriminator_optimizer
    rates = [[float(optimizer.learning_rate) for optimizer in optimizers]]
    for batch in random_batches(gan.schema, batch=4 * discriminator_steps, count=8 // discriminator_steps):
        gan.train_step(batch)
        rates.append([float(optimizer.learning_rate) for optimizer in optimizers])
    np.testing.assert_allclose(rates[0], [0.01, 0.02], rtol=1e-5)
    np.testing.assert_allclose(rates[len(rates) // 2], [0.006, 0.012], rtol=1e-5)
    np.testing.assert_allclose(rates[-1], [0.002, 0.004], rtol=1e-5)
    assert gan.images_seen == 32


def test_a_constant_schedule_stays(small_gan, random_batches):
    gan = small_gan(schedule="constant", generator_learning_rate=0.01)
    gan.compile()
    gan.train_step(random_batches(gan.schema)[0])
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(0.01)


# === What cannot be ===


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"generator": {"widht": 8}}, "The generator has no option 'widht': did you mean 'widths'"),
        ({"discriminator": {"latent_dim": 8}}, "The discriminator has no option 'latent_dim'"),
        ({"generator": {"widths": "many"}}, "generator cannot be made with the options {'widths'"),
        ({"generator": {"widths": (-1,)}}, "generator cannot be made with the options {'widths'"),
        ({"batchsize": 8}, "no field 'batchsize'"),
    ],
)
def test_what_a_recipe_cannot_say_is_refused(small_schema, overrides, message):
    with pytest.raises(RecipeError, match=message):
        ConditionalGAN.from_recipe("mlp", small_schema(), **overrides)


def test_unknown_names_are_refused(small_gan, small_schema):
    with pytest.raises(RecipeError, match="Unknown recipe 'dcgna'"):
        ConditionalGAN.from_recipe("dcgna", small_schema())
    with pytest.raises(RecipeError, match="Unknown adversarial loss 'hinges'"):
        small_gan().compile(loss="hinges")
    with pytest.raises(RecipeError, match="Unknown penalty 'r3'"):
        small_gan(penalties={"r3": 1.0}).compile()
    with pytest.raises(RecipeError, match="discriminator_steps must be at least 1"):
        small_gan().compile(discriminator_steps=0)


def test_a_penalty_of_each_picture_is_refused_where_pictures_are_seen_by_their_batch(small_schema):
    with pytest.raises(RecipeError, match=r"The penalty 'wgan-gp' .* a discriminator with batch normalisation"):
        ConditionalGAN.from_recipe("dcgan-classic", small_schema(image_size=28), penalties={"wgan-gp": 10.0})


def test_what_is_no_schema_is_refused(small_gan):
    with pytest.raises(RecipeError, match=r"such as catalogue\.schema"):
        ConditionalGAN.from_recipe("mlp", small_gan())


def test_networks_made_for_another_schema_are_refused(small_gan, small_schema):
    gan = small_gan()
    with pytest.raises(RecipeError, match=r"was made for .*the schema has .*'image_size': 12"):
        ConditionalGAN(gan.generator, gan.discriminator, small_schema(image_size=12))


def test_lazy_penalties_of_two_intervals_are_refused(small_gan):
    with pytest.raises(RecipeError, match=r"must share one interval. Received: \[2, 3\]"):
        small_gan().compile(penalties=[Penalty("r1", 1.0, 2), Penalty("r2", 1.0, 3)])


def test_a_batch_that_discriminator_steps_do_not_divide_is_refused(small_gan, random_batches):
    gan = small_gan()
    gan.compile(discriminator_steps=3)
    with pytest.raises(RecipeError, match="Received: batch of 8, discriminator_steps=3"):
        gan.train_step(random_batches(gan.schema)[0])


# === It learns ===


def test_learns_what_its_conditions_mean():
    attributes = [Attribute("colour", ("Red", "Blue", "White"))]
    colours = np.array([[200, 30, 30], [30, 30, 200], [255, 255, 255]])
    rows = np.arange(16) % 3 + 1
    schema = ConditionSchema(attributes, image_size=4).with_combinations([(row,) for row in rows])
    gan = ConditionalGAN.from_recipe(
        "dcgan",
        schema,
        family="mlp",
        generator={"widths": (32,), "latent_dim": 4},
        discriminator={"widths": (32,)},
        images=16 * 400,
        batch_size=16,
        penalties={"r1": 0.1, "r2": 0.1},
        generator_learning_rate=5e-3,
        discriminator_learning_rate=5e-3,
        ema_half_life=500,
        precision="float32",
    )
    gan.compile(steps_per_execution=100)
    noise = np.random.default_rng(0).normal(0, 5, (16, 4, 4, 3))
    images = np.clip(colours[rows - 1][:, None, None] + noise, 0, 255).astype("uint8")
    batch = {"images": images, "conditions": rows[:, None].astype("int32")}
    gan.fit(tf.data.Dataset.from_tensors(batch).repeat(), steps_per_epoch=400, verbose=0)
    for name, colour in zip(attributes[0].values, colours, strict=True):
        drawn = gan.generate({"colour": name}, count=8, seed=1).mean(axis=(1, 2))
        assert np.abs(drawn - colour).max() < 50, name
