import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tfproductgan.recipes import RECIPES
from tfproductgan.registry import families

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "jax_families.py"


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs JAX: pip install jax")
def test_every_family_computes_on_keras_jax_backend():
    options = ["--image-size", "28", "--batch", "2", "--width", "8", "--seconds", "0"]
    # with TensorFlow out of reach
    code = f"import sys, runpy; sys.modules['tensorflow'] = None; runpy.run_path({str(PROGRAM)!r}, run_name='__main__')"
    run = subprocess.run(
        [sys.executable, "-c", code, *options],
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()[1:]
    measured = {network.family for line in lines for network in RECIPES[line.split()[0]].networks.values()}
    assert measured == set(families())
    assert {line.split()[0] for line in lines if " step " in line} >= {"dcgan", "mlp", "r3gan"}
