"""Everything about one model in one pass: samples are drawn once, looked at once, and forgotten."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from tfproductgan.catalogue.duplicates import difference_hashes, thumbnails
from tfproductgan.conditions import NOT_GIVEN, ConditionSchema
from tfproductgan.errors import JudgementError, nearest
from tfproductgan.metrics import coverage, distances
from tfproductgan.metrics.attribute_accuracy import AttributeAccuracy, accuracy_of
from tfproductgan.metrics.classification_accuracy import ClassificationAccuracy, classification_accuracy
from tfproductgan.metrics.classifier import CatalogueClassifier, likeliest
from tfproductgan.metrics.colour_check import colour_accuracy, colour_attributes, picture_families
from tfproductgan.metrics.counterparts import Counterparts
from tfproductgan.metrics.extractors import default_extractor, get_extractor
from tfproductgan.metrics.feature_extractor import FeatureExtractor
from tfproductgan.metrics.features import FeatureCache, Features
from tfproductgan.metrics.judgement import Figure, Judgement
from tfproductgan.metrics.memorisation import MemorisationAudit, audit_memorisation
from tfproductgan.metrics.neighbours import neighbours
from tfproductgan.metrics.views import VIEWS

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.models.sampler import Sampler

PARTS = ("distances", "look", "attributes", "colours", "conditions", "memorisation")
"""What is found out unless told otherwise; `"classification"` trains classifiers, and must be asked for."""

ALL_PARTS = (*PARTS, "classification")

_LOOKED_AT = frozenset({"attributes", "colours", "conditions"})  # these parts ask for more than features

Progress = Callable[[str, int, int], None]

_AT_ONCE = 256
_MOST_HELDOUT = 4096  # photos to audit memorisation with: enough to know their lowest percent
_FLOOR_SUBSETS = 20  # of a distance that is 0 in the mean
_SHORT = 256


def judge(
    generator: Sampler,
    catalogue: Catalogue,
    extractor: str | FeatureExtractor | None = None,
    split: str = "validation",
    *args: Any,
    **options: Any,
) -> Judgement:
    """Judge one model by what it draws when asked for what photos show; the rest is what `Judge.judge` takes.

    Example:
    ```python
    judgement = judge(tfproductgan.load("runs/products"), products, split="validation")
    print(judgement.figure("fid").full_name, judgement.figure("fid").value)
    ```
    """
    return Judge(catalogue, extractor, split).judge(generator, *args, **options)


@dataclasses.dataclass(frozen=True)
class Observations:
    """What is kept of pictures once they have been looked at; `None` is what nobody asked for."""

    conditions: np.ndarray  # their condition ids, int32 [N, A]
    features: np.ndarray  # float32 [N, dim]
    textures: np.ndarray | None = None  # features of the second view, float32 [N, its dim]
    probabilities: np.ndarray | None = None  # float32 [N, K], of an extractor that classifies
    recognised: np.ndarray | None = None  # ids the catalogue's classifier recognised, int32 [N, A]
    families: np.ndarray | None = None  # of colours, int64 [N, most a picture has]
    hashes: np.ndarray | None = None  # difference hashes, uint64 [N]
    thumbnails: np.ndarray | None = None  # uint8 [N, 16, 16, C]


class Judge:
    """Judges several models, or one several times, and looks at the photos only once.

    Args:
        catalogue: The photos, with photos the models have not seen.
        extractor: Whose features are compared: a name that `get_extractor` knows, or an extractor. By default
            `default_extractor` says. How pictures look is seen by `texture` beside it.
        split: The photos to compare with, whose conditions are asked for.
        cache: Folder that keeps features of photos; by default `$TFPRODUCTGAN_CACHE` or `~/.cache/tfproductgan`.

    Raises:
        CatalogueError: If the catalogue has no such split.
        JudgementError: If there is no such extractor.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        extractor: str | FeatureExtractor | None = None,
        split: str = "validation",
        cache: str | Path | None = None,
    ):
        self.catalogue = catalogue
        self.split = split
        self.conditions = catalogue.conditions(split)
        extractor = extractor or default_extractor(catalogue)
        self.extractor = get_extractor(extractor, catalogue) if isinstance(extractor, str) else extractor
        self._folder = cache
        self._photos: dict[frozenset[str], Observations] = {}

    def judge(
        self,
        generator: Sampler,
        n: int | None = None,
        seed: int = 0,
        parts: Collection[str] = PARTS,
        truncation: float = 1.0,
        force: bool = False,
        progress: Progress | None = None,
    ) -> Judgement:
        """Judge a model by what it draws when asked for what photos show.

        Args:
            generator: The model, such as that of `tfproductgan.load`.
            n: Number of samples; as many as the split has photos by default.
            seed: Seed of the first sample; sample `i` has seed `seed + i`.
            parts: What to find out, of `ALL_PARTS`.
            truncation: Of all samples; figures to publish have 1.
            force: Whether to give figures that so few samples or photos do not support.
            progress: Called with what is being done, how much is done and how much there is.

        Returns:
            A `Judgement`. What could not be measured is among its limitations.

        Raises:
            JudgementError: If a part is unknown, there is hardly a sample, a feature is no number, or the pictures of
                the model are not those of the catalogue.
            ConditionError: If the model does not know the catalogue's conditions.
        """
        for part in parts:
            if part not in ALL_PARTS:
                raise JudgementError(f"Unknown part {part!r}: {nearest(part, ALL_PARTS)}")
        n = len(self.conditions) if n is None else n
        if n < 2:
            raise JudgementError(f"n, the number of samples, must be 2 or more. Received: {n}")
        return _Judging(self, generator, n, seed, frozenset(parts), truncation, force, progress).judgement()

    def rows(self, n: int, seed: int = 0) -> np.ndarray:
        """Places of the split's photos whose counterparts are drawn: all once before any is asked for again."""
        rng = np.random.default_rng(seed)
        passes = -(-n // len(self.conditions))
        return np.concatenate([rng.permutation(len(self.conditions)) for _ in range(passes)])[:n]

    @functools.cached_property
    def classifier(self) -> CatalogueClassifier | None:
        """The catalogue's classifier; `None` without attributes."""
        if isinstance(self.extractor, CatalogueClassifier):
            return self.extractor
        return get_extractor("catalogue", self.catalogue) if self.catalogue.schema.attributes else None

    @functools.cached_property
    def texture(self) -> FeatureExtractor:
        """What sees how pictures look; `extractor` itself if that is all that looks at them."""
        return self.extractor if self.extractor.name == "texture" else get_extractor("texture", self.catalogue)

    @functools.cached_property
    def colour_places(self) -> list[int]:
        """Places of the attributes whose values are names of colours; none if photos are grey."""
        return colour_attributes(self.catalogue.schema) if self.catalogue.channels == 3 else []

    def features(self, split: str, extractor: FeatureExtractor | None = None) -> Features:
        """Features of a split's photos, kept on disk: those of `extractor` unless another is given."""
        return FeatureCache(self._folder).of_split(extractor or self.extractor, self.catalogue, split)

    def photos(self, parts: frozenset[str], progress: Progress | None = None) -> Observations:
        """The split's photos, looked at for these parts."""
        needed, parts = parts & {*_LOOKED_AT, "look"}, parts & _LOOKED_AT
        if needed not in self._photos:
            # what one network answers and what its features are comes from one pass anyway
            kept = None if self._one_pass(parts) else self.features(self.split)
            batches = self.catalogue.image_batches(self.split, _AT_ONCE) if parts else ()
            shown = counted(batches, f"Looking at {self.split} photos", len(self.conditions), progress)
            found = self.look(shown, self.conditions, parts, kept)
            if "look" in needed:
                found = dataclasses.replace(found, textures=self.features(self.split, self.texture).features)
            self._photos[needed] = found
        return self._photos[needed]

    def look(
        self,
        batches: Iterable[np.ndarray],
        conditions: np.ndarray,
        parts: frozenset[str],
        kept: Features | None = None,
    ) -> Observations:
        """Look at pictures, batch by batch; none is kept.

        Args:
            batches: uint8 `[B, S, S, C]` each.
            conditions: Their condition ids, int32 `[N, A]`.
            parts: What will be asked about them.
            kept: Their features, if they are known already.

        Raises:
            JudgementError: If a feature is no number, or the pictures have another shape than the catalogue's.
        """
        shape = (self.catalogue.image_size, self.catalogue.image_size, self.catalogue.channels)
        found: dict[str, list[np.ndarray]] = {}
        for images in batches:
            if images.shape[1:] != shape:
                raise JudgementError(
                    f"The model draws pictures of shape {images.shape[1:]}, and the catalogue's photos have {shape}: "
                    "load the catalogue with the model's schema."
                )
            for name, values in self._look_at(images, parts, kept is None).items():
                found.setdefault(name, []).append(values)
        looked = {name: np.concatenate(values) for name, values in found.items()}
        if kept is not None:
            looked |= {"features": kept.features, "probabilities": kept.probabilities}
        if "look" in parts and self.texture is self.extractor:
            looked["textures"] = looked["features"]
        return Observations(conditions, **looked)

    def _look_at(self, images: np.ndarray, parts: frozenset[str], extract: bool) -> dict[str, np.ndarray]:
        seen = {}
        if self._one_pass(parts):
            seen["features"], predictions = self.extractor.features_and_predictions(images)
            seen["recognised"] = likeliest(predictions, self.catalogue.schema)
        else:
            if extract:
                seen["features"], probabilities = self.extractor.outputs(images)
                if not isinstance(self.extractor, CatalogueClassifier):  # whose answers are judged as accuracy
                    seen["probabilities"] = probabilities
                distances.check_features(seen["features"], f"features by {self.extractor.id}")
            if "attributes" in parts and self.classifier:
                seen["recognised"] = self.classifier.recognise(images)
        if "look" in parts and self.texture is not self.extractor:
            seen["textures"] = self.texture.features(images)
        if "colours" in parts and self.colour_places:
            most = max(self.catalogue.schema.attributes[place].several for place in self.colour_places)
            seen["families"] = picture_families(images, most)
        if "conditions" in parts:
            seen["hashes"], seen["thumbnails"] = difference_hashes(images), thumbnails(images)
        return {name: values for name, values in seen.items() if values is not None}

    def _one_pass(self, parts: frozenset[str]) -> bool:
        return "attributes" in parts and self.classifier is self.extractor


@dataclasses.dataclass
class _Judging:
    """One judgement in the making."""

    judge: Judge
    generator: Sampler
    n: int
    seed: int
    parts: frozenset[str]
    truncation: float
    force: bool
    progress: Progress | None

    def __post_init__(self):
        self.catalogue, self.extractor = self.judge.catalogue, self.judge.extractor
        self.figures: list[Figure] = []
        self.limitations: list[str] = []
        self.seconds: dict[str, float] = {}
        self.likeness: dict[str, list[float]] = {"psnr": [], "ssim": []}

    def judgement(self) -> Judgement:
        """Draw, look, compare."""
        self.rows = self.judge.rows(self.n, self.seed)
        self.counterparts = Counterparts(self.generator, self.catalogue, self.judge.split)
        self.requests = self.counterparts.requests(self.rows, self.seed, self.truncation)
        with self._timed("samples"):
            drawn = counted(self._drawn(), "Drawing and looking at samples", self.n, self.progress)
            self.samples = self.judge.look(drawn, self.judge.conditions[self.rows], self.parts)
        with self._timed("photos"):
            self.photos = self.judge.photos(self.parts, self.progress)
        self._state_limits()
        for name, values in self.likeness.items():
            if values:
                self._add(name, distances.spread_estimate(values), "higher")
        found = {}
        for part in ALL_PARTS:
            if part in self.parts:
                dim = (self.judge.texture if part == "look" else self.extractor).dim
                with self._timed(part), blas_threads(dim):
                    found[part] = getattr(self, f"_{part}")()
        return Judgement(
            model_id=self.generator.model_id,
            catalogue=self.catalogue.fingerprint,
            extractor=self.extractor.id,
            extractor_sha256=self.extractor.sha256,
            preprocessing=self.extractor.preprocessing,
            split=self.judge.split,
            n=self.n,
            real=len(self.photos.features),
            seed=self.seed,
            truncation=float(self.truncation),
            figures=tuple(self.figures),
            limitations=tuple(self.limitations),
            attributes=found.get("attributes", ()),
            colours=found.get("colours", ()),
            coverage=found.get("conditions"),
            memorisation=found.get("memorisation"),
            classification=found.get("classification"),
            seconds=self.seconds,
        )

    # === Parts ===

    def _distances(self) -> None:
        real, fake = self.photos.features, self.samples.features
        if not ("look" in self.parts and self.judge.texture is self.extractor):
            self._view("what is shown", real, fake, self.extractor)
        if self.samples.probabilities is not None and self._enough("is"):
            estimate = distances.inception_score(self.samples.probabilities, force=True)
            floor = distances.inception_score(self.photos.probabilities, force=True).value
            self._add("inception_score", estimate, "higher", floor)
        if self._enough("neighbours") and min(len(real), self.n) > 2 * coverage.NEIGHBOURS:
            found, floor = neighbours(real, fake, force=True), neighbours(*self._halves(real), force=True)
            # intervals are for other samples and photos in neighbourhoods that stay as they are
            self._add("precision", _share(found.within_real), "higher", floor.precision)
            self._add("recall", _share(found.within_fake), "higher", floor.recall)
            self._add("density", distances.mean_estimate(found.densities), "higher", floor.density)
            self._add("coverage", _share(found.covered), "higher", floor.coverage)

    def _look(self) -> None:
        self._view("how it looks", self.photos.textures, self.samples.textures, self.judge.texture)

    def _view(self, view: str, real: np.ndarray, fake: np.ndarray, extractor: FeatureExtractor) -> None:
        """Both distances of a view."""
        frechet, kernel = VIEWS[view]
        halves = self._halves(real)
        if self._enough("fid", extractor):
            self._frechet(frechet, real, fake, halves, extractor.id)
        if self._enough("kid", extractor):
            estimate = distances.kernel_distance(real, fake, seed=self.seed, force=True)
            floor = distances.kernel_distance(*halves, num_subsets=_FLOOR_SUBSETS, seed=self.seed, force=True).value
            self._add(kernel, estimate, "lower", floor, extractor=extractor.id)

    def _frechet(
        self, name: str, real: np.ndarray, fake: np.ndarray, halves: Sequence[np.ndarray], extractor: str
    ) -> None:
        dim = real.shape[1]
        ranked = min(len(real), len(fake)) > dim
        estimate = distances.frechet_interval(real, fake) if ranked else distances.frechet_distance_of(real, fake, True)
        floor = None
        if len(halves[0]) > dim:  # its bias falls as one over the counts: from the halves to the counts here
            scale = (1 / len(real) + 1 / len(fake)) / (1 / len(halves[0]) + 1 / len(halves[1]))
            floor = scale * distances.frechet_distance_of(*halves, force=True)
        self._add(name, estimate, "lower", floor, extractor=extractor)

    def _attributes(self) -> tuple[AttributeAccuracy, ...]:
        samples, photos = self.samples, self.photos
        if samples.recognised is None:
            self._limit("Attribute accuracy is not measured: the catalogue has no attributes.")
            return ()
        rows = (samples.conditions, samples.recognised, photos.conditions, photos.recognised)
        schema = self.catalogue.schema
        return self._accuracies(
            accuracy_of(attribute, *(ids[:, columns] for ids in rows), self.judge.classifier.id)
            for attribute, columns in zip(schema.attributes, schema.slices, strict=True)
        )

    def _colours(self) -> tuple[AttributeAccuracy, ...]:
        samples, photos, schema = self.samples, self.photos, self.catalogue.schema
        if self.catalogue.channels == 1 and colour_attributes(schema):
            self._limit("Colours of pixels are not checked: photos and samples are grey.")
        return self._accuracies(
            colour_accuracy(
                schema.attributes[place],
                samples.conditions[:, schema.slices[place]],
                samples.families,
                photos.conditions[:, schema.slices[place]],
                photos.families,
            )
            for place in self.judge.colour_places
        )

    def _accuracies(self, found: Iterable[AttributeAccuracy | None]) -> tuple[AttributeAccuracy, ...]:
        """Those of attributes that were asked for, each a figure too."""
        found = tuple(accuracy for accuracy in found if accuracy)
        for accuracy in found:
            share = distances.share_estimate(round(accuracy.accuracy * accuracy.asked), accuracy.asked)
            about = {"extractor": accuracy.judged_by, "n": accuracy.asked, "real": accuracy.real}
            self._add(f"accuracy/{accuracy.attribute}", share, "higher", accuracy.real_accuracy, **about)
        return found

    def _conditions(self) -> coverage.ConditionCoverage:
        samples, photos = self.samples, self.photos
        rows = (samples.conditions, samples.features, photos.conditions, photos.features)
        few = min(self.n, len(photos.features))  # among more pictures more are alike
        found = coverage.ConditionCoverage(
            self.extractor.id,
            coverage.NEIGHBOURS,
            coverage.condition_figures(self.catalogue.schema, *rows, self.seed),
            *(coverage.mean_distance(side.features, self.seed) for side in (samples, photos)),
            *(coverage.repeated_share(side.hashes[:few], side.thumbnails[:few]) for side in (samples, photos)),
        )
        measured = [condition for condition in found.conditions if condition.measured]
        if measured:
            self._add("condition_kid", np.mean([condition.kid for condition in measured]), "lower")
            self._add("condition_coverage", np.mean([condition.coverage for condition in measured]), "higher")
        self._add("dropped_conditions", float(len(found.dropped)), "lower", 0.0)
        self._add("collapsed_conditions", float(len(found.collapsed)), "lower", 0.0)
        self._add("diversity", found.diversity, "higher", found.real_diversity)
        self._add("repeated", found.repeated, "lower", found.real_repeated, extractor="pixels")
        if found.not_measured:
            conditions = sorted(found.not_measured, key=lambda condition: -condition.asked)
            named = _first_three([f"{each.name} ({each.asked} / {each.real})" for each in conditions])
            self._limit(
                f"{len(conditions)} of {len(found.conditions)} conditions have fewer than {coverage.FEWEST} samples or "
                f"{self.judge.split} photos and are only counted (samples / photos): {named}."
            )
        return found

    def _memorisation(self) -> MemorisationAudit | None:
        splits = ("validation", "test") if self.judge.split == "train" else (self.judge.split,)
        heldout = next((split for split in splits if self.catalogue.size(split)), None)
        if heldout is None:
            self._limit("Memorisation is not audited: there are no photos the model has not seen to compare with.")
            return None
        train = self.judge.features("train").features
        others = self.photos.features if heldout == self.judge.split else self.judge.features(heldout).features
        if len(others) > _MOST_HELDOUT:
            rows = np.random.default_rng(self.seed).choice(len(others), _MOST_HELDOUT, replace=False)
            others = others[np.sort(rows)]
        conditions = [request.conditions for request in self.requests]
        seeds = [request.seed for request in self.requests]
        try:
            found = audit_memorisation(self.samples.features, train, others, self.extractor.id, conditions, seeds)
        except JudgementError as error:
            self._limit(f"Memorisation is not audited: {error}")
            return None
        self._add("nearer_to_train", found.nearer, "lower", 0.5)
        self._add("close_to_train", found.close, "lower", 0.01)
        self._add("authentic", found.authentic, "higher", found.heldout_authentic)
        return found

    def _classification(self) -> ClassificationAccuracy | None:
        if not self.catalogue.schema.attributes:
            self._limit("The classification accuracy score is not measured: the catalogue has no attributes.")
            return None
        if self.counterparts.takes_pictures:
            self._limit("The classification accuracy score is not measured: it needs a model that is asked by name.")
            return None
        found = classification_accuracy(
            self.generator, self.catalogue, seed=self.seed, truncation=self.truncation, progress=self.progress
        )
        for score in found.attributes:
            shared = {"n": found.train, "split": found.split, "real": found.test, "extractor": "classifier"}
            real = float(np.mean(score.real))
            for name, values in (("cas", score.generated), ("cas_mixed", score.mixed), ("gan_test", score.gan_test)):
                self._add(f"{name}/{score.attribute}", distances.spread_estimate(values), "higher", real, **shared)
        self.limitations += found.limitations
        return found

    # === Helpers ===

    def _halves(self, real: np.ndarray) -> list[np.ndarray]:
        labels = self.photos.conditions[:, : self.catalogue.schema.text_columns.start]
        return [real[rows] for rows in alike_halves(labels, self.seed)]

    def _drawn(self) -> Iterator[np.ndarray]:
        for start in range(0, self.n, _AT_ONCE):
            drawn = self.counterparts.draw(self.requests[start : start + _AT_ONCE])
            if self.counterparts.compares:
                self._compare_pairs(drawn, self.rows[start : start + _AT_ONCE])
            yield drawn

    def _compare_pairs(self, drawn: np.ndarray, rows: np.ndarray) -> None:
        """How near pictures come to the photos of their pairs."""
        photos = self.catalogue.images(self.judge.split)[rows]
        self.likeness["psnr"] += list(np.minimum(distances.psnr(photos, drawn), distances.MOST_PSNR))
        if min(drawn.shape[1:3]) >= distances.SSIM_WINDOW:
            self.likeness["ssim"] += list(distances.ssim(photos, drawn))

    @contextlib.contextmanager
    def _timed(self, what: str):
        start = time.perf_counter()
        yield
        self.seconds[what] = round(time.perf_counter() - start, 3)

    def _state_limits(self) -> None:
        if self.truncation != 1:
            self._limit(f"Samples have truncation {self.truncation:g}, which trades variety for typical pictures.")
        is_ours = isinstance(self.extractor, CatalogueClassifier) or self.extractor.name == "texture"
        if self.catalogue.channels == 1 and not is_ours:
            self._limit(f"Photos are grey, and {self.extractor.id} sees them as colour photos without colour.")
        if self.extractor.name == "texture" and not self.catalogue.schema.attributes:
            self._limit(
                f"These photos have no labels, so no classifier knows them: figures are by {self.extractor.id}, which "
                "sees how pictures look and not what they show."
            )
        unseen = values_without_photos(self.catalogue.schema, self.judge.conditions)
        if unseen:
            self._limit(
                f"No {self.judge.split} photo has {_first_three(unseen)}: they are not asked for, and no figure speaks "
                "of them."
            )
        if self.judge.split == "train":
            self._limit("Samples are compared with photos the model learnt from: one that copies them looks perfect.")

    def _limit(self, sentence: str) -> None:
        self.limitations.append(sentence)

    def _enough(self, figure: str, extractor: FeatureExtractor | None = None) -> bool:
        """Whether there are pictures enough for a figure, or it is forced; otherwise that is stated."""
        extractor = extractor or self.extractor
        count = self.n if figure == "is" else min(self.n, len(self.photos.features))
        least = distances.least_pictures(figure, extractor.dim)
        if count >= least:
            return True
        verdict = "given because it was forced, and means little" if self.force else "not given"
        self._limit(
            f"{distances.TITLES[figure]} by {extractor.id}: {verdict}. {least:,} samples and photos are needed, and "
            f"there are {count:,}."
        )
        return self.force

    def _add(
        self, name: str, found: distances.Estimate | float, better: str, floor: float | None = None, **others
    ) -> None:
        estimate = found if isinstance(found, distances.Estimate) else distances.Estimate(float(found), 0.0)
        about = {
            "extractor": self.extractor.id,
            "n": self.n,
            "split": self.judge.split,
            "real": len(self.photos.features),
            "seed": self.seed,
            "truncation": float(self.truncation),
            "spread": estimate.std or None,
            "interval": None if estimate.low is None else (estimate.low, estimate.high),
            **others,
        }
        self.figures.append(Figure(name=name, value=estimate.value, better=better, floor=floor, **about))


def counted(batches: Iterable[np.ndarray], what: str, total: int, progress: Progress | None) -> Iterator[np.ndarray]:
    """The same batches; once one is done with, `progress` is told."""
    done = 0
    for images in batches:
        yield images
        done += len(images)
        if progress:
            progress(what, done, total)


def _share(happened: np.ndarray) -> distances.Estimate:
    return distances.share_estimate(int(happened.sum()), len(happened))


def _first_three(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def blas_threads(dim: int) -> threadpool_limits:
    """A context for figures of features of such length: one thread of BLAS for short ones.

    Their products are so small that threads cost more than they save: ten times as much beside other work.
    """
    return threadpool_limits(1 if dim <= _SHORT else None, "blas")


def alike_halves(conditions: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two halves with the same conditions, as samples have those of the photos: the floor of all distances.

    Args:
        conditions: int `[N, A]`.
        seed: Decides which photo goes where.

    Returns:
        Positions of both, int64 `[N // 2]`.
    """
    order = np.random.default_rng(seed).permutation(len(conditions))
    if conditions.shape[1]:
        order = order[np.lexsort(conditions[order].T)]
    return order[0::2][: len(order) // 2], order[1::2]


def values_without_photos(schema: ConditionSchema, conditions: np.ndarray) -> list[str]:
    """Names of the values, such as `"colour Gold"`, that no row of condition ids `[N, A]` has."""
    return [
        f"{attribute.name} {value}"
        for attribute, columns in zip(schema.attributes, schema.slices, strict=True)
        for number, value in enumerate(attribute.values, start=NOT_GIVEN + 1)
        if not (conditions[:, columns] == number).any()
    ]
