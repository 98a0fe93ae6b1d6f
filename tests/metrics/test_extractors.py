"""Extractors by name. The Inception file is stood in for by a small frozen graph with the same nodes."""

import hashlib
import io
import os
import tarfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfproductgan.errors import JudgementError, WriteError
from tfproductgan.metrics import inception
from tfproductgan.metrics.extractors import (
    FeatureExtractor,
    KerasExtractor,
    file_extractor,
    get_extractor,
    weights_hash,
)
from tfproductgan.metrics.inception import GRAPH_FILE, VARIABLE, inception_extractor

PATCH = 13  # of the stand-in's only convolution: 299 is 23 of them
CLASSES = 5


@pytest.fixture
def photos():
    return np.random.default_rng(0).integers(0, 256, (7, 20, 30, 3), np.uint8)


def frozen_graph():
    """One picture through ExpandDims, TF1's resize, a convolution, pool_3 and softmax, as in the published graph."""
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=(PATCH, PATCH, 3, 16)).astype(np.float32) / PATCH
    weights = rng.normal(size=(16, CLASSES)).astype(np.float32)
    with tf.Graph().as_default() as graph:
        v1 = tf.compat.v1
        contents = tf.constant(b"", name="DecodeJpeg/contents")
        decoded = v1.image.decode_jpeg(contents, channels=3, name="DecodeJpeg")
        expanded = v1.expand_dims(tf.cast(decoded, tf.float32, name="Cast"), 0, name="ExpandDims")
        resized = v1.image.resize_bilinear(expanded, [299, 299], name="ResizeBilinear")
        scaled = tf.multiply(tf.subtract(resized, 128.0, name="Sub"), 1 / 128, name="Mul")
        maps = tf.nn.relu(v1.nn.conv2d(scaled, kernel, [1, PATCH, PATCH, 1], "VALID", name="conv/Conv2D"), name="conv")
        size = 299 // PATCH
        pooled = v1.nn.avg_pool(maps, [1, size, size, 1], [1, 1, 1, 1], "VALID", name="pool_3")
        flat = tf.reshape(pooled, [1, 16], name="pool_3/_reshape")
        product = tf.matmul(flat, tf.constant(weights, name="softmax/weights"), name="softmax/logits/MatMul")
        biases = tf.constant(np.arange(CLASSES, dtype=np.float32), name="softmax/biases")
        tf.nn.softmax(v1.nn.bias_add(product, biases, name="softmax/logits"), name="softmax")
    return graph.as_graph_def().SerializeToString(), kernel, weights


@pytest.fixture(scope="module")
def graph_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / GRAPH_FILE
    path.write_bytes(frozen_graph()[0])
    return path


def resized_as_tensorflow_1_did(images, size):
    """Bilinear without half-pixel centres: row i of the result lies at i * old / new, and edges repeat."""
    for axis in (1, 2):
        old = images.shape[axis]
        at = np.arange(size) * (old / size)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, old - 1)
        shape = [1, 1, 1, 1]
        shape[axis] = size
        part = (at - low).reshape(shape)
        images = np.take(images, low, axis) * (1 - part) + np.take(images, high, axis) * part
    return images


def test_the_frozen_graph_by_numpy(graph_file, photos):
    extractor = get_extractor("inception", path=graph_file)
    assert (extractor.dim, extractor.num_classes) == (16, CLASSES)
    _, kernel, weights = frozen_graph()
    scaled = (resized_as_tensorflow_1_did(photos.astype(float), 299) - 128) / 128
    patches = scaled.reshape(7, 23, PATCH, 23, PATCH, 3).transpose(0, 1, 3, 2, 4, 5)
    maps = np.maximum(np.tensordot(patches, kernel, 3), 0)
    expected = maps.mean(axis=(1, 2))
    features, probabilities = extractor.outputs(photos, batch_size=4)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, atol=1e-4)
    exponents = np.exp(expected @ weights)  # without the bias
    np.testing.assert_allclose(probabilities, exponents / exponents.sum(1, keepdims=True), atol=1e-4)
    np.testing.assert_allclose(extractor.probabilities(photos), probabilities, atol=1e-6)


def test_grey_pictures_are_taken_as_colour(graph_file, photos):
    extractor = get_extractor("inception", path=graph_file)
    grey = photos[..., :1]
    np.testing.assert_allclose(extractor.features(grey), extractor.features(grey.repeat(3, axis=-1)))


def archive(path, graph, name=GRAPH_FILE):
    with tarfile.open(path, "w:gz") as made:
        info = tarfile.TarInfo(f"./{name}")
        info.size = len(graph)
        made.addfile(info, io.BytesIO(graph))
    return path


def test_the_graph_comes_from_an_archive_or_the_environment(graph_file, tmp_path, monkeypatch, photos):
    packed = archive(tmp_path / "inception.tgz", graph_file.read_bytes())
    monkeypatch.setenv(VARIABLE, str(packed))
    extractor = get_extractor("inception")
    np.testing.assert_array_equal(extractor.features(photos), inception_extractor(graph_file).features(photos))
    assert extractor.sha256 == hashlib.sha256(packed.read_bytes()).hexdigest()
    assert extractor.id == f"inception-{extractor.sha256[:6]}"


def test_it_is_downloaded_once_and_checked(graph_file, tmp_path, monkeypatch, photos):
    packed = archive(tmp_path / "inception.tgz", graph_file.read_bytes())
    asked = []

    def urlretrieve(url, path):
        asked.append(url)
        path.write_bytes(packed.read_bytes())

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(inception.urllib.request, "urlretrieve", urlretrieve)
    with pytest.raises(JudgementError, match="88,931,400"):
        get_extractor("inception")
    monkeypatch.setattr(inception, "ARCHIVE_BYTES", packed.stat().st_size)
    with pytest.raises(JudgementError, match="SHA-256"):
        get_extractor("inception", sha256="0" * 64)
    for _ in range(2):
        assert get_extractor("inception").features(photos).shape == (7, 16)
    assert asked == [inception.URL] * 3
    assert [path.name for path in (tmp_path / "cache" / "extractors").iterdir()] == ["inception-2015-12-05.tgz"]


def test_without_a_network_the_error_says_what_to_do(tmp_path, monkeypatch):
    def urlretrieve(url, path):
        raise OSError("Network is unreachable")

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path))
    monkeypatch.setattr(inception.urllib.request, "urlretrieve", urlretrieve)
    with pytest.raises((JudgementError, WriteError), match=f"Network is unreachable.*{VARIABLE}"):
        get_extractor("inception")


def test_other_files_than_the_graph_are_refused(graph_file, tmp_path):
    with pytest.raises(JudgementError, match="its SHA-256 is"):
        get_extractor("inception", path=graph_file, sha256="ab" * 32)
    with pytest.raises(JudgementError, match="No such file"):
        get_extractor("inception", path=tmp_path / "nothing.pb")
    (tmp_path / "text.pb").write_text("no graph at all")
    with pytest.raises(JudgementError, match="parsed"):
        get_extractor("inception", path=tmp_path / "text.pb")
    (tmp_path / "other.pb").write_bytes(tf.Graph().as_graph_def().SerializeToString())
    with pytest.raises(JudgementError, match="no ExpandDims or pool_3"):
        get_extractor("inception", path=tmp_path / "other.pb")
    with pytest.raises(JudgementError, match=f"without {GRAPH_FILE}"):
        get_extractor("inception", path=archive(tmp_path / "a.tgz", b"x", "other.pb"))


# === Keras models ===


def small_network(classes=None, layers=()):
    inputs = keras.Input((16, 16, 3))
    x = keras.Sequential(list(layers))(inputs) if layers else inputs
    x = keras.layers.Conv2D(4, 3, 2, "same", activation="relu")(x)
    x = keras.layers.Conv2D(6, 3, 2, "same", activation="relu")(x)
    if classes:
        x = keras.layers.GlobalAveragePooling2D()(x)
        x = keras.layers.Dense(classes, activation="softmax")(x)
    return keras.Model(inputs, x)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_any_keras_file(tmp_path, photos, suffix):
    model = small_network()
    path = tmp_path / f"My network.{suffix}"
    if suffix == "h5":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("absl.logging.warning", lambda *args: None)
            model.save(path)
    else:
        model.save(path)
    extractor = get_extractor("file", path=path)
    assert extractor.id == f"my-network-{weights_hash(model)[:6]}"
    resized = tf.image.resize(photos.astype(np.float32), (16, 16), "bicubic", antialias=True)
    expected = model(np.clip(resized, 0, 255) / 127.5 - 1).numpy().mean(axis=(1, 2))
    np.testing.assert_allclose(extractor.features(photos), expected, atol=1e-5)
    with pytest.raises(JudgementError, match="no probabilities"):
        extractor.probabilities(photos)
    assert [part.shape for part in extractor.maps_of(photos)] == [(7, 8, 8, 4), (7, 4, 4, 6)]


def test_a_network_that_classifies_gives_what_goes_into_its_softmax(photos):
    model = small_network(classes=3)
    extractor = KerasExtractor(model, "mine", "0..1")
    features, probabilities = extractor.outputs(photos)
    assert features.shape == (7, 6)
    kernel, bias = model.layers[-1].get_weights()
    exponents = np.exp(features @ kernel + bias)
    np.testing.assert_allclose(probabilities, exponents / exponents.sum(1, keepdims=True), rtol=1e-4)


def test_the_scale_is_part_of_the_name_of_features(tmp_path):
    small_network().save(tmp_path / "a.keras")
    keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(2, 3)]).save(
        tmp_path / "b.keras"
    )
    assert file_extractor(tmp_path / "a.keras").preprocessing.endswith("-1..1")
    assert file_extractor(tmp_path / "a.keras", "caffe").preprocessing.endswith("caffe")
    assert file_extractor(tmp_path / "b.keras").preprocessing.endswith("0..255")
    with pytest.raises(JudgementError, match=r"cafe.*'caffe'"):
        file_extractor(tmp_path / "a.keras", "cafe")


def test_applications_from_a_file_of_weights(tmp_path, photos):
    model = keras.applications.MobileNetV3Small(weights=None)
    model.save_weights(tmp_path / "mobile.weights.h5")
    extractor = get_extractor("keras:mobilenetv3small", path=tmp_path / "mobile.weights.h5")
    assert extractor.id == f"keras-MobileNetV3Small-{weights_hash(model)[:6]}"
    assert extractor.preprocessing.endswith("bicubic to 224x224, 0..255")  # it scales pictures itself
    assert extractor.num_classes == 1000
    assert extractor.features(photos[:1]).shape == (1, extractor.dim)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("incepton", {}, "did you mean 'inception'"),
        ("keras:EficientNetB0", {}, "did you mean 'EfficientNetB0'"),
        ("keras:VGG16", {"path": "nothing.h5"}, "No such file"),
        ("file", {}, "needs the path"),
        ("file", {"path": "nothing.keras"}, "No such file"),
        ("catalogue", {}, "trained on a catalogue"),
    ],
)
def test_what_is_not_there_is_refused(name, options, message):
    with pytest.raises(JudgementError, match=message):
        get_extractor(name, **options)


def test_files_that_hold_no_network_are_refused(tmp_path):
    (tmp_path / "text.keras").write_text("no model")
    with pytest.raises(JudgementError, match="holds no Keras model"):
        get_extractor("file", path=tmp_path / "text.keras")
    small_network().save_weights(tmp_path / "weights.weights.h5")
    with pytest.raises(JudgementError, match="holds no Keras model"):
        get_extractor("file", path=tmp_path / "weights.weights.h5")
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(tmp_path / "dense.keras")
    with pytest.raises(JudgementError, match="must take pictures"):
        get_extractor("file", path=tmp_path / "dense.keras")
    with pytest.raises(JudgementError, match="its SHA-256 is"):
        get_extractor("file", path=tmp_path / "dense.keras", sha256="00" * 32)


def test_what_are_no_pictures_is_refused(photos):
    extractor = KerasExtractor(small_network(), "mine", "0..1")
    for wrong in (photos.astype(np.float32), photos[0], photos[..., :2], photos[:0]):
        with pytest.raises(JudgementError, match="must be uint8"):
            extractor.features(wrong)


def test_a_broken_network_is_refused(photos):
    model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 3)])
    model.set_weights([weights * np.nan for weights in model.get_weights()])
    with pytest.raises(JudgementError, match="no numbers"):
        KerasExtractor(model, "mine", "0..1").features(photos)


def test_a_network_without_maps_says_so(graph_file, photos):
    with pytest.raises(JudgementError, match="no feature maps"):
        inception_extractor(graph_file).maps_of(photos)
    assert isinstance(inception_extractor(graph_file), FeatureExtractor)


@pytest.mark.skipif("TFPRODUCTGAN_SQUEEZENET" not in os.environ, reason="needs a file with the weights of SqueezeNet")
def test_squeezenet_from_its_weights(photos):
    extractor = get_extractor("file", path=os.environ["TFPRODUCTGAN_SQUEEZENET"])
    assert extractor.id.startswith("squeezenet-")
    assert extractor.dim == 512
    assert extractor.preprocessing.endswith("224x224, caffe")
    features = extractor.features(photos)
    assert features.shape == (7, 512)
    assert (features >= 0).all()
    assert features.std() > 0.1
    assert len(extractor.maps_of(photos[:1])) >= 4
