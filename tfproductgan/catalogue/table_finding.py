"""Where tables of photos are, and which photo is meant by a name in them."""

from __future__ import annotations

import dataclasses
import functools
import posixpath
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from tfproductgan.catalogue import tables
from tfproductgan.catalogue.files import Files, open_files, tar_stem
from tfproductgan.catalogue.listing import few, list_photos
from tfproductgan.catalogue.near_names import NearNames, names_in
from tfproductgan.catalogue.photos import EXTENSIONS
from tfproductgan.catalogue.splitting import split_name
from tfproductgan.catalogue.tables import Table
from tfproductgan.conditions import fold
from tfproductgan.errors import CatalogueError, MissingExtraError, PhotoError

MOST_TABLES = 100
"""A folder is searched for the one that is meant among so many: the uppermost."""

_MOST_TRIED = 20  # names that are looked up to see whether a column holds photos


@dataclasses.dataclass(frozen=True)
class Match:
    """What was found under a name: one photo, several that it can mean, or none.

    Args:
        photos: Their paths.
        how: How the name differs, in words; empty if it does not.
        outside: What is wrong with the path, if it leads out of the photos' folder.
    """

    photos: Sequence[str]
    how: str = ""
    outside: CatalogueError | None = None


class Photos:
    """The photos of a folder or zip, by the names that tables give them.

    Args:
        files: The folder or zip.
        by_content: Whether files are opened whose names do not say that they are photos.
    """

    def __init__(self, files: Files, by_content: bool = True):
        self.files, self._by_content = files, by_content

    @functools.cached_property
    def names(self) -> Sequence[str]:
        return list_photos(self.files).photos if self._by_content else self.files.names()

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

    def find(self, name: str, folder: str) -> Match:
        """What a table means whose paths start in a folder."""
        outside = None
        try:
            found = self.exact(name, folder)
            if found is not None:
                return Match([found])
        except CatalogueError as error:
            outside = error
        photos, how = self.near.find(name, folder)
        return Match(photos, how, outside)

    def are_listed_in(self, part: Part, image: str | None = None) -> bool:
        """Whether a table lists photos of these, in the column that is said or in any."""
        columns = [image] if image else part.table.usual_image_columns()
        if any(self.has_some(part, column) or self.share(part.table, column) > 0 for column in columns):
            return True
        return not image and bool(self.numbering(part.table))

    def has_some(self, part: Part, column: str) -> bool:
        """Whether one of the first names in a column is that of a photo, to the letter."""
        try:
            return any(self.exact(name, part.folder) for name in part.table.texts(column)[:_MOST_TRIED] if name)
        except CatalogueError:
            return False

    def share(self, table: Table, column: str) -> float:
        """How many of a column's values may be names of photos, as `NearNames.share`."""
        try:
            return self.near.share([names_in(cell)[0] for cell in table.texts(column)])
        except CatalogueError:  # two columns of one name, or no text
            return 0.0

    def numbering(self, table: Table) -> list[str]:
        """The columns that name photos though they are not called so, as numbers of products do; `id` before others."""
        if 2 * table.num_rows < len(self.names):  # the numbers of something else, such as classes
            return []
        found = [column for column in table.columns if column and self.share(table, column) >= 0.5]
        # whole names go before numbers: prices and sizes are names of numbered photos as well
        ends = {column: [names_in(cell)[0].partition("?")[0] for cell in table.texts(column)] for column in found}
        whole = [column for column in found if any(end.casefold().endswith(EXTENSIONS) for end in ends[column])]
        return whole if len(whole) == 1 else next(([column] for column in found if fold(column) == "id"), found)


@dataclasses.dataclass(frozen=True)
class Part:
    """A table, where in the photos' folder or zip its paths start, and the split of all its rows, if it is of one."""

    table: Table
    folder: str = ""
    split: str | None = None


@dataclasses.dataclass(frozen=True, repr=False)
class PhotoTable:
    """A table, which may be in parts, the photos it lists, and whether all photos where these lie should be listed."""

    parts: Sequence[Part]
    photos: Photos
    whole: bool = True


def open_table(
    path: Path, images: str | Path | None, named: Sequence[str], columns: Sequence[str] | None
) -> PhotoTable:
    """The table that is meant, which may be in parts, and the photos it lists."""
    suffix = path.suffix.casefold()
    if path.is_dir() or suffix == ".zip" or tar_stem(path.name):
        files = open_files(path)
        photos = Photos(files if images is None else open_files(images))
        parts = _find_tables(files, photos, named, None, columns, surely=True)
        if not parts:
            raise CatalogueError(
                f"{str(path)!r} must hold one table (CSV, Parquet, JSON lines, StyleGAN's dataset.json); it has none."
            )
        return PhotoTable(parts, photos)
    if suffix not in tables.EXTENSIONS:
        kinds = ", ".join(tables.EXTENSIONS)
        raise CatalogueError(f"A table is {kinds}, or in a folder, a zip or a tar. Received: {str(path)!r}")
    if path.is_file():
        # beside a table may lie anything, such as all of somebody's files
        photos = Photos(open_files(path.parent if images is None else images), images is not None)
        table = tables.read_table(path.read_bytes(), path.name, columns)
        return PhotoTable([Part(table, _below(path.parent, photos.files))], photos, images is not None)
    holder = None if images is None else open_files(images)
    if holder is not None and path.as_posix() in holder.names(tables.EXTENSIONS):
        return PhotoTable([_read(holder, path.as_posix(), columns)], Photos(holder))
    raise CatalogueError(f"The table {str(path)!r} does not exist.")


def _below(folder: Path, files: Files) -> str:
    """Where a folder is below that of the photos, if it is."""
    above, inside = files.path.resolve(), folder.resolve()
    return "/".join(inside.relative_to(above).parts) if inside.is_relative_to(above) else ""


def _read(files: Files, name: str, columns: Sequence[str] | None) -> Part:
    return Part(tables.read_table(files.read(name), name, columns), posixpath.dirname(name))


def _read_all(files: Files, columns: Sequence[str] | None) -> tuple[dict[str, Part], dict[str, Exception]]:
    """The tables in a folder or zip by name, and what is wrong with those that cannot be read."""
    found = files.names(tables.EXTENSIONS if columns else (*tables.FOUND, ".json"))
    found = [name for name in found if not name.endswith(".json") or tables.is_labels(posixpath.basename(name))]
    read: dict[str, Part] = {}
    broken: dict[str, Exception] = {}
    for name in sorted(found, key=lambda name: (name.count("/"), name))[:MOST_TABLES]:
        try:
            read[name] = _read(files, name, columns)
        except (CatalogueError, MissingExtraError) as error:
            broken[name] = error
    return read, broken


def _find_tables(
    files: Files,
    photos: Photos,
    named: Sequence[str],
    image: str | None,
    columns: Sequence[str] | None,
    surely: bool,
) -> list[Part]:
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
    folders = set(map(posixpath.dirname, photos.names)) if photos.files is files else set()
    top = posixpath.commonpath([*map(posixpath.dirname, (*read, *broken)), *folders])
    at_top = [name for name in (*read, *broken) if posixpath.dirname(name) == top]
    only = at_top if len(at_top) == 1 else []
    fitting = [name for name, part in read.items() if all(map(part.table.has, named))]
    listing = [name for name, part in read.items() if photos.are_listed_in(part, image)]
    chosen = [name for name in fitting if name in listing]
    if named:
        partly = [name for name in listing if any(map(read[name].table.has, named))]
        unread = [name for name, error in broken.items() if _may_have(files, name, named, error)]
        chosen = chosen or fitting or partly[:1] or unread[:1]
    elif not surely or set(chosen).intersection(at_top):
        chosen = [name for name in chosen if name in at_top]
    if not chosen and surely:
        chosen = only or [*read, *broken]
    elif not chosen:  # where there are no classes the only table is meant, and it is said what is wrong with it
        below = {folder[len(top) :].strip("/") for folder in folders if folder != top}
        classes = below if len({folder.split("/")[0] for folder in below}) > 1 else set()
        for name in only:
            # a table of something else, such as orders, may lie beside the folder around the classes
            meant = name in broken or read[name].table.usual_image_columns() or len(below) < 2
            chosen = [name] if name in listing or (meant and not classes) else []
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
        f"with images={str(files.path)!r} (--images-in)."
    )


def _may_have(files: Files, name: str, columns: Sequence[str], error: Exception) -> bool:
    """Whether a table that cannot be read may have these columns: if it is text, it names them at its beginning."""
    if isinstance(error, MissingExtraError):
        return True
    try:
        start = fold(files.read(name)[:4096].replace(b"\0", b"").decode("utf-8", "replace"))
    except PhotoError:
        return False
    return all(fold(column) in start for column in columns)


def _of_splits(parts: Mapping[str, Part]) -> list[Part]:
    """Tables that are parts of one, each with its split: `train.csv` and `test.csv`, or `metadata.csv` in folders."""
    paths = [PurePosixPath(name) for name in parts]
    splits = list(map(_split_of, paths))
    if all(splits) and len(set(splits)) > 1:
        return [dataclasses.replace(part, split=split) for part, split in zip(parts.values(), splits, strict=True)]
    return list(parts.values()) if {path.stem for path in paths} == {"metadata"} else []


def _split_of(path: PurePosixPath) -> str | None:
    """The split that the name of a table, a word at either end of it, or its folder is the name of."""
    words = re.split(r"[_. -]+", path.stem)
    return next(filter(None, map(split_name, (path.stem, words[0], words[-1], path.parent.name))), None)


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
    photos = Photos(files if images is None else open_files(images))
    parts = _find_tables(files, photos, named, image, columns, surely=images is not None)
    return PhotoTable(parts, photos) if parts else None


def tables_not_read(place: str | Path) -> list[str]:
    """Of a folder or zip of photos, a line about each table that lists them and was not asked for."""
    files = open_files(place)
    read, _ = _read_all(files, None)
    photos = Photos(files)
    sheets = [name for name in files.names(tables.SPREADSHEETS) if not posixpath.basename(name).startswith("~$")]
    unread = [f"{few(sheets)} not read: save what has labels as CSV (in Excel: CSV UTF-8)."] if sheets else []
    unread += [
        f"{name} lists photos and is not read: its columns are {', '.join(map(repr, part.table.columns[:8]))}, and "
        "--attributes takes them."
        for name, part in read.items()
        if photos.are_listed_in(part)
    ]
    return unread + [
        f"{name} lists photos and is not read: --columns says what its columns are, as in --columns file,label."
        for name in _lists(files)
        if _lists_photos(files, name, photos)
    ]


def _lists(files: Files) -> list[str]:
    """The texts that may be lists of photos: not those that lie beside photos, one each."""
    texts = [name for name in files.names((".txt",)) if name.count("/") < 3]
    return texts if len(texts) <= _MOST_TRIED else []


def _lists_photos(files: Files, name: str, photos: Photos) -> bool:
    """Whether some of the first lines of a text begin or end with the name of a photo."""
    try:
        lines = files.head(name).decode("utf-8", "replace").splitlines()[:_MOST_TRIED]
    except PhotoError:
        return False
    words = {word for line in lines for word in re.split(r"[\s,;|]+", line) if word.casefold().endswith(EXTENSIONS)}
    return any(len(photos.find(word, posixpath.dirname(name)).photos) == 1 for word in words)


def image_column(part: Part, photos: Photos) -> str:
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
    if found and len({re.sub(r"\d+", "", fold(column)) for column in found}) == 1:  # of photos 1, 2, 3 the first
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


def refuse_no_header(part: Part, photos: Photos) -> None:
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
