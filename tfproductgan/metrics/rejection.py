"""Discriminator rejection sampling: candidates are drawn until one is kept, each as likely as photos need it.

What a discriminator says of a picture is, up to what is the same for all pictures of the same conditions, the logarithm
of how many times likelier the picture is among photos than among those that the model draws. Kept in proportion to
that, pictures are as photos are, variety included, as far as the discriminator knows; `BestOf` keeps the likeliest.

A discriminator can be right in order and wrong in size: penalties hold it back, and hinge or Wasserstein losses give
other units. So its answers are multiplied by the number that makes most likely, of pairs of a held-out photo and a
picture drawn of the same conditions, which is the photo (Bradley and Terry's model, in which what is the same for both
falls out).

Reference:
    Azadi et al., 2019, Discriminator Rejection Sampling, https://arxiv.org/abs/1810.06758. Other than there, the
    largest answer is of each request's own conditions and stays as the burn-in has it, so that a picture depends on
    its request alone.
"""

from __future__ import annotations

import dataclasses
import hashlib
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.conditions import AsksByName, PictureRequest, encode_requests, whole_number
from tfproductgan.errors import ConditionError, JudgementError
from tfproductgan.metrics.best_of import MOST, Kept, answers_of, candidate_seeds
from tfproductgan.stateless_random import stateless_uniform

PERCENTILE = 80.0
"""How many per cent of the candidates are accepted more seldom than every second time."""

BURN_IN = 256
"""Pictures of each condition that say what is a large answer."""

_MOST_BURN_IN = 100_000
_PAIRS = 1_000  # of photo and picture that tell the scale
_EPSILON = 1e-6
_ACCEPTANCE = 2  # the stream of random numbers; 0 and 1 draw the picture
_AT_ONCE = 16  # pictures, as models draw them
_STEEPEST = 10.0  # nats between photos and pictures that nothing has in common


class RejectionSampling(AsksByName):
    """A model that draws candidates of each picture until one is accepted; asked and judged as any sampler.

    Args:
        model: A `Sampler`.
        discriminator: The `Discriminator` it learnt from; it is asked in float32.
        percentile: From 0 to 99: so many per cent of the candidates are accepted more seldom than every second time.
            `None` gives the exact distribution, but may accept hardly any.
        scale: What the discriminator's answers are multiplied by, see `fitted_scale`.
        burn_in: Pictures drawn of each condition, once, that say which answers are large.

    No more than 64 candidates are drawn of a picture; if none is accepted, the likeliest is kept.

    Raises:
        ConditionError: If the percentile or the burn-in cannot be.
        JudgementError: If there is no discriminator.
    """

    asks = "sampler"

    def __init__(
        self,
        model: Any,
        discriminator: Any,
        percentile: float | None = PERCENTILE,
        scale: float = 1.0,
        burn_in: int = BURN_IN,
    ):
        if discriminator is None:
            raise JudgementError(
                "Rejection sampling asks the discriminator that the model learnt from, which checkpoints of a GAN's "
                "run have. Received: none"
            )
        self.model, self.schema, self.provenance = model, model.schema, model.provenance
        self.percentile = None if percentile is None else check_percentile(percentile)
        self.scale, self.burn_in = float(scale), whole_number("burn-in", burn_in, 2, _MOST_BURN_IN)
        self.method = "rejection" if self.percentile is None else f"rejection-{self.percentile:g}"
        self.model_id = f"{model.model_id}-{self.method}"
        self._answers = answers_of(discriminator)
        self._known: dict[tuple[tuple[int, ...], float], tuple[float, float]] = {}

    def draw(self, requests: Sequence[PictureRequest]) -> np.ndarray:
        """Draw until one is accepted of each: uint8 `[len(requests), image_size, image_size, channels]`."""
        shape = (self.schema.image_size, self.schema.image_size, self.schema.channels)
        return np.array([kept.picture for kept in self.choose(requests)], np.uint8).reshape(-1, *shape)

    def choose(self, requests: Sequence[PictureRequest]) -> list[Kept]:
        """Draw candidates until one is accepted; each request by itself, whatever it is drawn with."""
        searches = [_Search(asked) for asked in requests]
        while open_ones := [search for search in searches if search.kept is None]:
            ahead = -(-_AT_ONCE // len(open_ones))
            tried = [(search, candidate) for search in open_ones for candidate in search.coming(ahead)]
            candidates = [candidate for _, candidate in tried]
            pictures = self.model.draw(candidates)
            chances = self._chances(candidates, pictures)
            lots = stateless_uniform([candidate.seed for candidate in candidates], _ACCEPTANCE, 1)[:, 0]
            for (search, candidate), picture, chance, lot in zip(tried, pictures, chances, lots, strict=True):
                if search.kept is None:
                    search.look(candidate, picture, float(chance), bool(lot < chance))
        return [search.kept for search in searches]

    def _chances(self, requests, pictures):
        """With which probability each picture is accepted."""
        ids = encode_requests(self.schema, requests)["conditions"]
        kinds = [(tuple(map(int, row)), float(r.truncation)) for row, r in zip(ids, requests, strict=True)]
        for kind, request in zip(kinds, requests, strict=True):
            if kind not in self._known:
                self._known[kind] = self._burnt_in(request)
        largest, gamma = np.array([self._known[kind] for kind in kinds]).T
        return acceptance(self.scale * self._answers(pictures, ids), largest, gamma)

    def _burnt_in(self, request):
        """The largest answer to pictures of the same conditions, and what the percentile is."""
        drawn = [dataclasses.replace(request, seed=seed) for seed in _burn_in_seeds(self.burn_in)]
        ids = encode_requests(self.schema, drawn)["conditions"]
        answers = self.scale * self._answers(self.model.draw(drawn), ids)
        largest = float(answers.max())
        if self.percentile is None or not self.scale:
            return largest, 0.0
        return largest, float(np.percentile(_logits(answers, largest), self.percentile))


class _Search:
    """Candidates of a request, one after the other, until one is kept."""

    def __init__(self, asked: PictureRequest):
        self.asked, self.seeds = asked, candidate_seeds(asked.seed, MOST)
        self.chances: list[float] = []
        self.likeliest: tuple[PictureRequest, np.ndarray] | None = None
        self.kept: Kept | None = None

    def coming(self, count: int) -> list[PictureRequest]:
        """The next candidates."""
        return [dataclasses.replace(self.asked, seed=seed) for seed in self.seeds[len(self.chances) :][:count]]

    def look(self, candidate: PictureRequest, picture: np.ndarray, chance: float, accepted: bool) -> None:
        """Keep a candidate if it was accepted, or the likeliest if it was the last."""
        if self.likeliest is None or chance > max(self.chances):
            self.likeliest = candidate, picture
        self.chances.append(chance)
        scores = np.array(self.chances)
        if accepted:
            self.kept = Kept(self.asked, candidate, picture, scores, f"accepted as candidate {len(scores)}")
        elif len(scores) == MOST:
            how = f"the likeliest of {MOST} candidates, none of which was accepted"
            self.kept = Kept(self.asked, *self.likeliest, scores, how)


def acceptance(answers: np.ndarray, largest: np.ndarray | float, gamma: np.ndarray | float = 0.0) -> np.ndarray:
    """With which probability pictures are accepted.

    Args:
        answers: Logarithms of how many times likelier each is among photos, up to what is the same for all.
        largest: The largest such; what is above it counts as it.
        gamma: 0 gives the exact distribution; what is larger accepts fewer, what is smaller more.

    Returns:
        float64, as `answers`.
    """
    from scipy.special import expit  # takes a moment to import

    return expit(_logits(np.asarray(answers, np.float64), largest) - gamma)


def fitted_scale(photos: np.ndarray, drawn: np.ndarray) -> float:
    """What a discriminator's answers have to be multiplied by so that they are logarithms of odds.

    Args:
        photos: Answers to photos that it has not learnt from.
        drawn: Answers to pictures drawn for the conditions of the same photos.

    Returns:
        The likeliest of Bradley and Terry's model; 0 if pictures are taken for photos at least as surely as photos are.
    """
    from scipy.optimize import minimize_scalar

    lead = np.asarray(photos, np.float64) - np.asarray(drawn, np.float64)
    if lead.mean() <= 0:  # the likelihood has a single peak, which is not above 0 then
        return 0.0
    unit = np.abs(lead).mean()
    found = minimize_scalar(
        lambda scale: np.logaddexp(0, -scale * lead / unit).mean(), bounds=(0, _STEEPEST), method="bounded"
    )
    return float(found.x / unit)


def scale_on_photos(model: Any, discriminator: Any, catalogue: Catalogue, split: str) -> float:
    """`fitted_scale` on photos of a split, 1,000 at most, and as many pictures of the same conditions."""
    count = catalogue.size(split)
    rows = np.random.default_rng(0).permutation(count)[:_PAIRS]
    asked = [catalogue.schema.decode(ids) for ids in catalogue.conditions(split)[rows]]
    requests = model.plan(asked, seed=_burn_in_seeds(1)[0], complete=False)
    ids = encode_requests(model.schema, requests)["conditions"]
    answers = answers_of(discriminator)
    return fitted_scale(answers(catalogue.images(split)[rows], ids), answers(model.draw(requests), ids))


def check_percentile(value: Any) -> float:
    """`value` as a `float`.

    Raises:
        ConditionError: If it is no number from 0 to 99.
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not 0 <= float(value) <= 99:
        raise ConditionError(f"The percentile of rejection must be a number from 0 to 99. Received: {value!r}")
    return float(value)


def _logits(answers, largest):
    """What Azadi et al. call F, before gamma."""
    below = np.minimum(answers - largest, 0)
    return below - np.log1p(-np.exp(below - _EPSILON))


def _burn_in_seeds(count: int) -> list[int]:
    digest = hashlib.sha256(b"burn-in").digest()
    first = int.from_bytes(digest[:6], "big")
    return [first + number for number in range(count)]
