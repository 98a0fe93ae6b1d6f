"""A trained generator as TensorFlow graphs: what a SavedModel can be asked, signature by signature."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

import tfproductgan
from tfproductgan.export.named_inputs import (
    MAX_ROWS,
    NamedInputs,
    input_names,
    range_problem,
    row_problems,
    seed_problem,
    zero_unless,
)
from tfproductgan.models.pictures import to_uint8
from tfproductgan.models.sampler import seed_latents
from tfproductgan.models.trained import TrainedGenerator

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


class ServedGenerator:
    """A generator with its schema, in float32, that serves by name without Python.

    A model that can be asked for more says so by its own `signatures`, made of the methods here.

    Args:
        generator: The generator.
    """

    def __init__(self, generator: TrainedGenerator):
        self._schema = generator.schema
        self._network = _float32_copy(generator.sampling_network)
        self._facts = {"model_id": generator.model_id, "provenance": generator.provenance}
        self.names = NamedInputs(generator.schema)
        # what is saved: each weight once, without Keras around it
        self.module = tf.Module()
        self.module.weights = [variable.value for variable in self._network.variables]
        self.module.names = self.names
        self.signatures = {**self._signatures(), **generator.signatures(self)}

    def describe(self) -> dict[str, Any]:
        """What the signature `describe` answers, JSON-ready."""
        schema = self._schema
        return {
            **self._facts,
            "tfproductgan": tfproductgan.__version__,
            "image_size": schema.image_size,
            "channels": schema.channels,
            "latent_dim": self._network.latent_dim,
            "max_rows": MAX_ROWS,
            "inputs": input_names(schema.names),
            "signatures": {
                name: {"inputs": {key: spec.dtype.name for key, spec in s.inputs.items()}, "output": s.output}
                for name, s in self.signatures.items()
            },
            "schema": schema.to_dict(),
        }

    def request_specs(self, prefix: str = "") -> dict[str, tf.TensorSpec]:
        """The inputs of one request."""
        return {
            **self.names.specs(prefix),
            f"{prefix}seed": tf.TensorSpec([None], tf.int64, f"{prefix}seed"),
            f"{prefix}truncation": tf.TensorSpec([None], tf.float32, f"{prefix}truncation"),
        }

    def request_problems(self, inputs, columns, prefix=""):
        """What can be wrong with one request."""
        yield from self.names.unknown(inputs, columns, prefix)
        yield seed_problem(f"{prefix}seed", inputs[f"{prefix}seed"])
        yield range_problem(f"{prefix}truncation", inputs[f"{prefix}truncation"])

    def latents_and_embedding(self, inputs, columns, zero, prefix=""):
        """Latents and condition vectors of requests found good."""
        seeds = inputs[f"{prefix}seed"] + zero
        truncation = inputs[f"{prefix}truncation"] + tf.cast(zero, tf.float32)
        ids = self.names.complete(_stack(columns, zero, seeds), seeds)
        latents = seed_latents(seeds, self._network.latent_dim) * truncation[:, None]
        return latents, self._network.embed(ids)

    def synthesise(self, latents, embedding):
        """Pictures, uint8 `[N, image_size, image_size, channels]`."""
        return to_uint8(self._network.synthesise(latents, embedding, training=False))

    def _signatures(self) -> dict[str, Signature]:
        request = self.request_specs()
        latents = tf.TensorSpec([None, self._network.latent_dim], tf.float32, "latents")
        ends = {**self.request_specs("first_"), **self.request_specs("second_")}
        fraction = tf.TensorSpec([None], tf.float32, "fraction")
        anything = tf.TensorSpec([None], tf.string, "request")
        return {
            "serving_default": Signature("image_bytes", request, lambda inputs: _png(self._generate(inputs))),
            "generate": Signature("images", request, self._generate),
            "from_latents": Signature("images", {"latents": latents, **self.names.specs()}, self._from_latents),
            "interpolate": Signature("images", {**ends, "fraction": fraction}, self._interpolate),
            "describe": Signature("description", {"request": anything}, self._describe),
        }

    def _generate(self, inputs):
        columns = self.names.ids(inputs)
        zero = zero_unless([*row_problems(inputs), *self.request_problems(inputs, columns)])
        return self.synthesise(*self.latents_and_embedding(inputs, columns, zero))

    def _from_latents(self, inputs):
        latents, columns = inputs["latents"], self.names.ids(inputs)
        not_finite = ~tf.reduce_all(tf.math.is_finite(latents))
        finite = (not_finite, lambda: tf.constant("latents must be finite numbers. Received: NaN or infinity"))
        zero = zero_unless([*row_problems(inputs), *self.names.unknown(inputs, columns), finite])
        latents = latents + tf.cast(zero, tf.float32)
        return self.synthesise(latents, self._network.embed(_stack(columns, zero, latents)))

    def _interpolate(self, inputs):
        ends = ("first_", "second_")
        columns = {prefix: self.names.ids(inputs, prefix) for prefix in ends}
        problems = [problem for prefix in ends for problem in self.request_problems(inputs, columns[prefix], prefix)]
        problems = [*row_problems(inputs), *problems, range_problem("fraction", inputs["fraction"], 1.0)]
        zero = zero_unless(problems)
        (start, first), (end, second) = (
            self.latents_and_embedding(inputs, columns[prefix], zero, prefix) for prefix in ends
        )
        fraction = (inputs["fraction"] + tf.cast(zero, tf.float32))[:, None]
        return self.synthesise(_slerp(start, end, fraction), first + fraction * (second - first))

    def _describe(self, inputs):
        zero = zero_unless(row_problems(inputs))
        description = json.dumps(self.describe(), ensure_ascii=False)
        return tf.fill(tf.shape(inputs["request"]) + tf.cast(zero, tf.int32), description)


def _float32_copy(network):
    """The network in float32, whatever it was trained in: what serves decides about its precision."""
    copy = type(network).from_config({**network.get_config(), "dtype": "float32", "name": "generator"})
    copy.set_weights(network.get_weights())
    return copy


def _stack(columns, zero, like):
    """Columns of ids as int32 `[N, attributes]`, also if there are none."""
    if not columns:
        return tf.zeros((tf.shape(like)[0], 0), tf.int32)
    return tf.stack([tf.cast(column + zero, tf.int32) for column in columns], axis=1)


def _png(images):
    return tf.map_fn(
        lambda image: tf.io.encode_png(image, compression=_PNG_COMPRESSION),
        images,
        fn_output_signature=tf.TensorSpec([], tf.string),
    )


def _slerp(start, end, fraction):
    """What `Sampler.interpolate` does, for rows with a fraction each."""
    start, end, fraction = (tf.cast(part, tf.float64) for part in (start, end, fraction))
    norms = tf.norm(start, axis=1, keepdims=True) * tf.norm(end, axis=1, keepdims=True)
    cosine = tf.reduce_sum(start * end, axis=1, keepdims=True) / tf.maximum(norms, 1e-12)
    angle = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0))
    straight = tf.sin(angle) < 1e-4  # parallel, opposite or zero
    sine = tf.where(straight, tf.ones_like(angle), tf.sin(angle))
    first = tf.where(straight, 1 - fraction, tf.sin((1 - fraction) * angle) / sine)
    second = tf.where(straight, fraction, tf.sin(fraction * angle) / sine)
    return tf.cast(first * start + second * end, tf.float32)
