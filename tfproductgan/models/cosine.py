"""What moves along half a cosine while a model trains."""

from __future__ import annotations

import math

import keras
from keras import ops

from tfproductgan.models.adam import Adam


def rise(done):
    """From 0 to 1 along half a cosine.

    Args:
        done: Share of the way, a scalar tensor; from 1 on it stays.
    """
    return 0.5 - 0.5 * ops.cos(math.pi * ops.minimum(done, 1.0))


@keras.saving.register_keras_serializable(package="tfproductgan")
class CosineAdam(Adam):
    """Adam whose second decay moves along a cosine.

    Args:
        beta_2: The second decay at the start.
        final_beta_2: The second decay at the end.
        decay_steps: Number of steps until then.
        **kwargs: See `keras.optimizers.Adam`.
    """

    def __init__(self, *, beta_2, final_beta_2, decay_steps, **kwargs):
        super().__init__(beta_2=beta_2, **kwargs)
        self.final_beta_2 = final_beta_2
        self.decay_steps = decay_steps

    @property
    def beta_2(self):
        """The second decay of the next step."""
        done = ops.cast(self.iterations, "float32") / self.decay_steps
        return self._first_beta_2 + (self.final_beta_2 - self._first_beta_2) * rise(done)

    @beta_2.setter
    def beta_2(self, value):
        self._first_beta_2 = value

    def get_config(self):
        """Everything the constructor takes."""
        own = {"beta_2": self._first_beta_2, "final_beta_2": self.final_beta_2, "decay_steps": self.decay_steps}
        return {**super().get_config(), **own}
