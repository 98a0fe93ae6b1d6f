"""Train conditional generative models on your own product photos and ask them for pictures by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tfproductgan.keras_settings import choose_tensorflow

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.conditions import Attribute, ConditionSchema, PictureRequest
    from tfproductgan.errors import ProductGANError
    from tfproductgan.export.saved_model import export_saved_model
    from tfproductgan.layers.augmentation import Augmentation
    from tfproductgan.losses.penalties import Penalty
    from tfproductgan.models.conditional_gan import ConditionalGAN
    from tfproductgan.models.cyclegan import CycleGAN, TrainedCycle
    from tfproductgan.models.ensemble import ensemble_of
    from tfproductgan.models.loading import load
    from tfproductgan.models.pix2pix import Pix2Pix
    from tfproductgan.models.segmentation import Segmentation
    from tfproductgan.models.style import StyleModel
    from tfproductgan.models.trained import TrainedGenerator, TrainedTranslator
    from tfproductgan.models.upscaling import SRGAN, TrainedUpscaler, Upscaling
    from tfproductgan.models.vae import VAE, TrainedAutoencoder
    from tfproductgan.recipes import Recipe, get_recipe
    from tfproductgan.sampling.files import read_metadata, write_png
    from tfproductgan.sampling.grids import attribute_grid, condition_rows, contact_grid, seed_grid
    from tfproductgan.sampling.strips import interpolation_strip, write_interpolation_gif
    from tfproductgan.training import alarms, callbacks
    from tfproductgan.training.trainer import train

__version__ = "0.1.0"

# where each public name lives; imported when first used, since TensorFlow takes seconds
_HOMES = {
    "Attribute": "tfproductgan.conditions",
    "Augmentation": "tfproductgan.layers.augmentation",
    "Catalogue": "tfproductgan.catalogue.catalogue",
    "ConditionSchema": "tfproductgan.conditions",
    "ConditionalGAN": "tfproductgan.models.conditional_gan",
    "CycleGAN": "tfproductgan.models.cyclegan",
    "Penalty": "tfproductgan.losses.penalties",
    "PictureRequest": "tfproductgan.conditions",
    "Pix2Pix": "tfproductgan.models.pix2pix",
    "ProductGANError": "tfproductgan.errors",
    "Recipe": "tfproductgan.recipes",
    "SRGAN": "tfproductgan.models.upscaling",
    "Segmentation": "tfproductgan.models.segmentation",
    "StyleModel": "tfproductgan.models.style",
    "TrainedAutoencoder": "tfproductgan.models.vae",
    "TrainedCycle": "tfproductgan.models.cyclegan",
    "TrainedGenerator": "tfproductgan.models.trained",
    "TrainedTranslator": "tfproductgan.models.trained",
    "TrainedUpscaler": "tfproductgan.models.upscaling",
    "Upscaling": "tfproductgan.models.upscaling",
    "VAE": "tfproductgan.models.vae",
    "attribute_grid": "tfproductgan.sampling.grids",
    "condition_rows": "tfproductgan.sampling.grids",
    "contact_grid": "tfproductgan.sampling.grids",
    "ensemble_of": "tfproductgan.models.ensemble",
    "export_saved_model": "tfproductgan.export.saved_model",
    "get_recipe": "tfproductgan.recipes",
    "interpolation_strip": "tfproductgan.sampling.strips",
    "load": "tfproductgan.models.loading",
    "read_metadata": "tfproductgan.sampling.files",
    "seed_grid": "tfproductgan.sampling.grids",
    "train": "tfproductgan.training.trainer",
    "write_interpolation_gif": "tfproductgan.sampling.strips",
    "write_png": "tfproductgan.sampling.files",
}
__all__ = [
    "SRGAN",
    "VAE",
    "Attribute",
    "Augmentation",
    "Catalogue",
    "ConditionSchema",
    "ConditionalGAN",
    "CycleGAN",
    "Penalty",
    "PictureRequest",
    "Pix2Pix",
    "ProductGANError",
    "Recipe",
    "Segmentation",
    "StyleModel",
    "TrainedAutoencoder",
    "TrainedCycle",
    "TrainedGenerator",
    "TrainedTranslator",
    "TrainedUpscaler",
    "Upscaling",
    "alarms",
    "attribute_grid",
    "callbacks",
    "condition_rows",
    "contact_grid",
    "ensemble_of",
    "export_saved_model",
    "get_recipe",
    "interpolation_strip",
    "load",
    "read_metadata",
    "seed_grid",
    "train",
    "write_interpolation_gif",
    "write_png",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        choose_tensorflow()
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in ("alarms", "callbacks"):
        return importlib.import_module(f"tfproductgan.training.{name}")
    raise AttributeError(f"module 'tfproductgan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
