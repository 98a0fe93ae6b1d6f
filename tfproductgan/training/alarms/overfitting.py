"""A discriminator that knows its photos by heart."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from tfproductgan.models.pictures import to_float
from tfproductgan.training.alarms.responding import Alarm, Finding, OnAlarm


class OverfittingAlarm(Alarm):
    """Goes off when the discriminator knows the photos it is trained on by heart.

    Then it takes photos it has never seen for generated ones, and what it teaches the generator is no longer what
    products look like. Measured is by how much photos are ahead of pictures of the generator with the same conditions:
    r_v = 1 - (lead of validation photos) / (lead of training photos), 0 if it rates both alike, 1 if unseen photos are
    no better than generated ones. Logged as `overfitting`. A lead does not change when all logits are shifted, so
    relativistic losses can be measured too.

    Args:
        train: Batches of photos that are trained on, such as `products.stream("train", batch_size=256).take(2)`;
            read once.
        validation: Batches of photos that are not.
        on_alarm: An `OnAlarm`, or its action.

    Reference:
        Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", equation 1.
    """

    name = "overfitting"

    # The paper adapts augmentation best to r_v = 0.5: a training at that value is not yet sick. Measured with some
    # hundred photos it wavers by 0.1.
    THRESHOLD = 0.6
    # Leads must stand out from chance by so many standard errors
    CERTAINTY = 3.0

    def __init__(
        self,
        train: Iterable[Mapping[str, Any]],
        validation: Iterable[Mapping[str, Any]],
        on_alarm: OnAlarm | str = "warn",
    ):
        super().__init__(on_alarm)
        self.train = train
        self.validation = validation

    @functools.cached_property
    def _photos(self) -> list[list[dict[str, np.ndarray]]]:
        return [
            [{name: np.asarray(values) for name, values in batch.items()} for batch in batches]
            for batches in (self.train, self.validation)
        ]

    def measure(self, logs: dict[str, Any]) -> Finding | None:
        """See the class."""
        trained, unseen = (self._leads(batches) for batches in self._photos)
        ahead, difference = trained.mean(), trained.mean() - unseen.mean()
        error = math.sqrt(trained.var() / len(trained) + unseen.var() / len(unseen))
        # one that cannot tell its own photos from generated ones knows none by heart
        logs["overfitting"] = float(difference / ahead) if ahead > self.CERTAINTY * error else 0.0
        if not (logs["overfitting"] > self.THRESHOLD and difference > self.CERTAINTY * error):
            return None
        # see the documentation: pairs are told apart more surely than a zero is passed
        target = 0.6 if self.model.adversarial_loss.boundary is not None else 0.9
        return Finding(
            "the discriminator knows its photos by heart: photos it has not seen are hardly ahead of generated ones "
            f"(r_v {logs['overfitting']:.2f}).",
            'More photos help most. Otherwise let augmentation adapt (--set \'augmentation=["flip","translation",'
            f'"cutout"]\' --set augmentation_target={target}), or end here.',
        )

    def _leads(self, batches):
        """By how much the logit of each photo is above that of a generated picture with the same conditions."""
        leads, first = [], 0
        for batch in batches:
            rows = batch["conditions"]
            latents = self.model.draw_latents(range(first, first + len(rows)))
            first += len(rows)
            pictures = self.model.generator({"latents": latents, "conditions": rows}, training=False)
            real, fake = (
                keras.ops.convert_to_numpy(self.model.discriminator({"images": i, "conditions": rows}, training=False))
                for i in (to_float(batch["images"]), pictures)
            )
            leads.append((real.astype(np.float64) - fake).ravel())
        return np.concatenate(leads)
