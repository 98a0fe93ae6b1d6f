import dataclasses
import re

import numpy as np
import pytest

import tfproductgan as tpg
from tfproductgan.conditions import Attribute
from tfproductgan.metrics.attribute_accuracy import accuracy_of
from tfproductgan.metrics.classification_accuracy import AttributeScore, ClassificationAccuracy, ValueRecall
from tfproductgan.metrics.coverage import ConditionCoverage, ConditionFigures
from tfproductgan.metrics.judgement import Figure, Judgement
from tfproductgan.metrics.memorisation import audit_memorisation
from tfproductgan.metrics.rating import Rate, RatingResult
from tfproductgan.reports import report

EVIL = "<b>Gold & 'Silver'</b>"


def judgement(**parts):
    fid = Figure("fid", "catalogue-3f2a9c", 7.913, 400, "validation", 100, 0, "lower", None, (7.1, 8.6), 2.3)
    kid = Figure("kid", "catalogue-3f2a9c", 0.00213, 400, "validation", 100, 0, "lower", 0.0004)
    return Judgement(
        "model-1", "photos-1", "catalogue-3f2a9c", "ab" * 32, "64 px", "validation", 400, 100, 0, figures=(fid, kid),
        **parts,
    )  # fmt: skip


def parts():
    attribute = Attribute("colour", (EVIL, "Blue"))
    asked, seen = np.array([1, 1, 2, 2]), np.array([1, 2, 2, 2])
    rng = np.random.default_rng(0)
    audit = audit_memorisation(
        *(rng.normal(size=(30, 4)) for _ in range(3)), "catalogue-3f2a9c", [{"colour": EVIL}] * 30, range(30)
    )
    conditions = (
        ConditionFigures("colour", EVIL, 30, 30, 0.05, 0.1, 0.5, 3.0),
        ConditionFigures("colour", "Blue", 3, 2),
    )
    recall = (ValueRecall(EVIL, 5, 20, 0.9, 0.8, 0.85),)
    score = AttributeScore("colour", (0.9, 0.8), (0.7, 0.8), (0.9, 0.9), (0.6, 0.6), 0.5, recall)
    return {
        "attributes": (accuracy_of(attribute, asked, seen, asked, asked, "catalogue-3f2a9c"),),
        "coverage": ConditionCoverage("catalogue-3f2a9c", 5, conditions, 1.0, 3.0, 0.02, 0.0),
        "memorisation": audit,
        "classification": ClassificationAccuracy("a CNN", "test", 100, 400, (0, 1), 0, (score,)),
        "limitations": (f"No photos of {EVIL}.",),
    }


def rates(share):
    rate = Rate(f"of {EVIL}", share, 10, (0.1, 0.9))
    return RatingResult("page1", "model-1", 2, 0, rate, rate, rate, (("colour", EVIL, rate),))


def test_both_views_stand_side_by_side():
    look = Figure("look", "texture-3f2a9c", 81.4, 400, "validation", 100, 0, "lower", None, (78.1, 84.9), 12.3)
    seen = judgement()
    html = report.report_page(report.Report("a", dataclasses.replace(seen, figures=(*seen.figures, look))))
    section = html[html.index("How far from photos?") : html.index("Figures")]
    cells = re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", section)
    assert cells[:3] == ["distance from photos", "what is shown", "how it looks"]
    assert [cells[i : i + 3] for i in range(3, len(cells), 3)] == [
        ["Fréchet distance ↓", "fid 7.91", "look 81.4"],
        ["    95 %", "7.10 to 8.60", "78.1 to 84.9"],
        ["    photos instead", "2.30", "12.3"],
        ["kernel distance ↓", "kid 0.00213", "–"],
        ["    95 %", "± 0.000400", "–"],
        ["    photos instead", "–", "–"],
        ["by", "catalogue-3f2a9c", "texture-3f2a9c"],
    ]


def made(**more):
    return report.report_page(report.Report("runs/shop", judgement(**parts()), **more))


def test_a_report_names_figures_in_full():
    html = made()
    assert "fid@catalogue-3f2a9c, n=400, split=validation, seed=0" in html
    assert "7.1 to 8.6" in html and "0.00213 ± 0.0004" in html and "2.3" in html


def test_a_report_stands_alone_and_names_of_labels_are_only_shown():
    grid = [report.GridRow(EVIL, np.zeros((2, 8, 8, 3), np.uint8), np.zeros((3, 8, 8, 3), np.uint8))]
    closest = [(np.zeros((8, 8, 1), np.uint8), np.zeros((8, 8, 1), np.uint8), EVIL)]
    html = made(grid=grid, closest=closest, warnings=[EVIL], facts={EVIL: EVIL}, ratings=[rates(4)])
    assert "<b>" not in html and html.count("&lt;b&gt;Gold") >= 12
    assert "http:" not in html and "https:" not in html and "<script" not in html
    assert re.findall(r'src="(?!data:image/png;base64,)', html) == []


def test_what_is_wrong_comes_first():
    html = made(warnings=["The run is not finished."])
    assert html.index("The run is not finished.") < html.index("No photos of") < html.index("Figures")
    assert "is missing: 5.0\N{NO-BREAK SPACE}%" in html and "has collapsed" in html


def test_a_judgement_of_figures_alone_has_no_empty_sections():
    html = report.report_page(report.Report("shop.keras", judgement()))
    assert re.findall(r"<h2>(.*?)</h2>", html) == ["How far from photos?", "Figures", "How this was measured"]


def test_ratings_can_come_later():
    html = made()
    assert "What people say" not in html
    later = report.with_ratings(html, [rates(4)])
    assert "What people say" in later and "4 of 10" in later
    assert "7 of 10" in (again := report.with_ratings(later, [rates(7)])) and "4 of 10" not in again
    assert report.with_ratings(later, []) == html
    assert report.with_ratings("<p>another page</p>", [rates(4)]) == "<p>another page</p>"


@pytest.mark.parametrize("labelled", [True, False])
def test_grids_show_photos_beside_samples_of_the_same_condition(painter, labelled):
    requests = painter.plan(count=40, seed=900)
    labels = {name: [r.conditions[name] for r in requests] for name in painter.schema.names} if labelled else None
    catalogue = tpg.Catalogue.from_arrays(
        painter.draw(requests), labels, ["train"] * 20 + ["validation"] * 20, cache=False
    )
    rows = report.grid_rows(painter, catalogue, "validation", seed=5)
    assert all(row.samples.shape[1:] == (64, 64, 3) and len(row.photos) <= 4 for row in rows)
    if not labelled:
        assert [row.label for row in rows] == ["anything"] and len(rows[0].photos) == 4
        return
    colours = {"Gold": (212, 175, 55), "Navy Blue": (20, 30, 90), "Fluorescent Green": (90, 240, 60)}
    for row in rows:
        [wanted] = [colour for name, colour in colours.items() if name in row.label]
        for picture in (*row.photos, *row.samples):
            assert tuple(picture.reshape(-1, 3).min(axis=0)) == wanted


def test_grids_show_samples_of_the_truncation_that_was_judged(painter):
    catalogue = tpg.Catalogue.from_arrays(
        painter.draw(painter.plan(count=8, seed=900)), None, ["train"] * 4 + ["validation"] * 4, cache=False
    )
    full, truncated = (report.grid_rows(painter, catalogue, "validation", 5, value)[0] for value in (1.0, 0.3))
    np.testing.assert_array_equal(truncated.samples, painter.generate(None, len(truncated.samples), 5, truncation=0.3))
    assert (truncated.samples != full.samples).any()
