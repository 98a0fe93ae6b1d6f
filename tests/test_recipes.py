import dataclasses
import json

import pytest

from tfproductgan.errors import RecipeError
from tfproductgan.losses.adversarial import ADVERSARIAL_LOSSES
from tfproductgan.losses.penalties import PENALTIES
from tfproductgan.recipes import (
    RECIPES,
    Network,
    Optimizer,
    Recipe,
    get_recipe,
)
from tfproductgan.registry import KINDS, families


@pytest.mark.parametrize("name", RECIPES)
def test_a_shipped_recipe_names_only_what_exists(name):
    recipe = get_recipe(name)
    assert recipe.name == name
    assert {network.family for network in recipe.networks.values()} <= set(families())
    assert getattr(recipe.objective, "loss", "hinge") in ADVERSARIAL_LOSSES
    assert set(getattr(recipe.objective, "penalties", ())) <= set(PENALTIES)


@pytest.mark.parametrize("name", RECIPES)
def test_survives_json(name):
    recipe = get_recipe(name, batch_size=6, learning_rate=1e-4)
    assert Recipe.from_dict(json.loads(recipe.to_json())) == recipe


def test_fields_are_overridden_one_at_a_time():
    recipe = get_recipe("mlp", batch_size=64)
    assert recipe.batch_size == 64
    assert recipe.replace(batch_size=32) == RECIPES["mlp"]


@pytest.mark.parametrize(("image_size", "rate"), [(28, 2e-3), (32, 2e-3), (64, 2e-3), (128, 8e-4)])
def test_learning_rates_that_are_not_given_suit_the_size_of_the_pictures(image_size, rate):
    recipe = get_recipe("dcgan", generator_learning_rate=1e-4).for_size(image_size)
    assert [recipe.optimizers[role].learning_rate for role in ("generator", "discriminator")] == [1e-4, rate]


@pytest.mark.parametrize(("image_size", "weight"), [(32, 0.23), (64, 2), (128, 17), (256, 150)])
def test_penalties_that_are_not_given_suit_the_size_of_the_pictures(image_size, weight):
    recipe = get_recipe("r3gan-published", penalties={"r1": None, "r2": 3.0}).for_size(image_size)
    assert recipe.objective.penalties == {"r1": weight, "r2": 3.0}


OBJECTIVES = dict.fromkeys(kind.find("objective") for kind in KINDS.values())


@pytest.mark.parametrize("part", [Recipe, Network, Optimizer, *OBJECTIVES])
def test_every_field_is_documented(part):
    for field in dataclasses.fields(part):
        assert f"\n        {field.name}: " in part.__doc__


def test_a_recipe_does_not_share_what_it_was_made_from():
    options = {"width": 8}
    recipe = get_recipe("dcgan", generator=options)
    options["width"] = 16
    assert recipe.networks["generator"].options == {"width": 8}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"batchsize": 1}, "A recipe of kind 'gan' has no field 'batchsize': did you mean 'batch_size'"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1. Received: 0"),
        ({"batch_size": 2.5}, "batch_size must be .* Received: 2.5"),
        ({"batch_size": True}, "batch_size must be .* Received: True"),
        ({"images": "400k"}, "images must be a whole number .* Received: '400k'"),
        ({"generator_learning_rate": 0}, "generator_learning_rate must be above 0. Received: 0"),
        ({"discriminator_learning_rate": float("nan")}, "must be above 0. Received: nan"),
        ({"gradient_clip": 10**400}, "must be at least 0. Received: 1000"),
        ({"final_beta_2": 1}, "final_beta_2 must be at least 0 and below 1. Received: 1"),
        ({"final_penalties": -1}, "final_penalties must be at least 0. Received: -1"),
        ({"style_mixing": 2}, "style_mixing must be between 0 and 1. Received: 2"),
        ({"path_length": -1}, "path_length must be at least 0. Received: -1"),
        ({"path_length_interval": 0}, "path_length_interval must be a whole number of at least 1. Received: 0"),
        ({"frozen_layers": -1}, "frozen_layers must be a whole number of at least 0. Received: -1"),
        ({"ema_warm_up": 2}, "ema_warm_up must be between 0 and 1. Received: 2"),
        ({"augmentation_warm_up": 2}, "augmentation_warm_up must be between 0 and 1. Received: 2"),
        (
            {"augmentation": ["flip"], "augmentation_warm_up": 0.5, "augmentation_target": 0.6},
            "augmentation_warm_up must be 0 with augmentation_target.* Received: 0.5",
        ),
        ({"beta_2": 1}, "beta_2 must be at least 0 and below 1. Received: 1"),
        ({"label_dropout": 1.5}, "label_dropout must be between 0 and 1. Received: 1.5"),
        ({"balance": "half"}, "balance must be between 0 and 1. Received: 'half'"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"seed": 2**63}, "seed must be a whole number from 0"),
        ({"schedule": "liner"}, "schedule must be one of .*'cosine'.* Received: 'liner'"),
        ({"precision": "float16"}, "precision must be one of .*'mixed_bfloat16'.* Received: 'float16'"),
        ({"generator": "wide"}, "generator must map names to values. Received: 'wide'"),
        ({"penalties": ["r1"]}, r"penalties must map names to values. Received: \['r1'\]"),
        ({"augmentation": "flip"}, "augmentation must be a list of names. Received: 'flip'"),
        ({"weight_clip": -0.01}, "weight_clip must be at least 0. Received: -0.01"),
        ({"augmentation": 3}, "augmentation must be a list of names. Received: 3"),
    ],
)
def test_what_cannot_be_is_refused(overrides, message):
    with pytest.raises(RecipeError, match=message):
        get_recipe("dcgan", **overrides)


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(RecipeError, match="Unknown recipe 'dcgan-clasic': did you mean 'dcgan-classic'"):
        get_recipe("dcgan-clasic")


@pytest.mark.parametrize("data", [[], "dcgan", None])
def test_what_is_no_recipe_is_refused(data):
    with pytest.raises(RecipeError, match="A recipe maps field names to values"):
        Recipe.from_dict(data)


def test_another_family_does_not_keep_the_options_of_the_one_before():
    recipe = get_recipe("dcgan", generator={"widths": [8]}, family="mlp")
    assert recipe.networks["generator"].options == {"widths": [8]} and recipe.networks["discriminator"].options == {}
    assert get_recipe("dcgan", family="dcgan") == get_recipe("dcgan")
