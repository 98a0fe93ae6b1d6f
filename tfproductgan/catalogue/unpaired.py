"""Two sets of pictures without pairs, as one catalogue."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.kinds import count_of
from tfproductgan.conditions import MAX_SEED
from tfproductgan.errors import CatalogueError

if TYPE_CHECKING:
    import tensorflow as tf


class UnpairedCatalogue(Catalogue):
    """The photos of one catalogue, and those of another as the pictures that go in: `Catalogue.from_unpaired`.

    Splits are those that both have.

    Args:
        sources: The catalogue whose photos go in; its labels are not used.
        images: The catalogue of the photos.

    Raises:
        CatalogueError: If the sets are the same, or do not have pictures of one size.
    """

    def __init__(self, sources: Catalogue, images: Catalogue):
        if sources.image_size != images.image_size:
            raise CatalogueError(
                f"Both sets need pictures of one size. Received: {sources.image_size} and {images.image_size} pixels"
            )
        same = _num_shared(sources, images)
        if same == min(len(sources._photos.pixels), len(images._photos.pixels)):
            raise CatalogueError(f"The two sets are the same: all {same:,} photos of one are in the other as well.")
        notes = list(images.notes)
        if same:
            notes.append(f"{count_of(same, 'photo')} of both sets are the same: sets are best without any in common.")
        super().__init__(
            dataclasses.replace(images.schema, source_channels=sources.channels),
            images.preparation,
            images._photos,
            {split: rows for split, rows in images.splits.items() if sources.size(split)},
            images._conditions,
            images._open_source,
            images._read_captions,
            [*images.skipped, *sources.skipped],
            notes,
        )
        self.sources = sources
        digest = hashlib.sha256(f"{images.fingerprint} {sources.fingerprint}".encode())
        self.fingerprint = digest.hexdigest()[:32]

    @property
    def paired(self) -> bool:
        """No photo has a picture of its own that goes in."""
        return False

    def source_batches(self, split: str = "train", batch_size: int = 256) -> Iterator[np.ndarray]:
        """Pictures that go in, one a photo of the split, in their own order and from the start again if they are fewer:
        uint8 `[batch_size, S, S, Cs]`.
        """
        indices = np.resize(self.sources._indices(split), self.size(split))
        pixels = self.sources._photos.pixels
        return (pixels[indices[start : start + batch_size]] for start in range(0, len(indices), batch_size))

    def stream(
        self,
        split: str = "train",
        batch_size: int = 32,
        seed: int = 0,
        start_step: int = 0,
        balance: float = 0.0,
        repeat: bool = True,
        part: tuple[int, int] = (0, 1),
    ) -> tf.data.Dataset:
        """As `Catalogue.stream`; sources come in an order of their own, in one pass as of `source_batches`."""
        from tfproductgan.catalogue.streaming import photo_stream, with_sources

        photos = super().stream(split, batch_size, seed, start_step, balance, repeat, part)
        indices = self.sources._indices(split)
        taken = (self.sources._photos.pixels, self.sources._conditions)
        # another seed: sets of equal size would be paired for good
        others = photo_stream(
            *taken,
            indices if repeat else np.resize(indices, self.size(split)),
            batch_size,
            (seed + 1) % MAX_SEED,
            start_step,
            repeat=repeat,
            part=part,
        )
        return with_sources(photos, others)

    def summary(self) -> str:
        """A few lines about what is in it."""
        splits = ", ".join(f"{self.sources.size(split):,} {split}" for split in self.splits)
        return "\n".join([super().summary(), f"unpaired    {len(self.sources._photos.pixels):,} go in ({splits})"])

    def __repr__(self) -> str:
        counts = ", ".join(f"{split} {self.sources.size(split):,}" for split in self.splits)
        return f"{super().__repr__()[:-1]}, unpaired: {counts}>"


def _num_shared(first: Catalogue, second: Catalogue) -> int:
    """How many photos are in both sets; of prepared sets only whether they are the same."""
    photos = first._photos, second._photos
    if all(hasattr(each, "hashes") for each in photos):
        return len(np.intersect1d(photos[0].hashes, photos[1].hashes))
    return len(photos[0].pixels) if photos[0].pixel_hash == photos[1].pixel_hash else 0
