"""A history of generated pictures, for discriminators that would otherwise only know the newest."""

from __future__ import annotations

import tensorflow as tf

from tfproductgan.models.pictures import to_float, to_uint8
from tfproductgan.models.randomness import Purpose
from tfproductgan.models.replica_step import sum_over_replicas


class Replay:
    """Places for pictures, with the conditions that they were asked with; the model saves what they hold.

    Each new picture takes a place, drawn by lot. If that has an older one, the discriminator sees, with even chances,
    that one, which leaves, or the new one, which is not kept. All is a function of the step, and places are drawn for
    the whole batch, so that replicas hold the same and a run that goes on sees what it would have seen.

    Args:
        model: The model that keeps the variables.
        name: Of the variables.
        count: Number of places.
        shape: Of a picture.
        columns: Of its conditions.
        index: Tells this history's draws from those of others of the model.

    Reference:
        Shrivastava et al., 2017, Learning from Simulated and Unsupervised Images through Adversarial Training,
        https://arxiv.org/abs/1612.07828
    """

    def __init__(self, model, name, count, shape, columns, index):
        self.count, self.index = count, index
        shapes = {
            "pictures": (count, *shape),
            "taken": (count,),
            **({"conditions": (count, columns)} if columns else {}),
        }
        self.variables = {
            part: model.add_weight(
                name=f"{name}_{part}",
                shape=of_part,
                dtype="uint8" if part == "pictures" else "int32",
                initializer="zeros",
                trainable=False,
                aggregation="only_first_replica",
            )
            for part, of_part in shapes.items()
        }

    def exchange(self, pictures, conditions, draws):
        """What the discriminator is to see in the place of new pictures.

        Args:
            pictures: float32 `[B, S, S, C]` in -1 to 1, of this replica and microbatch.
            conditions: Their ids, int32 `[B, columns]`.
            draws: The step's `Draws`.

        Returns:
            Pictures and conditions of the same shapes.
        """
        rows = pictures.shape[0]
        place = draws.places(Purpose.REPLAY, rows, self.count, self.index)
        fits = place < self.count  # of a batch larger than the history the rest is not kept
        place = tf.where(fits, place, 0)
        held = {part: tf.gather(variable.value, place) for part, variable in self.variables.items()}
        taken = held["taken"] > 0
        old = fits & taken & (draws.uniform(Purpose.REPLAY_COIN, (rows, 2))[:, self.index] < 0.5)
        self._keep(place, fits & (old | ~taken), held, to_uint8(pictures), conditions)
        shown = tf.where(old[:, None, None, None], to_float(held["pictures"]), pictures)
        return shown, tf.where(old[:, None], held["conditions"], conditions) if "conditions" in held else conditions

    def _keep(self, place, kept, held, pictures, conditions):
        new = {"pictures": pictures, "taken": tf.ones_like(held["taken"]), "conditions": conditions}
        for part, variable in self.variables.items():
            change = tf.cast(new[part], tf.int32) - tf.cast(held[part], tf.int32)
            change = tf.where(tf.reshape(kept, [-1] + [1] * (change.shape.rank - 1)), change, 0)
            # places of a batch are different ones, so the sum over replicas is the change of each
            whole = sum_over_replicas(tf.scatter_nd(place[:, None], change, variable.shape))
            variable.assign(tf.cast(tf.cast(variable.value, tf.int32) + whole, variable.dtype))
