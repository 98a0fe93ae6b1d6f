"""Networks that turn pictures into features, by name. A figure is named after the network whose features it compares.

| name | network |
|---|---|
| `catalogue` | a classifier trained from scratch on the catalogue's own attributes; needs no download |
| `inception` | the Inception graph of 2015-12-05, with which FID was defined |
| `keras-inception` | InceptionV3 of `keras.applications`: another network, with other figures |
| `keras:<application>` | any other network of `keras.applications`, such as `keras:EfficientNetB0` |
| `file` | any Keras model in a file |
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.errors import JudgementError, nearest

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue

NAMES = ("catalogue", "inception", "keras-inception", "keras:<application>", "file")


class FeatureExtractor:
    """Pictures in, features out; subclasses define `_forward` and, if they can, `_maps`.

    Args:
        name: Kind of network.
        sha256: Of its weights.
        dim: Length of the features.
        preprocessing: What is done to pictures before they go in, in words: part of every cache key.
        num_classes: Number of classes of `probabilities`; 0 if the network does not classify.
        image_shape: `(H, W, C)` of the pictures it takes; `None` if it takes any.
    """

    def __init__(
        self,
        name: str,
        sha256: str,
        dim: int,
        preprocessing: str,
        num_classes: int = 0,
        image_shape: tuple[int, int, int] | None = None,
    ):
        self.name = name
        self.sha256 = sha256
        self.dim = int(dim)
        self.preprocessing = preprocessing
        self.num_classes = num_classes
        self.image_shape = image_shape
        self._graphs: dict[str, Callable] = {}

    @property
    def id(self) -> str:
        """The name to put behind figures, such as `catalogue-3f2a9c`."""
        return f"{self.name}-{self.sha256[:6]}"

    def features(self, images: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """Features of pictures.

        Args:
            images: uint8 `[N, H, W, C]`, C 3 or 1.
            batch_size: Pictures at a time.

        Returns:
            float32 `[N, dim]`.

        Raises:
            JudgementError: If these are no pictures that the network takes, or its features are not finite.
        """
        return self.outputs(images, batch_size)[0]

    def probabilities(self, images: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """Probabilities of the classes the network knows (of the first attribute's values): float32 `[N, K]`.

        Raises:
            JudgementError: If the network does not classify.
        """
        if not self.num_classes:
            raise JudgementError(f"{self.id} gives features, but no probabilities, which an inception score needs.")
        return self.outputs(images, batch_size)[1]

    def outputs(self, images: np.ndarray, batch_size: int = 64) -> tuple[np.ndarray, np.ndarray | None]:
        """Features, and probabilities or `None`, from one pass."""
        features, *rest = self._in_batches(self._forward, images, batch_size)
        return features, rest[0] if rest else None

    def feature_maps(self, images: np.ndarray, batch_size: int = 64) -> list[np.ndarray]:
        """Feature maps from shallow to deep, float32 `[N, h, w, c]` each.

        Raises:
            JudgementError: If the network has none to show.
        """
        return self._in_batches(self._maps, images, batch_size, finite=False)

    def _forward(self, images):
        raise NotImplementedError

    def _maps(self, images):
        raise JudgementError(f"{self.id} shows no feature maps, which perceptual distances need.")

    def _in_batches(self, function, images, batch_size, finite=True):
        images = self._checked(images)
        graph = self._graphs.setdefault(function.__name__, tf.function(function, reduce_retracing=True))
        found = []
        for start in range(0, len(images), batch_size):
            parts = [part.numpy() for part in graph(tf.constant(images[start : start + batch_size]))]
            if finite and not np.isfinite(parts[0]).all():
                raise JudgementError(f"{self.id} gives features that are no numbers (NaN or infinity).")
            found.append(parts)
        return [np.concatenate(column) for column in zip(*found, strict=True)]

    def _checked(self, images):
        shape = tuple(images.shape)
        if images.dtype != np.uint8 or len(shape) != 4 or shape[3] not in (1, 3) or not shape[0]:
            raise JudgementError(f"Pictures must be uint8 [N, H, W, 3 or 1]. Received: {images.dtype} {shape}")
        if self.image_shape is not None and shape[1:] != self.image_shape:
            raise JudgementError(f"{self.id} takes pictures of shape {self.image_shape}. Received: {shape[1:]}")
        return images


def get_extractor(name: str, catalogue: Catalogue | None = None, path: str | Path | None = None) -> FeatureExtractor:
    """An extractor by name; nothing is ever put in the place of one that is not there.

    Args:
        name: `"catalogue"`, `"inception"`, `"keras-inception"`, `"keras:<application>"` or `"file"`.
        catalogue: What `"catalogue"` learns from, once.
        path: Of the weights, for all others.

    Raises:
        JudgementError: If there is no such extractor, or what it needs is missing.
    """
    if name == "catalogue":
        if catalogue is None:
            raise JudgementError("The extractor 'catalogue' is trained on a catalogue. Received none.")
        from tfproductgan.metrics.classifier import catalogue_classifier

        return catalogue_classifier(catalogue)
    raise JudgementError(f"Unknown extractor {name!r}: {nearest(name, NAMES)}")


def weights_hash(model: keras.Model) -> str:
    """SHA-256 of a Keras model's weights, 64 hexadecimal digits, whatever file they came from."""
    digest = hashlib.sha256()
    for weight in model.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
        digest.update(repr((values.shape, str(values.dtype))).encode())
        digest.update(values.data)
    return digest.hexdigest()
