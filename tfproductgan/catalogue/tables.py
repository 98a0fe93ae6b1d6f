"""Tables of products, as columns of text: CSV and lists without a header, Parquet, JSON lines, StyleGAN's labels."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from tfproductgan.catalogue.cells import cell_text
from tfproductgan.catalogue.kinds import count_of
from tfproductgan.catalogue.photos import EXTENSIONS as PHOTO_EXTENSIONS
from tfproductgan.conditions import fold
from tfproductgan.errors import CatalogueError, ConditionError, nearest, require
from tfproductgan.text_vectors import spell_vector

EXTENSIONS = (".csv", ".tsv", ".txt", ".parquet", ".jsonl", ".ndjson", ".json")
"""What the names of tables end in, where somebody says that it is one."""

FOUND = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")
"""What they end in where tables are looked for; text and JSON may be anything, but see `is_labels`."""

_LABELS = re.compile(r"dataset|_annotations\.coco|instances_.*")

SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
"""What the names of tables end in that only their own programs read."""

IMAGE_COLUMNS = (
    *("image", "file", "filename", "path", "photo", "filepath", "file_name", "image_path", "image_file", "image_name"),
    # of shops' exports, which have columns of further photos
    *("image src", "product image url", "image_link", "image_url", "image url", "main_image_url", "main image url"),
    *("base_image", "image1", "image 1"),
)
"""The columns tried, in this order, when none is named."""

_JSON = (".jsonl", ".ndjson", ".json")
_DELIMITERS = ",;\t|"
_SEPARATOR = re.compile(r'"?sep=(.)"?[;,\t ]*', re.IGNORECASE)  # a line above the header, for Excel
_MOST_TITLES = 10  # lines above the header
_QUOTED = re.compile(r'"[^"]*"')
_PHOTO_AND_REST = re.compile(rf"(.+?(?:{'|'.join(map(re.escape, PHOTO_EXTENSIONS))}))\s+(.*)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table; what is in a column becomes text when it is asked for.

    Args:
        name: What error messages call it.
        columns: The names of its columns.
        num_rows: Number of its rows.
        cells: The cells of a column, by its number.
        lines: Of text, the line in which each row begins, counted from 1.
        uneven: Rows with another number of fields than the header and most rows: number of the row to that of fields.
        inner: Lines inside quotation marks that read like rows: (line in which the field opens, fields).
        skipped: Rows that could not be read: (where, why).
        notes: What was done to read it, a line each.
    """

    name: str
    columns: tuple[str, ...]
    num_rows: int
    cells: Callable[[int], Iterable[Any]]
    lines: Sequence[int] = ()
    uneven: Mapping[int, int] = dataclasses.field(default_factory=dict)
    inner: Sequence[tuple[int, tuple[str, ...]]] = ()
    skipped: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()

    def position(self, column: str) -> int:
        """Where a column is; case and stray spaces make no difference.

        Raises:
            CatalogueError: If there is none or more than one of that name; the message lists the nearest names.
        """
        found = [i for i, name in enumerate(self.columns) if fold(name) == fold(column)]
        if not found:
            raise CatalogueError(f"{self.name} has no column {column!r}: {nearest(column, self.columns)}")
        if len(found) > 1:
            raise CatalogueError(f"{self.name} has {len(found)} columns called {column!r}: rename all but one.")
        return found[0]

    def has(self, column: str) -> bool:
        """Whether there is a column of that name."""
        return any(fold(name) == fold(column) for name in self.columns)

    def labels(self, column: str) -> list[str | tuple[str, ...]]:
        """The cells of a column as text, "" for "not given", or as tuples of texts if any holds several.

        Raises:
            CatalogueError: If there is no such column, or it holds what is no text.
        """
        try:
            cells = [_parts(cell) for cell in self.cells(self.position(column))]
        except CatalogueError:
            raise
        except Exception as error:  # pyarrow has its own family of exceptions
            raise CatalogueError(f"Column {column!r} of {self.name} cannot be read as text: {error}") from error
        if any(isinstance(cell, tuple) and len(cell) > 1 for cell in cells):
            return cells
        return [", ".join(cell) if isinstance(cell, tuple) else cell for cell in cells]

    def texts(self, column: str) -> list[str]:
        """As `labels`, each cell one text: what holds several is joined by `, `."""
        return [", ".join(cell) if isinstance(cell, tuple) else cell for cell in self.labels(column)]

    def vectors(self, column: str) -> list[str]:
        """The cells of a column of lists of numbers as `spell_vector` has them, "" for "not given".

        Raises:
            CatalogueError: If there is no such column, or a cell is no list of as many numbers as the first.
        """
        length, found = None, []
        for row, cell in enumerate(self.cells(self.position(column)), start=1):
            if isinstance(cell, str) and cell.strip():
                raise CatalogueError(
                    f"Column {column!r} of {self.name} holds text, and vectors are lists of numbers, as Parquet and "
                    f"JSON lines have them. Received: {cell[:60]!r} in row {row}"
                )
            if cell is None or cell == "":
                found.append("")
                continue
            try:
                found.append(spell_vector(cell, f"Column {column!r} of {self.name}, row {row}", length))
            except ConditionError as error:
                raise CatalogueError(str(error)) from error
            length = length or len(cell)
        return found

    def usual_image_columns(self) -> list[str]:
        """The columns that name photos by their own names, most usual first."""
        return [usual for usual in IMAGE_COLUMNS if self.has(usual)]


def _parts(cell: Any) -> str | tuple[str, ...]:
    """A cell as text, or as a tuple of texts if it is a list."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, list):
        return tuple(
            text for part in cell if (text := ", ".join(_parts(part)) if isinstance(part, list) else _one(part))
        )
    return _one(cell)


def _one(cell: Any) -> str:
    if isinstance(cell, dict):
        raise TypeError(f"it holds objects with the fields {', '.join(map(repr, list(cell)[:4]))}")
    return cell_text(cell)


def is_labels(name: str) -> bool:
    """Whether a JSON file is called as StyleGAN's labels or COCO's annotations are."""
    return _LABELS.fullmatch(PurePath(name).stem) is not None


def read_table(data: bytes, name: str, columns: Sequence[str] | None = None) -> Table:
    """Read a table from the bytes of its file, of which the name says the format.

    CSV may be separated by commas, semicolons, tabs, bars, a list of photos also by spaces, in UTF-8 or UTF-16.

    Args:
        data: The bytes.
        name: What messages call it.
        columns: What its columns are called, if it has no header.

    Raises:
        CatalogueError: If it cannot be read.
        MissingExtraError: If it is Parquet and pyarrow is not installed.
    """
    suffix = PurePath(name).suffix.casefold()
    if suffix not in (".parquet", *_JSON):
        return _read_csv(data, name, columns)
    if columns:
        raise CatalogueError(f"columns (--columns) is for CSV and text without a header, and {name} names its own.")
    return _read_parquet(data, name) if suffix == ".parquet" else _read_json(data, name)


def _decoded(data: bytes, name: str) -> str:
    """The text of a file in UTF-8 or UTF-16."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else _encoding_without_mark(data[:4096])
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        proper = "UTF-16" if encoding.startswith("utf-16") else "UTF-8"
        raise CatalogueError(
            f"{name} is not {proper}: line {line} has the byte {data[error.start]:#04x}. "
            "Save it as UTF-8 (in Excel: CSV UTF-8)."
        ) from error
    if "\0" in text:
        raise CatalogueError(f"{name} is no text: it holds null characters. Save it as UTF-8 (in Excel: CSV UTF-8).")
    return text


def _encoding_without_mark(start: bytes) -> str:
    """In UTF-16 each second byte of plain letters is 0; a table has some, whatever its language."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) < len(start) / 20 or min(even, odd) > max(even, odd) / 4:
        return "utf-8-sig"
    return "utf-16-be" if even > odd else "utf-16-le"


# === CSV ===


@dataclasses.dataclass(frozen=True)
class _Row:
    """A row of CSV.

    Args:
        begin: The number of its first line, from 0.
        length: How many lines it has.
        fields: Its fields.
        proper: Whether they are as a CSV writer writes them.
    """

    begin: int
    length: int
    fields: Sequence[str]
    proper: bool = True


def _read_csv(data: bytes, name: str, given: Sequence[str] | None) -> Table:
    lines = io.StringIO(_decoded(data, name), newline="").readlines()
    start, separator = _beginning(lines)
    count = lines[start].strip() if start < len(lines) else ""
    if count.isdigit() and 0 <= len(lines) - start - 1 - int(count) <= 2:  # of lines, as above some lists
        start = _next_line(lines, start + 1)
    if not given:
        start = _below_titles(lines, start, separator)
    if start == len(lines):
        raise _no_rows(name)
    delimiter = separator or _delimiter(lines, start, name)
    spaced = delimiter is None and _is_spaced(lines[start], name, given)
    delimiter = delimiter or ","
    quote = _quotation_mark(lines, start, delimiter)
    width = len(given) if given else None
    read = _rows_at_spaces(lines, start, width) if spaced else _rows(lines, start, delimiter, quote, name, width)
    # a global of the csv module, and texts of products can be longer than it allows
    before = csv.field_size_limit(sys.maxsize)
    try:
        return _table_of(read, name, given, lambda row, width: _inner_rows(lines, row, width, delimiter, quote))
    finally:
        csv.field_size_limit(before)


def _table_of(
    read: Iterable[_Row],
    name: str,
    given: Sequence[str] | None,
    inner_rows: Callable[[_Row, int], Iterable[tuple[int, tuple[str, ...]]]],
) -> Table:
    """The table of these rows, the first of which are its columns if these are not given."""
    columns = tuple(given or ())
    names = sorted(map(fold, columns))
    rows: list[list[str]] = []
    lines, widths, skipped = [], [], []
    inner: list[tuple[int, tuple[str, ...]]] = []
    left_out: dict[str, list[int]] = {}
    for row in read:
        fields, line = [_bare(f) if f[:2] == '="' else f for f in map(str.strip, row.fields)], row.begin + 1
        if fields and fields[0].startswith("\ufeff"):  # files that were joined
            fields[0] = fields[0].lstrip("\ufeff").strip()
        if row.proper and not any(fields):
            continue
        if not columns and not fields:
            raise CatalogueError(f"{name} line {line}: a quotation mark stands in the middle of the name of a column.")
        if not columns:
            columns = tuple(" ".join(field.split()) for field in fields)
            columns = (columns[0].lstrip("# ") or columns[0], *columns[1:])
            names = sorted(map(fold, columns))
        elif _same_names(fields, names):
            if [*map(fold, fields)] != [*map(fold, columns)]:
                raise CatalogueError(
                    f"{name} line {line} is another header, with the columns in another order: make a table of its own "
                    "of the rows below it."
                )
            if rows or not given:
                left_out.setdefault("the header once more", []).append(line)
        elif fields and _is_remark(fields, columns):
            left_out.setdefault("comments", []).append(line)
        elif reason := _why_not(row, fields, columns):
            skipped.append((f"{name} line {line}", reason))
        else:
            rows.append([*fields[: len(columns)], *[""] * (len(columns) - len(fields))])
            lines.append(line)
            widths.append(len(fields))
            inner += inner_rows(row, len(columns))
    if not rows:
        if skipped:
            raise CatalogueError(f"{name} has no row that can be read: {': '.join(skipped[0])}.")
        raise _no_rows(name)
    named = max((i for i, column in enumerate(columns, start=1) if column), default=0)
    # some writers leave out what is empty at the end of all rows, or add a delimiter to all
    usual = max(set(widths), key=lambda width: (widths.count(width), -abs(width - len(columns)), width))
    return Table(
        name,
        columns,
        len(rows),
        lambda at: (row[at] for row in rows),
        lines,
        {i: width for i, width in enumerate(widths) if width != usual and not named <= width <= len(columns)},
        inner,
        skipped,
        [
            f"{name}: {count_of(len(found), 'line')} taken for {what} and left out, the first of them line {found[0]}."
            for what, found in left_out.items()
        ],
    )


def _why_not(row: _Row, fields: Sequence[str], columns: Sequence[str]) -> str:
    """Why the fields of a row would land in the wrong columns, if they would."""
    if not row.proper and len(fields) != len(columns):
        return "a quotation mark is opened and closed in the middle of a field"
    if any(fields[len(columns) :]):  # most often a title with a comma and no quotes
        return f"{count_of(len(fields), 'field')} where the header has {len(columns)}"
    return ""


def _bare(field: str) -> str:
    """A field without what keeps spreadsheets from making a number of it: `="0012"`."""
    return field[2:-1].strip() if field.endswith('"') else field


def _no_rows(name: str) -> CatalogueError:
    return CatalogueError(f"{name} has no rows: expected a line of column names, then one line a photo.")


def _same_names(fields: Sequence[str], names: Sequence[str]) -> bool:
    """Whether fields are all the names of columns, which are sorted and folded, in any order."""
    return len(fields) == len(names) > 1 and fields[0].casefold() in names and sorted(map(fold, fields)) == names


def _is_remark(fields: Sequence[str], columns: Sequence[str]) -> bool:
    """Whether a row is a line of comment."""
    alone = len(columns) > 1 and not any(fields[1:])
    return alone and fields[0].startswith("#") and not fields[0].casefold().endswith(PHOTO_EXTENSIONS)


def _beginning(lines: Sequence[str]) -> tuple[int, str | None]:
    """The number of the first line that is no comment, and the separator that a line above it names."""
    separator = None
    start = _next_line(lines, 0)
    if start < len(lines) and (said := _SEPARATOR.fullmatch(lines[start].strip("\ufeff\r\n"))):
        separator, start = said[1], _next_line(lines, start + 1)
    while start < len(lines) and lines[start].startswith("#"):
        below = _next_line(lines, start + 1)
        if below == len(lines) or not _is_comment(lines[start], lines[below]):
            break
        start = below
    return start, separator


def _below_titles(lines: Sequence[str], start: int, separator: str | None) -> int:
    """The number of the header's line if titles stand above it: lines of fewer fields, without the name of a column."""

    def fields(line: str) -> list[str]:
        return [
            f for field in re.split(f"[{re.escape(separator or _DELIMITERS)}]", line) if (f := fold(field.strip('"')))
        ]

    first = fields(lines[start]) if start < len(lines) else []
    # one name among several columns, or above rows of several, is a title too, whatever the columns are called
    alone = len(first) == 1 and not any(end in first[0] for end in PHOTO_EXTENSIONS)
    for number in range(start + 1, min(start + _MOST_TITLES, len(lines))):
        found = fields(lines[number])
        if (
            not set(first).intersection(IMAGE_COLUMNS)
            and len(found) > len(first)
            and (set(found).intersection(IMAGE_COLUMNS) or (alone and _is_header(lines, number)))
        ):
            return number
    return start


def _is_header(lines: Sequence[str], number: int) -> bool:
    """Whether a line names no photo and the one below has as many fields."""
    below = _next_line(lines, number + 1)
    if below == len(lines) or any(end in lines[number].casefold() for end in PHOTO_EXTENSIONS):
        return False
    both = [_QUOTED.sub("", lines[n]) for n in (number, below)]
    return any(both[0].count(delimiter) == both[1].count(delimiter) > 0 for delimiter in _DELIMITERS)


def _is_comment(line: str, below: str) -> bool:
    """Whether a line that begins with # is no header: the line below it is one, or has another number of fields."""
    usual = any(fold(field.strip('"')) in IMAGE_COLUMNS for field in re.split(f"[{_DELIMITERS}]", below))
    return usual or any(line.count(delimiter) != below.count(delimiter) for delimiter in _DELIMITERS)


def _next_line(lines: Sequence[str], start: int) -> int:
    """The number of the first line from there that is not blank."""
    return next((n for n in range(start, len(lines)) if lines[n].strip()), len(lines))


def _delimiter(lines: Sequence[str], start: int, name: str) -> str | None:
    """What separates the fields: what stands as often in the header as in the row below it, or else most often."""
    header, below = _QUOTED.sub("", lines[start]), _next_line(lines, start + 1)
    row = _QUOTED.sub("", lines[below]) if below < len(lines) else ""
    if name.casefold().endswith(".tsv") and "\t" in header:
        return "\t"
    counts = {delimiter: header.count(delimiter) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda delimiter: (0 < counts[delimiter] == row.count(delimiter), counts[delimiter]))
    return best if counts[best] else None


def _quotation_mark(lines: Sequence[str], start: int, delimiter: str) -> str:
    """An apostrophe if the header or the first row is quoted with it."""
    below = _next_line(lines, start + 1)
    quoted = any(line.startswith("'") and f"'{delimiter}" in line for line in (lines[start], *lines[below : below + 1]))
    return "'" if quoted else '"'


def _rows(lines: Sequence[str], start: int, delimiter: str, quote: str, name: str, width: int | None) -> Iterator[_Row]:
    """The rows of CSV, read strictly: one that spans lines is as a CSV writer writes it, or an error."""
    dialect: dict[str, Any] = {"delimiter": delimiter, "quotechar": quote}
    escape = re.compile(rf"(?<!\\)((?:\\\\)*)\\{quote}")  # databases write \" for ""
    while start < len(lines):
        reader = csv.reader((lines[n] for n in range(start, len(lines))), strict=True, **dialect)
        begin = start
        try:
            for fields in reader:
                end = start + reader.line_num
                width = width or len(fields)
                yield _Row(begin, end - begin, fields)
                begin = end
            return
        except csv.Error as error:
            failed, end = error, start + reader.line_num
        closed = "unexpected end" not in str(failed)
        found = None
        if any(map(escape.search, lines[begin:end])):
            escaped = csv.reader(
                (escape.sub(rf"\1{2 * quote}", lines[n]) for n in range(begin, len(lines))), strict=True, **dialect
            )
            with contextlib.suppress(csv.Error):
                fields = next(escaped)
                found = _Row(begin, escaped.line_num, fields)
        if found is None and closed and end - begin == 1:
            found = _Row(begin, 1, _loose(lines[begin].rstrip("\r\n"), delimiter, quote, width), False)
        if found is None:
            opened = begin + _opening(lines[begin:end], delimiter, quote) + 1
            how = "never closed"
            if closed:
                how = f"closed in the middle of a field of line {end}, which makes one row of both and all between: "
                how += "remove or double it"
            raise CatalogueError(f"{name} line {opened}: a quotation mark is opened and {how}.") from failed
        width = width or len(found.fields)
        yield found
        start = begin + found.length


def _loose(line: str, delimiter: str, quote: str, width: int | None) -> list[str]:
    """The fields of a line with quotation marks inside fields, none if there is not the right number of them.

    Fields that begin with a quotation mark end with one, whatever they have inside; or they are as the csv module reads
    them, if no quotation mark is left alone.
    """
    apart, mark = re.escape(delimiter), re.escape(quote)
    field = re.compile(
        rf"(?:{mark}((?:[^{mark}]|{mark}(?!{apart}|$))*){mark}|([^{apart}{mark}][^{apart}]*|))(?:{apart}|$)"
    )
    fields, at = [], 0
    while at <= len(line) and (found := field.match(line, at)):
        fields.append(found[2] if found[1] is None else found[1].replace(2 * quote, quote))
        at = found.end() + (found.end() == len(line) and not found[0].endswith(delimiter))
    if at > len(line) and len(fields) == width:
        return fields
    fields = next(csv.reader([line], delimiter=delimiter, quotechar=quote))
    alone = any(field.count(quote) % 2 for field in fields)
    return [] if alone or (width and len(fields) != width) else fields


def _opening(lines: Sequence[str], delimiter: str, quote: str) -> int:
    """In which of the lines of a row the field opens that is open, or wrongly closed, in the last of them."""
    opened, quoted, closed, last = 0, False, False, delimiter
    for number, line in enumerate(lines):
        for character in line:
            if character == quote and quoted:
                quoted, closed = False, True
                continue
            if character == quote and closed:  # doubled, in the same field
                quoted = True
            elif character == quote and last == delimiter:
                quoted, opened = True, number
            elif closed and character not in (delimiter, "\r", "\n"):
                return opened
            closed, last = False, character
    return opened


def _inner_rows(
    lines: Sequence[str], row: _Row, width: int, delimiter: str, quote: str
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The lines of a row, but its first, that would be rows by themselves: (line in which the field opens, fields)."""
    for number in range(row.begin + 1, row.begin + row.length):
        for fields in csv.reader(lines[number : number + 1], delimiter=delimiter, quotechar=quote):
            if len(fields) == width:
                opened = row.begin + _opening(lines[row.begin : number], delimiter, quote) + 1
                yield opened, tuple(field.strip() for field in fields)


def _is_spaced(line: str, name: str, given: Sequence[str] | None) -> bool:
    """Whether spaces separate the fields, as in lists of a photo and its label."""
    if given:
        return len(given) > 1
    first, *others = line.split()
    return bool(others) and (name.casefold().endswith(".txt") or first.casefold().endswith(PHOTO_EXTENSIONS))


def _rows_at_spaces(lines: Sequence[str], start: int, width: int | None) -> Iterator[_Row]:
    """The rows of a list whose fields are separated by spaces, of which the name of a photo may have some."""
    width = width or len(lines[start].split())
    for number in range(start, len(lines)):
        line = lines[number].strip()
        photo = _PHOTO_AND_REST.fullmatch(line)
        fields = [photo[1], *photo[2].split(None, width - 2)] if photo else line.split(None, width - 1)
        yield _Row(number, 1, fields)


# === Other formats ===


def _read_json(data: bytes, name: str) -> Table:
    text = _decoded(data, name)
    if not name.casefold().endswith(".json"):
        numbered = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
        return _of_records(name, [_parsed(line, f"{name} line {n}") for n, line in numbered], [n for n, _ in numbered])
    whole = _parsed(text, name)
    labels = whole.get("labels") if isinstance(whole, dict) else None
    if isinstance(labels, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in labels):
        whole = [{"file": file, "label": label} for file, label in labels]
    elif isinstance(whole, dict) and {"images", "annotations", "categories"} <= whole.keys():
        whole = _of_coco(whole, name)
    elif isinstance(whole, dict) and len(whole) == 1 and all(map(_are_records, whole.values())):
        [whole] = whole.values()
    elif isinstance(whole, dict) and "labels" not in whole:
        if all(isinstance(known, dict) for known in whole.values()):
            whole = [{"file": file, **known} for file, known in whole.items()]
        elif not any(isinstance(known, list | dict) for known in whole.values()):
            whole = [{"file": file, "label": label} for file, label in whole.items()]
    if not isinstance(whole, list):
        raise CatalogueError(
            f'{name} is no table: expected {{"labels": [[file, label], …]}} as StyleGAN writes it, {{file: label, …}}, '
            "COCO, or a list of objects, one a photo."
        )
    return _of_records(name, whole)


def _are_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _of_coco(whole: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The pictures of COCO's annotations, each with the categories of what is in it."""
    try:
        names = {category["id"]: category["name"] for category in whole["categories"]}
        shown: dict[Any, list[str]] = {image["id"]: [] for image in whole["images"]}
        for annotation in whole["annotations"]:
            found = shown.get(annotation["image_id"], [])
            if names[annotation["category_id"]] not in found:
                found.append(names[annotation["category_id"]])
        return [{"file": image["file_name"], "category": shown[image["id"]]} for image in whole["images"]]
    except (KeyError, TypeError) as error:
        raise CatalogueError(f"{name} looks like COCO's annotations and cannot be read as such: {error!r}") from error


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CatalogueError(f"{where} cannot be read as JSON: {error}") from error


def _of_records(name: str, records: Sequence[Any], lines: Sequence[int] = ()) -> Table:
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            where = f"line {lines[number]}" if lines else f"entry {number + 1}"
            raise CatalogueError(f"{name} {where} is no object: expected one a photo, with its columns by name.")
    keys = list(dict.fromkeys(key for record in records for key in record))
    if not keys:
        raise CatalogueError(f"{name} has no rows: expected one object a photo.")
    columns = tuple(" ".join(key.split()) for key in keys)
    return Table(name, columns, len(records), lambda at: (record.get(keys[at]) for record in records), lines)


def _read_parquet(data: bytes, name: str) -> Table:
    parquet = require("pyarrow.parquet", "table")
    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        keys, num_rows = file.schema_arrow.names, file.metadata.num_rows
    except Exception as error:  # pyarrow has its own family of exceptions
        raise CatalogueError(f"{name} cannot be read as Parquet: {error}") from error
    if not num_rows:
        raise CatalogueError(f"{name} has no rows: expected one a photo.")
    columns = tuple(" ".join(key.split()) for key in keys)
    return Table(name, columns, num_rows, lambda at: file.read(columns=[keys[at]]).column(keys[at]).to_pylist())
