"""What is known about photos before they are opened: their names, labels and splits, and how to get their bytes."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from tfproductgan.catalogue.files import Files, PhotoZip
from tfproductgan.catalogue.splitting import SPLITS

MOST_SPARSE_VALUES = 100
"""An attribute of more values than this needs two photos a value on average: else it is a number or a title."""

Raw = bytes | np.ndarray
"""A photo before it is decoded: the bytes of its file, or its pixels."""


@dataclasses.dataclass(frozen=True)
class Item:
    """One photo of a source.

    Args:
        name: What messages call it.
        labels: Attribute name to value name, or to a tuple of several; missing and empty are "not given".
        split: One of `SPLITS`, or `None` if the source does not say.
        text: Its title.
    """

    name: str
    labels: Mapping[str, str | tuple[str, ...]]
    split: str | None = None
    text: str = ""


@dataclasses.dataclass(frozen=True)
class Source:
    """Photos to be prepared.

    Args:
        items: What is known of each.
        attributes: The attributes the labels speak of, in order.
        load: Returns an iterator with one function a photo, in the order of `items`; calling it, from any thread,
            returns the photo or raises `PhotoError`.
        stamp: What changes when any of the pictures does; `None` if they are not to be kept on disk.
        skipped: What could not become an item: (name, reason).
        values: Value names of attributes whose order is given.
        load_sources: As `load`, of the pictures that go in, if the items are pairs.
        notes: What was done on the way to the items, a sentence each.
        candidates: Of a table without attributes, columns that could be some, with their number of values.
    """

    items: Sequence[Item]
    attributes: Sequence[str]
    load: Callable[[], Iterator[Callable[[], Raw]]]
    stamp: str | None = None
    skipped: Sequence[tuple[str, str]] = ()
    values: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    load_sources: Callable[[], Iterator[Callable[[], Raw]]] | None = None
    notes: Sequence[str] = ()
    candidates: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def loads(self) -> Iterator[tuple[Callable[[], Raw], ...]]:
        """For each item, what loads its photo and, in pairs, the picture that goes in."""
        return zip(self.load(), *([self.load_sources()] if self.load_sources else []), strict=True)

    def batches(self, count: int) -> Iterator[Batch]:
        """The items in their order, `count` at a time."""
        loads = self.loads()
        for start in range(0, len(self.items), count):
            names = tuple(item.name for item in self.items[start : start + count])
            yield Batch(start, names, tuple(itertools.islice(loads, count)))


@dataclasses.dataclass(frozen=True)
class Batch:
    """Some photos of a source, for a thread or another process.

    Args:
        start: Number of the first.
        names: What messages call them.
        loads: For each, what loads its photo and, in pairs, the picture that goes in.
    """

    start: int
    names: tuple[str, ...]
    loads: tuple[tuple[Callable[[], Raw], ...], ...]


def too_sparse(attribute: str, counts: Iterable[int]) -> str | None:
    """Why nothing can be learnt from an attribute with so many training photos of each value, in words, or `None`."""
    counts = list(counts)
    if len(counts) <= MOST_SPARSE_VALUES or sum(counts) >= 2 * len(counts):
        return None
    return (
        f"{attribute!r} has {len(counts):,} values on {sum(counts):,} photos, as a number or a title has: leave it out "
        "of the attributes, or fold rare values with min_count (--min-count)"
    )


def source_of_files(
    files: Files,
    items: Iterable[Item],
    attributes: Sequence[str],
    skipped: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
) -> Source:
    """Photos that lie in files."""
    [items] = sorted_by_split(list(items))
    names = [item.name for item in items]
    return Source(
        items=items,
        attributes=attributes,
        load=lambda: (functools.partial(files.read, name) for name in names),
        stamp=stamp_of(files, names),
        skipped=skipped,
        notes=notes,
    )


def stamp_of(files: Files, names: Iterable[str]) -> str:
    """What changes when one of these files does."""
    # names, sizes and times can agree between folders, checksums in a zip do not: a folder is known by its place
    digest = hashlib.sha256(b"zip" if isinstance(files, PhotoZip) else str(files.path.resolve()).encode())
    for name in names:
        digest.update(f"\n{name}\t{files.signature(name)}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def sorted_by_split(items: Sequence[Item], *others: Sequence) -> list[list]:
    """The items with each split's together, so that the pictures of a split are one stretch of the array.

    Returns:
        The items, and what else there is of each, in their order.
    """
    order = sorted(range(len(items)), key=lambda i: SPLITS.index(items[i].split) if items[i].split else -1)
    return [[column[i] for i in order] for column in (items, *others)]
