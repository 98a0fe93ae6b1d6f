"""Whatever other projects have set for Keras, it works here, or one line says what to set."""

import keras
import pytest

from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import KerasSettingError
from tfproductgan.keras_settings import check_keras
from tfproductgan.metrics.classifier import ClassifierRecipe, _network
from tfproductgan.metrics.extractors import _squeezenet
from tfproductgan.registry import KINDS
from tfproductgan.training.trainer import make_model

SCHEMA = ConditionSchema([Attribute("kind", ("Mug", "Ring"))], image_size=32)


@pytest.fixture(autouse=True)
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def test_networks_of_every_family_have_their_channels_last(smallest):
    recipe = smallest(batch_size=2)
    kind = KINDS[recipe.kind]
    source, channels = 1 if kind.asks == "translator" else None, kind.find("model").most_channels
    model = make_model(recipe, ConditionSchema(SCHEMA.attributes, 32, channels, source_channels=source))
    assert {order_of(network) for network in model.networks().values()} <= {"channels_last", None}


@pytest.mark.parametrize(
    "make",
    [lambda: _network(SCHEMA, ClassifierRecipe(widths=(4,)), "float32"), _squeezenet],
    ids=["classifier", "squeezenet"],
)
def test_networks_that_judge_have_their_channels_last(make):
    assert order_of(make()) == "channels_last"


def order_of(network):
    [order] = {getattr(layer, "data_format", None) for layer in network._flatten_layers()} - {None} or {None}
    return order


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("backend", "jax", "with the backend jax, and .* set KERAS_BACKEND=tensorflow before it is imported"),
        ("floatx", "float16", r"floatx=float16, and this package needs float32: call keras.config.set_floatx"),
    ],
)
def test_what_cannot_be_is_one_line_that_says_what_to_set(monkeypatch, setting, value, said):
    monkeypatch.setattr(keras.config, setting, lambda: value)
    with pytest.raises(KerasSettingError, match=said) as error:
        check_keras()
    assert "\n" not in str(error.value)
