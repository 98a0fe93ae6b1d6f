"""One call that says how good a model is, on models whose fault is known."""

import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.errors import CatalogueError, JudgementError
from tfproductgan.metrics.classifier import CatalogueClassifier
from tfproductgan.metrics.counterparts import Counterparts
from tfproductgan.metrics.feature_extractor import FeatureExtractor
from tfproductgan.metrics.judge import PARTS, Judge, judge
from tfproductgan.metrics.judgement import Judgement
from tfproductgan.metrics.tables import number, views_side_by_side

N = 270


@pytest.fixture(scope="module")
def by_network(shop, classifier):
    return Judge(shop, classifier)


@pytest.fixture
def by_pixels(shop, stubs, tmp_path):
    return Judge(shop, stubs.Shrunk(), cache=tmp_path)


@pytest.fixture(scope="module")
def perfect(by_network, shop, stubs, tmp_path_factory):
    by_network._folder = tmp_path_factory.mktemp("cache")
    return by_network.judge(stubs.Perfect(shop.schema), force=True)


def test_a_model_that_draws_photos_scores_what_photos_score(perfect):
    assert perfect.figure("fid").value < 2 * perfect.figure("fid").floor + 0.05
    assert perfect.figure("kid").value < perfect.figure("kid").floor + 20
    for name in ("precision", "recall", "coverage"):
        figure = perfect.figure(name)
        assert figure.interval[0] - 0.1 < figure.floor < figure.interval[1] + 0.1
    for accuracy in (*perfect.attributes, *perfect.colours):
        assert accuracy.accuracy == pytest.approx(accuracy.real_accuracy, abs=0.06)
    assert not perfect.memorisation.suspicious
    assert not perfect.coverage.dropped and not perfect.coverage.collapsed


def test_figures_say_how_they_were_measured(perfect, classifier):
    fid = perfect.figure("fid")
    assert fid.full_name == f"fid@{classifier.id}, n={N}, split=validation, seed=0"
    assert fid.interval[0] <= fid.value <= fid.interval[1]
    assert perfect.logs()[f"fid@{classifier.id}"] == fid.value
    assert len(perfect.logs()) == len(perfect.figures)
    with pytest.raises(JudgementError, match="did you mean 'recall'"):
        perfect.figure("recal")


def test_a_judgement_survives_json(perfect):
    text = perfect.to_json()
    assert Judgement.from_json(text) == perfect
    assert json.loads(text)["figures"][0]["full_name"] == perfect.figures[0].full_name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("{}", "not a judgement"),
        ("[1]", "not a judgement"),
        ('{"version": 99}', "version 99"),
        ('{"version": 1, "model_id": "m"}', "not a judgement"),
    ],
)
def test_what_is_no_judgement_is_refused(text, message):
    with pytest.raises(JudgementError, match=message):
        Judgement.from_json(text)


def test_people_see_every_figure_and_every_limitation(perfect):
    console = Console(width=80, record=True, file=io.StringIO(), soft_wrap=True)
    console.print(perfect.table())
    shown = console.export_text()
    assert all(f" {figure.name}" in shown for figure in perfect.figures)
    assert perfect.extractor in shown.split("figure")[0]
    assert "accuracy/colour@pixels ↑" in shown
    assert all(len(line) <= 80 for line in shown.splitlines() if line and line[0] in "┃│┏└")
    assert all(sentence in shown for sentence in perfect.limitations)
    assert "[red]" not in shown


def test_both_views_are_measured_and_stand_side_by_side(perfect, by_network):
    texture = by_network.texture.id
    look, kernel = perfect.figure("look"), perfect.figure("look_kid")
    assert look.full_name == f"look@{texture}, n={N}, split=validation, seed=0" and look.view == "how it looks"
    assert kernel.extractor == texture and kernel.interval[0] <= kernel.value <= kernel.interval[1]
    assert look.interval[0] <= look.value <= look.interval[1]
    assert 0 < look.value < 3 * look.floor
    assert perfect.figure("fid").view == "what is shown" and perfect.figure("recall").view is None
    views, rows = views_side_by_side(perfect.figures)
    assert views == ["what is shown", "how it looks"]
    assert rows[0][1:] == [f"fid {number(perfect.figure('fid').value)}", f"look {number(look.value)}"]
    assert rows[-1] == ["by", perfect.extractor, texture]


def test_the_second_view_sees_grain_that_the_first_does_not(shop, stubs, tmp_path):
    class Grainy(stubs.Perfect):
        def one(self, request):
            grain = np.random.default_rng([request.seed, 5]).choice([-12, 12], (32, 32, 1))
            return np.clip(super().one(request) + grain, 0, 255).astype(np.uint8)

    judging = Judge(shop, stubs.Shrunk(), cache=tmp_path)
    clean, grainy = (
        judging.judge(kind(shop.schema), parts=("distances", "look"), force=True) for kind in (stubs.Perfect, Grainy)
    )
    assert grainy.figure("look").interval[0] > 2 * clean.figure("look").interval[1]
    assert grainy.figure("fid").value < 2 * clean.figure("fid").value


def test_swapped_colours_are_caught(by_network, shop, stubs, perfect):
    found = by_network.judge(stubs.SwapsColours(shop.schema), parts=("attributes", "colours"))
    category, colour = found.attributes
    assert category.accuracy == pytest.approx(category.real_accuracy, abs=0.06)
    assert colour.accuracy < 0.5 < 0.9 < colour.real_accuracy
    assert {frozenset(pair[:2]) for pair in colour.most_confused(2)} == {frozenset({"Gold", "Navy Blue"})}
    (pixels,) = found.colours
    assert pixels.accuracy < 0.5 < 0.8 < pixels.real_accuracy


def test_copies_are_caught(by_network, shop, stubs, perfect):
    found = by_network.judge(stubs.Copies(shop), parts=("memorisation",)).memorisation
    assert found.suspicious and found.close == 1 and found.nearer == 1
    assert found.authentic == 0
    assert all(pair.distance < 1e-4 for pair in found.pairs)
    assert not perfect.memorisation.suspicious


def test_a_collapsed_category_is_caught(by_network, shop, stubs):
    found = by_network.judge(stubs.Collapses(shop.schema), parts=("conditions",)).coverage
    assert [condition.name for condition in found.collapsed] == ["category Mug"]
    assert found.repeated > 0.3 > 0.1 > found.real_repeated


def test_a_dropped_colour_is_caught(by_network, shop, stubs):
    found = by_network.judge(stubs.Drops(shop.schema), parts=("conditions",)).coverage
    assert [condition.name for condition in found.dropped] == ["colour Gold"]


def test_the_same_question_has_the_same_answer(by_pixels, shop, stubs):
    first, second = (
        dataclasses.replace(
            judge(stubs.Perfect(shop.schema), shop, by_pixels.extractor, n=40, parts=["conditions"], seed=3), seconds={}
        )
        for _ in range(2)
    )
    assert first == second


def test_conditions_are_those_of_the_split_each_photo_once_before_any_twice(by_pixels, shop, stubs):
    conditions = shop.conditions("validation")
    rows = by_pixels.rows(N + 10, seed=4)
    ids = conditions[rows]
    requests = Counterparts(stubs.Perfect(shop.schema), shop, "validation").requests(rows, seed=4)
    assert [request.seed for request in requests] == list(range(4, N + 14))
    assert sorted(map(tuple, ids[:N])) == sorted(map(tuple, conditions))
    assert [shop.schema.encode(request.conditions) for request in requests] == list(map(tuple, ids))


def test_photos_are_looked_at_once(shop, stubs, tmp_path):
    extractor = stubs.Shrunk()
    judging = Judge(shop, extractor, cache=tmp_path)
    for seed in (0, 1):
        judging.judge(stubs.Perfect(shop.schema), 20, seed, parts=("distances", "memorisation"))
    assert extractor.seen == N + shop.size("train") + 2 * 20
    again = Judge(shop, extractor, cache=tmp_path)
    again.judge(stubs.Perfect(shop.schema), 20, parts=("distances", "memorisation"))
    assert extractor.seen == N + shop.size("train") + 3 * 20


def test_photos_and_samples_go_through_the_second_view_once(shop, stubs, tmp_path):
    texture = stubs.Shrunk()
    texture.sha256 = "f" * 64  # or its features were those of the other
    for _ in range(2):
        judging = Judge(shop, stubs.Shrunk(), cache=tmp_path)
        judging.texture = texture
        for seed in (0, 1):
            judging.judge(stubs.Perfect(shop.schema), 20, seed, parts=("distances", "look", "conditions"))
    assert texture.seen == N + 4 * 20


def test_what_sees_texture_alone_looks_once_and_has_each_distance_once(shop, stubs, tmp_path):
    texture = stubs.Shrunk()
    texture.name = "texture"
    parts = ("distances", "look", "memorisation")
    found = Judge(shop, texture, cache=tmp_path).judge(stubs.Perfect(shop.schema), parts=parts, force=True)
    assert texture.seen == 2 * N + shop.size("train")
    names = [figure.name for figure in found.figures]
    assert not {"fid", "kid"} & set(names) and {"look", "look_kid", "recall", "close_to_train"} <= set(names)
    assert {figure.extractor for figure in found.figures} == {texture.id}


def test_too_few_samples_leave_figures_out_and_say_so(by_pixels, shop, stubs):
    found = by_pixels.judge(stubs.Perfect(shop.schema), 30, parts=("distances",))
    assert [figure.name for figure in found.figures] == ["kid"]
    assert any("Fréchet" in sentence and "not given" in sentence for sentence in found.limitations)
    forced = by_pixels.judge(stubs.Perfect(shop.schema), 30, parts=("distances",), force=True)
    assert forced.figure("fid").value > 0
    assert any("forced" in sentence for sentence in forced.limitations)


def test_features_that_are_no_numbers_stop_the_judgement(shop, stubs, tmp_path):
    with pytest.raises(JudgementError, match="NaN"):
        Judge(shop, stubs.Shrunk(broken=True), cache=tmp_path).judge(
            stubs.Perfect(shop.schema), 30, parts=("distances",)
        )


def test_grey_photos_limit_what_is_said(stubs, tmp_path):
    grey = stubs.catalogue(grey=True)
    found = Judge(grey, stubs.Shrunk(), cache=tmp_path).judge(
        stubs.Perfect(grey.schema), parts=("distances", "look", "colours", "conditions"), force=True
    )
    assert 0 < found.figure("look").value < 3 * found.figure("look").floor
    assert not found.colours
    assert any("Colours of pixels are not checked" in sentence for sentence in found.limitations)
    assert any("photos are grey" in sentence.lower() for sentence in found.limitations)


def test_a_condition_without_photos_is_counted_and_stated(stubs, tmp_path):
    images, labels = stubs.photos(270, 1)
    splits = ["validation" if label["category"] != "Ring" and i >= 90 else "train" for i, label in enumerate(labels)]
    columns = {name: [label[name] for label in labels] for name in ("category", "colour")}
    shop = Catalogue.from_arrays(images, columns, splits, cache=False)
    found = Judge(shop, stubs.Shrunk(), cache=tmp_path).judge(stubs.Perfect(shop.schema), parts=("conditions",))
    names = {condition.name: condition for condition in found.coverage.conditions}
    assert "category Ring" not in names  # neither asked for nor there
    assert names["category Mug"].measured
    assert "No validation photo has category Ring: they are not asked for" in found.limitations[0]


@pytest.mark.parametrize("n", [0, 1, -3])
def test_a_judgement_needs_samples(by_pixels, shop, stubs, n):
    with pytest.raises(JudgementError, match=f"2 or more. Received: {n}"):
        by_pixels.judge(stubs.Perfect(shop.schema), n, parts=("distances",))


def test_what_cannot_be_judged_is_refused(by_pixels, shop, stubs):
    with pytest.raises(JudgementError, match=r"'colour'.*did you mean 'colours'"):
        by_pixels.judge(stubs.Perfect(shop.schema), parts=("colour",))
    with pytest.raises(CatalogueError, match="validation"):
        Judge(shop, stubs.Shrunk(), split="validaton")
    larger = stubs.Perfect(shop.schema)
    larger.draw = lambda requests: np.zeros((len(requests), 64, 64, 3), np.uint8)
    with pytest.raises(JudgementError, match=r"\(64, 64, 3\).*\(32, 32, 3\)"):
        by_pixels.judge(larger, parts=("distances",))


def test_without_held_out_photos_memorisation_is_not_audited(stubs, tmp_path):
    images, labels = stubs.photos(90, 1)
    shop = Catalogue.from_arrays(images, {"colour": [label["colour"] for label in labels]}, ["train"] * 90, cache=False)
    judging = Judge(shop, stubs.Shrunk(), split="train", cache=tmp_path)
    generator = stubs.Perfect(shop.schema)
    generator.one = lambda request: images[request.seed % 90]
    found = judging.judge(generator, parts=("memorisation",))
    assert found.memorisation is None
    assert any("not audited" in sentence for sentence in found.limitations)
    assert any("learnt from" in sentence for sentence in found.limitations)


def test_a_catalogue_without_attributes_is_judged_by_its_distances(stubs, tmp_path):
    images, _ = stubs.photos(300, 1)
    shop = Catalogue.from_arrays(images, None, ["train"] * 150 + ["validation"] * 150, cache=False)
    fresh, _ = stubs.photos(150, 9)
    generator = stubs.Perfect(shop.schema)
    generator.one = lambda request: fresh[request.seed]
    found = Judge(shop, stubs.Shrunk(), cache=tmp_path).judge(generator, parts=PARTS)
    assert found.figure("coverage").value > 0.7
    assert [condition.name for condition in found.coverage.conditions] == ["everything"]
    assert any("no attributes" in sentence for sentence in found.limitations)
    found = Judge(shop, cache=tmp_path).judge(generator, parts=PARTS, force=True)
    assert found.extractor.startswith("texture-")
    assert 0 < found.figure("look").value < 3 * found.figure("look").floor
    assert not found.memorisation.suspicious
    assert any("no labels" in sentence and "how pictures look" in sentence for sentence in found.limitations)
    generator.one = lambda request: images[request.seed]
    assert Judge(shop, cache=tmp_path).judge(generator, parts=("memorisation",)).memorisation.suspicious


def test_progress_counts_to_the_end(by_pixels, shop, stubs):
    told = []
    by_pixels.judge(stubs.Perfect(shop.schema), 30, parts=("conditions",), progress=lambda *now: told.append(now))
    assert told[0] == ("Drawing and looking at samples", 30, 30)
    assert told[-1][1:] == (N, N)


# === Several values a picture ===

SHADES = {"Black": (10, 10, 12), "Blue": (36, 84, 192), "Red": (200, 16, 46)}


def striped(values, seed):
    """A picture of stripes in the colours of its values, on white."""
    picture = np.full((16, 16, 3), 250, np.uint8)
    rng = np.random.default_rng(seed)
    for place, value in enumerate(values):
        width = 10 // len(values)
        picture[3:13, 3 + place * width : 3 + (place + 1) * width] = SHADES[value]
    return np.clip(picture + rng.integers(-3, 4, picture.shape), 0, 255).astype(np.uint8)


class Recognises(CatalogueClassifier):
    """Knows the shades by heart."""

    def __init__(self):
        FeatureExtractor.__init__(self, "shades", "0123456789", 12, "none")

    def features_and_predictions(self, images, batch_size=64):
        shares = [(np.abs(images.astype(int) - SHADES[name]).max(axis=3) < 9).mean(axis=(1, 2)) for name in SHADES]
        features = images.reshape(len(images), 2, 8, 2, 8, 3).mean(axis=(2, 4)).reshape(len(images), -1)
        return features.astype(np.float32), [np.stack(shares, axis=1)]


@pytest.fixture(scope="module")
def stripes():
    cells = [("Black", "Blue"), ("Red",), ("Blue", "Red"), ("Black",)] * 60
    images = np.stack([striped(cell, i) for i, cell in enumerate(cells)])
    colours = [", ".join(cell) for cell in cells]
    return Catalogue.from_arrays(
        images, {"colour": colours}, ["train"] * 120 + ["validation"] * 120, cache=False, multi="colour"
    )


def test_each_of_several_values_is_judged(stripes, stubs):
    generator = stubs.Perfect(stripes.schema)
    split = stripes.schema.attribute("colour").split
    generator.one = lambda request: striped(split(request.conditions["colour"]), request.seed)
    parts = ("attributes", "colours", "conditions")
    found = judge(generator, stripes, Recognises(), parts=parts)
    for [accuracy] in (found.attributes, found.colours):
        assert (accuracy.asked, accuracy.real, accuracy.accuracy, accuracy.real_accuracy) == (180, 180, 1, 1)
    asked = {each.value: (each.asked, each.real) for each in found.coverage.conditions}
    assert asked == {"Black": (60, 60), "Blue": (60, 60), "Red": (60, 60)}
    assert not found.coverage.dropped
    # who draws one colour only shows one of two
    generator.one = lambda request: striped(split(request.conditions["colour"])[:1], request.seed)
    found = judge(generator, stripes, Recognises(), parts=parts)
    assert found.attributes[0].confusion["Red"] == {"Black": 30, "Red": 30}
    assert found.attributes[0].accuracy < 1
