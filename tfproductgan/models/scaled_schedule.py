"""Learning rates that can be lowered for good in the middle of a training."""

from __future__ import annotations

import keras


@keras.saving.register_keras_serializable(package="tfproductgan")
class ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule times a factor that a variable holds, so that lowering it needs no new graph.

    The variable belongs to the model, which saves it: a file of the schedule alone knows no factor.

    Args:
        schedule: A Keras learning rate schedule.
        factor: A scalar `keras.Variable`; without one the schedule stays as it is.
    """

    def __init__(self, schedule, factor=None):
        super().__init__()
        self.schedule = schedule
        self.factor = factor

    def __call__(self, step):
        """The learning rate of a step."""
        learning_rate = self.schedule(step)
        return learning_rate if self.factor is None else learning_rate * self.factor.value

    def get_config(self):
        """The schedule without its factor."""
        return {"schedule": keras.optimizers.schedules.serialize(self.schedule)}

    @classmethod
    def from_config(cls, config):
        """The schedule that `get_config` describes."""
        return cls(keras.optimizers.schedules.deserialize(config["schedule"]))


def follow(optimizer, factor):
    """Let an optimiser whose learning rate is a schedule follow a factor; a fixed rate is a variable of its own.

    Args:
        optimizer: A Keras optimiser.
        factor: A scalar `keras.Variable`.
    """
    schedule = optimizer._learning_rate  # `learning_rate` is its value of now
    if isinstance(schedule, ScaledSchedule):
        schedule = schedule.schedule
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        optimizer.learning_rate = ScaledSchedule(schedule, factor)
