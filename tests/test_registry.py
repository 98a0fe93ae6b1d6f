import keras
import pytest

from tfproductgan.errors import RecipeError
from tfproductgan.registry import FAMILIES, network_class


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("role", ["generator", "discriminator"])
def test_each_family_has_both_networks(family, role):
    network = network_class(family, role)
    assert issubclass(network, keras.Model)
    assert keras.saving.get_registered_name(network).startswith("tfproductgan>")


def test_an_unknown_family_names_the_nearest():
    with pytest.raises(RecipeError, match="Unknown network family 'dcgn': did you mean 'dcgan'"):
        network_class("dcgn", "generator")


def test_an_unknown_role_names_those_there_are():
    with pytest.raises(RecipeError, match="The 'mlp' family has no 'encoder'; it has 'generator', 'discriminator'"):
        network_class("mlp", "encoder")
