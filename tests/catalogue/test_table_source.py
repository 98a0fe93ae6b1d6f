import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.table_finding import tables_in, tables_not_read
from tfproductgan.catalogue.table_source import table_source
from tfproductgan.errors import CatalogueError


def photo(seed=0):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def place(path, files):
    """A folder with these files, or a zip."""
    files = {name: data.encode() if isinstance(data, str) else data for name, data in files.items()}
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return path
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def photos(*names):
    return dict.fromkeys(names, b"x")


def colours(source):
    return {item.name: item.labels["colour"] for item in source.items}


# === Names ===

CAMERA = ("IMG_0.JPG", "IMG_1.JPG", "IMG_2.JPG", "sub dir/IMG_3.JPG")


@pytest.mark.parametrize("kind", ["p", "p.zip"])
@pytest.mark.parametrize(
    "names",
    [
        CAMERA,
        [name.casefold() for name in CAMERA],
        [name.replace(".JPG", "") for name in CAMERA],
        [name.replace(".JPG", ".png") for name in CAMERA],
        [name.replace("/", "\\") for name in CAMERA],
        [name.replace(" ", "%20") for name in CAMERA],
        [f"./{name}" for name in CAMERA],
        [f"/{name}" for name in CAMERA],
        [f"photos/{name}" for name in CAMERA],
        [f"../photos/{name}" for name in CAMERA],
        [f"/home/anna/shop/photos/{name}" for name in CAMERA],
        [f"D:\\shop\\{name}" for name in CAMERA],
        [f"file:///home/anna/{name}" for name in CAMERA],
        [f"https://cdn.example.com/{name}?w=3" for name in CAMERA],
        [name.rpartition("/")[2] for name in CAMERA],
    ],
)
def test_names_that_other_systems_wrote(tmp_path, kind, names):
    files = place(tmp_path / kind, photos(*CAMERA))
    table = place(tmp_path, {"t.csv": "file,colour\n" + "".join(f"{n},c{i}\n" for i, n in enumerate(names))}) / "t.csv"
    source = table_source(table, files, attributes=["colour"])
    assert colours(source) == {name: f"c{i}" for i, name in enumerate(CAMERA)}
    assert bool(source.notes) == (
        names not in (CAMERA, [f"./{n}" for n in CAMERA], [n.replace("/", "\\") for n in CAMERA])
    )
    assert not source.skipped


def test_what_was_done_to_names_is_said(tmp_path):
    place(tmp_path, {"t.csv": "file\nimg_0.JPG\nimg_1.jpg\nIMG_2.png\nIMG_3.JPG\n", **photos(*CAMERA)})
    assert table_source(tmp_path / "t.csv").notes == [
        "2 photos named in another case: 'img_0.JPG' is IMG_0.JPG.",
        "1 photo named with another extension: 'IMG_2.png' is IMG_2.JPG.",
        "1 photo named with other folders: 'IMG_3.JPG' is sub dir/IMG_3.JPG.",
    ]


@pytest.mark.parametrize(
    ("files", "names", "taken", "skipped"),
    [
        (("a.jpg", "a.png", "b.jpg"), ("a", "b"), {"b.jpg"}, [("a", "may be a.jpg or a.png")]),
        (("x/1.jpg", "y/1.jpg", "b.jpg"), ("1.jpg", "b.jpg"), {"b.jpg"}, [("1.jpg", "may be x/1.jpg or y/1.jpg")]),
        # two names for one photo, of which one is to the letter
        (
            ("a.JPG", "b.jpg"),
            ("A.JPG", "a.JPG", "b.jpg"),
            {"a.JPG", "b.jpg"},
            [("row 1 of t.csv", "a.JPG is in row 2 already")],
        ),
        # and of which none is
        (
            ("1.jpg", "b.jpg"),
            ("mugs/1.jpg", "rings/1.jpg", "b.jpg"),
            {"b.jpg"},
            [
                ("mugs/1.jpg", "may be 1.jpg, and 'rings/1.jpg' may be so too"),
                ("rings/1.jpg", "may be 1.jpg, and 'mugs/1.jpg' may be so too"),
            ],
        ),
        # folders that differ are never the same
        (("mugs/1.jpg", "b.jpg"), ("rings/1.jpg", "b.jpg"), {"b.jpg"}, [("rings/1.jpg", "no such file in {place}")]),
    ],
)
def test_ambiguous_names_are_left_out_and_named(tmp_path, files, names, taken, skipped):
    place(tmp_path, {"t.csv": "\n".join(["file", *names]), **photos(*files)})
    source = table_source(tmp_path / "t.csv")
    assert {item.name for item in source.items} == taken
    assert source.skipped == [(name, reason.format(place=tmp_path.name)) for name, reason in skipped]


def test_a_photo_that_is_missing_among_paths_of_another_machine(tmp_path):
    place(tmp_path, {"t.csv": "file\n/data/a.jpg\n/data/b.jpg\n", **photos("a.jpg")})
    source = table_source(tmp_path / "t.csv")
    assert [item.name for item in source.items] == ["a.jpg"]
    assert source.skipped == [("/data/b.jpg", f"no such file in {tmp_path.name}")]


# === Rows that are not whole ===


@pytest.mark.parametrize(
    ("text", "taken", "left_out"),
    [
        # empty fields at the end that a writer left out
        ("a.jpg,Mug,Red,L\nb.jpg,Mug,Red\nc.jpg,Mug\n", {"a.jpg": "Red", "b.jpg": "Red", "c.jpg": ""}, []),
        # a field too few somewhere before
        ("a.jpg,Mug,Red,L\nb.jpg,Red,XL\nc.jpg,Mug,Red,\n", {"a.jpg": "Red", "c.jpg": "Red"}, ["t.csv line 3"]),
        # line breaks without quotation marks
        (
            "a.jpg,Mug,Red,L\nb.jpg,Big\nMug,Red,S\nc.jpg,x,Blue,\n",
            {"a.jpg": "Red", "c.jpg": "Blue"},
            ["t.csv line 3", "t.csv line 4"],
        ),
        (
            "a.jpg,Mug,Red,L\rb.jpg,Big\rMug,Red,S\rc.jpg,x,Blue,\r",
            {"a.jpg": "Red", "c.jpg": "Blue"},
            ["t.csv line 3", "t.csv line 4"],
        ),
        (
            "a.jpg,Mug,Red,L\nb.jpg\n,Mug,Red,S\nc.jpg,x,Blue,\n",
            {"a.jpg": "Red", "c.jpg": "Blue"},
            ["t.csv line 3", "row 3"],
        ),
        # delimiters too many, too few
        ("a.jpg,Mug,Red,L\nb.jpg,Mug,,Red,\nc.jpg,x,Blue,\n", {"a.jpg": "Red", "c.jpg": "Blue"}, ["t.csv line 3"]),
        ("a.jpg,Mug,Red,L\nb.jpg,Mug Red,L\nc.jpg,x,Blue,\n", {"a.jpg": "Red", "c.jpg": "Blue"}, ["t.csv line 3"]),
        # delimiters at the end of some rows
        ("a.jpg,Mug,Red,L,\nb.jpg,Mug,Red,L\nc.jpg,x,Blue,L,\n", {"a.jpg": "Red", "b.jpg": "Red", "c.jpg": "Blue"}, []),
        # prices with commas
        ("a.jpg,1,50,Red,L\nb.jpg,Mug,Red,\nc.jpg,x,Blue,\n", {"b.jpg": "Red", "c.jpg": "Blue"}, ["t.csv line 2"]),
        # lines that were joined
        ("a.jpg,Mug,Red,Lb.jpg,Mug,Red,S\nc.jpg,x,Blue,\n", {"c.jpg": "Blue"}, ["t.csv line 2"]),
    ],
)
def test_rows_that_are_split_shifted_or_joined_are_left_out(tmp_path, text, taken, left_out):
    place(tmp_path, {"t.csv": f"file,title,colour,size\n{text}", **photos("a.jpg", "b.jpg", "c.jpg")})
    source = table_source(tmp_path / "t.csv", attributes=["colour"])
    assert colours(source) == taken
    assert [where.removesuffix(" of t.csv") for where, _ in source.skipped] == left_out


def test_a_label_that_goes_on_in_the_next_line(tmp_path):
    place(tmp_path, {"t.csv": "file,colour\na.jpg,Dark\nRed\nb.jpg,Blue\n", **photos("a.jpg", "b.jpg")})
    source = table_source(tmp_path / "t.csv", attributes=["colour"])
    assert colours(source) == {"b.jpg": "Blue"}
    assert source.skipped[0] == ("t.csv line 2", "colour may go on in the next line")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # closed where a CSV writer could have closed it
        ('a.jpg,"Mug,Red\nb.jpg,Mug 12",Blue\nc.jpg,x,Red\n', r"t\.csv line 2: a quotation mark .* 'b\.jpg' among"),
        ('a.jpg,"x\ny",Red\nb.jpg,"Mug,Red\nc.jpg,Mug 12",Blue\n', r"t\.csv line 4: .* 'c\.jpg' among"),
        ('"a.jpg,x,Red\nb.jpg",y,Blue\nc.jpg,x,Red\n', r"t\.csv line 2: .* 'b\.jpg' among"),
        ("a.jpg,x,Red\ncolour,file,size\nBlue,b.jpg,L\n", r"t\.csv line 3 is another header"),
        ("a.jpg,x,Red\nfile,size\nb.jpg,L\n", r"t\.csv line 3 is another header"),
    ],
)
def test_tables_that_would_mix_labels_are_refused(tmp_path, text, said):
    text = text.replace("colour,file,size", "colour,file,title")
    place(tmp_path, {"t.csv": f"file,title,colour\n{text}", **photos("a.jpg", "b.jpg", "c.jpg")})
    with pytest.raises(CatalogueError, match=said):
        table_source(tmp_path / "t.csv", attributes=["colour"])


def test_fields_of_several_lines_that_only_look_like_rows(tmp_path):
    text = 'file,title,colour\na.jpg,"Set:\n1,2,3\nb.jpg,as above,too\n",Red\nb.jpg,x,Blue\n'
    place(tmp_path, {"t.csv": text, **photos("a.jpg", "b.jpg", "1.jpg.txt")})
    assert colours(table_source(tmp_path / "t.csv", attributes=["colour"])) == {"a.jpg": "Red", "b.jpg": "Blue"}


# === Where tables are ===

ROWS = "file,colour\na.jpg,Red\nb.jpg,Blue\n"


@pytest.mark.parametrize("kind", ["p", "p.zip"])
@pytest.mark.parametrize(
    ("table", "folder"),
    [
        ("products.csv", ""),
        ("shop/products.csv", "shop/"),
        ("shop/products.csv", "shop/images/"),
        ("shop/meta/products.csv", "shop/images/"),
        ("one/two/three/products.csv", "one/two/three/"),
        ("meta/products.csv", ""),
    ],
)
def test_a_table_is_found_wherever_it_lies(tmp_path, kind, table, folder):
    files = {
        table: ROWS,
        f"{folder}a.jpg": b"",
        f"{folder}b.jpg": b"",
        "shop/README.txt": "x",
        "__MACOSX/shop/._p.csv": "x",
    }
    found = place(tmp_path / kind, files)
    assert tables_in(found, ["colour"])
    source = table_source(found, attributes=["colour"])
    assert colours(source) == {f"{folder}a.jpg": "Red", f"{folder}b.jpg": "Blue"}
    assert any(table in note for note in source.notes) == ("/" in table)
    # and where both are named
    assert len(table_source(table, found, attributes=["colour"]).items) == 2


def test_paths_start_where_the_table_lies(tmp_path):
    files = {"shop/meta/products.csv": "file,colour\n../images/a.jpg,Red\nb.jpg,Blue\n"}
    files |= photos("shop/images/a.jpg", "shop/meta/b.jpg", "b.jpg", "other/images/a.jpg")
    source = table_source(place(tmp_path / "p.zip", files), attributes=["colour"])
    assert colours(source) == {"shop/images/a.jpg": "Red", "shop/meta/b.jpg": "Blue"}


CLASSES = photos("mugs/a.jpg", "mugs/b.jpg", "rings/c.jpg", "rings/d.jpg")


@pytest.mark.parametrize(
    ("files", "named", "found"),
    [
        (CLASSES, ["colour"], False),
        (CLASSES | {"prices.csv": "product,price\nmug,3\n"}, [], False),
        (CLASSES | {"prices.csv": "product,price\nmug,3\n"}, ["kind"], False),
        (photos("shop/mugs/a.jpg", "shop/rings/b.jpg") | {"orders.csv": "order,total\n1,3\n"}, [], False),
        (photos("shop/mugs/a.jpg", "shop/rings/b.jpg") | {"orders.csv": "order,total\n1,3\n"}, ["kind"], False),
        (photos("shop/mugs/a.jpg", "shop/rings/b.jpg") | {"orders.csv": "file,total\n1,3\n"}, [], True),
        (CLASSES | {"prices.csv": b"caf\xe9"}, [], False),
        (CLASSES | {"mugs/notes.csv": "file,colour\na.jpg,Red\n"}, [], False),
        (CLASSES | {"mugs/notes.csv": "file,colour\na.jpg,Red\n"}, ["colour"], True),
        (CLASSES | {"runs/shop/metrics.jsonl": '{"step": 1, "loss": 3}\n'}, ["kind"], False),
        (CLASSES | {"deep/prices.csv": "product,kind\nmug,3\n"}, ["kind"], True),
        (CLASSES | {"products.csv": "file,colour\nmugs/a.jpg,Red\n"}, [], True),
        (CLASSES | {"deep/er/products.csv": "file,colour\nmugs/a.jpg,Red\n"}, ["colour"], True),
        # which of two, and that of a name that is not quite a column's
        (CLASSES | {"a.csv": "file,size\nmugs/a.jpg,L\n", "b.csv": "file,colour\nmugs/a.jpg,Red\n"}, ["colour"], True),
        (CLASSES | {"a.csv": "file,size\nmugs/a.jpg,L\n", "b.csv": "file,colour\nmugs/a.jpg,Red\n"}, [], False),
        (CLASSES | {"products.csv": "file,colour\nmugs/a.jpg,Red\n"}, ["color"], True),
        (photos("a.jpg") | {"products.csv": "product,price\nmug,3\n"}, [], True),
    ],
)
def test_when_a_folder_is_a_table(tmp_path, files, named, found):
    assert (tables_in(place(tmp_path / "p", files), named) is not None) == found


def test_of_two_tables_that_have_the_column_one_must_be_named(tmp_path):
    files = place(tmp_path / "p", {"a.csv": ROWS, "b.csv": ROWS, **photos("a.jpg", "b.jpg")})
    with pytest.raises(CatalogueError, match=r"one table with the columns colour; it has 2: a\.csv, b\.csv"):
        tables_in(files, ["colour"])
    assert tables_not_read(files)[0].startswith("a.csv lists photos and is not read: its columns are 'file', 'colour'")
    # unless only one of them lists photos
    place(files, {"b.csv": "sku,colour\n9,Red\n"})
    assert colours(table_source(files, attributes=["colour"])) == {"a.jpg": "Red", "b.jpg": "Blue"}


def test_spreadsheets_among_photos_are_named(tmp_path):
    files = place(tmp_path / "p", CLASSES | {"shop.XLSX": b"PK", "~$shop.xlsx": b"x"})
    assert tables_not_read(files) == ["shop.XLSX not read: save what has labels as CSV (in Excel: CSV UTF-8)."]


def test_columns_of_two_tables(tmp_path):
    files = {"a.csv": "file,colour\na.jpg,Red\n", "b.csv": "file,size\na.jpg,L\n", **photos("a.jpg")}
    with pytest.raises(CatalogueError, match=r"a\.csv has no column 'size'"):
        table_source(place(tmp_path / "p", files), attributes=["colour", "size"])


@pytest.mark.parametrize("name", ["products.csv", "meta/products.csv"])
def test_a_table_that_cannot_be_read_is_not_passed_over(tmp_path, name):
    files = place(tmp_path / "p", CLASSES | {name: 'file,colour\nmugs/a.jpg,"Red\n'})
    with pytest.raises(CatalogueError, match="never closed"):
        tables_in(files, ["colour"])
    assert tables_in(files, ["kind"]) is None


# === Conventions ===


@pytest.mark.parametrize("kind", ["p", "p.zip"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_hugging_face_image_folders(tmp_path, kind, suffix):
    files = photos("train/a.png", "train/b.png", "test/a.png")
    for split, names in (("train", ("a.png", "b.png")), ("test", ("a.png",))):
        rows = [{"file_name": name, "colour": f"{split} {name}"} for name in names]
        files[f"{split}/metadata.{suffix}"] = written(rows, suffix)
    source = table_source(place(tmp_path / kind, files), attributes=["colour"])
    assert {(item.name, item.labels["colour"], item.split) for item in source.items} == {
        ("train/a.png", "train a.png", "train"),
        ("train/b.png", "train b.png", "train"),
        ("test/a.png", "test a.png", "test"),
    }


def written(rows, suffix):
    if suffix == "jsonl":
        return "\n".join(map(json.dumps, rows))
    if suffix == "csv":
        return "\n".join(",".join(row) for row in (rows[0], *(row.values() for row in rows)))
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    file = io.BytesIO()
    pandas.DataFrame(rows).to_parquet(file)
    return file.getvalue()


def test_tables_of_splits(tmp_path):
    files = {
        "train.csv": "file,colour\na.jpg,Red\n",
        "val.csv": "colour,file\nBlue,b.jpg\n",
        **photos("a.jpg", "b.jpg"),
    }
    source = table_source(place(tmp_path / "p", files), attributes=["colour"])
    assert [(item.name, item.labels["colour"], item.split) for item in source.items] == [
        ("a.jpg", "Red", "train"),
        ("b.jpg", "Blue", "validation"),
    ]


@pytest.mark.parametrize(
    "names", [("shop_train", "shop_val"), ("Train-items", "VALID items"), ("x.train2017", "x.val2017")]
)
def test_splits_are_words_in_the_names_of_tables(tmp_path, names):
    tables = {f"{name}.csv": f"file,colour\n{i}.jpg,Red\n" for i, name in enumerate(names)}
    source = table_source(place(tmp_path / "p", tables | photos("0.jpg", "1.jpg")), attributes=["colour"])
    assert [item.split for item in source.items] == ["train", "validation"]


def test_annotations_of_coco(tmp_path):
    def annotations(*names):
        return json.dumps(
            {
                "images": [{"id": 7 + i, "file_name": name} for i, name in enumerate(names)],
                "annotations": [{"image_id": 7, "category_id": c} for c in (2, 1, 2)],
                "categories": [{"id": 1, "name": "mug"}, {"id": 2, "name": "ring"}],
            }
        )

    files = {
        f"annotations/instances_{split}2017.json": annotations(f"{split}.jpg", f"{split}2.jpg")
        for split in ("train", "val")
    }
    files |= photos(*(f"{split}2017/{name}.jpg" for split in ("train", "val") for name in (split, f"{split}2")))
    source = table_source(place(tmp_path / "p.zip", files), attributes=["category"])
    assert [(item.name, item.labels["category"], item.split) for item in source.items] == [
        ("train2017/train.jpg", ("ring", "mug"), "train"),
        ("train2017/train2.jpg", (), "train"),
        ("val2017/val.jpg", ("ring", "mug"), "validation"),
        ("val2017/val2.jpg", (), "validation"),
    ]


def test_data_sets_of_stylegan(tmp_path):
    labels = {"labels": [[f"0000{i}/img0000000{i}.png", 6 + i] for i in range(2)]}
    files = {"dataset.json": json.dumps(labels), **photos("00000/img00000000.png", "00001/img00000001.png")}
    source = table_source(place(tmp_path / "p.zip", files), attributes=["label"])
    assert [(item.name, item.labels["label"]) for item in source.items] == [
        ("00000/img00000000.png", "6"),
        ("00001/img00000001.png", "7"),
    ]


@pytest.mark.parametrize("name", ["list.txt", "list.csv"])
@pytest.mark.parametrize("separator", [",", " ", "\t"])
def test_lists_without_a_header(tmp_path, name, separator):
    files = {name: f"a.jpg{separator}Red\nb.jpg{separator}Blue\n", **photos("a.jpg", "b.jpg")}
    table = place(tmp_path, files) / name
    assert colours(table_source(table, attributes=["colour"], columns=["file", "colour"])) == {
        "a.jpg": "Red",
        "b.jpg": "Blue",
    }
    with pytest.raises(
        CatalogueError, match=r"no header, its first line names the photo 'a\.jpg'.*--columns file,label\)"
    ):
        table_source(table, attributes=["label"])
    assert len(table_source(tmp_path, columns=["colour", "file"][::-1], attributes=["colour"]).items) == 2


def test_products_of_kaggle(tmp_path):
    rows = (
        "id,gender,year,name\n"
        + "".join(f"{1000 + i},Men,2012,Shirt {i}\n" for i in range(8))
        + "1008,Men,2012,Shirt, blue\n"
    )
    files = {"styles.csv": rows, **{f"images/{1000 + i}.jpg": b"" for i in range(8)}}
    source = table_source(place(tmp_path / "p", files), attributes=["gender"])
    assert [item.name for item in source.items] == [f"images/{1000 + i}.jpg" for i in range(8)]
    assert source.skipped == [("styles.csv line 10", "5 fields where the header has 4")]
    assert source.notes[0] == "Column 'id' of styles.csv names the photos."


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("sku,number", "{0},{0}", "2 columns that may name the photos: 'sku', 'number'"),
        ("sku,picture", "{1},x", r"no column of photos.*image=.*'sku', 'picture'"),
    ],
)
def test_columns_that_do_not_say_which_photo(tmp_path, header, row, said):
    rows = "\n".join([header, *(row.format(i, 100 + i) for i in range(8))])
    place(tmp_path, {"t.csv": rows, **{f"{i}.jpg": b"" for i in range(8)}})
    with pytest.raises(CatalogueError, match=said):
        table_source(tmp_path / "t.csv")


def test_whole_names_of_photos_go_before_prices_that_are_numbers_of_photos(tmp_path):
    rows = "product,picture,price\n" + "".join(f"Mug,{i}.jpg,{i}\n" for i in range(8))
    place(tmp_path, {"t.csv": rows, **{f"{i}.jpg": b"" for i in range(8)}})
    assert table_source(tmp_path / "t.csv").notes == ["Column 'picture' of t.csv names the photos."]


def test_the_column_that_holds_photos_goes_before_one_that_is_called_so(tmp_path):
    rows = "image,filename\n" + "".join(f"https://example.com/{i},{i}.jpg\n" for i in range(100, 104))
    place(tmp_path, {"t.csv": rows, **{f"{i}.jpg": b"" for i in range(100, 104)}})
    assert len(table_source(tmp_path / "t.csv").items) == 4


def test_all_photos_of_a_cell_have_the_labels_of_its_row(tmp_path):
    files = photos("a.jpg", "b.jpg", "c.jpg", "x.jpg, y.jpg", "d, e.jpg")
    web = "https://example.com/up/"
    cells = [f"{web}a.jpg?v=1, {web}b.jpg?v=2", "c.jpg", "x.jpg, y.jpg", "d, e.jpg"]
    rows = "image;colour\n" + "".join(f"{cell};{i}\n" for i, cell in enumerate(cells))
    source = table_source(place(tmp_path / "p", files | {"t.csv": rows}) / "t.csv", attributes=["colour"])
    assert colours(source) == {"a.jpg": "0", "b.jpg": "0", "c.jpg": "1", "x.jpg, y.jpg": "2", "d, e.jpg": "3"}
    assert source.notes[-1] == "1 row with several photos: each photo has the labels of its row."


def test_exports_of_woocommerce(tmp_path):
    rows = "ID,Name,Images,Parent\n" + "".join(
        f'{i},Mug,"https://a.b/up/{9 - i}.jpg, https://a.b/up/{9 - i}b.jpg",{i}\n' for i in range(4)
    )
    files = photos(*(f"up/{9 - i}{end}.jpg" for i in range(4) for end in ("", "b")))
    source = table_source(place(tmp_path / "p", files | {"t.csv": rows}) / "t.csv", attributes=["ID"])
    assert (
        source.notes[0] == "Column 'Images' of t.csv names the photos."
    )  # the numbers of products are names of others
    assert {item.name: item.labels["ID"] for item in source.items}["up/9b.jpg"] == "0" and len(source.items) == 8


@pytest.mark.parametrize(("handle", "title"), [("Handle", "Title"), ("URL handle", "Title"), ("handleId", "name")])
def test_rows_of_further_photos_and_variants(tmp_path, handle, title):
    web = "https://cdn.example/files/"
    rows = [
        f"{handle},{title},Type,Option1 Value,Image Src",
        f"mug,A mug,Mug,Red,{web}a.jpg?v=1",
        f"mug,,,,{web}b.jpg?v=2",  # a further photo
        "mug,,,Blue,",  # a variant
        f"ring,A ring,,Gold,{web}c.jpg?v=3",
    ]
    place(tmp_path, {"t.csv": "\n".join(rows), **photos("img/a.jpg", "img/b.jpg", "img/c.jpg")})
    source = table_source(tmp_path / "t.csv", attributes=["Type", "Option1 Value"], text=title)
    assert [(item.labels["Type"], item.labels["Option1 Value"], item.text) for item in source.items] == [
        ("Mug", "Red", "A mug"),
        ("Mug", "", "A mug"),
        ("", "Gold", "A ring"),
    ]
    assert not source.skipped
    assert source.notes[0] == "2 rows of further photos and variants: what is empty is as in the product's row."


@pytest.mark.parametrize("columns", ["image_link,additional_image_link", "base_image,thumbnail_image", "IMAGE1,IMAGE2"])
def test_columns_of_further_photos(tmp_path, columns):
    rows = f"id,{columns}\n" + "".join(f"A{i},{i}.jpg,{i}b.jpg\n" for i in range(8))
    place(tmp_path, {"t.csv": rows, **photos(*(f"{i}{end}.jpg" for i in range(8) for end in ("", "b")))})
    assert [item.name for item in table_source(tmp_path / "t.csv").items] == [f"{i}.jpg" for i in range(8)]


@pytest.mark.parametrize(
    "cell",
    [
        "https://a.b/t/1/{0}+a.jpg https://a.b/t/2/{0}b.jpg",  # Squarespace
        "{0} a.jpg (https://v5.example/u/1),{0}b.jpg (https://v5.example/u/2)",  # Airtable
        "{0} a.jpg;{0}b.jpg",
    ],
)
def test_what_is_between_the_photos_of_a_cell(tmp_path, cell):
    rows = "name,photos\n" + "".join(f'Mug,"{cell.format(i)}"\n' for i in range(4))
    place(tmp_path, {"t.csv": rows, **photos(*(f"{i}{end}.jpg" for i in range(4) for end in (" a", "b")))})
    assert len(table_source(tmp_path / "t.csv").items) == 8


def test_of_numbered_columns_the_first_is_taken(tmp_path):
    rows = "Product,Image File - 1,Image File - 2\n" + "".join(f"A{i},{i}.jpg,{i}b.jpg\n" for i in range(4))
    place(tmp_path, {"t.csv": rows, **photos(*(f"{i}{end}.jpg" for i in range(4) for end in ("", "b")))})
    assert table_source(tmp_path / "t.csv").notes[0] == "Column 'Image File - 1' of t.csv names the photos."


def test_lists_that_are_not_read_are_named(tmp_path):
    lists = {"labels.txt": "mugs/a.jpg Red\nmugs/b.jpg Blue\n", "classes.txt": "1 mugs\n", "mugs/readme.txt": "x"}
    assert tables_not_read(place(tmp_path, {**lists, **photos("mugs/a.jpg", "mugs/b.jpg")})) == [
        "labels.txt lists photos and is not read: --columns says what its columns are, as in --columns file,label."
    ]


def test_what_photos_are_called_is_said_where_none_is_found(tmp_path):
    place(tmp_path / "p", photos("DSC_1.jpg", "DSC_2.jpg"))
    place(tmp_path, {"t.csv": "image\nDSC_1_small.jpg\nDSC_2_small.jpg\n"})
    with pytest.raises(CatalogueError, match=r"no such file in p\), where photos are called DSC_1\.jpg, DSC_2\.jpg"):
        table_source(tmp_path / "t.csv", tmp_path / "p")


def test_cells_with_several_values_come_as_tuples(tmp_path):
    rows = '{"file": "a.jpg", "tags": ["new", "sale"], "kind": ["mug"]}\n{"file": "b.jpg", "tags": [], "kind": []}\n'
    place(tmp_path, {"t.jsonl": rows, **photos("a.jpg", "b.jpg")})
    source = table_source(tmp_path / "t.jsonl", attributes=["tags", "kind"], text="tags")
    assert [item.labels for item in source.items] == [
        {"tags": ("new", "sale"), "kind": "mug"},
        {"tags": (), "kind": ""},
    ]
    assert [item.text for item in source.items] == ["new, sale", ""]


def test_photos_in_no_row_are_said(tmp_path):
    files = place(tmp_path / "p", {"t.csv": ROWS, **photos("a.jpg", "b.jpg", "c.jpg", "d.jpg")})
    said = ["2 photos in no row, so left out: c.jpg, d.jpg."]
    assert table_source(files, attributes=["colour"]).notes == said
    assert table_source(files / "t.csv", files, attributes=["colour"]).notes == said


def test_what_was_done_reaches_people(tmp_path):
    files = {"t.csv": "file\nA.PNG\nB.PNG\n", "a.png": photo(0), "b.png": photo(1)}
    catalogue = Catalogue.from_table(place(tmp_path, files) / "t.csv", image_size=8, cache=False)
    assert catalogue.notes == ["2 photos named in another case: 'A.PNG' is a.png."]
    assert catalogue.summary().endswith(f"note        {catalogue.notes[0]}")
