"""A generator that draws the same picture whatever the seed."""

from __future__ import annotations

import collections
import functools
import math
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.spatial.distance import pdist

from tfproductgan.errors import RecipeError
from tfproductgan.training.alarms.responding import Alarm, Finding, OnAlarm


class CollapseAlarm(Alarm):
    """Goes off when the generator draws the same picture whatever the seed.

    For each of the most frequent conditions it compares how much pictures of `num_seeds` fixed seeds differ with how
    much photos with these conditions do: the mean distance of pairs, on pictures made 8 pixels wide and high, so that
    noise does not count as variety. Logged as `diversity`, the median of the ratios, and `diversity_lowest`. About 1
    is right. It is measured on the generator itself: the averaged one would follow too late to go back in time.

    Args:
        photos: Batches `{"images": uint8 [B, S, S, C], "conditions": int32 [B, A]}`, such as
            `products.stream("train", batch_size=256).take(8)`; read once.
        on_alarm: An `OnAlarm`, or its action.
        num_conditions: How many conditions are watched.
        min_photos: A condition with fewer photos is not watched, since their variety is not known.
        num_seeds: Number of seeds.
        after_images: Images before which it does not go off: a new generator has yet to learn what latents are for.

    Raises:
        RecipeError: When training begins, if no condition has enough photos.
    """

    name = "collapse"

    # k pictures drawn equally often are 1 - 1/k as diverse as the photos they were drawn from: one picture gives 0, two
    # give 1/2. Halfway between is far below what healthy trainings show (0.6 to 1 from the first epoch on) and what
    # chance does to it (0.1).
    THRESHOLD = 0.25
    # One condition alone is measured less surely: 0.2 was seen in passing in a healthy training
    LOWEST = 0.1
    # Photos that differ by less than a grey level are one photo: there is no variety to lose
    MIN_REAL = 1 / 255

    def __init__(
        self,
        photos: Iterable[Mapping[str, Any]],
        on_alarm: OnAlarm | str = "warn",
        num_conditions: int = 12,
        min_photos: int = 8,
        num_seeds: int = 32,
        after_images: int = 10_000,
    ):
        super().__init__(on_alarm)
        self.photos = photos
        self.num_conditions = num_conditions
        self.min_photos = min_photos
        self.num_seeds = num_seeds
        self.after_images = after_images

    def on_train_begin(self, logs=None):
        """Measure the photos, the first time."""
        if not self.diversity_of_photos:
            raise RecipeError(
                f"The alarm for collapse found no condition with {self.min_photos} different photos or more. Give it "
                "more photos or lower min_photos."
            )

    @functools.cached_property
    def diversity_of_photos(self) -> dict[tuple[int, ...], float]:
        """Of each watched condition, how much its photos differ; the most frequent conditions first."""
        features: dict[tuple[int, ...], list[np.ndarray]] = collections.defaultdict(list)
        for batch in self.photos:
            coarse = _coarse(np.asarray(batch["images"], np.float32) / 255.0)
            for row, feature in zip(np.asarray(batch["conditions"]), coarse, strict=True):
                features[tuple(int(i) for i in row)].append(feature)
        frequent = sorted(features.items(), key=lambda item: (-len(item[1]), item[0]))[: self.num_conditions]
        # 64 photos tell enough, and pairs grow with their square
        measured = {ids: _diversity(np.stack(rows[:64])) for ids, rows in frequent if len(rows) >= self.min_photos}
        return {ids: value for ids, value in measured.items() if value >= self.MIN_REAL}

    def measure(self, logs: dict[str, Any]) -> Finding | None:
        """See the class."""
        latents = self.model.draw_latents(range(self.num_seeds))
        photos = self.diversity_of_photos
        ratios = {ids: self._diversity_of_pictures(latents, ids) / photos[ids] for ids in photos}
        worst = min(ratios, key=ratios.get)
        logs["diversity"], logs["diversity_lowest"] = float(np.median(list(ratios.values()))), ratios[worst]
        if int(self.model.images_seen) < self.after_images or not math.isfinite(logs["diversity"]):
            return None  # of what is not finite the alarm for divergence tells more
        if logs["diversity"] < self.THRESHOLD:
            what = f"the generator draws nearly the same picture whatever the seed, {logs['diversity']:.2f} times as"
        elif ratios[worst] < self.LOWEST:
            condition = ", ".join(self.model.schema.decode(worst).values()) or "everything"
            what = f"of {condition} the generator draws nearly one picture only, {ratios[worst]:.2f} times as"
        else:
            return None
        advice = f"{self.model.collapse_advice}, or give it more photos of each condition."
        return Finding(f"{what} diverse as the photos.", advice)

    def _diversity_of_pictures(self, latents, ids):
        rows = np.tile(np.array(ids, np.int32), (self.num_seeds, 1))
        pictures = self.model.learning_network({"latents": latents, "conditions": rows}, training=False)
        return _diversity(_coarse(np.clip(keras.ops.convert_to_numpy(pictures).astype(np.float32) / 2 + 0.5, 0, 1)))


def _coarse(images):
    """`[N, H, W, C]` averaged to 8 rows and columns at most, `[N, values]`."""
    cells = [min(size, 8) for size in images.shape[1:3]]
    return tf.image.resize(images, cells, "area").numpy().reshape(len(images), -1)


def _diversity(features):
    """The mean distance between two of `[N, values]`: the root of the mean square of their differences."""
    return float(pdist(features).mean() / math.sqrt(features.shape[1]))
