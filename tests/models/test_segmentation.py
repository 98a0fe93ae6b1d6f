import keras
import numpy as np
import pytest
import tensorflow as tf

import tfproductgan as tpg
from tfproductgan.errors import RecipeError
from tfproductgan.models.pictures import to_float
from tfproductgan.models.segmentation import Segmentation

SIZE = 28


def small_model(channels=1, **overrides):
    schema = tpg.ConditionSchema([], SIZE, channels, source_channels=3)
    overrides = {"precision": "float32", "images": 4_000, "ema_half_life": 50, **overrides}
    options = {"width": 8, "max_width": 16, "dropout": 0.0, "source_skip": True}
    model = Segmentation.from_recipe("cutout", schema, generator=options, **overrides)
    model.compile()
    return model


def squares(batch=8, seed=0):
    """Dark squares at places of their own before a light ground of a colour of its own, and their masks."""
    rng = np.random.default_rng(seed)
    source = np.repeat(rng.integers(128, 256, (batch, 1, 1, 3)), SIZE, axis=1).repeat(SIZE, axis=2).astype(np.uint8)
    masks = np.zeros((batch, SIZE, SIZE, 1), np.uint8)
    for picture, mask, (row, column) in zip(source, masks, rng.integers(0, SIZE - 10, (batch, 2)), strict=True):
        picture[row : row + 10, column : column + 10], mask[row : row + 10, column : column + 10] = 20, 255
    return {"images": masks, "source": source, "conditions": np.zeros((batch, 0), np.int32)}


def iou(masks, wanted):
    one, other = masks > 127, wanted > 127
    return (one & other).sum(axis=(1, 2, 3)) / (one | other).sum(axis=(1, 2, 3))


def test_it_learns_where_products_are(as_stream):
    model, new = small_model(), squares(seed=99)
    before = iou(model.translate_squares(new["source"], new["conditions"]), new["images"]).mean()
    model.fit(as_stream([squares(seed=seed) for seed in range(8)]), steps_per_epoch=100, epochs=2, verbose=0)
    after = iou(model.translate_squares(new["source"], new["conditions"]), new["images"])
    assert before < 0.5 and after.mean() > 0.9
    tested = model.evaluate(as_stream([new], repeat=False), return_dict=True, verbose=0)
    assert set(tested) == {"loss", "cross_entropy", "iou"}
    assert tested["iou"] == pytest.approx(after.mean(), abs=0.01)


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_the_loss_is_that_of_pixels_and_of_whole_masks(weight):
    batch = squares(batch=2)
    model = small_model(iou_weight=weight)
    inputs = {"source": to_float(batch["source"]), "conditions": tf.constant(batch["conditions"])}
    made = (model.generator(inputs).numpy().astype(np.float64) + 1) / 2
    wanted = batch["images"] / 255
    entropy = float(keras.losses.BinaryCrossentropy()(wanted.reshape(-1), made.reshape(-1)))
    shared = (made * wanted).sum(axis=(1, 2, 3))
    either = (made + wanted).sum(axis=(1, 2, 3)) - shared
    logs = model.train_step({name: tf.constant(value) for name, value in batch.items()})
    assert float(logs["cross_entropy"]) == pytest.approx(entropy, rel=1e-4)
    assert float(logs["loss"]) == pytest.approx(entropy + weight * (1 - (shared / either).mean()), rel=0.01)


def test_a_mask_that_is_wrong_and_sure_still_has_a_gradient():
    model = small_model()
    made = tf.Variable(tf.fill((1, SIZE, SIZE, 1), np.float32(np.tanh(5.0))))
    with tf.GradientTape() as tape:
        loss = model._measured(made, -tf.ones_like(made))["loss"]
    assert np.all(tape.gradient(loss, made).numpy() > 0)


def test_pictures_of_more_channels_are_refused():
    with pytest.raises(RecipeError, match=r"'cutout' makes masks, of one channel: train it on masks \(--masks\)"):
        small_model(channels=3)
