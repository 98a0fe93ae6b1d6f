"""What is known about photos before they are opened: their names, labels and splits, and how to get their bytes."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfproductgan.catalogue import tables
from tfproductgan.catalogue.files import PhotoFolder, PhotoZip, open_files
from tfproductgan.catalogue.label_notes import likely_attributes
from tfproductgan.catalogue.splitting import SPLITS, split_name
from tfproductgan.errors import CatalogueError
from tfproductgan.writing import expanded

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
        stamp: What changes when any of the pictures does; `None` if they are not to be kept on disk.
        skipped: What could not become an item: (name, reason).
        values: Value names of attributes whose order is given.
        load_sources: As `load`, of the pictures that go in, if the items are pairs.
        candidates: Of a table without attributes, columns that could be some, with their number of values.
    """

    items: Sequence[Item]
    attributes: Sequence[str]
    load: Callable[[], Iterator[Callable[[], Raw]]]
    stamp: str | None = None
    skipped: Sequence[tuple[str, str]] = ()
    values: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    load_sources: Callable[[], Iterator[Callable[[], Raw]]] | None = None
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


def folder_source(folder: str | Path, attribute: str) -> Source:
    """Photos sorted into folders by class, with or without a level of splits above: see `Catalogue.from_folder`."""
    files = open_files(folder)
    return _source_of_files(files, *_classified(files, folder, attribute))


def pair_source(sources: str | Path, images: str | Path, attribute: str) -> Source:
    """Photos as `folder_source` takes them, each with the picture that goes in: see `Catalogue.from_pairs`."""
    entering, files = open_files(sources), open_files(images)
    items, attributes = _classified(files, images, attribute)
    partners, skipped = _partners([item.name for item in items], entering.names(), str(images), str(sources))
    paired = _source_of_files(files, (item for item in items if item.name in partners), attributes, skipped)
    names = [partners[item.name] for item in paired.items]
    return dataclasses.replace(
        paired,
        stamp=hashlib.sha256(f"{paired.stamp} {_stamp(entering, names)}".encode()).hexdigest(),
        load_sources=lambda: (functools.partial(entering.read, name) for name in names),
    )


def _partners(
    photos: Sequence[str], sources: Sequence[str], photos_in: str, sources_in: str
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The source of each photo that has one, and what is left over: (name, reason)."""
    for less in (False, True):  # at first with a single folder around everything, then without
        named, others = _by_stem(photos, less), _by_stem(sources, less)
        if named.keys() & others.keys():
            break
    else:
        found = f"first: {sources[0]!r}, {photos[0]!r}" if sources else "there are none"
        raise CatalogueError(
            f"No picture in {sources_in!r} is called as one in {photos_in!r} ({found}): the pictures of a pair have "
            "the same path in their folders, but for the extension."
        )
    partners, skipped = {}, []
    for stem in sorted(named.keys() | others.keys()):
        here, there = named.get(stem, []), others.get(stem, [])
        if len(here) == len(there) == 1:
            partners[here[0]] = there[0]
        for names, rest, where in ((here, there, sources_in), (there, here, photos_in)):
            crowd = next((", ".join(several) for several in (names, rest) if len(several) > 1), None)
            reason = f"pairs go by name, and {crowd} are called the same" if crowd else f"no {stem!r} in {where!r}"
            skipped += [(name, reason) for name in names if crowd or not rest]
    return partners, skipped


def _by_stem(names: Sequence[str], less: bool) -> dict[str, list[str]]:
    """Names by what they share with their partners': the path below any folder around everything, no extension."""
    found: dict[str, list[str]] = {}
    paths = _without_wrapper([name.split("/") for name in names])
    less = less and len({parts[0] for parts, _ in paths if len(parts) > 1}) == 1 and all(len(p) > 1 for p, _ in paths)
    for parts, name in paths:
        # macOS takes accents apart
        stem = unicodedata.normalize("NFC", "/".join(parts[less:]).rpartition(".")[0])
        found.setdefault(stem, []).append(name)
    return found


def _classified(files: PhotoFolder | PhotoZip, folder: str | Path, attribute: str) -> tuple[list[Item], Sequence[str]]:
    """The photos of a folder with their classes as labels, and the attributes of these: one or none."""
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
    return items, [attribute] if any(item.labels for item in items) else []


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
    """Photos listed in a table: see `Catalogue.from_table`.

    Without a `split_column`, one called `split` is taken if `find_split` is set. In it empty means train.
    """
    content, files = _table_and_files(expanded(table), images)
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
    source = _source_of_files(files, items, attributes, skipped)
    if attributes:
        return source
    taken = (image, text, split_column or "split")
    return dataclasses.replace(source, candidates=likely_attributes(content.columns, content.rows, taken))


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


def _source_of_files(
    files: PhotoFolder | PhotoZip,
    items: Iterable[Item],
    attributes: Sequence[str],
    skipped: Sequence[tuple[str, str]] = (),
) -> Source:
    [items] = sorted_by_split(list(items))
    names = [item.name for item in items]
    return Source(
        items=items,
        attributes=attributes,
        load=lambda: (functools.partial(files.read, name) for name in names),
        stamp=_stamp(files, names),
        skipped=skipped,
    )


def _stamp(files: PhotoFolder | PhotoZip, names: Iterable[str]) -> str:
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


def array_source(
    images: Any,
    labels: Mapping[str, Sequence[Any]],
    splits: Sequence[str] | None = None,
    sources: Any = None,
) -> Source:
    """Photos in an array: see `Catalogue.from_arrays`."""
    arrays = {name: np.asarray(a) for name, a in (("images", images), ("sources", sources)) if a is not None}
    for name, array in arrays.items():
        fits = array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (1, 3, 4))
        if array.dtype != np.uint8 or not fits or 0 in array.shape:
            raise CatalogueError(
                f"{name} must be uint8 [N, H, W] or [N, H, W, 1, 3 or 4]. Received: {array.dtype} {list(array.shape)}"
            )
    images = arrays.pop("images")
    columns = {name: [str(v) if v is not None else "" for v in column] for name, column in labels.items()}
    given: dict[str, Any] = {**columns, **arrays, **({} if splits is None else {"splits": splits})}
    for name, column in given.items():
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
    items, order = sorted_by_split(items, range(len(images)))

    def load(array: np.ndarray) -> Iterator[Callable[[], Raw]]:
        # each holds its own photo only: a process that is sent one is not sent all
        return (functools.partial(np.asarray, array[i]) for i in order)

    return Source(
        items=items,
        attributes=list(columns),
        load=functools.partial(load, images),
        load_sources=functools.partial(load, arrays["sources"]) if arrays else None,
    )
