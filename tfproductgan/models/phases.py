"""The updates that a training step is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from tfproductgan.models.randomness import Draws
from tfproductgan.models.replica_step import num_replicas

Batch = dict[str, tf.Tensor]
Logs = dict[str, tuple[Any, float]]
"""Name to value and weight."""


@dataclasses.dataclass(frozen=True)
class Phase:
    """One update within a training step.

    Args:
        roles: Networks whose weights move.
        optimizer: Name of the optimiser that moves them.
        loss: Maps a batch, its random numbers and `scratch`, a dictionary that the phases of one step share, to a
            scalar and what to log. Losses that layers add are added to it.
        gradients: In the place of `loss`, for a phase that shares a forward pass with another: maps the same to
            gradients of this replica's share and what to log.
        part: `(i, n)`: it takes every n-th row of the batch from the i-th on.
    """

    roles: tuple[str, ...]
    optimizer: str
    loss: Callable[[Batch, Draws, dict], tuple[Any, Logs]] | None = None
    gradients: Callable[[Batch, Draws, dict], tuple[list, Logs]] | None = None
    part: tuple[int, int] = (0, 1)


class Drawn(NamedTuple):
    """Pictures of a generator, and the tape that saw them drawn: two phases can look at them."""

    images: tf.Tensor
    regularisation: tf.Tensor
    tape: tf.GradientTape


def draw(generator: Any, inputs: Batch) -> Drawn:
    """Let a generator draw while it is in training."""
    with tf.GradientTape() as tape:
        images = generator(inputs, training=True)
        regularisation = added_losses(generator)
    return Drawn(images, regularisation, tape)


def gradients_through(
    drawn: Drawn, generator: Any, loss_of: Callable[[tf.Tensor], tuple[Any, Logs]]
) -> tuple[list, Logs]:
    """Gradients of a loss of pictures for the weights of the generator that drew them, and what to log."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(drawn.images)
        loss, logs = loss_of(drawn.images)
        scaled = loss / num_replicas()
    gradients = dense_gradients(
        drawn.tape,
        [drawn.images, drawn.regularisation],
        generator.trainable_variables,
        output_gradients=[tape.gradient(scaled, drawn.images), tf.ones(()) / num_replicas()],
    )
    return gradients, logs


def dense_gradients(tape, target, variables, output_gradients=None):
    """Gradients as dense tensors: sparse ones of lookups cannot be reduced over all kinds of replicas."""
    gradients = tape.gradient(
        target,
        [variable.value for variable in variables],
        output_gradients=output_gradients,
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    return [tf.convert_to_tensor(gradient) for gradient in gradients]


def added_losses(*networks):
    """The sum of what the layers of networks add to a loss, such as regularisers."""
    losses = [loss for network in networks for loss in network.losses]
    return tf.add_n(losses) if losses else tf.zeros(())
