"""Learning rates that stay for half of a training and then fall in a straight line."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tfproductgan")
class HoldThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that stays for the first half of the steps and falls linearly in the second; afterwards it stays again.

    Args:
        initial_learning_rate: The rate of the first half.
        decay_steps: Number of steps.
        alpha: Share of the rate that is left at the end.

    Reference:
        Zhu et al., 2017, https://arxiv.org/abs/1703.10593 (100 epochs each)
    """

    def __init__(self, initial_learning_rate, decay_steps, alpha=0.0):
        super().__init__()
        self.initial_learning_rate, self.decay_steps, self.alpha = initial_learning_rate, decay_steps, alpha

    def __call__(self, step):
        """The learning rate of a step."""
        done = ops.cast(step, "float32") / self.decay_steps
        fallen = ops.clip(2.0 * done - 1.0, 0.0, 1.0)
        return self.initial_learning_rate * (1.0 - fallen * (1.0 - self.alpha))

    def get_config(self):
        """Everything the constructor takes."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
        }
