import io
import logging
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

import tfproductgan
from tfproductgan.catalogue import preparing
from tfproductgan.catalogue.catalogue import Catalogue, Preparation
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import CatalogueError, ConditionError


def photo(seed=0, width=30, height=40, suffix="PNG", enlarged=None):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    (image if enlarged is None else image.resize((enlarged, enlarged))).save(file, suffix)
    return file.getvalue()


def write(folder, contents):
    for name, data in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def zipped(path, contents):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


CLASSES = {f"{kind}/{i}.png": photo(10 * k + i) for k, kind in enumerate(["hat", "shoe"]) for i in range(10)}
SPLIT = {
    f"{split}/{name}": data
    for split, part in [("train", 0), ("Val", 1)]
    for name, data in CLASSES.items()
    if int(name[-5]) % 4 == part
}


# === Folders ===


@pytest.mark.parametrize("wrapper", ["", "my shop/photos/"])
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_folder_of_classes(tmp_path, kind, wrapper):
    contents = {wrapper + name: data for name, data in CLASSES.items()} | {"notes.txt": b"hello"}
    place = zipped(tmp_path / "p.zip", contents) if kind == "zip" else write(tmp_path / "p", contents)
    catalogue = Catalogue.from_folder(place, attribute="category", image_size=16)
    assert catalogue.schema.attributes == (Attribute("category", ("hat", "shoe")),)
    assert catalogue.size("train") + catalogue.size("validation") == 20
    assert catalogue.images("train").shape[1:] == (16, 16, 3)
    assert catalogue.schema.aspect == 0.75
    assert catalogue.placements[0].crop(catalogue.images()).shape[1:] == (16, 12, 3)


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_folder_with_splits(tmp_path, kind):
    place = zipped(tmp_path / "p.zip", SPLIT) if kind == "zip" else write(tmp_path / "p", SPLIT)
    catalogue = Catalogue.from_folder(place, image_size=16)
    assert (catalogue.size("train"), catalogue.size("validation"), catalogue.size("test")) == (6, 6, 0)
    assert sorted(catalogue.conditions("val")[:, 0]) == [1, 1, 1, 2, 2, 2]
    assert np.shares_memory(catalogue.images("train"), catalogue.images("validation").base)


def test_folder_of_photos_without_classes_is_unconditional(tmp_path):
    catalogue = Catalogue.from_folder(write(tmp_path / "p", {"a.png": photo(1), "b.png": photo(2)}), image_size=16)
    assert catalogue.schema.names == () and catalogue.conditions().shape == (catalogue.size(), 0)


def test_split_folders_beside_class_folders(tmp_path):
    place = write(tmp_path / "p", {"train/hat/a.png": photo(), "shoe/b.png": photo()})
    with pytest.raises(CatalogueError, match="'shoe'"):
        Catalogue.from_folder(place)


def test_nothing_to_read(tmp_path):
    with pytest.raises(CatalogueError, match="<class>/<photo>"):
        Catalogue.from_folder(write(tmp_path / "p", {"a.txt": b""}))
    with pytest.raises(CatalogueError, match="nowhere"):
        Catalogue.from_folder(tmp_path / "nowhere")


# === Tables ===

TABLE = "File,Split,colour,kind,title\n" + "".join(
    f"images/{i}.jpg,{'train' if i % 4 else 'val'},{['Red', 'red ', 'Blue', ''][i % 4]},{'Mug' if i < 19 else 'Ring'},"
    f'"Mug, no. {i}"\n'
    for i in range(20)
)
PHOTOS = {f"images/{i}.jpg": photo(i, suffix="JPEG") for i in range(20)}


@pytest.mark.parametrize("layout", ["beside", "folder", "zip", "all in one zip", "named in zip"])
def test_table(tmp_path, layout):
    table, images = tmp_path / "products.csv", None
    everything = {"products.csv": TABLE.encode(), **PHOTOS}
    if layout == "beside":
        write(tmp_path, everything)
    elif layout == "all in one zip":
        table = zipped(tmp_path / "p.zip", everything)
    elif layout == "named in zip":
        table, images = "products.csv", zipped(tmp_path / "p.zip", everything)
    else:
        table.write_text(TABLE)
        images = (zipped if layout == "zip" else write)(tmp_path / "photos", PHOTOS)
    catalogue = Catalogue.from_table(
        table, images, attributes=["colour", "kind"], text="title", titles=False, image_size=16
    )
    assert catalogue.schema.names == ("colour", "kind") and catalogue.schema.text == "title"
    assert (catalogue.size("train"), catalogue.size("validation")) == (15, 5)
    assert catalogue.captions("validation")[1] == "Mug, no. 4"
    assert [a.values for a in catalogue.schema.attributes] == [("Blue", "red"), ("Mug", "Ring")]
    assert catalogue.conditions("train")[:3].tolist() == [[2, 1], [1, 1], [0, 1]]
    assert not catalogue.skipped


def test_table_in_parquet(tmp_path):
    pandas = pytest.importorskip("pandas")
    write(tmp_path, PHOTOS)
    pandas.read_csv(io.StringIO(TABLE)).to_parquet(tmp_path / "p.parquet")
    catalogue = Catalogue.from_table(tmp_path / "p.parquet", attributes="colour", image_size=16)
    assert catalogue.schema.attribute("colour").values == ("Blue", "red")


def test_drawn_splits_instead_of_the_column(tmp_path):
    write(tmp_path, {"p.csv": TABLE.encode(), **PHOTOS})
    drawn = Catalogue.from_table(tmp_path / "p.csv", image_size=16, splits={"test": 0.5})
    assert drawn.size("validation") == 0 and drawn.size("test") > 2


def test_copies_stay_on_one_side(tmp_path):
    pictures = [photo(i, 6, 6, enlarged=80) for i in range(30)]
    table = "file\n" + "".join(f"{i}.png\n{i}.jpg\n" for i in range(30))
    files = {f"{i}.png": data for i, data in enumerate(pictures)}
    for name, data in list(files.items()):
        file = io.BytesIO()
        Image.open(io.BytesIO(data)).save(file, "JPEG", quality=95)
        files[name.replace("png", "jpg")] = file.getvalue()
    write(tmp_path, {"p.csv": table.encode(), **files})
    catalogue = Catalogue.from_table(tmp_path / "p.csv", image_size=32, splits={"validation": 0.4})
    for indices in catalogue.splits.values():
        assert sorted({i // 2 for i in indices}) == sorted(i // 2 for i in indices[::2])


def test_the_split_of_a_photo_does_not_depend_on_the_picture_size(tmp_path):
    place = write(tmp_path / "p", CLASSES)
    small, large = (Catalogue.from_folder(place, image_size=size, splits={"val": 0.5}) for size in (8, 32))
    np.testing.assert_array_equal(small.splits["validation"], large.splits["validation"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": ["color"]}, "did you mean 'colour'"),
        ({"image": "photo"}, "no column 'photo'"),
        ({"text": "name"}, "no column 'name'"),
        ({"split_column": "kind"}, "'Mug'; a split is called"),
        ({"image": "title"}, "None of the 20 photos"),
        ({"images": "nowhere"}, "nowhere"),
        ({"attributes": ["kind"], "min_count": 100}, "min_count"),
        ({"picture_size": 3}, "Unknown option 'picture_size'"),
        ({"fit": "stretch"}, "stretch"),
        ({"channels": 4}, "channels"),
        ({"image_size": 0}, "image_size"),
        ({"max_unreadable": 5}, "max_unreadable"),
        ({"splits": {"train": 0.8}}, "'train'"),
    ],
)
def test_wrong_options(tmp_path, options, message):
    write(tmp_path, {"p.csv": TABLE.encode(), **PHOTOS})
    with pytest.raises((CatalogueError, ConditionError), match=message):
        Catalogue.from_table(tmp_path / "p.csv", **options)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file\n../secret.jpg\n", "leads out"),
        ("file\n/etc/secret.jpg\n", "not inside"),
        ("file\nhttps://shop.example/a.jpg\n", "web addresses"),
    ],
)
def test_tables_that_lead_elsewhere(tmp_path, table, message):
    write(tmp_path, {"p.csv": table.encode()})
    with pytest.raises(CatalogueError, match=message):
        Catalogue.from_table(tmp_path / "p.csv")


def test_zips_without_one_table(tmp_path):
    with pytest.raises(CatalogueError, match="one table"):
        Catalogue.from_table(zipped(tmp_path / "none.zip", PHOTOS))
    with pytest.raises(CatalogueError, match=r"it has 2: a\.csv, b\.csv"):
        Catalogue.from_table(zipped(tmp_path / "two.zip", {"a.csv": b"file\n", "b.csv": b"file\n"}))
    with pytest.raises(CatalogueError, match=r"p\.xlsx"):
        Catalogue.from_table(tmp_path / "p.xlsx")
    with pytest.raises(CatalogueError, match="does not exist"):
        Catalogue.from_table(tmp_path / "p.csv")


# === What cannot be read ===


def test_what_cannot_be_read_is_left_out_and_said(tmp_path, caplog):
    bad = {"hat/empty.png": b"", "hat/text.jpg": b"hello", "shoe/cut.png": photo(1)[:300]}
    place = write(tmp_path / "p", CLASSES | bad)
    with caplog.at_level(logging.WARNING, "tfproductgan"):
        catalogue = Catalogue.from_folder(place, image_size=16, max_unreadable=0.2)
    assert sorted(name for name, _ in catalogue.skipped) == sorted(bad)
    assert dict(catalogue.skipped)["hat/empty.png"] == "the file is empty"
    assert len(caplog.records) == 1 and "3 of 23" in caplog.text and "hat/empty.png" in caplog.text
    assert sum(map(catalogue.size, ("train", "validation"))) == 20
    with pytest.raises(CatalogueError, match=r"3 of 23 .* at most 5 % .*max_unreadable"):
        Catalogue.from_folder(place, image_size=16)


def test_rows_without_photo_or_with_too_many_fields_count_as_unreadable(tmp_path):
    table = TABLE + "images/gone.jpg,train,Red,Mug,x\n,train,Red,Mug,x\nimages/1.jpg,train,Red,Mug,x,y\n"
    write(tmp_path, {"p.csv": table.encode(), **PHOTOS})
    catalogue = Catalogue.from_table(tmp_path / "p.csv", image_size=16, max_unreadable=0.2)
    assert sorted(catalogue.skipped) == [
        ("images/gone.jpg", f"no such file in {tmp_path.name}"),
        ("p.csv line 24", "6 fields where the header has 5"),
        ("row 22 of p.csv", "file is empty"),
    ]


# === Schema ===


def test_values_are_those_of_the_training_photos():
    images = np.zeros((6, 8, 8, 3), np.uint8)
    catalogue = Catalogue.from_arrays(
        images, {"colour": ["a", "a", "a", "b", "a", "new"]}, splits=["train"] * 4 + ["validation"] * 2, min_count=2
    )
    assert catalogue.schema.attribute("colour").values == ("a",)
    assert catalogue.conditions("train")[:, 0].tolist() == [1, 1, 1, 0]
    assert catalogue.conditions("validation")[:, 0].tolist() == [1, 0]
    assert catalogue.schema.combinations == (((1,), 3), ((0,), 1))


def test_binding_to_the_schema_of_a_model(tmp_path, caplog):
    write(tmp_path, {"p.csv": TABLE.encode(), **PHOTOS})
    schema = ConditionSchema([Attribute("Kind", ("Watch", "Mug")), Attribute("colour", ("red", "blue"))], 16, 3)
    catalogue = Catalogue.from_table(tmp_path / "p.csv", schema=schema)
    assert catalogue.schema is schema and catalogue.image_size == 16
    assert catalogue.conditions("train")[:3].tolist() == [[2, 1], [2, 2], [2, 0]]
    assert "1 of 20 photos have a Kind that the model has not learnt ('Ring')" in caplog.text
    with pytest.raises(CatalogueError, match="image_size=32"):
        Catalogue.from_table(tmp_path / "p.csv", schema=schema, image_size=32)


def test_a_folder_binds_to_the_only_attribute(tmp_path):
    schema = ConditionSchema([Attribute("articleType", ("Shoe", "Hat"))], 16, 3)
    catalogue = Catalogue.from_folder(write(tmp_path / "p", CLASSES), schema=schema)
    assert set(catalogue.conditions()[:, 0]) == {1, 2}


def test_aspect_is_named_only_if_nearly_all_share_it(tmp_path):
    mixed = {f"hat/{i}.png": photo(i, 30, 40 if i % 2 else 30) for i in range(10)}
    place = write(tmp_path / "p", mixed)
    assert Catalogue.from_folder(place, image_size=16).schema.aspect is None
    one_differs = write(tmp_path / "q", CLASSES | {"hat/11.png": photo(99, 90, 20)})
    assert Catalogue.from_folder(one_differs, image_size=16, splits={}).schema.aspect == 0.75
    assert Catalogue.from_folder(one_differs, image_size=16, fit="crop").schema.aspect is None


# === Arrays ===


@pytest.mark.parametrize(
    ("shape", "channels"), [((20, 12, 12), 1), ((20, 12, 12, 1), 1), ((20, 12, 12, 3), 3), ((20, 9, 12, 4), 3)]
)
def test_arrays(shape, channels):
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    catalogue = Catalogue.from_arrays(images, {"label": ["a", None] * 10})
    assert (catalogue.image_size, catalogue.channels) == (12, channels)
    if channels == 1:
        np.testing.assert_array_equal(catalogue.images()[..., 0], images.reshape(20, 12, 12)[catalogue.splits["train"]])


@pytest.mark.parametrize(
    ("images", "labels", "splits"),
    [
        (np.zeros((3, 8, 8), np.float32), {}, None),
        (np.zeros((3, 8, 8, 2), np.uint8), {}, None),
        (np.zeros((0, 8, 8, 3), np.uint8), {}, None),
        (np.zeros((3, 8, 8, 3), np.uint8), {"label": ["a"]}, None),
        (np.zeros((3, 8, 8, 3), np.uint8), {}, ["train", "train"]),
        (np.zeros((3, 8, 8, 3), np.uint8), {}, ["train", "train", "tset"]),
        (np.zeros((3, 8, 8, 3), np.uint8), {}, ["test", "test", "test"]),
    ],
)
def test_arrays_that_do_not_fit(images, labels, splits):
    with pytest.raises(CatalogueError):
        Catalogue.from_arrays(images, labels, splits)


# === The whole ===


def test_fingerprint_follows_what_the_stream_delivers(tmp_path):
    place = write(tmp_path / "p", CLASSES)
    first = Catalogue.from_folder(place, image_size=16)
    assert first.fingerprint == Catalogue.from_folder(place, image_size=16, cache=False).fingerprint
    others = [
        Catalogue.from_folder(place, image_size=8),
        Catalogue.from_folder(place, image_size=16, splits={"test": 0.3}),
        Catalogue.from_folder(place, image_size=16, attribute="kind"),
    ]
    (place / "hat" / "0.png").write_bytes(photo(77))
    others.append(Catalogue.from_folder(place, image_size=16))
    assert len({first.fingerprint, *(other.fingerprint for other in others)}) == 5


def test_the_second_start_decodes_nothing(tmp_path, monkeypatch):
    place = write(tmp_path / "p", CLASSES)
    first = Catalogue.from_folder(place, image_size=16)
    monkeypatch.setattr(preparing, "read_item", None)
    again = Catalogue.from_folder(place, image_size=16)
    assert again.fingerprint == first.fingerprint and again.placements == first.placements
    monkeypatch.undo()
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    os.utime(place / "hat" / "0.png", (1, 1))
    (place / "hat" / "0.png").write_bytes(photo(50))
    assert Catalogue.from_folder(place, image_size=16).fingerprint != first.fingerprint


def test_catalogues_that_are_not_kept(tmp_path):
    Catalogue.from_folder(write(tmp_path / "p", CLASSES), image_size=16, cache=False)
    assert not (tmp_path / "cache").exists()
    Catalogue.from_folder(tmp_path / "p", image_size=16, cache=tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "photos").exists() and not (tmp_path / "cache").exists()


def test_what_people_see(tmp_path):
    write(tmp_path, {"p.csv": TABLE.encode(), **PHOTOS})
    catalogue = Catalogue.from_table(
        tmp_path / "p.csv", attributes=["colour"], text="title", titles=False, image_size=16
    )
    assert repr(catalogue) == "<Catalogue train 15, validation 5; colour (2); 16 px, 3 channels>"
    assert "Blue 5" in catalogue.summary() and "not given 5" in catalogue.summary()


def test_pictures_are_not_changed_by_accident():
    catalogue = Catalogue.from_arrays(np.zeros((8, 4, 4, 3), np.uint8), splits=["train"] * 8)
    with pytest.raises(ValueError, match="read-only"):
        catalogue.images()[0] = 1


def test_public_name():
    assert tfproductgan.Catalogue is Catalogue
    assert Preparation().image_size == 64


@pytest.mark.skipif("TFPRODUCTGAN_PRODUCTS_ZIP" not in os.environ, reason="needs TFPRODUCTGAN_PRODUCTS_ZIP")
@pytest.mark.slow
def test_real_products():
    catalogue = Catalogue.from_table(
        os.environ["TFPRODUCTGAN_PRODUCTS_ZIP"],
        attributes=["articleType", "baseColour"],
        text="productDisplayName",
        titles=False,
        min_count=100,
    )
    assert catalogue.schema.aspect == 0.75 and not catalogue.skipped
    assert catalogue.size("train") > 8 * catalogue.size("validation") / 1.2
    assert catalogue.schema.attribute("baseColour").id_of("navy blue")
