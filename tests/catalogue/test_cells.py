import datetime
import decimal

import numpy as np
import pytest

from tfproductgan.catalogue.cells import cell_text, cell_texts


@pytest.mark.parametrize(
    "value",
    [None, "", "  ", b"", float("nan"), np.float32("nan"), decimal.Decimal("NaN"), np.datetime64("NaT"), np.ma.masked],
)
def test_nothing_is_in_a_cell(value):
    assert cell_texts(value) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" Red ", "Red"),
        (np.str_("Red"), "Red"),
        (b"Caf\xc3\xa9", "Café"),
        (np.bytes_(b"Red"), "Red"),
        (2012, "2012"),
        (np.int8(7), "7"),
        (2012.0, "2012"),
        (np.float32(2012), "2012"),
        (decimal.Decimal("2012.00"), "2012"),
        (0.5, "0.5"),
        (np.float32(0.1), "0.1"),
        (float("inf"), "inf"),
        (True, "True"),
        (np.False_, "False"),
        (np.array(3), "3"),
        (datetime.date(2024, 2, 1), "2024-02-01"),
        (datetime.datetime(2024, 2, 1), "2024-02-01"),
        (datetime.datetime(2024, 2, 1, 10, 30), "2024-02-01 10:30:00"),
        (np.datetime64("2024-02-01T00:00:00.000000000"), "2024-02-01"),
        (np.datetime64("2024-02-01"), "2024-02-01"),
        (np.datetime64("2024"), "2024"),
    ],
)
def test_a_cell_is_text(value, text):
    assert cell_texts(value) == text


def test_the_cells_of_pandas_and_arrow():
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    assert [cell_text(value) for value in (pandas.NA, pandas.NaT, pandas.Timestamp("2024-02-01"))] == [
        "",
        "",
        "2024-02-01",
    ]
    assert [cell_texts(value) for value in pyarrow.array(["Red", None])] == ["Red", ""]


@pytest.mark.parametrize(
    "value", [["Pine", "white"], ("Pine", None, "white"), {"white", "Pine"}, np.array(["Pine", "white"])]
)
def test_a_cell_of_several_values_is_a_tuple(value):
    assert cell_texts(value) == ("Pine", "white")
