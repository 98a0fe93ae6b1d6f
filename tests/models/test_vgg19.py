import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import RecipeError
from tfproductgan.models.vgg19 import LAYERS, STYLE, vgg19_features


def kernels(count=3, seed=0):
    """The first convolutions of VGG-19, `[3, 3, in, out]`, and their biases."""
    rng = np.random.default_rng(seed)
    shapes = [(3, 64), (64, 64), (64, 128), (128, 128)][:count]
    return [
        (rng.normal(0, 0.1, (3, 3, *s)).astype(np.float32), rng.normal(size=s[1]).astype(np.float32)) for s in shapes
    ]


def keras_model(layers):
    inputs = x = keras.Input((None, None, 3))
    for number, (kernel, _) in enumerate(layers):
        if number == 2:
            x = keras.layers.MaxPooling2D(2)(x)
        x = keras.layers.Conv2D(kernel.shape[-1], 3, padding="same", activation="relu", name=LAYERS[number])(x)
    model = keras.Model(inputs, x)
    model.set_weights([array for pair in layers for array in pair])
    return model


@pytest.fixture(scope="module")
def images():
    return tf.constant(np.random.default_rng(1).uniform(0, 255, (2, 8, 12, 3)), tf.float32)


@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
def test_files_of_keras_compute_what_keras_does(ending, images, tmp_path):
    model = keras_model(kernels())
    path = tmp_path / f"vgg{ending}"
    model.save(path) if ending == ".keras" else model.save_weights(path)
    features = vgg19_features(str(path))
    assert features.layers == LAYERS[:3]
    mine = features(images, ["relu2_1"])["relu2_1"]
    theirs = model(images[..., ::-1] - [103.939, 116.779, 123.68])
    ratio = theirs.numpy().max() / mine.numpy().max()
    np.testing.assert_allclose(mine * ratio, theirs, rtol=1e-3, atol=1e-3)


def test_arrays_as_pytorch_has_them_are_read(images, tmp_path):
    transform = np.diag([255.0, 255.0, 255.0]).astype(np.float32)[:, ::-1]
    arrays = {"0.weight": transform[:, :, None, None], "0.bias": -np.array([103.939, 116.779, 123.68], np.float32)}
    for number, (kernel, bias) in zip((2, 5, 9), kernels(), strict=True):
        arrays |= {f"{number}.weight": kernel.transpose(3, 2, 0, 1), f"{number}.bias": bias}
    np.savez(tmp_path / "vgg.npz", **arrays)
    keras_model(kernels()).save(tmp_path / "vgg.keras")
    mine, theirs = (
        vgg19_features(str(tmp_path / f"vgg.{e}"))(images, ["relu1_1"])["relu1_1"] for e in ("npz", "keras")
    )
    mine, theirs = mine[:, 1:-1, 1:-1].numpy(), theirs[:, 1:-1, 1:-1].numpy()
    # mirrored edges there, black ones here
    np.testing.assert_allclose(mine / mine.mean(), theirs / theirs.mean(), rtol=1e-3, atol=1e-3)


def test_each_layer_has_a_mean_of_one_for_what_looks_like_photos(images):
    features = vgg19_features("random")
    blurred = tf.image.resize(images, (32, 48), "bicubic")
    for layer, found in features(blurred, features.layers).items():
        assert 0.3 < float(tf.reduce_mean(found)) < 3, layer


def test_grey_pictures_are_seen_as_grey_ones(images):
    features = vgg19_features("random")
    grey = images[..., :1]
    both = [features(each, ["relu2_1"])["relu2_1"] for each in (grey, tf.repeat(grey, 3, axis=-1))]
    np.testing.assert_array_equal(*both)


def test_layers_are_those_there_are_weights_for():
    features = vgg19_features("random")
    assert features.chosen() == ("relu3_1", STYLE[:3])
    assert features.chosen("relu2_2", ["relu1_1"]) == ("relu2_2", ("relu1_1",))
    assert features.least_side(["relu1_1", "relu3_1"]) == 8
    with pytest.raises(RecipeError, match="VGG-19 has no layer 'relu3_9': did you mean 'relu3_"):
        features.chosen("relu3_9")
    with pytest.raises(RecipeError, match="up to relu3_1, and relu4_1 comes later"):
        features.chosen(style=["relu4_1"])


def test_other_files_are_refused_in_one_line(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "other.npz", a=rng.normal(size=(32, 3, 3, 3)), a_bias=rng.normal(size=32))
    np.savez(tmp_path / "empty.npz", a=np.zeros(3))
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["conv/kernel"] = np.zeros((7, 7, 3, 64))
    (tmp_path / "text.npz").write_text("no arrays")
    (tmp_path / "text.keras").write_text("no model")
    said = {
        "other.npz": r"another network than VGG-19: convolution 1 is \[3, 3, 3, 32\], and VGG-19's is \[3, 3, 3, 64\]",
        "other.h5": r"another network than VGG-19: convolution 1 is \[7, 7, 3, 64\]",
        "empty.npz": "holds no convolution",
        "text.npz": "cannot be read as weights of VGG-19",
        "text.keras": r"is no \.keras file",
        "none.h5": "There is no file",
        "vgg16": r"Features are vgg19, random or a file .*Received: '.*vgg16'",
    }
    for name, message in said.items():
        with pytest.raises(RecipeError, match=message) as raised:
            vgg19_features(str(tmp_path / name))
        assert "\n" not in str(raised.value)
