"""Kinds of models and families of networks by name.

A kind is a way to train; what it is made of is named here and imported when it is first asked for, so that
`import tfproductgan` stays instant. A family is a module of `tfproductgan.networks`, found by being there.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from pathlib import Path
from typing import Any

from tfproductgan.errors import RecipeError, nearest


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of model. What lies elsewhere is named as `"module:name"`.

    Args:
        name: What recipes call it.
        roles: What its networks are called.
        optimizers: What its optimisers are called.
        asks: `"sampler"` if what it trains is asked for pictures by name (`models/sampler.py`), `"translator"` if with
            a picture (`models/translator.py`), `"upscaler"` if with one to enlarge (`models/upscaler.py`).
        model: The class that `fit` trains, a `TrainingModel`.
        objective: The part of a recipe that is its own.
        alarms: Function that makes the alarms which watch over its training beside those of every kind.
        served: What it becomes in a SavedModel.
    """

    name: str
    roles: tuple[str, ...]
    optimizers: tuple[str, ...]
    asks: str
    model: str
    objective: str
    alarms: str
    served: str

    def find(self, part: str) -> Any:
        """What a field such as `"model"` names."""
        module, name = getattr(self, part).split(":")
        return getattr(importlib.import_module(module), name)


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            name="gan",
            roles=("generator", "discriminator"),
            optimizers=("generator", "discriminator"),
            asks="sampler",
            model="tfproductgan.models.conditional_gan:ConditionalGAN",
            objective="tfproductgan.recipes.objectives:GANObjective",
            alarms="tfproductgan.training.alarms.kinds:gan_alarms",
            served="tfproductgan.export.served_sampler:ServedSampler",
        ),
        Kind(
            name="vae",
            roles=("encoder", "decoder"),
            optimizers=("vae",),
            asks="sampler",
            model="tfproductgan.models.vae:VAE",
            objective="tfproductgan.recipes.objectives:VAEObjective",
            alarms="tfproductgan.training.alarms.kinds:sampler_alarms",
            served="tfproductgan.export.served_sampler:ServedSampler",
        ),
        Kind(
            name="translation",
            roles=("generator", "discriminator"),
            optimizers=("generator", "discriminator"),
            asks="translator",
            model="tfproductgan.models.pix2pix:Pix2Pix",
            objective="tfproductgan.recipes.objectives:TranslationObjective",
            alarms="tfproductgan.training.alarms.kinds:texture_alarms",
            served="tfproductgan.export.served_translator:ServedTranslator",
        ),
        Kind(
            name="segmentation",
            roles=("generator",),
            optimizers=("generator",),
            asks="translator",
            model="tfproductgan.models.segmentation:Segmentation",
            objective="tfproductgan.recipes.objectives:SegmentationObjective",
            alarms="tfproductgan.training.alarms.kinds:no_more_alarms",
            served="tfproductgan.export.served_translator:ServedTranslator",
        ),
        Kind(
            name="cycle",
            roles=("generator", "back_generator", "discriminator", "back_discriminator"),
            optimizers=("generator", "discriminator"),
            asks="translator",
            model="tfproductgan.models.cyclegan:CycleGAN",
            objective="tfproductgan.recipes.objectives:CycleObjective",
            alarms="tfproductgan.training.alarms.kinds:texture_alarms",
            served="tfproductgan.export.served_translator:ServedTranslator",
        ),
        Kind(
            name="upscaling",
            roles=("generator",),
            optimizers=("generator",),
            asks="upscaler",
            model="tfproductgan.models.upscaling:Upscaling",
            objective="tfproductgan.recipes.objectives:UpscalingObjective",
            alarms="tfproductgan.training.alarms.kinds:no_more_alarms",
            served="tfproductgan.export.served_upscaler:ServedUpscaler",
        ),
        Kind(
            name="upscaling-gan",
            roles=("generator", "discriminator"),
            optimizers=("generator", "discriminator"),
            asks="upscaler",
            model="tfproductgan.models.upscaling:SRGAN",
            objective="tfproductgan.recipes.objectives:UpscalingGANObjective",
            alarms="tfproductgan.training.alarms.kinds:no_more_alarms",
            served="tfproductgan.export.served_upscaler:ServedUpscaler",
        ),
        Kind(
            name="style",
            roles=("generator",),
            optimizers=("generator",),
            asks="translator",
            model="tfproductgan.models.style:StyleModel",
            objective="tfproductgan.recipes.objectives:StyleObjective",
            alarms="tfproductgan.training.alarms.kinds:texture_alarms",
            served="tfproductgan.export.served_translator:ServedTranslator",
        ),
    )
}
"""The kinds of models by name."""


def kind_named(name: str) -> Kind:
    """A kind of model.

    Raises:
        RecipeError: If there is none of that name.
    """
    if name not in KINDS:
        raise RecipeError(f"Unknown kind of model {name!r}: {nearest(str(name), KINDS)}")
    return KINDS[name]


def families() -> list[str]:
    """Names of all families of networks: the modules of `tfproductgan.networks` but for their common base."""
    folder = Path(__file__).with_name("networks")
    return sorted(module.name for module in pkgutil.iter_modules([str(folder)]) if module.name != "base")


def import_all() -> None:
    """Import every kind and family, so that Keras can find the classes that a `.keras` file refers to."""
    importlib.import_module("tfproductgan.models.ensemble")
    for kind in KINDS.values():
        kind.find("model")
    for family in families():
        _networks_of(family)


def network_class(family: str, role: str) -> Any:
    """The class of a network.

    Args:
        family: A family, such as `"dcgan"`.
        role: Its role, such as `"generator"`.

    Raises:
        RecipeError: If there is no such family or the family has no such role.
    """
    known = families()
    if family not in known:
        raise RecipeError(f"Unknown network family {family!r}: {nearest(family, known)}")
    roles = _networks_of(family)
    if role not in roles:
        raise RecipeError(f"The {family!r} family has no {role!r}; it has {', '.join(map(repr, roles))}")
    return roles[role]


def _networks_of(family):
    return importlib.import_module(f"tfproductgan.networks.{family}").NETWORKS
