import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from tfproductgan.metrics import html


def test_text_does_nothing_but_show():
    evil = '<script>alert("1")</script>&'
    for made in (
        html.page(evil, []),
        html.table((evil, "n"), [(evil, 1)], evil),
        html.warning(evil, [evil]),
        html.section(evil, "<p>x</p>", note=evil),
        html.facts({evil: evil}),
        html.picture_row([(evil, np.zeros((1, 2, 2, 3), np.uint8), 2)], evil),
        html.pairs([(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2, 1), np.uint8), evil)], evil, evil),
        html.charts({evil: {evil: [(0, 1), (1, 2)], "b": [(1, 3)]}}, unit=evil),
    ):
        assert "<script>alert" not in made and '"1"' not in made
        assert "&lt;script&gt;" in made


def test_a_page_loads_nothing():
    made = html.page("t", [html.image(np.zeros((4, 4, 3), np.uint8), "black")])
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
    assert html.shown(value) == said


def test_a_share_stands_on_a_bar():
    made = html.table(("", "share"), [("a", html.Share(0.25)), ("b", None)])
    assert "25.0\N{NO-BREAK SPACE}%" in made and "25%" in made and "–" in made


def test_empty_parts_leave_nothing():
    assert html.table(("a",), []) == html.section("t", "", "") == html.warning("t", []) == html.charts({}) == ""
    assert html.charts({"loss": {"a": [(1, float("nan"))]}}) == ""


@pytest.mark.parametrize(
    "points",
    [
        [(0, 1.0)],
        [(5, 3.0), (10, 3.0)],
        [(1, -1e-9), (2, 1e12)],
        [(i, np.sin(i)) for i in range(5000)],
        [(1000, 0.1), (2000, float("inf")), (3000, 0.3)],
    ],
)
def test_curves_stay_in_their_frame(points):
    made = html.charts({"loss": {"a": points}})
    [picture] = re.findall(r"<svg.*?</svg>", made, re.DOTALL)
    ElementTree.fromstring(picture)
    [path] = re.findall(r' d="M([^"]*)"', picture)
    places = np.array([[float(value) for value in place.split()] for place in path.split("L")])
    assert len(places) <= 400
    assert (places >= 0).all() and (places[:, 0] <= 340).all() and (places[:, 1] <= 200).all()


def test_lines_of_one_name_have_one_colour():
    made = html.charts({"x": {"a": [(0, 1), (1, 1)]}, "y": {"b": [(0, 1), (1, 1)], "a": [(0, 1), (1, 2)]}})
    assert re.findall(r'path class="(s\d)"', made) == ["s0", "s1", "s0"]
