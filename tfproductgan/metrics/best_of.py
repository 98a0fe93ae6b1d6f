"""Best of n: of each picture several are drawn, and the one is kept that shows what was asked for and looks most real.

What was asked for counts by the mean logarithm of the probabilities that the catalogue's classifier gives the values,
so a picture that it takes for something else is hardly ever kept. How real a picture looks the discriminator says. Its
numbers mean something only beside each other: they are brought to a spread of 1 among the candidates of a picture, and
count half. Pictures get more alike: what is rare looks less real.

Reference:
    Azadi et al., 2019, Discriminator Rejection Sampling, https://arxiv.org/abs/1810.06758, which instead rejects in
    proportion, and keeps the distribution
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfproductgan.conditions import NOT_GIVEN, AsksByName, PictureRequest, whole_number
from tfproductgan.errors import JudgementError
from tfproductgan.metrics.classifier import CatalogueClassifier
from tfproductgan.models.trained import copy_of

MOST = 64
"""No more candidates are drawn of a picture."""

REALNESS = 0.5
"""What one standard deviation of the discriminator's answers counts, in nats."""

_SEED_BYTES = 6
_LEAST = 1e-6  # probability


@dataclasses.dataclass(frozen=True)
class Kept:
    """The best candidate of a picture.

    Args:
        asked: What was asked for.
        request: The same with the seed of the candidate: asked for by itself it gives the same picture.
        picture: uint8 `[S, S, C]`.
        scores: Of all candidates, float64 `[n]`; the first has the seed that was asked for.
    """

    asked: PictureRequest
    request: PictureRequest
    picture: np.ndarray
    scores: np.ndarray


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
        self.model_id = f"{model.model_id}-best-of-{self.count}"
        self.classifier = classifier
        if discriminator is None and (classifier is None or not model.schema.attributes):
            raise JudgementError(
                "Which candidate is best a discriminator says, which checkpoints of a run have, or a classifier of its "
                "photos. Received: neither"
            )
        self._judge = None
        if discriminator is not None:
            network = copy_of(discriminator, dtype="float32")
            # one by one: some look at how much the pictures of a batch differ
            self._judge = tf.function(
                lambda images, ids: network({"images": images[None], "conditions": ids[None]}, training=False)[0],
                autograph=False,
                reduce_retracing=True,
            )

    def draw(self, requests: Sequence[PictureRequest]) -> np.ndarray:
        """Draw the best of each: uint8 `[len(requests), image_size, image_size, channels]`."""
        shape = (self.schema.image_size, self.schema.image_size, self.schema.channels)
        return np.array([kept.picture for kept in self.choose(requests)], np.uint8).reshape(-1, *shape)

    def choose(self, requests: Sequence[PictureRequest]) -> list[Kept]:
        """Draw candidates and keep the best; each request by itself, whatever it is drawn with."""
        found = []
        for asked in requests:
            candidates = [dataclasses.replace(asked, seed=seed) for seed in candidate_seeds(asked.seed, self.count)]
            pictures = self.model.draw(candidates)
            scores = self._scores(pictures, np.array(self.schema.encode(asked.conditions), np.int32))
            best = int(scores.argmax())
            found.append(Kept(asked, candidates[best], pictures[best], scores))
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
        if self._judge is not None:
            images = pictures.astype(np.float32) / np.float32(127.5) - 1
            real = np.array([float(self._judge(tf.constant(image), tf.constant(ids))) for image in images])
            scores += REALNESS * (real - real.mean()) / max(real.std(), 1e-6)
        return scores


def candidate_seeds(seed: int, count: int) -> list[int]:
    """Seeds of the candidates of a picture: its own, then others that no neighbour of it has."""
    digests = [hashlib.sha256(f"candidate {number} of {seed}".encode()).digest() for number in range(1, count)]
    return [seed, *(int.from_bytes(digest[:_SEED_BYTES], "big") for digest in digests)]
