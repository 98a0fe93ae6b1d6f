"""A training that breaks down."""

from __future__ import annotations

import math
from typing import Any

from tfproductgan.training.alarms.responding import Alarm, Finding, OnAlarm, broken_weights


class DivergenceAlarm(Alarm):
    """Goes off when a training breaks down.

    After every step: a loss that is not finite. At every epoch's end: weights or optimiser states that are not finite,
    logits that explode, a gradient penalty that has vanished or exploded.

    Args:
        on_alarm: An `OnAlarm`, or its action.
    """

    name = "divergence"

    # A discriminator this sure of its verdict, on average over an epoch, learns no more: e^-50 of a sigmoid's gradient
    # is left. Healthy trainings stay below 5.
    MAX_GAP = 50.0
    # The penalty, times its weight, against an adversarial loss of about 1: healthy trainings stay below 1
    MAX_PENALTY = 1000.0
    # Logits: a discriminator whose verdict on any two pictures there are differs by less than this is flat
    MIN_RANGE = 0.01

    def __init__(self, on_alarm: OnAlarm | str = "warn"):
        super().__init__(on_alarm)
        self._batches = 0

    def on_epoch_begin(self, epoch, logs=None):
        """Start counting: a lazy penalty may not have been due in a short epoch."""
        self._batches = 0

    def on_train_batch_end(self, batch, logs=None):
        """Look for what is not finite: from one such step on nothing is learnt."""
        self._batches += 1
        if self._settle(self._not_finite(logs or {})):
            self._batches = 0  # after a rollback the means of the epoch start again

    def measure(self, logs: dict[str, Any]) -> Finding | None:
        """See the class."""
        return (
            self._not_finite(logs)
            or self._broken_weights()
            or self._exploding_logits(logs)
            or next(filter(None, (self._penalty(penalty, logs) for penalty in self.model.penalties)), None)
        )

    def _not_finite(self, logs):
        names = [name for name, value in logs.items() if not math.isfinite(value)]
        return Finding(f"{', '.join(names)} is not a finite number.", _calm_down(self.model)) if names else None

    def _broken_weights(self):
        names = broken_weights(self.model)
        if not names:
            return None
        some = ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
        return Finding(f"{some} holds numbers that are not finite.", _calm_down(self.model))

    def _exploding_logits(self, logs):
        gap, limit = abs(logs.get("logit_gap", 0.0)), self.MAX_GAP
        if self.model.logits_are_distances:
            limit = max(limit, _diameter(self.model.schema))  # the most that slopes of 1 can come to
        if gap <= limit:
            return None
        return Finding(
            f"the logits explode: those of photos and of generated pictures lie {gap:,.0f} apart, more than "
            f"{limit:.0f}.",
            f"{self.model.logits_advice} discriminator_learning_rate.",
        )

    def _penalty(self, penalty, logs):
        value = logs.get(penalty.name)
        if value is None or not penalty.weight or self._batches < penalty.interval:
            return None
        if penalty.weight * value > self.MAX_PENALTY:
            return Finding(
                f"the penalty {penalty.name} explodes: it is {value:,.0f}, and outweighs the loss a thousand times.",
                "Lower discriminator_learning_rate, or set gradient_clip=10.",
            )
        if penalty.points in ("real", "fake"):
            # a slope of sqrt(2 value) everywhere could not change the logit by more
            flat = math.sqrt(2 * value) * _diameter(self.model.schema) < self.MIN_RANGE
        else:
            flat = abs(value - 1.0) < self.MIN_RANGE and abs(logs.get("logit_gap", 1.0)) < self.MIN_RANGE
        if not flat:
            return None
        return Finding(
            f"the penalty {penalty.name} has vanished: whatever the picture shows, the discriminator says the same.",
            "Weaken the penalties or lower discriminator_learning_rate; a discriminator of your own must not resize "
            "with operations that have no second derivative.",
        )


def _calm_down(model):
    rates = [f"{name}_learning_rate" for name in model.kind.optimizers]
    named = " and ".join([f"{rates[0]}=...", *rates[1:]])
    which = "the learning rate" if len(rates) == 1 else "both learning rates"
    return f"Halve {which} (--set {named}), keep gradient_clip=10, or compute with --precision float32."


def _diameter(schema):
    """The largest distance between two pictures of values in -1 to 1."""
    return 2.0 * math.sqrt(schema.image_size**2 * schema.channels)
