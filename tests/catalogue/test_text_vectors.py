import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.errors import CatalogueError, ConditionError
from tfproductgan.text_vectors import TextVectors

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

COUNT = 8
VECTORS = np.random.default_rng(0).normal(size=(COUNT, 5)).astype(np.float32)


@pytest.fixture
def table(tmp_path):
    """Writes photos and a table of them with a column of vectors."""

    def write(cells, name="shop.parquet"):
        for i in range(COUNT):
            pixels = np.random.default_rng(i).integers(0, 256, (10, 10, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        rows = {"file": [f"{i}.png" for i in range(COUNT)], "kind": ["Ring", "Mug"] * (COUNT // 2)}
        parquet.write_table(pyarrow.table({**rows, "title": rows["kind"], "clip": cells}), tmp_path / name)
        return tmp_path / name

    return write


def from_table(path, **options):
    options = {"attributes": "kind", "text_vectors": "clip", "image_size": 8, "cache": False, "splits": {}, **options}
    return Catalogue.from_table(path, **options)


def test_a_column_of_vectors_goes_into_batches(table):
    catalogue = from_table(table([*VECTORS[:-1].tolist(), None]))
    schema = catalogue.schema
    assert isinstance(schema.vocabulary, TextVectors) and schema.text == "clip" and schema.num_columns == 6
    ids = catalogue.conditions()
    given = ids[:, 1:].any(axis=1)
    assert given.sum() == COUNT - 1 and ids[given, 1:].min() > 0
    expected = {schema.vocabulary.encode_titles([text])[0].tobytes() for text in catalogue.captions() if text}
    assert {row[1:].astype(np.int32).tobytes() for row in ids[given]} == expected
    assert next(iter(catalogue.stream(batch_size=4)))["conditions"].shape == (4, 6)
    assert "vectors of 5 numbers, of 7 photos of 8" in catalogue.summary() and "text vector" in repr(catalogue)
    assert catalogue.fingerprint != catalogue.label_fingerprint


def test_a_schema_of_a_model_reads_vectors_as_it_has_learnt(table):
    schema = from_table(table(VECTORS.tolist())).schema
    again = from_table(table((3 * VECTORS).tolist()), schema=schema, image_size=None)
    np.testing.assert_array_equal(again.conditions(), from_table(table(VECTORS.tolist())).conditions())
    with pytest.raises(ConditionError, match=r"as those learnt from. Received: 4"):
        from_table(table(VECTORS[:, :4].tolist()), schema=schema, image_size=None)
    with pytest.raises(ConditionError, match="from vectors, not from words"):
        from_table(table(VECTORS.tolist()), schema=schema, image_size=None, text_vectors=None, text="title")
    words = from_table(table(VECTORS.tolist()), text_vectors=None, text="title").schema
    with pytest.raises(CatalogueError, match="has learnt from titles, and these photos come with vectors"):
        from_table(table(VECTORS.tolist()), schema=words, image_size=None)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([*VECTORS[:2].tolist(), [1.0, 2.0]], "Column 'clip' of shop.parquet, row 3 has 2 parts, and 5 are expected."),
        ([[1.0, float("nan"), 0, 0, 0]], "row 1 has nan in the place of a number, at part 1."),
        ([VECTORS[0].tolist(), [1.0, None, 0, 0, 0]], "row 2 has nan in the place of a number"),
        ([VECTORS[0].tolist(), [0.0] * 5], "row 2 is nothing but zeros"),
        ([VECTORS[0].tolist(), []], "row 2 has 0 parts, and 5 are expected"),
        ([None] * COUNT, "'clip' is no text to learn from"),
    ],
)
def test_cells_that_are_no_vectors_are_named(table, cells, said):
    rest = [None if cells[0] is None else VECTORS[0].tolist()] * (COUNT - len(cells))
    with pytest.raises(CatalogueError) as error:
        from_table(table([*cells, *rest]))
    assert said in str(error.value)


def test_columns_that_hold_no_lists_are_named(table):
    with pytest.raises(CatalogueError, match=r"'title' of shop.parquet holds text, and vectors are lists of numbers"):
        from_table(table(VECTORS.tolist()), text_vectors="title")
    with pytest.raises(CatalogueError, match=r"must be a list of numbers. Received: '0'"):
        from_table(table(list(range(COUNT))))
    with pytest.raises(CatalogueError, match="titles or from vectors of them"):
        from_table(table(VECTORS.tolist()), text="title")


def test_a_prepared_data_set_has_its_vectors(table, tmp_path):
    pytest.importorskip("tensorflow_datasets")
    from tfproductgan.catalogue.preparation import Preparation
    from tfproductgan.catalogue.table_source import table_source
    from tfproductgan.catalogue.tfds_writing import write_dataset

    path = table([*VECTORS[:-1].tolist(), None])
    source = table_source(path, attributes=["kind"], text_vectors="clip", find_split=False)
    write_dataset(source, Preparation(image_size=8, splits={}, cache=False), tmp_path / "out", "clip")
    prepared, original = Catalogue.from_prepared(tmp_path / "out"), from_table(path)
    assert prepared.schema == original.schema
    np.testing.assert_array_equal(prepared.conditions(), original.conditions())
