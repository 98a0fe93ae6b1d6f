"""Samples with a pattern that photos do not have: a checkerboard, or blocks of pixels."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tfproductgan.models.pictures import in_chunks, to_float, to_uint8
from tfproductgan.training.alarms.responding import Alarm, Finding, OnAlarm

PERIODS = (2, 4, 8)
"""In pixels: what doubling a picture's size once, twice and three times can leave behind."""

_ROUNDING = 1 / 6  # variance of the difference of two values that were rounded
_BESIDE = 1 / 16  # cycles a pixel between a pattern's frequency and those it is compared with


class TextureAlarm(Alarm):
    """Goes off when samples have a pattern that repeats every 2, 4 or 8 pixels, and photos do not.

    Two kinds are looked for, along rows and along columns, in samples of the averaged generator and in photos with the
    same conditions. Both are of the picture's own pixels as people see them, and nothing that photos show too counts.

    - Waves, as of a checkerboard: how much more power differences of neighbouring pixels have at the pattern's
      frequency than 1/16 cycles beside it, as the geometric mean over the pictures. Logged as `waves`, of samples over
      of photos, the highest: about 1 is right.
    - Blocks, as of a mosaic: how much differences grow where blocks meet, 0 if they do not and 1 if there are none
      elsewhere. A spectrum does not show these: a mosaic's has gaps there. Logged as `blocks`, of samples less of
      photos, the highest: about 0 is right.

    Args:
        photos: Batches of photos as `fit` takes them, such as `products.stream("train", batch_size=256).take(1)`; read
            once.
        on_alarm: An `OnAlarm`, or its action.
        after_images: Images before which it does not go off: new generators have patterns that go by themselves.

    References:
        Odena et al. 2016, "Deconvolution and Checkerboard Artifacts"; Gallagher 2005, "Detection of Linear and Cubic
        Interpolation in JPEG Compressed Images" (differences that vary with the period)
    """

    name = "texture"

    # Photos of five sets, blurred, noisy or enlarged by bilinear interpolation, had waves up to twice as strong as
    # others of the set; at 64 pixels a checkerboard of 2 grey levels up and down has 4 and more
    WAVES = 3.0
    # How many times as large differences are where blocks meet: bilinear interpolation leaves 1.4, as JPEG of low
    # quality does; a mosaic has no others, and half of one mixed with the photo has 1.9 and more
    BLOCKS = 1.7
    # With so many chance moves waves by a fifth and blocks by 0.03, and drawing more takes seconds
    SAMPLES = 64

    def __init__(
        self, photos: Iterable[Mapping[str, Any]], on_alarm: OnAlarm | str = "warn", after_images: int = 10_000
    ):
        super().__init__(on_alarm)
        self.photos = photos
        self.after_images = after_images

    @functools.cached_property
    def _asked(self) -> tuple[dict[str, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """What goes into the model, and what is measured of the photos."""
        batches = list(self.photos)
        joined = {name: np.concatenate([np.asarray(batch[name]) for batch in batches]) for name in batches[0]}
        return joined, periodicity(joined.pop("images"))

    def measure(self, logs: dict[str, Any]) -> Finding | None:
        """See the class."""
        if self.model.is_growing:  # pixels of smaller pictures are blocks
            return None
        inputs, photos = self._asked
        # of each axis apart, then the worse
        waves, blocks = (np.max(s - p, axis=0) for s, p in zip(periodicity(self._samples(inputs)), photos, strict=True))
        waves = np.exp(waves)
        logs["waves"], logs["blocks"] = float(waves.max()), float(blocks.max())
        if self.model.images_seen < self.after_images:
            return None
        # what repeats every 2 pixels does so every 4 as well: the longest period is the pattern's, unless it is a trace
        for period, wave, block in reversed(list(zip(PERIODS, waves, blocks, strict=False))):
            if _times(block, period) > self.BLOCKS and block > blocks.max() / 2:
                what = f"are made of blocks of {period} x {period} pixels, which photos are not."
            elif wave > self.WAVES:
                what = f"have a pattern that repeats every {period} pixels, {wave:.1f} times as strong as in photos."
            else:
                continue
            return Finding(f"samples {what}", self._advice())
        return None

    def _samples(self, inputs):
        """uint8 pictures of the averaged network with the photos' conditions, and of their sources if it takes any."""
        rows = {"conditions": inputs["conditions"][: self.SAMPLES]}
        if self.model.asks == "translator":
            rows["source"] = inputs["source"][: self.SAMPLES]
        else:
            rows["latents"] = self.model.draw_latents(range(len(rows["conditions"])))

        def draw(*arrays):
            given = dict(zip(rows, arrays, strict=True))
            if "source" in given:
                given["source"] = to_float(given["source"])
            return to_uint8(self.model(given, training=False))

        schema = self.model.schema
        return in_chunks(draw, list(rows.values()), (schema.image_size, schema.image_size, schema.channels))

    def _advice(self):
        role = self.model.output_role
        mend = f"make the {role} wider or lower its learning rate."
        if getattr(self.model.learning_network, "upsampling", None) == "learned":
            mend = f"enlarge without transposed convolutions: --set {role}.upsampling=nearest, or bilinear."
        return f"A longer training may draw over it. If it stays, begin anew and {mend}"


def periodicity(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much of patterns that repeat pictures show.

    Args:
        images: uint8 `[N, H, W, C]`.

    Returns:
        Two arrays `[2, P]`, along columns and along rows, of as many of `PERIODS` as fit in three times: the logarithm
        of the power of waves over the power beside, and the strength of blocks, 0 to 1. See `TextureAlarm`.
    """
    periods = [period for period in PERIODS if 3 * period <= min(images.shape[1:3])]
    waves, blocks = [], []
    for axis in (1, 2):
        steps = np.moveaxis(np.diff(images.astype(np.float32), axis=axis), axis, -1)
        steps *= np.hanning(steps.shape[-1] + 2)[1:-1].astype(np.float32)
        waves.append([_wave(steps, period) for period in periods])
        blocks.append([_block(steps, period) for period in periods])
    return np.array(waves), np.array(blocks)


def _wave(steps, period):
    """The logarithm for the frequencies that the next shorter period does not have, the highest."""
    floor = _ROUNDING * np.square(np.hanning(steps.shape[-1] + 2)).sum()

    def power(frequency):  # of each picture
        return np.mean(np.square(np.abs(_transform(steps, frequency))), axis=(1, 2)) + floor

    ratios = []
    for k in range(1, period // 2 + 1, 2):
        beside = power(k / period - _BESIDE) * power(k / period + _BESIDE)
        ratios.append(np.mean(np.log(power(k / period)) - np.log(beside) / 2))
    return max(ratios)


def _block(steps, period):
    """By how much differences are larger where blocks meet: as a share, the least over the pattern's frequencies."""
    sizes = np.abs(steps).mean(axis=(0, 1, 2))
    total = max(sizes.sum(), np.finfo(np.float32).tiny)
    return min(np.abs(_transform(sizes, k / period)) for k in range(1, period // 2 + 1)) / total


def _times(block, period):
    """How many times as large differences are where blocks meet, from their strength."""
    return (1 + (period - 1) * block) / max(1 - block, 1e-3)


def _transform(values, frequency):
    """The Fourier transform of the last axis at a frequency in cycles a pixel."""
    phases = 2 * np.pi * frequency * np.arange(values.shape[-1])
    return values @ np.cos(phases).astype(np.float32) + 1j * (values @ np.sin(phases).astype(np.float32))
