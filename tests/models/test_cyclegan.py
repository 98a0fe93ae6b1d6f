import numpy as np
import pytest
import tensorflow as tf

import tfproductgan as tpg
from tfproductgan.errors import ConditionError
from tfproductgan.models.cyclegan import CycleGAN
from tfproductgan.models.pictures import to_float

SHADE = tpg.Attribute("shade", ("Dark", "Light"))


def small_model(channels=3, **overrides):
    schema = tpg.ConditionSchema([SHADE], 28, channels, source_channels=1)
    networks = {role: {"width": 4, "num_blocks": 1} for role in ("generator", "back_generator")}
    networks |= {role: {"width": 4, "max_width": 4} for role in ("discriminator", "back_discriminator")}
    model = CycleGAN.from_recipe("cyclegan", schema, **networks, precision="float32", label_dropout=0.0, **overrides)
    model.compile()
    return model


def batch_for(model, seed=0):
    rng, schema = np.random.default_rng(seed), model.schema
    pictures = {"images": schema.channels, "source": schema.source_channels}
    made = {name: rng.integers(0, 256, (2, 28, 28, count)).astype(np.uint8) for name, count in pictures.items()}
    return {name: tf.constant(value) for name, value in made.items()} | {"conditions": tf.constant([[1], [2]])}


@pytest.fixture(scope="module")
def model():
    return small_model()


def test_generators_lose_what_does_not_come_back_and_what_changes_where_it_belongs():
    model = small_model(channels=1)
    batch = batch_for(model)
    images, source, ids = to_float(batch["images"]), to_float(batch["source"]), batch["conditions"]

    def there(picture):
        return model.generator({"source": picture, "conditions": ids}).numpy()

    def back(picture):
        return model.back_generator({"source": picture, "conditions": ids}).numpy()

    def lost(*pairs):
        return sum(np.abs(a - b).mean() for a, b in pairs)

    cycle = lost((back(there(source)), source), (there(back(images)), images))
    identity = lost((there(images), images), (back(source), source))
    logs = model.train_step(batch)
    assert float(logs["cycle"]) == pytest.approx(cycle, rel=1e-4)
    assert float(logs["identity"]) == pytest.approx(identity, rel=1e-4)


def test_grey_and_colour_have_no_identity(model):
    assert model.log_names() == ["d_loss", "g_loss", "cycle", "logit_gap"]


def test_both_ways_are_asked_by_name(model):
    rng = np.random.default_rng(0)
    grey, colour = rng.integers(0, 256, (20, 50), np.uint8), rng.integers(0, 256, (40, 28, 3), np.uint8)
    assert model.translate(grey, {"shade": "Dark"}).shape == (20, 50, 3)
    np.testing.assert_array_equal(model.translate(grey, to="B"), model.translate(grey))
    assert model.translate(colour, to="A").shape == (40, 28, 1)
    with pytest.raises(ConditionError, match="to names a way of the model: valid: 'B', 'A'"):
        model.translate(grey, to="C")
    with pytest.raises(ConditionError, match="Unknown attribute 'shade'"):
        model.translate(colour, {"shade": "Dark"}, to="A")


def test_a_file_knows_both_ways(model, tmp_path):
    model.trained().save(tmp_path / "model.keras")
    again = tpg.load(tmp_path / "model.keras")
    colour = np.random.default_rng(0).integers(0, 256, (28, 28, 3), np.uint8)
    np.testing.assert_array_equal(again.translate(colour, to="A"), model.translate(colour, to="A"))
    assert set(again.parameters()) == {"generator", "back_generator"}
