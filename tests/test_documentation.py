"""What the documents tell people to type works: the commands parse, the links lead somewhere, the Python runs."""

import csv
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfproductgan.cli import main as cli

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


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


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    with open("products.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["image", "category", "colour"])
        for number in range(80):
            shade = rng.integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(shade).resize((64, 64)).save(f"photos/{number}.png")
            table.writerow([f"{number}.png", ("Watch", "Mug")[number % 2], ("Gold", "Blue")[number // 2 % 2]])
    # the other one asks a server, as the gate does
    [code] = [block for block in blocks(ROOT / "README.md", "python") if "Client(" not in block]
    short = code.replace("steps_per_epoch=500, epochs=20", "steps_per_epoch=2, epochs=1")
    assert short != code
    names = {}
    exec(compile(short, "README.md", "exec"), names)
    assert names["images"].shape == (16, 64, 64, 3)
