"""The archives hold what an installation needs, and setuptools has nothing to complain about."""

import configparser
import email
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

import tfproductgan

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "SECURITY.md")
PARTS = ("pyproject.toml", "setup.cfg", "setup.py", "MANIFEST.in", "mkdocs.yml", *DOCUMENTS)
FOLDERS = ("deploy", "docs", "notebooks", "saved_models", "tests", "tfproductgan")
WEIGHTS = ("*.keras", "variables.data-*")
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
    """A copy of the sources whose `saved_models/` holds no weights."""
    copy = folder / "checkout"
    copy.mkdir()
    for name in PARTS:
        shutil.copy(ROOT / name, copy)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", *WEIGHTS))
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


@pytest.fixture(scope="module")
def source_archive(with_model, setuptools):
    return build("sdist", with_model, setuptools)


def test_the_wheel_holds_every_file_of_the_package_and_the_model(with_model, wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = {path.relative_to(with_model).as_posix() for path in with_model.glob("tfproductgan/**/*") if path.is_file()}
    models = {path.relative_to(with_model) for path in with_model.glob("saved_models/**/*") if path.is_file()}
    assert names == files | {f"tfproductgan/{path.as_posix()}" for path in models}
    assert {"tfproductgan/saved_models/studio.keras", "tfproductgan/saved_models/studio/1/saved_model.pb"} <= names


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


def test_the_wheel_says_what_it_is(wheel):
    with zipfile.ZipFile(wheel) as archive:
        folder = f"tfproductgan-{tfproductgan.__version__}.dist-info"
        about = email.message_from_string(archive.read(f"{folder}/METADATA").decode())
        assert f"{folder}/licenses/LICENSE" in archive.namelist()
        assert b"tfproductgan = tfproductgan.__main__:command" in archive.read(f"{folder}/entry_points.txt")
    assert (about["Name"], about["Version"]) == ("tfproductgan", tfproductgan.__version__)
    assert (about["License-Expression"], about["Requires-Python"]) == ("Apache-2.0", ">=3.11")
    assert about.get_payload().strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    assert set(about.get_all("Provides-Extra")) == set(settings["options.extras_require"])
    assert Path(wheel).stat().st_size < 3 * 2**20  # without its model


def test_an_index_would_take_the_archives(wheel, source_archive):
    pytest.importorskip("twine", reason="part of the extra release")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, source_archive)


def test_a_wheel_without_a_model_can_be_built(setuptools, tmp_path):
    names = zipfile.ZipFile(build("wheel", checkout(tmp_path), setuptools)).namelist()
    assert "tfproductgan/saved_models/README.md" in names


def test_the_source_archive_holds_the_checkout(with_model, source_archive):
    with tarfile.open(source_archive) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
    names = {member.name.partition("/")[2] for member in members}
    files = {path.relative_to(with_model).as_posix() for path in with_model.rglob("*") if path.is_file()}
    made = {name for name in names | files if ".egg-info/" in name or name.startswith("build/")}
    assert names - made == (files - made) | {"PKG-INFO"}


def test_the_source_archive_builds_the_same_wheel(source_archive, wheel, setuptools, tmp_path):
    with tarfile.open(source_archive) as archive:
        archive.extractall(tmp_path, filter="data")
    [unpacked] = tmp_path.glob("tfproductgan-*/")
    from_archive = zipfile.ZipFile(build("wheel", unpacked, setuptools)).namelist()
    assert sorted(from_archive) == sorted(zipfile.ZipFile(wheel).namelist())


def test_the_citation_file_has_what_its_format_asks_for():
    about = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert about["cff-version"] == "1.2.0" and about["title"] == "tfproductgan" and about["license"] == "Apache-2.0"
    assert about["message"] and all(author.get("name") or author.get("family-names") for author in about["authors"])


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda p: p.stem)
def test_an_issue_form_asks_something(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert form["name"] and form["description"]
    assert any(part.get("validations", {}).get("required") for part in form["body"])
    assert {part["type"] for part in form["body"]} <= {"markdown", "textarea", "input", "dropdown", "checkboxes"}
