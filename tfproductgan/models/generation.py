"""Pictures by name: what a trained generator does for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from tfproductgan.conditions import (
    MAX_SEED,
    PictureRequest,
    check_truncation,
    most_pictures,
    plan_requests,
    whole_number,
)

# Always the same batch shape: libraries may sum in another order for another shape, and then a picture would
# depend on how many were asked for.
_CHUNK = 16


class GeneratesByName:
    """Mixin of models that hold a `schema`, a `sampling_network` (a `Generator`) and a `model_id`."""

    @property
    def latent_dim(self) -> int:
        """Length of the latent vectors."""
        return self.sampling_network.latent_dim

    def plan(
        self,
        conditions: Mapping[str, str] | Sequence[Mapping[str, str]] | None = None,
        count: int | None = None,
        seed: int = 0,
        truncation: float = 1.0,
        complete: bool = True,
    ) -> list[PictureRequest]:
        """The requests behind `generate`: what is asked for, picture by picture.

        Args:
            conditions: A mapping of attribute name to value name, partial or empty, or a list of them.
            count: Number of pictures. Defaults to one a mapping; a list is repeated from its start.
            seed: Picture `i` has seed `seed + i`.
            truncation: Scales the latents, 0 to 2. Defaults to 1, the full variety.
            complete: Whether what is not given is drawn from the data's own distribution, by the picture's
                seed. Defaults to `True`; otherwise the network is told that it is not given, which it knows from
                photos that lack the attribute and from label dropout.

        Returns:
            A list of `PictureRequest`.

        Raises:
            ConditionError: If an attribute, a value, the count, the seed or the truncation cannot be.
        """
        return plan_requests(self.schema, conditions, count, seed, truncation, complete, self._max_count())

    def draw(self, requests: Sequence[PictureRequest]) -> np.ndarray:
        """Draw what was planned.

        A request gives the same picture whatever it is drawn with.

        Args:
            requests: `PictureRequest`s.

        Returns:
            uint8 array `[len(requests), image_size, image_size, channels]`.

        Raises:
            ConditionError: If a request has a condition, seed or truncation that cannot be.
        """
        seeds, ids, truncations = [], [], []
        for request in requests:
            ids.append(self.schema.encode(request.conditions))
            seeds.append(whole_number("seed", request.seed, 0, MAX_SEED))
            truncations.append(check_truncation(request.truncation))
        ids = np.array(ids, np.int32).reshape(len(requests), len(self.schema.attributes))
        return self._in_chunks(
            self._draw_chunk,
            (np.array(seeds, np.int64), ids, np.array(truncations, np.float32)),
        )

    def generate(
        self,
        conditions: Mapping[str, str] | Sequence[Mapping[str, str]] | None = None,
        count: int | None = None,
        seed: int = 0,
        truncation: float = 1.0,
    ) -> np.ndarray:
        """Pictures of what is asked for.

        Args:
            conditions: A mapping of attribute name to value name, partial or empty, or a list of them. What is
                not given is drawn from the data's own distribution.
            count: Number of pictures. Defaults to one a mapping.
            seed: Picture `i` has seed `seed + i`: the same seed and conditions always give the same picture.
            truncation: Scales the latents, 0 to 2: below 1 for more typical pictures. Defaults to 1.

        Returns:
            uint8 array `[count, image_size, image_size, channels]`.

        Raises:
            ConditionError: If an attribute, a value, the count, the seed or the truncation cannot be.

        Example:
        ```python
        images = gan.generate({"articleType": "Watches", "baseColour": "Gold"}, count=16, seed=7)
        ```
        """
        return self.draw(self.plan(conditions, count, seed, truncation))

    def interpolate(self, first: PictureRequest, second: PictureRequest, steps: int) -> np.ndarray:
        """Pictures on the way from one request to another.

        Latents move along the sphere (slerp), condition vectors in a straight line.

        Args:
            first: Where to start.
            second: Where to end.
            steps: Number of pictures, both ends included; at least 2.

        Returns:
            uint8 array `[steps, image_size, image_size, channels]`.

        Raises:
            ConditionError: If a request or the number of steps cannot be.
        """
        steps = whole_number("steps", steps, 2, self._max_count())
        ends = self.draw_latents([first.seed, second.seed])
        ends = ends * np.array([[first.truncation], [second.truncation]], np.float32)
        ids = np.array([self.schema.encode(first.conditions), self.schema.encode(second.conditions)], np.int32)
        fractions = np.linspace(0, 1, steps, dtype=np.float32)
        latents = _slerp(ends[0], ends[1], fractions)
        embedding = np.asarray(self.sampling_network.embed(ids.reshape(2, len(self.schema.attributes))))
        embeddings = embedding[0] + fractions[:, None] * (embedding[1] - embedding[0])
        return self._in_chunks(self._synthesise_chunk, (latents, embeddings.astype(np.float32)))

    def draw_latents(self, seeds: Sequence[int]) -> np.ndarray:
        """Latents of seeds, before truncation: float32 `[len(seeds), latent_dim]`."""
        return seed_latents(tf.constant(seeds, tf.int64), self.latent_dim).numpy()

    def _max_count(self):
        return most_pictures(self.schema.image_size, self.schema.channels)

    def _in_chunks(self, function, arrays):
        total = len(arrays[0])
        drawn = []
        for start in range(0, total, _CHUNK):
            chunk = [array[start : start + _CHUNK] for array in arrays]
            missing = _CHUNK - len(chunk[0])
            padded = [np.pad(a, [(0, missing)] + [(0, 0)] * (a.ndim - 1), mode="edge") for a in chunk]
            drawn.append(function(*map(tf.convert_to_tensor, padded)).numpy()[: _CHUNK - missing])
        if not drawn:
            size = self.schema.image_size
            return np.zeros((0, size, size, self.schema.channels), np.uint8)
        return np.concatenate(drawn)

    @tf.function(reduce_retracing=True)
    def _draw_chunk(self, seeds, ids, truncations):
        latents = seed_latents(seeds, self.latent_dim) * truncations[:, None]
        return to_uint8(self.sampling_network({"latents": latents, "conditions": ids}, training=False))

    @tf.function(reduce_retracing=True)
    def _synthesise_chunk(self, latents, embeddings):
        return to_uint8(self.sampling_network.synthesise(latents, embeddings, training=False))


def to_uint8(images):
    """Images in -1 to 1 as uint8, rounded to the nearest."""
    return tf.cast(tf.clip_by_value(tf.round((images + 1.0) * 127.5), 0, 255), tf.uint8)


def to_float(images):
    """uint8 images as float32 in -1 to 1."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def seed_latents(seeds, latent_dim):
    """One standard normal vector a seed, float32 `[N, latent_dim]`: a row depends on its own seed alone."""
    return tf.map_fn(
        lambda seed: tf.random.stateless_normal([latent_dim], tf.stack([seed, tf.zeros_like(seed)])),
        seeds,
        fn_output_signature=tf.TensorSpec([latent_dim], tf.float32),
    )


def seed_fractions(seeds):
    """One uniform number from 0 up to but not 1 a seed, float64 `[N]`: where to draw what is not given."""
    return tf.map_fn(
        lambda seed: tf.random.stateless_uniform([], tf.stack([seed, tf.ones_like(seed)]), dtype=tf.float64),
        seeds,
        fn_output_signature=tf.TensorSpec([], tf.float64),
    )


def _slerp(start, end, fractions):
    cosine = np.dot(start, end) / max(np.linalg.norm(start) * np.linalg.norm(end), 1e-12)
    angle = math.acos(float(np.clip(cosine, -1, 1)))
    if math.sin(angle) < 1e-4:  # parallel, opposite or zero: a straight line
        return start + fractions[:, None] * (end - start)
    first = np.sin((1 - fractions) * angle) / math.sin(angle)
    second = np.sin(fractions * angle) / math.sin(angle)
    return (first[:, None] * start + second[:, None] * end).astype(np.float32)
