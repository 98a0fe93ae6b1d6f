"""The arrows of the architecture point up: a package imports only what stands above it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tfproductgan

PACKAGE = Path(tfproductgan.__file__).parent
TOP = {
    "errors",
    "conditions",
    "keras_settings",
    "machine",
    "provenance",
    "registry",
    "recipes",
    "shipped",
    "stateless_random",
    "text_vectors",
    "vocabulary",
    "writing",
}

# what each part may import besides itself, in the order in which a reader meets them
ALLOWED = dict.fromkeys(TOP, TOP)
ALLOWED["studio"] = ALLOWED["layers"] = ALLOWED["losses"] = TOP
ALLOWED["catalogue"] = TOP | {"studio"}
ALLOWED["networks"] = TOP | {"layers"}
ALLOWED["models"] = ALLOWED["catalogue"] | {"catalogue", "layers", "losses", "networks"}
ALLOWED["sampling"] = ALLOWED["models"] | {"models"}
ALLOWED["metrics"] = ALLOWED["sampling"] | {"sampling"}
ALLOWED["reports"] = ALLOWED["training"] = ALLOWED["metrics"] | {"metrics"}
ALLOWED["serving"] = ALLOWED["catalogue"] | {"catalogue"}
ALLOWED["export"] = ALLOWED["models"] | {"models", "serving"}
ALLOWED["compression"] = ALLOWED["training"] | {"training", "export"}
ALLOWED["platform"] = TOP | {"catalogue", "serving"}
ALLOWED["cli"] = set(ALLOWED)

# the package itself only hands out what its parts define, and is read for its version
FRONT = {"__init__", "__main__"}
# files whose job is to hold names of what is below them, imported when somebody asks for it; what they import
# outright points up all the same. `cli/` may import everything and needs no exception
HOLDS_NAMES = {"registry.py"}

DOTTED = re.compile(r"tfproductgan(\.\w+)*\.?(:\w+)?")

PURE_KERAS = ("layers", "networks", "losses")
# imports TensorFlow once it knows that this is what computes; `networks/test_jax.py` runs it where it is not
ASK_FIRST = {"layers/batch_normalization.py", "layers/convolution.py"}

# the packages: in none of them may modules need each other
NO_CIRCLES = tuple(sorted(part for part in ALLOWED if (PACKAGE / part).is_dir()))


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


def named(path):
    """Names of modules and of what is in them that stand in strings, for `import_module` here or elsewhere.

    Of an f-string, what stands before its first value: `f"tfproductgan.training.{name}"`.
    """
    strings = {node.value for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if is_string(node)}
    return {string.replace(":", ".") for string in strings if DOTTED.fullmatch(string)}


def is_string(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def parts_imported(path):
    told = set() if str(path.relative_to(PACKAGE)) in HOLDS_NAMES else named(path)
    names = [name.split(".") for name in imported(path) | told if name.startswith("tfproductgan.")]
    # `from tfproductgan import load` names no part, but something a part defines
    return {name[1] for name in names if (PACKAGE / name[1]).is_dir() or (PACKAGE / f"{name[1]}.py").is_file()}


def modules_needed(path):
    """Modules of the package that a file imports when it runs, in functions and by literal names too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            node.body = []
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "require")):
            names |= {argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)}
    return {found for name in names if name.startswith("tfproductgan") and (found := module_file(name))}


def module_file(name):
    """The file of a module, or of the module that defines the name."""
    place = PACKAGE.joinpath(*name.split(".")[1:])
    for found in (place.with_suffix(".py"), place / "__init__.py"):
        if found.is_file() and place != PACKAGE:
            return found
    return module_file(name.rpartition(".")[0]) if "." in name else None


def circle_in(needed):
    """Modules each of which needs the next and the last the first, if there are any."""

    def visit(module, way):
        if module in way:
            return [*way[way.index(module) :], module]
        if module in fine:
            return None
        found = next(filter(None, (visit(other, [*way, module]) for other in sorted(needed.get(module, ())))), None)
        fine.add(module)
        return found

    fine = set()
    return next(filter(None, (visit(module, []) for module in sorted(needed))), None)


@pytest.mark.parametrize("part", NO_CIRCLES)
def test_no_circles(part):
    circle = circle_in({path: modules_needed(path) for path in sources(part)})
    assert not circle, "each of these imports the next: " + ", ".join(str(p.relative_to(PACKAGE)) for p in circle)


def test_a_circle_is_found_wherever_the_import_stands(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    files = {
        "a/one.py": "def f():\n    from tfproductgan.a import two",
        "a/two.py": "import importlib\nimportlib.import_module('tfproductgan.a.three')",
        "a/three.py": "from tfproductgan.a.one import f",
        "b/one.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tfproductgan.b.two import g",
        "b/two.py": "import tfproductgan.b.one",
        "c/__init__.py": "from tfproductgan.c.one import f",
        "c/one.py": "def f():\n    from tfproductgan.c import g",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    circles = {part: circle_in({path: modules_needed(path) for path in sources(part)}) for part in "abc"}
    assert [path.stem for path in circles["a"]] == ["one", "two", "three", "one"]
    assert circles["b"] is None
    assert [path.stem for path in circles["c"]] == ["__init__", "one", "__init__"]


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


@pytest.mark.parametrize(
    "line",
    [
        "from tfproductgan.training.trainer import train",
        "def f():\n    import tfproductgan.training.trainer",
        "importlib.import_module('tfproductgan.training.trainer')",
        "import_module(f'tfproductgan.training.{name}')",
        "HOMES = {'train': 'tfproductgan.training.trainer:train'}",
    ],
)
def test_an_import_that_points_down_is_seen(line, tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    for part in ("models", "training"):
        (tmp_path / part).mkdir()
    path = tmp_path / "models" / "loading.py"
    path.write_text(f'"""Nothing of tfproductgan.export."""\n{line}')
    assert parts_imported(path) == {"training"}


@pytest.mark.parametrize("path", sources(*PURE_KERAS), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_networks_and_losses_run_on_any_keras_backend(path):
    roots = {name.split(".")[0] for name in imported(path)}
    assert not roots & {"tensorflow", "jax", "torch"} or path.relative_to(PACKAGE).as_posix() in ASK_FIRST


@pytest.mark.parametrize("module", ["tfproductgan", "tfproductgan.cli.main"])
def test_importing_is_instant(module):
    heavy = (
        ("tensorflow", "keras", "pandas", "numpy") if module == "tfproductgan" else ("tensorflow", "keras", "pandas")
    )
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
