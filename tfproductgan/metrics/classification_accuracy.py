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
import functools
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfproductgan.catalogue.duplicates import content_hash
from tfproductgan.conditions import NOT_GIVEN, count_ids
from tfproductgan.errors import JudgementError
from tfproductgan.metrics.attribute_accuracy import value_by_value

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.metrics.classifier import ClassifierRecipe
    from tfproductgan.models.sampler import Sampler

SEEDS = (0, 1, 2)

_DRAWN_AT_ONCE = 256


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
        return float(np.mean(self.real) - np.mean(self.generated))

    @property
    def gain(self) -> float:
        """Accuracy won by adding samples to the photos, mean over the seeds."""
        return float(np.mean(self.mixed) - np.mean(self.real))


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
        attributes: One an attribute.
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


def classification_accuracy(
    generator: Sampler,
    catalogue: Catalogue,
    split: str | None = None,
    seed: int = 0,
    seeds: Sequence[int] = SEEDS,
    recipe: ClassifierRecipe | None = None,
    truncation: float = 1.0,
    progress: Callable[[str, int, int], None] | None = None,
) -> ClassificationAccuracy:
    """Train classifiers on samples, on photos and on both, and test them on photos nobody has seen.

    All are trained for the same number of steps. A batch of the mix is one half photos, one half samples. Each
    classifier is kept in the cache once it is trained, so that what was interrupted goes on where it was.

    Args:
        generator: The model.
        catalogue: The photos it learnt from.
        split: The photos to test on; by default `"test"`, or `"validation"` if there are none.
        seed: Seed of the first sample.
        seeds: Of the classifiers.
        recipe: How they are trained; that of the catalogue's classifier by default.
        truncation: Of the samples.
        progress: Called with what is being done, how much is done and how much there is.

    Returns:
        A `ClassificationAccuracy`.

    Raises:
        JudgementError: If the catalogue has no attributes.
        CatalogueError: If it has no such split.
    """
    from tfproductgan.metrics import classifier

    schema = catalogue.schema
    if not schema.attributes:
        raise JudgementError("A classification accuracy score needs attributes, and this catalogue has none.")
    if not seeds:
        raise JudgementError("A classification accuracy score needs one seed or more. Received none.")
    recipe = recipe or classifier.ClassifierRecipe()
    limitations = []
    if split is None:
        split = "test" if catalogue.size("test") else "validation"
        if split == "validation":
            limitations.append("There is no test split: the classification accuracy score is of validation photos.")
    if len(seeds) < 2:
        limitations.append("The classification accuracy score has one seed: its spread is not known.")
    tested = catalogue.images(split), catalogue.conditions(split)
    asked = catalogue.conditions("train")
    steps = recipe.num_steps(len(asked))
    with tempfile.TemporaryDirectory() as folder:
        samples = _draw_all(generator, catalogue, seed, truncation, Path(folder), progress)
        recognised = _recognised(catalogue, samples, tested[0], seeds, recipe, progress)
    return ClassificationAccuracy(
        recipe=f"{steps} steps of {recipe.batch_size} pictures, widths {recipe.widths}, rate {recipe.learning_rate:g}",
        split=split,
        test=len(tested[0]),
        train=len(asked),
        seeds=tuple(int(number) for number in seeds),
        sample_seed=int(seed),
        attributes=tuple(
            _score(attribute, columns, tested[1], asked, recognised)
            for attribute, columns in zip(schema.attributes, schema.slices, strict=True)
            if tested[1][:, columns].any() and asked[:, columns].any()
        ),
        limitations=tuple(limitations),
    )


_KINDS = {"real": "photos", "generated": "samples", "mixed": "both"}


def _recognised(catalogue, samples, tested, seeds, recipe, progress):
    """What classifiers of each kind, one a seed, take the tested photos for, and those of photos the samples: ids."""
    from tfproductgan.metrics import classifier

    schema, asked, drawn = catalogue.schema, catalogue.conditions("train"), content_hash(samples)
    steps, half = recipe.num_steps(len(asked)), max(1, min(recipe.batch_size, len(asked)) // 2)
    recognised = {kind: [] for kind in (*_KINDS, "samples")}
    for number in seeds:
        fixed = dataclasses.replace(recipe, seed=int(number))
        photos = catalogue.stream("train", half, fixed.seed).as_numpy_iterator()
        batches = {
            "generated": classifier.shuffled_batches(samples, asked, fixed.batch_size, fixed.seed),
            "mixed": _mixed(photos, classifier.shuffled_batches(samples, asked, half, fixed.seed)),
        }
        for kind, words in _KINDS.items():
            note = functools.partial(progress, f"Classifier of {words}, seed {number}") if progress else None
            if kind == "real":
                found = classifier.catalogue_classifier(catalogue, fixed, progress=note)
                recognised["samples"].append(found.recognise(samples))
            else:
                train = functools.partial(classifier.train_classifier, batches[kind], schema, steps, fixed, note)
                key = [catalogue.fingerprint, drawn, kind, dataclasses.asdict(fixed)]
                found = classifier.kept_classifier(key, schema, train)
            recognised[kind].append(found.recognise(tested))
    return recognised


def _draw_all(generator, catalogue, seed, truncation, folder, progress):
    """One sample for each training photo, asked for with its own conditions, in a file: they may be many."""
    rows = [catalogue.schema.decode(ids) for ids in catalogue.conditions("train")]
    requests = generator.plan(rows, seed=seed, truncation=truncation, complete=False)
    shape = (len(requests), catalogue.image_size, catalogue.image_size, catalogue.channels)
    samples = np.lib.format.open_memmap(folder / "samples.npy", "w+", np.uint8, shape)
    for start in range(0, len(requests), _DRAWN_AT_ONCE):
        drawn = generator.draw(requests[start : start + _DRAWN_AT_ONCE])
        if drawn.shape[1:] != shape[1:]:
            raise JudgementError(
                f"The model draws pictures of shape {drawn.shape[1:]}, and the catalogue's photos have {shape[1:]}."
            )
        samples[start : start + len(drawn)] = drawn
        if progress:
            progress("Drawing a training set", start + len(drawn), len(requests))
    return samples


def _mixed(first: Iterator[Mapping], second: Iterator[Mapping]) -> Iterator[dict[str, Any]]:
    for one, other in zip(first, second, strict=True):
        yield {name: np.concatenate([one[name], other[name]]) for name in one}


def _score(attribute, columns, real, asked, recognised):
    truth, wanted = real[:, columns], asked[:, columns]
    # one entry a value asked: a picture with several counts as often
    right = {kind: [_right(truth, ids[:, columns]) for ids in recognised[kind]] for kind in _KINDS}
    numbers, samples = truth[truth != NOT_GIVEN], count_ids(wanted, attribute.num_ids)
    frequent = np.argsort(-samples[1:], kind="stable")[: attribute.several] + 1
    values = []
    for number, value in enumerate(attribute.values, start=1):
        rows = numbers == number
        if rows.any():
            recalls = {kind: float(np.mean([each[rows].mean() for each in right[kind]])) for kind in right}
            values.append(ValueRecall(value, int(rows.sum()), int(samples[number]), **recalls))
    return AttributeScore(
        attribute=attribute.name,
        **{kind: tuple(float(each.mean()) for each in right[kind]) for kind in right},
        gan_test=tuple(float(_right(wanted, ids[:, columns]).mean()) for ids in recognised["samples"]),
        chance=float(_right(truth, np.tile(frequent, (len(truth), 1))).mean()),
        values=tuple(values),
    )


def _right(asked, seen):
    ids, found = value_by_value(asked, seen)
    return ids == found
