import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

for module in ("aiohttp", "grpc_health", "prometheus_client"):
    pytest.importorskip(module, reason="needs the extra 'serving'")


def _toy():
    # tests are no package, and this folder is on no path
    spec = importlib.util.spec_from_file_location("toy", Path(__file__).parent / "toy.py")
    sys.modules["toy"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """A folder with versions 1 and 2 of a toy model, to be copied from."""
    base = tmp_path_factory.mktemp("saved")
    for number in (1, 2):
        _toy().save(base / str(number), number)
    return base


@pytest.fixture
def models(saved, tmp_path):
    """A folder of models that holds version 1 of `toy`."""
    shutil.copytree(saved / "1", tmp_path / "models" / "toy" / "1")
    return tmp_path / "models"


@pytest.fixture(scope="module")
def server(saved, tmp_path_factory):
    """A server of the toy model that the tests of a file share: they only ask."""
    from tfproductgan.serving.server.running import Server

    base = tmp_path_factory.mktemp("models")
    shutil.copytree(saved / "1", base / "toy" / "1")
    with Server(base) as running:
        yield running
