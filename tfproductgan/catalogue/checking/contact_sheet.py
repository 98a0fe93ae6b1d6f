"""A check as one picture: examples of each finding, then photos of each label."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps, PngImagePlugin

from tfproductgan.catalogue.checking.findings import KINDS, CheckReport, Finding, count_photos
from tfproductgan.catalogue.kinds import OURS, count_of
from tfproductgan.catalogue.lettering import cut, drawable, wrapped
from tfproductgan.catalogue.photos import read_item
from tfproductgan.catalogue.sources import Raw
from tfproductgan.conditions import fold
from tfproductgan.errors import PhotoError
from tfproductgan.writing import replace_file

_WIDTH = 1240
_MARGIN = 24
_TILE = 104  # of a finding's example, with its frame
_SMALL = 66  # of a label's sample
_MOST_TILES = 10
_MOST_LINES = 8  # of text, for findings without a picture
_DETAIL_LINES = 3
_MOST_VALUES = 36  # of one attribute
_COLUMNS = 3
_PER_VALUE = 5

_PAPER, _INK, _FAINT, _LINE = (250, 250, 248), (32, 34, 38), (120, 124, 130), (214, 216, 220)
_RED, _AMBER, _GREEN = (190, 48, 48), (196, 128, 24), (44, 132, 82)
_COLOURS = {"unreadable": _RED, "missing": _RED, "contradiction": _RED, "across_splits": _RED}


def write_contact_sheet(report: CheckReport, path: str | Path) -> None:
    """Write `contact_sheet(report)` to a PNG file, whole or not at all.

    Raises:
        RunError: If it cannot be written.
    """
    sheet, chunks = contact_sheet(report), PngImagePlugin.PngInfo()
    chunks.add_text(OURS, "contact sheet")  # or it would be taken for a photo where it lies among them
    replace_file(path, lambda part: sheet.save(part, "PNG", pnginfo=chunks))


def contact_sheet(report: CheckReport) -> Image.Image:
    """Examples of each finding and a sample of each label, as one picture.

    Args:
        report: Whose photos are read again, those that are shown.

    Returns:
        An RGB image, 1240 pixels wide and as tall as it has to be.
    """
    unseen = [kind for kind in ("unreadable", "missing") if report.of(kind)]
    chosen = {kind: _chosen(report.of(kind)) for kind in KINDS if report.of(kind) and kind not in unseen}
    shown = {p for tiles in chosen.values() for group in tiles for p in group.positions}
    for attribute, counts in report.labels.items():
        for value in islice(counts, _MOST_VALUES):
            shown.update(report.samples[attribute][fold(value)][:_PER_VALUE])
    items = zip(report.source.items, report.source.loads(), strict=True)
    photos = {at: _small(loads, item.name) for at, (item, loads) in enumerate(items) if at in shown}
    strips = [_title(report), *(_listed(report, kind) for kind in unseen)]
    for kind, findings in chosen.items():
        strips.append(_findings(report, kind, findings, photos))
    strips += [_labels(report, attribute, photos) for attribute in report.labels]
    sheet = Image.new("RGB", (_WIDTH, sum(strip.height for strip in strips) + _MARGIN), _PAPER)
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    return sheet


def _chosen(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that fit into one row, cut to at most four photos each, single ones from all over the list."""
    if len(findings) == 1:
        return [_cut(findings[0], _spread(range(len(findings[0].photos)), _MOST_TILES))]
    chosen, room = [], _MOST_TILES
    for finding in _spread(findings, _MOST_TILES):
        size = min(4, len(finding.photos), room)
        if size < min(2, len(finding.photos)):
            break
        chosen.append(_cut(finding, range(size)))
        room -= size
    return chosen


def _cut(finding: Finding, kept: Iterable[int]) -> Finding:
    photos, positions = zip(*((finding.photos[i], finding.positions[i]) for i in kept), strict=True)
    return dataclasses.replace(finding, photos=photos, positions=positions)


def _spread(things: Sequence, most: int) -> list:
    count = min(most, len(things))
    return [things[i * len(things) // count] for i in range(count)]


def _small(loads: Sequence[Callable[[], Raw]], name: str) -> Image.Image | None:
    """A photo, small, in pairs beside the picture that goes in; `None` if it cannot be read."""
    try:
        photo, *sources = (image for _, image in read_item(loads, name, at_least=_TILE))
    except PhotoError:
        return None
    photo.thumbnail((2 * _TILE, 2 * _TILE))
    joined = Image.new("RGB", (photo.width * (1 + len(sources)), photo.height))
    for place, image in enumerate((*sources, photo)):
        joined.paste(image.resize(photo.size).convert("RGB"), (place * photo.width, 0))
    return joined


def _title(report: CheckReport) -> Image.Image:
    facts = [*report.facts(), *(("", note) for note in report.notes)]
    strip, pen = _strip(92 + 22 * len(facts))
    _text(pen, (_MARGIN, 18), report.name, 28, _INK, _WIDTH - 2 * _MARGIN)
    colour = _RED if report.would_stop else _AMBER if report.num_skipped else _GREEN
    _text(pen, (_MARGIN, 56), report.verdict, 17, colour, _WIDTH - 2 * _MARGIN)
    for line, (what, how) in enumerate(facts):
        _text(pen, (_MARGIN, 88 + 22 * line), what, 15, _FAINT)
        _text(pen, (_MARGIN + 130, 88 + 22 * line), how, 15, _INK, _WIDTH - 2 * _MARGIN - 130)
    return strip


def _listed(report: CheckReport, kind: str) -> Image.Image:
    """Findings that have no picture, a line each."""
    title, meaning = KINDS[kind]
    findings = _spread(report.of(kind), _MOST_LINES)
    said = f"{title}: {count_of(count_photos(report.of(kind)), 'photo')}"
    strip, pen = _strip(52 + 20 * len(findings), said, meaning, _COLOURS[kind])
    for line, finding in enumerate(findings):
        end = _text(pen, (_MARGIN, 42 + 20 * line), finding.photos[0], 14, _INK, _WIDTH / 2)
        _text(pen, (end + 14, 42 + 20 * line), finding.detail, 14, _FAINT, _WIDTH - _MARGIN - end - 14)
    return strip


def _findings(
    report: CheckReport, kind: str, findings: Sequence[Finding], photos: dict[int, Image.Image | None]
) -> Image.Image:
    title, meaning = KINDS[kind]
    step = (_WIDTH - 2 * _MARGIN) // _MOST_TILES
    font = ImageFont.load_default(12)
    details = [wrapped(f.detail, font, len(f.photos) * step - 8, _DETAIL_LINES).splitlines() for f in findings]
    said = f"{title}: {count_of(count_photos(report.of(kind)), 'photo')}"
    strip, pen = _strip(76 + _TILE + 15 * max(map(len, details)), said, meaning, _COLOURS.get(kind, _AMBER))
    left = _MARGIN
    for finding, lines in zip(findings, details, strict=True):
        together = len(findings) > 1 and len(finding.photos) > 1
        if together:  # a line over photos that belong together
            pen.line((left, 42, left + (len(finding.photos) - 1) * step + _TILE - 1, 42), _INK, 2)
        for number, name in enumerate(finding.photos):
            _tile(strip, pen, (left + number * step, 48), _TILE, photos.get(finding.positions[number]))
            _text(pen, (left + number * step, 50 + _TILE), name, 11, _FAINT, step - 6, keep_end=True)
        for line, text in enumerate(lines):
            _text(pen, (left, 66 + _TILE + 15 * line), text, 12, _INK, len(finding.photos) * step - 8)
        left += len(finding.photos) * step
    return strip


def _labels(report: CheckReport, attribute: str, photos: dict[int, Image.Image | None]) -> Image.Image:
    counts = report.labels[attribute]
    values = list(islice(counts.items(), _MOST_VALUES))
    rows = -(-len(values) // _COLUMNS)
    cell = _SMALL + 30
    note = f"the {len(values)} most frequent of {len(counts):,}" if len(values) < len(counts) else ""
    if report.not_given[attribute]:
        note += f"{', ' * bool(note)}{count_of(report.not_given[attribute], 'photo')} without"
    strip, pen = _strip(50 + rows * cell, f"{attribute}: {count_of(len(counts), 'value')}", note)
    width = (_WIDTH - 2 * _MARGIN) // _COLUMNS
    for number, (value, count) in enumerate(values):
        left = _MARGIN + (number % _COLUMNS) * width
        top = 44 + (number // _COLUMNS) * cell
        end = _text(pen, (left, top), value, 14, _INK, width - 80)
        _text(pen, (end + 8, top), f"{count:,}", 14, _FAINT)
        for column, position in enumerate(report.samples[attribute][fold(value)][:_PER_VALUE]):
            _tile(strip, pen, (left + column * (_SMALL + 6), top + 20), _SMALL, photos.get(position))
    return strip


def _strip(
    height: int, title: str = "", note: str = "", colour: tuple[int, int, int] = _INK
) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A part of the sheet, and what draws on it; with a heading if it has a title."""
    strip = Image.new("RGB", (_WIDTH, height), _PAPER)
    pen = ImageDraw.Draw(strip)
    if title:
        pen.line((_MARGIN, 6, _WIDTH - _MARGIN, 6), _LINE)
        pen.rectangle((_MARGIN, 16, _MARGIN + 5, 33), colour)
        end = _text(pen, (_MARGIN + 14, 14), title, 18, _INK)
        _text(pen, (end + 14, 17), note, 14, _FAINT, _WIDTH - _MARGIN - end - 14)
    return strip, pen


def _tile(
    strip: Image.Image, pen: ImageDraw.ImageDraw, corner: tuple[int, int], size: int, photo: Image.Image | None
) -> None:
    """A photo, whole, in a white frame; a cross where there is none."""
    left, top = corner
    pen.rectangle((left, top, left + size - 1, top + size - 1), "white", _LINE)
    if photo is not None:
        strip.paste(ImageOps.pad(photo, (size - 4, size - 4), Image.Resampling.LANCZOS, "white"), (left + 2, top + 2))
        return
    near, far = size // 3, size - size // 3
    pen.line((left + near, top + near, left + far, top + far), _RED, 3)
    pen.line((left + near, top + far, left + far, top + near), _RED, 3)


def _text(
    pen: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    text: str,
    size: int,
    colour: tuple[int, int, int],
    width: float | None = None,
    keep_end: bool = False,
) -> int:
    """Write one line, shortened to a width, of a name at its start; returns where it ends."""
    font = ImageFont.load_default(size)
    shown = " ".join(drawable(text).split())
    if width is not None:
        shown = cut(shown, font, width, keep_end)
    pen.text(corner, shown, colour, font)
    return round(corner[0] + font.getlength(shown))
