"""A trained generator as a file: small, self-contained, asked by name."""

from __future__ import annotations

import keras

from tfproductgan.conditions import ConditionSchema
from tfproductgan.models.generation import GeneratesByName
from tfproductgan.registry import import_families


@keras.saving.register_keras_serializable(package="tfproductgan")
class TrainedGenerator(GeneratesByName, keras.Model):
    """A generator network with the schema of conditions inside.

    Args:
        network: A built `Generator`.
        schema: Its `ConditionSchema`.
        model_id: Names the model in the files it writes.
        provenance: JSON-ready facts of how it was made: recipe, images seen.
        **kwargs: Arguments of `keras.Model`.
    """

    def __init__(self, network, schema, model_id, provenance=None, **kwargs):
        super().__init__(**kwargs)
        self.sampling_network = network
        self.schema = schema
        self.model_id = model_id
        self.provenance = dict(provenance or {})
        self.built = True

    @classmethod
    def from_network(cls, network, schema, model_id, provenance):
        """A copy of a network that goes on training."""
        copy = type(network).from_config({**network.get_config(), "name": "generator"})
        copy.set_weights(network.get_weights())
        return cls(copy, schema, model_id, provenance, trainable=False)

    def call(self, inputs, training=False):
        """Pictures, float32 in -1 to 1; see `Generator` for the inputs."""
        return self.sampling_network(inputs, training=training)

    def signatures(self, served):
        """What it can be asked once it is exported, beyond what every generator can be asked.

        Args:
            served: The `ServedGenerator` that is made of it.

        Returns:
            A mapping of name to `Signature`.
        """
        return {}

    def get_config(self):
        """Everything the constructor takes."""
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.sampling_network),
            "schema": self.schema.to_dict(),
            "model_id": self.model_id,
            "provenance": self.provenance,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model `get_config` describes."""
        import_families()
        config = dict(config)
        config["network"] = keras.saving.deserialize_keras_object(config["network"], custom_objects=custom_objects)
        config["schema"] = ConditionSchema.from_dict(config["schema"])
        return cls(**config)
