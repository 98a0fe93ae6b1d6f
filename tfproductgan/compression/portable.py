"""Converted generators without TensorFlow: a LiteRT or ONNX file and the JSON file beside it, asked by name.

The file takes latents, float32 `[N, latent_dim]`, and condition ids, int32 `[N, attributes]` (0 means not given), and
gives pictures, float32 `[N, image_size, image_size, channels]` in -1 to 1. The JSON file, of the same name, holds what
turns words into ids. The latents of a seed are `tf.random.stateless_normal([latent_dim], [seed, 0])` times the
truncation, which `tfproductgan.stateless_random` computes in NumPy.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfproductgan.conditions import MAX_SEED, ConditionSchema, PictureRequest, plan_requests
from tfproductgan.errors import ConditionError, RunError, require
from tfproductgan.stateless_random import stateless_normal

SIDECAR_VERSION = 1

_AT_ONCE = 16  # pictures: more at once are no faster
_MOST = 2**20


class PortableGenerator:
    """A converted generator: the same requests as `TrainedGenerator`, nearly the same pictures.

    Args:
        path: A `.tflite` or `.onnx` file that `tfproductgan compress` wrote, with its `.json` beside it.
        num_threads: Threads of the runtime. Defaults to one a core.

    Raises:
        RunError: If a file is missing or is none of these.
        MissingExtraError: If the runtime is not installed.

    Example:
    ```python
    generator = PortableGenerator("compressed/generator-litert-int8.tflite")
    images = generator.generate({"category": "Ring", "colour": "Gold"}, count=16, seed=7)
    ```
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
        self.latent_dim: int = facts["latent_dim"]
        self._run = _RUNTIMES[path.suffix](path, num_threads or os.cpu_count() or 1)

    def plan(
        self,
        conditions: Mapping[str, str] | Sequence[Mapping[str, str]] | None = None,
        count: int | None = None,
        seed: int = 0,
        truncation: float = 1.0,
        complete: bool = True,
    ) -> list[PictureRequest]:
        """The requests behind `generate`; see `TrainedGenerator.plan`."""
        return plan_requests(self.schema, conditions, count, seed, truncation, complete, _MOST)

    def generate(
        self,
        conditions: Mapping[str, str] | Sequence[Mapping[str, str]] | None = None,
        count: int | None = None,
        seed: int = 0,
        truncation: float = 1.0,
    ) -> np.ndarray:
        """Pictures of what is asked for; see `TrainedGenerator.generate`.

        Returns:
            uint8 array `[count, image_size, image_size, channels]`.

        Raises:
            ConditionError: If an attribute, a value, the count, the seed or the truncation cannot be.
        """
        return self.draw(self.plan(conditions, count, seed, truncation))

    def draw(self, requests: Sequence[PictureRequest]) -> np.ndarray:
        """Draw what was planned: uint8 `[len(requests), image_size, image_size, channels]`."""
        return self.images(*inputs_of(requests, self.schema, self.latent_dim))

    def images(self, latents: np.ndarray, conditions: np.ndarray) -> np.ndarray:
        """Pictures of latents and condition ids.

        Args:
            latents: float32 `[N, latent_dim]`.
            conditions: int32 `[N, attributes]`; 0 means not given.

        Returns:
            uint8 `[N, image_size, image_size, channels]`.
        """
        size = self.schema.image_size
        drawn = [np.zeros((0, size, size, self.schema.channels), np.float32)]
        for start in range(0, len(latents), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            drawn.append(self._run(latents[part], conditions[part]))
        return np.clip(np.round((np.concatenate(drawn) + 1) * 127.5), 0, 255).astype(np.uint8)


def inputs_of(
    requests: Sequence[PictureRequest], schema: ConditionSchema, latent_dim: int
) -> tuple[np.ndarray, np.ndarray]:
    """What a converted file takes for requests.

    Returns:
        Latents, float32 `[N, latent_dim]`, and condition ids, int32 `[N, attributes]`.

    Raises:
        ConditionError: If a condition, a seed or a truncation cannot be.
    """
    for request in requests:
        if not 0 <= request.seed <= MAX_SEED:
            raise ConditionError(f"seed must be a whole number from 0 to {MAX_SEED}. Received: {request.seed!r}")
    ids = np.array([schema.encode(request.conditions) for request in requests], np.int32)
    latents = stateless_normal([request.seed for request in requests], 0, latent_dim)
    truncations = np.array([request.truncation for request in requests], np.float32)
    return latents * truncations[:, None], ids.reshape(len(requests), len(schema.attributes))


def sidecar(model: Any, files_format: str) -> dict[str, Any]:
    """The facts that go beside a converted file, JSON-ready.

    Args:
        model: The `TrainedGenerator` that was converted.
        files_format: Name of the conversion.
    """
    size, channels = model.schema.image_size, model.schema.channels
    return {
        "version": SIDECAR_VERSION,
        "model_id": model.model_id,
        "format": files_format,
        "latent_dim": model.latent_dim,
        "inputs": {
            "latents": f"float32 [N, {model.latent_dim}]: tf.random.stateless_normal([{model.latent_dim}], [seed, 0]) "
            "times the truncation",
            "conditions": f"int32 [N, {len(model.schema.attributes)}]: position of the value in the schema, from 1 on; "
            "0 for not given",
        },
        "outputs": {"images": f"float32 [N, {size}, {size}, {channels}], -1 to 1"},
        "schema": model.schema.to_dict(),
    }


def _read_sidecar(path):
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        missing = {"version", "schema", "model_id", "latent_dim"} - facts.keys()
    except FileNotFoundError:
        raise RunError(f"{path} is missing: copy it beside the model, it holds the names.") from None
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error
    if missing:
        raise RunError(f"{path} does not describe a converted generator: {', '.join(sorted(missing))} is missing.")
    if facts["version"] > SIDECAR_VERSION:
        raise RunError(f"{path} has version {facts['version']}; this tfproductgan reads up to {SIDECAR_VERSION}.")
    return facts


class _LiteRT:
    """A `.tflite` file as a function of latents and condition ids."""

    def __init__(self, path, num_threads):
        interpreter = require("ai_edge_litert.interpreter", "compress").Interpreter
        try:
            self._interpreter = interpreter(str(path), num_threads=num_threads)
        except ValueError as error:
            raise RunError(f"{path} cannot be loaded as a LiteRT file: {error}") from error
        [signature] = self._interpreter.get_signature_list()
        self._signature = self._interpreter.get_signature_runner(signature)

    def __call__(self, latents, conditions):
        # without attributes the conditions decide nothing, and converters leave them out
        given = {"latents": latents, "conditions": conditions}
        taken = self._signature.get_input_details()
        return self._signature(**{name: values for name, values in given.items() if name in taken})["images"]


class _ONNX:
    """An `.onnx` file as a function of latents and condition ids."""

    def __init__(self, path, num_threads):
        runtime = require("onnxruntime", "compress")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.log_severity_level = 3  # errors alone
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # a class of its own for every reason
            raise RunError(f"{path} cannot be loaded as an ONNX file: {error}") from error
        self._taken = {taken.name for taken in self._session.get_inputs()}

    def __call__(self, latents, conditions):
        given = {"latents": latents, "conditions": conditions}
        return self._session.run(["images"], {name: given[name] for name in self._taken})[0]


_RUNTIMES = {".tflite": _LiteRT, ".onnx": _ONNX}
