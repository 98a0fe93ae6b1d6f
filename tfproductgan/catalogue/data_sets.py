"""What data sets of TensorFlow and of Hugging Face have in common: named splits, and features that are no labels."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from tfproductgan.catalogue.splitting import SPLITS, split_name

_log = logging.getLogger(__name__)


def taken_splits(splits: Iterable[str], name: str) -> dict[str, str | None]:
    """A data set's splits to read, in our order, and what each is to us; a single one is left to be divided.

    Args:
        splits: What the data set calls them.
        name: What messages call the data set.
    """
    found = {split: split_name(split) for split in splits}
    known = {split: ours for split, ours in found.items() if ours}
    if not known or set(known.values()) == {"train"}:
        return dict.fromkeys(known or found)
    left_out = sorted(set(found) - set(known))
    if left_out:
        _log.warning("The splits %s of %s are left out", ", ".join(left_out), name)
    return dict(sorted(known.items(), key=lambda pair: SPLITS.index(pair[1])))


def say_left_out(name: str, features: Mapping[str, Any]) -> None:
    """One line about features, by name, that nobody asked for and that no default takes."""
    if features:
        listed = ", ".join(f"{each} ({type(feature).__name__})" for each, feature in features.items())
        _log.warning(
            "Features of %s that are left out: %s. Class labels, texts, whole numbers and booleans can be named with "
            "attributes=... (--attributes), a title with text=... (--text)",
            name,
            listed,
        )
