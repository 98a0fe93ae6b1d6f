import numpy as np
import pytest

import tfproductgan as tpg
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.text_vectors import TextVectors, spell_vectors

SHADE = Attribute("shade", ("Dark", "Light"))
VECTORS = np.random.default_rng(0).normal(size=(8, 5)) + 2
READER = TextVectors.learn(spell_vectors(VECTORS))


@pytest.fixture(scope="module")
def gan(after_two_steps):
    """After two steps, and what its weights were before."""
    schema = ConditionSchema([SHADE], 6, 1, text="clip", vocabulary=READER).with_combinations([(1,), (2,)])
    rows = [{"shade": SHADE.values[i % 2]} for i in range(8)]
    batch = {
        "images": np.random.default_rng(0).integers(0, 256, (8, 6, 6, 1)).astype("uint8"),
        "conditions": schema.encode_rows(rows, spell_vectors(VECTORS)),
    }
    return after_two_steps(schema, batch)


def test_both_networks_learn_to_read(gan):
    gan, before = gan
    now = {v.path: v.numpy() for network in gan.networks().values() for v in network.trainable_variables}
    reading = [path for path in now if "text" in path or "spread" in path]
    assert len(reading) == 11  # five weights each, and how far the generator's is spread
    for path in reading:
        assert np.any(now[path] != before[path]), path


def test_a_vector_decides_and_is_kept(gan, tmp_path):
    gan, _ = gan
    gan.save(tmp_path / "gan.keras")
    gan.trained().save(tmp_path / "trained.keras")
    drawn = gan.generate(text_vectors=VECTORS[:3], seed=5)
    assert drawn.shape == (3, 6, 6, 1)
    assert np.any(drawn != gan.generate(text_vectors=VECTORS[3:6], seed=5))
    assert np.any(drawn != gan.generate({"shade": "dark"}, text_vectors=VECTORS[:3], seed=5))
    np.testing.assert_array_equal(drawn, gan.generate(text_vectors=2 * VECTORS[:3], seed=5))
    for name in ("gan", "trained"):
        again = tpg.load(tmp_path / f"{name}.keras")
        np.testing.assert_array_equal(again.generate(text_vectors=VECTORS[:3], seed=5), drawn)
        assert again.schema == gan.schema


def test_a_model_of_vectors_takes_no_words(gan):
    with pytest.raises(tpg.ProductGANError, match="takes no text: give text_vectors"):
        gan[0].generate(text="dark")
