"""One look through all photos and labels."""

from __future__ import annotations

import dataclasses
import difflib
import io
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np
from PIL import Image

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.checking.findings import KINDS, CheckReport, Finding
from tfproductgan.catalogue.duplicates import (
    content_hash,
    difference_hashes,
    group_duplicates,
    source_hash,
    thumbnails,
)
from tfproductgan.catalogue.photos import is_grey, place, read_item
from tfproductgan.catalogue.preparation import Preparation
from tfproductgan.catalogue.sources import Raw, Source, too_sparse
from tfproductgan.catalogue.splitting import DEFAULT_SPLITS, drawn_splits
from tfproductgan.conditions import fold
from tfproductgan.errors import PhotoError

_BATCH = 512


def check(
    photos: Catalogue | Source,
    name: str = "photos",
    image_size: int | None = None,
    min_count: int | None = None,
    max_unreadable: float | None = None,
    min_size: int | None = None,
    batch_size: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> CheckReport:
    """Look through photos and labels, each read once, and report what is wrong.

    Two photos are exact duplicates if they have one size and equal pixels at `image_size`.

    Args:
        photos: A source, or a catalogue, whose source is read again: prepared photos have lost size and format.
        name: What the report calls them.
        image_size: Height and width at which they will be trained on, in pixels; by default as the catalogue was
            prepared, or 64.
        min_count: A value on fewer training photos is folded into "not given"; by default likewise, or 1.
        max_unreadable: Largest share of photos that training skips before it stops, in [0, 1]; by default
            likewise, or 0.05.
        min_size: A photo with a side of fewer pixels is too small; by default half of `image_size`.
        batch_size: Photos a batch of training takes; with fewer it would not start.
        progress: Called now and then with the number of photos seen and of all.
    """
    made = isinstance(photos, Catalogue)
    source, prepared = (photos.source, photos.preparation) if made else (photos, Preparation())
    image_size = image_size or prepared.image_size
    min_count = min_count or prepared.min_count
    max_unreadable = prepared.max_unreadable if max_unreadable is None else max_unreadable
    start = time.perf_counter()
    min_size = (image_size + 1) // 2 if min_size is None else min_size
    seen = _look_through(source, image_size, progress)
    labels = {attribute: _label_counts(source, seen, attribute) for attribute in source.attributes}
    whole = [photo for photo in seen if photo.look]
    near = _near_groups(whole)
    found = [*_broken(source, seen), *_too_small(seen, min_size), *_duplicates(source, whole, near)]
    found += [*_wrong_labels(source, seen, labels), *_grey_among_colour(seen)]
    train = [photo for photo in whole if source.items[photo.position].split in (None, "train")]
    folded, sparse = {}, []
    for attribute, counts in labels.items():
        trained = {fold(value): n for value, n in _label_counts(source, train, attribute).items()}
        folded[attribute] = sum(trained.get(fold(value), 0) < min_count for value in counts)
        if attribute not in source.values:
            sparse.append(too_sparse(attribute, (n for n in trained.values() if n >= min_count)))
    aspects = [photo.look.width / photo.look.height for photo in whole]
    return CheckReport(
        name=name,
        num_photos=len(source.items) + len(source.skipped),
        num_readable=len(whole),
        findings=tuple(sorted(found, key=lambda finding: list(KINDS).index(finding.kind))),
        labels=labels,
        not_given={a: len(whole) - sum(counts.values()) for a, counts in labels.items()},
        min_count=min_count,
        folded=folded,
        splits=_counted(source.items[photo.position].split for photo in whole),
        sizes=_counted(f"{photo.look.width} x {photo.look.height}" for photo in whole),
        aspects=(min(aspects), float(np.median(aspects)), max(aspects)) if aspects else None,
        formats=_counted(photo.look.format for photo in whole),
        num_grey=sum(photo.look.grey for photo in whole),
        max_unreadable=max_unreadable,
        num_train=_num_train(source, whole, near),
        batch_size=batch_size,
        sparse=[reason for reason in sparse if reason],
        seconds=time.perf_counter() - start,
        source=source,
        samples={attribute: _samples(source, whole, attribute) for attribute in source.attributes},
    )


@dataclasses.dataclass(frozen=True)
class _Look:
    """What one readable photo is like."""

    width: int
    height: int
    format: str
    grey: bool
    content: str
    file: str


@dataclasses.dataclass(frozen=True)
class _Photo:
    """One photo after the pass: its look, or why there is none."""

    position: int
    name: str
    look: _Look | None
    hash: int = 0
    thumbnail: np.ndarray | None = None
    reason: str = ""


def _look_through(source: Source, image_size: int, progress: Callable[[int, int], None] | None) -> list[_Photo]:
    photos: list[_Photo] = []
    loaders = source.loads()
    # decoding lets go of Python's lock; a batch at a time, since a loader may hold its photo
    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        # broken metadata and very large photos: they are read all the same
        warnings.filterwarnings("ignore", module="PIL")
        while batch := list(islice(loaders, _BATCH)):
            names = [item.name for item in source.items[len(photos) : len(photos) + len(batch)]]
            looks = list(pool.map(lambda pair: _look(*pair, image_size), zip(batch, names, strict=True)))
            photos += _signed(looks, names, len(photos))
            if progress:
                progress(len(photos), len(source.items))
    return photos


def _look(loads: Sequence[Callable[[], Raw]], name: str, image_size: int) -> tuple[_Look, np.ndarray] | str:
    """A photo's look and pixels, or why it has none."""
    try:
        raw, image = read_item(loads, name, at_least=image_size)[0]
    except PhotoError as error:
        return str(error).removeprefix(f"{name}: ")
    (width, height), kind = (image.size, "pixels") if isinstance(raw, np.ndarray) else _header(raw)
    if (width > height) != (image.width > image.height):  # turned upright
        width, height = height, width
    square, _ = place(image, image_size)
    content = f"{width} {height} {content_hash(square)}"
    return _Look(width, height, kind, is_grey(square), content, source_hash(raw)), square


def _header(raw: bytes) -> tuple[tuple[int, int], str]:
    with Image.open(io.BytesIO(raw)) as image:
        return image.size, image.format or "unknown"


def _signed(looks: Sequence[Any], names: Sequence[str], start: int) -> Iterator[_Photo]:
    """Photos with hashes and thumbnails, made for a batch at once."""
    squares = [look[1] for look in looks if not isinstance(look, str)]
    signs = iter(())
    if squares:
        stack = np.stack(squares)
        signs = zip(difference_hashes(stack).tolist(), thumbnails(stack), strict=True)
    for position, (look, name) in enumerate(zip(looks, names, strict=True), start=start):
        if isinstance(look, str):
            yield _Photo(position, name, None, reason=look)
        else:
            yield _Photo(position, name, look[0], *next(signs))


def _broken(source: Source, seen: Sequence[_Photo]) -> Iterator[Finding]:
    for photo in seen:
        if not photo.look:
            yield Finding("unreadable", (photo.name,), photo.reason, (photo.position,))
    for name, reason in source.skipped:
        yield Finding("missing", (name,), reason)


def _too_small(seen: Sequence[_Photo], min_size: int) -> Iterator[Finding]:
    for photo in seen:
        if photo.look and min(photo.look.width, photo.look.height) < min_size:
            detail = f"{photo.look.width} x {photo.look.height} pixels, {min_size} are the least"
            yield Finding("too_small", (photo.name,), detail, (photo.position,))


def _near_groups(whole: Sequence[_Photo]) -> np.ndarray:
    """int64 `[N]`: photos with equal numbers are near duplicates."""
    if not whole:
        return np.empty(0, np.int64)
    hashes = np.array([photo.hash for photo in whole], np.uint64)
    return group_duplicates(hashes, np.stack([photo.thumbnail for photo in whole]))


def _num_train(source: Source, whole: Sequence[_Photo], groups: np.ndarray) -> int:
    """Number of photos to train on: in the split that the source names, or as the catalogue draws them."""
    named = [source.items[photo.position].split for photo in whole]
    if any(named):
        return sum(split in (None, "train") for split in named)
    drawn = drawn_splits([photo.look.file for photo in whole], groups, DEFAULT_SPLITS)
    return len(drawn.get("train", ()))


def _duplicates(source: Source, whole: Sequence[_Photo], near: np.ndarray) -> Iterator[Finding]:
    for group in _grouped(whole, [photo.look.content for photo in whole]):
        yield _about("exact_duplicate", group)
        differing = _differing_labels(source, group)
        if differing:
            yield _about("contradiction", group, differing)
    for group in _grouped(whole, near.tolist()):
        if len({photo.look.content for photo in group}) > 1:
            yield _about("near_duplicate", group, _differing_labels(source, group))
        splits = sorted({str(source.items[photo.position].split) for photo in group})
        if len(splits) > 1:
            yield _about("across_splits", group, " and ".join(splits))


def _grouped(photos: Sequence[_Photo], keys: Sequence[Any]) -> list[list[_Photo]]:
    groups = defaultdict(list)
    for photo, key in zip(photos, keys, strict=True):
        groups[key].append(photo)
    return [group for group in groups.values() if len(group) > 1]


def _about(kind: str, photos: Sequence[_Photo], detail: str = "") -> Finding:
    return Finding(kind, tuple(p.name for p in photos), detail, tuple(p.position for p in photos))


def _differing_labels(source: Source, photos: Sequence[_Photo]) -> str:
    """The labels photos disagree about, such as "colour: Red or Blue"."""
    parts = []
    for attribute in source.attributes:
        values = {}
        for photo in photos:
            value = source.items[photo.position].labels.get(attribute) or ""
            if fold(value):
                values.setdefault(fold(value), value)
        if len(values) > 1:
            parts.append(f"{attribute}: {' or '.join(values.values())}")
    return "; ".join(parts)


def _wrong_labels(source: Source, seen: Sequence[_Photo], labels: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    for attribute, counts in labels.items():
        values = [(photo, source.items[photo.position].labels.get(attribute) or "") for photo in seen if photo.look]
        empty = [photo for photo, value in values if not fold(value)]
        if empty:
            yield _about("no_label", empty, f"{attribute} is empty")
        singles = {fold(value): value for value, count in counts.items() if count == 1}
        frequent = [value for value, count in counts.items() if count > 1]
        for photo, value in values:
            if fold(value) in singles:
                yield _about("rare_label", [photo], f"{attribute} {value!r}{_likely_typo(value, frequent)}")


def _likely_typo(value: str, frequent: Sequence[str]) -> str:
    close = difflib.get_close_matches(value, frequent, n=1, cutoff=0.85)
    return f", did you mean {close[0]!r}?" if close else ""


def _grey_among_colour(seen: Sequence[_Photo]) -> Iterator[Finding]:
    whole = [photo for photo in seen if photo.look]
    grey = [photo for photo in whole if photo.look.grey]
    if 0 < len(grey) < len(whole) / 2:
        yield _about("grey", grey)


def _label_counts(source: Source, seen: Sequence[_Photo], attribute: str) -> dict[str, int]:
    """Values as most photos spell them, most frequent first."""
    spellings: dict[str, Counter] = defaultdict(Counter)
    for photo in seen:
        value = " ".join(str(source.items[photo.position].labels.get(attribute) or "").split())
        if photo.look and value:
            spellings[fold(value)][value] += 1
    named = [(min(c, key=lambda s: (-c[s], s)), c.total()) for c in spellings.values()]
    return dict(sorted(named, key=lambda pair: (-pair[1], pair[0])))


def _samples(source: Source, whole: Sequence[_Photo], attribute: str, count: int = 8) -> dict[str, list[int]]:
    """Folded value name to positions of a few photos, drawn by content: the first in the file are often alike."""
    drawn: dict[str, dict[str, int]] = defaultdict(dict)
    for photo in sorted(whole, key=lambda photo: photo.look.content[-64:]):
        of_value = drawn[fold(source.items[photo.position].labels.get(attribute) or "")]
        if len(of_value) < count:
            of_value.setdefault(photo.look.content, photo.position)
    return {value: list(positions.values()) for value, positions in drawn.items()}


def _counted(values: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(value for value in values if value is not None).most_common())
