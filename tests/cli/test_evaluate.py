import json

import numpy as np
import pytest
from PIL import Image

import tfproductgan as tpg
from tfproductgan.cli.main import main
from tfproductgan.conditions import ConditionSchema
from tfproductgan.metrics import classifier
from tfproductgan.metrics.classifier import CatalogueClassifier, ClassifierRecipe
from tfproductgan.metrics.extractors import FeatureExtractor
from tfproductgan.metrics.rating import ANSWERS_KIND
from tfproductgan.models import loading
from tfproductgan.training import evaluation


class Averages(CatalogueClassifier):
    """Pixels averaged to 4 x 4, in place of a classifier that would have to be trained."""

    def __init__(self, schema):
        FeatureExtractor.__init__(self, "averages", "0123456789abcdef", 48, "averaged")
        self.schema = schema

    def outputs(self, images, batch_size=64):
        cells = images.reshape(len(images), 4, 16, 4, 16, 3).mean(axis=(2, 4))
        return (cells.reshape(len(images), -1) / 255).astype(np.float32), None

    def features_and_predictions(self, images, batch_size=256):
        features, _ = self.outputs(images)
        return features, [features[:, : len(attribute.values)] for attribute in self.schema.attributes]


@pytest.fixture
def shop(painter, tmp_path, monkeypatch):
    """The current folder: painted photos with a table, a run that learnt from them, a model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(evaluation, "catalogue_classifier", lambda catalogue, progress=None: Averages(catalogue.schema))
    monkeypatch.setattr(loading, "load", lambda path: painter)
    painter.provenance = {"images_seen": 64}
    (tmp_path / "photos").mkdir()
    lines = [",".join(["image", "split", *painter.schema.names])]
    for number, request in enumerate(painter.plan(count=80, seed=700)):
        Image.fromarray(painter.draw([request])[0]).save(tmp_path / "photos" / f"{number}.png")
        lines.append(",".join([f"{number}.png", ("train", "validation")[number % 2], *request.conditions.values()]))
    (tmp_path / "photos" / "shop.csv").write_text("\n".join(lines))
    make_run(tmp_path / "run", painter)
    (tmp_path / "model.keras").write_text("")
    return tmp_path


def make_run(path, painter):
    path.mkdir()
    (path / "recipe.json").write_text(json.dumps({"images": 64, "batch_size": 8, "discriminator_steps": 1}))
    (path / "metrics.jsonl").write_text('{"images_seen": 64, "time": 1, "d_loss": 0.5}\n')
    photos = path.parent / "photos"
    catalogue = tpg.Catalogue.from_table(
        photos / "shop.csv", attributes=painter.schema.names, schema=painter.schema, cache=False
    )
    options = {"data": str(photos), "attributes": list(painter.schema.names)}
    (path / "data.json").write_text(json.dumps({"fingerprint": catalogue.fingerprint, "options": options}))


def evaluate(capsys, *words, code=0):
    assert main(["evaluate", *words]) == code
    said = capsys.readouterr()
    return said.out if code == 0 else said.err


def metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_is_evaluated_by_its_name_alone(shop, capsys, monkeypatch):
    run = shop / "run"
    monkeypatch.chdir(shop / "photos")
    said = evaluate(capsys, str(run))
    assert "Note: The" not in said and f"Report: {run / 'evaluation' / 'report.html'}" in said
    [line] = metrics(run / "evaluation")
    assert (line["kind"], line["model_id"], line["n"], line["images_seen"]) == ("judgement", "painter-1", 40, 64)
    names = {figure["full_name"].split(",")[0] for figure in line["figures"]}
    assert "kid@averages-012345" in names and any(name.startswith("look_kid@texture-") for name in names)
    assert "what is shown" in said and "how it looks" in said
    report = (run / "evaluation" / "report.html").read_text()
    assert "Curves of the training" in report and "d_loss" in report and "The closest pairs" in report
    assert (run / "evaluation" / "judgement.json").is_file()


def test_photos_without_labels_are_judged_by_how_they_look(shop, capsys, painter):
    (shop / "photos" / "shop.csv").unlink()
    painter.schema = ConditionSchema((), 64)
    said = evaluate(capsys, "model.keras", "--data", "photos", "--force")
    assert "have no labels" in said and "how it looks" in said and "what is shown" not in said
    [line] = metrics(shop / "evaluation" / "model")
    assert {"look", "look_kid", "diversity"} <= {figure["name"] for figure in line["figures"]}


def test_lines_add_up_and_the_report_is_the_newest(shop, capsys):
    for samples in ("25", "30"):
        evaluate(capsys, "run", "--samples", samples)
    assert [line["n"] for line in metrics(shop / "run" / "evaluation")] == [25, 30]
    assert "30 samples" in (shop / "run" / "evaluation" / "report.html").read_text()


def test_truncated_samples_are_judged_and_named_as_such(shop, capsys):
    said = evaluate(capsys, "run", "--truncation", "0.5", "--rate", "8", "--out", "judged")
    assert "tfproductgan evaluate run --out judged --ratings FILE" in said
    [line] = metrics(shop / "judged")
    assert line["truncation"] == 0.5
    assert all(figure["full_name"].endswith(", truncation=0.5") for figure in line["figures"])
    report = (shop / "judged" / "report.html").read_text()
    assert "truncation 0.5" in report and "tfproductgan evaluate run --truncation 0.5 --rate 8 --out judged<" in report
    [key] = (shop / "judged" / "ratings").glob("key-*.json")
    assert json.loads(key.read_text())["truncation"] == 0.5


def test_a_model_is_evaluated_with_the_photos_it_is_given(shop, capsys):
    assert "does not say where its photos are" in evaluate(capsys, "model.keras", code=1)
    evaluate(capsys, "model.keras", "--data", "photos")
    assert [path.name for path in (shop / "evaluation").iterdir()] == ["model"]


def test_other_photos_than_those_of_the_run_are_said(shop, capsys):
    table = (shop / "photos" / "shop.csv").read_text().splitlines()
    (shop / "photos" / "shop.csv").write_text("\n".join(table[:-1]))
    said = evaluate(capsys, "run")
    assert "not the photos that the run was trained on" in said
    assert "not the photos that the run was trained on" in (shop / "run" / "evaluation" / "report.html").read_text()


def test_a_run_that_is_not_finished_is_said(shop, capsys, painter):
    painter.provenance = {"images_seen": 40}
    said = evaluate(capsys, "run")
    assert "The run is not finished: this is its newest generator, after 40 of 64 images" in said
    painter.provenance = {"images_seen": 57}  # what is left fills no batch
    assert "not finished" not in evaluate(capsys, "run")


def test_missing_curves_are_said(shop, capsys):
    (shop / "run" / "metrics.jsonl").unlink()
    assert "There is no metrics.jsonl in run" in evaluate(capsys, "run")
    assert "Curves" not in (shop / "run" / "evaluation" / "report.html").read_text()


def test_people_rate_a_page_and_their_answers_are_read_back(shop, capsys):
    said = evaluate(capsys, "run", "--rate", "20")
    folder = shop / "run" / "evaluation"
    [page] = folder.glob("rating-*.html")
    [key] = (folder / "ratings").glob("key-*.json")
    assert page.name in said and key.name in said
    pictures = json.loads(key.read_text())["pictures"]
    answers = {number: "generated" if fact["generated"] else "photo" for number, fact in pictures.items()}
    (shop / "a.json").write_text(
        json.dumps({"kind": ANSWERS_KIND, "page": page.stem[7:], "rater": "1", "answers": answers})
    )
    (shop / "b.json").write_text(
        json.dumps({"kind": ANSWERS_KIND, "page": page.stem[7:], "rater": "2", "answers": {"1": "photo"}})
    )
    assert "0 of 10" in evaluate(capsys, "run", "--ratings", "a.json")
    assert "2 people" in evaluate(capsys, "run", "--ratings", "b.json")
    assert metrics(folder)[-1]["told_apart"]["of"] == 21
    assert "People tell generated pictures from photos" in (folder / "report.html").read_text()
    # judged again, what people said is still there
    evaluate(capsys, "run")
    assert "People tell generated pictures from photos" in (folder / "report.html").read_text()


def test_answers_to_an_unknown_page_are_refused_and_not_kept(shop, capsys):
    (shop / "a.json").write_text(json.dumps({"kind": ANSWERS_KIND, "page": "xyz", "answers": {"1": "photo"}}))
    assert "page xyz" in evaluate(capsys, "run", "--ratings", "a.json", code=1)
    assert not (shop / "run" / "evaluation").exists()


@pytest.mark.parametrize(
    "words, said",
    [
        (["run", "--attributes", "colour"], "--attributes belongs to --data"),
        (["run", "--extractor", "incption"], "did you mean 'inception'"),
        (["run", "--split", "test"], "no photos for 'test'"),
        (["run", "--extractor", "file", "--extractor-file", "model.keras", "--extractor-sha256", "12"], "expected 12"),
        (["run", "--samples", "1"], "must be 2 or more"),
        (["run", "--truncation", "3"], "truncation must be a number from 0 to 2"),
    ],
)
def test_mistakes_are_one_line(shop, capsys, words, said):
    [line] = evaluate(capsys, *words, code=1).splitlines()
    assert line.startswith("tfproductgan: error: ") and said in line


def test_photos_that_are_gone_are_named(shop, capsys):
    (shop / "photos").rename(shop / "moved")
    line = evaluate(capsys, "run", code=1)
    assert "photos' does not exist" in line and "--data names others" in line
    evaluate(capsys, "run", "--data", "moved")


@pytest.mark.slow
def test_a_training_can_be_evaluated_by_itself(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    # it need not be a good judge
    monkeypatch.setattr(classifier, "ClassifierRecipe", lambda: ClassifierRecipe(images=2_560, widths=(8, 16)))
    words = "--data studio:1200 --image-size 32 --attributes category --recipe mlp --images 640 --batch-size 16"
    words += " --set generator.widths=[16] --set discriminator.widths=[16]"
    assert main(["train", *words.split(), "--out", "run", "--evaluate", "320", "--every", "320"]) == 0
    assert "tfproductgan evaluate run" in capsys.readouterr().out
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert all(np.isfinite(line["val_fid"]) for line in lines)
    assert main(["evaluate", "run"]) == 0
    [line] = metrics(tmp_path / "run" / "evaluation")
    assert line["images_seen"] == 640
