import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfproductgan as tpg
from tfproductgan.catalogue.colour_profiles import matrix_profile
from tfproductgan.errors import ConditionError, PhotoError, RecipeError
from tfproductgan.models.pictures import to_float
from tfproductgan.models.pix2pix import Pix2Pix

SHADE = tpg.Attribute("shade", ("Dark", "Light"))


def pair_schema(size=28, channels=3, source_channels=1):
    return tpg.ConditionSchema([SHADE], size, channels, source_channels=source_channels)


def small_model(schema=None, dropout=0.5, **overrides):
    overrides = {"precision": "float32", "images": 4_000, **overrides}
    small = {"width": 8, "max_width": 16}
    networks = {"generator": {**small, "dropout": dropout}, "discriminator": small}
    model = Pix2Pix.from_recipe("pix2pix", schema or pair_schema(), **networks, **overrides)
    model.compile()
    return model


def pairs(schema, batch=8, seed=0):
    """Spots at places of their own; the second picture is the negative of the first."""
    rng = np.random.default_rng(seed)
    size = schema.image_size
    source = np.full((batch, size, size, schema.source_channels), 255, np.uint8)
    for picture, (row, column) in zip(source, rng.integers(0, size - 10, (batch, 2)), strict=True):
        picture[row : row + 10, column : column + 10] = 0
    images = np.repeat(255 - source[..., :1], schema.channels, axis=3)
    return {"images": images, "source": source, "conditions": rng.integers(0, 3, (batch, 1)).astype(np.int32)}


@pytest.fixture(scope="module")
def model():
    return small_model()


def test_it_learns_what_a_picture_becomes(as_stream):
    schema = pair_schema()
    model = small_model(schema)
    stream = as_stream([pairs(schema, seed=seed) for seed in range(8)])
    history = model.fit(stream, steps_per_epoch=60, epochs=3, verbose=0).history
    assert history["l1"][-1] < 0.5 * history["l1"][0]
    new = pairs(schema, seed=99)
    made = model.translate_squares(new["source"], new["conditions"])
    fresh = small_model(schema).translate_squares(new["source"], new["conditions"])
    errors = [np.abs(pictures.astype(int) - new["images"]).mean() for pictures in (made, fresh)]
    assert errors[0] < 0.5 * errors[1]
    tested = model.evaluate(as_stream([new], repeat=False), return_dict=True, verbose=0)
    assert set(tested) == {"d_loss", "g_loss", "l1", "logit_gap"}


def test_the_generators_loss_is_adversarial_and_weighted_difference():
    schema = pair_schema()
    batch = {name: tf.constant(value) for name, value in pairs(schema).items()}
    moved = []
    for weight in (0.0, 100.0):
        model = small_model(schema, dropout=0, l1_weight=weight, label_dropout=0.0)
        inputs = {"source": to_float(batch["source"]), "conditions": batch["conditions"]}
        difference = np.abs(to_float(batch["images"]) - model.generator(inputs)).mean()
        assert float(model.train_step(batch)["l1"]) == pytest.approx(difference, rel=1e-4)
        moved.append([v.numpy() for v in model.generator.trainable_variables])
    assert any(np.any(a != b) for a, b in zip(*moved, strict=True))


@pytest.mark.parametrize("loss", ["relativistic", "least-squares"])
def test_any_adversarial_loss_takes_patches(loss):
    schema = pair_schema()
    logs = small_model(schema, loss=loss).train_step({n: tf.constant(v) for n, v in pairs(schema).items()})
    assert np.isfinite([float(value) for value in logs.values()]).all()


def test_pictures_come_back_in_their_own_size(model, tmp_path):
    rng = np.random.default_rng(0)
    wide, tall = rng.integers(0, 256, (20, 50, 3), np.uint8), rng.integers(0, 256, (70, 33), np.uint8)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    made = model.translate([tmp_path / "wide.png", tall, Image.fromarray(wide)], {"shade": "dark"})
    assert [picture.shape for picture in made] == [(20, 50, 3), (70, 33, 3), (20, 50, 3)]
    np.testing.assert_array_equal(made[0], made[2])
    np.testing.assert_array_equal(model.translate(tall, {"shade": "dark"}), made[1])
    assert model.translate([]) == []


def test_colours_of_another_profile_are_converted(model, tmp_path):
    adobe = matrix_profile("Adobe RGB (1998)", (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290), 1 / 2.19921875)
    spot = np.full((28, 28, 3), 255, np.uint8)
    spot[8:20, 8:20] = 92, 159, 79
    Image.fromarray(spot).save(tmp_path / "a.png", icc_profile=adobe)
    made = model.translate([tmp_path / "a.png", Image.open(tmp_path / "a.png")])
    np.testing.assert_array_equal(made[0], made[1])
    assert np.any(made[0] != model.translate(spot))


def test_a_condition_may_be_left_to_the_picture(model):
    picture = np.full((28, 28), 255, np.uint8)
    free, dark, light = model.translate([picture] * 3, [{}, {"shade": "Dark"}, {"shade": "Light"}])
    assert np.any(dark != light) and np.any(free != dark)


def test_a_saved_model_makes_the_same(model, tmp_path):
    model.trained().save(tmp_path / "model.keras")
    again = tpg.load(tmp_path / "model.keras")
    batch = pairs(pair_schema())
    ours = model.translate_squares(batch["source"], batch["conditions"])
    np.testing.assert_array_equal(again.translate_squares(batch["source"], batch["conditions"]), ours)
    assert again.asks == "translator" and again.parameters() == {"generator": model.generator.count_params()}


def test_a_row_does_not_depend_on_the_others(model):
    batch = pairs(pair_schema())
    together = model.translate_squares(batch["source"], batch["conditions"])
    np.testing.assert_array_equal(
        model.translate_squares(batch["source"][3:4], batch["conditions"][3:4]), together[3:4]
    )


def test_what_cannot_be_translated_is_named(model, tmp_path):
    with pytest.raises(PhotoError, match=r"none\.png' cannot be read: No such file"):
        model.translate(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(PhotoError, match=r"text\.png: not a JPEG"):
        model.translate(tmp_path / "text.png")
    with pytest.raises(ConditionError, match="Unknown shade 'Drk': did you mean 'Dark'"):
        model.translate(np.zeros((8, 8), np.uint8), {"shade": "Drk"})
    with pytest.raises(PhotoError, match=r"Conditions for 2 pictures were given. Received: 1 pictures"):
        model.translate([np.zeros((8, 8), np.uint8)], [{}, {}])


def test_photos_without_pictures_that_go_in_are_refused():
    with pytest.raises(RecipeError, match="makes pictures of pictures, and these photos have none that go in"):
        Pix2Pix.from_recipe("pix2pix", tpg.ConditionSchema([SHADE], 28))


def test_a_batch_without_its_source_is_refused(model):
    batch = {name: value for name, value in pairs(pair_schema()).items() if name != "source"}
    with pytest.raises(RecipeError, match=r"A batch is .*'source': uint8 \[B, 28, 28, 1\].* Received: .*'conditions'"):
        model.train_step({name: tf.constant(value) for name, value in batch.items()})
