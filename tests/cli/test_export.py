import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from tfproductgan.cli import export as cli_export
from tfproductgan.cli.main import main
from tfproductgan.errors import RunError
from tfproductgan.export import saved_model
from tfproductgan.models import loading
from tfproductgan.training import evaluation


@pytest.fixture
def exports(painter, tmp_path, monkeypatch):
    """What `tfproductgan export` hands on, with a model that needs no training."""
    handed = []

    def load(path):
        if str(path) not in ("shipped", "run"):
            raise RunError(f"No such model: {path}")
        return painter

    def export(model, path, licence, facts, classifier):
        handed.append((model, path, licence, facts, classifier))
        return Path(path, "1")

    monkeypatch.setattr(loading, "load", load)
    Path(tmp_path, "shipped.judgement.json").write_text('{"model_id": "painter-1", "figures": []}')
    monkeypatch.setattr(loading, "shipped_model_path", lambda: "shipped")
    monkeypatch.setattr(saved_model, "export_saved_model", export)
    monkeypatch.chdir(tmp_path)
    return handed


def test_a_run_goes_with_what_is_known_of_it(exports, painter, capsys):
    Path("run/evaluation").mkdir(parents=True)
    Path("run/data.json").write_text('{"source": "photos"}')
    Path("run/evaluation/judgement.json").write_text('{"model_id": "painter-1"}')
    assert main(["export", "run", "saved models/shop", "--licence", "MIT"]) == 0
    [(model, path, licence, facts, classifier)] = exports
    assert (model, path, licence, classifier) == (painter, "saved models/shop", "MIT", None)
    assert facts["data"] == {"source": "photos"} and facts["evaluation"]["model_id"] == "painter-1"
    said = capsys.readouterr().out
    assert "saved models/shop/1  painter-1\n" in said and "tfproductgan serve 'saved models'\n" in said


def test_the_generator_that_comes_along_is_called_studio(exports):
    assert main(["export", "studio", "saved_models/studio"]) == 0
    assert exports[0][2] == "Apache-2.0" and "built-in studio" in json.dumps(exports[0][3])
    assert exports[0][3]["evaluation"]["model_id"] == "painter-1"


def test_the_classifier_that_judges_goes_along_if_asked_for(exports, painter, monkeypatch):
    asked = []
    catalogue = SimpleNamespace(schema=painter.schema)
    monkeypatch.setattr(cli_export, "photos_of", lambda args, run_folder, schema: catalogue)

    def classifier(extractor, catalogue, console):
        asked.append((extractor, catalogue))
        return SimpleNamespace(model="the classifier")

    monkeypatch.setattr(evaluation, "announced_extractor", classifier)
    assert main(["export", "run", "saved_models/shop", "--recognise"]) == 0
    assert exports[0][4] == "the classifier" and asked == [("catalogue", catalogue)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere", "saved_models/shop"], "No such model: nowhere"),
        (["run", "3"], "'3' names no model: give a path such as saved_models/studio or .../studio/1."),
        (["run", "x/y", "--evaluation", "z"], "'z' holds no judgement.json: give a folder into which evaluate wrote."),
    ],
)
def test_what_cannot_be_is_one_line(exports, capsys, words, message):
    assert main(["export", *words]) == 1
    assert capsys.readouterr().err == f"tfproductgan: error: {message}\n" and not exports
