import datetime
import decimal
import io
import json
import sys

import pytest

from tfproductgan.catalogue.tables import read_table
from tfproductgan.errors import CatalogueError, MissingExtraError

CSV = 'file,colour,title\na.jpg,Red,"A mug, large"\nb.jpg,,\n'


def rows(data, name="p.csv", columns=None):
    """The rows of a table as text."""
    table = read_table(data.encode() if isinstance(data, str) else data, name, columns)
    return list(zip(*map(table.texts, table.columns), strict=True))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_csv_in_its_encodings(encoding, newline):
    text = CSV.replace("Red", "Rosé 手").replace("\n", newline)
    assert rows(text.encode(encoding)) == [("a.jpg", "Rosé 手", "A mug, large"), ("b.jpg", "", "")]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_separators(delimiter):
    assert rows(f"file{delimiter}colour\na.jpg{delimiter}Red, dark\n") == [("a.jpg", "Red, dark")]


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nfile;colour\na.jpg;Red\n",
        "\ufeffSEP=;\r\nfile;colour\r\na.jpg;Red\r\n",
        '"sep=;"\nfile;colour\na.jpg;Red\n',
        "sep=^\nfile^colour\na.jpg^Red\n",
        "file;colour;\na.jpg;Red;\n",
        "# exported, 2024, by hand\nfile,colour\n# one photo,\na.jpg,Red\n# the end\n",
        "# file,colour\na.jpg,Red\n",
        "file,colour\r\n\r\na.jpg,Red\n\r,\n",
        "Products,,\n\n2024,,\nfile,colour,\na.jpg,Red,\n",
        "Products of the shop\nfile;colour\na.jpg;Red\n",
        "'file','colour'\n'a.jpg','Red'\n",
        "file,colour\n'a.jpg','Red'\n",
        '"file, of the photo";colour\na.jpg;Red\n',
        "file,colour\na.jpg,Red\n\ufefffile,Colour\n",
        'file,colour\n="a.jpg",="Red"\n',
        'file,colour,text\na.jpg,Red,"' + "x" * 200_000 + '"\n',
    ],
)
def test_csv_as_other_programs_write_it(text):
    assert [row[:2] for row in rows(text)] == [("a.jpg", "Red")]


@pytest.mark.parametrize(
    "title", ["Export of 1.1.2026;;", "Export of 1.1.2026;;\n;;", "Export of 1.1.2026\n", "Products;;\n2026;;"]
)
def test_titles_above_columns_of_other_names(title):
    table = read_table(f"{title}\nBild;Farbe;Preis\na.jpg;Rot;3,50\n".encode(), "p.csv")
    assert table.columns == ("Bild", "Farbe", "Preis")
    assert table.texts("Farbe") == ["Rot"]


def test_fields_over_several_lines_and_blank_lines():
    text = 'file,title\n\na.jpg,"two\nlines, ""three""\r\nfour"\n\n,\nb.jpg,x\n'
    assert rows(text) == [("a.jpg", 'two\nlines, "three"\r\nfour'), ("b.jpg", "x")]


def test_rows_with_too_many_fields_are_skipped_and_short_ones_filled():
    table = read_table(b"file,title,year\na.jpg,Mug, large,2012\nb.jpg,Mug\nc.jpg,Mug,2012,\n", "p.csv")
    assert [table.texts(name) for name in table.columns] == [["b.jpg", "c.jpg"], ["Mug", "Mug"], ["", "2012"]]
    assert list(table.skipped) == [("p.csv line 2", "4 fields where the header has 3")]
    assert table.uneven == {0: 2}


def test_writers_that_leave_out_what_is_empty_in_all_rows():
    assert read_table(b"file,colour,size\na.jpg,Red\nb.jpg,Blue\n", "p.csv").uneven == {}


def test_another_encoding_is_named_with_its_line():
    with pytest.raises(CatalogueError, match=r"p\.csv is not UTF-8: line 3.*0xe9.*Save it as UTF-8"):
        rows("file,title\na.jpg,Cup\nb.jpg,Café\n".encode("cp1252"))


@pytest.mark.parametrize("data", [b"", b"\n\n", b"file,colour\n", b"sep=;\n", b"file,colour\nfile,colour\n"])
def test_no_rows(data):
    with pytest.raises(CatalogueError, match="no rows"):
        rows(data)


def test_no_row_that_can_be_read():
    with pytest.raises(CatalogueError, match=r"no row that can be read: p\.csv line 2: 3 fields"):
        rows('"file","colour"\n"1","a.jpg","Red"\n"2","b.jpg","Blue"\n')  # R writes numbers of rows


# === Quotation marks ===


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a.jpg,"Red\nb.jpg,Blue\n', 2),
        ('a.jpg,"Red"\n\nb.jpg,"Blue\n\n', 4),
        ('a.jpg,"two\nlines"\nb.jpg,"x', 4),
    ],
)
def test_a_quotation_mark_that_is_never_closed_is_found(text, line):
    with pytest.raises(CatalogueError, match=f"line {line}: a quotation mark is opened and never closed"):
        rows(f"file,colour\n{text}")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a.jpg,"Retro mug,Red\nb.jpg,x,Blue\nc.jpg,"Old" mug,Red\n', 2),
        ('a.jpg,"fine\nhere",Red\nb.jpg,"Retro\nc.jpg,"Old" mug,Red\n', 4),
        ('a.jpg,"one\ntwo","Retro mug,Red\nb.jpg,"x",Blue\n', 3),
        ("'a.jpg','Retro mug,Red\n'b.jpg','x','Blue'\n", 2),
    ],
)
def test_a_quotation_mark_that_swallows_rows_is_refused_with_its_line(text, line):
    with pytest.raises(
        CatalogueError, match=rf"p\.csv line {line}: a quotation mark is opened and closed in the middle"
    ):
        rows(f"file,title,colour\n{text}")


def test_lines_in_a_field_that_read_like_rows_are_told():
    table = read_table(b'file,title,colour\na.jpg,"Retro mug,Red\nb.jpg,Mug 12",Blue\nc.jpg,"x\n1,2\n",Red\n', "p.csv")
    assert table.num_rows == 2
    assert list(table.inner) == [(2, ("b.jpg", 'Mug 12"', "Blue"))]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ('15" laptop', '15" laptop'),
        ('"Big" mug', "Big mug"),
        ('"said ""yes"""', 'said "yes"'),
        (r'"12\" ring"', '12" ring'),
        (r'"ring 12\""', 'ring 12"'),
        (r'"a \"ring\", gold"', 'a "ring", gold'),
        (r'"C:\dir\"', "C:\\dir\\"),
        ('"12" ring"', '12" ring'),
        ('"12" ring, gold"', '12" ring, gold'),
        ('"two\nlines with 12"" rings"', 'two\nlines with 12" rings'),
        ('"two\nlines with 12\\" rings"', 'two\nlines with 12" rings'),
        ("women's", "women's"),
        ("'n' roll", "'n' roll"),
        ('""', ""),
    ],
)
def test_quotation_marks_inside_fields(field, text):
    assert rows(f'file,title,colour\na.jpg,{field},"Red"\nb.jpg,x,Blue\n') == [
        ("a.jpg", text, "Red"),
        ("b.jpg", "x", "Blue"),
    ]


@pytest.mark.parametrize("row", ['a.jpg,"12" ring, gold,Red', 'a.jpg,"x"y,z"', 'a.jpg,"Big", "mug,Red'])
def test_rows_whose_quotation_marks_split_or_join_fields_are_skipped(row):
    table = read_table(f"file,title,colour\n{row}\nb.jpg,x,Blue\n".encode(), "p.csv")
    assert (table.texts("file"), table.texts("colour")) == (["b.jpg"], ["Blue"])
    assert [where for where, _ in table.skipped] == ["p.csv line 2"]


def test_repeated_headers_and_comments_are_left_out_and_noted():
    table = read_table(b"file,colour\na.jpg,Red\nFile,Colour\nb.jpg,Blue\n# the end\n", "p.csv")
    assert table.texts("file") == ["a.jpg", "b.jpg"]
    assert list(table.notes) == [
        "p.csv: 1 line taken for the header once more and left out, the first of them line 3.",
        "p.csv: 1 line taken for comments and left out, the first of them line 5.",
    ]
    with pytest.raises(CatalogueError, match=r"p\.csv line 3 is another header, with the columns in another order"):
        rows("file,colour\na.jpg,Red\ncolour,file\nBlue,b.jpg\n")


# === Columns ===


def test_a_missing_column_names_the_nearest():
    table = read_table(CSV.encode(), "p.csv")
    assert table.position(" COLOUR ") == 1
    with pytest.raises(CatalogueError, match="did you mean 'colour'"):
        table.position("color")


def test_columns_of_one_name():
    with pytest.raises(CatalogueError, match="2 columns"):
        read_table(b"file,a,A\nx,1,2\n", "p.csv").position("a")


@pytest.mark.parametrize("column", ["image", "File", "filename", "path", "photo", "filepath", "file_name"])
def test_the_usual_columns_of_photos(column):
    assert read_table(f"id,{column}\n1,a.jpg\n".encode(), "p.csv").usual_image_columns() == [column.casefold()]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a.jpg,Red\nb c.jpg,Dark blue\n", "p.csv"),
        ("file,label\na.jpg,Red\nb c.jpg,Dark blue\n", "p.csv"),
        ("a.jpg\tRed\nb c.jpg\tDark blue\n", "list.txt"),
        ("a.jpg Red\nb c.jpg Dark blue\n", "list.txt"),
        ("a.jpg   Red\n\nb c.jpg Dark blue", "list.csv"),
    ],
)
def test_lists_without_a_header(text, name):
    assert rows(text, name, ["file", "label"]) == [("a.jpg", "Red"), ("b c.jpg", "Dark blue")]


def test_the_number_of_lines_above_a_list():
    text = "2\nimage_name  category_label\nimg/a.jpg      7\nimg/b.jpg  12\n"
    table = read_table(text.encode(), "list_category_img.txt")
    assert table.columns == ("image_name", "category_label") and table.texts("category_label") == ["7", "12"]


def test_a_list_with_the_photo_last():
    assert rows("Red a.jpg\nBlue b c.jpg\n", "list.txt", ["label", "file"]) == [("Red", "a.jpg"), ("Blue", "b c.jpg")]


def test_names_for_columns_of_a_table_that_has_them():
    with pytest.raises(CatalogueError, match=r"--columns\) is for CSV .*p\.jsonl names its own"):
        rows('{"file": "a.jpg"}', "p.jsonl", ["file"])


# === JSON ===


def test_json_lines():
    first = '{"file_name": "a.jpg", "size": 2, "new": true, "box": {"x": 1}}'
    text = first + '\n\n{"file_name": "b.jpg", "tags": ["a", "b"]}\r\n'
    table = read_table(text.encode(), "metadata.jsonl")
    assert table.columns == ("file_name", "size", "new", "box", "tags")
    assert [table.texts(c) for c in ("file_name", "size", "new")] == [["a.jpg", "b.jpg"], ["2", ""], ["True", ""]]
    assert table.labels("tags") == ["", ("a", "b")] and table.texts("tags") == ["", "a, b"]
    with pytest.raises(CatalogueError, match=r"Column 'box' of metadata\.jsonl .* objects with the fields 'x'"):
        table.texts("box")


def test_labels_of_stylegan():
    data = json.dumps({"labels": [["00000/img00000000.png", 6], ["00000/img00000001.png", 0]]})
    assert rows(data, "dataset.json") == [("00000/img00000000.png", "6"), ("00000/img00000001.png", "0")]
    for text in (
        '[{"file": "a.jpg", "label": "Red"}]',
        '{"products": [{"file": "a.jpg", "label": "Red"}]}',
        '{"a.jpg": "Red"}',
        '{"a.jpg": {"label": "Red"}}',
    ):
        assert rows(text, "p.json") == [("a.jpg", "Red")]


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ('{"file": "a.jpg"}\n{"file": ', "p.jsonl", r"p\.jsonl line 2 cannot be read as JSON"),
        ('{"file": "a.jpg"}\n[1]', "p.jsonl", r"p\.jsonl line 2 is no object"),
        ("", "p.jsonl", r"p\.jsonl has no rows"),
        ('{"labels": null}', "dataset.json", r"dataset\.json is no table: expected .*StyleGAN"),
        ('{"images": []}', "coco.json", r"coco\.json is no table"),
        ('{"images": [{}], "annotations": [], "categories": []}', "a.json", r"a\.json looks like COCO's annotations"),
    ],
)
def test_json_that_is_no_table(text, name, said):
    with pytest.raises(CatalogueError, match=said):
        rows(text, name)


# === Parquet ===


def parquet(columns):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    file = io.BytesIO()
    pandas.DataFrame(columns).to_parquet(file)
    return read_table(file.getvalue(), "p.parquet")


def test_parquet_of_any_types():
    pandas = pytest.importorskip("pandas")
    days = [datetime.datetime(2024, 1, 2), None, datetime.datetime(2024, 1, 2, 3, 4, 5)]
    expected = {
        "year": ([2012, None, 2014], ["2012", "", "2014"]),
        "colour": (pandas.Categorical(["Red", None, " Blue "]), ["Red", "", "Blue"]),
        "sold": ([True, False, True], ["True", "False", "True"]),
        "stock": (pandas.array([1, None, 3], "Int64"), ["1", "", "3"]),
        "new": (pandas.array([True, None, False], "boolean"), ["True", "", "False"]),
        "kind": (pandas.array(["Mug", None, "Ring"], "string"), ["Mug", "", "Ring"]),
        "since": (days, ["2024-01-02", "", "2024-01-02 03:04:05"]),
        "day": ([datetime.date(2024, 1, 2), None, datetime.date(2024, 1, 3)], ["2024-01-02", "", "2024-01-03"]),
        "price": ([decimal.Decimal("1.50"), None, decimal.Decimal("2.00")], ["1.50", "", "2"]),
        "code": ([b"x1", b"", None], ["x1", "", ""]),
        "one": ([["a"], [], None], ["a", "", ""]),
        "empty": ([None, None, None], ["", "", ""]),
    }
    table = parquet({name: cells for name, (cells, _) in expected.items()})
    assert {name: table.labels(name) for name in table.columns} == {
        name: texts for name, (_, texts) in expected.items()
    }


def test_parquet_with_lists_and_structures():
    table = parquet({"file": ["a.jpg", "b.jpg"], "tags": [["new", "sale"], None], "image": [{"bytes": b"x"}] * 2})
    assert table.texts("file") == ["a.jpg", "b.jpg"]  # whatever the others hold
    assert table.labels("tags") == [("new", "sale"), ""] and table.texts("tags") == ["new, sale", ""]
    with pytest.raises(CatalogueError, match=r"Column 'image' of p\.parquet .* objects with the fields 'bytes'"):
        table.labels("image")


def test_parquet_with_an_index_of_names():
    pandas = pytest.importorskip("pandas")
    file = io.BytesIO()
    pandas.DataFrame({"colour": ["Red"]}, index=pandas.Index(["a.jpg"], name="file")).to_parquet(file)
    assert read_table(file.getvalue(), "p.parquet").texts("file") == ["a.jpg"]


def test_what_is_no_parquet():
    pytest.importorskip("pyarrow")
    with pytest.raises(CatalogueError, match="Parquet"):
        read_table(b"file,colour\n", "p.parquet")


def test_parquet_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"tfproductgan\[table\]"):
        read_table(b"", "p.parquet")
