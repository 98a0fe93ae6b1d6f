"""Photos sorted into folders: what their folders say, class, kind within the class, split, or nothing."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from os.path import splitext
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfproductgan.catalogue.files import Files, PhotoTar, open_files, open_tars
from tfproductgan.catalogue.kinds import count_of
from tfproductgan.catalogue.listing import Listing, few, list_photos
from tfproductgan.catalogue.photos import decode
from tfproductgan.catalogue.shards import has_samples, shard_paths, shard_source
from tfproductgan.catalogue.sources import Item, Raw, Source, source_of_files, stamp_of, too_sparse
from tfproductgan.catalogue.splitting import split_name
from tfproductgan.conditions import ConditionSchema, fold
from tfproductgan.errors import CatalogueError, PhotoError
from tfproductgan.writing import expanded

DEFAULT_ATTRIBUTE = "class"

_MOST_STRAYS = 0.1  # share of photos without a class that were most likely not meant


def folder_source(
    folder: str | Path,
    attribute: str = DEFAULT_ATTRIBUTE,
    attributes: Sequence[str] | None = None,
    schema: ConditionSchema | None = None,
) -> Source:
    """Photos sorted into folders by class: see `Catalogue.from_folder`.

    Args:
        folder: A folder, a zip of one, or tars; these may be WebDataset shards.
        attribute: What the uppermost level of classes is called; those below get numbers too.
        attributes: Names of the levels, from the top; levels below them are not taken.
        schema: Of the model that the photos are taken for: its attributes name the levels.
    """
    shards = shard_paths(folder)
    files: Files = open_tars(*shards) if shards else open_files(folder)
    listing = list_photos(files)
    if isinstance(files, PhotoTar) and listing.photos and has_samples(files):
        return shard_source(files, listing, attribute, attributes, schema)
    found = _classified(listing, folder, attribute, attributes, schema)
    return source_of_files(files, found.items, found.attributes, found.skipped, found.notes)


def pair_source(
    sources: str | Path,
    images: str | Path,
    attribute: str = DEFAULT_ATTRIBUTE,
    attributes: Sequence[str] | None = None,
    schema: ConditionSchema | None = None,
) -> Source:
    """Photos as `folder_source` takes them, each with the picture that goes in: see `Catalogue.from_pairs`."""
    if expanded(sources).resolve() == expanded(images).resolve():
        raise CatalogueError(f"Pairs are of two folders, and {str(sources)!r} is given as both.")
    entering, files = open_files(sources), open_files(images)
    photos, pictures = list_photos(files), list_photos(entering)
    found = _classified(photos, images, attribute, attributes, schema)
    partners, skipped = _partners(photos.photos, pictures.photos, str(images), str(sources))
    strays = set(photos.photos).difference(item.name for item in found.items)
    paired = source_of_files(
        files,
        (item for item in found.items if item.name in partners),
        found.attributes,
        [*found.skipped, *(pair for pair in skipped if pair[0] not in strays)],
        [*found.notes, *pictures.notes()],
    )
    names = [partners[item.name] for item in paired.items]
    return dataclasses.replace(
        paired,
        stamp=hashlib.sha256(f"{paired.stamp} {stamp_of(entering, names)}".encode()).hexdigest(),
        load_sources=lambda: (functools.partial(entering.read, name) for name in names),
    )


SIDES = ("left", "right")
"""Where the picture that goes in may stand, of two side by side."""


def side_by_side_source(
    side: str,
    folder: str | Path,
    attribute: str = DEFAULT_ATTRIBUTE,
    attributes: Sequence[str] | None = None,
    schema: ConditionSchema | None = None,
) -> Source:
    """Pairs that are one picture each, as `folder_source` finds them: see `Catalogue.from_side_by_side`."""
    if side not in SIDES:
        raise CatalogueError(f"What goes in stands on the left or the right. Received: {side!r}")
    whole = folder_source(folder, attribute, attributes, schema)

    def halves(of: str) -> Iterator[Callable[[], Raw]]:
        for item, load in zip(whole.items, whole.load(), strict=True):
            yield functools.partial(_half, load, item.name, of)

    return dataclasses.replace(
        whole,
        stamp=whole.stamp and hashlib.sha256(f"{whole.stamp} {side}".encode()).hexdigest(),
        load=lambda: halves(SIDES[1 - SIDES.index(side)]),
        load_sources=lambda: halves(side),
    )


def _half(load: Callable[[], Raw], name: str, side: str) -> Raw:
    """The left or right half of a photo, as pixels."""
    photo = decode(load(), name)
    middle, odd = divmod(photo.width, 2)
    if odd:
        raise PhotoError(
            f"{name}: two pictures side by side have an even width, and this one is {photo.width} pixels wide"
        )
    left = 0 if side == "left" else middle
    return np.asarray(photo.crop((left, 0, left + middle, photo.height)))


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
    paths, _ = _without_wrapper([name.split("/") for name in names])
    less = less and len({parts[0] for parts, _ in paths if len(parts) > 1}) == 1 and all(len(p) > 1 for p, _ in paths)
    for parts, name in paths:
        # macOS takes accents apart
        stem = unicodedata.normalize("NFC", splitext("/".join(parts[less:]))[0])
        found.setdefault(stem, []).append(name)
    return found


class _Classified(NamedTuple):
    """Photos with what their folders say."""

    items: list[Item]
    attributes: list[str]
    skipped: list[tuple[str, str]]
    notes: list[str]


class _Placed(NamedTuple):
    """A photo, the folders that it lies in, less wrappers and splits, and its split."""

    name: str
    folders: list[str]
    split: str | None = None


def _classified(
    listing: Listing,
    folder: str | Path,
    attribute: str,
    attributes: Sequence[str] | None,
    schema: ConditionSchema | None,
) -> _Classified:
    if not listing.photos:
        found = " ".join(listing.notes()) or "Archives inside it are not opened."
        raise CatalogueError(
            f"{str(folder)!r} has no photos. Expected <class>/<photo>, as JPEG, PNG, WebP, GIF, BMP or TIFF; or a CSV "
            f"or Parquet table. {found}"
        )
    paths, around = _without_wrapper([name.split("/") for name in listing.photos])
    placed = _without_splits([_Placed(name, parts[:-1]) for parts, name in paths], folder)
    notes = [*listing.notes()]
    if 2 * len(listing.beside) >= len(listing.photos):
        notes.append(
            f"{count_of(len(listing.beside), 'file')} called as photos are not read: {few(listing.beside)}; labels are "
            "folders, or stand in tables."
        )
    if around:
        notes.append(f"The folder {'/'.join(around)!r} lies around everything and is no class.")
    loose = [photo.name for photo in placed if not photo.folders]
    if 0 < len(loose) < len(placed):
        if _are_few(len(loose), len(placed) - len(loose)):
            placed = [photo for photo in placed if photo.folders]
            notes.append(f"{count_of(len(loose), 'photo')} without a class, left out: {few(loose)}.")
        else:
            notes.append(f"{count_of(len(loose), 'photo')} without a class, trained on as 'not given': {few(loose)}.")
    levels, said = _attributes(_levels(placed), folder, attribute, attributes, schema)
    items = []
    for photo in placed:
        labels = {name: photo.folders[level] for name, level in levels.items() if level < len(photo.folders)}
        items.append(Item(photo.name, labels, photo.split))
    return _Classified(items, list(levels), listing.skipped(), notes + said)


def _are_few(loose: int, classed: int) -> bool:
    """Whether photos outside of the class folders are an oversight: they would be a class of their own otherwise."""
    return loose <= _MOST_STRAYS * classed or (loose <= 3 and 2 * loose <= classed)


def _without_wrapper(paths: list[list[str]]) -> tuple[list[tuple[list[str], str]], list[str]]:
    """The parts of each path and the path itself, less folders around everything, as many zips have; and these.

    What lies beside the only folder, or in it beside its folders, loses what it has of that path too.
    """
    kept: list[list[str]] = paths
    around: list[str] = []
    while True:
        tops = {parts[0] for parts in kept if len(parts) > 1}
        inside = sum(len(parts) > 2 for parts in kept)
        if len(tops) != 1 or not inside or not _are_few(len(kept) - inside, inside) or any(map(split_name, tops)):
            return [(parts, "/".join(path)) for parts, path in zip(kept, paths, strict=True)], around
        around += tops
        kept = [parts[1:] if len(parts) > 1 else parts for parts in kept]


def _without_splits(photos: list[_Placed], folder: str | Path) -> list[_Placed]:
    """The photos with their splits, if a level of their folders names nothing else."""
    tops = {photo.folders[0] for photo in photos if photo.folders}
    split_tops = set(filter(split_name, tops))
    if split_tops and split_tops == tops:
        level = 0
    elif "train" in map(split_name, split_tops):
        others = ", ".join(map(repr, sorted(tops - split_tops)[:3]))
        raise CatalogueError(f"{str(folder)!r} has split folders ({', '.join(sorted(split_tops))}) beside {others}.")
    else:
        deep = [photo.folders for photo in photos if photo.folders]
        below = ({split_name(folders[level]) for folders in deep} for level in range(1, min(map(len, deep), default=0)))
        splits = (level for level, names in enumerate(below, start=1) if "train" in names and None not in names)
        found = next(splits, None)
        if found is None:
            return photos
        level = found
    return [
        _Placed(
            photo.name,
            photo.folders[:level] + photo.folders[level + 1 :],
            split_name(photo.folders[level]) if photo.folders else "train",
        )
        for photo in photos
    ]


class _Level(NamedTuple):
    """The folders of one level: of each name, as it is compared, its spellings and how many photos lie below."""

    number: int
    values: dict[str, Counter[str]]

    def __str__(self) -> str:
        names = sorted(min(spellings) for spellings in self.values.values())
        return f"{count_of(len(names), 'value')}: {few(names, 2)}"


def _levels(photos: list[_Placed]) -> list[_Level]:
    """The levels that say something: of which all photos share one folder does not, unless there is no other."""
    levels = []
    for number in range(max(len(photo.folders) for photo in photos)):
        values: dict[str, Counter[str]] = defaultdict(Counter)
        for photo in photos:
            if len(photo.folders) > number:
                values[fold(photo.folders[number])][photo.folders[number]] += 1
        levels.append(_Level(number, values))
    return [level for level in levels if len(level.values) > 1] or levels[:1]


def _attributes(
    levels: list[_Level],
    folder: str | Path,
    attribute: str,
    attributes: Sequence[str] | None,
    schema: ConditionSchema | None,
) -> tuple[dict[str, int], list[str]]:
    """The level of folders that each attribute has its values from, and what is to be said of them."""
    names = list(attributes or ())
    if schema is not None and (len(schema.names) == 1 or (not names and len(schema.names) <= len(levels))):
        names = list(schema.names)
    if len(names) > max(len(levels), 1):
        raise CatalogueError(
            f"{str(folder)!r} has {count_of(len(levels), 'level')} of class folders "
            f"({'; '.join(map(str, levels)) or 'none'}), and {count_of(len(names), 'attribute')} are named for them: "
            f"{', '.join(names)}."
        )
    notes = []
    alike = [" = ".join(map(repr, sorted(s))) for level in levels for s in level.values.values() if len(s) > 1]
    if alike:
        notes.append(f"Folders that read the same are one: {few(sorted(alike))}.")
    if names:
        taken = dict(zip(names, levels, strict=False))
        for level in levels[len(names) : len(names) + 1]:
            notes.append(f"The folders below {names[-1]!r} are no attribute ({level}): name it to take it, too.")
        return {name: level.number for name, level in taken.items()}, notes
    numbered = {attribute if n == 1 else f"{attribute} {n}": level for n, level in enumerate(levels, start=1)}
    sparse = [
        name
        for name, level in numbered.items()
        if name != attribute and too_sparse(name, [spellings.total() for spellings in level.values.values()])
    ]
    notes += [f"No attribute, since each is on hardly any photo: folders with {numbered[name]}." for name in sparse]
    taken = {name: level for name, level in numbered.items() if name not in sparse}
    if len(taken) > 1:
        told = "; ".join(f"{name!r}, {level}" for name, level in taken.items())
        notes.append(
            f"Folders in folders: an attribute a level ({told}). --attributes A,B names them, fewer take fewer."
        )
    return {name: level.number for name, level in taken.items()}, notes
