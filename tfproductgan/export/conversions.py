"""Smaller and faster forms of a trained generator as files: bfloat16 weights, LiteRT, ONNX."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfproductgan.errors import require
from tfproductgan.export.inference_form import InferenceForm
from tfproductgan.export.portable import PortableGenerator, inputs_of, sidecar
from tfproductgan.models.loading import load
from tfproductgan.models.pictures import to_uint8
from tfproductgan.models.sampler import Sampler
from tfproductgan.models.trained import TrainedGenerator
from tfproductgan.networks.base import Generator

Pictures = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Latents `[N, latent_dim]` and condition ids `[N, attributes]` to uint8 pictures."""

_TYPICAL = 256
# others than those of the pictures a form is judged by, which are asked for with the first seeds
_TYPICAL_SEED = 2**40
_ONNX_OPSET = 18


@dataclasses.dataclass(frozen=True)
class Conversion:
    """A form of a generator, and what a file has to fulfil to be one.

    Args:
        name: As people ask for it.
        write: Writes the form of a `TrainedGenerator` to a path.
        shares: Least and largest size as a share of the generator's weights in float32; smaller files have lost
            weights.
        least_psnr: Least mean PSNR in decibels against the original's pictures; `None` if it may draw others.
        kid_slack: By which factor its kernel distance to photos may exceed the original's.
    """

    name: str
    write: Callable[[TrainedGenerator, Path], Any]
    shares: tuple[float, float]
    least_psnr: float | None
    kid_slack: float = 1.1

    @property
    def file(self) -> str:
        """Name of its file."""
        return file_of(self.name)

    def open(self, path: Path) -> Pictures:
        """The file as a function that draws."""
        return (
            PortableGenerator(path).images
            if path.suffix in (".tflite", ".onnx")
            else pictures_of(load(path).sampling_network)
        )


def file_of(name: str) -> str:
    """Name of the file of a form."""
    suffix = {"litert": ".tflite", "onnx": ".onnx"}.get(name.split("-")[0], ".keras")
    return f"generator-{name}{suffix}"


def pictures_of(network: Generator) -> Pictures:
    """A network as a function that draws."""
    graph = tf.function(
        lambda latents, conditions: to_uint8(network({"latents": latents, "conditions": conditions}, training=False)),
        [
            tf.TensorSpec([None, network.latent_dim], tf.float32),
            tf.TensorSpec([None, len(network.num_ids)], tf.int32),
        ],
        autograph=False,
    )
    return lambda latents, conditions: graph(latents, conditions).numpy()


def typical_inputs(model: Sampler) -> tuple[np.ndarray, np.ndarray]:
    """Latents and condition ids to measure a model by: conditions as the data has them, seeds that nobody asks for."""
    return inputs_of(model.plan(count=_TYPICAL, seed=_TYPICAL_SEED), model.schema, model.latent_dim)


# === bfloat16 ===


def write_bfloat16(model: TrainedGenerator, path: Path) -> None:
    """Write the model with weights of 16 bits, computing with them: an ordinary `.keras` file of half the size."""
    network = model.sampling_network
    config = {**network.get_config(), "name": "generator", "dtype": "bfloat16"}
    copy = type(network).from_config(config)
    copy.set_weights(network.get_weights())
    made = TrainedGenerator(copy, model.schema, f"{model.model_id}-bfloat16", model.provenance, trainable=False)
    made.save(path)


# === LiteRT ===


def write_litert_float16(model: TrainedGenerator, path: Path) -> None:
    """Write weights as float16; the runtime computes in float32, on GPUs in float16."""

    def configure(converter):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]

    _write_litert(InferenceForm.of(model.sampling_network), path, configure)
    _write_sidecar(model, path, "litert-float16")


def write_litert_dynamic_int8(model: TrainedGenerator, path: Path) -> None:
    """Write weights as int8; the runtime rounds what comes between to int8 by the range of each picture."""

    def configure(converter):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]

    _write_litert(InferenceForm.of(model.sampling_network), path, configure)
    _write_sidecar(model, path, "litert-dynamic-int8")


def write_litert_int8(model: TrainedGenerator, path: Path) -> None:
    """Write weights as int8, and with them the ranges of all that comes between, measured on typical requests.

    Conditions are drawn from the catalogue's distribution, latents from seeds. Latents and pictures stay float32.
    """
    latents, conditions = typical_inputs(model)

    def configure(converter):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            {"latents": latents[row : row + 1], "conditions": conditions[row : row + 1]} for row in range(len(latents))
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]

    _write_litert(InferenceForm.of(model.sampling_network).for_integers(latents, conditions), path, configure)
    _write_sidecar(model, path, "litert-int8")


def _write_litert(form, path, configure):
    module = tf.Module()
    module.images = _named(form)
    folder = tempfile.mkdtemp()
    try:
        # through a SavedModel, so that inputs and outputs keep their names; the form has no variables to lose
        tf.saved_model.save(module, folder, signatures=module.images.get_concrete_function())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about ranges of inputs, which stay float32
            converter = tf.lite.TFLiteConverter.from_saved_model(folder)
            configure(converter)
            path.write_bytes(converter.convert())
    finally:
        shutil.rmtree(folder)


# === ONNX ===


def write_onnx(model: TrainedGenerator, path: Path) -> None:
    """Write float32 weights and operations that ONNX runtimes know."""
    tf2onnx = require("tf2onnx", "compress")
    graph = _named(InferenceForm.of(model.sampling_network)).get_concrete_function()
    inputs, [output] = [tensor.name for tensor in graph.inputs], [tensor.name for tensor in graph.outputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about TensorFlow 1, which tf2onnx calls
        made, _ = tf2onnx.convert.from_graph_def(
            graph.graph.as_graph_def(),
            input_names=inputs,
            output_names=[output],
            opset=_ONNX_OPSET,
            tensors_to_rename={**{name: name.split(":")[0] for name in inputs}, output: "images"},
        )
    path.write_bytes(made.SerializeToString())
    _write_sidecar(model, path, "onnx")


def _named(form):
    return tf.function(
        lambda latents, conditions: {"images": form.images(latents, conditions)},
        list(form.signature.values()),
        autograph=False,
    )


def _write_sidecar(model, path, name):
    text = json.dumps(sidecar(model, name), ensure_ascii=False)
    path.with_suffix(".json").write_text(text, encoding="utf-8")


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
