"""Pictures of pictures: what a trained model does for people who have one already."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from PIL import Image

from tfproductgan.catalogue.photos import (
    Placement,
    background_colour,
    open_photo,
    photo_of_array,
    photo_of_pillow,
    place,
)
from tfproductgan.conditions import Conditions
from tfproductgan.errors import PhotoError
from tfproductgan.models.pictures import in_chunks, to_float, to_uint8

_TILES_AT_ONCE = 64

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

    def translate_in_tiles(self, picture: Picture, conditions: Conditions | None = None) -> np.ndarray:
        """What is made of a large picture with all its pixels, in tiles as large as the pictures that were learnt.

        Each is made without the others, so this is for models of surfaces and of parts of pictures. Tiles overlap by
        half and fade into each other, so that there are no seams.

        Args:
            picture: As of `translate`. A side shorter than a tile has its own background continued.
            conditions: Likewise, of one picture.

        Returns:
            uint8 `[H, W, C]` of the picture's own height and width.

        Raises:
            ConditionError: If an attribute or a value cannot be.
            PhotoError: If the picture cannot be read.
        """
        photo, size = _opened(picture, 0), self.schema.image_size
        ids = self.schema.encode_all([conditions])
        given = np.asarray(photo.convert("L" if self.schema.source_channels == 1 else "RGB"))
        given = given.reshape(photo.height, photo.width, -1)
        shape = tuple(max(size, side) for side in given.shape[:2])
        whole = np.empty((*shape, given.shape[2]), np.uint8)
        whole[:] = background_colour(given)
        whole[: photo.height, : photo.width] = given
        corners = [(top, left) for top in _starts(shape[0], size) for left in _starts(shape[1], size)]
        tiles = [(slice(top, top + size), slice(left, left + size)) for top, left in corners]
        fade = np.minimum(np.arange(1, size + 1), np.arange(size, 0, -1)).astype(np.float32)
        weight = np.outer(fade, fade)[..., None]
        made, weights = np.zeros((*shape, self.schema.channels), np.float32), np.zeros((*shape, 1), np.float32)
        for first in range(0, len(tiles), _TILES_AT_ONCE):
            some = tiles[first : first + _TILES_AT_ONCE]
            sources = np.stack([whole[tile] for tile in some])
            for tile, square in zip(some, self.translate_squares(sources, ids.repeat(len(some), axis=0)), strict=True):
                made[tile] += weight * square
                weights[tile] += weight
        return np.rint(made / weights)[: photo.height, : photo.width].astype(np.uint8)

    def translate_squares(self, sources: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """What is made of pictures that a catalogue has prepared.

        Args:
            sources: uint8 `[N, image_size, image_size, source_channels]`.
            ids: Condition ids, int32 `[N, columns]`; 0 is not given.

        Returns:
            uint8 `[N, image_size, image_size, channels]`. A row depends on its own picture alone.
        """
        size = self.schema.image_size
        return in_chunks(self._translate_rows, (sources, ids), (size, size, self.schema.channels), at_once=1)

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


def _starts(length: int, size: int) -> list[int]:
    """Where tiles begin that overlap by half, or a little more, as the length wants it."""
    count = math.ceil(2 * (length - size) / size) + 1
    return np.linspace(0, length - size, count).round().astype(int).tolist()


def scaled_back(square: np.ndarray, placement: Placement, size: tuple[int, int]) -> np.ndarray:
    """The picture in a square at its own width and height."""
    inner = Image.fromarray(np.squeeze(placement.crop(square), -1) if square.shape[-1] == 1 else placement.crop(square))
    scaled = np.asarray(inner.resize(size, Image.Resampling.LANCZOS))
    return scaled.reshape(size[1], size[0], square.shape[-1])
