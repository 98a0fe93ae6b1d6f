"""Larger pictures: what a trained model does for people whose photos are too small."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from tfproductgan.catalogue.photos import open_with_alpha, photo_of_array, photo_of_pillow, png_file
from tfproductgan.errors import PhotoError
from tfproductgan.models.degradations import smaller
from tfproductgan.models.pictures import in_chunks, to_float, to_uint8
from tfproductgan.models.translator import Picture

_STRIP = 256  # rows
_TILE = 192  # pixels of a source at once: some hundred MB for the widest networks


class Upscaler:
    """Mixin of models that hold a `schema`, a `model_id` and an `upscaling_network`, an `UpscalingGenerator`."""

    asks = "upscaler"
    schema: Any
    model_id: str
    upscaling_network: Any

    @property
    def scale(self) -> int:
        """How many times as high and wide pictures become."""
        return self.upscaling_network.scale

    def upscale(self, pictures: Picture | Sequence[Picture], tile: int = _TILE) -> np.ndarray | list[np.ndarray]:
        """A picture, or each of several, `scale` times as high and wide.

        Large ones are taken in tiles that overlap by as much as a pixel of the network can see, so that seams do not
        differ from the rest, and memory stays that of a tile and of the pictures themselves.

        Args:
            pictures: A file's path, uint8 `[H, W]` or `[H, W, C]`, a Pillow image, or a list of them. They are turned
                upright and converted to sRGB. What is transparent is enlarged on white, and its opacity by itself.
            tile: Height and width of a tile, in pixels of the picture that goes in.

        Returns:
            uint8 `[scale * H, scale * W, C]`, C as the picture has it: 1 of grey ones, 3, or 4 with opacity; a list of
            them for a list.

        Raises:
            PhotoError: If a picture cannot be read.

        Example:
        ```python
        large = tpg.load("runs/sharp").upscale("small.jpg")
        ```
        """
        several = isinstance(pictures, list | tuple)
        found = [self._enlarged(*_opened(each, n), tile) for n, each in enumerate(pictures if several else [pictures])]
        return found if several else found[0]

    def upscale_squares(self, sources: np.ndarray) -> np.ndarray:
        """Pictures of one size, as many channels as the model has, enlarged.

        Args:
            sources: uint8 `[N, H, W, C]`.

        Returns:
            uint8 `[N, scale * H, scale * W, C]`. A row depends on its own picture alone.
        """
        _, height, width, channels = sources.shape
        return in_chunks(self._upscale_rows, (sources,), (self.scale * height, self.scale * width, channels))

    def shrunk(self, photos: np.ndarray) -> np.ndarray:
        """Photos as small as those that would become them: uint8 `[N, H, W, C]`, antialiased bicubic."""
        return smaller(photos, self.scale).numpy()

    def _enlarged(self, photo, alpha, tile):
        pixels = np.asarray(photo)
        grey = pixels.ndim == 2
        pixels = pixels[..., None] if grey else pixels
        parts = [self._in_tiles(part, tile) for part in self._parts(pixels)]
        made = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
        if grey and made.shape[-1] == 3:
            made = _in_strips(lambda rows: np.rint(rows.mean(axis=-1, keepdims=True)).astype(np.uint8), made)
        if alpha is None:
            return made
        opacity = np.asarray(alpha.resize(made.shape[1::-1], Image.Resampling.LANCZOS))[..., None]
        colours = np.broadcast_to(made, (*made.shape[:2], 3))
        return _in_strips(lambda rows, of_rows: np.dstack([_off_white(rows, of_rows), of_rows]), colours, opacity)

    def _parts(self, pixels):
        """Pictures of as many channels as the model has: a model of grey ones takes each colour by itself."""
        if self.schema.channels == 3:
            return [np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels]
        return [pixels[..., n : n + 1] for n in range(pixels.shape[-1])]

    def _in_tiles(self, pixels, tile):
        scale, margin = self.scale, self.upscaling_network.reach
        height, width, channels = pixels.shape
        tile = max(tile, 3 * margin)
        made = np.empty((scale * height, scale * width, channels), np.uint8)
        for top, rows in spans(height, tile, margin):
            for left, columns in spans(width, tile, margin):
                piece = self._upscale_rows(tf.constant(pixels[None, top : top + tile, left : left + tile]))[0].numpy()
                kept = [
                    slice(scale * (part.start - first), scale * (part.stop - first))
                    for part, first in ((rows, top), (columns, left))
                ]
                made[scale * rows.start : scale * rows.stop, scale * columns.start : scale * columns.stop] = piece[
                    kept[0], kept[1]
                ]
        return made

    @tf.function(autograph=False, reduce_retracing=True)
    def _upscale_rows(self, sources):
        return to_uint8(self.upscaling_network({"source": to_float(sources)}, training=False))


def spans(length: int, tile: int, margin: int) -> Iterator[tuple[int, slice]]:
    """Where tiles begin, and which part of the side is taken from each: all but the margins inside the picture.

    All tiles are of one size, so that there is one graph for them; the last ends where the picture does.
    """
    if length <= tile:
        yield 0, slice(0, length)
        return
    starts = [*range(0, length - tile, tile - 2 * margin), length - tile]
    edges = [0, *(start + margin for start in starts[1:]), length]
    yield from ((start, slice(*edges[at : at + 2])) for at, start in enumerate(starts))


def _opened(picture, number):
    """A photo in mode RGB or L on white, and its opacity, if it is not opaque."""
    name = f"picture {number}"
    if isinstance(picture, np.ndarray):
        photo = photo_of_array(picture, name)
        if picture.ndim < 3 or picture.shape[2] < 4 or picture[..., 3].min() == 255:
            return photo, None
        return photo, Image.fromarray(np.ascontiguousarray(picture[..., 3]))
    if isinstance(picture, Image.Image):
        if picture.has_transparency_data:
            return open_with_alpha(png_file(ImageOps.exif_transpose(picture).convert("RGBA")), name)
        return photo_of_pillow(picture, name), None
    try:
        return open_with_alpha(Path(picture).read_bytes(), os.fspath(picture))
    except OSError as error:
        raise PhotoError(f"{os.fspath(picture)!r} cannot be read: {error.strerror}") from error


def _in_strips(function, *arrays):
    """What a function makes of pictures, some rows at a time: it computes with larger numbers than pixels."""
    starts = range(0, len(arrays[0]), _STRIP)
    return np.concatenate([function(*(array[start : start + _STRIP] for array in arrays)) for start in starts])


def _off_white(colours, opacity):
    """The colours that, so opaque, look on white as these do."""
    share = np.maximum(opacity, 1).astype(np.float32) / 255.0
    return np.clip(np.rint((colours - 255.0 * (1.0 - share)) / share), 0, 255).astype(np.uint8)
