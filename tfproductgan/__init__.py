"""Train conditional generative models on your own product photos and ask them for pictures by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.conditions import Attribute, ConditionSchema
    from tfproductgan.models.conditional_gan import ConditionalGAN
    from tfproductgan.models.loading import load
    from tfproductgan.models.trained_generator import TrainedGenerator
    from tfproductgan.recipes import Recipe
    from tfproductgan.training import callbacks

__version__ = "0.1.0"

# where each public name lives; imported when first used, since TensorFlow takes seconds
_HOMES = {
    "Attribute": "tfproductgan.conditions",
    "Catalogue": "tfproductgan.catalogue.catalogue",
    "ConditionSchema": "tfproductgan.conditions",
    "ConditionalGAN": "tfproductgan.models.conditional_gan",
    "Recipe": "tfproductgan.recipes",
    "TrainedGenerator": "tfproductgan.models.trained_generator",
    "load": "tfproductgan.models.loading",
}
__all__ = [
    "Attribute",
    "Catalogue",
    "ConditionSchema",
    "ConditionalGAN",
    "Recipe",
    "TrainedGenerator",
    "callbacks",
    "load",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name == "callbacks":
        return importlib.import_module("tfproductgan.training.callbacks")
    raise AttributeError(f"module 'tfproductgan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
