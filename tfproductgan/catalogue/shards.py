"""WebDataset: tars in which a photo and what is known of it have one name, such as `17.jpg`, `17.cls`, `17.json`."""

from __future__ import annotations

import glob
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from tfproductgan.catalogue.cells import cell_texts
from tfproductgan.catalogue.files import PhotoTar, open_tars, tar_stem
from tfproductgan.catalogue.gaps import without_gaps
from tfproductgan.catalogue.kinds import count_of, is_no_photo
from tfproductgan.catalogue.listing import Listing, few
from tfproductgan.catalogue.photos import EXTENSIONS
from tfproductgan.catalogue.sources import Item, Source, source_of_files
from tfproductgan.catalogue.splitting import split_name
from tfproductgan.catalogue.tables import FOUND as TABLES
from tfproductgan.conditions import ConditionSchema, fold
from tfproductgan.errors import CatalogueError, PhotoError, nearest
from tfproductgan.writing import expanded

_BRACES = re.compile(r"\{(?:(\d+)\.\.(\d+)|([^{},]*(?:,[^{},]*)+))\}")
_LABELS = (".cls", ".label", ".class")
_SIDECARS = (".json", *_LABELS, ".txt")
_INDEXES = (".idx", ".index")
_DEEPEST = 2  # folders of folders of tars


def shard_paths(place: str | Path) -> list[Path]:
    """The tars that a path stands for: one, those of a pattern such as `shards-{0000..0003}.tar` or `shards-*.tar`, or
    all in a folder that holds nothing else; none if it stands for something else.

    Raises:
        CatalogueError: If a pattern fits no file, or one that it names is missing.
    """
    text = str(expanded(place))
    if tar_stem(text) and not Path(text).is_dir():
        if Path(text).is_file():
            return [Path(text)]
        found = [Path(path) for name in _expanded(text) for path in sorted(glob.glob(name, recursive=True)) or [name]]
        missing = next((path for path in found if not path.is_file()), None)
        if missing is not None:
            raise CatalogueError(
                f"{str(missing)!r} does not exist: give a tar, or a pattern of tars such as a-{{00..07}}.tar."
            )
        return found
    return _tars_below(Path(text), _DEEPEST) if Path(text).is_dir() else []


def may_hold_tables(place: Path) -> bool:
    """Whether tables are looked for there: not in several tars, nor in one that says of each photo what it shows."""
    shards = shard_paths(place)
    return not shards or (shards == [place] and not has_samples(open_tars(place)))


def _tars_below(folder: Path, depth: int) -> list[Path]:
    """The tars in a folder and in those in it; none if photos, or tables that are not of one of the tars, lie there."""
    tars, folders, others = [], [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                folders.append(Path(entry.path))
            elif tar_stem(entry.name):
                tars.append(Path(entry.path))
            elif is_no_photo(entry.name) or PurePath(entry.name).suffix.casefold() in _INDEXES:
                others.append(entry.name)
            else:
                return []
    stems = {tar_stem(path.name) for path in tars}
    tables = [name for name in others if name.casefold().endswith(TABLES) and PurePath(name).stem not in stems]
    if tables or (folders and not depth):
        return []
    tars.sort()
    for below in sorted(folders):
        found = _tars_below(below, depth - 1)
        if not found:
            return []
        tars += found
    return tars


def _expanded(name: str) -> Iterator[str]:
    """A name for each number of each range in braces, and for each word of each list."""
    found = _BRACES.search(name)
    if found is None:
        yield name
        return
    first, last, words = found.groups()
    parts = words.split(",") if words else [f"{n:0{len(first)}}" for n in range(int(first), int(last) + 1)]
    for part in parts:
        yield from _expanded(f"{name[: found.start()]}{part}{name[found.end() :]}")


class _Known(NamedTuple):
    """What the files beside a photo say of it."""

    fields: dict[str, Any]  # of .json, by folded name
    label: str  # of .cls and alike
    caption: str  # of .txt


def has_samples(files: PhotoTar) -> bool:
    """Whether files that say something of photos lie beside them; else tars are folders of classes like others."""
    keys = [_key(name) for name in files.contents().files]
    told = {key for key, extension in keys if extension in (".json", *_LABELS)}
    return any(key in told for key, extension in keys if extension not in _SIDECARS)


def shard_source(
    files: PhotoTar,
    listing: Listing,
    attribute: str,
    attributes: Sequence[str] | None = None,
    schema: ConditionSchema | None = None,
) -> Source:
    """Photos with labels from `.cls` files and from fields of `.json` files, and captions from `.txt` files.

    Args:
        files: The tars.
        listing: Their photos.
        attribute: What the labels of `.cls` files are called.
        attributes: The fields of `.json` files to take, and a name for the labels of `.cls` files.
        schema: Of the model that the photos are taken for: those of its attributes are taken that there are.

    Raises:
        CatalogueError: If a field that is asked for is nowhere.
    """
    beside: dict[str, dict[str, str]] = defaultdict(dict)
    for name in files.contents().files:
        key, extension = _key(name)
        beside[key][extension] = name
    read: list[tuple[str, _Known]] = []
    skipped = listing.skipped()
    photos, notes = _one_a_sample(listing.photos)
    for name in photos:
        try:
            read.append((name, _known(files, beside[_key(name)[0]])))
        except (PhotoError, ValueError) as error:
            skipped.append((name, f"what is known of it cannot be read: {error}"))
    fields = dict.fromkeys(field for _, known in read for field in known.fields)
    labelled = any(known.label for _, known in read)
    names, label = list(attributes or ()), attribute if labelled else None
    if not names and schema is not None:
        names = [name for name in schema.names if fold(name) in fields or labelled]
    missing = [name for name in names if fold(name) not in fields]
    if labelled and len(missing) == 1:
        label = missing[0]
    elif missing:
        raise CatalogueError(f"{str(files.path)!r} has no field {missing[0]!r}: {nearest(missing[0], fields)}")
    names = names or [name for name in [label] if name]
    splits = _splits({name.rpartition("/")[0] for name, _ in read})
    items = [
        Item(
            name,
            {n: known.label if n == label else known.fields.get(fold(n), "") for n in names},
            splits.get(name.rpartition("/")[0]),
            known.caption,
        )
        for name, known in read
    ]
    rest = [field for field in fields if field not in map(fold, names)]
    if rest:
        notes.append(f"Fields that are no attributes: {few(rest, 8)}; --attributes A,B takes some.")
    unread = Counter(extension for parts in beside.values() for extension in parts if _is_unread(extension))
    if unread:
        listed = ", ".join(f"{extension or 'no extension'} ({count:,})" for extension, count in unread.most_common(4))
        notes.append(f"Files of samples that are not read: {listed}.")
    return without_gaps(source_of_files(files, items, names, skipped, [*listing.notes(), *notes]), schema)


def _key(name: str) -> tuple[str, str]:
    """What the files of a sample share, and the rest of a name: it begins at the first dot."""
    folder, slash, base = name.rpartition("/")
    stem, dot, extension = base.partition(".")
    return f"{folder}{slash}{stem}", f"{dot}{extension}".casefold()


def _known(files: PhotoTar, beside: dict[str, str]) -> _Known:
    texts = {extension: files.read(beside[extension]) for extension in _SIDECARS if extension in beside}
    facts = json.loads(texts.get(".json", b"{}"))
    if not isinstance(facts, dict):
        raise ValueError("its .json holds no fields")
    label = next((texts[extension] for extension in _LABELS if extension in texts), b"").decode("utf-8-sig").strip()
    caption = texts.get(".txt", b"").decode("utf-8-sig").strip()
    fields = {fold(field): cell_texts(value) for field, value in facts.items() if not isinstance(value, dict)}
    return _Known(fields, label, caption)


def _is_unread(extension: str) -> bool:
    return extension not in _SIDECARS and not extension.endswith(EXTENSIONS)


def _one_a_sample(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The photos of samples, and lines about those of which several pictures have the name.

    One whose extension says nothing else, such as `17.jpg`, goes before others such as `17.mask.png`.
    """
    samples: dict[str, list[str]] = defaultdict(list)
    for name in names:
        samples[_key(name)[0]].append(name)
    photos, spare, several = [], [], []
    for pictures in samples.values():
        plain = [name for name in pictures if _key(name)[1] in EXTENSIONS]
        taken = [min(plain, key=lambda name: EXTENSIONS.index(_key(name)[1]))] if plain else pictures
        photos += taken
        spare += [name for name in pictures if name not in taken]
        several += taken if len(taken) > 1 else []
    notes = []
    if spare:
        notes.append(f"{count_of(len(spare), 'picture')} beside the photo of the same sample, left out: {few(spare)}.")
    if several:
        notes.append(f"Samples of several pictures: each has the labels of its sample, such as {few(several)}.")
    return photos, notes


def _splits(folders: set[str]) -> dict[str, str]:
    """The splits of shards, and folders, that are called so, such as `train-0000`; none unless all are, and one is for
    training.
    """
    splits = {folder: split for folder in folders if (split := _split_of(folder))}
    return splits if len(splits) == len(folders) and "train" in splits.values() else {}


def _split_of(folder: str) -> str | None:
    for part in folder.split("/"):
        found = {split for word in re.findall(r"[a-z]+", part.casefold()) if (split := split_name(word))}
        if len(found) == 1:
            return found.pop()
    return None
