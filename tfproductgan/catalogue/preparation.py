"""How photos become a catalogue."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfproductgan.catalogue.cache import PhotoCache, default_folder
from tfproductgan.catalogue.label_notes import AUTO, resolve_min_count
from tfproductgan.catalogue.photos import FITS
from tfproductgan.catalogue.splitting import check_shares
from tfproductgan.conditions import ConditionSchema
from tfproductgan.errors import CatalogueError

if TYPE_CHECKING:
    from tfproductgan.catalogue.sources import Source

DEFAULT_IMAGE_SIZE = 64
LARGEST_IMAGE_SIZE = 1024


@dataclasses.dataclass(frozen=True)
class Preparation:
    """How photos become a catalogue: the options that every constructor of `Catalogue` takes.

    Args:
        image_size: Height and width in pixels, up to 1024; by default that of the schema, else 64.
        fit: `"letterbox"` keeps whole photos and continues their own background, `"crop"` fills the square.
        channels: 3 for colour, 1 for grey; by default 1 if every photo is grey, else 3.
        min_count: A value on fewer training photos than this becomes "not given"; `"auto"` takes a number that fits the
            photos, see `label_notes.fitting_min_count`.
        splits: Shares to draw, such as `{"validation": 0.1, "test": 0.1}`, from the content of the photos, with
            duplicates on one side. By default the splits the source names, or 10 % for validation if it names
            none.
        schema: An existing schema to bind to (that of a trained model): its attributes, values and picture size
            are kept, and values it does not know become "not given".
        max_unreadable: Share of the photos that may be unreadable, 0 to 1.
        cache: Whether prepared photos are kept on disk, or the folder for them. By default in
            `$TFPRODUCTGAN_CACHE` or `~/.cache/tfproductgan`.
        memory_budget: Bytes of pixels held in memory; more than this stays on disk.
        titles: Whether models learn from the titles, if there are any, and can be asked in words of one's own. A schema
            decides for itself.

    Raises:
        CatalogueError: If an option is out of range.
    """

    image_size: int | Any = None  # once it is made a number
    fit: str = "letterbox"
    channels: int | None = None
    min_count: int | Any = 1  # a number once there are labels
    splits: Mapping[str, float] | None = None
    schema: ConditionSchema | None = None
    max_unreadable: float = 0.05
    cache: bool | str | Path = True
    memory_budget: int = 2 * 2**30
    titles: bool = dataclasses.field(default=True, repr=False)  # prepared data sets go by the words of the others

    def __post_init__(self):
        if self.fit not in FITS:
            raise CatalogueError(f"fit must be 'letterbox' or 'crop'. Received: {self.fit!r}")
        if self.channels not in (None, 1, 3):
            raise CatalogueError(f"channels must be 3 (colour) or 1 (grey). Received: {self.channels!r}")
        if not 0 <= self.max_unreadable <= 1:
            raise CatalogueError(f"max_unreadable is a share, 0 to 1. Received: {self.max_unreadable!r}")
        for name, lowest in (("image_size", 1), ("min_count", 1), ("memory_budget", 0)):
            if getattr(self, name) is not None and (name, getattr(self, name)) != ("min_count", AUTO):
                check_whole(name, getattr(self, name), lowest)
        if self.image_size is not None and self.image_size > LARGEST_IMAGE_SIZE:
            raise CatalogueError(f"image_size must be at most {LARGEST_IMAGE_SIZE}. Received: {self.image_size}")
        for name in ("image_size", "channels") if self.schema else ():
            mine, bound = getattr(self, name), getattr(self.schema, name)
            if mine not in (None, bound):
                raise CatalogueError(f"{name}={mine} does not fit the schema, whose pictures have {bound}.")
            object.__setattr__(self, name, bound)
        if self.image_size is None:
            object.__setattr__(self, "image_size", DEFAULT_IMAGE_SIZE)
        if self.splits is not None:
            check_shares(self.splits)

    def for_labels(self, source: Source) -> Preparation:
        """The same for these photos: with a number for `min_count`."""
        return dataclasses.replace(self, min_count=resolve_min_count(source, self.min_count))

    def photo_cache(self) -> PhotoCache | None:
        """Where prepared photos are kept, or `None`."""
        if self.cache is False:
            return None
        folder = default_folder() if self.cache is True else self.cache
        return None if folder is None else PhotoCache(folder)


def check_whole(name: str, value: Any, lowest: int, highest: int | None = None) -> int:
    """`value` as an `int`.

    Raises:
        CatalogueError: If it is no whole number in that range; the message names the option.
    """
    if (
        isinstance(value, bool | str)
        or value != int(value)
        or value < lowest
        or (highest is not None and value > highest)
    ):
        right = f" of at least {lowest}" if highest is None else f", {lowest} to {highest}"
        raise CatalogueError(f"{name} must be a whole number{right}. Received: {value!r}")
    return int(value)
