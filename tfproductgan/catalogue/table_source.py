"""Photos listed in tables: what is known of each."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tfproductgan.catalogue.gaps import is_gap
from tfproductgan.catalogue.kinds import count_of
from tfproductgan.catalogue.label_notes import likely_attributes
from tfproductgan.catalogue.listing import few
from tfproductgan.catalogue.near_names import is_web_address, names_in
from tfproductgan.catalogue.sources import Item, Source, source_of_files
from tfproductgan.catalogue.splitting import SPLITS, split_name
from tfproductgan.catalogue.table_finding import (
    Match,
    Part,
    Photos,
    PhotoTable,
    image_column,
    open_table,
    refuse_no_header,
)
from tfproductgan.catalogue.tables import Table
from tfproductgan.conditions import fold
from tfproductgan.errors import CatalogueError
from tfproductgan.writing import expanded

_HANDLES = {"handle": "title", "url handle": "title", "handleid": "name"}  # of Shopify and Wix, and what variants lack
_OF_VARIANTS = ("option", "variant", "sku")


def table_source(
    table: str | Path | PhotoTable,
    images: str | Path | None = None,
    image: str | None = None,
    attributes: Iterable[str] = (),
    text: str | None = None,
    split_column: str | None = None,
    find_split: bool = True,
    columns: Sequence[str] | None = None,
    text_vectors: str | None = None,
) -> Source:
    """Photos listed in a table, or in what `tables_in` found: see `Catalogue.from_table`.

    Without a `split_column`, one called `split` is taken if `find_split` is set. In it empty means train.
    """
    attributes = list(attributes)
    named = [*attributes, *filter(None, (image, text, text_vectors, split_column))]
    found = table if isinstance(table, PhotoTable) else open_table(expanded(table), images, named, columns)
    parts, photos = found.parts, found.photos
    rows: list[_Row] = []
    skipped: list[tuple[str, str]] = []
    notes: list[str] = []
    for part in parts:
        if "/" in part.table.name:
            start = f", and its paths start in {part.folder!r}" if part.folder else ""
            notes.append(f"{part.table.name} is the table{start}.")
        notes += part.table.notes
        skipped += part.table.skipped
        refuse_no_header(part, photos)
        column = image or image_column(part, photos)
        if column not in (image, *part.table.usual_image_columns()):
            notes.append(f"Column {column!r} of {part.table.name} names the photos.")
        titles = None if text is None else _filled(part.table.texts(text), text, _of_product(part.table))
        titles = titles if text_vectors is None else part.table.vectors(text_vectors)
        rows += _rows(part, photos, column, attributes, titles, _split_reader(part, split_column, find_split))
        further = sum(row != product for row, product in enumerate(_of_product(part.table)))
        if further:
            notes.append(
                f"{count_of(further, 'row')} of further photos and variants: what is empty is as in the product's row."
            )
    chosen, unused = _chosen(rows)
    _refuse_outside(rows)
    if not chosen:
        first = rows[0]
        there = f", where photos are called {few(photos.names)}" if found.whole and photos.names else ""
        raise CatalogueError(
            f"None of the {len(rows)} photos named in column {first.column!r} of {parts[0].table.name} is in "
            f"{str(photos.files.path)!r} (the first: {first.given!r}, {unused[0][1]}){there}. "
            "Say where they are with --images-in (in Python images=...)."
        )
    notes += _named_otherwise(chosen)
    if several := sum(count > 1 for count in Counter(row.where for row in chosen).values()):
        notes.append(f"{count_of(several, 'row')} with several photos: each photo has the labels of its row.")
    items = [row.item for row in chosen if row.item]
    if found.whole:
        notes += _not_listed(rows, photos)
    source = source_of_files(photos.files, items, attributes, [*skipped, *unused], notes)
    if attributes:
        return source
    taken = (rows[0].column, text, text_vectors, split_column or "split")
    return dataclasses.replace(source, candidates=likely_attributes(_columns(parts[0].table), taken))


def _columns(table: Table) -> Iterator[tuple[str, list[str]]]:
    """The columns of a table that are text, and have a name of their own."""
    for name in table.columns:
        with contextlib.suppress(CatalogueError):
            yield name, table.texts(name)


@dataclasses.dataclass(frozen=True)
class _Row:
    """A row of a table.

    Args:
        where: Its place.
        given: What it calls its photo.
        column: The column that does.
        match: What was found under that name.
        item: What it says, if it can be used.
        skipped: Else what messages call it, and why it cannot be used.
    """

    where: str
    given: str
    column: str
    match: Match
    item: Item | None = None
    skipped: tuple[str, str] = ("", "")


def _rows(
    part: Part,
    photos: Photos,
    image: str,
    attributes: Sequence[str],
    texts: Sequence[str] | None,
    split_of: Callable[[int], str | None],
) -> Iterator[_Row]:
    table = part.table
    given = table.texts(image)
    of_product = _of_product(table)
    labels = {name: _filled(table.labels(name), name, of_product) for name in attributes}
    find = functools.partial(photos.find, folder=part.folder)
    names = [_names_in(name, photos, part.folder) for name in given]
    matches = [find(several[0]) if several[0] else Match([]) for several in names]
    _refuse_swallowed(table, image, matches, find)
    broken = _broken(table, image, matches, labels)
    found = (
        (i, name, find(name) if at else matches[i])
        for i, several in enumerate(names)
        for at, name in enumerate(several)
    )
    for i, name, match in found:
        where = f"row {i + 1} of {table.name}"
        if not match.photos and fold(name) == fold(image):
            at = f"line {table.lines[i]}" if table.lines else f"row {i + 1}"
            raise CatalogueError(f"{table.name} {at} is another header: make a table of its own of the rows below it.")
        if i in broken:
            skipped = (f"{table.name} line {table.lines[i]}", broken[i])
        elif not name and of_product[i] != i:
            continue  # a variant without a photo of its own
        elif not name:
            skipped = (where, f"{image} is empty")
        elif len(match.photos) == 1:
            said = {attribute: column[i] for attribute, column in labels.items()}
            item = Item(match.photos[0], said, split_of(i), "" if texts is None else texts[i])
            yield _Row(where, name, image, match, item)
            continue
        elif match.photos:
            skipped = (name, f"may be {' or '.join(match.photos[:3])}")
        else:
            skipped = (name, f"no such file in {photos.files.path.name}")
        yield _Row(where, name, image, match, None, skipped)


def _of_product(table: Table) -> Sequence[int]:
    """Of each row, the one that says what its product is.

    Shops such as Shopify give further photos and variants of a product rows of their own, in which its handle alone is
    said again.
    """
    handle = next((name for name in _HANDLES if table.has(name)), None)
    if handle is None or not table.has(_HANDLES[handle]):
        return range(table.num_rows)
    found: list[int] = []
    first: dict[str, int] = {}
    for row, (product, title) in enumerate(zip(table.texts(handle), table.texts(_HANDLES[handle]), strict=True)):
        if title:
            first[product] = row
        found.append(row if title else first.get(product, row))
    return found


def _filled(column: Sequence[Any], name: str, of_product: Sequence[int]) -> list:
    """A column in which what is said of a product holds for all its rows; each variant says for itself what it is."""
    if fold(name).startswith(_OF_VARIANTS):
        return list(column)
    return [cell or column[row] for cell, row in zip(column, of_product, strict=True)]


def _names_in(cell: str, photos: Photos, folder: str) -> list[str]:
    """The names of photos in a cell, which may itself be the name of one."""
    names = names_in(cell)
    with contextlib.suppress(CatalogueError):
        if len(names) > 1 and photos.exact(cell, folder):
            return [cell]
    return names


def _split_reader(part: Part, column: str | None, find: bool) -> Callable[[int], str | None]:
    """The split of each row, by its number."""
    table = part.table
    if column is None and not (find and table.has("split")):
        return lambda row: part.split
    values = ["" if is_gap(value) else value for value in table.texts(column or "split")]
    strange = next((v for i, v in enumerate(values) if v and i not in table.uneven and split_name(v) is None), None)
    if strange is None:
        return lambda row: split_name(values[row]) or "train"
    if column is None:
        return lambda row: part.split  # some other split: nobody said that it is ours
    raise CatalogueError(f"Column {column!r} of {table.name} has {strange!r}; a split is called {', '.join(SPLITS)}.")


def _refuse_swallowed(table: Table, image: str, matches: Sequence[Match], find: Callable[[str], Match]) -> None:
    """Stop at a field that has swallowed rows: lines of it list photos that no row does."""
    at = table.position(image)
    listed = {photo for match in matches for photo in match.photos} if table.inner else set()
    swallowed = {}
    for opened, fields in table.inner:
        found = find(fields[at]).photos if fields[at] else ()
        if len(found) == 1 and found[0] not in listed:
            swallowed[opened] = fields[at]
    for i, (name, match) in enumerate(zip(table.texts(image), matches, strict=True)):
        if table.lines and not match.photos and "\n" in name:
            swallowed[table.lines[i]] = name.splitlines()[-1]
    if swallowed:
        line, name = min(swallowed.items())
        raise CatalogueError(
            f"{table.name} line {line}: a quotation mark is opened that makes one row of those below it, {name!r} "
            "among them: remove or double it."
        )


def _broken(
    table: Table, image: str, matches: Sequence[Match], labels: Mapping[str, Sequence[str | tuple[str, ...]]]
) -> dict[int, str]:
    """Rows that may be half a row, or whose fields may stand in the places of others: number to reason.

    Some writers leave out what is empty at the end of a row, or add a delimiter. Then the labels that the row has are
    known from others, those that it lacks do not stand in the fields beside, and the next line is a row too.
    """
    uneven = table.uneven
    if not uneven:
        return {}
    given = table.texts(image)
    usual = {match.how for i, match in enumerate(matches) if match.photos and i not in uneven}
    rests = {i for i in uneven if not matches[i].photos or matches[i].how not in usual}
    rests |= {i for i, name in enumerate(given) if not name}
    broken = {i for i in uneven if i in rests or i + 1 in rests}
    for attribute, column in labels.items():
        at = table.position(attribute)
        known = {fold(value) for i, value in enumerate(column) if value and i not in uneven}
        beside = [list(table.cells(n)) for n in (at - 1, at + 1) if 0 <= n < len(table.columns)]
        for i in uneven:
            near = tuple(known) if not column[i] else ()
            if (column[i] and fold(column[i]) not in known) or any(fold(cells[i]).endswith(near) for cells in beside):
                broken.add(i)
    reasons = {i: f"{count_of(uneven[i], 'field')} where the header has {len(table.columns)}" for i in broken}
    first, last = list(table.cells(0)), fold(table.columns[-1])
    for i in (i for i in rests if uneven.get(i) == 1):
        if i and i - 1 not in uneven and last in map(fold, (image, *labels)):
            reasons[i - 1] = f"{table.columns[-1]} may go on in the next line"
        if i + 1 < table.num_rows and not first[i + 1]:
            reasons[i + 1] = f"{table.columns[0]} may stand in the line before"
    return reasons


def _chosen(rows: Sequence[_Row]) -> tuple[list[_Row], list[tuple[str, str]]]:
    """One row a photo, and what is left out: (name, reason)."""
    claims: dict[str, list[_Row]] = {}
    for row in rows:
        if row.item:
            claims.setdefault(row.item.name, []).append(row)
    chosen, skipped = [], []
    for row in rows:
        if row.item is None:
            skipped.append(row.skipped)
            continue
        photo, same = row.item.name, claims[row.item.name]
        first = next((other for other in same if not other.match.how), same[0])  # of its exact name before all others
        rival = next((other.given for other in same if other.given != row.given), None)
        if first.match.how and rival is not None:
            skipped.append((row.given, f"may be {photo}, and {rival!r} may be so too"))
        elif row is not first:
            where, _, table = first.where.partition(" of ")
            where = where if row.where.endswith(f" of {table}") else first.where
            skipped.append((row.where, f"{photo} is in {where} already"))
        else:
            chosen.append(row)
    return chosen, skipped


def _refuse_outside(rows: Sequence[_Row]) -> None:
    """Stop at paths that lead out of the photos' folder, unless photos are found by the ends of such paths."""
    outside = [(row, row.match.outside) for row in rows if row.match.outside]
    if not outside or any(row.match.photos for row, _ in outside):
        return
    row, error = outside[0]
    if is_web_address(row.given):
        error = CatalogueError(
            f"Column {row.column!r} of {row.where.partition(' of ')[2]} holds web addresses ({row.given!r}): download "
            "the photos and name the files."
        )
    raise error


def _not_listed(rows: Iterable[_Row], photos: Photos) -> list[str]:
    """A line about photos that are in no row, if there are any."""
    unlisted = sorted(set(photos.names).difference(*(row.match.photos for row in rows)))
    if not unlisted:
        return []
    return [f"{count_of(len(unlisted), 'photo')} in no row, so left out: {few(unlisted)}."]


def _named_otherwise(rows: Iterable[_Row]) -> list[str]:
    """A line about each way in which photos have other names than in the table."""
    counts: Counter[str] = Counter()
    first: dict[str, _Row] = {}
    for row in rows:
        if row.match.how:
            counts[row.match.how] += 1
            first.setdefault(row.match.how, row)
    return [
        f"{count_of(counts[how], 'photo')} named {how}: {row.given!r} is {row.match.photos[0]}."
        for how, row in first.items()
    ]
