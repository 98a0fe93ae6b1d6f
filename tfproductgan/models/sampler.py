"""Pictures by name: what a trained model does for people who ask in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
from tfproductgan.models.pictures import in_chunks, to_uint8


class Sampler:
    """Mixin of models that hold a `schema`, a `model_id` and a `sampling_network`, a `Generator`."""

    schema: Any
    model_id: str
    sampling_network: Any

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
        return in_chunks(self._draw_rows, self._rows(requests), self._shape())

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
        """Pictures on the way from one request to another, as the network's `between` goes.

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
        ends = [array for request in (first, second) for array in self._rows([request])]
        repeated = [np.repeat(array, steps, axis=0) for array in ends]
        return in_chunks(self._draw_between, [*repeated, np.linspace(0, 1, steps, dtype=np.float32)], self._shape())

    def draw_latents(self, seeds: Sequence[int]) -> np.ndarray:
        """Latents of seeds, before truncation: float32 `[len(seeds), latent_dim]`."""
        return seed_latents(tf.constant(seeds, tf.int64), self.latent_dim).numpy()

    def _rows(self, requests):
        """Seeds, condition ids and truncations of requests."""
        seeds, ids, truncations = [], [], []
        for request in requests:
            ids.append(self.schema.encode(request.conditions))
            seeds.append(whole_number("seed", request.seed, 0, MAX_SEED))
            truncations.append(check_truncation(request.truncation))
        ids = np.array(ids, np.int32).reshape(len(requests), len(self.schema.attributes))
        return np.array(seeds, np.int64), ids, np.array(truncations, np.float32)

    def _shape(self):
        return self.schema.image_size, self.schema.image_size, self.schema.channels

    def _max_count(self):
        return most_pictures(self.schema.image_size, self.schema.channels)

    @tf.function(reduce_retracing=True)
    def _draw_rows(self, seeds, ids, truncations):
        network = self.sampling_network
        return to_uint8(network.synthesise(*style_of(network, seeds, ids, truncations), training=False))

    @tf.function(reduce_retracing=True)
    def _draw_between(self, *rows):
        network = self.sampling_network
        first, second = style_of(network, *rows[:3]), style_of(network, *rows[3:6])
        return to_uint8(network.synthesise(*network.between(first, second, rows[6]), training=False))


def style_of(network, seeds, ids, truncations):
    """What a generator synthesises for requests, a row each.

    Args:
        network: A `Generator`.
        seeds: int64 `[N]`.
        ids: Condition ids, int32 `[N, A]`.
        truncations: float32 `[N]`.
    """
    return network.style_of(seed_latents(seeds, network.latent_dim), network.embed(ids), truncations)


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
