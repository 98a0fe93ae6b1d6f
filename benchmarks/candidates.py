"""What else was tried as an extractor of how pictures look: the columns of `judges.py` beside `texture`.

All but one need nothing but the picture; `depths` asks the catalogue's own classifier.
"""

from __future__ import annotations

import hashlib

import numpy as np
import tensorflow as tf

from tfproductgan.metrics.classifier import catalogue_classifier
from tfproductgan.metrics.feature_extractor import FeatureExtractor, with_channels

_LEVELS = 4


class Candidate(FeatureExtractor):
    """Statistics of pictures, float32 `[N, H, W, 3]`, by a function; its name is all of its hash."""

    def __init__(self, name, statistics):
        self._statistics = statistics
        dim = self._forward(tf.zeros((1, 64, 64, 3), tf.uint8))[0].shape[-1]
        super().__init__(name, hashlib.sha256(name.encode()).hexdigest(), dim, "0..255")

    def _forward(self, images):
        return [tf.concat(self._statistics(tf.cast(with_channels(images, 3), tf.float32)), 1)]


class Depths(FeatureExtractor):
    """Mean and spread of every channel of the catalogue's classifier, at all its depths."""

    def __init__(self, catalogue):
        self._classifier = catalogue_classifier(catalogue)
        shape = self._classifier.image_shape
        dim = self._forward(tf.zeros((1, *shape), tf.uint8))[0].shape[-1]
        super().__init__("depths", self._classifier.sha256, dim, "0..255", image_shape=shape)

    def _forward(self, images):
        return [tf.concat([part for each in self._classifier._maps(images) for part in _moments(each)], 1)]


def _moments(maps):
    return tf.reduce_mean(maps, (1, 2)), tf.math.reduce_std(maps, (1, 2))


def _octaves(pictures):
    for _ in range(_LEVELS):
        yield pictures
        pictures = tf.nn.avg_pool2d(pictures, 2, 2, "SAME")


def _random_filters(size, count, seed):
    """Without a mean, of norm 1."""
    filters = np.random.default_rng(seed).normal(size=(size, size, 3, count))
    filters -= filters.mean((0, 1, 2))
    return (filters / np.sqrt(np.square(filters).sum((0, 1, 2)))).astype(np.float32)


def convolutions(pictures):
    """Random ones, rectified, at four scales: mean and spread of 32 channels each."""
    maps = [tf.nn.relu(tf.nn.conv2d(octave, _random_filters(5, 32, 1), 1, "SAME")) for octave in _octaves(pictures)]
    return [part / 20 for each in maps for part in _moments(each)]


def spectrum(pictures):
    """Logarithm of the power in 12 rings of frequencies and two kinds of directions, of light."""
    size = pictures.shape[1]
    light = tf.reduce_mean(pictures, -1)
    light -= tf.reduce_mean(light, (1, 2), keepdims=True)
    window = np.hanning(size + 2)[1:-1].astype(np.float32)
    power = tf.abs(tf.signal.fft2d(tf.cast(light * np.outer(window, window), tf.complex64))) ** 2 / size**2
    frequencies = np.abs(np.fft.fftfreq(size))
    across, along = np.meshgrid(frequencies, frequencies)
    ring = np.minimum(np.hypot(across, along) / np.sqrt(0.5) * 12, 11).astype(int)
    kind = 2 * ring + (np.minimum(across, along) > 0.4 * np.maximum(across, along))
    members = np.eye(24, dtype=np.float32)[kind.ravel()]
    return [tf.math.log1p(tf.reshape(power, (-1, size * size)) @ (members / np.maximum(members.sum(0), 1)))]


def patches(pictures):
    """Random projections of 7 x 7 patches of a Laplacian pyramid: their spread and their mean strength.

    Reference:
        [Progressive Growing of GANs](https://arxiv.org/abs/1710.10196) (sliced Wasserstein distance of patches)
    """
    found = []
    for octave in _octaves(pictures):
        coarse = tf.nn.avg_pool2d(octave, 2, 2, "SAME")
        band = octave - tf.image.resize(coarse, octave.shape[1:3])
        projected = tf.nn.conv2d(band, _random_filters(7, 24, 2), 1, "SAME") / 20
        found += [tf.reduce_mean(tf.abs(projected), (1, 2)), tf.math.reduce_std(projected, (1, 2))]
    return found


def pyramid(pictures):
    """Mean and spread of the logarithm of each colour's bands of a Laplacian pyramid."""
    found = []
    for octave in _octaves(pictures):
        coarse = tf.nn.avg_pool2d(octave, 2, 2, "SAME")
        band = octave - tf.image.resize(coarse, octave.shape[1:3])
        found += _moments(tf.math.log1p(tf.abs(band) / 4))
    return found


CANDIDATES = {
    "depths": Depths,
    **{
        function.__name__: lambda catalogue, function=function: Candidate(function.__name__, function)
        for function in (convolutions, spectrum, patches, pyramid)
    },
}
"""Name to what makes the extractor of a catalogue."""
