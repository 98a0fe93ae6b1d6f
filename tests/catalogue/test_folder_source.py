"""What the folders of photos say: classes on any level, splits, and what lies around and beside them."""

import io
import unicodedata
import zipfile
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.folder_source import folder_source, pair_source
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import CatalogueError


def photo(seed=0):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


PHOTO = photo()


def folder(path, names):
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(PHOTO)
    return path


def zipped(path, names):
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        for name in names:
            archive.writestr(name, PHOTO)
    return path.with_suffix(".zip")


def found(source):
    return Counter((item.split, *item.labels.items()) for item in source.items)


CLASSES = [f"{kind}/{i}.png" for kind in ("mugs", "rings") for i in range(8)]
SPLITS = [
    f"{split}/{name}" for split, part in (("train", "123456"), ("val", "70")) for name in CLASSES if name[-5] in part
]


@pytest.mark.parametrize("make", [folder, zipped])
@pytest.mark.parametrize("names", [CLASSES, SPLITS], ids=["classes", "splits"])
@pytest.mark.parametrize(
    ("around", "beside"),
    [
        ("", ["cover.jpg"]),
        ("shop/", []),
        ("my shop/photos/", []),
        ("shop/", ["shop/cover.jpg"]),
        ("shop/", ["cover.jpg"]),
        ("a/b/", ["a/cover.jpg", "a/b/banner.gif"]),
        (
            "shop/",
            ["__MACOSX/shop/mugs/._1.jpg", "__MACOSX/shop/cover.jpg", "shop/mugs/@eaDir/1.png/SYNOPHOTO_THUMB.jpg"],
        ),
        ("", ["runs/shop/grids/images-000000100.png", "runs/shop/recipe.json", "runs/shop/schema.json"]),
    ],
)
def test_what_lies_around_and_beside_class_folders_is_no_class(tmp_path, make, names, around, beside):
    plain = folder_source(make(tmp_path / "plain", names))
    source = folder_source(make(tmp_path / "shop", [*(around + name for name in names), *beside]))
    assert found(source) == found(plain)
    assert [item.name.removeprefix(around) for item in source.items] == [item.name for item in plain.items]
    assert source.attributes == ["class"] and not source.skipped
    strays = [name for name in beside if name.endswith(("cover.jpg", "banner.gif")) and "__MACOSX" not in name]
    notes = " ".join(source.notes)
    assert all(name in notes for name in strays)
    assert (f"{len(strays)} photo{'s' * (len(strays) > 1)} without a class, left out" in notes) == bool(strays)
    assert (around[:-1] in notes) and bool(notes)


def test_a_stray_photo_leaves_the_key_of_the_cache_as_it_is(tmp_path):
    before = folder_source(folder(tmp_path, CLASSES)).stamp
    assert folder_source(folder(tmp_path, ["cover.png"])).stamp == before


def test_many_photos_without_a_class_are_kept(tmp_path):
    source = folder_source(folder(tmp_path, [*CLASSES, *(f"{i}.png" for i in range(10))]))
    assert found(source) == {(None, ("class", "mugs")): 8, (None, ("class", "rings")): 8, (None,): 10}
    assert source.notes == ["10 photos without a class, trained on as 'not given': 0.png, 1.png, 2.png and 7 more."]


GROCERIES = [
    f"{path}/{i}.png"
    for i in range(3)
    for path in (
        "Fruit/Apple/Golden",
        "Fruit/Apple/Royal Gala",
        "Fruit/Kiwi",
        "Packages/Juice/Bravo",
        "Packages/Milk/Arla",
    )
]


@pytest.mark.parametrize("make", [folder, zipped])
@pytest.mark.parametrize("around", ["", "groceries/", "train/", "groceries/images/"])
def test_folders_in_folders_are_an_attribute_a_level(tmp_path, make, around):
    place = make(tmp_path / "shop", [around + name for name in GROCERIES])
    source = folder_source(place)
    split = "train" if around == "train/" else None
    assert source.attributes == ["class", "class 2", "class 3"]
    assert found(source) == {
        (split, ("class", "Fruit"), ("class 2", "Apple"), ("class 3", "Golden")): 3,
        (split, ("class", "Fruit"), ("class 2", "Apple"), ("class 3", "Royal Gala")): 3,
        (split, ("class", "Fruit"), ("class 2", "Kiwi")): 3,
        (split, ("class", "Packages"), ("class 2", "Juice"), ("class 3", "Bravo")): 3,
        (split, ("class", "Packages"), ("class 2", "Milk"), ("class 3", "Arla")): 3,
    }
    assert source.notes[-1] == (
        "Folders in folders: an attribute a level ('class', 2 values: Fruit, Packages; 'class 2', 4 values: Apple, "
        "Juice and 2 more; 'class 3', 4 values: Arla, Bravo and 2 more). --attributes A,B names them, fewer take fewer."
    )
    named = folder_source(place, attributes=["aisle", "kind", "brand"])
    assert named.attributes == ["aisle", "kind", "brand"] and named.stamp == source.stamp
    assert named.items[0].labels == {"aisle": "Fruit", "kind": "Apple", "brand": "Golden"}
    upper = folder_source(place, attributes=["aisle"])
    assert found(upper) == {(split, ("aisle", "Fruit")): 9, (split, ("aisle", "Packages")): 6}
    assert upper.notes[-1].startswith("The folders below 'aisle' are no attribute (4 values: Apple, Juice and 2 more)")
    with pytest.raises(
        CatalogueError, match=r"has 3 levels of class folders .*and 4 attributes are named for them: a, b, c, d"
    ):
        folder_source(place, attributes=list("abcd"))


def test_a_level_that_says_nothing_is_no_attribute(tmp_path):
    shared = folder_source(folder(tmp_path / "a", [f"{kind}/images/{i}.png" for kind in "ab" for i in range(3)]))
    assert shared.attributes == ["class"] and found(shared) == {(None, ("class", kind)): 3 for kind in "ab"}
    # a folder a product
    names = [f"{kind}/SKU{kind}{i}/front.png" for kind in "ab" for i in range(60)]
    products = folder_source(folder(tmp_path / "b", names))
    assert products.attributes == ["class"] and "120 values" in products.notes[-1]
    only = folder_source(folder(tmp_path / "c", ["rings/0.png", "rings/1.png"]))
    assert found(only) == {(None, ("class", "rings")): 2}


def test_splits_within_classes(tmp_path):
    names = [f"{kind}/{split}/{i}.png" for kind in ("mugs", "rings") for split in ("train", "test") for i in range(3)]
    source = folder_source(folder(tmp_path, names))
    assert source.attributes == ["class"]
    assert found(source) == {(split, ("class", kind)): 3 for kind in ("mugs", "rings") for split in ("train", "test")}


@pytest.mark.parametrize(
    "spellings",
    [
        ("Rosé", unicodedata.normalize("NFD", "Rosé")),
        ("Rosé", "rosé "),
        ("Rosé", "Ros\u200bé"),
        ("Rosé", "ROSÉ"),
    ],
)
def test_folders_that_read_the_same_are_one_class(tmp_path, spellings):
    names = [f"{kind}/{n}{i}.png" for n, kind in enumerate((*spellings, "Blue")) for i in range(3)]
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(photo(number))
    catalogue = Catalogue.from_folder(tmp_path, image_size=8, splits={"validation": 0}, cache=False)
    assert len(catalogue.schema.attributes[0].values) == 2
    assert sorted(Counter(catalogue.conditions()[:, 0].tolist()).values()) == [3, 6]
    assert catalogue.source.notes == [
        f"Folders that read the same are one: {' = '.join(map(repr, sorted(spellings)))}."
    ]


def test_levels_are_called_as_the_model_calls_them(tmp_path):
    place = folder(
        tmp_path, [f"{kind}/{colour}/{i}.png" for kind in "ab" for colour in ("red", "blue") for i in range(2)]
    )
    two = ConditionSchema([Attribute("kind", ("a", "b")), Attribute("colour", ("blue", "red"))], 8)
    assert folder_source(place, schema=two).attributes == ["kind", "colour"]
    assert folder_source(place, schema=ConditionSchema([Attribute("kind", ("a", "b"))], 8)).attributes == ["kind"]
    catalogue = Catalogue.from_folder(place, schema=two, cache=False)
    assert {tuple(ids) for ids in catalogue.conditions().tolist()} <= {(1, 1), (1, 2), (2, 1), (2, 2)}


def test_no_photos_at_all_says_what_is_there(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\3\4")
    (tmp_path / "b").mkdir()
    with pytest.raises(CatalogueError, match=r"has no photos.*1 archive not taken: a\.zip; unpack.*No photos in 'b'"):
        folder_source(tmp_path)


def test_stray_photos_of_pairs(tmp_path):
    pairs = pair_source(
        folder(tmp_path / "drawings", [f"all/{name}" for name in [*CLASSES, "cover.png"]]),
        folder(tmp_path / "photos", [*CLASSES, "cover.png"]),
        attributes=["kind"],
    )
    assert len(pairs.items) == 16 and not pairs.skipped and pairs.attributes == ["kind"]


def test_pairs_of_photos_without_extensions(tmp_path):
    names = [f"mugs/{i}" for i in range(4)]
    pairs = pair_source(folder(tmp_path / "d", [f"{name}.png" for name in names]), folder(tmp_path / "p", names))
    assert [item.name for item in pairs.items] == names and not pairs.skipped


def test_annotations_of_objects_are_named(tmp_path):
    folder(tmp_path, [name for i in range(3) for name in (f"JPEGImages/{i}.jpg", f"Annotations/{i}.xml")])
    [note] = [note for note in folder_source(tmp_path).notes if "called as photos" in note]
    assert note == (
        "3 files called as photos are not read: Annotations/0.xml, Annotations/1.xml, Annotations/2.xml; labels are "
        "folders, or stand in tables."
    )
