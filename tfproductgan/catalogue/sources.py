"""What is known about photos before they are opened: their names, labels and splits, and how to get their bytes."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from tfproductgan.catalogue import tables
from tfproductgan.catalogue.files import Files, PhotoFolder, PhotoZip, open_files
from tfproductgan.catalogue.splitting import SPLITS, split_name
from tfproductgan.errors import CatalogueError

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
    """

    items: Sequence[Item]
    attributes: Sequence[str]
    load: Callable[[], Iterator[Callable[[], Raw]]]
    stamp: str | None = None
    skipped: Sequence[tuple[str, str]] = ()
    values: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    load_sources: Callable[[], Iterator[Callable[[], Raw]]] | None = None
    notes: Sequence[str] = ()

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


def table_source(
    table: str | Path,
    images: str | Path | None = None,
    image: str | None = None,
    attributes: Iterable[str] = (),
    text: str | None = None,
    split_column: str | None = None,
    find_split: bool = True,
) -> Source:
    """Photos listed in a table: see `Catalogue.from_table`.

    Without a `split_column`, one called `split` is taken if `find_split` is set. In it empty means train.
    """
    content, files = _table_and_files(Path(table).expanduser(), images)
    attributes = list(attributes)
    image = image or content.image_column()
    image_at, label_at = content.position(image), [content.position(name) for name in attributes]
    text_at = None if text is None else content.position(text)
    split_of = _split_reader(content, split_column, find_split)
    items, skipped = [], list(content.skipped)
    first_row: dict[str, int] = {}
    for number, row in enumerate(content.rows, start=1):
        given = row[image_at]
        if given.casefold().startswith(("http://", "https://")):
            raise CatalogueError(
                f"Column {image!r} of {content.name} holds web addresses ({given!r}): download the photos and name "
                "the files."
            )
        found = files.find(given) if given else None
        if found is None:
            where = f"row {number} of {content.name}"
            skipped.append((given, f"no such file in {files.path.name}") if given else (where, f"{image} is empty"))
            continue
        if first_row.setdefault(found, number) != number:
            skipped.append((f"row {number} of {content.name}", f"{found} is in row {first_row[found]} already"))
            continue
        labels = {name: row[at] for name, at in zip(attributes, label_at, strict=True)}
        items.append(Item(found, labels, split_of(row), "" if text_at is None else row[text_at]))
    if not items:
        raise CatalogueError(
            f"None of the {len(content.rows)} photos named in column {image!r} of {content.name} is in "
            f"{str(files.path)!r} (the first: {content.rows[0][image_at]!r}). "
            "Say where they are with images=... (--images-in)."
        )
    return source_of_files(files, items, attributes, skipped)


def _table_and_files(path: Path, images: str | Path | None) -> tuple[tables.Table, PhotoFolder | PhotoZip]:
    suffix = path.suffix.casefold()
    if suffix == ".zip":
        archive = PhotoZip(path)
        inside = archive.names(tables.EXTENSIONS)
        if len(inside) != 1:
            listed = f": {', '.join(inside[:5])}. Name one, with images={path.name!r}" if inside else ""
            raise CatalogueError(f"{str(path)!r} must hold one table (CSV or Parquet); it has {len(inside)}{listed}.")
        table = tables.read_table(archive.read(inside[0]), inside[0])
        return table, archive if images is None else open_files(images)
    if suffix not in tables.EXTENSIONS:
        raise CatalogueError(f"A table is .csv, .tsv, .parquet or a .zip with one in it. Received: {str(path)!r}")
    if path.is_file():
        return tables.read_table(path.read_bytes(), path.name), open_files(path.parent if images is None else images)
    files = None if images is None else open_files(images)
    if isinstance(files, PhotoZip) and str(path) in files.names(tables.EXTENSIONS):
        return tables.read_table(files.read(str(path)), path.name), files
    raise CatalogueError(f"The table {str(path)!r} does not exist.")


def _split_reader(content: tables.Table, column: str | None, find: bool) -> Callable[[Sequence[str]], str | None]:
    if column is None and not (find and content.has("split")):
        return lambda row: None
    at = content.position(column or "split")
    strange = next((row[at] for row in content.rows if row[at] and split_name(row[at]) is None), None)
    if strange is None:
        return lambda row: split_name(row[at]) or "train"
    if column is None:
        return lambda row: None  # some other split: nobody said that it is ours
    raise CatalogueError(f"Column {column!r} of {content.name} has {strange!r}; a split is called {', '.join(SPLITS)}.")


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
