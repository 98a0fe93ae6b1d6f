import io

import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.errors import CatalogueError

# === What the library `datasets` has, as far as it is asked: types are told by their names


def feature(name, **attributes):
    return type(name, (), attributes)()


class Dataset:
    """Columns by name."""

    def __init__(self, features, columns):
        self.features, self.columns = features, columns

    @property
    def column_names(self):
        return list(self.columns)

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __getitem__(self, which):
        if isinstance(which, str):
            return self.columns[which]
        return {name: column[which] for name, column in self.columns.items()}


CLASS = feature("ClassLabel", names=["shoe", "hat", "bag"])
FEATURES = {
    "photo": feature("Image"),
    "kind": CLASS,
    "tags": feature("List", feature=CLASS),
    "maker": feature("Value", dtype="string"),
    "boxes": feature("Array2D"),
}


def pixels(number):
    return np.full((6, 6, 3), [number, 0, 200], np.uint8)


def png(number):
    file = io.BytesIO()
    Image.fromarray(pixels(number)).save(file, "PNG")
    return file.getvalue()


def decoded(number):
    return Image.fromarray(pixels(number))


def undecoded(number):
    return {"bytes": png(number), "path": None}


def data_set(numbers, photo=decoded):
    return Dataset(
        FEATURES,
        {
            "photo": [photo(i) for i in numbers],
            "kind": [i % 3 if i else None for i in numbers],
            "tags": [[i % 3, (i + 1) % 3][: 1 + i % 2] for i in numbers],
            "maker": [f"Maker {i % 2}" if i % 5 else None for i in numbers],
            "boxes": [[[0.0]]] * len(numbers),
        },
    )


@pytest.fixture
def in_a_file(tmp_path):
    def written(number):
        path = tmp_path / f"{number}.png"
        path.write_bytes(png(number))
        return {"bytes": None, "path": str(path)}

    return written


def values(catalogue):
    return {attribute.name: attribute.values for attribute in catalogue.schema.attributes}


@pytest.mark.parametrize("how", ["decoded", "undecoded", "in a file"])
def test_photos_and_class_labels(how, in_a_file):
    photo = {"decoded": decoded, "undecoded": undecoded, "in a file": in_a_file}[how]
    parts = {"train": data_set(range(12), photo), "test": data_set(range(12, 16), photo)}
    catalogue = Catalogue.from_hugging_face(parts, attributes="kind", image_size=6)
    assert values(catalogue) == {"kind": ("shoe", "hat", "bag")}
    assert (catalogue.size("train"), catalogue.size("test")) == (12, 4)
    numbers = catalogue.images("train")[:, 0, 0, 0]
    np.testing.assert_array_equal(catalogue.conditions("train")[:, 0], np.where(numbers, numbers % 3 + 1, 0))


def test_a_single_split_is_divided_and_titles_are_kept():
    catalogue = Catalogue.from_hugging_face(
        data_set(range(30)), attributes=["maker"], text="maker", image_size=6, splits={"validation": 0.3}
    )
    assert values(catalogue) == {"maker": ("Maker 0", "Maker 1")}
    assert catalogue.size("validation") > 0 and catalogue.size("train") + catalogue.size("validation") == 30
    assert set(catalogue.captions()) == {"", "Maker 0", "Maker 1"}


def test_what_is_left_out_is_named(caplog):
    Catalogue.from_hugging_face(data_set(range(8)), image_size=6)
    assert "left out: maker (Value), boxes (Array2D)." in caplog.text


def test_a_model_decides_which_columns():
    schema = ConditionSchema([Attribute("kind", ("bag", "hat"))], 6, 3)
    catalogue = Catalogue.from_hugging_face(data_set(range(1, 9)), schema=schema, splits={})
    assert catalogue.conditions()[:3, 0].tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"attributes": ["knid"]}, "no column 'knid': did you mean 'kind'"),
        ({"image": "picture"}, "no column 'picture'"),
        ({"text": "title"}, "no column 'title'"),
    ],
)
def test_columns_that_are_not_there(options, said):
    with pytest.raises(CatalogueError, match=said):
        Catalogue.from_hugging_face(data_set(range(3)), **options)


def test_what_is_no_data_set():
    features = {"a": feature("Image"), "b": feature("Image")}
    with pytest.raises(CatalogueError, match="2 columns of images; name one with image="):
        Catalogue.from_hugging_face(Dataset(features, {"a": [decoded(1)], "b": [decoded(2)]}))
    with pytest.raises(CatalogueError, match="must be a Dataset or DatasetDict"):
        Catalogue.from_hugging_face(feature("IterableDataset", features=FEATURES))
    with pytest.raises(CatalogueError, match=r"use Catalogue.from_hugging_face\(dataset\)"):
        Catalogue.from_arrays(data_set(range(3)))


def test_its_columns_are_arrays_too():
    data = data_set(range(8))
    catalogue = Catalogue.from_arrays(data["photo"], {"maker": data["maker"]}, ["train"] * 8, cache=False)
    assert values(catalogue) == {"maker": ("Maker 0", "Maker 1")} and catalogue.image_size == 6
