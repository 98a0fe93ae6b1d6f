import dataclasses

import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.errors import CatalogueError

COUNT = 12
KINDS = ("Ring", "Watch", "Mug")
TITLES = [f"Shop's {('gold', 'red')[i % 2]} {KINDS[i % 3]} {i % 3}" for i in range(COUNT - 2)] + ["", "N/A"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photos with a table beside them."""
    folder = tmp_path_factory.mktemp("photos")
    rows = ["file,kind,title"]
    for i in range(COUNT):
        pixels = np.random.default_rng(i).integers(0, 256, (10, 10, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
        rows.append(f"{i:02}.png,{KINDS[i % 3]},{TITLES[i]}")
    (folder / "shop.csv").write_text("\n".join(rows), "utf-8")
    return folder


def from_table(folder, **options):
    options = {"attributes": "kind", "text": "title", "image_size": 8, "cache": False, "splits": {}, **options}
    return Catalogue.from_table(folder, **options)


def test_a_column_of_titles_goes_into_batches(folder):
    catalogue = from_table(folder)
    schema = catalogue.schema
    assert schema.text == "title" and schema.vocabulary.words[0] in ("shop", "s")
    found = {schema.decode(ids).get("text") for ids in catalogue.conditions()}
    assert found == {title.lower().replace("'", " ") or None for title in TITLES[:-1]}
    batch = next(iter(catalogue.stream(batch_size=4)))
    assert batch["conditions"].shape == (4, schema.num_columns) and schema.num_columns == 1 + schema.vocabulary.length
    assert "up to 24 of them" in catalogue.summary() and repr(catalogue).count("text") == 1


def test_titles_may_be_captions_alone(folder):
    catalogue = from_table(folder, titles=False)
    assert catalogue.schema.vocabulary is None and catalogue.conditions().shape[1] == 1
    assert catalogue.captions() == from_table(folder).captions()
    assert catalogue.fingerprint == catalogue.label_fingerprint == from_table(folder).label_fingerprint
    assert catalogue.fingerprint != from_table(folder).fingerprint


def test_an_existing_schema_decides(folder, caplog):
    schema = from_table(folder).schema
    again = from_table(folder, schema=schema, image_size=None)
    assert again.schema == schema and again.conditions()[:, schema.text_columns].any()
    bare = from_table(folder, schema=schema, image_size=None, text=None)
    assert not bare.conditions()[:, schema.text_columns].any() and "come without: no text is given" in caplog.text
    without = dataclasses.replace(schema, vocabulary=None)
    assert from_table(folder, schema=without, image_size=None).conditions().shape[1] == 1


def test_titles_of_arrays_and_of_a_data_set():
    images = np.zeros((COUNT, 8, 8, 1), np.uint8)
    images += np.arange(COUNT, dtype=np.uint8)[:, None, None, None]
    catalogue = Catalogue.from_arrays(images, text=TITLES, splits={}, cache=False)
    assert not catalogue.schema.attributes and catalogue.schema.text == "text"
    assert catalogue.schema.decode(catalogue.conditions()[1]) == {"text": "shop s red watch 1"}
    with pytest.raises(CatalogueError, match="'text' has 3 values for 12 images"):
        Catalogue.from_arrays(images, text=TITLES[:3])
    with pytest.raises(CatalogueError, match="'text' is no text to learn from: Not one of the titles"):
        Catalogue.from_arrays(images, text=[""] * COUNT, cache=False)


def test_the_studio_describes_its_products():
    alone, described = (Catalogue.studio(60, 28, titles=titles, cache=False) for titles in (False, True))
    assert alone.schema.vocabulary is None and alone.schema.text == described.schema.text == "description"
    words = described.schema.vocabulary.words
    assert {value.lower() for value in described.schema.attribute("colour").values} & set(words)


def test_a_prepared_data_set_has_its_titles(folder, tmp_path):
    pytest.importorskip("tensorflow_datasets")
    from tfproductgan.catalogue.preparation import Preparation
    from tfproductgan.catalogue.table_source import table_source
    from tfproductgan.catalogue.tfds_writing import write_dataset

    source = table_source(folder, attributes=["kind"], text="title", find_split=False)
    write_dataset(source, Preparation(image_size=8, splits={}, cache=False), tmp_path / "out", "title")
    prepared, original = Catalogue.from_prepared(tmp_path / "out"), from_table(folder)
    assert prepared.schema == original.schema
    np.testing.assert_array_equal(prepared.conditions(), original.conditions())
    bound = Catalogue.from_prepared(tmp_path / "out", schema=dataclasses.replace(original.schema, vocabulary=None))
    assert bound.conditions().shape[1] == 1
