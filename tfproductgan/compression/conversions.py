"""Smaller and faster forms of a trained model as files: bfloat16 weights, LiteRT, ONNX."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfproductgan.compression.folding import Folded
from tfproductgan.compression.own_graph import own_graph
from tfproductgan.compression.portable import Inputs, PortableModel, sampler_inputs, sidecar
from tfproductgan.compression.stages import can_be_taken_apart
from tfproductgan.conditions import Conditions, ConditionSchema, InputSpec
from tfproductgan.errors import ConversionError, require
from tfproductgan.models.loading import load
from tfproductgan.models.pictures import to_float, to_uint8
from tfproductgan.models.trained import TrainedModel, copy_of
from tfproductgan.text_vectors import spell_vectors
from tfproductgan.writing import write_json

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue

Pictures = Callable[[Inputs], np.ndarray]
"""What a network takes to uint8 pictures."""

_TYPICAL = 256
_TYPICAL_WORDS = 64  # of the most frequent ones of titles
# others than those of the pictures a form is judged by, which are asked for with the first seeds
_TYPICAL_SEED = 2**40
_ONNX_OPSET = 18


@dataclasses.dataclass(frozen=True)
class Conversion:
    """A form of a model, and what a file has to fulfil to be one.

    Args:
        name: As people ask for it.
        write: Writes the form of a trained model to a path; its third argument is what the network takes on typical
            requests.
        shares: Least and largest size as a share of the network's weights in float32; smaller files have lost weights.
        least_psnr: Least mean PSNR in decibels against the original's pictures; `None` if it may draw others.
        kid_slack: By which factor its kernel distance to photos may exceed the original's.
    """

    name: str
    write: Callable[[TrainedModel, Path, Inputs], Any]
    shares: tuple[float, float]
    least_psnr: float | None
    kid_slack: float = 1.1

    @property
    def file(self) -> str:
        """Name of its file."""
        return file_of(self.name)

    def open(self, path: Path) -> Pictures:
        """The file as a function that draws."""
        return PortableModel(path).images if path.suffix != ".keras" else pictures_of(network_of(load(path)))


def file_of(name: str) -> str:
    """Name of the file of a form."""
    suffix = {"litert": ".tflite", "onnx": ".onnx"}.get(name.split("-")[0], ".keras")
    return f"generator-{name}{suffix}"


# === What a model is asked ===


def network_of(model: TrainedModel) -> Any:
    """The network that makes a model's pictures."""
    asked = {"sampler": "sampling_network", "translator": "translating_network", "upscaler": "upscaling_network"}
    return getattr(model, asked[model.asks])


def input_specs(model: TrainedModel) -> dict[str, InputSpec]:
    """What the network of a model takes: what its schema says, pictures in -1 to 1, and where it draws latents and, if
    it is no factor of these, truncation.
    """
    given = model.schema.inputs()
    if model.asks == "sampler":
        truncation = {} if model.sampling_network.truncates_latents else {"truncation": InputSpec((), "float32")}
        return {
            "latents": InputSpec((model.latent_dim,), "float32"),
            "conditions": given["conditions"],
            **truncation,
        }
    if model.asks == "upscaler":
        side = model.schema.image_size // model.scale
        source = InputSpec((side, side, model.schema.channels), "float32")
        return {"source": source, "conditions": given["conditions"]}
    return {"source": given["source"]._replace(dtype="float32"), "conditions": given["conditions"]}


def typical_inputs(
    model: TrainedModel,
    catalogue: Catalogue | None = None,
    split: str = "train",
    count: int = _TYPICAL,
    seed: int = _TYPICAL_SEED,
) -> Inputs:
    """What the network of a model takes on typical requests.

    Args:
        model: Who is asked for pictures by name is asked for what its data has, by seeds that nobody else uses.
        catalogue: Where the pictures that go in come from, if some do.
        split: Of the catalogue.
        count: Number of requests; of a catalogue with fewer pictures, as many as it has.
        seed: Of the first request.

    Raises:
        ConversionError: If pictures go in and there is no catalogue.
    """
    if model.asks == "sampler":
        requests, network = model.plan(_typical_conditions(model.schema), count, seed), model.sampling_network
        return sampler_inputs(requests, model.schema, model.latent_dim, network.truncates_latents)
    if catalogue is None:
        raise ConversionError(f"{model.model_id} makes pictures of pictures: give those to try it with (--data).")
    [batch] = catalogue.stream(split, min(count, catalogue.size(split))).take(1)
    if model.asks == "upscaler":
        small = to_float(model.shrunk(batch["images"].numpy())).numpy()
        return {"source": small, "conditions": np.zeros((len(small), 0), np.int32)}
    return {"source": to_float(batch["source"]).numpy(), "conditions": batch["conditions"].numpy()}


def _typical_conditions(schema: ConditionSchema) -> list[Conditions]:
    """What the data has; of models that have learnt from titles also some words of these, every other time, and of
    those that have from vectors some directions.
    """
    texts: list[str] = []
    if schema.reads_words:
        words = schema.vocabulary.words[:_TYPICAL_WORDS]
        texts = [" ".join(words[at : at + 3]) for at in range(len(words))]
    elif schema.vocabulary is not None:
        texts = spell_vectors(np.random.default_rng(0).normal(size=(_TYPICAL_WORDS, schema.vocabulary.length)))
    return [asked for text in texts for asked in ({}, {schema.text_name: text})] or [{}]


def pictures_of(network: Any) -> Pictures:
    """A network as a function that draws."""
    graph = tf.function(
        lambda inputs: to_uint8(network(inputs, training=False)), autograph=False, reduce_retracing=True
    )
    return lambda inputs: graph({name: tf.constant(values) for name, values in inputs.items()}).numpy()


# === bfloat16 ===


def write_bfloat16(model: TrainedModel, path: Path, typical: Inputs) -> None:
    """Write the model with weights of 16 bits, computing with them: an ordinary `.keras` file of half the size."""
    copies = {role: copy_of(network, dtype="bfloat16") for role, network in model.networks().items()}
    network = copies.pop(model.role)
    made = type(model)(network, model.schema, f"{model.model_id}-bfloat16", model.provenance, trainable=False, **copies)
    made.save(path)


# === LiteRT ===


def write_litert_float16(model: TrainedModel, path: Path, typical: Inputs) -> None:
    """Write weights as float16; the runtime computes in float32, on GPUs in float16."""
    _write_litert(model, own_graph(network_of(model)), path, supported_types=[tf.float16])


def write_litert_dynamic_int8(model: TrainedModel, path: Path, typical: Inputs) -> None:
    """Write weights as int8; the runtime rounds what comes between to int8 by the range of each picture."""
    _write_litert(model, own_graph(network_of(model)), path)


def write_litert_int8(model: TrainedModel, path: Path, typical: Inputs) -> None:
    """Write weights as int8, and with them the ranges of all that comes between, measured on typical requests.

    What goes in and the pictures stay float32.
    """
    network = network_of(model)
    # the same pictures by numbers that fit into fewer levels
    apart = can_be_taken_apart(network)
    graph = Folded.of(network).for_integers(**typical).graph() if apart else own_graph(network)
    _write_litert(model, graph, path, typical, supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS_INT8])


def _write_litert(model, graph, path, measured_on=None, **target):
    # through a SavedModel, so that inputs and outputs keep their names
    module = tf.Module()
    module.variables_read = graph.variables
    specs = input_specs(model)
    signature = tf.function(lambda **inputs: {"images": graph.draw(inputs)}, autograph=False)
    with tempfile.TemporaryDirectory() as folder, _converting("LiteRT", graph.name):
        tf.saved_model.save(module, folder, signature.get_concrete_function(**_tensor_specs(specs)))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        for name, value in target.items():
            setattr(converter.target_spec, name, value)
        if measured_on is not None:
            converter.representative_dataset = lambda: (
                {name: values[row : row + 1] for name, values in measured_on.items()}
                for row in range(len(measured_on["conditions"]))
            )
        path.write_bytes(converter.convert())
    _write_sidecar(model, path, specs)


# === ONNX ===


def write_onnx(model: TrainedModel, path: Path, typical: Inputs) -> None:
    """Write float32 weights and operations that ONNX runtimes know."""
    tf2onnx, onnx = (require(name, "compress") for name in ("tf2onnx", "onnx"))
    graph, specs = own_graph(network_of(model)), input_specs(model)
    function = tf.function(lambda inputs: {"images": graph.draw(inputs)}, autograph=False)
    with _converting("ONNX", graph.name):
        made, _ = tf2onnx.convert.from_function(function, [_tensor_specs(specs)], opset=_ONNX_OPSET)
    # it says nothing of operations that it leaves as they are
    unknown = {node.op_type for node in made.graph.node if not node.domain and not onnx.defs.has(node.op_type)}
    if unknown:
        raise ConversionError(f"ONNX has no {', '.join(sorted(unknown))}, which {graph.name} needs.")
    path.write_bytes(made.SerializeToString())
    _write_sidecar(model, path, specs)


@contextlib.contextmanager
def _converting(runtime, network):
    """Say in one line which network a converter refuses, and why."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about ranges of inputs, which stay float32, and TensorFlow 1
            yield
    except Exception as error:  # converters raise nearly anything
        missing = sorted(set(re.findall(r"'tf\.(\w+)' op is neither", str(error))))
        reason = f"{runtime} has no {', '.join(missing)}" if missing else str(error).strip().split("\n")[0]
        raise ConversionError(f"{network} cannot be converted to {runtime}: {reason}.") from error


def _tensor_specs(specs):
    return {name: tf.TensorSpec([None, *spec.shape], spec.dtype, name) for name, spec in specs.items()}


def _write_sidecar(model, path, specs):
    write_json(path.with_suffix(".json"), sidecar(model, path.stem.removeprefix("generator-"), specs))


CONVERSIONS = {
    conversion.name: conversion
    for conversion in (
        Conversion("bfloat16", write_bfloat16, (0.45, 0.6), 40),
        Conversion("litert-float16", write_litert_float16, (0.45, 0.6), 50),
        Conversion("litert-dynamic-int8", write_litert_dynamic_int8, (0.2, 0.4), 35),
        Conversion("litert-int8", write_litert_int8, (0.2, 0.4), 30),
        Conversion("onnx", write_onnx, (0.9, 1.1), 60),
    )
}
"""The forms that need neither photos nor training, by name."""
