"""Tables of products, CSV or Parquet, as columns of text."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

from tfproductgan.catalogue.cells import cell_text
from tfproductgan.conditions import fold
from tfproductgan.errors import CatalogueError, nearest, require

EXTENSIONS = (".csv", ".tsv", ".parquet")

IMAGE_COLUMNS = ("image", "file", "filename", "path", "photo", "filepath", "file_name", "image_path", "image_file")
"""The columns tried, in this order, when none is named."""

_DELIMITERS = ",;\t|"


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as text.

    Args:
        name: What error messages call it.
        columns: The names of its columns.
        rows: One tuple of texts a row; the empty text is "not given".
        skipped: Rows that could not be read: (where, why).
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    skipped: tuple[tuple[str, str], ...] = ()

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

    def image_column(self) -> str:
        """The column that names the photos, found by its usual names.

        Raises:
            CatalogueError: If no column has such a name.
        """
        for usual in IMAGE_COLUMNS:
            if self.has(usual):
                return usual
        raise CatalogueError(
            f"{self.name} has no column of photos called {', '.join(IMAGE_COLUMNS[:6])} or alike. "
            f"Name it with image=... (--image-column); the columns are: {', '.join(map(repr, self.columns))}"
        )


def read_table(data: bytes, name: str) -> Table:
    """Read a table from the bytes of its file, of which the name says the format.

    CSV may be separated by commas, semicolons, tabs or bars, in UTF-8 or UTF-16.

    Raises:
        CatalogueError: If it cannot be read.
        MissingExtraError: If it is Parquet and pandas is not installed.
    """
    if Path(name).suffix.casefold() == ".parquet":
        return _read_parquet(data, name)
    return _read_csv(data, name)


def _read_csv(data: bytes, name: str) -> Table:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        proper = encoding.removesuffix("-sig").upper()
        raise CatalogueError(
            f"{name} is not {proper}: line {line} has the byte {data[error.start]:#04x}. "
            "Save it as UTF-8 (in Excel: CSV UTF-8)."
        ) from error
    if "\0" in text:
        raise CatalogueError(f"{name} is no text: it holds null characters. Save it as UTF-8 (in Excel: CSV UTF-8).")
    header = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    rows, skipped = [], []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns: tuple[str, ...] = ()
    begin = 0  # lines before the row that is being read
    try:
        for row in reader:
            last, begin = begin, reader.line_num
            if not any(field.strip() for field in row):
                continue
            if not columns:
                columns = tuple(" ".join(field.split()) for field in row)
            elif len(row) > len(columns) and any(field.strip() for field in row[len(columns) :]):
                # most often a title with a comma and no quotes: its fields would land in the wrong columns
                reason = f"{len(row)} fields where the header has {len(columns)}"
                skipped.append((f"{name} line {reader.line_num}", reason))
            else:
                fields = [field.strip() for field in row[: len(columns)]]
                rows.append(tuple(fields + [""] * (len(columns) - len(fields))))
    except csv.Error as error:
        raise CatalogueError(f"{name} line {reader.line_num} cannot be read: {error}") from error
    if not rows and not skipped:
        raise CatalogueError(f"{name} has no rows: expected a line of column names, then one line a photo.")
    _refuse_open_quote(text, last, delimiter, name)
    return Table(name, columns, tuple(rows), tuple(skipped))


def _refuse_open_quote(text: str, lines_before: int, delimiter: str, name: str) -> None:
    """Stop if the last row ends inside quotation marks: it has swallowed all the others below it."""
    lines = io.StringIO(text, newline="").readlines()[lines_before:]
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise CatalogueError(
                f"{name} line {lines_before + 1}: a quotation mark is opened and never closed."
            ) from error


def _read_parquet(data: bytes, name: str) -> Table:
    pandas = require("pandas", "table")
    require("pyarrow", "table")
    try:
        frame = pandas.read_parquet(io.BytesIO(data))
    except Exception as error:  # pyarrow has its own family of exceptions
        raise CatalogueError(f"{name} cannot be read as Parquet: {error}") from error
    if frame.empty:
        raise CatalogueError(f"{name} has no rows: expected one a photo.")
    columns = tuple(" ".join(str(column).split()) for column in frame.columns)
    texts = [[cell_text(value) for value in frame.iloc[:, i].tolist()] for i in range(len(columns))]
    return Table(name, columns, tuple(zip(*texts, strict=True)))
