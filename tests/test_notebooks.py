import json
from pathlib import Path

import pytest
from PIL import Image

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = [pytest.param(path, id=path.stem) for path in sorted(FOLDER.glob("*.ipynb"))]
# instead of those of the cell tagged "parameters": the code must run, the pictures need not be good
TINY = {"quickstart": {"PHOTOS": 200, "IMAGE_SIZE": 32, "IMAGES": 320}}


def code_cells(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def tags(cell):
    return cell["metadata"].get("tags", [])


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_a_notebook_is_stored_without_outputs(path):
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code_cells(path))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS)
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    changed = 0
    for cell in code_cells(path):
        if "install" in tags(cell):
            continue
        exec(compile("".join(cell["source"]), f"{path.name}[{cell['id']}]", "exec"), names)
        if "parameters" in tags(cell):
            assert TINY[path.stem].keys() <= names.keys()
            names.update(TINY[path.stem])
            changed += 1
    assert changed == 1
    assert isinstance(names["grid"], Image.Image)
    assert (tmp_path / "quickstart.keras").is_file()
