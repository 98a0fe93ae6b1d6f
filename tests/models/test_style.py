import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfproductgan as tpg
from tfproductgan.errors import RecipeError
from tfproductgan.losses.perceptual import content_loss, gram, style_loss
from tfproductgan.models.style import StyleModel
from tfproductgan.models.vgg19 import vgg19_features

STYLE = tpg.Attribute("style", ("Waves", "Dots"), several=2)
SCHEMA = tpg.ConditionSchema([STYLE], 16, 3, source_channels=3)
LAYERS = {"content_layer": "relu2_1", "style_layers": ["relu1_1"]}


def small_model(schema=SCHEMA, **overrides):
    overrides = {"features": "random", "precision": "float32", "images": 4_000, **LAYERS, **overrides}
    model = StyleModel.from_recipe("style", schema, generator={"width": 4, "num_blocks": 1}, **overrides)
    model.compile()
    return model


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    pictures = {name: rng.integers(0, 256, (4, 16, 16, 3)).astype(np.uint8) for name in ("images", "source")}
    return {**pictures, "conditions": np.array([[1, 0], [2, 0], [1, 2], [0, 0]], np.int32)}


@pytest.fixture(scope="module")
def model():
    return small_model(label_dropout=0.0)


def test_the_loss_is_that_of_content_and_style(model, batch):
    features = vgg19_features("random")
    floats = {name: tf.cast(batch[name], tf.float32) for name in ("images", "source")}
    inputs = {"source": floats["source"] / 127.5 - 1, "conditions": batch["conditions"]}
    painted = (model.generator(inputs) + 1) * 127.5
    seen = features(painted, ["relu1_1", "relu2_1"])
    photo, style = features(floats["source"], ["relu2_1"]), features(floats["images"], ["relu1_1"])
    content = float(np.mean(content_loss(seen["relu2_1"], photo["relu2_1"])))
    textures = float(np.mean(style_loss(gram(seen["relu1_1"]), gram(style["relu1_1"]))))
    logs = model.train_step({name: tf.constant(value) for name, value in batch.items()})
    assert float(logs["content"]) == pytest.approx(content, rel=1e-3)
    assert float(logs["style"]) == pytest.approx(2e5 * textures, rel=1e-3)
    parts = [float(logs[name]) for name in ("content", "style", "variation")]
    assert float(logs["total"]) == pytest.approx(sum(parts), rel=1e-5)


def test_the_loss_falls(batch):
    model = small_model(learning_rate=5e-3)
    stream = tf.data.Dataset.from_tensors(batch).repeat()
    totals = model.fit(stream, steps_per_epoch=10, epochs=2, verbose=0).history["total"]
    assert totals[1] < 0.8 * totals[0]


def test_styles_are_asked_by_name_and_mixed(model, shake):
    shake(model)
    photo = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    waves, dots, both = model.translate([photo] * 3, [{"style": s} for s in ("waves", "dots", "Waves, dots")])
    assert waves.shape == (20, 30, 3) and np.any(waves != dots)
    trained = model.trained()
    for share, expected in ((0, waves), (0.5, both), (1, dots)):
        blend = trained.between({"style": "Waves"}, {"style": "Dots"}, share)
        np.testing.assert_allclose(blend.translate(photo).astype(int), expected, atol=1)
    with pytest.raises(RecipeError, match=r"must be 0 to 1\. Received: 2"):
        trained.between({"style": "Waves"}, {"style": "Dots"}, 2)


def test_a_file_can_be_asked_for_what_lies_between(model, tmp_path):
    trained = model.trained()
    trained.save(tmp_path / "model.keras")
    again, photo = tpg.load(tmp_path / "model.keras"), Image.new("RGB", (16, 16), (200, 20, 20))
    made = [each.between({"style": "waves"}, {"style": "dots"}, 0.3).translate(photo) for each in (trained, again)]
    np.testing.assert_array_equal(*made)


def test_what_cannot_be_learnt_is_refused(tmp_path):
    with pytest.raises(RecipeError, match=r"there are none to learn: use Catalogue\.with_styles"):
        small_model(tpg.ConditionSchema([STYLE], 16, 3))
    with pytest.raises(RecipeError, match="There is no file"):
        small_model(features=str(tmp_path / "vgg.npz"))
    with pytest.raises(RecipeError, match="VGG-19 has no layer 'relu9_1'"):
        small_model(content_layer="relu9_1")
