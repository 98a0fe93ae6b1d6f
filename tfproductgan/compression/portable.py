"""Converted models without TensorFlow: a LiteRT or ONNX file and the JSON file beside it, asked as the model is.

The JSON file, of the same name, says what the model takes and holds what turns words into ids. The latents of a seed
are `tf.random.stateless_normal([latent_dim], [seed, 0])` times the truncation, which `tfproductgan.stateless_random`
computes in NumPy; where `truncation` is an input of its own, as they are. Pictures are float32 in -1 to 1, condition
ids int32; 0 means not given.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfproductgan.conditions import AsksByName, ConditionSchema, InputSpec, PictureRequest, encode_requests
from tfproductgan.errors import RunError, require
from tfproductgan.stateless_random import stateless_normal

SIDECAR_VERSION = 1

Inputs = Mapping[str, np.ndarray]
"""What a network takes, by name, a row a picture."""

_AT_ONCE = 16  # pictures: more at once are no faster


class PortableModel:
    """A converted model as a function of what its network takes.

    Args:
        path: A `.tflite` or `.onnx` file that `tfproductgan compress` wrote, with its `.json` beside it.
        num_threads: Threads of the runtime. Defaults to one a core.

    Raises:
        RunError: If a file is missing or is none of these.
        MissingExtraError: If the runtime is not installed.
    """

    def __init__(self, path: str | os.PathLike, num_threads: int | None = None):
        path = Path(path)
        if path.suffix not in _RUNTIMES:
            raise RunError(f"{str(path)!r} is no {' or '.join(_RUNTIMES)} file.")
        if not path.is_file():
            raise RunError(f"No such model: {path}.")
        facts = _read_sidecar(path.with_suffix(".json"))
        self.path = path
        self.schema = ConditionSchema.from_dict(facts["schema"])
        self.model_id: str = facts["model_id"]
        self.latent_dim: int | None = facts.get("latent_dim")
        self._truncates_latents = "truncation" not in facts.get("inputs", {})
        self._taken, self._run = _RUNTIMES[path.suffix](path, num_threads or os.cpu_count() or 1)

    def images(self, inputs: Inputs) -> np.ndarray:
        """Pictures, uint8 `[N, image_size, image_size, channels]`, of inputs as the JSON file describes them."""
        size = self.schema.image_size
        drawn = [np.zeros((0, size, size, self.schema.channels), np.float32)]
        # what decides nothing, such as the conditions of a model without attributes, converters leave out
        taken = {name: values for name, values in inputs.items() if name in self._taken}
        for start in range(0, len(inputs["conditions"]), _AT_ONCE):
            drawn.append(self._run({name: values[start : start + _AT_ONCE] for name, values in taken.items()}))
        return np.clip(np.round((np.concatenate(drawn) + 1) * 127.5), 0, 255).astype(np.uint8)


class PortableGenerator(PortableModel, AsksByName):
    """A converted generator: the same requests as `TrainedGenerator`, nearly the same pictures; see `PortableModel`.

    Example:
    ```python
    generator = PortableGenerator("compressed/generator-litert-int8.tflite")
    images = generator.generate({"category": "Ring", "colour": "Gold"}, count=16, seed=7)
    ```
    """

    def __init__(self, path: str | os.PathLike, num_threads: int | None = None):
        super().__init__(path, num_threads)
        if self.latent_dim is None:
            raise RunError(f"{path} makes pictures of pictures: open it with PortableTranslator.")

    def draw(self, requests: Sequence[PictureRequest]) -> np.ndarray:
        """Draw what was planned: uint8 `[len(requests), image_size, image_size, channels]`."""
        return self.images(sampler_inputs(requests, self.schema, self.latent_dim, self._truncates_latents))


class PortableTranslator(PortableModel):
    """A converted model that makes pictures of pictures, nearly as `TrainedTranslator` of squares; see `PortableModel`.

    Example:
    ```python
    translator = PortableTranslator("compressed/generator-onnx.onnx")
    ids = [translator.schema.encode({"category": "Ring"})]
    images = translator.translate_squares(sketches, ids)
    ```
    """

    def __init__(self, path: str | os.PathLike, num_threads: int | None = None):
        super().__init__(path, num_threads)
        if self.latent_dim is not None:
            raise RunError(f"{path} makes pictures by name: open it with PortableGenerator.")

    def translate_squares(self, sources: np.ndarray, ids: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
        """What is made of square pictures.

        Args:
            sources: uint8 `[N, image_size, image_size, source_channels]`.
            ids: Condition ids `[N, columns]`, as `schema.encode` gives them; 0 is not given.

        Returns:
            uint8 `[N, image_size, image_size, channels]`.
        """
        ids = np.asarray(ids, np.int32).reshape(len(sources), self.schema.num_columns)
        return self.images({"source": sources.astype(np.float32) / 127.5 - 1, "conditions": ids})


def sampler_inputs(
    requests: Sequence[PictureRequest], schema: ConditionSchema, latent_dim: int, truncates_latents: bool
) -> Inputs:
    """What a generator's network takes for requests: latents, conditions and, unless a factor of those, truncation.

    Raises:
        ConditionError: If a condition, a seed or a truncation cannot be.
    """
    rows = encode_requests(schema, requests)
    latents, truncations = stateless_normal(rows["seeds"], 0, latent_dim), rows["truncations"]
    inputs = {"latents": latents, "conditions": rows["conditions"]}
    if truncates_latents:
        return {**inputs, "latents": latents * truncations[:, None]}
    return {**inputs, "truncation": truncations}


_MEANINGS = {
    "latents": "tf.random.stateless_normal([latent_dim], [seed, 0])",
    "latents of a truncation": "times the truncation",
    "truncation": "0 for the most typical picture to 1 for the full variety and beyond",
    "conditions": "position of the value in the schema, from 1 on; 0 for not given",
    "conditions of several": "as many columns as an attribute is several; its positions ascending, then 0",
    "conditions of a text": "last the pieces of the text, numbered as in the schema's vocabulary, then 0",
    "conditions of a vector": "last the parts of the text's vector, as schema.encode reads them",
    "source": "the picture that goes in, -1 to 1",
}


def sidecar(model: Any, conversion: str, inputs: Mapping[str, InputSpec]) -> dict[str, Any]:
    """The facts that go beside a converted file, JSON-ready: of the model, the conversion, what the network takes."""
    size, channels = model.schema.image_size, model.schema.channels
    return {
        "version": SIDECAR_VERSION,
        "model_id": model.model_id,
        "format": conversion,
        **({"latent_dim": model.latent_dim} if "latents" in inputs else {}),
        "inputs": {
            name: {"type": spec.dtype, "shape": ["N", *spec.shape], "meaning": _meaning(name, inputs, model.schema)}
            for name, spec in inputs.items()
        },
        "outputs": {"images": {"type": "float32", "shape": ["N", size, size, channels], "meaning": "-1 to 1"}},
        "schema": model.schema.to_dict(),
    }


def _meaning(name, inputs, schema):
    if name == "latents" and "truncation" not in inputs:
        return f"{_MEANINGS[name]} {_MEANINGS['latents of a truncation']}"
    several = name == "conditions" and schema.text_columns.start > len(schema.attributes)
    text = name == "conditions" and schema.vocabulary is not None
    read = "a text" if schema.reads_words else "a vector"
    more = [part for part, there in (("several", several), (read, text)) if there]
    return "; ".join([_MEANINGS[name], *(_MEANINGS[f"conditions of {part}"] for part in more)])


def _read_sidecar(path):
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        missing = {"version", "schema", "model_id"} - facts.keys()
    except FileNotFoundError:
        raise RunError(f"{path} is missing: copy it beside the model, it holds the names.") from None
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error
    if missing:
        raise RunError(f"{path} does not describe a converted model: {', '.join(sorted(missing))} is missing.")
    if facts["version"] > SIDECAR_VERSION:
        raise RunError(f"{path} has version {facts['version']}; this tfproductgan reads up to {SIDECAR_VERSION}.")
    return facts


# === Runtimes: each gives the names of the inputs a file takes, and a function of them ===


def _litert(path, num_threads):
    interpreter = require("ai_edge_litert.interpreter", "compress").Interpreter
    try:
        loaded = interpreter(str(path), num_threads=num_threads)
    except ValueError as error:
        raise RunError(f"{path} cannot be loaded as a LiteRT file: {error}") from error
    [signature] = loaded.get_signature_list()
    run = loaded.get_signature_runner(signature)
    return set(run.get_input_details()), lambda inputs: run(**inputs)["images"]


def _onnx(path, num_threads):
    runtime = require("onnxruntime", "compress")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.log_severity_level = 3  # errors alone
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # a class of its own for every reason
        raise RunError(f"{path} cannot be loaded as an ONNX file: {error}") from error
    return {taken.name for taken in session.get_inputs()}, lambda inputs: session.run(["images"], dict(inputs))[0]


_RUNTIMES = {".tflite": _litert, ".onnx": _onnx}
