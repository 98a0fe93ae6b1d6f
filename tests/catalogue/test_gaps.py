import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.catalogue.gaps import is_gap, without_gaps
from tfproductgan.catalogue.sources import Item, Source
from tfproductgan.cli.main import main
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.training.run_directory import RunDirectory

CELLS = ["Red", "nan", "#N/A", "Blue", "NULL", "None", "n/a", "Red"]
KEPT = ["Red", "", "", "Blue", "", "None", "", "Red"]
OLD = ConditionSchema([Attribute("colour", ("Blue", "nan", "None", "Red"))], 6, 3)


def source(cells, values=None):
    items = [Item(f"{i}.png", {"colour": cell}) for i, cell in enumerate(cells)]
    return Source(items, ["colour"], lambda: iter(()), values=values or {})


def cells_of(source):
    return [item.labels["colour"] for item in source.items]


def values(catalogue):
    return {attribute.name: attribute.values for attribute in catalogue.schema.attributes}


@pytest.mark.parametrize("text", ["nan", "NaN", "NaT", "<NA>", "NA", "N/A", "#N/A", "#NV", "NULL", "null", r"\N", "–"])
def test_what_programs_write_for_nothing(text):
    assert is_gap(text)


@pytest.mark.parametrize("text", ["#REF!", "#DIV/0!", "#NAME?", "#VALUE!", "#BEZUG!", "#¡REF!"])
def test_errors_of_spreadsheets(text):
    assert is_gap(text)


@pytest.mark.parametrize(
    "text", ["None", "none", "NAN", "Nan", "Null", "Nando", "#1", "#1!", "#sale!", "#NEW", "0", ""]
)
def test_what_may_be_a_name(text):
    assert not is_gap(text)


def test_they_are_not_given_and_that_is_said():
    found = without_gaps(source([*CELLS, "#N/A"]))
    assert cells_of(found) == [*KEPT, ""]
    assert found.notes == [
        "colour: '#N/A' (2 photos), 'nan' (1 photo), 'NULL' (1 photo), 'n/a' (1 photo) taken for 'not given', as an "
        "empty cell is.",
        "colour: 'None' on 1 photo is a value like others; if it means that nothing is known, empty those cells.",
    ]


def test_nothing_is_said_where_there_is_nothing():
    plain = source(["Red", "", "Blue"])
    assert without_gaps(plain) is plain


def test_among_several_values():
    found = without_gaps(source([("Red", "nan"), ("nan",), (), ("Blue",)]))
    assert cells_of(found) == [("Red",), (), (), ("Blue",)]


def test_values_that_are_settled_stay():
    assert cells_of(without_gaps(source(CELLS, values={"colour": CELLS}))) == CELLS
    known = without_gaps(source(CELLS), OLD)  # what a model or a run has learnt under that name
    assert cells_of(known) == ["Red", "nan", "", "Blue", "", "None", "", "Red"]


def test_tables_and_arrays_have_one_rule(tmp_path):
    photos = np.random.default_rng(0).integers(0, 256, (len(CELLS), 6, 6, 3), np.uint8)
    for i, pixels in enumerate(photos):
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    rows = [f"{i}.png,{cell},nan" for i, cell in enumerate(CELLS)]
    (tmp_path / "a.csv").write_text("\n".join(["file,colour,split", *rows]))
    options = {"image_size": 6, "cache": False, "splits": {"validation": 0}}
    table = Catalogue.from_table(tmp_path / "a.csv", attributes=["colour"], **options)
    for cells in (CELLS, np.array(CELLS), np.array(CELLS, object), np.array(CELLS, "S")):
        made = Catalogue.from_arrays(photos, {"colour": cells}, cache=False, splits={"validation": 0})
        assert values(made) == values(table) == {"colour": ("Blue", "None", "Red")}
        assert made.conditions().tolist() == table.conditions().tolist() and made.notes == table.notes
    bound = Catalogue.from_table(tmp_path / "a.csv", schema=OLD, cache=False, splits={"validation": 0})
    assert bound.schema.decode(bound.conditions()[1]) == {"colour": "nan"}


def test_gaps_do_not_divide_a_cell():
    photos = np.zeros((6, 6, 6, 3), np.uint8)
    cells = ["Pine / white", "N/A", "Pine", "white / Pine", "white", "#DIV/0!"]
    made = Catalogue.from_arrays(photos, {"wood": cells}, multi={"wood": "/"}, cache=False)
    assert values(made) == {"wood": ("Pine", "white")}


def test_a_run_that_has_such_a_value_goes_on(tmp_path, capsys):
    for i in range(16):
        Image.fromarray(np.full((8, 8, 3), 10 * i, np.uint8)).save(tmp_path / f"{i}.png")
    (tmp_path / "a.csv").write_text("file,colour\n" + "".join(f"{i}.png,{('Red', 'NA')[i % 2]}\n" for i in range(16)))
    words = ["train", "--data", str(tmp_path / "a.csv"), "--attributes", "colour", "--recipe", "mlp", "--dry-run"]
    words += ["--image-size", "32", "--batch-size", "4", "--out", str(tmp_path / "run")]
    assert main(words) == 0
    assert "colour      1 values: Red" in capsys.readouterr().out
    schema = ConditionSchema([Attribute("colour", ("NA", "Red"))], 32, 1)
    from tfproductgan.recipes import get_recipe

    RunDirectory(tmp_path / "run").start(get_recipe("mlp", batch_size=4), schema, {})
    assert main(words) == 0
    assert "colour      2 values: " in capsys.readouterr().out
