import io
import re
import sys

import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.array_source import array_source
from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.errors import CatalogueError

COUNT = 8
PHOTOS = np.random.default_rng(0).integers(0, 256, (COUNT, 6, 6, 3), np.uint8)
NUMBERS = np.arange(COUNT)
COLOURS = ["Red", "Blue"] * 4
GAPS = ["Red", None, "Blue", ""] * 2


def labels_of(labels, splits=None):
    """The labels of each photo, in the photos' order."""
    source = array_source(PHOTOS, labels, splits)
    items = sorted(source.items, key=lambda item: int(item.name.split()[-1]))
    return {name: [item.labels[name] for item in items] for name in source.attributes}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (COLOURS, {"class": COLOURS}),
        (np.array(COLOURS), {"class": COLOURS}),
        ({"a": iter(COLOURS)}, {"a": COLOURS}),
        ({"a": GAPS}, {"a": ["Red", "", "Blue", ""] * 2}),
        ({"a": np.array(GAPS, object)}, {"a": ["Red", "", "Blue", ""] * 2}),
        ({"a": np.array(COLOURS, "S")}, {"a": COLOURS}),
        ({"a": [b"Red", b"Blue"] * 4}, {"a": COLOURS}),
        ({"a": NUMBERS % 2}, {"a": ["0", "1"] * 4}),
        ({"a": np.where(NUMBERS % 2, 1.0, np.nan)}, {"a": ["", "1"] * 4}),
        ({"a": np.ma.masked_equal(NUMBERS % 2, 0)}, {"a": ["", "1"] * 4}),
        ({"a": NUMBERS % 2 == 1}, {"a": ["False", "True"] * 4}),
        ({"a": (NUMBERS % 2)[:, None]}, {"a": ["0", "1"] * 4}),
        ({"a": np.array(COLOURS)[:, None, None]}, {"a": COLOURS}),
        ({"a": [[colour] for colour in COLOURS]}, {"a": COLOURS}),
        ({"a": np.eye(4)[NUMBERS % 4]}, {"a": ["0", "1", "2", "3"] * 2}),
        ({"a": np.eye(4, dtype=bool)[NUMBERS % 4].tolist()}, {"a": ["0", "1", "2", "3"] * 2}),
        ({"a": np.eye(3)[NUMBERS % 2] * (NUMBERS < 7)[:, None]}, {"a": [*(["0", "1"] * 4)[:7], ""]}),
        ([{"a": "Red"}, {"a": "Blue", "b": 1}] * 4, {"a": COLOURS, "b": ["", "1"] * 4}),
        (np.array([("Red", 1), ("Blue", 2)] * 4, [("a", "U4"), ("b", int)]), {"a": COLOURS, "b": ["1", "2"] * 4}),
        ({"a": [["Pine", "white"], [], ["Pine"], None] * 2}, {"a": [("Pine", "white"), (), ("Pine",), ""] * 2}),
        (None, {}),
    ],
)
def test_labels(labels, expected):
    assert labels_of(labels) == expected


def test_labels_of_pandas():
    pandas = pytest.importorskip("pandas")
    colour = pandas.Series(COLOURS, index=range(100, 100 + COUNT), name="colour").where(NUMBERS > 0)
    expected = ["", *COLOURS[1:]]
    for dtype in (object, "string", "category"):
        assert labels_of({"a": colour.astype(dtype)}) == {"a": expected}
    assert labels_of(colour) == {"colour": expected}
    frame = pandas.DataFrame(
        {
            "colour": colour.to_numpy(),
            "size": pandas.Series(NUMBERS % 3).where(NUMBERS > 0).astype("Int64"),
            "year": pandas.Series(2010.0 + NUMBERS % 2).where(NUMBERS > 0),
            "new": pandas.Series(NUMBERS % 2 == 1).where(NUMBERS > 0).astype("boolean"),
            "day": pandas.Series(pandas.Timestamp("2024-02-01")).repeat(COUNT).to_numpy(),
            7: NUMBERS,
        }
    )
    expected = {
        "colour": expected,
        "size": ["", *map(str, NUMBERS[1:] % 3)],
        "year": ["", *map(str, 2010 + NUMBERS[1:] % 2)],
        "new": ["", *map(str, NUMBERS[1:] % 2 == 1)],
        "day": ["2024-02-01"] * COUNT,
        "7": list(map(str, NUMBERS)),
    }
    assert labels_of(frame) == expected
    assert labels_of(frame[::-1].set_index("day", drop=False)) == {
        name: column[::-1] for name, column in expected.items()
    }
    assert labels_of({"a": frame[["size"]]}) == {"a": expected["size"]}
    with pytest.raises(CatalogueError, match="several columns called 'size'"):
        labels_of(pandas.concat([frame, frame[["size"]]], axis=1))


def test_labels_of_arrow_and_tensors():
    pyarrow, tf = pytest.importorskip("pyarrow"), pytest.importorskip("tensorflow")
    assert labels_of(pyarrow.table({"a": GAPS})) == {"a": ["Red", "", "Blue", ""] * 2}
    assert labels_of({"a": tf.constant(COLOURS)}) == {"a": COLOURS}
    assert labels_of({"a": [tf.constant(colour) for colour in COLOURS]}) == {"a": COLOURS}


def test_pandas_is_not_imported_to_look(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)  # importing it would fail
    assert labels_of({"a": GAPS}) == {"a": ["Red", "", "Blue", ""] * 2}


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"a": COLOURS[:5]}, "'a' has 5 values for 8 images"),
        ({"a": "Red"}, "'a' must be a list or an array, one value a photo. Received: 'Red'"),
        ({"a": 3}, "'a' must be a list or an array"),
        ({"a": [{"x": 1}] * COUNT}, "'a' must have texts or numbers, and not mappings. Received: {'x': 1}"),
        ({"a": dict(enumerate(COLOURS))}, "'a' must be a list or an array"),
        ("Red", "'class' must be a list or an array"),
        ({"a": np.eye(2)[NUMBERS % 2] * 0.9}, "'a' must have one value a photo, or a one-hot row"),
        ({"a": np.ones((COUNT, 3), int)}, "a one-hot row with a single 1. Received: int64 [8, 3]"),
        (np.array([COLOURS, COLOURS]).T, "need names, {'colour': labels[:, 0]}"),
    ],
)
def test_labels_that_are_none(labels, said):
    with pytest.raises(CatalogueError, match=re.escape(said)) as caught:
        labels_of(labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["list", "array", "bytes", "column", "series", "categorical"])
def test_splits(kind):
    names = ["train"] * 5 + ["val", "validation", "test"]
    splits = {"array": np.array(names), "bytes": np.array(names, "S"), "column": np.array(names)[:, None]}.get(
        kind, names
    )
    if kind in ("series", "categorical"):
        pandas = pytest.importorskip("pandas")
        splits = pandas.Series(names, dtype="category" if kind == "categorical" else None)
        splits = splits.where(splits != "train", None)  # as in tables, empty means train
    catalogue = Catalogue.from_arrays(PHOTOS, {"a": NUMBERS % 2}, splits, cache=False)
    assert [catalogue.size(split) for split in ("train", "validation", "test")] == [5, 2, 1]
    np.testing.assert_array_equal(catalogue.images("validation"), PHOTOS[5:7])


@pytest.mark.parametrize("splits", [["train"] * 7 + ["tset"], "train", NUMBERS > 2])
def test_splits_that_are_none(splits):
    with pytest.raises(CatalogueError, match=r"A split is called train, validation, test|'splits' must be"):
        array_source(PHOTOS, None, splits)


# === Photos ===


def png(photo):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    "images",
    [
        list(PHOTOS),
        [Image.fromarray(photo) for photo in PHOTOS],
        [png(photo) for photo in PHOTOS],
        [{"bytes": png(photo), "path": None} for photo in PHOTOS],
        [Image.open(io.BytesIO(png(photo))) for photo in PHOTOS],
    ],
    ids=["arrays", "Pillow", "files", "undecoded", "Pillow, not read yet"],
)
def test_photos_in_a_list(images):
    catalogue = Catalogue.from_arrays(images, COLOURS, ["train"] * COUNT, image_size=6, cache=False)
    np.testing.assert_array_equal(catalogue.images(), PHOTOS)


def test_photos_of_other_sizes_and_modes():
    images = [PHOTOS[0, :4], Image.fromarray(PHOTOS[1]).convert("P"), Image.new("RGBA", (9, 3)), PHOTOS[3, :, :, 0]]
    assert Catalogue.from_arrays(images, splits=["train"] * 4, cache=False).image_size == 64
    assert Catalogue.from_arrays(images[:2] * 2, splits=["train"] * 4, cache=False).image_size == 6
    transparent = Catalogue.from_arrays(images, splits=["train"] * 4, image_size=9, cache=False).images()[2]
    assert (transparent == 255).all()


def test_tensors_are_photos():
    tf = pytest.importorskip("tensorflow")
    np.testing.assert_array_equal(
        Catalogue.from_arrays(tf.constant(PHOTOS), splits=["train"] * COUNT, cache=False).images(), PHOTOS
    )


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (
            PHOTOS / 255,
            "images must be uint8 [N, H, W] or [N, H, W, 1, 3 or 4]. Received: float64 [8, 6, 6, 3]: of values from 0",
        ),
        (
            list(PHOTOS / 255),
            "images[0] must be uint8 [H, W] or [H, W, 1, 3 or 4]. Received: float64 [6, 6, 3]: of values from 0",
        ),
        (PHOTOS / 127.5 - 1, "((images + 1) * 127.5).round().astype('uint8')"),
        (PHOTOS.astype(np.float32), "make images.round().astype('uint8')"),
        (PHOTOS.astype(int), "make images.astype('uint8')"),
        (PHOTOS.astype(np.uint16) * 257, "(images // 257).astype('uint8')"),
        (PHOTOS - 128.0, "values go from -128 to 127, and pixels from 0 to 255"),
        (PHOTOS * np.nan, "some values are not numbers"),
        (PHOTOS > 128, "(images * 255).round().astype('uint8')"),
        (PHOTOS.transpose(0, 3, 1, 2), "channels come last: images.transpose(0, 2, 3, 1)"),
        (list(PHOTOS.transpose(0, 3, 1, 2)), "channels come last: images.transpose(1, 2, 0)"),
        (PHOTOS[0], "a single photo is images[None]"),
        (PHOTOS.reshape(COUNT, -1), "images.reshape(-1, H, W, C)"),
        (["1.png"] * 8, "names of files and web addresses are for Catalogue.from_table"),
        ("photos/", "images must be uint8 [N, H, W, C], or a list of arrays or Pillow images. Received: 'photos/'"),
        ([], "images is empty"),
        (PHOTOS[:0], "Received: uint8 [0, 6, 6, 3]"),
    ],
)
def test_photos_that_are_none(images, said):
    with pytest.raises(CatalogueError, match=re.escape(said)) as caught:
        Catalogue.from_arrays(images)
    assert "\n" not in str(caught.value)
