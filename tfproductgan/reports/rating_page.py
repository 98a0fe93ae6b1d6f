"""A page on which people tell photos from generated pictures: one HTML file that works without a network."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from tfproductgan.errors import JudgementError
from tfproductgan.metrics.counterparts import Counterparts
from tfproductgan.metrics.rating import ANSWERS_KIND, RatingKey
from tfproductgan.reports.pages import picture_uri, render
from tfproductgan.sampling.grids import in_proportion

if TYPE_CHECKING:
    from tfproductgan.catalogue.catalogue import Catalogue
    from tfproductgan.conditions import ConditionSchema
    from tfproductgan.models.sampler import Sampler


def make_rating_page(
    generator: Sampler,
    catalogue: Catalogue,
    split: str = "validation",
    count: int = 100,
    seed: int = 0,
    truncation: float = 1.0,
) -> tuple[str, RatingKey]:
    """A page with as many photos as generated pictures, with the same labels, in random order.

    Args:
        generator: The model that draws.
        catalogue: Where the photos are from.
        split: Which of them.
        count: Number of pictures, photos and generated ones together; less if the split has fewer photos.
        seed: Decides photos, order and generated pictures.
        truncation: Of the generated pictures.

    Returns:
        The page as HTML, and its key.

    Raises:
        JudgementError: If `count` is less than 2.
        CatalogueError: If the split is empty.
    """
    if count < 2:
        raise JudgementError(f"A rating page needs at least 2 pictures, a photo and a generated one. Received: {count}")
    rng = np.random.default_rng([seed, 7])
    half = min(count // 2, catalogue.size(split))
    photos_all, ids_all = catalogue.images(split), catalogue.conditions(split)
    chosen = np.sort(rng.permutation(len(photos_all))[:half])
    words = [_words(catalogue.schema, ids) for ids in ids_all[chosen]]
    counterparts = Counterparts(generator, catalogue, split)
    drawn = counterparts.draw(counterparts.requests(chosen, seed, truncation, complete=True))
    pictures = np.concatenate([np.asarray(photos_all[chosen]), drawn])
    pictures = in_proportion(pictures, catalogue.schema)
    facts = [{"generated": i >= half, "conditions": words[i % half]} for i in range(2 * half)]
    order = rng.permutation(2 * half)
    digest = hashlib.sha256(generator.model_id.encode())
    digest.update(np.ascontiguousarray(pictures[order]))
    key = RatingKey(
        page=digest.hexdigest()[:12],
        model_id=generator.model_id,
        catalogue=catalogue.fingerprint,
        split=split,
        seed=seed,
        pictures={str(number): facts[i] for number, i in enumerate(order, start=1)},
        truncation=float(truncation),
    )
    shown = {"page": key.page, "kind": ANSWERS_KIND, "pictures": [picture_uri(pictures[i]) for i in order]}
    return render("rating", shown=shown), key


def _words(schema: ConditionSchema, ids: np.ndarray) -> dict[str, str | list[str]]:
    """What a picture was asked for; the values of an attribute that takes several one by one."""
    values = schema.values_of(ids)
    return {name: values[name] if schema.attribute(name).several > 1 else values[name][0] for name in values}
