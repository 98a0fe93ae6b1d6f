import io
import time

import numpy as np
from PIL import Image, ImageDraw

from tfproductgan.catalogue.duplicates import (
    content_hash,
    difference_hashes,
    group_duplicates,
    near_duplicate_groups,
    thumbnails,
)


def product(seed, size=(60, 80)):
    """A few random coloured shapes on white."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (120, 160), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(5):
        left, top = rng.integers(10, 60), rng.integers(10, 90)
        box = (left, top, left + rng.integers(15, 50), top + rng.integers(15, 60))
        draw.ellipse(box, fill=tuple(int(c) for c in rng.integers(0, 220, 3)))
    return image.resize(size, Image.Resampling.LANCZOS)


def as_jpeg(image, quality):
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return Image.open(data).convert("RGB")


def distance(one, other):
    first, second = (int(difference_hashes(np.asarray(image)[None])[0]) for image in (one, other))
    return (first ^ second).bit_count()


def test_content_hash_sees_pixels_and_shape_only():
    image = np.asarray(product(0))
    assert content_hash(image) == content_hash(image.copy())
    assert content_hash(image[:, ::2]) == content_hash(image[:, ::2].copy())
    assert len(content_hash(image)) == 64
    changed = image.copy()
    changed[3, 4, 1] ^= 1
    assert content_hash(changed) != content_hash(image)
    assert content_hash(image.reshape(60, 80, 3)) != content_hash(image)


def test_difference_hash_survives_resizing_and_compression():
    for seed in range(20):
        original = product(seed)
        assert distance(original, original.resize((90, 120), Image.Resampling.BICUBIC)) <= 3
        assert distance(original, as_jpeg(original, 70)) <= 3
        assert distance(original, product(seed + 100)) > 3


def test_difference_hashes_are_those_of_the_single_photos():
    images = np.stack([np.asarray(product(seed)) for seed in range(5)])
    assert difference_hashes(images).tolist() == [int(difference_hashes(image[None])[0]) for image in images]


def test_grey_photos_hash_as_the_same_photos_saved_in_colour():
    grey = np.stack([np.asarray(product(seed).convert("L")) for seed in range(5)])[..., None]
    np.testing.assert_array_equal(difference_hashes(grey), difference_hashes(np.repeat(grey, 3, axis=3)))


def test_thumbnails_are_cell_means():
    image = np.zeros((1, 40, 24, 3), np.uint8)
    image[0, :, 12:] = 200
    small = thumbnails(image)[0]
    assert small.shape == (16, 16, 3)
    assert (small[:, :8] == 0).all() and (small[:, 8:] == 200).all()


def test_groups_hold_copies_and_nothing_else():
    originals = [product(seed) for seed in range(12)]
    copies = [as_jpeg(original, 92) for original in originals[:6]]
    images = np.stack([np.asarray(image) for image in [*originals, *copies, originals[11]]])
    assert near_duplicate_groups(images).tolist() == [*range(12), *range(6), 11]


def test_near_copies_chain_into_one_group():
    image = np.full((3, 32, 32, 1), 255, np.uint8)
    for number, level in enumerate((40, 52, 64)):
        image[number, 8:24, 8:24] = level
    assert near_duplicate_groups(image[[0, 2]]).tolist() == [0, 1]
    assert near_duplicate_groups(image).tolist() == [0, 0, 0]


def test_different_black_shirts_stay_apart():
    """Equal silhouettes, so equal hashes: only the print tells them apart."""
    shirts = []
    for colour in ("red", "white"):
        image = Image.new("RGB", (60, 80), "white")
        draw = ImageDraw.Draw(image)
        draw.polygon([(10, 15), (50, 15), (58, 35), (48, 38), (48, 72), (12, 72), (12, 38), (2, 35)], "black")
        draw.rectangle((27, 34, 33, 40), colour)
        shirts.append(np.asarray(image))
    assert distance(*shirts) <= 3
    assert near_duplicate_groups(np.stack(shirts)).tolist() == [0, 1]


def test_faint_photos_on_white_stay_apart():
    earrings = np.full((2, 64, 64, 3), 255, np.uint8)
    earrings[0, 20:40, 20] = 235
    earrings[1, 20:40, 26] = 235
    assert near_duplicate_groups(earrings).tolist() == [0, 1]


def test_blank_photos_are_one_group():
    images = np.full((4, 16, 16, 3), 255, np.uint8)
    images[3] = 0
    assert near_duplicate_groups(images).tolist() == [0, 0, 0, 1]


def test_no_photos():
    assert near_duplicate_groups(np.empty((0, 8, 8, 3), np.uint8)).tolist() == []


def test_forty_thousand_photos_take_seconds():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (20_000, 16, 16, 1), np.uint8)
    hashes = rng.integers(0, 2**63, 20_000, np.uint64)
    hashes[:2000] = 0  # white-background photos that share their hash
    start = time.process_time()  # the machine may have other things to do
    groups = group_duplicates(np.concatenate([hashes, hashes]), np.concatenate([small, small]))
    assert time.process_time() - start < 20
    assert np.array_equal(groups, np.tile(np.arange(20_000), 2))
