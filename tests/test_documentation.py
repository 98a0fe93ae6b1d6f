"""What the documents tell people to type works: the commands parse, the links lead somewhere, the Python runs."""

import csv
import re
import shlex
import sys
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import pytest
from PIL import Image

from tfproductgan.catalogue.catalogue import Catalogue
from tfproductgan.cli import main as cli
from tfproductgan.compression import portable
from tfproductgan.conditions import Attribute, ConditionSchema
from tfproductgan.metrics.attribute_accuracy import accuracy_of
from tfproductgan.metrics.coverage import ConditionCoverage, ConditionFigures
from tfproductgan.metrics.feature_extractor import FeatureExtractor
from tfproductgan.metrics.judgement import Judgement
from tfproductgan.models.training_model import TrainingModel
from tfproductgan.recipes import RECIPES, get_recipe
from tfproductgan.serving import client
from tfproductgan.training import evaluation
from tfproductgan.writing import append_json_line, write_text

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands():
    for path in DOCUMENTS:
        for block in blocks(path, "bash"):
            for line in re.split(r"\n|&&", block.replace("\\\n", " ")):
                words = shlex.split(line, comments=True)
                if words[:1] == ["tfproductgan"]:
                    yield pytest.param(words[1:], id=" ".join(words))


@pytest.mark.parametrize("words", commands())
def test_a_command_has_only_options_that_exist(words):
    cli._parser(words).parse_args(words)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert target.startswith("http") or (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_headings_lead_to_one(path):
    for target, heading in re.findall(r"\]\(([^)#]*)#([^)]+)\)", path.read_text(encoding="utf-8")):
        text = (path.parent / target if target else path).read_text(encoding="utf-8")
        anchors = {
            re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in re.findall(r"^#+ (.*)$", text, re.M)
        }
        assert heading in anchors, (heading, anchors)


# === Python ===

PYTHON = [
    (path, text.count("\n", 0, found.start()) + 2, found[1])
    for path in DOCUMENTS
    for text in [path.read_text(encoding="utf-8")]
    for found in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
]
SHORTER = {"widths": [8]}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A folder with what the documents speak of: photos with a table, drawings, a run that was evaluated."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    rows = []
    for number in range(400):
        name = f"{('mugs', 'rings')[number % 2]}/{number}.png"
        for folder, mode in (("photos", "RGB"), ("drawings", "L")):
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            shade = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)).convert(mode)
            shade.resize((64, 64), Image.Resampling.NEAREST).save(Path(folder, name), compress_level=1)
        split = "validation" if number % 4 == 0 else "train"
        rows.append([name, ("Watch", "Mug")[number % 2], ("Gold", "Blue")[number // 2 % 2], split])
    with open("products.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["image", "category", "colour", "split"], *rows])
    append_json_line("runs/shop/metrics.jsonl", {"images_seen": 100, "time": 1, "val_fid": 30.0, "val_look": 40.0})
    write_text("runs/shop/evaluation/judgement.json", judgement().to_json())
    return tmp_path


def judgement():
    """What `evaluate` found out about colours."""
    ids = np.array([1, 1, 2, 2] * 20)
    conditions = [ConditionFigures("colour", name, 30, 30, 0.5, 0.1, 1.0, 2.0, 1, 1) for name in ("Gold", "Blue")]
    coverage = ConditionCoverage("x", 5, tuple(conditions), 1, 1, 0, 0)
    accuracy = accuracy_of(Attribute("colour", ("Gold", "Blue")), ids, ids, ids, ids, "x")
    return Judgement("m", "c", "x", "s", "p", "validation", 1, 1, 0, attributes=(accuracy,), coverage=coverage)


@pytest.fixture
def less(monkeypatch):
    """Less of everything: the smallest networks, a step or two, forty products of the studio, no classifier, and what
    is not installed with the tests, or takes minutes to make, is stood in for.
    """
    tiny = get_recipe("mlp", images=16, batch_size=8, precision="float32", generator=SHORTER, discriminator=SHORTER)
    for name in ("dcgan", "quickstart"):
        monkeypatch.setitem(RECIPES, name, tiny)
    fit, studio = TrainingModel.fit, Catalogue.studio
    monkeypatch.setattr(
        TrainingModel,
        "fit",
        lambda self, batches, steps_per_epoch, epochs, verbose=0, **options: fit(
            self, batches, steps_per_epoch=min(2, steps_per_epoch), epochs=1, verbose=0, **options
        ),
    )
    monkeypatch.setattr(Catalogue, "studio", lambda count, **options: studio(40, **options))
    monkeypatch.setattr(evaluation, "announced_extractor", lambda name, catalogue, console: Averages())
    trackers = {name: mock.MagicMock() for name in ("wandb", "wandb.integration.keras", "mlflow", "mlflow.tensorflow")}
    trackers["keras_tuner"] = mock.MagicMock(RandomSearch=mock.MagicMock)
    trackers["wandb.integration.keras"].WandbMetricsLogger.return_value = keras.callbacks.Callback()
    trackers["mlflow.tensorflow"].MlflowCallback.return_value = keras.callbacks.Callback()
    for name, stand_in in trackers.items():
        monkeypatch.setitem(sys.modules, name, stand_in)
    for module, name in ((portable, "PortableGenerator"), (portable, "PortableTranslator"), (client, "Client")):
        stand_in = mock.create_autospec(getattr(module, name))
        stand_in.return_value.schema = ConditionSchema([Attribute("category", ("Ring",))], 64)
        monkeypatch.setattr(module, name, stand_in)


class Averages(FeatureExtractor):
    """The mean colours of pictures."""

    def __init__(self):
        super().__init__("averages", "0123456789", 3, "none")

    def outputs(self, images, batch_size=64):
        return images.mean(axis=(1, 2), dtype=np.float32), None


def test_the_python_of_the_documents_runs(shop, less):
    """Every block as it stands, in a folder with what it speaks of; each document goes on where README.md ends."""
    readme = {"sketches": np.zeros((1, 64, 64, 1), np.uint8)}
    spaces = {path: readme if path.name == "README.md" else None for path in DOCUMENTS}
    for path, line, code in PYTHON:
        names = spaces[path] = dict(readme) if spaces[path] is None else spaces[path]
        # so that a traceback names the line of the document
        exec(compile("\n" * (line - 1) + code, str(path), "exec"), names)
        if path.name == "README.md" and "fit(" in code:
            assert names["images"].shape == (16, 64, 64, 3)
    assert len(PYTHON) >= 12 and Path("grid.png").is_file() and Path("colours.pdf").is_file()
