"""What VGG-19 sees in pictures, layer by layer: of `keras.applications`, from a file, or with random filters.

Layers are called as in papers: `relu3_1` is what the first convolution of the third block gives, rectified.

Whatever the weights, each layer is scaled so that the mean of what it gives is 1 for noise with the spectrum of photos:
weights of losses then carry over from one file to another. A network of convolutions and rectifiers stays the same in
all else.

References:
    Simonyan and Zisserman, 2015, Very Deep Convolutional Networks, https://arxiv.org/abs/1409.1556; Gatys et al., 2016
    (layers scaled to a mean of 1); Ustyuzhaninov et al., 2017, What does it take to generate natural textures?,
    https://openreview.net/forum?id=BJhZeLsxx (random filters)
"""

from __future__ import annotations

import functools
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import h5py
import keras
import numpy as np
import tensorflow as tf

from tfproductgan.errors import RecipeError, nearest

BLOCKS = {1: (64, 2), 2: (128, 2), 3: (256, 4), 4: (512, 4), 5: (512, 4)}
"""Channels and number of convolutions of each block; between blocks the maximum of 2 x 2 pixels is taken."""

LAYERS = tuple(f"relu{block}_{number}" for block, (_, count) in BLOCKS.items() for number in range(1, count + 1))
"""Names of all layers, from the picture on."""

CONTENT, STYLE = "relu4_2", ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""What Gatys et al. compare."""

NAMES = ("vgg19", "random", "a file (.npz, .h5 or .keras)")
"""What `vgg19_features` takes."""

_ENDINGS = (".npz", ".h5", ".hdf5", ".keras")
_MEAN = (103.939, 116.779, 123.68)  # of blue, green and red, which ImageNet's photos were less
_NOISE_SIZE = 64


class _Weights(NamedTuple):
    """Kernels `[3, 3, in, out]` and biases in the order of `LAYERS`, a colour transform that comes first, `[3, 3]` and
    `[3]` of red, green and blue from 0 to 255, and how convolutions look past the edge.
    """

    convolutions: list[tuple[np.ndarray, np.ndarray]]
    colours: tuple[np.ndarray, np.ndarray]
    padding: str


class Features:
    """The layers of VGG-19 that some weights suffice for.

    Args:
        name: What messages and files call it.
        weights: The weights of the first layers.

    Attributes:
        layers: Names of the layers there are, from the picture on.
    """

    def __init__(self, name: str, weights: _Weights):
        self.name = name
        self.layers = LAYERS[: len(weights.convolutions)]
        self._padding = weights.padding
        self._colours = [tf.constant(part, tf.float32) for part in weights.colours]
        self._convolutions = [[tf.constant(part, tf.float32) for part in pair] for pair in weights.convolutions]
        noise = self._maps(tf.constant(_photo_noise()), self.layers)
        self._scales = {layer: 1.0 / max(float(tf.reduce_mean(noise[layer])), 1e-12) for layer in self.layers}

    def __call__(self, images: tf.Tensor, layers: Sequence[str]) -> dict[str, tf.Tensor]:
        """What layers see.

        Args:
            images: float32 `[B, H, W, 3 or 1]`, values of 0 to 255.
            layers: Names among `layers`.

        Returns:
            Layer to `[B, h, w, C]`.
        """
        return {layer: found * self._scales[layer] for layer, found in self._maps(images, layers).items()}

    def chosen(self, content: str | None = None, style: Sequence[str] | None = None) -> tuple[str, tuple[str, ...]]:
        """The layers to compare: those of Gatys et al. as far as there are weights for them.

        Args:
            content: The layer that a photo's content is taken from, if not `CONTENT` or the last there is.
            style: Those that styles are taken from, if not all of `STYLE` that there are.

        Raises:
            RecipeError: If a layer does not exist or there are no weights for it.
        """
        for layer in ([content] if content else []) + list(style or ()):
            if layer not in LAYERS:
                raise RecipeError(f"VGG-19 has no layer {layer!r}: {nearest(layer, LAYERS)}")
            if layer not in self.layers:
                raise RecipeError(f"{self.name} holds VGG-19 up to {self.layers[-1]}, and {layer} comes later.")
        found = content or (CONTENT if CONTENT in self.layers else self.layers[-1])
        return found, tuple(style or (layer for layer in STYLE if layer in self.layers))

    def style_weight(self, content: str) -> float:
        """What a style weighs beside a content of that layer: ten times as much before `CONTENT`, since such layers
        hold on to every edge.
        """
        return 2e5 if LAYERS.index(content) < LAYERS.index(CONTENT) else 2e4

    def least_side(self, layers: Sequence[str]) -> int:
        """How many pixels a side of a picture must have at least for these layers: two positions in each."""
        return 2 ** max(int(layer[4]) for layer in layers)

    def _maps(self, images, layers):
        kernel, bias = self._colours
        x = images if images.shape[-1] == 3 else tf.repeat(images, 3, axis=-1)
        x = tf.tensordot(x, kernel, 1) + bias
        found = {}
        last = max(self.layers.index(layer) for layer in layers)
        for layer, (kernel, bias) in zip(self.layers[: last + 1], self._convolutions, strict=False):
            if layer.endswith("_1") and layer != LAYERS[0]:
                x = tf.nn.max_pool2d(x, 2, 2, "VALID")
            x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], self._padding)
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "VALID") + bias)
            if layer in layers:
                found[layer] = x
        return found


@functools.cache
def vgg19_features(name: str) -> Features:
    """The features of a name; read once.

    Args:
        name: `"vgg19"` for the weights of `keras.applications`, which Keras downloads; `"random"` for random filters,
            which need no file and give rougher textures; or the path of a file with the weights of VGG-19, or of its
            first layers: `.npz` as exported from PyTorch, `.h5` or `.keras`.

    Raises:
        RecipeError: If there is no such file, it holds another network, or the download fails.
    """
    if name == "random":
        return Features("random filters", _random())
    if name == "vgg19":
        try:
            model = keras.applications.VGG19(include_top=False, weights="imagenet")
        except Exception as error:  # whatever the download raised
            said = " ".join(str(error).split())[:200].rstrip(". ")
            raise RecipeError(
                f"The weights of VGG-19 cannot be downloaded: {said}. Give a file of them, or take 'random'."
            ) from error
        return Features("VGG-19 of keras.applications", _of_keras(_convolutions_of(model), "VGG-19"))
    path = Path(name)
    if path.suffix.casefold() not in _ENDINGS:
        raise RecipeError(f"Features are {', '.join(NAMES[:-1])} or {NAMES[-1]}. Received: {name!r}")
    if not path.is_file():
        raise RecipeError(f"There is no file {name!r} with the weights of VGG-19.")
    read = {".npz": _read_npz, ".keras": _read_keras}.get(path.suffix.casefold(), _read_hdf5)
    try:
        weights = read(path)
    except RecipeError:
        raise
    except Exception as error:  # damaged files raise nearly anything
        said = next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
        raise RecipeError(f"{name!r} cannot be read as weights of VGG-19: {said}") from error
    return Features(path.name, weights)


# === Files ===


def _read_npz(path):
    """Convolutions in the order of the numbers in their names, `[out, in, 3, 3]`; a first one of 1 x 1 pixels makes of
    RGB from 0 to 1 what the network was trained on.
    """
    with np.load(path) as file:
        arrays = dict(file)
    kernels = [key for key in sorted(arrays, key=_natural) if arrays[key].ndim == 4]
    found = [(arrays[key], arrays.get(re.sub(r"(weight|kernel)$", "bias", key))) for key in kernels]
    found = [(kernel, np.zeros(len(kernel)) if bias is None else bias) for kernel, bias in found]
    if not found or found[0][0].shape != (3, 3, 1, 1):
        return _of_keras([(_to_hwio(kernel), bias) for kernel, bias in found], path.name)
    (first, shift), *rest = found
    convolutions = _checked([(_to_hwio(kernel), bias) for kernel, bias in rest], path.name)
    return _Weights(convolutions, (first[:, :, 0, 0].T / 255.0, shift), "REFLECT")


def _to_hwio(kernel):
    return kernel.transpose(2, 3, 1, 0) if kernel.shape[2:] == (3, 3) else kernel


def _read_keras(path):
    if not zipfile.is_zipfile(path):
        raise RecipeError(f"{str(path)!r} is no .keras file.")
    return _of_keras(_convolutions_of(keras.saving.load_model(path, compile=False)), path.name)


def _convolutions_of(model):
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Conv2D)]
    return [(layer.kernel.numpy(), layer.bias.numpy()) for layer in layers]


def _read_hdf5(path):
    arrays: dict[str, np.ndarray] = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and "optimizer" not in name:
            arrays[name] = item[()]

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    kernels = [name for name in sorted(arrays, key=_natural) if arrays[name].ndim == 4]
    beside = {
        name.rpartition("/")[0]: array for name, array in arrays.items() if array.ndim == 1
    }  # the bias lies in the folder of its kernel
    found = [(arrays[name], beside.get(name.rpartition("/")[0])) for name in kernels]
    return _of_keras([(k, np.zeros(k.shape[-1]) if bias is None else bias) for k, bias in found], path.name)


def _natural(text):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def _of_keras(convolutions, name):
    """The weights of `keras.applications`: for blue, green and red less their means."""
    reverse = np.eye(3)[::-1]
    return _Weights(_checked(convolutions, name), (reverse, -np.array(_MEAN)), "CONSTANT")


def _checked(convolutions, name):
    wanted, before = [], 3
    for channels, count in BLOCKS.values():
        for _ in range(count):
            wanted.append((3, 3, before, channels))
            before = channels
    if not convolutions:
        raise RecipeError(f"{name} holds no convolution, and so not VGG-19 or its first layers.")
    for number, ((kernel, bias), shape) in enumerate(zip(convolutions, wanted, strict=False), start=1):
        if kernel.shape != shape or bias.shape != shape[-1:]:
            raise RecipeError(
                f"{name} holds another network than VGG-19: convolution {number} is {list(kernel.shape)}, and VGG-19's "
                f"is {list(shape)}."
            )
    if len(convolutions) > len(wanted):
        raise RecipeError(f"{name} holds {len(convolutions)} convolutions, and VGG-19 has {len(wanted)}.")
    return convolutions


# === Without a file ===


def _random():
    """Filters as He et al. start networks, of the first three blocks: what deeper ones see tells little."""
    rng = np.random.default_rng(0)
    convolutions, before = [], 3
    for block in (1, 2, 3):
        channels, count = BLOCKS[block]
        for _ in range(count if block < 3 else 1):
            kernel = rng.normal(0, np.sqrt(2 / (9 * before)), (3, 3, before, channels))
            convolutions.append((kernel, np.zeros(channels)))
            before = channels
    return _Weights(convolutions, (np.eye(3), -np.array(_MEAN)[::-1]), "REFLECT")


def _photo_noise():
    """Noise with the spectrum of photos, float32 `[1, 64, 64, 3]`: the same for all."""
    rng = np.random.default_rng(0)
    frequencies = np.hypot(*np.meshgrid(*[np.fft.fftfreq(_NOISE_SIZE)] * 2))
    spectrum = np.fft.fft2(rng.normal(size=(3, _NOISE_SIZE, _NOISE_SIZE))) / np.maximum(frequencies, 1 / _NOISE_SIZE)
    noise = np.fft.ifft2(spectrum).real
    noise = (noise - noise.mean()) / noise.std()
    return np.clip(128 + 64 * noise, 0, 255).astype(np.float32).transpose(1, 2, 0)[None]
