"""The notebooks are stored whole, as a run from top to bottom leaves them, and run."""

import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest

from tfproductgan.cli.main import main

FOLDER = Path(__file__).parent.parent / "notebooks"
FILES = sorted(FOLDER.glob("*.ipynb"))
NOTEBOOKS = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
MOST_BYTES = 200_000


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("make_notebooks", FOLDER / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def code_cells(path):
    """What a run executes."""
    cells = [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]
    return [cell for cell in cells if "install" not in cell["metadata"].get("tags", [])]


@NOTEBOOKS
def test_a_notebook_begins_as_all_do(make, path):
    notebook = read(path)
    cells = make.with_common_cells(notebook, path.stem)["cells"]
    assert [(cell["id"], cell["source"]) for cell in cells] == [(c["id"], c["source"]) for c in notebook["cells"]]
    assert notebook["cells"][0]["source"][0].startswith("# ")
    assert "Expected time: " in "".join(notebook["cells"][0]["source"])
    [parameters] = [cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    assert 'SMALL = "TFPRODUCTGAN_SMALL" in os.environ' in "".join(parameters["source"])


@NOTEBOOKS
def test_a_notebook_is_stored_as_one_run_left_it(path):
    """Or without any outputs, until `make.py` has run it."""
    cells = code_cells(path)
    outputs = [output for cell in cells for output in cell["outputs"]]
    if outputs:
        assert [cell["execution_count"] for cell in cells] == list(range(1, 1 + len(cells)))
        assert any("image/" in kind for output in outputs for kind in output.get("data", ()))
    assert {output["output_type"] for output in outputs} <= {"stream", "execute_result"}
    # nothing of the machine it ran on
    text = "".join("".join(output.get("text", ())) for output in outputs)
    assert not re.search(r"/(tmp|home|root|work|Users)/", text), text


@NOTEBOOKS
def test_a_notebook_is_small_and_its_links_lead_somewhere(path):
    assert path.stat().st_size < MOST_BYTES
    text = "\n".join("".join(cell["source"]) for cell in read(path)["cells"] if cell["cell_type"] == "markdown")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert target.startswith("http") or (FOLDER / target).exists(), target


def tfproductgan(line):
    """What `!tfproductgan ...` does in a notebook, without the time that a process of its own takes to start."""
    assert main(shlex.split(line)) == 0


@pytest.mark.slow
@NOTEBOOKS
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFPRODUCTGAN_SMALL", "1")
    monkeypatch.setenv("TFPRODUCTGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names = {"tfproductgan": tfproductgan}
    for cell in code_cells(path):
        code = re.sub(r"^!tfproductgan (.*)$", r'tfproductgan(f"""\1""")', "".join(cell["source"]), flags=re.MULTILINE)
        exec(compile(code, f"{path.name}[{cell['id']}]", "exec"), names)
