"""What is known about photos before they are opened: their names, labels and splits, and how to get their bytes."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfproductgan.catalogue import tables
from tfproductgan.catalogue.files import PhotoFolder, PhotoZip, open_files
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
        labels: Attribute name to value name; missing and empty are "not given".
        split: One of `SPLITS`, or `None` if the source does not say.
        text: Its title.
    """

    name: str
    labels: Mapping[str, str]
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
        stamp: What changes when any of the photos does; `None` if they are not to be kept on disk.
        skipped: What could not become an item: (name, reason).
        values: Value names of attributes whose order is given.
    """

    items: Sequence[Item]
    attributes: Sequence[str]
    load: Callable[[], Iterator[Callable[[], Raw]]]
    stamp: str | None = None
    skipped: Sequence[tuple[str, str]] = ()
    values: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)


def too_sparse(attribute: str, counts: Iterable[int]) -> str | None:
    """Why nothing can be learnt from an attribute, in words, or `None`.

    Args:
        attribute: Its name.
        counts: Number of training photos of each of its values.
    """
    counts = list(counts)
    if len(counts) <= MOST_SPARSE_VALUES or sum(counts) >= 2 * len(counts):
        return None
    return (
        f"{attribute!r} has {len(counts):,} values on {sum(counts):,} photos, as a number or a title has: leave it out "
        "of the attributes, or fold rare values with min_count (--min-count)"
    )


def folder_source(folder: str | Path, attribute: str) -> Source:
    """Photos sorted into folders by class, with or without a level of splits above.

    Args:
        folder: The folder, or a zip of it.
        attribute: What to call the attribute whose values are the folders' names.

    Raises:
        CatalogueError: If there are no photos, or split folders beside class folders.
    """
    files = open_files(folder)
    paths = _without_wrapper([name.split("/") for name in files.names()])
    if not paths:
        raise CatalogueError(
            f"{str(folder)!r} has no photos. Expected <class>/<photo>, as JPEG, PNG, WebP, GIF, BMP or TIFF; or a CSV "
            "or Parquet table. Archives inside it are not opened."
        )
    tops = {parts[0] for parts, _ in paths if len(parts) > 1}
    split_tops = {top for top in tops if split_name(top)}
    split_level = bool(tops) and split_tops == tops
    if "train" in map(split_name, split_tops) and not split_level:
        others = ", ".join(map(repr, sorted(tops - split_tops)[:3]))
        raise CatalogueError(f"{str(folder)!r} has split folders ({', '.join(sorted(split_tops))}) beside {others}.")
    items = []
    for parts, name in paths:
        below = parts[1:] if split_level and len(parts) > 1 else parts
        labels = {attribute: below[0]} if len(below) > 1 else {}
        items.append(Item(name, labels, (split_name(parts[0]) or "train") if split_level else None))
    labelled = any(item.labels for item in items)
    return _source_of_files(files, items, [attribute] if labelled else [])


def _without_wrapper(paths: list[list[str]]) -> list[tuple[list[str], str]]:
    """The parts of each path and the path itself, less a single folder around everything, as many zips have."""
    kept = paths
    while kept and all(len(parts) > 2 for parts in kept) and len({parts[0] for parts in kept}) == 1:
        if split_name(kept[0][0]):
            break
        kept = [parts[1:] for parts in kept]
    return [(parts, "/".join(path)) for parts, path in zip(kept, paths, strict=True)]


def table_source(
    table: str | Path,
    images: str | Path | None = None,
    image: str | None = None,
    attributes: Iterable[str] = (),
    text: str | None = None,
    split_column: str | None = None,
    find_split: bool = True,
) -> Source:
    """Photos listed in a table.

    Args:
        table: CSV or Parquet; or a zip that holds one of them, and its photos if `images` is not given; or the
            name of a table inside the zip `images`.
        images: Folder or zip of the photos; by default where the table is.
        image: Column that names the photos; by default found by its usual names.
        attributes: Columns to take as attributes.
        text: Column of titles.
        split_column: Column that names the split of each photo; empty means train.
        find_split: Whether a column called `split` is taken when none is named.

    Raises:
        CatalogueError: If something is missing or cannot be read.
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
    return _source_of_files(files, items, attributes, skipped)


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
    if column is None:
        if not (find and content.has("split")):
            return lambda row: None
        at = content.position("split")
        if not all(split_name(row[at]) or not row[at] for row in content.rows):
            return lambda row: None  # some other split: nobody said that it is ours
        return lambda row: split_name(row[at]) or "train"
    at = content.position(column)
    for row in content.rows:
        if row[at] and split_name(row[at]) is None:
            raise CatalogueError(
                f"Column {column!r} of {content.name} has {row[at]!r}; a split is called {', '.join(SPLITS)}."
            )
    return lambda row: split_name(row[at]) or "train"


def _source_of_files(
    files: PhotoFolder | PhotoZip,
    items: Iterable[Item],
    attributes: Sequence[str],
    skipped: Sequence[tuple[str, str]] = (),
) -> Source:
    items = sorted_by_split(items)
    digest = hashlib.sha256()
    # names, sizes and times can agree between folders, checksums in a zip do not: a folder is known by its place
    digest.update(b"zip" if isinstance(files, PhotoZip) else str(files.path.resolve()).encode())
    for item in items:
        digest.update(f"\n{item.name}\t{files.signature(item.name)}".encode("utf-8", "surrogateescape"))
    return Source(
        items=items,
        attributes=attributes,
        load=lambda: (functools.partial(files.read, item.name) for item in items),
        stamp=digest.hexdigest(),
        skipped=skipped,
    )


def sorted_by_split(items: Iterable[Item]) -> list[Item]:
    """The items with each split's together, so that the pictures of a split are one stretch of the array."""
    return sorted(items, key=lambda item: SPLITS.index(item.split) if item.split else -1)


def array_source(images: Any, labels: Mapping[str, Sequence[Any]], splits: Sequence[str] | None = None) -> Source:
    """Photos in an array.

    Args:
        images: uint8 `[N, H, W]` or `[N, H, W, C]` with 1, 3 or 4 channels.
        labels: Attribute name to the value names of all photos; `None` and empty are "not given".
        splits: The split of each photo, if known.

    Raises:
        CatalogueError: If types or lengths do not fit.
    """
    images = np.asarray(images)
    fits = images.ndim == 3 or (images.ndim == 4 and images.shape[3] in (1, 3, 4))
    if images.dtype != np.uint8 or not fits or 0 in images.shape:
        raise CatalogueError(
            f"images must be uint8 [N, H, W] or [N, H, W, 1, 3 or 4]. Received: {images.dtype} {list(images.shape)}"
        )
    columns = {name: [str(v) if v is not None else "" for v in column] for name, column in labels.items()}
    for name, column in {**columns, **({} if splits is None else {"splits": splits})}.items():
        if len(column) != len(images):
            raise CatalogueError(f"{name!r} has {len(column)} values for {len(images)} images: one each is needed.")
    for split in set(splits or ()):
        if split_name(split) is None:
            raise CatalogueError(f"A split is called {', '.join(SPLITS)}. Received: {split!r}")
    items = [
        Item(
            f"image {i}",
            {name: column[i] for name, column in columns.items()},
            split_name(splits[i]) if splits else None,
        )
        for i in range(len(images))
    ]
    order = sorted(range(len(items)), key=lambda i: SPLITS.index(items[i].split) if items[i].split else -1)
    return Source(
        items=[items[i] for i in order],
        attributes=list(columns),
        # each holds its own photo only: a process that is sent one is not sent all
        load=lambda: (functools.partial(np.asarray, images[i]) for i in order),
    )
