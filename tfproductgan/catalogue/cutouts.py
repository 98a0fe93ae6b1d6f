"""Photos with the masks of what they show: what a network that cuts products out learns from."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
from PIL import Image

from tfproductgan.catalogue.masks import product_mask

_GRIDS = (2, 16)  # cells a side of made-up backgrounds
_NOISE = 12.0  # levels of 255


@dataclasses.dataclass(frozen=True)
class MaskedPhotos:
    """Photos and masks, as a `Catalogue` asks its photos for them.

    Args:
        pixels: The masks, uint8 `[N, S, S, 1]`.
        sources: The photos, uint8 `[N, S, S, C]`.
        boxes: Where each photo lies in its square, int16 `[N, 4]`.
    """

    pixels: np.ndarray
    sources: np.ndarray
    boxes: np.ndarray

    @property
    def pixel_hash(self) -> str:
        """Changes when a pixel does."""
        return hashlib.sha256(self.pixels.tobytes() + self.sources.tobytes()).hexdigest()


def masks_of(photos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The masks of photos whose background has one colour.

    Args:
        photos: uint8 `[N, S, S, C]`.

    Returns:
        Masks, uint8 `[N, S, S, 1]`, and which photos have one, bool `[N]`.
    """
    masks = np.zeros((*photos.shape[:3], 1), np.uint8)
    there = np.zeros(len(photos), bool)
    for number, photo in enumerate(photos):
        found = product_mask(photo)
        if found is not None:
            masks[number, ..., 0], there[number] = np.rint(255 * found), True
    return masks, there


def on_other_grounds(photos: np.ndarray, masks: np.ndarray, seed: int = 0) -> np.ndarray:
    """The products of photos before backgrounds that are made up: patches of colours, blurred or not, and noise.

    Args:
        photos: uint8 `[N, S, S, C]`.
        masks: uint8 `[N, S, S, 1]`.
        seed: Decides the backgrounds.
    """
    made = np.empty_like(photos)
    size, channels = photos.shape[1], photos.shape[3]
    for number, (photo, mask) in enumerate(zip(photos, masks, strict=True)):
        rng = np.random.default_rng([number, seed])
        cells = rng.integers(0, 256, (*rng.integers(*_GRIDS, 2, endpoint=True), channels)).astype(np.uint8)
        how = Image.Resampling.NEAREST if rng.random() < 0.3 else Image.Resampling.BICUBIC
        image = Image.fromarray(cells[..., 0] if channels == 1 else cells).resize((size, size), how)
        patches = np.asarray(image, np.float64).reshape(size, size, channels)
        ground = patches + rng.normal(0, _NOISE * rng.random(), patches.shape)
        opacity = mask.astype(np.float32) / 255
        made[number] = np.clip(np.rint(opacity * photo + (1 - opacity) * ground), 0, 255)
    return made
