"""Run the notebooks with small numbers and store them with what they show: `python notebooks/make.py [NAME ...]`.

A notebook is edited as any other, in Jupyter. This puts what is the same in all of them into place (the badge, the
installation, what computes), runs each from top to bottom in a folder of its own, and stores it with its outputs, small
pictures in place of large ones, without times and paths of this machine. Needs the extra `notebooks`. With
TFPRODUCTGAN_REPOSITORY=owner/name, a repository on GitHub, the badge opens Colab and the installation clones it.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
REPOSITORY = os.environ.get("TFPRODUCTGAN_REPOSITORY", "")  # as owner/name on GitHub, from where Colab opens notebooks
WIDEST = 400  # pixels of a stored picture

BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    f"(https://colab.research.google.com/github/{REPOSITORY}/blob/main/notebooks/{{name}}.ipynb)\n\n"
    if REPOSITORY
    else "In Colab upload this notebook, and get the package first, in a cell of its own: `!git clone` with the\n"
    "repository's address, then `%cd` into the folder it made.\n\n"
) + (
    "The outputs stored here are those of a run with the small numbers, made to see that everything runs: what is\n"
    "trained in it has hardly begun to learn."
)
_CLONE = f"    !git clone --quiet --depth 1 https://github.com/{REPOSITORY} /tmp/tfproductgan\n" if REPOSITORY else ""
_CHECKOUT = "/tmp/tfproductgan" if REPOSITORY else "."
INSTALL = f"""\
import importlib.util

if importlib.util.find_spec("tfproductgan") is None:
{_CLONE}    %pip install --quiet '{_CHECKOUT}[serving,tfds]'"""
MACHINE = """\
import tensorflow as tf

if tf.config.list_physical_devices("GPU"):
    print("A GPU computes: wider networks and larger pictures are for it.")
else:
    print("The processor computes. In Colab: Runtime, Change runtime type, GPU; then run all cells again.")"""


def with_common_cells(notebook: dict[str, Any], name: str) -> dict[str, Any]:
    """The notebook with the cells that all have behind its title, and behind its parameters."""
    common = {
        "badge": {"cell_type": "markdown", "source": BADGE.format(name=name), "metadata": {}},
        "install": {"cell_type": "code", "source": INSTALL, "metadata": {"tags": ["install"]}},
        "machine": {"cell_type": "code", "source": MACHINE, "metadata": {}},
    }
    title, *others = [cell for cell in notebook["cells"] if cell["id"] not in common]
    made = [{"id": key, **cell, "source": cell["source"].splitlines(keepends=True)} for key, cell in common.items()]
    for cell in made:
        if cell["cell_type"] == "code":
            cell |= {"execution_count": None, "outputs": []}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"colab": {"provenance": []}, "kernelspec": kernel, "language_info": {"name": "python"}}
    return {**notebook, "cells": [title, *made, *others], "metadata": about, "nbformat": 4, "nbformat_minor": 5}


def run(notebook: dict[str, Any], shell: Any) -> dict[str, Any]:
    """The notebook with what its cells show, run in a folder that holds nothing."""
    from IPython.utils.capture import capture_output

    shell.reset(new_session=False)
    made, count = [], 0
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ["TFPRODUCTGAN_CACHE"] = str(Path(folder, "cache"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code" and "install" not in cell["metadata"].get("tags", []):
                shown: list[Any] = []
                shell.display_trap.hook = shown.append
                with capture_output() as said:
                    result = shell.run_cell("".join(cell["source"]))
                result.raise_error()
                count += 1
                shown = [shell.display_formatter.format(value)[0] for value in shown]
                cell = {**cell, "execution_count": count, "outputs": list(_kept(said.stdout, shown, count))}
            made.append(cell)
    return {**notebook, "cells": made}


def _kept(said: str, shown: list[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    """What is stored of what a cell says: its text, and its picture, made small; no widgets."""
    if said:
        yield {"output_type": "stream", "name": "stdout", "text": said.splitlines(keepends=True)}
    for forms in shown:
        if "image/png" in forms:
            picture = forms["image/png"]
            data = _small(picture if isinstance(picture, bytes) else base64.b64decode(picture))
            yield {"output_type": "execute_result", "execution_count": count, "data": data, "metadata": {}}


def _shell() -> Any:
    """IPython in this process: to import TensorFlow takes longer than most notebooks and commands."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.pylabtools import select_figure_formats

    from tfproductgan.cli.main import main as tfproductgan

    def system(line: str) -> None:
        if code := tfproductgan(shlex.split(shell.var_expand(line, depth=1))[1:]):
            raise SystemExit(f"{line}: exit code {code}")

    shell = InteractiveShell.instance()
    shell.system = system
    select_figure_formats(shell, {"png"})
    return shell


def _small(png: bytes) -> dict[str, str]:
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    if image.width > WIDEST:
        image = image.resize((WIDEST, round(image.height * WIDEST / image.width)), Image.Resampling.LANCZOS)
    files = {"image/jpeg": io.BytesIO(), "image/png": io.BytesIO()}
    image.save(files["image/jpeg"], "JPEG", quality=70, optimize=True)
    image.quantize(128).save(files["image/png"], "PNG", optimize=True)
    kind = min(files, key=lambda kind: len(files[kind].getvalue()))
    return {kind: base64.b64encode(files[kind].getvalue()).decode()}


def main(names: list[str]) -> None:
    """Make the notebooks of these names, or all."""
    os.environ |= {"TFPRODUCTGAN_SMALL": "1", "MPLBACKEND": "Agg"}
    shell = _shell()
    for name in names or sorted(path.stem for path in FOLDER.glob("*.ipynb")):
        path, start = FOLDER / f"{name}.ipynb", time.process_time()
        notebook = run(with_common_cells(json.loads(path.read_text(encoding="utf-8")), name), shell)
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
        print(f"{name}: {time.process_time() - start:.0f} core-seconds", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
