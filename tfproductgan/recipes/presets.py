"""The recipes that come with the package, by name."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any

from tfproductgan.errors import RecipeError, nearest
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
from tfproductgan.recipes.recipe import Network, Optimizer, Recipe

_CLASSIC = {"form": "classic"}
# how the first GANs were trained: loss of Goodfellow et al., Adam of Radford et al.
_TEXTBOOK: Mapping[str, Any] = types.MappingProxyType(
    {
        "optimizers": {"generator": Optimizer(2e-4, 0.5, 0.999), "discriminator": Optimizer(2e-4, 0.5, 0.999)},
        "objective": GANObjective(loss="non-saturating", penalties={}),
        "gradient_clip": 0.0,
        "schedule": "constant",
    }
)
_NARROW = {
    "generator": Network("dcgan", {"width": 16, "upsampling": "nearest", "latent_sizes": "auto"}),
    "discriminator": Network("dcgan", {"width": 32}),
}
_FOR_CORES = GANObjective(penalties={"r1": 1.0}, penalty_interval=4, matching=0.2)
_SMALL_STYLEGAN2 = {"width": 16, "max_width": 128, "mapping_layers": 2}
_SMALL_R3GAN = {"width": 16, "max_width": 128, "blocks": 1}
# schedules of Huang et al. 2024 over the length of a recipe, and of what they augment with what leaves products upright
# and in the colour that is asked for
_R3GAN: Mapping[str, Any] = types.MappingProxyType(
    {
        "final_learning_rate": 0.25,
        "gradient_clip": 0.0,
        "ema_warm_up": 1.0,
    }
)
_R3GAN_OBJECTIVE = GANObjective(
    final_penalties=0.1, augmentation=("flip", "translation", "zoom", "cutout"), augmentation_warm_up=1.0
)

RECIPES = {
    recipe.name: recipe
    for recipe in (
        # two cores learn most from many pictures: narrow networks, R1 alone every fourth step; upsampling leaves no
        # mesh, and latents have no say in the last stages, whose colours are the words'
        Recipe(networks=_NARROW, objective=_FOR_CORES),
        # some minutes at 32 pixels: so short a run takes larger steps, and gains by averaging over more of it
        Recipe(
            name="quickstart",
            networks={role: Network("dcgan", {**_NARROW[role].options, "inner_convs": 0}) for role in _NARROW},
            optimizers={"generator": Optimizer(beta_2=0.95), "discriminator": Optimizer(beta_2=0.95)},
            objective=_FOR_CORES,
            images=100_000,
            ema_ramp=0.2,
        ),
        # some hundreds of photos: the default's networks, so that a run on others can be begun with
        Recipe(
            name="few-photos",
            networks=_NARROW,
            objective=dataclasses.replace(
                _FOR_CORES,
                augmentation=("flip", "translation", "zoom", "cutout"),
                augmentation_target=0.9,
                augmentation_images=50_000,
            ),
            fade_conditions=0.5,
            balance=0.5,
            images=60_000,
        ),
        Recipe(
            name="dcgan-classic",
            networks={
                "generator": Network("dcgan", {**_CLASSIC, "latent_dim": 100}),
                "discriminator": Network("dcgan", _CLASSIC),
            },
            **_TEXTBOOK,
        ),
        Recipe(
            name="mlp",
            networks={
                "generator": Network("mlp"),
                "discriminator": Network("mlp", {**_CLASSIC, "dropout": 0.3}),
            },
            **_TEXTBOOK,
        ),
        # Arjovsky et al. 2017; Adam without momentum is their RMSprop, whose first steps alone are larger. No batch
        # normalisation in the discriminator: clipped, its gains let almost nothing through
        Recipe(
            name="wgan",
            networks={
                "generator": Network("dcgan", {**_CLASSIC, "latent_dim": 100}),
                "discriminator": Network("dcgan", {"inner_convs": 0}),
            },
            optimizers={"generator": Optimizer(5e-5, 0.0, 0.99), "discriminator": Optimizer(5e-5, 0.0, 0.99)},
            objective=GANObjective(loss="wasserstein", penalties={}, discriminator_steps=5, weight_clip=0.01),
            batch_size=64,
            gradient_clip=0.0,
            schedule="constant",
        ),
        # Gulrajani et al. 2017, algorithm 1
        Recipe(
            name="wgan-gp",
            networks={
                "generator": Network("dcgan", {**_CLASSIC, "latent_dim": 128}),
                "discriminator": Network("dcgan", {"inner_convs": 0}),
            },
            optimizers={"generator": Optimizer(1e-4, 0.0, 0.9), "discriminator": Optimizer(1e-4, 0.0, 0.9)},
            objective=GANObjective(loss="wasserstein", penalties={"wgan-gp": 10.0}, discriminator_steps=5),
            batch_size=64,
            gradient_clip=0.0,
            schedule="constant",
        ),
        # Miyato and Koyama 2018
        Recipe(
            name="sngan",
            networks={"generator": Network("sngan"), "discriminator": Network("sngan")},
            optimizers={"generator": Optimizer(2e-4, 0.0, 0.9), "discriminator": Optimizer(2e-4, 0.0, 0.9)},
            objective=GANObjective(loss="hinge", penalties={}, discriminator_steps=5),
            batch_size=64,
            gradient_clip=0.0,
            final_learning_rate=0.0,
        ),
        # Karras et al. 2018, for processors: narrow, five times their steps, and by the loss that learns fastest here,
        # where theirs is wasserstein with penalties.wgan-gp=10 and drift=1e-3
        Recipe(
            name="progan",
            networks={role: Network("progan", {"width": 16}) for role in ("generator", "discriminator")},
            optimizers={"generator": Optimizer(5e-3, 0.0, 0.99), "discriminator": Optimizer(5e-3, 0.0, 0.99)},
            objective=dataclasses.replace(
                _FOR_CORES,
                growth={"4": 0, "8": 1, "16": 1, "32": 2, "1024": 3},
                growth_batches={"16": 32, "64": 16, "1024": 8},
            ),
            gradient_clip=0.0,
            schedule="constant",
        ),
        # for processors, and for minutes on a GPU: narrow networks take larger steps, small batches stronger penalties
        Recipe(
            name="r3gan",
            networks={
                "generator": Network("r3gan", _SMALL_R3GAN),
                "discriminator": Network("r3gan", _SMALL_R3GAN),
            },
            optimizers={"generator": Optimizer(final_beta_2=0.99), "discriminator": Optimizer(final_beta_2=0.99)},
            objective=dataclasses.replace(_R3GAN_OBJECTIVE, matching=0.2),
            **_R3GAN,
        ),
        # networks and rates of Huang et al. 2024, for a GPU, over a quarter of their 20 million images
        Recipe(
            name="r3gan-published",
            networks={"generator": Network("r3gan"), "discriminator": Network("r3gan")},
            optimizers={
                "generator": Optimizer(2e-4, 0.0, 0.9, final_beta_2=0.99),
                "discriminator": Optimizer(2e-4, 0.0, 0.9, final_beta_2=0.99),
            },
            objective=dataclasses.replace(_R3GAN_OBJECTIVE, penalties={"r1": None, "r2": None}),
            batch_size=256,
            images=5_000_000,
            ema_half_life=125_000,
            **_R3GAN,
        ),
        # Karras et al. 2020, for processors: narrow, larger steps, R1 more often than every sixteenth of them, since
        # there are few; style mixing and path lengths, which take longer to be worth it, are there for --set
        Recipe(
            name="stylegan2",
            networks={
                "generator": Network("stylegan2", {"z_dim": 64, "embedding_dim": 64, "w_dim": 128, **_SMALL_STYLEGAN2}),
                "discriminator": Network("stylegan2", _SMALL_STYLEGAN2),
            },
            optimizers={"generator": Optimizer(4e-3, 0.0, 0.99), "discriminator": Optimizer(4e-3, 0.0, 0.99)},
            objective=GANObjective(
                loss="non-saturating",
                penalties={"r1": 1.0},
                penalty_interval=4,
                matching=0.2,
                augmentation=("flip", "translation", "zoom"),
                augmentation_probability=0.0,
                augmentation_target=0.6,
                augmentation_images=500_000,
            ),
            gradient_clip=0.0,
        ),
        # with attributes a CVAE
        Recipe(
            name="vae",
            kind="vae",
            networks={"encoder": Network("vae"), "decoder": Network("vae")},
            optimizers={"vae": Optimizer(1e-3, 0.9, 0.999)},
            objective=VAEObjective(),
            batch_size=64,
            gradient_clip=0.0,
        ),
        # rates, momentum and weights of Isola et al. 2017; batches of more than one, which cores like better
        Recipe(
            name="pix2pix",
            kind="translation",
            networks={"generator": Network("pix2pix"), "discriminator": Network("pix2pix")},
            optimizers={"generator": Optimizer(2e-4, 0.5, 0.999), "discriminator": Optimizer(2e-4, 0.5, 0.999)},
            objective=TranslationObjective(),
            batch_size=8,
            images=100_000,
            gradient_clip=0.0,
        ),
        # rates, momentum, weights and schedule of Zhu et al. 2017; for cores a quarter of their width, and half that of
        # their discriminators
        Recipe(
            name="cyclegan",
            kind="cycle",
            networks={
                **{role: Network("cyclegan", {"width": 16}) for role in ("generator", "back_generator")},
                **{role: Network("cyclegan") for role in ("discriminator", "back_discriminator")},
            },
            optimizers={"generator": Optimizer(2e-4, 0.5, 0.999), "discriminator": Optimizer(2e-4, 0.5, 0.999)},
            objective=CycleObjective(),
            batch_size=4,
            images=40_000,
            gradient_clip=0.0,
            schedule="linear",
            final_learning_rate=0.0,
        ),
        # half the width and depth of Ledig et al. 2017 and of BasicSR, at the rates that networks so small bear
        Recipe(
            name="srresnet",
            kind="upscaling",
            networks={"generator": Network("srresnet")},
            optimizers={"generator": Optimizer(1e-3, 0.9, 0.99)},
            objective=UpscalingObjective(),
            batch_size=16,
            images=200_000,
            gradient_clip=0.0,
            final_learning_rate=0.01,
        ),
        Recipe(
            name="srgan",
            kind="upscaling-gan",
            networks={"generator": Network("srresnet"), "discriminator": Network("srresnet")},
            optimizers={"generator": Optimizer(1e-3, 0.9, 0.99), "discriminator": Optimizer(5e-4, 0.9, 0.99)},
            objective=UpscalingGANObjective(),
            batch_size=16,
            images=300_000,
            gradient_clip=0.0,
            final_learning_rate=0.01,
        ),
        # one right mask for each photo: no game, and edges that follow the photo
        Recipe(
            name="cutout",
            kind="segmentation",
            networks={"generator": Network("pix2pix", {"width": 24, "dropout": 0.0, "source_skip": True})},
            optimizers={"generator": Optimizer(1e-3, 0.9, 0.999)},
            objective=SegmentationObjective(),
            batch_size=8,
            images=60_000,
            gradient_clip=0.0,
            final_learning_rate=0.01,
            ema_half_life=2_000,
        ),
        # rate and momentum of Johnson et al. 2016, half of their channels
        Recipe(
            name="style",
            kind="style",
            networks={"generator": Network("style")},
            optimizers={"generator": Optimizer(1e-3, 0.9, 0.999)},
            objective=StyleObjective(),
            batch_size=8,
            images=40_000,
            gradient_clip=0.0,
            ema_half_life=1_000,
        ),
    )
}
"""The recipes by name."""


def get_recipe(name: str, /, **overrides: Any) -> Recipe:
    """A recipe by name, some fields changed, see `Recipe.replace`.

    Raises:
        RecipeError: If there is no such recipe or field; the message lists the nearest names.
    """
    if name not in RECIPES:
        raise RecipeError(f"Unknown recipe {name!r}: {nearest(name, RECIPES)}")
    return RECIPES[name].replace(**overrides)
