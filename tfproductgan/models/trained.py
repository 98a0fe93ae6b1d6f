"""What has been learnt, as a file: small, self-contained, asked by name or with a picture."""

from __future__ import annotations

from typing import ClassVar

import keras

from tfproductgan.conditions import ConditionSchema
from tfproductgan.models.batches import TakesInputs
from tfproductgan.models.sampler import Sampler
from tfproductgan.models.translator import Translator
from tfproductgan.registry import import_all


class TrainedModel(TakesInputs, keras.Model):
    """Base of the trained models: networks, and the schema of what they take.

    Args:
        network: The network that makes pictures, built.
        schema: Its `ConditionSchema`.
        model_id: Names the model in the files it writes.
        provenance: JSON-ready facts of how it was made: recipe, images seen.
        **kwargs: A network for each further role, and arguments of `keras.Model`.
    """

    # the kind of model it comes of; the attribute that holds the network, also in files; and the roles beside its own
    kind_name: ClassVar[str]
    attribute: ClassVar[str]
    role: ClassVar[str] = "generator"
    other_roles: ClassVar[tuple[str, ...]] = ()

    def __init__(self, network, schema, model_id, provenance=None, **kwargs):
        others = {role: kwargs.pop(role) for role in self.other_roles}
        super().__init__(**kwargs)
        for name, each in {self.attribute: network, **others}.items():
            setattr(self, name, each)
        self.schema = schema
        self.model_id = model_id
        self.provenance = dict(provenance or {})
        self.built = True

    @classmethod
    def of(cls, model):
        """A copy of what a `TrainingModel`, which may go on training, has learnt."""
        copies = {role: copy_of(network, name=role) for role, network in model.averages().items()}
        return cls(copies.pop(cls.role), model.schema, model.model_id, model.provenance, trainable=False, **copies)

    # a method, and so are its like: Keras would save what a property returns once more
    def networks(self):
        """The networks by role."""
        others = {role: getattr(self, role) for role in self.other_roles}
        return {self.role: getattr(self, self.attribute), **others}

    def trained(self):
        """The model itself: there is nothing besides what was learnt."""
        return self

    def parameters(self):
        """Number of weights by role."""
        return {role: network.count_params() for role, network in self.networks().items()}

    def call(self, inputs, training=False):
        """What the network makes of its inputs, float32 in -1 to 1."""
        return self.networks()[self.role](inputs, training=training)

    def signatures(self, served):
        """What it can be asked once it is exported, beyond what every model of its kind can be asked.

        Args:
            served: What is made of it, such as a `ServedSampler`.

        Returns:
            A mapping of name to `Signature`.
        """
        return {}

    def get_config(self):
        """Everything the constructor takes."""
        serialize = keras.saving.serialize_keras_object
        network, *others = self.networks().values()
        return {
            **super().get_config(),
            "network": serialize(network),
            **{role: serialize(each) for role, each in zip(self.other_roles, others, strict=True)},
            "schema": self.schema.to_dict(),
            "model_id": self.model_id,
            "provenance": self.provenance,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model `get_config` describes."""
        import_all()
        config = dict(config)
        for name in ("network", *cls.other_roles):
            config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects=custom_objects)
        config["schema"] = ConditionSchema.from_dict(config["schema"])
        return cls(**config)


@keras.saving.register_keras_serializable(package="tfproductgan")
class TrainedGenerator(Sampler, TrainedModel):
    """A trained `Generator`: pictures by name. See `TrainedModel` for the arguments."""

    kind_name = "gan"
    attribute = "sampling_network"


@keras.saving.register_keras_serializable(package="tfproductgan")
class TrainedTranslator(Translator, TrainedModel):
    """A trained `TranslatingGenerator`: pictures of pictures. See `TrainedModel` for the arguments."""

    kind_name = "translation"
    attribute = "translating_network"


def copy_of(network, **changes):
    """A copy of a network with its weights, some of its config changed, such as `name` and `dtype`."""
    copy = type(network).from_config({**network.get_config(), **changes})
    copy.set_weights(network.get_weights())
    return copy
