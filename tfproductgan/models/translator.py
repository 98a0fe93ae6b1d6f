"""Pictures of pictures: what a trained model does for people who have one already."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from PIL import Image

from tfproductgan.catalogue.photos import Placement, open_photo, photo_of_array, photo_of_pillow, place
from tfproductgan.conditions import Conditions
from tfproductgan.errors import PhotoError
from tfproductgan.models.pictures import in_chunks, to_float, to_uint8

Picture = str | os.PathLike | np.ndarray | Image.Image


class Translator:
    """Mixin of models that hold a `schema`, a `model_id` and a `translating_network`, a `TranslatingGenerator`."""

    asks = "translator"
    # names of the ways that `translate` can go, by its `to` if there is more than one
    directions: ClassVar[tuple[str, ...]] = ("B",)
    schema: Any
    model_id: str
    translating_network: Any

    def translate(
        self,
        pictures: Picture | Sequence[Picture],
        conditions: Conditions | Sequence[Conditions] | None = None,
    ) -> np.ndarray | list[np.ndarray]:
        """What is made of a picture, or of each of several.

        Each is fitted into a square of `schema.image_size` pixels, its own background continued, as the photos of a
        catalogue are, and what comes out is scaled back.

        Args:
            pictures: A file's path, uint8 `[H, W]` or `[H, W, C]`, a Pillow image, or a list of them.
            conditions: A mapping of attribute name to value name or to several, partial or empty, for all, or a list of
                them with one for each. What is not given is left to the picture.

        Returns:
            uint8 `[H, W, C]` of each picture's own height and width; a list of them for a list.

        Raises:
            ConditionError: If an attribute or a value cannot be.
            PhotoError: If a picture cannot be read.

        Example:
        ```python
        photo = tpg.load("runs/sketches").translate("sketch.png", {"category": "Watch"})
        ```
        """
        several = isinstance(pictures, list | tuple)
        photos = [_opened(picture, number) for number, picture in enumerate(pictures if several else [pictures])]
        asked = list(conditions) if isinstance(conditions, list | tuple) else [conditions] * len(photos)
        if len(asked) != len(photos):
            raise PhotoError(f"Conditions for {len(asked)} pictures were given. Received: {len(photos)} pictures")
        ids = self.schema.encode_all(asked)
        size, channels = self.schema.image_size, self.schema.source_channels
        placed = [place(photo, size, channels=channels) for photo in photos]
        squares = (
            np.stack([square for square, _ in placed]) if placed else np.zeros((0, size, size, channels), np.uint8)
        )
        made = self.translate_squares(squares, ids)
        found = [
            scaled_back(square, placement, photo.size)
            for square, (_, placement), photo in zip(made, placed, photos, strict=True)
        ]
        return found if several else found[0]

    def translate_squares(self, sources: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """What is made of pictures that a catalogue has prepared.

        Args:
            sources: uint8 `[N, image_size, image_size, source_channels]`.
            ids: Condition ids, int32 `[N, columns]`; 0 is not given.

        Returns:
            uint8 `[N, image_size, image_size, channels]`. A row depends on its own picture alone.
        """
        size = self.schema.image_size
        return in_chunks(self._translate_rows, (sources, ids), (size, size, self.schema.channels))

    @tf.function(autograph=False, reduce_retracing=True)
    def _translate_rows(self, sources, ids):
        inputs = {"source": to_float(sources), "conditions": ids}
        return to_uint8(self.translating_network(inputs, training=False))


def _opened(picture, number):
    if isinstance(picture, Image.Image):
        return photo_of_pillow(picture, f"picture {number}")
    if isinstance(picture, np.ndarray):
        return photo_of_array(picture, f"picture {number}")
    try:
        return open_photo(Path(picture).read_bytes(), os.fspath(picture))
    except OSError as error:
        raise PhotoError(f"{os.fspath(picture)!r} cannot be read: {error.strerror}") from error


def scaled_back(square: np.ndarray, placement: Placement, size: tuple[int, int]) -> np.ndarray:
    """The picture in a square at its own width and height."""
    inner = Image.fromarray(np.squeeze(placement.crop(square), -1) if square.shape[-1] == 1 else placement.crop(square))
    scaled = np.asarray(inner.resize(size, Image.Resampling.LANCZOS))
    return scaled.reshape(size[1], size[0], square.shape[-1])
