"""How pictures look: sharpness, grain, blocks, checkerboards, tint, without a network and without a download.

Five kinds of statistics of a picture, means and standard deviations over its pixels:

- Oriented energies, of the filters of a steerable pyramid, tell how much sharp and smooth places differ: blur, noise.
- The coherence of neighbouring orientations tells how straight lines and outlines are, faint ones as much as strong
  ones: bent and broken shapes, ringing, noise.
- Bands of a Laplacian pyramid tell how strong details are, in light and in colours: grain, checkerboards.
- Steps between neighbours, by their place on a lattice of 8 pixels: photos have none such; mosaics, JPEG and networks
  that enlarge have.
- The mean colour.

Details count by the logarithm of their strength, as for eyes: grain that nobody sees beside a pattern is plain on a
white background. The weights of the kinds are those by which Fréchet distances of the features rank known faults as
networks that saw a million photos do; docs/judging.md has the table, `benchmarks/judges.py` measures it.

Reference:
    [A parametric texture model based on joint statistics of complex wavelet
    coefficients](https://doi.org/10.1023/A:1026553619983)
"""

from __future__ import annotations

import functools
import hashlib

import numpy as np
import tensorflow as tf

from tfproductgan.metrics.feature_extractor import FeatureExtractor, with_channels

_VERSION = 2  # raised whenever the same picture would have other features
_OCTAVES = 3
_LEAST = 4  # pixels; octaves of smaller pictures say nothing and are 0
_ORIENTATIONS = 4  # 0, 45, 90 and 135 degrees
_PERIOD = 8  # of the lattice
_FAINT = 0.1  # a sum of strengths; weaker lines have no direction
_FLAT = 1.0  # mean root of steps; what is flatter has no lattice
_VISIBLE = 4.0  # 255ths; details below count by their strength, those above by its logarithm
_WEIGHTS = {"energies": 2.0, "coherence": 56.0, "bands": 1.7, "lattice": 2.5, "colour": 0.012}

_BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]).astype(np.float32) / 256
# columns: light, red against green, yellow against blue
_OPPONENT = np.array([[1, 1, 1], [1, -1, 1], [1, 0, -2]], np.float32) / np.sqrt([3, 2, 6]).astype(np.float32)


def _oriented_filters() -> np.ndarray:
    """Pairs of Gabor filters, even and odd, without a mean and of norm 1: float32 `[7, 7, 1, 2 * orientations]`."""
    y, x = np.mgrid[-3:4, -3:4]
    window = np.exp(-(x**2 + y**2) / 5)
    filters = []
    for angle in np.arange(_ORIENTATIONS) * np.pi / _ORIENTATIONS:
        along = x * np.cos(angle) + y * np.sin(angle)
        for phase in (0, np.pi / 2):
            wave = window * np.cos(2 * np.pi * along / 3.5 + phase)
            wave -= window * (wave.sum() / window.sum())
            filters.append(wave / np.linalg.norm(wave))
    # rounded, so that every machine has the same
    return (np.round(np.stack(filters, -1) * 4096) / 4096).astype(np.float32)[:, :, None]


class TextureExtractor(FeatureExtractor):
    """Statistics of how pictures look, 52 a picture, of any size and of light alone where they are grey."""

    def __init__(self):
        self._filters = _oriented_filters()
        constants = [_VERSION, _OCTAVES, _LEAST, _ORIENTATIONS, _PERIOD, _FAINT, _FLAT, _VISIBLE, _WEIGHTS]
        super().__init__(
            name="texture",
            sha256=hashlib.sha256(repr(constants).encode() + self._filters.tobytes()).hexdigest(),
            dim=_OCTAVES * (_ORIENTATIONS + 7) + 2 * _PERIOD + 3,
            preprocessing="opponent colours",
        )

    def _forward(self, images):
        pictures = tf.tensordot(tf.cast(with_channels(images, 3), tf.float32), _OPPONENT, 1)
        light = pictures[..., :1]
        found = {
            "energies": [],
            "coherence": [],
            "bands": [],
            "lattice": [_by_place(light, axis) for axis in (1, 2)],
            "colour": [tf.reduce_mean(pictures, (1, 2))],
        }
        for _ in range(_OCTAVES):
            if min(pictures.shape[1:3]) < _LEAST:
                pictures = tf.zeros_like(pictures[:, :1, :1])
                found["energies"].append(tf.repeat(pictures[:, 0, 0, :1], _ORIENTATIONS, 1))
                found["coherence"].append(pictures[:, 0, 0, :1])
                found["bands"].append(tf.repeat(pictures[:, 0, 0], 2, 1))
                continue
            smooth = _smooth(pictures)
            pairs = _filtered(pictures[..., :1], self._filters)
            strengths = _strength(tf.sqrt(tf.square(pairs[..., ::2]) + tf.square(pairs[..., 1::2])))
            found["energies"].append(tf.math.reduce_std(strengths, (1, 2)))
            found["coherence"].append(_coherence(strengths))
            bands = _strength(tf.abs(pictures - smooth))
            found["bands"] += [tf.reduce_mean(bands, (1, 2)), tf.math.reduce_std(bands, (1, 2))]
            pictures = smooth[:, ::2, ::2]
        return [tf.concat([part * _WEIGHTS[kind] for kind, parts in found.items() for part in parts], 1)]


def _smooth(pictures):
    return _filtered(pictures, np.repeat(_BINOMIAL[:, :, None, None], pictures.shape[-1], 2))


def _filtered(pictures, kernel):
    """Each channel with each filter, pictures continued by their mirror image."""
    rim = kernel.shape[0] // 2
    mirrored = tf.pad(pictures, [(0, 0), (rim, rim), (rim, rim), (0, 0)], "REFLECT")
    return tf.nn.depthwise_conv2d(mirrored, kernel, (1, 1, 1, 1), "VALID")


def _strength(details):
    return tf.math.log1p(details / _VISIBLE)


def _coherence(strengths):
    """From 0, where neighbours point anywhere, to 1, where all lines are straight: `[N, 1]`."""
    # directions by the double angle, where opposite ones are the same and perpendicular ones cancel
    directions = _smooth(strengths[..., :2] - strengths[..., 2:])
    agreeing = tf.reduce_mean(tf.norm(directions, axis=-1), (1, 2))
    return (agreeing / (tf.reduce_mean(tf.reduce_sum(strengths, -1), (1, 2)) + _FAINT))[:, None]


def _by_place(light, axis):
    """By how large a part the steps along an axis are larger or smaller at each place of the lattice: `[N, period]`."""
    count = light.shape[axis] - 1
    first, second = (tf.gather(light, range(start, start + count), axis=axis) for start in (0, 1))
    steps = tf.reduce_mean(tf.sqrt(tf.abs(second - first)), (3 - axis, 3))
    places = np.eye(_PERIOD, dtype=np.float32)[np.arange(count) % _PERIOD]
    means = steps @ (places / np.maximum(places.sum(0), 1))
    mean = tf.reduce_mean(means, 1, keepdims=True)
    return (means - mean) / (mean + _FLAT)


@functools.cache
def texture_extractor() -> TextureExtractor:
    """The extractor: one a process, so that its graphs are traced once."""
    return TextureExtractor()
