"""Pictures by name: what a trained model does for people who ask in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfproductgan.conditions import AsksByName, PictureRequest, encode_requests, most_pictures, whole_number
from tfproductgan.models.pictures import in_chunks, to_uint8


class Sampler(AsksByName):
    """Mixin of models that hold a `schema`, a `model_id` and a `sampling_network`, a `Generator`."""

    asks = "sampler"
    schema: Any
    model_id: str
    sampling_network: Any

    @property
    def latent_dim(self) -> int:
        """Length of the latent vectors."""
        return self.sampling_network.latent_dim

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
        steps = whole_number("steps", steps, 2, most_pictures(self.schema.image_size, self.schema.channels))
        ends = [array for request in (first, second) for array in self._rows([request])]
        repeated = [np.repeat(array, steps, axis=0) for array in ends]
        return in_chunks(self._draw_between, [*repeated, np.linspace(0, 1, steps, dtype=np.float32)], self._shape())

    def styles_of(self, requests: Sequence[PictureRequest]) -> tuple[np.ndarray, ...]:
        """What the network draws requests from, a row each: see `Generator.style_of`."""
        rows = [tf.constant(array) for array in self._rows(requests)]
        return tuple(part.numpy() for part in style_of(self.sampling_network, *rows))

    def draw_styles(self, *styles: np.ndarray) -> np.ndarray:
        """Draw from what `styles_of` gives, perhaps changed.

        Returns:
            uint8 array `[rows, image_size, image_size, channels]`.
        """
        return in_chunks(self._draw_styles, styles, self._shape())

    def draw_latents(self, seeds: Sequence[int]) -> np.ndarray:
        """Latents of seeds, before truncation: float32 `[len(seeds), latent_dim]`."""
        return seed_latents(tf.constant(seeds, tf.int64), self.latent_dim).numpy()

    def _rows(self, requests):
        """Seeds, condition ids and truncations of requests."""
        return list(encode_requests(self.schema, requests).values())

    def _shape(self):
        return self.schema.image_size, self.schema.image_size, self.schema.channels

    @tf.function(autograph=False, reduce_retracing=True)
    def _draw_rows(self, seeds, ids, truncations):
        network = self.sampling_network
        return to_uint8(network.synthesise(*style_of(network, seeds, ids, truncations), training=False))

    @tf.function(autograph=False, reduce_retracing=True)
    def _draw_styles(self, *styles):
        return to_uint8(self.sampling_network.synthesise(*styles, training=False))

    @tf.function(autograph=False, reduce_retracing=True)
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
