import keras
import numpy as np
import pytest
import tensorflow as tf

import tfproductgan as tpg
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.models.randomness import Draws
from tfproductgan.registry import KINDS
from tfproductgan.vocabulary import Vocabulary

SHADE, SIDE = Attribute("shade", ("Dark", "Light")), Attribute("side", ("Left", "Right", "Top"))
WORDS = Vocabulary.learn(["dark left one", "light right one", "light top one"] * 3)
TEXTS = {"text": "title", "vocabulary": WORDS}


def schema(*attributes):
    return ConditionSchema(attributes, 6, 1, **TEXTS).with_combinations(
        [(1, 1), (2, 2), (2, 3)] if attributes else [()]
    )


def batch(schema, count=8):
    rng = np.random.default_rng(0)
    rows = [{"shade": SHADE.values[i % 2], "side": SIDE.values[i % 3]} for i in range(count)]
    titles = [f"{row['shade']} {row['side']} one" for row in rows]
    return {
        "images": rng.integers(0, 256, (count, 6, 6, 1)).astype("uint8"),
        "conditions": schema.encode_rows(rows, titles),
    }


@pytest.fixture(scope="module")
def gan(after_two_steps):
    """After two steps, and what its weights were before."""
    both = schema(SHADE, SIDE)
    return after_two_steps(both, batch(both))


def test_both_networks_learn_to_read(gan):
    gan, before = gan
    now = {v.path: v.numpy() for network in gan.networks().values() for v in network.trainable_variables}
    reading = [path for path in now if "text" in path or "spread" in path]
    assert len(reading) == 13  # six weights each, and how far the generator's is spread
    for path in reading:
        assert np.any(now[path] != before[path]), path
    for path in (path for path in reading if path.endswith("text/table")):
        moved = np.any(now[path] != before[path], axis=1)
        used = np.unique(batch(gan.schema)["conditions"][:, 2:])
        assert set(np.flatnonzero(moved)) == set(used) - {0}


def test_a_text_decides_and_is_kept(gan, tmp_path):
    gan, _ = gan
    gan.save(tmp_path / "gan.keras")
    gan.trained().save(tmp_path / "trained.keras")
    drawn = gan.generate(text="Dark LEFT", count=3, seed=5)
    assert np.any(drawn != gan.generate(text="light right", count=3, seed=5))
    assert np.any(drawn != gan.generate({"shade": "dark"}, text="dark left", count=3, seed=5))
    for name in ("gan", "trained"):
        again = tpg.load(tmp_path / f"{name}.keras")
        np.testing.assert_array_equal(again.generate(text="dark left", count=3, seed=5), drawn)
        assert again.schema == gan.schema


def test_photos_are_given_by_both_or_by_one_of_them(small_gan):
    gan = small_gan(schema=schema(SHADE, SIDE), label_dropout=0.1)
    ids = np.tile(batch(gan.schema, 1)["conditions"], (4000, 1))
    hidden = gan._hide_labels(tf.constant(ids)).numpy()
    text, labels = hidden[:, 2:].any(axis=1), hidden[:, :2].any(axis=1)
    np.testing.assert_allclose(np.mean(text & ~labels), 0.9 * (0.25 + 0.5 * 0.01), atol=0.03)
    np.testing.assert_allclose(np.mean(text), 0.9 * 0.75, atol=0.03)
    np.testing.assert_array_equal(hidden[text][:, 2:], ids[text][:, 2:])
    never = small_gan(schema=schema(SHADE, SIDE), label_dropout=0.0)
    np.testing.assert_array_equal(never._hide_labels(tf.constant(ids)), ids)


def test_others_have_the_title_of_the_next_photo(small_gan):
    gan = small_gan(schema=schema(SHADE, SIDE), matching=0.2)
    gan.compile()
    ids = batch(gan.schema)["conditions"]
    asked = gan._asked(tf.constant(ids), Draws(0, tf.constant(0))).numpy()
    assert asked.shape == (8, 4, gan.schema.num_columns)
    np.testing.assert_array_equal(asked[:, 0], ids)
    np.testing.assert_array_equal(asked[:, 3, 2:], np.roll(ids, 1, axis=0)[:, 2:])
    np.testing.assert_array_equal(asked[:, 3, :2], ids[:, :2])
    np.testing.assert_array_equal(asked[:, 1:3, 2:], ids[:, None, 2:].repeat(2, axis=1))


def test_texts_can_be_all_there_is(small_gan, as_stream):
    gan = small_gan(schema=schema(), matching=0.2, penalty_interval=1)
    gan.compile(run_eagerly=True)
    gan.fit(as_stream([batch(gan.schema)]), steps_per_epoch=1, epochs=1, verbose=0)
    assert np.any(gan.generate(text="dark", seed=1) != gan.generate(text="light", seed=1))
    assert [r.conditions for r in gan.plan(count=2)] == [{}, {}]


def test_the_same_noise_around_texts_is_drawn_in_the_same_step(small_gan, as_stream):
    made = []
    for _ in range(2):
        gan = small_gan(schema=schema(SHADE, SIDE), penalty_interval=1)
        gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), run_eagerly=True)
        gan.fit(as_stream([batch(gan.schema)]), steps_per_epoch=1, epochs=1, verbose=0)
        made.append([v.numpy() for v in gan.generator.trainable_variables])
    for one, two in zip(*made, strict=True):
        np.testing.assert_array_equal(one, two)


def test_ids_of_pieces_that_do_not_exist_are_refused(small_gan):
    gan = small_gan(schema=schema(SHADE, SIDE))
    gan.compile()
    wrong = batch(gan.schema)
    wrong["conditions"][0, -1] = WORDS.num_ids
    with pytest.raises(tpg.ProductGANError, match="pieces of a text"):
        gan.fit({**wrong}, batch_size=8, steps_per_epoch=1, verbose=0)


def test_every_family_reads_texts(smallest, shake):
    recipe = smallest(precision="float32")
    kind = KINDS[recipe.kind]
    if kind.asks == "upscaler":
        pytest.skip("nothing is asked of it by name")
    made_for = ConditionSchema([SHADE], 28, 1, source_channels=1 if kind.asks == "translator" else None, **TEXTS)
    model = kind.find("model").from_recipe(recipe, made_for)
    shake(model)
    rng = np.random.default_rng(0)
    ids = made_for.encode_all([{"shade": "dark", "text": text} for text in ("light top", "dark left", "")])
    pictures = np.repeat(rng.uniform(-1, 1, (1, 28, 28, 1)), 3, axis=0).astype("float32")
    inputs = {"conditions": ids, "images": pictures, "source": pictures}
    inputs["latents"] = np.repeat(rng.normal(size=(1, getattr(model.learning_network, "latent_dim", 1))), 3, axis=0)
    read = 0
    for network in [*model.averages().values(), *model.networks().values()]:
        if network.num_ids:
            found = np.array(tf.nest.flatten(network(inputs, training=False))[0])
            assert np.any(found[0] != found[1]) and np.any(found[1] != found[2]), network.name
            read += 1
    assert read
