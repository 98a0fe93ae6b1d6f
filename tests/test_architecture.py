"""The arrows of the architecture point up: a package imports only what stands above it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tfproductgan

PACKAGE = Path(tfproductgan.__file__).parent
TOP = {"errors", "conditions", "registry", "recipes", "stateless_random", "writing"}

# what each part may import besides itself, in the order in which a reader meets them
ALLOWED = dict.fromkeys(TOP, TOP)
ALLOWED["catalogue"] = ALLOWED["layers"] = ALLOWED["losses"] = TOP
ALLOWED["networks"] = TOP | {"layers"}
ALLOWED["models"] = TOP | {"layers", "losses", "networks"}
ALLOWED["sampling"] = ALLOWED["models"] | {"models", "catalogue"}
ALLOWED["metrics"] = ALLOWED["sampling"] | {"sampling"}
ALLOWED["reports"] = ALLOWED["training"] = ALLOWED["metrics"] | {"metrics"}
ALLOWED["serving"] = TOP
ALLOWED["export"] = ALLOWED["training"] | {"training", "serving"}
ALLOWED["cli"] = set(ALLOWED)

# the package itself only hands out what its parts define, and is read for its version
FRONT = {"__init__", "__main__"}

PURE_KERAS = ("layers", "networks", "losses")


def sources(*parts):
    folders = [PACKAGE / part for part in parts] or [PACKAGE]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def part_of(path):
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported(path):
    """Full names of all modules a file imports, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno} imports relatively; spell the module out"
            # `from package import name` may import a module or something in it
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def parts_imported(path):
    names = [name.split(".") for name in imported(path) if name.startswith("tfproductgan.")]
    # `from tfproductgan import load` names no part, but something a part defines
    return {name[1] for name in names if (PACKAGE / name[1]).is_dir() or (PACKAGE / f"{name[1]}.py").is_file()}


def test_every_part_has_its_place():
    parts = {part_of(path) for path in sources()}
    assert parts - FRONT <= set(ALLOWED)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_up(path):
    part = part_of(path)
    if part in FRONT:
        return
    wrong = parts_imported(path) - ALLOWED[part] - {part}
    assert not wrong, f"{path.relative_to(PACKAGE)} imports {sorted(wrong)}; {part} may import {sorted(ALLOWED[part])}"


@pytest.mark.parametrize("path", sources(*PURE_KERAS), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_networks_and_losses_run_on_any_keras_backend(path):
    roots = {name.split(".")[0] for name in imported(path)}
    assert not roots & {"tensorflow", "jax", "torch"}


@pytest.mark.parametrize("module", ["tfproductgan", "tfproductgan.cli.main"])
def test_importing_is_instant(module):
    heavy = (
        ("tensorflow", "keras", "pandas", "numpy") if module == "tfproductgan" else ("tensorflow", "keras", "pandas")
    )
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
