"""What every network that judges has in common: pictures in, features out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfproductgan.errors import JudgementError
from tfproductgan.writing import expanded


class FeatureExtractor:
    """Pictures in, features out; subclasses define `_forward` and, if they can, `maps_of`.

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
        self._graphs: dict[tuple, Callable] = {}

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

    def maps_of(self, images: tf.Tensor) -> list[tf.Tensor]:
        """Feature maps from shallow to deep, `[N, h, w, c]` each, through which gradients flow.

        Args:
            images: `[N, H, W, C]`, 0 to 255.

        Raises:
            JudgementError: If the network has none to show.
        """
        raise JudgementError(f"{self.id} shows no feature maps, which perceptual distances need.")

    def _forward(self, images):
        raise NotImplementedError

    def _in_batches(self, function, images, batch_size):
        shape = tuple(images.shape)
        if images.dtype != np.uint8 or len(shape) != 4 or shape[3] not in (1, 3) or not shape[0]:
            raise JudgementError(f"Pictures must be uint8 [N, H, W, 3 or 1]. Received: {images.dtype} {shape}")
        if self.image_shape is not None and shape[1:] != self.image_shape:
            raise JudgementError(f"{self.id} takes pictures of shape {self.image_shape}. Received: {shape[1:]}")
        key = (function.__name__, shape[1:])
        if key not in self._graphs:  # for batches of any length
            signature = [tf.TensorSpec([None, *shape[1:]], tf.uint8)]
            self._graphs[key] = tf.function(function, signature, autograph=False)
        found = []
        for start in range(0, len(images), batch_size):
            outputs = [output.numpy() for output in self._graphs[key](tf.constant(images[start : start + batch_size]))]
            if not np.isfinite(outputs[0]).all():
                raise JudgementError(f"{self.id} gives features that are no numbers (NaN or infinity).")
            found.append(outputs)
        return [np.concatenate(column) for column in zip(*found, strict=True)]


def with_channels(images: tf.Tensor, channels: int) -> tf.Tensor:
    """Grey pictures for networks of colour and the other way round."""
    if images.shape[-1] == channels:
        return images
    return tf.repeat(images, 3, axis=-1) if channels == 3 else tf.image.rgb_to_grayscale(images)


def weights_hash(model: keras.Model) -> str:
    """SHA-256 of a Keras model's weights, 64 hexadecimal digits, whatever file they came from."""
    digest = hashlib.sha256()
    for weight in model.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
        digest.update(repr((values.shape, str(values.dtype))).encode())
        digest.update(values.data)
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def existing_file(path: str | Path, sha256: str | None = None, hint: str = "") -> Path:
    """The path of a file that is there and, if a hash is given, is the one that was meant.

    Raises:
        JudgementError: If it is not.
    """
    path = expanded(path)
    if not path.is_file():
        raise JudgementError(f"No such file: {str(path)!r}{hint}")
    if sha256 is not None and (found := file_sha256(path)) != sha256.strip().casefold():
        raise JudgementError(
            f"{str(path)!r} is another file than was asked for: its SHA-256 is {found}, expected {sha256}."
        )
    return path
