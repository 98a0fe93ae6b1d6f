"""What a model draws in the place of photos, whether it is asked by name or with a picture."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfproductgan.conditions import PictureRequest

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue


class Counterparts:
    """What a model draws when it is asked for what photos of a split show.

    A sampler is asked with their labels. A translator is asked with the pictures that go in with them, an upscaler with
    the photos themselves, made smaller: what their requests have for a seed is the place of the photo in the split.

    Args:
        model: A `Sampler`, a `Translator` or an `Upscaler`.
        catalogue: The photos; for a translator it holds pairs.
        split: Which of them.

    Raises:
        CatalogueError: If a translator is judged by a catalogue that holds no pairs.
    """

    def __init__(self, model: Any, catalogue: Catalogue, split: str):
        self.model, self.catalogue, self.split = model, catalogue, split
        self.takes_pictures = model.asks != "sampler"
        # whether each of its pictures should be the photo itself
        self.compares = model.asks == "upscaler" or (self.takes_pictures and catalogue.paired)
        if model.asks == "translator":
            catalogue.source_batches(split)  # says what is missing, before anything takes time

    def requests(
        self, rows: Sequence[int], seed: int = 0, truncation: float = 1.0, complete: bool = False
    ) -> list[PictureRequest]:
        """Requests for pictures like those photos.

        Args:
            rows: Places of the photos in the split.
            seed: Of the first picture.
            truncation: Of all pictures.
            complete: Whether labels that a photo lacks are drawn from the data, or not given to the model either.
        """
        ids = self.catalogue.conditions(self.split)
        asked = [self.catalogue.schema.decode(ids[row]) for row in rows]
        if self.takes_pictures:
            return [PictureRequest(conditions, int(row)) for conditions, row in zip(asked, rows, strict=True)]
        return self.model.plan(asked, seed=seed, truncation=truncation, complete=complete)

    def again(self, conditions: Mapping[str, str], seed: int, truncation: float = 1.0) -> PictureRequest:
        """The request that had these conditions and this seed."""
        if self.takes_pictures:
            return PictureRequest(conditions, seed)
        return self.model.plan(conditions, count=1, seed=seed, truncation=truncation, complete=False)[0]

    def draw(self, requests: Sequence[PictureRequest]) -> np.ndarray:
        """The pictures, uint8 `[len(requests), S, S, C]`."""
        if not self.takes_pictures:
            return self.model.draw(requests)
        if self.model.asks == "upscaler":
            photos = self.catalogue.images(self.split)[[request.seed for request in requests]]
            return self.model.upscale_squares(self.model.shrunk(photos))
        ids = self.model.schema.encode_all(request.conditions for request in requests)
        return self.model.translate_squares(self._sources[[request.seed for request in requests]], ids)

    @functools.cached_property
    def _sources(self) -> np.ndarray:
        return np.concatenate(list(self.catalogue.source_batches(self.split)))
