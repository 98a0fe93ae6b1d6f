"""WebDataset: tars in which a photo and what is known of it have one name, such as `17.jpg`, `17.cls`, `17.json`."""

from __future__ import annotations

import glob
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tfproductgan.catalogue.cells import cell_texts
from tfproductgan.catalogue.files import PhotoTar
from tfproductgan.catalogue.listing import Listing, few
from tfproductgan.catalogue.sources import Item, Source, source_of_files
from tfproductgan.catalogue.splitting import split_name
from tfproductgan.conditions import ConditionSchema, fold
from tfproductgan.errors import CatalogueError, PhotoError, nearest
from tfproductgan.writing import expanded

_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
_SIDECARS = (".json", ".cls", ".txt")


def shard_paths(place: str | Path) -> list[Path]:
    """The tars that a path stands for: one, those of a pattern such as `shards-{0000..0003}.tar` or `shards-*.tar`, or
    all in a folder that holds nothing else; none if it stands for something else.

    Raises:
        CatalogueError: If a pattern fits no file, or one that it names is missing.
    """
    text = str(expanded(place))
    if text.casefold().endswith(".tar"):
        if Path(text).is_file():
            return [Path(text)]
        found = [Path(path) for name in _expanded(text) for path in sorted(glob.glob(name)) or [name]]
        missing = next((path for path in found if not path.is_file()), None)
        if missing is not None:
            raise CatalogueError(
                f"{str(missing)!r} does not exist: give a tar, or a pattern of tars such as a-{{00..07}}.tar."
            )
        return found
    if not Path(text).is_dir():
        return []
    entries = [path for path in sorted(Path(text).iterdir()) if not path.name.startswith(".")]
    tars = [path for path in entries if path.suffix.casefold() == ".tar"]
    others = [path for path in entries if path not in tars and (path.is_dir() or path.suffix not in _SIDECARS)]
    return [] if others else tars


def _expanded(name: str) -> Iterator[str]:
    """A name for each number of each range in braces."""
    found = _BRACES.search(name)
    if found is None:
        yield name
        return
    first, last = found.groups()
    for number in range(int(first), int(last) + 1):
        yield from _expanded(f"{name[: found.start()]}{number:0{len(first)}}{name[found.end() :]}")


class _Known(NamedTuple):
    """What the files beside a photo say of it."""

    fields: dict[str, Any]  # of .json, by folded name
    label: str  # of .cls
    caption: str  # of .txt


def has_samples(files: PhotoTar) -> bool:
    """Whether files that say something of photos lie beside them; else tars are folders of classes like others."""
    return any(_key(name)[1] in (".json", ".cls") for name in files.contents().files)


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
    for name in listing.photos:
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
    splits = _splits({name.partition("/")[0] for name, _ in read})
    items = [
        Item(
            name,
            {n: known.label if n == label else known.fields.get(fold(n), "") for n in names},
            splits.get(name.partition("/")[0]),
            known.caption,
        )
        for name, known in read
    ]
    rest = [field for field in fields if field not in map(fold, names)]
    notes = [f"Fields that are no attributes: {few(rest, 8)}; --attributes A,B takes some."] if rest else []
    return source_of_files(files, items, names, skipped, [*listing.notes(), *notes])


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
    label, caption = (texts.get(extension, b"").decode("utf-8-sig").strip() for extension in (".cls", ".txt"))
    fields = {fold(field): cell_texts(value) for field, value in facts.items() if not isinstance(value, dict)}
    return _Known(fields, label, caption)


def _splits(shards: set[str]) -> dict[str, str]:
    """The splits of shards that are called so, such as `train-0000`; none unless all are, and one is for training."""
    named = {
        shard: {split for word in re.findall(r"[a-z]+", shard.casefold()) if (split := split_name(word))}
        for shard in shards
    }
    splits = {shard: next(iter(found)) for shard, found in named.items() if len(found) == 1}
    return splits if len(splits) == len(shards) and "train" in splits.values() else {}
