"""The recipes that come with the package, by name."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

from tfproductgan.errors import RecipeError, nearest
from tfproductgan.recipes.objectives import GANObjective, StyleObjective, TranslationObjective, VAEObjective
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
    "generator": Network("dcgan", {"width": 16, "upsampling": "nearest", "latent_sizes": 2}),
    "discriminator": Network("dcgan", {"width": 32}),
}
_FOR_CORES = GANObjective(penalties={"r1": 1.0}, penalty_interval=4, matching=0.2)

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
        # masks of products: few grey levels, so the difference says nearly all
        Recipe(
            name="cutout",
            kind="translation",
            networks={
                "generator": Network("pix2pix", {"width": 24, "dropout": 0.0}),
                "discriminator": Network("pix2pix", {"width": 24}),
            },
            optimizers={"generator": Optimizer(1e-3, 0.5, 0.999), "discriminator": Optimizer(2e-4, 0.5, 0.999)},
            objective=TranslationObjective(l1_weight=200.0),
            batch_size=8,
            images=60_000,
            gradient_clip=0.0,
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
