"""Whether samples can stand in for photos: a classifier trained on samples alone, tested on photos.

Classification accuracy score (CAS): the set of samples is as large as the training split and asked for with its own
conditions; a classifier of a fixed recipe learns from it, from nothing; it is tested on real photos that nobody has
seen. The same recipe on the real training photos is the baseline. GAN-test goes the other way: the classifier that
learnt from photos is asked about samples.

Reference:
    - [Ravuri and Vinyals, 2019](https://arxiv.org/abs/1905.10887), CAS.
    - [Shmelkov et al., 2018](https://arxiv.org/abs/1807.09499), GAN-test.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class ValueRecall:
    """How well photos of one value are recognised, averaged over the seeds.

    Args:
        value: Its name.
        photos: Number of held-out photos that have it.
        samples: Number of training photos that have it, and so of samples.
        real: Recall of the classifiers trained on photos.
        generated: Recall of those trained on samples.
        mixed: Recall of those trained on both.
    """

    value: str
    photos: int
    samples: int
    real: float
    generated: float
    mixed: float


@dataclasses.dataclass(frozen=True)
class AttributeScore:
    """The score of one attribute.

    Args:
        attribute: Its name.
        real: Accuracy on held-out photos of classifiers trained on photos, one a seed.
        generated: The same of classifiers trained on samples alone.
        mixed: The same of classifiers trained on photos and samples together.
        gan_test: Accuracy on samples of the classifiers trained on photos.
        chance: What always answering with the most frequent value of the training photos would score.
        values: One a value that held-out photos have.
    """

    attribute: str
    real: tuple[float, ...]
    generated: tuple[float, ...]
    mixed: tuple[float, ...]
    gan_test: tuple[float, ...]
    chance: float
    values: tuple[ValueRecall, ...]

    @property
    def gap(self) -> float:
        """Accuracy lost by training on samples in place of photos, mean over the seeds."""
        return _mean(self.real) - _mean(self.generated)

    @property
    def gain(self) -> float:
        """Accuracy won by adding samples to the photos, mean over the seeds."""
        return _mean(self.mixed) - _mean(self.real)


@dataclasses.dataclass(frozen=True)
class ClassificationAccuracy:
    """The classification accuracy score of a model.

    Args:
        recipe: How the classifiers were trained.
        split: The photos they were tested on.
        test: Number of those.
        train: Number of training photos, and of samples.
        seeds: One classifier of each kind a seed.
        sample_seed: Seed of the first sample.
        attributes: One a attribute.
        limitations: In what this differs from the protocol, one sentence each.
    """

    recipe: str
    split: str
    test: int
    train: int
    seeds: tuple[int, ...]
    sample_seed: int
    attributes: tuple[AttributeScore, ...]
    limitations: tuple[str, ...] = ()


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)
