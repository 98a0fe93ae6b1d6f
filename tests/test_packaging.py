"""The archives hold what an installation needs, and setuptools has nothing to complain about."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = ("pyproject.toml", "setup.cfg", "setup.py", "MANIFEST.in", "README.md", "CONTRIBUTING.md", "LICENSE")
FOLDERS = ("deploy", "docs", "notebooks", "saved_models", "tests", "tfproductgan")
MODEL = b"stands for a generator"

pytestmark = pytest.mark.slow


def run(*command, **kwargs):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **kwargs)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def setuptools(tmp_path_factory):
    """A folder with the setuptools that pyproject.toml asks for, whatever this environment has."""
    folder = tmp_path_factory.mktemp("setuptools")
    run(sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, "setuptools>=77")
    return folder


@pytest.fixture
def checkout(tmp_path):
    """A copy of the sources whose `saved_models/` holds no model."""
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in PARTS:
        shutil.copy(ROOT / name, copy)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.keras"))
    return copy


def build(kind, checkout, setuptools):
    """Build a `"wheel"` or an `"sdist"` with warnings as errors; returns its path."""
    out = checkout.parent / kind
    out.mkdir()
    code = f"from setuptools import build_meta; build_meta.build_{kind}({str(out)!r})"
    run(sys.executable, "-W", "error", "-c", code, cwd=checkout, env={"PYTHONPATH": str(setuptools), "PATH": ""})
    [archive] = out.iterdir()
    return archive


def test_the_wheel_holds_every_module_and_the_model(checkout, setuptools):
    (checkout / "saved_models" / "studio.keras").write_bytes(MODEL)
    wheel = build("wheel", checkout, setuptools)
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    modules = {path.relative_to(checkout).as_posix() for path in checkout.glob("tfproductgan/**/*.py")}
    modules |= {path.relative_to(checkout).as_posix() for path in checkout.glob("tfproductgan/reports/templates/*")}
    assert names == modules | {
        "tfproductgan/saved_models/README.md",
        "tfproductgan/saved_models/studio.keras",
    }


def test_the_installed_package_finds_its_model_and_its_command(checkout, setuptools, tmp_path):
    (checkout / "saved_models" / "studio.keras").write_bytes(MODEL)
    site = tmp_path / "site"
    run(
        sys.executable,
        *("-m", "pip", "install", "--quiet", "--no-deps", "--target", site),
        build("wheel", checkout, setuptools),
    )
    code = "from tfproductgan.models.loading import shipped_model_path; print(shipped_model_path())"
    kwargs = {"cwd": tmp_path, "env": {"PYTHONPATH": str(site), "TF_CPP_MIN_LOG_LEVEL": "2", "HOME": str(tmp_path)}}
    found = run(sys.executable, "-c", code, **kwargs).strip()
    assert Path(found) == site / "tfproductgan" / "saved_models" / "studio.keras"
    assert run(site / "bin" / "tfproductgan", "--version", **kwargs).startswith("tfproductgan ")


def test_a_wheel_without_a_model_can_be_built(checkout, setuptools):
    names = zipfile.ZipFile(build("wheel", checkout, setuptools)).namelist()
    assert "tfproductgan/saved_models/README.md" in names


def test_the_source_archive_builds_the_same_wheel(checkout, setuptools, tmp_path):
    (checkout / "saved_models" / "studio.keras").write_bytes(MODEL)
    with tarfile.open(build("sdist", checkout, setuptools)) as archive:
        archive.extractall(tmp_path, filter="data")
    [unpacked] = tmp_path.glob("tfproductgan-*/")
    for part in (*PARTS, "docs/architecture.md", "notebooks/quickstart.ipynb", "tests/test_packaging.py"):
        assert (unpacked / part).is_file(), part
    from_archive = zipfile.ZipFile(build("wheel", unpacked, setuptools)).namelist()
    shutil.rmtree(tmp_path / "wheel")
    assert sorted(from_archive) == sorted(zipfile.ZipFile(build("wheel", checkout, setuptools)).namelist())
