import numpy as np
import pytest

import tfproductgan as tpg
from tfproductgan.errors import CatalogueError


def spots(count=8, size=32):
    photos = np.full((count, size, size, 3), 250, np.uint8)
    for number, photo in enumerate(photos):
        photo[8 : 14 + number, 10:24] = 180, 20, 20
    return photos


def test_photos_come_with_the_masks_of_their_products_as_they_are_and_before_others():
    photos = np.concatenate([spots(), np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)])
    given = tpg.Catalogue.from_arrays(photos, None, ["train"] * 6 + ["validation"] * 2 + ["train"] * 2, cache=False)
    catalogue = given.with_masks()
    assert {split: catalogue.size(split) for split in ("train", "validation")} == {"train": 12, "validation": 4}
    assert (catalogue.schema.channels, catalogue.schema.source_channels) == (1, 3) and len(catalogue.skipped) == 2
    assert catalogue.fingerprint == given.with_masks().fingerprint != given.with_masks(seed=1).fingerprint
    masks, sources = catalogue.images("train"), np.concatenate(list(catalogue.source_batches("train")))
    product = masks[..., 0] > 250
    assert np.abs(sources[product] - np.array([180.0, 20, 20])).max() < 6 and 0.05 < product.mean() < 0.3
    np.testing.assert_array_equal(masks[:6], masks[6:])
    outside = masks[..., 0] < 2
    assert (sources[:6][outside[:6]] == 250).all() and np.std(sources[6:][outside[6:]]) > 20


def test_the_studios_masks_are_known():
    drawn = tpg.Catalogue.studio(6, image_size=32, source="mask", cache=False)
    catalogue = drawn.with_masks()
    count = drawn.size("train")
    np.testing.assert_array_equal(catalogue.images("train")[:count], next(drawn.source_batches("train")))
    np.testing.assert_array_equal(next(catalogue.source_batches("train"))[:count], drawn.images("train"))


def test_photos_without_plain_backgrounds_are_refused():
    noise = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8)
    with pytest.raises(CatalogueError, match="No photo has a background of one colour"):
        tpg.Catalogue.from_arrays(noise, None, ["train"] * 8, cache=False).with_masks()
