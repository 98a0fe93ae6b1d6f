"""Which files of a folder or zip are photos, and what became of the others: nothing vanishes without a word."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from os.path import splitext

from tfproductgan.catalogue.files import SYSTEM, Files
from tfproductgan.catalogue.kinds import (
    KINDS,
    TEXT,
    count_of,
    is_drawn,
    is_no_photo,
    kind_of,
    may_be_drawn,
)
from tfproductgan.catalogue.photos import EXTENSIONS, is_readable
from tfproductgan.errors import PhotoError

_FEW = 64  # pictures at the top that are opened to see whether this package drew them
_ANNOTATIONS = (".xml", ".json", ".txt")


@dataclasses.dataclass(frozen=True)
class Listing:
    """The files of a folder or zip.

    Args:
        photos: Paths of the photos, sorted.
        by_content: Those of them whose names do not say so.
        others: Kind, of `KINDS`, to the paths of files that are no photos as they are.
        lost: Of the pictures among them, those that no photo of the same name stands for.
        passed: What was passed over: what it is, to paths.
        bare: The uppermost folders without any photo, each with what it holds instead.
        beside: Texts that have the names of photos, as the annotations of objects have.
    """

    photos: Sequence[str]
    by_content: Sequence[str]
    others: Mapping[str, Sequence[str]]
    lost: frozenset[str]
    passed: Mapping[str, Sequence[str]]
    bare: Sequence[str]
    beside: Sequence[str]

    def skipped(self) -> list[tuple[str, str]]:
        """The lost pictures, each with the reason."""
        pairs = ((name, KINDS[kind]) for kind, names in self.others.items() for name in names if name in self.lost)
        return [(name, f"{kind.noun}: {kind.remedy}") for name, kind in pairs]

    def notes(self) -> Iterator[str]:
        """What was done, a line each."""
        if self.by_content:
            yield f"{count_of(len(self.by_content), 'file')} read as photos by content: {few(self.by_content)}."
        for kind, names in self.others.items():
            spare = len(names) - len(self.lost.intersection(names)) if KINDS[kind].picture else 0
            beside = f" ({spare:,} beside a photo of the same name)" if spare else ""
            counted = count_of(len(names), KINDS[kind].noun)
            yield f"{counted} not taken{beside}: {few(names)}; {KINDS[kind].remedy}."
        for what, paths in self.passed.items():
            yield f"Passed over, {what}: {few(paths)}."
        if self.bare:
            yield f"No photos in {few(self.bare)}."


def list_photos(files: Files) -> Listing:
    """Look through a folder or zip; only files whose names do not say what they are get opened, for a few bytes."""
    contents = files.contents()
    photos, by_content = [], []
    others: dict[str, list[str]] = defaultdict(list)
    for name in sorted(contents.files):
        if name.casefold().endswith(EXTENSIONS):
            photos.append(name)
        elif not is_no_photo(name):
            kind = _kind(files, name)
            if is_readable(kind):
                by_content.append(name)
            elif kind != TEXT:
                others[kind].append(name)
    photos = sorted(photos + by_content)
    drawn = set(_drawn(files, photos))
    if len(drawn) == len(photos):  # then they are what is asked for
        drawn = set()
    photos = [name for name in photos if name not in drawn]
    passed: dict[str, list[str]] = defaultdict(list)
    for path, what in [*contents.passed, *((name, "drawn by tfproductgan") for name in sorted(drawn))]:
        passed[what].append(path)
    explained = [*photos, *(path for what, paths in passed.items() if what != SYSTEM for path in paths)]
    stems = {splitext(name)[0].casefold() for name in photos} if others else set()
    pictures = (name for kind, names in others.items() if KINDS[kind].picture for name in names)
    lost = frozenset(name for name in pictures if splitext(name)[0].casefold() not in stems)
    names = {splitext(name)[0].rpartition("/")[2] for name in photos}
    texts = [name for name in sorted(contents.files) if name.casefold().endswith(_ANNOTATIONS)]
    beside = [name for name in texts if splitext(name)[0].rpartition("/")[2] in names]
    return Listing(photos, by_content, others, lost, passed, _bare(contents.folders, explained, others), beside)


def _kind(files: Files, name: str) -> str:
    try:
        return kind_of(files.head(name), name)
    except PhotoError:
        return "closed"


def _drawn(files: Files, photos: Sequence[str]) -> Iterator[str]:
    """The pictures that this package wrote, among those that are called as it calls them or lie at the top."""
    drawable = [name for name in photos if name.casefold().endswith((".png", ".gif"))]
    top = [name for name in drawable if "/" not in name]  # where people keep curves and contact sheets
    for name in drawable:
        if may_be_drawn(name) or (len(top) <= _FEW and "/" not in name):
            try:
                if is_drawn(files.head(name)):
                    yield name
            except PhotoError:
                continue  # whoever reads it will say so


def _bare(folders: Sequence[str], explained: Sequence[str], others: Mapping[str, Sequence[str]]) -> list[str]:
    filled = {""}
    for path in explained:
        folder = path.rpartition("/")[0]
        while folder not in filled:
            filled.add(folder)
            folder = folder.rpartition("/")[0]
    found = []
    for folder in sorted(folders):
        if folder not in filled and folder.rpartition("/")[0] in filled:
            below = {kind: sum(name.startswith(f"{folder}/") for name in names) for kind, names in others.items()}
            held = ", ".join(count_of(count, KINDS[kind].noun) for kind, count in below.items() if count)
            found.append(f"{folder!r} ({held})" if held else repr(folder))
    return found


def few(names: Sequence[str], shown: int = 3) -> str:
    """The first names, and how many more there are; all if that would be one."""
    shown += len(names) == shown + 1
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(name if name.isprintable() else repr(name) for name in names[:shown]) + more
