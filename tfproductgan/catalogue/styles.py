"""Pictures whose style is to be learnt, and every photo with each of them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfproductgan.catalogue.photos import EXTENSIONS, open_photo, place
from tfproductgan.conditions import Attribute, ConditionSchema, tidy
from tfproductgan.errors import CatalogueError
from tfproductgan.writing import expanded

ATTRIBUTE = "style"
"""What styles are asked for by."""


def style_files(path: str | Path) -> dict[str, list[Path]]:
    """The pictures of each style.

    Args:
        path: A folder of pictures, each a style of its name, and of folders, each a style of several; or one picture.

    Raises:
        CatalogueError: If there are none.
    """
    place = expanded(path)
    if not place.exists():
        raise CatalogueError(f"{str(path)!r} does not exist. Give a folder of style pictures, or one picture.")
    if place.is_file():
        return {tidy(place.stem): [place]}
    found: dict[str, list[Path]] = {}
    for file in sorted(place.rglob("*")):
        if file.suffix.casefold() in EXTENSIONS and file.is_file() and not file.name.startswith("."):
            inside = file.relative_to(place).parts
            found.setdefault(tidy(inside[0] if len(inside) > 1 else file.stem), []).append(file)
    if not found:
        raise CatalogueError(f"{str(path)!r} holds no pictures. Give a folder of style pictures: JPEG, PNG, WebP.")
    return found


@dataclasses.dataclass(frozen=True)
class StyledPhotos:
    """Every photo with every style picture: what a `Catalogue` asks its photos for.

    Row `i` has photo `i // n` and style picture `i % n` of n; nothing is held more than once.

    Args:
        photos: The photos of a catalogue.
        pictures: Of styles, uint8 `[n, S, S, C]`.
    """

    photos: Any
    pictures: np.ndarray

    @property
    def pixels(self) -> Any:
        """What is to be learnt: the style pictures."""
        return _Rows(self.pictures, len(self.photos.pixels) * len(self.pictures), lambda rows, n: rows % n)

    @property
    def sources(self) -> Any:
        """What goes in: the photos."""
        count = len(self.pictures)
        return _Rows(self.photos.pixels, len(self.photos.pixels) * count, lambda rows, n: rows // count)

    @property
    def boxes(self) -> np.ndarray:
        """Where each photo lies in its square."""
        return np.repeat(self.photos.boxes, len(self.pictures), axis=0)

    @property
    def pixel_hash(self) -> str:
        """Changes when a photo or a style picture does."""
        return hashlib.sha256(self.photos.pixel_hash.encode() + self.pictures.tobytes()).hexdigest()

    def indices(self, photos: np.ndarray) -> np.ndarray:
        """The rows of some photos: int64 `[len(photos) * n]`."""
        count = len(self.pictures)
        return (np.asarray(photos, np.int64)[:, None] * count + np.arange(count)).ravel()


class _Rows:
    """Pictures in an order of their own, as if they were one array of shape `(N, S, S, C)`; nothing is copied."""

    def __init__(self, pictures, count, place_of):
        self.shape = (count, *pictures.shape[1:])
        self._pictures, self._place_of = pictures, place_of

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, which):
        rows = np.arange(len(self))[which] if isinstance(which, slice) else np.asarray(which)
        return self._pictures[self._place_of(rows, len(self._pictures))]


def read_styles(files: Mapping[str, list[Path]], size: int, channels: int) -> tuple[np.ndarray, list[str]]:
    """The middle squares of style pictures, uint8 `[n, size, size, channels]`, and the style of each.

    Raises:
        PhotoError: If one cannot be read.
    """
    squares, names = [], []
    for name, paths in files.items():
        for path in paths:
            square, _ = place(open_photo(path.read_bytes(), str(path)), size, "crop", channels)
            squares.append(square)
            names.append(name)
    return np.stack(squares), names


def style_schema(photos: ConditionSchema, styles: list[str]) -> ConditionSchema:
    """The schema of photos painted in styles: one of them each, or a mean of two."""
    attribute = Attribute(ATTRIBUTE, tuple(styles), several=min(2, len(styles)))
    return ConditionSchema(
        [attribute], photos.image_size, photos.channels, aspect=photos.aspect, source_channels=photos.channels
    )
