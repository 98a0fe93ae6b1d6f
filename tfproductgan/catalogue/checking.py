"""One look through all photos and labels of a catalogue: what is wrong, what is in it, what training would do."""

from __future__ import annotations

import dataclasses
import difflib
import io
import json
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tfproductgan.catalogue.duplicates import (
    content_hash,
    difference_hashes,
    group_duplicates,
    source_hash,
    thumbnails,
)
from tfproductgan.catalogue.photos import decode, is_grey, place
from tfproductgan.catalogue.sources import Raw, Source, too_sparse
from tfproductgan.catalogue.splitting import DEFAULT_SPLITS, drawn_splits
from tfproductgan.conditions import fold
from tfproductgan.errors import CatalogueError, PhotoError, nearest
from tfproductgan.writing import replace_file

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tfproductgan.catalogue.catalogue import Catalogue

KINDS = {
    "unreadable": ("Unreadable", "skipped by training"),
    "missing": ("Missing photo or broken row", "skipped by training"),
    "too_small": ("Too small", "enlarged, so blurred"),
    "exact_duplicate": ("Exact duplicates", "seen more often than others"),
    "near_duplicate": ("Near duplicates", "kept on one side when splits are drawn"),
    "across_splits": ("Duplicates in two splits", "makes validation look better than it is"),
    "contradiction": ("One photo, two labels", "teaches both labels the same picture"),
    "no_label": ("No label", "trained on as 'not given'"),
    "rare_label": ("Label on one photo only", "learnt by heart unless folded away"),
    "grey": ("Grey among colour", "harmless only if the product is grey"),
}
"""What a check can find: kind, title, and what it means for training."""

_BATCH = 512
_SHOWN = 12  # values of an attribute in the table


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Args:
        kind: One of `KINDS`.
        photos: Names of the photos it is about.
        detail: What is wrong, in words.
        positions: Where those photos are in the source; empty if they are not in it.
    """

    kind: str
    photos: tuple[str, ...]
    detail: str = ""
    positions: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class CheckReport:
    """What a look through a catalogue found.

    Args:
        name: What was looked through.
        num_photos: Photos it should have, missing ones included.
        num_readable: Photos training would use.
        findings: All that was found, in the order of `KINDS`.
        labels: Attribute name to value name to number of readable photos, most frequent first.
        not_given: Attribute name to number of readable photos without a value.
        min_count: A value on fewer training photos is folded into "not given".
        folded: Attribute name to number of values that are folded away.
        splits: Readable photos in each split that the source names; empty if it names none.
        sizes: Width and height in pixels, as `"60 x 80"`, to number of photos, most frequent first.
        aspects: Least, median and greatest width divided by height.
        formats: Format of the files to number of photos, most frequent first.
        num_grey: Readable photos without colour.
        max_unreadable: Largest share of photos that training skips before it stops.
        num_train: Readable photos in the train split, named or drawn.
        batch_size: Photos a batch of training takes; with fewer it does not start.
        sparse: What nothing can be learnt from, in words: attributes with nearly as many values as photos.
        seconds: How long it took.
        source: The photos, read again for the contact sheet.
        samples: Attribute name to value name to positions of some of its photos.
    """

    name: str
    num_photos: int
    num_readable: int
    findings: tuple[Finding, ...]
    labels: Mapping[str, Mapping[str, int]]
    not_given: Mapping[str, int]
    min_count: int
    folded: Mapping[str, int]
    splits: Mapping[str, int]
    sizes: Mapping[str, int]
    aspects: tuple[float, float, float] | None
    formats: Mapping[str, int]
    num_grey: int
    max_unreadable: float
    num_train: int
    batch_size: int
    sparse: Sequence[str]
    seconds: float
    source: Source = dataclasses.field(repr=False)
    samples: Mapping[str, Mapping[str, Sequence[int]]] = dataclasses.field(repr=False)

    @property
    def num_skipped(self) -> int:
        """Photos that training would skip."""
        return self.num_photos - self.num_readable

    @property
    def stops(self) -> list[str]:
        """Why training would refuse to start; empty if it would not."""
        reasons = []
        if not self.num_readable or self.num_skipped > self.max_unreadable * self.num_photos:
            reasons.append(f"{self._skipped()} cannot be used, and at most {100 * self.max_unreadable:g} % may be so")
        if self.splits and "train" not in self.splits:
            reasons.append(f"no photos to train on, all are in {', '.join(self.splits)}")
        elif self.num_readable and self.num_train < self.batch_size:
            reasons.append(
                f"{count_of(self.num_train, 'photo')} to train on, and a batch takes {self.batch_size}: add photos or "
                "lower the batch size (--batch-size)"
            )
        for attribute, counts in self.labels.items():
            if self.num_readable and self.folded[attribute] == len(counts):
                reasons.append(f"{attribute} has no value on {self.min_count} training photos or more")
        return [*reasons, *self.sparse]

    @property
    def would_stop(self) -> bool:
        """Whether training would refuse to start."""
        return bool(self.stops)

    @property
    def verdict(self) -> str:
        """One line: what training would do."""
        skipped = self._skipped()
        if self.would_stop:
            return f"Training would stop: {'; '.join(self.stops)}."
        if self.num_skipped:
            return f"Training would skip {skipped} and use the other {self.num_readable:,}."
        return f"Training would use all {self.num_photos:,} photos."

    def of(self, kind: str) -> list[Finding]:
        """The findings of one kind.

        Raises:
            CatalogueError: If there is no such kind; the message lists the nearest.
        """
        if kind not in KINDS:
            raise CatalogueError(f"Unknown kind of finding {kind!r}: {nearest(kind, KINDS)}")
        return [finding for finding in self.findings if finding.kind == kind]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form with everything found."""
        return {
            "name": self.name,
            "num_photos": self.num_photos,
            "num_readable": self.num_readable,
            "num_skipped": self.num_skipped,
            "max_unreadable": self.max_unreadable,
            "num_train": self.num_train,
            "batch_size": self.batch_size,
            "would_stop": self.would_stop,
            "stops": self.stops,
            "verdict": self.verdict,
            "splits": dict(self.splits),
            "sizes": dict(self.sizes),
            "aspects": list(self.aspects) if self.aspects else None,
            "formats": dict(self.formats),
            "num_grey": self.num_grey,
            "min_count": self.min_count,
            "folded": dict(self.folded),
            "labels": {name: dict(values) for name, values in self.labels.items()},
            "not_given": dict(self.not_given),
            "findings": {
                kind: [{"photos": list(f.photos), "detail": f.detail} for f in self.of(kind)] for kind in KINDS
            },
            "seconds": round(self.seconds, 2),
        }

    def write_json(self, path: str | Path) -> None:
        """Write `to_dict()` to a file, whole or not at all.

        Raises:
            RunError: If it cannot be written.
        """
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"
        # names of files may hold bytes that are no UTF-8; what they are replaced by JSON reads as the same name
        replace_file(path, lambda part: part.write_bytes(text.encode("utf-8", "backslashreplace")))

    def to_table(self) -> RenderableType:
        """Tables for people, to print with rich."""
        from rich.console import Group
        from rich.text import Text

        style = "bold red" if self.would_stop else "bold yellow" if self.num_skipped else "bold green"
        blocks = [self._facts(), self._findings_table(), *map(self._histogram, self.labels)]
        return Group(*blocks, Text(self.verdict, style=style))

    def contact_sheet(self) -> Image.Image:
        """Examples of each finding and a sample of each label, as one picture."""
        from tfproductgan.catalogue.contact_sheet import draw

        return draw(self)

    def write_contact_sheet(self, path: str | Path) -> None:
        """Write `contact_sheet()` to a PNG file, whole or not at all.

        Raises:
            RunError: If it cannot be written.
        """
        sheet = self.contact_sheet()
        replace_file(path, lambda part: sheet.save(part, "PNG"))

    def facts(self) -> list[tuple[str, str]]:
        """What the photos are like: pairs of (what, how)."""
        found = [("Photos", f"{self.num_readable:,} readable of {self.num_photos:,}")]
        splits = _shares(self.splits, self.num_readable) if self.splits else "none named: drawn by content"
        found.append(("Splits", splits))
        if self.sizes:
            found.append(("Pixels", _shares(self.sizes, self.num_readable)))
        if self.aspects:
            least, median, greatest = self.aspects
            found.append(("Width / height", _range(least, median, greatest)))
            found.append(("Formats", _shares(self.formats, self.num_readable)))
            colour = self.num_readable - self.num_grey
            found.append(("Colour", _shares({"colour": colour, "grey": self.num_grey}, self.num_readable)))
        return found

    def _skipped(self) -> str:
        return f"{self.num_skipped:,} of {self.num_photos:,} photos ({_share(self.num_skipped, self.num_photos)})"

    def _facts(self):
        from rich import box
        from rich.markup import escape
        from rich.table import Table

        table = Table(show_header=False, box=box.SIMPLE)
        for what, how in self.facts():
            table.add_row(what, escape(how))
        return _titled(f"{self.name}, looked through in {self.seconds:.1f} s", table)

    def _findings_table(self):
        from rich import box
        from rich.markup import escape
        from rich.table import Table
        from rich.text import Text

        if not self.findings:
            return Text("Nothing wrong was found.\n", style="green")
        table = Table(box=box.SIMPLE)
        for header, justify in (("Finding", "left"), ("Photos", "right"), ("In training", "left"), ("Such as", "left")):
            table.add_column(header, justify=justify)
        for kind, (title, meaning) in KINDS.items():
            findings = self.of(kind)
            if findings:
                photos = f"{count_photos(findings):,}"
                table.add_row(title, photos, meaning, escape("\n".join(map(example, findings[:2]))))
        return _titled("What was found", table)

    def _histogram(self, attribute: str):
        from rich import box
        from rich.markup import escape
        from rich.table import Table

        counts = self.labels[attribute]
        title = f"{attribute}: {count_of(len(counts), 'value')}"
        folded = self.folded[attribute]
        if folded:
            title += f"; {folded:,} on fewer than {self.min_count} training photos become 'not given'"
        table = Table(show_header=False, box=box.SIMPLE)
        table.add_column()
        table.add_column(justify="right")
        table.add_column()
        rows = list(islice(counts.items(), _SHOWN))
        rest = sum(islice(counts.values(), _SHOWN, None))
        highest = max(counts.values(), default=1)
        for value, count in rows:
            table.add_row(escape(value), f"{count:,}", f"[cyan]{'━' * max(1, round(30 * count / highest))}[/]")
        if rest:
            table.add_row(f"[dim]{len(counts) - _SHOWN:,} more[/]", f"[dim]{rest:,}[/]", "")
        if self.not_given[attribute]:
            table.add_row("[dim]not given[/]", f"[dim]{self.not_given[attribute]:,}[/]", "")
        return _titled(title, table)


def _titled(title: str, table: RenderableType) -> RenderableType:
    """A table under its title; rich's own titles wrap at the table's width."""
    from rich.console import Group
    from rich.text import Text

    return Group(Text(title, style="bold"), table)


def check(
    catalogue: Catalogue,
    min_size: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CheckReport:
    """Look through a catalogue.

    Args:
        catalogue: Its `source` is read again, as `preparation` says (`image_size`, `min_count`,
            `max_unreadable`): prepared photos have lost their size and format.
        min_size: As `check_source`.
        progress: As `check_source`.
    """
    return check_source(
        catalogue.source,
        image_size=catalogue.preparation.image_size,
        min_count=catalogue.preparation.min_count,
        max_unreadable=catalogue.preparation.max_unreadable,
        min_size=min_size,
        progress=progress,
    )


def check_source(
    source: Source,
    name: str = "photos",
    image_size: int = 64,
    min_count: int = 1,
    max_unreadable: float = 0.05,
    min_size: int | None = None,
    batch_size: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> CheckReport:
    """Look through the photos of a source, each read once.

    Two photos are exact duplicates if they have one size and equal pixels at `image_size`.

    Args:
        source: The photos and their labels.
        name: What the report calls them.
        image_size: Height and width at which they will be trained on, in pixels.
        min_count: A value on fewer training photos is folded into "not given".
        max_unreadable: Largest share of photos that training skips before it stops, in [0, 1].
        min_size: A photo with a side of fewer pixels is too small; by default half of `image_size`.
        batch_size: Photos a batch of training takes; with fewer it would not start.
        progress: Called now and then with the number of photos seen and of all.
    """
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


def count_of(count: int, noun: str) -> str:
    """A number with its noun, such as "1 photo" and "2 photos"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def example(finding: Finding) -> str:
    """One finding in a few words."""
    names = ", ".join(finding.photos[:2]) + (f" and {len(finding.photos) - 2:,} more" * (len(finding.photos) > 2))
    return f"{names}: {finding.detail}" if finding.detail else names


def count_photos(findings: Iterable[Finding]) -> int:
    """Number of different photos that findings are about."""
    return len({key for f in findings for key in (f.positions or f.photos)})


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
    loaders = iter(source.load())
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


def _look(load: Callable[[], Raw], name: str, image_size: int) -> tuple[_Look, np.ndarray] | str:
    """A photo's look and pixels, or why it has none."""
    try:
        raw = load()
        image = decode(raw, name, at_least=image_size)
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


def _share(count: int, total: int) -> str:
    share = 100 * count / total if total else 0.0
    if count < total and share > 99:
        return "over 99 %"
    return f"{share:.0f} %" if share >= 10 or not share else f"{share:.1f} %" if share >= 0.1 else "under 0.1 %"


def _shares(counts: Mapping[str, int], total: int, most: int = 4) -> str:
    shown = [f"{what} ({_share(count, total)})" for what, count in islice(counts.items(), most) if count]
    more = [f"{len(counts) - most:,} others"] if len(counts) > most else []
    return ", ".join(shown + more)


def _range(least: float, median: float, greatest: float) -> str:
    if f"{least:.2f}" == f"{greatest:.2f}":
        return f"{median:.2f} throughout"
    return f"{least:.2f} to {greatest:.2f}, median {median:.2f}"
