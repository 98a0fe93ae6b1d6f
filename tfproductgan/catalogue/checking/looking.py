"""One look through all photos and labels."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.checking.findings import KINDS, CheckReport, Finding
from tfproductgan.catalogue.duplicates import (
    content_hash,
    difference_hashes,
    group_duplicates,
    source_hash,
    thumbnails,
)
from tfproductgan.catalogue.label_notes import resolve_min_count
from tfproductgan.catalogue.photos import header_of, is_grey, place, read_item
from tfproductgan.catalogue.preparation import Preparation
from tfproductgan.catalogue.preparing import decoding, in_threads, with_progress
from tfproductgan.catalogue.sources import Batch, Item, Source, too_sparse
from tfproductgan.catalogue.splitting import DEFAULT_SPLITS, drawn_splits
from tfproductgan.conditions import SEPARATOR, count_values, fold, tidy, values_in
from tfproductgan.errors import PhotoError


def check(
    photos: Catalogue | Source,
    name: str = "photos",
    min_size: int | None = None,
    batch_size: int = 1,
    **options: Any,
) -> CheckReport:
    """Look through photos and labels, each read once, and report what is wrong.

    Two photos are exact duplicates if they have one size and equal pixels at `image_size`.

    Args:
        photos: A source, or a catalogue, whose source is read again: prepared photos have lost size and format.
        name: What the report calls them.
        min_size: A photo with a side of fewer pixels is too small; by default half of `image_size`.
        batch_size: Photos a batch of training takes; with fewer it would not start.
        **options: `image_size`, `min_count` and `max_unreadable`, as of `Preparation`; by default as the catalogue was
            prepared.
    """
    source = photos if isinstance(photos, Source) else photos.source
    prepared = Preparation() if isinstance(photos, Source) else photos.preparation
    prepared = dataclasses.replace(prepared, **options)
    image_size, min_count = prepared.image_size, resolve_min_count(source, prepared.min_count)
    kept = 1 if isinstance(prepared.min_count, str) else min_count  # as refuse_sparse does
    start = time.perf_counter()
    min_size = (image_size + 1) // 2 if min_size is None else min_size
    whole: list[_Photo] = []
    found: list[Finding] = []
    hashes, small = [], []
    looked_at = in_threads(functools.partial(_look, source, image_size), source)
    with decoding():
        for photos_read, broken, squares in with_progress(looked_at, len(source.items), "Looking at photos"):
            whole += photos_read
            found += broken
            hashes.append(difference_hashes(squares))
            small.append(thumbnails(squares))
    labels = {name: count_values(photo.values(name) for photo in whole) for name in source.attributes}
    near = group_duplicates(np.concatenate(hashes), np.concatenate(small))
    found += [Finding("missing", (name,), reason) for name, reason in source.skipped]
    found += [*_too_small(whole, min_size), *_duplicates(whole, near, source.attributes)]
    found += [*_wrong_labels(whole, labels), *_grey_among_colour(whole)]
    train = [photo for photo in whole if photo.item.split in (None, "train")]
    folded, sparse = {}, []
    for attribute, counts in labels.items():
        trained = {fold(v): n for v, n in count_values(photo.values(attribute) for photo in train).items()}
        folded[attribute] = sum(trained.get(fold(value), 0) < min_count for value in counts)
        if attribute not in source.values:
            sparse.append(too_sparse(attribute, (n for n in trained.values() if n >= kept)))
    aspects = [photo.width / photo.height for photo in whole]
    return CheckReport(
        name=name,
        num_photos=len(source.items) + len(source.skipped),
        num_readable=len(whole),
        findings=tuple(sorted(found, key=lambda finding: list(KINDS).index(finding.kind))),
        labels=labels,
        not_given={attribute: sum(not photo.values(attribute) for photo in whole) for attribute in labels},
        min_count=min_count,
        folded=folded,
        splits=_counted(photo.item.split for photo in whole),
        sizes=_counted(f"{photo.width} x {photo.height}" for photo in whole),
        aspects=(min(aspects), float(np.median(aspects)), max(aspects)) if aspects else None,
        formats=_counted(photo.format for photo in whole),
        profiles=_counted(photo.profile for photo in whole),
        num_grey=sum(photo.grey for photo in whole),
        max_unreadable=prepared.max_unreadable,
        num_train=_num_train(whole, near),
        batch_size=batch_size,
        sparse=[reason for reason in sparse if reason],
        seconds=time.perf_counter() - start,
        source=source,
        samples={attribute: _samples(whole, attribute) for attribute in source.attributes},
    )


@dataclasses.dataclass(frozen=True)
class _Photo:
    """One readable photo after the pass."""

    position: int
    item: Item
    width: int
    height: int
    format: str
    profile: str | None
    grey: bool
    content: str
    file: str

    def values(self, attribute: str) -> list[str]:
        """Its values of an attribute, none if that is not given."""
        return [tidy(value) for value in values_in(self.item.labels.get(attribute)) if fold(value)]


def _look(source: Source, image_size: int, batch: Batch) -> tuple[list[_Photo], list[Finding], np.ndarray]:
    """Some photos: those that can be read, a finding for each that cannot, and their squares."""
    whole, squares, broken = [], [], []
    for position, (name, loads) in enumerate(zip(batch.names, batch.loads, strict=True), batch.start):
        try:
            raw, image = read_item(loads, name, at_least=image_size)[0]
        except PhotoError as error:
            broken.append(Finding("unreadable", (name,), str(error).removeprefix(f"{name}: "), (position,)))
            continue
        header = (image.size, "pixels", None) if isinstance(raw, np.ndarray) else header_of(raw)
        (width, height), kind, profile = header
        if (width > height) != (image.width > image.height):  # turned upright
            width, height = height, width
        square, _ = place(image, image_size)
        content, file = f"{width} {height} {content_hash(square)}", source_hash(raw)
        known = (width, height, kind, profile, is_grey(square), content, file)
        whole.append(_Photo(position, source.items[position], *known))
        squares.append(square)
    return whole, broken, np.array(squares, np.uint8).reshape(-1, image_size, image_size, 3)


def _too_small(whole: Sequence[_Photo], min_size: int) -> Iterator[Finding]:
    for photo in whole:
        if min(photo.width, photo.height) < min_size:
            yield _about("too_small", [photo], f"{photo.width} x {photo.height} pixels, {min_size} are the least")


def _num_train(whole: Sequence[_Photo], groups: np.ndarray) -> int:
    """Number of photos to train on: in the split that the source names, or as the catalogue draws them."""
    named = [photo.item.split for photo in whole]
    if any(named):
        return sum(split in (None, "train") for split in named)
    return len(drawn_splits([photo.file for photo in whole], groups, DEFAULT_SPLITS).get("train", ()))


def _duplicates(whole: Sequence[_Photo], near: np.ndarray, attributes: Sequence[str]) -> Iterator[Finding]:
    for group in _grouped(whole, [photo.content for photo in whole]):
        yield _about("exact_duplicate", group)
        differing = _differing_labels(group, attributes)
        if differing:
            yield _about("contradiction", group, differing)
    for group in _grouped(whole, near.tolist()):
        if len({photo.content for photo in group}) > 1:
            yield _about("near_duplicate", group, _differing_labels(group, attributes))
        splits = sorted({str(photo.item.split) for photo in group})
        if len(splits) > 1:
            yield _about("across_splits", group, " and ".join(splits))


def _grouped(photos: Sequence[_Photo], keys: Sequence[Any]) -> list[list[_Photo]]:
    groups = defaultdict(list)
    for photo, key in zip(photos, keys, strict=True):
        groups[key].append(photo)
    return [group for group in groups.values() if len(group) > 1]


def _about(kind: str, photos: Sequence[_Photo], detail: str = "") -> Finding:
    return Finding(kind, tuple(p.item.name for p in photos), detail, tuple(p.position for p in photos))


def _differing_labels(photos: Sequence[_Photo], attributes: Sequence[str]) -> str:
    """The labels photos disagree about, such as "colour: Red or Blue"."""
    parts = []
    for attribute in attributes:
        found: dict[frozenset[str], list[str]] = {}
        for values in filter(None, (photo.values(attribute) for photo in photos)):
            found.setdefault(frozenset(map(fold, values)), values)
        if len(found) > 1:
            parts.append(f"{attribute}: {' or '.join(map(SEPARATOR.join, found.values()))}")
    return "; ".join(parts)


def _wrong_labels(whole: Sequence[_Photo], labels: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    for attribute, counts in labels.items():
        empty = [photo for photo in whole if not photo.values(attribute)]
        if empty:
            yield _about("no_label", empty, f"{attribute} is empty")
        singles = {value for value, count in counts.items() if count == 1}
        frequent = [value for value, count in counts.items() if count > 1]
        for photo, value in [(each, value) for each in whole for value in each.values(attribute)]:
            if value in singles:
                close = difflib.get_close_matches(value, frequent, n=1, cutoff=0.85)
                meant = f", did you mean {close[0]!r}?" if close else ""
                yield _about("rare_label", [photo], f"{attribute} {value!r}{meant}")


def _grey_among_colour(whole: Sequence[_Photo]) -> Iterator[Finding]:
    grey = [photo for photo in whole if photo.grey]
    if 0 < len(grey) < len(whole) / 2:
        yield _about("grey", grey)


def _samples(whole: Sequence[_Photo], attribute: str, count: int = 8) -> dict[str, list[int]]:
    """Folded value name to positions of a few photos, drawn by content: the first in the file are often alike."""
    drawn: dict[str, dict[str, int]] = defaultdict(dict)
    for photo in sorted(whole, key=lambda photo: photo.content[-64:]):
        for value in photo.values(attribute) or [""]:
            of_value = drawn[fold(value)]
            if len(of_value) < count:
                of_value.setdefault(photo.content, photo.position)
    return {value: list(positions.values()) for value, positions in drawn.items()}


def _counted(values: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(value for value in values if value is not None).most_common())
