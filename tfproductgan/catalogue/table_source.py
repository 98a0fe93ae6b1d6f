"""Photos listed in tables: where the tables are, which photo a row means, and what is known of it."""

from __future__ import annotations

import dataclasses
import functools
import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from tfproductgan.catalogue import tables
from tfproductgan.catalogue.files import PhotoFolder, PhotoZip, open_files
from tfproductgan.catalogue.listing import list_photos
from tfproductgan.catalogue.near_names import NearNames, is_web_address
from tfproductgan.catalogue.photos import EXTENSIONS
from tfproductgan.catalogue.sources import Item, Source, source_of_files
from tfproductgan.catalogue.splitting import SPLITS, split_name
from tfproductgan.catalogue.tables import Table
from tfproductgan.conditions import fold
from tfproductgan.errors import CatalogueError, MissingExtraError

MOST_TABLES = 100
"""A folder is searched for the one that is meant among so many: the uppermost."""

_MOST_TRIED = 20  # names that are looked up to see whether a column holds photos


def table_source(
    table: str | Path | PhotoTable,
    images: str | Path | None = None,
    image: str | None = None,
    attributes: Iterable[str] = (),
    text: str | None = None,
    split_column: str | None = None,
    find_split: bool = True,
    columns: Sequence[str] | None = None,
) -> Source:
    """Photos listed in a table, or in what `tables_in` found: see `Catalogue.from_table`.

    Without a `split_column`, one called `split` is taken if `find_split` is set. In it empty means train.
    """
    attributes = list(attributes)
    named = [*attributes, *filter(None, (image, text, split_column))]
    found = table if isinstance(table, PhotoTable) else _tables(Path(table).expanduser(), images, named, columns)
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
        _refuse_no_header(part, photos)
        column = image or _image_column(part, photos)
        if column not in (image, *part.table.usual_image_columns()):
            notes.append(f"Column {column!r} of {part.table.name} names the photos.")
        rows += _rows(part, photos, column, attributes, text, _split_reader(part, split_column, find_split))
    chosen, unused = _chosen(rows)
    _refuse_outside(rows)
    if not chosen:
        first = rows[0]
        raise CatalogueError(
            f"None of the {len(rows)} photos named in column {first.column!r} of {parts[0].table.name} is in "
            f"{str(photos.files.path)!r} (the first: {first.given!r}, {unused[0][1]}). "
            "Say where they are with images=... (--images-in)."
        )
    notes += _named_otherwise(chosen)
    items = [row.item for row in chosen if row.item]
    if found.whole:
        notes += _not_listed(rows, photos)
    return source_of_files(photos.files, items, attributes, [*skipped, *unused], notes)


def tables_in(
    place: str | Path,
    named: Sequence[str] = (),
    images: str | Path | None = None,
    image: str | None = None,
    columns: Sequence[str] | None = None,
) -> PhotoTable | None:
    """The table in a folder or zip, if it is meant by that and not by its folders.

    Args:
        place: The folder or zip.
        named: The columns that somebody asked for, all of which the table has to have.
        images: Where the photos are, if not there.
        image: The column of their names, if that is said.
        columns: The names of columns, if those who ask know that there is no header.

    Raises:
        CatalogueError: If several are meant alike.
    """
    files = open_files(place)
    photos = _Photos(files if images is None else open_files(images))
    parts = _find_tables(files, photos, named, image, columns, surely=images is not None)
    return PhotoTable(parts, photos) if parts else None


def tables_not_read(place: str | Path) -> list[str]:
    """Of a folder or zip of photos, a line about each table that lists them and was not asked for."""
    files = open_files(place)
    read, _ = _read_all(files, None)
    photos = _Photos(files)
    return [
        f"{name} lists photos and is not read: its columns are {', '.join(map(repr, part.table.columns[:8]))}, and "
        "--attributes takes them."
        for name, part in read.items()
        if photos.are_listed_in(part)
    ]


# === Which table ===


@dataclasses.dataclass(frozen=True)
class _Part:
    """A table, where in the photos' folder or zip its paths start, and the split of all its rows, if it is of one."""

    table: Table
    folder: str = ""
    split: str | None = None


@dataclasses.dataclass(frozen=True, repr=False)
class PhotoTable:
    """A table, which may be in parts, the photos it lists, and whether all photos where these lie should be listed."""

    parts: Sequence[_Part]
    photos: _Photos
    whole: bool = True


def _tables(path: Path, images: str | Path | None, named: Sequence[str], columns: Sequence[str] | None) -> PhotoTable:
    """The table that is meant, which may be in parts, and the photos it lists."""
    suffix = path.suffix.casefold()
    if path.is_dir() or suffix == ".zip":
        files = open_files(path)
        photos = _Photos(files if images is None else open_files(images))
        parts = _find_tables(files, photos, named, None, columns, surely=True)
        if not parts:
            raise CatalogueError(
                f"{str(path)!r} must hold one table (CSV, Parquet, JSON lines, StyleGAN's dataset.json); it has none."
            )
        return PhotoTable(parts, photos)
    if suffix not in tables.EXTENSIONS:
        kinds = ", ".join(tables.EXTENSIONS)
        raise CatalogueError(f"A table is {kinds}, or in a folder or a .zip. Received: {str(path)!r}")
    if path.is_file():
        photos = _Photos(open_files(path.parent if images is None else images))
        table = tables.read_table(path.read_bytes(), path.name, columns)
        return PhotoTable([_Part(table, _below(path.parent, photos.files))], photos, images is not None)
    holder = None if images is None else open_files(images)
    if holder is not None and path.as_posix() in holder.names(tables.EXTENSIONS):
        return PhotoTable([_read(holder, path.as_posix(), columns)], _Photos(holder))
    raise CatalogueError(f"The table {str(path)!r} does not exist.")


def _below(folder: Path, files: PhotoFolder | PhotoZip) -> str:
    """Where a folder is below that of the photos, if it is."""
    above, inside = files.path.resolve(), folder.resolve()
    return "/".join(inside.relative_to(above).parts) if inside.is_relative_to(above) else ""


def _read(files: PhotoFolder | PhotoZip, name: str, columns: Sequence[str] | None) -> _Part:
    return _Part(tables.read_table(files.read(name), name, columns), posixpath.dirname(name))


def _read_all(
    files: PhotoFolder | PhotoZip, columns: Sequence[str] | None
) -> tuple[dict[str, _Part], dict[str, Exception]]:
    """The tables in a folder or zip by name, and what is wrong with those that cannot be read."""
    found = files.names(tables.EXTENSIONS if columns else tables.FOUND)
    found = [name for name in found if not name.endswith(".json") or posixpath.basename(name) in tables.FOUND]
    read: dict[str, _Part] = {}
    broken: dict[str, Exception] = {}
    for name in sorted(found, key=lambda name: (name.count("/"), name))[:MOST_TABLES]:
        try:
            read[name] = _read(files, name, columns)
        except (CatalogueError, MissingExtraError) as error:
            broken[name] = error
    return read, broken


def _find_tables(
    files: PhotoFolder | PhotoZip,
    photos: _Photos,
    named: Sequence[str],
    image: str | None,
    columns: Sequence[str] | None,
    surely: bool,
) -> list[_Part]:
    """The table in a folder or zip that is meant, in parts if there is one for each split; none if folders are.

    It has the named columns and lists photos. If none are named it lies at the top.

    Args:
        files: The folder or zip.
        photos: The photos, there or elsewhere.
        named: Columns that somebody asked for.
        image: The column of photos, if that is said.
        columns: Of tables without a header, what their columns are called.
        surely: Whether somebody said that there is a table.

    Raises:
        CatalogueError: If several are meant alike, or the one that must be cannot be read.
    """
    read, broken = _read_all(files, columns)
    if not read and not broken:
        return []
    if photos.files is not files:
        read = {name: dataclasses.replace(part, folder="") for name, part in read.items()}
    folders = set(map(posixpath.dirname, photos.names))
    top = posixpath.commonpath([*map(posixpath.dirname, (*read, *broken)), *(folders if photos.files is files else ())])
    at_top = [name for name in (*read, *broken) if posixpath.dirname(name) == top]
    fitting = [name for name, part in read.items() if all(map(part.table.has, named))]
    listing = [name for name, part in read.items() if photos.are_listed_in(part, image)]
    chosen = [name for name in fitting if name in listing]
    if named:
        chosen = chosen or fitting or [name for name in listing if any(map(read[name].table.has, named))][:1]
    else:
        chosen = [name for name in chosen if name in at_top] or chosen * surely
    classes = {folder[len(top) :].strip("/").split("/")[0] for folder in folders if folder != top}
    if not chosen and (surely or len(classes) < 2):
        # it is said what is wrong with the one that must be meant
        chosen = at_top if len(at_top) == 1 else [*read, *broken] if surely else []
    elif not chosen and len(at_top) == 1:
        [name] = at_top
        chosen = at_top if name in listing or (named and name in broken) else []
    if len(chosen) <= 1:
        for name in chosen:
            if name in broken:
                raise broken[name]
        return [read[name] for name in chosen]
    parts = _of_splits({name: read[name] for name in chosen if name in read})
    if parts or not (named or surely):
        return parts
    having = f" with the columns {', '.join(named)}" if fitting and named else ""
    raise CatalogueError(
        f"{str(files.path)!r} must hold one table{having}; it has {len(chosen)}: {', '.join(chosen[:5])}. Name one, "
        f"with images={files.path.name!r} (--images-in)."
    )


def _of_splits(parts: Mapping[str, _Part]) -> list[_Part]:
    """Tables that are parts of one, each with its split: `train.csv` and `test.csv`, or `metadata.csv` in folders."""
    paths = [PurePosixPath(name) for name in parts]
    splits = [split_name(path.stem) or split_name(path.parent.name) for path in paths]
    if all(splits) and len(set(splits)) > 1:
        return [dataclasses.replace(part, split=split) for part, split in zip(parts.values(), splits, strict=True)]
    return list(parts.values()) if {path.stem for path in paths} == {"metadata"} else []


# === Which photos ===


@dataclasses.dataclass(frozen=True)
class _Match:
    """What was found under a name: one photo, several that it can mean, or none.

    Args:
        photos: Their paths.
        how: How the name differs, in words; empty if it does not.
        outside: What is wrong with the path, if it leads out of the photos' folder.
    """

    photos: Sequence[str]
    how: str = ""
    outside: CatalogueError | None = None


class _Photos:
    """The photos of a folder or zip, by the names that tables give them."""

    def __init__(self, files: PhotoFolder | PhotoZip):
        self.files = files

    @functools.cached_property
    def names(self) -> Sequence[str]:
        return list_photos(self.files).photos

    @functools.cached_property
    def near(self) -> NearNames:
        return NearNames(self.names)

    def exact(self, name: str, folder: str) -> str | None:
        """The photo of that path, from a folder or from the top.

        Raises:
            CatalogueError: If it leads out.
        """
        if folder:
            below = posixpath.normpath(posixpath.join(folder, name.replace("\\", "/")))
            if not below.startswith(("/", "..")) and (found := self.files.find(below)):
                return found
        return self.files.find(name)

    def find(self, name: str, folder: str) -> _Match:
        """What a table means whose paths start in a folder."""
        outside = None
        try:
            found = self.exact(name, folder)
            if found is not None:
                return _Match([found])
        except CatalogueError as error:
            outside = error
        photos, how = self.near.find(name, folder)
        return _Match(photos, how, outside)

    def are_listed_in(self, part: _Part, image: str | None = None) -> bool:
        """Whether a table lists photos of these, in the column that is said or in any."""
        columns = [image] if image else part.table.usual_image_columns()
        if any(self.has_some(part, column) or self.share(part.table, column) > 0 for column in columns):
            return True
        return not image and bool(self.numbering(part.table))

    def has_some(self, part: _Part, column: str) -> bool:
        """Whether one of the first names in a column is that of a photo, to the letter."""
        try:
            return any(self.exact(name, part.folder) for name in part.table.texts(column)[:_MOST_TRIED] if name)
        except CatalogueError:
            return False

    def share(self, table: Table, column: str) -> float:
        """How many of a column's values may be names of photos, as `NearNames.share`."""
        try:
            return self.near.share(table.texts(column))
        except CatalogueError:  # two columns of one name, or no text
            return 0.0

    def numbering(self, table: Table) -> list[str]:
        """The columns that name photos though they are not called so, as numbers of products do; `id` before others."""
        found = [column for column in table.columns if column and self.share(table, column) >= 0.5]
        return next(([column] for column in found if fold(column) == "id"), found)


def _image_column(part: _Part, photos: _Photos) -> str:
    """The column that names the photos: the usual one, or the one that does.

    Raises:
        CatalogueError: If there is none, or several do; or if there is no header.
    """
    table = part.table
    usual = table.usual_image_columns()
    for column in usual:
        if photos.has_some(part, column):
            return column
    for column in usual:
        if photos.share(table, column) > 0:
            return column
    found = photos.numbering(table)
    if len(found) == 1:
        return found[0]
    if usual:
        return usual[0]
    columns = ", ".join(map(repr, table.columns))
    if found:
        raise CatalogueError(
            f"{table.name} has {len(found)} columns that may name the photos: {', '.join(map(repr, found))}. Name one "
            "with image=... (--image-column)."
        )
    raise CatalogueError(
        f"{table.name} has no column of photos called {', '.join(tables.IMAGE_COLUMNS[:6])} or alike. "
        f"Name it with image=... (--image-column); the columns are: {columns}"
    )


def _refuse_no_header(part: _Part, photos: _Photos) -> None:
    """Stop if what should be the names of columns is a photo: the list begins at once."""
    table = part.table
    if not table.lines or table.usual_image_columns():
        return
    for at, column in enumerate(table.columns):
        may_be = at == 0 or column.casefold().endswith(EXTENSIONS)
        if column and may_be and photos.find(column, part.folder).photos:
            names = ["label", *(f"label{i}" for i in range(2, len(table.columns)))]
            names.insert(at, "file")
            raise CatalogueError(
                f"{table.name} has no header, its first line names the photo {column!r}: say what its columns are, as "
                f"in columns={names[: len(table.columns)]} (--columns {','.join(names[: len(table.columns)])})."
            )


# === What the rows say ===


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
    match: _Match
    item: Item | None = None
    skipped: tuple[str, str] = ("", "")


def _rows(
    part: _Part,
    photos: _Photos,
    image: str,
    attributes: Sequence[str],
    text: str | None,
    split_of: Callable[[int], str | None],
) -> Iterator[_Row]:
    table = part.table
    given = table.texts(image)
    labels = {name: table.labels(name) for name in attributes}
    texts = None if text is None else table.texts(text)
    find = functools.partial(photos.find, folder=part.folder)
    matches = [find(name) if name else _Match([]) for name in given]
    _refuse_swallowed(table, image, matches, find)
    broken = _broken(table, image, matches, labels)
    for i, (name, match) in enumerate(zip(given, matches, strict=True)):
        where = f"row {i + 1} of {table.name}"
        if not match.photos and fold(name) == fold(image):
            at = f"line {table.lines[i]}" if table.lines else f"row {i + 1}"
            raise CatalogueError(f"{table.name} {at} is another header: make a table of its own of the rows below it.")
        if i in broken:
            skipped = (f"{table.name} line {table.lines[i]}", broken[i])
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


def _split_reader(part: _Part, column: str | None, find: bool) -> Callable[[int], str | None]:
    """The split of each row, by its number."""
    table = part.table
    if column is None and not (find and table.has("split")):
        return lambda row: part.split
    values = table.texts(column or "split")
    strange = next((v for i, v in enumerate(values) if v and i not in table.uneven and split_name(v) is None), None)
    if strange is None:
        return lambda row: split_name(values[row]) or "train"
    if column is None:
        return lambda row: part.split  # some other split: nobody said that it is ours
    raise CatalogueError(f"Column {column!r} of {table.name} has {strange!r}; a split is called {', '.join(SPLITS)}.")


def _refuse_swallowed(table: Table, image: str, matches: Sequence[_Match], find: Callable[[str], _Match]) -> None:
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
    table: Table, image: str, matches: Sequence[_Match], labels: Mapping[str, Sequence[str | tuple[str, ...]]]
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
    reasons = {i: f"{uneven[i]} fields where the header has {len(table.columns)}" for i in broken}
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


def _not_listed(rows: Iterable[_Row], photos: _Photos) -> list[str]:
    """A line about photos that are in no row, if there are any."""
    unlisted = sorted(set(photos.names).difference(*(row.match.photos for row in rows)))
    if not unlisted:
        return []
    are = "photo is" if len(unlisted) == 1 else "photos are"
    return [f"{len(unlisted):,} {are} in no row and left out, the first of them {unlisted[0]}."]


def _named_otherwise(rows: Iterable[_Row]) -> list[str]:
    """A line about each way in which photos have other names than in the table."""
    counts: Counter[str] = Counter()
    first: dict[str, _Row] = {}
    for row in rows:
        if row.match.how:
            counts[row.match.how] += 1
            first.setdefault(row.match.how, row)
    return [
        f"{counts[how]:,} {'photo is' if counts[how] == 1 else 'photos are'} named {how}: {row.given!r} is "
        f"{row.match.photos[0]}."
        for how, row in first.items()
    ]
