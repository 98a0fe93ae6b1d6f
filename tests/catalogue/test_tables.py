import io

import pytest

from tfproductgan.catalogue.tables import read_table
from tfproductgan.errors import CatalogueError, MissingExtraError

CSV = 'file,colour,title\na.jpg,Red,"A mug, large"\nb.jpg,,\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_csv_in_its_encodings(encoding, newline):
    table = read_table(CSV.replace("\n", newline).encode(encoding), "p.csv")
    assert table.columns == ("file", "colour", "title")
    assert table.rows == (("a.jpg", "Red", "A mug, large"), ("b.jpg", "", ""))


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_separators(delimiter):
    table = read_table(f"file{delimiter}colour\na.jpg{delimiter}Red, dark\n".encode(), "p.csv")
    assert table.rows == (("a.jpg", "Red, dark"),)


def test_fields_over_several_lines_and_blank_lines():
    table = read_table(b'file,title\n\na.jpg,"two\nlines"\n\n,\nb.jpg,x\n', "p.csv")
    assert table.rows == (("a.jpg", "two\nlines"), ("b.jpg", "x"))


def test_rows_with_too_many_fields_are_skipped_and_short_ones_filled():
    table = read_table(b"file,title,year\na.jpg,Mug, large,2012\nb.jpg,Mug\nc.jpg,Mug,2012,\n", "p.csv")
    assert table.rows == (("b.jpg", "Mug", ""), ("c.jpg", "Mug", "2012"))
    assert table.skipped == (("p.csv line 2", "4 fields where the header has 3"),)


def test_another_encoding_is_named_with_its_line():
    with pytest.raises(CatalogueError, match=r"p\.csv is not UTF-8: line 3.*0xe9"):
        read_table("file,title\na.jpg,Cup\nb.jpg,Caf\xe9\n".encode("latin-1"), "p.csv")


@pytest.mark.parametrize("data", [b"", b"\n\n", b"file,colour\n"])
def test_no_rows(data):
    with pytest.raises(CatalogueError, match="no rows"):
        read_table(data, "p.csv")


@pytest.mark.parametrize(
    ("rows", "line"),
    [('a.jpg,"Red\nb.jpg,Blue\n', 2), ('a.jpg,"Red"\n\nb.jpg,"Blue\n\n', 4), ('a.jpg,"two\nlines"\nb.jpg,"x', 4)],
)
def test_a_quotation_mark_that_is_never_closed_is_found(rows, line):
    with pytest.raises(CatalogueError, match=f"line {line}: a quotation mark is opened and never closed"):
        read_table(f"file,colour\n{rows}".encode(), "p.csv")


def test_quotation_marks_inside_fields_are_fine():
    table = read_table(b'file,title\na.jpg,15" laptop\nb.jpg,"Big" mug\nc.jpg,"said ""yes"""\n', "p.csv")
    assert [row[1] for row in table.rows] == ['15" laptop', "Big mug", 'said "yes"']


def test_a_missing_column_names_the_nearest():
    table = read_table(CSV.encode(), "p.csv")
    assert table.position(" COLOUR ") == 1
    with pytest.raises(CatalogueError, match="did you mean 'colour'"):
        table.position("color")


def test_columns_of_one_name():
    with pytest.raises(CatalogueError, match="2 columns"):
        read_table(b"file,a,A\nx,1,2\n", "p.csv").position("a")


@pytest.mark.parametrize(
    "column", ["image", "File", "filename", "path", "photo", "filepath", "File Name".replace(" ", "_")]
)
def test_the_image_column_is_found(column):
    table = read_table(f"id,{column}\n1,a.jpg\n".encode(), "p.csv")
    assert table.columns[table.position(table.image_column())] == column


def test_no_image_column():
    with pytest.raises(CatalogueError, match=r"image=.*'id', 'picture of it'"):
        read_table(b"id,picture of it\n1,a\n", "p.csv").image_column()


def test_parquet():
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(
        {
            "file": ["a.jpg", "b.jpg", "c.jpg"],
            "year": [2012, None, 2014],
            "colour": pandas.Categorical(["Red", None, " Blue "]),
            "sold": [True, False, True],
        }
    )
    file = io.BytesIO()
    frame.to_parquet(file)
    table = read_table(file.getvalue(), "p.parquet")
    assert table.columns == ("file", "year", "colour", "sold")
    assert table.rows[0] == ("a.jpg", "2012", "Red", "True")
    assert table.rows[1] == ("b.jpg", "", "", "False")
    assert table.rows[2][2] == "Blue"
    with pytest.raises(CatalogueError, match="Parquet"):
        read_table(b"file,colour\n", "p.parquet")


def test_parquet_without_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"tfproductgan\[table\]"):
        read_table(b"", "p.parquet")
