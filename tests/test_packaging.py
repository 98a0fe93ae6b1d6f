"""The archives hold what an installation needs, and setuptools has nothing to complain about."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import tfproductgan

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE")
PARTS = ("pyproject.toml", "setup.cfg", "setup.py", "MANIFEST.in", *DOCUMENTS)
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


def checkout(folder):
    """A copy of the sources whose `saved_models/` holds no model."""
    copy = folder / "checkout"
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


@pytest.fixture(scope="module")
def with_model(tmp_path_factory):
    copy = checkout(tmp_path_factory.mktemp("with_model"))
    (copy / "saved_models" / "studio.keras").write_bytes(MODEL)
    return copy


@pytest.fixture(scope="module")
def wheel(with_model, setuptools):
    return build("wheel", with_model, setuptools)


def test_the_wheel_holds_every_file_of_the_package_and_the_model(with_model, wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = {path.relative_to(with_model).as_posix() for path in with_model.glob("tfproductgan/**/*") if path.is_file()}
    assert names == files | {"tfproductgan/saved_models/README.md", "tfproductgan/saved_models/studio.keras"}


def test_the_installed_package_finds_its_model_and_its_command(wheel, tmp_path):
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", site]
    run(*install, wheel)
    code = "from tfproductgan.models.loading import shipped_model_path; print(shipped_model_path())"
    kwargs = {"cwd": tmp_path, "env": {"PYTHONPATH": str(site), "TF_CPP_MIN_LOG_LEVEL": "2", "HOME": str(tmp_path)}}
    found = run(sys.executable, "-c", code, **kwargs).strip()
    assert Path(found) == site / "tfproductgan" / "saved_models" / "studio.keras"
    assert run(site / "bin" / "tfproductgan", "--version", **kwargs) == f"tfproductgan {tfproductgan.__version__}\n"
    assert (site / f"tfproductgan-{tfproductgan.__version__}.dist-info").is_dir()


def test_a_wheel_without_a_model_can_be_built(setuptools, tmp_path):
    names = zipfile.ZipFile(build("wheel", checkout(tmp_path), setuptools)).namelist()
    assert "tfproductgan/saved_models/README.md" in names


def test_the_source_archive_builds_the_same_wheel(with_model, wheel, setuptools, tmp_path):
    with tarfile.open(build("sdist", with_model, setuptools)) as archive:
        archive.extractall(tmp_path, filter="data")
    [unpacked] = tmp_path.glob("tfproductgan-*/")
    for part in (*PARTS, "docs/architecture.md", "notebooks/quickstart.ipynb", "tests/test_packaging.py"):
        assert (unpacked / part).is_file(), part
    from_archive = zipfile.ZipFile(build("wheel", unpacked, setuptools)).namelist()
    assert sorted(from_archive) == sorted(zipfile.ZipFile(wheel).namelist())
