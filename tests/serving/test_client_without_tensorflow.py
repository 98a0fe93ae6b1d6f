"""The client in an environment that has what docs/serving.md says it needs, and no TensorFlow."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PARTS = ("pyproject.toml", "setup.cfg", "setup.py", "README.md", "LICENSE")

ASK = """
import sys
import numpy as np
from tfproductgan.serving import Client
pictures = []
for url in sys.argv[2:]:
    with Client(url, "shop") as client:
        assert [(status.version, status.state) for status in client.status()] == [(1, "AVAILABLE")]
        pictures.append(client.generate([{"category": "ring"}, {}], count=3, seed=7))
np.save(sys.argv[1], pictures)
assert not {"tensorflow", "keras"} & set(sys.modules)
"""


def run(*command, **kwargs):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **kwargs)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of an environment made by the commands of the document."""
    folder = tmp_path_factory.mktemp("client")
    checkout = folder / "checkout"
    checkout.mkdir()
    for name in PARTS:
        shutil.copy(ROOT / name, checkout)
    for name in ("saved_models", "tfproductgan"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__", "*.keras", "[0-9]*"))
    run(sys.executable, "-m", "venv", folder / "venv")
    document = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^<!-- client without TensorFlow -->\n```bash\n(.*?)^```$", document, re.M | re.S)
    commands = block.replace("tfproductgan\n", f"{checkout}\n")
    assert commands != block
    environment = {"PATH": f"{folder / 'venv' / 'bin'}:/usr/bin:/bin", "HOME": str(folder), "PIP_COMPILE": "0"}
    run("bash", "-euc", commands, env=environment)
    return folder / "venv" / "bin" / "python"


def test_pictures_are_those_of_the_generator(python, shop_server, shop_generator, tmp_path):
    run(python, "-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('tensorflow') is not None)")
    run(python, "-c", ASK, tmp_path / "pictures.npy", shop_server.grpc_url, shop_server.url, cwd=tmp_path)
    served = np.load(tmp_path / "pictures.npy").astype(int)
    local = shop_generator.generate([{"category": "Ring"}, {}], count=3, seed=7)
    assert np.abs(served - local).max() <= 1
