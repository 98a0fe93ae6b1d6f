import json

import numpy as np
import pytest
from PIL import Image

from tfproductgan.cli.main import main


def figure(value, name="fid", n=1000, better="lower", extractor="catalogue-3f2a9c", **more):
    full_name = f"{name}@{extractor}, n={n}, split=validation, seed=0"
    return {"name": name, "value": value, "better": better, "full_name": full_name, **more}


def make_run(path, figures=(), images_seen=400, evaluated_at=None, catalogue="photos-1", **recipe):
    """A run directory as `train` and `evaluate` leave it."""
    (path / "evaluation").mkdir(parents=True)
    (path / "grids").mkdir()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path / "grids" / "images-000000400.png")
    (path / "recipe.json").write_text(json.dumps({"family": "dcgan", "batch_size": 32, **recipe}))
    lines = [{"images_seen": seen, "time": 0, "d_loss": 1 / seen} for seen in (images_seen // 2, images_seen)]
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if figures:
        n = figures[0]["full_name"].split("n=")[1].split(",")[0]
        judged = {"extractor": "catalogue-3f2a9c", "n": n, "split": "validation", "seed": 0, "catalogue": catalogue}
        line = {"kind": "judgement", "images_seen": evaluated_at or images_seen, **judged, "figures": list(figures)}
        (path / "evaluation" / "metrics.jsonl").write_text(json.dumps(line) + '\n{"kind": "judg')
    return path


@pytest.fixture
def compare(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words):
        assert main(["compare", *map(str, words)]) == 0
        return capsys.readouterr().out

    run.folder = tmp_path
    return run


def row(said, start):
    [line] = [line for line in said.splitlines() if line.strip("│┃ ").startswith(start)]
    return [cell.strip() for cell in line.strip("│┃").split("│")]


def test_runs_stand_side_by_side(compare):
    make_run(compare.folder / "a", [figure(9.5), figure(0.8, "recall", better="higher")], batch_size=16)
    make_run(compare.folder / "b", [figure(7.25, spread=0.5), figure(0.7, "recall", better="higher")], batch_size=64)
    said = compare("a", "b")
    assert row(said, "batch_size")[1:] == ["16", "64"]
    assert row(said, "what is shown: fid@catalogue-3f2a9c")[1:] == ["9.5", "7.25 ± 0.5"]
    assert "Figures: n=1000, split=validation, seed=0" in said
    assert row(said, "images seen")[1:] == ["400", "400"]
    assert "family" not in said and "Note" not in said


def test_figures_of_another_protocol_have_a_row_of_their_own(compare):
    make_run(compare.folder / "a", [figure(9.5, n=1000)])
    make_run(compare.folder / "b", [figure(7.2, n=5000)])
    said = compare("a", "b")
    assert row(said, "what is shown: fid@catalogue-3f2a9c  ")[1:] == ["9.5", "–"]
    assert row(said, "what is shown: fid@catalogue-3f2a9c, n=5000")[1:] == ["–", "7.2"]
    assert "judged in different ways" in said


def both(fid, look, spread=0.5):
    """Distances of both views, each with an interval of that many either way."""
    pairs = (("fid", "catalogue-3f2a9c", fid), ("look", "texture-3f2a9c", look))
    figures = [figure(v, name, extractor=by, interval=[v - spread, v + spread]) for name, by, v in pairs]
    return [figures[0], figure(0.5, "recall", better="higher"), figures[1]]


def test_both_views_stand_side_by_side_and_have_a_mean(compare):
    make_run(compare.folder / "a", both(4, 100))
    make_run(compare.folder / "b", both(9, 400))
    make_run(compare.folder / "old", [figure(16)])
    said = compare("a", "b", "old")
    assert row(said, "both views: geometric mean of fid and look")[1:] == ["20", "60", "–"]
    assert row(said, "how it looks: look@texture-3f2a9c")[1:] == ["100", "400", "–"]
    places = [said.index(word) for word in ("both views", "what is shown", "how it looks", "recall@")]
    assert places == sorted(places)
    assert "disagree" not in said


@pytest.mark.parametrize(("spread", "warns"), [(0.5, True), (2, False)])
def test_views_that_order_runs_differently_are_said(compare, spread, warns):
    make_run(compare.folder / "a", both(4, 103, spread))
    make_run(compare.folder / "b", both(6, 100, spread))
    said = compare("a", "b")
    sentence = "The two views disagree: a is better than b in what is shown and worse in how it looks."
    assert (sentence in said) == warns


def test_figures_against_other_photos_are_not_compared(compare):
    make_run(compare.folder / "a", [figure(9.5)])
    make_run(compare.folder / "b", [figure(7.2)], catalogue="others-2")
    said = compare("a", "b")
    assert "photos others" in said and "judged by different photos" in said


def test_what_is_missing_or_old_is_said(compare):
    make_run(compare.folder / "a", [figure(9.5)], images_seen=800, evaluated_at=400)
    make_run(compare.folder / "b")
    said = compare("a", "b")
    assert "a was evaluated after 400 images and has learnt from 800 since" in said
    assert "b was not evaluated yet: tfproductgan evaluate b" in said


def test_a_run_without_curves_can_be_compared(compare):
    for name in "ab":
        run = make_run(compare.folder / name, [figure(9.5)])
        (run / "metrics.jsonl").unlink()
    assert row(compare("a", "b"), "images seen")[1:] == ["–", "–"]


def test_a_page_holds_curves_and_grids_of_all_runs(compare):
    for name in ("a", "<i>b"):
        make_run(compare.folder / name, [figure(9.5)])
    compare("a", "<i>b", "--out", "page.html")
    page = (compare.folder / "page.html").read_text()
    assert 'alt="curves of a, &lt;i&gt;b over' in page and page.count("data:image/png;base64,") == 1 + 2
    assert "<i>" not in page and "http:" not in page and "https:" not in page


@pytest.mark.parametrize(
    "words, said",
    [
        (["a"], "nothing to compare 'a' with"),
        (["a", "nowhere"], "'nowhere' is no run directory"),
        (["a", "a", "--out", "a"], "is a folder"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "a")
    assert main(["compare", *words]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert said in line
