"""Best of n: of each picture several are drawn, and the one is kept that shows what was asked for and looks most real.

What was asked for counts by the mean logarithm of the probabilities that the catalogue's classifier gives the values,
so a picture that it takes for something else is hardly ever kept. How real a picture looks the discriminator says. Its
numbers mean something only beside each other: they are brought to a spread of 1 among the candidates of a picture, and
count half. Pictures get more alike: what is rare looks less real.

`rejection.py` instead rejects in proportion, which keeps the photos' variety as far as the discriminator knows it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfproductgan.conditions import NOT_GIVEN, AsksByName, PictureRequest, whole_number
from tfproductgan.errors import JudgementError
from tfproductgan.metrics.classifier import CatalogueClassifier
from tfproductgan.models.pictures import to_float
from tfproductgan.models.trained import copy_of

MOST = 64
"""No more candidates are drawn of a picture."""

REALNESS = 0.5
"""What one standard deviation of the discriminator's answers counts, in nats."""

_SEED_BYTES = 6
_LEAST = 1e-6  # probability


@dataclasses.dataclass(frozen=True)
class Kept:
    """The candidate of a picture that is kept.

    Args:
        asked: What was asked for.
        request: The same with the seed of the candidate: asked for by itself it gives the same picture.
        picture: uint8 `[S, S, C]`.
        scores: Of all candidates that were looked at, float64 `[n]`; the first has the seed that was asked for.
        how: How it was chosen, in words.
    """

    asked: PictureRequest
    request: PictureRequest
    picture: np.ndarray
    scores: np.ndarray
    how: str


class BestOf(AsksByName):
    """A model that draws several candidates of each picture and keeps the best; asked and judged as any sampler.

    Args:
        model: A `Sampler`.
        count: Candidates a picture, from 1 to 64.
        discriminator: The `Discriminator` it learnt from, if there is one; it is asked in float32.
        classifier: Of the same schema, if there is one.

    Raises:
        ConditionError: If there cannot be so many candidates.
        JudgementError: If nobody can say which is best.
    """

    asks = "sampler"

    def __init__(
        self, model: Any, count: int, discriminator: Any = None, classifier: CatalogueClassifier | None = None
    ):
        self.model, self.schema, self.provenance = model, model.schema, model.provenance
        self.count = whole_number("best of", count, 1, MOST)
        self.method = f"best-of-{self.count}"
        self.model_id = f"{model.model_id}-{self.method}"
        self.classifier = classifier
        if discriminator is None and (classifier is None or not model.schema.attributes):
            raise JudgementError(
                "Which candidate is best a discriminator says, which checkpoints of a run have, or a classifier of its "
                "photos. Received: neither"
            )
        self._answers = None if discriminator is None else answers_of(discriminator)

    def draw(self, requests: Sequence[PictureRequest]) -> np.ndarray:
        """Draw the best of each: uint8 `[len(requests), image_size, image_size, channels]`."""
        shape = (self.schema.image_size, self.schema.image_size, self.schema.channels)
        return np.array([kept.picture for kept in self.choose(requests)], np.uint8).reshape(-1, *shape)

    def choose(self, requests: Sequence[PictureRequest]) -> list[Kept]:
        """Draw candidates and keep the best; each request by itself, whatever it is drawn with."""
        found, together = [], MOST // self.count
        for start in range(0, len(requests), together):
            group = requests[start : start + together]
            candidates = [
                [dataclasses.replace(asked, seed=seed) for seed in candidate_seeds(asked.seed, self.count)]
                for asked in group
            ]
            drawn = self.model.draw(list(itertools.chain(*candidates)))
            for asked, own, pictures in zip(group, candidates, np.split(drawn, len(group)), strict=True):
                scores = self._scores(pictures, np.array(self.schema.encode(asked.conditions), np.int32))
                best = int(scores.argmax())
                found.append(Kept(asked, own[best], pictures[best], scores, f"the best of {self.count}"))
        return found

    def _scores(self, pictures, ids):
        scores = np.zeros(len(pictures))
        given = [
            (place, [i - 1 for i in ids[columns] if i != NOT_GIVEN]) for place, columns in enumerate(self.schema.slices)
        ]
        given = [(place, values) for place, values in given if values]
        if self.classifier is not None and given:
            predictions = self.classifier.predict(pictures)
            logs = [np.log(np.maximum(predictions[place][:, values], _LEAST)).mean(axis=1) for place, values in given]
            scores += np.mean(logs, axis=0)
        if self._answers is not None:
            real = self._answers(pictures, np.repeat(ids[None], len(pictures), axis=0))
            scores += REALNESS * (real - real.mean()) / max(real.std(), 1e-6)
        return scores


def answers_of(discriminator: Any) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """How a discriminator is asked, in float32: pictures uint8 `[N, S, S, C]` and condition ids int32 `[N, columns]` to
    its answers, float64 `[N]`.
    """
    network = copy_of(discriminator, dtype="float32")
    shape = (network.image_size, network.image_size, network.channels)
    signature = [tf.TensorSpec([None, *shape], tf.uint8), tf.TensorSpec([None, len(network.num_ids)], tf.int32)]
    # one by one: some look at how much the pictures of a batch differ
    judge = tf.function(
        lambda pictures, ids: tf.map_fn(
            lambda row: network({"images": to_float(row[0])[None], "conditions": row[1][None]}, training=False)[0],
            (pictures, ids),
            fn_output_signature=tf.float32,
        ),
        signature,
        autograph=False,
    )
    return lambda pictures, ids: judge(tf.constant(pictures), tf.constant(ids)).numpy().astype(np.float64)


def candidate_seeds(seed: int, count: int) -> list[int]:
    """Seeds of the candidates of a picture: its own, then others that no neighbour of it has."""
    digests = [hashlib.sha256(f"candidate {number} of {seed}".encode()).digest() for number in range(1, count)]
    return [seed, *(int.from_bytes(digest[:_SEED_BYTES], "big") for digest in digests)]
