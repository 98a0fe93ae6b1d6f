"""What a look through photos and labels can find, and what is said of it: a table, JSON, a verdict."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from tfproductgan.catalogue.kinds import count_of
from tfproductgan.catalogue.sources import Source
from tfproductgan.errors import CatalogueError, nearest
from tfproductgan.writing import replace_file

KINDS = {
    "unreadable": ("Unreadable", "skipped by training"),
    "missing": ("Missing photo, broken row, other format", "skipped by training"),
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
        profiles: Colour profiles that are converted to sRGB to number of photos, most frequent first.
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
    profiles: Mapping[str, int]
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

    @property
    def notes(self) -> list[str]:
        """What was done to the photos and labels on the way, a sentence each."""
        converted = [f"{count_of(n, 'photo')} converted from {name!r} to sRGB." for name, n in self.profiles.items()]
        return [*self.source.notes, *converted]

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
        left_out = ("findings", "sparse", "source", "samples")
        facts = [field.name for field in dataclasses.fields(self) if field.name not in left_out]
        said = {
            name: getattr(self, name) for name in (*facts, "num_skipped", "would_stop", "stops", "verdict", "notes")
        }
        found = {kind: [{"photos": list(f.photos), "detail": f.detail} for f in self.of(kind)] for kind in KINDS}
        return {**said, "seconds": round(self.seconds, 2), "findings": found}

    def write_json(self, path: str | Path) -> None:
        """Write `to_dict()` to a file, whole or not at all.

        Raises:
            RunError: If it cannot be written.
        """
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n"
        # names of files may hold bytes that are no UTF-8; what they are replaced by JSON reads as the same name
        replace_file(path, lambda part: part.write_bytes(text.encode("utf-8", "backslashreplace")))

    def to_table(self) -> Group:
        """Tables for people, to print with rich."""
        style = "bold red" if self.would_stop else "bold yellow" if self.num_skipped else "bold green"
        blocks = [self._facts(), *self._notes(), self._findings_table(), *map(self._histogram, self.labels)]
        return Group(*blocks, Text(self.verdict, style=style))

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

    def _facts(self) -> Group:
        table = Table(show_header=False, box=box.SIMPLE)
        for what, how in self.facts():
            table.add_row(what, escape(how))
        return _titled(f"{self.name}, looked through in {self.seconds:.1f} s", table)

    def _notes(self) -> list[Text]:
        return [Text("\n".join([*(f"• {note}" for note in self.notes), ""]))] if self.notes else []

    def _findings_table(self) -> Group | Text:
        if not self.findings:
            return Text("Nothing wrong was found.\n", style="green")
        columns = "Finding", Column("Photos", justify="right"), "In training", Column("Such as", overflow="fold")
        table = Table(*columns, box=box.SIMPLE)
        for kind, (title, meaning) in KINDS.items():
            findings = self.of(kind)
            if findings:
                shown = escape("\n".join(map(example, findings[:2])))
                table.add_row(title, f"{count_photos(findings):,}", meaning, shown)
        return _titled("What was found", table)

    def _histogram(self, attribute: str) -> Group:
        counts, folded = self.labels[attribute], self.folded[attribute]
        title = f"{attribute}: {count_of(len(counts), 'value')}"
        if folded:
            title += f"; {folded:,} on fewer than {self.min_count} training photos become 'not given'"
        table = Table("", Column(justify="right"), "", show_header=False, box=box.SIMPLE)
        highest = max(counts.values(), default=1)
        for value, count in islice(counts.items(), _SHOWN):
            table.add_row(escape(value), f"{count:,}", f"[cyan]{'━' * max(1, round(30 * count / highest))}[/]")
        rest = sum(islice(counts.values(), _SHOWN, None))
        for what, count in ((f"{len(counts) - _SHOWN:,} more", rest), ("not given", self.not_given[attribute])):
            if count:
                table.add_row(f"[dim]{what}[/]", f"[dim]{count:,}[/]", "")
        return _titled(title, table)


def _titled(title: str, table: Table) -> Group:
    """A table under its title; rich's own titles wrap at the table's width."""
    return Group(Text(title, style="bold"), table)


def example(finding: Finding) -> str:
    """One finding in a few words."""
    names = ", ".join(finding.photos[:2]) + (f" and {len(finding.photos) - 2:,} more" * (len(finding.photos) > 2))
    return f"{names}: {finding.detail}" if finding.detail else names


def count_photos(findings: Iterable[Finding]) -> int:
    """Number of different photos that findings are about."""
    return len({key for f in findings for key in (f.positions or f.photos)})


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
