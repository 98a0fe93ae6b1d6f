"""Figures are read back as what they are made of: lines, labels, pictures."""

import itertools
import json

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from tfproductgan.conditions import Attribute
from tfproductgan.errors import JudgementError, RunError
from tfproductgan.metrics.attribute_accuracy import accuracy_of
from tfproductgan.metrics.coverage import ConditionCoverage, ConditionFigures
from tfproductgan.metrics.judgement import Judgement
from tfproductgan.reports import charts


def make_run(path, values=None, alarms=(), steps=3):
    path.mkdir()
    values = values or {"loss": 1.0, "val_loss": 2.0, "val_fid": 30.0}
    lines = [{"images_seen": 100 * i, "time": i, **values} for i in range(1, steps + 1)]
    (path / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    if alarms:
        (path / "alarms.jsonl").write_text("\n".join(json.dumps({"images_seen": seen}) for seen in alarms))
    return path


def judged(count):
    """A judgement of an attribute with so many values."""
    names = tuple(f"value {i} $a_1$ {'long ' * 9 if i % 5 == 0 else ''}" for i in range(count))
    rng = np.random.default_rng(0)
    asked = np.repeat(np.arange(1, count + 1), 10)
    seen = np.where(rng.random(len(asked)) < 0.7, asked, rng.integers(1, count + 1, len(asked)))
    conditions = [ConditionFigures("a", name, 30, 30, i / count, 0.1, 1.0, 2.0, 1, 1) for i, name in enumerate(names)]
    coverage = ConditionCoverage("x", 5, (*conditions, ConditionFigures("a", "rare", 3, 2)), 1, 1, 0, 0)
    accuracy = accuracy_of(Attribute("a", names), asked, seen, asked, asked, "x")
    return Judgement("m", "c", "x", "s", "p", "test", 1, 1, 0, attributes=(accuracy,), coverage=coverage)


def panels(figure):
    return {axes.get_ylabel(): axes for axes in figure.axes}


def points(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}


def labels(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()] if figure.legends else []


def overlapping(figure):
    """Whether names along an axis lie over each other."""
    figure.draw_without_rendering()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            boxes = [text.get_window_extent() for text in axis.get_ticklabels() if text.get_text()]
            if any(a.overlaps(b) for a, b in itertools.pairwise(boxes)):
                return True
    return False


# === Curves ===


def test_curves_join_training_and_validation(tmp_path):
    path = tmp_path / "metrics.jsonl"
    lines = [
        {"images_seen": 100, "time": 1, "loss": 1.0, "val_loss": 2.0},
        {"images_seen": 200, "time": 2, "loss": None, "val_loss": 1.5, "val_fid": 30.0},
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + '\nnull\n[1]\n{"loss": 3}\n{"images_seen": 3')
    curves = charts.read_curves(path)
    assert list(curves) == ["fid", "loss"]
    assert curves["loss"] == {"training": [(100, 1.0)], "validation": [(100, 2.0), (200, 1.5)]}
    assert charts.read_curves(tmp_path / "none.jsonl") == {}


def test_a_value_has_a_panel_over_the_images_seen(tmp_path):
    figure = charts.curves(make_run(tmp_path / "run", alarms=[150, 250]))
    fid, loss = panels(figure)["fid"], panels(figure)["loss"]
    assert fid.get_xlabel() == "images seen"
    assert points(loss)["training"] == [[100, 1], [200, 1], [300, 1]]
    assert points(loss)["validation photos"] == [[100, 2], [200, 2], [300, 2]]
    for axes in (fid, loss):
        assert [line.get_xdata()[0] for line in axes.get_lines() if line.get_linestyle() == ":"] == [150, 250]
    assert labels(figure) == ["alarm", "training", "validation photos"]


def test_runs_have_their_colour_in_every_panel(tmp_path):
    figure = charts.curves(make_run(tmp_path / "one"), make_run(tmp_path / "two", {"loss": 3.0, "extra": 1.0}))
    first, second = charts._COLOURS[:2]
    found = {name: [line.get_color() for line in axes.get_lines()] for name, axes in panels(figure).items()}
    assert found == {"fid": [first], "loss": [first, first, second], "extra": [second]}
    assert [name[-3:] for name in labels(figure)[:2]] == ["one", "two"]


def test_only_what_was_asked_for_is_drawn(tmp_path):
    run = make_run(tmp_path / "run")
    [axes] = charts.curves(run, metrics=["val_loss"]).axes
    assert axes.get_ylabel() == "val_loss" and list(points(axes)) == ["validation photos"]
    assert len(charts.curves(run, metrics=["fid", "loss"]).axes) == 2
    with pytest.raises(RunError, match="Unknown metric 'val_los': did you mean 'val_loss'"):
        charts.curves(run, metrics=["val_los"])
    with pytest.raises(RunError, match="has no curves"):
        charts.curves(tmp_path)


@pytest.mark.parametrize(
    "values",
    [[3.0], [3.0, 3.0], [-1e-9, 1e12], list(np.sin(np.arange(5000.0))), [0.1, float("inf"), 0.3]],
)
def test_curves_stay_in_their_frame(tmp_path, values):
    lines = [json.dumps({"images_seen": i, "loss": value}) for i, value in enumerate(values)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    figure = charts.curves(tmp_path)
    figure.draw_without_rendering()
    [axes] = figure.axes
    [line] = axes.get_lines()
    places = axes.transAxes.inverted().transform(axes.transData.transform(line.get_xydata()))
    assert (places >= 0).all() and (places <= 1).all()


def test_many_values_have_room(tmp_path):
    figure = charts.curves(make_run(tmp_path / "run", {f"value_{i}_{'x' * i}": 1e5 * i for i in range(20)}))
    assert len(figure.axes) == 20 and not overlapping(figure)


# === Judgements ===


@pytest.mark.parametrize("count", [3, 43])
def test_a_confusion_table_is_of_shares(count):
    judgement = judged(count)
    figure = charts.confusion(judgement, "a")
    [image] = figure.axes[0].get_images()
    shares = np.asarray(image.get_array())
    np.testing.assert_allclose(shares.sum(axis=1), 100)
    [accuracy] = judgement.attributes
    assert np.diag(shares)[: len(shares)] == pytest.approx([100 * value.accuracy for value in accuracy.values])
    assert bool(figure.axes[0].texts) == (count == 3)
    assert not overlapping(figure)


@pytest.mark.parametrize("count", [1, 43])
def test_values_and_conditions_have_a_row_each(count):
    judgement = judged(count)
    for figure in (charts.recognised(judgement, "a"), charts.conditions(judgement)):
        names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
        assert len(names) == count and not overlapping(figure)
        assert labels(figure) == ["photos", "samples"]
    covered, _, diversity = charts.conditions(judgement).axes
    assert [x for x, _ in points(covered)["samples"]] == pytest.approx([100 * i / count for i in range(count)])
    assert {x for x, _ in points(diversity)["photos"]} == {2.0}


def test_what_was_not_judged_has_no_chart():
    with pytest.raises(JudgementError, match="'b' was not judged by a classifier"):
        charts.confusion(judged(3), "b")
    with pytest.raises(JudgementError, match="by pixels"):
        charts.recognised(judged(3), "a", pixels=True)
    with pytest.raises(JudgementError, match="No condition was measured"):
        charts.conditions(Judgement("m", "c", "x", "s", "p", "test", 1, 1, 0))


# === Figures ===


def test_figures_leave_no_trace(tmp_path):
    settings = dict(matplotlib.rcParams)
    charts.save(charts.confusion(judged(3), "a"), tmp_path / "a.png")
    assert dict(matplotlib.rcParams) == settings
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []


def test_letters_the_font_lacks_are_no_trouble(tmp_path):
    path = charts.save(charts.curves(make_run(tmp_path / "run", {"損失$": 1.0})), tmp_path / "a.svg")
    assert path.read_text().startswith("<?xml")


def test_colours_differ_in_lightness():
    # in print without colour, too: the two that stand side by side most
    first, second = (np.dot(to_rgba(colour)[:3], (0.2126, 0.7152, 0.0722)) for colour in charts._COLOURS[:2])
    assert abs(first - second) > 0.05
