"""Recipes: everything a training run needs, as plain data with names.

A recipe holds no objects: it is what `recipe.json` holds, what `--dry-run` prints, and what `--set` and Python
override one field at a time. It is made of what all kinds of models share (`recipe.py`), and of what one kind alone
can be told (`objectives.py`).
"""

from tfproductgan.recipes.objectives import (
    CycleObjective,
    GANObjective,
    SegmentationObjective,
    StyleObjective,
    TranslationObjective,
    UpscalingGANObjective,
    UpscalingObjective,
    VAEObjective,
)
from tfproductgan.recipes.presets import RECIPES, get_recipe
from tfproductgan.recipes.recipe import Network, Optimizer, Recipe

__all__ = [
    "RECIPES",
    "CycleObjective",
    "GANObjective",
    "Network",
    "Optimizer",
    "Recipe",
    "SegmentationObjective",
    "StyleObjective",
    "TranslationObjective",
    "UpscalingGANObjective",
    "UpscalingObjective",
    "VAEObjective",
    "get_recipe",
]
