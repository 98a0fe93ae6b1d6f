import re

import numpy as np
import pytest

from tfproductgan.reports.pages import Share, render, shown, templates

MACROS = templates().get_template("macros.html.jinja").module


def compared(name="t", **values):
    """The page of a comparison, the shortest there is."""
    return render("comparison", **{"notes": [], "rows": [], "curves": None, "grids": [(name, None)], **values})


def test_text_does_nothing_but_show():
    evil = '<script>alert("1")</script>&'
    for made in (
        compared(evil, rows=[(evil, 1)], notes=[evil]),
        MACROS.table((evil, "n"), [(evil, 1)], evil),
        MACROS.warning(evil, [evil]),
        MACROS.facts({evil: evil}),
        MACROS.picture_row([(evil, np.zeros((1, 2, 2, 3), np.uint8), 2)], evil),
        MACROS.pairs([(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2, 1), np.uint8), evil)], evil, evil),
    ):
        assert "<script>alert" not in made and '"1"' not in made
        assert "&lt;script&gt;" in made


def test_a_page_loads_nothing():
    made = compared(grids=[("a", MACROS.image(np.zeros((4, 4, 3), np.uint8), "black").split('"')[1])])
    assert "default-src 'none'" in made and "script-src" not in made
    assert all(address.startswith("data:image/png;base64,") for address in re.findall(r'(?:src|href)="([^"]*)"', made))


@pytest.mark.parametrize(
    "value, said",
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.123456, "0.123"),
        (123.456, "123.5"),
        (45678.9, "45,679"),
        (1234, "1,234"),
        (-0.5, "-0.5"),
        ("x", "x"),
    ],
)
def test_numbers_are_short(value, said):
    assert shown(value) == said


def test_a_share_stands_on_a_bar():
    made = MACROS.table(("", "share"), [("a", Share(0.25)), ("b", None)])
    assert "25.0\N{NO-BREAK SPACE}%" in made and "25%" in made and "–" in made


def test_empty_parts_leave_nothing():
    empty = (MACROS.table(("a",), []), MACROS.warning("t", []), MACROS.pairs([], "a", "b"), MACROS.chart(None, "t"))
    assert [part.strip() for part in (*empty, MACROS.ratings([]))] == [""] * 5
