import keras
import pytest

from tfproductgan.errors import RecipeError
from tfproductgan.recipes import RECIPES
from tfproductgan.registry import KINDS, families, kind_named, network_class


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_each_recipe_finds_its_networks(recipe):
    for role, spec in recipe.networks.items():
        network = network_class(spec.family, role)
        assert issubclass(network, keras.Model)
        assert keras.saving.get_registered_name(network).startswith("tfproductgan>")


def test_each_family_is_the_default_of_a_recipe():
    assert {spec.family for recipe in RECIPES.values() for spec in recipe.networks.values()} == set(families())


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("part", ["model", "objective", "alarms", "served"])
def test_each_kind_finds_what_it_names(kind, part):
    assert callable(kind.find(part))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kinds_model_knows_its_kind(kind):
    model = kind.find("model")
    assert (model.kind_name, model.asks) == (kind.name, kind.asks)
    assert RECIPES[model.default_recipe].kind == kind.name


def test_an_unknown_family_names_the_nearest():
    with pytest.raises(RecipeError, match="Unknown network family 'dcgn': did you mean 'dcgan'"):
        network_class("dcgn", "generator")


def test_an_unknown_kind_names_those_there_are():
    with pytest.raises(RecipeError, match="Unknown kind of model 'gam': did you mean 'gan'"):
        kind_named("gam")


def test_an_unknown_role_names_those_there_are():
    with pytest.raises(RecipeError, match="The 'mlp' family has no 'encoder'; it has 'generator', 'discriminator'"):
        network_class("mlp", "encoder")
