"""What SavedModels of all kinds have in common: signatures, a description of themselves, pictures as PNG files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

import tfproductgan
from tfproductgan.export.named_inputs import MAX_ROWS, NamedInputs, inputs_of, row_problems, zero_unless
from tfproductgan.models.trained import TrainedModel, copy_of

# what costs least time a picture at little more size
_PNG_COMPRESSION = 1


@dataclasses.dataclass(frozen=True)
class Signature:
    """One thing a served model can be asked.

    Args:
        output: Name of the output; ends with `_bytes` if it holds bytes, which JSON then carries as base64.
        inputs: Names and specs of the inputs; dimension 0 of every one is the batch.
        function: Maps tensors by input name to the output, row by row.
    """

    output: str
    inputs: Mapping[str, tf.TensorSpec]
    function: Callable[[Mapping[str, tf.Tensor]], tf.Tensor]

    def concrete(self):
        """The traced function, as `tf.saved_model.save` takes it."""

        def serve(**inputs):
            return {self.output: self.function(inputs)}

        return tf.function(serve, autograph=False).get_concrete_function(**self.inputs)


class ServedModel:
    """A trained model with its schema, in float32, that serves by name without Python.

    A model that can be asked for more says so by its own `signatures`, made of the methods of the class it becomes.
    `module` is what is saved; `card` is what it says of itself that neither the network nor the schema knows, and is
    set before anything is saved.
    """

    def __init__(self, model: TrainedModel):
        self.schema = model.schema
        # whatever it was trained in: what serves decides about its precision
        self.network = copy_of(model.networks()[model.role], dtype="float32")
        self.names = NamedInputs(model.schema)
        self._facts = {"model_id": model.model_id, "provenance": model.provenance, "asks": model.asks}
        # each weight once, without Keras around it
        self.module = tf.Module()
        self.module.weights = [weight.value for weight in self.network.weights]
        self.module.names = self.names
        self.card: dict[str, Any] = {}
        anything = tf.TensorSpec([None], tf.string, "request")
        self.signatures = {
            **self.own_signatures(),
            "describe": Signature("description", {"request": anything}, self._describe),
            **model.signatures(self),
        }

    def own_signatures(self) -> dict[str, Signature]:
        """What models of this kind can be asked, `serving_default` first."""
        raise NotImplementedError(f"{type(self).__name__} must say what it can be asked.")

    def own_facts(self) -> dict[str, Any]:
        """What there is to describe in models of this kind alone, JSON-ready."""
        return {}

    def describe(self) -> dict[str, Any]:
        """What the signature `describe` answers, JSON-ready."""
        return {
            **self._facts,
            "tfproductgan": tfproductgan.__version__,
            "image_size": self.schema.image_size,
            "channels": self.schema.channels,
            **self.own_facts(),
            "max_rows": MAX_ROWS,
            "inputs": inputs_of(self.schema),
            "signatures": {
                name: {"inputs": {key: spec.dtype.name for key, spec in s.inputs.items()}, "output": s.output}
                for name, s in self.signatures.items()
            },
            "schema": self.schema.to_dict(),
            "card": self.card,
        }

    def _describe(self, inputs):
        zero = zero_unless(row_problems(inputs))
        description = json.dumps(self.describe(), ensure_ascii=False)
        return tf.fill(tf.shape(inputs["request"]) + tf.cast(zero, tf.int32), description)


def stack_ids(asked, zero, like):
    """What `NamedInputs.ids` found as int32 `[N, columns]`, also if there are no attributes."""
    if not asked:
        return tf.zeros((tf.shape(like)[0], 0), tf.int32)
    return tf.concat([tf.cast(each.ids + zero, tf.int32) for each in asked], axis=1)


def encode_png(image):
    """One picture, uint8 `[H, W, C]`, as the bytes of a PNG file."""
    return tf.io.encode_png(image, compression=_PNG_COMPRESSION)
