"""What generators are made of, for those who take them apart: a chain of stages from the style vector to the picture.

A stage makes channels (a dense layer, a convolution or a doubling of size), normalises them, by itself or modulated by
the style, and applies a leaky ReLU. Conversion to int8 folds and scales stages, pruning takes channels out of them. A
family offers itself to both by a function here; the others are converted by their own graph.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from tfproductgan.errors import RecipeError
from tfproductgan.layers.condition_embedding import split_ids
from tfproductgan.networks.dcgan import DCGANGenerator
from tfproductgan.networks.mlp import MLPGenerator


@dataclasses.dataclass(frozen=True)
class Stage:
    """Layers that make, normalise and activate channels.

    Args:
        producer: `Dense`, `Conv2D`, `Conv2DTranspose` or `UpsampleConv2D`.
        norm: `BatchNormalization` or `ModulatedNormalization`.
        slope: Of the leaky ReLU below zero; 0 for ReLU.
        side: Height and width to which the dense layer's output is folded; 0 for vectors and convolutions.
    """

    producer: Any
    norm: Any
    slope: float
    side: int = 0


@dataclasses.dataclass(frozen=True)
class Chain:
    """A generator taken apart: stages from the style vector on, and the layer that draws the picture, with `tanh`."""

    stages: tuple[Stage, ...]
    output: Any


def can_be_taken_apart(network: Any) -> bool:
    """Whether somebody has said what this kind of generator is made of; what reads texts, nobody has."""
    return isinstance(network, tuple(_FAMILIES)) and not split_ids(network.num_ids)[1]


def taken_apart() -> str:
    """Names of the kinds of generators that can be taken apart, for messages."""
    return ", ".join(kind.__name__ for kind in _FAMILIES)


def chain_of(network: Any) -> Chain:
    """The chain that a generator is.

    Raises:
        RecipeError: If nobody has said what this kind of generator is made of.
    """
    if can_be_taken_apart(network):
        return next(take_apart(network) for kind, take_apart in _FAMILIES.items() if isinstance(network, kind))
    reads = " that reads texts" if split_ids(network.num_ids)[1] else ""
    raise RecipeError(f"A {type(network).__name__}{reads} cannot be taken apart into stages; known: {taken_apart()}.")


def _dcgan(network):
    side = network.image_size >> (len(network.convs) - network.inner_convs)
    stages = [Stage(network.stem, network.norms[0], 0.0, side)]
    stages += [Stage(conv, norm, 0.0) for conv, norm in zip(network.convs, network.norms[1:], strict=True)]
    return Chain(tuple(stages), network.to_rgb)


def _mlp(network):
    stages = [Stage(dense, norm, 0.2) for dense, norm in zip(network.hidden, network.norms, strict=True)]
    return Chain(tuple(stages), network.to_pixels)


_FAMILIES = {DCGANGenerator: _dcgan, MLPGenerator: _mlp}
