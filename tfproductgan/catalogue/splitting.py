"""Which photos are for training, validation and test: by their names, or drawn so that the draw stays."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

import numpy as np

from tfproductgan.conditions import fold
from tfproductgan.errors import CatalogueError, nearest

SPLITS = ("train", "validation", "test")

DEFAULT_SPLITS = {"validation": 0.1}
"""The shares that are drawn where a source names no splits."""

_SPELLINGS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "validate": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
_YEAR = re.compile(r"[ _-]?20\d\d$")  # train2017, as COCO has it


def split_name(name: str) -> str | None:
    """The split that a folder, a table or a data set calls `name`, or `None` if it is no split's name."""
    return _SPELLINGS.get(_YEAR.sub("", fold(name)))


def given_splits(names: Sequence[str] | np.ndarray) -> dict[str, np.ndarray]:
    """Photo indices, int64 and ascending, of each split that is not empty, from the split of each photo."""
    column = np.asarray(names)
    found = {split: np.flatnonzero(column == split) for split in SPLITS}
    return {split: indices for split, indices in found.items() if len(indices)}


def check_shares(shares: Mapping[str, float]) -> dict[str, float]:
    """The shares to draw, under the splits' proper names.

    Raises:
        CatalogueError: If a name is no split, a share is not in [0, 1), or they leave nothing to train on.
    """
    checked = {}
    for name, share in shares.items():
        split = split_name(name)
        if split in (None, "train"):
            raise CatalogueError(f"No share can be drawn for {name!r}: {nearest(name, SPLITS[1:])}")
        if not isinstance(share, (int, float)) or not 0 <= share < 1:
            raise CatalogueError(f"The share of {name!r} must be at least 0 and less than 1. Received: {share!r}")
        checked[split] = float(share)
    if sum(checked.values()) >= 1:
        raise CatalogueError(f"The shares of the splits leave nothing to train on. Received: {dict(shares)}")
    return checked


def drawn_splits(hashes: Sequence[str], groups: np.ndarray, shares: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Draw splits from the content of the photos.

    A photo's side hangs on nothing but its own content (of a group of duplicates: on one of them), so photos that
    are added, removed or reordered move no other.

    Args:
        hashes: Content hash of each photo, hexadecimal.
        groups: int `[N]`; photos with equal numbers, duplicates, stay on one side.
        shares: Share of the photos for `"validation"` and `"test"`, each in [0, 1); the rest is for training.

    Returns:
        Split name to int64 indices, ascending; only those that are not empty.
    """
    decides: dict[int, str] = {}
    for group, digest in zip(groups.tolist(), hashes, strict=True):
        decides[group] = min(digest, decides.get(group, digest))
    # hashed once more: the least of several hashes is not spread evenly
    position = {group: _position(digest) for group, digest in decides.items()}
    drawn = np.array([position[group] for group in groups.tolist()])
    names = np.full(len(drawn), "train", dtype="<U10")
    # from both ends, so that asking for a test split later takes nothing from validation
    checked = check_shares(shares)
    names[drawn < checked.get("validation", 0.0)] = "validation"
    names[drawn >= 1.0 - checked.get("test", 0.0)] = "test"
    if not (names == "train").any():  # a handful of photos, all drawn for elsewhere
        names[:] = "train"
    return given_splits(names)


def _position(digest: str) -> float:
    """A number in [0, 1), spread evenly."""
    return int.from_bytes(hashlib.sha256(digest.encode()).digest()[:6]) / 2**48
