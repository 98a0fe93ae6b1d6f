"""What is measured while training: seen by every callback, at a bounded cost, the same wherever a run was stopped."""

import io
import json
import types

import keras
import numpy as np
import pytest
from rich.console import Console

import tfproductgan as tpg
from tfproductgan.errors import JudgementError, RecipeError
from tfproductgan.metrics.classifier import CatalogueClassifier
from tfproductgan.metrics.extractors import FeatureExtractor
from tfproductgan.metrics.judge import judge
from tfproductgan.models.conditional_gan import ConditionalGAN
from tfproductgan.recipes import get_recipe
from tfproductgan.training import evaluation
from tfproductgan.training.evaluation import Evaluation, announced_extractor, past_evaluations, ranked_by

BATCH = 8
RECIPE = get_recipe(
    "dcgan",
    family="mlp",
    generator={"widths": [8], "latent_dim": 4, "embedding_dim": 4},
    discriminator={"widths": [8]},
    loss="non-saturating",
    penalties={},
    penalty_interval=1,
    augmentation=(),
    batch_size=BATCH,
    images=3 * 4 * BATCH,
    precision="float32",
)


def averages(images):
    """Features without a network: the mean colours of quarters."""
    quarters = images.reshape(len(images), 2, 4, 2, 4, 3).mean(axis=(2, 4))
    return (quarters.reshape(len(images), -1) / 255).astype(np.float32)


class Averages(FeatureExtractor):
    def __init__(self):
        super().__init__("averages", "0123456789", 12, "none")

    def outputs(self, images, batch_size=64):
        return averages(images), None


class Recognises(CatalogueClassifier):
    """Tells red from blue by the brighter channel."""

    def __init__(self):
        FeatureExtractor.__init__(self, "averages", "0123456789", 12, "none")

    def features_and_predictions(self, images, batch_size=64):
        means = images.mean(axis=(1, 2))
        return averages(images), [np.stack([means[:, 0], means[:, 2]], axis=1)]


@pytest.fixture(scope="module")
def catalogue():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 120, (280, 8, 8, 3), np.uint8)
    images[::2, ..., 0] += 120
    images[1::2, ..., 2] += 120
    splits = ["train"] * 160 + ["validation"] * 120
    return tpg.Catalogue.from_arrays(images, {"colour": ["Red", "Blue"] * 140}, splits, cache=False)


@pytest.fixture(autouse=True)
def without_a_classifier(monkeypatch):
    monkeypatch.setattr(evaluation, "announced_extractor", lambda name, catalogue, console: Recognises())


def quiet():
    return Console(file=io.StringIO(), width=200)


def fit(catalogue, callbacks, epochs=4, steps=4):
    keras.utils.set_random_seed(0)
    gan = ConditionalGAN.from_recipe(RECIPE, catalogue.schema)
    gan.compile()
    stream = catalogue.stream("train", batch_size=BATCH)
    return gan, gan.fit(stream, steps_per_epoch=steps, epochs=epochs, callbacks=callbacks, verbose=0)


class Seen(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append({name: value for name, value in logs.items() if name in evaluation.EVALUATED})


def test_callbacks_after_it_see_what_it_found(catalogue):
    seen = Seen()
    _, history = fit(catalogue, [Evaluation(catalogue, 1, console=quiet()), seen])
    assert [set(epoch) for epoch in seen.epochs] == [set(evaluation.EVALUATED)] * 4
    assert history.history["val_fid"] == [epoch["val_fid"] for epoch in seen.epochs]
    means = [(epoch["val_fid"] * epoch["val_look"]) ** 0.5 for epoch in seen.epochs]
    assert means == pytest.approx(history.history["val_distance"])
    assert all(np.isfinite(list(epoch.values())).all() for epoch in seen.epochs)
    assert all(0 <= epoch["val_attribute_accuracy"] <= 1 for epoch in seen.epochs)


def test_early_stopping_of_keras_ends_the_training(catalogue):
    class Worse(Evaluation):
        def _measure(self):
            return {"val_fid": float(self.model.images_seen)}

    stop = keras.callbacks.EarlyStopping("val_fid", mode="min", patience=2)
    _, history = fit(catalogue, [Worse(catalogue, 1, console=quiet()), stop], epochs=10)
    assert len(history.history["val_fid"]) == 3


def test_weights_are_the_same_without_it(catalogue):
    with_it, _ = fit(catalogue, [Evaluation(catalogue, 1, console=quiet())], epochs=2)
    without, _ = fit(catalogue, [], epochs=2)
    for mine, theirs in zip(with_it.get_weights(), without.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_it_comes_every_so_many_images_and_at_the_end(catalogue):
    seen = Seen()
    fit(catalogue, [Evaluation(catalogue, 2 * 4 * BATCH, console=quiet()), seen], epochs=5)
    assert [bool(epoch) for epoch in seen.epochs] == [False, True, False, True, True]


@pytest.mark.parametrize("seconds, epochs", [(0.1, "1111111"), (1.5, "1010101"), (2.5, "1001001"), (99, "1000001")])
def test_it_comes_less_often_if_it_would_cost_more_than_a_tenth(catalogue, monkeypatch, seconds, epochs):
    clock = types.SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(evaluation, "time", clock)

    class Slow(Evaluation):
        def _measure(self):
            clock.now += seconds
            return {"val_fid": 1.0, "val_kid": 1.0}

    class Step(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            clock.now += 2.5  # ten seconds an epoch

    seen, console = Seen(), quiet()
    fit(catalogue, [Step(), Slow(catalogue, console=console), seen], epochs=7)
    assert "".join(str(int(bool(epoch))) for epoch in seen.epochs) == epochs
    said = console.file.getvalue()
    assert said.count("to stay within 10 % of the time") == (seconds > 1)
    assert "evaluations took" in said


class StopAt(keras.callbacks.Callback):
    """Ends a training as a crash would."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if self.model.step == self.step:
            raise ZeroDivisionError


def curves(path):
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "time"} for line in lines]


@pytest.mark.parametrize(
    "evaluate, stops, intervals", [(True, [6], 3), pytest.param(2 * 4 * BATCH, [3, 10, 18], 6, marks=pytest.mark.slow)]
)
def test_a_stopped_run_evaluates_at_the_same_images(
    catalogue, tmp_path, monkeypatch, left_by_a_kill, evaluate, stops, intervals
):
    # the machine's speed decides how often it comes: for both runs alike
    monkeypatch.setattr(evaluation, "SHARE", 1e9)
    whole = tmp_path / "whole"

    def train(path, callbacks=()):
        recipe = RECIPE.replace(images=intervals * 4 * BATCH)
        return tpg.train(catalogue, recipe, path, 4 * BATCH, evaluate=evaluate, callbacks=callbacks)

    train(whole, [left_by_a_kill(whole, step, tmp_path / f"stopped-{step}") for step in stops])
    found = [line["images_seen"] for line in curves(whole) if "val_fid" in line]
    assert found == [i * 4 * BATCH for i in range(1, intervals + 1) if evaluate is True or i % 2 == 0]
    best = json.loads((whole / "checkpoints" / "best.json").read_text())
    assert best["value"] == min(line["val_distance"] for line in curves(whole) if "val_distance" in line)
    assert best["by"]["metric"] == "val_distance"
    for step in stops:
        stopped = tmp_path / f"stopped-{step}"
        train(stopped)
        assert curves(stopped) == curves(whole)
        assert json.loads((stopped / "checkpoints" / "best.json").read_text()) == best
        written = json.loads((stopped / "evaluation.json").read_text())
        assert written["figures"]["val_fid"] == "fid@averages-012345, n=120, split=validation, seed=0"
        assert written["figures"]["val_look"].startswith("look@texture-")
        assert written["figures"]["val_distance"].startswith("distance@averages-012345+texture-")
        assert written["catalogue"] == catalogue.fingerprint


def test_a_run_without_progress_ends_and_counts_on_after_a_stop(catalogue, tmp_path, monkeypatch, capsys):
    found = {1: 5.0, 2: 4.0, 3: 6.0, 4: 4.5, 5: 4.2, 6: 3.0}  # epoch to val_distance
    monkeypatch.setattr(Evaluation, "_measure", lambda self: {"val_distance": found[self.model.step // 4]})

    def train(patience=None, callbacks=()):
        recipe = RECIPE.replace(images=6 * 4 * BATCH)
        tpg.train(catalogue, recipe, tmp_path / "run", 4 * BATCH, evaluate=1, patience=patience, callbacks=callbacks)
        return [line["val_distance"] for line in curves(tmp_path / "run")], capsys.readouterr().out

    with pytest.raises(ZeroDivisionError):
        train(2, [StopAt(14)])
    values, said = train(2)
    assert values == [5, 4, 6, 4.5]
    assert "Stopped: the last 2 evaluations brought no lower val_distance" in said
    assert (tmp_path / "run" / "generator.keras").is_file()
    values, said = train(2)
    assert len(values) == 4 and "More patience, or none, goes on" in said
    assert len(train(3)[0]) == 5
    values, said = train(4)
    assert values == list(found.values()) and "Stopped" not in said


def test_a_run_of_before_goes_on_by_what_it_was_judged_by(catalogue, tmp_path, monkeypatch, capsys):
    found = {1: (5, 50), 2: (4, 60), 3: (6, 20), 4: (7, 10), 5: (8, 5)}  # epoch to both distances

    def measured(self):
        fid, look = map(float, found[self.model.step // 4])
        return {"val_fid": fid, "val_look": look, "val_distance": (fid * look) ** 0.5, "val_kid": fid}

    monkeypatch.setattr(Evaluation, "_measure", measured)
    run = tmp_path / "run"

    def train(**options):
        recipe = RECIPE.replace(images=6 * 4 * BATCH)
        tpg.train(catalogue, recipe, run, 4 * BATCH, evaluate=1, **options)
        best = json.loads((run / "checkpoints" / "best.json").read_text())
        return len(curves(run)), best["by"]["metric"], best["value"], capsys.readouterr().out

    with pytest.raises(ZeroDivisionError):
        train(best="val_fid", callbacks=[StopAt(14)])
    # as it was written when there was one view
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    before = [{name: line[name] for name in line.keys() - {"val_look", "val_distance"}} for line in lines]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in before))
    assert ranked_by(run / "metrics.jsonl") == "val_fid"
    number, by, value, said = train(patience=2)
    assert (number, by, value) == (4, "val_fid", 4)
    assert "val_fid goes on to say which checkpoint is best" in said and "brought no lower val_fid" in said
    assert "val_distance" in curves(run)[-1] and ranked_by(run / "metrics.jsonl") == "val_fid"


def test_a_run_that_goes_on_says_which_figures_are_measured_otherwise(catalogue, tmp_path, capsys):
    run = tmp_path / "run"

    def train(callbacks=()):
        tpg.train(catalogue, RECIPE.replace(images=4 * 4 * BATCH), run, 4 * BATCH, evaluate=1, callbacks=callbacks)
        return capsys.readouterr().out

    with pytest.raises(ZeroDivisionError):
        train([StopAt(6)])
    record = json.loads((run / "evaluation.json").read_text())
    now = record["figures"]["val_look"]
    record["figures"]["val_look"] = "look@texture-000000"
    (run / "evaluation.json").write_text(json.dumps(record))
    with pytest.raises(ZeroDivisionError):
        train([StopAt(10)])
    assert f"look@texture-000000 was measured, from now on {now}: the two" in capsys.readouterr().out.replace("\n", " ")
    assert "from now on" not in train()


def test_views_that_disagree_about_two_checkpoints_are_said_once(catalogue):
    found = [(10, 100), (8, 130), (8, 131), (9, 90), (9.1, 89), (12, 80)]

    class Given(Evaluation):
        def _measure(self):
            fid, look = found[self.model.step // 4 - 1]
            return {"val_fid": fid, "val_look": look, "val_distance": (fid * look) ** 0.5}

    console = quiet()
    fit(catalogue, [Given(catalogue, 1, console=console)], epochs=6)
    said = [line for line in console.file.getvalue().splitlines() if "disagree" in line]
    assert [line.partition(": ")[2].partition(". ")[0] for line in said] == [
        "it is better in what is shown (val_fid 10 to 8) and worse in how it looks (val_look 100 to 130)",
        "it is worse in what is shown (val_fid 9.1 to 12) and better in how it looks (val_look 89 to 80)",
    ]
    assert f"the best before, of {5 * 4 * BATCH} images" in said[1]


def test_photos_without_labels_are_evaluated_by_how_they_look(catalogue, monkeypatch, tmp_path):
    monkeypatch.setattr(evaluation, "announced_extractor", announced_extractor)
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path))
    images = np.concatenate([catalogue.images(split) for split in ("train", "validation")])
    photos = tpg.Catalogue.from_arrays(images, splits=["train"] * 160 + ["validation"] * 120, cache=False)
    console = quiet()
    _, history = fit(photos, [Evaluation(photos, 1, console=console)], epochs=1)
    assert set(history.history) & set(evaluation.EVALUATED) == {"val_look", "val_distance"}
    assert history.history["val_look"] == history.history["val_distance"]
    assert "so only how pictures look is seen" in " ".join(console.file.getvalue().split())


@pytest.mark.parametrize("options, said", [({}, "needs --evaluate"), ({"evaluate": True, "patience": 0}, "from 1")])
def test_patience_that_cannot_be_is_refused(catalogue, tmp_path, options, said):
    with pytest.raises(RecipeError, match=said):
        tpg.train(catalogue, RECIPE, tmp_path / "run", **{"patience": 2, **options})
    assert not (tmp_path / "run").exists()


def test_figures_are_those_of_judge(catalogue, monkeypatch, tmp_path):
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path))
    gan, history = fit(catalogue, [Evaluation(catalogue, 1, n=100, console=quiet())], epochs=1)
    judgement = judge(gan, catalogue, Recognises(), n=100, parts=["distances", "look", "attributes"], force=True)
    assert history.history["val_fid"] == pytest.approx([judgement.figure("fid").value])
    assert history.history["val_look"] == pytest.approx([judgement.figure("look").value])
    assert history.history["val_attribute_accuracy"] == [judgement.figure("accuracy/colour").value]


@pytest.mark.parametrize("names, epochs", [(evaluation.EVALUATED, "100101"), (("val_fid", "val_kid"), "111111")])
def test_the_interval_is_kept_when_a_run_goes_on_and_measures_the_same(catalogue, tmp_path, monkeypatch, names, epochs):
    monkeypatch.setattr(evaluation, "SHARE", 1e9)  # chosen again, it is every epoch
    record = {"every_images": 3 * 4 * BATCH, "figures": dict.fromkeys(names, "")}
    (tmp_path / "evaluation.json").write_text(json.dumps(record))
    seen = Seen()
    fit(catalogue, [Evaluation(catalogue, record=tmp_path / "evaluation.json", console=quiet()), seen], epochs=6)
    assert "".join(str(int(bool(epoch))) for epoch in seen.epochs) == epochs


def test_too_few_photos_are_refused_before_a_run_is_made(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (100, 8, 8, 3), np.uint8)
    few = tpg.Catalogue.from_arrays(images, {"a": ["x", "y"] * 50}, cache=False)
    with pytest.raises(JudgementError, match="100 or more photos"):
        tpg.train(few, RECIPE, tmp_path / "run", evaluate=True)
    assert not (tmp_path / "run").exists()


def test_a_value_that_photos_without_labels_do_not_have_is_refused(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (260, 8, 8, 3), np.uint8)
    photos = tpg.Catalogue.from_arrays(images, splits=["train"] * 130 + ["validation"] * 130, cache=False)
    with pytest.raises(RecipeError, match="no value 'val_fid'"):
        tpg.train(photos, RECIPE, tmp_path / "run", evaluate=True, best="val_fid")


def test_an_interval_that_cannot_be_is_refused(catalogue):
    with pytest.raises(RecipeError, match="number of images from 1"):
        Evaluation(catalogue, 0)


def test_an_extractor_that_knows_no_labels_measures_distances(catalogue, monkeypatch, tmp_path):
    monkeypatch.setattr(evaluation, "announced_extractor", lambda name, catalogue, console: Averages())
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path))
    _, history = fit(catalogue, [Evaluation(catalogue, 1, console=quiet())], epochs=1)
    assert set(history.history) & set(evaluation.EVALUATED) == set(evaluation.EVALUATED) - {"val_attribute_accuracy"}


def test_past_evaluations_are_those_of_whole_lines_up_to_now(tmp_path):
    path = tmp_path / "metrics.jsonl"
    lines = '{"images_seen": 1, "val_look": 2}', '{"images_seen": 2, "val_look": null}', '{"images_seen": 3, "loss": 1}'
    path.write_text("\n".join([*lines, '{"images_seen": 9, "val_look": 1}', '{"imag']))
    assert past_evaluations(path, 5) == [{"images_seen": 1, "val_look": 2}]
    assert past_evaluations(tmp_path / "none", 5) == past_evaluations(None, 5) == []
