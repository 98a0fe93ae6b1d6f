"""Pictures by name from a served model: the same call as for a model in the same program, without TensorFlow."""

from __future__ import annotations

import dataclasses
import functools
import io
import itertools
import json
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from tfproductgan.conditions import (
    Conditions,
    ConditionSchema,
    PictureRequest,
    most_pictures,
    plan_requests,
    whole_number,
    with_text,
)
from tfproductgan.errors import ConditionError, ServingError
from tfproductgan.serving.client_grpc import GrpcTransport
from tfproductgan.serving.client_rest import RestTransport
from tfproductgan.serving.client_retries import call_with_retries
from tfproductgan.serving.statuses import RequestError
from tfproductgan.text_vectors import TextVectors

# one batch is drawn while the next one is on its way
_IN_FLIGHT = 2

# what TensorFlow puts around the words of an operation that fails
_AROUND = re.compile(r"^.*?could not correctly convert string: |\s*\[\[\{\{node .*$", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """One version of a served model.

    Args:
        version: Its number.
        state: `"START"`, `"LOADING"`, `"AVAILABLE"`, `"UNLOADING"` or `"END"`.
        error: What went wrong with it, or empty.
    """

    version: int
    state: str
    error: str = ""


class Client:
    """Asks a model behind TensorFlow Serving, or what speaks its API, for pictures by name, or with pictures.

    Args:
        url: `"grpc://host:8500"` or `"http://host:8501"`; `grpcs://` and `https://` if the connection is encrypted.
        model: Name of the model.
        version: Number of the version. Defaults to the newest one.
        label: Label of the version, such as `"canary"`, in the place of its number.
        timeout: Seconds one request may take, its retries included. Defaults to 60.
        batch_size: Pictures a request; more are asked for in several requests. Defaults to 32. TensorFlow Serving
            refuses more than the `max_batch_size` of its batching file.

    Raises:
        ServingError: If the address or the options cannot be.
        MissingExtraError: If grpcio and protobuf, or urllib3, are not installed.

    Example:
    ```python
    with Client("grpc://localhost:8500", model="studio") as client:
        images = client.generate({"colour": "Gold"}, count=16, seed=7)
    ```
    """

    def __init__(
        self,
        url: str,
        model: str,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 60.0,
        batch_size: int = 32,
    ):
        if version is not None and label is not None:
            raise ServingError(f"Give a version or a label, not both. Received: {version} and {label!r}")
        if not timeout > 0 or batch_size < 1:
            raise ServingError(f"timeout and batch_size must be above 0. Received: {timeout} and {batch_size}")
        self.url = url.rstrip("/")
        self.model = model
        self.timeout = timeout
        self.batch_size = batch_size
        self._version = version if version is not None else label
        self._transport = _transport(self.url, model, version, label)

    def generate(
        self,
        conditions: Conditions | Sequence[Conditions] | None = None,
        count: int | None = None,
        seed: int = 0,
        truncation: float = 1.0,
        text: str | Sequence[str] | None = None,
        text_vectors: Any = None,
    ) -> np.ndarray:
        """Pictures of what is asked for, the same as `generate` of the model itself.

        Args:
            conditions: A mapping of attribute name to value name or to several, partial or empty, or a list of them.
                What is not given is drawn from the data's own distribution.
            count: Number of pictures. Defaults to one a mapping; a list is repeated from its start.
            seed: Picture `i` has seed `seed + i`.
            truncation: Scales the latents, 0 to 2. Defaults to 1.
            text: Words of one's own, of a model that has learnt from titles.
            text_vectors: In its place, of a model that has learnt from vectors, one, numbers `[parts]`, or as many as
                conditions, `[N, parts]`.

        Returns:
            uint8 array `[count, image_size, image_size, channels]`.

        Raises:
            ConditionError: If an attribute, a value, the count, the seed or the truncation cannot be.
            ServingError: If the server does not answer, or not as asked.
        """
        inputs = self._inputs(with_text(conditions, text, text_vectors), count, seed, truncation)
        if isinstance(self._transport, GrpcTransport):
            return self._images("generate", inputs)
        # as JSON, pictures are four to ten times smaller as PNG
        return np.stack([self._decode(file) for file in self._files(inputs)])

    def generate_png(
        self,
        conditions: Conditions | Sequence[Conditions] | None = None,
        count: int | None = None,
        seed: int = 0,
        truncation: float = 1.0,
        text: str | Sequence[str] | None = None,
        text_vectors: Any = None,
    ) -> list[bytes]:
        """The same pictures as PNG files; arguments and errors as for `generate`."""
        return self._files(self._inputs(with_text(conditions, text, text_vectors), count, seed, truncation))

    def interpolate(self, first: PictureRequest, second: PictureRequest, steps: int) -> np.ndarray:
        """Pictures on the way from one request to another.

        Args:
            first: Where to start. What it does not give is drawn by its seed.
            second: Where to end.
            steps: Number of pictures, both ends included; at least 2.

        Returns:
            uint8 array `[steps, image_size, image_size, channels]`.

        Raises:
            ConditionError: If a request or the number of steps cannot be.
            ServingError: If the server does not answer, or not as asked.
        """
        steps = whole_number("steps", steps, 2, _most(self._description))
        inputs = {"fraction": np.linspace(0, 1, steps, dtype=np.float32)}
        for prefix, end in (("first_", first), ("second_", second)):
            row = self._inputs(end.conditions, 1, end.seed, end.truncation)
            inputs.update({prefix + name: np.repeat(value, steps, axis=0) for name, value in row.items()})
        return self._images("interpolate", inputs)

    def translate(
        self,
        pictures: Sequence[bytes | str | os.PathLike | np.ndarray],
        conditions: Conditions | Sequence[Conditions] | None = None,
        to: str = "B",
    ) -> list[np.ndarray]:
        """What a model that takes pictures makes of some, as `translate` of the model itself.

        Args:
            pictures: The bytes of a photo's file, its path, or uint8 `[H, W]` or `[H, W, C]`. They are sent upright and
                in sRGB, as photos are when a model learns.
            conditions: A mapping of attribute name to value name or to several, partial or empty, for all, or a list of
                them with one for each. What is not given is left to the picture.
            to: Of a model that goes both ways, `"A"` for the way back, which takes no conditions.

        Returns:
            uint8 `[H, W, C]` of each picture's own height and width.

        Raises:
            ConditionError: If an attribute or a value cannot be.
            PhotoError: If a picture cannot be read.
            ServingError: If a file cannot be read, or the server does not answer, or not as asked.
        """
        if not len(pictures):
            return []
        if isinstance(conditions, list | tuple) and len(conditions) != len(pictures):
            raise ConditionError(f"Conditions for {len(conditions)} pictures. Received: {len(pictures)} pictures")
        files = {"image_bytes": np.array([*map(_file, pictures, itertools.count())], object)}
        if to != "B":
            return [self._decode(file) for file in self._files(files, self._way(to, conditions))]
        rows = self._inputs(conditions, len(pictures), 0, 1.0)
        inputs = {name: rows[name] for name in self._description["inputs"].values()}
        return [self._decode(file) for file in self._files({**inputs, **files})]

    def upscale(self, pictures: Sequence[bytes | str | os.PathLike | np.ndarray]) -> list[np.ndarray]:
        """Pictures, two or four times as high and wide, by a model that makes them so.

        Args:
            pictures: As of `translate`; transparency is laid on white.

        Returns:
            uint8 `[scale * H, scale * W, C]` each.

        Raises:
            PhotoError: If a picture cannot be read.
            ServingError: If a file cannot be read, or the server does not answer, or not as asked.
        """
        if not len(pictures):
            return []
        files = np.array([*map(_file, pictures, itertools.count())], object)
        return [self._decode(file) for file in self._files({"image_bytes": files})]

    def recognise(self, pictures: Sequence[bytes | str | os.PathLike | np.ndarray]) -> list[dict[str, list[str]]]:
        """What a classifier that was exported with the model sees in pictures.

        Args:
            pictures: As of `translate`.

        Returns:
            Attribute name to names of values each: one, or as many as a picture has, the likeliest first.

        Raises:
            PhotoError: If a picture cannot be read.
            ServingError: If a file cannot be read, the model was exported without a classifier, or the server does not
                answer, or not as asked.
        """
        if not len(pictures):
            return []
        if "recognise" not in self._description["signatures"]:
            raise ServingError(f"Model {self.model!r} was exported without a classifier: export it with --recognise.")
        files = {"image_bytes": np.array([*map(_file, pictures, itertools.count())], object)}
        rows = [row for batch in self._batches("recognise", files, "recognised") for row in batch]
        places = list(zip(self._schema.names, self._schema.slices, strict=True))
        return [{name: [_text(value) for value in row[columns]] for name, columns in places} for row in rows]

    def _way(self, to, conditions):
        """The signature of a way that is not the first."""
        found = f"to_{to}".lower()
        if found not in self._description["signatures"]:
            raise ConditionError(f"Model {self.model!r} knows no way to {to!r}.")
        if any(conditions if isinstance(conditions, list | tuple) else [conditions]):
            raise ConditionError(f"The way to {to!r} takes no conditions. Received: {conditions!r}")
        return found

    def describe(self) -> dict[str, Any]:
        """What the model says about itself: schema, latent size, image size, model id, provenance, signatures.

        Raises:
            ServingError: If the server does not answer, or the model is none of this package's.
        """
        try:
            [text] = self._predict("describe", {"request": np.array([""])}, "description")
            return json.loads(text)
        except (ConditionError, ValueError) as error:
            raise ServingError(
                f"Model {self.model!r} at {self.url} does not describe itself, as models exported by tfproductgan do: "
                f"{error}"
            ) from error

    def status(self) -> list[VersionStatus]:
        """The versions the server knows of, newest first.

        Raises:
            ServingError: If the server does not answer, or has no such model.
        """
        found = self._call(self._transport.status)
        return sorted((VersionStatus(*facts) for facts in found), key=lambda status: -status.version)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @functools.cached_property
    def _description(self):
        return self.describe()

    @functools.cached_property
    def _schema(self):
        return ConditionSchema.from_dict(self._description["schema"])

    def _forget(self):
        """What went wrong may be that the server has another version by now: ask it again what it knows."""
        self.__dict__.pop("_schema", None)
        self.__dict__.pop("_description", None)

    def _inputs(self, conditions, count, seed, truncation):
        """Named arrays, one row a picture; what is not given is left for the model to draw."""
        known = "_description" in self.__dict__
        description = self._description
        schema = self._schema
        most = _most(description)
        try:
            requests = plan_requests(schema, conditions, count, seed, truncation, complete=False, most=most)
        except ConditionError:
            self._forget()
            if not known:
                raise
            return self._inputs(conditions, count, seed, truncation)  # a new version may know what this one did not
        names = description["inputs"]
        values = {name: [r.conditions.get(attribute, "") for r in requests] for attribute, name in names.items()}
        given = {name: np.array(column, object) for name, column in values.items()}
        if isinstance(schema.vocabulary, TextVectors):
            name = names[schema.text_name]
            given[name] = np.stack([schema.vocabulary.numbers(text) for text in values[name]])
        return {
            **given,
            "seed": np.array([request.seed for request in requests], np.int64),
            "truncation": np.array([request.truncation for request in requests], np.float32),
        }

    def _images(self, signature, inputs):
        return np.concatenate([np.asarray(b, np.uint8) for b in self._batches(signature, inputs, "images")])

    def _files(self, inputs, signature="serving_default"):
        return [file for batch in self._batches(signature, inputs, "image_bytes") for file in batch]

    def _decode(self, file):
        try:
            pixels = np.asarray(Image.open(io.BytesIO(file)))
        except OSError as error:
            raise ServingError(f"{self.url} answered with what is no picture: {error}") from error
        return pixels if pixels.ndim == 3 else pixels[..., None]

    def _batches(self, signature, inputs, output):
        size = min(self.batch_size, self._description["max_rows"])
        total = len(next(iter(inputs.values())))
        batches = [{n: a[start : start + size] for n, a in inputs.items()} for start in range(0, total, size)]
        if len(batches) == 1:  # threads would only cost time
            return [self._predict(signature, batches[0], output)]
        pool = ThreadPoolExecutor(_IN_FLIGHT)
        try:
            return list(pool.map(lambda batch: self._predict(signature, batch, output), batches))
        finally:
            pool.shutdown(cancel_futures=True)

    def _predict(self, signature, inputs, output):
        values = self._call(lambda seconds: self._transport.predict(signature, inputs, output, seconds))
        asked = len(next(iter(inputs.values())))
        if len(values) != asked:
            raise ServingError(f"{self.url} answered {len(values)} rows of {output!r} to a request for {asked}.")
        return values

    def _call(self, call):
        try:
            return call_with_retries(call, self.timeout)
        except RequestError as error:
            self._forget()
            raise self._explained(error) from error

    def _explained(self, error):
        said = " ".join(_AROUND.sub("", str(error)).split())
        version = "" if self._version is None else f", version {self._version!r}"
        return {
            "INVALID_ARGUMENT": ConditionError(said),
            "NOT_FOUND": ServingError(f"{self.url} has no model {self.model!r}{version}: {said}"),
            "DEADLINE_EXCEEDED": ServingError(f"{self.url} did not answer within {self.timeout:g} s."),
            "UNAVAILABLE": ServingError(f"No server answers at {self.url}, after several attempts: {said}"),
            "RESOURCE_EXHAUSTED": ServingError(f"{self.url} has too much to do, after several attempts: {said}"),
            "UNIMPLEMENTED": ServingError(f"{self.url} does not speak TensorFlow Serving's API: {said}"),
        }.get(error.code, ServingError(f"{self.url} answered {error.code}: {said}"))


def _file(picture, number):
    """The bytes of a picture's file, as a server reads it: upright and in sRGB, as photos are when a model learns."""
    # only here: the package decides how Keras runs, which is no matter of those who ask by name
    from tfproductgan.catalogue.photos import photo_of_array, plain_file, png_file

    if isinstance(picture, np.ndarray):
        return png_file(photo_of_array(picture, f"picture {number}"))
    if isinstance(picture, bytes):
        return plain_file(picture, f"picture {number}")
    try:
        return plain_file(Path(picture).read_bytes(), os.fspath(picture))
    except OSError as error:
        raise ServingError(f"{os.fspath(picture)!r} cannot be read: {error.strerror}") from error


def _text(value):
    return value.decode() if isinstance(value, bytes) else value  # as gRPC or as JSON has it


def _transport(url, model, version, label):
    parts = urlsplit(url)
    example = "such as 'grpc://localhost:8500' or 'http://localhost:8501'"
    try:
        known = parts.scheme in ("http", "https") or (parts.scheme in ("grpc", "grpcs") and parts.port is not None)
        valid = known and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        valid = False
    if not valid:
        raise ServingError(f"The address of a server is needed, {example}. Received: {url!r}")
    if not model:
        raise ServingError("The name of a model is needed. Received an empty one.")
    if parts.scheme in ("http", "https"):
        if "/v1" in parts.path:
            raise ServingError(f"The address ends before '/v1', {example}. Received: {url!r}")
        return RestTransport(url, model, version, label)
    if parts.path:
        raise ServingError(f"A gRPC address has no path, {example}. Received: {url!r}")
    return GrpcTransport(parts.netloc, parts.scheme == "grpcs", model, version, label)


def _most(description):
    """The most pictures one call may ask for, as of the model itself."""
    return most_pictures(description["image_size"], description["channels"])
