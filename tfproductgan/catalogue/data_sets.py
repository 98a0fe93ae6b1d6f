"""What data sets of TensorFlow and of Hugging Face have in common: named splits, and features that are no labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tfproductgan.catalogue.splitting import SPLITS, split_name


def taken_splits(splits: Iterable[str]) -> dict[str, str | None]:
    """A data set's splits to read, in our order, and what each is to us; a single one is left to be divided.

    Args:
        splits: What the data set calls them.
    """
    found = {split: split_name(split) for split in splits}
    known = {split: ours for split, ours in found.items() if ours}
    if not known or set(known.values()) == {"train"}:
        return dict.fromkeys(known or found)
    return dict(sorted(known.items(), key=lambda pair: SPLITS.index(pair[1])))


def left_out(splits: Iterable[str], taken: Iterable[str], features: Mapping[str, Any]) -> list[str]:
    """A line about the splits of a data set that are not read, and one about its features that nobody takes.

    Args:
        splits: What the data set calls all its splits.
        taken: Those that are read.
        features: The features, by name, that nobody asked for and that no default takes.
    """
    notes = []
    if rest := sorted(set(splits).difference(taken)):
        notes.append(f"Splits that are left out: {', '.join(rest)}.")
    if features:
        listed = ", ".join(f"{each} ({type(feature).__name__})" for each, feature in features.items())
        notes.append(
            f"Features that are left out: {listed}. Class labels, texts, whole numbers and booleans can be named with "
            "attributes=... (--attributes), a title with text=... (--text)."
        )
    return notes
